from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.beir import Scored, load, run, write_run
from evaluation.compare import compare, compare_runs
from evaluation.errors import EvaluationError
from tests.evaluation.beir_sets import write_set


def test_two_runs_are_compared_query_by_query(tmp_path: Path) -> None:
    folder = write_set(tmp_path)
    beir = load(folder)
    good = run(beir, lambda _: [Scored("d1", 2.0), Scored("d3", 1.5)], system="good")
    poor = run(beir, lambda _: [Scored("d2", 2.0)], system="poor")
    write_run(tmp_path / "good.tsv", good)
    write_run(tmp_path / "poor.tsv", poor)
    result = compare_runs(folder, first=tmp_path / "good.tsv", second=tmp_path / "poor.tsv")
    ndcg = result.differences[0]
    assert (ndcg.measure, ndcg.wins, ndcg.losses, ndcg.ties) == ("nDCG@10", 2, 1, 0)
    assert ndcg.interval.mean == pytest.approx(good.mean("nDCG@10") - poor.mean("nDCG@10"))
    assert ndcg.p > 0.2
    assert [one.id for one in result.wins] == ["q1", "q3"]
    assert [(one.id, one.first_rank, one.second_rank) for one in result.losses] == [("q2", None, 1)]
    json.dumps(result.to_json())
    assert "Montako vesilaatua" in result.table("sv")


def test_only_shared_queries_count(tmp_path: Path) -> None:
    folder = write_set(tmp_path)
    (tmp_path / "a.tsv").write_text("q1\td1\t1\nq2\td1\t1\n", encoding="utf-8")
    (tmp_path / "b.tsv").write_text("q2\td2\t1\nq3\td1\t1\n", encoding="utf-8")
    (tmp_path / "c.tsv").write_text("q3\td2\t1\n", encoding="utf-8")
    result = compare_runs(folder, first=tmp_path / "a.tsv", second=tmp_path / "b.tsv")
    assert result.queries == 1
    assert result.differences[0].interval.mean == -1
    with pytest.raises(EvaluationError, match="share no query"):
        compare_runs(folder, first=tmp_path / "a.tsv", second=tmp_path / "c.tsv")


def test_a_query_with_nothing_found_counts_as_nothing(tmp_path: Path) -> None:
    qrels = tuple((f"q{number}", "d1", 1) for number in range(1, 5))
    folder = write_set(tmp_path, qrels=qrels)
    with (folder / "queries.jsonl").open("a", encoding="utf-8") as file:
        for number in range(5, 21):
            file.write(f'{{"_id": "q{number}", "text": "kysely {number}"}}\n')
    with (folder / "qrels.tsv").open("a", encoding="utf-8") as file:
        file.writelines(f"q{number}\td1\t1\n" for number in range(5, 21))
    every = [f"q{number}\td1\t1" for number in range(1, 21)]
    (tmp_path / "all.tsv").write_text("\n".join(every), encoding="utf-8")
    (tmp_path / "but-one.tsv").write_text("\n".join(every[1:]), encoding="utf-8")
    (tmp_path / "sample.tsv").write_text("\n".join(every[:5]), encoding="utf-8")
    result = compare_runs(folder, first=tmp_path / "all.tsv", second=tmp_path / "but-one.tsv")
    assert (result.queries, result.differences[0].wins) == (20, 1)
    result = compare_runs(folder, first=tmp_path / "sample.tsv", second=tmp_path / "but-one.tsv")
    assert (result.queries, result.differences[0].wins) == (5, 1)


def test_different_queries_are_refused(tmp_path: Path) -> None:
    beir = load(write_set(tmp_path))
    whole = run(beir, lambda _: [], system="a")
    part = run(beir.only(beir.queries[:1]), lambda _: [], system="b")
    with pytest.raises(ValueError, match="different queries"):
        compare(whole, part)
