"""Swedish words in all their forms: what they are found by."""

import pytest

from kb.analysis.engines import analyzer, question_tokens


def stems(word: str) -> set[str]:
    (token,) = analyzer("sv").tokens(word)
    return {term.text for term in token.terms if term.kind == "stem"}


@pytest.mark.parametrize(
    ("form", "base"),
    [
        ("ångan", "ånga"),
        ("ångans", "ånga"),
        ("projektet", "projekt"),
        ("kontraktets", "kontrakt"),
        ("gränsen", "gräns"),
        ("leveranserna", "leverans"),
        ("äger", "äga"),
        ("industrin", "industri"),
        ("energins", "energi"),
        ("miljön", "miljö"),
        ("rörbron", "rörbroar"),
        ("menyn", "meny"),
    ],
)
def test_definite_forms_meet_their_base(form: str, base: str) -> None:
    assert stems(form) & stems(base)


@pytest.mark.parametrize("word", ["detaljplan", "anmälan", "tran", "station", "lön"])
def test_words_that_only_look_definite_keep_their_own_stem(word: str) -> None:
    assert word in stems(word)


def test_small_words_have_one_stem() -> None:
    assert stems("utan") == {"utan"}


def test_how_a_question_is_said_weighs_as_little_as_how_it_is_written() -> None:
    said, written = (question_tokens(f"{word} kostar ångan", "sv")[0] for word in ("va", "vad"))

    assert {term.weight for term in said.terms} <= {term.weight for term in written.terms}
