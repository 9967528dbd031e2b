"""Uploads as jobs: rows of the catalogue that outlive the process which took them in.

A job is claimed with a lease: who works on it and until when. The holder renews the lease;
when it dies the lease runs out and the next worker takes the job up again, at most three times
in all, so a file that kills its reader can't do so for ever. What a job reads stands in a
folder of its own below the data folder until the job has ended.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from ingest.locking import writer_lock
from ingest.pipeline import Progress, Rejection, Report, ingest_sources
from ingest.registry import index_some, indexes_later
from ingest.sources import Source
from kb.catalogue import Catalogue, now
from kb.errors import (
    CatalogueBusy,
    KnowledgeBaseError,
    NotFound,
    StorageError,
    UnreadableDocument,
)
from kb.knowledge_base import KnowledgeBase
from kb.model import Confidentiality, Kind, Metadata

LEASE_SECONDS = 10.0
MAX_ATTEMPTS = 3
KEPT_DAYS = 30
"""Ended jobs are forgotten after so long."""

_HEARTBEAT_SECONDS = 1.0
_POLL_SECONDS = 2.0
_ABANDONED_SECONDS = 24 * 3600
_UPLOAD = "upload"

_log = logging.getLogger(__name__)


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that was received: where it is kept and what its sender calls it."""

    stored: str
    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it stands; ``error`` is set when it failed, ``report`` when it is done."""

    id: str
    state: JobState
    files: tuple[UploadedFile, ...]
    metadata: Metadata
    attempts: int
    created: str
    changed: str
    progress: Progress | None = None
    report: Report | None = None
    error: KnowledgeBaseError | None = None

    def to_json(self, language: str = "en") -> dict[str, object]:
        """Return the object of the published interface.

        A job that waits for another process's ingestion is shown as queued.
        """
        waiting = self.progress is not None and self.progress.stage == "waiting"
        state = JobState.QUEUED if self.state is JobState.RUNNING and waiting else self.state
        return {
            "job_id": self.id,
            "state": str(state),
            "files": [{"name": file.name, "size": file.size} for file in self.files],
            "created": self.created,
            "changed": self.changed,
            "progress": None if self.progress is None else asdict(self.progress),
            "report": None if self.report is None else self.report.to_json(language),
            "error": None
            if self.error is None
            else {"code": self.error.code, "detail": self.error.text(language)},
        }


class Jobs:
    """The queue: rows of the catalogue's ``job`` table."""

    def __init__(self, catalogue: Catalogue, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._catalogue = catalogue
        self._lease_seconds = lease_seconds

    @property
    def folder(self) -> Path:
        """The folder that holds what jobs will read, a folder a job."""
        return self._catalogue.folder / "uploads"

    def new_folder(self) -> tuple[str, Path]:
        """Make a folder for what was sent, for a job that is about to be queued; return its id too.

        Raises StorageError where none can be made.
        """
        job_id = secrets.token_hex(8)
        folder = self.folder / job_id
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise StorageError("storage", folder=self.folder, why=error) from error
        return job_id, folder

    def enqueue(self, job_id: str, files: Sequence[UploadedFile], metadata: Metadata) -> None:
        """Queue the files that stand in the job's folder."""
        payload = {"files": [asdict(file) for file in files], "metadata": asdict(metadata)}
        with self._catalogue.transaction() as connection:
            connection.execute(
                "INSERT INTO job VALUES (?, ?, 'queued', ?, '{}', 0, NULL, ?, ?)",
                (job_id, _UPLOAD, json.dumps(payload, ensure_ascii=False), now(), now()),
            )

    def get(self, job_id: str) -> Job:
        """Return a job; raises NotFound."""
        row = self._catalogue.connection.execute(
            f"SELECT {_COLUMNS} FROM job WHERE id = ? AND kind = ?", (job_id, _UPLOAD)
        ).fetchone()
        if row is None:
            raise NotFound(what="job", id=job_id)
        return _job(row)

    def recent(self, limit: int = 50) -> list[Job]:
        """Return the jobs that were queued last, newest first."""
        rows = self._catalogue.connection.execute(
            f"SELECT {_COLUMNS} FROM job WHERE kind = ? ORDER BY rowid DESC LIMIT ?",
            (_UPLOAD, limit),
        ).fetchall()
        return [_job(row) for row in rows]

    def unfinished(self) -> int:
        """Return how many jobs are queued or running."""
        count: int = self._catalogue.connection.execute(
            "SELECT count(*) FROM job WHERE kind = ? AND state IN ('queued', 'running')",
            (_UPLOAD,),
        ).fetchone()[0]
        return count

    def claim(self, owner: str) -> Job | None:
        """Take the oldest job that is queued, or whose holder is gone; None when there is none.

        One whose holders were lost ``MAX_ATTEMPTS`` times is failed instead.
        """
        claimable = (
            "kind = ? AND (state = 'queued' OR (state = 'running' AND "
            "CAST(substr(lease, 1, instr(lease, ' ')) AS REAL) < ?))"
        )
        values = (_UPLOAD, time.time())
        # Looked at first without the write lock: most of the time there is nothing.
        if not self._catalogue.connection.execute(
            f"SELECT 1 FROM job WHERE {claimable} LIMIT 1", values
        ).fetchone():
            return None
        with self._catalogue.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM job WHERE {claimable} ORDER BY rowid", values
            ).fetchall()
            for row in rows:
                if row["attempts"] >= MAX_ATTEMPTS:
                    self._end(row["id"], error=KnowledgeBaseError("job_crashed"))
                    continue
                connection.execute(
                    "UPDATE job SET state = 'running', attempts = attempts + 1, lease = ?, "
                    "result = '{}', changed = ? WHERE id = ?",
                    (self._lease(owner), now(), row["id"]),
                )
                return self.get(row["id"])
        return None

    def renew(self, job_id: str, owner: str, progress: Progress | None) -> bool:
        """Prolong a lease and note how far the job is; False when it is another's by now."""
        result = {} if progress is None else {"progress": asdict(progress)}
        with self._catalogue.transaction() as connection:
            changed = connection.execute(
                f"UPDATE job SET lease = ?, result = ?, changed = ? WHERE id = ? AND {_HELD_BY}",
                (self._lease(owner), json.dumps(result), now(), job_id, owner),
            )
        return changed.rowcount == 1

    def release(self, job_id: str, owner: str) -> bool:
        """Put a job back into the queue, as if it had not been tried."""
        with self._catalogue.transaction() as connection:
            changed = connection.execute(
                "UPDATE job SET state = 'queued', lease = NULL, result = '{}', "
                f"attempts = max(0, attempts - 1), changed = ? WHERE id = ? AND {_HELD_BY}",
                (now(), job_id, owner),
            )
        return changed.rowcount == 1

    def finish(
        self,
        job_id: str,
        owner: str,
        *,
        report: Report | None = None,
        error: KnowledgeBaseError | None = None,
    ) -> bool:
        """End a job, with a report or an error; False when it is another's by now."""
        with self._catalogue.transaction() as connection:
            if not connection.execute(
                f"SELECT 1 FROM job WHERE id = ? AND {_HELD_BY}", (job_id, owner)
            ).fetchone():
                return False
            self._end(job_id, report=report, error=error)
        return True

    def _end(
        self, job_id: str, *, report: Report | None = None, error: KnowledgeBaseError | None = None
    ) -> None:
        result: dict[str, object] = {}
        if report is not None:
            result["report"] = _report_record(report)
        if error is not None:
            result["error"] = {"code": error.code, "params": error.params}
        self._catalogue.connection.execute(
            "UPDATE job SET state = ?, lease = NULL, result = ?, changed = ? WHERE id = ?",
            (
                str(JobState.DONE if error is None else JobState.FAILED),
                json.dumps(result, ensure_ascii=False),
                now(),
                job_id,
            ),
        )

    def sweep(self) -> None:
        """Forget jobs that ended long ago, and delete files that no unfinished job will read.

        A folder without a job may be of an upload that is being received, so it is left for a
        day.
        """
        limit = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
        with self._catalogue.transaction() as connection:
            connection.execute(
                "DELETE FROM job WHERE kind = ? AND state IN ('done', 'failed') AND changed < ?",
                (_UPLOAD, limit.isoformat(timespec="seconds")),
            )
        if not self.folder.is_dir():
            return
        states = {
            row["id"]: row["state"]
            for row in self._catalogue.connection.execute("SELECT id, state FROM job")
        }
        for folder in self.folder.iterdir():
            state = states.get(folder.name)
            if state is None:
                try:
                    age = time.time() - folder.stat().st_mtime
                except FileNotFoundError:  # another process swept it
                    continue
                gone = age > _ABANDONED_SECONDS
            else:
                gone = state in (JobState.DONE, JobState.FAILED)
            if gone:
                shutil.rmtree(folder, ignore_errors=True)

    def _lease(self, owner: str) -> str:
        return f"{time.time() + self._lease_seconds:.3f} {owner}"


