"""How much of what people leave is kept, and until when."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from kb.database import now
from kb.errors import StoreFull
from kb.feedback import Feedback
from kb.given import GivenAnswer, given
from kb.keeping import days_ago
from kb.knowledge_base import KnowledgeBase
from kb.saved import SavedAnswers
from tests.kb.answers import QUESTION, QUOTE, WATER, Open, answered, opened, take_in, write


def ready(open_at: Open, tmp_path: Path, **settings: object) -> tuple[KnowledgeBase, GivenAnswer]:
    kb = opened(open_at, tmp_path, **settings)
    write(tmp_path / "aineisto", vesi=WATER)
    take_in(kb, tmp_path / "aineisto")
    return kb, given(kb, answered(kb, QUESTION, QUOTE))


def age(kb: KnowledgeBase, table: str, column: str, days: int) -> None:
    """Make everything that is kept so many days older."""
    with kb.catalogue.transaction() as connection:
        connection.execute(f"UPDATE {table} SET {column} = ?", (days_ago(days),))


def test_times_are_written_as_the_store_writes_them() -> None:
    assert datetime.fromisoformat(days_ago(0)) <= datetime.fromisoformat(now())
    assert len(days_ago(0)) == len(now())
    assert days_ago(2) < days_ago(1) < now() + "x"


def test_the_answer_that_does_not_fit_is_refused(open_at: Open, tmp_path: Path) -> None:
    kb, told = ready(open_at, tmp_path, max_answers=2)
    kept = SavedAnswers(kb)
    first = kept.save(told)
    kept.save(told)

    with pytest.raises(StoreFull, match="kb answers clear"):
        kept.save(told)
    assert len(kept.all()) == 2
    kept.remove(first.id)
    kept.save(told)


def test_a_saved_answer_stays_until_it_is_removed(open_at: Open, tmp_path: Path) -> None:
    kb, told = ready(open_at, tmp_path, feedback_days=1)
    kept = SavedAnswers(kb)
    old = kept.save(told)
    age(kb, "answer", "saved", 4000)
    new = kept.save(told)

    assert kept.get(old.id).given == told
    assert kept.clear(days=365) == 1
    assert [one.id for one in kept.all()] == [new.id]
    assert kept.clear(days=0) == 1


def test_feedback_that_does_not_fit_is_refused(open_at: Open, tmp_path: Path) -> None:
    kb, told = ready(open_at, tmp_path, max_feedback=1)
    kept = Feedback(kb)
    kept.add(told, "useful")

    with pytest.raises(StoreFull, match="KB_MAX_FEEDBACK"):
        kept.add(told, "missing")
    assert [one.verdict for one in kept.all()] == ["useful"]
    assert kept.clear(days=1) == 0
    assert kept.clear(days=0) == 1
    kept.add(told, "missing")


def test_feedback_ends_after_the_days_that_are_set(open_at: Open, tmp_path: Path) -> None:
    kb, told = ready(open_at, tmp_path, max_feedback=1, feedback_days=30)
    kept = Feedback(kb)
    kept.add(told, "useful")
    age(kb, "feedback", "at", 29)
    assert len(kept.all()) == 1
    age(kb, "feedback", "at", 31)
    assert kept.all() == []

    # The room that it took is free again.
    kept.add(told, "missing")
    assert kb.catalogue.connection.execute("SELECT COUNT(*) FROM feedback").fetchone()[0] == 1


def test_only_who_may_see_it_clears_it(open_at: Open, tmp_path: Path) -> None:
    kb, told = ready(open_at, tmp_path)
    SavedAnswers(kb).save(told)
    Feedback(kb).add(told, "useful")
    with kb.catalogue.transaction() as connection:
        connection.execute("UPDATE document SET confidentiality = 'confidential'")

    assert SavedAnswers(kb).clear(days=0) == 0
    assert Feedback(kb).clear(days=0) == 0
    assert kb.catalogue.connection.execute("SELECT COUNT(*) FROM answer").fetchone()[0] == 1
