from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kb.errors import BadEntry, NotFound
from kb.given import given
from kb.knowledge_base import KnowledgeBase
from kb.model import Confidentiality
from kb.saved import SavedAnswer, SavedAnswers, State, saved_json
from tests.kb.answers import (
    QUESTION,
    QUOTE,
    Open,
    answered,
    opened,
    take_in,
    with_water,
    write,
)

MORE = "Vesilaatuja on neljä."


@pytest.fixture
def kb(open_at: Open, tmp_path: Path) -> KnowledgeBase:
    return with_water(open_at, tmp_path)


def saved(kb: KnowledgeBase, *quotes: str, name: str = "") -> SavedAnswer:
    return SavedAnswers(kb).save(given(kb, answered(kb, QUESTION, *quotes)), name=name)


def states(kb: KnowledgeBase, answer: SavedAnswer) -> list[State]:
    return [one.state for one in SavedAnswers(kb).since(answer).sources]


def level(kb: KnowledgeBase, confidentiality: str) -> None:
    """Call every document as confidential as said."""
    with kb.catalogue.transaction() as connection:
        connection.execute("UPDATE document SET confidentiality = ?", (confidentiality,))
    kb.catalogue.raise_generation()
    kb.catalogue.forget_documents()


def test_an_answer_is_found_again_as_it_was_given(kb: KnowledgeBase) -> None:
    first = saved(kb, QUOTE)
    second = saved(kb, MORE, name="  Vesilaadut \n kaikki ")

    kept = SavedAnswers(kb)
    assert kept.get(first.id) == first
    assert [one.id for one in kept.all()] == [second.id, first.id]
    assert (first.name, second.name) == (QUESTION, "Vesilaadut kaikki")
    assert first.given.claims[0].text == QUOTE
    assert states(kb, first) == [State.SAME]


def test_ids_cannot_be_guessed(kb: KnowledgeBase) -> None:
    ids = {saved(kb, QUOTE).id for _ in range(8)}

    assert len(ids) == 8
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)
    for wrong in ("", "x", "1", next(iter(ids))[:-1], "' OR 1=1 --"):
        with pytest.raises(NotFound):
            SavedAnswers(kb).get(wrong)


def test_a_new_version_that_still_says_so_is_told_and_pointed_at(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    answer = saved(kb, QUOTE, MORE)
    write(tmp_path / "aineisto", vesi=f"# Vesihuolto\n\nUutta ensin. {QUOTE}\n")
    take_in(kb, tmp_path / "aineisto")

    since = SavedAnswers(kb).since(answer)

    assert [one.state for one in since.sources] == [State.MOVED, State.GONE]
    assert since.changed == 2
    there = since.sources[0].there
    assert there is not None
    assert there.quote == QUOTE
    assert kb.document(there.document_id).text[there.start : there.end] == QUOTE
    assert SavedAnswers(kb).get(answer.id).given.claims[1].text == MORE
    told = saved_json(answer, since)
    assert "aineisto/vesi.md" not in str(told)  # where files lie is nobody's business


def test_a_document_that_went_is_told(kb: KnowledgeBase) -> None:
    answer = saved(kb, QUOTE)
    kb.remove([row.id for row in kb.documents()])

    assert states(kb, answer) == [State.REMOVED]
    assert SavedAnswers(kb).get(answer.id).given.claims[0].text == QUOTE


def test_newer_documents_on_the_matter_are_told(kb: KnowledgeBase, tmp_path: Path) -> None:
    answer = saved(kb, QUOTE)
    earlier = replace(answer, saved="2020-01-01T00:00:00Z")
    write(tmp_path / "aineisto", uusi="Jäähdytysvesi otetaan nyt järvestä.\n")
    take_in(kb, tmp_path / "aineisto")

    newer = SavedAnswers(kb).since(earlier).newer

    assert [document.source for document in newer] == ["uusi.md"]
    assert SavedAnswers(kb).since(earlier, newer=False).newer == ()
    assert SavedAnswers(kb).since(replace(answer, saved="2999-01-01T00:00:00Z")).newer == ()


def test_what_has_become_confidential_is_not_there(kb: KnowledgeBase) -> None:
    answer = saved(kb, QUOTE)
    level(kb, "confidential")
    kept = SavedAnswers(kb)

    assert kept.all() == []
    for act in (kept.get, kept.remove, lambda one: kept.rename(one, "x")):
        with pytest.raises(NotFound):
            act(answer.id)
    level(kb, "internal")
    assert kept.get(answer.id).id == answer.id


def test_who_is_cleared_for_less_sees_less_also_when_the_document_has_gone(
    kb: KnowledgeBase, open_at: Open, tmp_path: Path
) -> None:
    level(kb, "public")
    internal = saved(kb, QUOTE)  # its question is somebody's words, in an internal installation
    public = opened(open_at, tmp_path, clearance=Confidentiality.PUBLIC)
    open_to_all = saved(public, QUOTE)
    trusted = opened(open_at, tmp_path, clearance=Confidentiality.CONFIDENTIAL)
    level(trusted, "confidential")
    secret = saved(trusted, QUOTE)
    trusted.remove([row.id for row in trusted.documents()])

    assert [one.id for one in SavedAnswers(public).all()] == [open_to_all.id]
    assert {one.id for one in SavedAnswers(kb).all()} == {internal.id, open_to_all.id}
    assert len(SavedAnswers(trusted).all()) == 3
    with pytest.raises(NotFound):
        SavedAnswers(kb).get(secret.id)


def test_a_version_that_may_not_be_seen_is_not_hinted_at(kb: KnowledgeBase, tmp_path: Path) -> None:
    answer = saved(kb, QUOTE)
    write(tmp_path / "aineisto", vesi=f"Salainen. {QUOTE}\n")
    take_in(kb, tmp_path / "aineisto")
    level(kb, "confidential")

    assert states(kb, answer) == [State.REMOVED]


def test_names_are_short_and_not_empty(kb: KnowledgeBase) -> None:
    answer = saved(kb, QUOTE)
    kept = SavedAnswers(kb)

    assert kept.rename(answer.id, "Uusi nimi").name == "Uusi nimi"
    for bad in (" ", "x" * 201):
        with pytest.raises(BadEntry):
            kept.rename(answer.id, bad)
    assert kept.get(answer.id).name == "Uusi nimi"


def test_an_answer_is_removed(kb: KnowledgeBase) -> None:
    answer = saved(kb)
    SavedAnswers(kb).remove(answer.id)

    assert SavedAnswers(kb).all() == []
    with pytest.raises(NotFound):
        SavedAnswers(kb).remove(answer.id)
