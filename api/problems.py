"""Errors as problem details (RFC 9457), in the language that the client prefers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kb.errors import (
    BadEntry,
    BadQuestion,
    BadScope,
    ComponentMissing,
    KnowledgeBaseError,
    NotFound,
    ReindexNeeded,
    StorageError,
    StoreFull,
    UnreadableDocument,
    UnverifiableQuote,
)
from kb.messages import catalogue, message
from kb.model import LANGUAGES, Language

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[KnowledgeBaseError], int], ...] = (
    (NotFound, 404),
    (BadQuestion, 422),
    (BadScope, 422),
    (BadEntry, 422),
    (StoreFull, 409),
    (UnverifiableQuote, 422),
    (UnreadableDocument, 422),
    (ReindexNeeded, 503),
    (StorageError, 503),
    (ComponentMissing, 501),
)
_FULL = 507
_BY_STATUS = {404: "no_such_address", 405: "method", 413: "too_large", 400: "malformed"}
_RANGE = re.compile(r"\s*([a-zA-Z]{1,8}|\*)(?:-[\w-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


class Refused(KnowledgeBaseError):
    """A request that can't be taken, with the status that says so."""

    default_code = "malformed"

    def __init__(self, code: str, *, status: int = 422, **params: object) -> None:
        super().__init__(code, **params)
        self.status = status


def preferred(accept_language: str | None, *, default: Language = "en") -> Language:
    """Return the one of our languages that an Accept-Language header ranks highest."""
    best: Language = default
    best_weight = 0.0
    for part in (accept_language or "")[:1000].split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            continue
        tag, weight = match[1].lower(), float(match[2] or 1)
        known = default if tag == "*" else next((code for code in LANGUAGES if code == tag), None)
        if known is not None and weight > best_weight:
            best, best_weight = known, weight
    return best


def status_of(error: KnowledgeBaseError) -> int:
    """Return the HTTP status of one of our errors; 500 for what no client can mend."""
    if isinstance(error, Refused):
        return error.status
    if error.code == "disk_full":
        return _FULL
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def text_of(error: KnowledgeBaseError, language: str) -> str:
    """Return an error's text; what isn't found is called by its name in the language."""
    named = f"error.not_found_{error.params.get('what', '')}"
    if isinstance(error, NotFound) and named in catalogue():
        return message(named, language, **error.params)
    return error.text(language)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    language: str,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
) -> JSONResponse:
    """Return a problem: its title says the status, ``detail`` what is wrong and the cure."""
    body: dict[str, object] = {
        "type": f"/docs#problem-{code}",
        "title": message(f"problem.title.{status}", language),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(
        body,
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Content-Language": language, "Vary": "Accept-Language", **(headers or {})},
    )


def problem_of(error: KnowledgeBaseError, language: str) -> JSONResponse:
    """Return the problem of one of our errors."""
    status = status_of(error)
    headers = {"Retry-After": "10"} if error.code == "catalogue_busy" else None
    return problem(status, error.code, text_of(error, language), language=language, headers=headers)


def language_of(request: Request) -> Language:
    """Return the language that a request prefers."""
    return preferred(request.headers.get("accept-language"))


def install(app: FastAPI) -> None:
    """Have an application answer every foreseen error with a problem."""
    app.add_exception_handler(KnowledgeBaseError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    return problem_of(cast(KnowledgeBaseError, error), language_of(request))


async def _http(request: Request, error: Exception) -> JSONResponse:
    http = cast(HTTPException, error)
    language = language_of(request)
    code = _BY_STATUS.get(http.status_code, "malformed")
    status = http.status_code if f"problem.title.{http.status_code}" in catalogue() else 400
    detail = message(f"error.{code}", language)
    return problem(status, code, detail, language=language, headers=http.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    language = language_of(request)
    found = cast(RequestValidationError, error).errors()
    if any(one["type"] == "json_invalid" for one in found):
        detail = message("error.bad_json", language)
        return problem(400, "bad_json", detail, language=language)
    errors = [
        {
            "field": ".".join(str(part) for part in _place(one["loc"])),
            "detail": _fault(one["type"], one.get("ctx") or {}, language),
        }
        for one in found
    ]
    # A field that may be of several types is told of once for each of them.
    told = list({(one["field"], one["detail"]): one for one in errors}.values())
    detail = message(
        "error.invalid", language, why="; ".join(f"{one['field']}: {one['detail']}" for one in told)
    )
    return problem(422, "invalid", detail, language=language, errors=told)


def _place(location: Sequence[object]) -> list[object]:
    """Leave out where the field was (body, query, path) and which of its types was tried."""
    inner = list(location[1:]) or list(location)
    return inner[:1] + [part for part in inner[1:] if isinstance(part, int)]


def _fault(kind: str, context: Mapping[str, object], language: str) -> str:
    key = f"invalid.{kind}" if f"invalid.{kind}" in catalogue() else "invalid.other"
    return message(key, language, **{name: str(value) for name, value in context.items()})
