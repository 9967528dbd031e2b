"""How well related projects are found: beside the cosine of whole texts, and beside BM25.

A set of related texts (BEIR layout, with ``exclude.tsv``) is taken in as projects that have
nothing but their text. The set can be cut to some queries, what is relevant to them and a
sample of the rest: it is easier then, so figures are read against each other only.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np

from evaluation.beir import DEPTH, BeirResult, BeirSet, Entry, Scored, load, run
from evaluation.metrics import Interval, paired_bootstrap
from evaluation.product import default_cache
from evaluation.tables import Table, columns, heading, note
from ingest.registry import Stage, index_projects
from kb.analysis.engines import index_terms
from kb.assembly import open_knowledge_base, open_relator
from kb.knowledge_base import KnowledgeBase
from kb.language import detect, sentence_spans
from kb.model import Language, Span
from kb.project import Project
from kb.projects import Projects
from kb.seeds import seed_of_text
from kb.settings import Settings

OTHERS = 300
"""Entries beside the relevant ones where nothing is said: a few minutes of embedding."""

_MEASURES = ("nDCG@10", "R@10")


@dataclass(frozen=True, slots=True)
class RelatedResult:
    """The product and what it is measured against, on the same queries."""

    product: BeirResult
    others: tuple[BeirResult, ...]
    baselines: tuple[str, ...] = ("cosine", "BM25")

    @property
    def gain(self) -> Interval:
        """The product's nDCG@10 less that of the better baseline, with its interval."""
        known = [one for one in self.others if one.system in self.baselines]
        best = max(known, key=lambda one: one.mean("nDCG@10"))
        return paired_bootstrap(self.product.values("nDCG@10"), best.values("nDCG@10"))

    def to_json(self) -> dict[str, object]:
        """Return the figures."""
        gain = self.gain
        return {
            "set": self.product.name,
            "queries": len(self.product.queries),
            "entries": self.product.entries,
            "systems": {
                one.system: {name: round(one.mean(name), 4) for name in _MEASURES}
                for one in (self.product, *self.others)
            },
            "gain": round(gain.mean, 4),
            "interval": [round(gain.low, 4), round(gain.high, 4)],
            "latency_ms": {
                name: round(1000 * value, 1)
                for name, value in zip(("p50", "p95"), self.product.latency, strict=True)
            },
        }

    def tables(self, language: str = "en") -> list[Table]:
        """Return the figures as a table."""
        gain = self.gain
        return [
            Table(
                title=heading(
                    "related",
                    language,
                    set=self.product.name,
                    queries=len(self.product.queries),
                    entries=self.product.entries,
                ),
                columns=columns(("system", *_MEASURES), language),
                rows=tuple(
                    (one.system, *(one.mean(name) for name in _MEASURES))
                    for one in (self.product, *self.others)
                ),
                note=note(
                    "related",
                    language,
                    gain=f"{gain.mean:+.3f}",
                    low=f"{gain.low:+.3f}",
                    high=f"{gain.high:+.3f}",
                ),
            )
        ]

    def table(self, language: str = "en") -> Table:
        """Return the table."""
        return self.tables(language)[0]


def evaluate_related(
    folder: Path,
    *,
    settings: Settings,
    queries: int | None = None,
    others: int | None = OTHERS,
    seed: int = 0,
    cache: Path | None = None,
    progress: Callable[[Stage, int, int], None] | None = None,
) -> RelatedResult:
    """Measure on a set of related texts; its data are kept in the cache, so again is quick."""
    beir = load(folder).sample(queries, seed=seed)
    if others is not None:
        beir = beir.shrink(others, seed=seed)
    # The rules of cutting and the model name vectors; texts are named by what they are.
    name = hashlib.sha256(f"related-2 {beir.digest()}".encode()).hexdigest()[:20]
    here = in_cache(settings, (cache or default_cache()) / f"related-{name}")
    kb = open_knowledge_base(here)
    try:
        ids = take_in(kb, beir, progress=progress)
        return _measured(kb, beir, ids, seed=seed)
    finally:
        kb.catalogue.close()


def in_cache(settings: Settings, folder: Path) -> Settings:
    """Return the settings with another data folder, whose model cache is shared."""
    folder.mkdir(parents=True, exist_ok=True)
    models = settings.data_dir / "models"
    if models.is_dir() and not (folder / "models").exists():
        (folder / "models").symlink_to(models.resolve())
    return settings.model_copy(update={"data_dir": folder})


