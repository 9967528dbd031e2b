"""Small PDF files for the tests, set by reportlab the way reports are set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from ingest.reading import Reading
from kb.model import BlockKind

A4 = (595.0, 842.0)
# Canvas is untyped.
Sheet = Any


def sheet(path: Path, **options: object) -> Sheet:
    return Canvas(str(path), pagesize=A4, **options)


def lines_of(text: str, width: float, *, font: str = "Helvetica", size: float = 10) -> list[str]:
    """Break text into lines; ``teollisuus|alue`` may be broken at the bar, with a hyphen."""
    lines, line = [], ""
    for word in text.split():
        plain = word.replace("|", "")
        longer = f"{line} {plain}".strip()
        if stringWidth(longer, font, size) <= width:
            line = longer
            continue
        head, bar, tail = word.partition("|")
        hyphened = f"{line} {head}{'' if head.endswith('-') else '-'}".strip()
        if bar and stringWidth(hyphened, font, size) <= width:
            lines.append(hyphened)
            line = tail.replace("|", "")
        else:
            lines.append(line)
            line = plain
    return [*lines, line]


def put_lines(
    canvas: Sheet,
    lines: Sequence[str],
    at: tuple[float, float],
    *,
    font: str = "Helvetica",
    size: float = 10,
    justify: float = 0,
) -> float:
    """Draw lines from a point (left, baseline from the top of the page); return the next one."""
    left, top = at
    canvas.setFont(font, size)
    for number, line in enumerate(lines):
        text = canvas.beginText(left, A4[1] - top)
        text.setFont(font, size)
        if justify and number < len(lines) - 1 and " " in line:
            room = justify - stringWidth(line, font, size)
            text.setWordSpace(max(0.0, room / line.count(" ")))
        text.textOut(line)
        canvas.drawText(text)
        top += 1.2 * size
    return top


def texts(reading: Reading, kind: BlockKind | None = None) -> list[str]:
    return [
        reading.text[block.start : block.end]
        for block in reading.blocks
        if kind is None or block.kind is kind
    ]


def check(reading: Reading) -> None:
    """Hold a reading to what every reader with pages promises."""
    text = reading.text
    end = 0
    for box in reading.words:
        assert end <= box.start < box.end <= len(text)
        assert not any(map(str.isspace, text[box.start : box.end]))
        assert box.left < box.right and box.top < box.bottom
        first = reading.page_starts[box.page - 1]
        after = reading.page_starts[box.page] if box.page < len(reading.page_starts) else len(text)
        assert first <= box.start and box.end <= after
        end = box.end
    covered = {at for box in reading.words for at in range(box.start, box.end)}
    bare = {at for at, char in enumerate(text) if not char.isspace() and char != "|"}
    assert bare <= covered
    assert list(reading.page_starts) == sorted(reading.page_starts)
    at = 0
    for block in reading.blocks:
        assert text[at : block.start].strip() == ""
        assert at <= block.start < block.end
        assert text[block.start : block.end] == text[block.start : block.end].strip()
        at = block.end
    assert text[at:].strip() == ""
