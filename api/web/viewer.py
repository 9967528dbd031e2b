"""The source viewer: a document with the quoted places marked where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from api.web.asked import Asked
from api.web.asking import ask_address, claim_views, viewer_address
from api.web.marking import (
    Mark,
    Rect,
    Section,
    line_boxes,
    page_span,
    part_of,
    parts,
    structured,
    text_lines,
)
from api.web.site import Visit
from kb.catalogue import DocumentRow
from kb.errors import KnowledgeBaseError, NotFound
from kb.model import Document, Span

router = APIRouter()

_QUOTE_LENGTH = 220


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the margin: a citation of the answer, or what lies near the question."""

    number: int
    document_id: str
    title: str
    place: str
    quote: str
    language: str
    span: Span
    here: bool
    current: bool
    href: str


@dataclass(frozen=True, slots=True)
class PageView:
    """A page: its size in points, and the marks on it."""

    number: int
    width: float
    height: float
    marks: list[tuple[Mark, list[Rect]]]
    current: bool
    sections: list[Section] | None


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of the structured text, under the heading of its page where there are pages."""

    page: int
    sections: list[Section]


@router.get("/documents/{document_id}")
def viewer(document_id: str, request: Request) -> Response:
    """Show a document; ``start`` and ``end`` are marked, ``q`` brings its answer's citations."""
    visit = Visit(request)
    document = visit.kb.document(document_id)
    asked = Asked.of(request.query_params)
    span = _span(request, document)
    places = _places(visit, document, asked, span)
    marks = [Mark(place.span, place.number, place.current) for place in places if place.here]
    paged = bool(document.page_starts) and _has_original(visit, document)
    as_text = not paged or request.query_params.get("view") == "text"
    at = next((n for n, place in enumerate(places) if place.current), None)
    context: dict[str, object] = {}
    if as_text:
        context = _text_context(visit, document, marks, span=span, asked=asked)
    else:
        context["pages"] = _pages(visit, document, marks)
    span_given = "start" in request.query_params or "end" in request.query_params
    row = next((row for row in visit.rows if row.id == document.id), None)
    return visit.page(
        "viewer.html",
        document=document,
        row=row,
        meta=document.metadata,
        asked=asked,
        back=ask_address(visit, asked) if asked.question else "",
        places=places,
        answer_places=[p for p in places if p.number],
        near_places=[p for p in places if not p.number],
        at=at,
        previous=places[at - 1].href if at else "",
        following=places[at + 1].href if at is not None and at + 1 < len(places) else "",
        stray=span_given and span is None,
        paged=paged,
        as_text=as_text,
        other_view=_other_view(visit, document, asked, span=span, as_text=as_text),
        safe_url=_safe_url(document.metadata.url),
        done=request.query_params.get("done", ""),
        **context,
    )


@router.get("/documents/{document_id}/text/{page}")
def page_text(document_id: str, page: int, request: Request) -> Response:
    """Return the text of one page, for the viewer's script to put below its image."""
    visit = Visit(request)
    document = visit.kb.document(document_id)
    if not 1 <= page <= len(document.page_starts):
        raise NotFound(what="page", id=page)
    sections = structured(document, page_span(document, page), [])
    html = visit.fragment("structure.html", document=document, sections=sections, page=page)
    return HTMLResponse(html, headers={"Cache-Control": "private, no-cache", "Vary": "Cookie"})


@router.get("/documents/{document_id}/lines/{page}")
def page_lines(document_id: str, page: int, request: Request) -> Response:
    """Return the lines of a page and where they stand, in points.

    The viewer's script lays them over the page's image, so that its text can be selected,
    copied and found there.
    """
    visit = Visit(request)
    document = visit.kb.document(document_id)
    if not 1 <= page <= len(document.page_starts):
        raise NotFound(what="page", id=page)
    span = page_span(document, page)
    words = [
        word
        for word in visit.kb.word_boxes(document_id, start=span.start, end=span.end)
        if word.page == page
    ]
    lines = [
        {"text": text, "x": rect.x, "y": rect.y, "width": rect.width, "height": rect.height}
        for rect, text in text_lines(document, words)
    ]
    return JSONResponse({"lines": lines}, headers={"Cache-Control": "private, no-cache"})


