"""What is known about a unit as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from kb.answering import support
from kb.answering.asking import kind_of
from kb.answering.units import units_of
from kb.fusion import Scores
from kb.model import BlockKind, Hit, Language
from kb.protocols import Statement
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


def titled(hit: Hit, title: str, heading: tuple[str, ...]) -> Hit:
    document = replace(
        hit.document,
        metadata=replace(hit.document.metadata, title=title),
        blocks=tuple(replace(block, heading=heading) for block in hit.document.blocks),
    )
    return replace(hit, document=document)


def test_a_statement_is_read_with_what_stands_before_it_and_its_titles() -> None:
    lines = (
        ("Höyryä myydään kahta painetta.", BlockKind.PARAGRAPH),
        ("Se kulkee putkisillalla.", BlockKind.PARAGRAPH),
        *((row, BlockKind.TABLE_ROW) for row in ROWS),
    )
    _, hit = made(lines)
    hit = titled(hit, "Palvelut", ("Energia", "Höyry"))
    units = units_of([hit], [1], [])
    statements = [support._statement(units, at) for at in range(len(units))]
    assert [one.text for one in statements] == [units[at].text for at in range(len(units))]
    assert {one.above for one in statements} == {"Palvelut – Höyry"}
    assert [one.before for one in statements] == ["", units[0].text, ROWS[0], ROWS[0]]


def test_a_title_that_is_the_heading_too_is_read_once() -> None:
    _, hit = made((("Höyryä myydään kahta painetta.", BlockKind.PARAGRAPH),))
    hit = titled(hit, "Höyry", ("Höyry",))
    assert support._statement(units_of([hit], [1], []), 0).above == "Höyry"


def test_nothing_of_another_section_is_read_before_a_statement() -> None:
    lines = "Satamassa on junaportti.", "Palokunta toimii sopimuksella."
    _, hit = made(tuple((line, BlockKind.PARAGRAPH) for line in lines))
    document = hit.document
    for headings, before in ((("Alue",) * 2, lines[0]), (("Satama", "Turva"), "")):
        blocks = tuple(
            replace(block, heading=(heading,))
            for block, heading in zip(document.blocks, headings, strict=True)
        )
        units = units_of([replace(hit, document=replace(document, blocks=blocks))], [1], [])
        assert [support._statement(units, at).before for at in (0, 1)] == ["", before]


class Scripted:
    """Reads statements by a script: what each gets, by its text."""

    def __init__(self, scores: dict[str, float]) -> None:
        self.scores = scores
        self.asked: list[str] = []

    def score(self, question: str, statements: Sequence[Statement]) -> Scores:
        assert question == "mitä"
        self.asked += [one.text for one in statements]
        return np.array([self.scores.get(one.text, 0.0) for one in statements], dtype=np.float32)


@pytest.mark.parametrize("count", [1, 4, support.READ, support.READ + 5])
def test_the_likeliest_at_first_sight_are_read(count: int) -> None:
    lines = [f"Väite numero {at} kertoo jotakin." for at in range(count)]
    _, hit = made(tuple((line, BlockKind.PARAGRAPH) for line in lines))
    units = units_of([hit], [1], [])
    first_sight = np.arange(count, dtype=np.float64) * (-1.0) ** np.arange(count)
    reader = Scripted({lines[0]: 99.0, lines[-1]: -99.0})
    read = support.read("mitä", units, first_sight, reader)

    likeliest = set(np.argsort(-first_sight)[: support.READ].tolist())
    assert sorted(reader.asked) == sorted(lines[at] for at in likeliest)
    assert {at for at in range(count) if not np.isnan(read[at])} == likeliest
    assert np.nanmax(np.abs(read)) <= 6  # beyond, it isn't believed
    features = np.zeros((count, len(support.UNIT_FEATURES)))
    after = support.after_reading(support.calibration().read, features, read)
    assert after.shape == (count,)
    assert np.isfinite(after).all()
    if len(likeliest) < count:
        unread = [at for at in range(count) if at not in likeliest]
        assert max(after[unread]) < min(after[sorted(likeliest)])
