"""The documents page: what is in, adding, removing, and what couldn't be read."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.problems import status_of, text_of
from api.routes.uploads import receive
from api.web.asked import Asked
from api.web.rejected import rejected_views
from api.web.site import Visit
from api.web.viewer import document_line
from ingest.jobs import Job, JobKind, Jobs, JobState
from ingest.locking import writer_lock
from ingest.outcomes import Report
from kb.catalogue import DocumentRow
from kb.errors import KnowledgeBaseError, NotFound
from kb.model import LANGUAGES, Confidentiality, Kind
from kb.scoping import allows
from kb.themes import themes

router = APIRouter()

_PER_PAGE = 50
_LOCK_SECONDS = 20.0
"""How long removal waits for an ingestion before it says that the catalogue is busy."""


@dataclass(frozen=True, slots=True)
class JobView:
    """An upload as it is shown; ``progress`` and ``total`` are None where nothing is counted."""

    id: str
    names: list[str]
    line: str
    notes: list[str]
    rejected: list[tuple[str, str, str]]
    warnings: list[tuple[str, str]]
    over: bool
    failed: bool
    progress: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class RowView:
    """A document of the list."""

    row: DocumentRow
    line: str
    href: str
    remove: str
    warnings: list[str]


@router.get("/documents")
def documents_page(request: Request) -> Response:
    """Show the list with its filters, the form for adding, and what couldn't be read."""
    return _documents(Visit(request))


