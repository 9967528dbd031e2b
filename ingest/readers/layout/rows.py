"""Words to rows, by the overlap of their cores from baseline to x-height, and rows to pieces."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ingest.readers.layout.shapes import Word


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


MARKER = re.compile(
    r"(?:[•◦▪▫■□●○◆◇►▶▸‣⁃∙·✓✔➢➤❖→–—*+o§-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\d{1,2}(?:\.\d{1,2}){1,4}\.?|\[\d{1,3}\])$"
)

NUMBER = re.compile(r"\d{1,3}$")


def cut_apart(row: Sequence[Word]) -> Iterator[list[Word]]:
    """Cut a row at gaps too wide for a space, but not behind a bullet or a number."""
    piece: list[Word] = []
    for word in row:
        wide = 1.6 * max(word.size, piece[-1].size) if piece else 0.0
        marker = len(piece) == 1 and MARKER.match(piece[0].text)
        if piece and word.left - piece[-1].right > wide and not marker:
            yield piece
            piece = []
        piece.append(word)
    if piece:
        yield piece


def justified_rows(rows: Sequence[list[Word]]) -> set[int]:
    """Return the ``id`` of the rows whose wide spaces come of justification and of nothing else.

    Such a row has few words, evenly spaced, and ends where two plain rows end that it begins
    with: at the edges of its column, the indent of a paragraph aside.
    """
    pieces = [len(list(cut_apart(row))) for row in rows]
    edges = [
        (row[0].left, row[-1].right)
        for row, count in zip(rows, pieces, strict=True)
        if count == 1 and len(row) > 1
    ]
    found: set[int] = set()
    for row, count in zip(rows, pieces, strict=True) if len(edges) > 1 else ():
        gaps = [after.left - word.right for word, after in pairwise(row) if not after.glued]
        if max(gaps, default=0.0) < 0.6 * row[0].size or min(gaps) < 0.7 * max(gaps):
            continue
        if len(gaps) == 1 and (count == 1 or is_figure(row[-1:])):
            continue
        left, right, indent = row[0].left, row[-1].right, 2.5 * row[0].size
        alike = sum(abs(b - right) < 1.5 and -1.5 < left - a < indent for a, b in edges)
        if alike >= 2 and any(abs(left - a) < 1.5 for a, _ in edges):
            found.add(id(row))
    return found


_FIGURES = re.compile(r"[(<>≤≥~±+–−-]?\s*\d[\d\s.,:/–−-]*[)%‰€$£]?|[–—−-]")


def is_figure(words: Sequence[Word]) -> bool:
    """Tell whether a cell holds a number and nothing else, or the dash for none."""
    return bool(_FIGURES.fullmatch(" ".join(word.text for word in words)))


def pieces_of(row: Sequence[Word]) -> Iterator[list[Word]]:
    """Cut a row where a gap is wider than two letters' size."""
    piece: list[Word] = []
    for word in row:
        if piece and word.left - piece[-1].right > 2 * word.size:
            yield piece
            piece = []
        piece.append(word)
    if piece:
        yield piece


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
