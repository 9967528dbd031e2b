"""What a question names and an answer can't be without."""

from __future__ import annotations

import pytest

from kb.answering import support
from kb.answering.asking import kind_of
from kb.answering.heeding import heeds
from kb.model import Language
from kb.retrieval import question_words
from kb.translation import Lexicon, Translator
from tests.kb.answering.test_comparing import unit

PLANT = "Akkutehdas rakennetaan satamaan. Investointi on 240 miljoonaa euroa."
PROJECT = "Akkukemian hanke alkaa syksyllä. Sen budjetti on 0,3 miljoonaa euroa."


def heeded(question: str, text: str, *, language: Language = "fi", city: str | None = None) -> bool:
    words = question_words(question, (language,), translator=Translator([Lexicon()]))
    asked = support.asked(kind_of(question, language), question, words, tuple(1.0 for _ in words))
    return heeds(asked, question, language, unit(text, city=city))


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Mikä on akkutehtaan investoinnin suuruus?", "fi"),
        ("akkutehtaan investointi", "fi"),
        ("investment of the battery plant", "en"),
        ("Hur stor är investeringen i batterifabriken?", "sv"),
    ],
)
def test_a_sum_is_answered_by_that_sum_alone(question: str, language: Language) -> None:
    assert heeded(question, PLANT, language=language)
    assert not heeded(question, PROJECT, language=language)


def test_other_sums_may_be_called_by_each_others_names() -> None:
    assert heeded("Paljonko hanke maksaa?", PROJECT)
    assert heeded("Mikä on hankkeen hinta?", PROJECT)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Paljonko Vaasan tehdas maksaa?", "fi"),
        ("Vaasan akkutehtaan hinta", "fi"),
        ("What does the plant in Vaasa cost?", "en"),
        ("Vad kostar fabriken i Vasa?", "sv"),
        ("Paljonko Helsingin tehdas maksaa?", "fi"),
    ],
)
def test_a_town_that_a_document_never_names_isnt_answered_by_it(
    question: str, language: Language
) -> None:
    assert not heeded(question, PLANT, language=language)
    assert not heeded(question, PLANT, language=language, city="Kokkola")
    town = "Helsingissä" if "Helsing" in question else "Vaasassa"
    assert heeded(question, f"Toinen on {town}. {PLANT}", language=language)
    assert heeded(
        question, PLANT, language=language, city="Helsinki" if "Helsing" in question else "Vaasa"
    )


def test_a_name_of_which_the_other_language_knows_nothing_may_be_meant() -> None:
    assert heeded("What does Oy Xyzzy pay?", PLANT, language="en")
    assert not heeded("Paljonko Xyzzy maksaa?", PLANT)


@pytest.mark.parametrize(
    ("question", "language", "heeds_it"),
    [
        ("moottoripyörän hinta", "fi", False),
        ("paljonks jäätelö maksaa", "fi", False),
        ("vad kostar en glass", "sv", False),
        ("akkutehtaan hinta", "fi", True),
        ("paljonko tehdas maksaa", "fi", True),
        ("vad kostar fabriken", "sv", True),
        ("paljonko maksaa", "fi", True),
    ],
)
def test_a_price_is_no_answer_to_the_price_of_something_else(
    question: str, language: Language, heeds_it: bool
) -> None:
    assert heeded(question, PLANT, language=language) is heeds_it


def test_numbers_months_and_plain_words_are_no_names() -> None:
    assert heeded("Mitä tehdas maksaa Elokuussa 2031?", PLANT)
    assert heeded("MITÄ TEHDAS MAKSAA", PLANT)


@pytest.mark.parametrize("question", ["vem har kontrollavtalet", "antal markförfrågningar"])
def test_a_compound_is_about_what_its_last_part_says(question: str) -> None:
    text = "Samordnaren sköter avtalet. År 2022 kom 34 förfrågningar."
    words = question_words(question, ("sv",), translator=Translator([Lexicon()]))
    asked = support.asked(kind_of(question, "sv"), question, words, tuple(1.0 for _ in words))
    assert heeds(asked, question, "sv", unit(text, language="sv"))
    assert not heeds(asked, question, "sv", unit("Hamnen har 34 kajer.", language="sv"))
