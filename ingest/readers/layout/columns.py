"""Bands to columns of text, tables or plain lines: an XY-cut.

It looks for the longest runs of rows with a common gutter, and for the lines drawn around cells.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ingest.readers.grids import Grid, grids
from ingest.readers.layout.bands import (
    FAR,
    Band,
    Column,
    bands_of,
    free_spaces,
    gutters_of,
    is_list,
    measure,
    split_at,
    support,
    title_rows,
)
from ingest.readers.layout.clusters import clusters_of, reading_order
from ingest.readers.layout.dividing import Part, divided, past_figures
from ingest.readers.layout.framed import filled, middle, within
from ingest.readers.layout.gutters import Usual, extent
from ingest.readers.layout.rows import cut_apart, far_apart, is_figure, justified_rows, rows_of
from ingest.readers.layout.shapes import Item, Line, Page, Row, Word


def _size(found: set[int]) -> int:
    return len(found)


class Arranger:
    """Lays out one page; counts the regions and tables it makes."""

    def __init__(
        self,
        page: Page,
        number: int,
        *,
        usual: Sequence[Usual] = (),
        first_region: int = 0,
        first_table: int = 0,
    ) -> None:
        self.page = page
        self.number = number
        self.usual = usual
        self.region = first_region
        self.table = first_table
        self.grids = filled(grids(page.rules, page.bars), page.words)
        self.flowing: list[tuple[Usual, int]] = []
        """The gutters that divided text, with the lines beside each."""

    def arrange(self, words: Sequence[Word], depth: int = 0, *, across: bool = False) -> list[Item]:
        """Return lines and table rows in reading order.

        ``across`` says that the words stand across the page, whatever columns are around them.
        """
        if not words:
            return []
        rows = rows_of(words)
        em = median(word.size for word in words)
        if depth >= 4 or len(rows) < 2:
            return self._lines(rows)
        for gutter in self.usual:
            parts = divided(rows, gutter, em, rules=self.page.rules, tables=self.grids)
            if parts is None:
                continue
            if len(self.usual) == 1:
                parts = list(past_figures(parts))
            return [item for part in parts for item in self._part(part, depth)]
        framed = self._framed(rows, depth)
        if framed is not None:
            return framed
        items: list[Item] = []
        plain: list[list[Word]] = []
        for part in self._tables_apart(rows, em, FAR if across or depth == 0 else 2 * em):
            em = median(word.size for row in part for word in row)
            title = title_rows(part, em)
            plain += part[:title]
            for band in bands_of(part[title:], em):
                made = self._columns(band, em, depth)
                if made is None:
                    plain += band.rows
                    continue
                items += self._lines(plain)
                plain = []
                items += made
        return items + self._lines(plain)

    def _framed(self, rows: Sequence[list[Word]], depth: int) -> list[Item] | None:
        """Take out the first table with framed cells that has nothing beside it; None without."""
        for grid in self.grids:
            held = [sum(within(grid, word) for word in row) for row in rows]
            inside = [at for at, count in enumerate(held) if count]
            if not inside:
                continue
            start, end = inside[0], inside[-1] + 1
            if any(held[at] < len(rows[at]) for at in range(start, end)):
                continue
            above = [word for row in rows[:start] for word in row]
            below = [word for row in rows[end:] for word in row]
            made = self._cells_of(grid, [word for row in rows[start:end] for word in row])
            deeper = max(depth, 1)
            return [*self.arrange(above, deeper), *made, *self.arrange(below, deeper)]
        return None

    def _cells_of(self, grid: Grid, words: Sequence[Word]) -> list[Item]:
        """Return the rows of a table with framed cells, the lines of a cell together.

        A row with several lines of nothing but figures, as where rules are drawn above and
        below a body only, is as many rows.
        """
        self.table += 1
        cells: dict[tuple[int, int], list[Word]] = defaultdict(list)
        for word in words:
            cells[grid.cell(*middle(word))].append(word)
        out: list[Item] = []
        for number in range(len(grid.ys) - 1):
            columns = [
                rows_of(cells[number, column])
                for column in range(len(grid.xs) - 1)
                if (number, column) in cells
            ]
            if not columns:
                continue
            listed = len(columns) > 1 and len({len(lines) for lines in columns}) == 1
            if listed and all(is_figure(line) for lines in columns[1:] for line in lines):
                for row in zip(*columns, strict=True):
                    out.append(self._row([[self._cell_line(line)] for line in row]))
                continue
            out.append(self._row([[self._cell_line(line) for line in lines] for lines in columns]))
        return out

    def _tables_apart(
        self, rows: Sequence[list[Word]], em: float, slack: float
    ) -> Iterator[Sequence[list[Word]]]:
        """Cut the rows where a ruled table begins and ends: three rules or more of one extent.

        The rules reach past the rows by ``slack`` at most: in a column, longer ones are a table
        across it. On the page they may end where its last column does, far from short cells.

        A stretch between two rules that holds plain lines only is no part of a table.
        """
        left = min(row[0].left for row in rows) - slack
        right = max(word.right for row in rows for word in row) + slack
        extents: dict[tuple[int, int], set[float]] = defaultdict(set)
        for one, other, y in self.page.rules:
            if left < one and other < right:
                extents[round(one / 6), round(other / 6)].add(y)
        middles = [row[0].base - 0.3 * em for row in rows]
        gaps = [any(b - a >= 0.8 * em for a, b in free_spaces(row, 0.0)[1:-1]) for row in rows]
        cuts = {0, len(rows)}
        for heights in extents.values():
            run: list[float] = []
            for y in [*sorted(heights), FAR]:
                low = bisect_left(middles, run[-1]) if run else 0
                high = bisect_left(middles, y) if run else 0
                if y < FAR and (low == high or any(gaps[low:high])):
                    run.append(y)
                    continue
                if len(run) >= 3:
                    low, high = bisect_left(middles, run[0]), bisect_left(middles, run[-1])
                    if low and gaps[low - 1] and run[0] - middles[low - 1] < 1.5 * em:
                        low -= 1  # a head without a rule above it
                    cuts |= {low, high}
                run = [y]
        for start, end in pairwise(sorted(cuts)):
            yield rows[start:end]

    def _part(self, part: Part, depth: int) -> list[Item]:
        if len(part) == 1:
            return self._whole(part[0], depth)
        return self._each([[word for row in side for word in row] for side in part], depth)

    def _whole(self, rows: Sequence[list[Word]], depth: int) -> list[Item]:
        return self.arrange([word for row in rows for word in row], max(depth, 1), across=True)

    def _lines(self, rows: Sequence[list[Word]]) -> list[Item]:
        cut = [list(cut_apart(row)) for row in rows]
        justified = justified_rows(rows)
        cut = [
            [row] if id(row) in justified else parts for row, parts in zip(rows, cut, strict=True)
        ]
        pieces = [piece for parts in cut for piece in parts]
        if len(pieces) == len(rows):
            return self._region(rows)
        items: list[Item] = []
        run = _figured(cut)
        if run is not None:
            self.table += 1
            start, end = run
            body = [self._row([[self._cell_line(cell)] for cell in row]) for row in cut[start:end]]
            return [*self._lines(rows[:start]), *body, *self._lines(rows[end:])]
        for cluster in reading_order(clusters_of(pieces)):
            items += self._region(cluster)
        return items

    def _region(self, rows: Sequence[list[Word]]) -> list[Item]:
        if not rows:
            return []
        self.region += 1
        lines = [Line(row, page=self.number, region=self.region) for row in rows]
        edges = (min(line.left for line in lines), max(line.right for line in lines))
        for line in lines:
            line.edges = edges
        return list(lines)

    def _columns(self, band: Band, em: float, depth: int) -> list[Item] | None:
        """Return the items of a band with gutters, or None when it is plain lines."""
        gutters = [gutter for gutter in gutters_of(band, em) if support(band, gutter) >= 2]
        if not gutters or len(band.rows) < 2:
            return None
        columns = split_at(band.rows, gutters)
        sizes = [measure(column) for column in columns if column]
        if len(sizes) != len(columns):
            return None
        ruled = self._ruled(band, gutters, em)
        widest = sorted(gutters, key=lambda gutter: gutter[0] - gutter[1])
        for gutter in widest if 1 < len(gutters) < 4 and not ruled else ():
            # Two lists side by side, whose short lines leave other gutters open by chance.
            pair = split_at(band.rows, [gutter])
            if all(side and is_list(measure(side)) for side in pair):
                return self._each(pair, depth)
        # Bullets and numbers in front of their text make no column of their own.
        keep = [not size.markers for size in sizes[:-1]]
        if not all(keep):
            gutters = [gutter for gutter, stays in zip(gutters, keep, strict=True) if stays]
            if not gutters:
                return None
            columns = split_at(band.rows, gutters)
            sizes = [measure(column) for column in columns]
        ruled = self._ruled(band, gutters, em)
        head, band, tail = self._trimmed(band, gutters, em, ruled)
        columns = split_at(band.rows, gutters)
        if len(band.rows) < 2 or not all(columns):
            return None
        sizes = [measure(column) for column in columns]
        made = self._judged(band, gutters, columns, sizes, em=em, depth=depth, ruled=bool(ruled))
        return None if made is None else [*self._lines(head), *made, *self._lines(tail)]

    def _trimmed(
        self,
        band: Band,
        gutters: Sequence[tuple[float, float]],
        em: float,
        ruled: Sequence[float],
    ) -> tuple[list[list[Word]], Band, list[list[Word]]]:
        """Cut off the rows at either end that belong to what stands above or below.

        Those outside the rules of a ruled table; otherwise headings in the first column.
        """

        def outside(row: list[Word], at_end: bool) -> bool:
            several = sum(map(bool, self._cells(row, gutters, band))) > 1
            if ruled:
                middle = row[0].base - 0.3 * em
                beyond = middle - ruled[-1] if at_end else ruled[0] - middle
                return beyond > (1.5 * em if several else 0)
            if several:
                return False
            first = row[0].left < gutters[0][0]
            return first and (all(word.bold for word in row) or row[0].size > 1.08 * em)

        start, end = 0, len(band.rows)
        while start < end and outside(band.rows[start], False):
            start += 1
        while end > start and outside(band.rows[end - 1], True):
            end -= 1
        kept = Band(band.rows[start:end], band.free, band.left, band.right, band.over)
        return band.rows[:start], kept, band.rows[end:]

    def _judged(
        self,
        band: Band,
        gutters: Sequence[tuple[float, float]],
        columns: Sequence[Sequence[Word]],
        sizes: Sequence[Column],
        *,
        em: float,
        depth: int,
        ruled: bool,
    ) -> list[Item] | None:
        """Decide between columns of text, a table and neither."""
        full = [
            size.width >= 9 * em and size.chars >= 15 and size.fill >= 0.55 and size.lines >= 3
            for size in sizes
        ]
        lists = [is_list(size) for size in sizes]
        dense = all(size.lines >= 0.75 * len(band.rows) for size in sizes)
        prose = [
            size.chars >= 25 and size.fill >= 0.75 and size.lines >= 5 and size.width >= 9 * em
            for size in sizes
        ]
        flowing = all(full) or all(lists) or (prose[0] and dense and len(sizes) == 2)
        flowing = flowing or all(one or other for one, other in zip(full, lists, strict=True))
        if flowing and not ruled:
            if depth == 0 and all(full):
                extents = [extent(column) for column in columns]
                for (a, b), (before, after) in zip(gutters, pairwise(extents), strict=True):
                    usual = Usual((a + b) / 2, before, after)
                    self.flowing.append((usual, min(size.lines for size in sizes)))
            return self._each(columns, depth)
        cells = [self._cells(row, gutters, band) for row in band.rows]
        shared = sum(sum(map(bool, row)) > 1 for row in cells)
        narrow = all(b - a < 1.2 * em for a, b in gutters)
        if not ruled and min(size.lines for size in sizes) >= 3 and _uneven(columns, sizes):
            return self._each(columns, depth)
        if ruled or (shared >= 2 and shared >= 0.4 * len(cells) and not narrow):
            return list(self._rows(band, gutters, em))
        if min(size.lines for size in sizes) >= 3 and not narrow:
            return self._each(columns, depth)
        return None

    def _each(self, columns: Sequence[Sequence[Word]], depth: int) -> list[Item]:
        return [item for column in columns for item in self.arrange(column, depth + 1)]

    def _ruled(self, band: Band, gutters: Sequence[tuple[float, float]], em: float) -> list[float]:
        """Return the heights of the ruled lines of a table: three or more of one extent.

        They lie in the band or just outside it and cross at least one gutter.
        """
        top = min(word.top for word in band.rows[0]) - 1.5 * em
        bottom = max(word.bottom for word in band.rows[-1]) + 1.5 * em
        extents: dict[tuple[int, int], set[int]] = defaultdict(set)
        for left, right, y in self.page.rules:
            if top < y < bottom and any(left < a + 1 and right > b - 1 for a, b in gutters):
                extents[round(left / 6), round(right / 6)].add(round(y))
        most: set[int] = max(extents.values(), key=_size) if extents else set()
        heights = sorted(most)
        apart = [y for at, y in enumerate(heights) if not at or y - heights[at - 1] > 0.6 * em]
        return [float(y) for y in apart] if len(apart) >= 3 else []

    @staticmethod
    def _cells(
        row: Sequence[Word], gutters: Sequence[tuple[float, float]], band: Band
    ) -> list[list[Word]]:
        if id(row) in band.over:
            begins = split_at([list(row[:1])], gutters)
            return [list(row) if cell else [] for cell in begins]
        return split_at([list(row)], gutters)

    def _rows(self, band: Band, gutters: Sequence[tuple[float, float]], em: float) -> Iterator[Row]:
        self.table += 1
        rules = self._ruled(band, gutters, em)
        every = [self._cells(row, gutters, band) for row in band.rows]
        lined = self._lined(band, every, rules, em)
        current: list[list[Line]] | None = None
        last: list[Word] = []
        for number, (row, cells) in enumerate(zip(band.rows, every, strict=True)):
            if current is not None:
                gap = row[0].base - last[0].base
                ruled_off = any(last[0].base - 1 < y < row[0].base - 0.3 * em for y in rules)
                if rules and (ruled_off or not lined[number]):
                    goes_on = not ruled_off
                elif rules:
                    goes_on = _wraps(current, cells)
                else:
                    goes_on = not cells[0] and gap < 1.6 * em and len(cells) > 1
                if goes_on:
                    for cell, words in zip(current, cells, strict=True):
                        if words:
                            cell.append(self._cell_line(words))
                    last = row
                    continue
                yield self._row(current)
            current = [[self._cell_line(words)] if words else [] for words in cells]
            last = row
        if current is not None:
            yield self._row(current)

    @staticmethod
    def _lined(
        band: Band, cells: Sequence[list[list[Word]]], rules: Sequence[float], em: float
    ) -> list[bool]:
        """Tell of each line whether it is a row by itself, though no rule parts it from others.

        Many tables are ruled above and below their body only. Between two rules, a column that
        holds nothing but figures, one under the other below its head, shows it: a cell that goes
        on for several lines doesn't.
        """
        out = [False] * len(cells)
        at = [bisect_left(rules, row[0].base - 0.3 * em) for row in band.rows]
        for start, end in _stretches(at):
            columns = zip(*cells[start:end], strict=True)
            figured = ([is_figure(cell) for cell in column if cell] for column in list(columns)[1:])
            if any(len(found) >= 2 and all(found[len(found) > 2 :]) for found in figured):
                out[start:end] = [True] * (end - start)
        return out

    def _cell_line(self, words: list[Word]) -> Line:
        return Line(words, page=self.number)

    def _row(self, cells: list[list[Line]]) -> Row:
        made: list[list[Line]] = []
        for cell in cells:
            if len(cell) == 1:
                made += [[self._cell_line(words)] for words in far_apart(cell[0].words)]
            elif cell:
                made.append(cell)
        return Row(made, self.table, self.number)


def _uneven(columns: Sequence[Sequence[Word]], sizes: Sequence[Column]) -> bool:
    """Tell whether text stands beside something with lines of its own, so that it is no table.

    The text has five lines, one close under the other, since cells that are centred beside
    longer ones stand between lines too. Most lines beside it are on no baseline of it.
    """
    bases = [[row[0].base for row in rows_of(column)] for column in columns]
    size = median(word.size for column in columns for word in column)
    for at, (lines, measured) in enumerate(zip(bases, sizes, strict=True)):
        if measured.chars < 20 or measured.fill < 0.6:
            continue
        steps = [after - before for before, after in pairwise(lines)]
        usual = median(steps)
        if not any(
            all(abs(step - usual) < 0.05 * size for step in steps[first : first + 4])
            for first in range(len(steps) - 3)
        ):
            continue
        beside = [base for other, found in enumerate(bases) if other != at for base in found]
        level = sum(any(abs(base - line) < 0.1 * size for line in lines) for base in beside)
        if level < 0.5 * len(beside):
            return True
    return False


def _stretches(values: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the beginning and end of each run of equal values."""
    start = 0
    for at in range(1, len(values) + 1):
        if at == len(values) or values[at] != values[start]:
            yield start, at
            start = at


