"""The one queue of what is taken in: uploads, tables of projects, folders named or watched.

A job is a row of the catalogue that outlives the process which made it. It is held with a
lease: who works on it and until when. The holder renews the lease; when it dies the lease runs
out and a service's worker takes the job up again, at most three times in all, so a file that
kills its reader can't do so for ever. Uploads wait for a worker, and what they brought stands
in a folder of its own below the data folder until the job has ended; a command holds its job
from the start (see ``ingest.working``).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from ingest.outcomes import Progress, Rejection, Report
from ingest.registry import Imported
from ingest.registry_rows import RowNote
from ingest.sources import Source
from kb.catalogue import Catalogue
from kb.database import now
from kb.errors import KnowledgeBaseError, NotFound, StorageError, UnreadableDocument
from kb.model import Confidentiality, Kind, Metadata

LEASE_SECONDS = 10.0
MAX_ATTEMPTS = 3
KEPT_DAYS = 30
"""Ended jobs are forgotten after so long."""

_ABANDONED_SECONDS = 24 * 3600


class JobKind(StrEnum):
    """Where a job comes from."""

    UPLOAD = "upload"
    FOLDER = "folder"
    WATCH = "watch"
    RETRY = "retry"  # rejected files are read again
    PROJECTS = "projects"  # a table of projects that was sent


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
    """A job as it stands; ``error`` is set when it failed, ``report`` when it is done.

    ``imported`` is the report of a table of projects. ``files`` and ``metadata`` belong to
    uploads; ``paths``, ``prune`` and ``cautious``, as in ``ingest.pipeline.ingest``, to folders;
    ``keys`` of rejected files to a retry.
    """

    id: str
    kind: JobKind = JobKind.UPLOAD
    state: JobState
    files: tuple[UploadedFile, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)
    paths: tuple[Path, ...] = ()
    prune: bool = False
    cautious: bool = False
    keys: tuple[str, ...] = ()
    attempts: int
    created: str
    changed: str
    progress: Progress | None = None
    report: Report | None = None
    imported: Imported | None = None
    error: KnowledgeBaseError | None = None

    @property
    def names(self) -> list[str]:
        """What it takes in, by names that may be shown: of a path only the last part."""
        if self.files:
            return [file.name for file in self.files]
        keys = (key.removeprefix(f"{JobKind.UPLOAD}:") for key in self.keys)
        paths = self.paths or tuple(map(Path, keys))
        return [_shown(path.name or str(path)) for path in paths]

    def to_json(self, language: str = "en") -> dict[str, object]:
        """Return the object of the published interface.

        A job that waits for another process's ingestion is shown as queued.
        """
        waiting = self.progress is not None and self.progress.stage == "waiting"
        state = JobState.QUEUED if self.state is JobState.RUNNING and waiting else self.state
        report = self.report or self.imported
        return {
            "job_id": self.id,
            "kind": str(self.kind),
            "state": str(state),
            "names": self.names,
            "files": [{"name": file.name, "size": file.size} for file in self.files],
            "created": self.created,
            "changed": self.changed,
            "progress": None if self.progress is None else asdict(self.progress),
            "report": None if report is None else report.to_json(language),
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
        self._put(job_id, JobKind.UPLOAD, payload)

    def enqueue_import(self, job_id: str, *, name: str, size: int) -> None:
        """Queue the import of a table that was sent to the job's folder, once."""
        payload = {"files": [asdict(UploadedFile("", name, size))]}
        with self._catalogue.transaction() as connection:
            if not connection.execute("SELECT 1 FROM job WHERE id = ?", (job_id,)).fetchone():
                self._put(job_id, JobKind.PROJECTS, payload)

    def enqueue_retry(self, keys: Sequence[str]) -> str:
        """Queue rejected files to be read again; return the job's id."""
        job_id = secrets.token_hex(8)
        self._put(job_id, JobKind.RETRY, {"keys": list(keys)})
        return job_id

    def begin(
        self,
        kind: JobKind,
        owner: str,
        *,
        paths: Sequence[Path] = (),
        prune: bool = False,
        cautious: bool = False,
        keys: Sequence[str] = (),
    ) -> Job:
        """Put a job in that its maker carries out itself, held from the start.

        Jobs of the same paths whose holders are gone are ended: this one does their work.
        """
        job_id = secrets.token_hex(8)
        whole = [os.fspath(path.absolute()) for path in paths]
        payload = {"paths": whole, "prune": prune, "cautious": cautious, "keys": list(keys)}
        with self._catalogue.transaction() as connection:
            lost = connection.execute(
                f"SELECT {_COLUMNS} FROM job WHERE kind IN ('folder', 'watch') AND {_LOST}",
                (time.time(),),
            ).fetchall()
            for row in lost:
                if set(json.loads(row["payload"])["paths"]) <= set(whole):
                    self._end(row["id"], error=KnowledgeBaseError("job_superseded"))
            self._forget_old()
            self._put(job_id, kind, payload)
            connection.execute(
                "UPDATE job SET state = 'running', attempts = 1, lease = ? WHERE id = ?",
                (self._lease(owner), job_id),
            )
        return self.get(job_id)

    def _put(self, job_id: str, kind: JobKind, payload: Mapping[str, object]) -> None:
        with self._catalogue.transaction() as connection:
            connection.execute(
                "INSERT INTO job VALUES (?, ?, 'queued', ?, '{}', 0, NULL, ?, ?)",
                # Escaped: a path may hold bytes that are no characters.
                (job_id, str(kind), json.dumps(payload), now(), now()),
            )

    def get(self, job_id: str) -> Job:
        """Return a job; raises NotFound."""
        row = self._catalogue.connection.execute(
            f"SELECT {_COLUMNS} FROM job WHERE id = ?", (job_id,)
        ).fetchone()
        if row is None:
            raise NotFound(what="job", id=job_id)
        return _job(row)

    def recent(self, limit: int = 50) -> list[Job]:
        """Return the jobs that were queued last, newest first."""
        rows = self._catalogue.connection.execute(
            f"SELECT {_COLUMNS} FROM job ORDER BY rowid DESC LIMIT ?",
            (limit,),
        ).fetchall()
        return [_job(row) for row in rows]

    def unfinished(self) -> int:
        """Return how many jobs are queued or running."""
        count: int = self._catalogue.connection.execute(
            "SELECT count(*) FROM job WHERE state IN ('queued', 'running')"
        ).fetchone()[0]
        return count

    def claim(self, owner: str) -> Job | None:
        """Take the oldest job that is queued, or whose holder is gone; None when there is none.

        One whose holders were lost ``MAX_ATTEMPTS`` times is failed instead.
        """
        claimable = f"(state = 'queued' OR ({_LOST}))"
        values = (time.time(),)
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
        report: Report | Imported | None = None,
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
        self,
        job_id: str,
        *,
        report: Report | Imported | None = None,
        error: KnowledgeBaseError | None = None,
    ) -> None:
        result: dict[str, object] = {}
        if isinstance(report, Report):
            result["report"] = _report_record(report)
        elif report is not None:
            result["imported"] = asdict(report)
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

    def drop(self, job_id: str, owner: str) -> None:
        """Forget a job that found nothing to do, such as a scan of a watched folder."""
        with self._catalogue.transaction() as connection:
            connection.execute(f"DELETE FROM job WHERE id = ? AND {_HELD_BY}", (job_id, owner))

    def _forget_old(self) -> None:
        limit = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
        with self._catalogue.transaction() as connection:
            connection.execute(
                "DELETE FROM job WHERE state IN ('done', 'failed') AND changed < ?",
                (limit.isoformat(timespec="seconds"),),
            )

    def sweep(self) -> None:
        """Forget jobs that ended long ago, and delete files that no unfinished job will read.

        A folder without a job may be of an upload that is being received, so it is left for a
        day.
        """
        self._forget_old()
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


