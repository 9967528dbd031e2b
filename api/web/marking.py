"""Marks: spans of a document as boxes on its pages and as pieces of its structured text.

Pure functions of the document's text, blocks and word boxes. What is marked is always a span;
nothing is searched for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kb.model import Block, BlockKind, Document, Span, WordBox

PART_LENGTH = 60_000
"""Characters of a document that are shown at once where it has no pages."""

_CELL_END = re.compile(r"(?:^| |(?<= ))\|(?: |$)")

_PAD = 1.2
"""Points that a mark reaches beyond its words on every side."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to be marked; ``number`` is its citation's, 0 for a span without one."""

    span: Span
    number: int
    current: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text that is marked throughout or not at all; ``first`` opens the mark."""

    text: str
    mark: Mark | None = None
    first: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle on a page, in points from its top left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Element:
    """A piece of structure: a heading, paragraph, list or table.

    ``kind`` is ``heading``, ``paragraph``, ``list``, ``table``, ``footnote``, ``note`` or
    ``caption``. ``rows`` holds lists of cells, each a list of runs: one row of one cell for
    text, a row an item for lists.
    """

    kind: str
    rows: list[list[list[Run]]]
    level: int = 0


@dataclass(slots=True)
class Section:
    """A slide, a sheet or, where there are none, all of the text: its elements in order."""

    slide: int | None
    sheet: str | None
    elements: list[Element] = field(default_factory=list)


def runs(
    text: str, span: Span, marks: Sequence[Mark], *, begun: set[Mark] | None = None
) -> list[Run]:
    """Cut ``text[span]`` where marks begin and end.

    Where marks overlap, the current one wins, then the one that begins first. Joined, the
    runs' texts are the span's text. Marks in ``begun`` have been opened before; those that are
    opened here are added to it.
    """
    touching = [mark for mark in marks if mark.span.overlap(span)]
    if not touching:
        return [Run(text[span.start : span.end])] if len(span) else []
    touching.sort(key=lambda mark: (not mark.current, mark.span.start, mark.span.end))
    cuts = {span.start, span.end}
    for one in touching:
        cuts |= {max(span.start, one.span.start), min(span.end, one.span.end)}
    pieces: list[Run] = []
    opened: set[Mark] = set() if begun is None else begun
    for start, end in pairwise(sorted(cuts)):
        piece = Span(start, end)
        mark: Mark | None = next((one for one in touching if one.span.overlap(piece)), None)
        first = mark is not None and mark not in opened
        if mark is not None:
            opened.add(mark)
        last = mark is not None and end == mark.span.end
        if pieces and pieces[-1].mark == mark and mark is None:
            pieces[-1] = Run(pieces[-1].text + text[start:end])
        else:
            pieces.append(Run(text[start:end], mark, first, last))
    return pieces


def line_boxes(words: Sequence[WordBox]) -> list[Rect]:
    """Join the boxes of words that follow each other on a line into one box a line.

    The words are of one page, in the order of the text. A word begins another line when it
    stands lower or higher by more than half its height, or to the left of the one before.
    """
    return [_around(line, pad=_PAD) for line in _lines(words)]


def text_lines(document: Document, words: Sequence[WordBox]) -> list[tuple[Rect, str]]:
    """Return the lines of a page: where each stands, and what it says.

    A line ends with a space unless its last word goes on in the next one, so that lines joined
    are the text.
    """
    lines = _lines(words)
    found: list[tuple[Rect, str]] = []
    for line, following in zip(lines, [*lines[1:], []], strict=True):
        said = ""
        for word, after in zip(line, [*line[1:], *following[:1], None], strict=False):
            goes_on = after is not None and after.start == word.end
            said += document.text[word.start : word.end] + ("" if goes_on else " ")
        found.append((_around(line, pad=0), said))
    return found


def _lines(words: Sequence[WordBox]) -> list[list[WordBox]]:
    lines: list[list[WordBox]] = []
    for word in words:
        if lines and _same_line(lines[-1][-1], word):
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines


def _same_line(before: WordBox, word: WordBox) -> bool:
    height = max(before.bottom - before.top, word.bottom - word.top)
    overlap = min(before.bottom, word.bottom) - max(before.top, word.top)
    gap = word.left - before.right
    return overlap > 0.4 * min(height, word.bottom - word.top) and -height < gap < 4 * height


def _around(words: Sequence[WordBox], *, pad: float) -> Rect:
    left = min(word.left for word in words) - pad
    top = min(word.top for word in words) - pad
    right = max(word.right for word in words) + pad
    bottom = max(word.bottom for word in words) + pad
    return Rect(round(left, 2), round(top, 2), round(right - left, 2), round(bottom - top, 2))


def page_span(document: Document, page: int) -> Span:
    """Return the span of a page's text; pages count from 1."""
    starts = document.page_starts
    end = starts[page] if page < len(starts) else len(document.text)
    return Span(starts[page - 1], max(starts[page - 1], end))


