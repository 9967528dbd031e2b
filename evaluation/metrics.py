"""Measures as pure functions, each with its source.

A ranking is a sequence of ids, best first, without repeats. Judgements map ids to a relevance
of 0, 1, 2 …; an id that isn't judged counts as 0. Every measure of a ranking lies in 0–1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
import numpy.typing as npt

from kb.model import Span

Judgements = Mapping[str, int]
Floats = npt.NDArray[np.float64]

# A block of resamples takes at most this many cells (8 bytes each) at once.
_CELLS = 4_000_000


def gain(relevance: int) -> float:
    """Return 2^relevance − 1, the gain of Burges et al. (2005); 0 for nothing relevant.

    For binary judgements it equals the linear gain of Järvelin & Kekäläinen (2002).
    """
    return float(2**relevance - 1) if relevance > 0 else 0.0


def dcg(relevances: Sequence[int], k: int) -> float:
    """Return the discounted cumulative gain of the first k, discount log2(rank + 1).

    K. Järvelin, J. Kekäläinen: Cumulated gain-based evaluation of IR techniques. ACM TOIS
    20(4), 2002; with the gain of ``gain`` and the discount from the first rank on.
    """
    return sum(gain(value) / log2(rank + 1) for rank, value in enumerate(relevances[:k], start=1))


def ndcg(ranking: Sequence[str], judged: Judgements, k: int) -> float:
    """Return DCG@k divided by that of the best possible ranking; 0 where nothing is relevant."""
    best = dcg(sorted(judged.values(), reverse=True), k)
    return dcg([judged.get(name, 0) for name in ranking[:k]], k) / best if best else 0.0


def reciprocal_rank(ranking: Sequence[str], judged: Judgements, k: int) -> float:
    """Return 1 / rank of the first relevant id among the first k, else 0."""
    for rank, name in enumerate(ranking[:k], start=1):
        if judged.get(name, 0) > 0:
            return 1 / rank
    return 0.0


def recall(ranking: Sequence[str], judged: Judgements, k: int, *, capped: bool = False) -> float:
    """Return the share of the relevant ids that stand among the first k.

    ``capped`` divides by min(k, relevant) instead, so that 1 can be reached where more than k
    are relevant (R_cap@k of Thakur et al., BEIR, 2021).
    """
    relevant = sum(1 for value in judged.values() if value > 0)
    if not relevant:
        return 0.0
    found = sum(1 for name in ranking[:k] if judged.get(name, 0) > 0)
    return found / (min(k, relevant) if capped else relevant)


def average_precision(ranking: Sequence[str], judged: Judgements) -> float:
    """Return the mean, over the relevant ids, of the precision where each is found (else 0)."""
    relevant = sum(1 for value in judged.values() if value > 0)
    found, total = 0, 0.0
    for rank, name in enumerate(ranking, start=1):
        if judged.get(name, 0) > 0:
            found += 1
            total += found / rank
    return total / relevant if relevant else 0.0


def f_score(precision: float, recall: float, beta: float = 1.0) -> float:
    """Return the weighted harmonic mean; beta > 1 weighs recall more (van Rijsbergen 1979)."""
    weight = beta * beta
    below = weight * precision + recall
    return (1 + weight) * precision * recall / below if below else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many of what was returned are right, and how many right ones there are.

    ``returned`` and ``expected`` count different things where one of a kind can match several
    of the other (citations and gold quotes); ``right`` is counted among the returned,
    ``found`` among the expected.
    """

    returned: int = 0
    right: int = 0
    expected: int = 0
    found: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            returned=self.returned + other.returned,
            right=self.right + other.right,
            expected=self.expected + other.expected,
            found=self.found + other.found,
        )

    @property
    def precision(self) -> float | None:
        """Right among the returned; None where nothing was returned."""
        return self.right / self.returned if self.returned else None

    @property
    def recall(self) -> float | None:
        """Found among the expected; None where nothing was expected."""
        return self.found / self.expected if self.expected else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None where either is."""
        if self.precision is None or self.recall is None:
            return None
        return f_score(self.precision, self.recall)


def classified(predicted: Sequence[bool], actual: Sequence[bool]) -> Counts:
    """Return the counts of a yes/no decision; "yes" is what precision and recall are about."""
    both = sum(1 for said, is_so in zip(predicted, actual, strict=True) if said and is_so)
    return Counts(returned=sum(predicted), right=both, expected=sum(actual), found=float(both))


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """A span of a named document."""

    document: str
    span: Span

    def covers(self, other: Evidence, *, least: float = 0.5) -> bool:
        """Return whether both overlap by at least a share of the shorter one.

        So a cited sentence matches the longer gold paragraph around it, and the other way
        round, but a shared word at the edge of two neighbours doesn't.
        """
        shorter = min(len(self.span), len(other.span))
        if self.document != other.document or not shorter:
            return False
        return self.span.overlap(other.span) >= least * shorter


def evidence_counts(
    cited: Sequence[Evidence], gold: Sequence[Evidence], *, least: float = 0.5
) -> Counts:
    """Return how many citations match a gold quote and how many gold quotes are cited."""
    return Counts(
        returned=len(cited),
        right=sum(any(one.covers(other, least=least) for other in gold) for one in cited),
        expected=len(gold),
        found=float(sum(any(one.covers(other, least=least) for other in cited) for one in gold)),
    )


def covered_share(target: Evidence, by: Sequence[Evidence]) -> float:
    """Return the share of the target's characters that the others hold, each counted once."""
    if not len(target.span):
        return 0.0
    spans = sorted(one.span for one in by if one.document == target.document)
    at, held = target.span.start, 0
    for span in spans:
        start, end = max(at, span.start), min(target.span.end, span.end)
        if end > start:
            held += end - start
            at = end
    return held / len(target.span)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its interval."""

    mean: float
    low: float
    high: float


def bootstrap_interval(
    values: Sequence[float], *, level: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Return the mean and its percentile bootstrap interval over the queries.

    B. Efron, R. Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13. Resamples
    queries with replacement; the seed makes it repeatable. No values give zeros.
    """
    data = np.asarray(values, dtype=np.float64)
    if not data.size:
        return Interval(0.0, 0.0, 0.0)
    means = np.concatenate(list(_resampled_means(data, resamples, seed)))
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(data.mean()), float(low), float(high))


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    *,
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Return the mean of first − second over the same queries and its bootstrap interval.

    T. Sakai: Evaluating evaluation metrics based on the bootstrap. SIGIR 2006.
    """
    differences = _differences(first, second).tolist()
    return bootstrap_interval(differences, level=level, resamples=resamples, seed=seed)


def paired_randomisation(
    first: Sequence[float], second: Sequence[float], *, permutations: int = 10_000, seed: int = 0
) -> float:
    """Return the two-sided p-value of Fisher's randomisation test for the mean difference.

    M. Smucker, J. Allan, B. Carterette: A comparison of statistical significance tests for
    information retrieval evaluation. CIKM 2007. Each query's two values are swapped by a fair
    coin; the observed labelling counts as one of the permutations, so p is never 0.
    """
    differences = _differences(first, second)
    if not differences.size:
        return 1.0
    observed = abs(float(differences.mean()))
    generator = np.random.default_rng(seed)
    extreme = 0
    for size in _blocks(permutations, differences.size):
        signs = generator.integers(0, 2, size=(size, differences.size)) * 2 - 1
        # Rounding must not make a permutation that equals the observed one look smaller.
        extreme += int((np.abs(signs @ differences) / differences.size >= observed - 1e-12).sum())
    return (extreme + 1) / (permutations + 1)


def _differences(first: Sequence[float], second: Sequence[float]) -> Floats:
    if len(first) != len(second):
        raise ValueError(f"paired values differ in number: {len(first)} and {len(second)}")
    return np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)


def _resampled_means(data: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    generator = np.random.default_rng(seed)
    for size in _blocks(resamples, data.size):
        yield data[generator.integers(0, data.size, size=(size, data.size))].mean(axis=1)


def _blocks(total: int, width: int) -> Iterator[int]:
    step = max(1, _CELLS // max(1, width))
    for start in range(0, total, step):
        yield min(step, total - start)


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Return the chance that a positive scores above a negative, ties counting half.

    The area under the ROC curve by the rank sum of Mann & Whitney (J. Hanley, B. McNeil,
    Radiology 143, 1982). None where there are no positives or no negatives.
    """
    values = np.asarray(scores, dtype=np.float64)
    flags = np.asarray(positive, dtype=bool)
    if values.size != flags.size:
        raise ValueError(f"scores and flags differ in number: {values.size} and {flags.size}")
    positives, negatives = int(flags.sum()), int((~flags).sum())
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle = last - (counts - 1) / 2  # the mean rank, from 1, of each group of equal scores
    rank_sum = float(middle[inverse][flags].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Answering whatever scores at least ``threshold``: how much is answered, how much wrongly.

    ``coverage`` is the share answered, ``risk`` the share of wrong ones among those.
    """

    threshold: float
    coverage: float
    risk: float


def risk_coverage(scores: Sequence[float], right: Sequence[bool]) -> list[RiskPoint]:
    """Return the risk–coverage curve, one point a distinct score, from the highest down.

    R. El-Yaniv, Y. Wiener: On the foundations of noise-free selective classification. JMLR 11,
    2010. ``right[i]`` says whether answering question i is right.
    """
    pairs = sorted(zip(scores, right, strict=True), key=lambda pair: -pair[0])
    points: list[RiskPoint] = []
    wrong = 0
    for answered, (score, is_right) in enumerate(pairs, start=1):
        wrong += not is_right
        if answered == len(pairs) or pairs[answered][0] != score:
            points.append(RiskPoint(score, answered / len(pairs), wrong / answered))
    return points


def area_under_risk_coverage(points: Sequence[RiskPoint]) -> float:
    """Return the mean risk over coverage 0–1 (trapezoids; 0 is best).

    Below the first point, where nothing is known of the risk, it is taken to be that point's.
    """
    area, before, risk = 0.0, 0.0, points[0].risk if points else 0.0
    for point in points:
        area += (point.coverage - before) * (point.risk + risk) / 2
        before, risk = point.coverage, point.risk
    return area
