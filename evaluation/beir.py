"""Test sets of the BEIR layout: loading them, and scoring rankings of them.

A set is a folder with ``queries.jsonl``, ``qrels.tsv`` (or ``qrels/test.tsv``), a corpus and
perhaps ``exclude.tsv``. The corpus is ``corpus.jsonl``, possibly a link; where links were lost
it is ``../corpus.<lang>.jsonl``, the language being the last part of the folder's name.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from evaluation.errors import EvaluationError
from evaluation.metrics import Interval, bootstrap_interval, ndcg, recall, reciprocal_rank
from evaluation.tables import Table, columns, heading, note, render, shortened
from kb.model import LANGUAGES, Language

_N = TypeVar("_N", int, float)

DEPTH = 100
MEASURES = ("nDCG@10", "MRR@10", "R@1", "R@10", "R@100")


@dataclass(frozen=True, slots=True)
class CoreSet:
    """A variant of the core: drawn queries, and how many other entries stay beside theirs.

    None keeps all. A corpus that is cut makes the set easier: its figures are read against
    each other only.
    """

    name: str
    queries: int | None = None
    others: int | None = None


CORE: tuple[CoreSet, ...] = (
    CoreSet("squad2_fi_dev/fi-fi"),
    CoreSet("squad2_fi_dev/en-fi"),
    CoreSet("squad2_fi_dev/fi-en"),
    CoreSet("flores200_sent2passage/en-fi"),
    CoreSet("flores200_sent2passage/fi-en"),
    CoreSet("flores200_sent2passage/sv-fi"),
    CoreSet("finna_a/kw_fi-fi", 200, 500),
    CoreSet("finna_a/kw_en-fi", 200, 500),
    CoreSet("libreoffice_help/heading_fi-fi"),
    CoreSet("libreoffice_help/heading_en-fi"),
    CoreSet("libreoffice_help/heading_sv-fi"),
    CoreSet("nq_fi_a/fi-fi", 300, 1000),
)
"""What every change is measured on: about a quarter of an hour of embedding on two cores."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a corpus."""

    id: str
    title: str
    text: str

    @property
    def whole(self) -> str:
        """Title and text, a blank line between them where both are there."""
        return "\n\n".join(part for part in (self.title.strip(), self.text.strip()) if part)


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a set."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Scored:
    """An entry of a corpus in a ranking."""

    id: str
    score: float


Search = Callable[[str], Sequence[Scored]]
"""Answers a query's text with at least 100 entries where there are as many, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeirSet:
    """A set with its queries and judgements; the corpus is read when it is asked for."""

    name: str
    corpus: Path
    language: Language | None
    queries: tuple[Query, ...]
    qrels: Mapping[str, Mapping[str, int]]
    exclude: Mapping[str, frozenset[str]] = field(default_factory=dict)
    kept: frozenset[str] | None = None
    unjudged: int = 0

    def entries(self) -> Iterator[Entry]:
        """Yield the corpus entry by entry; a faulty line raises EvaluationError with its number."""
        seen: set[str] = set()
        for number, record in _json_lines(self.corpus):
            identifier = _text(record, "_id", self.corpus, number)
            if identifier in seen:
                raise EvaluationError(
                    "evaluation_repeated", id=identifier, path=self.corpus, line=number
                )
            seen.add(identifier)
            if self.kept is not None and identifier not in self.kept:
                continue
            title = record.get("title") or ""
            if not isinstance(title, str):
                raise EvaluationError(
                    "evaluation_field", field="title", path=self.corpus, line=number
                )
            yield Entry(identifier, title, _text(record, "text", self.corpus, number, empty=True))

    def digest(self) -> str:
        """Return what names the corpus: SHA-256 of its bytes and of which entries are kept."""
        digest = hashlib.sha256()
        with self.corpus.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        for identifier in sorted(self.kept or ()):
            digest.update(identifier.encode() + b"\0")
        digest.update((self.language or "").encode())
        return digest.hexdigest()

    def sample(self, queries: int | None, *, seed: int = 0) -> BeirSet:
        """Return the set with at most so many queries: a seeded sample, in the set's order."""
        return self.only(sampled(self.queries, queries, seed))

    def only(self, queries: Sequence[Query]) -> BeirSet:
        """Return the set with some of its queries."""
        return replace(self, queries=tuple(queries))

    def shrink(self, entries: int, *, seed: int = 0) -> BeirSet:
        """Return the set with the entries its queries need and a seeded sample of the others.

        It is easier than the whole set: compare its figures with each other only.
        """
        needed = {name for query in self.queries for name in self.qrels[query.id]}
        others = [entry.id for entry in self.entries() if entry.id not in needed]
        chosen = random.Random(seed).sample(others, min(entries, len(others)))
        return replace(self, kept=frozenset(needed.union(chosen)))


