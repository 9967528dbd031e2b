"""Words to rows, by the overlap of their cores from baseline to x-height, and rows to pieces."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import TypeVar

from ingest.readers.layout.shapes import Page, Word

T = TypeVar("T")


def rows_of(words: Sequence[Word]) -> list[list[Word]]:
    """Group words that stand on one line, rows from the top, words from the left.

    Words share a row when the bands from their baseline up to .7 of their size overlap by half
    of the smaller one, so raised and lowered characters stay with their line.
    """
    rows: list[tuple[float, float, list[Word]]] = []
    big = 1.8 * median(word.size for word in words) if words else 0.0
    large = [word for word in words if word.size > big]
    beside = Counter((word.size, round(word.base)) for word in large)
    late = [
        word for word in large if len(word.text) == 1 and beside[word.size, round(word.base)] == 1
    ]
    lone = {id(word) for word in late} if len(late) < len(words) else set()
    for word in sorted(words, key=lambda word: word.base - 0.35 * word.size):
        if id(word) in lone:
            continue
        top, bottom = word.base - 0.7 * word.size, word.base
        if rows:  # the words of a line mostly come one after another
            low, high, members = rows[-1]
            if high == bottom and low == top:
                members.append(word)
                continue
        best, most = -1, 0.0
        for at in range(len(rows) - 1, max(-1, len(rows) - 7), -1):
            low, high, _ = rows[at]
            shared = min(bottom, high) - max(top, low)
            share = shared / max(0.1, min(bottom - top, high - low))
            if share > 0.5 and share > most:
                best, most = at, share
        if best < 0:
            rows.append((top, bottom, [word]))
            continue
        low, high, members = rows[best]
        members.append(word)
        if bottom - top > 1.1 * (high - low):
            rows[best] = (top, bottom, members)
    for word in late if lone else ():  # a drop capital belongs to the first row beside it
        for low, high, members in rows:
            near = min(member.left for member in members) - word.right
            if high > word.base - 0.7 * word.size and low < word.base and -1 < near < word.size:
                members.append(word)
                break
        else:
            rows.append((word.base - 0.7 * word.size, word.base, [word]))
    rows.sort(key=lambda row: row[0])
    return [sorted(members, key=lambda word: word.left) for _, _, members in rows]


SMALL = 0.93
"""Letters of a footnote are this much smaller than the text's, or more."""

LOWER_HALF = 0.45
"""Above this share of the page's height no footnote begins."""

_DIGITS = re.compile(r"\d+")
_SMALL_MARK = re.compile(r"[\d*†‡,()]{1,7}$")


def settle_marks(words: Sequence[Word]) -> None:
    """Put raised marks on the baseline of the word that they touch, so rows keep them.

    A mark is small digits or stars whose foot is above the baseline of letters a quarter larger
    beside it: right before it with no space between, or else behind it, as where a footnote
    begins.
    """
    marks = [word for word in words if _SMALL_MARK.match(word.text)]
    if not marks:
        return
    by_right = sorted(words, key=lambda word: word.right)
    rights = [word.right for word in by_right]
    by_left = sorted(words, key=lambda word: word.left)
    lefts = [word.left for word in by_left]

    def raised(mark: Word, word: Word) -> bool:
        lift = word.base - mark.base
        return mark.size < 0.8 * word.size and 0.12 * word.size < lift < 0.75 * word.size

    for mark in marks:
        reach = 0.3 * mark.size
        low, high = bisect_left(rights, mark.left - reach), bisect_right(rights, mark.left + reach)
        before = [word for word in by_right[low:high] if raised(mark, word)]
        if before:
            mark.base, mark.mark, mark.glued = before[0].base, True, True
            continue
        low = bisect_left(lefts, mark.right - reach)
        high = bisect_right(lefts, mark.right + mark.size)
        after = [word for word in by_left[low:high] if raised(mark, word)]
        if after:
            mark.base, mark.mark = after[0].base, True


SENTENCE_END = re.compile(r"[.!?:…][\"'”’»)\]]*$")


def leads_on(last: Sequence[Word], first: Sequence[Word]) -> int:
    """Return how likely a sentence goes on from the last row of one column to the first of another.

    2 where a row that ends no sentence is followed by a small letter, -2 where one that ends
    one is; -1 where a row that ends none is followed by a capital, which may begin a name.
    """
    words = [word for word in last if not word.mark] or list(last)
    size = first[0].size
    if abs(words[-1].size - size) > 0.07 * size or words[-1].bold != first[0].bold:
        return 0
    ended = bool(SENTENCE_END.search(words[-1].text))
    if first[0].text[:1].islower():
        return -2 if ended else 2
    return -1 if first[0].text[:1].isupper() and not ended else 0


_GLUED_NOTE = re.compile(r"(\d{1,3})[^\W\d_]{2}")


def part_notes(page: Page, body: float) -> None:
    """Part the number of a footnote from the word that it is set right against: *10Katso*.

    Where a hanging indent is too narrow for two digits, nothing stands between. The number must
    be that of a raised mark on the page, and its line small, in the lower half, and begin there.
    """
    marked = {number for word in page.words if word.mark for number in _DIGITS.findall(word.text)}
    if not marked:
        return
    for at, word in enumerate(page.words):
        found = _GLUED_NOTE.match(word.text)
        if (
            not found
            or found[1] not in marked
            or word.size > SMALL * body
            or word.base < LOWER_HALF * page.height
            or word.glued
            or any(
                abs(other.base - word.base) < 1 and 0 <= word.left - other.right < word.size
                for other in page.words
            )
        ):
            continue
        count = len(found[1])
        share = count / len(word.text)
        cut = word.left + share * (word.right - word.left)
        left, top, right, bottom = word.box
        upright = abs((right - left) - (word.right - word.left)) < 1
        middle = left + share * (right - left)
        number = replace(
            word,
            text=found[1],
            right=cut,
            box=(left, top, middle, bottom) if upright else word.box,
        )
        rest = replace(
            word,
            text=word.text[count:],
            left=cut,
            box=(middle, top, right, bottom) if upright else word.box,
        )
        page.words[at : at + 1] = [number, rest]


