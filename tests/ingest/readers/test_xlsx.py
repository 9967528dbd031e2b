from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime

import openpyxl  # noqa: TID253  # tests make their files with it
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.comments import Comment  # noqa: TID253  # the same
from openpyxl.worksheet.table import Table  # noqa: TID253  # the same

from ingest.limits import Limits
from ingest.readers.csv import numbered_rows, sniff_delimiter
from ingest.readers.xlsx import show_number
from kb.model import BlockKind
from tests.ingest.readers.samples import blocks, read_bytes

EPOCH = datetime(1899, 12, 30)


def workbook(*rows: Sequence[object], merged: Sequence[str] = (), table: str = "") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for area in merged:
        sheet.merge_cells(area)
    if table:
        sheet.add_table(Table(displayName="T", ref=table))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def lines(data: bytes) -> list[str]:
    return [text for _, text in blocks(read_bytes(data, "a.xlsx"))]


def test_comments_on_cells_follow_the_sheet_without_their_authors() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Tontti", "Pinta-ala"])
    sheet.append(["Länsi", 12])
    sheet["B2"].comment = Comment("Mitattu kartalta", "Tarkastaja")
    buffer = io.BytesIO()
    book.save(buffer)

    reading = read_bytes(buffer.getvalue(), "a.xlsx")

    (note,) = [block for block in reading.blocks if block.kind is BlockKind.NOTE]
    assert (reading.text[note.start : note.end], note.row) == ("Mitattu kartalta", 2)
    assert "Tarkastaja" not in reading.text


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.12, "General", "0,12"),
        (1 / 3, "", "0,33333333333"),
        (1234567, "", "1234567"),
        (1e-7, "", "0,0000001"),
        (0.1 + 0.2, "", "0,3"),
        (0.255, "0%", "26%"),
        (0.255, "0.0%", "25,5%"),
        (1234.5, "#,##0.00", "1 234,50"),
        (-1234.5, "#,##0", "-1 234"),
        (1234.5, '#,##0.00\\ "€"', "1 234,50 €"),
        (1234.5, "#,##0.00\\ [$€-40B]", "1 234,50 €"),
        (5, '0" kpl"', "5 kpl"),
        (-5, "0;[Red]-0", "-5"),
        (-5, "0.0;(0.0)", "(5,0)"),
        (0.5, "0.###", "0,5"),
        (2.0, "0.##", "2"),
        (45443, "d.m.yyyy", "2024-05-31"),
        (45443, "yyyy-mm-dd", "2024-05-31"),
        (45443.5, "d.m.yyyy h:mm", "2024-05-31 12:00"),
        (0.75, "h:mm", "18:00"),
        (1.5, "[h]:mm", "36:00"),
        (45443, "[$-40B]d. mmmm\\ yyyy", "2024-05-31"),
        (45443, "mmm-yy", "2024-05-31"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (59, "yyyy-mm-dd", "1900-02-28"),
        (61, "yyyy-mm-dd", "1900-03-01"),
        (3, "@", "3"),
        (12, "00000", "12"),
        (12, "0\x010", "12"),
    ],
)
def test_numbers_are_shown_as_the_sheet_shows_them(value: float, code: str, shown: str) -> None:
    assert show_number(value, code, epoch=EPOCH, comma=True) == shown


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12), st.booleans())
def test_any_number_in_any_format(value: float, code: str, comma: bool) -> None:
    assert isinstance(show_number(value, code, epoch=EPOCH, comma=comma), str)


@given(st.integers(-(10**9), 10**9), st.integers(0, 6))
def test_decimals_are_those_of_the_format(value: int, places: int) -> None:
    number = value / 1000
    code = "0." + "0" * places if places else "0"
    shown = show_number(number, code, epoch=EPOCH, comma=False)
    assert float(shown) == pytest.approx(number, abs=0.5000001 * 10**-places)
    assert len(shown.partition(".")[2]) == places


def test_english_workbooks_have_the_point() -> None:
    data = workbook(("Service", "Price"), ("Water", 0.12))
    assert lines(data) == ["Service | Price", "Service: Water | Price: 0.12"]


