from __future__ import annotations

from math import log
from pathlib import Path

import pytest

from evaluation.baselines.bm25_words import Bm25Words, bm25
from evaluation.baselines.plain_llamaindex import PlainPipeline, missing
from evaluation.beir import Entry, load
from evaluation.errors import EvaluationError
from tests.evaluation.beir_sets import write_set


def test_bm25_by_hand() -> None:
    index = Bm25Words(
        [
            Entry("a", "", "vesi vesi meri"),
            Entry("b", "", "Meri"),
            Entry("c", "Otsikko", "portti auki"),
        ]
    )
    assert len(index) == 3
    found = index.search("VESI!")
    idf = log(1 + (3 - 1 + 0.5) / 1.5)
    mean = 7 / 3
    expected = idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / mean))
    assert [one.id for one in found] == ["a"]
    assert found[0].score == pytest.approx(expected)
    assert [one.id for one in index.search("meri")] == ["b", "a"]  # the shorter one first
    assert [one.id for one in index.search("otsikko")] == ["c"]
    assert index.search("puuttuva") == []


def test_bm25_on_a_set(tmp_path: Path) -> None:
    result = bm25(load(write_set(tmp_path)))
    assert result.system == "bm25-words"
    assert result.mean("R@10") > 0.3


def test_bm25_on_real_questions_is_near_the_known_figure(test_data: Path) -> None:
    beir = load(test_data / "retrieval" / "squad2_fi_dev" / "fi-fi")
    result = bm25(beir.sample(400))
    assert 0.6 < result.mean("nDCG@10") < 0.78


@pytest.mark.skipif(not missing(), reason="the plain pipeline's packages are installed")
def test_the_plain_pipeline_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="pip install"):
        PlainPipeline([], folder=tmp_path)
