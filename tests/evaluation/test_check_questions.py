from __future__ import annotations

from dataclasses import replace

from evaluation.check_questions import (
    Balance,
    CheckResult,
    CorpusText,
    check_questions,
    duplicates,
    longest_common_run,
)
from evaluation.questions import Gold, GoldQuestion

TEXT = (
    "Suurteollisuusalueella on neljä vesilaatua. Jäähdytysvesi otetaan merestä ja palautetaan "
    "lämpimänä. Tehdaspalokunta palvelee alueen yrityksiä sopimuksella."
)
CORPUS = [
    CorpusText("vesi.pdf", TEXT, "fi"),
    CorpusText("vatten.pdf", "Kylvattnet tas ur havet.", "sv"),
]
GOOD = GoldQuestion(
    id="q1",
    question="Montako erilaista vettä teollisuusalue tarjoaa yrityksille?",
    language="fi",
    kind="how much",
    themes=("water",),
    answerable=True,
    gold=(Gold("vesi.pdf", ("neljä vesi-\nlaatua",)),),
)
BAD_TOPIC = GoldQuestion(
    id="q2",
    question="Kuinka pitkä on Tampereen raitiotien pisin pysäkinväli?",
    language="fi",
    kind="how much",
    themes=("logistics",),
    answerable=False,
    gold=(),
)


def codes(result: CheckResult) -> list[tuple[str, str]]:
    return [(one.id, one.code) for one in result.problems]


def test_good_questions_have_no_problem() -> None:
    unanswerable = replace(
        GOOD,
        id="q9",
        question="Paljonko tehdaspalokunnan sopimus maksaa?",
        answerable=False,
        gold=(),
    )
    result = check_questions([GOOD, unanswerable], CORPUS, balance=None)
    assert result.problems == ()
    assert result.exit_status == 0


def test_gold_must_be_verbatim_in_a_document_that_is_there() -> None:
    wrong = replace(
        GOOD, gold=(Gold("vesi.pdf", ("viisi vesilaatua",)), Gold("puuttuu.pdf", ("a",)))
    )
    result = check_questions([wrong], CORPUS, balance=None)
    assert codes(result) == [("q1", "quote"), ("q1", "document")]
    assert result.exit_status == 1
    for language in ("fi", "sv", "en"):
        assert "viisi vesilaatua" in result.table(language)


def test_a_copied_question_is_found() -> None:
    copied = replace(
        GOOD, question="Onko niin, että jäähdytysvesi otetaan merestä ja palautetaan lämpimänä?"
    )
    result = check_questions([copied], CORPUS, balance=None)
    assert codes(result) == [("q1", "copied")]
    assert "jäähdytysvesi otetaan merestä ja palautetaan lämpimänä" in result.problems[0].text("en")


def test_an_unanswerable_question_is_on_topic() -> None:
    assert codes(check_questions([BAD_TOPIC], CORPUS, balance=None)) == [("q2", "off_topic")]


def test_crossing_is_what_the_gold_says() -> None:
    swedish = replace(GOOD, gold=(Gold("vatten.pdf", ("ur havet",)),))
    assert codes(check_questions([swedish], CORPUS, balance=None)) == [("q1", "not_cross")]
    assert codes(check_questions([replace(GOOD, cross=True)], CORPUS, balance=None)) == [
        ("q1", "cross")
    ]
    assert check_questions([replace(swedish, cross=True)], CORPUS, balance=None).problems == ()


def test_language_and_theme_are_checked() -> None:
    odd = replace(GOOD, language="sv", cross=True, themes=("vesi",))
    assert codes(check_questions([odd], CORPUS, balance=None)) == [
        ("q1", "language"),
        ("q1", "theme"),
    ]
    assert codes(check_questions([replace(GOOD, themes=())], CORPUS, balance=None)) == [
        ("q1", "no_theme")
    ]


def test_near_duplicates_are_found_within_a_language() -> None:
    same = replace(
        GOOD, id="q5", question="Montako erilaista vettä teollisuusalue tarjoaa yritykselle?"
    )
    assert [(one.id, dict(one.params)["other"]) for one in duplicates([GOOD, same])] == [
        ("q5", "q1")
    ]
    assert duplicates([GOOD, replace(same, language="sv")]) == []
    assert duplicates([GOOD, BAD_TOPIC]) == []


def test_balance_names_what_is_short() -> None:
    balance = Balance(questions=1, languages={"fi": 1, "sv": 2}, kind=0, theme=0)
    result = check_questions([GOOD], CORPUS, balance=balance)
    assert [dict(one.params)["what"] for one in result.problems] == [
        "language sv",
        "cross",
        "unanswerable",
    ]
    assert all(one.id == "" for one in result.problems)


def test_longest_common_run() -> None:
    assert longest_common_run(["a", "b", "c", "d"], ["x", "b", "c", "y", "a", "b", "c"]) == (
        "a",
        "b",
        "c",
    )
    assert longest_common_run(["a"], ["b"]) == ()
    assert longest_common_run(["a", "a", "a"], ["a", "a"]) == ("a", "a")
