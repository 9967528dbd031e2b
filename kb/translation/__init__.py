"""A question's words in the other languages, so that terms find passages of all three.

Dictionaries and an imported vocabulary give each word its translations: phrases of up to three
words as wholes, a compound that no dictionary has part by part. Names and numbers have none;
they are found as they are. A translation finds passages of its own language only, so asking in
the material's language is never disturbed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from kb.analysis import Token
from kb.analysis.engines import analyzer, is_function_word
from kb.analysis.tokens import fold, safe
from kb.analysis.vocabulary import word_list
from kb.lexical import Terms, Translation
from kb.model import LANGUAGES, Language
from kb.translation.keys import forms, keys, phrase_keys
from kb.translation.lexicon import Entry, Lexicon, Pair

LONGEST_PHRASE = 3
MAX_TRANSLATIONS = 10
"""Translations of a word that are tried, the surest first."""

OTHER_HEADWORD = 0.7
"""A headword that only shares the stem with the word asked about."""

VIA = 0.8
"""A translation through a third language."""

PARTS = 0.9
"""A compound that no dictionary has, put together from its parts' translations."""

KNOWN_PARTS = 0.4
"""The same for one that a dictionary has."""

ROOT = 0.7
"""What a word is derived from, where no dictionary has the word: tapahtua for tapahtunut."""

_MIN_PART = 3
_SHORT_PARTS = ("el",)
"""Shorter beginnings of compounds than ``_MIN_PART``."""

_LONGEST_IN_THREE = 30
"""Letters of a word that is tried in three parts: the ways grow with the square of them."""

_ENDING = re.compile(r"(?:s?ens?|s?ets?|[aeo]?r?nas?)\Z")
"""What looks like the last of three parts of a Swedish compound and is an inflection."""

_OF_VERBS = re.compile(r"(?<=..[^\W\d])n?ing\Z")
"""What makes a Swedish noun of a verb: rekrytering of rekrytera, kylning of kyla."""


class Dictionary(Protocol):
    """Where translations come from."""

    def find(self, key: str, pair: Pair) -> list[Entry]:
        """Return the entries of a key of ``kb.translation.keys``."""


@dataclass(frozen=True, slots=True)
class _Found:
    text: str
    weight: float


class Translator:
    """Translates the words of questions. Safe between threads."""

    def __init__(self, dictionaries: Sequence[Dictionary]) -> None:
        self._dictionaries = tuple(dictionaries)

    def translate(
        self, tokens: Sequence[Token], *, source: Language, target: Language
    ) -> list[tuple[Translation, ...]]:
        """Return the translations of each word; none for words that only ask or join."""
        light = [is_function_word(token, source) for token in tokens]
        out: list[list[Translation]] = [[] for _ in tokens]
        for size in range(LONGEST_PHRASE, 1, -1):
            for at in range(len(tokens) - size + 1):
                if light[at] or light[at + size - 1]:
                    continue
                for key in phrase_keys(tokens[at : at + size]):
                    found = self._whole(key, "", (source, target))
                    for place in range(at, at + size):
                        out[place] += _translations(found, target)
        for at, token in enumerate(tokens):
            if not light[at]:
                out[at] += self._word(token, (source, target))
        return [tuple(_surest(found)) for found in out]

    def _word(self, token: Token, pair: Pair) -> Iterator[Translation]:
        found = self._forms(token, pair)
        yield from _translations(found, pair[1])
        parts = self._parts(token, pair)
        if parts:
            yield Translation(pair[1], tuple(parts), KNOWN_PARTS if found else PARTS)
        elif not found and pair[0] == "sv":
            for form in forms(token):
                yield from _translations(self._of_verb(form, pair), pair[1])
        elif not found:
            pieces = [term.text for term in token.terms if term.kind == "part"]
            for piece in pieces if pair[0] == "fi" else ():
                known = self._whole(piece, piece, pair)
                rooted = [_Found(one.text, one.weight * ROOT) for one in known]
                yield from _translations(rooted, pair[1])

    def _forms(self, token: Token, pair: Pair) -> list[_Found]:
        surface = fold(token.surface)
        return [one for form in forms(token) for one in self._whole(form, surface, pair)]

    def _of_verb(self, key: str, pair: Pair) -> list[_Found]:
        """Return what the verb is that a Swedish noun in -ning is made of."""
        verb = _OF_VERBS.sub("", key) if pair[0] == "sv" else key
        if verb == key:
            return []
        return [_Found(one.text, one.weight * ROOT) for one in self._whole(verb, f"{verb}a", pair)]

    def _whole(self, key: str, surface: str, pair: Pair) -> list[_Found]:
        direct = self._entries(key, surface, pair)
        # The dictionary of English and Swedish is small, and those of either with Finnish aren't.
        if direct and "fi" in pair:
            return direct
        third: Language = next(language for language in LANGUAGES if language not in pair)
        out = list(direct)
        for bridge in self._entries(key, surface, (pair[0], third)):
            for form in keys(bridge.text, third)[:1]:
                out += [
                    _Found(one.text, one.weight * bridge.weight * VIA)
                    for one in self._entries(form, bridge.text, (third, pair[1]))
                ]
        return out

    def _entries(self, key: str, surface: str, pair: Pair) -> list[_Found]:
        """Return what the dictionaries say; the headword most like the surface counts in full."""
        out: list[_Found] = []
        for dictionary in self._dictionaries:
            entries = dictionary.find(key, pair)
            alike = [_alike(fold(entry.headword), surface) for entry in entries]
            for entry, likeness in zip(entries, alike, strict=True):
                weight = 1.0 if likeness == max(alike) else OTHER_HEADWORD
                out += [
                    _Found(text, weight * rank_weight(place))
                    for place, text in enumerate(entry.translations)
                ]
        return out

    def _parts(self, token: Token, pair: Pair) -> list[tuple[Terms, ...]]:
        """Return the translations of a compound's parts; empty unless each has one."""
        for split in _splits(token, pair[0]):
            parts = []
            for part in split:
                found = self._whole(part, part, pair) or self._of_verb(part, pair)
                ways = [terms for one in found if (terms := _flat(one.text, pair[1]))]
                if not ways:
                    break
                parts.append(tuple(dict.fromkeys(ways[:MAX_TRANSLATIONS])))
            else:
                return parts
        return []


