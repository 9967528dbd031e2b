"""How time, memory and disk grow with the collection."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from evaluation.benchmarks.measuring import BenchmarkResult, disk_mb, memory_mb, timed
from evaluation.benchmarks.stand_in import grow, sentences_of
from kb.assembly import open_knowledge_base
from kb.model import Language
from kb.settings import Settings

SIZES = (1_000, 10_000, 100_000)
NAMES = ("scale", "documents", "seconds", "per_second", "p50_ms", "p95_ms", "memory_mb", "disk_mb")


def run(
    *,
    settings: Settings,
    texts: Sequence[tuple[str, Language]],
    questions: Sequence[str],
    sizes: Sequence[int] = SIZES,
    seed: int = 0,
) -> BenchmarkResult:
    """Grow one collection from size to size; measure putting in (less embedding) and searching.

    Sentences are left out, so that a size is one of vectors too. The rate is that of the
    passages added since the size before.
    """
    sentences = sentences_of(texts)
    rows = []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        kb = open_knowledge_base(
            settings.model_copy(update={"data_dir": folder, "sentences": False})
        )
        had = 0
        try:
            for size in sorted(sizes):
                begun = time.perf_counter()
                have = grow(kb, sentences, passages=size, seed=seed)
                seconds = time.perf_counter() - begun
                kb.search(questions[0])
                timing = timed(kb.search, questions)
                rows.append(
                    (
                        have,
                        kb.catalogue.counts()["document"],
                        seconds,
                        (have - had) / seconds,
                        timing.percentile(50),
                        timing.percentile(95),
                        memory_mb(),
                        disk_mb(folder),
                    )
                )
                had = have
        finally:
            kb.catalogue.close()
    return BenchmarkResult(title="scale", names=NAMES, rows=tuple(rows), note="memory")
