"""From words with boxes on pages to one text with blocks: the layout analysis of PDF and OCR.

Everything here is geometry and typography, measured in points from the top left corner of the
page; nothing knows where the words came from. The steps, a page at a time and then over all:

1. words to rows (``rows_of``), by the overlap of their cores from baseline to x-height;
2. rows to bands that share white gutters, each band to columns of text, a table, or plain lines
   (``arrange``): an XY-cut that looks for the longest runs of rows with a common gutter;
3. running heads, feet and page numbers found by repetition over pages (``furniture``);
4. lines to paragraphs, headings, list items, captions and footnotes (``assemble``), one text
   with exact page starts and the span of every word.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from ingest.cleaning import Joint, WordForms, join
from ingest.readers.grids import Bar, Grid, Rule, grids
from kb.model import Block, BlockKind, WordBox

Box = tuple[float, float, float, float]
"""left, top, right, bottom."""


@dataclass(slots=True, eq=False)
class Word:
    """A run of characters without white space, clean, and where it stands.

    ``left`` … ``bottom`` and ``base`` (the baseline) are in the frame that the page is read in;
    ``box`` is on the page as shown. They differ only where the text runs sideways.
    ``glued`` says that it touches the word before it; ``mark`` that it is raised and small, as a
    footnote mark is (and an exponent); ``sure`` is false of what was recognised with doubts.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    base: float
    size: float
    bold: bool = False
    glued: bool = False
    mark: bool = False
    sure: bool = True
    box: Box = (0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True, eq=False)
class Line:
    """Words on one baseline in one column; ``edges`` are the left and right of that column."""

    words: list[Word]
    page: int = 0
    region: int = 0
    edges: tuple[float, float] = (0.0, 0.0)
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    base: float = 0.0
    size: float = 0.0
    bold: bool = False
    text: str = ""
    outline: tuple[int, int] | None = None  # (entry, level) of the outline that it belongs to
    footnote: bool = False

    def __post_init__(self) -> None:
        words = self.words
        self.left = min(word.left for word in words)
        self.top = min(word.top for word in words)
        self.right = max(word.right for word in words)
        self.bottom = max(word.bottom for word in words)
        weights: dict[float, int] = defaultdict(int)
        bold = letters = 0
        for word in words:
            weights[word.size] += len(word.text)
            letters += len(word.text)
            if word.bold:
                bold += len(word.text)
        self.size = max(weights, key=lambda size: (weights[size], size))
        self.base = next(word.base for word in words if word.size == self.size)
        self.bold = bold > 0.9 * letters
        self.text = " ".join(word.text for word in words)


@dataclass(slots=True, eq=False)
class Row:
    """A row of a table: its cells from left to right, each a list of lines."""

    cells: list[list[Line]]
    table: int
    page: int = 0

    @property
    def lines(self) -> Iterator[Line]:
        """Every line of every cell."""
        return (line for cell in self.cells for line in cell)


Item = Line | Row


@dataclass(slots=True)
class Page:
    """A page to lay out: its size as read, its words, and the lines drawn on it.

    ``rules`` are (left, right, y) of horizontal lines, ``bars`` (top, bottom, x) of vertical
    ones; ``asides`` are words that run in another direction than the page's text.
    """

    width: float
    height: float
    words: list[Word]
    rules: list[Rule] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    asides: list[list[Word]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Heading:
    """An entry of the outline: its title, its page from 0 and its level from 1."""

    title: str
    page: int
    level: int


# --- words to rows ---------------------------------------------------------------------------


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


def _settle_marks(words: Sequence[Word]) -> None:
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


# --- rows to columns and tables --------------------------------------------------------------

_FAR = 1e9
_MARKER = re.compile(
    r"(?:[•◦▪▫■□●○◆◇►▶▸‣⁃∙·✓✔➢➤❖→–—*+o§-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\d{1,2}(?:\.\d{1,2}){1,4}\.?|\[\d{1,3}\])$"
)


_NUMBER = re.compile(r"\d{1,3}$")


@dataclass(slots=True)
class _Band:
    """Consecutive rows and the white gutters that all of them leave open."""

    rows: list[list[Word]]
    free: list[tuple[float, float]]
    left: float
    right: float
    over: frozenset[int] = frozenset()
    """The ``id`` of rows that run over the gutters of a table, whose cell is too narrow."""


def _free(row: Sequence[Word], least: float) -> list[tuple[float, float]]:
    spaces: list[tuple[float, float]] = []
    edge = -_FAR
    for word in row:
        if word.left - edge >= least:
            spaces.append((edge, word.left))
        edge = max(edge, word.right)
    spaces.append((edge, _FAR))
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


def _gutters(band: _Band, em: float) -> list[tuple[float, float]]:
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
            or (6 < len(band.rows) < 400 and _support(band, (a, b)) >= 6)
            or (b - a >= 0.5 * em and _support(band, (a, b)) >= 4)
        )
    ]


def _support(band: _Band, gutter: tuple[float, float]) -> int:
    middle = (gutter[0] + gutter[1]) / 2
    left = sum(row[0].left < middle for row in band.rows)
    right = sum(row[-1].right > middle for row in band.rows)
    return min(left, right)


def _bands(rows: Sequence[list[Word]], em: float) -> list[_Band]:
    least = 0.3 * em
    justified = _justified(rows)
    over = _running_over(rows)
    bands: list[_Band] = []
    before: list[tuple[float, float]] = []
    for row in rows:
        if id(row) in over and bands:
            bands[-1].rows.append(row)
            bands[-1].over |= {id(row)}
            continue
        free = _free(row, _FAR / 2 if id(row) in justified else least)
        if bands:
            band = bands[-1]
            grown = _Band(
                band.rows,
                _shared(band.free, free, least),
                min(band.left, row[0].left),
                max(band.right, free[-1][0]),
                band.over,
            )
            after = _gutters(grown, em)
            lost = [
                gutter
                for gutter in before
                if not any(a < gutter[1] and b > gutter[0] for a, b in after)
            ]
            # A row that closes a gutter with rows behind it ends the band, and so does a row
            # with gaps of its own that the band's plain lines leave no room for.
            closes = any(_support(band, gutter) >= 2 for gutter in lost)
            opens = not after and not before and any(b - a >= 1.2 * em for a, b in free[1:-1])
            heads = (len(before) > 1 and _heading_by(row, band.rows[-1])) or (
                len(list(_apart(row))) > 2
                and all(_heading_by(heading, row) for heading in band.rows)
            )
            if not closes and not opens and not heads:
                band.rows.append(row)
                band.free, band.left, band.right = grown.free, grown.left, grown.right
                before = after
                continue
        bands.append(_Band([row], free, row[0].left, free[-1][0]))
        before = _gutters(bands[-1], em)
    return bands


def _heading_by(row: Sequence[Word], other: Sequence[Word]) -> bool:
    """Tell whether a row is a heading in larger letters than a row of a table."""
    return row[0].size > 1.15 * max(word.size for word in other) and len(list(_apart(row))) == 1


def _running_over(rows: Sequence[list[Word]]) -> set[int]:
    """Return the ``id`` of lines in a table that run on over the cells beside theirs.

    One piece close between rows of three cells or more that begin alike, each of a few letters:
    columns of text have more.
    """
    found: set[int] = set()
    cut = [list(_apart(row)) for row in rows]
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


