from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.suite import followups
from kb.analysis.finnish import Libvoikko, Pyvoikko
from kb.following import understand
from kb.following.finnish import inflected

WATER = "Miten jätevesi puhdistetaan Kokkolassa?"
OWNER = "Kuka omistaa Kokkolan sataman?"


def meant(question: str, *previous: str) -> str | None:
    found = understand(question, previous)
    return None if found is None else found.text


@pytest.mark.parametrize("split", ["dev", "test"])
def test_the_shipped_follow_ups_are_understood_and_no_other_question_is_taken(split: str) -> None:
    result = followups(split="dev" if split == "dev" else "test")
    told = result.to_json()

    assert told["cases"] == 30
    assert not result.taken
    assert told["wrong"] == []


@pytest.mark.parametrize(
    ("before", "question", "whole"),
    [
        (WATER, "Porissa?", "Miten jätevesi puhdistetaan Porissa?"),
        (WATER, "och i Vasa?", "Miten jätevesi puhdistetaan Vaasassa?"),
        (WATER, "what about Pori?", "Miten jätevesi puhdistetaan Porissa?"),
        (WATER, "Miksi?", "Miksi jätevesi puhdistetaan Kokkolassa?"),
        (OWNER, "entä Tampere?", "Kuka omistaa Tampereen sataman?"),
        (OWNER, "Entä rautatie?", "Kuka omistaa Kokkolan rautatien?"),
        (OWNER, "Entä jos se myydään?", "Entä jos Kokkolan satama myydään?"),
        ("Mitä höyry maksaa?", "Entä Kalundborgissa?", "Mitä höyry maksaa Kalundborgissa?"),
        ("Vilka tillstånd behövs?", "2023?", "Vilka tillstånd behövs år 2023?"),
        ("Vem äger hamnen?", "Vad kostar den?", "Vad kostar hamnen?"),
        ("How is water treated in Kokkola?", "Why?", "Why is water treated in Kokkola?"),
        ("Who owns a port?", "How big is it?", "How big is the port?"),
        (
            "Mitä lupia biokaasulaitos tarvitsee?",
            "Kauanko niiden saaminen kestää?",
            "Kauanko lupien saaminen kestää?",
        ),
        (
            "Montako yritystä Kokkolan teollisuusalueella toimii?",
            "Entä Porin teollisuusalueella?",
            "Montako yritystä Porin teollisuusalueella toimii?",
        ),
        (
            "Onko alueella oma palokunta?",
            "Montako henkeä siinä on?",
            "Montako henkeä omassa palokunnassa on?",
        ),
        (
            "Hur mycket vatten används på området?",
            "Varifrån kommer det?",
            "Varifrån kommer vatten?",
        ),
        (
            "När öppnades terminalen i Karleby?",
            "Och den i Jakobstad?",
            "När öppnades terminalen i Jakobstad?",
        ),
        (
            "Vem leder samarbetet i Karleby?",
            "Hur finansieras det där?",
            "Hur finansieras samarbetet i Karleby?",
        ),
        (
            "How many companies are there in the Kokkola industrial park?",
            "And in Höchst?",
            "How many companies are there in Höchst?",
        ),
        (
            "Which side streams are sold?",
            "To whom are they sold?",
            "To whom are side streams sold?",
        ),
        (
            "How is noise measured at the port?",
            "How often?",
            "How often is noise measured at the port?",
        ),
    ],
)
def test_what_goes_on_is_said_in_full(before: str, question: str, whole: str) -> None:
    assert meant(question, before) == whole


@pytest.mark.parametrize(
    "question",
    [
        "energia",  # a search of its own
        "Entä miten höyryä tuotetaan?",
        "Paljonko se höyry maksaa?",
        "mikä selvityspankki on ja mitä siitä on hyötyä",
        "Entä jos sataa?",
        "Finns det en brandkår?",
        "Hur går det?",
        "Why did they give up on the online permit form?",
        "How long does it take to get a permit?",
        "And what about?",
        "Mikä aiheutti sen, ettei uudistus tullut voimaan?",
        "Kuka osti lipun Titaniciin mutta ei mennyt sinne?",
        "?",
        "",
    ],
)
def test_what_stands_alone_is_left_alone(question: str) -> None:
    assert meant(question, WATER) is None


