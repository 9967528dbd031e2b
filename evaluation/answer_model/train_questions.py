"""Train how the embedder reads questions.

``python -m evaluation.answer_model.train_questions --sets FOLDER --out FILE.onnx``: from the same
questions as ``evaluation.answer_model.train``. A dual encoder (V. Karpukhin et al., Dense Passage
Retrieval, EMNLP 2020) of which one side stays as it is: the vectors of passages and statements are
the embedder's, so nothing that was taken in has to be embedded anew. Prints the loss and, on
passages that are held out, where what answers stands among all that there is. Needs torch
(``make models``).
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from evaluation.answer_model.lists import Floats, Passage, Question, gather
from evaluation.answer_model.network import QuestionNetwork, Trained
from evaluation.answer_model.training import (
    in_batches,
    replace_file,
    steps,
    tell,
    told,
    usual_parser,
)
from evaluation.product import default_cache
from kb.centring import prior_text, unit
from kb.embedding import BUNDLED, open_embedder
from kb.embedding.bundled import QUERY, bundled_tokenizer
from kb.embedding.graph import build
from kb.embedding.unigram import Unigram
from kb.embedding.weights import Weights, bundled_file
from kb.model import LANGUAGES, Language
from kb.protocols import Embedder

_CHUNK = 8
"""Statements that are taken for a passage: some 200 tokens, as the product's are."""

_LONGEST = 64
_CUTS = (0, 40, 76, 106)
"""A step's questions by length are read in parts that begin there, so that little is padding."""

_SPREAD = 0.05
"""Temperature of the softmax over centred cosines."""

_PASSAGES = 0.5
"""What finding the passage counts beside finding the statement."""

_RIVALS = 20_000
"""Wrong statements, and wrong passages, that a step compares with: all take twice the time."""

_LESS = 0.5
_LEFT_OUT = 0.15
"""Share of the questions that are read without some of their tokens, and of those tokens."""

_HELD_OUT = 28
"""Every so manieth passage's questions aren't learned from."""

_PREFIX = 4
"""Tokens of begin and ``query: ``; they and the end are never left out."""

_SHORTEST = 8
"""Tokens of a question that can do without some."""

