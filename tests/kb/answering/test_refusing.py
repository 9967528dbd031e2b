"""Why there is no answer: a language that has one where the question's has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.model import AnswerStatus, Scope
from tests.kb.answers import Open, opened, take_in, write

HARBOUR = "# The port\n\nThe harbour has an all-weather terminal. Ships unload in any wind.\n"
ABOUT = "Kuka omistaa sataman terminaalin?"
"""About the port, and not answered by what is said of it."""

GATES = "# Portit\n\nKävijä saa kulkuluvan pohjoiselta portilta ennen alueelle tuloa.\n"


def test_only_another_language_is_about_it(open_at: Open, tmp_path: Path) -> None:
    kb = opened(open_at, tmp_path)
    write(tmp_path / "aineisto", satama=HARBOUR, portit=GATES)
    take_in(kb, tmp_path / "aineisto")

    answer = kb.ask(ABOUT)
    assert answer.status is AnswerStatus.NO_EVIDENCE
    assert answer.reason == "reason.other_language"
    assert answer.nearest[0].passage.language == "en"

    answer = kb.ask("Mikä terminaali satamassa on?")
    assert answer.status is AnswerStatus.ANSWERED
    assert [claim.language for claim in answer.claims] == ["en"]
    assert answer.notices == ("notice.other_language",)
    assert kb.ask("What terminal does the harbour have?").notices == ()
    kb.catalogue.close()


def test_what_is_said_in_the_own_language_too_is_not_elsewhere(
    open_at: Open, tmp_path: Path
) -> None:
    kb = opened(open_at, tmp_path)
    write(
        tmp_path / "aineisto",
        satama=HARBOUR,
        omat="# Satama\n\nSatama rakennettiin mereen, ja satamassa käy laivoja joka viikko.\n",
    )
    take_in(kb, tmp_path / "aineisto")

    answer = kb.ask(ABOUT)
    assert answer.reason != "reason.other_language"
    assert answer.notices == ()
    kb.catalogue.close()


@pytest.mark.parametrize("languages", [frozenset({"fi"}), frozenset({"en"})])
def test_a_question_limited_to_languages_is_told_nothing_of_others(
    open_at: Open, tmp_path: Path, languages: frozenset[str]
) -> None:
    kb = opened(open_at, tmp_path)
    write(tmp_path / "aineisto", satama=HARBOUR, portit=GATES)
    take_in(kb, tmp_path / "aineisto")

    answer = kb.ask(ABOUT, scope=Scope(languages=languages))
    assert answer.reason != "reason.other_language"
    assert answer.notices == ()
    kb.catalogue.close()


@pytest.mark.parametrize("cleared", [True, False])
def test_what_is_confidential_is_not_hinted_at(
    open_at: Open, tmp_path: Path, cleared: bool
) -> None:
    kb = opened(open_at, tmp_path, clearance="confidential" if cleared else "internal")
    write(tmp_path / "aineisto", satama=HARBOUR, portit=GATES)
    take_in(kb, tmp_path / "aineisto")
    with kb.catalogue.transaction() as connection:
        connection.execute(
            "UPDATE document SET confidentiality = 'confidential' WHERE language = 'en'"
        )

    answer = kb.ask(ABOUT)
    assert (answer.reason == "reason.other_language") is cleared
    assert any("harbour" in hit.text for hit in answer.nearest) is cleared
    assert (kb.ask("Mikä terminaali satamassa on?").notices != ()) is cleared
    kb.catalogue.close()
