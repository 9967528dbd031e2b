from __future__ import annotations

import json
from dataclasses import replace
from math import log2
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.questions import (
    Gold,
    GoldQuestion,
    QuestionKind,
    evaluate_questions,
    load_questions,
)
from tests.evaluation.scripted import ScriptedProduct, a_document

WATER = a_document(
    "vesi.pdf",
    "Alueella on neljä vesilaatua. Jäähdytysvesi otetaan merestä. Jätevesi käsitellään yhdessä.",
    page_starts=(0, 30),
)
SAFETY = a_document(
    "turva.pdf", "Palokunta palvelee sopimuksella vuodesta 2016. Portti on auki aina."
)
FOUR, SEA, WASTE = (
    WATER.text.split(". ")[0] + ".",
    "Jäähdytysvesi otetaan merestä.",
    "Jätevesi käsitellään yhdessä.",
)


def a_question(name: str, kind: QuestionKind, *gold: Gold, answerable: bool = True) -> GoldQuestion:
    return GoldQuestion(
        id=name,
        question=f"{name}?",
        language="fi",
        kind=kind,
        themes=("water",),
        answerable=answerable,
        gold=gold,
    )


ONE = a_question("q1", "how much", Gold("vesi.pdf", ("neljä vesilaatua",)))
LIST = a_question(
    "q2", "list", Gold("vesi.pdf", (FOUR, SEA)), Gold("turva.pdf", ("Portti on auki aina.",))
)
EITHER = a_question("q3", "when", Gold("vesi.pdf", (SEA,)), Gold("turva.pdf", ("vuodesta 2016",)))
NOTHING = a_question("q4", "who", answerable=False)


def test_figures_by_hand() -> None:
    product = ScriptedProduct(
        [WATER, SAFETY],
        found={
            "q1?": [("turva", "Portti on auki aina."), ("vesi", FOUR)],
            "q2?": [("vesi", f"{FOUR} {SEA}"), ("vesi", WASTE)],
            "q3?": [("turva", "Palokunta palvelee sopimuksella vuodesta 2016.")],
        },
        cited={
            "q1?": [("vesi", FOUR), ("vesi", WASTE)],
            "q2?": [("vesi", SEA)],
            "q4?": [("turva", "Portti on auki aina.")],
        },
        support={"q1?": 0.9, "q2?": 0.8, "q3?": 0.1, "q4?": 0.7},
    )
    result = evaluate_questions(
        product,
        [ONE, LIST, EITHER, NOTHING],
        documents=[WATER, SAFETY],
        pages_of=lambda _, quote: frozenset({1}) if quote == "neljä vesilaatua" else None,
    )
    first, second, third, fourth = result.outcomes
    assert first.retrieval is not None
    assert first.retrieval.rr == 0.5
    assert first.retrieval.ndcg == pytest.approx(1 / log2(3))
    assert first.retrieval.recall[1] == 0
    assert first.retrieval.recall[5] == 1
    assert first.fact
    # One passage holds two gold quotes, so two units are relevant and one is found.
    assert second.retrieval is not None
    assert second.retrieval.ndcg == pytest.approx(1 / (1 + 1 / log2(3)))
    assert second.retrieval.recall[1] == pytest.approx(2 / 3)
    assert second.needed == pytest.approx(1 / 3)
    # Either document answers: finding one is all that is needed.
    assert third.retrieval is not None
    assert third.retrieval.recall[10] == 1
    assert not third.answered
    assert fourth.retrieval is None
    assert fourth.answered
    published = result.to_json()
    assert published["citation"] == {
        "precision": pytest.approx(2 / 3, abs=1e-4),
        "recall": pytest.approx((1 + 1 / 3 + 0) / 3, abs=1e-4),
        "precision_strict": 0.5,
        "recall_answered": pytest.approx((1 + 1 / 3) / 2, abs=1e-4),
        "fact": pytest.approx(2 / 3, abs=1e-4),
        "page_right": 1.0,
        "characters": (len(FOUR) + len(WASTE) + len(SEA) + len("Portti on auki aina.")) / 4,
    }
    assert published["refusal"] == {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "auroc": pytest.approx(2 / 3, abs=1e-4),
    }
    assert set(published) >= {"retrieval", "citation", "refusal", "by_language", "by_kind"}
    json.dumps(published)
    for language in ("fi", "sv", "en"):
        assert "q4 q4?" in result.table(language)


def test_refusing_only_what_cannot_be_answered_is_perfect() -> None:
    product = ScriptedProduct([WATER, SAFETY], cited={"q1?": [("vesi", FOUR)]})
    result = evaluate_questions(product, [ONE, NOTHING], documents=[WATER, SAFETY])
    published = result.to_json()
    assert published["refusal"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "auroc": None}
    assert all(one.right_decision for one in result.outcomes)


def test_a_wrong_page_is_counted() -> None:
    product = ScriptedProduct([WATER], cited={"q1?": [("vesi", FOUR)]})
    result = evaluate_questions(
        product, [ONE], documents=[WATER], pages_of=lambda _document, _quote: frozenset({2})
    )
    assert result.outcomes[0].pages.precision == 0


def test_gold_that_is_not_there_is_an_error_with_a_cure() -> None:
    product = ScriptedProduct([WATER])
    with pytest.raises(EvaluationError, match="kb ingest"):
        evaluate_questions(product, [EITHER], documents=[WATER])
    wrong = replace(ONE, gold=(Gold("vesi.pdf", ("viisi vesilaatua",)),))
    with pytest.raises(EvaluationError, match="viisi"):
        evaluate_questions(product, [wrong], documents=[WATER])


RECORD = {
    "id": "a",
    "question": "Montako?",
    "language": "fi",
    "kind": "how much",
    "themes": ["water"],
    "answerable": True,
    "gold": [{"document": "vesi.pdf", "quotes": ["neljä"]}],
    "cross": False,
}


def written(path: Path, *records: object) -> Path:
    path.write_text("\n".join(json.dumps(one) for one in records) + "\n\n", encoding="utf-8")
    return path


def test_questions_are_read(tmp_path: Path) -> None:
    second = {**RECORD, "id": "b", "answerable": False, "gold": [], "note": "sivuaa"}
    first, other = load_questions(written(tmp_path / "q.jsonl", RECORD, second))
    assert first.gold == (Gold("vesi.pdf", ("neljä",)),)
    assert other.note == "sivuaa"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"language": "de"}, "language"),
        ({"kind": "where"}, "kind"),
        ({"question": ""}, "question"),
        ({"gold": []}, "gold"),
        ({"gold": [{"document": "a", "quotes": []}]}, "gold"),
        ({"answerable": False}, "gold"),
        ({"answerable": "yes"}, "answerable"),
        ({"themes": "water"}, "themes"),
    ],
)
def test_a_faulty_question_is_named(tmp_path: Path, change: dict[str, object], field: str) -> None:
    path = written(tmp_path / "q.jsonl", RECORD, {**RECORD, "id": "b", **change})
    with pytest.raises(EvaluationError, match=f'Line 2 .*"{field}"'):
        load_questions(path)


def test_ids_are_unique_and_the_file_is_there(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="repeats the id a"):
        load_questions(written(tmp_path / "q.jsonl", RECORD, RECORD))
    with pytest.raises(EvaluationError, match="no file of questions"):
        load_questions(tmp_path / "none.jsonl")
