"""Rows of tables and items of lists as they are shown: with the header that says what they are.

A document's text has a row as ``cell | cell``, or written out as ``header: cell | header: cell``.
Everything here is made of a quote and its header alone, so what was saved shows alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kb.model import Citation, Span

_BAR = " | "
_LONGEST_LABEL = 60
"""Characters of a cell that can head a column: more is a text."""

_NEARLY_ALL = 0.8
"""A part of a quote so long isn't worth marking."""

_BULLET = re.compile(r"\A[•–▪◦*-]\s+")
_NUMBERED = re.compile(r"\(?(?:\d{1,2}|[a-zåäö])[.)]\s")
_ITEM = re.compile(f"{_BULLET.pattern}|{_NUMBERED.pattern}")

_NUMBER = re.compile(r"[\W_]*\d[\d\s.,:/–-]*\s?(?:%|€|[^\W\d_]{1,4}\d?)?[\W_]*")
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_ENDS = re.compile(r"[.!?…]$")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; ``columns`` name each cell of a row, or are empty where nothing does."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: int | None = None
    """Which row answers most likely, from 0."""

    def lines(self) -> tuple[str, ...]:
        """Return each row as ``header: value; header: value``; empty cells are left out."""
        if not self.columns:
            return tuple("; ".join(cell for cell in row if cell) for row in self.rows)
        return tuple(
            "; ".join(
                f"{column}: {cell}" if column else cell
                for column, cell in zip(self.columns, row, strict=True)
                if cell
            )
            for row in self.rows
        )

    @property
    def best_line(self) -> int | None:
        """The line of the best row."""
        return self.best


@dataclass(frozen=True, slots=True)
class Listing:
    """Items of a list under what announces them."""

    lead: str
    items: tuple[str, ...]
    best: int | None = None
    """Which item answers most likely, from 0."""

    @property
    def numbered(self) -> bool:
        """Whether all items have a number of their own."""
        return all(_NUMBERED.match(item) for item in self.items)

    @property
    def best_line(self) -> int | None:
        """The line of the best item."""
        return None if self.best is None else self.best + bool(self.lead)

    def lines(self) -> tuple[str, ...]:
        """Return the announcement, if there is one, and each item; after a dash if unnumbered."""
        items = (item if _NUMBERED.match(item) else f"– {item}" for item in self.items)
        return (self.lead, *items) if self.lead else tuple(items)


def best_part(span: Span, citation: Citation) -> Span | None:
    """Return the part of a citation that a span is, if it is a part and not nearly all of it."""
    start, end = max(span.start, citation.start), min(span.end, citation.end)
    if start >= end or end - start > _NEARLY_ALL * (citation.end - citation.start):
        return None
    return Span(start, end)


def parts(text: str, citation: Citation | None, best: Span | None) -> tuple[str, str, str]:
    """Return a text before, in and after its best part, on one line; all of it as the first."""
    if citation is None or best is None or _plain(text) != _plain(citation.quote):
        return text, "", ""
    start, end = best.start - citation.start, best.end - citation.start
    quote = citation.quote
    if not 0 <= start < end <= len(quote):
        return text, "", ""
    before, part, after = _plain(quote[:start]), _plain(quote[start:end]), _plain(quote[end:])
    # A part begins and ends between words or, rarely, inside one.
    if before and quote[start - 1 : start + 1].strip() != quote[start - 1 : start + 1]:
        before += " "
    if after and quote[end - 1 : end + 1].strip() != quote[end - 1 : end + 1]:
        after = f" {after}"
    return before, part, after


def shown(text: str, citation: Citation | None, best: Span | None = None) -> Table | Listing | None:
    """Return the table or list that a statement is; None where it is a text, or not the quote.

    The row or item that ``best`` begins in is its best one.
    """
    found = _shown(text, citation)
    if found is None or citation is None or best is None:
        return found
    before = citation.quote[: max(0, best.start - citation.start)]
    at = sum(bool(line.strip()) for line in before.split("\n")[:-1])
    if isinstance(found, Table):
        # A header that names no cell is the first row.
        at += len(found.rows) - sum(bool(line.strip()) for line in citation.quote.split("\n"))
        return replace(found, best=at) if 0 <= at < len(found.rows) > 1 else found
    return replace(found, best=at) if at < len(found.items) > 1 else found


def _shown(text: str, citation: Citation | None) -> Table | Listing | None:
    if citation is None or _plain(text) != _plain(citation.quote):
        return None
    lines = [line.strip() for line in citation.quote.split("\n") if line.strip()]
    header = _plain(citation.header.quote) if citation.header is not None else ""
    if any(_BAR in line for line in lines):
        return _table(header, lines)
    marked = all(_ITEM.match(line) for line in lines)
    if not header and not (marked and len(lines) > 1):
        return None
    if _BAR in header:  # rows of which one cell alone isn't empty
        return _table(header, lines)
    return Listing(header, tuple(_BULLET.sub("", line) for line in lines))


def is_header(text: str) -> bool:
    """Return whether a row can be the header of the rows below it.

    Its cells are short names: none of them is a figure, but for years, nor a sentence.
    """
    cells = cells_of(text)
    return all(
        len(cell) <= _LONGEST_LABEL
        and not _ENDS.search(cell)
        and (_YEAR.fullmatch(cell) is not None or _NUMBER.fullmatch(cell) is None)
        for cell in cells
        if cell
    )


def cells_of(row: str) -> list[str]:
    """Return the cells of a row as it stands in a text; empty ones are empty."""
    return [" ".join(cell.split()) for cell in f" {row} ".replace("\n", " ").split(_BAR)]


def _table(header: str, lines: list[str]) -> Table | None:
    rows = [cells_of(line) for line in lines]
    columns = cells_of(header) if header and is_header(header) else []
    if columns:
        written_out = [_by_label(columns, row) for row in rows]
        if all(row is not None for row in written_out):
            return Table(tuple(columns), tuple(row for row in written_out if row is not None))
        if all(len(row) == len(columns) + 1 for row in rows):
            columns = ["", *columns]  # the corner of the table is empty
        if all(len(row) == len(columns) for row in rows):
            return Table(tuple(columns), tuple(map(tuple, rows)))
    # Which cell is missing can't be told: then no cell is given a name.
    width = max(map(len, rows), default=0)
    if header and _BAR in header:
        above = cells_of(header)
        width = max(width, len(above))
        rows = [above, *rows]
    padded = tuple((*row, *[""] * (width - len(row))) for row in rows)
    return Table((), padded) if padded else None


def _by_label(columns: list[str], row: list[str]) -> tuple[str, ...] | None:
    """Return a row that is written out as ``header: cell`` by column; None where it isn't so."""
    out = dict.fromkeys(range(len(columns)), "")
    at = 0
    for cell in row:
        fitting = [
            place
            for place in range(at, len(columns))
            if columns[place] and cell.startswith(f"{columns[place]}: ")
        ]
        if not fitting:
            return None
        at = fitting[0] + 1
        out[fitting[0]] = cell[len(columns[fitting[0]]) + 2 :]
    return tuple(out[place] for place in range(len(columns)))


def _plain(text: str) -> str:
    return " ".join(text.split())