def _title_rows(rows: Sequence[list[Word]], em: float) -> int:
    """Return how many rows at the top are a title in large letters that closes gutters below."""
    left = min(row[0].left for row in rows)
    count = 0
    while count < len(rows) and all(word.size > 1.2 * em for word in rows[count]):
        count += 1
    if not 0 < count < len(rows) or abs(rows[0][0].left - left) > 2 * em:
        return 0
    closed, opened = _bands(rows, em)[0], _bands(rows[count:], em)[0]
    return count if len(_gutters(opened, em)) > len(_gutters(closed, em)) else 0


def _split(rows: Iterable[list[Word]], gutters: Sequence[tuple[float, float]]) -> list[list[Word]]:
    cuts = [(a + b) / 2 for a, b in gutters]
    columns: list[list[Word]] = [[] for _ in range(len(cuts) + 1)]
    for row in rows:
        for word in row:
            columns[bisect_right(cuts, (word.left + word.right) / 2)].append(word)
    return columns


@dataclass(slots=True)
class _Column:
    lines: int
    width: float
    chars: float  # mean characters a line
    fill: float  # median width of a line in widths of the column
    markers: bool
    items: float  # share of lines that begin with a bullet or a number


def _measure(words: Sequence[Word]) -> _Column:
    rows = rows_of(words)
    left = min(word.left for word in words)
    right = max(word.right for word in words)
    texts = [" ".join(word.text for word in row) for row in rows]
    width = max(1.0, right - left)
    return _Column(
        lines=len(rows),
        width=width,
        chars=sum(map(len, texts)) / len(rows),
        fill=median((row[-1].right - row[0].left) / width for row in rows),
        markers=sum(bool(_MARKER.match(text)) for text in texts) >= 0.7 * len(texts)
        or _counts(texts),
        items=sum(
            len(row) > 1 and bool(_MARKER.match(row[0].text) or _NUMBER.match(row[0].text))
            for row in rows
        )
        / len(rows),
    )


def _listed(size: _Column) -> bool:
    return size.items >= 0.4 and size.lines >= 3 and size.chars >= 12


def _counts(texts: Sequence[str]) -> bool:
    """Tell whether the lines are numbers that rise by one: those of a list, hung out."""
    if len(texts) < 3 or not all(_NUMBER.match(text) for text in texts):
        return False
    numbers = [int(text) for text in texts]
    steps = sum(after == before + 1 for before, after in pairwise(numbers))
    return steps >= 0.7 * (len(numbers) - 1)


def _size(found: set[int]) -> int:
    return len(found)


def _apart(row: Sequence[Word]) -> Iterator[list[Word]]:
    """Cut a row at gaps too wide for a space, but not behind a bullet or a number."""
    piece: list[Word] = []
    for word in row:
        wide = 1.6 * max(word.size, piece[-1].size) if piece else 0.0
        marker = len(piece) == 1 and _MARKER.match(piece[0].text)
        if piece and word.left - piece[-1].right > wide and not marker:
            yield piece
            piece = []
        piece.append(word)
    if piece:
        yield piece


def _justified(rows: Sequence[list[Word]]) -> set[int]:
    """Return the ``id`` of the rows whose wide spaces come of justification and of nothing else.

    Such a row has few words, evenly spaced, and ends where two plain rows end that it begins
    with: at the edges of its column, the indent of a paragraph aside.
    """
    pieces = [len(list(_apart(row))) for row in rows]
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
        if len(gaps) == 1 and (count == 1 or _is_figure(row[-1:])):
            continue
        left, right, indent = row[0].left, row[-1].right, 2.5 * row[0].size
        alike = sum(abs(b - right) < 1.5 and -1.5 < left - a < indent for a, b in edges)
        if alike >= 2 and any(abs(left - a) < 1.5 for a, _ in edges):
            found.add(id(row))
    return found


@dataclass(slots=True, eq=False)
class _Cluster:
    """Pieces of rows that stand close under one another: the text of a box in a diagram."""

    rows: list[list[Word]]
    box: Box
    size: float


def _clusters(pieces: Iterable[list[Word]]) -> list[_Cluster]:
    done: list[_Cluster] = []
    for piece in pieces:
        box = _bounds(piece)
        size = median(word.size for word in piece)
        for cluster in reversed(done[-60:]):
            left, _, right, _ = cluster.box
            base = cluster.rows[-1][0].base
            shared = min(right, box[2]) - max(left, box[0])
            near = 0.5 * size < piece[0].base - base < 1.75 * size
            alike = abs(cluster.size - size) < 0.1 * size
            if near and alike and shared > 0.4 * min(right - left, box[2] - box[0]):
                cluster.rows.append(piece)
                cluster.box = _union(cluster.box, box)
                break
        else:
            done.append(_Cluster([piece], box, size))
    return done


def _bounds(words: Sequence[Word]) -> Box:
    return (
        min(word.left for word in words),
        min(word.base - 0.7 * word.size for word in words),
        max(word.right for word in words),
        max(word.base for word in words),
    )


def _union(one: Box, other: Box) -> Box:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _in_order(clusters: list[_Cluster], depth: int = 0) -> list[list[list[Word]]]:
    """Return the rows of each cluster in reading order: an XY-cut over their boxes."""
    if len(clusters) < 2 or depth > 40:
        return [cluster.rows for cluster in sorted(clusters, key=lambda c: (c.box[1], c.box[0]))]
    for low, high in ((1, 3), (0, 2)):
        parts: list[list[_Cluster]] = []
        edge = -_FAR
        for cluster in sorted(clusters, key=lambda c: c.box[low]):
            if not parts or cluster.box[low] >= edge:
                parts.append([])
            parts[-1].append(cluster)
            edge = max(edge, cluster.box[high])
        if len(parts) > 1:
            return [rows for part in parts for rows in _in_order(part, depth + 1)]
    first = min(clusters, key=lambda c: (c.box[1] + 0.3 * c.box[0], c.box[0]))
    rest = [cluster for cluster in clusters if cluster is not first]
    return [first.rows, *_in_order(rest, depth + 1)]


@dataclass(frozen=True, slots=True)
class _Usual:
    """A gutter between columns of text that many lines keep: its middle, and what it parts.

    ``before`` is the left and right edge of the column on its left, ``after`` of the other.
    """

    middle: float
    before: tuple[float, float]
    after: tuple[float, float]


def _middle(word: Word) -> tuple[float, float]:
    return (word.left + word.right) / 2, word.base - 0.35 * word.size


def _within(grid: Grid, word: Word) -> bool:
    return grid.holds(*_middle(word))


def _filled(found: Sequence[Grid], words: Sequence[Word]) -> list[Grid]:
    """Return the grids that are tables: words in two rows and columns, that no bar cuts.

    The lines of a chart hold no words, or cross them.
    """
    out: list[Grid] = []
    for grid in found:
        held = [word for word in words if _within(grid, word)]
        cells = {grid.cell(*_middle(word)) for word in held}
        rows, columns = ({cell[at] for cell in cells} for at in (0, 1))
        cut = sum(grid.crossed(word.left, word.right, _middle(word)[1]) for word in held)
        if len(rows) < 2 or len(columns) < 2 or cut > 0.02 * len(held):
            continue
        most = max(Counter(row for row, _ in cells).values())
        if most > 1 and len(cells) >= 0.3 * (len(grid.xs) - 1) * (len(grid.ys) - 1):
            out.append(grid)
    return out


