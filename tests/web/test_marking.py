from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.web.marking import (
    Mark,
    Run,
    line_boxes,
    page_span,
    part_of,
    parts,
    quoted,
    runs,
    structured,
    text_lines,
)
from kb.model import Block, BlockKind, Document, DocumentId, Span, WordBox

TEXT = "Alue toimii. Palvelut ovat yhdessä paikassa, ja vesi kiertää."


@st.composite
def spans(draw: st.DrawFn, length: int = len(TEXT)) -> Span:
    start = draw(st.integers(0, length - 1))
    return Span(start, draw(st.integers(start + 1, length)))


@given(spans(), st.lists(spans(), max_size=4))
def test_runs_are_the_text_cut_where_marks_begin_and_end(span: Span, marked: list[Span]) -> None:
    marks = [Mark(one, number, current=number == 1) for number, one in enumerate(marked, 1)]

    cut = runs(TEXT, span, marks)

    assert "".join(run.text for run in cut) == TEXT[span.start : span.end]
    at = span.start
    for run in cut:
        for offset in range(at, at + len(run.text)):
            covering = [mark for mark in marks if mark.span.start <= offset < mark.span.end]
            assert (run.mark is None) == (not covering)
            if any(mark.current for mark in covering):
                assert run.mark is not None
                assert run.mark.current
        at += len(run.text)


def test_a_mark_begins_once_though_another_cuts_it() -> None:
    outer, inner = Mark(Span(0, 10), 1), Mark(Span(4, 6), 2, current=True)

    cut = runs(TEXT, Span(0, 12), [outer, inner])

    assert cut == [
        Run("Alue", outer, first=True),
        Run(" t", inner, first=True, last=True),
        Run("oimi", outer, last=True),
        Run("i.", None),
    ]


def word(left: float, top: float, *, width: float = 30, page: int = 1) -> WordBox:
    return WordBox(
        start=0, end=1, page=page, left=left, top=top, right=left + width, bottom=top + 10
    )


def test_words_of_a_line_share_a_box_and_columns_do_not() -> None:
    first_line = [word(50, 700), word(84, 700.4)]
    second_line = [word(50, 714)]
    other_column = [word(310, 60), word(344, 60)]

    boxes = line_boxes([*first_line, *second_line, *other_column])

    assert [(round(box.x), round(box.y), round(box.width)) for box in boxes] == [
        (49, 699, 66),
        (49, 713, 32),
        (309, 59, 66),
    ]


def test_a_line_that_goes_on_in_the_next_column_at_the_same_height_is_two_boxes() -> None:
    boxes = line_boxes([word(50, 700), word(310, 700)])

    assert len(boxes) == 2


def test_a_line_says_its_words_and_a_hyphenated_word_has_a_part_on_each_line() -> None:
    text = "Alueella vesihuolto toimii."
    words = [
        WordBox(start=0, end=8, page=1, left=50, top=10, right=90, bottom=20),
        WordBox(start=9, end=13, page=1, left=94, top=10, right=110, bottom=20),
        WordBox(start=13, end=19, page=1, left=50, top=24, right=80, bottom=34),
        WordBox(start=20, end=27, page=1, left=84, top=24, right=120, bottom=34),
    ]
    page = Document(id=DocumentId("d"), text=text, blocks=())

    lines = text_lines(page, words)

    assert [said for _, said in lines] == ["Alueella vesi", "huolto toimii. "]
    assert [(rect.x, rect.width) for rect, _ in lines] == [(50, 60), (50, 70)]


def document(*blocks: tuple[str, BlockKind, tuple[str, ...]], gap: str = "\n\n") -> Document:
    text, made = "", []
    for content, kind, heading in blocks:
        text += gap if text else ""
        made.append(
            Block(start=len(text), end=len(text) + len(content), kind=kind, heading=heading)
        )
        text += content
    return Document(id=DocumentId("d"), text=text, blocks=tuple(made))


def test_levels_of_headings_begin_below_the_title_and_skip_none() -> None:
    found = document(
        ("Vesi", BlockKind.HEADING, ("Vesi",)),
        ("Putket", BlockKind.HEADING, ("Vesi", "Jäähdytys", "Putket")),
        ("Pumput", BlockKind.HEADING, ("Vesi", "Pumput")),
    )

    sections = structured(found, Span(0, len(found.text)), [])

    assert [element.level for element in sections[0].elements] == [2, 3, 3]


def test_rows_that_follow_each_other_are_one_table_and_cells_may_be_empty() -> None:
    rows = document(
        ("Toive | Ääniä | Kuka", BlockKind.TABLE_ROW, ()),
        ("Portti | | kaupunki", BlockKind.TABLE_ROW, ()),
        gap="\n",
    )

    (table,) = structured(rows, Span(0, len(rows.text)), [])[0].elements

    cells = [["".join(run.text for run in cell) for cell in row] for row in table.rows]
    assert cells == [["Toive", "Ääniä", "Kuka"], ["Portti", "", "kaupunki"]]


def test_a_mark_over_cells_marks_each_and_begins_in_the_first() -> None:
    rows = document(("Höyry | 31 euroa", BlockKind.TABLE_ROW, ()))

    (table,) = structured(rows, Span(0, len(rows.text)), [Mark(Span(2, 10), 1)])[0].elements

    marked = [run for cell in table.rows[0] for run in cell if run.mark]
    assert [(run.text, run.first) for run in marked] == [("yry", True), ("31", False)]


def test_a_mark_that_begins_between_cells_is_opened_all_the_same() -> None:
    rows = document(("Höyry | 31 euroa", BlockKind.TABLE_ROW, ()))

    (table,) = structured(rows, Span(0, len(rows.text)), [Mark(Span(6, 10), 1)])[0].elements

    assert [run.first for cell in table.rows[0] for run in cell if run.mark] == [True]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.integers(1, 500))
def test_parts_cover_the_document_and_hold_every_offset(lengths: list[int], length: int) -> None:
    long = document(*[("x" * size, BlockKind.PARAGRAPH, ()) for size in lengths])

    divided = parts(long, length=length)

    assert divided[0].start == 0
    assert divided[-1].end == len(long.text)
    assert all(a.end == b.start for a, b in pairwise(divided))
    for offset in (0, len(long.text) // 2, len(long.text) - 1):
        part = divided[part_of(divided, offset)]
        assert part.start <= offset < part.end
    assert "".join(long.text[part.start : part.end] for part in divided) == long.text


def test_the_last_page_ends_with_the_text() -> None:
    paged = Document(id=DocumentId("d"), text="abcdef", blocks=(), page_starts=(0, 2, 2))

    assert [page_span(paged, page) for page in (1, 2, 3)] == [Span(0, 2), Span(2, 2), Span(2, 6)]


@given(spans(), st.integers(0, 30))
def test_a_quote_is_shown_whole_with_words_around_it(span: Span, reach: int) -> None:
    whole = Document(id=DocumentId("d"), text=TEXT, blocks=())

    shown = quoted(whole, span, within=Span(0, len(TEXT)), reach=reach)

    assert shown.quote == TEXT[span.start : span.end]
    assert len(shown.before) <= reach
    assert len(shown.after) <= reach
    assert TEXT[: span.start].endswith(shown.before)
    assert TEXT[span.end :].startswith(shown.after)
    if shown.cut_before and shown.before:
        cut = span.start - len(shown.before)
        assert TEXT[cut - 1].isspace()