def _span(request: Request, document: Document) -> Span | None:
    """Return the span of the address where it is one of this document, without outer space."""
    given = request.query_params
    start, end = given.get("start", ""), given.get("end", "")
    if not (start.isdecimal() and end.isdecimal() and len(start) < 10 and len(end) < 10):
        return None
    first, last = int(start), min(int(end), len(document.text))
    if first >= last or not document.text[first:last].strip():
        return None
    return Span(first, last)


def _places(visit: Visit, document: Document, asked: Asked, span: Span | None) -> list[Place]:
    """Return the answer's citations, then what lies near the question in this document.

    A span that is none of them comes first.
    """
    places: list[Place] = []
    if asked.question:
        try:
            places = _answer_places(visit, document, asked, span)
            places += _near_places(visit, document, asked, span, known=places)
        except KnowledgeBaseError:
            # A question or filter in the address that can't be used must not hide the document.
            places = []
    if span is not None and not any(place.current for place in places):
        places.insert(0, _place(visit, document, asked, span, number=0, current=True))
    return places


def _answer_places(
    visit: Visit, document: Document, asked: Asked, span: Span | None
) -> list[Place]:
    claims = claim_views(visit, asked, visit.site.answer(visit.kb, asked, model=False))
    sources = {source.number: source for claim in claims for source in claim.sources}
    places: list[Place] = []
    for number in sorted(sources):
        citation = sources[number].citation
        cited = Span(citation.start, citation.end)
        here = citation.document_id == document.id
        places.append(
            Place(
                number=number,
                document_id=citation.document_id,
                title=citation.title,
                place=sources[number].place,
                quote=_shortened(citation.quote),
                language=citation.language,
                span=cited,
                here=here,
                current=here and cited == span,
                href=sources[number].href,
            )
        )
    return places


def _near_places(
    visit: Visit,
    document: Document,
    asked: Asked,
    span: Span | None,
    *,
    known: Sequence[Place],
) -> list[Place]:
    found: list[Place] = []
    for hit in visit.site.near(visit.kb, asked.question, document_id=document.id):
        near = hit.best_sentence or Span(hit.passage.start, hit.passage.end)
        if any(place.here and place.span.overlap(near) for place in [*known, *found]):
            continue
        found.append(_place(visit, document, asked, near, number=0, current=near == span))
    return sorted(found, key=lambda place: place.span.start)


def _place(
    visit: Visit, document: Document, asked: Asked, span: Span, *, number: int, current: bool
) -> Place:
    return Place(
        number=number,
        document_id=document.id,
        title=document.metadata.title,
        place=visit.t.place(document.locate(span)),
        quote=_shortened(document.text[span.start : span.end]),
        language=document.language,
        span=span,
        here=True,
        current=current,
        href=viewer_address(visit, asked, document.id, span),
    )


def _shortened(quote: str) -> str:
    text = " ".join(quote.split())
    return text if len(text) <= _QUOTE_LENGTH else f"{text[:_QUOTE_LENGTH].rsplit(' ', 1)[0]} …"


