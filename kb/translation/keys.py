"""Under what a word or phrase stands in a dictionary: its dictionary form or stem, by language.

The same analysers that make the term index make the keys, so a question's inflected words meet
the headwords: *jätevedellä* and *jätevesi*, *areas* and *area*.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product

from kb.analysis import Token
from kb.analysis.engines import analyzer
from kb.model import Language

MAX_KEYS = 6
"""Keys of one phrase: a word that can be read in several ways has several."""


def forms(token: Token) -> tuple[str, ...]:
    """Return the dictionary forms of a word, or its stem where the language has no dictionary.

    A number has none: it is the same in every language.
    """
    if any(term.kind == "number" for term in token.terms):
        return ()
    for kind in ("lemma", "stem", "surface"):
        found = tuple(term.text for term in token.terms if term.kind == kind)
        if found:
            return found
    return ()


def phrase_keys(tokens: Sequence[Token]) -> list[str]:
    """Return the keys of a phrase, at most ``MAX_KEYS``; none where a word has no form."""
    return [" ".join(words) for words in islice(product(*map(forms, tokens)), MAX_KEYS)]


def keys(text: str, language: Language) -> list[str]:
    """Return the keys of a headword, which may be of several words."""
    tokens = analyzer(language).tokens(text)
    return phrase_keys(tokens) if tokens else []
