"""A registry's cells: their text, dates, sums of money, and what nests in them."""

from __future__ import annotations

import ast
import html
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from html.parser import HTMLParser

Value = object
"""A cell: text, number, date, or what nests in JSON: lists and objects."""

_SPACES = re.compile(r"[^\S\n]+")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&(?:#\d+|#x[0-9A-Fa-f]+|[A-Za-z]{2,8});")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


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
    text = shown(value)
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


def shown(value: Value) -> str:
    """Return a cell's text as it is; lists and objects as JSON."""
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


_LONGEST_VALUE = 200
"""Characters of a date or a sum at most: patterns aren't tried on whole texts."""


def parse_date(value: Value, *, month_first: bool = False) -> str | None:
    """Return a date as ISO 8601, as exact as it was given; None when it isn't a date.

    2024-01-31, 31.1.2024, 31/01/2024 (or 01/31/2024 with ``month_first``), 31 January 2024 in
    three languages, January 31, 2024, 1/2024, 20240131, 2024.
    """
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = " ".join(shown(value)[: _LONGEST_VALUE + 1].split()).strip(" .,")
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
    text = shown(value)
    if len(text) > _LONGEST_VALUE:
        return None, None
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
    r"(?:EUR|€)?\s*(\d[\d\s.,'’\u00a0\u202f]*)\s*"
    r"(k|t|tuhatta|thousand|m|mn|mio|milj|miljoonaa|million|miljoner|mrd|bn|billion)?\.?"
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


_FOREIGN = re.compile(
    r"(?<![^\W\d_])(?:SEK|NOK|DKK|ISK|USD|GBP|CHF|PLN|[tm]?kr|kronor|kroner|pounds?|dollars?)"
    r"(?![^\W\d_])|[$£]",
    re.IGNORECASE,
)


def foreign(text: str) -> bool:
    """Return whether a header or a cell names another currency than the euro."""
    return len(text) <= _LONGEST_VALUE and bool(_FOREIGN.search(text))


def parse_amount(value: Value) -> float | None:
    """Return a sum of money in euros; None when it can't be understood, or isn't in euros.

    1 963 982,50 and 1,963,982.50 and 1.963.982,50 are the same; a lone comma or point before
    exactly three digits groups thousands (259,188), else it is the decimal mark.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if value == value and abs(value) < 1e15 and value >= 0 else None
    text = shown(value).strip()
    match = _AMOUNT.fullmatch(text) if len(text) <= _LONGEST_VALUE else None
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


def identifier(value: Value) -> str:
    """Return a registry's id of a project."""
    text = clean(value)
    # A table program took the number for a decimal one.
    return text[:-2] if re.fullmatch(r"\d+\.0", text) else text


def nested(value: Value) -> list[Value] | None:
    """Return the list that a cell holds, as JSON, as Python prints it, or as it is."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, str) or not value.lstrip().startswith(("[{", "['", '["')):
        return None
    try:
        loaded = json.loads(value)
    except RecursionError:
        return None
    except ValueError:
        try:
            loaded = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return loaded if isinstance(loaded, list) else None


def flattened(record: Mapping[str, Value], prefix: str = "") -> dict[str, Value]:
    """Return a nested object's values by dotted names; lists of objects stay as they are."""
    out: dict[str, Value] = {}
    for name, value in record.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            out |= flattened(value, f"{key}.")
        elif isinstance(value, list) and not any(isinstance(entry, dict) for entry in value):
            out[key] = "; ".join(shown(entry) for entry in value)
        else:
            out[key] = value
    return out
