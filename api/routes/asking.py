"""Questions and searches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.responses import Response

from api.routes import KnowledgeBaseHere, summary
from api.schemas import AnswerOut, AskRequest, SearchOut, SearchRequest
from kb.answering.writing import LeftOut
from kb.following import understand
from kb.model import Answer, Claim
from kb.wire import answer_json, claim_json, search_json

STREAM = "text/event-stream"

router = APIRouter(prefix="/api", tags=["questions"])


@router.post(
    "/ask",
    operation_id="ask",
    summary=summary("ask"),
    response_model=AnswerOut,
    responses={200: {"content": {STREAM: {"schema": {"type": "string"}}}}},
)
def ask(body: AskRequest, kb: KnowledgeBaseHere, request: Request) -> Response:
    """Answer a question; texts of a refusal are in the question's language.

    A client that accepts ``text/event-stream`` is sent each claim once it holds (``claim``),
    each statement left out (``left_out``), and at the end the whole answer (``answer``).
    """
    understood = understand(body.question, body.before())
    question = understood.text if understood else body.question
    scope, explain = body.scope(), body.explain
    if STREAM in request.headers.get("accept", ""):
        # What is wrong with the question is raised here, before anything is sent.
        steps = kb.answering(question, scope=scope, explain=explain, model=body.model)
        return streamed(events(steps, understood_as=understood.text if understood else None))
    answer = kb.ask(question, scope=scope, explain=explain, model=body.model)
    return JSONResponse(
        answer_json(answer, understood_as=understood.text if understood else None),
        headers={"Content-Language": answer.language},
    )


def events(
    steps: Iterable[Claim | LeftOut | Answer], *, understood_as: str | None = None
) -> Iterator[str]:
    """Yield server-sent events for the steps of an answer."""
    for step in steps:
        if isinstance(step, Claim):
            yield event("claim", claim_json(step))
        elif isinstance(step, LeftOut):
            yield event("left_out", {"code": step.key.removeprefix("left_out.")})
        else:
            yield event("answer", answer_json(step, understood_as=understood_as))


def event(name: str, data: object) -> str:
    """Return a server-sent event whose data is JSON, in one line."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def streamed(parts: Iterable[str]) -> StreamingResponse:
    """Return a response that is sent part by part, by proxies too."""
    return StreamingResponse(
        parts, media_type=STREAM, headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    )


@router.post("/search", operation_id="search", summary=summary("search"), response_model=SearchOut)
def search(body: SearchRequest, kb: KnowledgeBaseHere) -> JSONResponse:
    """Find passages."""
    found = kb.search(body.query, scope=body.scope(), k=body.k)
    return JSONResponse(search_json(found.query, found.language, found.hits))
