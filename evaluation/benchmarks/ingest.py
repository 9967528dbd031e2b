"""How fast files go in: the whole pipeline against its embedder alone, and the plain one beside."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from evaluation.baselines import plain_llamaindex
from evaluation.baselines.bundled_model import write_model
from evaluation.beir import Entry
from evaluation.benchmarks.measuring import BenchmarkResult, memory_mb
from ingest.indexing import Indexer
from ingest.pipeline import ingest
from kb.assembly import open_knowledge_base
from kb.catalogue import ItemKind
from kb.knowledge_base import KnowledgeBase
from kb.model import Language
from kb.protocols import Embedder, Matrix
from kb.settings import Settings

NAMES = (
    "system",
    "documents",
    "passages",
    "seconds",
    "per_second",
    "characters_per_second",
    "cpu_seconds",
    "of_embedder",
    "of_embedder_cpu",
    "of_plain",
    "of_plain_cpu",
    "memory_mb",
)


class _Opening:
    """What opening the vector index takes of the processor; loading Chroma is nearly all of it."""

    def __init__(self, opened: Callable[[], None]) -> None:
        self._open = opened
        self.seconds = 0.0

    def __call__(self) -> None:
        """Open it."""
        begun = time.thread_time()
        self._open()
        self.seconds += time.thread_time() - begun


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


@dataclass(frozen=True, slots=True)
class _Row:
    """A system's work: ``pieces`` put in or embedded, what that took, and of whom it is a share."""

    system: str
    pieces: int
    took: _Clock
    embedder: _Clock | None = None


def run(
    *,
    settings: Settings,
    entries: Sequence[Entry],
    language: Language | None = None,
    plain_model: str | None = None,
    plain: bool = False,
) -> BenchmarkResult:
    """Put entries in three ways in one run, the same threads each.

    Our pipeline is given a folder with a text file for each entry and timed until the batch is
    searchable by terms and passage vectors, that is until the index was last told of passages:
    it finds, copies, reads, splits, analyses, embeds and writes the catalogue and the vector
    index. The loading of Chroma is counted too, and told in the note. A second row has all that
    a run does, guessing themes too. Its embedder alone then embeds the same batches of the same
    texts; ``of_embedder`` is the share of its rate that the pipeline reaches,
    ``of_embedder_cpu`` the same of processor seconds, which other work on the machine moves
    less. Sentences follow in the same two ways.

    With ``plain``, the plain pipeline is given the entries in memory, with ``plain_model``, or
    the bundled weights as a sentence-transformers model; where its packages are missing, with
    our own embedder. ``of_plain`` is how many times its speed ours is. Passages a second count
    each system's own pieces; characters a second compare them.
    """
    del language  # told from the texts, as in any ingestion
    load_before = os.getloadavg()[0]
    rows: list[_Row] = []
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
            opening = _Opening(kb.vectors.open)
            kb.vectors.open = opening  # type: ignore[method-assign]
            kinds: tuple[ItemKind, ...] = (
                ("passage", "sentence") if settings.sentences else ("passage",)
            )
            for kind in kinds:
                rows += _measured(kb, kind, folder)
        finally:
            kb.catalogue.close()
        note, lacking = "ingest", plain_llamaindex.missing()
        if not plain or plain_llamaindex.missing(plain_llamaindex.CORE):
            note = "ingest_alone"
            measured = None
        else:
            note = "ingest_own" if lacking else "ingest"
            measured = _plain(
                entries,
                folder=Path(temporary),
                model=plain_model,
                embedder=embedder if lacking else None,
                threads=settings.threads,
            )
            rows.append(measured)
    characters = sum(len(entry.whole) for entry in entries)
    return BenchmarkResult(
        title="ingest",
        names=NAMES,
        rows=tuple(
            (
                row.system,
                len(entries),
                row.pieces,
                row.took.wall,
                row.pieces / row.took.wall,
                characters / row.took.wall,
                row.took.cpu,
                *_shares(row.took, row.embedder),
                # With sentences it does what the plain pipeline doesn't.
                *_shares(row.took, measured.took if measured and row is rows[1] else None),
                memory_mb(),
            )
            for row in rows
        ),
        note=note,
        params={
            "packages": ", ".join(lacking),
            "before": f"{load_before:.1f}",
            "after": f"{os.getloadavg()[0]:.1f}",
            "cores": str(os.cpu_count()),
            "opening": f"{opening.seconds:.2f}",
        },
    )


def _shares(took: _Clock, other: _Clock | None) -> tuple[float | None, float | None]:
    return (None, None) if other is None else (other.wall / took.wall, other.cpu / took.cpu)


def _measured(kb: KnowledgeBase, kind: ItemKind, folder: Path) -> list[_Row]:
    """Put a kind in, and embed the same alone; return the embedder's row and the pipeline's."""
    embedder = kb.embedder()
    listening = _Listening(embedder)
    flushed: list[tuple[_Clock, int]] = []
    flush = kb.vectors.flush

    def noted(progress: Callable[[int], None] | None = None) -> int:
        done = flush(progress)
        flushed.append((_Clock.now(), len(listening.batches)))
        return done

    kb.embedder = lambda: listening
    kb.vectors.flush = noted  # type: ignore[method-assign]
    begun = _Clock.now()
    try:
        if kind == "passage":
            ingest(kb, [folder])
        else:
            Indexer(kb).run("sentence")
    finally:
        kb.embedder = lambda: embedder
        kb.vectors.flush = flush  # type: ignore[method-assign]
    whole = _Clock.now().since(begun)
    # What is embedded after the passages is the themes' few seed sentences, once.
    last, embedded = flushed[-1]
    searchable = last.since(begun)
    batches = listening.batches[:embedded]
    begun = _Clock.now()
    for batch in batches:
        embedder.embed_passages(batch)
    alone = _Clock.now().since(begun)
    pieces = sum(len(batch) for batch in batches)
    rows = [
        _Row(f"embedder, {kind}s", pieces, alone),
        _Row(f"kb, {kind}s", pieces, searchable, alone),
    ]
    if kind == "passage":
        rows.append(_Row("kb, passages and themes", pieces, whole, alone))
    return rows


def _plain(
    entries: Sequence[Entry],
    *,
    folder: Path,
    model: str | None,
    embedder: Embedder | None,
    threads: int,
) -> _Row:
    if embedder is None and model is None:
        model = str(write_model(folder / "model"))
    built = plain_llamaindex.PlainPipeline(
        entries,
        folder=folder / "plain",
        model=model or plain_llamaindex.DEFAULT_MODEL,
        embedder=embedder,
        threads=threads,
    )
    # Less the loading of packages and model; ours had loaded its model, Chroma not yet.
    return _Row(built.system, built.pieces, _Clock(built.seconds, built.cpu_seconds))
