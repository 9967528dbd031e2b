"""The word lists that ship with us: small words, question words, abbreviations, months."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from kb.model import Language

ListName = Literal["asking", "conjunctions", "abbreviations", "endings", "numbered", "months"]


@cache
def _lists() -> dict[str, dict[str, str]]:
    source = resources.files("kb.analysis").joinpath("languages.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


@cache
def word_list(language: Language, name: ListName) -> frozenset[str]:
    """Return a list's words."""
    return frozenset(_lists()[language][name].split())


@cache
def word_lines(language: Language, name: Literal["phrases"]) -> tuple[tuple[str, ...], ...]:
    """Return a list's lines, each as its words."""
    return tuple(tuple(line.split()) for line in _lists()[language][name].strip().splitlines())


@cache
def spelled_words(language: Language) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the small words of a language and a spread of its others, in the file's order."""
    lists = _lists()[language]
    return tuple(lists["function"].split()), tuple(lists["words"].split())


@cache
def irregular(language: Language) -> dict[str, str]:
    """Return the dictionary form of each irregular form in the list; Finnish has no list."""
    lines = _lists()[language].get("irregular", "").strip().splitlines()
    pairs = (line.split(":") for line in lines)
    return {form: base.strip() for base, forms in pairs for form in forms.split()}
