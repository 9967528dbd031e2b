"""Training the model that reads: what is drawn, what is learned, and the graph that comes of it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from kb.embedding.answer_model import AnswerModel, Pair
from kb.embedding.weights import Weights, bundled_file
from tests.evaluation.torch_tests import TORCH
from tests.evaluation.wells import lists

pytestmark = TORCH


def test_two_steps_of_training_lower_the_loss() -> None:
    from evaluation.answer_model.network import AnswerNetwork
    from evaluation.answer_model.train import Course, draw, loss_of, measure, train

    weights = Weights(bundled_file())
    network = AnswerNetwork(weights, 2)
    made = lists(count=4)
    course = Course(epochs=2, lists=4, lacking=0, rate=1e-3)
    draws = random.Random(0)
    fixed = [draw(one, draws, course=course, weights=weights) for one in made]
    assert [one.answered for one in fixed] == [one.answered for one in made]
    before = float(loss_of(network, fixed).detach())
    losses = list(train(network, made, course=course, weights=weights))
    after = float(loss_of(network, fixed).detach())

    assert len(losses) == 2
    assert after < before

    told = measure(network, made, weights=weights)
    assert 0 <= told.top1 <= 1
    assert 0 <= told.auroc <= 1


def test_a_question_read_without_what_answers_it_is_unanswerable() -> None:
    from evaluation.answer_model.train import Course, draw, read_as

    weights = Weights(bundled_file())
    one = next(one for one in lists(count=4) if one.answered)
    answer = statement_of(read_as(one, int(np.argmax(one.right)), weights=weights))
    for lacking in (0.0, 1.0):
        course = Course(lacking=lacking)
        for seed in range(9):
            drawn = draw(one, random.Random(seed), course=course, weights=weights)
            statements = [statement_of(item) for item in drawn.items]
            assert drawn.answered == (answer in statements) == (not lacking)
            assert len(statements) > 1


def statement_of(read: Pair) -> list[int]:
    return [token for token, role in zip(read.tokens, read.roles, strict=True) if role == 1]


def test_frozen_layers_stay_and_the_others_learn() -> None:
    import torch

    from evaluation.answer_model.network import AnswerNetwork
    from evaluation.answer_model.train import Course, train

    weights = Weights(bundled_file())
    network = AnswerNetwork(weights, 2)
    network.freeze(1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    course = Course(epochs=1, lists=4, rate=1e-3)
    list(train(network, lists(count=4), course=course, weights=weights))
    learned = {
        name for name, value in network.state_dict().items() if not torch.equal(value, before[name])
    }

    assert {"layers.1.qkv.weight", "head.weight"} <= learned
    assert not [one for one in learned if not one.startswith(("layers.1.", "head."))]
    with pytest.raises(ValueError, match="2 layers"):
        network.freeze(3)


def test_the_graph_scores_as_the_network_does(tmp_path: Path) -> None:
    import torch

    from evaluation.answer_model.network import AnswerNetwork, resume
    from evaluation.answer_model.train import read_as, write

    weights = Weights(bundled_file())
    network = AnswerNetwork(weights, 2)
    network.seg.data.normal_(std=0.05)  # roles that say nothing yet would test nothing
    network.head.weight.data *= 4
    pairs = [
        read_as(one, at, weights=weights)
        for one in lists(count=4)
        for at in range(len(one.statements))
    ]
    with torch.no_grad():
        expected = network.read(pairs).numpy()
    write(tmp_path / "model.onnx", network, weights=weights)

    model = AnswerModel(threads=1, model=(tmp_path / "model.onnx").read_bytes())
    found = np.array([model.read(one) for one in pairs])
    assert np.std(expected) > 0
    assert np.corrcoef(expected, found)[0, 1] > 0.98

    again = AnswerNetwork(weights, 2)
    resume(again, tmp_path / "model.onnx")
    with torch.no_grad():
        resumed = again.read(pairs).numpy()
    assert np.corrcoef(expected, resumed)[0, 1] > 0.999
    assert abs(float(np.mean(expected - resumed))) < 0.05 * float(np.std(expected))
    with pytest.raises(ValueError, match="3 layers"):
        resume(AnswerNetwork(weights, 3), tmp_path / "model.onnx")


def test_the_network_begins_as_the_embedder_and_reads_parts_as_it_reads_all() -> None:
    import torch

    from evaluation.answer_model.network import AnswerNetwork, Trained
    from evaluation.answer_model.train import read_as

    weights = Weights(bundled_file())
    network = AnswerNetwork(weights, 2)
    trained = Trained(network.state_dict(), heads=weights.heads)
    assert trained.layers == 2
    assert np.array_equal(trained.matrix("l1.k.w"), weights.matrix("l1.k.w"))
    assert np.array_equal(trained.vector("l1.fo.b"), weights.vector("l1.fo.b"))

    one = lists(count=3)[1]
    items = [read_as(one, at, weights=weights) for at in range(len(one.statements))]
    with torch.no_grad():
        at_once, in_parts = network(items), network.read(items, parts=3)
    assert at_once.shape == (len(items),)
    assert np.allclose(at_once.numpy(), in_parts.numpy(), atol=1e-4)