def _figured(cut: Sequence[list[list[Word]]]) -> tuple[int, int] | None:
    """Return where rows of cells stand that nothing parts but their width, or None.

    Four rows or more with as many pieces each, every piece above the one below it, and figures
    alone in a column below the first row: text in columns has no such column.
    """
    start = 0
    for at in range(1, len(cut) + 1):
        if at < len(cut) and _same_cells(cut[at - 1], cut[at]):
            continue
        if at - start >= 4 and len(cut[start]) > 1:
            columns = zip(*cut[start + 1 : at], strict=True)
            if any(all(map(is_figure, column)) for column in list(columns)[1:]):
                return start, at
        start = at
    return None


def _same_cells(above: Sequence[list[Word]], below: Sequence[list[Word]]) -> bool:
    """Tell whether two rows have as many cells, each above its own and above no other."""
    if len(above) != len(below) or below[0][0].base - above[0][0].base > 3 * below[0][0].size:
        return False
    for at, cell in enumerate(above):
        reached = [
            number
            for number, other in enumerate(below)
            if cell[0].left < other[-1].right and other[0].left < cell[-1].right
        ]
        if reached not in ([at], []):
            return False
    return True


def _wraps(before: Sequence[Sequence[Line]], cells: Sequence[Sequence[Word]]) -> bool:
    """Tell whether a line of a table goes on with the one cell that it has."""
    filled = [at for at, cell in enumerate(cells) if cell]
    return len(filled) == 1 and bool(before[filled[0]]) and cells[filled[0]][0].text[:1].islower()


