"""What an answer can be made of: sentences, table rows and list items of the passages found.

A unit can be quoted as it stands. It knows what it needs to be understood: the sentence before
it where it begins with a word that points back, the header of its table, the sentence that
announces its list.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from kb.language import sentence_spans
from kb.model import Block, BlockKind, Document, Hit, Language, Span
from kb.retrieval import ScoredSentence
from kb.rows import is_header

_LEAST_LETTERS = 12
"""Letters and digits: less is no statement (a page's number, a stray mark)."""

_QUOTED_MOST = 700
"""Characters of a quote that takes in the sentence before."""


_NUMBERED = re.compile(r"[0-9]+(?:\.[0-9]+)*\.?\s+")
_LEADERS = " \n\t|.…·_"
_LEAST_CONTENTS = 3
"""Lines of a table of contents; one row that is called like a heading is a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A sentence, row or item that could be a claim.

    ``core`` is what answers, ``span`` what is quoted (the core, perhaps with the sentence
    before), ``context`` what it stands under: header of the table or announcement of the list.
    ``heading`` is the path of headings above it, ``hit`` its passage and ``place`` the place of
    that passage in the ranking, from 0.
    """

    hit: Hit
    place: int
    core: Span
    span: Span
    kind: BlockKind
    cosine: float
    context: Span | None = None
    heading: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The core, verbatim."""
        return self.hit.document.text[self.core.start : self.core.end]

    @property
    def under_header(self) -> str:
        """The core after the header of its table, if it is a row of one that has figures."""
        if self.kind is not BlockKind.TABLE_ROW or self.context is None:
            return self.text
        if not any(character.isdigit() for character in self.text):
            return self.text
        return f"{self.hit.document.text[self.context.start : self.context.end]}\n{self.text}"

    @property
    def language(self) -> Language:
        """The language of the passage."""
        return self.hit.passage.language


def units_of(
    hits: Sequence[Hit], rows: Sequence[int], scored: Sequence[ScoredSentence]
) -> list[Unit]:
    """Return the units of passages, best passage first, in reading order inside one.

    ``rows[i]`` is the row of ``hits[i]``; ``scored`` gives the cosines. A sentence that has no
    vector yet counts as its passage does.
    """
    cosines = {(sentence.row, sentence.span): sentence.cosine for sentence in scored}
    found: list[Unit] = []
    for place, (hit, row) in enumerate(zip(hits, rows, strict=True)):
        found += _units(hit, place, row, cosines)
    return found


def _units(hit: Hit, place: int, row: int, cosines: dict[tuple[int, Span], float]) -> list[Unit]:
    document = hit.document
    spans = sorted(hit.passage.sentences)
    blocks = [block_at(document, span.start) for span in spans]
    fallback = hit.dense if hit.dense is not None else 0.0
    contents = _contents(document, blocks)
    found: list[Unit] = []
    for at, (span, block) in enumerate(zip(spans, blocks, strict=True)):
        kind = block.kind if block is not None else BlockKind.PARAGRAPH
        text = document.text[span.start : span.end]
        if kind is BlockKind.HEADING or not is_statement(text):
            continue
        if kind is BlockKind.TABLE_ROW and _is_header(blocks, at) and is_header(text):
            continue
        if block is not None and block.start in contents:
            continue
        found.append(
            Unit(
                hit=hit,
                place=place,
                core=span,
                span=_quoted(document, spans, blocks, at),
                kind=kind,
                cosine=cosines.get((row, span), fallback),
                heading=block.heading if block is not None else (),
                context=_context(document, block),
            )
        )
    return found


def block_at(document: Document, start: int) -> Block | None:
    """Return the block that holds a place of the text."""
    at = bisect_right(document.blocks, start, key=lambda block: block.start) - 1
    return document.blocks[at] if at >= 0 and start < document.blocks[at].end else None


def is_statement(text: str) -> bool:
    """Return whether a text says something: enough letters, and no question or announcement."""
    stripped = text.rstrip(" \n\t”\"'’)")
    if stripped.endswith(("?", ":")):
        return False
    return sum(character.isalnum() for character in text) >= _LEAST_LETTERS and any(
        character.isalpha() for character in text
    )


def contents_lines(document: Document) -> frozenset[int]:
    """Return where the lines of a table of contents start.

    Those are lines that follow each other, each a heading of the document and a page that isn't
    before the last one's: they say where something is told, and nothing of it.
    """
    headings = {
        _plain(document.text[block.start : block.end])
        for block in document.blocks
        if block.kind is BlockKind.HEADING
    }
    found: set[int] = set()
    together: list[int] = []
    last = 0
    for block in document.blocks:
        named, page = _leading_to(document.text[block.start : block.end])
        goes_on = block.kind is not BlockKind.HEADING and bool(named) and _plain(named) in headings
        if not goes_on or page < last:
            together = []
        last = page if goes_on else 0
        if goes_on:
            together.append(block.start)
        if len(together) >= _LEAST_CONTENTS:
            found.update(together)
    return frozenset(found)


def _contents(document: Document, blocks: Sequence[Block | None]) -> frozenset[int]:
    """Return the lines of a table of contents where blocks may be such lines."""
    looks = any(_leading_to(document.text[block.start : block.end])[0] for block in blocks if block)
    return contents_lines(document) if looks else frozenset()


def _leading_to(text: str) -> tuple[str, int]:
    """Return what a line says and the page at its end; nothing where there is none."""
    line = text.strip()
    named = line.rstrip("0123456789")
    digits = line[len(named) :]
    if not 1 <= len(digits) <= 4 or named[-1:] not in tuple(_LEADERS):
        return "", 0
    return named.rstrip(_LEADERS), int(digits)


def _plain(heading: str) -> str:
    """Return a heading without its number, in lower case."""
    plain = " ".join(heading.split())
    number = _NUMBERED.match(plain)
    return plain[number.end() if number else 0 :].casefold()


def points_back(text: str) -> bool:
    """Return whether a sentence begins with a word that means something said before."""
    return _pointing().match(text) is not None


@cache
def _pointing() -> re.Pattern[str]:
    source = tomllib.loads((files("kb.answering") / "asking.toml").read_text(encoding="utf-8"))
    return re.compile(source["pointing"]["back"], re.IGNORECASE)


def _quoted(
    document: Document, spans: Sequence[Span], blocks: Sequence[Block | None], at: int
) -> Span:
    """Return what is quoted: from the sentence before where this one points back to it."""
    span = spans[at]
    if not points_back(document.text[span.start : span.end]):
        return span
    block = blocks[at]
    before = spans[at - 1] if at else _sentence_before(document, block, span)
    if before is None:
        return span
    other = block_at(document, before.start)
    if other is not None and other.kind is not (block.kind if block else BlockKind.PARAGRAPH):
        return span
    if not is_statement(document.text[before.start : before.end]):
        return span
    if span.end - before.start > _QUOTED_MOST:
        return span
    return Span(before.start, span.end)


def _sentence_before(document: Document, block: Block | None, span: Span) -> Span | None:
    """Return the sentence before the first one of a passage, in its paragraph."""
    if block is None or block.start >= span.start:
        return None
    text = document.text[block.start : span.start]
    found = sentence_spans(text, document.language)
    if not found:
        return None
    return Span(block.start + found[-1].start, block.start + found[-1].end)


def _is_header(blocks: Sequence[Block | None], at: int) -> bool:
    block = blocks[at]
    if block is None:
        return False
    if block.row is not None:
        after = blocks[at + 1] if at + 1 < len(blocks) else None
        return block.row == 1 and after is not None and after.row == 2
    before = blocks[at - 1] if at else None
    return before is None or before.kind is not BlockKind.TABLE_ROW


def _context(document: Document, block: Block | None) -> Span | None:
    """Return the header row of a row's table, or what announces an item's list."""
    if block is None or block.kind not in (BlockKind.TABLE_ROW, BlockKind.LIST_ITEM):
        return None
    at = bisect_right(document.blocks, block.start, key=lambda other: other.start) - 1
    first = at
    while first > 0 and _goes_on(document, first):
        first -= 1
    if block.kind is BlockKind.TABLE_ROW:
        header = document.blocks[first]
        return Span(header.start, header.end) if first < at else None
    before = document.blocks[first - 1] if first else None
    if before is None or before.kind is not BlockKind.PARAGRAPH:
        return None
    text = document.text[before.start : before.end].rstrip()
    return Span(before.start, before.end) if text.endswith(":") else None


def _goes_on(document: Document, at: int) -> bool:
    """Return whether a block is of the same table or list as the one before it."""
    before, block = document.blocks[at - 1], document.blocks[at]
    # Tables and lists end with an empty line: two in a row have one between them.
    between = document.text[before.end : block.start]
    return before.kind is block.kind and between.count("\n") < 2
