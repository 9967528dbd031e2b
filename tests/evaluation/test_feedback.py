from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.feedback import Exported, questions_of
from evaluation.questions import evaluate_questions, load_questions
from kb.feedback import Feedback
from kb.given import given
from kb.knowledge_base import KnowledgeBase
from tests.kb.answers import (
    QUESTION,
    QUOTE,
    Open,
    answered,
    take_in,
    with_water,
    write,
)

OTHER = "Kuka omistaa sataman?"


@pytest.fixture
def kb(open_at: Open, tmp_path: Path) -> KnowledgeBase:
    return with_water(open_at, tmp_path)


def judge(kb: KnowledgeBase, question: str, verdict: str, *quotes: str, note: str = "") -> None:
    Feedback(kb).add(given(kb, answered(kb, question, *quotes)), verdict, note=note)


def made(kb: KnowledgeBase) -> Exported:
    return questions_of(Feedback(kb).all(), [kb.document(row.id) for row in kb.documents()])


def test_useful_answers_become_gold_and_useful_refusals_unanswerable(kb: KnowledgeBase) -> None:
    judge(kb, QUESTION, "useful", QUOTE)
    judge(kb, OTHER, "useful")

    answerable, refused = made(kb).records

    assert answerable["answerable"] is True
    assert answerable["gold"] == [{"document": "vesi.md", "quotes": [QUOTE]}]
    assert refused["answerable"] is False
    assert refused["gold"] == []
    assert "judge" not in {*answerable, *refused}


@pytest.mark.parametrize("verdict", ["wrong-answer", "wrong-source", "missing"])
def test_what_is_wrong_or_missing_is_to_be_judged(kb: KnowledgeBase, verdict: str) -> None:
    judge(kb, QUESTION, verdict, QUOTE, note="ei\nnäin")

    (record,) = made(kb).records

    assert record["judge"] is True
    assert record["answerable"] is False
    assert record["given"] == [{"text": QUOTE, "quotes": [QUOTE]}]
    assert "ei näin" in str(record["note"])


def test_judgements_of_one_question_are_one_and_dissent_is_to_be_judged(kb: KnowledgeBase) -> None:
    judge(kb, QUESTION, "useful", QUOTE)
    judge(kb, QUESTION.upper(), "useful", QUOTE)
    assert len(made(kb).records) == 1
    assert made(kb).to_judge == 0

    judge(kb, QUESTION, "wrong-answer", QUOTE)
    assert (len(made(kb).records), made(kb).to_judge) == (1, 1)


def test_gold_that_is_not_in_the_documents_any_more_is_to_be_judged(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    judge(kb, QUESTION, "useful", QUOTE)
    write(tmp_path / "aineisto", vesi="# Vesihuolto\n\nVesi otetaan järvestä.\n")
    take_in(kb, tmp_path / "aineisto")

    assert made(kb).to_judge == 1


def test_the_file_is_read_and_measured_without_what_is_to_be_judged(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    judge(kb, QUESTION, "useful", QUOTE)
    judge(kb, OTHER, "missing")
    file = tmp_path / "palaute.jsonl"
    file.write_text(made(kb).text(), encoding="utf-8")

    questions = load_questions(file)
    result = evaluate_questions(
        kb, questions, documents=[kb.document(row.id) for row in kb.documents()]
    ).to_json()

    assert [one.judge for one in questions] == [False, True]
    assert (result["questions"], result["to_judge"]) == (1, 1)
