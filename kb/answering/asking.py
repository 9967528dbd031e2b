"""What kind of thing a question asks for, and whether a sentence holds such a thing."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from kb.model import LANGUAGES, Language

AskedKind = Literal["who", "when", "how much", "what", "how", "why", "list", "compare", "practices"]

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


def holds_answer(kind: AskedKind, text: str) -> float | None:
    """Return how well a text holds what the kind asks for, 0–1; None where anything may.

    A number without a unit is half of a quantity.
    """
    wanted = _HOLDS.get(kind)
    if wanted is None:
        return None
    for place, name in enumerate(wanted):
        # Names are told by their capital letters.
        if _answers()[name].search(text if name == "agent" else text.casefold()):
            return 1.0 / (1 + place)
    return 0.0


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
