"""Answers taken along, saved and judged."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from api.answer_schemas import (
    ExportRequest,
    FeedbackOut,
    FeedbackRequest,
    FormatName,
    NameRequest,
    SavedOut,
    SaveRequest,
)
from api.routes import KnowledgeBaseHere, summary
from api.schemas import AskRequest, RemovedOut
from api.taking import as_file, base_of
from kb.feedback import Feedback
from kb.following import understand
from kb.given import GivenAnswer, given
from kb.knowledge_base import KnowledgeBase
from kb.saved import SavedAnswers, saved_json
from kb.scoping import filters_of

router = APIRouter(prefix="/api", tags=["answers"])

_FILES: dict[int | str, dict[str, object]] = {
    200: {
        "content": {
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document": {},
            "text/markdown": {},
            "text/plain": {},
        }
    }
}


def _given(body: AskRequest, kb: KnowledgeBase) -> GivenAnswer:
    scope = body.scope()
    understood = understand(body.question, body.before())
    question = understood.text if understood else body.question
    answer = kb.ask(question, scope=scope, model=body.model)
    asked_as = body.question if understood else ""
    return given(kb, answer, asked_as=asked_as, filters=filters_of(scope))


@router.post(
    "/export",
    operation_id="export",
    summary=summary("export"),
    response_class=Response,
    responses=_FILES,
)
def export(body: ExportRequest, request: Request, kb: KnowledgeBaseHere) -> Response:
    """Answer a question with a file; it is in the question's language."""
    told = _given(body, kb)
    return as_file(told, body.format, language=told.language, base=base_of(request))


@router.post(
    "/answers",
    operation_id="save_answer",
    summary=summary("save_answer"),
    status_code=201,
    response_model=SavedOut,
)
def save(body: SaveRequest, kb: KnowledgeBaseHere) -> JSONResponse:
    """Answer a question and save the answer."""
    kept = SavedAnswers(kb)
    saved = kept.save(_given(body, kb), name=body.name)
    headers = {"Location": f"/api/answers/{saved.id}"}
    return JSONResponse(saved_json(saved, kept.since(saved)), status_code=201, headers=headers)


@router.get(
    "/answers",
    operation_id="answers",
    summary=summary("answers"),
    response_model=list[SavedOut],
)
def answers(kb: KnowledgeBaseHere) -> JSONResponse:
    """List the saved answers, the newest first; ``newer`` is looked for in single ones only."""
    kept = SavedAnswers(kb)
    return JSONResponse([saved_json(one, kept.since(one, newer=False)) for one in kept.all()])


@router.get(
    "/answers/{answer_id}",
    operation_id="answer",
    summary=summary("answer"),
    response_model=SavedOut,
)
def answer(answer_id: str, kb: KnowledgeBaseHere) -> JSONResponse:
    """Return a saved answer and what has become of its sources."""
    kept = SavedAnswers(kb)
    saved = kept.get(answer_id)
    return JSONResponse(saved_json(saved, kept.since(saved)))


@router.patch(
    "/answers/{answer_id}",
    operation_id="rename_answer",
    summary=summary("rename_answer"),
    response_model=SavedOut,
)
def rename(answer_id: str, body: NameRequest, kb: KnowledgeBaseHere) -> JSONResponse:
    """Give a saved answer another name."""
    kept = SavedAnswers(kb)
    saved = kept.rename(answer_id, body.name)
    return JSONResponse(saved_json(saved, kept.since(saved)))


@router.delete(
    "/answers/{answer_id}",
    operation_id="remove_answer",
    summary=summary("remove_answer"),
    response_model=RemovedOut,
)
def remove(answer_id: str, kb: KnowledgeBaseHere) -> JSONResponse:
    """Remove a saved answer."""
    SavedAnswers(kb).remove(answer_id)
    return JSONResponse({"removed": 1})


@router.get(
    "/answers/{answer_id}/export",
    operation_id="export_answer",
    summary=summary("export_answer"),
    response_class=Response,
    responses=_FILES,
)
def export_saved(
    answer_id: str, request: Request, kb: KnowledgeBaseHere, format: FormatName = "markdown"
) -> Response:
    """Return a saved answer as a file."""
    told = SavedAnswers(kb).get(answer_id).given
    return as_file(told, format, language=told.language, base=base_of(request))


@router.post(
    "/feedback",
    operation_id="feedback",
    summary=summary("feedback"),
    status_code=201,
    response_model=FeedbackOut,
)
def judge(body: FeedbackRequest, kb: KnowledgeBaseHere) -> JSONResponse:
    """Keep a judgement, with the answer as it is now or was saved."""
    told = SavedAnswers(kb).get(body.answer_id).given if body.answer_id else _given(body, kb)
    kept = Feedback(kb).add(told, body.verdict, source=body.source, note=body.note)
    return JSONResponse({"feedback_id": kept.id}, status_code=201)
