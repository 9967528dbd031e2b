"""Uploads, the jobs they become, and what couldn't be taken in."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from api.problems import Refused
from api.receiving import FIELDS, Receiver
from api.routes import JobsHere, KnowledgeBaseHere, LanguageHere, WorkerHere, summary, told
from api.schemas import AcceptedOut, JobOut, RejectedOut
from ingest.jobs import Jobs
from kb.errors import KnowledgeBaseError, UnreadableDocument

router = APIRouter(prefix="/api", tags=["uploads"])

_MEGABYTE = 1024 * 1024
_DRAIN_SECONDS = 20.0
_FORM = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
        **{name: {"type": "string"} for name in FIELDS},
    },
}


@router.post(
    "/documents",
    operation_id="upload",
    summary=summary("upload"),
    status_code=202,
    response_model=AcceptedOut,
    openapi_extra={
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
    },
)
async def upload(
    request: Request, kb: KnowledgeBaseHere, jobs: JobsHere, worker: WorkerHere
) -> JSONResponse:
    """Receive files; they are taken in by a job."""
    job_id = await receive(request, jobs=jobs, max_file_mb=kb.settings.max_file_mb)
    worker.wake()
    return JSONResponse(
        {"job_id": job_id}, status_code=202, headers={"Location": f"/api/jobs/{job_id}"}
    )


async def receive(request: Request, *, jobs: Jobs, max_file_mb: int) -> str:
    """Stream a multipart request to a new job's folder, queue the job, return its id.

    Raises Refused, BadScope or StorageError; then nothing of it stays on disk.
    """
    async with received(request, jobs=jobs, max_file_mb=max_file_mb) as (job_id, receiver):
        files, metadata = receiver.finish()
        await run_in_threadpool(jobs.enqueue, job_id, files, metadata)
    return job_id


@asynccontextmanager
async def received(
    request: Request, *, jobs: Jobs, max_file_mb: int
) -> AsyncIterator[tuple[str, Receiver]]:
    """Stream a multipart request's files to a new job's folder; give the job's id and the files.

    Where that or the block fails nothing of it stays on disk. Raises Refused, StorageError.
    """
    boundary = _boundary(request)
    job_id, folder = await run_in_threadpool(jobs.new_folder)
    try:
        yield job_id, await _streamed(request, boundary, folder, max_file_mb=max_file_mb)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _boundary(request: Request) -> bytes:
    """Return what divides the parts of a request; raises Refused when it isn't multipart."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Refused("not_multipart", status=415)
    return options[b"boundary"]


async def _streamed(
    request: Request, boundary: bytes, folder: Path, *, max_file_mb: int
) -> Receiver:
    body = request.stream()
    receiver = Receiver(boundary, folder, file_limit=max_file_mb * _MEGABYTE)
    try:
        async for piece in body:
            await run_in_threadpool(receiver.feed, piece)
    except KnowledgeBaseError:
        # A client that is still sending when the connection closes never sees the answer.
        left = max_file_mb * _MEGABYTE
        with anyio.move_on_after(_DRAIN_SECONDS):
            async for piece in body:
                left -= len(piece)
                if left < 0:
                    break
        raise
    finally:
        receiver.close()
    return receiver


@router.get("/jobs", operation_id="jobs", summary=summary("jobs"), response_model=list[JobOut])
def jobs(queue: JobsHere, language: LanguageHere) -> JSONResponse:
    """List the latest jobs, newest first."""
    return told([job.to_json(language) for job in queue.recent()], language)


@router.get("/jobs/{job_id}", operation_id="job", summary=summary("job"), response_model=JobOut)
def job(job_id: str, queue: JobsHere, language: LanguageHere) -> JSONResponse:
    """Tell how far a job is, and what came of it."""
    return told(queue.get(job_id).to_json(language), language)


@router.get(
    "/rejected",
    operation_id="rejected",
    summary=summary("rejected"),
    response_model=list[RejectedOut],
)
def rejected(kb: KnowledgeBaseHere, language: LanguageHere) -> JSONResponse:
    """List the files that couldn't be taken in, with reason and cure."""
    out = []
    for record in kb.catalogue.rejected():
        error = UnreadableDocument(record.code, **record.params)
        out.append(
            {
                "source": record.source.name,
                "reason": error.text(language),
                "cure": error.cure(language),
                "code": error.code,
                "at": record.at,
                "ignored": record.ignored,
            }
        )
    return told(out, language)
