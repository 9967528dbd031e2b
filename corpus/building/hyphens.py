"""Hyphenation of Finnish (and, roughly, of Swedish)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache

VOWELS = "aeiouyäöåAEIOUYÄÖÅ"
DIPHTHONGS = {
    *("aa", "ee", "ii", "oo", "uu", "yy", "ää", "öö"),
    *("ai", "ei", "oi", "ui", "yi", "äi", "öi", "au", "eu", "iu", "ou", "äy", "öy", "ey", "iy"),
    *("ie", "uo", "yö"),
}


def syllables(word: str) -> list[str]:
    """Split a word without compound seams into Finnish syllables."""
    cuts = []
    for i in range(1, len(word)):
        here, before = word[i], word[i - 1]
        if here not in VOWELS and i + 1 < len(word) and word[i + 1] in VOWELS:
            if any(letter in VOWELS for letter in word[:i]):
                cuts.append(i)
        elif here in VOWELS and before in VOWELS and (before + here).lower() not in DIPHTHONGS:
            cuts.append(i)
    edges = [0, *cuts, len(word)]
    return [word[a:b] for a, b in itertools.pairwise(edges)]


@cache
def _breaks(word: str) -> tuple[int, ...]:
    """Return where a Finnish word may be broken: at compound seams and between syllables."""
    import pyvoikko

    parts = [word]
    if word.isalpha():
        for analysis in pyvoikko.analyse(word.lower()):
            forms = [part.FORM for part in analysis.COMPOUND_PARTS or ()]
            if len(forms) > 1 and "".join(forms) == word.lower():
                parts = forms
                break
    places, at = [], 0
    for part in parts:
        inside = at
        for syllable in syllables(part)[:-1]:
            inside += len(syllable)
            # Two letters at least on both sides of a break inside a part, as in good typesetting.
            if inside - at >= 2 and at + len(part) - inside >= 2:
                places.append(inside)
        at += len(part)
        places.append(at)
    return tuple(place for place in places[:-1] if 3 <= place <= len(word) - 3)


def hyphenate(word: str) -> Iterator[tuple[str, str]]:
    """Yield the two halves of a word at each break, the longest first half first."""
    for place in reversed(_breaks(word)):
        yield word[:place], word[place:]
