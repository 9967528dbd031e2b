"""Slides (OOXML), read from their XML in the order a person reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from ingest.limits import Limits
from ingest.readers.builder import TextBuilder, flat
from ingest.readers.drawing import chart_lines, diagram_lines, paragraph_text, reading_order
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
from kb.model import BlockKind, Kind, Metadata

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"

_BAND = 230_000  # shapes within a quarter of an inch (in EMU) stand on one line
_LEFT_OUT = frozenset({"dt", "ftr", "sldNum", "hdr", "sldImg"})
_SHAPES = frozenset({"sp", "grpSp", "graphicFrame", "cxnSp"})
_REPEATED = 200  # a vertically merged cell is repeated on its rows when shorter


@dataclass(frozen=True, slots=True)
class _Shape:
    node: etree._Element
    kind: str  # of its placeholder: title, body, ...; "" for none
    place: tuple[int, int] | None  # top, left

    @property
    def at(self) -> tuple[int, int]:
        """Return top and left; a shape without a place comes last."""
        return self.place if self.place is not None else (1 << 40, 0)


def read_pptx(path: Path, *, limits: Limits) -> Reading:
    """Read a presentation; raises UnreadableDocument.

    Each slide is a section under its title; hidden slides are kept, for the speaker knows why.
    """
    with Package(path, limits=limits) as package:
        return _Presentation(package, limits).read()


class _Presentation:
    def __init__(self, package: Package, limits: Limits) -> None:
        self._package = package
        self._builder = TextBuilder(limits)
        self._placeholders: dict[str, dict[tuple[str, str], tuple[int, int]]] = {}

    def read(self) -> Reading:
        for number, part in enumerate(self._slides(), 1):
            root = self._package.xml_or_none(part)
            if root is None:
                self._builder.warn(f"warning.part_unreadable|part=slide {number}")
                continue
            self._builder.slide = number
            self._slide(part, root)
        title, date = core_properties(self._package)
        return self._builder.finish(
            media_type=MEDIA_TYPE,
            metadata=Metadata(title=title, date=date, kind=Kind.SLIDES),
        )

    def _slides(self) -> list[str]:
        mains = self._package.related("", "officeDocument")
        main = next((part for part in mains if part in self._package), "ppt/presentation.xml")
        root = self._package.xml_or_none(main)
        if root is not None:
            relations = self._package.relations(main)
            wanted = child(root, "sldIdLst")
            found = [
                relations[identity].target
                for slide in (children(wanted, "sldId") if wanted is not None else ())
                for identity in [_relation_id(slide)]
                if identity in relations
            ]
            if found:
                return found
        # A damaged list of slides: take those that are there, by number.
        numbered = [
            (int(match[1]), name)
            for name in self._package.names
            if (match := re.fullmatch(r"ppt/slides/slide(\d+)\.xml", name))
        ]
        if not numbered and root is None:
            raise UnreadableDocument("unreadable_damaged")
        return [name for _, name in sorted(numbered)]

    def _slide(self, part: str, root: etree._Element) -> None:
        builder = self._builder
        builder.leave_sections()
        builder.gap()
        relations = self._package.relations(part)
        layout = next((r.target for r in relations.values() if r.kind == "slideLayout"), "")
        tree = child(root, "cSld", "spTree")
        shapes = [] if tree is None else list(self._shapes(tree, layout))
        titles = [shape for shape in shapes if shape.kind in ("title", "ctrTitle")]
        for shape in titles:
            builder.heading(" ".join(_lines(shape.node)), 1)
        for shape in _in_order([one for one in shapes if one not in titles]):
            self._shape(shape, relations, layout)
        for relation in relations.values():
            if relation.kind == "notesSlide" and not relation.external:
                self._notes(relation.target)
        for comments in self._package.related(part, "comments"):
            self._comments(comments)

    def _shapes(self, tree: etree._Element, layout: str) -> Iterator[_Shape]:
        for node in tree:
            name = local(node)
            if name == "AlternateContent":
                for branch in ("Choice", "Fallback"):
                    chosen = child(node, branch)
                    inner = [] if chosen is None else list(self._shapes(chosen, layout))
                    if inner:
                        yield from inner
                        break
            elif name in _SHAPES:
                mark = next(descendants(node, "ph"), None) if name != "grpSp" else None
                kind = "" if mark is None else (attribute(mark, "type") or "body")
                if kind in _LEFT_OUT or _hidden(node):
                    continue
                place = _offset(node)
                if place is None and mark is not None:
                    key = (kind, attribute(mark, "idx") or "0")
                    places = self._layout_places(layout)
                    place = places.get(key) or next(
                        (at for (_, idx), at in places.items() if idx == key[1] != "0"), None
                    )
                yield _Shape(node, kind, place)

    def _layout_places(self, layout: str) -> dict[tuple[str, str], tuple[int, int]]:
        """Return where a layout, and the master behind it, puts its placeholders."""
        if layout in self._placeholders:
            return self._placeholders[layout]
        places: dict[tuple[str, str], tuple[int, int]] = {}
        self._placeholders[layout] = places
        masters = self._package.related(layout, "slideMaster") if layout else []
        for part in (*masters, layout):
            root = self._package.xml_or_none(part) if part else None
            for mark in descendants(root, "ph") if root is not None else ():
                shape = mark.getparent()
                while shape is not None and local(shape) not in _SHAPES:
                    shape = shape.getparent()
                at = None if shape is None else _offset(shape)
                if at is not None:
                    places[attribute(mark, "type") or "body", attribute(mark, "idx") or "0"] = at
        return places

    def _shape(self, shape: _Shape, relations: dict[str, Relation], layout: str) -> None:
        node, builder = shape.node, self._builder
        if local(node) == "grpSp":
            for inner in _in_order(self._shapes(node, layout)):
                self._shape(inner, relations, layout)
            return
        builder.gap()
        if local(node) == "graphicFrame":
            self._graphic(node, relations)
            return
        body = child(node, "txBody")
        if body is None:
            return
        paragraphs = [p for p in children(body, "p") if paragraph_text(p)]
        several = len(paragraphs) > 1 and shape.kind in ("body", "obj")
        counts: dict[int, int] = {}
        for paragraph in paragraphs:
            listed = several or _bulleted(paragraph)
            text = _label(paragraph, counts) + paragraph_text(paragraph)
            builder.add(text, BlockKind.LIST_ITEM if listed else BlockKind.PARAGRAPH)

    def _graphic(self, node: etree._Element, relations: dict[str, Relation]) -> None:
        builder = self._builder
        for table in descendants(node, "tbl"):
            self._table(table)
        for mark in (*descendants(node, "chart"), *descendants(node, "relIds")):
            identity = attribute(mark, "dm") or _relation_id(mark)
            relation = relations.get(identity)
            if relation is None or relation.external:
                continue
            root = self._package.xml_or_none(relation.target)
            if root is None:
                continue
            if relation.kind == "chart":
                for line, kind in chart_lines(root):
                    builder.add(line, kind)
            elif relation.kind == "diagramData":
                for line in diagram_lines(root):
                    builder.add(line, BlockKind.LIST_ITEM)
        builder.gap()

    def _table(self, table: etree._Element) -> None:
        above: dict[int, str] = {}
        self._builder.gap()
        for number, row in enumerate(children(table, "tr"), 1):
            texts: list[str] = []
            for column, cell in enumerate(children(row, "tc")):
                if attribute(cell, "hMerge") in ("1", "true"):
                    continue
                body = child(cell, "txBody")
                text = "" if body is None else flat(" ".join(_lines(body)))
                if attribute(cell, "vMerge") in ("1", "true"):
                    text = text or above.get(column, "")
                else:
                    spans = attribute(cell, "rowSpan") not in (None, "1")
                    above[column] = text if spans and len(text) < _REPEATED else ""
                texts.append(text)
            while texts and not texts[-1]:
                texts.pop()
            if any(texts):
                self._builder.add(" | ".join(texts), BlockKind.TABLE_ROW, row=number)
        self._builder.gap()

    def _notes(self, part: str) -> None:
        root = self._package.xml_or_none(part)
        tree = child(root, "cSld", "spTree")
        for shape in children(tree, "sp") if tree is not None else ():
            mark = next(descendants(shape, "ph"), None)
            if mark is None or attribute(mark, "type") != "body":
                continue
            self._builder.gap()
            body = child(shape, "txBody")
            for paragraph in children(body, "p") if body is not None else ():
                self._builder.add(paragraph_text(paragraph), BlockKind.NOTE)

    def _comments(self, part: str) -> None:
        """Add what was remarked on a slide, answers after it; not by whom."""
        root = self._package.xml_or_none(part)
        self._builder.gap()
        for node in root.iter(etree.Element) if root is not None else ():
            if local(node) == "text":
                self._builder.add(node.text or "", BlockKind.NOTE)
            elif local(node) == "txBody":
                self._builder.add(" ".join(_lines(node)), BlockKind.NOTE)


def _in_order(shapes: Iterable[_Shape]) -> list[_Shape]:
    return reading_order(shapes, lambda one: one.at, band=_BAND)


def _relation_id(node: etree._Element) -> str:
    """Return the ``r:id`` of an element, which may have a plain ``id`` beside it."""
    for key, value in node.attrib.items():
        if str(key).startswith("{") and str(key).endswith("}id"):
            return str(value)
    return node.get("id", "")


def _hidden(node: etree._Element) -> bool:
    for mark in descendants(node, "cNvPr"):
        return attribute(mark, "hidden") in ("1", "true")
    return False


def _offset(node: etree._Element) -> tuple[int, int] | None:
    frame = child(node, "xfrm")
    if frame is None:
        frame = child(node, "spPr", "xfrm")
    if frame is None:
        frame = child(node, "grpSpPr", "xfrm")
    at = child(frame, "off")
    if at is None:
        return None
    try:
        return int(attribute(at, "y") or 0), int(attribute(at, "x") or 0)
    except ValueError:
        return None


def _lines(node: etree._Element) -> list[str]:
    return [text for text in map(paragraph_text, descendants(node, "p")) if text]


def _label(paragraph: etree._Element, counts: dict[int, int]) -> str:
    """Return the number of an item of a numbered list (``2. ``); ``counts`` goes by level."""
    properties = child(paragraph, "pPr")
    level = 0
    if properties is not None:
        given = attribute(properties, "lvl") or "0"
        level = int(given) if given.isdecimal() else 0
    for deeper in [known for known in counts if known > level]:
        del counts[deeper]
    numbered = child(properties, "buAutoNum")
    if numbered is None:
        counts.pop(level, None)
        return ""
    start = attribute(numbered, "startAt") or "1"
    counts[level] = counts.get(level, int(start) - 1 if start.isdecimal() else 0) + 1
    style = attribute(numbered, "type") or "arabicPeriod"
    number = str(counts[level])
    if style.startswith("alpha") and counts[level] <= 26:
        letter = chr(ord("a") + counts[level] - 1)
        number = letter.upper() if style.startswith("alphaUc") else letter
    if style.endswith("ParenBoth"):
        return f"({number}) "
    return f"{number}) " if style.endswith("ParenR") else f"{number}. "


def _bulleted(paragraph: etree._Element) -> bool:
    properties = child(paragraph, "pPr")
    if properties is None:
        return False
    return (
        child(properties, "buChar") is not None
        or child(properties, "buAutoNum") is not None
        or (attribute(properties, "lvl") or "0") != "0"
    )
