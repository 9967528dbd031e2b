"""What kind of thing a question asks for, and what a sentence that answers it has to hold."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from kb.model import LANGUAGES, Language

AskedKind = Literal["who", "when", "how much", "what", "how", "why", "list", "compare", "practices"]

_BEGINNING = 6
"""Letters of a word by which it is known again in another form."""

SEVERAL: frozenset[AskedKind] = frozenset({"list", "compare", "practices"})
"""Kinds whose answers are made of several statements."""

# What an answer of a kind holds; the kinds that aren't here can be answered by anything.
_HOLDS: dict[AskedKind, tuple[str, ...]] = {
    "who": ("agent",),
    "when": ("date",),
    "how much": ("quantity", "number"),
    "why": ("reason",),
    "compare": ("comparison",),
}


def kind_of(question: str, language: Language | None) -> AskedKind:
    """Return the kind of a question; "what" where nothing else shows.

    A question of no clear language is read in all three.
    """
    text = question.casefold().strip()
    found: list[tuple[int, int, AskedKind]] = []
    for order, (kind, patterns) in enumerate(_kinds()):
        for spoken in (language,) if language else LANGUAGES:
            match = patterns[spoken].search(text)
            if match:
                found.append((-1 if kind == "compare" else match.start(), order, kind))
    return min(found)[2] if found else "what"


def only_asks(word: str) -> bool:
    """Return whether a word of a question says no more than which kind of answer is wanted."""
    text = word.casefold()
    return any(
        pattern.search(text)
        for kind, patterns in _kinds()
        if kind in _HOLDS
        for pattern in patterns.values()
    ) or any(asks.search(text) for asks, _ in _figures(None))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer has to hold: any of the patterns, the first ones best.

    No patterns where anything may answer. ``cased`` patterns are about capital letters.
    """

    patterns: tuple[re.Pattern[str], ...] = ()
    cased: bool = False
    but: frozenset[str] = frozenset()
    """Beginnings of words that the question itself has: who owns a company isn't the company."""

    def held(self, text: str) -> float | None:
        """Return how well a text holds it, 0–1; None where anything may answer.

        What only the second pattern finds (a number, but not of the unit asked for) counts half.
        """
        if not self.patterns:
            return None
        looked_at = text if self.cased else text.casefold()
        for place, pattern in enumerate(self.patterns):
            if any(self._new(found[0]) for found in pattern.finditer(looked_at)):
                return 1.0 / (1 + place)
        return 0.0

    def _new(self, found: str) -> bool:
        return not self.but or found.casefold()[:_BEGINNING] not in self.but


def wanted(kind: AskedKind, question: str) -> Wanted:
    """Return what an answer to a question of a kind has to hold."""
    names = _HOLDS.get(kind)
    if names is None:
        return Wanted()
    text = question.casefold()
    patterns = tuple(_answers()[name] for name in names)
    if kind == "who":
        asks, name = _persons()
        said = frozenset(word[:_BEGINNING] for word in re.findall(r"\w{4,}", text))
        return Wanted((name,) if asks.search(text) else patterns, cased=True, but=said)
    if kind in ("how much", "when"):
        for asks, answer in _figures(kind):
            if asks.search(text):
                return Wanted((answer, *patterns[:1]))
    return Wanted(patterns)


@cache
def _source() -> dict[str, object]:
    return tomllib.loads((files("kb.answering") / "asking.toml").read_text(encoding="utf-8"))


@cache
def _kinds() -> tuple[tuple[AskedKind, dict[Language, re.Pattern[str]]], ...]:
    entries = cast("list[dict[str, str]]", _source()["kinds"])
    return tuple(
        (
            cast("AskedKind", entry["kind"]),
            {language: re.compile(entry[language]) for language in LANGUAGES},
        )
        for entry in entries
    )


@cache
def _answers() -> dict[str, re.Pattern[str]]:
    patterns = cast("dict[str, str]", _source()["answers"])
    return {name: re.compile(pattern) for name, pattern in patterns.items()}


@cache
def _figures(kind: AskedKind | None) -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    """Return what figures a question of a kind may ask for; all for None.

    When a price falls is a date and no price.
    """
    entries = cast("list[dict[str, str]]", _source()["figures"])
    return tuple(
        (re.compile(one["question"]), re.compile(one["answer"]))
        for one in entries
        if kind != "when" or one.get("kind") == "when"
    )


@cache
def _persons() -> tuple[re.Pattern[str], re.Pattern[str]]:
    table = cast("dict[str, str]", _source()["persons"])
    return re.compile(table["question"]), re.compile(table["answer"])
