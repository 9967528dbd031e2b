"""The routes of the API, and what each of them is given."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.responses import JSONResponse

from api import problems
from ingest.jobs import Jobs
from ingest.working import Worker
from kb.knowledge_base import KnowledgeBase
from kb.messages import message
from kb.model import Language


# Asynchronous, though they wait for nothing, so that they don't cost a thread each.
async def _knowledge_base(request: Request) -> KnowledgeBase:
    return cast(KnowledgeBase, request.app.state.kb)


async def _jobs(request: Request) -> Jobs:
    return cast(Jobs, request.app.state.jobs)


async def _worker(request: Request) -> Worker:
    return cast(Worker, request.app.state.worker)


async def _language(request: Request) -> Language:
    return problems.language_of(request)


KnowledgeBaseHere = Annotated[KnowledgeBase, Depends(_knowledge_base)]
JobsHere = Annotated[Jobs, Depends(_jobs)]
WorkerHere = Annotated[Worker, Depends(_worker)]
LanguageHere = Annotated[Language, Depends(_language)]


def summary(operation: str) -> str:
    """Return what an operation does, in the language of the OpenAPI description."""
    return message(f"api.operation.{operation}", "en")


def told(content: object, language: str) -> JSONResponse:
    """Return an answer that has texts in a language of ours."""
    return JSONResponse(content, headers={"Content-Language": language, "Vary": "Accept-Language"})
