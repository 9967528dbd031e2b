"""Workbooks (OOXML), read from their XML: stored values, shown as the sheet shows them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from lxml import etree

from ingest.limits import Limits
from ingest.readers.builder import TextBuilder
from ingest.readers.package import (
    Package,
    attribute,
    child,
    children,
    core_properties,
    descendants,
    local,
)
from ingest.readers.sheets import Cell, add_sheet
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import BlockKind, Metadata

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_MOST_CELLS = 5_000_000
_MOST_REPEATS = 5_000
_REPEATED = 200  # a merged cell is repeated on its rows when shorter
# Built-in number formats (ECMA-376 part 1, 18.8.30) that say more than "General".
_BUILTIN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    14: "yyyy-mm-dd",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm",
    19: "h:mm:ss",
    20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm",
    37: "#,##0",
    38: "#,##0",
    39: "#,##0.00",
    40: "#,##0.00",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss",
}


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    part: str
    hidden: bool


def read_xlsx(path: Path, *, limits: Limits) -> Reading:
    """Read a workbook; raises UnreadableDocument.

    Formulas give the value stored beside them. Dates are ISO. Decimals have the comma in a
    workbook in Finnish or Swedish (judged by its letters), else the point.
    """
    with Package(path, limits=limits) as package:
        return _Workbook(package, limits).read()


class _Workbook:
    def __init__(self, package: Package, limits: Limits) -> None:
        self._package = package
        self._limits = limits
        self._builder = TextBuilder(limits)
        mains = package.related("", "officeDocument")
        self._part = next((part for part in mains if part in package), "xl/workbook.xml")
        root = package.xml(self._part)
        self._epoch = datetime(1899, 12, 30)
        if attribute_on(child(root, "workbookPr"), "date1904"):
            self._epoch = datetime(1904, 1, 1)
        relations = package.relations(self._part)
        beside = {relation.kind: relation.target for relation in relations.values()}
        self._strings = self._read_strings(beside.get("sharedStrings", ""))
        self._formats = self._read_styles(beside.get("styles", ""))
        listed = child(root, "sheets")
        self._sheets = [
            _Sheet(
                name=attribute(sheet, "name") or "",
                part=relations[identity].target,
                hidden=attribute(sheet, "state") in ("hidden", "veryHidden"),
            )
            for sheet in (children(listed, "sheet") if listed is not None else ())
            for identity in [_relation_id(sheet)]
            if identity in relations and relations[identity].kind == "worksheet"
        ]
        nordic = re.compile("[äöåÄÖÅ]")
        self._comma = any(nordic.search(text) for text in self._strings) or any(
            nordic.search(sheet.name) for sheet in self._sheets
        )

    def read(self) -> Reading:
        hidden: list[str] = []
        for sheet in self._sheets:
            before = self._builder.block_count
            try:
                self._sheet(sheet)
            except UnreadableDocument as error:
                if error.code != "unreadable_damaged":
                    raise
                self._builder.warn(f"warning.part_unreadable|part={_plain_name(sheet.name)}")
            if sheet.hidden and self._builder.block_count > before:
                hidden.append(sheet.name)
        if hidden:
            shown = ", ".join(map(_plain_name, hidden))
            self._builder.warn(f"warning.hidden_sheets|sheets={shown}")
        title, date = core_properties(self._package)
        return self._builder.finish(
            media_type=MEDIA_TYPE,
            metadata=Metadata(title=title, date=date),
            name_by_heading=False,
        )

    def _read_strings(self, part: str) -> list[str]:
        root = self._package.xml_or_none(part) if part else None
        return [] if root is None else [_string(item) for item in children(root, "si")]

    def _read_styles(self, part: str) -> list[str]:
        root = self._package.xml_or_none(part) if part else None
        if root is None:
            return []
        custom = {
            attribute(node, "numFmtId") or "": attribute(node, "formatCode") or ""
            for node in descendants(root, "numFmt")
        }
        formats: list[str] = []
        used = child(root, "cellXfs")
        for node in children(used, "xf") if used is not None else ():
            number = attribute(node, "numFmtId") or "0"
            builtin = _BUILTIN.get(int(number), "") if number.isdecimal() else ""
            formats.append(custom.get(number) or builtin)
        return formats

    def _sheet(self, sheet: _Sheet) -> None:
        rows, merged, formulas = self._cells(sheet)
        widest = max((column for row in rows.values() for column in row), default=0)
        for first_row, first, last_row, last in merged:
            _spread(rows, first_row, first, last_row, min(last, widest))
        if formulas:
            self._builder.warn(f"warning.formulas_without_values|sheet={_plain_name(sheet.name)}")
        if rows:
            add_sheet(
                self._builder,
                sheet.name,
                sorted(rows.items()),
                headers=self._table_headers(sheet.part),
            )
        self._comments(sheet.part)

    def _comments(self, part: str) -> None:
        """Add what was remarked on cells, row by row; not by whom.

        A thread is kept twice, the second time for programs that know none: with a preface.
        """
        found: list[tuple[int, int, str]] = []
        threaded: set[str] = set()
        for kind, name in (("threadedComment", "threadedComment"), ("comments", "comment")):
            for comments in self._package.related(part, kind):
                root = self._package.xml_or_none(comments)
                for node in descendants(root, name) if root is not None else ():
                    reference = attribute(node, "ref") or ""
                    area, text = _area(reference), child(node, "text")
                    if (
                        area is None
                        or text is None
                        or (name == "comment" and reference in threaded)
                    ):
                        continue
                    if name == "threadedComment":
                        threaded.add(reference)
                    found.append((area[0], area[1], text.text or _string(text)))
        self._builder.gap()
        for row, _, said in sorted(found, key=lambda one: one[:2]):
            self._builder.add(said, BlockKind.NOTE, row=row)

    def _table_headers(self, part: str) -> frozenset[int]:
        found: set[int] = set()
        for table in self._package.related(part, "table"):
            root = self._package.xml_or_none(table)
            area = None if root is None else _area(attribute(root, "ref") or "")
            if root is not None and area and attribute(root, "headerRowCount") != "0":
                found.add(area[0])
        return frozenset(found)

    def _cells(
        self, sheet: _Sheet
    ) -> tuple[dict[int, dict[int, Cell]], list[tuple[int, int, int, int]], int]:
        """Return cells by row, merged areas, and how many formulas have no value."""
        rows: dict[int, dict[int, Cell]] = {}
        merged: list[tuple[int, int, int, int]] = []
        empty_formulas, total, number = 0, 0, 0
        for node in _elements(self._package.read(sheet.part), {"row", "mergeCell"}):
            if local(node) == "mergeCell":
                area = _area(attribute(node, "ref") or "")
                if area is not None:
                    merged.append(area)
                continue
            given = attribute(node, "r") or ""
            number = int(given) if given.isdecimal() else number + 1
            if len(rows) >= self._limits.rows or total >= _MOST_CELLS:
                self._builder.warn(
                    f"warning.rows_left_out|sheet={_plain_name(sheet.name)}|rows={len(rows)}"
                )
                break
            cells: dict[int, Cell] = {}
            column = -1
            for cell in children(node, "c"):
                place = _column(attribute(cell, "r") or "")
                column = column + 1 if place is None else place
                shown = self._cell(cell)
                if shown is not None:
                    cells[column] = shown
                elif child(cell, "f") is not None and not _has_value(cell):
                    empty_formulas += 1
            if cells:
                rows[number] = cells
                total += len(cells)
        return rows, merged, empty_formulas

    def _cell(self, node: etree._Element) -> Cell | None:
        kind = attribute(node, "t") or "n"
        style = attribute(node, "s") or "0"
        at = int(style) if style.isdecimal() else 0
        if kind == "inlineStr":
            inline = child(node, "is")
            text = "" if inline is None else _string(inline)
            return Cell(text, style=style) if text.strip() else None
        value = child(node, "v")
        raw = "" if value is None else (value.text or "").strip()
        if not raw or kind == "e":
            return None
        if kind == "s":
            index = int(raw) if raw.isdecimal() else -1
            text = self._strings[index] if 0 <= index < len(self._strings) else ""
            return Cell(text, style=style) if text.strip() else None
        if kind == "b":
            return Cell("TRUE" if raw == "1" else "FALSE", style=style)
        if kind in ("str", "d"):
            return Cell(raw, number=kind == "d", style=style)
        try:
            number = float(raw)
        except ValueError:
            return Cell(raw, style=style)
        code = self._formats[at] if at < len(self._formats) else ""
        shown = show_number(number, code, epoch=self._epoch, comma=self._comma)
        return Cell(shown, number=True, style=style) if shown else None


def _spread(
    rows: dict[int, dict[int, Cell]], first_row: int, first: int, last_row: int, last: int
) -> None:
    """Repeat a merged cell: down its rows, and across its columns where there are others."""
    origin = rows.get(first_row, {}).get(first)
    if origin is None or len(origin.text) > _REPEATED:
        return
    for number in range(first_row, min(last_row, first_row + _MOST_REPEATS) + 1):
        row = rows.get(number)
        if row is None:
            continue
        row.setdefault(first, origin)
        # A title over the whole width is one thing; a header over some columns is theirs all.
        if len(row) > 1:
            for column in range(first + 1, last + 1):
                row.setdefault(column, replace(origin, across=True))


def _elements(data: bytes, wanted: set[str]) -> Iterator[etree._Element]:
    """Yield elements of a sheet while it is parsed, and forget each after use."""
    context = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        for _, node in context:
            if local(node) not in wanted:
                continue
            yield node
            parent = node.getparent()
            node.clear()
            while parent is not None and node.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise UnreadableDocument("unreadable_damaged") from error


def _has_value(cell: etree._Element) -> bool:
    value = child(cell, "v")
    return (value is not None and bool(value.text)) or attribute(cell, "t") == "str"


def _string(node: etree._Element) -> str:
    """Return a rich or plain string, without its phonetic readings."""
    parts: list[str] = []
    for element in node:
        name = local(element)
        if name == "t":
            parts.append(element.text or "")
        elif name == "r":
            parts.extend(part.text or "" for part in children(element, "t"))
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), "".join(parts))


def _column(reference: str) -> int | None:
    column = 0
    for at, char in enumerate(reference):
        if not "A" <= char <= "Z":
            return column - 1 if at else None
        column = column * 26 + ord(char) - 64
    return column - 1 if reference else None


def _area(reference: str) -> tuple[int, int, int, int] | None:
    found = re.fullmatch(r"\$?([A-Z]+)\$?(\d+)(?::\$?([A-Z]+)\$?(\d+))?", reference)
    if not found:
        return None
    first, last = _column(found[1]), _column(found[3] or found[1])
    if first is None or last is None:
        return None
    return int(found[2]), first, int(found[4] or found[2]), last


def _relation_id(node: etree._Element) -> str:
    for key, value in node.attrib.items():
        if str(key).startswith("{") and str(key).endswith("}id"):
            return str(value)
    return ""


def _plain_name(name: str) -> str:
    return name.replace("|", "_")


def attribute_on(node: etree._Element | None, name: str) -> bool:
    """Tell whether a boolean attribute is there and true."""
    return node is not None and attribute(node, name) in ("1", "true", "on")


# Numbers as they are shown.

_QUOTED = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]')
_DIGITS = re.compile(r"[#0?][#0?,.\s]*(?:E[+-]?[0#?]+)?")


@lru_cache(maxsize=2000)
def _parsed(section: str) -> tuple[str, str, str]:
    """Return a format section's text before the digits, its digits, its text after them."""
    literals: list[str] = []

    def hidden(found: re.Match[str]) -> str:
        literals.append(found[1] or found[2] or found[3] or "")
        return f"\x01{chr(0xE000 + len(literals) - 1)}"

    bare = _QUOTED.sub(hidden, section.replace("\x01", ""))
    digits = _DIGITS.search(bare)
    if digits is None:
        return "", "", ""

    def shown(text: str) -> str:
        return re.sub("\x01(.)", lambda found: literals[ord(found[1]) - 0xE000], text)

    return shown(bare[: digits.start()]), digits[0].rstrip(), shown(bare[digits.end() :])


