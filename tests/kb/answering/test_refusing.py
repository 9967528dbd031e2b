"""Why there is no answer: a language that has one where the question's has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.calibrate_topic import as_toml, fit, held_out
from kb.answering.refusing import (
    TOPIC_FEATURES,
    about_something_else,
    shares_a_word,
    topic_features,
)
from kb.model import Answer, AnswerStatus, Scope
from kb.retrieval import Query, Ranking
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


def ranking(dense: float, terms: float, *, known: float = 1.0, passages: int = 400) -> Ranking:
    def of(value: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        return np.array([value, value / 2], np.float32)

    return Ranking(
        query=Query("", "fi", (), np.zeros(3, np.float32)),
        rows=np.array([1, 2]),
        scores=of(dense + terms),
        dense=of(dense),
        lexical=of(terms),
        coverage=np.ones(2, np.float32),
        known_words=known,
        sentences=(),
        passages=passages,
    )


def test_a_short_question_whose_words_stand_nowhere_together_only_shares_one() -> None:
    assert shares_a_word(ranking(0.23, 0.3), 2, 0.4)
    # Near in meaning, held by a passage, or longer: said in other words, perhaps.
    assert not shares_a_word(ranking(0.3, 0.3), 2, 0.4)
    assert not shares_a_word(ranking(0.23, 0.3), 2, 0.6)
    assert not shares_a_word(ranking(0.23, 0.3), 4, 0.4)
    # Among few passages there is nothing to tell by.
    assert not shares_a_word(ranking(0.23, 0.3, passages=12), 2, 0.4)


def test_what_is_neither_near_nor_said_is_about_something_else() -> None:
    assert about_something_else(ranking(0.15, 0.1))
    assert not about_something_else(ranking(0.3, 0.3))
    # In another language or in other words: near is enough, and so are the words.
    assert not about_something_else(ranking(0.45, 0.0))
    assert not about_something_else(ranking(0.15, 0.7))
    assert about_something_else(ranking(0.2, 0.2, known=0.2))


def test_among_a_handful_of_passages_or_without_vectors_nothing_is_turned_away() -> None:
    assert not about_something_else(ranking(0.15, 0.1, passages=12))
    assert not about_something_else(ranking(float("nan"), 0.1))
    assert topic_features(ranking(float("nan"), 0.25)).tolist() == [0.0, 0.25, 1.0]


def test_the_fit_parts_the_two_sides_and_writes_what_is_read() -> None:
    draw = np.random.default_rng(0)
    ours = draw.normal([0.3, 0.4, 0.9], 0.08, (120, 3))
    others = draw.normal([0.16, 0.12, 0.9], 0.08, (90, 3))
    stay, go = held_out(ours, others, np.ones(120))
    assert 0.88 <= stay <= 1
    assert go > 0.9
    fitted = fit(ours, others)
    assert (fitted.weights >= 0).all()
    assert np.median(fitted.scores(ours)) > 0 > np.median(fitted.scores(others))
    for name in TOPIC_FEATURES:
        assert f"\n{name} = " in as_toml(fitted, -0.5)
