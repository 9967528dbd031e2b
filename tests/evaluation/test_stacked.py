"""Cells of several lines, by the boxes of their words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from evaluation.citations import check
from evaluation.independent import Original
from evaluation.stacked import stands_stacked, words_on
from kb.citing import cite
from kb.model import Span
from tests.conftest import need
from tests.evaluation.scripted import a_document

CELLS = {
    72: ("Höyry", ""),
    180: ("kuuden baarin", "paineessa"),
    320: ("asemilta 2", "ja 4"),
    440: ("41 €", ""),
}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    need(shutil.which("pdftotext"), "pdftotext (poppler-utils)")
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.setFont("Helvetica", 10)
    for left, (first, second) in CELLS.items():
        canvas.drawString(left, 700, first)
        canvas.drawString(left, 688, second)
    canvas.drawString(180, 640, "muualla")
    canvas.showPage()
    canvas.save()
    return tmp_path / "a.pdf"


@pytest.mark.parametrize(
    ("cell", "stands"),
    [
        ("kuuden baarin paineessa", True),
        ("asemilta 2 ja 4", True),
        ("41 €", True),
        ("kuuden baarin ja 4", False),  # the second line of another column
        ("baarin paineessa kuuden", False),
        ("kuuden paineessa", False),  # a word is left out
        ("kuuden baarin muualla", False),  # too far below
        ("kuuden baarin asemilta 2", False),  # a column further
        ("paineessa kuuden baarin", False),  # upwards
    ],
)
def test_lines_of_a_cell_stand_under_each_other(page: Path, cell: str, stands: bool) -> None:
    assert stands_stacked(words_on(page, 1), cell) is stands


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("Höyry | kuuden baarin paineessa | asemilta 2 ja 4 | 41 €", "by cell"),
        ("Höyry | kuuden baarin ja 4 | asemilta 2 paineessa | 41 €", "absent"),
    ],
)
def test_a_row_with_such_cells_is_right_by_cell(page: Path, row: str, finding: str) -> None:
    document = a_document("a.pdf", row, page_starts=(0,))
    # As raw readers give a row: line by line.
    lines = "\n".join(" ".join(cell[at] for cell in CELLS.values()) for at in (0, 1))
    text = Original(pages=((lines,),), path=page)

    assert check(cite(document, Span(0, len(row))), document, text) == finding
