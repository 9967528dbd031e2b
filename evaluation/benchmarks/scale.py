"""How time, memory and disk grow with the collection."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from evaluation.benchmarks.measuring import BenchmarkResult, disk_mb, memory_mb, timed
from evaluation.benchmarks.stand_in import grow, sentences_of
from evaluation.tables import Cell
from kb.assembly import open_knowledge_base
from kb.model import Language, Scope
from kb.settings import Settings

SIZES = (1_000, 10_000, 100_000)
WITH_SENTENCES = 20_000
NAMES = (
    "scale",
    "sentence_vectors",
    "documents",
    "seconds",
    "per_second",
    "p50_ms",
    "p95_ms",
    "p50_language_ms",
    "p50_documents_ms",
    "cpu_ms",
    "memory_mb",
    "disk_mb",
)
_FEW = 10

_Rows = list[tuple[Cell, ...]]


def run(
    *,
    settings: Settings,
    texts: Sequence[tuple[str, Language]],
    questions: Sequence[str],
    sizes: Sequence[int] = SIZES,
    with_sentences: int = WITH_SENTENCES,
    seed: int = 0,
) -> BenchmarkResult:
    """Grow one collection from size to size; measure putting in (less embedding) and searching.

    In it sentences are left out, so that a size is one of vectors too; a second collection of
    ``with_sentences`` passages has them. Each is grown and searched in a process of its own,
    whose largest memory is told. The rate is that of the passages added since the size before.
    Searches are timed without filter, within the most frequent language, and within ten
    documents; ``cpu_ms`` is the processor time of one without filter, all threads together.
    """
    sentences_of(texts)  # nothing is started where there are none
    rows: _Rows = []
    spawn = multiprocessing.get_context("spawn")
    for own_sizes, own_sentences in ((sizes, False), ((with_sentences,), True)):
        with ProcessPoolExecutor(1, mp_context=spawn) as process:
            rows += process.submit(
                _grown,
                settings.model_copy(update={"sentences": own_sentences}),
                list(texts),
                list(questions),
                sorted(own_sizes),
                seed,
            ).result()
    return BenchmarkResult(title="scale", names=NAMES, rows=tuple(rows), note="memory")


def _grown(
    settings: Settings,
    texts: list[tuple[str, Language]],
    questions: list[str],
    sizes: list[int],
    seed: int,
) -> _Rows:
    """Grow a collection through the sizes; return a row for each."""
    sentences = sentences_of(texts)
    most = max(sentences, key=lambda language: len(sentences[language]))
    rows: _Rows = []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        kb = open_knowledge_base(settings.model_copy(update={"data_dir": folder}))
        had = 0
        try:
            for size in sizes:
                begun = time.perf_counter()
                have = grow(kb, sentences, passages=size, seed=seed)
                seconds = time.perf_counter() - begun
                few = frozenset(row.id for row in kb.documents()[:_FEW])
                scopes = (
                    Scope(),
                    Scope(languages=frozenset({most})),
                    Scope(documents=few),
                )
                timings = []
                for scope in scopes:
                    search = partial(kb.search, scope=scope)
                    search(questions[0])
                    timings.append(timed(search, questions))
                rows.append(
                    (
                        have,
                        kb.embeddings.item_count("sentence") if settings.sentences else 0,
                        kb.catalogue.counts()["document"],
                        seconds,
                        (have - had) / seconds,
                        timings[0].percentile(50),
                        timings[0].percentile(95),
                        timings[1].percentile(50),
                        timings[2].percentile(50),
                        timings[0].cpu_ms,
                        memory_mb(),
                        disk_mb(folder),
                    )
                )
                had = have
        finally:
            kb.catalogue.close()
    return rows
