"""OpenDocument text, slides and sheets, zipped or flat, read from their XML."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lxml import etree

from ingest.limits import Limits
from ingest.readers.builder import TextBuilder, flat
from ingest.readers.drawing import reading_order
from ingest.readers.package import (
    Package,
    attribute,
    child,
    children,
    descendants,
    local,
    parse_xml,
)
from ingest.readers.sheets import Cell, add_sheet
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import BlockKind, Kind, Metadata

_MEDIA = "application/vnd.oasis.opendocument."
_SKIPPED = frozenset(
    {
        "tracked-changes",
        "annotation",
        "annotation-end",
        "forms",
        "sequence-decls",
        "table-of-content",
    }
    | {"alphabetical-index", "illustration-index", "table-index", "bibliography", "title", "desc"}
    | {"variable-decls", "user-field-decls", "ruby-text", "event-listeners", "settings"}
)
_MOST_POINTS = 500  # of a chart
_MOST_REPEATED = 1000  # a cell or row repeated more often than this fills the sheet up


def read_odf(path: Path, *, limits: Limits) -> Reading:
    """Read an ODT, ODP or ODS file, or its flat XML form; raises UnreadableDocument."""
    if zipfile.is_zipfile(path):
        with Package(path, limits=limits) as package:
            manifest = package.xml_or_none("META-INF/manifest.xml")
            if manifest is not None and any(descendants(manifest, "encryption-data")):
                raise UnreadableDocument("unreadable_encrypted")
            content = package.xml("content.xml")
            styles = package.xml_or_none("styles.xml")
            meta = package.xml_or_none("meta.xml")
            charts = _charts(package, content)
    else:
        content = parse_xml(path.read_bytes())
        styles, meta, charts = None, content, {}
    return _Document(content, styles, charts, limits).read(meta)


def _charts(package: Package, content: etree._Element) -> dict[str, etree._Element]:
    """Return the charts that the content shows, by the reference it has to them."""
    found: dict[str, etree._Element] = {}
    for node in descendants(content, "object"):
        reference = attribute(node, "href") or ""
        part = f"{reference.removeprefix('./').rstrip('/')}/content.xml"
        if reference in found or part not in package:
            continue
        root = package.xml_or_none(part)
        chart = None if root is None else next(iter(descendants(root, "chart")), None)
        if chart is not None:
            found[reference] = chart
    return found


class _Document:
    def __init__(
        self,
        content: etree._Element,
        styles: etree._Element | None,
        charts: dict[str, etree._Element],
        limits: Limits,
    ) -> None:
        self._limits = limits
        self._charts = charts
        self._builder = TextBuilder(limits)
        self._content = content
        self._names: dict[str, tuple[str, str]] = {}  # style: (parent, shown name)
        self._numbered: dict[str, set[int]] = {}  # list style: levels with numbers
        self._display: dict[str, str] = {}  # style: whether its text is shown
        for root in (styles, content):
            if root is not None:
                self._read_styles(root)
        self._leave_out_hidden()

    def _read_styles(self, root: etree._Element) -> None:
        for style in descendants(root, "style"):
            name = attribute(style, "name") or ""
            shown = attribute(style, "display-name") or name
            self._names[name] = (attribute(style, "parent-style-name") or "", shown)
            properties = child(style, "text-properties")
            display = None if properties is None else attribute(properties, "display")
            if display:
                self._display[name] = display
        for style in descendants(root, "list-style"):
            levels = {
                int(number)
                for level in children(style, "list-level-style-number")
                for number in [attribute(level, "level") or "1"]
                if attribute(level, "num-format") and number.isdecimal()
            }
            self._numbered[attribute(style, "name") or ""] = levels

    def _leave_out_hidden(self) -> None:
        """Empty what a style hides: its author didn't mean it to be read, as in DOCX."""
        if "none" not in self._display.values():
            return
        for name in ("span", "p", "h"):
            for node in list(descendants(self._content, name)):
                if self._hidden(attribute(node, "style-name") or ""):
                    node.text = None
                    for inner in list(node):
                        node.remove(inner)

    def _hidden(self, style: str) -> bool:
        seen = set[str]()
        while style and style not in seen:
            seen.add(style)
            if style in self._display:
                return self._display[style] == "none"
            style = self._names.get(style, ("", ""))[0]
        return False

    def read(self, meta: etree._Element | None) -> Reading:
        body = child(self._content, "body")
        main = None if body is None else next(iter(body), None)
        if main is None:
            raise UnreadableDocument("unreadable_damaged")
        kind = local(main)
        if kind == "spreadsheet":
            for table in children(main, "table"):
                self._sheet(table)
        elif kind == "presentation":
            for number, page in enumerate(children(main, "page"), 1):
                self._slide(page, number)
        else:
            self._builder.count_paragraphs = True
            self._container(main)
        title, date = _meta(meta)
        sort = Kind.SLIDES if kind == "presentation" else Kind.OTHER
        return self._builder.finish(
            media_type=_MEDIA + kind,
            metadata=Metadata(title=title, date=date, kind=sort),
            name_by_heading=kind != "spreadsheet",
        )

    def _style_names(self, node: etree._Element) -> Iterator[str]:
        name, seen = attribute(node, "style-name") or "", set[str]()
        while name and name not in seen:
            seen.add(name)
            parent, shown = self._names.get(name, ("", name))
            yield shown.replace("_20_", " ")
            name = parent

    def _container(self, node: etree._Element) -> None:
        for element in node:
            name = local(element)
            if name == "h":
                level = attribute(element, "outline-level") or "1"
                self._text(element, level=int(level) if level.isdecimal() else 1)
            elif name == "p":
                names = [style.casefold() for style in self._style_names(element)]
                heading = next((h for h in map(_heading_level, names) if h), None)
                caption = any(style in ("caption", "illustration", "table") for style in names)
                kind = BlockKind.CAPTION if caption else BlockKind.PARAGRAPH
                self._text(element, level=heading, kind=kind)
            elif name == "list":
                self._builder.gap()
                self._list(element, style=attribute(element, "style-name") or "", level=1)
                self._builder.gap()
            elif name == "table":
                self._table(element)
            elif name == "object":
                self._chart(element)
            elif name not in _SKIPPED:
                self._container(element)

    def _chart(self, node: etree._Element) -> None:
        """Add a chart's title and the table of its figures, as of a chart in PPTX."""
        chart = self._charts.get(attribute(node, "href") or "")
        if chart is None:
            return
        rows: list[str] = []
        for table in descendants(chart, "table"):
            for row, _ in islice(_rows(table), _MOST_POINTS):
                texts = [flat(_lines(cell)) for cell, _ in _cells(row)]
                shown = ["" if text == "NaN" else text for text in texts]
                rows.append(" | ".join(shown).strip(" |"))
        title = next(filter(None, (flat(_lines(one)) for one in descendants(chart, "title"))), "")
        self._builder.gap()
        if title not in rows[:1]:  # a single series is often named like its chart
            self._builder.add(title, BlockKind.CAPTION)
        for text in rows:
            self._builder.add(text, BlockKind.TABLE_ROW)
        self._builder.gap()

    def _text(
        self,
        node: etree._Element,
        *,
        level: int | None = None,
        kind: BlockKind = BlockKind.PARAGRAPH,
        label: str = "",
    ) -> None:
        inline = _Inline()
        inline.walk(node)
        text = f"{label} {inline.text}" if label and inline.text.strip() else inline.text
        if level is not None:
            self._builder.heading(text, level)
        else:
            self._builder.add(text, kind)
        for note in inline.notes:
            self._builder.add(_lines(note), BlockKind.FOOTNOTE)
        for box in inline.boxes:
            if local(box) == "object":
                self._chart(box)
            else:
                self._container(box)

    def _list(self, node: etree._Element, *, style: str, level: int) -> None:
        number = 0
        for item in node:
            if local(item) not in ("list-item", "list-header"):
                continue
            start = attribute(item, "start-value") or ""
            number = int(start) if start.isdecimal() else number + 1
            numbered = level in self._numbered.get(style, set()) and local(item) == "list-item"
            label = f"{number}." if numbered else ""
            for element in item:
                name = local(element)
                if name == "list":
                    self._list(
                        element, style=attribute(element, "style-name") or style, level=level + 1
                    )
                elif name == "h":
                    outline = attribute(element, "outline-level") or "1"
                    self._text(element, level=int(outline) if outline.isdecimal() else 1)
                elif name == "p":
                    self._text(element, kind=BlockKind.LIST_ITEM, label=label)
                    label = ""

    def _table(self, node: etree._Element) -> None:
        rows = [[cell for cell, _ in _cells(row)] for row, _ in _rows(node)]
        longest = max((len(_lines(cell)) for row in rows for cell in row), default=0)
        if max(map(len, rows), default=0) <= 1 or (len(rows) <= 3 and longest > 1500):
            for row in rows:
                for cell in row:
                    self._container(cell)
            return
        self._builder.gap()
        waiting: dict[int, tuple[int, str]] = {}
        for number, row in enumerate(rows, 1):
            texts: list[str] = []
            nested: list[etree._Element] = []
            for column, cell in enumerate(row):
                if local(cell) == "covered-table-cell":
                    left, text = waiting.get(column, (0, ""))
                    texts.append(text if left else "")
                    waiting[column] = (max(0, left - 1), text)
                    continue
                text = flat(_lines(cell)).replace("\n", " ")
                nested += list(children(cell, "table"))
                spans = attribute(cell, "number-rows-spanned") or "1"
                if spans.isdecimal() and int(spans) > 1 and len(text) < 200:
                    waiting[column] = (int(spans) - 1, text)
                texts.append(text)
            while texts and not texts[-1]:
                texts.pop()
            if any(texts):
                self._builder.add(" | ".join(texts), BlockKind.TABLE_ROW, row=number)
            for inner in nested:
                self._table(inner)
        self._builder.gap()

    def _slide(self, page: etree._Element, number: int) -> None:
        builder = self._builder
        builder.leave_sections()
        builder.gap()
        builder.slide = number
        frames = [node for node in page if local(node) not in ("notes", "forms")]
        titles = [node for node in frames if attribute(node, "class") == "title"]
        for node in titles:
            builder.heading(_lines(node), 1)
        for node in reading_order(
            (one for one in frames if one not in titles), _position, band=0.6
        ):
            builder.gap()
            self._container(node)
        notes = child(page, "notes")
        for frame in children(notes, "frame") if notes is not None else ():
            if attribute(frame, "class") == "notes":
                for paragraph in descendants(frame, "p"):
                    inline = _Inline()
                    inline.walk(paragraph)
                    builder.add(inline.text, BlockKind.NOTE)

    def _sheet(self, table: etree._Element) -> None:
        name = attribute(table, "name") or ""
        rows: list[tuple[int, dict[int, Cell]]] = []
        number = 1
        for row, repeated in _rows(table):
            cells: dict[int, Cell] = {}
            column = 0
            for cell, times in _cells(row):
                text = flat(_lines(cell)) if local(cell) == "table-cell" else ""
                kind = attribute(cell, "value-type") or ""
                if kind == "date" and text:
                    text = (attribute(cell, "date-value") or text).replace("T", " ")
                if text:
                    style = attribute(cell, "style-name") or ""
                    shown = Cell(text, number=kind not in ("", "string"), style=style)
                    for at in range(min(times, _MOST_REPEATED)):
                        cells[column + at] = shown
                column += times
            if cells:
                for at in range(min(repeated, _MOST_REPEATED)):
                    rows.append((number + at, cells))
            number += repeated
            if len(rows) > self._limits.rows:
                plain = name.replace("|", "_")
                rows = rows[: self._limits.rows]
                self._builder.warn(f"warning.rows_left_out|sheet={plain}|rows={len(rows)}")
                break
        if rows:
            add_sheet(self._builder, name, rows)


