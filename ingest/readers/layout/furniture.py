"""Running heads, feet and page numbers, found by repetition over pages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ingest.readers.layout.rows import pieces_of, rows_of
from ingest.readers.layout.shapes import Page, Word

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
            for piece in pieces_of(row):
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
        beyond_title = found == set(range(1, len(pages))) and len(letters_of(text)) >= 10
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
    first = letters_of("".join(word.text for row in rows_of(pages[0].words) for word in row))
    out: set[int] = set()
    for page in pages[1:]:
        rows = rows_of(page.words)
        for row, near in ((rows[0], rows[1]), (rows[-1], rows[-2])) if len(rows) > 3 else ():
            size = max(word.size for word in row)
            apart = abs(row[0].base - near[0].base) > 1.8 * size
            if not apart or not _at_edge(row[0], page, 0.14):
                continue
            said = [letters_of("".join(word.text for word in piece)) for piece in pieces_of(row)]
            if any(len(text) >= 10 for text in said) and all(
                text in first or text.isdigit() for text in said
            ):
                out.update(id(word) for word in row)
    return out


def _heads_table(row: Sequence[Word], below: Sequence[Word]) -> bool:
    """Tell whether a row is the head of a table: cells close above cells that begin as they do."""
    if not 0 < below[0].base - row[0].base < 2.2 * row[0].size:
        return False
    heads, cells = list(pieces_of(row)), list(pieces_of(below))
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


def letters_of(text: str) -> str:
    """Return the letters and digits of a text, without case."""
    return "".join(char for char in text.casefold() if char.isalnum())
