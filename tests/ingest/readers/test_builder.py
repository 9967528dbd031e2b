from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.limits import Limits
from ingest.readers.builder import TextBuilder, tidy
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import BlockKind, Metadata

anything = st.text(max_size=60)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("heading"), anything, st.integers(1, 6)),
        st.tuples(st.just("add"), anything, st.sampled_from(BlockKind)),
        st.tuples(st.just("gap"), anything, st.none()),
    ),
    max_size=15,
)


def check(reading: Reading) -> None:
    """Assert what holds of every reading."""
    at = 0
    for number, block in enumerate(reading.blocks):
        between = reading.text[at : block.start]
        assert between == "" if number == 0 else between in ("\n", "\n\n")
        assert at <= block.start < block.end <= len(reading.text)
        text = reading.text[block.start : block.end]
        assert text == text.strip() and "\n\n" not in text and "  " not in text
        if block.kind is BlockKind.HEADING:
            assert block.heading[-1] == text
        at = block.end
    assert at == len(reading.text)
    assert unicodedata.is_normalized("NFC", reading.text)
    assert not any(
        unicodedata.category(char) in ("Cc", "Cs") and char != "\n" for char in reading.text
    )


@given(steps)
def test_text_and_blocks_always_fit(plan: list[tuple[str, str, object]]) -> None:
    builder = TextBuilder(Limits())
    put: list[str] = []
    for what, text, how in plan:
        if what == "heading" and isinstance(how, int):
            added = builder.heading(text, how)
        elif what == "add" and isinstance(how, BlockKind):
            added = builder.add(text, how)
        else:
            builder.gap()
            continue
        assert added == bool(tidy(text))
        put += [tidy(text)] if added else []
    if not put:
        with pytest.raises(UnreadableDocument):
            builder.finish(media_type="text/plain")
        return
    reading = builder.finish(media_type="text/plain")
    check(reading)
    assert len(reading.blocks) == len(put)
    everything = "".join(reading.text.split())
    assert everything == "".join("".join(text.split()) for text in put)


def test_headings_carry_their_sections() -> None:
    builder = TextBuilder(Limits())
    for text, level in (("A", 1), ("B", 2), ("C", 3), ("D", 2), ("E", 1)):
        builder.heading(text, level)
        builder.add(f"under {text}")
    paths = [block.heading for block in builder.finish(media_type="x").blocks[1::2]]
    assert paths == [("A",), ("A", "B"), ("A", "B", "C"), ("A", "D"), ("E",)]


def test_lists_stand_on_lines_and_all_else_apart() -> None:
    builder = TextBuilder(Limits())
    for kind in (BlockKind.LIST_ITEM, BlockKind.LIST_ITEM, BlockKind.PARAGRAPH):
        builder.add("x", kind)
    builder.add("y", BlockKind.TABLE_ROW, row=1)
    builder.gap()
    builder.add("z", BlockKind.TABLE_ROW, row=1)
    assert builder.finish(media_type="x").text == "x\nx\n\nx\n\ny\n\nz"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("", "Otsikko tekstissä"),
        ("PowerPoint Presentation", "Otsikko tekstissä"),
        ("Microsoft Word - muistio.doc", "Otsikko tekstissä"),
        ("Dia 1", "Otsikko tekstissä"),
        ("Satama ja rata", "Satama ja rata"),
    ],
)
def test_a_meaningless_title_gives_way_to_the_first_heading(title: str, expected: str) -> None:
    builder = TextBuilder(Limits())
    builder.add("ensin tekstiä")
    builder.heading("Otsikko tekstissä", 1)
    reading = builder.finish(media_type="x", metadata=Metadata(title=title))
    assert reading.metadata.title == expected


def test_too_much_text_is_refused_while_it_grows() -> None:
    builder = TextBuilder(Limits(text_chars=100))
    builder.add("x" * 90)
    with pytest.raises(UnreadableDocument) as caught:
        builder.add("y" * 20)
    assert caught.value.code == "unreadable_too_much_text"
    few = TextBuilder(Limits(blocks=2))
    few.add("x")
    few.add("x")
    with pytest.raises(UnreadableDocument):
        few.add("x")