_COLUMNS = "id, state, payload, result, attempts, created, changed"
_HELD_BY = "state = 'running' AND substr(lease, instr(lease, ' ') + 1) = ?"


class Worker:
    """The one thread of a process that carries out upload jobs, one after the other."""

    def __init__(self, kb: KnowledgeBase, jobs: Jobs) -> None:
        self._kb = kb
        self._jobs = jobs
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._current: str | None = None
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def wake(self) -> None:
        """Say that a job was queued, so that it needn't wait for the next look."""
        self._wake.set()

    def stop(self, *, seconds: float = 3) -> bool:
        """Stop at the next step; the job goes back into the queue. False when it takes longer.

        Then the job is given back nevertheless: the process is about to end, and that is not
        the job's fault.
        """
        self._stop.set()
        self._wake.set()
        self._thread.join(seconds)
        current = self._current
        if current is not None and self._thread.is_alive():
            self._jobs.release(current, self._owner)
        return not self._thread.is_alive()

    def _run(self) -> None:
        swept = False
        while not self._stop.is_set():
            self._wake.clear()
            try:
                if not swept:
                    self._jobs.sweep()
                    swept = True
                job = self._jobs.claim(self._owner)
                if job is not None:
                    self._carry_out(job)
                    continue
                self._flush()
                if self._index():
                    continue
            except KnowledgeBaseError as error:
                # A full disk or a locked catalogue may pass; the queue stays as it is.
                _log.warning("jobs can't be looked up: %s", error)
            except Exception:
                _log.exception("a job ended in an unforeseen way")
            self._wake.wait(_POLL_SECONDS)

    def _flush(self) -> None:
        """Have the vector index forget what was removed, unless a writer is about to do it."""
        catalogue = self._kb.catalogue
        if not catalogue.connection.execute("SELECT 1 FROM outbox LIMIT 1").fetchone():
            return
        with suppress(CatalogueBusy), writer_lock(catalogue.folder, wait_seconds=0):
            self._kb.vectors.flush()

    def _index(self) -> bool:
        """Index a few projects that were imported by a page; False when there are none.

        The lock is let go of after each step, so that nobody waits long for it.
        """
        if not indexes_later(self._kb.catalogue):
            return False
        try:
            with writer_lock(self._kb.catalogue.folder, wait_seconds=0):
                return index_some(self._kb)
        except CatalogueBusy:
            return False

    def _carry_out(self, job: Job) -> None:
        ended = False
        self._current = job.id
        with self._kept(job) as note:
            try:
                report = ingest_sources(self._kb, sources_of(job, self._jobs.folder), progress=note)
            except _Stopped:
                self._jobs.release(job.id, self._owner)
            except CatalogueBusy:
                # Another process has been ingesting for long: wait in the queue once more.
                self._jobs.release(job.id, self._owner)
            except KnowledgeBaseError as error:
                ended = self._jobs.finish(job.id, self._owner, error=error)
            except Exception:
                _log.exception("job %s failed", job.id)
                ended = self._jobs.finish(
                    job.id, self._owner, error=KnowledgeBaseError("unexpected")
                )
            else:
                ended = self._jobs.finish(job.id, self._owner, report=report)
        self._current = None
        if ended:
            shutil.rmtree(self._jobs.folder / job.id, ignore_errors=True)

    @contextmanager
    def _kept(self, job: Job) -> Iterator[Callable[[Progress], None]]:
        """Renew a job's lease while the block runs; what it is given is noted as progress."""
        over = threading.Event()
        latest: list[Progress | None] = [None]

        def note(progress: Progress) -> None:
            latest[0] = progress
            if self._stop.is_set():
                raise _Stopped

        def beat() -> None:
            while not over.wait(_HEARTBEAT_SECONDS):
                try:
                    self._jobs.renew(job.id, self._owner, latest[0])
                except KnowledgeBaseError as error:
                    _log.warning("the lease of job %s wasn't renewed: %s", job.id, error)

        thread = threading.Thread(target=beat, name="job-lease", daemon=True)
        thread.start()
        try:
            yield note
        finally:
            over.set()
            thread.join()


