"""The vector index: Chroma, called directly with our own vectors.

Two collections, of passages and of sentences, hold raw unit vectors in inner-product space
under the row numbers of the catalogue. The index is derived: ``flush`` carries out what the
catalogue's outbox says, and ``rebuild`` makes it anew. Whatever it returns that the catalogue
doesn't know is ignored by the caller.

A Chroma client doesn't see what another process added until it is reopened, so a reader
compares the catalogue's generation number before each question and reopens when it rose.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kb.catalogue import ITEM_KINDS, Catalogue, ItemKind
from kb.embeddings import Embeddings

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

_BATCH = 2000


class VectorIndex:
    """Nearest passages and sentences by inner product."""

    def __init__(self, folder: Path, *, catalogue: Catalogue, embeddings: Embeddings) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._embeddings = embeddings
        self._lock = threading.RLock()
        self._client: ClientAPI | None = None
        self._collections: dict[ItemKind, Collection] = {}
        self._generation = -1

    # -- reading ------------------------------------------------------------------------------

    def nearest(
        self, kind: ItemKind, query: npt.NDArray[np.float32], *, k: int
    ) -> npt.NDArray[np.int64]:
        """Return the rows of the k items of largest inner product with ``query`` (dimension,)."""
        with self._lock:
            self._follow()
            collection = self._collections[kind]
            count = collection.count()
            if count == 0:
                return np.empty(0, np.int64)
            found = collection.query(
                # Chroma's types don't say that a float32 array is taken, which it is.
                query_embeddings=[query],  # type: ignore[arg-type]
                n_results=min(k, count),
                include=[],
            )
        return np.array([int(item) for item in found["ids"][0]], dtype=np.int64)

    def rows(self, kind: ItemKind) -> npt.NDArray[np.int64]:
        """Return the rows of all items that Chroma holds, ascending."""
        with self._lock:
            self._follow()
            ids = self._collections[kind].get(include=[])["ids"]
        return np.sort(np.array([int(item) for item in ids], dtype=np.int64))

    def _follow(self) -> None:
        generation = self._catalogue.generation
        if self._client is None or generation != self._generation:
            self._open()
            self._generation = generation

    def _open(self) -> None:
        import chromadb
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings as ChromaSettings

        if self._client is not None:
            # The one way to make Chroma read again what another process wrote.
            SharedSystemClient.clear_system_cache()
        self._client = chromadb.PersistentClient(
            path=str(self._folder),
            settings=ChromaSettings(anonymized_telemetry=False, allow_reset=False),
        )
        configuration: Any = {"hnsw": {"space": "ip", "ef_construction": 200, "ef_search": 200}}
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
        clearing of the entries costs nothing.
        """
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
                self._generation = self._catalogue.generation
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
        """Drop the index and make it anew from the catalogue; return how many items it holds."""
        with self._lock:
            self._client = None
            self._collections.clear()
            shutil.rmtree(self._folder, ignore_errors=True)
            from chromadb.api.shared_system_client import SharedSystemClient

            SharedSystemClient.clear_system_cache()
            self._generation = -1
        self._embeddings.post_all()
        return self.flush(progress)
