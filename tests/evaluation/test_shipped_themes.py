"""The passages labelled with themes: each is found in its document, all themes are there."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TypedDict

from ingest.cleaning import fold
from ingest.readers.dispatch import read
from kb.themes import themes

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / "corpus" / "documents"
# A passage has 1,200 characters at most, but for one sentence that alone has more.
LONGEST = 2400


class Labelled(TypedDict):
    """A line of the file."""

    document: str
    language: str
    begins: str
    ends: str
    themes: list[str]


@cache
def labelled() -> tuple[Labelled, ...]:
    file = ROOT / "evaluation" / "themes" / "passages.jsonl"
    return tuple(json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())


@cache
def folded(document: str) -> str:
    return fold(read(DOCUMENTS / document).text)


def test_each_passage_is_found_once() -> None:
    for one in labelled():
        text = folded(one["document"])
        begins, ends = fold(one["begins"]), fold(one["ends"])
        assert text.count(begins) == 1, one
        start = text.index(begins)
        end = text.find(ends, start) + len(ends)
        assert start < end <= start + LONGEST, one


def test_labels_are_known_and_few() -> None:
    known = {theme.id for theme in themes()}
    for one in labelled():
        assert len(one["themes"]) == len(set(one["themes"])) <= 3, one
        assert set(one["themes"]) <= known, one


def test_every_theme_and_language_is_there() -> None:
    assert len(labelled()) >= 200
    counts = Counter(theme for one in labelled() for theme in one["themes"])
    assert min(counts[theme.id] for theme in themes()) >= 15
    languages = Counter(one["language"] for one in labelled())
    assert min(languages[language] for language in ("fi", "sv", "en")) >= 40
