"""From files to a searchable knowledge base: exactly once, or told why not.

For each source: unchanged (by size and time, or by digest) is skipped; else its bytes are
copied while they are hashed, read in a worker process, split into passages and committed in
one transaction. Vectors follow in a thread beside the reading. A crash at any instant leaves
whole documents; the next run takes up what is missing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from ingest.cleaning import normalise
from ingest.indexing import Embedded, Indexer, prepare
from ingest.limits import MEGABYTE, Limits
from ingest.locking import writer_lock
from ingest.passages import SPLITTER, split
from ingest.readers.dispatch import READER_FINGERPRINT
from ingest.reading import Reading
from ingest.sandbox import ReaderPool
from ingest.sources import Source, discover, snapshot
from kb.catalogue import ITEM_KINDS, SourceRecord, now
from kb.errors import UnreadableDocument
from kb.knowledge_base import KnowledgeBase
from kb.language import detect
from kb.messages import message
from kb.model import (
    Block,
    Confidentiality,
    Document,
    DocumentId,
    Language,
    Metadata,
)

_READER = f"{READER_FINGERPRINT} {SPLITTER}"
_LANGUAGE_SAMPLE = 20_000
_IN_FLIGHT = 4
"""Files that may be read or wait as read, so that memory doesn't grow with the folder."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A file that wasn't taken in: why, and what to do."""

    source: str
    error: UnreadableDocument


@dataclass(slots=True)
class Report:
    """What a run did."""

    ingested: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    passages: int = 0
    seconds: float = 0.0

    def to_json(self, language: str = "en") -> dict[str, object]:
        """Return the object of the published interface."""
        return {
            "ingested": self.ingested,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "rejected": [
                {
                    "source": rejection.source,
                    "reason": rejection.error.text(language),
                    "cure": rejection.error.cure(language),
                    "code": rejection.error.code,
                }
                for rejection in self.rejected
            ],
            "warnings": [
                {"source": source, "warning": warning_text(warning, language)}
                for source, warning in self.warnings
            ],
            "passages": self.passages,
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    stage: Literal["waiting", "reading", "passages", "sentences"]
    done: int
    total: int
    current: str = ""


@dataclass(frozen=True, slots=True)
class TextSource:
    """A text in memory, such as an entry of a test collection."""

    key: str
    text: str
    title: str = ""
    language: Language | None = None


def warning_text(warning: str, language: str) -> str:
    """Return a reader's warning (``warning.key|name=value|…``) in a language."""
    key, *params = warning.split("|")
    try:
        return message(key, language, **dict(param.split("=", 1) for param in params))
    except (KeyError, ValueError):
        return warning


