"""From files to a searchable knowledge base: exactly once, or told why not.

For each source: unchanged (by size and time, or by digest) is skipped; else its bytes are
copied while they are hashed, read in a worker process, split into passages and committed in
one transaction. Vectors follow in a thread beside the reading. A crash at any instant leaves
whole documents; the next run takes up what is missing.

A file is rejected for what it is, never for how the machine fares: a reader that was killed or
came too late on a busy machine gets a second go, alone. What was rejected is reported again by
each run, without being read again, until the file, the readers or what they lacked has changed.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from ingest import scratch
from ingest.cleaning import normalise
from ingest.describing import document_of, metadata_json
from ingest.indexing import Embedded, Indexer, prepare
from ingest.limits import MEGABYTE, Limits
from ingest.locking import writer_lock
from ingest.outcomes import Outcome, Progress, Rejection, Report, What
from ingest.passages import SPLITTER, split
from ingest.reading import Reading
from ingest.sandbox import ReaderPool
from ingest.showing import shown
from ingest.snapshots import snapshot
from ingest.sources import Source, discover
from ingest.standing import READER, UNSURE, stands
from kb.assembly import open_theming
from kb.catalogue import ITEM_KINDS
from kb.doctor import sweep_originals
from kb.errors import NotFound, StorageError, UnreadableDocument
from kb.knowledge_base import KnowledgeBase
from kb.messages import parted, taken_apart
from kb.model import (
    Block,
    Confidentiality,
    Document,
    Language,
    Metadata,
)
from kb.sources import RejectedRecord, SourceRecord

_IN_FLIGHT = 4
"""Files that may be read or wait as read, so that memory doesn't grow with the folder."""

_PICTURES = " without text recognition"
"""Added to the readers' name where pages were left out for want of Tesseract."""


@dataclass(frozen=True, slots=True)
class TextSource:
    """A text in memory, such as an entry of a test collection."""

    key: str
    text: str
    title: str = ""
    language: Language | None = None


def ingest(
    kb: KnowledgeBase,
    paths: Sequence[Path],
    *,
    prune: bool = False,
    cautious: bool = False,
    progress: Callable[[Progress], None] | None = None,
    outcome: Callable[[Outcome], None] | None = None,
) -> Report:
    """Take in files and folders; return what was done.

    ``prune`` removes what came in by the same paths earlier and is gone from them; where all of
    several files of a path are gone at once, ``cautious`` leaves them and warns. ``outcome``
    hears what became of each file, when that is known. Raises KnowledgeBaseError when a path
    doesn't exist, a manifest can't be used, or the data folder can't be written; bad files are
    in the report.
    """
    return _Run(kb, progress=progress, outcome=outcome).files(paths, prune=prune, cautious=cautious)


def ingest_sources(
    kb: KnowledgeBase,
    sources: Sequence[Source],
    *,
    progress: Callable[[Progress], None] | None = None,
    outcome: Callable[[Outcome], None] | None = None,
) -> Report:
    """Take in sources that the caller found itself, such as an upload."""
    return _Run(kb, progress=progress, outcome=outcome).sources(sources)


