"""English: Snowball's stem, the word itself, and the irregular forms that no stemmer knows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from kb.analysis import TermKind, Token
from kb.analysis.stemming import Snowball
from kb.analysis.tokens import RULES as TOKEN_RULES
from kb.analysis.tokens import (
    WORD_CACHE,
    WordTerms,
    components,
    distinct,
    is_number,
    number_terms,
    tokenize,
)
from kb.analysis.vocabulary import irregular, word_list
from kb.model import Language

RULES = "2"
"""Version of the rules of this module."""

WEIGHTS: Mapping[str, float] = {
    "part": 0.5,
    "stem": 1.0,
    "surface": 0.6,
}
"""How much a term says about its word, by where it comes from; 0 leaves it out."""


class EnglishAnalyzer:
    """Tokens with Snowball stems; "company's" and "companies" meet, as do "built" and "build"."""

    def __init__(self, *, weights: Mapping[str, float] = WEIGHTS) -> None:
        self._snowball = Snowball("english")
        self._weights = dict(weights)
        self._analyse = lru_cache(maxsize=WORD_CACHE)(self._analyse_word)

    @property
    def language(self) -> Language:
        """English."""
        return "en"

    @property
    def fingerprint(self) -> str:
        """Stemmer and rules."""
        return f"en:{self._snowball.name}:rules {TOKEN_RULES}.{RULES}"

    def tokens(self, text: str) -> list[Token]:
        """Return the words of a text with their terms."""
        return tokenize(
            text,
            self._analyse,
            conjunctions=word_list("en", "conjunctions"),
            weight=self._weights["part"],
        )

    def _stem(self, word: str) -> str:
        return self._snowball.stem(irregular("en").get(word, word))

    def _analyse_word(self, key: str) -> WordTerms:
        weights = self._weights
        key = key.removesuffix("'s").rstrip("'")
        if is_number(key):
            return WordTerms(number_terms(key, part_weight=weights["part"], comma_groups=True))
        found: list[tuple[str, float, TermKind]] = [
            (self._stem(key), weights["stem"], "stem"),
            (key, weights["surface"], "surface"),
        ]
        pieces = components(key)
        if len(pieces) > 1:
            # "waste-water" and "wastewater" are one word to those who write them.
            found.append((self._stem("".join(pieces)), weights["stem"], "stem"))
            found.extend(
                (self._stem(piece), weights["part"], "part") for piece in pieces if len(piece) > 1
            )
        return WordTerms(distinct(found))