def _extent(words: Sequence[Word]) -> tuple[float, float]:
    """Return where most lines of a column of text begin, and where its longest ones end."""
    rows = rows_of(words)
    lefts = Counter(round(row[0].left) for row in rows)
    rights = sorted(row[-1].right for row in rows)
    return float(lefts.most_common(1)[0][0]), rights[len(rights) * 9 // 10]


def _leaves_open(row: Sequence[Word], gutter: _Usual, em: float) -> bool:
    """Tell whether a row leaves a usual gutter open.

    Three quarters of an em do anywhere; less, where what follows begins where its column does.
    """
    middle = gutter.middle
    before = [word.right for word in row if word.left < middle]
    after = [word.left for word in row if word.left >= middle]
    if any(right >= middle + 1 for right in before):
        return False
    if not before or not after:
        return True
    gap = min(after) - max(before)
    return gap >= 0.75 * em or (gap >= 0.4 * em and abs(min(after) - gutter.after[0]) < 0.2 * em)


def _kept(sides: Sequence[list[Word]], gutter: _Usual) -> bool:
    """Tell whether a few lines on both sides of a usual gutter are text that fills its columns."""
    lines = full = 0
    for words, (start, end) in zip(sides, (gutter.before, gutter.after), strict=True):
        if not words:
            return False
        rows = rows_of(words)
        em = median(word.size for word in words)
        begun = [row[0].left - start for row in rows]
        if any(shift < -em for shift in begun) or any(len(list(_apart(row))) > 1 for row in rows):
            return False
        at_edge = [abs(shift) < 0.3 * em for shift in begun]
        if sum(at_edge) < 0.5 * len(rows) and not (len(rows) == 1 and begun[0] < 2.5 * em):
            return False
        reached = sum(row[-1].right - row[0].left > 0.75 * (end - start) for row in rows)
        if not reached:
            return False
        lines += len(rows)
        full += reached
    return full >= 0.5 * lines and (lines > 2 or full == lines)


class _Arranger:
    """Lays out one page; counts the regions and tables it makes."""

    def __init__(
        self,
        page: Page,
        number: int,
        *,
        usual: Sequence[_Usual] = (),
        first_region: int = 0,
        first_table: int = 0,
    ) -> None:
        self.page = page
        self.number = number
        self.usual = usual
        self.region = first_region
        self.table = first_table
        self.grids = _filled(grids(page.rules, page.bars), page.words)
        self.flowing: list[tuple[_Usual, int]] = []
        """The gutters that divided text, with the lines beside each."""

    def arrange(self, words: Sequence[Word], depth: int = 0) -> list[Item]:
        """Return lines and table rows in reading order."""
        if not words:
            return []
        rows = rows_of(words)
        em = median(word.size for word in words)
        if depth >= 4 or len(rows) < 2:
            return self._lines(rows)
        for gutter in self.usual:
            divided = self._divided(rows, gutter, em, depth)
            if divided is not None:
                return divided
        framed = self._framed(rows, depth)
        if framed is not None:
            return framed
        items: list[Item] = []
        plain: list[list[Word]] = []
        for part in self._tables_apart(rows, em):
            em = median(word.size for row in part for word in row)
            title = _title_rows(part, em)
            plain += part[:title]
            for band in _bands(part[title:], em):
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
            held = [sum(_within(grid, word) for word in row) for row in rows]
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
            cells[grid.cell(*_middle(word))].append(word)
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
            if listed and all(_is_figure(line) for lines in columns[1:] for line in lines):
                for row in zip(*columns, strict=True):
                    out.append(self._row([[self._cell_line(line)] for line in row]))
                continue
            out.append(self._row([[self._cell_line(line) for line in lines] for lines in columns]))
        return out

    def _tables_apart(
        self, rows: Sequence[list[Word]], em: float
    ) -> Iterator[Sequence[list[Word]]]:
        """Cut the rows where a ruled table begins and ends: three rules or more of one extent.

        A stretch between two rules that holds plain lines only is no part of a table.
        """
        left = min(row[0].left for row in rows) - 2 * em
        right = max(word.right for row in rows for word in row) + 2 * em
        extents: dict[tuple[int, int], set[float]] = defaultdict(set)
        for one, other, y in self.page.rules:
            if left < one and other < right:
                extents[round(one / 6), round(other / 6)].add(y)
        middles = [row[0].base - 0.3 * em for row in rows]
        gaps = [any(b - a >= 0.8 * em for a, b in _free(row, 0.0)[1:-1]) for row in rows]
        cuts = {0, len(rows)}
        for heights in extents.values():
            run: list[float] = []
            for y in [*sorted(heights), _FAR]:
                low = bisect_left(middles, run[-1]) if run else 0
                high = bisect_left(middles, y) if run else 0
                if y < _FAR and (low == high or any(gaps[low:high])):
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

    def _divided(
        self, rows: Sequence[list[Word]], gutter: _Usual, em: float, depth: int
    ) -> list[Item] | None:
        """Divide the stretches of rows that leave a usual gutter open; None where none does.

        A rule across ends a stretch. One with three lines on either side needs text on one; a
        shorter one, as between two figures across the page, text that keeps to both columns.
        """
        middle = gutter.middle
        stretches: list[list[list[Word]]] = []
        opens: list[bool] = []
        ruled_off: list[bool] = []
        across = sorted(
            y for left, right, y in self.page.rules if left < middle - 20 and right > middle + 20
        )
        before = -_FAR
        for row in rows:
            free = _leaves_open(row, gutter, em) and not self._across(row, gutter.middle)
            foot = row[0].base - 0.3 * em
            ruled = bisect_left(across, foot) > bisect_left(across, before)
            before = foot
            if not opens or opens[-1] != free or ruled:
                stretches.append([])
                opens.append(free)
                ruled_off.append(ruled)
            stretches[-1].append(row)
        ruled_off.append(bisect_left(across, before + 2 * em) > bisect_left(across, before))
        items: list[Item] = []
        plain: list[list[Word]] = []
        found = False
        for at, (stretch, free) in enumerate(zip(stretches, opens, strict=True)):
            while free and at + 1 < len(stretches) and len(stretch) > 1:
                last = stretch[-1]  # a heading of the text across the page that follows
                heads = all(word.bold for word in last) or last[0].size > 1.08 * em
                if last[-1].right > middle or not heads:
                    break
                stretches[at + 1].insert(0, stretch.pop())
            sides = _split(stretch, [(middle, middle)]) if free else []
            in_table = ruled_off[at] and ruled_off[at + 1]
            if not sides or not (self._beside(sides) or (not in_table and _kept(sides, gutter))):
                plain += stretch
                continue
            if plain:
                items += self._whole(plain, depth)
            plain = []
            found = True
            items += self._each(sides, depth)
        if not found:
            return None
        return [*items, *(self._whole(plain, depth) if plain else ())]

    def _across(self, row: Sequence[Word], middle: float) -> bool:
        """Tell whether a row stands in a framed table that reaches over a place."""
        return any(
            grid.xs[0] < middle < grid.xs[-1] and any(_within(grid, word) for word in row)
            for grid in self.grids
        )

    def _whole(self, rows: Sequence[list[Word]], depth: int) -> list[Item]:
        return self.arrange([word for row in rows for word in row], max(depth, 1))

    @staticmethod
    def _beside(sides: Sequence[list[Word]]) -> bool:
        """Tell whether two sides of a usual gutter are columns of their own."""
        if not all(sides):
            return False
        sizes = [_measure(side) for side in sides]
        return min(size.lines for size in sizes) >= 3 and any(
            size.chars >= 20 and size.fill >= 0.6 for size in sizes
        )

    def _lines(self, rows: Sequence[list[Word]]) -> list[Item]:
        cut = [list(_apart(row)) for row in rows]
        justified = _justified(rows)
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
        for cluster in _in_order(_clusters(pieces)):
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

    def _columns(self, band: _Band, em: float, depth: int) -> list[Item] | None:
        """Return the items of a band with gutters, or None when it is plain lines."""
        gutters = [gutter for gutter in _gutters(band, em) if _support(band, gutter) >= 2]
        if not gutters or len(band.rows) < 2:
            return None
        columns = _split(band.rows, gutters)
        sizes = [_measure(column) for column in columns if column]
        if len(sizes) != len(columns):
            return None
        ruled = self._ruled(band, gutters, em)
        widest = sorted(gutters, key=lambda gutter: gutter[0] - gutter[1])
        for gutter in widest if 1 < len(gutters) < 4 and not ruled else ():
            # Two lists side by side, whose short lines leave other gutters open by chance.
            pair = _split(band.rows, [gutter])
            if all(side and _listed(_measure(side)) for side in pair):
                return self._each(pair, depth)
        # Bullets and numbers in front of their text make no column of their own.
        keep = [not size.markers for size in sizes[:-1]]
        if not all(keep):
            gutters = [gutter for gutter, stays in zip(gutters, keep, strict=True) if stays]
            if not gutters:
                return None
            columns = _split(band.rows, gutters)
            sizes = [_measure(column) for column in columns]
        ruled = self._ruled(band, gutters, em)
        head, band, tail = self._trimmed(band, gutters, em, ruled)
        columns = _split(band.rows, gutters)
        if len(band.rows) < 2 or not all(columns):
            return None
        sizes = [_measure(column) for column in columns]
        made = self._judged(band, gutters, columns, sizes, em=em, depth=depth, ruled=bool(ruled))
        return None if made is None else [*self._lines(head), *made, *self._lines(tail)]

    def _trimmed(
        self,
        band: _Band,
        gutters: Sequence[tuple[float, float]],
        em: float,
        ruled: Sequence[float],
    ) -> tuple[list[list[Word]], _Band, list[list[Word]]]:
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
        kept = _Band(band.rows[start:end], band.free, band.left, band.right, band.over)
        return band.rows[:start], kept, band.rows[end:]

    def _judged(
        self,
        band: _Band,
        gutters: Sequence[tuple[float, float]],
        columns: Sequence[Sequence[Word]],
        sizes: Sequence[_Column],
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
        lists = [_listed(size) for size in sizes]
        dense = all(size.lines >= 0.75 * len(band.rows) for size in sizes)
        prose = [
            size.chars >= 25 and size.fill >= 0.75 and size.lines >= 5 and size.width >= 9 * em
            for size in sizes
        ]
        flowing = all(full) or all(lists) or (prose[0] and dense and len(sizes) == 2)
        flowing = flowing or all(one or other for one, other in zip(full, lists, strict=True))
        if flowing and not ruled:
            if depth == 0 and all(full):
                extents = [_extent(column) for column in columns]
                for (a, b), (before, after) in zip(gutters, pairwise(extents), strict=True):
                    usual = _Usual((a + b) / 2, before, after)
                    self.flowing.append((usual, min(size.lines for size in sizes)))
            return self._each(columns, depth)
        cells = [self._cells(row, gutters, band) for row in band.rows]
        shared = sum(sum(map(bool, row)) > 1 for row in cells)
        narrow = all(b - a < 1.2 * em for a, b in gutters)
        if ruled or (shared >= 2 and shared >= 0.4 * len(cells) and not narrow):
            return list(self._rows(band, gutters, em))
        if min(size.lines for size in sizes) >= 3 and not narrow:
            return self._each(columns, depth)
        return None

    def _each(self, columns: Sequence[Sequence[Word]], depth: int) -> list[Item]:
        return [item for column in columns for item in self.arrange(column, depth + 1)]

    def _ruled(self, band: _Band, gutters: Sequence[tuple[float, float]], em: float) -> list[float]:
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
        row: Sequence[Word], gutters: Sequence[tuple[float, float]], band: _Band
    ) -> list[list[Word]]:
        if id(row) in band.over:
            begins = _split([list(row[:1])], gutters)
            return [list(row) if cell else [] for cell in begins]
        return _split([list(row)], gutters)

    def _rows(
        self, band: _Band, gutters: Sequence[tuple[float, float]], em: float
    ) -> Iterator[Row]:
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
        band: _Band, cells: Sequence[list[list[Word]]], rules: Sequence[float], em: float
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
            figured = (
                [_is_figure(cell) for cell in column if cell] for column in list(columns)[1:]
            )
            if any(len(found) >= 2 and all(found[len(found) > 2 :]) for found in figured):
                out[start:end] = [True] * (end - start)
        return out

    def _cell_line(self, words: list[Word]) -> Line:
        return Line(words, page=self.number)

    def _row(self, cells: list[list[Line]]) -> Row:
        return Row([cell for cell in cells if cell], self.table, self.number)


_FIGURES = re.compile(r"[(<>≤≥~±+–−-]?\s*\d[\d\s.,:/–−-]*[)%‰€$£]?|[–—−-]")


def _is_figure(words: Sequence[Word]) -> bool:
    """Tell whether a cell holds a number and nothing else, or the dash for none."""
    return bool(_FIGURES.fullmatch(" ".join(word.text for word in words)))


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
            if any(all(map(_is_figure, column)) for column in list(columns)[1:]):
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


# --- running heads ---------------------------------------------------------------------------

_DIGITS = re.compile(r"\d+")
_NUMERAL = "\0"  # stands for a number where texts are compared without them
_FOLIO = re.compile(
    r"[\W_]*(?:(?:sivu|sida|page|s\.|p\.|pg\.?)\s*)?[ivxlc]{1,6}[\W_]*",
    re.IGNORECASE,
)


def furniture(pages: Sequence[Page]) -> set[int]:
    """Return the ``id`` of every word in a running head, a foot or a page number.

    A piece of one of the outermost rows of a page (four at the top, four at the bottom) is
    furniture when the same text, its digits aside, stands at the same height (within 1 % of
    the page) on other pages too: on two neighbours and at least three pages or half of them.
    Page numbers alone need to stand at one height on half of the pages.
    """
    if len(pages) < 2:
        return set()
    seen: dict[tuple[str, int], list[tuple[int, list[Word]]]] = defaultdict(list)
    heights: dict[int, set[int]] = defaultdict(set)
    named = _named_on_first(pages)
    folios: list[tuple[int, int, list[Word]]] = []
    outer: list[tuple[int, int, list[Word]]] = []
    for number, page in enumerate(pages):
        if not page.words:
            continue
        margin = 0.14 if len(pages) > 3 else 0.09
        rows = rows_of([word for word in page.words if _at_edge(word, page, margin)])
        every = rows_of(page.words)
        place = {id(word): at for at, whole in enumerate(every) for word in whole}
        for rank, row in enumerate(rows):
            at = place[id(row[0])]
            if at + 1 < len(every) and _heads_table(row, every[at + 1]):
                continue
            for piece in _pieces(row):
                if rank in (0, len(rows) - 1):
                    outer.append((number, round(100 * piece[0].base / page.height), piece))
                text = _DIGITS.sub(_NUMERAL, " ".join(word.text for word in piece)).casefold()
                at = round(100 * piece[0].base / page.height)
                heights[at].add(number)
                if _FOLIO.fullmatch(text):
                    folios.append((number, at, piece))
                seen[text, at].append((number, piece))
    out: set[int] = set()
    need = 2 if len(pages) <= 3 else 3
    for (text, at), places in seen.items():
        near = [place for step in (-1, 0, 1) for place in seen.get((text, at + step), ())]
        if _NUMERAL in text:
            kept = _numbered_alike(near)
            near = [place for place in near if id(place[1]) in kept]
            places = [place for place in places if id(place[1]) in kept]
        found = {number for number, _ in near}
        if len(found) < need and not (len(found) == 2 and _crowded(at, heights, len(pages))):
            continue
        # The first page mostly has a title in the place of a running head.
        beyond_title = found == set(range(1, len(pages))) and len(_plain(text)) >= 10
        if len(pages) <= 3 and len(found) < len(pages) and not beyond_title:
            continue
        out.update(id(word) for _, piece in places for word in piece)
    levels: dict[int, set[int]] = defaultdict(set)
    for number, at, _ in folios:
        for step in (-1, 0, 1):
            levels[at + step].add(number)
    for _, at, piece in folios:
        if len(levels[at]) >= max(2, len(pages) // 3):
            out.update(id(word) for word in piece)
    return out | named | _chapter_heads(outer, out, len(pages))


def _named_on_first(pages: Sequence[Page]) -> set[int]:
    """Return the words of an outermost row that stands apart and says what the first page says.

    The title, mostly, repeated small over the pages that follow.
    """
    first = _plain("".join(word.text for row in rows_of(pages[0].words) for word in row))
    out: set[int] = set()
    for page in pages[1:]:
        rows = rows_of(page.words)
        for row, near in ((rows[0], rows[1]), (rows[-1], rows[-2])) if len(rows) > 3 else ():
            size = max(word.size for word in row)
            apart = abs(row[0].base - near[0].base) > 1.8 * size
            if not apart or not _at_edge(row[0], page, 0.14):
                continue
            said = [_plain("".join(word.text for word in piece)) for piece in _pieces(row)]
            if any(len(text) >= 10 for text in said) and all(
                text in first or text.isdigit() for text in said
            ):
                out.update(id(word) for word in row)
    return out


def _heads_table(row: Sequence[Word], below: Sequence[Word]) -> bool:
    """Tell whether a row is the head of a table: cells close above cells that begin as they do."""
    if not 0 < below[0].base - row[0].base < 2.2 * row[0].size:
        return False
    heads, cells = list(_pieces(row)), list(_pieces(below))
    starts = [cell[0].left for cell in cells]
    alike = sum(any(abs(head[0].left - start) < 2 for start in starts) for head in heads)
    return len(heads) > 1 and len(cells) > 1 and alike == len(heads)


def _numbered_alike(places: Sequence[tuple[int, list[Word]]]) -> set[int]:
    """Return the ``id`` of the pieces whose numbers stay, or rise by one from page to page.

    Pieces that differ in other numbers are no running head: footnotes, cells of a table.
    """
    numbers = [
        [int(found[:12]) for found in _DIGITS.findall(" ".join(word.text for word in piece))]
        for _, piece in places
    ]
    fixed = [len(set(column)) == 1 for column in zip(*numbers, strict=True)]
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for (page, piece), said in zip(places, numbers, strict=True):
        key = tuple(
            value if stays else value - page for value, stays in zip(said, fixed, strict=True)
        )
        groups[key].append(id(piece))
    return {piece for group in groups.values() if len(group) > 1 for piece in group}


def _chapter_heads(
    outer: Sequence[tuple[int, int, list[Word]]], found: set[int], pages: int
) -> set[int]:
    """Return the words of outermost pieces where most pages have furniture, in letters as large.

    They are the heads that name the section of their page and stand on one page only.
    """
    levels: dict[tuple[int, float], set[int]] = defaultdict(set)
    for number, at, piece in outer:
        if id(piece[0]) in found:
            for step in (-1, 0, 1):
                levels[at + step, piece[0].size].add(number)
    return {
        id(word)
        for _, at, piece in outer
        if pages >= 4 and len(levels.get((at, piece[0].size), ())) >= 0.5 * pages
        for word in piece
    }


def _crowded(at: int, heights: Mapping[int, set[int]], pages: int) -> bool:
    """Tell whether most pages have something at this height: heads that change by chapter."""
    held: set[int] = set()
    for step in (-1, 0, 1):
        held |= heights.get(at + step, set())
    return len(held) >= 0.6 * pages


def _at_edge(word: Word, page: Page, margin: float) -> bool:
    return not margin * page.height <= word.base <= (1 - 0.93 * margin) * page.height


def _pieces(row: Sequence[Word]) -> Iterator[list[Word]]:
    """Cut a row where a gap is wider than two letters' size."""
    piece: list[Word] = []
    for word in row:
        if piece and word.left - piece[-1].right > 2 * word.size:
            yield piece
            piece = []
        piece.append(word)
    if piece:
        yield piece


# --- lines to blocks -------------------------------------------------------------------------

_END = re.compile(r"[.!?:…][\"'”’»)\]]*$")
# The same with the mark of a footnote behind it: 'vuonna.12'.
_NOTED = re.compile(r"\w{2}[.!?…][\"'”’»)\]]*\d{1,3}(?:, ?\d{1,3})*$")
_NUMBERED = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,4}\.?|[A-Z]\.|[IVX]{1,4}\.)$")
_CAPTION = re.compile(
    r"(?:kuva|kuvio|taulukko|kaavio|kartta|figure|fig\.|table|chart|figur|tabell|bild|diagram)"
    r"\s*\d{1,3}(?:[.–-]\d{1,3})?\s*[.:|)–-]?",
    re.IGNORECASE,
)
_FOOTNOTE = re.compile(r"(?:\(?\d{1,3}\)?|[*†‡]{1,3})$")


