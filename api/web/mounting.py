"""How the web box joins the application: its routes, and its faults shown as pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from api.problems import status_of, text_of
from api.web import (
    answers,
    asking,
    documents,
    frame,
    importing,
    projects,
    rejected,
    relating,
    theming,
    viewer,
)
from api.web.site import Site, Visit
from kb.errors import KnowledgeBaseError

Handler = Callable[[Request, Exception], Awaitable[Response]]


def mount(app: FastAPI) -> None:
    """Add the pages to an application, after its problems were installed."""
    app.state.site = Site()
    for module in (
        asking,
        answers,
        documents,
        rejected,
        viewer,
        importing,
        projects,
        relating,
        theming,
        frame,
    ):
        app.include_router(module.router, include_in_schema=False)
    for kind in (KnowledgeBaseError, HTTPException, RequestValidationError):
        handler = cast(Handler, app.exception_handlers[kind])
        app.add_exception_handler(kind, _as_page_or(handler))


def _as_page_or(otherwise: Handler) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        wanted = "text/html" in request.headers.get("accept", "")
        if request.url.path.startswith("/api/") or not wanted:
            return await otherwise(request, error)
        return error_page(request, error)

    return handle


def refused_page(scope: Scope, error: KnowledgeBaseError) -> Response:
    """Return what a form is told that is larger than is taken."""
    return error_page(Request(scope), HTTPException(status_of(error)))


def error_page(request: Request, error: Exception) -> Response:
    """Return a fault as a page: what is wrong, and the way on."""
    visit = Visit(request)
    if isinstance(error, KnowledgeBaseError):
        status, text = status_of(error), text_of(error, visit.language)
    else:
        status = error.status_code if isinstance(error, HTTPException) else 422
        key = "error_not_found_text" if status in (404, 405, 422) else "error_unexpected"
        text = visit.t("error_too_large") if status == 413 else visit.t(key)
    title = visit.t("error_not_found" if status == 404 else "error_title")
    return visit.page("error.html", status, title=title, text=text)
