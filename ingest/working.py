"""Who carries out the queue's jobs: a service's worker, and commands that do their own.

``kb ingest``, ``kb watch`` and ``kb rejected retry`` put their job in and hold it from the
start, so it is seen with all others. If such a process is killed, a running service finishes
the job once its lease has run out; without one, the next command for the same paths does.
Whoever works holds the writer's lock beside the lease: the lease says whose a job is, the lock
that two of them don't write at once.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ingest.jobs import Job, JobKind, Jobs, sources_of
from ingest.locking import writer_lock
from ingest.outcomes import Outcome, Progress, Report
from ingest.pipeline import ingest, ingest_sources, retry_rejected
from ingest.registry import Imported, index_some, indexes_later
from ingest.registry_upload import SentTables
from kb.errors import CatalogueBusy, KnowledgeBaseError
from kb.knowledge_base import KnowledgeBase

_HEARTBEAT_SECONDS = 1.0
_POLL_SECONDS = 2.0

_log = logging.getLogger(__name__)


def take_in(
    kb: KnowledgeBase,
    paths: Sequence[Path],
    *,
    kind: JobKind = JobKind.FOLDER,
    prune: bool = False,
    cautious: bool = False,
    progress: Callable[[Progress], None] | None = None,
    outcome: Callable[[Outcome], None] | None = None,
) -> Report:
    """Take in files and folders as a job of the queue; see ``ingest.pipeline.ingest``.

    A watched folder's scan that found nothing new leaves no job behind.
    """
    jobs, owner = Jobs(kb.catalogue), _owner()
    job = jobs.begin(kind, owner, paths=paths, prune=prune, cautious=cautious)

    def work(note: Callable[[Progress], None]) -> Report:
        return ingest(kb, paths, prune=prune, cautious=cautious, progress=note, outcome=outcome)

    return _done_here(jobs, job, owner, work, progress)


def take_rejected(
    kb: KnowledgeBase,
    keys: Sequence[str] = (),
    *,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Read rejected files again as a job of the queue; see ``ingest.pipeline.retry_rejected``."""
    jobs, owner = Jobs(kb.catalogue), _owner()
    job = jobs.begin(JobKind.RETRY, owner, keys=keys)
    return _done_here(
        jobs, job, owner, lambda note: retry_rejected(kb, keys, progress=note), progress
    )


def _done_here(
    jobs: Jobs,
    job: Job,
    owner: str,
    work: Callable[[Callable[[Progress], None]], Report],
    progress: Callable[[Progress], None] | None,
) -> Report:
    """Carry out a job that this process has begun, and end it however that goes."""
    with _kept(jobs, job, owner) as noted:

        def note(how_far: Progress) -> None:
            noted(how_far)
            if progress is not None:
                progress(how_far)

        try:
            report = work(note)
        except BaseException as error:
            known = isinstance(error, KnowledgeBaseError)
            # A full disk may have no room for this either; what went wrong is told first.
            with suppress(KnowledgeBaseError):
                jobs.finish(
                    job.id,
                    owner,
                    error=error if known else KnowledgeBaseError("job_stopped"),  # type: ignore[arg-type]
                )
            raise
        if job.kind is JobKind.WATCH and not _changed(report):
            jobs.drop(job.id, owner)
        else:
            jobs.finish(job.id, owner, report=report)
    return report


def _changed(report: Report) -> bool:
    return bool(report.ingested or report.removed)


def _owner() -> str:
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def _carried_out(
    kb: KnowledgeBase, job: Job, folder: Path, note: Callable[[Progress], None]
) -> Report | Imported:
    """Do what a job says."""
    if job.kind is JobKind.PROJECTS:
        with writer_lock(kb.catalogue.folder, waiting=lambda: note(Progress("waiting", 0, 0))):
            return SentTables(kb.catalogue, folder).import_(
                job.id, progress=lambda done, total: note(Progress("projects", done, total))
            )
    if job.kind is JobKind.UPLOAD:
        return ingest_sources(kb, sources_of(job, folder), progress=note)
    if job.kind is JobKind.RETRY:
        there = {record.source.key for record in kb.catalogue.rejected()}
        keys = [key for key in job.keys if key in there] if job.keys else sorted(there)
        return retry_rejected(kb, keys, progress=note) if keys else Report()
    return ingest(kb, job.paths, prune=job.prune, cautious=job.cautious, progress=note)


@contextmanager
def _kept(jobs: Jobs, job: Job, owner: str) -> Iterator[Callable[[Progress], None]]:
    """Renew a job's lease while the block runs; what it is given is noted as progress."""
    over = threading.Event()
    latest: list[Progress | None] = [None]

    def note(progress: Progress) -> None:
        latest[0] = progress

    def beat() -> None:
        while not over.wait(_HEARTBEAT_SECONDS):
            try:
                jobs.renew(job.id, owner, latest[0])
            except KnowledgeBaseError as error:
                _log.warning("the lease of job %s wasn't renewed: %s", job.id, error)

    thread = threading.Thread(target=beat, name="job-lease", daemon=True)
    thread.start()
    try:
        yield note
    finally:
        over.set()
        thread.join()


class Worker:
    """The one thread of a service that carries out jobs, one after the other."""

    def __init__(self, kb: KnowledgeBase, jobs: Jobs) -> None:
        self._kb = kb
        self._jobs = jobs
        self._owner = _owner()
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
        with _kept(self._jobs, job, self._owner) as noted:

            def note(progress: Progress) -> None:
                noted(progress)
                if self._stop.is_set():
                    raise _Stopped

            try:
                report = _carried_out(self._kb, job, self._jobs.folder, note)
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


class _Stopped(Exception):
    """The process is being stopped."""