@dataclass(slots=True, eq=False)
class _Draft:
    """A block in the making: lines, or the cells of a row."""

    kind: BlockKind
    lines: list[Line]
    cells: list[list[Line]] | None = None
    table: int = 0
    page: int = 0
    level: int = 0

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Assembled:
    """The text of all pages and its places."""

    text: str
    blocks: tuple[Block, ...]
    page_starts: tuple[int, ...]
    words: tuple[WordBox, ...]
    title: str


def assemble(pages: Sequence[Page], outline: Sequence[Heading] = ()) -> Assembled:
    """Lay pages out and return one text with its blocks, page starts and word boxes.

    ``title`` is the largest heading of the first page, or an empty string.
    """
    for page in pages:
        _settle_marks(page.words)
    skip = furniture(pages)
    forms = WordForms(_whole_words(pages))
    body = _body_size(pages)
    for page in pages:
        skip |= _leaders(page.words)
    kept = [[word for word in page.words if id(word) not in skip] for page in pages]
    usual = _usual_gutters(pages, kept)
    laid: list[list[Item]] = []
    region = table = 0
    for number, page in enumerate(pages):
        arranger = _Arranger(
            page,
            number,
            usual=usual.get((round(page.width), number % 2), ()),
            first_region=region,
            first_table=table,
        )
        items = arranger.arrange(kept[number])
        for aside in page.asides:
            items += arranger.arrange(aside)
        region, table = arranger.region, arranger.table
        _mark_footnotes(items, page, body)
        laid.append(items)
    _match_outline(laid, outline)
    drafts = _order(_drafts(laid, body, _pitch(laid)))
    _classify(drafts, body)
    return _write(drafts, len(pages), forms)


