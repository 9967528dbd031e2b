"""Tables as text (CSV, TSV), whatever their delimiter and encoding."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ingest.limits import Limits
from ingest.readers.builder import TextBuilder
from ingest.readers.encoding import decode
from ingest.readers.sheets import Cell, Row, add_sheet, looks_numeric
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import Metadata

MEDIA_TYPE = "text/csv"

_DELIMITERS = (";", "\t", ",", "|")
_LONGEST_FIELD = 10_000_000


def read_csv(path: Path, *, limits: Limits) -> Reading:
    """Read a table; raises UnreadableDocument."""
    text = decode(path.read_bytes())
    builder = TextBuilder(limits)
    rows = numbered_rows(text)
    taken = list(islice(rows, limits.rows))
    if next(rows, None) is not None:
        builder.warn(f"warning.rows_left_out|sheet=CSV|rows={len(taken)}")
    add_sheet(builder, "", [(number, _cells(values)) for number, values in taken])
    return builder.finish(media_type=MEDIA_TYPE, metadata=Metadata(), name_by_heading=False)


def numbered_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with its number (from 1; rows, not lines) and its fields.

    Raises UnreadableDocument when quotes don't match up.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    text = text.replace("\x00", "").lstrip("\ufeff")
    first, _, rest = text.partition("\n")
    offset = 1
    declared = ""
    if first.lower().startswith("sep=") and len(first.strip()) <= 5:
        declared, text, offset = first.strip()[4:], rest, 2
    delimiter = declared or sniff_delimiter(text)
    try:
        yield from enumerate(csv.reader(text.splitlines(True), delimiter=delimiter), offset)
    except csv.Error as error:
        raise UnreadableDocument("unreadable_damaged") from error


def sniff_delimiter(text: str) -> str:
    """Return the delimiter that cuts the first rows into the same number of fields."""
    sample = text[:50_000].splitlines(True)[:50]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not widths:
            continue
        common = max(set(widths), key=widths.count)
        if common < 2:
            continue
        score = widths.count(common) / len(widths) + min(common, 20) / 1000
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _cells(values: list[str]) -> Row:
    return {
        column: Cell(value.strip(), number=looks_numeric(value))
        for column, value in enumerate(values)
        if value.strip()
    }