def test_a_title_above_and_a_second_table_below() -> None:
    data = workbook(
        ("Hinnasto",), (), ("Laatu", "Hinta"), ("A", 1), (), ("Vuosi", "Käyttö"), (2024, 5)
    )
    assert lines(data) == [
        *("Hinnasto", "Laatu | Hinta", "Laatu: A | Hinta: 1"),
        *("Vuosi | Käyttö", "Vuosi: 2024 | Käyttö: 5"),
    ]


def test_rows_after_a_gap_keep_their_headings() -> None:
    data = workbook(("Laatu", "Hinta"), ("A", 1), (), ("B", 2), ("C", 3))
    assert lines(data)[-2:] == ["Laatu: B | Hinta: 2", "Laatu: C | Hinta: 3"]


def test_headings_in_two_rows_are_put_together() -> None:
    data = workbook(
        ("Laatu", "Hinta", None), (None, "2023", "2024"), ("A", 1, 2), merged=["B1:C1", "A1:A2"]
    )
    assert lines(data)[-1] == "Laatu: A | Hinta 2023: 1 | Hinta 2024: 2"


def test_a_cell_merged_over_columns_of_a_row_is_said_once() -> None:
    rows = (("Laatu", "Huom.", None, None), ("A", "kallis", None, None), ("B", 5, None, 6))
    data = workbook(*rows, merged=["B1:D1", "B2:D2", "A9:XFD9"])
    assert lines(data) == [
        *("Laatu | Huom.", "Laatu: A | Huom.: kallis", "Laatu: B | Huom.: 5 | Huom.: 6")
    ]


def test_a_row_filled_with_one_text_says_it_once() -> None:
    data = workbook(("Laatu", "Huom."), ("A", "x", *["täyte"] * 500), ("x", "x"))
    assert lines(data)[1:] == ["Laatu: A | Huom.: x | täyte", "Laatu: x | Huom.: x"]


def test_merged_cells_are_said_on_each_row() -> None:
    data = workbook(("Laatu", "Kohta"), ("A", "x"), (None, "y"), merged=["A2:A3"])
    assert lines(data)[1:] == ["Laatu: A | Kohta: x", "Laatu: A | Kohta: y"]


def test_numbers_alone_have_no_header() -> None:
    assert lines(workbook((1, 2), (3, 4))) == ["1 | 2", "3 | 4"]


def test_a_table_of_the_file_names_its_header() -> None:
    rows = (("otsikko", "rivi"), ("a", "b"), ("Laatu", "Hinta"), ("A", "kallis"))
    assert lines(workbook(*rows, table="A3:B4"))[-1] == "Laatu: A | Hinta: kallis"


def test_long_sheets_are_cut_with_a_warning() -> None:
    data = workbook(("n", "m"), *((number, 1) for number in range(50)))
    reading = read_bytes(data, "a.xlsx", Limits(rows=20))
    assert len(reading.blocks) == 20
    assert reading.warnings == ("warning.rows_left_out|sheet=Sheet|rows=20",)


def test_sheet_and_row_lead_to_the_cell() -> None:
    reading = read_bytes(workbook((), ("Laatu", "Hinta"), ("A", 1)), "a.xlsx")
    assert [(block.sheet, block.row) for block in reading.blocks] == [("Sheet", 2), ("Sheet", 3)]


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_delimiters_are_found(delimiter: str) -> None:
    rows = [["Palvelu", "Hinta", "Huom."], ["Vesi", "0.12", "x"], ["Höyry; kuuma, vesi", "3", ""]]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    assert sniff_delimiter(text) == delimiter
    assert [row for _, row in numbered_rows(text)] == rows


def test_decimal_commas_do_not_make_columns() -> None:
    assert sniff_delimiter("a;b\n1,5;2,5\n3,5;4,5\n") == ";"


def test_excel_names_its_delimiter() -> None:
    assert list(numbered_rows("sep=|\na|b\n")) == [(2, ["a", "b"])]
