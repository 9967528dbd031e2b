"""The ask page: a question, its answer with numbered sources, and the nearest passages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.problems import status_of, text_of
from api.routes.asking import event, streamed
from api.web.asked import Asked
from api.web.marking import Quoted, quoted
from api.web.site import Answered, Visit
from api.web.taking import as_understood, given_answer, taking_of
from kb.errors import BadScope, KnowledgeBaseError
from kb.model import Answer, AnswerStatus, Citation, Claim, Document, Hit, Language, Metadata, Span
from kb.rows import Listing, Table, parts, shown
from kb.wording import group_label

router = APIRouter()

_EXAMPLES = ("example_1", "example_2", "example_3")


@dataclass(frozen=True, slots=True)
class SourceView:
    """A citation as it is shown: its number, where it leads, and its quote in its passage."""

    number: int
    citation: Citation
    metadata: Metadata
    passage: Quoted
    place: str
    label: str
    href: str


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A statement and its sources; ``foreign`` when its language isn't the page's."""

    text: str
    language: Language
    foreign: bool
    sources: tuple[SourceView, ...]
    shown: Table | Listing | None
    at: int
    parts: tuple[str, str, str]
    """The text before, in and after what answers most likely."""

    @property
    def marked(self) -> bool:
        """Whether a part of it is marked as what answers most likely."""
        if self.shown is not None:
            return self.shown.best is not None
        return bool(self.parts[1])


@dataclass(frozen=True, slots=True)
class PassageView:
    """A found passage with the sentence nearest to the question marked."""

    document_id: str
    metadata: Metadata
    language: Language
    foreign: bool
    passage: Quoted
    place: str
    href: str


@router.get("/")
def ask_page(request: Request) -> Response:
    """Show the question box and, for ``?q=``, its answer."""
    visit = Visit(request)
    asked, written = as_understood(Asked.of(request.query_params))
    given: Answered | None = None
    fault = mendable = ""
    status = 200
    if asked.question:
        try:
            given = visit.site.answer(visit.kb, asked)
        except KnowledgeBaseError as error:
            fault, status = text_of(error, visit.language), status_of(error)
            place = "filters" if isinstance(error, BadScope) else "q"
            mendable = place if status == 422 else ""
    pending = visit.site.pending(visit.kb) if visit.facets.documents else (0, 0)
    context: dict[str, object] = {}
    if given is not None:
        claims = claim_views(visit, asked, given)
        told = given_answer(visit, asked, given, written)
        context = {
            "told": told,
            "sections": _sections(visit, given.answer, claims),
            "answered": given.answer.status is AnswerStatus.ANSWERED,
            "reason": visit.t.any(given.answer.reason) if given.answer.reason else "",
            "claims": claims,
            "sources": _sources(claims),
            "passages": [passage_view(visit, asked, hit) for hit in given.nearest],
            "taking": taking_of(visit, asked, told),
            "notes": model_notes(visit, given.answer),
        }
    titles = {str(row.id): row.metadata.title for row in visit.rows}
    return visit.page(
        "ask.html",
        status,
        asked=asked,
        given=given,
        fault=fault,
        mendable=mendable,
        facets=visit.asking_facets,
        titles=titles,
        pending=pending,
        examples=[visit.t(key) for key in _EXAMPLES],
        max_question=visit.settings.max_question,
        clear=visit.href("/", ("q", asked.question)),
        limits=visit.limits("/", asked),
        written=written,
        exactly=visit.href("/", *replace(asked, question=written).pairs()) if written else "",
        before=asked.question,
        thanks=bool(request.query_params.get("thanks")),
        stream=visit.href("/ask/stream") if visit.kb.language_model is not None else "",
        **context,
    )


@router.get("/ask/stream")
def stream(request: Request) -> Response:
    """Send the claims of an answer as they come; the page is made of the kept answer then.

    Only the page's script asks for this, where a language model writes.
    """
    visit = Visit(request)
    asked, _ = as_understood(Asked.of(request.query_params))
    steps = visit.site.answering(visit.kb, asked)

    def parts() -> Iterator[str]:
        for step in steps:
            if isinstance(step, Claim):
                yield event("claim", {"text": step.text, "language": step.language})
        yield event("done", {})

    return streamed(parts())


