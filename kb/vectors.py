"""The vector index: Chroma, called directly with our own vectors.

Two collections, of passages and of sentences, hold raw unit vectors in inner-product space
under the row numbers of the catalogue. The index is derived: ``flush`` carries out what the
catalogue's outbox says, and ``rebuild`` makes it anew. Whatever it returns that the catalogue
doesn't know is ignored by the caller.

A Chroma client doesn't see what another process added until it is reopened, so whoever carries
out the outbox raises a number in the catalogue, and a reader that sees it risen reopens.

An index that was deleted or damaged costs time, never an answer: questions are then answered
from the catalogue's own vectors, and the next writer makes the index anew.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kb.catalogue import ITEM_KINDS, Catalogue, ItemKind
from kb.embeddings import Embeddings
from kb.errors import StorageError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

_BATCH = 2000
_GRAPH = {"space": "ip", "ef_construction": 100, "ef_search": 800}
"""How Chroma's graph is built and searched (Malkov and Yashunin, 2018). Questions lie apart from
what is said, so few of the nearest are found by a narrow search, however well it was built:
of the nearest 150 of 42,829 sentences .88 with 200 and 200, .98 so, for half of the building."""
_NEEDED_BYTES = 32 << 20
"""With less room than this on the disk, an index isn't made anew."""

_log = logging.getLogger(__name__)


class _Broken(Exception):
    """Chroma can't be used: its folder is damaged, or went away."""


