"""The product under measurement: test sets taken in as documents and searched like any other.

This is the only module here that puts texts into a knowledge base. Data folders of test sets
are kept in a cache, named by what is in the corpus, so a second run embeds nothing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evaluation.beir import (
    CORE,
    DEPTH,
    BeirResult,
    BeirSet,
    Entry,
    Scored,
    best_by_entry,
    load,
    load_core,
    run,
    write_run,
)
from evaluation.tables import Table, columns, heading, note, render
from ingest.outcomes import Progress
from ingest.passages import SPLITTER
from ingest.pipeline import TextSource, ingest_texts
from ingest.reindexing import reindex
from kb.assembly import open_knowledge_base
from kb.errors import ReindexNeeded
from kb.knowledge_base import KnowledgeBase
from kb.model import Document, Language
from kb.retrieval import Leg
from kb.settings import Settings

# Queries of test sets can be whole abstracts.
_LONGEST_QUERY = 100_000


def default_cache() -> Path:
    """Return the folder for data that can be made again: the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kokkola-kb" / "evaluation"


def cache_name(beir: BeirSet) -> str:
    """Return the name in the cache of what is in a set's corpus."""
    return f"beir-{beir.digest()[:20]}"


def take_in(
    kb: KnowledgeBase,
    entries: Iterable[Entry],
    *,
    language: Language | None,
    progress: Callable[[Progress], None] | None = None,
) -> int:
    """Put entries of a corpus into a knowledge base as documents; return how many."""
    taken = 0

    def sources() -> Iterator[TextSource]:
        nonlocal taken
        for entry in entries:
            if not entry.whole:
                continue  # an empty entry can't be a document, nor be found
            taken += 1
            # The title goes into the text, as in BEIR: what a system finds is title and text.
            yield TextSource(key=entry.id, text=entry.whole, title=entry.title, language=language)

    ingest_texts(kb, sources(), progress=progress)
    return taken


def entry_ids(document: Document) -> Sequence[str]:
    """Return the entries that a document is: several where their texts are the same."""
    return document.sources or (document.source,)


