"""The default embedder: multilingual-e5-small from an installed package, in int8, offline.

Wang et al., Multilingual E5 Text Embeddings (2024): the mean over the tokens of the last
layer, scaled to length one, with ``query: `` or ``passage: `` before the text.

Passages are embedded by the model as it is. Questions are read by layers that went on learning,
from questions written for it, to find what those layers make of passages and statements
(``evaluation.answer_model.train_questions``); their graph comes with the package.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np

from kb.embedding import graph
from kb.embedding.unigram import Unigram
from kb.embedding.weights import Floats, Weights, bundled_file
from kb.protocols import Matrix

QUERY = "query: "
PASSAGE = "passage: "

QUESTION_FILE_NAME = "question_model.onnx"
QUESTIONS_VERSION = "questions 1"
"""Names how questions are read. Change it when the same question gets another vector."""

_DIMENSION = 384
_LONGEST = 512
"""Tokens that the model reads; the rest of a text is left out."""


class BundledEmbedder:
    """Embeds on ``threads`` processor cores (all that it may use, by default), a text on each.

    Nothing is loaded before the first text. ``cache_folder`` keeps the graph between starts.
    Threads may share one. The same text gets the same vector, whatever it is embedded with.
    """

    def __init__(self, cache_folder: Path, threads: int | None = None) -> None:
        self._cache_folder = cache_folder
        self._threads = threads or cores()
        self._lock = Lock()
        self._tokenizer: Unigram | None = None
        self._passages: _Encoder | None = None
        self._questions: _Encoder | None = None

    @property
    def fingerprint(self) -> str:
        """Names model, arithmetic and weights of what reads passages."""
        return fingerprint(self._cache_folder)

    @property
    def dimension(self) -> int:
        """Columns of a vector."""
        return _DIMENSION

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Return one unit vector a text, shape (len(texts), 384)."""
        return self._embed(PASSAGE, texts, self._open_passages)

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Return one unit vector a question, shape (len(texts), 384)."""
        return self._embed(QUERY, texts, self._open_questions)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has as a passage, begin and end among them."""
        tokenizer = self._open_tokenizer()
        return [len(tokenizer.content(PASSAGE + text)) + 2 for text in texts]

    def _embed(self, prefix: str, texts: Sequence[str], opened: Callable[[], _Encoder]) -> Matrix:
        vectors = np.zeros((len(texts), _DIMENSION), np.float32)
        if not texts:
            return vectors
        tokenizer, encoder = self._open_tokenizer(), opened()
        tokens = [tokenizer.tokens(prefix + text, _LONGEST) for text in texts]
        for row, vector in enumerate(longest_first(encoder, tokens, threads=self._threads)):
            vectors[row] = vector
        return vectors

    def _open_tokenizer(self) -> Unigram:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = bundled_tokenizer()
            return self._tokenizer

    def _open_passages(self) -> _Encoder:
        with self._lock:
            if self._passages is None:
                weights = Weights(bundled_file())
                self._passages = _Encoder(graph.load(weights, self._cache_folder), weights)
            return self._passages

    def _open_questions(self) -> _Encoder:
        with self._lock:
            if self._questions is None:
                model = (files("kb.embedding") / QUESTION_FILE_NAME).read_bytes()
                self._questions = _Encoder(model, Weights(bundled_file()))
            return self._questions


class _Encoder:
    """Token numbers to a unit vector by a graph, on the calling thread alone."""

    def __init__(self, model: bytes, weights: Weights) -> None:
        self._session = graph.open_session(model)
        self._weights = weights
        positions = weights.vector("emb.pos").reshape(weights.positions, -1)
        # A text is of the first type throughout.
        self._positions = positions + weights.vector("emb.type")[: weights.dimension]

    def __call__(self, numbers: Sequence[int]) -> Floats:
        words = self._weights.words(np.asarray(numbers, np.int64))
        words += self._positions[: len(numbers)]
        (mean,) = self._session.run(None, {"input": words[np.newaxis]})
        vector: Floats = mean[0] / np.linalg.norm(mean[0])
        return vector


_Item = TypeVar("_Item", bound=Sized)
_Result = TypeVar("_Result")


def longest_first(
    work: Callable[[_Item], _Result], items: Sequence[_Item], *, threads: int
) -> list[_Result]:
    """Return what ``work`` makes of each item, in their order, on some threads at once."""
    if len(items) <= 1 or threads == 1:
        return [work(item) for item in items]
    # The longest first, so that no core is left alone with a long text at the end.
    order = sorted(range(len(items)), key=lambda at: len(items[at]), reverse=True)
    with ThreadPoolExecutor(threads) as pool:
        made = dict(zip(order, pool.map(work, [items[at] for at in order]), strict=True))
    return [made[at] for at in range(len(items))]


@cache
def bundled_tokenizer() -> Unigram:
    """Return the tokenizer that all models of the bundled vocabulary share (0.15 s at first)."""
    return Unigram(Weights(bundled_file()))


def fingerprint(cache_folder: Path) -> str:
    """Return the fingerprint of the embedder without loading it."""
    digest = graph.weights_digest(bundled_file(), cache_folder)
    return f"{graph.RECIPE} {digest[:16]}"


def cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
