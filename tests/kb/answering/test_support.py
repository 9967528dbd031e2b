"""What is known about a unit as an answer."""

from __future__ import annotations

from kb.answering import support
from kb.answering.asking import kind_of
from kb.answering.units import units_of
from kb.model import BlockKind
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
