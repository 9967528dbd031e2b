from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.cleaning import (
    Joint,
    WordForms,
    compose_spacing_accents,
    fold,
    join,
    normalise,
)

FORMS = WordForms(
    [
        "Natura-verkosto",
        "Pohjois-Suomi",
        "kattaa",
        "alueen;",
        "teollisuusalue",
        "ja",
        "long-term",
        "plan,",
        "term",
        "and",
        "Kokkolan",
        "satama.",
    ]
)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\u0308a\u030ako", "äåko"),
        ("e\ufb01kti o\ufb03ce", "efikti office"),
        ("rivi\r\ntoinen\rkolmas\u2028neljäs", "rivi\ntoinen\nkolmas\nneljäs"),
        ("teolli\u00adsuus\u200b\ufeff\u2060alue", "teollisuusalue"),
        ("10\u00a0000\u202f€\tja", "10 000 € ja"),
        ("\x00\x07nolla\x1b", "nolla"),
        ("\u202eväärin\u202c", "väärin"),
        ("yhdys\u2011sana", "yhdys-sana"),
        ("\ud800yksin", "yksin"),
        ("m², CO₂ – ½", "m², CO₂ – ½"),
    ],
)
def test_text_is_normalised(raw: str, clean: str) -> None:
    assert normalise(raw) == clean


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in once.replace("\n", ""))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("teollisuusalue", "teollisuus-\nalue"),
        ("teollisuusalue", "teollisuus\u00ad\n  alue"),
        ("Natura-alue", "Natura-\nalue"),
        ("vettä 21 000 m3 vuorokaudessa", "vettä 21\u00a0000 m³\nvuorokaudessa"),
        ("efikti", "e\ufb01kti"),
        ("lämpö", "la\u0308mpo\u0308"),
        ("lämpö", "l¨ampö"),
        ("”hyvä”", '"hyvä"'),
        ("Yritys | Vesi", "Yritys   Vesi"),
    ],
)
def test_two_readings_of_one_page_fold_alike(ours: str, theirs: str) -> None:
    assert fold(ours) == fold(theirs)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("vesi", "Vesi"),
        ("21 000", "21 001"),
        ("ei ole", "on"),
        ("laki.", "laki"),
        ("sää", "saa"),
        ("1,5", "15"),
    ],
)
def test_another_text_does_not_fold_alike(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(), st.text())
def test_a_part_of_a_text_folds_to_a_part_of_its_folding(before: str, after: str) -> None:
    middle = "Teollisuusalue tarvitsee vettä"
    assert fold(middle) in fold(f"{before}\n{middle}\n{after}")


@given(st.text())
def test_folding_leaves_no_white_space_and_is_stable(text: str) -> None:
    folded = fold(text)
    assert not any(map(str.isspace, folded))
    assert fold(folded) == folded


@pytest.mark.parametrize(
    ("head", "tail", "joint"),
    [
        ("teollisuus-", "alue,", Joint.HEAL),
        ("suunnit-", "telma", Joint.HEAL),
        ("verksam-", "heten", Joint.HEAL),
        ("devel-", "opment", Joint.HEAL),
        ("tavalli\u00ad", "sesti", Joint.HEAL),
        ("TEOLLISUUS-", "ALUE", Joint.HEAL),
        ("Natura-", "alueella", Joint.KEEP),  # the document writes Natura-verkosto
        ("Pohjois-", "maissa", Joint.HEAL),  # Nordic countries, whatever it writes of Pohjois-Suomi
        ("Pohjois-", "karjalainen", Joint.KEEP),
        ("Suo-", "messa", Joint.HEAL),
        ("kaatopaikko-", "ja.", Joint.HEAL),
        ("massapolt-", "to", Joint.HEAL),
        ("EU-", "komissio", Joint.KEEP),
        ("CO2-", "päästöt", Joint.KEEP),
        ("2020-", "2025", Joint.KEEP),
        ("Keski-", "Pohjanmaa", Joint.KEEP),
        ("raaka-", "aineet", Joint.KEEP),
        ("linja-", "auto", Joint.KEEP),
        ("pk-", "yritysten", Joint.KEEP),
        ("long-", "term", Joint.KEEP),
        ("e-", "mail", Joint.KEEP),  # a division never leaves one letter alone
        ("RES-E-", "direktiivin", Joint.KEEP),
        ("ympäristö-", "ja", Joint.SPACE),
        ("vatten-", "och", Joint.SPACE),
        ("short-", "and", Joint.SPACE),
        ("-", "vettä", Joint.SPACE),
        ("tai –", "kuten", Joint.SPACE),
        ("https://www.kokkola.fi/tyo-", "ja-elinkeinot", Joint.KEEP),
        ("ja/", "tai", Joint.KEEP),
        ("2021–", "2024", Joint.KEEP),
        ("alue", "on", Joint.SPACE),
    ],
)
def test_line_ends(head: str, tail: str, joint: Joint) -> None:
    assert join(head, tail, FORMS) is joint


def test_what_the_document_writes_elsewhere_decides() -> None:
    assert join("Windfall-", "voittojen", WordForms(["windfall-voitoista"])) is Joint.KEEP
    assert join("Maa-", "lämpö", WordForms(["maa-aines", "maatalous"])) is Joint.HEAL
    assert join("Pori-Turku-", "rata", WordForms(["Turku"])) is Joint.KEEP
    assert join("Etelä-Poh-", "janmaa", WordForms(["Turku"])) is Joint.HEAL
    assert join("Vesi-", "alue", WordForms(["vesi-alue", "vesi-alueen"])) is Joint.KEEP
    assert join("vesi-", "alue", WordForms(["Vesialue"])) is Joint.HEAL
    assert join("raaka-", "aine", WordForms(["raakaaine"])) is Joint.HEAL
    # "RES-E -" at a line's end: the hyphen belongs to what follows, as it does elsewhere.
    assert join("-", "direktiivin", WordForms(["RES-E", "-direktiivi"])) is Joint.KEEP
    assert join("-", "direktiivin", WordForms(["RES-E", "-", "direktiivi"])) is Joint.SPACE


@pytest.mark.parametrize(
    ("raw", "made"),
    [("p¨ a¨ a", "pää"), ("V¨ayl¨a", "Väylä"), ("˚Abo", "Åbo"), ("`apt`", "`apt`"), ("¨", "¨")],
)
def test_accents_set_apart(raw: str, made: str) -> None:
    assert compose_spacing_accents(raw) == made
