"""Project registries to projects: CORDIS, keep.eu, EURA 2014/2021, and any other table.

A table (CSV of any delimiter and encoding, XLSX, JSON, JSON lines; nested too) is read row by
row. Which column holds what is proposed from the headers, in three languages, and from what
stands in the columns; the proposal can be seen, corrected and kept. A row that can't be used is
told with its number and the reason, and the rest is taken. Several rows of one project (one a
participant) become one project.
"""

from __future__ import annotations

import ast
import csv
import html
import io
import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path
from typing import Literal, Protocol

from ingest.readers.csv import sniff_delimiter
from ingest.readers.encoding import decode
from kb.assembly import open_theming
from kb.catalogue import Catalogue
from kb.errors import KnowledgeBaseError
from kb.knowledge_base import KnowledgeBase
from kb.messages import message
from kb.projects import (
    Outcome,
    Partner,
    Project,
    Projects,
    folded,
    folded_partner,
    language_of_text,
    merged,
)
from kb.themes import themes

Format = Literal["cordis", "keep", "eura", "table"]
Stage = Literal["words", "vectors"]
FORMATS: tuple[Format, ...] = ("cordis", "keep", "eura", "table")

Value = object
"""A cell: text, number, date, or what nests in JSON: lists and objects."""

_SAMPLE = 200
"""Rows that are looked at before the mapping is proposed."""

_HEADER_ROWS = 15
"""A table may begin with a title and notes; its headers are among so many first rows."""

_BATCH = 500
_EMBEDDED = 64
_LONGEST_TITLE = 1000
_LONGEST_KEYWORD = 80
_TELLING = 240
"""Characters of a description that tell its language."""

_LONGEST_FIELD = 10_000_000
_SEVERAL = {"title", "description", "results", "keywords", "objective", "lead", "partners"}
"""Fields that may come from several columns."""

