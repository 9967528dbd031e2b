"""Answers as files to save, for the API and the web box."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from kb.exporting import MEDIA_TYPES, Format, exported, file_name, links_from
from kb.given import GivenAnswer
from kb.model import Language


def base_of(request: Request) -> str:
    """Return the address of this service as the client reaches it; the guard checked its host."""
    return str(request.base_url).rstrip("/")


def as_file(told: GivenAnswer, form: Format, *, language: Language, base: str) -> Response:
    """Return an answer as a file to be saved."""
    content = exported(told, form, language=language, link=links_from(base))
    name = file_name(told, form, language)
    return Response(
        content,
        media_type=MEDIA_TYPES[form],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Language": language,
            "Cache-Control": "private, no-store",
        },
    )
