"""Rows to bands that share white gutters, and what stands between the gutters."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingest.readers.layout.rows import MARKER, NUMBER, cut_apart, justified_rows, rows_of
from ingest.readers.layout.shapes import Word

FAR = 1e9


@dataclass(slots=True)
class Band:
    """Consecutive rows and the white gutters that all of them leave open."""

    rows: list[list[Word]]
    free: list[tuple[float, float]]
    left: float
    right: float
    over: frozenset[int] = frozenset()
    """The ``id`` of rows that run over the gutters of a table, whose cell is too narrow."""


def free_spaces(row: Sequence[Word], least: float) -> list[tuple[float, float]]:
    """Return the stretches of a row that no word covers, the endless ones at its ends too."""
    spaces: list[tuple[float, float]] = []
    edge = -FAR
    for word in row:
        if word.left - edge >= least:
            spaces.append((edge, word.left))
        edge = max(edge, word.right)
    spaces.append((edge, FAR))
    return spaces


def _shared(
    one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]], least: float
) -> list[tuple[float, float]]:
    out: list[tuple[float, float]] = []
    i = j = 0
    while i < len(one) and j < len(other):
        low, high = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if high - low >= least:
            out.append((low, high))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return out


def gutters_of(band: Band, em: float) -> list[tuple[float, float]]:
    """Return the gutters of a band: wide ones, and narrower ones that many rows have kept open.

    A line that is set a little too long narrows a gutter and doesn't close it.
    """
    return [
        (a, b)
        for a, b in band.free
        if a > band.left
        and b < band.right
        and (
            b - a >= 0.75 * em
            or (6 < len(band.rows) < 400 and support(band, (a, b)) >= 6)
            or (b - a >= 0.5 * em and support(band, (a, b)) >= 4)
        )
    ]


def support(band: Band, gutter: tuple[float, float]) -> int:
    """Return how many rows stand beside a gutter, on the side where they are fewer."""
    middle = (gutter[0] + gutter[1]) / 2
    left = sum(row[0].left < middle for row in band.rows)
    right = sum(row[-1].right > middle for row in band.rows)
    return min(left, right)


def bands_of(rows: Sequence[list[Word]], em: float) -> list[Band]:
    """Cut rows into bands, each as long as its rows leave a gutter open, or none has one."""
    least = 0.3 * em
    justified = justified_rows(rows)
    over = _running_over(rows)
    bands: list[Band] = []
    before: list[tuple[float, float]] = []
    for row in rows:
        if id(row) in over and bands:
            bands[-1].rows.append(row)
            bands[-1].over |= {id(row)}
            continue
        free = free_spaces(row, FAR / 2 if id(row) in justified else least)
        if bands:
            band = bands[-1]
            grown = Band(
                band.rows,
                _shared(band.free, free, least),
                min(band.left, row[0].left),
                max(band.right, free[-1][0]),
                band.over,
            )
            after = gutters_of(grown, em)
            lost = [
                gutter
                for gutter in before
                if not any(a < gutter[1] and b > gutter[0] for a, b in after)
            ]
            # A row that closes a gutter with rows behind it ends the band, and so does a row
            # with gaps of its own that the band's plain lines leave no room for.
            closes = any(support(band, gutter) >= 2 for gutter in lost)
            opens = not after and not before and any(b - a >= 1.2 * em for a, b in free[1:-1])
            heads = (len(before) > 1 and _heading_by(row, band.rows[-1])) or (
                len(list(cut_apart(row))) > 2
                and all(_heading_by(heading, row) for heading in band.rows)
            )
            if not closes and not opens and not heads:
                band.rows.append(row)
                band.free, band.left, band.right = grown.free, grown.left, grown.right
                before = after
                continue
        bands.append(Band([row], free, row[0].left, free[-1][0]))
        before = gutters_of(bands[-1], em)
    return bands


def _heading_by(row: Sequence[Word], other: Sequence[Word]) -> bool:
    """Tell whether a row is a heading in larger letters than a row of a table."""
    return row[0].size > 1.15 * max(word.size for word in other) and len(list(cut_apart(row))) == 1


def _running_over(rows: Sequence[list[Word]]) -> set[int]:
    """Return the ``id`` of lines in a table that run on over the cells beside theirs.

    One piece close between rows of three cells or more that begin alike, each of a few letters:
    columns of text have more.
    """
    found: set[int] = set()
    cut = [list(cut_apart(row)) for row in rows]
    before: list[list[Word]] = []
    alike: set[tuple[float, int]] = set()
    for at, pieces in enumerate(cut):
        if len(pieces) > 1:
            before = pieces
            continue
        after = next((later for later in cut[at + 1 : at + 3] if len(later) > 1), [])
        row = rows[at]
        if (
            len(before) > 2
            and row[0].base - before[0][0].base < 2.2 * before[0][0].size
            and (row[0].size, round(row[0].left)) in alike
        ):  # the last row of the table runs over as others do
            found.add(id(row))
            continue
        starts = [piece[0].left for piece in after]
        if len(before) < 3 or len(after) < 3:
            continue
        shared = sum(any(abs(piece[0].left - x) < 1.5 for x in starts) for piece in before)
        letters = sum(len(word.text) for piece in (*before, *after) for word in piece)
        begins = any(abs(row[0].left - piece[0].left) < 1.5 for piece in before)
        near = 2.2 * before[0][0].size
        if (
            begins
            and shared >= max(3, 0.7 * len(before))
            and letters < 14 * (len(before) + len(after))
            and row[0].size <= 1.05 * before[0][0].size
            and row[0].base - before[0][0].base < near
            and after[0][0].base - row[0].base < near
            and row[-1].right - row[0].left > before[0][-1].right - before[0][0].left
        ):
            found.add(id(row))
            alike.add((row[0].size, round(row[0].left)))
    return found


def title_rows(rows: Sequence[list[Word]], em: float) -> int:
    """Return how many rows at the top are a title in large letters that closes gutters below."""
    left = min(row[0].left for row in rows)
    count = 0
    while count < len(rows) and all(word.size > 1.2 * em for word in rows[count]):
        count += 1
    if not 0 < count < len(rows) or abs(rows[0][0].left - left) > 2 * em:
        return 0
    closed, opened = bands_of(rows, em)[0], bands_of(rows[count:], em)[0]
    return count if len(gutters_of(opened, em)) > len(gutters_of(closed, em)) else 0


def split_at(
    rows: Iterable[list[Word]], gutters: Sequence[tuple[float, float]]
) -> list[list[Word]]:
    """Deal the words of rows out to the columns between gutters, by their middles."""
    cuts = [(a + b) / 2 for a, b in gutters]
    columns: list[list[Word]] = [[] for _ in range(len(cuts) + 1)]
    for row in rows:
        for word in row:
            columns[bisect_right(cuts, (word.left + word.right) / 2)].append(word)
    return columns


@dataclass(slots=True)
class Column:
    """How the lines of a column look: whether text, a list or the cells of a table."""

    lines: int
    width: float
    chars: float  # mean characters a line
    fill: float  # median width of a line in widths of the column
    markers: bool
    items: float  # share of lines that begin with a bullet or a number


def measure(words: Sequence[Word]) -> Column:
    """Measure the words of a column."""
    rows = rows_of(words)
    left = min(word.left for word in words)
    right = max(word.right for word in words)
    texts = [" ".join(word.text for word in row) for row in rows]
    width = max(1.0, right - left)
    return Column(
        lines=len(rows),
        width=width,
        chars=sum(map(len, texts)) / len(rows),
        fill=median((row[-1].right - row[0].left) / width for row in rows),
        markers=sum(bool(MARKER.match(text)) for text in texts) >= 0.7 * len(texts)
        or _counts(texts),
        items=sum(
            len(row) > 1 and bool(MARKER.match(row[0].text) or NUMBER.match(row[0].text))
            for row in rows
        )
        / len(rows),
    )


def is_list(size: Column) -> bool:
    """Tell whether a column holds a list: three items or more."""
    return size.items >= 0.4 and size.lines >= 3 and size.chars >= 12


def _counts(texts: Sequence[str]) -> bool:
    """Tell whether the lines are numbers that rise by one: those of a list, hung out."""
    if len(texts) < 3 or not all(NUMBER.match(text) for text in texts):
        return False
    numbers = [int(text) for text in texts]
    steps = sum(after == before + 1 for before, after in pairwise(numbers))
    return steps >= 0.7 * (len(numbers) - 1)
