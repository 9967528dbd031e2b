"""Swedish: Snowball's stem and the word itself."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from kb.analysis import TermKind, Token
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
from kb.analysis.vocabulary import word_list
from kb.model import Language

RULES = "1"
"""Version of the rules of this module."""

WEIGHTS: Mapping[TermKind, float] = {
    "lemma": 1.0,
    "part": 0.5,
    "stem": 1.0,
    "surface": 0.3,
    "number": 1.0,
}
"""How much a term of each kind says about its word."""

_CASE_ENDING = re.compile(r"([^:]+):(?:s|n|en|et|ns|ens|ets|er|ar|or|erna|arna|a|e)\Z")


class SwedishAnalyzer:
    """Tokens with Snowball stems and the parts of hyphenated words."""

    def __init__(self, *, weights: Mapping[TermKind, float] = WEIGHTS) -> None:
        import snowballstemmer

        self._stemmer: Any = snowballstemmer.stemmer("swedish")
        self._stemmer_lock = threading.Lock()
        self._weights = dict(weights)
        self._analyse = lru_cache(maxsize=WORD_CACHE)(self._analyse_word)

    @property
    def language(self) -> Language:
        """Swedish."""
        return "sv"

    @property
    def fingerprint(self) -> str:
        """Stemmer and rules."""
        return f"sv:snowball {version('snowballstemmer')}:rules {TOKEN_RULES}.{RULES}"

    def tokens(self, text: str) -> list[Token]:
        """Return the words of a text with their terms."""
        return tokenize(
            text,
            self._analyse,
            conjunctions=word_list("sv", "conjunctions"),
            weight=self._weights["part"],
        )

    def _stem(self, word: str) -> str:
        with self._stemmer_lock:  # the stemmer works on state of its own
            return str(self._stemmer.stemWord(word))

    def _analyse_word(self, key: str) -> WordTerms:
        weights = self._weights
        ending = _CASE_ENDING.match(key)
        if ending:  # EU:s, 90:e
            key = ending.group(1)
        if is_number(key):
            return WordTerms(number_terms(key, part_weight=weights["part"]))
        found: list[tuple[str, float, TermKind]] = [
            (self._stem(key), weights["stem"], "stem"),
            (key, weights["surface"], "surface"),
        ]
        pieces = components(key)
        if len(pieces) > 1:
            found.extend(
                (self._stem(piece), weights["part"], "part") for piece in pieces if len(piece) > 1
            )
        return WordTerms(distinct(found))
