"""Files that couldn't be taken in: listed with reason and cure, read again, or ignored."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.web.site import Visit
from ingest.jobs import JobKind, Jobs
from kb.errors import NotFound, UnreadableDocument
from kb.sources import RejectedRecord

router = APIRouter()


@dataclass(frozen=True, slots=True)
class RejectedView:
    """A file as it is shown; an upload has no ``retry``: its file is gone, it is sent again."""

    name: str
    reason: str
    cure: str
    retry: str
    ignore: str
    ignored: bool


def rejected_views(visit: Visit) -> list[RejectedView]:
    """Return what couldn't be taken in; what is ignored comes last."""
    views = []
    for record in visit.kb.catalogue.rejected():
        error = UnreadableDocument(record.code, **record.params)
        address = f"/rejected/{_id(record)}"
        again = record.source.root != JobKind.UPLOAD
        views.append(
            RejectedView(
                name=record.source.name,
                reason=error.text(visit.language),
                cure=error.cure(visit.language),
                retry=visit.href(f"{address}/retry") if again else "",
                ignore=visit.href(f"{address}/ignore"),
                ignored=record.ignored,
            )
        )
    return sorted(views, key=lambda view: view.ignored)


def _id(record: RejectedRecord) -> str:
    """Return what a file is addressed by: its path on our disk is nobody's business."""
    return sha256(record.source.key.encode()).hexdigest()[:16]


def _key(visit: Visit, file_id: str) -> str:
    for record in visit.kb.catalogue.rejected():
        if _id(record) == file_id:
            return record.source.key
    raise NotFound("not_rejected", file=file_id)


@router.post("/rejected/retry")
def retry_all(request: Request) -> Response:
    """Read all again that lie where they were and aren't ignored."""
    visit = Visit(request)
    keys = [
        record.source.key
        for record in visit.kb.catalogue.rejected()
        if record.source.root != JobKind.UPLOAD and not record.ignored
    ]
    return _queued(visit, keys)


@router.post("/rejected/{file_id}/retry")
def retry(file_id: str, request: Request) -> Response:
    """Read a file again; leads to the list, where the job's progress is shown."""
    visit = Visit(request)
    return _queued(visit, [_key(visit, file_id)])


def _queued(visit: Visit, keys: list[str]) -> Response:
    if not keys:
        return RedirectResponse(visit.href("/documents"), status_code=303)
    jobs: Jobs = visit.request.app.state.jobs
    job_id = jobs.enqueue_retry(keys)
    visit.request.app.state.worker.wake()
    address = visit.href("/documents", ("job", job_id), fragment="job")
    return RedirectResponse(address, status_code=303)


@router.post("/rejected/{file_id}/ignore")
def ignore(file_id: str, request: Request) -> Response:
    """Say no more of a file while it stays as it is."""
    visit = Visit(request)
    visit.kb.catalogue.ignore_rejected([_key(visit, file_id)])
    address = visit.href("/documents", ("done", "ignored"), fragment="rejected")
    return RedirectResponse(address, status_code=303)