def ingest(
    kb: KnowledgeBase,
    paths: Sequence[Path],
    *,
    prune: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Take in files and folders; return what was done.

    ``prune`` removes what came in by the same paths earlier and is gone from them. Raises
    KnowledgeBaseError when a path doesn't exist, a manifest can't be used, or the data folder
    can't be written; bad files are in the report.
    """
    return _Run(kb, progress=progress).files(paths, prune=prune)


def ingest_sources(
    kb: KnowledgeBase,
    sources: Sequence[Source],
    *,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Take in sources that the caller found itself, such as an upload."""
    return _Run(kb, progress=progress).sources(sources)


def ingest_texts(
    kb: KnowledgeBase,
    texts: Iterable[TextSource],
    *,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Take in texts that aren't files, by the same path from the text onwards."""
    return _Run(kb, progress=progress).texts(texts)


class _Run:
    """One run over some sources, under the writer's lock."""

    def __init__(self, kb: KnowledgeBase, *, progress: Callable[[Progress], None] | None) -> None:
        self._kb = kb
        self._progress = progress or (lambda _: None)
        self._report = Report()

    # -- entry points -------------------------------------------------------------------------

    def files(self, paths: Sequence[Path], *, prune: bool) -> Report:
        with self._run():
            sources = list(
                discover(paths, warn=lambda warning: self._report.warnings.append(("", warning)))
            )
            with self._embedding():
                self._read(sources)
                if prune:
                    self._prune({str(path.resolve()) for path in paths}, sources)
        return self._report

    def sources(self, sources: Sequence[Source]) -> Report:
        with self._run(), self._embedding():
            self._read(sources)
        return self._report

    def texts(self, texts: Iterable[TextSource]) -> Report:
        with self._run(), self._embedding():
            for text in texts:
                self._take_text(text)
        return self._report

    @contextmanager
    def _run(self) -> Iterator[None]:
        began = time.monotonic()
        with writer_lock(
            self._kb.settings.data_dir,
            waiting=lambda: self._progress(Progress("waiting", 0, 0)),
        ):
            self._kb.check_indexes(splitter=SPLITTER)
            # What a crash left in the outbox is carried out first.
            self._kb.vectors.flush()
            yield
            self._sweep()
        self._report.seconds = time.monotonic() - began

    @contextmanager
    def _embedding(self) -> Iterator[None]:
        """Embed passages beside what happens inside, then sentences."""
        stop, reading = threading.Event(), threading.Event()
        reading.set()
        indexer = Indexer(self._kb, progress=self._embedded, stop=stop)
        with ThreadPoolExecutor(1, thread_name_prefix="embedding") as pool:
            passages = pool.submit(indexer.run, "passage", more=reading.is_set)
            try:
                yield
            except BaseException:
                stop.set()
                raise
            finally:
                reading.clear()
            passages.result()
        if self._kb.settings.sentences:
            indexer.run("sentence")
        if self._kb.catalogue.counts()["passage"]:
            self._kb.centring.prepare()

    def _embedded(self, how_far: Embedded) -> None:
        stage: Literal["passages", "sentences"] = (
            "passages" if how_far.kind == "passage" else "sentences"
        )
        self._progress(Progress(stage, how_far.done, how_far.done + how_far.waiting))

    # -- files --------------------------------------------------------------------------------

    def _read(self, sources: Sequence[Source]) -> None:
        """Take in every source; at most ``_IN_FLIGHT`` are being read at once."""
        total = len(sources)
        running: dict[Future[Reading], tuple[Source, SourceRecord]] = {}
        settings = self._kb.settings
        limits = Limits(
            file_bytes=settings.max_file_mb * MEGABYTE,
            seconds=float(settings.read_seconds),
            memory_bytes=settings.read_memory_mb * MEGABYTE,
        )
        with ReaderPool(settings.workers, limits) as pool:
            for number, source in enumerate(sources):
                self._progress(Progress("reading", number, total, source.name))
                record = self._changed(source, limits)
                if record is None:
                    continue
                if self._same_content(source, record):
                    continue
                running[pool.submit(self._original(record.digest), name=source.name)] = (
                    source,
                    record,
                )
                if len(running) >= _IN_FLIGHT:
                    self._take_ready(running)
            while running:
                self._take_ready(running)
        self._progress(Progress("reading", total, total))

    def _changed(self, source: Source, limits: Limits) -> SourceRecord | None:
        """Copy a source that may have changed; None when it hasn't, or can't be copied."""
        given = metadata_json(source.metadata)
        before = self._kb.catalogue.source(source.key)
        current = before is not None and before.reader == _READER and before.metadata == given
        if (
            before is not None
            and current
            and (before.size, before.mtime_ns) == (source.size, source.mtime_ns)
        ):
            self._report.unchanged += 1
            return None
        try:
            digest, size = snapshot(source.path, self._kb.originals, limit=limits.file_bytes)
        except UnreadableDocument as error:
            self._reject(source, error, self._record(source, "", given))
            return None
        record = replace(self._record(source, digest, given), size=size)
        if before is not None and current and before.digest == digest:
            self._kb.catalogue.touch_source(record)
            self._report.unchanged += 1
            return None
        return record

    def _record(self, source: Source, digest: str, given: str) -> SourceRecord:
        return SourceRecord(
            key=source.key,
            root=source.root,
            name=source.name,
            digest=digest,
            size=source.size,
            mtime_ns=source.mtime_ns,
            reader=_READER,
            metadata=given,
        )

    def _same_content(self, source: Source, record: SourceRecord) -> bool:
        """Give a document that is already here another source, such as its new name."""
        twin = self._kb.catalogue.source_with(record.digest, reader=_READER)
        if twin is None or twin.document_id is None or twin.metadata != record.metadata:
            return False
        if Path(twin.name).suffix != Path(source.name).suffix:
            return False  # the same bytes may be read otherwise under another name
        document = self._kb.catalogue.document(twin.document_id)
        self._kb.catalogue.put_document(document, [], words=[], source=record)
        self._report.ingested += 1
        return True

    def _take_ready(self, running: dict[Future[Reading], tuple[Source, SourceRecord]]) -> None:
        ready, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in ready:
            source, record = running.pop(future)
            try:
                reading = future.result()
                document = _document(reading, record=record, given=source.metadata)
            except UnreadableDocument as error:
                self._reject(source, error, record)
                continue
            self._put(document, reading, record)
            self._report.warnings += [(source.name, w) for w in reading.warnings]

    def _put(self, document: Document, reading: Reading, record: SourceRecord) -> None:
        passages = split(
            document.text, document.blocks, document_id=document.id, language=document.language
        )
        new = [prepare(document, passage) for passage in passages]
        with self._kb.catalogue.transaction():
            self._kb.catalogue.put_document(document, new, words=reading.words, source=record)
            rows = self._kb.catalogue.passage_rows(document.id)
            for kind in ITEM_KINDS:
                self._kb.embeddings.post_known(kind, rows)
        self._report.ingested += 1
        self._report.passages += len(passages)

    def _reject(self, source: Source, error: UnreadableDocument, record: SourceRecord) -> None:
        self._kb.catalogue.reject(record, code=error.code, params=error.params)
        self._report.rejected.append(Rejection(source.name, error))

    def _prune(self, roots: set[str], sources: Sequence[Source]) -> None:
        """Remove what came in by these roots and isn't among the sources any more."""
        here = {source.key for source in sources}
        gone = [
            record.key
            for root in sorted(roots)
            for record in self._kb.catalogue.sources(root)
            if record.key not in here
        ]
        self._report.removed += self._kb.catalogue.remove_sources(gone)

    def _original(self, digest: str) -> Path:
        return self._kb.originals / digest

    def _sweep(self) -> None:
        """Delete originals that no document has: rejected files, replaced versions."""
        if not self._kb.originals.is_dir():
            return
        kept = self._kb.catalogue.digests()
        for path in self._kb.originals.iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)

    # -- texts --------------------------------------------------------------------------------

    def _take_text(self, text: TextSource) -> None:
        clean = normalise(text.text).strip()
        title = normalise(text.title).strip()
        digest = sha256(f"{title}\0{clean}".encode()).hexdigest()
        metadata = Metadata(
            title=title, language=text.language, confidentiality=Confidentiality.PUBLIC
        )
        before = self._kb.catalogue.source(text.key)
        if before is not None and before.digest == digest and before.reader == _READER:
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
            reader=_READER,
        )
        if not blocks:
            self._kb.catalogue.reject(record, code="unreadable_empty", params={"name": text.key})
            self._report.rejected.append(
                Rejection(text.key, UnreadableDocument("unreadable_empty", name=text.key))
            )
            return
        self._put(_document(reading, record=record, given=Metadata()), reading, record)