_DOTS = re.compile(r"[.…]+$")


def _leaders(words: Sequence[Word]) -> set[int]:
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


def _usual_gutters(
    pages: Sequence[Page], kept: Sequence[Sequence[Word]]
) -> dict[tuple[int, int], tuple[_Usual, ...]]:
    """Return the gutters between columns of text, by the width of the page, even or odd.

    They are found where the columns hold nothing but text, and then also divide the stretches
    where a table stands in one of them. A gutter is usual with twenty lines beside it. Margins
    may be mirrored, so what stands on left pages is looked for there first.
    """
    seen: dict[tuple[int, int], list[tuple[_Usual, int]]] = defaultdict(list)
    for number, page in enumerate(pages):
        arranger = _Arranger(page, number)
        arranger.arrange(kept[number])
        seen[round(page.width), number % 2] += arranger.flowing
    usual: dict[tuple[int, int], tuple[_Usual, ...]] = {}
    for width, side in list(seen):
        own, other = seen[width, side], seen.get((width, 1 - side), [])
        found: list[_Usual] = []
        for flowing in (own, other):
            counts: Counter[int] = Counter()
            for one, lines in flowing:
                counts[round(one.middle)] += lines
            for middle, _ in counts.most_common():
                near = [(one, n) for one, n in own + other if abs(one.middle - middle) <= 6]
                if all(abs(one.middle - middle) > 30 for one in found) and (
                    sum(lines for _, lines in near) >= 20
                ):
                    here = [pair for pair in flowing if abs(pair[0].middle - middle) <= 6]
                    found.append(max(here, key=lambda pair: pair[1])[0])
        usual[width, side] = tuple(sorted(found, key=lambda one: one.middle))
    return usual


