from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluation.quotes import find_quote, stands_in
from ingest.cleaning import fold

PAGE = "Teolli-\nsuusalueen vesi-\nhuolto on yhteinen.  Neljä vesilaatua\nriittää “kaikille”."


def test_a_quote_is_found_as_it_is_and_under_the_folding() -> None:
    span = find_quote(PAGE, "on yhteinen.")
    assert span is not None
    assert PAGE[span.start : span.end] == "on yhteinen."
    span = find_quote(PAGE, "Teollisuusalueen vesihuolto on yhteinen.")
    assert span is not None
    assert PAGE[span.start : span.end] == "Teolli-\nsuusalueen vesi-\nhuolto on yhteinen."
    span = find_quote(PAGE, 'vesilaatua riittää "kaikille"')
    assert span is not None
    assert PAGE[span.start : span.end] == "vesilaatua\nriittää “kaikille”"


def test_a_changed_word_is_not_found() -> None:
    assert find_quote(PAGE, "Viisi vesilaatua") is None
    assert not stands_in(PAGE, "Viisi vesilaatua")
    assert stands_in(PAGE, "Neljä vesilaatua riittää")


def test_nothing_is_nowhere() -> None:
    assert find_quote(PAGE, " - ") is None
    assert not stands_in(PAGE, "")


@given(st.text("abä -\n“ﬁ", min_size=1, max_size=40), st.integers(0, 40), st.integers(1, 12))
def test_every_part_of_a_text_is_found_and_folds_alike(text: str, start: int, size: int) -> None:
    quote = fold(text[start : start + size])
    found = find_quote(text, quote)
    if not quote:
        assert found is None
        return
    assert found is not None
    assert quote in fold(text[found.start : found.end])
