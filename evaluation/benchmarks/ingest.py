"""How fast texts go in: the embedder by itself, our whole pipeline, and the plain one beside."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from evaluation.baselines import plain_llamaindex
from evaluation.beir import Entry
from evaluation.benchmarks.measuring import BenchmarkResult, memory_mb
from evaluation.product import take_in
from kb.assembly import open_knowledge_base
from kb.model import Language
from kb.settings import Settings

NAMES = (
    "system",
    "documents",
    "passages",
    "seconds",
    "per_second",
    "characters_per_second",
    "memory_mb",
)


def run(
    *,
    settings: Settings,
    entries: Sequence[Entry],
    language: Language | None = None,
    plain_model: str | None = None,
    batch: int = 64,
) -> BenchmarkResult:
    """Put entries in three ways in one run, the same threads each.

    The embedder alone embeds each entry's text once. Our pipeline also splits, analyses, embeds
    every sentence, and writes the catalogue and both indexes. The plain pipeline runs where its
    packages are installed and ``plain_model`` names a model that is there. Passages a second
    count each system's own pieces; characters a second compare them.
    """
    characters = sum(len(entry.whole) for entry in entries)
    rows: list[tuple[str | int | float | None, ...]] = []

    def add(name: str, pieces: int, seconds: float) -> None:
        rows.append(
            (
                name,
                len(entries),
                pieces,
                seconds,
                pieces / seconds,
                characters / seconds,
                memory_mb(),
            )
        )

    with TemporaryDirectory() as temporary:
        kb = open_knowledge_base(settings.model_copy(update={"data_dir": Path(temporary)}))
        try:
            embedder = kb.embedder()
            texts = [entry.whole for entry in entries]
            embedder.embed_passages(texts[:1])
            begun = time.perf_counter()
            for at in range(0, len(texts), batch):
                embedder.embed_passages(texts[at : at + batch])
            add("embedder", len(texts), time.perf_counter() - begun)
            begun = time.perf_counter()
            take_in(kb, entries, language=language)
            add("kb", kb.catalogue.counts()["passage"], time.perf_counter() - begun)
        finally:
            kb.catalogue.close()
    lacking = plain_llamaindex.missing()
    if plain_model is not None and not lacking:
        with TemporaryDirectory() as temporary:
            plain = plain_llamaindex.PlainPipeline(
                entries, folder=Path(temporary), model=plain_model, threads=settings.threads
            )
            add(plain.system, plain.pieces, plain.seconds)
    return BenchmarkResult(
        title="ingest",
        names=NAMES,
        rows=tuple(rows),
        note="no_baseline" if lacking else "memory",
        params={"packages": ", ".join(lacking)},
    )
