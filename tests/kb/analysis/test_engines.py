"""What indexes and questions take from the analysers, and the Swedish and English ones."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kb.analysis.engines import (
    FUNCTION_WORD_WEIGHT,
    analyzer,
    fingerprint,
    index_terms,
    question_tokens,
    term_set,
)
from kb.model import LANGUAGES, Language


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_analyser_is_made_once_and_names_itself(language: Language) -> None:
    assert analyzer(language) is analyzer(language)
    assert analyzer(language).language == language
    assert analyzer(language).fingerprint in fingerprint()


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("fi", "teollisuusalueiden", "teollisuusalue"),
        ("fi", "jätevesien", "jätevedenpuhdistamo"),
        ("fi", "1 200", "1200"),
        ("sv", "industriområdena", "industriområde"),
        ("sv", "avloppsvatten", "vattnet"),
        ("sv", "miljötillståndet", "tillstånd"),
        ("sv", "EU:s", "EU"),
        ("en", "company's", "companies"),
        ("en", "built", "building"),
        ("en", "waste-water", "wastewater"),
        ("en", "criteria", "criterion"),
        ("en", "1,200", "1200"),
        ("en", "café", "cafe"),
    ],
)
def test_two_forms_of_a_word_meet(language: Language, first: str, second: str) -> None:
    assert set(index_terms(first, language)) & set(index_terms(second, language))


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [("fi", "lupa", "vesi"), ("sv", "hamn", "vatten"), ("en", "port", "report")],
)
def test_different_words_stay_apart(language: Language, first: str, second: str) -> None:
    assert not set(index_terms(first, language)) & set(index_terms(second, language))


def test_english_in_a_finnish_text_is_found_by_an_english_question() -> None:
    text = set(index_terms("CLIC Innovation kehittää battery passport -järjestelmää", "fi"))
    for token in question_tokens("CLIC innovation battery passport", "en"):
        assert text & {term.text for term in token.terms}, token.surface


@pytest.mark.parametrize(
    ("language", "text", "light"),
    [
        ("fi", "Millainen on täydellinen teollisuusalue?", {"Millainen", "on"}),
        ("fi", "Minkälaisia lupia tarvitaan", {"Minkälaisia"}),
        ("sv", "Vad är ett perfekt industriområde?", {"Vad", "är", "ett"}),
        ("en", "What is a perfect industrial area?", {"What", "is", "a"}),
    ],
)
def test_words_that_only_ask_weigh_little(language: Language, text: str, light: set[str]) -> None:
    plain = analyzer(language).tokens(text)
    for before, after in zip(plain, question_tokens(text, language), strict=True):
        factor = FUNCTION_WORD_WEIGHT if before.surface in light else 1.0
        assert [term.weight for term in after.terms] == pytest.approx(
            [term.weight * factor for term in before.terms]
        )


def test_a_question_of_nothing_but_small_words_keeps_them() -> None:
    assert question_tokens("Mikä se on?", "fi") == analyzer("fi").tokens("Mikä se on?")


_PIECES = st.sampled_from(
    [
        *("ympäristö-", "jätevesilupa", "ja", "-kemia", "akkuteollisuus", "EU:n", "Kokkolassa"),
        *("miljötillståndet", "avlopps-", "och", "vattnet", "sub-contractor", "R&D", "company's"),
        *("1", "200", "259 188,50", "12.5.2024", "2023/1542", "3,5", "-20", "CO₂", "ﬁrma"),
        *(" ", " ", " ", ", ", "\n", "-", "\u2011", "\u00ad", "–", ".", "(", "'", "é"),
    ]
)


@example(text="ympäristö- ja jätevesilupa", language="fi")
@example(text="akkuteollisuus ja -kemia", language="fi")
@given(text=st.lists(_PIECES, max_size=14).map("".join), language=st.sampled_from(LANGUAGES))
def test_the_set_of_terms_is_that_of_the_index(text: str, language: Language) -> None:
    assert term_set(text, language) == set(index_terms(text, language))


@given(text=st.text(max_size=40), language=st.sampled_from(LANGUAGES))
def test_the_set_of_terms_of_any_text_is_that_of_the_index(text: str, language: Language) -> None:
    assert term_set(text, language) == set(index_terms(text, language))


@pytest.mark.parametrize(
    ("language", "asking", "telling"),
    [
        ("sv", "Hur lång tid tar bygget", "en lång tid"),
        ("en", "How long does it last", "a long bridge"),
        ("fi", "Kuinka pitkään lupa viipyy", "pitkään valmisteltu lupa"),
        ("fi", "tällä hetkellä voimassa", "viime hetkellä"),
    ],
)
def test_words_that_ask_together_weigh_little_and_by_themselves_in_full(
    language: Language, asking: str, telling: str
) -> None:
    heavy = {
        token.surface.casefold()
        for token in question_tokens(telling, language)
        if max(term.weight for term in token.terms) > FUNCTION_WORD_WEIGHT
    }
    light = {
        token.surface.casefold()
        for token in question_tokens(asking, language)
        if max(term.weight for term in token.terms) <= FUNCTION_WORD_WEIGHT
    }
    assert heavy & light