def take_in(
    kb: KnowledgeBase,
    beir: BeirSet,
    *,
    progress: Callable[[Stage, int, int], None] | None = None,
) -> dict[str, str]:
    """Put entries in as projects; return the entry of each project's id."""
    projects = Projects(kb.catalogue)
    made = [(entry.id, as_project(entry, beir.language or "en")) for entry in beir.entries()]
    projects.put([project for _, project in made])
    index_projects(kb, progress=progress)
    return {project.id: entry for entry, project in made}


def as_project(entry: Entry, language: Language) -> Project:
    """Return an entry as a project: without a title, its first sentence is one."""
    title, text = entry.title.strip(), entry.text.strip()
    if not title:
        first = next(iter(sentence_spans(text, language)), Span(0, 0))
        title, text = text[: first.end], text[first.end :].strip()
    return Project(
        registry="set",
        registry_id=entry.id,
        title=title or entry.id,
        description=text,
        language=language,
    )


def _measured(
    kb: KnowledgeBase, beir: BeirSet, ids: Mapping[str, str], *, seed: int
) -> RelatedResult:
    relator = open_relator(kb)

    def search(text: str) -> list[Scored]:
        found = relator.related([seed_of_text(text)], k=DEPTH)
        return [Scored(ids[one.project.id], one.score) for one in found]

    entries = list(beir.entries())
    search(beir.queries[0].text)  # the first one loads dictionaries and vectors
    count = len(entries)
    return RelatedResult(
        product=run(beir, search, system="related", seed=seed, entries=count),
        others=(
            run(beir, whole_cosine(kb, entries), system="cosine", seed=seed, entries=count),
            run(beir, term_bm25(entries, beir.language or "en"), system="BM25", seed=seed,
                entries=count),
        ),
    )  # fmt: skip


def whole_cosine(kb: KnowledgeBase, entries: Sequence[Entry]) -> Callable[[str], list[Scored]]:
    """Return the search that compares one vector a text, as the model gives it."""
    wholes = {entry.id: entry.whole for entry in entries}
    known = _vectors(kb, list(wholes.values()))
    matrix = np.array([known[text] for text in wholes.values()])

    def search(text: str) -> list[Scored]:
        scores = matrix @ _vectors(kb, [text])[text]
        best = np.argsort(-scores, kind="stable")[:DEPTH]
        names = list(wholes)
        return [Scored(names[at], float(scores[at])) for at in best]

    return search


def _vectors(
    kb: KnowledgeBase, texts: Sequence[str]
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """Return vectors of texts; they are kept, so they are computed once."""
    from kb.catalogue import text_digest

    projects = Projects(kb.catalogue)
    known: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}
    for at in range(0, len(texts), 64):
        batch = list(dict.fromkeys(texts[at : at + 64]))
        found = projects.vectors_of(kb.embeddings, batch)
        missing = [text for text in batch if text not in found]
        if missing:
            fresh = kb.embedder().embed_passages(missing)
            digests = [text_digest(text) for text in missing]
            kb.embeddings.put_embeddings(digests=digests, vectors=fresh)
            found.update(zip(missing, fresh, strict=True))
        known |= found
    return known


def term_bm25(entries: Sequence[Entry], language: Language) -> Callable[[str], list[Scored]]:
    """Return BM25 (k1 1.2, b .75) over the terms that our analysers give, each query term."""
    ids = [entry.id for entry in entries]
    counts = [Counter(index_terms(entry.whole, language)) for entry in entries]
    lengths = np.array([sum(one.values()) for one in counts], dtype=np.float64)
    norms = 1.2 * (0.25 + 0.75 * lengths / max(1.0, float(lengths.mean())))
    postings: dict[str, list[tuple[int, int]]] = {}
    for at, one in enumerate(counts):
        for term, times in one.items():
            postings.setdefault(term, []).append((at, times))

    def search(text: str) -> list[Scored]:
        scores = np.zeros(len(ids))
        for term, said in Counter(index_terms(text, detect(text) or language)).items():
            found = postings.get(term, [])
            idf = log(1 + (len(ids) - len(found) + 0.5) / (len(found) + 0.5))
            for at, times in found:
                scores[at] += said * idf * times * 2.2 / (times + norms[at])
        best = np.argsort(-scores, kind="stable")[:DEPTH]
        return [Scored(ids[at], float(scores[at])) for at in best if scores[at] > 0]

    return search