_FIRST = (1, 8, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How it is trained: ``size`` questions a step, each against everything there is.

    ``share`` is the weight of what was learned in the mean with the embedder's own weights: such
    a mean keeps nearly all of the gain and loses least where questions are of another sort
    (M. Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).
    """

    epochs: float = 3.0
    rate: float = 1e-4
    size: int = 128
    share: float = 0.65
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Vectors to be found, (n, dimension), centred; and of each question, which are right."""

    vectors: Floats
    right: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """Questions as tokens, where in ``LANGUAGES`` theirs is, their passages' numbers; and banks."""

    tokens: Sequence[Sequence[int]]
    languages: Sequence[int]
    passages: Sequence[int]
    statements: Bank
    chunks: Bank


def lessons(
    passages: Sequence[Passage], questions: Sequence[Question], *, embedder: Embedder
) -> Lessons:
    """Embed passages and statements; questions without an answer teach nothing and are left out."""
    questions = [one for one in questions if one.answers]
    tokenizer = bundled_tokenizer()
    starts = np.cumsum([0, *(len(one.statements) for one in passages)]).tolist()
    chunks = [
        (number, start, end) for number, one in enumerate(passages) for start, end in _chunks(one)
    ]
    of_passage: dict[int, list[int]] = {}
    for at, (number, _, _) in enumerate(chunks):
        of_passage.setdefault(number, []).append(at)
    return Lessons(
        tokens=[tokens_of(one.text, tokenizer) for one in questions],
        languages=[LANGUAGES.index(one.asked_in) for one in questions],
        passages=[one.passage for one in questions],
        statements=Bank(
            vectors=_centred(
                embedder.embed_passages([text for one in passages for text in one.statements]),
                [one.part(at).language for one in passages for at in range(len(one.statements))],
            ),
            right=[[starts[one.passage] + at for at in sorted(one.answers)] for one in questions],
        ),
        chunks=Bank(
            vectors=_centred(
                embedder.embed_passages(
                    [
                        "\n".join(
                            filter(
                                None,
                                (
                                    passages[number].part(start).title,
                                    " ".join(passages[number].statements[start:end]),
                                ),
                            )
                        )
                        for number, start, end in chunks
                    ]
                ),
                [passages[number].part(start).language for number, start, _ in chunks],
            ),
            right=[
                [
                    at
                    for at in of_passage[one.passage]
                    if any(chunks[at][1] <= answer < chunks[at][2] for answer in one.answers)
                ]
                for one in questions
            ],
        ),
    )


def tokens_of(question: str, tokenizer: Unigram) -> list[int]:
    """Return a question's tokens as the embedder reads them."""
    return tokenizer.tokens(QUERY + question, _LONGEST)


def _chunks(passage: Passage) -> Iterator[tuple[int, int]]:
    """Yield runs of up to ``_CHUNK`` statements of one part."""
    ends = [*(part.first for part in passage.parts[1:]), len(passage.statements)]
    for part, end in zip(passage.parts, ends, strict=True):
        for start in range(part.first, end, _CHUNK):
            yield start, min(end, start + _CHUNK)


def _centred(vectors: Floats, languages: Sequence[Language]) -> Floats:
    """Return vectors minus the mean of their language, as unit rows, as the product does."""
    spoken = np.array(languages)
    out = np.empty_like(vectors)
    for language in LANGUAGES:
        own = spoken == language
        if own.any():
            out[own] = vectors[own] - vectors[own].mean(axis=0)
    return unit(out)


def mean_questions(network: QuestionNetwork) -> Any:
    """Return the mean of ordinary questions in each language, (languages, dimension).

    The product takes it from a question's vector before that is compared with passages.
    """
    ordinary = tomllib.loads(prior_text())["questions"]
    tokenizer = bundled_tokenizer()
    with torch.no_grad():
        return torch.stack(
            [
                network([tokens_of(text, tokenizer) for text in ordinary[language]]).mean(0)
                for language in LANGUAGES
            ]
        )


def train(
    network: QuestionNetwork, taught: Lessons, *, learned: Sequence[int], course: Course
) -> Iterator[float]:
    """Train the network in place with the questions ``learned``; yields the loss of each step."""
    draws = random.Random(course.seed)
    means = mean_questions(network)
    banks = [
        (bank.right, torch.from_numpy(bank.vectors).bfloat16(), weight)
        for bank, weight in ((taught.statements, 1.0), (taught.chunks, _PASSAGES))
    ]
    total = round(len(learned) / course.size * course.epochs)
    batches = in_batches(len(learned), draws, size=course.size)

    def loss() -> Any:
        members = sorted(
            (learned[at] for at in next(batches)), key=lambda at: len(taught.tokens[at])
        )
        asked = _read(network, [_with_less(taught.tokens[at], draws) for at in members])
        asked = F.normalize(asked - means[[taught.languages[at] for at in members]], dim=-1)
        return sum(
            weight * _loss_of(asked, vectors, [right[at] for at in members], draws)
            for right, vectors, weight in banks
        )

    return steps(network, loss, total=total, rate=course.rate)


def _read(network: QuestionNetwork, texts: Sequence[Sequence[int]]) -> Any:
    """Return the vectors of texts that are in the order of their lengths."""
    cuts = [cut for cut in _CUTS if cut < len(texts)]
    with torch.autocast("cpu", torch.bfloat16):
        return torch.cat(
            [network(texts[a:b]) for a, b in zip(cuts, [*cuts[1:], len(texts)], strict=True)]
        )


def _with_less(tokens: Sequence[int], draws: random.Random) -> Sequence[int]:
    """Return a question as it is, or without some tokens: people write short and misspell."""
    if draws.random() >= _LESS or len(tokens) < _SHORTEST:
        return tokens
    last = len(tokens) - 1
    return [
        token
        for at, token in enumerate(tokens)
        if at in (*range(_PREFIX), last) or draws.random() >= _LEFT_OUT
    ]


def _loss_of(asked: Any, vectors: Any, right: Sequence[Sequence[int]], draws: random.Random) -> Any:
    """Return the mean of −log of the share of one right one in the softmax of all but the others.

    InfoNCE (A. van den Oord et al., 2018), with ``_RIVALS`` drawn by lot and what is right for
    the step's other questions for wrong ones.
    """
    rivals = set(draws.sample(range(len(vectors)), min(_RIVALS, len(vectors))))
    members = sorted(rivals.union(*right))
    place = {one: at for at, one in enumerate(members)}
    with torch.autocast("cpu", torch.bfloat16):
        scores = asked @ vectors[members].T
    scores = scores.float() / _SPREAD
    picked = [draws.choice(own) for own in right]
    for row, (own, one) in enumerate(zip(right, picked, strict=True)):
        scores[row, [place[other] for other in own if other != one]] = -1e4
    return F.cross_entropy(scores, torch.tensor([place[one] for one in picked]))


def measure(network: QuestionNetwork, taught: Lessons, asked: Sequence[int]) -> str:
    """Return how often what answers is among the first of all statements, and of all chunks."""
    means = mean_questions(network)
    with torch.no_grad():
        vectors = torch.cat([network([taught.tokens[at]]) for at in asked])
        vectors = F.normalize(vectors - means[[taught.languages[at] for at in asked]], dim=-1)
    found = []
    for name, bank in (("statements", taught.statements), ("chunks", taught.chunks)):
        places = []
        for at, vector in zip(asked, vectors.numpy(), strict=True):
            scores = bank.vectors @ vector
            places.append(int((scores > scores[list(bank.right[at])].max()).sum()))
        shares = (f"{np.mean(np.array(places) < first):.3f}" for first in _FIRST)
        found.append(f"{name} {' '.join(shares)}")
    return f"held out, right one among the first {_FIRST}: {', '.join(found)}"


def averaged(
    trained: Mapping[str, Any], before: Mapping[str, Any], *, share: float
) -> dict[str, Any]:
    """Return the weights between those before and those trained, ``share`` of the way."""
    return {name: share * trained[name] + (1 - share) * before[name] for name in trained}


def run(
    passages: Sequence[Passage],
    questions: Sequence[Question],
    *,
    embedder: Embedder,
    course: Course,
    out: Path,
    tell: Callable[[str], None],
) -> None:
    """Train on all but the passages that are held out, measure on those, and write the graph."""
    weights = Weights(bundled_file())
    network = QuestionNetwork(weights)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    taught = lessons(passages, questions, embedder=embedder)
    unseen = [at for at, one in enumerate(taught.passages) if one % _HELD_OUT == 0]
    learned = [at for at, one in enumerate(taught.passages) if one % _HELD_OUT]
    tell(f"{len(learned)} questions to learn from, {len(unseen)} held out")
    tell(measure(network, taught, unseen))
    for _ in told(train(network, taught, learned=learned, course=course), tell):
        pass
    tell(measure(network, taught, unseen))
    network.load_state_dict(averaged(network.state_dict(), before, share=course.share))
    tell(f"{course.share} of the way: {measure(network, taught, unseen)}")
    write(out, network, weights=weights)


def write(path: Path, network: QuestionNetwork, *, weights: Weights) -> None:
    """Write the network as the int8 graph that the product runs."""
    trained = Trained(network.state_dict(), heads=weights.heads)
    replace_file(path, build(trained, epsilon=weights.epsilon))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the data, train and write."""
    usual = Course()
    parser = usual_parser(__doc__, epochs=usual.epochs, rate=usual.rate, seed=usual.seed)
    parser.add_argument("--share", type=float, default=usual.share, help="of what was learned")
    chosen = parser.parse_args(arguments)
    passages, questions = gather(chosen.sets)

    run(
        passages,
        questions,
        embedder=open_embedder(BUNDLED, cache_folder=default_cache() / "models"),
        course=Course(epochs=chosen.epochs, rate=chosen.rate, share=chosen.share, seed=chosen.seed),
        out=chosen.out,
        tell=tell,
    )


if __name__ == "__main__":
    main()