def ingest_texts(
    kb: KnowledgeBase,
    texts: Iterable[TextSource],
    *,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Take in texts that aren't files, by the same path from the text onwards."""
    return _Run(kb, progress=progress).texts(texts)


def retry_rejected(
    kb: KnowledgeBase,
    keys: Sequence[str] = (),
    *,
    progress: Callable[[Progress], None] | None = None,
    outcome: Callable[[Outcome], None] | None = None,
) -> Report:
    """Read rejected files again, those of the keys or all; return what was done.

    An upload's file is gone, so it is told again and stays rejected until it is sent again.
    Raises NotFound for a key that isn't rejected.
    """
    every = {record.source.key: record for record in kb.catalogue.rejected()}
    if unknown := [key for key in keys if key not in every]:
        raise NotFound("not_rejected", file=unknown[0])
    wanted = {key: every[key] for key in keys or every}
    lying = {key: record.source for key, record in wanted.items() if Path(key).is_absolute()}
    if lying:
        kb.catalogue.read_rejected_again(list(lying))
    roots = sorted({Path(record.root) for record in lying.values()})
    found = [s for s in discover([r for r in roots if r.exists()]) if s.key in lying]
    here = {source.key for source in found}
    found += [
        Source(key=key, path=Path(key), root=record.root, name=record.name, size=0, mtime_ns=0)
        for key, record in lying.items()
        if key not in here
    ]
    report = _Run(kb, progress=progress, outcome=outcome).sources(found)
    for key in wanted.keys() - lying.keys():
        record = wanted[key]
        error = UnreadableDocument(record.code, **record.params)
        report.rejected.append(Rejection(record.source.name, error))
    return report


@dataclass(frozen=True, slots=True)
class _Task:
    """A source that is being read; ``quiet`` where the report has told of it."""

    source: Source
    record: SourceRecord
    began: float
    quiet: bool


class _Run:
    """One run over some sources, under the writer's lock."""

    def __init__(
        self,
        kb: KnowledgeBase,
        *,
        progress: Callable[[Progress], None] | None,
        outcome: Callable[[Outcome], None] | None = None,
    ) -> None:
        self._kb = kb
        self._progress = progress or (lambda _: None)
        self._outcome = outcome or (lambda _: None)
        self._report = Report()
        self._pages = 0
        self._doubtful: list[tuple[_Task, UnreadableDocument | OSError]] = []
        self._unseen: list[str] = []
        self._arriving = threading.Event()
        self._readers_work = False
        self._recognises = shutil.which("tesseract") is not None
        self._readers = (READER,) if self._recognises else (READER, READER + _PICTURES)
        settings = kb.settings
        self._limits = Limits(
            file_bytes=settings.max_file_mb * MEGABYTE,
            seconds=float(settings.read_seconds),
            memory_bytes=settings.read_memory_mb * MEGABYTE,
        )

    # -- entry points -------------------------------------------------------------------------

    def files(self, paths: Sequence[Path], *, prune: bool, cautious: bool) -> Report:
        with self._run():
            sources = list(discover(paths, warn=self._warn))
            with self._embedding():
                self._read(sources)
                roots = {_root(path) for path in paths}
                self._forget_rejected(roots, sources)
                if prune:
                    self._prune(roots, sources, cautious=cautious)
                self._reread_stale(sources)
        return self._report

    def sources(self, sources: Sequence[Source]) -> Report:
        with self._run(), self._embedding():
            self._read(sources)
        return self._report

    def texts(self, texts: Iterable[TextSource]) -> Report:
        with self._run(), self._embedding():
            self._arriving.set()
            for text in texts:
                self._take_text(text)
        return self._report

    def _warn(self, warning: str) -> None:
        self._report.warnings.append(("", warning))
        key, params = taken_apart(warning)
        if key == "warning.folder_unreadable":
            self._unseen.append(params["path"])

    @contextmanager
    def _run(self) -> Iterator[None]:
        began = time.monotonic()
        with writer_lock(
            self._kb.settings.data_dir,
            waiting=lambda: self._progress(Progress("waiting", 0, 0)),
        ):
            self._kb.check_indexes(splitter=SPLITTER)
            scratch.sweep()
            yield
            sweep_originals(self._kb)
        self._report.seconds = time.monotonic() - began

    @contextmanager
    def _embedding(self) -> Iterator[None]:
        """Embed passages beside what happens inside, then sentences."""
        stop, reading = threading.Event(), threading.Event()
        reading.set()
        self._arriving.clear()
        indexer = Indexer(self._kb, progress=self._embedded, stop=stop)
        with ThreadPoolExecutor(1, thread_name_prefix="embedding") as pool:
            passages = pool.submit(self._embed_passages, indexer, reading)
            try:
                yield
            except BaseException:
                stop.set()
                raise
            finally:
                reading.clear()
                self._arriving.set()
            passages.result()
        # Before the sentences, which take as long as all else: filters by theme needn't wait.
        open_theming(self._kb).guess_documents()
        if self._kb.settings.sentences:
            indexer.run("sentence")
        if self._kb.catalogue.counts()["passage"]:
            self._kb.centring.prepare()

    def _embed_passages(self, indexer: Indexer, reading: threading.Event) -> None:
        # What a crash left in the outbox is carried out first, and a lost index made anew. Here,
        # since opening the index takes a second or two, and files can be read meanwhile.
        if self._kb.vectors.complete():
            self._kb.vectors.flush()
        else:
            self._kb.vectors.rebuild()
        self._arriving.wait()
        if reading.is_set():
            self._kb.vectors.open()  # there is nothing to embed while the first file is read
        indexer.run("passage", more=reading.is_set)

    def _embedded(self, how_far: Embedded) -> None:
        stage: Literal["passages", "sentences"] = (
            "passages" if how_far.kind == "passage" else "sentences"
        )
        self._progress(Progress(stage, how_far.done, how_far.done + how_far.waiting))

    # -- files --------------------------------------------------------------------------------

    def _read(self, sources: Sequence[Source], *, quiet: bool = False) -> None:
        """Take in every source; at most ``_IN_FLIGHT`` are being read at once."""
        total = len(sources)
        running: dict[Future[Reading], _Task] = {}
        with ReaderPool(self._kb.settings.workers, self._limits) as pool:
            for number, source in enumerate(sources):
                self._say(number, total, source.name)
                record = self._changed(source, quiet=quiet)
                if record is None:
                    continue
                if not quiet and self._same_content(source, record):
                    continue
                task = _Task(source, record, time.monotonic(), quiet)
                running[pool.submit(self._original(record.digest), name=source.name)] = task
                self._arriving.set()
                if len(running) >= _IN_FLIGHT:
                    self._take_ready(running)
            while running:
                self._take_ready(running)
        for task, error in self._doubtful:
            self._read_alone(task, error)
        self._doubtful.clear()
        self._say(total, total)

    def _say(self, done: int, total: int, current: str = "") -> None:
        report = self._report
        self._progress(
            Progress("reading", done, total, current, self._pages, passages=report.passages)
        )

    def _changed(self, source: Source, *, quiet: bool) -> SourceRecord | None:
        """Copy a source that may have changed; None when it hasn't, or can't be copied."""
        given = metadata_json(source.metadata)
        catalogue = self._kb.catalogue
        before = catalogue.source(source.key)
        refused = catalogue.rejection(source.key)
        if refused is not None and not stands(refused, self._limits):
            refused = None
        current = before is not None and before.reader in self._readers and before.metadata == given
        latest = before if refused is None else refused.source
        if latest is not None and (latest.size, latest.mtime_ns) == (source.size, source.mtime_ns):
            if refused is not None:
                self._refuse_again(source, refused, kept=before is not None)
                return None
            if current and catalogue.rejection(source.key) is None:
                self._unchanged(source, self._rooted(self._record(source, "", given), before))
                return None
        try:
            digest, size = snapshot(source.path, self._kb.originals, limit=self._limits.file_bytes)
        except UnreadableDocument as error:
            self._reject(source, error, self._record(source, "", given), quiet=quiet)
            return None
        except OSError as error:
            raise _storage_error(error, self._kb.originals) from error
        record = self._rooted(replace(self._record(source, digest, given), size=size), before)
        if before is not None and current and before.digest == digest:
            catalogue.touch_source(record)
            self._unchanged(source, record)
            return None
        if refused is not None and refused.source.digest == digest:
            catalogue.reject(record, code=refused.code, params=refused.params)
            self._refuse_again(source, refused, kept=before is not None)
            return None
        return record

    def _unchanged(self, source: Source, record: SourceRecord) -> None:
        before = self._kb.catalogue.source(source.key)
        if before is not None and before.root != record.root:
            self._kb.catalogue.touch_source(record)
        self._report.unchanged += 1
        self._outcome(Outcome(source=source.name, key=source.key, what=What.UNCHANGED))

    def _rooted(self, record: SourceRecord, before: SourceRecord | None) -> SourceRecord:
        """Keep the wider of the paths that a source has been named by, for pruning by either."""
        if before is not None and Path(record.root).is_relative_to(before.root):
            return replace(record, root=before.root)
        return record

    def _refuse_again(self, source: Source, refused: RejectedRecord, *, kept: bool) -> None:
        error = UnreadableDocument(refused.code, **refused.params)
        self._refused(source, error, ignored=refused.ignored, kept=kept)

    def _refused(
        self,
        source: Source,
        error: UnreadableDocument,
        *,
        ignored: bool = False,
        kept: bool = False,
        seconds: float = 0.0,
    ) -> None:
        what = What.IGNORED if ignored else What.REJECTED
        warnings = ("warning.earlier_version_kept",) if kept else ()
        if ignored:
            self._report.ignored += 1
        else:
            self._report.rejected.append(Rejection(source.name, error))
            self._report.warnings += [(source.name, warning) for warning in warnings]
        self._outcome(
            Outcome(
                source=source.name,
                key=source.key,
                what=what,
                warnings=warnings,
                seconds=seconds,
                error=error,
            )
        )

    def _record(self, source: Source, digest: str, given: str) -> SourceRecord:
        return SourceRecord(
            key=source.key,
            root=source.root,
            name=source.name,
            digest=digest,
            size=source.size,
            mtime_ns=source.mtime_ns,
            reader=READER,
            metadata=given,
        )

    def _same_content(self, source: Source, record: SourceRecord) -> bool:
        """Give a document that is already here another source, such as its new name."""
        twin = self._kb.catalogue.source_with(record.digest, reader=READER)
        if twin is None or twin.document_id is None or twin.metadata != record.metadata:
            return False
        if Path(twin.name).suffix != Path(source.name).suffix:
            return False  # the same bytes may be read otherwise under another name
        document = self._kb.catalogue.document(twin.document_id)
        self._kb.catalogue.put_document(document, [], words=[], source=record)
        self._report.ingested += 1
        self._outcome(
            Outcome(
                source=source.name,
                key=source.key,
                what=What.ANOTHER_SOURCE,
                title=document.metadata.title,
                pages=len(document.page_starts) or None,
                warnings=document.warnings,
            )
        )
        return True

    def _take_ready(self, running: dict[Future[Reading], _Task]) -> None:
        ready, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in ready:
            task = running.pop(future)
            try:
                reading = future.result()
            except UnreadableDocument as error:
                if error.code in UNSURE and (error.code != "unreadable_timeout" or _busy()):
                    self._doubtful.append((task, error))
                else:
                    self._reject(task.source, error, task.record, quiet=task.quiet)
            except OSError as error:  # a worker couldn't be started
                self._doubtful.append((task, error))
            else:
                self._take(task, reading)

    def _read_alone(self, task: _Task, error: UnreadableDocument | OSError) -> None:
        """Give a file a second go, in a new worker with no other beside it and twice the time."""
        limits = replace(self._limits, seconds=2 * self._limits.seconds)
        again = replace(task, began=time.monotonic())
        try:
            with ReaderPool(1, limits) as pool:
                reading = pool.read(self._original(task.record.digest), name=task.source.name)
        except UnreadableDocument as second:
            if second.code == "unreadable_crash":
                self._try_readers()
            told = error if isinstance(error, UnreadableDocument) else second
            self._reject(task.source, told, task.record, quiet=task.quiet, began=again.began)
        except OSError as failed:
            raise StorageError("readers_dont_start", why=failed) from failed
        else:
            self._take(again, reading)

    def _try_readers(self) -> None:
        """See that a worker can read the simplest of files, so that no other is blamed for it.

        Raises StorageError where none can, as in a broken installation.
        """
        if self._readers_work:
            return
        with TemporaryDirectory() as folder, ReaderPool(1, self._limits) as pool:
            simple = Path(folder) / "simple.txt"
            simple.write_text("Simple.\n", encoding="ascii")
            try:
                pool.read(simple)
            except UnreadableDocument as error:
                raise StorageError("readers_dont_start", why=error.code) from error
        self._readers_work = True

    def _take(self, task: _Task, reading: Reading) -> None:
        source, record = task.source, task.record
        if not self._recognises and any("pages_without_text" in w for w in reading.warnings):
            record = replace(record, reader=READER + _PICTURES)
        try:
            document = document_of(reading, record=record, given=source.metadata)
        except UnreadableDocument as error:
            self._reject(source, error, record, quiet=task.quiet, began=task.began)
            return
        others = {one.key for one in self._kb.catalogue.sources_of(document.id)} - {source.key}
        passages = self._put(document, reading, record)
        if task.quiet:
            return
        pages = len(document.page_starts)
        self._pages += pages
        self._report.ingested += 1
        self._report.passages += passages
        self._report.warnings += [(source.name, warning) for warning in reading.warnings]
        self._outcome(
            Outcome(
                source=source.name,
                key=source.key,
                what=What.ANOTHER_SOURCE if others else What.INGESTED,
                title=document.metadata.title,
                pages=pages or None,
                passages=passages,
                warnings=reading.warnings,
                seconds=time.monotonic() - task.began,
            )
        )

    def _put(self, document: Document, reading: Reading, record: SourceRecord) -> int:
        passages = split(
            document.text, document.blocks, document_id=document.id, language=document.language
        )
        new = [prepare(document, passage) for passage in passages]
        before = set(self._kb.catalogue.passage_rows(document.id))
        with self._kb.catalogue.transaction():
            self._kb.catalogue.put_document(document, new, words=reading.words, source=record)
            rows = [r for r in self._kb.catalogue.passage_rows(document.id) if r not in before]
            for kind in ITEM_KINDS:
                self._kb.embeddings.post_known(kind, rows)
        return len(rows)

    def _reject(
        self,
        source: Source,
        error: UnreadableDocument,
        record: SourceRecord,
        *,
        quiet: bool = False,
        began: float | None = None,
    ) -> None:
        if quiet:  # what was read once is in; only its description stays as it was
            return
        self._kb.catalogue.reject(record, code=error.code, params=error.params)
        self._refused(
            source,
            error,
            kept=self._kb.catalogue.source(source.key) is not None,
            seconds=0.0 if began is None else time.monotonic() - began,
        )

    def _prune(self, roots: set[str], sources: Sequence[Source], *, cautious: bool) -> None:
        """Remove what came in by these roots and isn't among the sources any more.

        What lies below a folder that couldn't be opened isn't known to be gone.
        """
        here = {source.key for source in sources}
        gone: list[SourceRecord] = []
        for root in sorted(roots):
            came = self._kb.catalogue.sources(root)
            missing = [record for record in came if record.key not in here]
            if cautious and len(missing) == len(came) > 1:
                self._warn(parted("warning.whole_folder_gone", path=root))
                continue
            gone += [
                record
                for record in missing
                if not any(Path(record.key).is_relative_to(folder) for folder in self._unseen)
            ]
        self._report.removed += self._kb.catalogue.remove_sources([r.key for r in gone])
        for record in gone:
            self._outcome(Outcome(source=record.name, key=record.key, what=What.REMOVED))

    def _forget_rejected(self, roots: set[str], sources: Sequence[Source]) -> None:
        """Drop rejected files that are gone: there is nothing left to mend."""
        here = {source.key for source in sources}
        self._kb.catalogue.forget_rejected(
            record.source.key
            for record in self._kb.catalogue.rejected()
            if record.source.root in roots
            and record.source.key not in here
            and not any(Path(record.source.key).is_relative_to(folder) for folder in self._unseen)
        )

    def _reread_stale(self, sources: Sequence[Source]) -> None:
        """Describe documents anew whose description came from a source that let go of them."""
        stale = {record.key for record in self._kb.catalogue.sources() if not record.reader}
        if stale:
            self._read([source for source in sources if source.key in stale], quiet=True)

    def _original(self, digest: str) -> Path:
        return self._kb.originals / digest

    # -- texts --------------------------------------------------------------------------------

    def _take_text(self, text: TextSource) -> None:
        clean = normalise(text.text).strip()
        title = normalise(text.title).strip()
        digest = sha256(f"{title}\0{clean}".encode()).hexdigest()
        metadata = Metadata(
            title=title, language=text.language, confidentiality=Confidentiality.PUBLIC
        )
        before = self._kb.catalogue.source(text.key)
        if before is not None and before.digest == digest and before.reader == READER:
            self._report.unchanged += 1
            return
        blocks: list[Block] = []
        at = 0
        for paragraph in clean.split("\n\n"):
            if paragraph.strip():
                blocks.append(Block(start=at, end=at + len(paragraph), paragraph=len(blocks) + 1))
            at += len(paragraph) + 2
        reading = Reading(
            text=clean, blocks=tuple(blocks), metadata=metadata, media_type="text/plain"
        )
        record = SourceRecord(
            key=text.key,
            root="texts",
            name=text.key,
            digest=digest,
            size=len(clean),
            mtime_ns=0,
            reader=READER,
        )
        if not blocks:
            self._kb.catalogue.reject(record, code="unreadable_empty", params={"name": text.key})
            self._report.rejected.append(
                Rejection(text.key, UnreadableDocument("unreadable_empty", name=text.key))
            )
            return
        document = document_of(reading, record=record, given=Metadata())
        self._report.passages += self._put(document, reading, record)
        self._report.ingested += 1


def _root(path: Path) -> str:
    """Return a named path as sources know it; see ``Source.root``."""
    return shown(path.resolve())


def _busy() -> bool:
    """Tell whether more wants to run on this machine than can."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def _storage_error(error: OSError, folder: Path) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageError("disk_full", folder=folder)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        return StorageError("data_folder_unwritable", folder=folder)
    return StorageError("storage", folder=folder, why=error)
