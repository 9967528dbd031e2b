"""The seams: what an embedder, a reranker and a reader of answers must do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from kb.fusion import Scores

Matrix = npt.NDArray[np.float32]
"""Vectors as rows, shape (n, dimension), float32."""


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def fingerprint(self) -> str:
        """Names model, weights and arithmetic; vectors of two fingerprints never mix."""

    @property
    def dimension(self) -> int:
        """Columns of a vector."""

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Return one unit vector a text, shape (len(texts), dimension)."""

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Return one unit vector a question, shape (len(texts), dimension)."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens the model reads for each text, before truncation."""


class Reranker(Protocol):
    """Reads question and passage together."""

    def score(self, question: str, passages: Sequence[str]) -> Scores:
        """Return how well each passage answers, shape (n,); only their order means anything."""


STATEMENTS_BEFORE = 3
"""How many statements are read before one: they say what its *it* or *the sum* is."""


class Statement(NamedTuple):
    """What might answer: a sentence, row or item, and what it stands in.

    ``before`` is the header of its table, what announces its list, or the sentences before;
    ``above`` the title of its document and its heading.
    """

    text: str
    before: str = ""
    above: str = ""


class AnswerReader(Protocol):
    """Reads question and statement together."""

    def score(self, question: str, statements: Sequence[Statement]) -> Scores:
        """Return the log-odds, shape (n,), that each statement answers the question."""
