from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.catalogue import DocumentRow
from kb.errors import BadScope
from kb.model import Confidentiality, DocumentId, Kind, Metadata, Scope
from kb.scoping import FILTERS, allows, scope_from
from kb.themes import themes


def test_nothing_limits_nothing() -> None:
    assert scope_from() == Scope()
    assert scope_from(language="", kind=[], city=[" "], year=None).unlimited


def test_values_may_be_one_or_several() -> None:
    assert scope_from(city="Kokkola", language=["fi", "SV"]) == Scope(
        cities=frozenset({"Kokkola"}), languages=frozenset({"fi", "sv"})
    )


@pytest.mark.parametrize("written", ["round-table notes", "Round_Table notes", "ROUND-TABLE-NOTES"])
def test_kinds_are_understood_as_people_type_them(written: str) -> None:
    assert scope_from(kind=written).kinds == {"round-table notes"}


@pytest.mark.parametrize("written", ["water", "Vesi", "vatten", "WATER"])
def test_themes_are_known_by_id_and_label(written: str) -> None:
    assert scope_from(theme=written).themes == {"water"}


@pytest.mark.parametrize(
    ("written", "years"),
    [
        ("2021", (2021, 2021)),
        (2021, (2021, 2021)),
        ("2019-2024", (2019, 2024)),
        ("2019 – 2024", (2019, 2024)),
        ([2019, 2024], (2019, 2024)),
        (["2019", "2024"], (2019, 2024)),
        (["2021-2022", "2019-2020", "2020"], (2019, 2022)),
        ([2021], (2021, 2021)),
    ],
)
def test_years_are_a_year_or_a_range(
    written: int | str | list[int | str], years: tuple[int, int]
) -> None:
    assert scope_from(year=written).years == years


@pytest.mark.parametrize(
    "written", ["21", "2024-2019", "soon", [2024, 2019], ["2010-2011", "2020-2021"], "2019-", "-5"]
)
def test_other_years_are_refused(written: str | list[int | str]) -> None:
    with pytest.raises(BadScope) as refused:
        scope_from(year=written)

    assert refused.value.params["possible"] == "2021, 2019-2024"


@pytest.mark.parametrize(
    ("name", "possible"),
    [
        ("language", "fi, sv, en"),
        ("kind", "report, round-table notes, slides, web page, other"),
        ("confidentiality", "public, internal, confidential"),
        ("theme", ", ".join(theme.id for theme in themes())),
    ],
)
def test_a_value_outside_a_closed_set_is_refused_with_the_possible_ones(
    name: str, possible: str
) -> None:
    with pytest.raises(BadScope) as refused:
        scope_from(**{name: "poetry"})

    assert refused.value.params == {"name": name, "value": "poetry", "possible": possible}
    assert possible in refused.value.text("fi")


@given(st.sampled_from(FILTERS), st.text())
def test_any_text_is_a_scope_or_refused(name: str, written: str) -> None:
    try:
        scope_from(**{name: written})
    except BadScope as refused:
        assert refused.text("sv")


ROW = DocumentRow(
    id=DocumentId("d1"),
    metadata=Metadata(
        date="2021-06",
        city="Närpiö",
        kind=Kind.REPORT,
        themes=("water", "energy"),
        collection="a",
        confidentiality=Confidentiality.PUBLIC,
    ),
    language="fi",
    media_type="text/plain",
    source="a.txt",
    sources=1,
    pages=None,
    passages=1,
    characters=10,
    added="",
    warnings=(),
)


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (Scope(), True),
        (scope_from(city="NÄRPIÖ", theme=["safety", "water"], year="2020-2021"), True),
        (scope_from(language="sv"), False),
        (scope_from(kind="slides"), False),
        (scope_from(city="Narpio"), False),
        (scope_from(theme="safety"), False),
        (scope_from(year=2022), False),
        (scope_from(document="d2"), False),
        (scope_from(collection="b"), False),
        (scope_from(confidentiality="internal"), False),
        (Scope(samples=True), False),
    ],
)
def test_a_document_is_in_a_scope_when_every_filter_allows_it(scope: Scope, allowed: bool) -> None:
    assert allows(scope, ROW) is allowed


def test_there_are_fourteen_themes_with_names_in_three_languages() -> None:
    assert len({theme.id for theme in themes()}) == 14
    for language in ("fi", "sv", "en"):
        assert len({theme.label(language) for theme in themes()}) == 14
