"""The analyser of each language, made once, and what indexes and questions take from it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from kb.analysis import Analyzer, Token
from kb.analysis.tokens import WORD_CACHE, fold, has_suspended, safe, word_forms
from kb.analysis.vocabulary import word_lines, word_list
from kb.model import LANGUAGES, Language

FUNCTION_WORD_WEIGHT = 0.1
"""Factor of a question's function words, measured by ``evaluation.benchmarks.analysis``."""

_lock = threading.Lock()
_analyzers: dict[Language, Analyzer] = {}


def analyzer(language: Language) -> Analyzer:
    """Return the one analyser of a language; it may be used from any thread.

    The dictionary is opened at first use: 0.05 s with libvoikko, about 1 s with pyvoikko.
    """
    with _lock:
        if language not in _analyzers:
            _analyzers[language] = _open(language)
        return _analyzers[language]


def _open(language: Language) -> Analyzer:
    if language == "fi":
        from kb.analysis.finnish import FinnishAnalyzer

        return FinnishAnalyzer()
    if language == "sv":
        from kb.analysis.swedish import SwedishAnalyzer

        return SwedishAnalyzer()
    from kb.analysis.english import EnglishAnalyzer

    return EnglishAnalyzer()


def fingerprint() -> str:
    """Return what names the analysers of all languages; a term index stores it."""
    return " | ".join(analyzer(language).fingerprint for language in LANGUAGES)


def index_terms(text: str, language: Language) -> list[str]:
    """Return the strings that a text is indexed by, in order.

    A word gives each of its terms once. Joined with spaces they are what an FTS5 table with
    ``tokenize = "unicode61 remove_diacritics 0 tokenchars '_'"`` takes, one token a term.
    """
    return [term.text for token in analyzer(language).tokens(text) for term in token.terms]


def term_set(text: str, language: Language) -> frozenset[str]:
    """Return the strings that a text is indexed by, each once: ``set(index_terms(...))``.

    Several times as quick as they are, for texts that are only asked which words they hold.
    """
    if has_suspended(text):
        return frozenset(index_terms(text, language))
    return frozenset().union(*(_terms_of_word(word, language) for word in word_forms(text)))


@lru_cache(maxsize=3 * WORD_CACHE)
def _terms_of_word(surface: str, language: Language) -> frozenset[str]:
    return frozenset(index_terms(surface, language))


def question_tokens(text: str, language: Language) -> list[Token]:
    """Return the words of a question; those that only ask or join weigh little.

    Their terms' weights are multiplied by ``FUNCTION_WORD_WEIGHT``, unless the question has no
    other words.
    """
    tokens = analyzer(language).tokens(text)
    only_ask = _asking_phrases(tokens, language)
    asking = [
        at in only_ask or is_function_word(token, language) for at, token in enumerate(tokens)
    ]
    if all(asking):
        return tokens
    return [
        _lightened(token) if light else token for token, light in zip(tokens, asking, strict=True)
    ]


def _asking_phrases(tokens: Sequence[Token], language: Language) -> set[int]:
    """Return the places of words that ask together: *how long*, *hur lång tid*, *tällä hetkellä*.

    By themselves they may be what is asked about: *how long*, and *a long bridge*.
    """
    said = [fold(token.surface) for token in tokens]
    return {
        place
        for phrase in word_lines(language, "phrases")
        for at in range(len(said) - len(phrase) + 1)
        if tuple(said[at : at + len(phrase)]) == phrase
        for place in range(at, at + len(phrase))
    }


def is_function_word(token: Token, language: Language) -> bool:
    """Return whether a word only asks or joins: by its form, or by all its dictionary forms."""
    asking = word_list(language, "asking")
    if safe(fold(token.surface)) in asking:
        return True
    lemmas = [term.text for term in token.terms if term.kind == "lemma"]
    return bool(lemmas) and all(lemma in asking for lemma in lemmas)


def _lightened(token: Token) -> Token:
    return replace(
        token,
        terms=tuple(
            replace(term, weight=term.weight * FUNCTION_WORD_WEIGHT) for term in token.terms
        ),
    )
