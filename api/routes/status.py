"""Whether the service is ready."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.routes import KnowledgeBaseHere, summary
from api.schemas import HealthOut
from kb.errors import ReindexNeeded
from kb.knowledge_base import KnowledgeBase

router = APIRouter(prefix="/api", tags=["service"])


@router.get("/health", operation_id="health", summary=summary("health"), response_model=HealthOut)
def health(request: Request, kb: KnowledgeBaseHere) -> JSONResponse:
    """Count what is there; ``starting`` until the first question would be quick.

    ``reindex_needed`` when an index was built by another release: questions are refused then.
    """
    counts = kb.catalogue.counts()
    return JSONResponse(
        {
            "status": _status(kb) if request.app.state.warm.is_set() else "starting",
            "documents": counts["document"],
            "passages": counts["passage"],
            "waiting": kb.embeddings.pending_count("passage"),
            "version": request.app.version,
        }
    )


def _status(kb: KnowledgeBase) -> str:
    try:
        kb.check_indexes()
    except ReindexNeeded as error:
        return error.default_code
    return "ok"
