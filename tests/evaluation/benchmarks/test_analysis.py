"""BM25 by hand, and the benchmark of term kinds on a set of three passages."""

import json
import math
from pathlib import Path

import pytest

from evaluation.beir import load
from evaluation.benchmarks.analysis import Formula, TermIndex, main, measure

# N = 2, mean length 1.5; "a" is in both (df 2), "b" in the first (df 1).
INDEX = TermIndex([["a", "b"], ["a"]])
PLAIN = Formula(k1=1.0, b=0.5, tie=1.0)


def by_hand(df: int, tf: int, length: int) -> float:
    idf = math.log(1 + (2 - df + 0.5) / (df + 0.5))
    return idf * tf * 2.0 / (tf + 1.0 * (0.5 + 0.5 * length / 1.5))


def test_scores_are_those_of_the_formula() -> None:
    scores = INDEX.score([[("a", 1.0)], [("b", 0.5)]], PLAIN)
    assert scores[0] == pytest.approx(by_hand(2, 1, 2) + 0.5 * by_hand(1, 1, 2))
    assert scores[1] == pytest.approx(by_hand(2, 1, 1))


@pytest.mark.parametrize("tie", [0.0, 0.25, 1.0])
def test_a_word_is_its_best_term_and_a_share_of_the_others(tie: float) -> None:
    scores = INDEX.score([[("a", 1.0), ("b", 1.0)]], Formula(k1=1.0, b=0.5, tie=tie))
    assert scores[0] == pytest.approx(by_hand(1, 1, 2) + tie * by_hand(2, 1, 2))


def test_an_unknown_term_scores_nothing() -> None:
    assert not INDEX.score([[("c", 1.0)]], PLAIN).any()


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    passages = {
        "vesi": "Jätevedet puhdistetaan alueen omassa puhdistamossa.",
        "raide": "Raiteet ulottuvat satamasta tehtaille.",
        "lupa": "Ympäristöluvan myöntää aluehallintovirasto.",
    }
    questions = {"vesi": "jätevesi", "raide": "rautatie ja satama", "lupa": "Millainen lupa?"}
    folder = tmp_path / "small" / "fi-fi"
    folder.mkdir(parents=True)
    for name, lines in (("corpus", passages), ("queries", questions)):
        rows = [json.dumps({"_id": key, "text": text}) for key, text in lines.items()]
        (folder / f"{name}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    judged = "".join(f"{key}\t{key}\t1\n" for key in passages)
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", encoding="utf-8")
    return folder


def test_terms_find_what_words_between_spaces_do_not(small_set: Path) -> None:
    results = measure(load(small_set))
    assert results["as installed"] == 1.0
    assert results["words between spaces"] < 0.5


def test_the_command_prints_a_table(small_set: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(small_set)]) == 0
    assert "as installed" in capsys.readouterr().out
