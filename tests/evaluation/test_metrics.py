from __future__ import annotations

from itertools import product
from math import log2

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.metrics import (
    Counts,
    Evidence,
    area_under_risk_coverage,
    auroc,
    average_precision,
    bootstrap_interval,
    classified,
    covered_share,
    dcg,
    evidence_counts,
    f_score,
    ndcg,
    paired_bootstrap,
    paired_randomisation,
    recall,
    reciprocal_rank,
    risk_coverage,
)
from kb.model import Span

RANKING = ["c", "a", "x", "b", "y"]
JUDGED = {"a": 1, "b": 3, "d": 2, "y": 0}


def test_dcg_has_exponential_gain_and_log2_discount() -> None:
    assert dcg([3, 0, 1], 10) == pytest.approx(7 + 1 / 2)
    assert dcg([0, 2], 10) == pytest.approx(3 / log2(3))
    assert dcg([1, 1, 1], 2) == pytest.approx(1 + 1 / log2(3))


def test_ndcg_by_hand() -> None:
    got = 1 / log2(3) + 7 / log2(5)  # a at rank 2, b at rank 4
    best = 7 + 3 / log2(3) + 1 / log2(4)  # b, d, a
    assert ndcg(RANKING, JUDGED, 10) == pytest.approx(got / best)
    assert ndcg(RANKING, JUDGED, 3) == pytest.approx((1 / log2(3)) / best)
    assert ndcg(RANKING, JUDGED, 1) == 0


def test_reciprocal_rank_by_hand() -> None:
    assert reciprocal_rank(RANKING, JUDGED, 10) == 0.5
    assert reciprocal_rank(RANKING, JUDGED, 1) == 0


def test_recall_plain_and_capped() -> None:
    assert recall(RANKING, JUDGED, 10) == pytest.approx(2 / 3)
    assert recall(RANKING, JUDGED, 2) == pytest.approx(1 / 3)
    assert recall(RANKING, JUDGED, 2, capped=True) == pytest.approx(1 / 2)
    assert recall(RANKING, JUDGED, 10, capped=True) == pytest.approx(2 / 3)


def test_average_precision_by_hand() -> None:
    assert average_precision(RANKING, JUDGED) == pytest.approx((1 / 2 + 2 / 4) / 3)


def test_nothing_relevant_scores_nothing() -> None:
    for judged in ({}, {"a": 0}):
        assert ndcg(RANKING, judged, 10) == 0
        assert recall(RANKING, judged, 10) == 0
        assert average_precision(RANKING, judged) == 0


names = st.sampled_from([f"d{number:02}" for number in range(30)])


@st.composite
def a_run(draw: st.DrawFn) -> tuple[list[str], dict[str, int]]:
    ranking = draw(st.lists(names, unique=True, min_size=1, max_size=30))
    judged = draw(st.dictionaries(names, st.integers(0, 3), min_size=1, max_size=20))
    return ranking, judged


@given(a_run(), st.sampled_from([1, 3, 10, 20]))
@settings(max_examples=150)
def test_measures_agree_with_ir_measures(run: tuple[list[str], dict[str, int]], k: int) -> None:
    ranking, judged = run
    if not any(judged.values()):
        judged = {**judged, "d00": 1}
    scored = {"q": {name: float(-rank) for rank, name in enumerate(ranking)}}
    binary = ir_measures.calc_aggregate(
        [ir_measures.RR @ k, ir_measures.R @ k, ir_measures.AP], {"q": judged}, scored
    )
    # trec_eval's gain is linear: give it 2^relevance − 1 as the relevance.
    gains = {name: 2**value - 1 for name, value in judged.items()}
    graded = ir_measures.calc_aggregate([ir_measures.nDCG @ k], {"q": gains}, scored)
    assert ndcg(ranking, judged, k) == pytest.approx(graded[ir_measures.nDCG @ k])
    assert reciprocal_rank(ranking, judged, k) == pytest.approx(binary[ir_measures.RR @ k])
    assert recall(ranking, judged, k) == pytest.approx(binary[ir_measures.R @ k])
    assert average_precision(ranking, judged) == pytest.approx(binary[ir_measures.AP])


@given(a_run(), st.sampled_from([1, 5, 10]))
def test_measures_stay_between_nought_and_one(
    run: tuple[list[str], dict[str, int]], k: int
) -> None:
    ranking, judged = run
    for value in (
        ndcg(ranking, judged, k),
        reciprocal_rank(ranking, judged, k),
        recall(ranking, judged, k, capped=True),
        average_precision(ranking, judged),
    ):
        assert 0 <= value <= 1 + 1e-12


def test_f_scores() -> None:
    assert f_score(0.5, 1.0) == pytest.approx(2 / 3)
    assert f_score(0.5, 1.0, 2.0) == pytest.approx(2.5 / 3)
    assert f_score(0.0, 0.0) == 0


def test_counts_of_a_decision() -> None:
    counts = classified([True, True, False, False], [True, False, True, True])
    assert counts.precision == 0.5
    assert counts.recall == pytest.approx(1 / 3)
    assert counts.f1 == pytest.approx(0.4)
    assert Counts().precision is None
    assert Counts().recall is None
    assert Counts().f1 is None


