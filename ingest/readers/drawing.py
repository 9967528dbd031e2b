"""Charts and SmartArt of Office files as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from lxml import etree

from ingest.readers.builder import flat
from ingest.readers.package import attribute, child, children, descendants, local
from kb.model import BlockKind

_T = TypeVar("_T")
_MOST_POINTS = 500


def reading_order(
    shapes: Iterable[_T], place: Callable[[_T], tuple[float, float]], *, band: float
) -> list[_T]:
    """Return shapes as they are read: line by line, each from the left.

    ``place`` gives top and left; shapes whose tops are within ``band`` of the first of a line
    belong to it.
    """
    lines: list[tuple[float, list[_T]]] = []
    for shape in sorted(shapes, key=lambda one: place(one)[0]):
        top = place(shape)[0]
        if lines and top - lines[-1][0] <= band:
            lines[-1][1].append(shape)
        else:
            lines.append((top, [shape]))
    return [one for _, line in lines for one in sorted(line, key=lambda one: place(one)[1])]


def drawn_text(node: etree._Element) -> str:
    """Return the text of DrawingML paragraphs (``a:p``), a line each."""
    return "\n".join(
        line for line in (paragraph_text(one) for one in descendants(node, "p")) if line
    )


def paragraph_text(paragraph: etree._Element) -> str:
    """Return the text of one DrawingML paragraph."""
    parts: list[str] = []
    for element in paragraph.iter():
        name = local(element)
        if name == "t":
            parts.append(element.text or "")
        elif name == "br":
            parts.append("\n")
        elif name == "tab":
            parts.append("\t")
    return "".join(parts).strip()


def chart_lines(root: etree._Element) -> Iterator[tuple[str, BlockKind]]:
    """Yield a chart's title as a caption and a row for each category: ``2024 | 12 | 15``.

    The first row names the series.
    """
    title = child(root, "chart", "title")
    if title is not None:
        yield flat(drawn_text(title)), BlockKind.CAPTION
    names: list[str] = []
    rows: dict[int, list[str]] = {}
    labels: dict[int, str] = {}
    for column, series in enumerate(descendants(root, "ser")):
        name = child(series, "tx")
        names.append("" if name is None else _joined(_points(name)))
        for tag in ("cat", "xVal"):
            categories = child(series, tag)
            if categories is not None:
                for index, text in _points(categories).items():
                    labels.setdefault(index, text)
        for tag in ("val", "yVal"):
            values = child(series, tag)
            if values is not None:
                for index, text in _points(values).items():
                    row = rows.setdefault(index, [])
                    row.extend([""] * (column - len(row)) + [_short(text)])
    if any(names):
        yield " | ".join(["", *names]).strip(" |"), BlockKind.TABLE_ROW
    for index in sorted(set(rows) | set(labels))[:_MOST_POINTS]:
        cells = [labels.get(index, ""), *rows.get(index, [])]
        yield " | ".join(cell for cell in cells if cell), BlockKind.TABLE_ROW


def _points(node: etree._Element) -> dict[int, str]:
    found: dict[int, str] = {}
    for point in descendants(node, "pt"):
        value = child(point, "v")
        index = attribute(point, "idx") or ""
        if value is not None and value.text and index.isdecimal():
            found.setdefault(int(index), value.text.strip())
    if not found:
        value = child(node, "v")
        if value is not None and value.text:
            found[0] = value.text.strip()
    return found


def _joined(points: dict[int, str]) -> str:
    return " ".join(points[index] for index in sorted(points))


def _short(number: str) -> str:
    try:
        return f"{float(number):.10g}"
    except ValueError:
        return number


def diagram_lines(root: etree._Element) -> Iterator[str]:
    """Yield the texts of a SmartArt diagram's boxes, in the order of its data model."""
    points = child(root, "ptLst")
    for point in children(points, "pt") if points is not None else ():
        if attribute(point, "type") in (None, "node", "asst"):
            text = child(point, "t")
            if text is not None:
                line = flat(drawn_text(text))
                if line:
                    yield line