def _pages(visit: Visit, document: Document, marks: Sequence[Mark]) -> list[PageView]:
    """Return every page; the marks' boxes come from the boxes of their words."""
    from kb.pages import page_sizes

    boxes: dict[int, list[tuple[Mark, list[Rect]]]] = {}
    # Unpacking the boxes costs the same for one mark as for all.
    first = min((mark.span.start for mark in marks), default=0)
    last = max((mark.span.end for mark in marks), default=0)
    between = visit.kb.word_boxes(document.id, start=first, end=last) if marks else []
    for mark in marks:
        words = [w for w in between if w.start < mark.span.end and w.end > mark.span.start]
        for page in sorted({word.page for word in words}):
            rects = line_boxes([word for word in words if word.page == page])
            boxes.setdefault(page, []).append((mark, rects))
    # The pages of a text whose words have no boxes (a scan read elsewhere) are known all the same.
    of_current = {
        page for mark in marks if mark.current for page in document.locate(mark.span).pages
    }
    views: list[PageView] = []
    for number, (width, height) in enumerate(page_sizes(visit.kb.original(document.id)), 1):
        on_page = boxes.get(number, [])
        marked = bool(on_page) or number in of_current
        views.append(
            PageView(
                number=number,
                width=round(width, 2),
                height=round(height, 2),
                marks=on_page,
                current=number in of_current,
                sections=structured(document, page_span(document, number), marks)
                if marked and number <= len(document.page_starts)
                else None,
            )
        )
    return views


def _text_context(
    visit: Visit, document: Document, marks: Sequence[Mark], *, span: Span | None, asked: Asked
) -> dict[str, object]:
    """Return one part of the structured text and the way to the others."""
    divided = parts(document)
    wanted = visit.request.query_params.get("part", "")
    page = visit.request.query_params.get("page", "")
    if wanted.isdecimal() and len(wanted) < 7:
        at = min(max(int(wanted), 1), len(divided)) - 1
    elif page.isdecimal() and len(page) < 7 and 1 <= int(page) <= len(document.page_starts):
        at = part_of(divided, document.page_starts[int(page) - 1])
    else:
        at = part_of(divided, span.start if span else 0)

    def part_address(number: int) -> str:
        pairs = [("view", "text"), ("part", number), *_span_pairs(span), *asked.pairs()]
        return visit.href(f"/documents/{document.id}", *pairs)

    shown: list[TextPart] = []
    begun: set[Mark] = set()
    if document.page_starts:
        for number in range(1, len(document.page_starts) + 1):
            on_page = page_span(document, number)
            start, end = max(on_page.start, divided[at].start), min(on_page.end, divided[at].end)
            if start < end:
                shown.append(
                    TextPart(number, structured(document, Span(start, end), marks, begun=begun))
                )
    else:
        shown.append(TextPart(0, structured(document, divided[at], marks)))
    return {
        "shown": shown,
        "part": at + 1,
        "parts_count": len(divided),
        "part_previous": part_address(at) if at else "",
        "part_next": part_address(at + 2) if at + 1 < len(divided) else "",
    }


def _span_pairs(span: Span | None) -> list[tuple[str, object]]:
    return [] if span is None else [("start", span.start), ("end", span.end)]


def _other_view(
    visit: Visit, document: Document, asked: Asked, *, span: Span | None, as_text: bool
) -> str:
    """Return the address of the same place as text, or as pages again."""
    view: list[tuple[str, object]] = [] if as_text else [("view", "text")]
    fragment = "mark" if span is not None else ""
    return visit.href(
        f"/documents/{document.id}", *view, *_span_pairs(span), *asked.pairs(), fragment=fragment
    )


def _has_original(visit: Visit, document: Document) -> bool:
    """Tell whether there is a file to draw pages from; without one the text is still shown."""
    try:
        visit.kb.original(document.id)
    except NotFound:
        return False
    return True


def _safe_url(url: str | None) -> str:
    """Return a document's web address where it is one that may be followed."""
    return url if url and url.lower().startswith(("https://", "http://")) else ""


def document_line(visit: Visit, row: DocumentRow) -> str:
    """Return what is told of a document below its name."""
    t = visit.t
    meta = row.metadata
    told = [t.kind(meta.kind), t.language_name(row.language)]
    if row.pages:
        told.append(t.count("pages_count", row.pages))
    told += [part for part in (t.date(meta.date), meta.city or "") if part]
    return " · ".join(told)