def evidence(document: str, start: int, end: int) -> Evidence:
    return Evidence(document, Span(start, end))


def test_evidence_matches_by_half_of_the_shorter() -> None:
    gold = evidence("a", 100, 200)
    assert evidence("a", 120, 140).covers(gold)  # inside
    assert evidence("a", 0, 1000).covers(gold)  # around
    assert evidence("a", 50, 150).covers(gold)  # just half
    assert not evidence("a", 50, 149).covers(gold)
    assert not evidence("b", 100, 200).covers(gold)
    assert not evidence("a", 150, 150).covers(gold)


def test_citations_against_gold_quotes() -> None:
    gold = [evidence("a", 0, 100), evidence("a", 200, 300), evidence("b", 0, 50)]
    cited = [evidence("a", 0, 90), evidence("a", 10, 60), evidence("c", 0, 10)]
    counts = evidence_counts(cited, gold)
    assert counts.precision == pytest.approx(2 / 3)
    assert counts.recall == pytest.approx(1 / 3)


def test_covered_share_counts_a_character_once() -> None:
    target = evidence("a", 100, 200)
    by = [evidence("a", 90, 120), evidence("a", 110, 130), evidence("a", 180, 300)]
    assert covered_share(target, by) == pytest.approx(0.5)
    assert covered_share(target, [evidence("b", 0, 999)]) == 0


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6))
def test_covered_share_equals_counting_characters(pairs: list[tuple[int, int]]) -> None:
    spans = [evidence("a", min(pair), max(pair)) for pair in pairs]
    held = {at for one in spans for at in range(one.span.start, one.span.end)}
    expected = sum(at in held for at in range(10, 30)) / 20
    assert covered_share(evidence("a", 10, 30), spans) == pytest.approx(expected)


def test_bootstrap_is_seeded_and_close_to_the_normal_interval() -> None:
    values = np.random.default_rng(3).random(400).tolist()
    interval = bootstrap_interval(values, seed=5)
    assert interval == bootstrap_interval(values, seed=5)
    assert interval != bootstrap_interval(values, seed=6)
    half = 1.96 * float(np.std(values)) / 20
    assert interval.mean == pytest.approx(np.mean(values))
    assert interval.low == pytest.approx(interval.mean - half, abs=0.004)
    assert interval.high == pytest.approx(interval.mean + half, abs=0.004)


def test_bootstrap_of_nothing_and_of_a_constant() -> None:
    assert bootstrap_interval([]).mean == 0
    constant = bootstrap_interval([0.25] * 10)
    assert (constant.mean, constant.low, constant.high) == (0.25, 0.25, 0.25)


def test_randomisation_equals_all_sign_flips() -> None:
    first = [0.9, 0.8, 0.7, 0.4, 0.6, 0.9, 0.5, 0.7]
    second = [0.5, 0.9, 0.3, 0.2, 0.5, 0.4, 0.5, 0.1]
    differences = np.subtract(first, second)
    flips = np.array(list(product([-1, 1], repeat=len(differences))))
    exact = float((np.abs(flips @ differences) >= abs(differences.sum()) - 1e-12).mean())
    assert paired_randomisation(first, second, permutations=40_000) == pytest.approx(
        exact, abs=0.006
    )


def test_randomisation_of_equal_and_of_clearly_different_systems() -> None:
    assert paired_randomisation([0.1, 0.5], [0.1, 0.5]) == 1
    assert paired_randomisation([], []) == 1
    assert paired_randomisation([0.9] * 40, [0.1] * 40) < 0.001
    assert paired_bootstrap([0.9] * 40, [0.1] * 40).low == pytest.approx(0.8)
    with pytest.raises(ValueError, match="differ in number"):
        paired_randomisation([1.0], [])


def test_auroc_by_hand() -> None:
    assert auroc([0.9, 0.8, 0.3, 0.1], [True, True, False, False]) == 1
    assert auroc([0.9, 0.8, 0.3, 0.1], [False, False, True, True]) == 0
    assert auroc([0.5, 0.5], [True, False]) == 0.5
    assert auroc([0.9, 0.5, 0.4], [True, False, True]) == 0.5
    assert auroc([0.9], [True]) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=25))
def test_auroc_equals_counting_pairs(pairs: list[tuple[int, bool]]) -> None:
    up = [score for score, flag in pairs if flag]
    down = [score for score, flag in pairs if not flag]
    got = auroc([score for score, _ in pairs], [flag for _, flag in pairs])
    if not up or not down:
        assert got is None
        return
    wins = sum((a > b) + 0.5 * (a == b) for a in up for b in down)
    assert got == pytest.approx(wins / (len(up) * len(down)))


def test_risk_coverage_by_hand() -> None:
    points = risk_coverage([0.9, 0.7, 0.7, 0.2], [True, False, True, False])
    assert [(point.threshold, point.coverage, point.risk) for point in points] == [
        (0.9, 0.25, 0.0),
        (0.7, 0.75, pytest.approx(1 / 3)),
        (0.2, 1.0, 0.5),
    ]
    area = 0.25 * 0 + 0.5 * (1 / 3) / 2 + 0.25 * (1 / 3 + 1 / 2) / 2
    assert area_under_risk_coverage(points) == pytest.approx(area)
    assert area_under_risk_coverage([]) == 0