def _whole_words(pages: Sequence[Page]) -> Iterator[str]:
    for page in pages:
        for word in page.words:
            yield word.text


def _body_size(pages: Sequence[Page]) -> float:
    sizes: Counter[float] = Counter()
    for page in pages:
        for word in page.words:
            sizes[round(2 * word.size) / 2] += len(word.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _pitch(laid: Sequence[Sequence[Item]]) -> float:
    """Return the usual distance of baselines in a paragraph, in sizes of the letters."""
    ratios: Counter[float] = Counter()
    for items in laid:
        before: Line | None = None
        for item in items:
            if isinstance(item, Row):
                before = None
                continue
            if before is not None and before.region == item.region and before.size == item.size:
                step = (item.base - before.base) / max(1.0, item.size)
                if 0.8 < step < 2.5:
                    ratios[round(step, 2)] += 1
            before = item
    if not ratios:
        return 1.2
    total, so_far = sum(ratios.values()), 0
    for ratio, count in sorted(ratios.items()):
        so_far += count
        if so_far >= 0.5 * total:
            return ratio
    return 1.2


def _mark_footnotes(items: Sequence[Item], page: Page, body: float) -> None:
    """Mark the small lines at the bottom of a column that begin with a mark or a number."""
    by_region: dict[int, list[Line]] = defaultdict(list)
    for item in items:
        if isinstance(item, Line):
            by_region[item.region].append(item)
    for lines in by_region.values():
        first = len(lines)
        while first and lines[first - 1].size <= 0.93 * body:
            first -= 1
        while first < len(lines) and not (
            len(lines[first].words) > 1
            and _FOOTNOTE.match(lines[first].words[0].text)
            and lines[first].base > 0.45 * page.height
        ):
            first += 1
        for line in lines[first:]:
            line.footnote = True


def _plain(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _match_outline(laid: Sequence[Sequence[Item]], outline: Sequence[Heading]) -> None:
    """Mark the lines that say what an entry of the outline says, on its page."""
    said: dict[int, list[tuple[Line, str]]] = {}
    for entry, heading in enumerate(outline):
        wanted = _plain(heading.title)
        if not wanted or not 0 <= heading.page < len(laid):
            continue
        if heading.page not in said:
            found = [item for item in laid[heading.page] if isinstance(item, Line)]
            said[heading.page] = [(line, _plain(line.text)) for line in found]
        lines = said[heading.page]
        bare = wanted.lstrip("0123456789")
        for at, (line, text) in enumerate(lines):
            # The outline may leave out the number that the page has, or the other way round.
            rest = text.lstrip("0123456789")
            begins = text and (wanted.startswith(text) or rest in wanted)
            if not rest and at + 1 < len(lines) and line.size < 0.9 * lines[at + 1][0].size:
                continue  # the year that ends the paragraph before
            if line.outline is not None or not (begins or text.endswith(wanted)):
                continue
            whole, used = "", []
            for other, more in lines[at : at + 4]:
                whole += more
                used.append(other)
                if len(whole) >= len(wanted):
                    break
            if whole == wanted or whole.lstrip("0123456789") == bare != "":
                for other in used:
                    other.outline = (entry, heading.level)
                break


def _drafts(laid: Sequence[Sequence[Item]], body: float, pitch: float) -> list[_Draft]:
    drafts: list[_Draft] = []
    for items in laid:
        notes: list[_Draft] = []
        above = _above_lines(items)
        below = {id(upper): lower for lower, upper in above.values()}
        for item in items:
            if isinstance(item, Row):
                drafts.append(
                    _Draft(
                        BlockKind.TABLE_ROW,
                        list(item.lines),
                        cells=item.cells,
                        table=item.table,
                        page=item.page,
                    )
                )
                continue
            into = notes if item.footnote else drafts
            draft = _open(into, item)
            if id(item) in above and not item.footnote:
                upper = above[id(item)][1]
                split = next((one for one in drafts[-40:] if one.lines[-1] is upper), None)
                if split is not None and _same_text(upper, item):
                    split.lines.append(item)
                    continue
            if draft is not None and draft.lines[-1].region != item.region:
                # What a line of the same text follows at once isn't continued elsewhere.
                lower = below.get(id(draft.lines[-1]))
                if lower is not None and lower is not item and _same_text(draft.lines[-1], lower):
                    draft = None
            if draft is not None and _goes_on(draft, item, body, pitch):
                draft.lines.append(item)
                continue
            kind = BlockKind.PARAGRAPH
            if item.footnote:
                kind = BlockKind.FOOTNOTE
            elif _is_marked(item):
                kind = BlockKind.LIST_ITEM
            into.append(_Draft(kind, [item], page=item.page))
        drafts += notes
    return drafts


def _above_lines(items: Sequence[Item]) -> dict[int, tuple[Line, Line]]:
    """Return, by the ``id`` of a line, the line and the one right above it in another region.

    Both have letters of one size and share their left edge or their middle. Two regions cut a
    paragraph where its first line stands level with other columns and the rest doesn't.
    """
    lines = sorted((item for item in items if isinstance(item, Line)), key=lambda line: line.base)
    bases = [line.base for line in lines]
    found: dict[int, tuple[Line, Line]] = {}
    for line in lines:
        em = line.size
        low, high = (
            bisect_left(bases, line.base - 1.6 * em),
            bisect_left(bases, line.base - 0.9 * em),
        )
        near = [
            other
            for other in lines[low:high]
            if abs(other.size - em) < 0.07 * em
            and (
                abs(other.left - line.left) < 0.3 * em
                or abs(other.left + other.right - line.left - line.right) < 0.6 * em
            )
        ]
        if len(near) == 1 and near[0].region != line.region:
            found[id(line)] = (line, near[0])
    return found


def _same_text(upper: Line, lower: Line) -> bool:
    """Tell whether a line that stands right under another goes on with its sentence."""
    return (
        upper.bold == lower.bold
        and upper.outline is None
        and lower.outline is None
        and upper.footnote == lower.footnote
        and lower.text[:1].islower()
        and not _is_marked(lower)
        and not _CAPTION.match(upper.text)
        and not _END.search(upper.text)
    )


def _open(drafts: Sequence[_Draft], line: Line) -> _Draft | None:
    """Return the draft that a line may go on.

    That is the last one of its kind past the rows, notes and captions since; for a line that
    begins small, at the top of a column or page, also past headings and labels of figures.
    """
    nearest: _Draft | None = None
    for draft in reversed(drafts[-40:]):
        if draft.kind is BlockKind.TABLE_ROW:
            continue
        if (draft.kind is BlockKind.FOOTNOTE) != line.footnote:
            continue
        last = draft.lines[-1]
        if _CAPTION.match(draft.lines[0].text) and draft is not drafts[-1]:
            continue
        nearest = nearest or draft
        if not line.text[:1].islower() or last.region == line.region or line.footnote:
            return nearest
        waits = last.text.endswith(("-", "\u00ad")) or len(draft.lines) > 1
        alike = abs(last.size - line.size) < 0.07 * line.size and last.bold == line.bold
        if waits and alike and not _END.search(last.text):
            return draft
        label = len(draft.lines) == 1 and (len(last.text) < 40 or last.bold)
        if not label or line.page > last.page + 1:
            return nearest
    return nearest


def _is_marked(line: Line) -> bool:
    return len(line.words) > 1 and bool(_MARKER.match(line.words[0].text))


def _looks_like_head(line: Line, body: float) -> bool:
    return line.outline is not None or line.size >= 1.15 * body


def _goes_on(draft: _Draft, line: Line, body: float, pitch: float) -> bool:
    """Tell whether a line belongs to the block before it."""
    last = draft.lines[-1]
    if last.outline is not None or line.outline is not None:
        same = last.outline is not None and line.outline is not None
        return same and last.outline == line.outline
    if abs(last.size - line.size) > 0.07 * max(last.size, line.size):
        return False
    # A paragraph may begin or end with bold words; a whole bold line of it rarely does.
    changes = last.bold != line.bold and (len(draft.lines) == 1 or line.bold)
    within = last.region == line.region and line.text[:1].islower()
    if changes and not (within and not _END.search(last.text)):
        return False
    if last.region != line.region or last.page != line.page:
        return _flows(draft, last, line, body)
    if line.right < last.left or line.left > last.right:
        return False  # a label beside the text, whose lines come between
    step = line.base - last.base
    em = line.size
    if (
        step < 0.5 * em
        or step > max(1.27 * pitch, 1.45 if _looks_like_head(line, body) else 0) * em
    ):
        return False
    starts_low = line.text[:1].islower()
    ended = _ended(last, line)
    if _is_marked(line) and _opens_item(draft, last, line, ended):
        return False
    if _looks_like_head(line, body):
        return True
    room = line.edges[1] - last.right
    fits = room > line.words[0].right - line.words[0].left + 0.8 * em
    if fits and (ended or not starts_low):
        return False
    shift = line.left - last.left
    if shift > 0.8 * em:
        if draft.kind is BlockKind.LIST_ITEM or len(draft.lines) == 1:
            return not (ended and line.text[:1].isupper() and draft.kind is not BlockKind.LIST_ITEM)
        return not ended
    if shift < -0.8 * em and len(draft.lines) > 1:
        return not ended and draft.kind is not BlockKind.LIST_ITEM
    if shift < -0.8 * em and draft.kind is BlockKind.LIST_ITEM:
        return not ended and starts_low
    return True


def _ended(last: Line, line: Line) -> bool:
    """Tell whether a sentence ends with a line; what begins small never follows a mere note."""
    if _END.search(last.text):
        return True
    return not line.text[:1].islower() and bool(_NOTED.search(last.text))


def _opens_item(draft: _Draft, last: Line, line: Line, ended: bool) -> bool:
    mark = line.words[0].text
    if mark[:1] in "•◦▪▫■□●○◆◇►▶▸‣⁃∙✓✔➢➤❖":
        return True
    first = draft.lines[0]
    if draft.kind is BlockKind.LIST_ITEM and abs(first.left - line.left) < 3:
        return True
    if ended or last.text.endswith((";", ",")):
        return True
    return line.words[1].left - line.words[0].right > 0.5 * line.size and mark not in "–-—"


def _flows(draft: _Draft, last: Line, line: Line, body: float) -> bool:
    """Tell whether a paragraph goes on in the next column, on the next page or past a figure."""
    if draft.kind is BlockKind.FOOTNOTE or _is_marked(line) or _looks_like_head(line, body):
        return False
    if last.bold or line.bold or _CAPTION.match(line.text) or _CAPTION.match(draft.text):
        return False
    beside = line.right < last.left or line.left > last.right
    if last.page == line.page and abs(last.base - line.base) < (1.5 if beside else 0.5) * line.size:
        return False  # pieces of one row that stand far apart, or of rows side by side
    room = last.edges[1] - last.right
    if _ended(last, line):
        # A sentence that ends in a full line rarely ends its paragraph there as well.
        full = sum(other.edges[1] - other.right < 0.4 * other.size for other in draft.lines)
        flush = room < 0.4 * last.size and line.left < line.edges[0] + 0.5 * line.size
        return flush and full > 2 and full > 0.8 * len(draft.lines)
    if last.text.endswith(("-", "\u00ad")):
        named = last.words[-1].text[:1].isupper() and line.text[:1].isalpha()
        return line.text[:1].islower() or named
    if line.text[:1].islower():
        return True
    return len(draft.lines) > 1 and room < 3 * last.size and last.page + 1 >= line.page


def _order(drafts: list[_Draft]) -> list[_Draft]:
    """Put what interrupts a paragraph that crosses a page before that paragraph.

    Page starts stay exact that way, and the sentence stays whole: a footnote, a caption or a
    table at the foot of the page comes before the paragraph that goes on overleaf.
    """
    out: list[_Draft] = []
    for draft in drafts:
        out.append(draft)
    for at, draft in enumerate(out):
        pages = {line.page for line in draft.lines}
        if len(pages) < 2:
            continue
        first, last = min(pages), max(pages)
        end = at
        while end + 1 < len(out) and out[end + 1].page < last and out[end + 1].page >= first:
            end += 1
        if end > at:
            moved = out[at + 1 : end + 1]
            out[at : end + 1] = [*moved, draft]
    return out


def _classify(drafts: Sequence[_Draft], body: float) -> None:
    for at, draft in enumerate(drafts):
        if draft.kind in (BlockKind.TABLE_ROW, BlockKind.FOOTNOTE):
            continue
        text = draft.text
        if draft.lines[0].outline is not None:
            draft.kind, draft.level = BlockKind.HEADING, draft.lines[0].outline[1]
            continue
        if _is_heading(draft, text, body, drafts[at + 1] if at + 1 < len(drafts) else None):
            draft.kind = BlockKind.HEADING
        elif _CAPTION.match(text) and len(text) < 400 and draft.kind is BlockKind.PARAGRAPH:
            draft.kind = BlockKind.CAPTION


def _is_heading(draft: _Draft, text: str, body: float, after: _Draft | None) -> bool:
    line = draft.lines[0]
    if len(text) > 200 or len(draft.lines) > 4 or sum(map(str.isalpha, text)) < 2:
        return False
    if text.endswith((".", ";", ",", "-")) and not _NUMBERED.match(text):
        return False
    if _CAPTION.match(text):
        return False
    doubted = sum(len(word.text) for one in draft.lines for word in one.words if not word.sure)
    if doubted > 0.2 * len(text):
        return False
    if line.size >= 1.15 * body:
        return not (draft.kind is BlockKind.LIST_ITEM and not _NUMBERED.match(line.words[0].text))
    numbered = bool(_NUMBERED.match(line.words[0].text)) and len(line.words) > 1
    if draft.kind is BlockKind.LIST_ITEM and not numbered:
        return False
    if all(other.bold for other in draft.lines) and line.size >= 0.97 * body and len(text) <= 120:
        return after is not None and after.kind is not BlockKind.TABLE_ROW and len(draft.lines) <= 2
    return numbered and line.size >= 1.05 * body


def _above(top: _Draft, draft: _Draft) -> bool:
    """Tell whether a heading stands above another in the path."""
    one, other = top.lines[0], draft.lines[0]
    if top.level and draft.level:
        return top.level < draft.level
    if top.level or draft.level:  # what the outline leaves out stands below what it names
        return top.level > 0
    first, second = one.words[0].text.rstrip("."), other.words[0].text.rstrip(".")
    if _NUMBERED.match(first + ".") and _NUMBERED.match(second + "."):
        if first.count(".") != second.count("."):
            return first.count(".") < second.count(".")
        return False
    if abs(one.size - other.size) > 0.4:
        return one.size > other.size
    return one.bold and not other.bold


# --- blocks to text --------------------------------------------------------------------------


class _Writer:
    """Builds the text, and keeps the span of every word and the start of every page."""

    def __init__(self, pages: int, forms: WordForms, notes: set[tuple[int, str]]) -> None:
        self.notes = notes
        self.parts: list[str] = []
        self.at = 0
        self.forms = forms
        self.words: list[WordBox] = []
        self.starts: list[int | None] = [None] * pages

    def put(self, text: str) -> None:
        self.parts.append(text)
        self.at += len(text)

    def lines(self, lines: Sequence[Line]) -> None:
        pieces = [(line.page, word) for line in lines for word in line.words]
        ends = set()
        count = 0
        for line in lines:
            count += len(line.words)
            ends.add(count - 1)
        for index, (page, word) in enumerate(pieces):
            text = word.text
            gap = ""
            if index + 1 < len(pieces):
                gap = " "
                if index in ends:
                    joint = join(text, pieces[index + 1][1].text, self.forms)
                    if joint is Joint.HEAL:
                        text, gap = text[:-1], ""
                    elif joint is Joint.KEEP:
                        gap = ""
                elif self._touches(page, word, pieces[index + 1][1], index == 0):
                    gap = ""
            if self.starts[page] is None:
                self.starts[page] = self.at
            start = self.at
            text = text.replace("\u00ad", "")
            self.put(text)
            if text:
                left, top, right, bottom = word.box
                self.words.append(
                    WordBox(
                        start=start,
                        end=self.at,
                        page=page + 1,
                        left=round(left, 2),
                        top=round(top, 2),
                        right=round(right, 2),
                        bottom=round(bottom, 2),
                    )
                )
            self.put(gap)

    def _touches(self, page: int, word: Word, after: Word, first: bool) -> bool:
        """Tell whether the next word follows without a space; a footnote mark gets one."""
        if _drop_capital(word, after):
            return True
        if not after.glued:
            return False
        if after.mark and (len(word.text) > 2 or not word.text.isalpha()):
            return (page, after.text) not in self.notes
        return not (first and word.mark)


def _drop_capital(word: Word, after: Word) -> bool:
    return (
        len(word.text) == 1
        and word.text.isupper()
        and word.size > 1.8 * after.size
        and after.text[:1].islower()
    )


def _write(drafts: Sequence[_Draft], pages: int, forms: WordForms) -> Assembled:
    notes = {
        (line.page, draft.lines[0].words[0].text.strip("()."))
        for draft in drafts
        for line in draft.lines[:1]
        if draft.kind is BlockKind.FOOTNOTE or line.words[0].mark
    }
    writer = _Writer(pages, forms, notes)
    blocks: list[Block] = []
    stack: list[tuple[_Draft, str]] = []
    title_draft = _title(drafts)
    title = ""
    for at, draft in enumerate(drafts):
        before = drafts[at - 1] if at else None
        if before is not None:
            together = (
                draft.kind in (BlockKind.TABLE_ROW, BlockKind.LIST_ITEM)
                and before.kind is draft.kind
                and before.table == draft.table
            )
            writer.put("\n" if together else "\n\n")
        start = writer.at
        if draft.cells is None:
            writer.lines(draft.lines)
        else:
            for index, cell in enumerate(draft.cells):
                if index:
                    writer.put(" | ")
                writer.lines(cell)
        path = tuple(text for _, text in stack)
        if draft.kind is BlockKind.HEADING:
            text = _tail(writer.parts, writer.at - start)
            if draft is title_draft:
                title = text
                path = (text,)
            else:
                while stack and not _above(stack[-1][0], draft):
                    stack.pop()
                stack = [*stack[-7:], (draft, text)]
                path = tuple(said for _, said in stack)
        blocks.append(Block(start=start, end=writer.at, kind=draft.kind, heading=path))
    text = "".join(writer.parts)
    starts: list[int] = []
    following = len(text)
    for start_of in reversed(writer.starts):
        following = start_of if start_of is not None else following
        starts.append(following)
    starts.reverse()
    return Assembled(text, tuple(blocks), tuple(starts), tuple(writer.words), title)


def _tail(parts: Sequence[str], length: int) -> str:
    taken: list[str] = []
    for part in reversed(parts):
        if length <= 0:
            break
        taken.append(part)
        length -= len(part)
    return "".join(reversed(taken))


def _title(drafts: Sequence[_Draft]) -> _Draft | None:
    """Return the heading of the first page in the largest letters, if it outranks the others."""
    heads = [draft for draft in drafts if draft.kind is BlockKind.HEADING]
    first = [
        draft
        for draft in heads
        if draft.page == 0 and not _NUMBERED.match(draft.lines[0].words[0].text)
    ]
    if not first:
        return None
    best = max(first, key=lambda draft: draft.lines[0].size)
    others = max((draft.lines[0].size for draft in heads if draft is not best), default=0.0)
    return best if best.lines[0].size > others + 0.4 else None