@contextmanager
def _chroma() -> Iterator[None]:
    """Turn whatever Chroma raises, of many kinds, into ``_Broken``; the catalogue's errors stay."""
    try:
        yield
    except (_Broken, StorageError, sqlite3.Error, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        # A panic of its Rust core isn't an Exception, and has no name to import.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise _Broken(f"{type(error).__name__}: {error}") from error
        raise


class VectorIndex:
    """Nearest passages and sentences by inner product."""

    def __init__(self, folder: Path, *, catalogue: Catalogue, embeddings: Embeddings) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._embeddings = embeddings
        self._lock = threading.RLock()
        self._client: ClientAPI | None = None
        self._collections: dict[ItemKind, Collection] = {}
        self._counts: dict[ItemKind, int] = {}
        self._written = -1
        self._opened: tuple[int, int] | None = None
        self._told = -1

    # -- reading ------------------------------------------------------------------------------

    def nearest(
        self, kind: ItemKind, query: npt.NDArray[np.float32], *, k: int
    ) -> npt.NDArray[np.int64]:
        """Return the rows of the k items of largest inner product with ``query`` (dimension,).

        Where Chroma has nothing or fails, all of the catalogue's vectors are compared.
        """
        try:
            with self._lock, _chroma():
                self._follow()
                collection = self._collections[kind]
                # Counting takes 20 ms where there are 160,000, and is right until the next flush.
                count = self._counts.get(kind) or collection.count()
                self._counts[kind] = count
                if count:
                    found = collection.query(
                        # Chroma's types don't say that a float32 array is taken, which it is.
                        query_embeddings=[query],  # type: ignore[arg-type]
                        n_results=min(k, count),
                        include=[],
                    )
                    return np.array([int(item) for item in found["ids"][0]], dtype=np.int64)
        except _Broken as error:
            self._tell(error)
        return self._embeddings.nearest(kind, query, k=k)

    def rows(self, kind: ItemKind) -> npt.NDArray[np.int64]:
        """Return the rows of all items that Chroma holds, ascending; raises StorageError."""
        try:
            with self._lock, _chroma():
                self._follow()
                ids = self._collections[kind].get(include=[])["ids"]
        except _Broken as error:
            raise StorageError("vector_index", folder=self._folder, why=error) from error
        return np.sort(np.array([int(item) for item in ids], dtype=np.int64))

    def complete(self) -> bool:
        """Tell whether it holds as many items as the catalogue and the outbox say it should."""
        expected = self._embeddings.expected()
        if not any(any(counts) for counts in expected.values()):
            return True  # nothing to look for, so Chroma needn't be opened
        for kind in ITEM_KINDS:
            try:
                with self._lock, _chroma():
                    self._follow()
                    held = self._collections[kind].count()
            except _Broken as error:
                self._tell(error)
                return False
            # What the outbox still says may have been carried out before a crash, or not.
            wanted, posted = expected[kind]
            if abs(held - wanted) > posted:
                return False
        return True

    def open(self) -> None:
        """Open the index ahead of its use, which takes a second; a fault shows itself then."""
        with suppress(_Broken), self._lock, _chroma():
            self._follow()

    def _tell(self, error: _Broken) -> None:
        if self._told != self._catalogue.generation:
            self._told = self._catalogue.generation
            _log.warning("the vector index in %s can't be used: %s", self._folder, error)

    def _follow(self) -> None:
        written = self._embeddings.written
        if (
            self._client is None
            or written != self._written
            or self._file() != self._opened  # deleted, or another process made it anew
        ):
            self._open()
            self._counts.clear()
            self._written = written
            self._opened = self._file()

    def _file(self) -> tuple[int, int] | None:
        """Return which file Chroma's own database is, None where there is none."""
        try:
            status = (self._folder / "chroma.sqlite3").stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _open(self) -> None:
        import chromadb
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings as ChromaSettings

        # The one way to make Chroma read again what another process wrote, or miss what is gone.
        SharedSystemClient.clear_system_cache()
        self._client = chromadb.PersistentClient(
            path=str(self._folder),
            settings=ChromaSettings(anonymized_telemetry=False, allow_reset=False),
        )
        configuration: Any = {"hnsw": _GRAPH}
        for kind in ITEM_KINDS:
            self._collections[kind] = self._client.get_or_create_collection(
                name=f"{kind}s-{self._embeddings.model}",
                configuration=configuration,
                embedding_function=None,
            )

    # -- writing (only by the process that holds the writer's lock) -----------------------------

    def flush(self, progress: Callable[[int], None] | None = None) -> int:
        """Carry out the catalogue's outbox; return how many entries there were.

        Every action can be repeated without harm, so a crash between Chroma's write and the
        clearing of the entries costs nothing. An index that can't be used is made anew. Raises
        StorageError where that fails too; the outbox keeps what it said.
        """
        try:
            with _chroma():
                return self._flush(progress)
        except _Broken as error:
            self._tell(error)
            if _free_bytes(self._folder) < _NEEDED_BYTES:
                raise StorageError("disk_full", folder=self._folder) from error
        return self.rebuild(progress)

    def _flush(self, progress: Callable[[int], None] | None) -> int:
        done = 0
        while entries := self._embeddings.outbox(_BATCH):
            with self._lock:
                self._follow()
                final: dict[tuple[ItemKind, int], str] = {}
                for _, kind, item, action in entries:
                    final[kind, item] = action
                for kind in ITEM_KINDS:
                    self._remove(
                        kind, [i for (k, i), a in final.items() if k == kind and a != "put"]
                    )
                    self._put(kind, [i for (k, i), a in final.items() if k == kind and a == "put"])
                self._embeddings.clear_outbox(entries[-1][0])
                # What this process wrote itself, its client has seen.
                self._written = self._embeddings.written
                self._counts.clear()
            done += len(entries)
            if progress is not None:
                progress(done)
        return done

    def _put(self, kind: ItemKind, items: list[int]) -> None:
        if not items:
            return
        rows, vectors = self._embeddings.vectors(kind, items)
        if len(rows):
            self._collections[kind].upsert(ids=[str(row) for row in rows], embeddings=vectors)

    def _remove(self, kind: ItemKind, items: list[int]) -> None:
        if items:
            self._collections[kind].delete(ids=[str(item) for item in items])

    def rebuild(self, progress: Callable[[int], None] | None = None) -> int:
        """Drop the index and make it anew from the catalogue; return how many items it holds.

        Raises StorageError where it can't be written.
        """
        from chromadb.api.shared_system_client import SharedSystemClient

        with self._lock:
            self._client = None
            self._collections.clear()
            SharedSystemClient.clear_system_cache()
            shutil.rmtree(self._folder, ignore_errors=True)
            if not self._folder.is_dir():  # a file in its place, or a link to nowhere
                self._folder.unlink(missing_ok=True)
            self._written = -1
        self._embeddings.post_all()
        try:
            with _chroma():
                return self._flush(progress)
        except _Broken as error:
            if _free_bytes(self._folder) < _NEEDED_BYTES:
                raise StorageError("disk_full", folder=self._folder) from error
            raise StorageError("vector_index", folder=self._folder, why=error) from error


def _free_bytes(folder: Path) -> int:
    """Return the room on the disk that holds a folder, which needn't be there."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
