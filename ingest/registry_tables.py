"""Tables of projects: CSV, XLSX, JSON and JSON lines, read row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Literal, Protocol

from ingest.readers.csv import sniff_delimiter
from ingest.readers.encoding import decode
from ingest.registry_columns import RegistryError, known_headers, normal
from ingest.registry_values import Value, flattened, parse_amount, parse_period, shown

SAMPLE = 200
"""Rows that are looked at before the mapping is proposed."""

_HEADER_ROWS = 15
"""A table may begin with a title and notes; its headers are among so many first rows."""

_LONGEST_FIELD = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is being read: its columns, and its rows with their numbers from 1.

    A row that can't be read is a string: the key of its reason.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, Mapping[str, Value] | str]]


@contextmanager
def read_table(path: Path, *, name: str = "") -> Iterator[Table]:
    """Open a table; raises RegistryError when it isn't one, or has no headers.

    ``name`` is what the file is called where it came from, the path by default.
    """
    suffix = Path(name or path.name).suffix.lower()
    with ExitStack() as files_open:
        try:
            with path.open("rb") as file:
                head = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
            if suffix in (".xlsx", ".xlsm"):
                table = _read_xlsx(path, files_open)
            elif suffix in (".jsonl", ".ndjson"):
                table = _read_jsonl(path, files_open)
            elif suffix == ".json" or head[:1] in (b"{", b"["):
                table = _read_json(path, files_open, lines=suffix == ".json")
            else:
                table = _read_csv(path, files_open)
        except OSError as error:
            why = error.strerror or error
            raise RegistryError("projects_table", path=path, why=why) from error
        yield table


def _read_csv(path: Path, files_open: ExitStack) -> Table:
    csv.field_size_limit(_LONGEST_FIELD)
    stream = files_open.enter_context(_text_stream(path))
    sample = stream.read(200_000)
    declared = ""
    start = 0
    first = sample.split("\n", 1)[0]
    if first.lower().startswith("sep=") and len(first.strip()) <= 5:
        declared, start = first.strip()[4:], 1
    body = sample.split("\n", 1)[1] if start else sample
    delimiter = declared or sniff_delimiter(body)
    stream.seek(0)
    lines = (line.replace("\x00", "") for line in stream)
    for _ in range(start):
        next(lines)
    reader = csv.reader(lines, delimiter=delimiter)
    return _headed(_csv_rows(reader), path, first_number=1 + start)


def _text_stream(path: Path) -> io.TextIOBase:
    """Return a file's text: streamed where it is UTF-8, else decoded as documents are."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            while file.read(1 << 20):
                pass
        return path.open(encoding="utf-8-sig", newline="")
    except UnicodeDecodeError:
        return io.StringIO(decode(path.read_bytes()), newline="")


def _csv_rows(reader: Iterator[list[str]]) -> Iterator[list[Value] | str]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield "unreadable"
            continue
        yield list(row)


def _read_xlsx(path: Path, files_open: ExitStack) -> Table:
    import zlib
    from zipfile import BadZipFile

    import openpyxl

    try:
        # By its content: of a path openpyxl wants a name that ends as it knows.
        file = files_open.enter_context(path.open("rb"))
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (BadZipFile, KeyError, ValueError, OSError, EOFError, SyntaxError, zlib.error) as error:
        raise RegistryError("projects_table", path=path, why=type(error).__name__) from error
    files_open.callback(book.close)
    # The sheet whose headers are best known: exports have sheets of notes beside the table.
    best = max(book.worksheets, key=lambda sheet: _known_headers(sheet), default=None)
    if best is None:
        raise RegistryError("projects_no_rows", path=path)
    rows: Iterator[list[Value] | str] = (list(row) for row in best.iter_rows(values_only=True))
    return _headed(rows, path, first_number=1)


class _Sheet(Protocol):
    """What openpyxl's sheets have in common, charts' sheets apart."""

    def iter_rows(
        self, *, max_row: int, values_only: Literal[True]
    ) -> Iterator[tuple[object, ...]]:
        """Yield the values of rows."""


def _known_headers(sheet: _Sheet) -> int:
    rows = sheet.iter_rows(max_row=_HEADER_ROWS, values_only=True)
    return max((_familiar(list(row)) for row in rows), default=0)


def _familiar(cells: Sequence[Value]) -> int:
    names = {name for found in known_headers().values() for name in found}
    return sum(normal(str(cell)) in names for cell in cells if isinstance(cell, str))