def usual_gutters(
    pages: Sequence[Page], kept: Sequence[Sequence[Word]]
) -> dict[tuple[int, int], tuple[Usual, ...]]:
    """Return the gutters between columns of text, by the width of the page, even or odd.

    They are found where the columns hold nothing but text, and then also divide the stretches
    where a table stands in one of them. A gutter is usual with twenty lines beside it. Margins
    may be mirrored, so what stands on left pages is looked for there first.
    """
    seen: dict[tuple[int, int], list[tuple[Usual, int]]] = defaultdict(list)
    for number, page in enumerate(pages):
        arranger = Arranger(page, number)
        arranger.arrange(kept[number])
        seen[round(page.width), number % 2] += arranger.flowing
    usual: dict[tuple[int, int], tuple[Usual, ...]] = {}
    for width, side in list(seen):
        own, other = seen[width, side], seen.get((width, 1 - side), [])
        found: list[Usual] = []
        for flowing in (own, other):
            counts: Counter[int] = Counter()
            for one, lines in flowing:
                counts[round(one.middle)] += lines
            for place, _ in counts.most_common():
                near = [(one, n) for one, n in own + other if abs(one.middle - place) <= 6]
                if all(abs(one.middle - place) > 30 for one in found) and (
                    sum(lines for _, lines in near) >= 20
                ):
                    here = [pair for pair in flowing if abs(pair[0].middle - place) <= 6]
                    found.append(max(here, key=lambda pair: pair[1])[0])
        usual[width, side] = tuple(sorted(found, key=lambda one: one.middle))
    return usual