def parts(document: Document, *, length: int = PART_LENGTH) -> list[Span]:
    """Divide a document at blocks into spans of about ``length`` characters, covering it."""
    cuts = [0]
    for block in document.blocks:
        # Tables are kept together unless one is longer than a part itself.
        enough = 2 * length if block.kind is BlockKind.TABLE_ROW else length
        if block.start - cuts[-1] >= enough:
            cuts.append(block.start)
    return [Span(start, end) for start, end in pairwise([*cuts, len(document.text)])]


def part_of(divided: Sequence[Span], offset: int) -> int:
    """Return which part (from 0) holds an offset."""
    return next((at for at, span in enumerate(divided) if offset < span.end), len(divided) - 1)


def structured(
    document: Document, span: Span, marks: Sequence[Mark], *, begun: set[Mark] | None = None
) -> list[Section]:
    """Return a span of a document as sections of headings, paragraphs, lists and tables.

    Levels of headings begin at 2, below the page's title, and never skip one downwards.
    ``begun`` is as in ``runs``.
    """
    opened: set[Mark] = set() if begun is None else begun
    sections: list[Section] = []
    level = 1
    for block, text_span in _blocks(document, span):
        if not sections or (sections[-1].slide, sections[-1].sheet) != (block.slide, block.sheet):
            sections.append(Section(block.slide, block.sheet))
            level = 1 if block.slide is None and block.sheet is None else 2
        elements = sections[-1].elements
        if block.kind is BlockKind.HEADING:
            floor = 2 if block.slide is None and block.sheet is None else 3
            wanted = floor - 1 + max(1, len(block.heading))
            level = min(wanted, max(level, floor - 1) + 1, 6)
            elements.append(
                Element("heading", [[runs(document.text, text_span, marks, begun=opened)]], level)
            )
        elif block.kind is BlockKind.TABLE_ROW:
            row = [
                runs(document.text, cell, marks, begun=opened)
                for cell in _cells(document.text, text_span)
            ]
            if elements and elements[-1].kind == "table" and _adjoins(document, block):
                elements[-1].rows.append(row)
            else:
                elements.append(Element("table", [row]))
        elif block.kind is BlockKind.LIST_ITEM:
            item = [runs(document.text, text_span, marks, begun=opened)]
            if elements and elements[-1].kind == "list" and _adjoins(document, block):
                elements[-1].rows.append(item)
            else:
                elements.append(Element("list", [item]))
        else:
            kind = {
                BlockKind.FOOTNOTE: "footnote",
                BlockKind.NOTE: "note",
                BlockKind.CAPTION: "caption",
            }.get(block.kind, "paragraph")
            elements.append(Element(kind, [[runs(document.text, text_span, marks, begun=opened)]]))
    return sections


def _blocks(document: Document, span: Span) -> Iterator[tuple[Block, Span]]:
    """Yield the blocks that a span touches, each with the part of it inside the span."""
    if not document.blocks and len(span):
        yield Block(start=span.start, end=span.end), span
    for block in document.blocks:
        if block.start < span.end and block.end > span.start:
            yield block, Span(max(block.start, span.start), min(block.end, span.end))


def _adjoins(document: Document, block: Block) -> bool:
    """Tell whether a row or item follows the one before it without an empty line between."""
    return document.text[max(0, block.start - 2) : block.start] != "\n\n"


def _cells(text: str, span: Span) -> list[Span]:
    """Cut a row where its cells are divided by `` | ``; a cell may be empty."""
    cells: list[Span] = []
    at = span.start
    for found in _CELL_END.finditer(text[span.start : span.end]):
        cells.append(Span(at, max(at, span.start + found.start())))
        at = span.start + found.end()
    return [*cells, Span(at, span.end)]


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote with the text around it; the flags say that more stands before or after."""

    before: str
    quote: str
    after: str
    cut_before: bool
    cut_after: bool


def quoted(document: Document, span: Span, *, within: Span, reach: int = 260) -> Quoted:
    """Return a quote with up to ``reach`` characters of its passage on each side.

    What is left out begins and ends at a word. White space is as it stands in the text.
    """
    text = document.text
    start = min(within.start, span.start)
    if span.start - start > reach:
        start = span.start - reach
        while start < span.start and not text[start - 1].isspace():
            start += 1
    end = max(within.end, span.end)
    if end - span.end > reach:
        end = span.end + reach
        while end > span.end and not text[end : end + 1].isspace():
            end -= 1
    return Quoted(
        before=text[start : span.start].lstrip(),
        quote=text[span.start : span.end],
        after=text[span.end : end].rstrip(),
        cut_before=start > within.start,
        cut_after=end < within.end,
    )