_BULLETS = "•◦▪▫■□●○◆◇►▶▸‣⁃∙➢➤❖"

MARKER = re.compile(
    rf"(?:[{_BULLETS}·✓✔→–—*+o§-]|"
    r"\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\d{1,2}(?:\.\d{1,2}){1,4}\.?|\[\d{1,3}\])$"
)

NUMBER = re.compile(r"\d{1,3}$")

# In letters' size: the widest space, the widest behind a marker (a tab), and how near a bullet may
# stand behind what it still divides, as in a line of names.
_WIDE = 1.6
_TAB = 8.0
_CLOSE = 0.7


def cut_apart(row: Sequence[Word]) -> Iterator[list[Word]]:
    """Cut a row at gaps too wide for a space, and before the bullet of a cell beside another.

    Behind a bullet or a number in front a gap may be as wide as a tab; on a chart's axis, figures
    that look like numbers of sections stand farther from each other.
    """
    return parted(row, _parts)


def pieces_of(row: Sequence[Word]) -> Iterator[list[Word]]:
    """Cut a row where a gap is wider than two letters' size."""
    return parted(row, lambda piece, word: _gap(piece, word) > 2 * word.size)


def far_apart(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Cut the words of a cell where they stand farther apart than behind a tab: they are two."""
    return parted(words, lambda piece, word: _gap(piece, word) > _TAB * _larger(piece, word))


def parted(items: Iterable[T], apart: Callable[[Sequence[T], T], bool]) -> Iterator[list[T]]:
    """Yield runs of items; ``apart`` says of a run and the next item that another one begins."""
    run: list[T] = []
    for item in items:
        if run and apart(run, item):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _gap(piece: Sequence[Word], word: Word) -> float:
    return word.left - piece[-1].right


def _larger(piece: Sequence[Word], word: Word) -> float:
    return max(word.size, piece[-1].size)


def _parts(piece: Sequence[Word], word: Word) -> bool:
    gap, size = _gap(piece, word), _larger(piece, word)
    if len(word.text) == 1 and word.text in _BULLETS and abs(gap) > _CLOSE * size:
        return True
    marked = len(piece) == 1 and MARKER.match(piece[0].text)
    return gap > (_TAB if marked else _WIDE) * size


def justified_rows(rows: Sequence[list[Word]]) -> set[int]:
    """Return the ``id`` of the rows whose wide spaces come of justification and of nothing else.

    Such a row has few words, evenly spaced, and ends where two plain rows end that it begins
    with: at the edges of its column, the indent of a paragraph aside. An indent that no other
    row has is believed where the next line follows close and fills the column.
    """
    pieces = [len(list(cut_apart(row))) for row in rows]
    edges = [
        (row[0].left, row[-1].right)
        for row, count in zip(rows, pieces, strict=True)
        if count == 1 and len(row) > 1
    ]
    found: set[int] = set()
    for at, (row, count) in enumerate(zip(rows, pieces, strict=True) if len(edges) > 1 else ()):
        gaps = [after.left - word.right for word, after in pairwise(row) if not after.glued]
        if max(gaps, default=0.0) < 0.6 * row[0].size or min(gaps) < 0.7 * max(gaps):
            continue
        if len(gaps) == 1 and (count == 1 or is_figure(row[-1:])):
            continue
        left, right, indent = row[0].left, row[-1].right, 2.5 * row[0].size
        alike = sum(abs(b - right) < 1.5 and -1.5 < left - a < indent for a, b in edges)
        begun = any(abs(left - a) < 1.5 for a, _ in edges)
        if not begun and at + 1 < len(rows) and pieces[at + 1] == 1:
            after = rows[at + 1]  # below the first line of a paragraph
            begun = 0.5 * row[0].size < left - after[0].left < indent
            begun = begun and after[0].base - row[0].base < 1.6 * row[0].size
            begun = begun and abs(after[-1].right - right) < 1.5
        if alike >= 2 and begun:
            found.add(id(row))
    return found


_FIGURES = re.compile(r"[(<>≤≥~±+–−-]?\s*\d[\d\s.,:/–−-]*[)%‰€$£]?|[–—−-]")


def is_figure(words: Sequence[Word]) -> bool:
    """Tell whether a cell holds a number and nothing else, or the dash for none."""
    return bool(_FIGURES.fullmatch(" ".join(word.text for word in words)))


_DOTS = re.compile(r"[.…]+$")


def leaders(words: Sequence[Word]) -> set[int]:
    """Return the ``id`` of the dots that lead the eye to a page number: four in a row or more."""
    if sum(len(word.text) for word in words if _DOTS.match(word.text)) < 4:
        return set()
    out: set[int] = set()
    for row in rows_of(words):
        run: list[Word] = []
        for word in [*row, None]:
            if word is not None and _DOTS.match(word.text):
                run.append(word)
                continue
            if sum(len(dot.text) for dot in run) >= 4:
                out.update(id(dot) for dot in run)
            run = []
    return out
