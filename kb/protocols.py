"""The seams: what an embedder and a reranker must do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

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
