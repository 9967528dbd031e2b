"""Which blocks are headings and captions, and which heading stands above another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.readers.layout.shapes import Line
from kb.model import BlockKind

_NUMBERED = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,4}\.?|[A-Z]\.|[IVX]{1,4}\.)$")

CAPTION = re.compile(
    r"(?:kuva|kuvio|taulukko|kaavio|kartta|figure|fig\.|table|chart|figur|tabell|bild|diagram)"
    r"\s*\d{1,3}(?:[.–-]\d{1,3})?\s*[.:|)–-]?",
    re.IGNORECASE,
)


@dataclass(slots=True, eq=False)
class Draft:
    """A block in the making: lines, or the cells of a row."""

    kind: BlockKind
    lines: list[Line]
    cells: list[list[Line]] | None = None
    table: int = 0
    page: int = 0
    level: int = 0

    @property
    def text(self) -> str:
        """The lines, one after the other."""
        return " ".join(line.text for line in self.lines)


def classify(drafts: Sequence[Draft], body: float) -> None:
    """Tell headings and captions from paragraphs; change the drafts' kinds."""
    for at, draft in enumerate(drafts):
        if draft.kind in (BlockKind.TABLE_ROW, BlockKind.FOOTNOTE):
            continue
        text = draft.text
        if draft.lines[0].outline is not None:
            draft.kind, draft.level = BlockKind.HEADING, draft.lines[0].outline[1]
            continue
        if _is_heading(draft, text, body, drafts[at + 1] if at + 1 < len(drafts) else None):
            draft.kind = BlockKind.HEADING
        elif CAPTION.match(text) and len(text) < 400 and draft.kind is BlockKind.PARAGRAPH:
            draft.kind = BlockKind.CAPTION


def _is_heading(draft: Draft, text: str, body: float, after: Draft | None) -> bool:
    line = draft.lines[0]
    if len(text) > 200 or len(draft.lines) > 4 or sum(map(str.isalpha, text)) < 2:
        return False
    if text.endswith((".", ";", ",", "-")) and not _NUMBERED.match(text):
        return False
    if CAPTION.match(text):
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


def stands_above(top: Draft, draft: Draft) -> bool:
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


def title_of(drafts: Sequence[Draft]) -> Draft | None:
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
