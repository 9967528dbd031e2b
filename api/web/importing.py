"""The pages where a registry's table is sent, its columns are looked at, and it is imported."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from api.problems import Refused, status_of, text_of
from api.routes.uploads import boundary_of, received
from api.web.project_lines import project_line
from api.web.site import Visit
from ingest.jobs import Jobs, UploadedFile
from ingest.locking import writer_lock
from ingest.registry import FORMATS
from ingest.registry_columns import FIELDS, RegistryError
from ingest.registry_reading import MOST_ROWS
from ingest.registry_rows import RowNote
from ingest.registry_upload import Preview, SentTable, SentTables
from ingest.working import Worker
from kb.errors import KnowledgeBaseError, UnreadableDocument
from kb.projects import Project, Projects

router = APIRouter()

_LARGEST_MB = 50
_SHOWN_PROJECTS = 5
_SHOWN_ROWS = 20
_SHOWN_TEXT = 200
_LOCK_SECONDS = 20.0
"""How long an import waits for an ingestion before it says that the catalogue is busy."""


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column: its place, its header, what stands in it, and the field that it holds."""

    place: int
    name: str
    examples: tuple[str, ...]
    field: str


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project as it would be imported."""

    project: Project
    line: str
    text: str


@dataclass(frozen=True, slots=True)
class NotesView:
    """What is wrong with rows: the first of them, and how many more there are."""

    lines: list[tuple[int, str]]
    more: int

    @classmethod
    def of(cls, notes: Sequence[RowNote], language: str) -> NotesView:
        """Return notes as they are shown."""
        shown = [(note.row, note.text(language)) for note in notes[:_SHOWN_ROWS]]
        return cls(shown, len(notes) - len(shown))


@router.get("/projects/import")
def import_page(request: Request) -> Response:
    """Show the form that takes a table."""
    visit = Visit(request)
    return _form(visit, done=request.query_params.get("done", ""))


def _form(visit: Visit, *, fault: str = "", status: int = 200, done: str = "") -> Response:
    return visit.page(
        "import.html",
        status,
        fault=fault,
        done=done,
        formats=FORMATS,
        limit=_largest(visit),
        most=f"{MOST_ROWS:,}".replace(",", "," if visit.language == "en" else "\u00a0"),
    )


def _largest(visit: Visit) -> int:
    return min(_LARGEST_MB, visit.settings.max_file_mb)


@router.post("/projects/import")
async def send(request: Request) -> Response:
    """Take a table and lead to what its columns are read as."""
    visit = Visit(request)
    try:
        table_id = await _taken(visit)
    except KnowledgeBaseError as error:
        fault, status = text_of(error, visit.language), status_of(error)
        # A table that can't be read is the sender's to mend.
        return _form(visit, fault=fault, status=422 if status == 500 else status)
    return RedirectResponse(visit.href(f"/projects/import/{table_id}"), status_code=303)


async def _taken(visit: Visit) -> str:
    request = visit.request
    boundary = boundary_of(request)
    jobs: Jobs = request.app.state.jobs
    table_id, folder = await run_in_threadpool(jobs.new_folder)
    taken = False
    try:
        receiver = await received(request, boundary, folder, max_file_mb=_largest(visit))
        files, fields = receiver.parts()
        if len(files) > 1:
            raise Refused("projects_one_file")
        await run_in_threadpool(
            _take,
            visit,
            table_id,
            files[0],
            format=next(iter(fields.get("format", ())), "table"),
        )
        taken = True
    finally:
        if not taken:
            shutil.rmtree(folder, ignore_errors=True)
    return table_id


def _take(visit: Visit, table_id: str, file: UploadedFile, *, format: str) -> None:
    try:
        _tables(visit).take(table_id, file.stored, name=file.name, format=format)
    except UnreadableDocument as error:
        # Its own cures are for documents.
        why = error.text(visit.language).rstrip(".")
        raise RegistryError("projects_table", path=file.name, why=why) from error


def _tables(visit: Visit) -> SentTables:
    jobs: Jobs = visit.request.app.state.jobs
    return SentTables(visit.kb.catalogue, jobs.folder)


# -- one table -------------------------------------------------------------------------------------


@router.get("/projects/import/{table_id}")
def table_page(table_id: str, request: Request) -> Response:
    """Show what a table's columns are read as and its first rows, or what its import made."""
    visit = Visit(request)
    return _page(visit, _tables(visit).get(table_id))


