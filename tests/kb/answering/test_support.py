"""What is known about a unit as an answer."""

from __future__ import annotations

import pytest

from kb.answering import support
from kb.answering.asking import kind_of
from kb.answering.units import units_of
from kb.model import BlockKind, Language
from kb.retrieval import question_words
from tests.kb.answering.test_composing import made

ROWS = ("Palvelu | Alue A | Alue B", "Höyry kuusi baaria | 41 | 47", "Prosessivesi raakana | 1 | 2")


def test_names_in_the_header_are_those_of_the_row_that_is_about_what_is_asked() -> None:
    _, hit = made(tuple((row, BlockKind.TABLE_ROW) for row in ROWS))
    steam, water = units_of([hit], [1], [])
    question = "Vertaa höyryn hintaa alueilla A ja B"
    words = question_words(question, ("fi",))
    asked = support.asked(kind_of(question, "fi"), question, words, tuple(1.0 for _ in words))

    def near(at: int) -> float:
        unit = (steam, water)[at]
        # What stands beside it is no witness here: each row is looked at by itself.
        return support._names_near(asked, [unit], 0)

    assert kind_of(question, "fi") == "compare"
    assert near(0) == 1
    assert near(1) < 1


@pytest.mark.parametrize(
    ("question", "language", "names"),
    [
        ("How do I join? We have a pump.", "en", set()),
        ("Miten haen? Olemme pieni yritys Vaasasta.", "fi", {"Vaasasta"}),
        ("Vad kostar ångan? Priset i Jakobstad räcker.", "sv", {"Jakobstad"}),
        ("Kuka johtaa? KIP vai Tukes", "fi", {"KIP", "Tukes"}),
    ],
)
def test_a_capital_that_begins_a_sentence_makes_no_name(
    question: str, language: Language, names: set[str]
) -> None:
    words = question_words(question, (language,))
    told = support.names_among(question, words)
    assert {word.surface for word, name in zip(words, told, strict=True) if name} == names


def test_years_above_a_table_dont_say_when_its_rows_were() -> None:
    rows = ("Tehtävä | 2021 | 2022", "Tulipalon sammutus | 14 | 11", "Aloitus 1.3.2019 | 1 | 2")
    _, hit = made(tuple((row, BlockKind.TABLE_ROW) for row in rows))
    fire, begun = units_of([hit], [1], [])
    asked = support.asked("when", "Milloin palokunta aloitti?", (), ())
    assert support.fitting(asked, fire) == 0
    assert support.fitting(asked, begun) == 1
    counted = support.asked("how much", "Montako paloa oli?", (), ())
    assert support.fitting(counted, fire) == 0.5