_SPACES = re.compile(r"[^\S\n]+")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&(?:#\d+|#x[0-9A-Fa-f]+|[A-Za-z]{2,8});")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_CAMEL = re.compile(r"(?<=[a-zäöå])(?=[A-ZÄÖÅ])")


class RegistryError(KnowledgeBaseError):
    """A table of projects can't be imported."""

    default_code = "projects_table"


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Which columns hold each field, the best first, and how sure each proposal is (0–1)."""

    columns: Mapping[str, tuple[str, ...]]
    certainty: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return it as it is shown, kept, and given with ``--map``."""
        return {name: list(columns) for name, columns in self.columns.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is being read: its columns, and its rows with their numbers from 1.

    A row that can't be read is a string: the key of its reason.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, Mapping[str, Value] | str]]


@dataclass(frozen=True, slots=True)
class RowNote:
    """What is wrong with a row, and with which of its values."""

    row: int
    reason: str
    params: Mapping[str, str] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """Return the reason in words."""
        return message(f"projects.row.{self.reason}", language, **self.params)


@dataclass(slots=True)
class ImportReport:
    """What became of an import; ``mapping`` is what was used."""

    mapping: ColumnMap
    outcomes: dict[Outcome, int] = field(
        default_factory=lambda: {"imported": 0, "updated": 0, "unchanged": 0}
    )
    rejected: list[RowNote] = field(default_factory=list)
    warnings: list[RowNote] = field(default_factory=list)
    dry_run: bool = False

    def to_json(self, language: str) -> dict[str, object]:
        """Return the object of the published interface."""
        return {
            "imported": self.outcomes["imported"],
            "updated": self.outcomes["updated"],
            "unchanged": self.outcomes["unchanged"],
            "rejected": [{"row": n.row, "reason": n.text(language)} for n in self.rejected],
            "warnings": [{"row": n.row, "reason": n.text(language)} for n in self.warnings],
            "mapping": self.mapping.to_json(),
            "dry_run": self.dry_run,
        }


# -- reading tables ------------------------------------------------------------------------------


@contextmanager
def read_table(path: Path) -> Iterator[Table]:
    """Open a table; raises RegistryError when it isn't one, or has no headers."""
    suffix = path.suffix.lower()
    with ExitStack() as files_open:
        try:
            with path.open("rb") as file:
                head = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
            if suffix in (".xlsx", ".xlsm"):
                table = _read_xlsx(path, files_open)
            elif suffix in (".jsonl", ".ndjson"):
                table = _read_jsonl(path, files_open)
            elif suffix == ".json" or head[:1] in (b"{", b"["):
                table = _read_json(path, files_open)
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
    from zipfile import BadZipFile

    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, KeyError, ValueError, OSError) as error:
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
    names = {name for found in _headers().values() for name in found}
    return sum(normal(str(cell)) in names for cell in cells if isinstance(cell, str))


def _headed(rows: Iterator[list[Value] | str], path: Path, *, first_number: int) -> Table:
    """Find the header row among the first rows; what stands above it is passed over."""
    first = list(islice(rows, _HEADER_ROWS))
    lists = [row if isinstance(row, list) else [] for row in first]
    filled = [sum(_shown(cell) != "" for cell in row) for row in lists]
    if not any(filled):
        raise RegistryError("projects_no_rows", path=path)
    widest = max(filled)
    candidates = [at for at, count in enumerate(filled) if count >= max(1, widest // 2)]
    at = max(candidates, key=lambda place: (_familiar(lists[place]), -place))
    columns = _distinct(lists[at])
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
        elif any(_shown(cell) != "" for cell in row):
            yield row_number, dict(zip(columns, row, strict=False))

    return Table(columns=columns, rows=numbered())


def _distinct(cells: Sequence[Value]) -> tuple[str, ...]:
    """Return headers with those of one name told apart: ``Name``, ``Name (2)``."""
    seen: dict[str, int] = {}
    out: list[str] = []
    for place, cell in enumerate(cells, 1):
        name = " ".join(_shown(cell).split()) or f"#{place}"
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


def _read_json(path: Path, files_open: ExitStack) -> Table:
    try:
        loaded = json.loads(decode(path.read_bytes()))
    except (ValueError, RecursionError):
        if path.suffix.lower() == ".json":
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
    first = list(islice(rows, _SAMPLE))
    columns = tuple(
        dict.fromkeys(name for _, row in first if not isinstance(row, str) for name in row)
    )
    if not columns:
        raise RegistryError("projects_no_rows", path=path)

    def every() -> Iterator[tuple[int, Mapping[str, Value] | str]]:
        yield from first
        yield from rows

    return Table(columns=columns, rows=every())


def flattened(record: Mapping[str, Value], prefix: str = "") -> dict[str, Value]:
    """Return a nested object's values by dotted names; lists of objects stay as they are."""
    out: dict[str, Value] = {}
    for name, value in record.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            out |= flattened(value, f"{key}.")
        elif isinstance(value, list) and not any(isinstance(entry, dict) for entry in value):
            out[key] = "; ".join(_shown(entry) for entry in value)
        else:
            out[key] = value
    return out


# -- values --------------------------------------------------------------------------------------


class _TextOf(HTMLParser):
    _BLOCKS = frozenset(("p", "br", "div", "li", "ul", "ol", "tr", "h1", "h2", "h3", "h4"))
    _SILENT = frozenset(("script", "style"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in self._SILENT:
            self._silent += 1
        if tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        if tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def clean(value: Value) -> str:
    """Return a cell's text without markup, entities, control characters and outer space.

    Paragraphs stay apart by a line end; ``< 5 %`` isn't markup.
    """
    text = _shown(value)
    if _MARKUP.search(text):
        if re.search(r"</?[A-Za-z][^<>]*>", text):
            parser = _TextOf()
            parser.feed(text)
            parser.close()
            text = "".join(parser.parts)
        text = html.unescape(text)
    text = unicodedata.normalize("NFC", _CONTROL.sub(" ", text.replace("\r", "\n")))
    text = text.replace("\u00ad", "").replace("\u200b", "")
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _shown(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):
        return value.strip()
    return str(value) if not isinstance(value, list | dict) else json.dumps(value)


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan tammi januari",
            "february feb helmi februari",
            "march mar maalis mars",
            "april apr huhti",
            "may touko maj",
            "june jun kesä juni",
            "july jul heinä juli",
            "august aug elo augusti",
            "september sep sept syys",
            "october oct loka oktober okt",
            "november nov marras",
            "december dec joulu dec december",
        ),
        1,
    )
    for name in names.split()
}
_ISO = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?:[T ].*)?")
_NUMERIC = re.compile(r"(\d{1,2})\s*[./-]\s*(\d{1,2})\s*[./-]\s*(\d{4}|\d{2})(?:[T ]\d.*)?")
_MONTH_YEAR = re.compile(r"(\d{1,2})\s*[./-]\s*(\d{4})")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_SPOKEN = re.compile(
    r"(?:(\d{1,2})(?:\.|st|nd|rd|th)?\s+)?([^\W\d_]{3,})\.?,?\s+(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(\d{4})"
)
_PERIOD = re.compile(
    r"\s+(?:[-–—]|to|until|till)\s+|\s*[–—]\s*|(?<=\d{4})\s*-\s*(?=\d{1,2}[./]|\d{4}(?:\D|$))|(?<=\.)\s*-\s*"
)


def parse_date(value: Value, *, month_first: bool = False) -> str | None:
    """Return a date as ISO 8601, as exact as it was given; None when it isn't a date.

    2024-01-31, 31.1.2024, 31/01/2024 (or 01/31/2024 with ``month_first``), 31 January 2024 in
    three languages, January 31, 2024, 1/2024, 20240131, 2024.
    """
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = " ".join(_shown(value).split()).strip(" .,")
    if match := _COMPACT.fullmatch(text):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    if match := _NUMERIC.fullmatch(text):
        first, second = int(match[1]), int(match[2])
        if (month_first and second <= 31 and first <= 12) or (first <= 12 < second):
            first, second = second, first
        year = int(match[3])
        return _date(
            year + 2000 if year < 70 else year + 1900 if year < 100 else year, second, first
        )
    if match := _MONTH_YEAR.fullmatch(text):
        return _date(int(match[2]), int(match[1]), None)
    if match := _ISO.fullmatch(text):
        return _date(int(match[1]), int(match[2] or 0) or None, int(match[3] or 0) or None)
    if match := _SPOKEN.fullmatch(text):
        month = _month(match[2].casefold())
        day = match[1] or match[3]
        return _date(int(match[4]), month, int(day) if day else None) if month else None
    return None


def parse_period(value: Value) -> tuple[str | None, str | None]:
    """Return the two ends of a period such as ``1.8.2023–31.7.2025``."""
    text = _shown(value)
    pieces = _PERIOD.split(text, maxsplit=1)
    if len(pieces) == 2:
        second = parse_date(pieces[1])
        first = parse_date(pieces[0])
        if first is None and second is not None:
            # 1.8.–31.12.2023: the year is said once.
            first = parse_date(f"{pieces[0].strip(' .')}.{second[:4]}")
        return first, second
    return parse_date(text), None


def _month(word: str) -> int | None:
    for ending in ("", "kuuta", "kuu", "kuussa", "kuun"):
        stem = word.removesuffix(ending) if ending else word
        if stem in _MONTHS:
            return _MONTHS[stem]
    return None


def _date(year: int, month: int | None, day: int | None) -> str | None:
    if not 1900 <= year <= 2100:
        return None
    try:
        known = date(year, month or 1, day or 1)
    except ValueError:
        return None
    if month is None:
        return f"{year:04}"
    return known.isoformat() if day is not None else f"{year:04}-{month:02}"


_AMOUNT = re.compile(
    r"(?:EUR|€|SEK|NOK)?\s*(\d[\d\s.,'’\u00a0\u202f]*)\s*"
    r"(k|t|tuhatta|thousand|tkr|m|mn|mio|milj|miljoonaa|million|miljoner|mrd|bn|billion)?\.?"
    r"\s*(?:EUR|€|euroa?|euros?|e)?",
    re.IGNORECASE,
)
_SCALES = {
    "k": 1e3,
    "t": 1e3,
    "tuhatta": 1e3,
    "thousand": 1e3,
    "mrd": 1e9,
    "bn": 1e9,
    "billion": 1e9,
}


def parse_amount(value: Value) -> float | None:
    """Return a sum of money; None when it can't be understood.

    1 963 982,50 and 1,963,982.50 and 1.963.982,50 are the same; a lone comma or point before
    exactly three digits groups thousands (259,188), else it is the decimal mark.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if value == value and abs(value) < 1e15 and value >= 0 else None
    match = _AMOUNT.fullmatch(_shown(value).strip())
    if match is None:
        return None
    digits = re.sub(r"[\s'’\u00a0\u202f]", "", match[1]).rstrip(".,")
    scale = _SCALES.get((match[2] or "").casefold(), 1e6) if match[2] else 1.0
    marks = [mark for mark in digits if mark in ".,"]
    if len(set(marks)) == 2:
        decimal = marks[-1]
        if marks.count(decimal) > 1:
            return None
        whole, _, rest = digits.partition(decimal)
        if not _grouped(whole, "," if decimal == "." else "."):
            return None
        digits = f"{re.sub('[.,]', '', whole)}.{rest}"
    elif len(marks) > 1:
        if not _grouped(digits, marks[0]):
            return None  # 1.1.2020 is no sum
        digits = digits.replace(marks[0], "")
    elif marks:
        whole, _, rest = digits.partition(marks[0])
        grouped = len(rest) == 3 and scale == 1.0 and whole != "0"
        digits = whole + rest if grouped else f"{whole}.{rest}"
    return float(digits) * scale


def _grouped(digits: str, mark: str) -> bool:
    first, *rest = digits.split(mark)
    return 1 <= len(first) <= 3 and all(len(group) == 3 for group in rest)


def _identifier(value: Value) -> str:
    text = clean(value)
    # A table program took the number for a decimal one.
    return text[:-2] if re.fullmatch(r"\d+\.0", text) else text


# -- which column holds what ---------------------------------------------------------------------


@cache
def _headers() -> dict[str, tuple[str, ...]]:
    table = tomllib.loads((files("ingest") / "registry_headers.toml").read_text(encoding="utf-8"))
    return {name: tuple(names) for name, names in table.items()}


FIELDS = (
    "registry_id", "title", "acronym", "description", "results", "keywords", "programme", "call",
    "objective", "status", "start", "end", "period", "cost", "contribution", "city", "region",
    "country", "url", "themes", "lead", "partners", "partner_name", "partner_role",
    "partner_kind", "partner_budget",
)  # fmt: skip
_PARTNER_FIELDS = ("partner_name", "partner_role", "partner_kind", "partner_budget")


def normal(header: str) -> str:
    """Return a header as it is compared: ``ecMaxContribution`` is ``ec max contribution``."""
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFKC", header))
    spaced = re.sub(r"\s*\((?:eur|€|\d+)\)\s*$|\s*[,/]?\s*€\s*$", "", spaced, flags=re.IGNORECASE)
    return " ".join(re.sub(r"[\W_]+", " ", spaced.casefold()).split())


def propose(columns: Sequence[str], sample: Sequence[Mapping[str, Value]]) -> ColumnMap:
    """Propose which columns hold what, by their headers and by what stands in them."""
    chosen: dict[str, list[tuple[float, str]]] = {}
    taken: set[str] = set()
    scored = sorted(
        (
            (_fit(name, column), -place, name, column)
            for name in FIELDS
            for place, column in enumerate(columns)
        ),
        key=lambda entry: (-entry[0], -entry[1], FIELDS.index(entry[2])),
    )
    contents = {column: _Content.of(column, sample) for column in columns}
    for score, _, name, column in scored:
        if score < 0.6 or column in taken or not contents[column].suits(name):
            continue
        about_partner = name in _PARTNER_FIELDS and name != "partner_name"
        if about_partner and "partner_name" not in chosen:
            continue  # a type or a role alone says nothing of a partner
        if name in chosen and name not in _SEVERAL:
            continue
        chosen.setdefault(name, []).append((score, column))
        taken.add(column)
    _from_contents(columns, contents, chosen, taken)
    return ColumnMap(
        {name: tuple(column for _, column in chosen[name]) for name in FIELDS if name in chosen},
        {name: round(max(score for score, _ in chosen[name]), 2) for name in chosen},
    )


def _fit(name: str, column: str) -> float:
    """Return how well a header names a field: 1 for its best name, less for others."""
    header = normal(re.sub(r" \(\d+\)$", "", column))
    last = header if "." not in column else normal(column.rsplit(".", 1)[1])
    names = _headers()[name]
    for written, share in ((header, 1.0), (last, 0.9)):
        if written in names:
            return share * (1.0 - 0.2 * names.index(written) / len(names))
    words = set(header.split())
    near = [set(known.split()) for known in names if len(known.split()) > 1]
    if any(known < words and len(words) - len(known) <= 2 for known in near):
        return 0.65
    return 0.0


@dataclass(frozen=True, slots=True)
class _Content:
    """What stands in a column: shares of its filled cells (0–1), and lengths."""

    filled: int
    dates: float
    amounts: float
    links: float
    nested: bool
    length: float
    distinct: float

    @classmethod
    def of(cls, column: str, sample: Sequence[Mapping[str, Value]]) -> _Content:
        cells = [row[column] for row in sample if _shown(row.get(column)) != ""]
        count = max(1, len(cells))
        shown = [_shown(cell) for cell in cells]
        return cls(
            filled=len(cells),
            dates=sum(any(parse_period(cell)) for cell in cells) / count,
            amounts=sum(parse_amount(cell) is not None for cell in cells) / count,
            links=sum(text.startswith(("http", "www.")) for text in shown) / count,
            nested=any(_nested(cell) is not None for cell in cells[:20]),
            length=sum(map(len, shown)) / count,
            distinct=len(set(shown)) / count,
        )

    def suits(self, name: str) -> bool:
        """Return whether what stands here can be the field; an empty column can be any."""
        if not self.filled:
            return name not in ("title",)
        if name in ("start", "end", "period"):
            return self.dates >= 0.3
        if name in ("cost", "contribution", "partner_budget"):
            return self.amounts >= 0.3 and not self.nested
        if name == "url":
            return self.links >= 0.5
        if name == "partners":
            return self.nested or self.length > 3
        if name in ("title", "acronym", "status", "country", "registry_id"):
            return not self.nested and self.length < 400
        return not self.nested


def _from_contents(
    columns: Sequence[str],
    contents: Mapping[str, _Content],
    chosen: dict[str, list[tuple[float, str]]],
    taken: set[str],
) -> None:
    """Fill fields that no header names from what stands in the columns that are left."""
    left = [c for c in columns if c not in taken and contents[c].filled]

    def take(name: str, column: str) -> None:
        chosen[name] = [(0.4, column)]
        taken.add(column)
        left.remove(column)

    if "start" not in chosen and "period" not in chosen:
        dated = [c for c in left if contents[c].dates >= 0.9 and contents[c].amounts < 0.9]
        for name, column in zip(("start", "end"), dated[:2], strict=False):
            if name not in chosen:
                take(name, column)
    if "url" not in chosen:
        for column in [c for c in left if contents[c].links >= 0.9][:1]:
            take("url", column)
    plain = [c for c in left if not contents[c].nested and contents[c].links < 0.5]
    if "title" not in chosen:
        titles = [
            c
            for c in plain
            if 12 <= contents[c].length <= 200
            and contents[c].distinct >= 0.9
            and contents[c].amounts < 0.1
            and contents[c].dates < 0.1
        ]
        if titles and contents[titles[0]].filled >= 2:
            take("title", titles[0])
            plain.remove(titles[0])
    if "description" not in chosen:
        long = [c for c in plain if contents[c].length >= 200]
        if long:
            take("description", max(long, key=lambda c: contents[c].length))
    if "partners" not in chosen:
        for column in [c for c in left if contents[c].nested][:1]:
            take("partners", column)


# -- rows to projects ------------------------------------------------------------------------------


@dataclass(slots=True)
class _Builder:
    """Makes projects of rows by one mapping."""

    registry: str
    mapping: ColumnMap
    month_first: bool = False

    def project(
        self, number: int, row: Mapping[str, Value]
    ) -> tuple[Project | RowNote, list[RowNote]]:
        notes: list[RowNote] = []
        title = " ".join(self._first("title", row).split())
        acronym = self._first("acronym", row) or None
        if not title:
            title, acronym = (acronym or ""), None
        if not title:
            return RowNote(number, "no_title"), notes
        if len(title) > _LONGEST_TITLE:
            return RowNote(number, "long_title", {"length": str(len(title))}), notes
        start, end = self._dates(number, row, notes)
        description = self._joined("description", row)
        results = self._joined("results", row)
        country = self._first("country", row) or None
        partners = self._partners(row, country)
        leading = next((p for p in partners if p.leads), partners[0] if partners else None)
        return (
            Project(
                registry=self.registry,
                registry_id=_identifier(self._raw("registry_id", row)) or None,
                title=title,
                acronym=acronym if acronym != title else None,
                description=description,
                results=results,
                keywords=tuple(
                    dict.fromkeys(
                        word.strip()
                        for column in self.mapping.columns.get("keywords", ())
                        for word in re.split(r"[;\n|]|,\s| {2,}", _shown(row.get(column)))
                        if 0 < len(word.strip()) <= _LONGEST_KEYWORD
                    )
                ),
                # CORDIS prints what stands above a programme after many spaces.
                programme=re.split(r" {2,}|\n", _shown(self._raw("programme", row)))[0] or None,
                call=self._first("call", row) or None,
                objective="; ".join(
                    dict.fromkeys(
                        text
                        for column in self.mapping.columns.get("objective", ())
                        if (text := clean(row.get(column)))
                    )
                )
                or None,
                status=self._first("status", row) or None,
                start=start,
                end=end,
                cost=self._amount("cost", number, row, notes),
                contribution=self._amount("contribution", number, row, notes),
                city=self._first("city", row) or (leading.city if leading else None),
                region=self._first("region", row) or (leading.region if leading else None),
                country=country or (leading.country if leading else None),
                url=self._first("url", row) or None,
                language=language_of_text(f"{title}\n{description[:_TELLING]}"),
                partners=partners,
                themes=_known_themes(self._joined("themes", row)),
            ),
            notes,
        )

    def _raw(self, name: str, row: Mapping[str, Value]) -> Value:
        for column in self.mapping.columns.get(name, ()):
            if _shown(row.get(column)) != "":
                return row[column]
        return ""

    def _first(self, name: str, row: Mapping[str, Value]) -> str:
        return " ".join(clean(self._raw(name, row)).split())

    def _joined(self, name: str, row: Mapping[str, Value]) -> str:
        """Return the texts of all columns of a field; one that begins another is left out."""
        texts = [clean(row.get(column)) for column in self.mapping.columns.get(name, ())]
        kept: dict[str, str] = {}
        for text in sorted(dict.fromkeys(texts), key=len, reverse=True):
            # Teasers are cut off, and their quotes and dashes may be written otherwise.
            start = folded(text)
            if start and not any(longer.startswith(start) for longer in kept.values()):
                kept[text] = start
        return "\n\n".join(text for text in dict.fromkeys(texts) if text in kept)

    def _dates(
        self, number: int, row: Mapping[str, Value], notes: list[RowNote]
    ) -> tuple[str | None, str | None]:
        found: dict[str, str | None] = {}
        for name in ("start", "end"):
            raw = self._raw(name, row)
            found[name] = parse_date(raw, month_first=self.month_first)
            if found[name] is None and _shown(raw) not in ("", "-", "–"):
                first, last = parse_period(raw)
                if first is None:
                    notes.append(RowNote(number, "date", {"value": _shown(raw)[:60]}))
                elif name == "start":
                    found["start"], found["end"] = first, last
        period = self._raw("period", row)
        if _shown(period) and not any(found.values()):
            found["start"], found["end"] = parse_period(period)
            if found["start"] is None:
                notes.append(RowNote(number, "date", {"value": _shown(period)[:60]}))
        start, end = found.get("start"), found.get("end")
        if start and end and end[: len(start)] < start[: len(end)]:
            notes.append(RowNote(number, "order", {"start": start, "end": end}))
        return start, end

    def _amount(
        self, name: str, number: int, row: Mapping[str, Value], notes: list[RowNote]
    ) -> float | None:
        raw = self._raw(name, row)
        if _shown(raw) in ("", "-", "–"):
            return None
        amount = parse_amount(raw)
        if amount is None:
            notes.append(RowNote(number, "amount", {"value": _shown(raw)[:60]}))
        return amount

    def _partners(self, row: Mapping[str, Value], country: str | None) -> tuple[Partner, ...]:
        found: list[Partner] = []
        for column in self.mapping.columns.get("lead", ()):
            named = _named(_shown(row.get(column)))
            if not named.name:
                continue
            if found and folded_partner(named.name) != folded_partner(found[0].name):
                continue  # a second column of leads tells more of the first one's only
            found.append(
                replace(
                    named,
                    leads=True,
                    city=self._first("city", row) or None,
                    region=self._first("region", row) or None,
                    country=named.country or country,
                )
            )
        for column in self.mapping.columns.get("partners", ()):
            found += _listed_partners(row.get(column))
        name = _shown(self._raw("partner_name", row))
        if name:
            role = self._first("partner_role", row)
            found.append(
                replace(
                    _named(name),
                    leads=_leads(role),
                    kind=self._first("partner_kind", row) or None,
                    budget=parse_amount(self._raw("partner_budget", row)),
                )
            )
        return _united(found)


def _united(partners: Sequence[Partner]) -> tuple[Partner, ...]:
    """Return each organisation once, with what any mention of it says."""
    known: dict[str, Partner] = {}
    for partner in partners:
        key = folded_partner(partner.name)
        before = known.get(key)
        known[key] = (
            partner
            if before is None
            else replace(
                before,
                leads=before.leads or partner.leads,
                kind=before.kind or partner.kind,
                city=before.city or partner.city,
                region=before.region or partner.region,
                country=before.country or partner.country,
                budget=before.budget if before.budget is not None else partner.budget,
            )
        )
    return tuple(known.values())


def _named(text: str) -> Partner:
    """Return the organisation of a cell; CORDIS puts its country after many spaces."""
    pieces = [p.strip() for p in re.split(r"\s{2,}|\n", text) if p.strip()]
    if len(pieces) > 1 and len(pieces[-1]) <= 40:
        return Partner(name=clean(pieces[0]), country=clean(pieces[-1]))
    return Partner(name=" ".join(clean(text).split()))


def _leads(role: str) -> bool:
    return bool(
        re.search(
            r"\b(?:lp|lead|coordinator|host|pää\w*|koordin\w*|hakija|projektägare|sökande|samordn\w*)\b",
            role.casefold(),
        )
    )


def _listed_partners(value: Value) -> list[Partner]:
    entries = _nested(value)
    if entries is None:
        text = _shown(value)
        parts = re.split(r"[;\n|]", text) if re.search(r"[;\n|]", text) else [text]
        return [_named(part.strip()) for part in parts if clean(part)]
    found: list[Partner] = []
    for entry in entries:
        if isinstance(entry, str):
            found += [_named(entry)] if entry.strip() else []
            continue
        if not isinstance(entry, dict):
            continue
        flat = flattened(entry)
        cells: dict[str, Value] = {}
        for name in (*_PARTNER_FIELDS, "city", "region", "country"):
            fits = [(_fit(name, key), key) for key in flat if _shown(flat[key]) != ""]
            best = max(fits, default=(0.0, ""))
            if best[0] >= 0.6:
                cells[name] = flat[best[1]]
        if not clean(cells.get("partner_name")):
            continue
        named = _named(_shown(cells["partner_name"]))
        found.append(
            replace(
                named,
                leads=_leads(clean(cells.get("partner_role"))),
                kind=clean(cells.get("partner_kind")) or None,
                city=clean(cells.get("city")) or None,
                region=clean(cells.get("region")) or None,
                country=clean(cells.get("country")) or named.country,
                budget=parse_amount(cells.get("partner_budget", "")),
            )
        )
    return found


def _nested(value: Value) -> list[Value] | None:
    """Return the list that a cell holds, as JSON, as Python prints it, or as it is."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, str) or not value.lstrip().startswith(("[{", "['", '["')):
        return None
    try:
        loaded = json.loads(value)
    except ValueError:
        try:
            loaded = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return loaded if isinstance(loaded, list) else None


@cache
def _theme_names() -> dict[str, str]:
    return {
        name.casefold(): theme.id
        for theme in themes()
        for name in (theme.id, theme.fi, theme.sv, theme.en)
    }


def _known_themes(text: str) -> tuple[str, ...]:
    """Return those of the themes named that are ours; a registry's own say nothing here."""
    words = [word.strip().casefold() for word in re.split(r"[;,\n|]", text)]
    return tuple(dict.fromkeys(_theme_names()[w] for w in words if w in _theme_names()))


# -- the import ------------------------------------------------------------------------------------


def import_projects(
    catalogue: Catalogue,
    path: Path,
    *,
    format: Format = "table",
    map_file: Path | None = None,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import a table of projects; ``progress`` is told how many rows are done.

    The mapping is the one given, else the one kept for tables with the same headers, else the
    one proposed; what was used is kept. Nothing is written with ``dry_run``. Raises
    RegistryError when the table can't be read, has no column for a title, or the mapping names
    a column that isn't there.
    """
    with read_table(path) as table:
        sample = list(islice(table.rows, _SAMPLE))
        records = [row for _, row in sample if not isinstance(row, str)]
        key = f"mapping:{format}:{_headers_digest(table.columns)}"
        mapping = _mapping(catalogue.get_meta(key), map_file, table.columns, records)
        if "title" not in mapping.columns and "acronym" not in mapping.columns:
            shown = ", ".join(table.columns[:40])
            raise RegistryError("projects_no_title", path=path, columns=shown)
        if not dry_run:
            kept = json.dumps(mapping.to_json(), ensure_ascii=False)
            catalogue.set_meta(key, kept.encode())
        builder = _Builder(format, mapping, month_first=_month_first(mapping, records))
        report = ImportReport(mapping=mapping, dry_run=dry_run)
        _run(Projects(catalogue), chain(sample, table.rows), builder, report, progress)
    return report


def _mapping(
    kept: bytes | None,
    map_file: Path | None,
    columns: Sequence[str],
    sample: Sequence[Mapping[str, Value]],
) -> ColumnMap:
    if map_file is not None:
        return _read_map(map_file, columns)
    if kept is not None:
        wanted = {name: tuple(c) for name, c in json.loads(kept).items()}
        # Two tables can have headers that are compared as the same and written otherwise.
        if all(column in columns for named in wanted.values() for column in named):
            return ColumnMap(wanted)
    return propose(columns, sample)


def _run(
    projects: Projects,
    rows: Iterator[tuple[int, Mapping[str, Value] | str]],
    builder: _Builder,
    report: ImportReport,
    progress: Callable[[int], None] | None,
) -> None:
    batch: dict[str, Project] = {}
    seen: dict[str, Outcome] = {}
    for count, (number, row) in enumerate(rows, 1):
        if isinstance(row, str):
            report.rejected.append(RowNote(number, row))
            continue
        project, notes = builder.project(number, row)
        report.warnings += notes
        if isinstance(project, RowNote):
            report.rejected.append(project)
            continue
        known = batch.get(project.id)
        batch[project.id] = project if known is None else merged(known, project)
        if len(batch) >= _BATCH and known is None:
            _put(projects, batch, seen, report)
            batch.clear()
            if progress is not None:
                progress(count)
    _put(projects, batch, seen, report)
    for outcome in seen.values():
        report.outcomes[outcome] += 1


def _put(
    projects: Projects,
    batch: Mapping[str, Project],
    seen: dict[str, Outcome],
    report: ImportReport,
) -> None:
    """Put a batch in; a project that an earlier batch had joins it, and is counted once."""
    again = [project_id for project_id in batch if project_id in seen]
    if report.dry_run:
        outcomes = [projects.outcome(project) for project in batch.values()]
    else:
        outcomes = projects.put(list(batch.values()), merge=again)
    for project_id, outcome in zip(batch, outcomes, strict=True):
        if project_id not in seen or (seen[project_id] == "unchanged" and outcome == "updated"):
            seen[project_id] = outcome


def _month_first(mapping: ColumnMap, sample: Sequence[Mapping[str, Value]]) -> bool:
    """Return whether dates put the month first: some second number is a day, and no first is."""
    firsts: list[int] = []
    seconds: list[int] = []
    for name in ("start", "end"):
        for column in mapping.columns.get(name, ()):
            for row in sample:
                if match := re.match(r"(\d{1,2})/(\d{1,2})/\d{2,4}", _shown(row.get(column))):
                    firsts.append(int(match[1]))
                    seconds.append(int(match[2]))
    return bool(seconds) and max(seconds) > 12 >= max(firsts)


def _headers_digest(columns: Sequence[str]) -> str:
    return sha256("\n".join(sorted(map(normal, columns))).encode()).hexdigest()[:16]


def _read_map(path: Path, columns: Sequence[str]) -> ColumnMap:
    """Read a mapping: TOML or JSON, a field's name to a column or a list of columns."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        loaded = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise RegistryError("projects_map", path=path, why=error) from error
    wanted: dict[str, tuple[str, ...]] = {}
    by_name = {column.casefold(): column for column in columns}
    for name, value in loaded.items():
        if name not in FIELDS:
            raise RegistryError("projects_map_field", field=name, possible=", ".join(FIELDS))
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise RegistryError("projects_map", path=path, why=name)
        for column in given:
            if column.casefold() not in by_name:
                raise RegistryError(
                    "projects_map_column", column=column, possible=", ".join(columns[:40])
                )
        wanted[name] = tuple(by_name[column.casefold()] for column in given)
    return ColumnMap(wanted)


# -- words and vectors ---------------------------------------------------------------------------


def index_projects(
    kb: KnowledgeBase,
    *,
    vectors: bool = True,
    progress: Callable[[Stage, int, int], None] | None = None,
) -> int:
    """Index the words of projects that wait for it, embed their parts and guess their themes.

    Returns how many texts were embedded; without ``vectors`` none is, and no theme guessed.
    ``progress`` is told the stage, what is done and how much there is in all. Can be stopped at
    any instant and begun again.
    """
    projects = Projects(kb.catalogue)
    waiting = projects.waiting()
    done = 0
    while indexed := projects.index():
        done += indexed
        if progress is not None:
            progress("words", done, max(done, waiting))
    if not vectors:
        return 0
    waiting = projects.pending_count(kb.embeddings)
    done = 0
    while batch := projects.pending(kb.embeddings, limit=_EMBEDDED):
        kb.embeddings.put_embeddings(
            digests=[item.digest for item in batch],
            vectors=kb.embedder().embed_passages([item.text for item in batch]),
        )
        projects.raise_generation()
        done += len(batch)
        if progress is not None:
            progress("vectors", done, max(done, waiting))
    open_theming(kb).guess_projects()
    return done
