"""Blocks to one text, with exact page starts and the span of every word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.cleaning import Joint, WordForms, join
from ingest.readers.layout.headings import Draft, stands_above, title_of
from ingest.readers.layout.shapes import Line, Word
from kb.model import Block, BlockKind, WordBox

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Assembled:
    """The text of all pages and its places."""

    text: str
    blocks: tuple[Block, ...]
    page_starts: tuple[int, ...]
    words: tuple[WordBox, ...]
    title: str


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
            if index and self._is_note_mark(page, word):
                text = text.translate(_RAISED)
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

    def _is_note_mark(self, page: int, word: Word) -> bool:
        """Tell whether a raised mark leads to a footnote of its page; else it is an exponent."""
        return word.glued and word.mark and (page, word.text) in self.notes

    def _touches(self, page: int, word: Word, after: Word, first: bool) -> bool:
        """Tell whether the next word follows without a space.

        A footnote mark does behind punctuation; behind a word it gets a space, and so isn't taken
        for a part of it.
        """
        if _drop_capital(word, after):
            return True
        if not after.glued:
            return False
        if after.mark and (len(word.text) > 2 or not word.text.isalpha()):
            return not self._is_note_mark(page, after) or not word.text[-1].isalnum()
        return not (first and word.mark)


def _drop_capital(word: Word, after: Word) -> bool:
    return (
        len(word.text) == 1
        and word.text.isupper()
        and word.size > 1.8 * after.size
        and after.text[:1].islower()
    )


def write_text(drafts: Sequence[Draft], pages: int, forms: WordForms) -> Assembled:
    """Write drafts into one text, words over line ends joined as ``forms`` tell."""
    notes = {
        (line.page, draft.lines[0].words[0].text.strip("()."))
        for draft in drafts
        for line in draft.lines[:1]
        if draft.kind is BlockKind.FOOTNOTE or line.words[0].mark
    }
    writer = _Writer(pages, forms, notes)
    blocks: list[Block] = []
    stack: list[tuple[Draft, str]] = []
    title_draft = title_of(drafts)
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
                while stack and not stands_above(stack[-1][0], draft):
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
