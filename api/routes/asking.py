"""Questions and searches."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.routes import KnowledgeBaseHere, summary
from api.schemas import AnswerOut, AskRequest, SearchOut, SearchRequest
from kb.following import understand
from kb.wire import answer_json, search_json

router = APIRouter(prefix="/api", tags=["questions"])


@router.post("/ask", operation_id="ask", summary=summary("ask"), response_model=AnswerOut)
def ask(body: AskRequest, kb: KnowledgeBaseHere) -> JSONResponse:
    """Answer a question; texts of a refusal are in the question's language."""
    understood = understand(body.question, body.before())
    question = understood.text if understood else body.question
    answer = kb.ask(question, scope=body.scope(), explain=body.explain)
    return JSONResponse(
        answer_json(answer, understood_as=understood.text if understood else None),
        headers={"Content-Language": answer.language},
    )


@router.post("/search", operation_id="search", summary=summary("search"), response_model=SearchOut)
def search(body: SearchRequest, kb: KnowledgeBaseHere) -> JSONResponse:
    """Find passages."""
    found = kb.search(body.query, scope=body.scope(), k=body.k)
    return JSONResponse(search_json(found.query, found.language, found.hits))
