from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.answering.composing import compose
from kb.answering.units import Unit, is_statement, points_back, units_of
from kb.model import Block, BlockKind, Document, DocumentId, Hit, Metadata, Passage, PassageId, Span

PROSE = (
    "Satamassa on katettu terminaali.",
    "Se avattiin kesäkuussa 1998.",
    "Palokunta toimii sopimuksella.",
    "Vettä kierrätetään 39 prosenttia.",
)
LIST = ("Alue tarjoaa seuraavat palvelut:", "höyryä ja lämpöä kaikille", "valokuitua ja verkkoja")
TABLE = ("Palvelu | Hinta", "Höyry kuusi baaria | 41", "Prosessivesi raakana | 0,48")


def made(lines: tuple[tuple[str, BlockKind], ...]) -> tuple[Document, Hit]:
    text, blocks, sentences = "", [], []
    for line, kind in lines:
        start = len(text)
        text += line + "\n"
        blocks.append(Block(start=start, end=start + len(line), kind=kind))
        sentences.append(Span(start, start + len(line)))
    document = Document(
        id=DocumentId("d"), text=text, blocks=tuple(blocks), metadata=Metadata(title="Alue")
    )
    passage = Passage(
        id=PassageId("p"),
        document_id=document.id,
        start=0,
        end=len(text),
        language="fi",
        sentences=tuple(sentences),
    )
    return document, Hit(passage=passage, document=document, score=1.0, dense=0.5)


def prose() -> tuple[Document, list[Unit]]:
    document, hit = made(tuple((line, BlockKind.PARAGRAPH) for line in PROSE))
    return document, units_of([hit], [1], [])


def test_a_sentence_that_points_back_is_quoted_with_the_one_before() -> None:
    document, units = prose()
    quoted = [document.text[unit.span.start : unit.span.end] for unit in units]
    assert quoted[0] == PROSE[0]
    assert quoted[1] == f"{PROSE[0]}\n{PROSE[1]}"
    assert quoted[2] == PROSE[2]


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("Se avattiin.", True),
        ("Seinä maalattiin.", False),
        ("It was opened.", True),
        ("Items were opened.", False),
        ("Den öppnades.", True),
        ("Denim säljs.", False),
        ("Kuitenkin hinta nousi.", True),
        ("Niinpä alue sai portin.", True),
        ("Tämän vuoksi portti suljettiin.", True),
        ("Esimerkiksi höyry myydään.", True),
        ("Sitten maksettiin.", True),
        ("Sittenkin maksettiin.", False),
        ("Niinivesi on pitäjä.", False),
        ("However, the price rose.", True),
        ("In addition, steam is sold.", True),
        ("As a result the gate was closed.", True),
        ("Thence it flows.", False),
        ("Thursday is free.", False),
        ("Däremot steg priset.", True),
        ("Till exempel säljs ånga.", True),
        ("Å andra sidan är hyran låg.", True),
        ("Dockan ligger i hamnen.", False),
        ("Sedanen parkeras vid porten.", False),
    ],
)
def test_only_whole_words_point_back(text: str, back: bool) -> None:
    assert points_back(text) is back


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Kysymys: millainen on täydellinen alue?", False),
        ("Menettelyyn kuuluu neljä vaihetta:", False),
        ("12 345 678 901 234", False),
        ("2", False),
        ("Hinta on 38 euroa.", True),
    ],
)
def test_questions_announcements_and_stray_marks_are_no_statements(text: str, said: bool) -> None:
    assert is_statement(text) is said


def test_headings_and_table_headers_are_no_units_but_headers_are_context() -> None:
    document, hit = made(
        (
            ("Hintavertailu alueittain", BlockKind.HEADING),
            *((line, BlockKind.TABLE_ROW) for line in TABLE),
        )
    )
    units = units_of([hit], [1], [])
    assert [unit.text for unit in units] == list(TABLE[1:])
    contexts = [unit.context for unit in units if unit.context]
    assert [document.text[span.start : span.end] for span in contexts] == [TABLE[0]] * 2


CONTENTS = (
    "1 Lähtökohta ja tavoite . . . 1",
    "2 Tonttien jakaminen | 2",
    "3 Suositukset kunnalle…3",
)


def test_lines_of_a_table_of_contents_are_no_units() -> None:
    headings = ("1 Lähtökohta ja tavoite", "2 Tonttien jakaminen", "3 Suositukset kunnalle")
    body = "Tontti jaetaan pisteytyksellä."

    def told(*lines: str) -> list[str]:
        _, hit = made(
            (
                *((line, BlockKind.TABLE_ROW) for line in ("Sisällys | sivu", *lines)),
                *((heading, BlockKind.HEADING) for heading in headings),
                (body, BlockKind.PARAGRAPH),
            )
        )
        return [unit.text for unit in units_of([hit], [1], [])]

    assert told(*CONTENTS) == [body]
    # Rows called like headings are rows: too few, out of order, or some of them no heading.
    for rows in (
        CONTENTS[:2],
        ("2 Tonttien jakaminen | 9", "3 Suositukset kunnalle | 3", "Lähtökohta ja tavoite | 4"),
        (CONTENTS[0], "Jotakin aivan muuta | 2", *CONTENTS[1:]),
    ):
        assert told(*rows) == [*rows, body]


