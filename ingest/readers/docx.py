"""Word documents (OOXML, transitional and strict), read from their XML.

Accepted: insertions and moves; left out: deletions, comments, headers, footers, hidden text,
placeholder text and the table of contents (its headings stand in the text anyway).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from ingest.limits import Limits
from ingest.readers.builder import TextBuilder, flat
from ingest.readers.drawing import chart_lines, diagram_lines
from ingest.readers.package import (
    Package,
    Relation,
    attribute,
    child,
    children,
    core_properties,
    descendants,
    local,
)
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import BlockKind, Metadata

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_HEADING_NAME = re.compile(
    r"^(?:heading|otsikko|rubrik|überschrift|titre|título|titolo|kop)[ _]*([1-9])\b", re.IGNORECASE
)
_TITLE_NAMES = {"title", "otsikko", "rubrik", "titel", "pääotsikko"}
_TOC_NAME = re.compile(r"^(toc|sisluet|sis[äa]llysluettelo|innehåll)\s*\d", re.IGNORECASE)
_LIST_NAME = re.compile(r"^(list|luettelo|numeroitu luettelo|merkitty luettelo|lista)\b", re.I)
_CAPTION_NAMES = {"caption", "kuvaotsikko", "beskrivning"}
_LAYOUT_ROWS, _LONG_CELL = 3, 1500  # a table of few rows with such a cell is there for layout
_LONGEST_DRAWN = 90
_LONG_MERGED = 200  # a vertically merged cell is repeated on its rows when shorter

# Left out with everything in them.
_SKIPPED = frozenset(
    {"del", "moveFrom", "delText", "instrText", "rPr", "pPr", "sdtPr", "sdtEndPr", "tblPr"}
    | {"tblGrid", "trPr", "tcPr", "commentReference", "annotationRef", "fldData", "rt", "sectPr"}
    | {"delInstrText", "ctrlPr", "footnoteRef", "endnoteRef", "binData", "proofErr", "tcPrChange"}
)
# The Symbol and Wingdings fonts' characters that carry meaning (code & 0xFF).
_SYMBOLS = {
    0xA8: "☐",
    0xFE: "☒",
    0xFC: "✓",
    0xFB: "✗",
    0xE0: "→",
    0xE8: "→",
    0xB0: "°",
    0xB1: "±",
    0xB3: "≥",
    0xA3: "≤",
    0xB4: "×",
    0x6D: "µ",
    0xAE: "→",
}


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    based_on: str
    outline: int | None
    numbering: tuple[str | None, int | None]
    hidden: bool


@dataclass(frozen=True, slots=True)
class _Level:
    format: str
    text: str
    start: int


@dataclass(slots=True)
class _Numbering:
    """Counts list items as Word does: per list definition, lower levels restart."""

    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    counters: dict[str, dict[int, int]] = field(default_factory=dict)
    abstract: dict[str, str] = field(default_factory=dict)

    def label(self, number: str, level: int) -> str | None:
        """Return the next label of a list at a level, "" for a bullet, None for no list."""
        defined = self.levels.get(number, {})
        at = defined.get(level)
        if at is None:
            return None if number == "0" else ""
        counts = self.counters.setdefault(self.abstract.get(number, number), {})
        # A level that is skipped (1., 1.1.1.) has had its first number: the next of it is 1.2.
        for higher, one in defined.items():
            if 0 < higher < level:
                counts.setdefault(higher, one.start)
        counts[level] = counts.get(level, at.start - 1) + 1
        for deeper in [known for known in counts if known > level]:
            del counts[deeper]
        if at.format in ("bullet", "none"):
            return ""

        def shown(found: re.Match[str]) -> str:
            which = int(found[1]) - 1
            one = defined.get(which)
            count = counts.get(which, one.start if one else 1)
            return _numeral(count, one.format if one else "decimal")

        return re.sub(r"%([1-9])", shown, at.text).strip()


def _numeral(count: int, style: str) -> str:
    if style in ("lowerLetter", "upperLetter") and count > 0:
        letter = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        return letter.upper() if style == "upperLetter" else letter
    if style in ("lowerRoman", "upperRoman") and 0 < count < 4000:
        roman, left = "", count
        for value, sign in (
            *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc")),
            *((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
        ):
            roman += sign * (left // value)
            left %= value
        return roman.upper() if style == "upperRoman" else roman
    return f"{count:02d}" if style == "decimalZero" else str(count)


def read_docx(path: Path, *, limits: Limits) -> Reading:
    """Read a Word document; raises UnreadableDocument."""
    with Package(path, limits=limits) as package:
        return _Document(package, limits).read()


class _Document:
    def __init__(self, package: Package, limits: Limits) -> None:
        self._package = package
        self._builder = TextBuilder(limits)
        self._builder.count_paragraphs = True
        mains = package.related("", "officeDocument")
        self._part = next((part for part in mains if part in package), "word/document.xml")
        if self._part not in package:
            raise UnreadableDocument("unreadable_damaged")
        self._relations = package.relations(self._part)
        self._styles = self._read_styles()
        self._numbering = self._read_numbering()
        self._notes = {
            "footnoteReference": self._read_notes("footnotes", "footnote"),
            "endnoteReference": self._read_notes("endnotes", "endnote"),
        }
        self._carried = ""  # text of a paragraph whose end was deleted
        self._styled = True  # whether the document has headings by style
        self._title = ""

    def read(self) -> Reading:
        root = self._package.xml(self._part)
        body = child(root, "body")
        if body is None:
            raise UnreadableDocument("unreadable_damaged")
        self._styled = any(
            self._heading_level(
                _value(child(p, "pPr", "pStyle")) or self._default_style(), child(p, "pPr")
            )
            is not None
            for p in descendants(body, "p")
        )
        self._container(body)
        title, date = core_properties(self._package)
        metadata = Metadata(title=title or self._title, date=date)
        return self._builder.finish(media_type=MEDIA_TYPE, metadata=metadata)

    # Parts beside the text.

    def _part_of(self, kind: str) -> etree._Element | None:
        for relation in self._relations.values():
            if relation.kind == kind and not relation.external:
                return self._package.xml_or_none(relation.target)
        return None

    def _read_styles(self) -> dict[str, _Style]:
        root = self._part_of("styles")
        found: dict[str, _Style] = {}
        for style in children(root, "style") if root is not None else ():
            properties = child(style, "pPr")
            outline = _value(child(properties, "outlineLvl"))
            numbering = child(properties, "numPr")
            level = _value(child(numbering, "ilvl"))
            based_on = _value(child(style, "basedOn")) or ""
            found[attribute(style, "styleId") or ""] = _Style(
                name=_value(child(style, "name")) or "",
                based_on=based_on,
                outline=int(outline) if outline and outline.isdecimal() else None,
                numbering=(
                    _value(child(numbering, "numId")),
                    int(level) if level and level.isdecimal() else None,
                ),
                hidden=_on(child(style, "rPr", "vanish")),
            )
        return found

    def _read_numbering(self) -> _Numbering:
        numbering = _Numbering()
        root = self._part_of("numbering")
        if root is None:
            return numbering
        abstract: dict[str, dict[int, _Level]] = {}
        for node in children(root, "abstractNum"):
            key = attribute(node, "abstractNumId") or ""
            abstract[key] = dict(map(_level, children(node, "lvl")))
        for node in children(root, "num"):
            number = attribute(node, "numId") or ""
            base = _value(child(node, "abstractNumId")) or ""
            levels = dict(abstract.get(base, {}))
            overridden = False
            for override in children(node, "lvlOverride"):
                at = _integer(attribute(override, "ilvl"))
                replaced = child(override, "lvl")
                start = _value(child(override, "startOverride"))
                if replaced is not None:
                    levels[at] = _level(replaced)[1]
                if start and start.isdecimal() and at in levels:
                    levels[at] = _Level(levels[at].format, levels[at].text, int(start))
                    overridden = True
            numbering.levels[number] = levels
            # Lists of one definition count on together, unless one is told to start anew.
            numbering.abstract[number] = f"num-{number}" if overridden else base
        return numbering

    def _read_notes(self, kind: str, tag: str) -> dict[str, etree._Element]:
        root = self._part_of(kind)
        if root is None:
            return {}
        return {
            attribute(note, "id") or "": note
            for note in children(root, tag)
            if attribute(note, "type") in (None, "normal")
        }

    # The text.

    def _container(self, node: etree._Element) -> None:
        for element in node:
            name = local(element)
            if name == "p":
                self._paragraph(element)
            elif name == "tbl":
                self._table(element)
            elif name == "sdt":
                if not _on(child(element, "sdtPr", "showingPlcHdr")):
                    content = child(element, "sdtContent")
                    if content is not None:
                        self._container(content)
            elif name == "AlternateContent":
                for chosen in _alternatives(element):
                    self._container(chosen)
            elif name not in _SKIPPED:
                self._container(element)

    def _paragraph(self, node: etree._Element) -> None:
        properties = child(node, "pPr")
        inline = _Inline(self._styles)
        inline.walk(node)
        text = self._carried + inline.text
        self._carried = ""
        if child(properties, "rPr", "del") is not None:
            self._carried = text
            return
        style = _value(child(properties, "pStyle")) or self._default_style()
        name = self._style_name(style)
        if _TOC_NAME.match(name):
            return
        level = self._heading_level(style, properties)
        label, listed = self._label(style, properties) if text.strip() else ("", False)
        labelled = f"{label} {text}" if label else text
        if level is None and not self._styled and not listed:
            level = self._drawn_level(node, flat(labelled))
        if level is not None and len(flat(text)) <= 300:
            if name.casefold() in _TITLE_NAMES and not self._title:
                self._title = flat(text)
            self._builder.heading(labelled, level)
        elif listed or (_LIST_NAME.match(name) and name.casefold() != "list paragraph"):
            self._builder.add(labelled, BlockKind.LIST_ITEM)
        elif name.casefold() in _CAPTION_NAMES:
            self._builder.add(labelled, BlockKind.CAPTION)
        else:
            self._builder.add(labelled)
        self._attached(inline)

    def _attached(self, inline: _Inline) -> None:
        """Add what hangs on a paragraph: text boxes, charts, diagrams and notes."""
        for box in inline.boxes:
            self._container(box)
        for identity in inline.parts:
            self._drawing(self._relations.get(identity))
        for reference, identity in inline.notes:
            note = self._notes[reference].pop(identity, None)
            if note is not None:
                self._builder.add(self._plain(note), BlockKind.FOOTNOTE)

    def _drawing(self, relation: Relation | None) -> None:
        if relation is None or relation.external:
            return
        root = self._package.xml_or_none(relation.target)
        if root is None:
            return
        if relation.kind == "chart":
            for line, kind in chart_lines(root):
                self._builder.add(line, kind)
        elif relation.kind == "diagramData":
            for line in diagram_lines(root):
                self._builder.add(line, BlockKind.LIST_ITEM)
        self._builder.gap()

    def _default_style(self) -> str:
        return "Normal" if "Normal" in self._styles else ""

    def _style_name(self, style: str) -> str:
        known = self._styles.get(style)
        return known.name if known is not None and known.name else style

    def _chain(self, style: str) -> Iterator[_Style]:
        seen: set[str] = set()
        while style in self._styles and style not in seen:
            seen.add(style)
            yield self._styles[style]
            style = self._styles[style].based_on

    def _heading_level(self, style: str, properties: etree._Element | None) -> int | None:
        direct = _value(child(properties, "outlineLvl"))
        if direct is not None and direct.isdecimal():
            return int(direct) + 1 if int(direct) < 9 else None
        if style not in self._styles:
            found = _HEADING_NAME.match(style)
            return int(found[1]) if found else None
        for known in self._chain(style):
            found = _HEADING_NAME.match(known.name)
            if found:
                return int(found[1])
            if known.outline is not None:
                return known.outline + 1 if known.outline < 9 else None
            if known.name.casefold() in _TITLE_NAMES:
                return 1
        return None

    def _drawn_level(self, node: etree._Element, text: str) -> int | None:
        """Return the level of a heading that is only drawn as one, in a document without styles.

        Such a paragraph is short, ends in no punctuation, and is in capitals (level 1) or all
        bold (level 2).
        """
        if not 3 <= len(text) <= _LONGEST_DRAWN or text[-1] in ".,;:!?" or "\n" in text:
            return None
        letters = [char for char in text if char.isalpha()]
        if len(letters) >= 4 and all(char.isupper() for char in letters):
            return 1
        runs = [run for run in descendants(node, "r") if child(run, "t") is not None]
        bold = all(_on(child(run, "rPr", "b")) for run in runs)
        return 2 if runs and bold and len(letters) >= 4 else None

    def _label(self, style: str, properties: etree._Element | None) -> tuple[str, bool]:
        """Return a paragraph's list label ("" for a bullet) and whether it is in a list."""
        direct = child(properties, "numPr")
        number = _value(child(direct, "numId"))
        level = _value(child(direct, "ilvl"))
        at = int(level) if level and level.isdecimal() else None
        for known in self._chain(style):
            if number is not None and at is not None:
                break
            number = number if number is not None else known.numbering[0]
            at = at if at is not None else known.numbering[1]
        if number is None:
            return "", False
        if at is None:
            at = 0
        label = self._numbering.label(number, at)
        return (label or ""), label is not None

    def _plain(self, node: etree._Element) -> str:
        """Return the text of paragraphs inside a note or a cell, on one line each."""
        texts: list[str] = []
        for paragraph in _paragraphs(node):
            inline = _Inline(self._styles)
            inline.walk(paragraph)
            texts.append(inline.text.strip())
        return "\n".join(text for text in texts if text)

    # Tables.

    def _table(self, node: etree._Element) -> None:
        rows = [
            row
            for row in _rows(node)
            if child(row, "trPr", "del") is None and not _on(child(row, "trPr", "hidden"))
        ]
        cells = [list(_cells(row)) for row in rows]
        if self._for_layout(cells):
            for row in cells:
                for cell in row:
                    self._container(cell)
            return
        self._builder.gap()
        above: dict[int, str] = {}
        for number, row in enumerate(cells, 1):
            texts: list[str] = []
            attached: list[_Inline] = []
            nested: list[etree._Element] = []
            column = 0
            for cell in row:
                properties = child(cell, "tcPr")
                if child(properties, "cellDel") is not None:
                    continue
                text = self._cell(cell, attached, nested)
                merge = child(properties, "vMerge")
                if merge is not None and (_value(merge) or "continue") == "continue":
                    text = text or above.get(column, "")
                else:
                    above[column] = text if merge is not None and len(text) < _LONG_MERGED else ""
                texts.append(text)
                span = _value(child(properties, "gridSpan")) or "1"
                column += max(1, int(span)) if span.isdecimal() else 1
            self._builder.add(row_text(texts), BlockKind.TABLE_ROW, row=number)
            for inner in nested:
                self._table(inner)
            for inline in attached:
                self._attached(inline)
        self._builder.gap()

    def _cell(
        self, cell: etree._Element, attached: list[_Inline], nested: list[etree._Element]
    ) -> str:
        texts: list[str] = []
        for paragraph in _paragraphs(cell, nested):
            inline = _Inline(self._styles)
            inline.walk(paragraph)
            text = flat(inline.text)
            if text:
                properties = child(paragraph, "pPr")
                style = _value(child(properties, "pStyle")) or self._default_style()
                label, _ = self._label(style, properties)
                texts.append(f"{label} {text}" if label else text)
            if inline.boxes or inline.parts or inline.notes:
                attached.append(inline)
        return " ".join(texts)

    def _for_layout(self, rows: list[list[etree._Element]]) -> bool:
        if not rows or max(map(len, rows)) <= 1:
            return True
        if len(rows) > _LAYOUT_ROWS:
            return False
        return any(
            sum(len(node.text or "") for node in descendants(cell, "t")) > _LONG_CELL
            for row in rows
            for cell in row
        )


