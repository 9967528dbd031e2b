from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation import product
from evaluation.beir import load
from evaluation.calibrate_support import (
    answer_features,
    as_toml,
    fit_answer,
    fit_read,
    fit_units,
    samples_of_questions,
    samples_of_set,
    with_readings,
    without,
)
from evaluation.fitting import Linear
from evaluation.questions import Gold, GoldQuestion
from kb.answering.support import ANSWER_FEATURES, READ_FEATURES, UNIT_FEATURES
from kb.knowledge_base import KnowledgeBase
from tests.evaluation.beir_sets import write_set
from tests.kb.answers import QUESTION, QUOTE, opened, take_in, with_water, write

Open = Callable[..., KnowledgeBase]


def asked(question: str, *quotes: str) -> GoldQuestion:
    return GoldQuestion(
        id=question,
        question=question,
        language="fi",
        kind="what",
        themes=(),
        answerable=bool(quotes),
        gold=(Gold("vesi.md", quotes),) if quotes else (),
    )


def test_a_question_is_asked_with_and_without_what_answers_it(
    open_at: Open, tmp_path: Path
) -> None:
    kb = opened(open_at, tmp_path)
    write(
        tmp_path / "aineisto",
        vesi=f"# Vesi\n\n{QUOTE} Vesilaatuja on neljä.\n",
        meri="# Meri\n\nJäähdytysvesi lämpenee. Merestä otetaan hiekkaa.\n",
    )
    take_in(kb, tmp_path / "aineisto")
    questions = [asked(QUESTION, QUOTE), asked("Kuka mittaa meren lämpötilan?")]
    whole, lacking, nothing = samples_of_questions(kb, questions, name="omat")
    assert (whole.answered, lacking.answered, nothing.answered) == (True, False, False)
    assert (whole.written, lacking.written, nothing.written) == (True, False, True)
    assert [unit.text for unit, right in zip(whole.units, whole.right, strict=True) if right] == [
        QUOTE
    ]
    assert QUOTE not in [unit.text for unit in lacking.units]
    assert lacking.units
    units = fit_units([whole, lacking, nothing])
    samples = with_readings([whole, lacking, nothing], units, kb.reader())
    features = answer_features(samples, fit_read(samples))
    fitted = fit_answer(samples, features)
    assert samples[0].read_right.any()
    assert features.shape == (3, len(ANSWER_FEATURES))
    assert (fitted.weights >= 0).all()
    assert tuple(whole.units[int(np.argmax(units.scores(whole.scored.features)))].text) == tuple(
        QUOTE
    )


def test_a_question_whose_answer_is_not_found_is_asked_once(open_at: Open, tmp_path: Path) -> None:
    kb = opened(open_at, tmp_path)
    alike = {
        f"mittari{number}": f"# Mittari {number}\n\n{QUESTION} Mittari {number} mittaa sitä.\n"
        for number in range(30)
    }
    write(tmp_path / "aineisto", vesi="# Ruokala\n\nLounas on yhdeltätoista.\n", **alike)
    take_in(kb, tmp_path / "aineisto")
    (only,) = samples_of_questions(kb, [asked(QUESTION, "Lounas on yhdeltätoista.")], name="omat")
    assert only.answered
    assert only.written
    assert not only.right.any()


def test_a_set_s_question_is_asked_once_where_nothing_relevant_is_found(
    open_at: Open, tmp_path: Path
) -> None:
    kb = opened(open_at, tmp_path)
    alike = [
        (f"m{number}", "", f"{QUESTION} Mittari {number} mittaa sitä.") for number in range(30)
    ]
    beir = load(
        write_set(
            tmp_path,
            corpus_of=[("vesi", "", QUOTE), ("ruoka", "", "Lounas on yhdeltätoista."), *alike],
            queries=[("q1", QUESTION), ("q2", f"{QUESTION} Mittari 3")],
            qrels=[("q1", "ruoka", 1), ("q2", "m3", 1)],
        )
    )
    product.take_in(kb, beir.entries(), language=beir.language)
    lost, found, lacking = samples_of_set(kb, beir, name="joukko")
    assert [lost.group, found.group, lacking.group] == ["q1", "q2", "q2"]
    assert [lost.answered, found.answered, lacking.answered] == [False, True, False]


def test_what_is_taken_away_leaves_the_order_of_the_rest(open_at: Open, tmp_path: Path) -> None:
    kb = with_water(open_at, tmp_path)
    write(tmp_path / "aineisto", toinen="# Toinen\n\nJäähdytysvesi on lämmintä vettä.\n")
    take_in(kb, tmp_path / "aineisto")
    whole = kb.material(QUESTION)
    assert len(whole.rows) == 2
    first, second = whole.rows
    rest = without(whole, frozenset({first}))
    assert rest.rows == (second,)
    assert rest.hits == whole.hits[1:]
    assert rest.ranking.scores.tolist() == whole.ranking.scores.tolist()[1:]
    assert {one.row for one in rest.ranking.sentences} == {second}


def test_the_file_holds_every_coefficient_by_name() -> None:
    units = Linear(np.arange(1.0, len(UNIT_FEATURES) + 1), -3.0)
    answer = Linear(np.arange(1.0, len(ANSWER_FEATURES) + 1), -1.5)
    after = Linear(np.arange(1.0, len(READ_FEATURES) + 1), -2.0)
    read = tomllib.loads(as_toml(units, after, answer, threshold=0.5))
    assert read["read"] == {"bias": -2.0, **dict(zip(READ_FEATURES, after.weights, strict=True))}
    assert read["unit"] == {"bias": -3.0, **dict(zip(UNIT_FEATURES, units.weights, strict=True))}
    assert read["answer"]["bias"] == pytest.approx(-1.5)
    assert list(read["answer"])[1:] == list(ANSWER_FEATURES)
    assert read["threshold"] == 0.5
