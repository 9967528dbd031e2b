import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.model import Block, Locator, Span, locate

PAGES = (0, 100, 100, 250)  # the second page is empty
BLOCKS = (
    Block(start=0, end=20, heading=("1 Vesi",), paragraph=1),
    Block(start=22, end=180, heading=("1 Vesi", "1.1 Jäähdytys"), paragraph=2),
    Block(start=182, end=300, sheet="Hinnat", row=7, paragraph=3),
    Block(start=301, end=330, sheet="Hinnat", row=8, paragraph=4),
)


def at(start: int, end: int) -> Locator:
    return locate(Span(start, end), blocks=BLOCKS, page_starts=PAGES)


def test_a_span_names_its_page_and_heading() -> None:
    found = at(23, 40)

    assert found.to_json() == {"page": 1, "heading": ["1 Vesi", "1.1 Jäähdytys"], "paragraph": 2}


def test_a_span_over_a_page_break_has_both_pages() -> None:
    assert at(90, 110).to_json()["pages"] == [1, 2, 3]


def test_a_span_that_ends_at_the_break_stays_on_its_page() -> None:
    assert at(90, 100).pages == (1,)


def test_rows_reach_from_the_first_to_the_last_block() -> None:
    assert at(190, 310).to_json()["rows"] == [7, 8]


def test_a_span_that_begins_between_blocks_belongs_to_the_next() -> None:
    assert at(20, 40).paragraph == 2


@given(st.integers(0, 329), st.integers(1, 60))
def test_every_span_has_the_pages_that_its_characters_have(start: int, length: int) -> None:
    end = min(330, start + length)
    expected = {max(p for p, s in enumerate(PAGES, 1) if s <= at) for at in range(start, end)}

    pages = set(at(start, end).pages)

    assert expected <= pages
    assert pages <= set(range(min(expected), max(expected) + 1))


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2)])
def test_a_span_that_is_none_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="span"):
        Span(start, end)
