"""The words of ``words.toml``, and what all languages share: openings, years, towns."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast

from kb.model import LANGUAGES, Language

YEAR = re.compile(r"\b(?:1[89]|20)\d\d(?:\s*[–-]\s*(?:1[89]|20)\d\d)?\b")
WORD = re.compile(r"[^\W_]+(?:[-’':][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a question: ``text[start:end]``."""

    start: int
    end: int
    text: str

    @property
    def folded(self) -> str:
        """The word in lower case."""
        return self.text.casefold()

    @property
    def capital(self) -> bool:
        """True where it begins with a capital letter."""
        return self.text[:1].isupper()


def tokens_of(text: str) -> list[Token]:
    """Return the words of a text."""
    return [Token(found.start(), found.end(), found.group()) for found in WORD.finditer(text)]


@cache
def _source() -> dict[str, object]:
    text = (files("kb.following") / "words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def pattern(language: Language, name: str) -> re.Pattern[str]:
    """Return a regular expression of a language."""
    return _pattern(language, name)


@cache
def _pattern(language: Language, name: str) -> re.Pattern[str]:
    table = cast("dict[str, str]", _source()[language])
    return re.compile(table[name], re.IGNORECASE)


@cache
def words(language: Language, name: str) -> frozenset[str]:
    """Return a list of words of a language, empty where it has no such list."""
    table = cast("dict[str, str]", _source()[language])
    return frozenset(table.get(name, "").split())


@cache
def towns() -> dict[str, tuple[str, str]]:
    """Return towns by each of their names in lower case: the Finnish and the Swedish name."""
    pairs = [line.split() for line in str(_source()["towns"]).strip().splitlines()]
    return {name.casefold(): (pair[0], pair[1]) for pair in pairs for name in pair}


def town_in(name: str, language: Language) -> str:
    """Return what a town is called in a language; English has the Finnish names."""
    known = towns().get(name.casefold())
    return name if known is None else known[1 if language == "sv" else 0]


def opening_of(question: str) -> tuple[Language | None, str]:
    """Return the language of the words that go on, and what is left; None where there are none."""
    for language in LANGUAGES:
        found = pattern(language, "opening").match(question)
        if found:
            bare = re.sub(r"[\s?!.…]+$", "", question[found.end() :])
            return language, pattern(language, "leaving").sub("", f" {bare.strip()}").strip()
    return None, question


def phrase_only(text: str, allowed: frozenset[str]) -> re.Match[str] | None:
    """Return the year of a text that holds nothing else but some small words."""
    found = YEAR.search(text)
    if found is None:
        return None
    others = tokens_of(f"{text[: found.start()]} {text[found.end() :]}")
    return found if all(token.folded in allowed for token in others) else None


def with_year(phrase: str, year: re.Match[str], before: str, *, plain: str) -> str:
    """Return a question with its last year replaced; where it has none, one is added.

    ``plain`` is how a bare year is said: ``vuonna {}``.
    """
    years = list(YEAR.finditer(before))
    if years:
        return before[: years[-1].start()] + year.group() + before[years[-1].end() :]
    bare = phrase.strip() == year.group()
    return f"{before} {plain.format(phrase.strip()) if bare else phrase.strip()}"
