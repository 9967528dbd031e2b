"""Why there is no answer: a language that has one where the question's has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.model import Answer, AnswerStatus, Scope
from tests.kb.answers import Open, opened, take_in, write

HARBOUR = "# The port\n\nThe harbour has an all-weather terminal. Ships unload in any wind.\n"
ABOUT = (
    "Kuka omistaa sataman terminaalin?",
    "Mitä laivat tekevät tuulessa satamassa?",
    "Mikä terminaali satamassa on?",
)
"""About the port: whether what is said of it answers them is for the calibration to say."""

GATES = "# Portit\n\nKävijä saa kulkuluvan pohjoiselta portilta ennen alueelle tuloa.\n"


def elsewhere_told(answer: Answer) -> bool:
    """Return whether an answer says that only another language is about its question."""
    if answer.status is AnswerStatus.ANSWERED:
        return answer.notices == ("notice.other_language",)
    return answer.reason == "reason.other_language"


def test_only_another_language_is_about_it(open_at: Open, tmp_path: Path) -> None:
    kb = opened(open_at, tmp_path)
    write(tmp_path / "aineisto", satama=HARBOUR, portit=GATES)
    take_in(kb, tmp_path / "aineisto")

    for question in ABOUT:
        answer = kb.ask(question)
        assert elsewhere_told(answer), question
        said = [hit.passage.language for hit in answer.nearest[:1]]
        assert (said or [claim.language for claim in answer.claims])[0] == "en"
    assert not elsewhere_told(kb.ask("What terminal does the harbour have?"))
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

    assert not any(elsewhere_told(kb.ask(question)) for question in ABOUT)
    kb.catalogue.close()


@pytest.mark.parametrize("languages", [frozenset({"fi"}), frozenset({"en"})])
def test_a_question_limited_to_languages_is_told_nothing_of_others(
    open_at: Open, tmp_path: Path, languages: frozenset[str]
) -> None:
    kb = opened(open_at, tmp_path)
    write(tmp_path / "aineisto", satama=HARBOUR, portit=GATES)
    take_in(kb, tmp_path / "aineisto")

    scope = Scope(languages=languages)
    assert not any(elsewhere_told(kb.ask(question, scope=scope)) for question in ABOUT)
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

    for question in ABOUT:
        answer = kb.ask(question)
        assert elsewhere_told(answer) is cleared
        texts = [hit.text for hit in answer.nearest] + [claim.text for claim in answer.claims]
        assert any("harbour" in text or "Ships" in text for text in texts) is cleared
    kb.catalogue.close()
