"""Languages told apart, and sentences found."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.language import detect, language_of, sentence_spans
from kb.model import LANGUAGES, Language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Millainen on täydellinen teollisuusalue?", "fi"),
        ("Hurdan är ett perfekt industriområde?", "sv"),
        ("What is a perfect industrial area?", "en"),
        ("ympäristölupa", "fi"),
        ("miljötillstånd", "sv"),
        ("wastewater treatment", "en"),
        ("Mikä on battery passport?", "fi"),
        ("Vad betyder battery passport?", "sv"),
    ],
)
def test_a_short_text_is_told_apart(text: str, language: Language) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", ["", "?", "2023/1542", "CLIC Innovation", "Seveso", "BASF"])
def test_what_is_no_language_gets_none_and_the_default(text: str) -> None:
    assert detect(text) is None
    assert language_of(text, "sv") == "sv"


def sentences(text: str, language: Language) -> list[str]:
    return [text[span.start : span.end] for span in sentence_spans(text, language)]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "fi",
            [
                "Esim. v. 1997 mm. n. 5 milj. euroa käytettiin 31. heinäkuuta.",
                "Hanke päättyi 31.7.2025.",
                "Se maksoi 3,5 milj. euroa.",
                "Ks. sivu 3 ja vrt. taulukko 2.",
                "Vuonna 2020.",
            ],
        ),
        ("fi", ["J. V. Snellman asui Kuopiossa.", "Tämä on kirjan 3. painos."]),
        (
            "fi",
            ["”Tule tänne!” hän sanoi.", "Sitten mentiin.", "– Miksi? kysyi hän.", "– En."],
        ),
        (
            "fi",
            [
                "Alueella on vettä, höyryä jne.",
                "Se riittää.",
                "Osoite on www.kip.fi/en. Siellä"[:22],
            ],
        ),
        ("fi", ["Tavoitteet ovat selvät.", "1. Lisätään.", "2.1. Vähennetään.", "(3. Mooseksen)"]),
        ("fi", ["Asia Foster v. Gas oli vanha.", "Hän on 15 v. ja isä 45 v.", "Muut ovat poissa."]),
        ("en", ["It is a work of art.", "See art. 5 and no. 7.", "He said no.", "They left."]),
        (
            "sv",
            ["Bl.a. har de t.ex. gjort det m.m.", "Den 3. juni kom de.", "Nu är allt klart."],
        ),
        (
            "en",
            [
                "Dr. Smith, e.g., lives in St. Louis.",
                "See Fig. 3 for 3.5 kg.",
                "It works (cf. above).",
            ],
        ),
    ],
)
def test_sentences_end_where_a_reader_ends_them(language: Language, expected: list[str]) -> None:
    assert sentences(" ".join(expected), language) == expected


def test_list_items_and_blank_lines_end_a_sentence_and_a_line_end_does_not() -> None:
    text = "Otsikko\n\n- eka kohta\n- toka\n1. kolmas\nKappale jatkuu\nriviltä toiselle."
    assert sentences(text, "fi") == [
        "Otsikko",
        "- eka kohta",
        "- toka",
        "1. kolmas\nKappale jatkuu\nriviltä toiselle.",
    ]


@given(
    st.text(alphabet='aäÅB1. ,\n\t?!-–”"(v)', max_size=120),
    st.sampled_from(LANGUAGES),
    st.data(),
)
def test_sentences_are_ordered_disjoint_trimmed_and_lose_nothing(
    text: str, language: Language, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    spans = sentence_spans(text, language, start, end)
    at = start
    for span in spans:
        assert not text[at : span.start].strip()
        assert span.end <= end
        piece = text[span.start : span.end]
        assert piece
        assert piece == piece.strip()
        at = span.end
    assert not text[at:end].strip()


@pytest.mark.parametrize(
    ("queries", "language", "least"),
    [
        ("flores200_sent2passage/fi-sv", "fi", 0.99),
        ("flores200_sent2passage/sv-fi", "sv", 0.99),
        ("flores200_sent2passage/en-fi", "en", 0.99),
        ("squad2_fi_dev/fi-fi", "fi", 0.98),
        ("squad2_fi_dev/en-fi", "en", 0.98),
        ("finna_a/kw_sv-sv", "sv", 0.90),
    ],
)
def test_sentences_questions_and_keywords_are_told_apart(
    queries: str, language: Language, least: float
) -> None:
    data = os.environ.get("KB_TEST_DATA")
    if not data:
        pytest.skip("KB_TEST_DATA isn't set: real questions in three languages")
    path = Path(data) / "retrieval" / queries / "queries.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()[:400]
    found = [detect(json.loads(line)["text"]) for line in lines]
    assert found.count(language) / len(found) >= least
    wrong = [one for one in found if one not in (language, None)]
    assert len(wrong) / len(found) <= 0.02


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_raised_note_mark_belongs_to_the_sentence_before_it(language: Language) -> None:
    text = "Sopimus on tehty.¹² Hälytys tulee heti.³"
    assert [text[s.start : s.end] for s in sentence_spans(text, language)] == [
        "Sopimus on tehty.¹²",
        "Hälytys tulee heti.³",
    ]