def _headed(rows: Iterator[list[Value] | str], path: Path, *, first_number: int) -> Table:
    """Find the header row among the first rows; what stands above it is passed over."""
    first = list(islice(rows, _HEADER_ROWS))
    lists = [row if isinstance(row, list) else [] for row in first]
    filled = [sum(shown(cell) != "" for cell in row) for row in lists]
    if not any(filled):
        raise RegistryError("projects_no_rows", path=path)
    widest = max(filled)
    candidates = [at for at, count in enumerate(filled) if count >= max(1, widest // 2)]
    at = max(candidates, key=lambda place: (_familiar(lists[place]), -place))
    names = lists[at]
    if at and _groups(lists[at - 1], names):
        names = _under(lists[at - 1], names)
    elif at + 1 < len(lists) and _divides(lists[at + 1], names):
        at, names = at + 1, _under(names, lists[at + 1])
    columns = _distinct(names)
    # The same headers in another language.
    while at + 1 < len(lists) and _familiar(lists[at + 1]) >= max(2, -(-filled[at + 1] // 2)):
        at += 1
    number = first_number + at + 1

    def numbered() -> Iterator[tuple[int, Mapping[str, Value] | str]]:
        for offset, row in enumerate(first[at + 1 :]):
            yield from one(number + offset, row)
        for offset, row in enumerate(rows, len(first) - at - 1):
            yield from one(number + offset, row)

    def one(
        row_number: int, row: list[Value] | str
    ) -> Iterator[tuple[int, Mapping[str, Value] | str]]:
        if isinstance(row, str):
            yield row_number, row
        elif any(shown(cell) != "" for cell in row):
            yield row_number, dict(zip(columns, row, strict=False))

    return Table(columns=columns, rows=numbered())


def _filled(cells: Sequence[Value]) -> list[int]:
    """Return the places of the cells in which something stands."""
    return [place for place, cell in enumerate(cells) if shown(cell) != ""]


def _labels(cells: Sequence[Value]) -> bool:
    """Tell whether what stands in a row can be headers: short, and no dates or figures."""
    texts = [shown(cells[place]) for place in _filled(cells)]
    return all(
        len(text) <= 80 and not any(parse_period(text)) and parse_amount(text) is None
        for text in texts
    )


def _groups(above: Sequence[Value], names: Sequence[Value]) -> bool:
    """Tell whether the row above the headers names groups of columns, as merged cells do."""
    places = _filled(above)
    spans = [after - before for before, after in pairwise(places)]
    named = _filled(names)
    return (
        any(span > 1 for span in spans)
        and len(places) < len(named)
        and set(places) <= set(named)
        and _labels(above)
    )


def _divides(below: Sequence[Value], names: Sequence[Value]) -> bool:
    """Tell whether the row below the headers divides some of them, as under merged cells.

    It fills what the headers leave empty and nothing beside that but where such a gap begins.
    """
    named, divided = set(_filled(names)), set(_filled(below))
    gaps = {place for place in range(max(named, default=0) + 2) if place not in named} & divided
    begins = {place for place in named if place + 1 in gaps}
    inner = set(range(min(named, default=0), max(named, default=0))) - named
    return (
        bool(begins)
        and inner <= divided
        and begins <= divided <= gaps | begins
        and len(divided) < len(named | divided)
        and _labels(below)
    )


def _under(groups: Sequence[Value], names: Sequence[Value]) -> list[Value]:
    """Return headers with the group that each stands under, as nested objects are written."""
    out: list[Value] = []
    group = ""
    for place in range(max(len(groups), len(names))):
        here = shown(groups[place]) if place < len(groups) else ""
        name = shown(names[place]) if place < len(names) else ""
        group = here or group
        out.append(f"{group}.{name}" if group and name else name or here)
    return out


def _distinct(cells: Sequence[Value]) -> tuple[str, ...]:
    """Return headers with those of one name told apart: ``Name``, ``Name (2)``."""
    seen: dict[str, int] = {}
    out: list[str] = []
    for place, cell in enumerate(cells, 1):
        name = " ".join(shown(cell).split()) or f"#{place}"
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(out)


def _read_jsonl(path: Path, files_open: ExitStack) -> Table:
    stream = files_open.enter_context(_text_stream(path))

    def rows() -> Iterator[tuple[int, Mapping[str, Value] | str]]:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                yield number, "json"
                continue
            yield number, flattened(record) if isinstance(record, dict) else "json"

    return _keyed(rows(), path)


def _read_json(path: Path, files_open: ExitStack, *, lines: bool) -> Table:
    try:
        loaded = json.loads(decode(path.read_bytes()))
    except (ValueError, RecursionError):
        if lines:
            # Lines of objects are often named so.
            return _read_jsonl(path, files_open)
        raise RegistryError("projects_table", path=path, why="JSON") from None
    records = _largest_list(loaded)
    if not records:
        raise RegistryError("projects_no_rows", path=path)
    rows: Iterator[tuple[int, Mapping[str, Value] | str]] = (
        (number, flattened(record) if isinstance(record, dict) else "json")
        for number, record in enumerate(records, 1)
    )
    return _keyed(rows, path)


def _largest_list(loaded: Value, depth: int = 0) -> list[Value]:
    """Return the longest list of objects near the top of a JSON document."""
    if isinstance(loaded, list):
        return loaded if any(isinstance(entry, dict) for entry in loaded) else []
    if not isinstance(loaded, dict) or depth > 4:
        return []
    found = [_largest_list(value, depth + 1) for value in loaded.values()]
    return max(found, key=len, default=[])


def _keyed(rows: Iterator[tuple[int, Mapping[str, Value] | str]], path: Path) -> Table:
    first = list(islice(rows, SAMPLE))
    columns = tuple(
        dict.fromkeys(name for _, row in first if not isinstance(row, str) for name in row)
    )
    if not columns:
        raise RegistryError("projects_no_rows", path=path)

    def every() -> Iterator[tuple[int, Mapping[str, Value] | str]]:
        yield from first
        yield from rows

    return Table(columns=columns, rows=every())