@contextmanager
def knowledge_base_over(
    name: str,
    entries: Callable[[], Iterable[Entry]],
    *,
    language: Language | None,
    settings: Settings,
    cache: Path,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[tuple[KnowledgeBase, int]]:
    """Open a knowledge base of a corpus, and say how many entries it holds.

    ``name`` names its content; the folder of that name under the cache is used again, with its
    indexes built anew where the model, the splitter or an analyser has changed.
    """
    folder = cache / (name if settings.sentences else f"{name}-passages")
    folder.mkdir(parents=True, exist_ok=True)
    kb = open_knowledge_base(
        settings.model_copy(update={"data_dir": folder, "max_question": _LONGEST_QUERY})
    )
    try:
        _bring_up_to_date(kb)
        # Written last, so a run that was cut short takes in the rest.
        done = folder / "complete.txt"
        if not done.is_file():
            taken = take_in(kb, entries(), language=language, progress=progress)
            done.write_text(str(taken), encoding="utf-8")
        yield kb, int(done.read_text(encoding="utf-8"))
    finally:
        kb.catalogue.close()


def _bring_up_to_date(kb: KnowledgeBase) -> None:
    """Build the indexes anew where the model, splitter or analysers changed since."""
    try:
        kb.check_indexes(splitter=SPLITTER)
    except ReindexNeeded:
        reindex(kb)


def searcher(
    kb: KnowledgeBase, *, depth: int = DEPTH, leg: Leg | None = None
) -> Callable[[str], list[Scored]]:
    """Return a search for entries: passages by the product, each entry by its best one.

    More passages are asked for until so many entries are met or none are left.
    """
    counts = kb.catalogue.counts()
    per_entry = max(1.0, counts["passage"] / max(1, counts["document"]))
    first = math.ceil(depth * min(per_entry, 3.0))

    def search(text: str) -> list[Scored]:
        k = first
        while True:
            hits = kb.search(text, k=k, leg=leg).hits
            found = best_by_entry(
                (name, hit.score) for hit in hits for name in entry_ids(hit.document)
            )
            if len(found) >= depth or len(hits) < k or k >= 16 * depth:
                return found[:depth]
            k *= 2

    return search


def evaluate_beir(
    folder: Path,
    *,
    settings: Settings,
    limit: int | None = None,
    run_file: Path | None = None,
    seed: int = 0,
    cache: Path | None = None,
    vocabulary: Callable[[KnowledgeBase], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> BeirResult:
    """Measure the product on a set: take the corpus in, put the queries, score.

    ``limit`` takes a seeded sample of so many queries, never the first ones, which may be alike;
    the corpus stays whole. ``run_file`` gets the first 100 entries of each query. ``vocabulary``
    is called with the knowledge base before the first query, to import a vocabulary file.
    """
    beir = load(folder)
    return measure(
        beir.sample(limit, seed=seed),
        settings=settings,
        limited=limit is not None and limit < len(beir.queries),
        run_file=run_file,
        seed=seed,
        cache=cache,
        vocabulary=vocabulary,
        progress=progress,
    )


def measure(
    beir: BeirSet,
    *,
    settings: Settings,
    limited: bool = False,
    run_file: Path | None = None,
    seed: int = 0,
    cache: Path | None = None,
    vocabulary: Callable[[KnowledgeBase], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> BeirResult:
    """Measure the product on a loaded set."""
    name = cache_name(beir) + ("-vocabulary" if vocabulary else "")
    with knowledge_base_over(
        name,
        beir.entries,
        language=beir.language,
        settings=settings,
        cache=cache or default_cache(),
        progress=progress,
    ) as (kb, entries):
        if vocabulary is not None:
            vocabulary(kb)
        search = searcher(kb)
        search(beir.queries[0].text)  # loads the model: not a part of any query's time
        result = run(
            beir,
            search,
            system=settings.embedding_model,
            seed=seed,
            entries=entries,
            limited=limited,
        )
    if run_file is not None:
        write_run(run_file, result)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreResult:
    """The core sets, measured one after the other; those that aren't there are named."""

    results: tuple[BeirResult, ...]
    absent: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return every set's object."""
        return {"sets": [one.to_json() for one in self.results], "absent": list(self.absent)}

    def tables(self, language: str = "en") -> list[Table]:
        """Return one row a set."""
        rows = []
        for one in self.results:
            interval = one.interval("nDCG@10")
            rows.append(
                (
                    one.name,
                    len(one.queries),
                    one.entries,
                    interval.mean,
                    f"{interval.low:.3f}–{interval.high:.3f}",
                    one.mean("MRR@10"),
                    one.mean("R@10"),
                    one.mean("R@100"),
                    one.latency[0] * 1000,
                    one.latency[1] * 1000,
                )
            )
        names = ("set", "queries", "entries", "nDCG@10", "interval", "MRR@10", "R@10", "R@100")
        return [
            Table(
                title=heading("core", language),
                columns=columns((*names, "p50_ms", "p95_ms"), language),
                rows=tuple(rows),
                note=note("absent", language, names=", ".join(self.absent)) if self.absent else "",
            )
        ]

    def table(self, language: str = "en") -> str:
        """Return the sets as text."""
        return render(self.tables(language))


def evaluate_core(
    root: Path,
    *,
    settings: Settings,
    runs: Path | None = None,
    seed: int = 0,
    cache: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> CoreResult:
    """Measure the core sets under a folder of sets; ``runs`` is a folder for their run files."""
    found = [(core, load_core(root, core, seed=seed)) for core in CORE]
    results = tuple(
        measure(
            beir,
            settings=settings,
            limited=core.queries is not None,
            seed=seed,
            cache=cache,
            run_file=runs / f"{beir.name.replace('/', '.')}.tsv" if runs else None,
            progress=progress,
        )
        for core, beir in found
        if beir is not None
    )
    absent = tuple(core.name for core, beir in found if beir is None)
    return CoreResult(results=results, absent=absent)
