from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.model import BlockKind
from tests.ingest.readers.samples import (
    blocks,
    cell,
    docx,
    item,
    p,
    read_bytes,
    run,
    table,
    zipped,
)
from tests.ingest.readers.test_builder import check


def parts(body: str) -> list[tuple[str, str]]:
    return blocks(read_bytes(docx(body), "a.docx"))


def test_a_document_of_another_writer() -> None:
    import docx as python_docx  # an independent writer

    document = python_docx.Document()
    document.add_heading("Täydellinen alue", 0)
    document.add_heading("Vesi", 1)
    document.add_paragraph("Vettä on.")
    document.add_paragraph("kohta", style="List Bullet")
    document.add_paragraph("toinen", style="List Number")
    grid = document.add_table(2, 2)
    for index, text in enumerate("ABCD"):
        grid.cell(index // 2, index % 2).text = text
    buffer = io.BytesIO()
    document.save(buffer)
    reading = read_bytes(buffer.getvalue(), "a.docx")
    assert blocks(reading) == [
        ("heading", "Täydellinen alue"),
        ("heading", "Vesi"),
        ("paragraph", "Vettä on."),
        ("list item", "kohta"),
        ("list item", "1. toinen"),
        ("table row", "A | B"),
        ("table row", "C | D"),
    ]
    assert reading.metadata.title == "Täydellinen alue"
    assert reading.metadata.date is None, "the template's own date says nothing"


def test_numbering_counts_as_word_does() -> None:
    body = "".join(
        [
            item("a", number=1),
            item("b", number=1, level=1),
            item("c", number=1, level=1),
            item("d", number=1),
            item("e", number=1, level=1),
            p("väliin"),
            item("f", number=1),
        ]
    )
    texts = [text for _, text in parts(body)]
    assert texts == ["1. a", "1.a) b", "1.b) c", "2. d", "2.a) e", "väliin", "3. f"]


def test_a_level_that_is_skipped_has_had_its_first_number() -> None:
    body = "".join(
        [item("a", number=1), item("b", number=1, level=2), item("c", number=1, level=1)]
    )
    assert [text for _, text in parts(body)] == ["1. a", "1.a.1 b", "1.b) c"]


def test_headings_drawn_in_bold_or_capitals_count_where_no_style_is_used() -> None:
    body = (
        p("VESIHUOLTO")
        + p(run("Jäähdytys", "<w:b/>"))
        + p("Tekstiä on tässä.")
        + p(run("Lihavoitu lause.", "<w:b/>"))
    )
    kinds = [kind for kind, _ in parts(body)]
    assert kinds == ["heading", "heading", "paragraph", "paragraph"]
    assert "heading" not in [kind for kind, _ in parts(p("1 A", "Otsikko1") + body)][1:]


def test_deleted_rows_and_cells_are_left_out() -> None:
    deleted = "<w:tr><w:trPr><w:del/></w:trPr>" + cell("x") + cell("y") + "</w:tr>"
    grid = table(cell("A") + cell("B")).replace("</w:tbl>", deleted + "</w:tbl>")
    assert parts(grid) == [("table row", "A | B")]


def test_a_cell_full_of_text_makes_the_table_layout() -> None:
    long = "Pitkä kappale jatkuu. " * 100
    found = parts(table(cell(p(long)) + cell("sivussa")))
    assert [kind for kind, _ in found] == ["paragraph", "paragraph"]


def test_notes_come_after_their_paragraph_once() -> None:
    reading = read_bytes(docx(p("ennen") + p("jälkeen")), "a.docx")
    assert [block.paragraph for block in reading.blocks] == [1, 2]
    assert all(block.kind is BlockKind.PARAGRAPH for block in reading.blocks)


@pytest.mark.parametrize("missing", ["word/styles.xml", "word/numbering.xml", "_rels/.rels"])
def test_parts_that_are_missing_or_broken_cost_little(missing: str) -> None:
    import zipfile

    whole = docx(p("1 Vesi", "Otsikko1") + item("kohta", number=1))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        content: dict[str, str | bytes] = {n: archive.read(n) for n in archive.namelist()}
    for broken in (None, b"<broken"):
        some: dict[str, str | bytes] = {n: d for n, d in content.items() if n != missing}
        if broken is not None:
            some[missing] = broken
        text = read_bytes(zipped(some), "a.docx").text
        assert "1 Vesi" in text and "kohta" in text


def test_an_unstyled_heading_is_known_by_its_id() -> None:
    import zipfile

    whole = docx(p("1 Vesi", "Otsikko1") + p("Teksti."))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        some: dict[str, str | bytes] = {
            n: archive.read(n) for n in archive.namelist() if n != "word/styles.xml"
        }
    assert blocks(read_bytes(zipped(some), "a.docx"))[0] == ("heading", "1 Vesi")


content = st.text(st.characters(codec="utf-8", exclude_characters="<>&\r"), max_size=20).filter(
    lambda text: all(char.isprintable() or char in "\n\t" for char in text)
)
body = st.lists(
    st.one_of(
        st.builds(p, content.map(run), st.sampled_from(["", "Otsikko1", "Otsikko2", "Kuva"])),
        st.builds(lambda t, n, level: item(run(t), number=n, level=level), content,
                  st.integers(1, 3), st.integers(0, 1)),
        st.lists(st.lists(content, min_size=1, max_size=3), min_size=1, max_size=3).map(
            lambda rows: table(*("".join(cell(p(run(t))) for t in row) for row in rows))
        ),
    ),
    max_size=8,
)  # fmt: skip


@given(body)
def test_any_document_is_read_whole(made: list[str]) -> None:
    import re

    from kb.errors import UnreadableDocument

    markup = "".join(made)
    wanted = "".join(re.sub("<[^>]*>", " ", markup).split())
    try:
        reading = read_bytes(docx(markup), "a.docx")
    except UnreadableDocument as error:
        assert error.code == "unreadable_no_text"
        return
    check(reading)
    found = "".join(reading.text.split())
    missing = [char for char in wanted if char.isalnum() and char not in found]
    assert not [char for char in missing if char.isascii()]
