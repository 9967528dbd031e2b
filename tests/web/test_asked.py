from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from api.web.asked import Asked, address, without
from api.web.wording import Wording
from kb.errors import BadScope
from kb.messages import catalogue
from kb.model import Locator, Scope


def asked(query: str) -> Asked:
    return Asked.of(QueryParams(query))


def test_an_address_says_all_that_a_question_is_limited_to() -> None:
    scope = asked("q=vesi&language=fi&theme=water&theme=land&year_from=2020&samples=no").scope()

    assert scope == Scope(
        languages=frozenset({"fi"}),
        themes=frozenset({"water", "land"}),
        years=(2020, 9999),
        samples=False,
    )


@pytest.mark.parametrize(
    ("query", "years"),
    [("year=2021", (2021, 2021)), ("year=2019-2024", (2019, 2024)), ("year_to=2020", (1000, 2020))],
)
def test_years_may_be_one_a_range_or_open(query: str, years: tuple[int, int]) -> None:
    assert asked(query).scope().years == years


@pytest.mark.parametrize("query", ["language=de", "samples=maybe", "year=soon", "kind=novel"])
def test_a_filter_that_means_nothing_is_refused(query: str) -> None:
    with pytest.raises(BadScope):
        asked(query).scope()


@given(st.text(max_size=40), st.lists(st.sampled_from(["fi", "sv"]), unique=True), st.booleans())
def test_an_address_leads_back_to_the_same_state(
    question: str, languages: list[str], samples: bool
) -> None:
    state = Asked(
        question.strip(),
        tuple(("language", code) for code in languages),
        "2020",
        "",
        "only" if samples else "",
    )

    query = address("/", state.pairs()).partition("?")[2]

    assert asked(query) == state


def test_a_filter_can_be_taken_away_alone() -> None:
    state = asked("q=a&city=Kokkola&city=Vaasa&year=2020&samples=only")

    assert without(state, "city", "Kokkola").values("city") == ("Vaasa",)
    assert without(state, "year", "").limits == 3
    assert without(state, "samples", "").samples == ""


@pytest.mark.parametrize(
    ("language", "written"),
    [("fi", "12.3.2025 maaliskuu 2025 2025"), ("en", "12 March 2025 March 2025 2025")],
)
def test_dates_are_written_as_the_language_does(language: str, written: str) -> None:
    t = Wording("fi" if language == "fi" else "en")

    assert " ".join(t.date(date) for date in ("2025-03-12", "2025-03", "2025")) == written
    assert t.date(None) == ""


def test_a_place_is_told_in_words() -> None:
    t = Wording("fi")

    assert t.place(Locator(pages=(12,), heading=("2 Vesi", "2.1 Jäähdytys"))) == (
        "s. 12, 2 Vesi › 2.1 Jäähdytys"
    )
    assert t.place(Locator(pages=(12, 13))) == "s. 12–13"
    assert t.place(Locator(sheet="Hinnat", rows=(3, 5))) == "taulukko Hinnat, rivit 3–5"
    assert t.place(Locator(paragraph=4)) == "kappale 4"


def test_every_text_of_the_pages_is_used_and_its_placeholders_agree() -> None:
    root = Path(__file__).parents[2] / "api" / "web"
    code = "".join(
        path.read_text(encoding="utf-8").replace("'", '"')
        for path in root.rglob("*")
        if path.suffix in (".html", ".py")
    )
    # Keys that are put together: their beginnings stand in the code.
    begun = re.findall(r'["\'](\w+_)(?:" ~|"\)|\{)', code)
    texts_of = {
        key.removeprefix("web."): texts
        for key, texts in catalogue().items()
        if key.startswith("web.")
    }

    unused = [
        name
        for name in texts_of
        if f'"{name.removesuffix("_one")}"' not in code and not name.startswith(tuple(begun))
    ]
    differing = [
        name
        for name, texts in texts_of.items()
        if len({frozenset(placeholders(text)) for text in texts.values()}) != 1
    ]

    assert begun
    assert not unused
    assert not differing


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}
