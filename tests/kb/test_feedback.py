from __future__ import annotations

from pathlib import Path

import pytest

from kb.errors import BadEntry, NotFound
from kb.feedback import LONGEST_NOTE, Feedback, Verdict
from kb.given import GivenAnswer, given
from kb.knowledge_base import KnowledgeBase
from tests.kb.answers import (
    QUESTION,
    QUOTE,
    Open,
    answered,
    opened,
    with_water,
)
from tests.kb.test_saved import level


@pytest.fixture
def kb(open_at: Open, tmp_path: Path) -> KnowledgeBase:
    return with_water(open_at, tmp_path)


@pytest.fixture
def told(kb: KnowledgeBase) -> GivenAnswer:
    return given(kb, answered(kb, QUESTION, QUOTE))


def test_a_judgement_keeps_the_answer_as_it_was(kb: KnowledgeBase, told: GivenAnswer) -> None:
    kept = Feedback(kb).add(told, "wrong-source", source=1, note=" Väärä\r\nsivu\x00\u202e ")
    kb.remove([row.id for row in kb.documents()])

    (found,) = Feedback(kb).all()
    assert found == kept
    assert (found.verdict, found.source, found.note) == (Verdict.WRONG_SOURCE, 1, "Väärä\nsivu")
    assert found.given.claims[0].sources[0].citation.quote == QUOTE


def test_only_a_wrong_source_names_one(kb: KnowledgeBase, told: GivenAnswer) -> None:
    assert Feedback(kb).add(told, "useful", source=1).source is None
    assert Feedback(kb).add(told, "wrong-source").source is None


@pytest.mark.parametrize(
    ("verdict", "source", "note", "says"),
    [
        ("splendid", None, "", "wrong-answer"),
        ("wrong-source", 2, "", "2"),
        ("useful", None, "x" * (LONGEST_NOTE + 1), str(LONGEST_NOTE)),
    ],
)
def test_what_cannot_be_kept_is_told(
    kb: KnowledgeBase, told: GivenAnswer, verdict: str, source: int | None, note: str, says: str
) -> None:
    with pytest.raises(BadEntry, match=says):
        Feedback(kb).add(told, verdict, source=source, note=note)
    assert Feedback(kb).all() == []


def test_feedback_on_what_may_not_be_seen_is_not_there(
    kb: KnowledgeBase, told: GivenAnswer
) -> None:
    kept = Feedback(kb).add(told, "useful")
    level(kb, "confidential")

    assert Feedback(kb).all() == []
    with pytest.raises(NotFound):
        Feedback(kb).remove(kept.id)


def test_who_is_cleared_for_less_sees_less_also_when_the_document_has_gone(
    kb: KnowledgeBase, told: GivenAnswer, open_at: Open, tmp_path: Path
) -> None:
    Feedback(kb).add(told, "useful")
    kb.remove([row.id for row in kb.documents()])

    public = opened(open_at, tmp_path, clearance="public")
    assert Feedback(public).all() == []
    assert len(Feedback(kb).all()) == 1


def test_feedback_is_removed(kb: KnowledgeBase, told: GivenAnswer) -> None:
    first, second = Feedback(kb).add(told, "useful"), Feedback(kb).add(told, "missing")
    Feedback(kb).remove(first.id)

    assert [one.id for one in Feedback(kb).all()] == [second.id]
