"""Words to terms: one analyser a language, the same for documents and questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from kb.model import Language

TermKind = Literal["lemma", "part", "stem", "surface", "number"]


@dataclass(frozen=True, slots=True)
class Term:
    """A string of the term index and how much it says about its word (0–1]."""

    text: str
    weight: float
    kind: TermKind


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text: ``text[start:end] == surface``, and the terms it is found by."""

    start: int
    end: int
    surface: str
    terms: tuple[Term, ...]


class Analyzer(Protocol):
    """Turns the text of one language into tokens with terms."""

    @property
    def language(self) -> Language:
        """The language it knows."""

    @property
    def fingerprint(self) -> str:
        """Names rules and dictionaries; a term index built with another is refused."""

    def tokens(self, text: str) -> list[Token]:
        """Return the words of a text in order; a word without letters or digits has no token."""