class _Stopped(Exception):
    """The process is being stopped."""


def sources_of(job: Job, folder: Path) -> list[Source]:
    """Return what a job reads; files that a crash left deleted are left out.

    The key is the name that the sender gave, so a newer version replaces the older.
    """
    sources: list[Source] = []
    for file in job.files:
        path = folder / job.id / file.stored
        if not path.is_file():
            continue
        sources.append(
            Source(
                key=f"{_UPLOAD}:{file.name}",
                path=path,
                root=_UPLOAD,
                name=file.name,
                size=file.size,
                mtime_ns=path.stat().st_mtime_ns,
                metadata=job.metadata,
            )
        )
    return sources


# What the rows hold.


def _job(row: sqlite3.Row) -> Job:
    payload = json.loads(row["payload"])
    result = json.loads(row["result"])
    progress, report, error = result.get("progress"), result.get("report"), result.get("error")
    return Job(
        id=row["id"],
        state=JobState(row["state"]),
        files=tuple(UploadedFile(**file) for file in payload["files"]),
        metadata=_metadata(payload["metadata"]),
        attempts=row["attempts"],
        created=row["created"],
        changed=row["changed"],
        progress=None if progress is None else Progress(**progress),
        report=None if report is None else _report(report),
        error=None if error is None else KnowledgeBaseError(error["code"], **error["params"]),
    )


def _metadata(record: Mapping[str, object]) -> Metadata:
    values = {**record}
    values["kind"] = Kind(cast(str, record["kind"]))
    values["confidentiality"] = Confidentiality(cast(str, record["confidentiality"]))
    values["themes"] = tuple(cast(list[str], record["themes"]))
    # Written by ``enqueue`` from a Metadata: the fields and their types are the same.
    return Metadata(**values)  # type: ignore[arg-type]


def _report_record(report: Report) -> dict[str, object]:
    return {
        **{entry.name: getattr(report, entry.name) for entry in fields(Report)},
        "rejected": [
            {"source": rejection.source, "code": rejection.error.code}
            | {"params": rejection.error.params}
            for rejection in report.rejected
        ],
    }


def _report(record: Mapping[str, object]) -> Report:
    values = {**record}
    values["rejected"] = [
        Rejection(one["source"], UnreadableDocument(one["code"], **one["params"]))
        for one in cast("list[dict[str, Any]]", record["rejected"])
    ]
    values["warnings"] = [
        (source, warning) for source, warning in cast(list[list[str]], record["warnings"])
    ]
    return Report(**values)  # type: ignore[arg-type]  # as ``_report_record`` wrote it
