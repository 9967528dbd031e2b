from __future__ import annotations

from dataclasses import replace

import pytest

from kb.explaining import more, told
from kb.model import Answer, AnswerStatus, Claim, Scope
from kb.wording import filter_value
from tests.kb.test_exporting import a_source

LEVELS = frozenset({"public", "internal"})


def a_statement(start: int, probability: float, **features: float) -> dict[str, object]:
    return {
        "document_id": "d" * 16,
        "start": start,
        "end": start + 3,
        "text": f"Lause {start}.",
        "probability": probability,
        "features": {"fits": 0.5, "names": 1, "window": 1, "sentence": 0.6, "short": 0} | features,
    }


ANSWER = Answer(
    question="Kuka omistaa sataman?",
    language="fi",
    status=AnswerStatus.ANSWERED,
    claims=(
        Claim(
            text="Lause.",
            citations=(a_source(1, "Raportti", "Lause 5.").citation,),
            confidence=0.7,
            language="fi",
        ),
    ),
    explanation={
        "language": None,
        "kind": "how much",
        "words": [{"word": "satama", "terms": ["satama"], "translations": {"sv": ["hamn"]}}],
        "support": 0.61,
        "known_words": 1.0,
        "candidates": [{"title": "Raportti", "dense": None, "lexical": 0.5, "score": 1.25}],
        "statements": [
            a_statement(5, 0.9),
            a_statement(50, 0.7, sentence=0.1),
            a_statement(60, 0.2, fits=0, names=0.5, window=0.2, sentence=0.1, short=1),
            a_statement(70, 0.2),
            a_statement(80, 0.2, read=-1.5),
        ],
    },
)


def explained(answer: Answer = ANSWER, scope: Scope | None = None) -> dict[str, object]:
    return dict(more(answer, scope=scope or Scope(), visible=LEVELS, threshold=0.4))


def fates(explanation: dict[str, object]) -> list[list[str]]:
    statements = explanation["statements"]
    assert isinstance(statements, list)
    return [statement["fates"] for statement in statements]


def test_each_statement_has_a_fate() -> None:
    assert fates(explained()) == [
        ["cited"],
        ["less"],
        ["fits", "names", "words", "meaning", "fragment"],
        ["less"],
        ["read"],
    ]


def test_where_nothing_is_answered_every_statement_says_so() -> None:
    refused = replace(ANSWER, claims=(), status=AnswerStatus.NO_EVIDENCE)

    assert all(fate[0] == "below" for fate in fates(explained(refused)))


def test_filters_and_levels_are_those_that_held() -> None:
    scope = Scope(themes=frozenset({"water"}), confidentiality=frozenset({"internal", "secret"}))

    explanation = explained(scope=scope)

    assert explanation["filters"] == [["theme", "water"]]
    assert explanation["levels"] == ["internal"]
    assert explained()["levels"] == ["public", "internal"]


@pytest.mark.parametrize(("language", "number"), [("fi", "61 %"), ("sv", "61 %"), ("en", "61%")])
def test_it_is_told_in_words_with_the_numbers_behind(language: str, number: str) -> None:
    sections = told(explained(scope=Scope(themes=frozenset({"water"}))), language)

    text = "\n".join(line for section in sections for line in section.lines)
    assert number in text
    assert filter_value("theme", "water", language) in text
    assert len(sections) == 4
    for section in sections:
        assert all(len(row) == len(section.columns) for row in section.rows)
    assert sections[1].rows[0][2:] == (
        "–",
        "0.50" if language == "en" else "0,50",
        "1.25" if language == "en" else "1,25",
    )


def test_a_question_that_found_nothing_is_told_too() -> None:
    empty = replace(ANSWER, claims=(), explanation={"language": "sv"})

    assert [len(section.rows) for section in told(explained(empty), "en")] == [0, 0]


def test_a_language_model_s_part_is_told_once_for_each_reason() -> None:
    written = replace(ANSWER, written=True, left_out=("left_out.number", "left_out.number"))

    lines = told(explained(written), "en")[-1].lines

    assert len(lines) == 2
    assert lines[1].endswith("(× 2)")
    assert len(told(explained(), "en")) == 4


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("kind", "round-table notes", "Pyöreän pöydän muistio"),
        ("language", "sv", "ruotsi"),
        ("confidentiality", "internal", "Sisäinen"),
        ("samples", "no", None),
        ("theme", "own", "own"),
        ("city", "Kokkola", "Kokkola"),
        ("kind", "unheard of", "unheard of"),
    ],
)
def test_filters_are_told_in_words(name: str, value: str, text: str | None) -> None:
    assert filter_value(name, value, "fi") != (value if text is None else "")
    assert text is None or filter_value(name, value, "fi") == text


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_an_answer_that_names_something_else_is_told(language: str) -> None:
    made = more(ANSWER, scope=Scope(), visible=LEVELS, threshold=0.4)
    explained = {**made, "support": 0.2}
    plain = [line for one in told(explained, language) for line in one.lines]

    telling = [
        line for one in told({**explained, "unheeded": True}, language) for line in one.lines
    ]

    assert len(telling) == len(plain) + 1
