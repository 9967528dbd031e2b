"""What models really return, whole and in parts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.answering.replies import MOST_CLAIMS, Outcome, Proposed, Reply

ONE = Proposed("Vesi on merestä.", (1,))
TWO = Proposed("Satama on jäätön.", (2, 3))
PLAIN = (
    '{"claims": [{"text": "Vesi on merestä.", "sentences": [1]}, '
    '{"text": "Satama on jäätön.", "sentences": [2, 3]}]}'
)


def read(text: str, size: int = 5) -> tuple[list[Proposed], Outcome]:
    reply = Reply()
    found: list[Proposed] = []
    for at in range(0, len(text), size):
        found += reply.feed(text[at : at + size])
    late, outcome = reply.finish()
    return found + late, outcome


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"```json\n{PLAIN}\n```",
        f"Here is the \"answer\" you asked for:\n{PLAIN}\nI hope this helps! {{smile}}",
        PLAIN.removeprefix('{"claims": ').removesuffix("}"),
        PLAIN.replace("}]}", "},]}").replace("[1]", "[1,]"),
        PLAIN.replace("[1]", '"1"').replace("[2, 3]", '["[2]", "3"]'),
        PLAIN.replace('"sentences"', '"sources"').replace('"text"', '"claim"'),
        PLAIN.replace("merestä.", "merestä. [1]").replace('"sentences": [1]', '"sentences": []'),
        f'<think>\n{{"claims": [{{"text": "Ei näin.", "sentences": [9]}}]}}</think>\n{PLAIN}',
        PLAIN.replace('"text": ', '"text":\n  '),
        f"{PLAIN}\n{PLAIN}",
        "- Vesi on merestä. [1]\n- Satama on jäätön. [2][3]\n",
        "1. Vesi on merestä. [1]\n2. Satama on jäätön. [2, 3]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_same_claims_however_they_are_dressed(text: str, size: int) -> None:
    assert read(text, size) == ([ONE, TWO], Outcome.COMPLETE)


@pytest.mark.parametrize(
    "text", ['{"claims": []}', '{"answered": false, "claims": []}', "```\n[]\n```", "[]"]
)
def test_no_claims_mean_that_the_sentences_dont_answer(text: str) -> None:
    assert read(text) == ([], Outcome.UNANSWERED)


@pytest.mark.parametrize(
    "text", ["", "   ", "No.", "{", '{"text": ', '{"väärä": 1}', '{"claims": "none"}', "<think>hm"]
)
def test_what_is_no_reply_is_unclear(text: str) -> None:
    assert read(text) == ([], Outcome.UNCLEAR)


def test_what_is_cut_off_keeps_what_was_whole() -> None:
    assert read(PLAIN[:70]) == ([ONE], Outcome.CUT_OFF)
    assert read(PLAIN[:-1]) == ([ONE, TWO], Outcome.CUT_OFF)


def test_a_claim_is_given_as_soon_as_it_is_whole() -> None:
    reply = Reply()
    end = PLAIN.index("}") + 1

    assert list(reply.feed(PLAIN[: end - 1])) == []
    assert list(reply.feed(PLAIN[end - 1 : end])) == [ONE]


def test_an_unescaped_quote_costs_its_own_claim_alone() -> None:
    text = PLAIN.replace("Vesi on", 'Vesi "on')

    found, _ = read(text)

    assert TWO in found


def test_numbers_that_are_none_arent_taken() -> None:
    text = '{"claims": [{"text": "Vesi.", "sentences": [true, -4, 2.5, null, {"a": 1}, 7]}]}'

    assert read(text)[0] == [Proposed("Vesi.", (-4, 7))]


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=60), st.lists(st.integers(1, 99), max_size=5)),
        max_size=6,
        unique_by=lambda one: one[0],
    ),
    st.integers(1, 40),
    st.integers(0, 400),
)
def test_whatever_is_written_and_wherever_it_ends(
    told: list[tuple[str, list[int]]], size: int, cut: int
) -> None:
    text = json.dumps({"claims": [{"text": t, "sentences": n} for t, n in told]})
    whole, outcome = read(text, size)
    partly, _ = read(text[:cut], size)

    assert outcome in (Outcome.COMPLETE, Outcome.UNANSWERED, Outcome.UNCLEAR)
    assert partly == whole[: len(partly)]
    assert len(whole) <= MOST_CLAIMS


@given(st.text(alphabet='{}[]",:\\abc123 \n`<>', max_size=300), st.integers(1, 20))
def test_nothing_breaks_the_reader(text: str, size: int) -> None:
    found, outcome = read(text, size)

    assert all(one.text for one in found)
    assert isinstance(outcome, Outcome)