def row_text(cells: list[str]) -> str:
    """Return a table row's cells joined with bars, empty ones at the end left out."""
    texts = [flat(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return " | ".join(texts) if any(texts) else ""


class _Inline:
    """The text of a paragraph, and what hangs on it."""

    def __init__(self, styles: dict[str, _Style]) -> None:
        self._styles = styles
        self._parts: list[str] = []
        self.boxes: list[etree._Element] = []
        self.parts: list[str] = []
        self.notes: list[tuple[str, str]] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def walk(self, node: etree._Element) -> None:
        for element in node:
            name = local(element)
            if name == "t":
                self._parts.append(element.text or "")
            elif name == "r":
                if not self._hidden(element):
                    self.walk(element)
            elif name in ("tab", "ptab"):
                self._parts.append("\t")
            elif name in ("br", "cr"):
                self._parts.append("\n")
            elif name == "noBreakHyphen":
                self._parts.append("-")
            elif name == "sym":
                code = attribute(element, "char") or ""
                with_code = int(code, 16) & 0xFF if re.fullmatch("[0-9A-Fa-f]{1,4}", code) else 0
                self._parts.append(_SYMBOLS.get(with_code, " "))
            elif name in ("oMath", "oMathPara"):
                self._parts.append(math_text(element))
            elif name == "txbxContent":
                self.boxes.append(element)
            elif name == "AlternateContent":
                for chosen in _alternatives(element):
                    self.walk(chosen)
            elif name in ("footnoteReference", "endnoteReference"):
                self.notes.append((name, attribute(element, "id") or ""))
            elif name == "chart":
                self.parts.append(attribute(element, "id") or "")
            elif name == "relIds":
                self.parts.append(attribute(element, "dm") or "")
            elif name == "sdt":
                if not _on(child(element, "sdtPr", "showingPlcHdr")):
                    self.walk(element)
            elif name not in _SKIPPED:
                self.walk(element)

    def _hidden(self, run: etree._Element) -> bool:
        properties = child(run, "rPr")
        if properties is None:
            return False
        vanish = child(properties, "vanish")
        if vanish is not None:
            return _on(vanish)
        style = self._styles.get(_value(child(properties, "rStyle")) or "")
        return style is not None and style.hidden


def math_text(node: etree._Element) -> str:
    """Return a formula (OMML) on one line: a/b, x^2, x_i, √(x), ∑_1^n x."""
    parts: list[str] = []
    for element in node:
        name = local(element)
        if name == "t":
            parts.append(element.text or "")
        elif name == "f":
            over, under = child(element, "num"), child(element, "den")
            if over is not None and under is not None:
                parts.append(f"{_group(math_text(over))}/{_group(math_text(under))}")
        elif name in ("sSup", "sSub", "sSubSup"):
            base, sub, sup = (child(element, part) for part in ("e", "sub", "sup"))
            parts.append(math_text(base) if base is not None else "")
            parts.append(f"_{_group(math_text(sub))}" if sub is not None else "")
            parts.append(f"^{_group(math_text(sup))}" if sup is not None else "")
        elif name == "rad":
            degree, base = child(element, "deg"), child(element, "e")
            parts.append(math_text(degree) if degree is not None else "")
            parts.append(f"√{_group(math_text(base))}" if base is not None else "")
        elif name == "d":
            inner = ", ".join(math_text(part) for part in children(element, "e"))
            opening = _value(child(element, "dPr", "begChr"))
            closing = _value(child(element, "dPr", "endChr"))
            parts.append(
                f"{'(' if opening is None else opening}{inner}{')' if closing is None else closing}"
            )
        elif name == "nary":
            parts.append(_value(child(element, "naryPr", "chr")) or "∫")
            for mark, name in (("_", "sub"), ("^", "sup"), (" ", "e")):
                operand = child(element, name)
                text = "" if operand is None else math_text(operand)
                if text:
                    parts.append(mark + (text if name == "e" else _group(text)))
        elif not name.endswith("Pr"):
            parts.append(math_text(element))
    return "".join(parts)


def _group(text: str) -> str:
    return text if len(text) <= 1 or text.isalnum() else f"({text})"


def _value(node: etree._Element | None) -> str | None:
    return None if node is None else attribute(node, "val")


def _on(node: etree._Element | None) -> bool:
    return node is not None and (attribute(node, "val") or "1") not in ("0", "false", "off")


def _integer(text: str | None) -> int:
    """Return a whole number, 0 for anything else."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def _level(node: etree._Element) -> tuple[int, _Level]:
    start = _value(child(node, "start")) or "1"
    return _integer(attribute(node, "ilvl")), _Level(
        format=_value(child(node, "numFmt")) or "decimal",
        text=_value(child(node, "lvlText")) or "",
        start=int(start) if start.isdecimal() else 1,
    )


def _alternatives(node: etree._Element) -> Iterator[etree._Element]:
    """Yield the branch of an AlternateContent to read: the first, or the fallback if it is bare."""
    chosen = child(node, "Choice")
    if chosen is not None and len(chosen):
        yield chosen
        return
    fallback = child(node, "Fallback")
    if fallback is not None:
        yield fallback


def _paragraphs(
    node: etree._Element, tables: list[etree._Element] | None = None
) -> Iterator[etree._Element]:
    for element in node:
        name = local(element)
        if name == "p":
            yield element
        elif name == "tbl" and tables is not None:
            tables.append(element)
        elif name not in _SKIPPED:
            yield from _paragraphs(element, tables)


def _rows(node: etree._Element) -> Iterator[etree._Element]:
    for element in node:
        name = local(element)
        if name == "tr":
            yield element
        elif name not in _SKIPPED and name not in ("tc", "p", "tbl"):
            yield from _rows(element)


def _cells(node: etree._Element) -> Iterator[etree._Element]:
    for element in node:
        name = local(element)
        if name == "tc":
            yield element
        elif name not in _SKIPPED and name not in ("p", "tbl"):
            yield from _cells(element)