def test_a_list_is_quoted_whole_with_its_announcement_when_asked_for_a_list() -> None:
    kinds = (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM, BlockKind.LIST_ITEM)
    document, hit = made(tuple(zip(LIST, kinds, strict=True)))
    units = units_of([hit], [1], [])
    odds = np.array([2.0, 0.0])
    (whole,) = compose("list", units, odds, within=5)
    assert document.text[whole.span.start : whole.span.end] == "\n".join(LIST[1:])
    assert whole.header is not None
    assert document.text[whole.header.start : whole.header.end] == LIST[0]
    first, *_ = compose("who", units, 4 * odds, within=0.5)
    assert document.text[first.span.start : first.span.end] == LIST[1]


def test_what_is_already_quoted_is_not_quoted_again() -> None:
    document, units = prose()
    _, hit = made((("Satamassa on nyt katettu terminaali.", BlockKind.PARAGRAPH),))
    twice = [*units, *units_of([hit], [2], [])]
    chosen = compose("when", twice, np.array([0.0, 3.0, -9.0, -9.0, 0.0]), within=5)
    # The sentence before is inside the first excerpt, and the copy says the same as that sentence.
    quoted = [excerpt.unit.text for excerpt in chosen]
    assert quoted[0] == PROSE[1]
    assert PROSE[0] not in quoted
    assert document.text[chosen[0].span.start :].startswith(PROSE[0])


@given(
    st.lists(st.floats(-5, 5), min_size=4, max_size=4),
    st.floats(0, 4),
    st.floats(-5, 5),
    st.sampled_from(["who", "what", "list", "compare"]),
)
def test_something_is_always_said_and_nothing_twice(
    odds: list[float], within: float, least: float, kind: str
) -> None:
    _, units = prose()
    chosen = compose(kind, units, np.array(odds), within=within, least=least)  # type: ignore[arg-type]  # a kind drawn as str
    assert chosen
    assert all(excerpt.log_odds >= least for excerpt in chosen[1:])
    spans = sorted(excerpt.span for excerpt in chosen)
    assert all(one.end <= other.start for one, other in pairwise(spans))


def test_no_units_no_excerpts() -> None:
    assert compose("who", [], np.empty(0), within=1) == []


def test_rows_are_quoted_apart_from_their_header() -> None:
    document, hit = made(tuple((line, BlockKind.TABLE_ROW) for line in TABLE))
    units = units_of([hit], [1], [])
    (rows,) = compose("list", units, np.array([2.0, 1.5]), within=5)
    assert document.text[rows.span.start : rows.span.end] == "\n".join(TABLE[1:])
    assert rows.header == units[0].context
    assert [unit.under_header.split("\n")[0] for unit in units] == [TABLE[0]] * 2


def test_a_first_row_of_figures_is_a_row_and_no_header() -> None:
    _, hit = made(tuple((line, BlockKind.TABLE_ROW) for line in TABLE[1:]))
    units = units_of([hit], [1], [])
    assert [unit.text for unit in units] == list(TABLE[1:])


def test_a_table_ends_where_the_next_one_begins() -> None:
    text = "Palvelu | Hinta\nHöyry kuusi baaria | 41\n\nAlue | Pumppuja\nPohjoinen alue | 3\n"
    lines = [(0, 15), (16, 39), (41, 56), (57, 75)]
    document = Document(
        id=DocumentId("d"),
        text=text,
        blocks=tuple(Block(start=a, end=b, kind=BlockKind.TABLE_ROW) for a, b in lines),
    )
    passage = Passage(
        id=PassageId("p"),
        document_id=document.id,
        start=0,
        end=len(text),
        language="fi",
        sentences=tuple(Span(a, b) for a, b in lines),
    )
    units = units_of([Hit(passage=passage, document=document, score=1.0)], [1], [])
    last = units[-1]
    assert last.text == "Pohjoinen alue | 3"
    assert last.context is not None
    assert text[last.context.start : last.context.end] == "Alue | Pumppuja"


def test_what_a_passage_begins_with_may_point_back_too() -> None:
    """The first sentence of a passage is quoted with the one before it in its paragraph."""
    text = "Satamassa on katettu terminaali. Se avattiin kesäkuussa 1998.\n\nSe on uusi kappale.\n"
    begins, ends, second = text.index("Se avattiin"), text.index("\n"), text.index("Se on uusi")
    document = Document(
        id=DocumentId("d"),
        text=text,
        blocks=(Block(start=0, end=ends), Block(start=second, end=len(text) - 1)),
    )
    passage = Passage(
        id=PassageId("p"),
        document_id=document.id,
        start=begins,
        end=ends,
        language="fi",
        sentences=(Span(begins, ends),),
    )
    (unit,) = units_of([Hit(passage=passage, document=document, score=1.0)], [1], [])
    assert text[unit.span.start : unit.span.end] == text[:ends]
    assert unit.text == text[begins:ends]
    alone = Passage(
        id=PassageId("p"),
        document_id=document.id,
        start=second,
        end=len(text),
        language="fi",
        sentences=(Span(second, len(text) - 1),),
    )
    (other,) = units_of([Hit(passage=alone, document=document, score=1.0)], [1], [])
    assert other.span == other.core
