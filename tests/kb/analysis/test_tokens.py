"""Words of a text, folding, numbers, and terms that an FTS5 table keeps whole."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.analysis import Token
from kb.analysis.engines import analyzer, index_terms
from kb.analysis.tokens import fold, number_terms, safe, words
from kb.model import LANGUAGES, Language

TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="aäÅé-:.,/' \u00ad\u00a0\u0301ﬁ²12—_&ʼs\n", max_size=60),
)


def surfaces(text: str) -> list[str]:
    return [surface for _start, _end, surface in words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Natura-alue, EU:n", ["Natura-alue", "EU:n"]),
        ("ympäristö- ja vesilupa", ["ympäristö", "ja", "vesilupa"]),
        ("battery passport -järjestelmä", ["battery", "passport", "järjestelmä"]),
        ("1 200 t ja 259\u00a0188,50 €", ["1 200", "t", "ja", "259\u00a0188,50"]),
        ("3,5 % vuonna 2020 300 kertaa", ["3,5", "vuonna", "2020", "300", "kertaa"]),
        ("1.8.2023–31.7.2025", ["1.8.2023", "31.7.2025"]),
        ("(EU) 2023/1542.", ["EU", "2023/1542"]),
        ("kunta/kaupunki R&D", ["kunta", "kaupunki", "R&D"]),
        ("ympä\u00adristö", ["ympä\u00adristö"]),
    ],
)
def test_words_are_cut_where_they_end(text: str, expected: list[str]) -> None:
    assert surfaces(text) == expected


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        ("YMPÄRISTÖ", "ympäristö"),
        ("ympa\u0308risto\u0308", "ympäristö"),
        ("ympä\u00adristö", "ympäristö"),
        ("ﬁnanssi", "finanssi"),
        ("CO₂", "co2"),
        ("company’s", "company's"),
        ("ʼs", "s"),
        ("Natura‑alue", "natura-alue"),
    ],
)
def test_folding_makes_spellings_of_a_word_one(surface: str, expected: str) -> None:
    assert fold(surface) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("café", "cafe"),
        ("åäö", "åäö"),
        ("müller", "muller"),
        ("natura-alue", "natura_alue"),
        ("3,5", "3_5"),
        ("-", ""),
    ],
)
def test_a_safe_term_folds_foreign_marks_and_keeps_our_letters(text: str, expected: str) -> None:
    assert safe(text) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("1200", "1200"),
        ("1 200", "1200"),
        ("1\u00a0200,5", "1200_5"),
        ("3,5", "3_5"),
        ("3.5", "3_5"),
        ("1.8.2023", "1_8_2023"),
    ],
)
def test_a_number_has_one_spelling(key: str, expected: str) -> None:
    assert number_terms(key, part_weight=0.5)[0].text == expected


def test_english_groups_thousands_with_commas() -> None:
    assert number_terms("1,200", part_weight=0.5, comma_groups=True)[0].text == "1200"


def test_a_code_is_found_by_its_longer_numbers_too() -> None:
    terms = {term.text for term in number_terms("2023/1542", part_weight=0.5)}
    assert terms == {"2023_1542", "2023", "1542"}


@pytest.fixture(scope="module")
def fts() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE t USING fts5(terms, "
        "tokenize=\"unicode61 remove_diacritics 0 tokenchars '_'\")"
    )
    connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)")
    return connection


@settings(deadline=None)  # the first example opens the word lists
@given(text=TEXTS, language=st.sampled_from(LANGUAGES))
def test_every_term_is_one_token_of_fts5(
    fts: sqlite3.Connection, text: str, language: Language
) -> None:
    terms = index_terms(text, language)
    fts.execute("DELETE FROM t")
    fts.execute("INSERT INTO t VALUES (?)", (" ".join(terms),))
    stored = fts.execute("SELECT term FROM v ORDER BY offset").fetchall()
    assert [term for (term,) in stored] == terms


@settings(deadline=None)  # the first example opens the word lists
@given(text=TEXTS, language=st.sampled_from(LANGUAGES))
def test_tokens_are_in_order_and_hold_every_letter_and_digit(text: str, language: Language) -> None:
    tokens: list[Token] = analyzer(language).tokens(text)
    at = 0
    for token in tokens:
        assert text[token.start : token.end] == token.surface
        assert token.start >= at
        assert token.terms
        assert len({term.text for term in token.terms}) == len(token.terms)
        assert all(0 < term.weight <= 1 for term in token.terms)
        assert not any(safe(fold(character)) for character in text[at : token.start])
        at = token.end
    assert not any(safe(fold(character)) for character in text[at:])
