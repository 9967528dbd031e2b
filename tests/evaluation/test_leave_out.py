from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.beir import Query, load
from evaluation.leave_out import abstention, best_threshold, leave_out
from evaluation.metrics import classified
from tests.evaluation.beir_sets import write_set


def test_answers_of_the_chosen_are_gone_and_neighbours_stay(tmp_path: Path) -> None:
    beir = load(write_set(tmp_path))
    left = leave_out(beir, share=1 / 3, seed=0)
    unanswerable = [name for name, is_so in left.answerable.items() if not is_so]
    assert len(unanswerable) == 1
    assert left.dropped == set(beir.qrels[unanswerable[0]])
    assert {entry.id for entry in left.entries()} == {"d1", "d2", "d3", "d4", "d5"} - left.dropped
    assert left == leave_out(beir, share=1 / 3, seed=0)
    assert left.name() != leave_out(beir, share=1, seed=0).name()


def test_a_question_that_lost_only_some_answers_is_not_asked(tmp_path: Path) -> None:
    qrels = (("q1", "d1", 1), ("q2", "d1", 1), ("q2", "d2", 1), ("q3", "d3", 1))
    beir = load(write_set(tmp_path, qrels=qrels))
    seen = set()
    for seed in range(20):
        left = leave_out(beir, share=1 / 3, seed=seed)
        if left.dropped == {"d1"}:
            assert left.answerable == {"q1": False, "q3": True}
            assert [query.id for query in left.questions] == ["q1", "q3"]
        elif left.dropped == {"d1", "d2"}:
            # q2 was chosen, and q1's only answer went with it
            assert left.answerable == {"q1": False, "q2": False, "q3": True}
        seen.add(left.dropped)
    assert len(seen) == 3


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_the_share_is_kept_where_many_questions_are_about_one_entry(
    tmp_path: Path, share: float
) -> None:
    ids = [f"q{number}" for number in range(40)]
    beir = replace(
        load(write_set(tmp_path)),
        queries=tuple(Query(one, "?") for one in ids),
        qrels={one: {f"d{at % 10}": 1} for at, one in enumerate(ids)},
    )
    left = leave_out(beir, share=share, seed=3)
    gone = sum(not is_so for is_so in left.answerable.values())
    # Four questions go with each entry.
    assert share * 40 <= gone < share * 40 + 4
    assert len(left.answerable) == 40


def test_a_sample_of_the_questions_has_both_sorts(tmp_path: Path) -> None:
    ids = [f"q{number}" for number in range(40)]
    beir = replace(
        load(write_set(tmp_path)),
        queries=tuple(Query(one, "?") for one in ids),
        qrels={one: {f"d{at}": 1} for at, one in enumerate(ids)},
    )
    for seed in range(5):
        left = leave_out(beir, seed=seed)
        few = beir.only(left.questions).sample(20, seed=seed).queries
        assert 0 < sum(left.answerable[query.id] for query in few) < 20


def test_abstention_by_hand() -> None:
    scores = [0.9, 0.8, 0.6, 0.4, 0.2]
    answerable = [True, True, False, True, False]
    result = abstention(scores, answerable, threshold=0.5)
    assert (result.precision, result.recall) == (0.5, 0.5)
    assert result.auroc == pytest.approx(5 / 6)
    best = abstention(scores, answerable)
    assert best.threshold == pytest.approx(0.7)
    assert best.f1 == pytest.approx(0.8)
    json.dumps(best.to_json())
    assert "AUROC" in best.table("fi")


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=15).filter(
        lambda pairs: not all(flag for _, flag in pairs)
    )
)
def test_no_threshold_beats_the_best_one(pairs: list[tuple[int, bool]]) -> None:
    scores = [float(score) for score, _ in pairs]
    answerable = [flag for _, flag in pairs]

    def f1(threshold: float) -> float:
        refused = [score < threshold for score in scores]
        return classified(refused, [not flag for flag in answerable]).f1 or 0.0

    tried = max(f1(step / 2 - 0.5) for step in range(16))
    assert f1(best_threshold(scores, answerable)) == pytest.approx(tried)
