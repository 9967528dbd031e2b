from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.catalogue import Catalogue
from kb.errors import NotFound
from kb.project import Partner, Project, folded_partner, merged, passage_spans, project_json
from kb.project_lists import ProjectLists
from kb.projects import ProjectFilter, Projects

WATER = Project(
    registry="keep",
    registry_id="7",
    title="Jätevesi kuriin",
    acronym="VESI",
    description="Jätevedet puhdistetaan. Liete käytetään.",
    programme="Aurora",
    start="2021-02",
    end="2023-12-31",
    language="fi",
    keywords=("vesi",),
    themes=("water",),
    partners=(
        Partner(name="Centria Oy", leads=True, city="Kokkola", country="Finland", budget=5.0),
        Partner(name="Luleå tekniska universitet", country="Sweden"),
    ),
)
HEAT = Project(
    registry="eura",
    title="Heat for all",
    start="2019",
    end="2020",
    partners=(Partner(name="CENTRIA"),),
)


@pytest.fixture
def projects(tmp_path: Path) -> Iterator[Projects]:
    catalogue = Catalogue(tmp_path)
    opened = Projects(catalogue)
    opened.put([WATER, HEAT])
    yield opened
    catalogue.close()


def test_a_project_comes_out_as_it_went_in(projects: Projects) -> None:
    assert projects.get("keep-7") == WATER
    assert projects.get(HEAT.id) == HEAT
    assert len(projects) == 2


def test_the_same_again_changes_nothing_and_a_change_changes_one(projects: Projects) -> None:
    before = projects.generation

    assert projects.put([WATER, HEAT]) == ["unchanged", "unchanged"]
    assert projects.generation == before
    assert projects.outcome(replace(WATER, status="ended")) == "updated"
    assert projects.put([replace(WATER, status="ended", partners=())]) == ["updated"]
    assert projects.get("keep-7").partners == ()
    assert projects.generation > before
    assert len(projects) == 2


def test_without_an_id_title_and_start_make_one() -> None:
    assert HEAT.id == replace(HEAT, title="HEAT,  for all!").id
    assert HEAT.id != replace(HEAT, start="2018").id
    assert HEAT.id != replace(HEAT, registry="keep").id


@given(st.text(min_size=1))
def test_ids_stand_in_addresses(registry_id: str) -> None:
    made = replace(WATER, registry_id=registry_id).id

    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ProjectFilter(), {"keep-7", HEAT.id}),
        (ProjectFilter(registries=frozenset({"keep"})), {"keep-7"}),
        (ProjectFilter(programmes=frozenset({"AURORA"})), {"keep-7"}),
        (ProjectFilter(themes=frozenset({"water"})), {"keep-7"}),
        (ProjectFilter(places=frozenset({"kokkola", "nowhere"})), {"keep-7"}),
        (ProjectFilter(partners=frozenset({"centria"})), {"keep-7", HEAT.id}),
        (ProjectFilter(years=(2020, 2020)), {HEAT.id}),
        (ProjectFilter(years=(2020, 2022)), {"keep-7", HEAT.id}),
        (ProjectFilter(places=frozenset({"nowhere"})), set()),
        (ProjectFilter(themes=frozenset({"water"}), years=(2019, 2019)), set()),
    ],
)
def test_filters_fail_closed(projects: Projects, wanted: ProjectFilter, found: set[str]) -> None:
    shown, total = ProjectLists(projects).page(wanted)

    assert {project.id for project in shown} == found
    assert total == len(found)


def test_partners_are_counted_over_projects(projects: Projects) -> None:
    first, second = ProjectLists(projects).partners()

    assert (folded_partner(first.name), first.projects, first.led) == ("centria", 2, 1)
    assert first.themes == (("water", 1),)
    assert "Kokkola" in first.places
    assert second.projects == 1


@pytest.mark.parametrize("name", ["Centria Oy", "CENTRIA OY.", "Oy Centria Ab", " centria "])
def test_legal_forms_and_case_do_not_part_an_organisation(name: str) -> None:
    assert folded_partner(name) == "centria"


def test_an_organisation_that_is_only_a_legal_form_keeps_its_name() -> None:
    assert folded_partner("KY") == "ky"


def test_two_rows_of_one_project_lose_nothing() -> None:
    other = replace(HEAT, title=WATER.title, description="Pitempi kuvaus " * 9, url="https://x.fi")

    one = merged(WATER, other)

    assert one.description == other.description
    assert one.url == "https://x.fi"
    assert [p.name for p in one.partners] == ["Centria Oy", "Luleå tekniska universitet"]
    assert one.partners[0].budget == 5.0


def test_what_is_not_there_is_told(projects: Projects) -> None:
    with pytest.raises(NotFound) as caught:
        projects.get("nope")

    assert "nope" in caught.value.text("fi")


def test_words_and_parts_follow_and_go_with_the_project(projects: Projects) -> None:
    assert (projects.waiting(), len(projects.passage_table()[0])) == (2, 0)

    assert projects.index() == 2
    assert projects.index() == 0
    rows, columns = projects.postings("jätevesi")
    assert rows.tolist() == [1, 1]
    assert sorted(columns.tolist()) == [0, 1], "in the text and in the title"

    projects.put([replace(WATER, title="Muu", description="")])
    assert projects.postings("jätevesi")[0].size == 0
    assert projects.waiting() == 1
    assert projects.remove(["keep-7", "nope"]) == 1
    count = "SELECT count(*) FROM project_part JOIN project ON project.row = project_row"
    assert projects.index() == 0
    assert projects.catalogue.connection.execute(count).fetchone()[0] == 2, (
        "a passage and a sentence"
    )


@given(st.text(alphabet="aä .!?\nB", max_size=3000))
def test_passages_hold_every_sentence_verbatim(text: str) -> None:
    passages, sentences = passage_spans(text, "fi")

    held = "".join(text[s.start : s.end] for s in sentences)
    assert "".join(held.split()) == "".join(text.split())
    assert all(any(p.start <= s.start and s.end <= p.end for p in passages) for s in sentences)
    assert all(a.end <= b.start for a, b in pairwise(passages))


def test_the_published_form_has_lists_and_the_text(projects: Projects) -> None:
    told = project_json(projects.get("keep-7"))

    assert told["project_id"] == "keep-7"
    assert told["text"] == WATER.text
    assert isinstance(told["partners"], list)
    assert told["themes"] == ["water"]