_NOTES = ("rejected", "warnings")
_COLUMNS = "id, kind, state, payload, result, attempts, created, changed"
_LOST = "state = 'running' AND CAST(substr(lease, 1, instr(lease, ' ')) AS REAL) < ?"
_HELD_BY = "state = 'running' AND substr(lease, instr(lease, ' ') + 1) = ?"


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
                key=f"{JobKind.UPLOAD}:{file.name}",
                path=path,
                root=str(JobKind.UPLOAD),
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
    imported = result.get("imported")
    return Job(
        id=row["id"],
        kind=JobKind(row["kind"]),
        state=JobState(row["state"]),
        files=tuple(UploadedFile(**file) for file in payload.get("files", [])),
        metadata=_metadata(payload["metadata"]) if "metadata" in payload else Metadata(),
        paths=tuple(Path(path) for path in payload.get("paths", [])),
        prune=payload.get("prune", False),
        cautious=payload.get("cautious", False),
        keys=tuple(payload.get("keys", [])),
        attempts=row["attempts"],
        created=row["created"],
        changed=row["changed"],
        progress=None if progress is None else Progress(**progress),
        report=None if report is None else _report(report),
        imported=None if imported is None else _imported(imported),
        error=None if error is None else KnowledgeBaseError(error["code"], **error["params"]),
    )


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", errors="replace")


def _metadata(record: Mapping[str, object]) -> Metadata:
    values = {**record}
    values["kind"] = Kind(cast(str, record["kind"]))
    values["confidentiality"] = Confidentiality(cast(str, record["confidentiality"]))
    values["themes"] = tuple(cast(list[str], record["themes"]))
    # Written by ``enqueue`` from a Metadata: the fields and their types are the same.
    return Metadata(**values)  # type: ignore[arg-type]


def _imported(record: Mapping[str, Any]) -> Imported:
    notes = {name: tuple(RowNote(**one) for one in record[name]) for name in _NOTES}
    return Imported(**{**record, **notes})


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
