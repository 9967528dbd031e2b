"""How long a search and an answer take at a size of the collection, with filters and without."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from evaluation.benchmarks.measuring import BenchmarkResult, latencies, timed
from evaluation.benchmarks.stand_in import grow, sentences_of
from kb.assembly import open_knowledge_base
from kb.model import Language, Scope
from kb.settings import Settings


def run(
    *,
    settings: Settings,
    texts: Sequence[tuple[str, Language]],
    questions: Sequence[str],
    passages: int = 10_000,
    seed: int = 0,
    folder: Path | None = None,
) -> BenchmarkResult:
    """Measure searches over so many made-up passages; questions are embedded by the real model.

    ``texts`` are real ones to make passages of. Each row is a filter: none, a language, ten
    documents; and answers. The first two questions warm everything up and aren't counted. A
    ``folder`` keeps what is built and uses it again.
    """
    sentences = sentences_of(texts)
    with TemporaryDirectory() as temporary:
        kb = open_knowledge_base(
            settings.model_copy(update={"data_dir": folder or Path(temporary)})
        )
        try:
            size = grow(kb, sentences, passages=passages, seed=seed)
            few = frozenset(row.id for row in kb.documents()[:10])
            scopes = (
                ("–", Scope()),
                ("language", Scope(languages=frozenset({next(iter(sentences))}))),
                ("10 documents", Scope(documents=few)),
            )
            for question in questions[:2]:
                kb.search(question)
                kb.ask(question)
            rows = []
            for name, scope in scopes:
                timing = timed(partial(kb.search, scope=scope), questions)
                rows.append((name, timing))
            rows.append(("ask", timed(kb.ask, questions)))
            return latencies(rows, first="filter", size=size)
        finally:
            kb.catalogue.close()