def rank_weight(place: int) -> float:
    """Return how much a translation counts by its place in its entry, from 0."""
    return 1.0 / (1.0 + 0.15 * place)


def _translations(found: Sequence[_Found], target: Language) -> Iterator[Translation]:
    for one in sorted(found, key=lambda one: -one.weight)[:MAX_TRANSLATIONS]:
        parts = target_terms(one.text, target)
        if parts:
            yield Translation(target, tuple((part,) for part in parts), one.weight)


def _surest(found: Sequence[Translation]) -> list[Translation]:
    best: dict[tuple[tuple[Terms, ...], ...], Translation] = {}
    for one in sorted(found, key=lambda translation: -translation.weight):
        best.setdefault(one.parts, one)
    return list(best.values())[:MAX_TRANSLATIONS]


@lru_cache(maxsize=1 << 14)
def target_terms(text: str, language: Language) -> tuple[Terms, ...]:
    """Return the terms of a translation, word by word, without words that only join.

    A translation is a dictionary form, so one kind of term finds it, beside its parts; more of
    them would cost time and find nothing else.
    """
    tokens = analyzer(language).tokens(text)
    telling = [token for token in tokens if not is_function_word(token, language)] or tokens
    return tuple(_main_terms(token) for token in telling)


def _main_terms(token: Token) -> Terms:
    for kinds in (("lemma", "number"), ("stem",), ("surface",)):
        if any(term.kind in kinds for term in token.terms):
            break
    return tuple((t.text, t.weight) for t in token.terms if t.kind in (*kinds, "part"))


def _flat(text: str, language: Language) -> Terms:
    best: dict[str, float] = {}
    for word in target_terms(text, language):
        for term, weight in word:
            best[term] = max(weight, best.get(term, 0.0))
    return tuple(best.items())


def _alike(first: str, second: str) -> int:
    """Return how many letters two words share from their beginnings."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _splits(token: Token, language: Language) -> Iterator[tuple[str, ...]]:
    """Yield ways to part a compound, as keys: those of the analyser, or any two stems."""
    pieces = [term.text for term in token.terms if term.kind == "part"]
    if language == "fi":
        for lemma in forms(token):
            yield from _finnish_splits(lemma, pieces)
    elif language == "sv":
        yield from _swedish_splits(safe(fold(token.surface)))
    elif len(pieces) > 1:
        yield tuple(pieces)


def _finnish_splits(lemma: str, parts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of parts that make up a lemma; the first may be inflected in it: veden-."""
    for last in sorted(parts, key=len, reverse=True):
        front = lemma.removesuffix(last).rstrip("_")
        if front == lemma or not front:
            continue
        for first in sorted(parts, key=len, reverse=True):
            if abs(len(first) - len(front)) <= 3 and _alike(first, front) >= min(2, len(first)):
                yield first, last


def _swedish_splits(word: str) -> Iterator[tuple[str, ...]]:
    """Yield the keys of two or three parts of a word, a joining s left out, the most even first."""
    for first, last, _ in _halves(word):
        yield first, last
    for first, _, rest in _halves(word) if len(word) <= _LONGEST_IN_THREE else ():
        if len(rest) >= 2 * _MIN_PART:
            for middle, last, end in _halves(rest):
                if not _ENDING.match(end):
                    yield first, middle, last


def _halves(word: str) -> Iterator[tuple[str, str, str]]:
    """Yield keys of a beginning and of what is left, and that itself."""
    shorter = [len(part) for part in _SHORT_PARTS if word.startswith(part)]
    places = [*range(_MIN_PART, len(word) - _MIN_PART + 1), *shorter]
    for at in sorted(places, key=lambda place: abs(2 * place - len(word))):
        if word[:at] in word_list("sv", "function"):  # undervisning isn't visning under anything
            continue
        fronts = [word[:at], *([word[: at - 1]] if word[at - 1] == "s" else [])]
        for front in fronts:
            for first in keys(front, "sv")[:2]:
                for last in keys(word[at:], "sv")[:2]:
                    yield first, last, word[at:]


__all__ = ["Dictionary", "Lexicon", "Translator"]
