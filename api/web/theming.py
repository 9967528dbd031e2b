"""The pages where the themes of a document or a project are corrected by hand."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.web.site import Visit
from ingest.locking import writer_lock
from kb.assembly import open_theming
from kb.model import DocumentId
from kb.projects import Projects
from kb.scoping import theme_of
from kb.themes import themes

router = APIRouter()

_LOCK_SECONDS = 20.0
"""How long a correction waits for an ingestion before it says that the catalogue is busy."""


@router.get("/documents/{document_id}/themes")
def document_themes(document_id: str, request: Request) -> Response:
    """Show which themes a document has, each to be ticked or not."""
    visit = Visit(request)
    document = visit.kb.document(document_id)
    return _form(
        visit,
        name=document.metadata.title or document.source,
        language=document.language,
        chosen=document.metadata.themes,
        path=f"/documents/{document.id}",
    )


@router.get("/projects/{project_id}/themes")
def project_themes(project_id: str, request: Request) -> Response:
    """Show which themes a project has, each to be ticked or not."""
    visit = Visit(request)
    project = Projects(visit.kb.catalogue).get(project_id)
    return _form(
        visit,
        name=project.title,
        language=project.language,
        chosen=project.themes,
        path=f"/projects/{project.id}",
    )


def _form(visit: Visit, *, name: str, language: str, chosen: Sequence[str], path: str) -> Response:
    return visit.page(
        "themes.html",
        name=name,
        name_language=language,
        given=chosen,
        all_themes=[theme.id for theme in themes()],
        action=visit.href(f"{path}/themes"),
        back=visit.href(path),
    )


@router.post("/documents/{document_id}/themes")
async def correct_document(document_id: str, request: Request) -> Response:
    """Keep the corrections of a document's themes."""
    return await _corrected(request, f"/documents/{document_id}", document_id=document_id)


@router.post("/projects/{project_id}/themes")
async def correct_project(project_id: str, request: Request) -> Response:
    """Keep the corrections of a project's themes."""
    return await _corrected(request, f"/projects/{project_id}", project_id=project_id)


async def _corrected(
    request: Request, path: str, *, document_id: str | None = None, project_id: str | None = None
) -> Response:
    """Keep corrections and lead back to what they are of."""
    visit = Visit(request)
    changes = await _changes(request)
    await run_in_threadpool(
        _correct, visit, changes, document_id=document_id, project_id=project_id
    )
    return RedirectResponse(visit.href(path, ("done", "themes")), status_code=303)


async def _changes(request: Request) -> dict[str, bool]:
    """Return what was ticked and unticked since the page was shown; raises BadScope.

    What somebody else changed meanwhile and this visitor didn't touch stays theirs.
    """
    form = await request.form(max_files=0, max_fields=200)
    ticked = {theme_of(str(value)) for value in form.getlist("theme")}
    shown = {theme_of(str(value)) for value in form.getlist("was")}
    added, removed = ticked - shown, shown - ticked
    return dict.fromkeys(sorted(added), True) | dict.fromkeys(sorted(removed), False)


def _correct(
    visit: Visit,
    changes: dict[str, bool],
    *,
    document_id: str | None = None,
    project_id: str | None = None,
) -> None:
    document = None if document_id is None else visit.kb.document(document_id).id
    if project_id is not None:
        Projects(visit.kb.catalogue).get(project_id)
    if not changes:
        return
    with writer_lock(visit.settings.data_dir, wait_seconds=_LOCK_SECONDS):
        open_theming(visit.kb).correct(
            changes,
            document=None if document is None else DocumentId(document),
            project=project_id,
        )
