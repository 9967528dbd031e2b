"""The seams: what an embedder, an index, a reranker and an answerer must do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kb.model import Claim, Hit, Language, Matrix


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
    """Scores question and passage together; hits come back best first."""

    def rerank(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the same hits in a new order."""


class Answerer(Protocol):
    """Drafts claims from hits; whatever it writes is verified before it leaves."""

    def draft(self, question: str, language: Language, hits: Sequence[Hit]) -> list[Claim]:
        """Return claims with citations, best first; an empty list when nothing supports one."""