def _document(reading: Reading, *, record: SourceRecord, given: Metadata | None) -> Document:
    """Return the document of a reading, with what the manifest says above what the file says.

    Raises UnreadableDocument when there is no text.
    """
    if not reading.text.strip():
        raise UnreadableDocument("unreadable_no_text", name=record.name)
    metadata = merged(reading.metadata, given)
    language = (
        (given.language if given else None)
        or detect(reading.text[:_LANGUAGE_SAMPLE])
        or reading.metadata.language
        or "fi"
    )
    if not metadata.title:
        metadata = replace(metadata, title=Path(record.name).stem)
    identity = sha256(f"{record.digest}\0{reading.text}".encode()).hexdigest()
    return Document(
        id=DocumentId(identity[:16]),
        text=reading.text,
        blocks=reading.blocks,
        page_starts=reading.page_starts,
        metadata=metadata,
        language=language,
        media_type=reading.media_type,
        digest=record.digest,
        source=record.name,
        sources=(record.name,),
        added=now(),
        warnings=reading.warnings,
    )


def merged(read: Metadata, given: Metadata | None) -> Metadata:
    """Return what a file says about itself, overruled by what a manifest says where it does."""
    if given is None:
        return read
    empty = Metadata()
    said = {
        entry.name: getattr(given, entry.name)
        for entry in fields(Metadata)
        if getattr(given, entry.name) != getattr(empty, entry.name)
    }
    return replace(read, **said)


def metadata_json(metadata: Metadata | None) -> str:
    """Return a manifest's metadata as text that is equal when they are."""
    return json.dumps(
        asdict(metadata) if metadata else {}, ensure_ascii=False, sort_keys=True, default=str
    )