def _page(visit: Visit, table: SentTable, *, fault: str = "", status: int = 200) -> Response:
    if table.report is not None:
        projects = Projects(visit.kb.catalogue)
        return visit.page(
            "imported.html",
            table=table,
            report=table.report,
            waiting=projects.waiting() + projects.pending_count(visit.kb.embeddings),
            again=visit.href(f"/projects/import/{table.id}"),
        )
    preview = _tables(visit).preview(table, shown=_SHOWN_PROJECTS)
    held = {column: name for name, some in table.mapping.columns.items() for column in some}
    if not table.usable and not fault:
        fault = visit.t("import_no_title")
    return visit.page(
        "import_table.html",
        status,
        table=table,
        fault=fault,
        columns=[
            ColumnView(place, name, examples, held.get(name, ""))
            for place, (name, examples) in enumerate(
                zip(table.columns, table.examples, strict=True)
            )
        ],
        fields=FIELDS,
        preview=preview,
        projects=_shown(visit, preview),
        rejected=NotesView.of(preview.rejected, visit.language),
        warnings=NotesView.of(preview.warnings, visit.language),
        action=visit.href(f"/projects/import/{table.id}"),
        corrected=visit.request.query_params.get("done") == "corrected",
    )


def _shown(visit: Visit, preview: Preview) -> list[ProjectView]:
    views: list[ProjectView] = []
    for project in preview.projects:
        text = " ".join((project.description or project.results).split())
        cut = text if len(text) <= _SHOWN_TEXT else f"{text[: _SHOWN_TEXT - 1]}…"
        views.append(ProjectView(project, project_line(visit, project), cut))
    return views


@router.post("/projects/import/{table_id}")
async def table_form(table_id: str, request: Request) -> Response:
    """Keep the corrected columns; import the table or throw it away where that was asked for."""
    visit = Visit(request)
    form = await request.form(max_files=0, max_fields=400)
    return await run_in_threadpool(_done, visit, table_id, form)


def _done(visit: Visit, table_id: str, form: FormData) -> Response:
    tables = _tables(visit)
    action = form.get("do", "")
    if action == "forget":
        tables.forget(table_id)
        return RedirectResponse(
            visit.href("/projects/import", ("done", "forgotten")), status_code=303
        )
    if tables.get(table_id).report is not None:  # sent twice
        return RedirectResponse(visit.href(f"/projects/import/{table_id}"), status_code=303)
    fields = {
        int(name[1:]): str(value)
        for name, value in form.multi_items()
        if name[:1] == "c" and name[1:].isdecimal() and len(name) < 6 and value
    }
    try:
        table = tables.correct(table_id, fields)
    except KnowledgeBaseError as error:
        return _page(visit, tables.get(table_id), fault=text_of(error, visit.language), status=422)
    if action == "import" and not table.usable:
        return _page(visit, table, status=422)
    if action != "import":
        return RedirectResponse(
            visit.href(f"/projects/import/{table_id}", ("done", "corrected"), fragment="rows"),
            status_code=303,
        )
    with writer_lock(visit.settings.data_dir, wait_seconds=_LOCK_SECONDS):
        tables.import_(table_id, language=visit.language)
    worker: Worker = visit.request.app.state.worker
    worker.wake()
    return RedirectResponse(visit.href(f"/projects/import/{table_id}"), status_code=303)
