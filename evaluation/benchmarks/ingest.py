"""How fast files go in: the whole pipeline against its embedder alone, and the plain one beside."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from evaluation.baselines import plain_llamaindex
from evaluation.beir import Entry
from evaluation.benchmarks.measuring import BenchmarkResult, memory_mb
from ingest.indexing import Indexer
from ingest.pipeline import ingest
from kb.assembly import open_knowledge_base
from kb.catalogue import ItemKind
from kb.knowledge_base import KnowledgeBase
from kb.model import Language, Matrix
from kb.protocols import Embedder
from kb.settings import Settings

NAMES = (
    "system",
    "documents",
    "passages",
    "seconds",
    "per_second",
    "characters_per_second",
    "of_embedder",
    "cpu_seconds",
    "memory_mb",
)


class _Listening:
    """An embedder that remembers what it was given, batch by batch."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.fingerprint = embedder.fingerprint
        self.dimension = embedder.dimension
        self.batches: list[Sequence[str]] = []

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Embed, and remember."""
        self.batches.append(texts)
        return self._embedder.embed_passages(texts)

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed."""
        return self._embedder.embed_queries(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count."""
        return self._embedder.count_tokens(texts)


@dataclass(frozen=True, slots=True)
class _Clock:
    """Wall clock and processor seconds, of this process and of its readers that have ended."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> _Clock:
        usages = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(time.perf_counter(), sum(u.ru_utime + u.ru_stime for u in usages))

    def since(self, begun: _Clock) -> _Clock:
        return _Clock(self.wall - begun.wall, self.cpu - begun.cpu)


def run(
    *,
    settings: Settings,
    entries: Sequence[Entry],
    language: Language | None = None,
    plain_model: str | None = None,
) -> BenchmarkResult:
    """Put entries in three ways in one run, the same threads each.

    Our pipeline is given a folder with a text file for each entry and timed until the batch is
    searchable by terms and passage vectors: it finds, copies, reads, splits, analyses, embeds
    and writes the catalogue and the vector index. Its embedder alone then embeds the same
    batches of the same texts; ``of_embedder`` is the share of its rate that the pipeline
    reaches. Sentences follow in the same two ways. The plain pipeline is given the entries in
    memory, where its packages are installed and ``plain_model`` names a model that is there.
    Passages a second count each system's own pieces; characters a second compare them. On a
    machine with other work, compare processor seconds.
    """
    del language  # told from the texts, as in any ingestion
    characters = sum(len(entry.whole) for entry in entries)
    rows: list[tuple[str | int | float | None, ...]] = []

    def add(name: str, pieces: int, took: _Clock, share: float | None = None) -> None:
        rows.append(
            (
                name,
                len(entries),
                pieces,
                took.wall,
                pieces / took.wall,
                characters / took.wall,
                share,
                took.cpu,
                memory_mb(),
            )
        )

    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "files"
        folder.mkdir()
        for number, entry in enumerate(entries):
            (folder / f"{number:06}.txt").write_text(entry.whole, encoding="utf-8")
        own = {"data_dir": Path(temporary) / "data", "sentences": False}
        kb = open_knowledge_base(settings.model_copy(update=own))
        try:
            embedder = kb.embedder()
            embedder.embed_passages([entry.whole for entry in entries[:2]])
            kb.centring.prepare()
            kinds: tuple[ItemKind, ...] = (
                ("passage", "sentence") if settings.sentences else ("passage",)
            )
            for kind in kinds:
                listening = _Listening(embedder)
                kb.embedder = lambda listening=listening: listening  # type: ignore[misc]
                ours = _timed(kb, kind, folder)
                begun = _Clock.now()
                for batch in listening.batches:
                    embedder.embed_passages(batch)
                alone = _Clock.now().since(begun)
                pieces = sum(len(batch) for batch in listening.batches)
                add(f"embedder, {kind}s", pieces, alone)
                add(f"kb, {kind}s", pieces, ours, alone.wall / ours.wall)
        finally:
            kb.catalogue.close()
    lacking = plain_llamaindex.missing()
    if plain_model is not None and not lacking:
        with TemporaryDirectory() as temporary:
            begun = _Clock.now()
            plain = plain_llamaindex.PlainPipeline(
                entries, folder=Path(temporary), model=plain_model, threads=settings.threads
            )
            took = _Clock.now().since(begun)
            add(plain.system, plain.pieces, _Clock(plain.seconds, took.cpu))
    return BenchmarkResult(
        title="ingest",
        names=NAMES,
        rows=tuple(rows),
        note="no_baseline" if lacking else "memory",
        params={"packages": ", ".join(lacking)},
    )


def _timed(kb: KnowledgeBase, kind: ItemKind, folder: Path) -> _Clock:
    """Return how long it takes until all items of a kind can be found by their vectors."""
    begun = _Clock.now()
    if kind == "passage":
        ingest(kb, [folder])
    else:
        Indexer(kb).run("sentence")
    return _Clock.now().since(begun)
