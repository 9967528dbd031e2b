"""Two systems on the same queries: is the difference more than chance, and where does it lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.beir import MEASURES, BeirResult, BeirSet, Scored, load, read_run, score
from evaluation.errors import EvaluationError
from evaluation.metrics import Interval, paired_bootstrap, paired_randomisation
from evaluation.tables import Table, columns, heading, note, render, shortened


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A measure of both systems, their difference (first − second) and its p-value."""

    measure: str
    first: float
    second: float
    interval: Interval
    p: float
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryDifference:
    """A query that the two answer differently: nDCG@10 and rank of the first right entry."""

    id: str
    text: str
    first: float
    second: float
    first_rank: int | None
    second_rank: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Differences by measure, and the queries with the largest ones."""

    name: str
    first: str
    second: str
    queries: int
    differences: tuple[Difference, ...]
    wins: tuple[QueryDifference, ...]
    losses: tuple[QueryDifference, ...]

    def to_json(self) -> dict[str, object]:
        """Return everything as plain values."""
        return {
            "set": self.name,
            "first": self.first,
            "second": self.second,
            "queries": self.queries,
            "measures": {
                one.measure: {
                    "first": round(one.first, 4),
                    "second": round(one.second, 4),
                    "difference": round(one.interval.mean, 4),
                    "interval": [round(one.interval.low, 4), round(one.interval.high, 4)],
                    "p": round(one.p, 5),
                    "wins": one.wins,
                    "losses": one.losses,
                    "ties": one.ties,
                }
                for one in self.differences
            },
            "wins": [_query_json(one) for one in self.wins],
            "losses": [_query_json(one) for one in self.losses],
        }

    def tables(self, language: str = "en") -> list[Table]:
        """Return the measures, then the queries won and lost by most."""
        rows = tuple(
            (
                one.measure,
                one.first,
                one.second,
                one.interval.mean,
                one.interval.low,
                one.interval.high,
                one.p,
                one.wins,
                one.losses,
                one.ties,
            )
            for one in self.differences
        )
        names = ("measure", "system_a", "system_b", "difference", "low", "high", "p", "wins")
        title = heading("compare", language, set=self.name, first=self.first, second=self.second)
        return [
            Table(
                title=title,
                columns=columns((*names, "losses", "ties"), language),
                rows=rows,
                note=note("compare", language, queries=self.queries),
            ),
            _queries(heading("wins", language, system=self.first), self.wins, language),
            _queries(heading("wins", language, system=self.second), self.losses, language),
        ]

    def table(self, language: str = "en") -> str:
        """Return the tables as text."""
        return render(self.tables(language))


def _query_json(one: QueryDifference) -> dict[str, object]:
    return {
        "id": one.id,
        "text": one.text,
        "first": round(one.first, 4),
        "second": round(one.second, 4),
        "first_rank": one.first_rank,
        "second_rank": one.second_rank,
    }


def _queries(title: str, queries: Sequence[QueryDifference], language: str) -> Table:
    names = ("query", "system_a", "system_b", "rank_a", "rank_b")
    return Table(
        title=title,
        columns=columns(names, language),
        rows=tuple(
            (
                f"{one.id} {shortened(one.text)}",
                one.first,
                one.second,
                one.first_rank,
                one.second_rank,
            )
            for one in queries
        ),
    )


def compare(first: BeirResult, second: BeirResult, *, show: int = 10, seed: int = 0) -> Comparison:
    """Compare two results over the same queries; raises ValueError where they aren't."""
    if [one.id for one in first.queries] != [one.id for one in second.queries]:
        raise ValueError("the two results are over different queries")
    differences = []
    for measure in MEASURES:
        ours, theirs = first.values(measure), second.values(measure)
        gaps = [a - b for a, b in zip(ours, theirs, strict=True)]
        differences.append(
            Difference(
                measure=measure,
                first=first.mean(measure),
                second=second.mean(measure),
                interval=paired_bootstrap(ours, theirs, seed=seed),
                p=paired_randomisation(ours, theirs, seed=seed),
                wins=sum(gap > 1e-9 for gap in gaps),
                losses=sum(gap < -1e-9 for gap in gaps),
                ties=sum(abs(gap) <= 1e-9 for gap in gaps),
            )
        )
    queries = [
        QueryDifference(
            id=a.id,
            text=a.text,
            first=a.measures["nDCG@10"],
            second=b.measures["nDCG@10"],
            first_rank=a.rank,
            second_rank=b.rank,
        )
        for a, b in zip(first.queries, second.queries, strict=True)
    ]
    ordered = sorted(queries, key=lambda one: (one.second - one.first, one.id))
    won = [one for one in ordered if one.first - one.second > 1e-9][:show]
    lost = [one for one in reversed(ordered) if one.second - one.first > 1e-9][:show]
    return Comparison(
        name=first.name,
        first=first.system,
        second=second.system,
        queries=len(queries),
        differences=tuple(differences),
        wins=tuple(won),
        losses=tuple(lost),
    )


# A run with this share of a set's queries was made with all of them.
_WHOLE = 0.9


def compare_runs(
    folder: Path, *, first: Path, second: Path, show: int = 10, seed: int = 0
) -> Comparison:
    """Compare two run files of a set over the queries that both were asked.

    A run file has no line for a query that nothing was found for. So a run with nine tenths of
    the set's queries counts as asked all of them, the missing ones scoring 0; one with fewer
    was made with a sample, and counts as asked what it has. Raises EvaluationError where the
    two share no query.
    """
    beir = load(folder)
    runs = [read_run(first), read_run(second)]
    samples = [run for run in runs if not _is_whole(run, beir)]
    asked = [query for query in beir.queries if all(query.id in run for run in samples)]
    if not asked:
        raise EvaluationError("evaluation_no_shared", first=first, second=second, path=folder)
    part = beir.only(asked)
    ours, theirs = (
        score(part, run, system=path.stem, seed=seed)
        for run, path in zip(runs, (first, second), strict=True)
    )
    return compare(ours, theirs, show=show, seed=seed)


def _is_whole(run: Mapping[str, Sequence[Scored]], beir: BeirSet) -> bool:
    found = sum(query.id in run for query in beir.queries)
    return found >= _WHOLE * len(beir.queries)
