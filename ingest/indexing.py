"""From passages to vectors: what waits is embedded, kept, and told to the vector index.

Everything here can be stopped at any instant and begun again: what has no vector is looked up
in the catalogue, not remembered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from kb.analysis.engines import index_terms
from kb.catalogue import ItemKind, NewPassage, embedded_text
from kb.knowledge_base import KnowledgeBase
from kb.model import Document, Passage

_BATCH: dict[ItemKind, int] = {"passage": 64, "sentence": 256}
_FLUSH_EVERY = 1500
"""Vectors that may be kept before the index is told: it adds faster in larger lots."""

_TELL_SECONDS = 1.0
_TELL_SHARE = 20
"""Counting what waits takes at most a twentieth of the time, however large the collection."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """How far embedding has come."""

    kind: ItemKind
    done: int
    waiting: int


def prepare(document: Document, passage: Passage) -> NewPassage:
    """Return a passage with its terms and the texts to embed."""
    text = document.text[passage.start : passage.end]
    context = " ".join([document.metadata.title, *passage.heading])
    terms = index_terms(text, passage.language)
    return NewPassage(
        passage=passage,
        body_terms=" ".join(terms),
        context_terms=" ".join(index_terms(context, document.language)),
        terms=len(terms),
        embedded_text=embedded_text(text, passage.heading),
        sentence_texts=tuple(document.text[s.start : s.end] for s in passage.sentences),
    )


class Indexer:
    """Embeds what waits. ``more`` says whether new passages may still come."""

    def __init__(
        self,
        kb: KnowledgeBase,
        *,
        progress: Callable[[Embedded], None] | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self._kb = kb
        self._progress = progress
        self._stop = stop or threading.Event()
        self._done: dict[ItemKind, int] = {"passage": 0, "sentence": 0}
        self._next_told = 0.0

    def run(self, kind: ItemKind, *, more: Callable[[], bool] = lambda: False) -> int:
        """Embed all items of a kind that have no vector; return how many texts that was."""
        after = 0
        unflushed = 0
        while not self._stop.is_set():
            # Asked before looking: what is put in after the look is seen by the next one.
            coming = more()
            batch = self._kb.embeddings.pending(kind, after=after, limit=_BATCH[kind])
            if not batch:
                if not coming:
                    break
                self._stop.wait(0.05)
                continue
            vectors = self._kb.embedder().embed_passages([item.text for item in batch])
            self._kb.embeddings.put_embeddings(
                digests=[item.digest for item in batch], vectors=vectors
            )
            after = batch[-1].row
            self._done[kind] += len(batch)
            unflushed += len(batch)
            if unflushed >= _FLUSH_EVERY:
                self._kb.vectors.flush()
                unflushed = 0
            self._tell(kind)
        if self._progress is not None and self._done[kind] and not self._stop.is_set():
            self._progress(Embedded(kind, self._done[kind], 0))
        self._kb.vectors.flush()
        return self._done[kind]

    def _tell(self, kind: ItemKind) -> None:
        began = time.monotonic()
        if self._progress is None or began < self._next_told:
            return
        waiting = self._kb.embeddings.pending_count(kind)
        took = time.monotonic() - began
        self._next_told = began + max(_TELL_SECONDS, _TELL_SHARE * took)
        self._progress(Embedded(kind, self._done[kind], waiting))
