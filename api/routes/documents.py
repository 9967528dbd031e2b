"""Documents: list, text, original, pages, removal."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from api.problems import Refused
from api.receiving import display_name
from api.routes import KnowledgeBaseHere, WorkerHere, summary
from api.schemas import BoxesOut, DocumentOut, DocumentRowOut, RemovedOut, TextOut
from kb.errors import NotFound
from kb.knowledge_base import KnowledgeBase
from kb.model import Document, Scope, Span
from kb.scoping import allows, scope_from
from kb.wire import document_json, document_row_json

router = APIRouter(prefix="/api/documents", tags=["documents"])

# Types that no browser runs a script of; everything else is handed over as plain bytes.
_INERT = frozenset(
    {
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
)
_ORIGINAL_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
_SCALE = 2.0

_Repeated = Annotated[list[str] | None, Query(max_length=100)]


async def _filters(
    language: _Repeated = None,
    kind: _Repeated = None,
    city: _Repeated = None,
    theme: _Repeated = None,
    year: _Repeated = None,
    document: _Repeated = None,
    collection: _Repeated = None,
    confidentiality: _Repeated = None,
) -> Scope:
    return scope_from(
        language=language,
        kind=kind,
        city=city,
        theme=theme,
        year=year,
        document=document,
        collection=collection,
        confidentiality=confidentiality,
    )


@router.get(
    "", operation_id="documents", summary=summary("documents"), response_model=list[DocumentRowOut]
)
def documents(scope: Annotated[Scope, Depends(_filters)], kb: KnowledgeBaseHere) -> JSONResponse:
    """List documents by title; filters may be repeated."""
    return JSONResponse([document_row_json(row) for row in kb.documents() if allows(scope, row)])


@router.get(
    "/{document_id}",
    operation_id="document",
    summary=summary("document"),
    response_model=DocumentOut,
)
def document(document_id: str, kb: KnowledgeBaseHere) -> JSONResponse:
    """Describe one document."""
    return JSONResponse(document_json(kb.document(document_id)))


@router.delete(
    "/{document_id}", operation_id="remove", summary=summary("remove"), response_model=RemovedOut
)
def remove(document_id: str, kb: KnowledgeBaseHere, worker: WorkerHere) -> JSONResponse:
    """Remove a document from the catalogue, every index and the originals."""
    removed = kb.remove([document_id])
    worker.wake()  # it has the vector index forget what is gone
    return JSONResponse({"removed": removed})


@router.get(
    "/{document_id}/text",
    operation_id="text",
    summary=summary("text"),
    response_model=TextOut,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def text(
    document_id: str,
    kb: KnowledgeBaseHere,
    start: Annotated[int, Query(ge=0)] = 0,
    end: Annotated[int | None, Query(ge=0)] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Return ``text[start:end]``, all of it by default; as bare text for Accept: text/plain."""
    found = kb.document(document_id)
    span = _span(found, start, end)
    part = found.text[span.start : span.end]
    if accept.split(",")[0].split(";")[0].strip() == "text/plain":
        return PlainTextResponse(part)
    return JSONResponse(
        {
            "document_id": found.id,
            "start": span.start,
            "end": span.end,
            "text": part,
            "locator": found.locate(span).to_json(),
        }
    )


@router.get(
    "/{document_id}/original",
    operation_id="original",
    summary=summary("original"),
    response_class=FileResponse,
)
def original(document_id: str, kb: KnowledgeBaseHere) -> FileResponse:
    """Hand over the file as it was ingested, to be saved and never to be shown in the page."""
    path, found = kb.original(document_id), kb.document(document_id)
    inert = found.media_type in _INERT
    return FileResponse(
        path,
        media_type=found.media_type if inert else "application/octet-stream",
        filename=display_name(found.source),
        content_disposition_type="attachment",
        headers={"Content-Security-Policy": _ORIGINAL_POLICY},
    )


@router.get(
    "/{document_id}/pages/{page}",
    operation_id="page",
    summary=summary("page"),
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, 304: {"description": "Not modified."}},
)
def page_image(
    document_id: str,
    page: int,
    kb: KnowledgeBaseHere,
    scale: Annotated[float, Query(ge=0.5, le=4)] = _SCALE,
    if_none_match: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Return the image of a page; ``scale`` 1 is 72 dots an inch."""
    _paged(kb, document_id, page)
    # A document's id names its bytes, so the image behind an address never changes.
    tag = f'"{document_id}-{page}-{scale:g}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in [one.strip().removeprefix("W/") for one in if_none_match.split(",")]:
        return Response(status_code=304, headers=headers)
    from kb.pages import render_page

    image = render_page(kb.original(document_id), page, scale=scale)
    return Response(image.bytes, media_type=image.media_type, headers=headers)


@router.get(
    "/{document_id}/pages/{page}/boxes",
    operation_id="boxes",
    summary=summary("boxes"),
    response_model=BoxesOut,
)
def boxes(
    document_id: str,
    page: int,
    kb: KnowledgeBaseHere,
    start: Annotated[int, Query(ge=0)] = 0,
    end: Annotated[int | None, Query(ge=0)] = None,
) -> JSONResponse:
    """Return where the words of a span stand on a page, in fractions of its size."""
    found = _paged(kb, document_id, page)
    span = _span(found, start, end)
    words = [
        word
        for word in kb.word_boxes(document_id, start=span.start, end=span.end)
        if word.page == page
    ]
    if words:
        from kb.pages import page_size

        width, height = page_size(kb.original(document_id), page)
    else:
        width = height = 1.0
    return JSONResponse(
        {
            "page": page,
            "boxes": [
                {
                    "start": word.start,
                    "end": word.end,
                    "left": _fraction(word.left, width),
                    "top": _fraction(word.top, height),
                    "right": _fraction(word.right, width),
                    "bottom": _fraction(word.bottom, height),
                }
                for word in words
            ],
        }
    )


def _fraction(value: float, whole: float) -> float:
    return round(min(1.0, max(0.0, value / whole)), 5)


def _paged(kb: KnowledgeBase, document_id: str, page: int) -> Document:
    """Return a document that has this page; raises NotFound."""
    found = kb.document(document_id)
    if not 1 <= page <= (found.pages or 0):
        raise NotFound(what="page", id=page)
    return found


def _span(document: Document, start: int, end: int | None) -> Span:
    length = len(document.text)
    last = length if end is None else min(end, length)
    if start > last:
        raise Refused("span", start=start, end=last, length=length)
    return Span(start, last)