@lru_cache(maxsize=2000)
def _date_parts(code: str) -> tuple[bool, bool]:
    """Return whether a format shows a day, and whether it shows a time."""
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.', "", code.split(";")[0])
    elapsed = re.search(r"\[(h+|m+|s+)\]", bare, re.IGNORECASE) is not None
    bare = re.sub(r"\[[^\]]*\]", "", bare).casefold()
    if "general" in bare or re.search("[#0?]", bare.replace("ss.0", "").replace(".000", "")):
        return False, False
    day = bool(re.search("[yd]|mmm|v{2,}|p{2,}", bare)) or bare.strip() in ("m", "mm")
    time = elapsed or bool(re.search("h|s", bare)) or ("am/pm" in bare)
    return day and not elapsed, time


def show_number(value: float, code: str, *, epoch: datetime, comma: bool) -> str:
    """Return a number as a cell with a format code shows it.

    Dates and times are ISO 8601. ``comma`` chooses the decimal comma and spaces between
    thousands. Fractions and exponents are shown as plain decimals.
    """
    day, time = _date_parts(code) if code else (False, False)
    if (day or time) and -60_000 < value < 2_958_466:
        return _date(value, epoch, day=day, time=time)
    sections = _split_sections(code)
    section = sections[0] if sections else ""
    sign = "-" if value < 0 else ""
    if value < 0 and len(sections) > 1 and _parsed(sections[1])[1]:
        # A section for negative numbers shows the sign, or parentheses, itself.
        section, sign = sections[1], ""
    before, digits, after = _parsed(section) if section else ("", "", "")
    if not digits:
        return _localised(_general(value), comma=comma, grouped=False)
    percent = "%" in after or "%" in before
    shown = abs(value) * (100 if percent else 1)
    whole, _, fraction = digits.partition(".")
    most = len(re.findall("[0#?]", fraction))
    least = fraction.count("0")
    text = f"{shown:.{min(most, 20)}f}" if shown < 1e15 else _general(shown)
    if most > least and "." in text:
        keep = len(text) - (most - least)
        text = text[:keep] + text[keep:].rstrip("0")
        text = text.rstrip(".")
    if not any(char in "123456789" for char in text):
        sign = ""
    number = _localised(text, comma=comma, grouped="," in whole.rstrip(","))
    return f"{sign}{before}{number}{after}".strip()


