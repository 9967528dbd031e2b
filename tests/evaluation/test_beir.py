from __future__ import annotations

import json
from collections import Counter
from math import log2
from pathlib import Path

import numpy as np
import pytest

from evaluation.beir import (
    CORE,
    CoreSet,
    Scored,
    best_by_entry,
    load,
    load_core,
    read_run,
    run,
    score,
    write_run,
)
from evaluation.errors import EvaluationError
from tests.evaluation.beir_sets import write_set


@pytest.mark.parametrize("corpus", ["link", "lost link", "own", "beside"])
def test_corpus_is_found_wherever_it_is(tmp_path: Path, corpus: str) -> None:
    beir = load(write_set(tmp_path, corpus=corpus))
    assert [entry.id for entry in beir.entries()] == ["d1", "d2", "d3", "d4", "d5"]
    assert next(entry for entry in beir.entries() if entry.title).whole.startswith("Vesi\n\nSuur")
    assert beir.language == "fi"
    assert beir.name == "tiny/fi-fi"


def test_queries_without_a_relevant_entry_are_counted_not_scored(tmp_path: Path) -> None:
    beir = load(write_set(tmp_path))
    assert [query.id for query in beir.queries] == ["q1", "q2", "q3"]
    assert beir.unjudged == 1


def test_language_is_the_last_part_of_the_name(tmp_path: Path) -> None:
    assert load(write_set(tmp_path, variant="heading_en-sv")).language == "sv"
    assert load(write_set(tmp_path / "b", variant="test")).language is None


def damaged(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "text", "code", "says"),
    [
        ("queries.jsonl", '{"_id": "q1", "text": "a"}\n{oops\n', "evaluation_json", "Line 2"),
        ("queries.jsonl", '{"_id": "q1", "text": " "}\n', "evaluation_field", '"text"'),
        ("queries.jsonl", '["q1"]\n', "evaluation_json", "Line 1"),
        ("queries.jsonl", '{"_id": "q1", "text": "a"}\n' * 2, "evaluation_repeated", "q1"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1 d1 1\n", "evaluation_columns", "Line 2"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\tyes\n", "evaluation_number", "yes"),
        ("qrels.tsv", "q9\td1\t1\n", "evaluation_query", "q9"),
        ("qrels.tsv", "q1\td1\t0\n", "evaluation_no_queries", "nothing to measure"),
    ],
)
def test_faults_name_file_line_and_cure(
    tmp_path: Path, name: str, text: str, code: str, says: str
) -> None:
    folder = damaged(write_set(tmp_path), name, text)
    with pytest.raises(EvaluationError) as caught:
        load(folder)
    assert caught.value.code == code
    assert says in str(caught.value)


def test_missing_pieces_are_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no folder"):
        load(tmp_path / "nowhere")
    folder = write_set(tmp_path)
    (folder.parent / "corpus.fi.jsonl").unlink()
    with pytest.raises(EvaluationError, match=r"corpus\.fi\.jsonl"):
        load(folder)
    (folder / "qrels.tsv").unlink()
    with pytest.raises(EvaluationError, match=r"qrels\.tsv"):
        load(folder)


def test_a_repeated_corpus_entry_is_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path, corpus="own")
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"_id": "d1", "text": "taas"}) + "\n")
    with pytest.raises(EvaluationError, match="Line 6"):
        list(load(folder).entries())


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path)
    (folder / "queries.jsonl").write_bytes('{"_id": "q1", "text": "ä"}'.encode("latin-1"))
    with pytest.raises(EvaluationError, match="UTF-8"):
        load(folder)


def test_scores_by_hand(tmp_path: Path) -> None:
    beir = load(write_set(tmp_path))
    rankings = {
        "q1": [Scored("d1", 3.0), Scored("d2", 2.0)],
        "q2": [Scored("d1", 3.0), Scored("d2", 2.0)],
        "q3": [Scored("d4", 9.0)],
    }
    result = score(beir, rankings, system="hand")
    third = 1 / (3 + 1 / log2(3))
    assert result.values("nDCG@10") == pytest.approx([1, 1 / log2(3), third])
    assert result.values("MRR@10") == [1, 0.5, 1]
    assert result.values("R@1") == [1, 0, 1]
    assert result.values("plain R@1") == [1, 0, 0.5]
    assert [query.rank for query in result.queries] == [1, 2, 1]
    published = result.to_json()
    assert published["queries"] == 3
    assert published["metrics"] == {
        "nDCG@10": pytest.approx((1 + 1 / log2(3) + third) / 3, abs=1e-4),
        "MRR@10": pytest.approx(2.5 / 3, abs=1e-4),
        "R@1": pytest.approx(2 / 3, abs=1e-4),
        "R@10": pytest.approx(2.5 / 3, abs=1e-4),
        "R@100": pytest.approx(2.5 / 3, abs=1e-4),
    }
    json.dumps(published)
    for language in ("fi", "sv", "en"):
        assert "nDCG@10" in result.table(language)


