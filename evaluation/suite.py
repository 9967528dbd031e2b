"""What ``kb evaluate`` calls: each measurement with its data found, ready to be shown.

Every function returns a result with ``to_json()``, ``tables(language)`` and
``table(language)``. Nothing here prints.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evaluation import product
from evaluation.baselines.bm25_words import bm25
from evaluation.beir import CORE, BeirResult, load, load_core
from evaluation.check_questions import CheckResult, load_corpus
from evaluation.check_questions import check_questions as check
from evaluation.citations import CitationsResult, evaluate_citations, pages_of
from evaluation.compare import Comparison, compare_runs
from evaluation.compare import compare as compare_results
from evaluation.errors import EvaluationError
from evaluation.files import read_files
from evaluation.followups import FOLDER as FOLLOWUPS
from evaluation.followups import FollowupsResult, evaluate_followups, load_cases
from evaluation.leave_out import AbstentionResult, abstention, leave_out
from evaluation.legs import evaluate_legs
from evaluation.questions import GoldQuestion, QuestionsResult, evaluate_questions, load_questions
from evaluation.reading import ReadingResult, evaluate_reading
from evaluation.report import Result, Section, write_report
from evaluation.tables import Table, columns, heading, render
from ingest.outcomes import Progress
from kb.assembly import open_knowledge_base
from kb.knowledge_base import KnowledgeBase
from kb.model import Language
from kb.settings import Settings, load_settings

Split = Literal["dev", "test"]
QUESTIONS = Path(__file__).resolve().parent / "questions"
DOCUMENTS = Path("corpus/documents")

BENCHMARKS: dict[str, str] = {
    "asking": "evaluation.benchmarks.asking",
    "search": "evaluation.benchmarks.search",
    "scale": "evaluation.benchmarks.scale",
    "ingest": "evaluation.benchmarks.ingest",
}
"""Benchmarks by name; each module's ``run`` returns a result."""

SCRIPTS: dict[str, str] = {
    "analysis": "evaluation.benchmarks.analysis",
    "embedding": "evaluation.benchmarks.embedding",
}
"""Benchmarks that have a command line of their own and print by themselves."""


def question_file(split: Split) -> Path:
    """Return the file of our own questions: ``dev`` to improve with, ``test`` to publish."""
    return QUESTIONS / f"{split}.jsonl"


@contextmanager
def _opened(settings: Settings) -> Iterator[KnowledgeBase]:
    kb = open_knowledge_base(settings)
    try:
        if not kb.documents():
            raise EvaluationError("no_documents")
        # Figures of an index that was built by other rules would say nothing of these.
        kb.check_indexes()
        yield kb
    finally:
        kb.catalogue.close()


