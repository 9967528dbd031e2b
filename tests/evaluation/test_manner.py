from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evaluation.answer_model.lists import CLUSTERS, Question, gather, read_sections
from evaluation.answer_model.manner import balanced, manner
from evaluation.fitting import logistic
from evaluation.metrics import auroc


def question(text: str, *, answered: bool) -> Question:
    return Question(passage=0, answers=frozenset([0] if answered else []), asked_in="fi", text=text)


def unanswerable(questions: Sequence[Question]) -> float:
    return sum(not one.answers for one in questions) / len(questions)


def told_by_manner(questions: Sequence[Question]) -> float:
    """Return how well the manner tells unanswerable questions, on those it isn't fitted on."""
    drawn = random.Random(1).sample(list(questions), len(questions))
    features = np.array([manner(one) for one in drawn])
    lacking = np.array([not one.answers for one in drawn], dtype=bool)
    half = len(drawn) // 2
    fitted = logistic(features[:half], lacking[:half], penalty=0.001)
    told = auroc(fitted.scores(features[half:]).tolist(), lacking[half:].tolist())
    assert told is not None
    return told


def test_a_manner_is_what_a_question_asks_for_and_not_what_it_is_about() -> None:
    water = manner(question("Montako putkea alueella on?", answered=True))
    steam = manner(question("Montako altaata satamassa on?", answered=False))
    assert water.tolist() == steam.tolist()
    for other in ("Miksi putkia alueella on?", "montako", "Montako putkea alueella oli 2019?"):
        assert manner(question(other, answered=True)).tolist() != water.tolist(), other


def test_numbers_and_reasons_are_as_often_unanswerable_as_all() -> None:
    drawn = random.Random(0)
    asked = [
        question(f"{word} putkia {number} on?", answered=drawn.random() >= share)
        for word, share in (("Montako", 0.5), ("Miksi", 0.1))
        for number in range(600)
    ]
    kept = balanced(asked, random.Random(0))
    counted, reasoned = ([one for one in kept if one.text.startswith(w)] for w in ("Mo", "Mi"))
    assert min(len(counted), len(reasoned)) > 150
    assert abs(unanswerable(counted) - unanswerable(reasoned)) < 0.1
    assert kept == [one for one in asked if any(one is other for other in kept)]


def test_the_lessons_that_are_drawn_hardly_tell_by_their_manner() -> None:
    _, asked = gather(Path(), [], sections=read_sections(CLUSTERS))
    kept = balanced(asked, random.Random(0))
    assert len(kept) > len(asked) / 2
    assert told_by_manner(asked) > 0.7
    assert told_by_manner(kept) < 0.6
    assert 0.15 < unanswerable(kept) < 0.25


@given(st.lists(st.booleans(), max_size=30), st.integers())
def test_what_is_kept_stands_among_the_questions(answered: list[bool], seed: int) -> None:
    asked = [question(f"Miksi {at}", answered=one) for at, one in enumerate(answered)]
    kept = balanced(asked, random.Random(seed))
    assert set(map(id, kept)) <= set(map(id, asked))
    if len(set(answered)) < 2:
        assert kept == asked
