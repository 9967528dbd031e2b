"""How well a statement answers a question, told by a model that reads both together.

A cross-encoder (Nogueira & Cho, Passage Re-ranking with BERT, 2019) that begins with the layers of
the bundled embedder and was trained on questions written for it (``evaluation.answer_model``).
Where the embedder compares two vectors that know nothing of each other, this one sees each word of
the question beside each of the statement. So it is asked about the few likeliest statements alone.

The graph, in int8, comes with the package; the vocabulary is that of the bundled embedder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from kb.embedding.bundled import bundled_tokenizer, cores, longest_first
from kb.embedding.graph import Draft, Tensors, hidden_states, open_session
from kb.embedding.weights import Floats, Weights, bundled_file
from kb.fusion import Scores
from kb.protocols import Statement

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FILE_NAME = "answer_model.onnx"

LONGEST_QUESTION, LONGEST_STATEMENT, LONGEST_BEFORE, LONGEST_ABOVE = 32, 80, 64, 40
"""Tokens that are read of each; of what stands before, the last ones."""

POSITIONS = 256
"""Tokens that the model knows the places of; more than are ever read."""

_QUESTION, _STATEMENT, _BEFORE, _ABOVE = range(4)
ROLES = 4
"""A token is of the question, of the statement, of what stands before it, or of what it stands
under: title and heading."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a statement as tokens, and the role of each token."""

    tokens: tuple[int, ...]
    roles: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.tokens)


def pair(
    question: Sequence[int],
    statement: Sequence[int],
    before: Sequence[int] = (),
    above: Sequence[int] = (),
    *,
    begin: int,
    end: int,
) -> Pair:
    """Put the tokens of a question, a statement, what stands before it and above it together.

    Of a long one the beginning is read; of what stands before, the end, which is nearest.
    ``begin`` and ``end`` are the model's own tokens; two ends part two texts, as in XLM-RoBERTa.
    """
    parts = [
        [begin, *question[:LONGEST_QUESTION], end],
        [end, *statement[:LONGEST_STATEMENT], end],
        [*before[-LONGEST_BEFORE:], end] if before else [],
        [*above[:LONGEST_ABOVE], end] if above else [],
    ]
    return Pair(
        tuple(token for part in parts for token in part),
        tuple(role for role, part in enumerate(parts) for _ in part),
    )


class AnswerModel:
    """Reads on ``threads`` processor cores (all that it may use, by default).

    Nothing is loaded before the first question. Threads may share one. What a statement gets
    doesn't depend on what it is read beside. ``model`` is a graph in place of the one that ships.
    """

    def __init__(self, threads: int | None = None, *, model: bytes | None = None) -> None:
        self._threads = threads or cores()
        self._model = model
        self._lock = Lock()

    def score(self, question: str, statements: Sequence[Statement]) -> Scores:
        """Return the log-odds, shape (len(statements),), that each answers the question."""
        tokenizer = bundled_tokenizer()
        asked = tokenizer.content(question, LONGEST_QUESTION)
        pairs = [
            pair(
                asked,
                tokenizer.content(one.text, LONGEST_STATEMENT),
                tokenizer.content(one.before),
                tokenizer.content(one.above, LONGEST_ABOVE),
                begin=tokenizer.begin,
                end=tokenizer.end,
            )
            for one in statements
        ]
        with self._lock:  # else each thread would open one of its own
            _ = self._weights, self._session
        read = longest_first(self.read, pairs, threads=self._threads)
        return np.array(read, dtype=np.float32)

    def read(self, read: Pair) -> float:
        """Return the log-odds that the statement of a pair answers its question."""
        words = self._weights.words(np.asarray(read.tokens, np.int64))
        roles = np.eye(ROLES, dtype=np.float32)[list(read.roles)]
        (score,) = self._session.run(None, {"words": words[np.newaxis], "roles": roles[np.newaxis]})
        return float(score.item())

    @cached_property
    def _weights(self) -> Weights:
        return Weights(bundled_file())

    @cached_property
    def _session(self) -> InferenceSession:
        return open_session(self._model or (files("kb.embedding") / FILE_NAME).read_bytes())


def build(tensors: Tensors, *, epsilon: float) -> bytes:
    """Return the model of these weights as an ONNX graph.

    Besides the layers' there are ``emb.pos``, (POSITIONS × dimension), ``emb.seg``, (ROLES ×
    dimension), and a head: ``head.w``, (2 × dimension), and ``head.b``. The head reads the first
    token, and the product of the question's and the statement's mean direction.
    """
    normalisation = tensors.vector("emb.ln.w")
    dimension = len(normalisation)
    draft = Draft(epsilon=epsilon)

    def integers(*values: int) -> str:
        return draft.constant(np.array(values, np.int64))

    tokens = draft.node("Shape", ["words"], start=1, end=2)
    places = draft.node(
        "Slice",
        [
            draft.constant(tensors.vector("emb.pos").reshape(POSITIONS, dimension)),
            integers(0),
            tokens,
            integers(0),
        ],
    )
    roles = draft.constant(tensors.vector("emb.seg").reshape(ROLES, dimension))
    summed = draft.node("Add", ["words", places])
    summed = draft.node("Add", [summed, draft.node("MatMul", ["roles", roles])])
    hidden = hidden_states(draft, tensors, summed)
    first = draft.node("Gather", [hidden, integers(0)], axis=1)
    # A direction has no length, so a sum does for a mean.
    sums = draft.node("MatMul", [draft.node("Transpose", ["roles"], perm=[0, 2, 1]), hidden])
    directions = draft.node("LpNormalization", [sums], axis=-1, p=2)
    of_question, of_statement = (
        draft.node("Gather", [directions, integers(role)], axis=1)
        for role in (_QUESTION, _STATEMENT)
    )
    product = draft.node("Mul", [of_question, of_statement])
    head: Floats = tensors.vector("head.w").copy()
    head[dimension:] *= np.sqrt(dimension)
    weighed = draft.node(
        "MatMul",
        [draft.node("Concat", [first, product], axis=2), draft.constant(head[:, np.newaxis])],
    )
    score = draft.node("Add", [weighed, draft.constant(tensors.vector("head.b"))])
    return draft.model(
        "answer_model",
        {"words": [1, "tokens", dimension], "roles": [1, "tokens", ROLES]},
        {score: [1, 1, 1]},
    )
