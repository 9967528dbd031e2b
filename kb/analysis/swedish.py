"""Swedish: Snowball's stem, the word itself, and runs of letters that find parts of compounds.

There is no free Swedish dictionary among our dependencies to split compounds with, so a longer
word is found by its runs of five letters too: miljötillstånd by those of miljö and tillstånd.
Measured on Swedish keyword questions that does as well as a splitter with a full dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from kb.analysis import Term, TermKind, Token
from kb.analysis.stemming import Snowball
from kb.analysis.tokens import RULES as TOKEN_RULES
from kb.analysis.tokens import (
    WORD_CACHE,
    WordTerms,
    components,
    distinct,
    is_number,
    number_terms,
    safe,
    tokenize,
)
from kb.analysis.vocabulary import irregular, word_list
from kb.model import Language

RULES = "5"
"""Version of the rules of this module."""

WEIGHTS: Mapping[str, float] = {
    "stem": 1.0,
    "beginning": 0.7,
    "part": 0.5,
    "run": 0.4,
    "surface": 0.3,
}
"""How much a term says about its word, by where it comes from; 0 leaves it out."""

RUN = 5
"""Letters of a run."""

MIN_LETTERS = 6
"""A shorter stem has no parts to be found by."""

# Definite forms that Snowball leaves: ångan (ånga), miljön (miljö), projektet (projekt).
_DEFINITE_A = re.compile(r"(\w*[aeiouyåäö]\w*[^\Waeiouyåäö]a)ns?\Z")
_DEFINITE_N = re.compile(r"(\w{2,}[iouyåö])ns?\Z")
_DEFINITE_ET = re.compile(r"(\w{4,})ets?\Z")

_CASE_ENDING = re.compile(r"([^:]+):(?:s|n|en|et|ns|ens|ets|er|ar|or|erna|arna|a|e)\Z")


@cache
def _irregular_ending() -> re.Pattern[str]:
    """Match a whole word or the last part of a compound that Snowball would cut wrongly."""
    forms = irregular("sv")
    return re.compile(f"(?:{'|'.join({*forms, *forms.values()})})\\Z")


class SwedishAnalyzer:
    """Tokens with Snowball stems, the parts of hyphenated words and runs of letters."""

    def __init__(self, *, weights: Mapping[str, float] = WEIGHTS) -> None:
        self._snowball = Snowball("swedish")
        self._weights = dict(weights)
        self._analyse = lru_cache(maxsize=WORD_CACHE)(self._analyse_word)

    @property
    def language(self) -> Language:
        """Swedish."""
        return "sv"

    @property
    def fingerprint(self) -> str:
        """Stemmer and rules."""
        return f"sv:{self._snowball.name}:rules {TOKEN_RULES}.{RULES}"

    def tokens(self, text: str) -> list[Token]:
        """Return the words of a text with their terms."""
        return tokenize(
            text,
            self._analyse,
            conjunctions=word_list("sv", "conjunctions"),
            weight=self._weights["part"],
        )

    def _stem(self, word: str) -> str:
        ending = _irregular_ending().search(word)
        if ending:
            return word[: ending.start()] + irregular("sv").get(ending.group(), ending.group())
        return self._snowball.stem(word)

    def _stems(self, word: str) -> list[str]:
        """Return the stems of a word: Snowball's, and what its other forms may have instead.

        Snowball keeps some definite forms, and cuts a word's last letter in one form (gräns:
        grän) and not in another (gränsen: gräns). What else looks so (detaljplan, anmälan,
        station) has its own stem beside the other.
        """
        stem = self._stem(word)
        if word in word_list("sv", "function"):
            return [stem]
        found = _DEFINITE_A.match(word) or _DEFINITE_N.match(word)
        if found is None and stem == word.removesuffix("s"):
            found = _DEFINITE_ET.match(word)
        return [stem, self._stem(stem if found is None else found.group(1))]

    def _analyse_word(self, key: str) -> WordTerms:
        weights = self._weights
        ending = _CASE_ENDING.match(key)
        if ending:  # EU:s, 90:e
            key = ending.group(1)
        if is_number(key):
            return WordTerms(number_terms(key, part_weight=weights["part"]))
        pieces = components(key)
        found: list[tuple[str, float, TermKind]] = [
            *((stem, weights["stem"], "stem") for stem in self._stems(key)),
            (key, weights["surface"], "surface"),
        ]
        if len(pieces) > 1:
            found.extend(
                (self._stem(piece), weights["part"], "part") for piece in pieces if len(piece) > 1
            )
        runs = [run for piece in pieces for run in self._runs(self._stem(piece))]
        return WordTerms((*distinct(found), *runs))

    def _runs(self, stem: str) -> Iterator[Term]:
        """Yield the runs of letters of a longer stem; "_" keeps them apart from words."""
        letters = safe(stem)
        if len(letters) < MIN_LETTERS:
            return
        seen: set[str] = set()
        for at in range(len(letters) - RUN + 1):
            run = letters[at : at + RUN]
            weight = self._weights["run" if at else "beginning"]
            if run not in seen and weight > 0:
                seen.add(run)
                yield Term(f"_{run}", weight, "part")