class _Inline:
    """The text of a paragraph; notes and boxes hang on it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.notes: list[etree._Element] = []
        self.boxes: list[etree._Element] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def walk(self, node: etree._Element) -> None:
        self._put(node.text)
        for element in node:
            name = local(element)
            if name == "s":
                self._parts.append(" ")
            elif name == "tab":
                self._parts.append("\t")
            elif name == "line-break":
                self._parts.append("\n")
            elif name == "note":
                body = child(element, "note-body")
                if body is not None:
                    self.notes.append(body)
            elif name in _SKIPPED:
                pass
            elif name in ("text-box", "table", "list", "object") or _holds_paragraphs(element):
                self.boxes.append(element)
            else:
                self.walk(element)
            self._put(element.tail)

    def _put(self, text: str | None) -> None:
        # White space in XML is layout of the file here; spaces that count have elements.
        if text:
            self._parts.append(re.sub(r"\s+", " ", text))


def _holds_paragraphs(node: etree._Element) -> bool:
    """Tell whether it has paragraphs of its own, as a drawn shape with a text in it."""
    return any(local(element) in ("p", "h", "list") for element in node)


def _lines(node: etree._Element) -> str:
    """Return the paragraphs of a cell, note or frame, a line each."""
    texts: list[str] = []
    for element in node.iter():
        if local(element) in ("p", "h") and not _inside_annotation(element, node):
            inline = _Inline()
            inline.walk(element)
            texts.append(inline.text.strip())
    return "\n".join(text for text in texts if text)


def _inside_annotation(node: etree._Element, top: etree._Element) -> bool:
    above = node.getparent()
    while above is not None and above is not top:
        if local(above) in ("annotation", "note", "table"):
            return True
        above = above.getparent()
    return False


def _heading_level(style: str) -> int | None:
    if style in ("title", "otsikko", "titel"):
        return 1
    found = re.fullmatch(r"(?:heading|otsikko|rubrik)\s+(\d)", style)
    return int(found[1]) if found else None


def _rows(table: etree._Element) -> Iterator[tuple[etree._Element, int]]:
    for node in table:
        name = local(node)
        if name == "table-row":
            yield node, _repeated(node, "number-rows-repeated")
        elif name in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _rows(node)


def _cells(row: etree._Element) -> Iterator[tuple[etree._Element, int]]:
    for node in row:
        if local(node) in ("table-cell", "covered-table-cell"):
            yield node, _repeated(node, "number-columns-repeated")


def _repeated(node: etree._Element, name: str) -> int:
    value = attribute(node, name) or "1"
    return max(1, int(value)) if value.isdecimal() and len(value) < 9 else 1


_LENGTH = re.compile(r"(-?[\d.]+)\s*(cm|mm|in|pt)")
_UNITS = {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": 2.54 / 72}


def _position(node: etree._Element) -> tuple[float, float]:
    """Return top and left of a shape on a slide, in centimetres."""

    def length(name: str) -> float:
        found = _LENGTH.fullmatch(attribute(node, name) or "")
        try:
            return float(found[1]) * _UNITS[found[2]] if found else 0.0
        except ValueError:
            return 0.0

    return length("y"), length("x")


def _meta(root: etree._Element | None) -> tuple[str, str | None]:
    title, date = "", None
    if root is not None:
        for node in root.iter():
            if local(node) == "title" and "dc/elements" in str(node.tag) and not title:
                title = (node.text or "").strip()
            elif local(node) == "creation-date" and re.match(r"\d{4}-\d\d-\d\d", node.text or ""):
                date = (node.text or "")[:10]
            elif local(node) == "body":
                break
    return title, date