def _split_sections(code: str) -> list[str]:
    sections, quoted, current, at = [], False, "", 0
    while at < len(code):
        char = code[at]
        if char == "\\" and at + 1 < len(code):
            current += code[at : at + 2]
            at += 2
            continue
        if char == '"':
            quoted = not quoted
        if char == ";" and not quoted:
            sections.append(current)
            current = ""
        else:
            current += char
        at += 1
    sections.append(current)
    return [section for section in sections if section.casefold() not in ("general", "@")]


def _general(value: float) -> str:
    """Return a number with at most eleven digits, as a cell without a format has it."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    text = f"{value:.11g}"
    if "e" in text and 1e-9 < abs(value) < 1e21:
        text = f"{value:.12f}".rstrip("0").rstrip(".")
    return text


def _localised(text: str, *, comma: bool, grouped: bool) -> str:
    sign = "-" if text.startswith("-") else ""
    whole, point, fraction = text.removeprefix("-").partition(".")
    if grouped and whole.isdecimal():
        whole = f"{int(whole):,}"
        if comma:
            whole = whole.replace(",", " ")
    mark = "," if comma and point else point
    return f"{sign}{whole}{mark}{fraction}"


def _date(value: float, epoch: datetime, *, day: bool, time: bool) -> str:
    # Excel believes that 1900 was a leap year: its first sixty days are off by one.
    if day and epoch.year == 1899 and 0 < value < 60:
        value += 1
    moment = epoch + timedelta(days=int(value // 1), seconds=round(value % 1 * 86_400))
    if day and time:
        clock = moment.strftime("%H:%M:%S").removesuffix(":00")
        return f"{moment:%Y-%m-%d} {clock}"
    if day:
        return f"{moment:%Y-%m-%d}"
    if value >= 1:
        hours, rest = divmod(round(value * 86_400), 3600)
        return f"{hours}:{rest // 60:02d}"
    return moment.strftime("%H:%M:%S").removesuffix(":00")