def beir(
    folder: Path,
    *,
    settings: Settings,
    run_file: Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    cache: Path | None = None,
    vocabulary: Callable[[KnowledgeBase], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> BeirResult:
    """Measure the product on a BEIR set: ``kb evaluate beir DIR``."""
    return product.evaluate_beir(
        folder,
        settings=settings,
        limit=limit,
        run_file=run_file,
        seed=seed,
        cache=cache,
        vocabulary=vocabulary,
        progress=progress,
    )


legs = evaluate_legs
"""Compare search with terms alone and vectors alone: ``kb evaluate legs FOLDER``."""


def questions(
    *, settings: Settings, file: Path | None = None, split: Split = "dev", pages: bool = True
) -> QuestionsResult:
    """Measure answers to our own questions over the knowledge base: ``kb evaluate questions``.

    ``pages`` also looks the gold quotes' pages up in the originals.
    """
    asked = load_questions(file or question_file(split))
    with _opened(settings) as kb:
        documents = [kb.document(row.id) for row in kb.documents()]
        return evaluate_questions(
            kb, asked, documents=documents, pages_of=pages_of(kb) if pages else None
        )


def followups(*, file: Path | None = None, split: Split = "dev") -> FollowupsResult:
    """Measure how follow-ups are understood: ``kb evaluate followups``."""
    cases = load_cases(file or FOLLOWUPS / f"{split}.jsonl")
    others = [one.question for one in load_questions(question_file(split))]
    return evaluate_followups(cases, others=others)


def citations(
    *,
    settings: Settings,
    paths: Sequence[Path] = (),
    file: Path | None = None,
    split: Split = "dev",
    sample: int = 40,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> CitationsResult:
    """Check quotes and pages of every document of the knowledge base: ``kb evaluate citations``.

    Answers to the questions are checked too where their file is there. ``paths`` are files and
    folders to check instead, which are read for it and kept nowhere.
    """
    if paths:
        with read_files(paths, settings=settings) as files:
            return evaluate_citations(
                files, files.ids(), sample=sample, seed=seed, progress=progress
            )
    path = file or question_file(split)
    asked: Sequence[GoldQuestion] = load_questions(path) if path.is_file() or file else ()
    with _opened(settings) as kb:
        return evaluate_citations(
            kb,
            [row.id for row in kb.documents()],
            questions=[question.question for question in asked],
            sample=sample,
            seed=seed,
            progress=progress,
        )


def reading(folder: Path) -> ReadingResult:
    """Compare the readers with known right readings: ``kb evaluate reading FOLDER``."""
    from ingest.readers.dispatch import read

    return evaluate_reading(folder, read=read)


def check_questions(
    *, files: Sequence[Path] = (), documents: Path = DOCUMENTS, whole: bool = True
) -> CheckResult:
    """Check our own questions: ``kb evaluate check-questions``; exit status in the result.

    Without files, those of ``dev`` and ``test`` together. ``whole`` also checks the balance.
    """
    from evaluation.check_questions import REQUIRED
    from ingest.readers.dispatch import EXTENSIONS, read

    paths = files or [question_file("dev"), question_file("test")]
    asked = [question for path in paths for question in load_questions(path)]
    corpus = load_corpus(documents, read=read, extensions=EXTENSIONS)
    return check(asked, corpus, balance=REQUIRED if whole else None)


def compare(
    first: Path,
    second: Path,
    *,
    folder: Path,
    settings: Settings,
    limit: int | None = None,
    show: int = 10,
    seed: int = 0,
    cache: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Compare two run files, or two configurations (``.toml``), on a set: ``kb evaluate compare``.

    A configuration is laid over the settings; the sets are measured anew with each.
    """
    if first.suffix != ".toml" and second.suffix != ".toml":
        return compare_runs(folder, first=first, second=second, show=show, seed=seed)

    def measured(path: Path) -> BeirResult:
        result = beir(
            folder,
            settings=_configured(path, settings),
            limit=limit,
            seed=seed,
            cache=cache,
            progress=progress,
        )
        return result.named(path.stem)

    return compare_results(measured(first), measured(second), show=show, seed=seed)


def _configured(path: Path, settings: Settings) -> Settings:
    if not path.is_file():
        raise EvaluationError("no_such_path", path=path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EvaluationError("evaluation_toml", path=path, why=error) from error
    return load_settings(**{**settings.model_dump(), **given})


def abstain(
    folder: Path,
    *,
    settings: Settings,
    limit: int | None = 300,
    threshold: float | None = None,
    share: float = 0.5,
    seed: int = 0,
    cache: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> AbstentionResult:
    """Measure how well the answerer's support tells what the material answers.

    A share of the questions have their answers left out of the set (see ``leave_out``).
    """
    whole = load(folder)
    left = leave_out(whole, share=share, seed=seed)
    asked = whole.only(left.questions).sample(limit, seed=seed).queries
    with product.knowledge_base_over(
        left.name(),
        left.entries,
        language=whole.language,
        settings=settings,
        cache=cache or product.default_cache(),
        progress=progress,
    ) as (kb, _):
        scores = [_support(kb, question.text) for question in asked]
    return abstention(
        scores, [left.answerable[question.id] for question in asked], threshold=threshold
    )


def _support(kb: KnowledgeBase, text: str) -> float:
    value = (kb.ask(text, explain=True).explanation or {}).get("support", 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselinesResult:
    """Plain systems and the product on the same sets."""

    results: tuple[BeirResult, ...]

    def to_json(self) -> dict[str, object]:
        """Return every result's object."""
        return {"results": [one.to_json() for one in self.results]}

    def tables(self, language: str = "en") -> list[Table]:
        """Return one row a set and system."""
        names = ("set", "system", "queries", "nDCG@10", "MRR@10", "R@10", "R@100", "p50_ms")
        return [
            Table(
                title=heading("baselines", language),
                columns=columns(names, language),
                rows=tuple(
                    (
                        one.name,
                        one.system,
                        len(one.queries),
                        one.mean("nDCG@10"),
                        one.mean("MRR@10"),
                        one.mean("R@10"),
                        one.mean("R@100"),
                        one.latency[0] * 1000,
                    )
                    for one in self.results
                ),
            )
        ]

    def table(self, language: str = "en") -> str:
        """Return the table as text."""
        return render(self.tables(language))


def bench(
    name: str, *, settings: Settings, set_folder: Path | None = None, passages: int | None = None
) -> Result | None:
    """Run a benchmark by name: ``kb evaluate bench NAME``.

    Texts and questions come from a BEIR set where one is given, else from the knowledge base
    and our own questions. Those with a command line of their own print and return None.
    Raises EvaluationError for an unknown name.
    """
    if name in SCRIPTS:
        importlib.import_module(SCRIPTS[name]).main([])
        return None
    if name not in BENCHMARKS:
        known = ", ".join(sorted({**BENCHMARKS, **SCRIPTS}))
        raise EvaluationError("evaluation_benchmark", name=name, known=known)
    if name == "ingest":
        return _bench_ingest(settings, set_folder, passages or 300)
    texts, asked = _material(settings, set_folder)
    if name == "asking":
        from evaluation.benchmarks import asking

        return asking.run(
            settings=settings, texts=texts, questions=asked, passages=passages or asking.PASSAGES
        )
    if name == "search":
        from evaluation.benchmarks import search

        return search.run(
            settings=settings, texts=texts, questions=asked, passages=passages or 10_000
        )
    from evaluation.benchmarks import scale

    if passages is None:
        return scale.run(settings=settings, texts=texts, questions=asked)
    return scale.run(
        settings=settings,
        texts=texts,
        questions=asked,
        sizes=(passages // 10, passages // 3, passages),
        with_sentences=passages // 5,
    )


def _bench_ingest(settings: Settings, set_folder: Path | None, count: int) -> Result:
    from evaluation.beir import Entry
    from evaluation.benchmarks import ingest

    language = None
    if set_folder is not None:
        whole = load(set_folder)
        language = whole.language
        entries = [entry for entry, _ in zip(whole.entries(), range(count), strict=False)]
    else:
        texts, _ = _material(settings, None)
        entries = [Entry(str(number), "", text) for number, (text, _) in enumerate(texts[:count])]
    model = settings.embedding_model
    return ingest.run(
        settings=settings,
        entries=entries,
        language=language,
        plain_model=None if model == "bundled" else model,
        plain=True,
    )


def _material(
    settings: Settings, set_folder: Path | None
) -> tuple[list[tuple[str, Language]], list[str]]:
    if set_folder is not None:
        whole = load(set_folder)
        language: Language = whole.language or "fi"
        texts = [
            (entry.text, language) for entry, _ in zip(whole.entries(), range(2000), strict=False)
        ]
        return texts, [query.text for query in whole.sample(100).queries]
    with _opened(settings) as kb:
        documents = [kb.document(row.id) for row in kb.documents()]
    asked = [one.question for one in load_questions(question_file("dev"))][:100]
    return [(document.text, document.language) for document in documents], asked


def report(
    path: Path,
    *,
    settings: Settings,
    sets: Path | None = None,
    readings: Path | None = None,
    split: Split = "dev",
    language: str = "en",
    progress: Callable[[str], None] | None = None,
) -> list[Section]:
    """Measure everything that has its data and write it: ``kb evaluate report --html FILE``.

    ``sets`` is a folder of BEIR sets (the core ones are measured, with BM25 beside), and
    ``readings`` one of files with known readings; without them these parts are left out. What
    can't be measured for want of questions or documents raises, as by itself.
    """
    sections: list[Section] = []

    def add(title: str, *results: Callable[[], Result]) -> None:
        if progress is not None:
            progress(heading(title, language))
        made = tuple(result() for result in results)
        sections.append(Section(title=heading(title, language), results=made))

    add("questions", lambda: questions(settings=settings, split=split))
    add("citations", lambda: citations(settings=settings, split=split))
    add("search", lambda: _own_latency(settings, split))
    if readings is not None:
        add("reading", lambda: reading(readings))
    if sets is not None:
        add("core", lambda: product.evaluate_core(sets, settings=settings))
        add("baselines", lambda: _baselines(sets))
    write_report(path, sections, settings, language=language)
    return sections


def _baselines(sets: Path) -> BaselinesResult:
    found = (load_core(sets, core) for core in CORE)
    return BaselinesResult(results=tuple(bm25(beir) for beir in found if beir is not None))


def _own_latency(settings: Settings, split: Split) -> Result:
    from evaluation.benchmarks.measuring import latencies, timed

    asked = [one.question for one in load_questions(question_file(split))][:100]
    with _opened(settings) as kb:
        for question in asked[:2]:
            kb.ask(question)
        timings = [("search", timed(kb.search, asked)), ("ask", timed(kb.ask, asked))]
        size = kb.catalogue.counts()["passage"]
    return latencies(timings, first="system", size=size)