def _documents(visit: Visit, *, fault: str = "", status: int = 200) -> Response:
    params = visit.request.query_params
    asked = Asked.of(params)
    find = params.get("find", "").strip()[:200]
    try:
        scope = asked.scope()
    except KnowledgeBaseError as error:
        fault, status = text_of(error, visit.language), status_of(error)
        rows: list[DocumentRow] = []
    else:
        words = find.casefold().split()
        rows = [row for row in visit.rows if allows(scope, row) and _named(row, words)]
    wanted = params.get("page", "")
    pages = max(1, -(-len(rows) // _PER_PAGE))
    page = min(max(int(wanted) if wanted.isdecimal() and len(wanted) < 7 else 1, 1), pages)
    shown = rows[(page - 1) * _PER_PAGE : page * _PER_PAGE]

    def list_address(number: int) -> str:
        pairs = [("find", find), *asked.pairs(), ("page", number)]
        return visit.href("/documents", *pairs, fragment="list")

    job_id = params.get("job", "")
    job: JobView | None = None
    if job_id:
        try:
            job = _job_view(visit, _job(visit, job_id))
        except NotFound:
            job = None
    return visit.page(
        "documents.html",
        status,
        asked=asked,
        find=find,
        fault=fault,
        facets=visit.facets,
        titles={str(row.id): row.metadata.title for row in visit.rows},
        rows=[_row_view(visit, row) for row in shown],
        count=len(rows),
        page=page,
        pages=pages,
        previous=list_address(page - 1) if page > 1 else "",
        following=list_address(page + 1) if page < pages else "",
        rejected=rejected_views(visit),
        job=job,
        done=params.get("done", ""),
        limit=visit.settings.max_file_mb,
        kinds=[str(kind) for kind in Kind],
        levels=[str(level) for level in Confidentiality],
        default_level=str(Confidentiality.INTERNAL),
        document_languages=LANGUAGES,
        all_themes=[theme.id for theme in themes()],
        clear=visit.href("/documents"),
        limits=visit.limits("/documents", asked, ("find", find)),
    )


def _named(row: DocumentRow, words: list[str]) -> bool:
    name = f"{row.metadata.title} {row.source}".casefold()
    return all(word in name for word in words)


def _row_view(visit: Visit, row: DocumentRow) -> RowView:
    return RowView(
        row=row,
        line=document_line(visit, row),
        href=visit.href(f"/documents/{row.id}"),
        remove=visit.href(f"/documents/{row.id}/remove"),
        warnings=[visit.t.warning(warning) for warning in row.warnings],
    )


# -- adding --------------------------------------------------------------------------------------


@router.post("/documents/upload")
async def upload(request: Request) -> Response:
    """Receive files and lead to the list, where the job's progress is shown."""
    visit = Visit(request)
    try:
        job_id = await receive(
            request, jobs=request.app.state.jobs, max_file_mb=visit.settings.max_file_mb
        )
    except KnowledgeBaseError as error:
        text, status = text_of(error, visit.language), status_of(error)
        return await run_in_threadpool(_documents, visit, fault=text, status=status)
    request.app.state.worker.wake()
    return RedirectResponse(
        visit.href("/documents", ("job", job_id), fragment="job"), status_code=303
    )


@router.get("/jobs/{job_id}")
def job_panel(job_id: str, request: Request) -> Response:
    """Return how far an upload is, for the page's script."""
    visit = Visit(request)
    return visit.page("job.html", job=_job_view(visit, _job(visit, job_id)))


def _job(visit: Visit, job_id: str) -> Job:
    """Return a job that takes documents in; raises NotFound, also where it takes in projects."""
    jobs: Jobs = visit.request.app.state.jobs
    job = jobs.get(job_id)
    if job.kind is JobKind.PROJECTS:
        raise NotFound(what="job", id=job_id)
    return job


def _job_view(visit: Visit, job: Job) -> JobView:
    t = visit.t
    progress = job.progress
    report = job.report
    line, notes = t(f"job_{job.state}" if job.state != JobState.DONE else "job_running"), []
    counted = job.state is JobState.RUNNING and progress is not None and progress.total > 0
    if job.state is JobState.RUNNING and progress is not None:
        if progress.stage == "waiting":
            line = t("job_queued")
        elif counted:
            at = min(progress.done + (progress.stage == "reading"), progress.total)
            line = t(f"job_{progress.stage}", at=at, of=progress.total)
    elif job.state is JobState.FAILED:
        line = t("job_failed")
        if job.error is not None:
            notes.append(job.error.text(visit.language))
    elif report is not None:
        line, notes = _outcome(visit, report)
    return JobView(
        id=job.id,
        names=job.names,
        line=line,
        notes=notes,
        rejected=[
            (one.source, one.error.text(visit.language), one.error.cure(visit.language))
            for one in (report.rejected if report else [])
        ],
        warnings=[
            (source, t.warning(warning)) for source, warning in (report.warnings if report else [])
        ],
        over=job.state in (JobState.DONE, JobState.FAILED),
        failed=job.state is JobState.FAILED
        or (report is not None and not report.ingested and not report.unchanged),
        progress=progress.done if counted and progress else None,
        total=progress.total if counted and progress else None,
    )


def _outcome(visit: Visit, report: Report) -> tuple[str, list[str]]:
    lines: list[str] = []
    if report.ingested:
        lines.append(visit.t.count("job_done", report.ingested))
    if report.unchanged:
        lines.append(visit.t.count("job_unchanged", report.unchanged))
    if not lines:
        lines.append(visit.t("job_failed"))
    return lines[0], lines[1:]


# -- removing ------------------------------------------------------------------------------------


@router.get("/documents/{document_id}/remove")
def remove_page(document_id: str, request: Request) -> Response:
    """Ask whether a document is to be removed."""
    visit = Visit(request)
    title = visit.kb.document(document_id).metadata.title
    return visit.page(
        "confirm.html",
        title=visit.t("remove_title"),
        text=visit.t("remove_text", title=title),
        action=visit.href(f"/documents/{document_id}/remove"),
        button=visit.t("remove_button"),
        back=visit.href("/documents"),
    )


@router.post("/documents/{document_id}/remove")
def remove(document_id: str, request: Request) -> Response:
    """Remove a document everywhere."""
    visit = Visit(request)
    with writer_lock(visit.settings.data_dir, wait_seconds=_LOCK_SECONDS):
        visit.kb.remove([document_id])
        visit.kb.vectors.flush()
    return RedirectResponse(visit.href("/documents", ("done", "removed")), status_code=303)


@router.get("/samples/remove")
def remove_samples_page(request: Request) -> Response:
    """Ask whether the sample documents are to be removed."""
    visit = Visit(request)
    return visit.page(
        "confirm.html",
        title=visit.t("samples_remove_title"),
        text=visit.t("samples_remove_text", count=visit.facets.samples),
        action=visit.href("/samples/remove"),
        button=visit.t("samples_remove"),
        back=visit.href("/"),
    )


@router.post("/samples/remove")
def remove_samples(request: Request) -> Response:
    """Remove every sample document."""
    visit = Visit(request)
    with writer_lock(visit.settings.data_dir, wait_seconds=_LOCK_SECONDS):
        visit.kb.remove_samples()
        visit.kb.vectors.flush()
    return RedirectResponse(visit.href("/documents", ("done", "samples")), status_code=303)
