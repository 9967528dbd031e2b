"""Rows and items as they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.model import Citation, DocumentId, Header, Locator, Span
from kb.rows import Listing, Table, best_part, is_header, parts, shown


def citation(quote: str, header: str | None) -> Citation:
    return Citation(
        document_id=DocumentId("d"),
        title="",
        source="",
        locator=Locator(),
        start=100,
        end=100 + len(quote),
        quote=quote,
        language="fi",
        header=None if header is None else Header(start=0, end=len(header), quote=header),
    )


def as_table(quote: str, header: str | None) -> Table:
    found = shown(" ".join(quote.split()), citation(quote, header))
    assert isinstance(found, Table)
    return found


def test_cells_are_named_by_the_header() -> None:
    table = as_table("Höyry | 41\nTyppi | 12", "Palvelu | Hinta")
    assert table.columns == ("Palvelu", "Hinta")
    assert table.lines() == ("Palvelu: Höyry; Hinta: 41", "Palvelu: Typpi; Hinta: 12")


def test_a_row_that_is_written_out_is_not_named_twice() -> None:
    table = as_table(
        "Palvelu: Höyry | Yksikkö: MWh | Hinta: 41", "Palvelu | Teema | Yksikkö | Hinta"
    )
    assert table.rows == (("Höyry", "", "MWh", "41"),)
    assert table.lines() == ("Palvelu: Höyry; Yksikkö: MWh; Hinta: 41",)


def test_the_corner_of_a_table_may_be_empty() -> None:
    table = as_table("Vesi | 31 | 39", "2020 | 2023")
    assert table.lines() == ("Vesi; 2020: 31; 2023: 39",)


@pytest.mark.parametrize(
    ("quote", "header"),
    [
        ("Höyry | 41", "Palvelu | Hinta | Tuottaja"),  # which cell is missing?
        ("Höyry | 41", "Typpi | 12"),  # a row of figures is no header
        ("Höyry | 41", "Typpi ostetaan ulkoa. | Se on kallista."),
        ("Höyry | 41", None),
    ],
)
def test_no_cell_is_named_where_it_may_be_wrong(quote: str, header: str | None) -> None:
    table = as_table(quote, header)
    assert table.columns == ()
    assert not any(":" in line for line in table.lines())
    # What stands above is shown all the same.
    assert len(table.rows) == (2 if header else 1)


def test_items_stand_under_their_announcement() -> None:
    found = shown("höyryä lämpöä", citation("höyryä\nlämpöä", "Alue tarjoaa:"))
    assert found == Listing("Alue tarjoaa:", ("höyryä", "lämpöä"))
    assert found.lines() == ("Alue tarjoaa:", "– höyryä", "– lämpöä")


@pytest.mark.parametrize(
    ("quote", "lines"),
    [
        ("• höyryä\n• jää- ja vettä", ("– höyryä", "– jää- ja vettä")),
        ("1. Ilmoita.\n2. Odota.", ("1. Ilmoita.", "2. Odota.")),
        ("a) pelto\nb) metsä", ("a) pelto", "b) metsä")),
    ],
)
def test_items_without_an_announcement_are_a_list(quote: str, lines: tuple[str, ...]) -> None:
    found = shown(" ".join(quote.split()), citation(quote, None), Span(100, 103))

    assert isinstance(found, Listing)
    assert found.lines() == lines
    assert found.numbered is (lines[0][0] != "–")
    assert found.best_line == 0


@pytest.mark.parametrize(
    "quote", ["• höyryä", "Alueella on:\n• höyryä\n• vettä", "1990 alkoi.\n2000 loppui."]
)
def test_one_item_or_text_among_items_is_no_list(quote: str) -> None:
    assert shown(" ".join(quote.split()), citation(quote, None)) is None


def test_a_statement_in_other_words_is_a_text() -> None:
    assert shown("Höyry maksaa 41.", citation("Höyry | 41", "Palvelu | Hinta")) is None
    assert shown("Höyry maksaa 41.", citation("Höyry maksaa 41.", None)) is None
    assert shown("Höyry", None) is None


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Palvelu | Hinta, €/MWh", True),
        ("Mittari | 2022 | 2024", True),
        ("Höyry | 41", False),
        ("Höyry | 12 %", False),
        ("Höyry | " + "pitkä selitys " * 6, False),
        ("Alue toimii. | Se on suuri.", False),
    ],
)
def test_headers_are_told_from_rows(text: str, header: bool) -> None:
    assert is_header(text) is header


CELLS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


def _rows(width: int) -> st.SearchStrategy[list[list[str]]]:
    row = st.lists(CELLS, min_size=width, max_size=width)
    return st.lists(row, min_size=3, max_size=3)


@given(st.integers(1, 5).flatmap(_rows))
def test_every_cell_is_shown_once_and_verbatim(rows: list[list[str]]) -> None:
    header, *body = (" | ".join(row) for row in rows)
    found = shown("\n".join(body), citation("\n".join(body), header))
    if isinstance(found, Listing):  # a single column
        assert found.items == tuple(body)
        return
    assert found is not None
    if found.columns:
        assert list(found.columns) == rows[0]
    assert [list(row) for row in found.rows][-2:] == rows[1:]


QUOTE = "Allas rakennettiin 2014.\n\nSe maksoi 3 miljoonaa. Vesi tulee joesta."
MIDDLE = Span(100 + QUOTE.index("Se"), 100 + QUOTE.index(" Vesi"))


def test_the_part_that_answers_is_told_from_what_stands_around_it() -> None:
    cited = citation(QUOTE, None)

    assert best_part(MIDDLE, cited) == MIDDLE
    assert parts(" ".join(QUOTE.split()), cited, MIDDLE) == (
        "Allas rakennettiin 2014. ",
        "Se maksoi 3 miljoonaa.",
        " Vesi tulee joesta.",
    )


def test_nothing_is_marked_where_nearly_all_answers_or_the_words_are_others() -> None:
    cited = citation(QUOTE, None)

    assert best_part(Span(100, 100 + len(QUOTE) - 3), cited) is None
    assert best_part(Span(0, 50), cited) is None
    assert parts("The pool cost three million.", cited, MIDDLE)[1:] == ("", "")
    assert parts(QUOTE, cited, Span(500, 510)) == (QUOTE, "", "")


@given(st.text(st.sampled_from("a .\n"), min_size=1, max_size=30), st.data())
def test_parts_make_the_whole_text(quote: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(quote) - 1))
    end = data.draw(st.integers(start + 1, len(quote)))
    text = " ".join(quote.split())

    told = parts(text, citation(quote, None), Span(100 + start, 100 + end))

    assert " ".join("".join(told).split()) == text


@pytest.mark.parametrize(
    ("header", "row"),
    [("Laatu | Hinta", 1), ("Laatu | 0,30 €", 2), ("Veden laadut:", 1)],
)
def test_the_row_that_answers_is_marked(header: str, row: int) -> None:
    cells = header.endswith(":")
    lines = ["juomavesi", "merivesi"] if cells else ["juomavesi | 1,10", "merivesi | 0,02"]
    quote = "\n".join(lines)
    start = 100 + quote.index("merivesi")

    found = shown(" ".join(quote.split()), citation(quote, header), Span(start, start + 8))

    assert found is not None
    assert found.best == row
    assert found.best_line is not None
    assert "merivesi" in found.lines()[found.best_line]
