import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.citing import cite, find_quote, holds
from kb.errors import UnverifiableQuote
from kb.model import Block, Document, DocumentId, Metadata, Span

TEXT = "Vettä on neljää laatua.\n\nHinta on 0,12 €/m³. Vettä on\nneljää laatua myös satamassa."


def document(text: str = TEXT) -> Document:
    return Document(
        id=DocumentId("d"),
        text=text,
        blocks=(Block(start=0, end=len(text)),) if text else (),
        metadata=Metadata(title="Vesi"),
    )


@given(st.integers(0, len(TEXT)), st.integers(0, len(TEXT)))
def test_a_citation_is_cut_from_the_text_or_refused(one: int, other: int) -> None:
    span = Span(min(one, other), max(one, other))

    if not TEXT[span.start : span.end].strip():
        with pytest.raises(UnverifiableQuote):
            cite(document(), span)
        return
    citation = cite(document(), span)

    assert citation.quote == TEXT[citation.start : citation.end]
    assert citation.quote == TEXT[span.start : span.end].strip()
    assert holds(citation, document())


def test_a_span_beyond_the_text_is_refused() -> None:
    with pytest.raises(UnverifiableQuote):
        cite(document(), Span(5, len(TEXT) + 1))


def test_a_citation_of_a_changed_text_does_not_hold() -> None:
    citation = cite(document(), Span(0, 23))

    assert not holds(citation, document("X" + TEXT))


def test_a_quote_is_found_over_a_line_break() -> None:
    citation = find_quote(document(), "Vettä on neljää laatua myös")

    assert citation.quote == "Vettä on\nneljää laatua myös"


def test_of_two_places_the_nearer_one_is_meant() -> None:
    citation = find_quote(document(), "Vettä on neljää laatua", near=Span(45, 80))

    assert citation.start == TEXT.rindex("Vettä")


@pytest.mark.parametrize("quote", ["Vettä on viittä laatua", "", "  ", "vettä on neljää"])
def test_what_is_not_there_is_refused(quote: str) -> None:
    with pytest.raises(UnverifiableQuote):
        find_quote(document(), quote)


@given(st.text(min_size=1), st.data())
def test_every_piece_of_any_text_is_found_again(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    quote = text[start:end]
    if not quote.split():
        return

    citation = find_quote(document(text), quote)

    assert text[citation.start : citation.end] == citation.quote
    assert citation.quote.split() == quote.split()
