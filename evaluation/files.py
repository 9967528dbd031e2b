"""Files as documents that are kept nowhere, for measuring readers without a knowledge base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ingest.describing import document_of
from ingest.limits import MEGABYTE, Limits
from ingest.sandbox import ReaderPool
from ingest.sources import Source, discover
from kb.citing import cite
from kb.errors import UnreadableDocument
from kb.model import Answer, Citation, Document, Span
from kb.settings import Settings
from kb.sources import SourceRecord


class ReadFiles:
    """What of some files can be read, each read anew when it is asked for; the last is kept."""

    def __init__(self, sources: Sequence[Source], pool: ReaderPool) -> None:
        self._sources = {source.key: source for source in sources}
        self._pool = pool
        self._last: tuple[str, Document] | None = None
        self.rejected: dict[str, UnreadableDocument] = {}

    def ids(self) -> Iterator[str]:
        """Yield the keys of files that can be read; the others are put down as rejected."""
        for key, source in self._sources.items():
            try:
                self.document(key)
            except UnreadableDocument as error:
                self.rejected[source.name] = error
            else:
                yield key

    def document(self, document_id: str) -> Document:
        """Return the document of a file; raises UnreadableDocument."""
        if self._last is None or self._last[0] != document_id:
            self._last = (document_id, self._read(self._sources[document_id]))
        return self._last[1]

    def _read(self, source: Source) -> Document:
        reading = self._pool.read(source.path, name=source.name)
        record = SourceRecord(
            key=source.key,
            root=source.root,
            name=source.name,
            digest=sha256(source.path.read_bytes()).hexdigest(),
            size=source.size,
            mtime_ns=source.mtime_ns,
            reader="",
        )
        return document_of(reading, record=record, given=source.metadata)

    def cite(self, document_id: str, *, start: int, end: int) -> Citation:
        """Return the citation of a span."""
        return cite(self.document(document_id), Span(start, end))

    def original(self, document_id: str) -> Path:
        """Return the file itself."""
        return self._sources[document_id].path

    def ask(self, text: str, *, explain: bool = False) -> Answer:
        """Not to be had: nothing is indexed."""
        raise NotImplementedError(text, explain)


@contextmanager
def read_files(paths: Sequence[Path], *, settings: Settings) -> Iterator[ReadFiles]:
    """Give the files of some paths as documents while the block runs."""
    limits = Limits(
        file_bytes=settings.max_file_mb * MEGABYTE,
        seconds=float(settings.read_seconds),
        memory_bytes=settings.read_memory_mb * MEGABYTE,
    )
    with ReaderPool(1, limits) as pool:
        yield ReadFiles(list(discover(paths)), pool)
