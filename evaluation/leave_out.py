"""Unanswerable questions made honestly: by leaving the answers out of the material.

A question that a person wrote to be unanswerable tends to give itself away. Here the questions
are real ones; for a seeded half of them every relevant entry is dropped from the corpus while
its neighbours stay, so the material is about the question and doesn't answer it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.beir import BeirSet, Entry, Query
from evaluation.metrics import (
    RiskPoint,
    area_under_risk_coverage,
    auroc,
    classified,
    risk_coverage,
)
from evaluation.tables import Table, columns, heading, note, render


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A set with a part of its answers dropped."""

    beir: BeirSet
    dropped: frozenset[str]
    answerable: Mapping[str, bool]

    @property
    def questions(self) -> tuple[Query, ...]:
        """The questions that are asked, in the set's order."""
        return tuple(query for query in self.beir.queries if query.id in self.answerable)

    def entries(self) -> Iterator[Entry]:
        """Yield the corpus without what was dropped."""
        return (entry for entry in self.beir.entries() if entry.id not in self.dropped)

    def name(self) -> str:
        """Return what names the corpus, for keeping its data."""
        seed = random.Random("\0".join(sorted(self.dropped))).getrandbits(64)
        return f"leftout-{self.beir.digest()[:20]}-{seed:016x}"


def leave_out(beir: BeirSet, *, share: float = 0.5, seed: int = 0) -> LeftOut:
    """Drop relevant entries, in a seeded order, until a share of the questions has none left.

    Many questions may be about one entry, so it is the unanswerable ones that are counted, not
    those whose entries were drawn. A question that lost only some, since it shares an entry with
    a dropped one, is left out of the questions: whether the rest answers it nobody knows.
    Neighbouring entries stay, and so does everything unjudged: where another entry happens to
    answer, refusing looks right and isn't, so figures are read against each other.
    """
    ids = [query.id for query in beir.queries]
    left = {
        query: {entry for entry, value in beir.qrels[query].items() if value > 0} for query in ids
    }
    asked_by: dict[str, list[str]] = {}
    for query, entries in left.items():
        for entry in entries:
            asked_by.setdefault(entry, []).append(query)
    whole = {query: len(entries) for query, entries in left.items()}
    dropped: set[str] = set()
    gone = 0
    # Not the draw that a sample of the questions with the same seed makes: it would ask those alone
    # whose answers went first.
    for query in random.Random(f"left out {seed}").sample(ids, len(ids)):
        if gone >= round(share * len(ids)):
            break
        for entry in tuple(left[query]):
            dropped.add(entry)
            for asking in asked_by[entry]:
                left[asking].discard(entry)
                gone += not left[asking]
    answerable = {
        query: bool(left[query]) for query in ids if len(left[query]) in (0, whole[query])
    }
    return LeftOut(beir=beir, dropped=frozenset(dropped), answerable=answerable)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbstentionResult:
    """How well a score tells what the material answers.

    ``curve`` is the risk–coverage curve where an answer to an unanswerable question is wrong;
    ``threshold`` is the one with the best F1 of refusals, which are given below it.
    """

    questions: int
    unanswerable: int
    auroc: float | None
    curve: tuple[RiskPoint, ...]
    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None

    def to_json(self) -> dict[str, object]:
        """Return everything as plain values; at most 50 points of the curve."""
        step = max(1, len(self.curve) // 50)
        return {
            "questions": self.questions,
            "unanswerable": self.unanswerable,
            "auroc": self.auroc,
            "area_under_risk_coverage": area_under_risk_coverage(self.curve),
            "threshold": self.threshold,
            "refusal": {"precision": self.precision, "recall": self.recall, "f1": self.f1},
            "curve": [[p.threshold, p.coverage, p.risk] for p in self.curve[::step]],
        }

    def tables(self, language: str = "en") -> list[Table]:
        """Return the figures and the risk at round coverages."""
        rows = []
        for coverage in (0.1, 0.25, 0.5, 0.75, 0.9, 1.0):
            point = next((p for p in self.curve if p.coverage >= coverage - 1e-12), None)
            if point is not None:
                rows.append((point.coverage, point.risk, point.threshold))
        return [
            Table(
                title=heading("abstention", language),
                columns=columns(
                    (
                        "questions",
                        "unanswerable",
                        "auroc",
                        "threshold",
                        "refusal_precision",
                        "refusal_recall",
                        "f1",
                    ),
                    language,
                ),
                rows=(
                    (
                        self.questions,
                        self.unanswerable,
                        self.auroc,
                        self.threshold,
                        self.precision,
                        self.recall,
                        self.f1,
                    ),
                ),
                note=note("abstention", language),
            ),
            Table(
                title=heading("risk_coverage", language),
                columns=columns(("coverage", "risk", "threshold"), language),
                rows=tuple(rows),
            ),
        ]

    def table(self, language: str = "en") -> str:
        """Return the tables as text."""
        return render(self.tables(language))


def abstention(
    scores: Sequence[float], answerable: Sequence[bool], *, threshold: float | None = None
) -> AbstentionResult:
    """Measure a score of answerability; a refusal is given below the threshold.

    Without a threshold the one with the best F1 is taken. That is in-sample: choose it on one
    set and give it when measuring on another.
    """
    if threshold is None:
        threshold = best_threshold(scores, answerable)
    counts = classified(
        [score < threshold for score in scores], [not is_so for is_so in answerable]
    )
    return AbstentionResult(
        questions=len(answerable),
        unanswerable=sum(not is_so for is_so in answerable),
        auroc=auroc(scores, answerable),
        curve=tuple(risk_coverage(scores, answerable)),
        threshold=threshold,
        precision=counts.precision,
        recall=counts.recall,
        f1=counts.f1,
    )


def best_threshold(scores: Sequence[float], answerable: Sequence[bool]) -> float:
    """Return the threshold with the best F1 of refusals, midway between two scores."""
    if not scores:
        return 0.0
    order = np.argsort(np.asarray(scores, dtype=np.float64), kind="stable")
    values = np.asarray(scores, dtype=np.float64)[order]
    refused_right = np.cumsum(~np.asarray(answerable, dtype=bool)[order])
    total = int(refused_right[-1])
    best, threshold = 0.0, float(values[0])
    for at in range(len(values)):
        if at + 1 < len(values) and values[at] == values[at + 1]:
            continue  # equal scores can't be told apart
        f1 = 2 * float(refused_right[at]) / (at + 1 + total)
        if f1 > best:
            above = values[at + 1] if at + 1 < len(values) else np.nextafter(values[at], np.inf)
            # Half of each, not half of the sum: the sum of two large scores can overflow.
            middle = float(values[at] / 2 + above / 2)
            best, threshold = f1, middle if middle > values[at] else float(above)
    return threshold
