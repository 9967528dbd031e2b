"""What is turned away, and what is read before that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn, cast

import pytest

from ingest.pipeline import ingest
from kb.answering.extractive import Draft, Material, draft
from kb.assembly import open_knowledge_base
from kb.embedding import open_answer_model
from kb.explaining import told
from kb.knowledge_base import KnowledgeBase
from kb.settings import load_settings

_TEXT = """# Satamaohje

Laiva puretaan kahdessa vuorossa, ja purku keskeytetään kovalla tuulella.

Nosturin kuljettaja päättää, milloin tuuli on liian kova.
"""


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    folder = tmp_path_factory.mktemp("turned_away")
    (folder / "ohje.md").write_text(_TEXT, encoding="utf-8")
    opened = open_knowledge_base(load_settings(data_dir=folder / "data"))
    ingest(opened, [folder / "ohje.md"])
    yield opened
    opened.catalogue.close()


def _among_many(kb: KnowledgeBase, question: str) -> Material:
    """Return what is found as if there were so many passages that topics can be told."""
    found = kb.material(question)
    return replace(found, ranking=replace(found.ranking, passages=1000, known_words=0.3))


def _not_opened() -> NoReturn:
    pytest.fail("a model was opened for a question about something else")


def _read(one: Draft) -> list[bool]:
    """Return for each statement that is told of whether it was read."""
    statements = cast("list[dict[str, dict[str, float]]]", one.explanation["statements"])
    return ["read" in statement["features"] for statement in statements]


def test_nothing_is_read_for_a_question_about_something_else(kb: KnowledgeBase) -> None:
    turned_away = draft(_among_many(kb, "Kuka voitti jalkapallon MM-kisat?"), _not_opened)
    assert turned_away.claims == ()
    assert turned_away.reason == "reason.topic"
    assert 0 < turned_away.support < 0.2
    assert _read(turned_away) == [False] * 2
    assert told({**turned_away.explanation, "support": turned_away.support}, "fi")


def test_what_is_about_the_material_is_read(kb: KnowledgeBase) -> None:
    answered = draft(_among_many(kb, "Kuka päättää, onko tuuli liian kova?"), open_answer_model)
    assert answered.claims[0].text.startswith("Nosturin kuljettaja päättää")
    assert _read(answered) == [True] * 2