def sampled(queries: Sequence[Query], limit: int | None, seed: int) -> tuple[Query, ...]:
    """Return a seeded sample in the given order, or all where there is no limit."""
    if limit is None or limit >= len(queries):
        return tuple(queries)
    chosen = set(random.Random(seed).sample(range(len(queries)), max(0, limit)))
    return tuple(query for at, query in enumerate(queries) if at in chosen)


def load_core(root: Path, core: CoreSet, *, seed: int = 0) -> BeirSet | None:
    """Load a set of the core from a folder of sets; None where it isn't there."""
    if not (root / core.name).is_dir():
        return None
    beir = load(root / core.name).sample(core.queries, seed=seed)
    return beir if core.others is None else beir.shrink(core.others, seed=seed)


def load(folder: Path) -> BeirSet:
    """Read queries and judgements of a set; raises EvaluationError with file, line and cure.

    Queries without a relevant entry are left out and counted in ``unjudged``: no measure is
    defined for them.
    """
    if not folder.is_dir():
        raise EvaluationError("evaluation_folder", path=folder)
    queries: dict[str, Query] = {}
    path = _present(folder / "queries.jsonl")
    for number, record in _json_lines(path):
        identifier = _text(record, "_id", path, number)
        if identifier in queries:
            raise EvaluationError("evaluation_repeated", id=identifier, path=path, line=number)
        queries[identifier] = Query(identifier, _text(record, "text", path, number))
    qrels = _qrels(folder, queries)
    judged = tuple(
        query
        for query in queries.values()
        if any(value > 0 for value in qrels.get(query.id, {}).values())
    )
    if not judged:
        raise EvaluationError("evaluation_no_queries", path=folder)
    folder = folder.absolute()
    return BeirSet(
        name=f"{folder.parent.name}/{folder.name}",
        corpus=_corpus(folder),
        language=_language(folder.name),
        queries=judged,
        qrels=qrels,
        exclude=_exclude(folder / "exclude.tsv"),
        unjudged=len(queries) - len(judged),
    )


def _qrels(folder: Path, queries: Mapping[str, Query]) -> dict[str, dict[str, int]]:
    path = folder / "qrels.tsv"
    if not path.is_file() and (folder / "qrels" / "test.tsv").is_file():
        path = folder / "qrels" / "test.tsv"
    qrels: dict[str, dict[str, int]] = {}
    for number, row, relevance in _numbered(path, int):
        if row[0] not in queries:
            raise EvaluationError("evaluation_query", id=row[0], path=path, line=number)
        qrels.setdefault(row[0], {})[row[1]] = relevance
    return qrels


def _exclude(path: Path) -> dict[str, frozenset[str]]:
    if not path.is_file():
        return {}
    found: dict[str, set[str]] = {}
    for number, row in _rows(path, 2):
        if number == 1 and row[0] == "query-id":
            continue
        found.setdefault(row[0], set()).add(row[1])
    return {query: frozenset(entries) for query, entries in found.items()}


def _corpus(folder: Path) -> Path:
    here = folder / "corpus.jsonl"
    if here.is_file() and not (stub := _lost_link(here)):
        return here
    if here.is_file() and stub:
        return stub
    suffix = _suffix(folder.name)
    beside = folder.parent / f"corpus.{suffix}.jsonl"
    if beside.is_file():
        return beside
    raise EvaluationError("evaluation_corpus", path=here, beside=beside)


def _lost_link(path: Path) -> Path | None:
    """Return where a link points that was checked out as a file holding the target's name."""
    if path.stat().st_size > 400:
        return None
    target = path.read_text(encoding="utf-8", errors="replace").strip()
    if not target or "\n" in target or target.startswith("{"):
        return None
    linked = path.parent / target
    return linked if linked.is_file() else None


def _suffix(name: str) -> str:
    return name.replace("_", "-").rsplit("-", 1)[-1]


def _language(name: str) -> Language | None:
    suffix = _suffix(name)
    return next((language for language in LANGUAGES if language == suffix), None)


