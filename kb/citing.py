"""From a span or a quote to a verified citation, or to a refusal.

This is the only place that makes a ``Citation``. It cuts the quote from the document's text
itself, so the quote is verbatim by construction, and it refuses a span that isn't one.
"""

from __future__ import annotations

from kb.errors import UnverifiableQuote
from kb.model import Citation, Document, Header, Language, Span


def cite(
    document: Document,
    span: Span,
    *,
    language: Language | None = None,
    header: Span | None = None,
) -> Citation:
    """Return the citation of ``document.text[span.start:span.end]``; ``header`` stands above it.

    White space at its ends is left out. Raises UnverifiableQuote for a span that reaches
    outside the text or holds nothing but white space.
    """
    if span.end > len(document.text):
        raise UnverifiableQuote
    quote = document.text[span.start : span.end]
    start = span.start + len(quote) - len(quote.lstrip())
    quote = quote.strip()
    if not quote:
        raise UnverifiableQuote
    exact = Span(start, start + len(quote))
    return Citation(
        document_id=document.id,
        title=document.metadata.title,
        source=document.source,
        locator=document.locate(exact),
        start=exact.start,
        end=exact.end,
        quote=quote,
        language=language or document.language,
        header=None if header is None else _header(document, header),
    )


def _header(document: Document, span: Span) -> Header:
    exact = cite(document, span)
    return Header(start=exact.start, end=exact.end, quote=exact.quote)


def find_quote(document: Document, quote: str, *, near: Span | None = None) -> Citation:
    """Return the citation of a quote that someone else wrote down, such as a language model.

    It must stand in the document letter by letter, but for runs of white space. Where it
    stands several times, the place nearest to ``near`` is meant. Raises UnverifiableQuote.
    """
    words = quote.split()
    if not words:
        raise UnverifiableQuote
    spans = _occurrences(document.text, words)
    if not spans:
        raise UnverifiableQuote
    if near is not None:
        spans.sort(key=lambda span: (-span.overlap(near), abs(span.start - near.start)))
    return cite(document, spans[0])


def _occurrences(text: str, words: list[str]) -> list[Span]:
    spans: list[Span] = []
    at = text.find(words[0])
    while at >= 0:
        end = at + len(words[0])
        for word in words[1:]:
            rest = end
            while rest < len(text) and text[rest].isspace():
                rest += 1
            if rest == end or not text.startswith(word, rest):
                break
            end = rest + len(word)
        else:
            spans.append(Span(at, end))
        at = text.find(words[0], at + 1)
    return spans


def holds(citation: Citation, document: Document) -> bool:
    """Return whether a citation still says what its document says: the check at the door."""
    header = citation.header
    return (
        citation.document_id == document.id
        and bool(citation.quote.strip())
        and document.text[citation.start : citation.end] == citation.quote
        and (header is None or document.text[header.start : header.end] == header.quote)
    )
