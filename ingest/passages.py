"""A document's text into passages: sentences packed along headings.

A passage is a span of the text. It never crosses a change of section, slide or sheet, except
that headings with nothing under them join what follows; it ends between sentences or rows, and
a section is cut into parts of about equal length, so that no stump is left at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from kb.language import detect, sentence_spans
from kb.model import Block, BlockKind, DocumentId, Language, Passage, PassageId, Span

SPLITTER = "sections-1"
"""Names the rules below; a passage index built with others is refused."""

LONGEST = 1200
"""Characters of a passage at most, unless one sentence alone has more."""

_SHORT = 160
"""A section shorter than this joins the next one of the same parent."""

_WHOLE = {BlockKind.HEADING, BlockKind.TABLE_ROW, BlockKind.CAPTION}
"""Blocks that are quoted whole, whatever full stops they hold."""

_LONGEST_SENTENCE = 2 * LONGEST


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence, row or heading on its way into a passage."""

    span: Span
    block: Block


def split(
    text: str, blocks: Sequence[Block], *, document_id: DocumentId, language: Language
) -> list[Passage]:
    """Return the passages of a text in order: disjoint spans that hold every block.

    A passage's language is its own where it is clear, else the document's. Headings are no
    sentences: nothing is claimed by a heading.
    """
    passages: list[Passage] = []
    for section in _sections(list(_pieces(text, blocks, language))):
        for part in _parts(section):
            start, end = part[0].span.start, part[-1].span.end
            passages.append(
                Passage(
                    id=PassageId(f"{document_id}:{start}-{end}"),
                    document_id=document_id,
                    start=start,
                    end=end,
                    language=detect(text[start:end]) or language,
                    heading=_heading(part),
                    sentences=tuple(
                        piece.span for piece in part if piece.block.kind != BlockKind.HEADING
                    ),
                )
            )
    return passages


def _pieces(text: str, blocks: Sequence[Block], language: Language) -> Iterator[_Piece]:
    for block in blocks:
        if block.kind in _WHOLE:
            spans = [Span(block.start, block.end)]
        else:
            spans = sentence_spans(text, language, start=block.start, end=block.end)
        for span in spans:
            for piece in _bounded(text, span):
                yield _Piece(piece, block)


def _bounded(text: str, span: Span) -> Iterator[Span]:
    """Cut what no full stop cuts (a table read as one line, a word list) at white space."""
    start = span.start
    while span.end - start > _LONGEST_SENTENCE:
        at = max(text.rfind(mark, start + 1, start + LONGEST) for mark in ("\n", " "))
        cut = at if at > start else start + LONGEST
        yield Span(start, cut)
        start = cut
        while start < span.end and text[start].isspace():
            start += 1
    if start < span.end:
        yield Span(start, span.end)


def _sections(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    sections: list[list[_Piece]] = []
    for piece in pieces:
        if sections and not _breaks(sections[-1], piece):
            sections[-1].append(piece)
        else:
            sections.append([piece])
    return sections


def _breaks(section: Sequence[_Piece], piece: _Piece) -> bool:
    """Return whether a piece begins a new section."""
    before, here = section[-1].block, piece.block
    if (before.slide, before.sheet) != (here.slide, here.sheet):
        return True
    if before.heading == here.heading:
        return False
    if all(p.block.kind == BlockKind.HEADING for p in section):
        return False
    first = section[0].block.heading
    length = section[-1].span.end - section[0].span.start
    parent = first[:-1] or first
    return length >= _SHORT or here.heading[: len(parent)] != parent


def _parts(section: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """Cut a section into the fewest parts that fit, of about equal length."""
    total = section[-1].span.end - section[0].span.start
    target = total / ceil(total / LONGEST)
    part: list[_Piece] = []
    for piece in section:
        if part and _is_full(part, piece, target):
            yield part
            part = []
        part.append(piece)
    if part:
        yield part


def _is_full(part: Sequence[_Piece], piece: _Piece, target: float) -> bool:
    if part[-1].block.kind == BlockKind.HEADING:
        return False  # a heading stays with what it heads
    length = part[-1].span.end - part[0].span.start
    grown = piece.span.end - part[0].span.start
    if grown > LONGEST:
        return True
    # Stop where the target is nearer without the piece than with it.
    return grown > target and target - length < grown - target


def _heading(part: Sequence[_Piece]) -> tuple[str, ...]:
    for piece in part:
        if piece.block.kind != BlockKind.HEADING:
            return piece.block.heading
    return part[-1].block.heading