def test_nothing_goes_on_from_nothing() -> None:
    assert meant("Entä Porissa?") is None
    assert meant("Entä Porissa?", " ") is None


def test_a_chain_of_follow_ups_is_followed() -> None:
    assert meant("Ja Vaasassa?", WATER, "Entä Porissa?") == "Miten jätevesi puhdistetaan Vaasassa?"
    assert meant("Ja jäte?", WATER, "Entä Porissa?") == "Miten jäte puhdistetaan Porissa?"


def test_what_was_written_is_kept_beside_what_was_understood() -> None:
    found = understand(" Entä Porissa? ", [WATER])

    assert found is not None
    assert found.written == "Entä Porissa?"


@pytest.mark.parametrize(
    ("lemma", "case", "form"),
    [
        ("turku", "Sill", "turkuun"),
        ("helsinki", "Sine", "helsingissä"),
        ("vesi", "Sp", "vettä"),
        ("satama", "Sg", "sataman"),
        ("yhteinen", "Sg", "yhteisen"),
        ("laite", "Sg", "laitteen"),
        ("putkisilta", "Sade", "putkisillalla"),
        ("teollisuus", "Sg", "teollisuuden"),
    ],
)
def test_words_are_put_into_a_case(lemma: str, case: str, form: str) -> None:
    assert inflected(lemma, case) == form
    assert inflected("kxyz", case) is None


@pytest.mark.parametrize("engine", [Libvoikko, Pyvoikko])
def test_both_dictionaries_understand_the_same(
    engine: type[Libvoikko | Pyvoikko], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kb.following import finnish

    morphology = engine()
    monkeypatch.setattr(finnish, "_morphology", lambda: morphology)
    for cached in (finnish._readings, finnish._forms, finnish.inflected):
        cached.cache_clear()

    assert meant("Entä Tampere?", OWNER) == "Kuka omistaa Tampereen sataman?"
    assert meant("Milloin se rakennettiin?", OWNER) == "Milloin Kokkolan satama rakennettiin?"
    for cached in (finnish._readings, finnish._forms, finnish.inflected):
        cached.cache_clear()


_SOME = """
entä och and Porissa i Vasa in Pori se den it siellä där there 2023 vuonna höyry ? , miksi why
what about kuka omistaa vad kostar does cost sataman the port
"""
_WORDS = st.sampled_from(_SOME.split())


@settings(max_examples=150)
@given(
    question=st.text(max_size=40) | st.lists(_WORDS, max_size=7).map(" ".join),
    before=st.text(max_size=40) | st.lists(_WORDS, max_size=9).map(" ".join),
)
def test_anything_may_be_asked_after_anything(question: str, before: str) -> None:
    found = understand(question, [before])

    if found is not None:
        assert found.text.endswith("?")
        assert found.text.strip("? ")
        assert found.written == question.strip()


@pytest.mark.parametrize(
    ("before", "question", "whole"),
    [
        (
            "How many people operate the cooling loop?",
            "and what did it cost?",
            "What did the cooling loop cost?",
        ),
        (
            "Vad kostar en plats på rörbron?",
            "och vem godkänner den?",
            "Vem godkänner en plats på rörbron?",
        ),
        ("Vad kostar en plats i Vasa?", "och vem godkänner den?", "Vem godkänner en plats?"),
        (
            "What is the rent of a bay in the hall?",
            "who decides it?",
            "Who decides the rent of a bay in the hall?",
        ),
    ],
)
def test_what_a_pronoun_stands_for_is_said_whole(before: str, question: str, whole: str) -> None:
    assert meant(question, before) == whole
