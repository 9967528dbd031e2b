from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation import suite
from evaluation.errors import EvaluationError
from evaluation.legs import MEASURE
from kb.settings import load_settings
from tests.evaluation.beir_sets import write_set


def test_the_whole_is_compared_with_each_leg(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data")
    folder = write_set(tmp_path)
    result = suite.legs(folder, settings=settings, cache=tmp_path / "cache")
    (one,) = result.sets
    assert set(one.legs) == {"terms", "vectors"}
    whole = suite.beir(folder, settings=settings, cache=tmp_path / "cache")
    assert one.whole.mean(MEASURE) == whole.mean(MEASURE)
    for leg, alone in one.legs.items():
        mean, low, high = one.difference(leg)
        assert mean == pytest.approx(one.whole.mean(MEASURE) - alone.mean(MEASURE))
        assert low <= mean <= high
        assert 0 < one.p(leg) <= 1
    # A leg ranks by itself: its scores are its own, not the whole's.
    scores = {leg: [q.ranking[0].score for q in r.queries] for leg, r in one.legs.items()}
    assert scores["terms"] != scores["vectors"]
    assert all(0 <= score <= 1 for score in scores["terms"])
    assert "terms" in result.table("fi")
    json.dumps(result.to_json())


def test_a_folder_without_sets_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"queries\.jsonl"):
        suite.legs(tmp_path, settings=load_settings(data_dir=tmp_path / "data"))