@router.get("/status")
def indexing(request: Request) -> Response:
    """Return the line that says how much waits to be embedded; the page's script asks for it."""
    visit = Visit(request)
    return visit.page("indexing.html", pending=visit.site.pending(visit.kb))


def model_notes(visit: Visit, answer: Answer) -> list[str]:
    """Return what there is to know about a language model's part in an answer, once each."""
    keys = [*answer.notices, *dict.fromkeys(answer.left_out)]
    return [visit.t.any(key) for key in keys]


def claim_views(visit: Visit, asked: Asked, given: Answered) -> list[ClaimView]:
    """Return the claims of an answer, their sources numbered by place."""
    sources: dict[int, SourceView] = {}
    claims: list[ClaimView] = []
    for claim, cited in given.answer.numbered():
        for number, citation in cited:
            if number not in sources:
                sources[number] = _source(visit, asked, citation, number=number, hits=given.nearest)
        quoted_whole = claim.citations[0] if len(claim.citations) == 1 else None
        claims.append(
            ClaimView(
                text=" ".join(claim.text.split()),
                language=claim.language,
                foreign=claim.language != visit.language,
                sources=tuple(sources[number] for number, _ in cited),
                shown=shown(claim.text, quoted_whole, claim.best),
                at=len(claims) + 1,
                parts=parts(" ".join(claim.text.split()), quoted_whole, claim.best),
            )
        )
    return claims


def _source(
    visit: Visit, asked: Asked, citation: Citation, *, number: int, hits: tuple[Hit, ...]
) -> SourceView:
    document = visit.kb.document(citation.document_id)
    span = Span(citation.start, citation.end)
    return SourceView(
        number=number,
        citation=citation,
        metadata=document.metadata,
        passage=quoted(document, span, within=_passage_of(document, span, hits)),
        place=visit.t.place(citation.locator),
        label=visit.t.cite_label(number, citation),
        href=viewer_address(visit, asked, citation.document_id, span),
    )


def _passage_of(document: Document, span: Span, hits: tuple[Hit, ...]) -> Span:
    """Return the found passage that a quote stands in, else the blocks that it touches."""
    for hit in hits:
        passage = hit.passage
        if (
            passage.document_id == document.id
            and passage.start <= span.start
            and span.end <= passage.end
        ):
            return Span(passage.start, passage.end)
    touched = [b for b in document.blocks if b.start < span.end and b.end > span.start]
    if not touched:
        return span
    return Span(min(touched[0].start, span.start), max(touched[-1].end, span.end))


def viewer_address(visit: Visit, asked: Asked, document_id: str, span: Span) -> str:
    """Return where a span is shown in its document, the question kept."""
    return visit.href(
        f"/documents/{document_id}",
        ("start", span.start),
        ("end", span.end),
        *asked.pairs(),
        fragment="mark",
    )


def passage_view(visit: Visit, asked: Asked, hit: Hit) -> PassageView:
    """Return a found passage as it is shown."""
    whole = Span(hit.passage.start, hit.passage.end)
    best = hit.best_sentence
    document = hit.document
    locator = document.locate(best or whole)
    return PassageView(
        document_id=document.id,
        metadata=document.metadata,
        language=hit.passage.language,
        foreign=hit.passage.language != visit.language,
        passage=quoted(document, best, within=whole, reach=220)
        if best is not None
        else quoted(document, Span(whole.start, whole.start), within=whole, reach=440),
        place=visit.t.place(locator),
        href=viewer_address(visit, asked, document.id, best or whole),
    )


def _sections(
    visit: Visit, answer: Answer, claims: list[ClaimView]
) -> list[tuple[str, list[ClaimView]]]:
    """Return the claims under the names of their groups; under none where there are no groups."""
    if not answer.groups:
        return [("", claims)]
    return [
        (group_label(group, visit.language), [claims[at] for at in group.claims])
        for group in answer.groups
    ]


def _sources(claims: list[ClaimView]) -> list[SourceView]:
    found = {source.number: source for claim in claims for source in claim.sources}
    return [found[number] for number in sorted(found)]


def ask_address(visit: Visit, asked: Asked) -> str:
    """Return the address of an answer."""
    return visit.href("/", *asked.pairs())
