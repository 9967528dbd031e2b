"""Training how questions are read: what is taught, and that it is learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.answer_model.lists import Part, Passage, Question
from kb.embedding import graph
from kb.embedding.bundled import BundledEmbedder, bundled_tokenizer
from kb.embedding.weights import Weights, bundled_file
from tests.conftest import BagOfWords
from tests.evaluation.torch_tests import TORCH

pytestmark = TORCH

PASSAGES = [
    Passage(
        parts=(Part("fi", "Kaivo"), Part("sv", "Brunn", 9)),
        statements=(
            *(f"Kaivo {number} on metsässä." for number in range(8)),
            "Yhdeksännestä tulee eniten vettä.",
            "Brunnen är djup.",
        ),
    ),
    Passage(
        parts=(Part("en", "Port"),),
        statements=("The quay is long.", "Ice stops the ships in February."),
    ),
]
QUESTIONS = [
    Question(passage=0, answers=frozenset([8]), asked_in="fi", text="Mikä kaivo on runsain?"),
    Question(passage=0, answers=frozenset([0, 8]), asked_in="sv", text="Var finns vatten?"),
    Question(passage=1, answers=frozenset(), asked_in="en", text="Who owns the port?"),
    Question(passage=1, answers=frozenset([1]), asked_in="en", text="When is the sea frozen?"),
]


def test_what_answers_is_told_of_statements_and_of_passages() -> None:
    from evaluation.answer_model.train_questions import lessons

    taught = lessons(PASSAGES, QUESTIONS, embedder=BagOfWords())

    assert len(taught.tokens) == 3
    assert taught.passages == [0, 0, 1]
    assert taught.languages == [0, 1, 2]
    assert taught.statements.right == [[8], [0, 8], [11]]
    # Eight statements and one of the first part, then the second part, then the port.
    assert taught.chunks.vectors.shape[0] == 4
    assert taught.chunks.right == [[1], [0, 1], [3]]
    assert np.allclose(np.linalg.norm(taught.statements.vectors, axis=1), [1] * 9 + [0] + [1] * 2)


def test_training_draws_questions_to_what_answers_them(model_cache: Path) -> None:
    from evaluation.answer_model.network import QuestionNetwork
    from evaluation.answer_model.train_questions import Course, averaged, lessons, train

    taught = lessons(PASSAGES, QUESTIONS, embedder=BundledEmbedder(model_cache))
    network = QuestionNetwork(Weights(bundled_file()))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    course = Course(epochs=6, rate=3e-4, size=3)
    losses = list(train(network, taught, learned=[0, 1, 2], course=course))

    assert len(losses) == 6
    assert losses[-1] < losses[0]
    half = averaged(network.state_dict(), before, share=0.5)
    name = "layers.0.fi.weight"
    assert np.allclose(half[name], (before[name] + network.state_dict()[name]) / 2, atol=1e-6)
    assert not np.allclose(half[name], before[name], atol=1e-6)


def test_the_graph_reads_as_the_network_does_and_as_the_embedder_before_training(
    tmp_path: Path,
) -> None:
    import torch

    from evaluation.answer_model.network import QuestionNetwork
    from evaluation.answer_model.train_questions import tokens_of, write

    weights = Weights(bundled_file())
    network = QuestionNetwork(weights)
    write(tmp_path / "model.onnx", network, weights=weights)

    assert (tmp_path / "model.onnx").read_bytes() == graph.build(weights, epsilon=weights.epsilon)
    tokens = [tokens_of(one.text, bundled_tokenizer()) for one in QUESTIONS]
    with torch.no_grad():
        together = network(tokens)
        alone = torch.cat([network([one]) for one in tokens])
    assert np.allclose(together.numpy(), alone.numpy(), atol=1e-5)