def test_excluded_entries_leave_the_ranking_and_the_judgements(tmp_path: Path) -> None:
    folder = write_set(tmp_path)
    (folder / "exclude.tsv").write_text("query-id\tcorpus-id\nq3\td3\n", encoding="utf-8")
    beir = load(folder)
    result = score(beir, {"q3": [Scored("d3", 9), Scored("d4", 8)]}, system="hand")
    third = next(query for query in result.queries if query.id == "q3")
    assert third.rank == 1
    assert third.measures["nDCG@10"] == 1
    assert [one.id for one in third.ranking] == ["d4"]


def test_run_files_round_trip_and_sort_by_score(tmp_path: Path) -> None:
    beir = load(write_set(tmp_path))
    result = run(beir, lambda _: [Scored("d2", 2.0), Scored("d1", 1.5)], system="fixed")
    write_run(tmp_path / "out" / "a.tsv", result)
    back = read_run(tmp_path / "out" / "a.tsv")
    assert score(beir, back, system="fixed").values("nDCG@10") == result.values("nDCG@10")
    (tmp_path / "b.tsv").write_text("q1\td2\t0.1\nq1\td1\t0.9\n", encoding="utf-8")
    assert [one.id for one in read_run(tmp_path / "b.tsv")["q1"]] == ["d1", "d2"]
    (tmp_path / "c.tsv").write_text("q1\td2\t0.1\nq1\td1\tx\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match="Line 2"):
        read_run(tmp_path / "c.tsv")


def test_an_entry_counts_by_its_best_passage() -> None:
    hits = [("a", 0.9), ("b", 0.8), ("a", 0.7), ("c", 0.6)]
    assert best_by_entry(hits) == [Scored("a", 0.9), Scored("b", 0.8), Scored("c", 0.6)]


def test_samples_are_seeded_and_keep_order(tmp_path: Path) -> None:
    beir = load(write_set(tmp_path))
    assert beir.sample(2, seed=1) == beir.sample(2, seed=1)
    assert len(beir.sample(2).queries) == 2
    assert beir.sample(99).queries == beir.queries
    chosen = {beir.sample(1, seed=seed).queries[0].id for seed in range(30)}
    assert chosen == {"q1", "q2", "q3"}


def test_shrinking_keeps_what_queries_need(tmp_path: Path) -> None:
    beir = load(write_set(tmp_path)).sample(1, seed=0)
    small = beir.shrink(1)
    kept = [entry.id for entry in small.entries()]
    assert set(beir.qrels[beir.queries[0].id]) <= set(kept)
    assert len(kept) == len(beir.qrels[beir.queries[0].id]) + 1
    assert small.digest() != beir.digest()


def test_the_core_is_loaded_where_it_is(tmp_path: Path) -> None:
    write_set(tmp_path)
    assert load_core(tmp_path, CoreSet("tiny/en-fi")) is None
    cut = load_core(tmp_path, CoreSet("tiny/fi-fi", 1, 1))
    assert cut is not None
    assert len(cut.queries) == 1
    assert len(list(cut.entries())) == len(cut.qrels[cut.queries[0].id]) + 1


def test_variants_of_a_core_corpus_share_what_is_embedded(test_data: Path) -> None:
    digests = {
        beir.digest()
        for core in CORE
        if core.name.startswith("finna_a")
        and (beir := load_core(test_data / "retrieval", core)) is not None
    }
    assert len(digests) == 1


def test_character_ngrams_reach_the_published_figure(test_data: Path) -> None:
    """The set's own README gives .825 for TF-IDF over 4-grams: far less means a loader's fault."""
    beir = load(test_data / "retrieval" / "squad2_fi_dev" / "fi-fi").sample(150, seed=0)
    entries = list(beir.entries())

    def grams(text: str) -> Counter[str]:
        padded = " ".join(text.casefold().split())
        return Counter(padded[at : at + 4] for at in range(len(padded) - 3))

    counted = [grams(entry.whole) for entry in entries]
    frequency = Counter(gram for one in counted for gram in one)
    vectors = []
    for one in counted:
        vector = {
            gram: (1 + np.log(count)) * np.log(len(entries) / frequency[gram])
            for gram, count in one.items()
        }
        length = float(np.sqrt(sum(value * value for value in vector.values())))
        vectors.append({gram: value / length for gram, value in vector.items()})

    def search(text: str) -> list[Scored]:
        asked = {
            gram: count * np.log(len(entries) / frequency[gram])
            for gram, count in grams(text).items()
            if gram in frequency
        }
        scored = [
            Scored(
                entry.id, float(sum(value * vector.get(gram, 0.0) for gram, value in asked.items()))
            )
            for entry, vector in zip(entries, vectors, strict=True)
        ]
        return sorted(scored, key=lambda one: -one.score)[:100]

    assert run(beir, search, system="4-grams").mean("nDCG@10") == pytest.approx(0.825, abs=0.07)
