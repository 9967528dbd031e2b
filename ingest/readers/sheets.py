"""Rows of a sheet as text that makes sense alone: ``Palvelu: Jäähdytysvesi | Hinta: 0,12``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ingest.readers.builder import TextBuilder, flat
from kb.model import BlockKind

_LONGEST_HEADER = 120
_DEFAULT_NAME = re.compile(r"^(sheet|taul|taulukko|blad|tabelle|feuil|hoja|ark)\s*\d*$", re.I)
_YEAR = re.compile("(19|20)[0-9]{2}")
_NUMBER = re.compile(r"[-+−]?[\d\s.,]+\s*(%|€|eur|kr|\$)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it is shown, and what can tell a header row from data.

    ``across`` marks a cell that repeats a merged one to its left.
    """

    text: str
    number: bool = False
    style: str = ""
    across: bool = False


Row = Mapping[int, Cell]
"""Cells by column (from 0); an empty cell is absent."""


def looks_numeric(text: str) -> bool:
    """Tell whether a cell of plain text holds a number."""
    return bool(_NUMBER.fullmatch(text.strip())) and any(char.isdecimal() for char in text)


def add_sheet(
    builder: TextBuilder,
    name: str,
    rows: Iterable[tuple[int, Row]],
    *,
    headers: frozenset[int] = frozenset(),
) -> None:
    """Add a sheet's rows as blocks, each with its sheet and row number (from 1).

    A table's header row is a block as it stands; the rows below it are ``header: value``
    pairs. ``headers`` are rows that the file itself marks as headers; others are recognised.
    The sheet's name is a heading unless it is the program's own (Sheet1, Taul1, Blad1).
    """
    builder.leave_sections()
    builder.sheet = name or None
    builder.gap()
    if name and not _DEFAULT_NAME.match(name.strip()):
        builder.heading(name, 1)
    labels: dict[int, str] = {}
    found_any = False
    for group in _groups(rows):
        at = _header_row(group, headers, first=not found_any)
        columns = {column for _, row in group for column in row}
        if at is None and not columns <= set(labels):
            labels = {}
        body_from = 0
        if at is not None:
            found_any = True
            for number, row in group[:at]:
                builder.add(_plain(row), BlockKind.TABLE_ROW, row=number)
            builder.gap()
            body_from = at + _header_depth(group, at)
            labels = _labels(group[at:body_from])
            for number, row in group[at:body_from]:
                builder.add(_plain(row), BlockKind.TABLE_ROW, row=number)
        for number, row in group[body_from:]:
            builder.add(_paired(row, labels), BlockKind.TABLE_ROW, row=number)
        builder.gap()
    builder.sheet = None


def _groups(rows: Iterable[tuple[int, Row]]) -> Iterable[list[tuple[int, Row]]]:
    """Yield runs of rows without an empty row between them."""
    group: list[tuple[int, Row]] = []
    for number, row in rows:
        if not row:
            continue
        if group and number > group[-1][0] + 1:
            yield group
            group = []
        group.append((number, row))
    if group:
        yield group


def _header_row(
    group: list[tuple[int, Row]], headers: frozenset[int], *, first: bool
) -> int | None:
    """Return which row of a group is the header, by its index; None when none is.

    A header has text in every cell and says each thing once, stands above another row that
    it covers, and differs from it: numbers below, or another style. In the first table of a
    sheet the difference isn't asked for, since most tables of plain text have a header too.
    """
    for at, (number, _) in enumerate(group[:-1]):
        if number in headers:
            return at
    for at, (_, row) in enumerate(group[:6]):
        own = _own(row)
        if len(own) < 2:
            continue
        below = [other for _, other in group[at + 1 : at + 6]]
        texts = [cell.text for cell in own.values()]
        fits = (
            bool(below)
            and not any(cell.number for cell in own.values())
            and len(set(texts)) == len(texts)
            and all(len(text) <= _LONGEST_HEADER for text in texts)
            and max(len(_own(other)) for other in below) >= 2
            and len(row) >= 0.6 * sorted(map(len, below))[(len(below) - 1) // 2]
        )
        if not fits:
            # Rows of one or two cells above the table are its title; anything else is data.
            if len(own) > 2:
                return None
            continue
        different = any(
            cell.number or cell.style != row[column].style
            for other in below
            for column, cell in other.items()
            if column in row
        )
        return at if first or different else None
    return None


def _own(row: Row) -> Row:
    return {column: cell for column, cell in row.items() if not cell.across}


def _header_depth(group: list[tuple[int, Row]], at: int) -> int:
    """Return 2 for a header of two rows: below a cell merged over columns stand their names."""
    row = group[at][1]
    spanned = {column + step for column, cell in row.items() if cell.across for step in (-1, 0)}
    if not spanned or at + 2 >= len(group):
        return 1
    names = [cell for column, cell in _own(group[at + 1][1]).items() if column in spanned]
    named = all(not cell.number or _YEAR.fullmatch(cell.text) for cell in names)
    short = all(len(cell.text) <= _LONGEST_HEADER // 2 for cell in names)
    return 2 if len(names) >= 2 and named and short else 1


def _labels(rows: list[tuple[int, Row]]) -> dict[int, str]:
    labels: dict[int, list[str]] = {}
    for _, row in rows:
        for column, cell in row.items():
            text = flat(cell.text).rstrip(":").strip()
            known = labels.setdefault(column, [])
            if text and text not in known:
                known.append(text)
    return {column: " ".join(texts) for column, texts in labels.items()}


def _plain(row: Row) -> str:
    texts: list[str] = []
    for column in sorted(_own(row)):
        text = flat(row[column].text)
        if text:
            texts.append(text)
    return " | ".join(texts)


def _paired(row: Row, labels: Mapping[int, str]) -> str:
    parts: list[str] = []
    before = ""
    for column, cell in sorted(_own(row).items()):
        value, label = flat(cell.text), labels.get(column, "")
        # Some sheets are filled to the right with one text, by a slip of the hand.
        filled = value == before and not label and not cell.number
        if value and not filled:
            parts.append(f"{label}: {value}" if label and label != value else value)
        before = value
    return " | ".join(parts)
