"""The pages where a registry's table is sent, its columns are looked at, and it is imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from api.problems import Refused, status_of, text_of
from api.routes.uploads import received
from api.web.project_lines import project_line
from api.web.site import Visit
from ingest.jobs import Job, JobKind, Jobs, JobState, UploadedFile
from ingest.registry import FORMATS
from ingest.registry_columns import FIELDS, RegistryError
from ingest.registry_reading import MOST_ROWS
from ingest.registry_rows import RowNote
from ingest.registry_upload import Preview, SentTable, SentTables
from ingest.working import Worker
from kb.errors import KnowledgeBaseError, NotFound, UnreadableDocument
from kb.project import Project
from kb.projects import Projects

router = APIRouter()

_LARGEST_MB = 50
_SHOWN_PROJECTS = 5
_SHOWN_ROWS = 20
_SHOWN_TEXT = 200
_RELOAD_SECONDS = 3
"""How often the page of an import reloads itself where scripts are off."""


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
    def of(cls, notes: Sequence[RowNote], language: str, *, count: int) -> NotesView:
        """Return notes as they are shown, of ``count`` that there are."""
        return cls([(note.row, note.text(language)) for note in notes], count - len(notes))


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
        most=visit.number(MOST_ROWS),
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
    async with received(visit.request, jobs=_jobs(visit), max_file_mb=_largest(visit)) as (
        table_id,
        receiver,
    ):
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
    return table_id


def _take(visit: Visit, table_id: str, file: UploadedFile, *, format: str) -> None:
    try:
        _tables(visit).take(table_id, file.stored, name=file.name, format=format)
    except UnreadableDocument as error:
        # Its own cures are for documents.
        why = error.text(visit.language).rstrip(".")
        raise RegistryError("projects_table", path=file.name, why=why) from error


def _jobs(visit: Visit) -> Jobs:
    jobs: Jobs = visit.request.app.state.jobs
    return jobs


def _tables(visit: Visit) -> SentTables:
    return SentTables(visit.kb.catalogue, _jobs(visit).folder)


# -- one table -------------------------------------------------------------------------------------


@router.get("/projects/import/{table_id}")
def table_page(table_id: str, request: Request) -> Response:
    """Show what a table's columns are read as and its first rows, or how far its import is."""
    visit = Visit(request)
    job = _job(visit, table_id)
    if job is not None:
        return _job_page(visit, job)
    return _page(visit, _tables(visit).get(table_id))


def _job(visit: Visit, table_id: str) -> Job | None:
    """Return the job that imports a table; None before that was asked for."""
    try:
        job = _jobs(visit).get(table_id)
    except NotFound:
        return None
    return job if job.kind is JobKind.PROJECTS else None


def _job_page(visit: Visit, job: Job) -> Response:
    address = f"/projects/import/{job.id}"
    if job.imported is not None:
        projects = Projects(visit.kb.catalogue)
        return visit.page(
            "imported.html",
            name=", ".join(job.names),
            done=job.imported,
            rejected=NotesView.of(
                job.imported.rejected, visit.language, count=job.imported.rejected_count
            ),
            warnings=NotesView.of(
                job.imported.warnings, visit.language, count=job.imported.warnings_count
            ),
            waiting=projects.waiting() + projects.pending_count(visit.kb.embeddings),
            here=visit.href(address),
        )
    progress = job.progress if job.state is JobState.RUNNING else None
    counted = progress if progress is not None and progress.total > 0 else None
    if counted is not None:
        at, of = visit.number(counted.done), visit.number(counted.total)
        line = visit.t("import_at", at=at, of=of)
    elif progress is not None:
        line = visit.t("import_busy")
    else:
        line = visit.t("import_waits" if job.state is JobState.QUEUED else "import_runs")
    still = "still" in visit.request.query_params
    return visit.page(
        "import_job.html",
        name=", ".join(job.names),
        line=line,
        failed="" if job.error is None else job.error.text(visit.language),
        progress=counted,
        reload=0 if still else _RELOAD_SECONDS,
        here=visit.href(address),
        still=visit.href(address, ("still", "1")),
    )


def _page(visit: Visit, table: SentTable, *, fault: str = "", status: int = 200) -> Response:
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
        rejected=_first_notes(visit, preview.rejected),
        warnings=_first_notes(visit, preview.warnings),
        action=visit.href(f"/projects/import/{table.id}"),
        corrected=visit.request.query_params.get("done") == "corrected",
    )


def _first_notes(visit: Visit, notes: Sequence[RowNote]) -> NotesView:
    return NotesView.of(notes[:_SHOWN_ROWS], visit.language, count=len(notes))


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
    if _job(visit, table_id) is not None:  # sent twice
        return RedirectResponse(visit.href(f"/projects/import/{table_id}"), status_code=303)
    if action == "forget":
        tables.forget(table_id)
        return RedirectResponse(
            visit.href("/projects/import", ("done", "forgotten")), status_code=303
        )
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
    _jobs(visit).enqueue_import(table.id, name=table.name, size=table.size)
    worker: Worker = visit.request.app.state.worker
    worker.wake()
    return RedirectResponse(visit.href(f"/projects/import/{table_id}"), status_code=303)