def _present(path: Path) -> Path:
    if not path.is_file():
        raise EvaluationError("evaluation_missing", path=path)
    return path


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    for number, line in _lines(path):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise EvaluationError(
                "evaluation_json", path=path, line=number, why=error.msg
            ) from error
        if not isinstance(record, dict):
            raise EvaluationError("evaluation_json", path=path, line=number, why="{}")
        yield number, record


def _rows(path: Path, width: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in _lines(path):
        row = line.rstrip("\r\n").split("\t")
        if len(row) < width:
            raise EvaluationError("evaluation_columns", path=path, line=number, width=width)
        yield number, row


def _numbered(path: Path, number_of: Callable[[str], _N]) -> Iterator[tuple[int, list[str], _N]]:
    """Yield line numbers, rows of three columns and the number in the third, past a header."""
    for number, row in _rows(_present(path), 3):
        try:
            value = number_of(row[2])
        except ValueError:
            if number == 1:
                continue  # the header
            raise EvaluationError(
                "evaluation_number", value=row[2], path=path, line=number
            ) from None
        yield number, row, value


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8-sig") as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
        except UnicodeDecodeError as error:
            raise EvaluationError("evaluation_encoding", path=path) from error


def _text(
    record: Mapping[str, object], name: str, path: Path, number: int, *, empty: bool = False
) -> str:
    value = record.get(name)
    if isinstance(value, int) and name == "_id" and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not (empty or value.strip()):
        raise EvaluationError("evaluation_field", field=name, path=path, line=number)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """What one query got: its measures and the first entries of its ranking."""

    id: str
    text: str
    measures: Mapping[str, float]
    rank: int | None
    ranking: tuple[Scored, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BeirResult:
    """Measures of a set: means, 95 % bootstrap intervals over queries, and each query's own."""

    name: str
    system: str
    queries: tuple[QueryResult, ...]
    seconds: float
    seed: int
    entries: int = 0
    limited: bool = False

    def named(self, system: str) -> BeirResult:
        """Return the result under another name of its system."""
        return replace(self, system=system)

    def values(self, measure: str) -> list[float]:
        """Return one value a query, in the set's order."""
        return [query.measures[measure] for query in self.queries]

    def interval(self, measure: str) -> Interval:
        """Return the mean of a measure and its 95 % bootstrap interval."""
        return bootstrap_interval(self.values(measure), seed=self.seed)

    def mean(self, measure: str) -> float:
        """Return the mean of a measure over the queries."""
        return float(np.mean(self.values(measure))) if self.queries else 0.0

    @property
    def latency(self) -> tuple[float, float]:
        """Median and 95th percentile of the time of a query, in seconds."""
        times = [query.seconds for query in self.queries] or [0.0]
        low, high = np.percentile(times, [50, 95])
        return float(low), float(high)

    def to_json(self) -> dict[str, object]:
        """Return the object of the published interface, with intervals and latency beside."""
        median, high = self.latency
        intervals = {measure: self.interval(measure) for measure in MEASURES}
        return {
            "set": self.name,
            "system": self.system,
            "queries": len(self.queries),
            "metrics": {measure: round(self.mean(measure), 4) for measure in MEASURES},
            "intervals": {
                measure: [round(one.low, 4), round(one.high, 4)]
                for measure, one in intervals.items()
            },
            "plain_recall": {
                measure: round(self.mean(f"plain {measure}"), 4)
                for measure in MEASURES
                if measure.startswith("R@")
            },
            "seconds": round(self.seconds, 2),
            "latency_ms": {"p50": round(median * 1000, 1), "p95": round(high * 1000, 1)},
            "entries": self.entries,
            "seed": self.seed,
            "sampled": self.limited,
        }

    def tables(self, language: str = "en") -> list[Table]:
        """Return the measures and the worst queries."""
        median, high = self.latency
        intervals = [(measure, self.interval(measure)) for measure in MEASURES]
        rows = tuple((measure, one.mean, one.low, one.high) for measure, one in intervals)
        worst = sorted(self.queries, key=lambda query: query.measures["nDCG@10"])[:10]
        return [
            Table(
                title=heading("beir", language, set=self.name, system=self.system),
                columns=columns(("measure", "mean", "low", "high"), language),
                rows=rows,
                note=note(
                    "beir_sampled" if self.limited else "beir",
                    language,
                    queries=len(self.queries),
                    entries=self.entries,
                    seconds=f"{self.seconds:.1f}",
                    median=f"{median * 1000:.0f}",
                    high=f"{high * 1000:.0f}",
                    seed=self.seed,
                ),
            ),
            Table(
                title=heading("worst_queries", language),
                columns=columns(("query", "nDCG@10", "rank", "first"), language),
                rows=tuple(
                    (
                        f"{query.id} {shortened(query.text)}",
                        query.measures["nDCG@10"],
                        query.rank,
                        query.ranking[0].id if query.ranking else None,
                    )
                    for query in worst
                ),
            ),
        ]

    def table(self, language: str = "en") -> str:
        """Return the measures and the worst queries as text."""
        return render(self.tables(language))


def measured(ranking: Sequence[str], judged: Mapping[str, int]) -> dict[str, float]:
    """Return the measures of one query; recall divides by min(k, relevant).

    So a perfect ranking reaches 1 at every depth; ``plain R@k`` divides by all the relevant.
    """
    out = {
        "nDCG@10": ndcg(ranking, judged, 10),
        "MRR@10": reciprocal_rank(ranking, judged, 10),
    }
    for k in (1, 10, 100):
        out[f"R@{k}"] = recall(ranking, judged, k, capped=True)
        out[f"plain R@{k}"] = recall(ranking, judged, k)
    return out


def score(
    beir: BeirSet,
    rankings: Mapping[str, Sequence[Scored]],
    *,
    system: str,
    seconds: float = 0.0,
    times: Mapping[str, float] | None = None,
    seed: int = 0,
    entries: int = 0,
    limited: bool = False,
) -> BeirResult:
    """Score rankings by query id; a query without one scores 0.

    Entries that the set excludes for a query are taken out first, repeats count once.
    """
    results = []
    for query in beir.queries:
        excluded = beir.exclude.get(query.id, frozenset())
        unique: dict[str, Scored] = {}
        for one in rankings.get(query.id, ()):
            if one.id not in excluded:
                unique.setdefault(one.id, one)
        ranking = tuple(unique.values())[:DEPTH]
        ids = [one.id for one in ranking]
        judged = {
            name: value for name, value in beir.qrels[query.id].items() if name not in excluded
        }
        rank = next((at for at, name in enumerate(ids, 1) if judged.get(name, 0) > 0), None)
        results.append(
            QueryResult(
                id=query.id,
                text=query.text,
                measures=measured(ids, judged),
                rank=rank,
                ranking=ranking,
                seconds=(times or {}).get(query.id, 0.0),
            )
        )
    return BeirResult(
        name=beir.name,
        system=system,
        queries=tuple(results),
        seconds=seconds,
        seed=seed,
        entries=entries,
        limited=limited,
    )


def run(
    beir: BeirSet,
    search: Search,
    *,
    system: str,
    seed: int = 0,
    entries: int = 0,
    limited: bool = False,
) -> BeirResult:
    """Put every query of a set to a system, timing each, and score what it returns."""
    rankings: dict[str, Sequence[Scored]] = {}
    times: dict[str, float] = {}
    begun = time.perf_counter()
    for query in beir.queries:
        started = time.perf_counter()
        rankings[query.id] = search(query.text)
        times[query.id] = time.perf_counter() - started
    return score(
        beir,
        rankings,
        system=system,
        seconds=time.perf_counter() - begun,
        times=times,
        seed=seed,
        entries=entries,
        limited=limited,
    )


def write_run(path: Path, result: BeirResult) -> None:
    """Write the first 100 entries of every query: query-id, corpus-id, score, tabs between."""
    lines = ["query-id\tcorpus-id\tscore"]
    for query in result.queries:
        lines += [f"{query.id}\t{one.id}\t{one.score:.6f}" for one in query.ranking]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_run(path: Path) -> dict[str, list[Scored]]:
    """Read a run file, best score first; equal scores stay in the file's order.

    Raises EvaluationError for a line without three columns or with a score that is no number.
    """
    rankings: dict[str, list[Scored]] = {}
    for _, row, value in _numbered(path, float):
        rankings.setdefault(row[0], []).append(Scored(row[1], value))
    return {query: sorted(found, key=lambda one: -one.score) for query, found in rankings.items()}


def best_by_entry(hits: Iterable[tuple[str, float]]) -> list[Scored]:
    """Return entries in the order of their best passage; ``hits`` come best first."""
    best: dict[str, Scored] = {}
    for name, value in hits:
        best.setdefault(name, Scored(name, value))
    return list(best.values())
