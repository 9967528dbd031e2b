"""Assembly of a text and its blocks together, so that offsets are right by construction."""

from __future__ import annotations

import re
from dataclasses import replace

from ingest.cleaning import normalise
from ingest.limits import Limits
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import Block, BlockKind, Metadata

_SPACES = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r" ?\n[ \n]*")
_RUBBISH_TITLE = re.compile(
    r"^(microsoft (word|powerpoint|excel) - .*|powerpoint[- ](presentation|esitys)|untitled.*"
    r"|nimetön.*|(slide|dia|bild|dokumentti|document|dokument|esitys|presentation) ?\d*"
    r"|(powerpoint-)?presentation|word document|title|otsikko|rubrik)$",
    re.IGNORECASE,
)
_LONGEST_TITLE = 200
_CLOSE = (BlockKind.LIST_ITEM, BlockKind.TABLE_ROW)


def tidy(text: str) -> str:
    """Return a block's text: normalised, single spaces, no blank lines, no space at the ends."""
    return _LINE_ENDS.sub("\n", _SPACES.sub(" ", normalise(text))).strip()


def flat(text: str) -> str:
    """Return a text on one line."""
    return tidy(text).replace("\n", " ")


class TextBuilder:
    """Collects blocks in reading order and makes a Reading of them.

    Headings open a section: what follows carries their path. Blocks of one list or table
    stand on lines that follow each other, all others have a blank line between; ``gap`` says
    that the next block begins another list or table.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0
        self._gap = False
        self._open: list[tuple[int, str]] = []
        self._warnings: list[str] = []
        self.slide: int | None = None
        self.sheet: str | None = None
        self._paragraph = 0
        self.count_paragraphs = False

    def __len__(self) -> int:
        return self._length

    @property
    def block_count(self) -> int:
        """How many blocks there are so far."""
        return len(self._blocks)

    def warn(self, key: str) -> None:
        """Add a warning, a key of the message catalogue, once."""
        if key not in self._warnings:
            self._warnings.append(key)

    def gap(self) -> None:
        """Keep the next block apart from the list or table before it."""
        self._gap = True

    def leave_sections(self, level: int = 0) -> None:
        """Close the sections whose heading is of this level or below it (all, by default)."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()

    def heading(self, text: str, level: int) -> bool:
        """Add a heading; level 1 is the outermost. Return False when the text is blank."""
        line = flat(text)
        if not line:
            return False
        self.leave_sections(level)
        self._open.append((level, line))
        return self._put(line, BlockKind.HEADING, None)

    def add(
        self, text: str, kind: BlockKind = BlockKind.PARAGRAPH, *, row: int | None = None
    ) -> bool:
        """Add a block; return False when the text is blank and nothing was added."""
        if kind is BlockKind.HEADING:
            return self.heading(text, 1)
        block = tidy(text)
        return bool(block) and self._put(block, kind, row)

    def append_reading(self, reading: Reading) -> None:
        """Add the blocks of another reading below the open section."""
        outer = tuple(text for _, text in self._open)
        self.gap()
        for block in reading.blocks:
            text = reading.text[block.start : block.end]
            if self._put(text, block.kind, block.row):
                self._blocks[-1] = replace(
                    self._blocks[-1],
                    heading=outer + block.heading,
                    sheet=block.sheet,
                )
        self.gap()
        for warning in reading.warnings:
            self.warn(warning)

    def _put(self, text: str, kind: BlockKind, row: int | None) -> bool:
        before = self._blocks[-1].kind if self._blocks else None
        if before is not None:
            close = kind in _CLOSE and before == kind and not self._gap
            separator = "\n" if close else "\n\n"
            self._parts.append(separator)
            self._length += len(separator)
        self._gap = False
        if self.count_paragraphs and kind is not BlockKind.FOOTNOTE:
            self._paragraph += 1
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        self._blocks.append(
            Block(
                start=start,
                end=self._length,
                kind=kind,
                heading=tuple(name for _, name in self._open),
                slide=self.slide,
                sheet=self.sheet,
                row=row,
                paragraph=self._paragraph if self.count_paragraphs and self._paragraph else None,
            )
        )
        if self._length > self._limits.text_chars or len(self._blocks) > self._limits.blocks:
            raise UnreadableDocument(
                "unreadable_too_much_text", limit=f"{self._limits.text_chars:_}".replace("_", " ")
            )
        return True

    def finish(
        self, *, media_type: str, metadata: Metadata | None = None, name_by_heading: bool = True
    ) -> Reading:
        """Return the reading; raise UnreadableDocument when there is no text at all.

        A missing or meaningless title is filled from the first heading, unless
        ``name_by_heading`` is off.
        """
        if not self._blocks:
            raise UnreadableDocument("unreadable_no_text")
        known = metadata or Metadata()
        title = flat(known.title)[:_LONGEST_TITLE]
        if _RUBBISH_TITLE.match(title):
            title = ""
        if not title and name_by_heading:
            title = self._first_heading()
        return Reading(
            text="".join(self._parts),
            blocks=tuple(self._blocks),
            metadata=replace(known, title=title),
            media_type=media_type,
            warnings=tuple(self._warnings),
        )

    def _first_heading(self) -> str:
        for block in self._blocks[:50]:
            if block.kind is BlockKind.HEADING and len(block.heading[-1]) <= _LONGEST_TITLE:
                return block.heading[-1]
        return ""
