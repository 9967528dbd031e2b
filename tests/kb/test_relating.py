from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.pipeline import ingest
from ingest.registry import index_projects
from kb.agreeing import Signal
from kb.assembly import open_relator
from kb.centring import Vector, unit
from kb.comparing import Space, nearer_half
from kb.errors import BadQuestion, NotFound
from kb.knowledge_base import KnowledgeBase
from kb.model import Document, DocumentId, Language, Span
from kb.project import Partner, Project
from kb.projects import ProjectFilter, Projects
from kb.related import Quote, Reason, Related, escaped, related_csv
from kb.seeds import seed_of_document, seed_of_project, seed_of_text, seeds_of

PROJECTS = [
    Project(
        registry="t", registry_id="1", title="Jätevesien puhdistus", language="fi",
        description="Akkutehtaiden jätevedet puhdistetaan kalvoilla. Sulfaatti otetaan talteen.",
        programme="Aurora", start="2021", end="2023", themes=("water",),
        partners=(Partner(name="Centria Oy", city="Kokkola"),),
    ),
    Project(
        registry="t", registry_id="2", title="Waste water of battery plants", language="en",
        description="Waste water of battery plants is cleaned. Sulphate is recovered.",
        programme="Aurora", start="2022", end="2024", themes=("water",),
        partners=(Partner(name="Centria"), Partner(name="Other")),
    ),
    Project(
        registry="t", registry_id="3", title="Musiikkia lapsille", language="fi",
        description="Kesällä lapsille soitetaan musiikkia. Konsertit ovat maksuttomia.",
        start="2001", end="2002",
    ),
]  # fmt: skip


@pytest.fixture
def kb(tmp_path: Path, open_at: Callable[..., KnowledgeBase]) -> KnowledgeBase:
    opened = open_at(tmp_path / "data")
    Projects(opened.catalogue).put(PROJECTS)
    return opened


def reasons(result: Related) -> dict[str, Reason]:
    return {reason.kind: reason for reason in result.reasons}


def verbatim(quote: Quote | None, text: str) -> bool:
    return quote is not None and text[quote.start : quote.end] == quote.quote != ""


def test_related_with_reasons_in_another_language(kb: KnowledgeBase) -> None:
    index_projects(kb)
    relator = open_relator(kb)

    first, second = relator.related([seed_of_project(relator.projects, "t-1")])

    assert (first.project.id, second.project.id) == ("t-2", "t-3")
    assert first.score > second.score
    assert set(reasons(first)) == {"theme", "partner", "programme", "text"}
    assert verbatim(reasons(first)["text"].theirs, PROJECTS[1].text)
    assert verbatim(reasons(first)["text"].ours, PROJECTS[0].text)
    assert set(reasons(second)) == {"text"}


def test_themes_count_where_somebody_named_them_and_guessed_ones_are_told(
    kb: KnowledgeBase,
) -> None:
    index_projects(kb)
    relator = open_relator(kb)
    held = frozenset[Signal]({"theme"})

    def second(of: str) -> tuple[Related, Related]:
        seed = seed_of_project(relator.projects, of)
        found, without = relator.related([seed]), relator.related([seed], without=held)
        return found[0], without[0]

    with_named, without_named = second("t-1")
    assert with_named.score > without_named.score
    with kb.catalogue.transaction() as connection:
        connection.execute("UPDATE project_theme SET guessed = 1")
        Projects(kb.catalogue).raise_generation()
    guessed, without_guessed = second("t-1")

    assert guessed.score == without_guessed.score
    assert reasons(guessed)["theme"].names == ("water",)


def test_what_is_read_of_a_large_registry_keeps_the_best_and_those_of_a_partner(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.relating._COMPARED", 2)
    projects = Projects(kb.catalogue)
    projects.put(
        [
            Project(registry="x", title=f"Konsertti {number}", description="Soitetaan lapsille.")
            for number in range(20)
        ]
    )
    index_projects(kb)
    relator = open_relator(kb)

    found = relator.related([seed_of_project(relator.projects, "t-1")], k=2)

    assert found[0].project.id == "t-2"
    assert len(found) == 2


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20),
    st.integers(min_value=1, max_value=6),
)
def test_the_nearer_half_is_the_mean_of_the_highest(near: list[float], least: int) -> None:
    kept = max(min(least, len(near)), -(-len(near) // 2))
    highest = sorted(near, reverse=True)[:kept]
    row = np.array([near], np.float32)

    assert nearer_half(row, least=least)[0] == pytest.approx(sum(highest) / kept, abs=1e-5)
    same = nearer_half(row, least=least, weights=np.full(len(near), 7, np.float32))
    assert same[0] == pytest.approx(sum(highest) / kept, abs=1e-5)


def test_longer_parts_count_more() -> None:
    near, lengths = np.array([[0.0, 0.5, 1.0]], np.float32), np.array([9, 1, 3], np.float32)

    assert nearer_half(near, least=2, weights=lengths)[0] == pytest.approx(3.5 / 4)


def leaning(count: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return vectors that mostly say the same: one direction varies twenty times as much."""
    rows = np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)
    rows[:, 0] = rows[:, 0] * 20 + 50
    return rows


def test_directions_in_which_all_vary_count_less() -> None:
    rows = leaning(2000, 1)
    mean = rows.mean(axis=0)

    space = Space.of(rows, ["fi"] * len(rows), {"fi": mean})
    evened = space.rows(rows, "fi")

    np.testing.assert_allclose(np.linalg.norm(evened, axis=1), 1, rtol=1e-5)
    before = (unit(rows - mean) ** 2).mean(axis=0)
    after = (evened**2).mean(axis=0)
    assert before[0] > 0.75
    assert after[0] < 0.65
    assert after[1:].min() > 1.5 * before[1:].min()
    np.testing.assert_allclose(space.mixed(rows, ["fi"] * len(rows)), evened, rtol=1e-5)


def test_few_vectors_are_hardly_turned() -> None:
    rows = np.random.default_rng(2).normal(size=(3, 384)).astype(np.float32)
    mean = np.zeros(384, np.float32)

    evened = Space.of(rows, ["sv"] * 3, {"sv": mean}).rows(rows, "sv")

    assert (evened * unit(rows)).sum(axis=1).min() > 0.97


def test_each_language_is_compared_from_its_own_mean() -> None:
    rows = leaning(300, 3)
    shifted = rows + np.float32(7)
    means: dict[Language, Vector] = {"fi": rows.mean(axis=0), "en": shifted.mean(axis=0)}
    fi: Language = "fi"
    en: Language = "en"
    spoken = [fi] * 300 + [en] * 300

    space = Space.of(np.concatenate([rows, shifted]), spoken, means)

    np.testing.assert_allclose(space.rows(rows, "fi"), space.rows(shifted, "en"), atol=1e-4)


def test_sentences_that_no_project_is_near_to_hardly_count(kb: KnowledgeBase) -> None:
    asked = (
        "Akkutehtaiden jätevedet on puhdistettava. Sulfaatti on otettava talteen jätevesistä. "
        "Kalvot puhdistavat tehtaiden jätevesiä. Puhdistetut vedet johdetaan mereen. "
        "Jätevesien puhdistus maksaa tehtaille. Tehtaat puhdistavat vetensä itse. "
    )
    every = (
        "Hakemus lähetetään sähköisesti. Päätöksistä kerrotaan hakijoille keväällä. "
        "Rahoittaja mainitaan julkaisuissa. Selvitys palautetaan määräaikaan mennessä. "
        "Kustannukset todennetaan kuiteilla. Allekirjoituksen antaa nimenkirjoittaja. "
    )
    index_projects(kb)
    relator = open_relator(kb)

    def forward(text: str) -> float:
        table, seed = relator._table(), relator._embedded(seed_of_text(text))
        look = relator._look(seed, table)
        assert look.passages is not None
        return float(relator._compare(look, table.rows[:1], table).dense[0])

    assert forward(every + asked) > 0.8 * forward(asked)


def test_a_place_that_all_projects_name_tells_less_than_one_of_few(kb: KnowledgeBase) -> None:
    same = "Akkutehtaiden jätevedet puhdistetaan."
    Projects(kb.catalogue).put(
        [
            Project(registry="p", registry_id=name, title=same, country="Suomi", city=city,
                    language="fi", partners=(Partner(name=partner),))
            for name, city, partner in (
                ("asked", "Kokkola", "Yliopisto"), ("far", "Oulu", "Muu"),
                ("near", "Kokkola", "Toinen"),
                *((f"other{at}", f"Kunta {at}", "Yliopisto") for at in range(6)),
            )
        ]
    )  # fmt: skip
    index_projects(kb)
    relator = open_relator(kb)

    found = relator.related([seed_of_project(relator.projects, "p-asked")], k=20)
    scores = {str(one.project.id): one.score for one in found if one.project.title == same}

    assert max(scores, key=scores.__getitem__) == "p-near"
    # All share the country, most the partner: a town of two tells more than both.
    assert scores["p-near"] > scores["p-other1"] > scores["p-far"]


def test_signals_can_be_held_out(kb: KnowledgeBase) -> None:
    index_projects(kb)
    relator = open_relator(kb)
    seeds = [seed_of_project(relator.projects, "t-1")]

    whole = relator.related(seeds)[0]
    held = relator.related(
        seeds, without=frozenset({"theme", "partner", "place", "programme", "time"})
    )[0]

    assert set(reasons(held)) == {"text"}
    assert held.score < whole.score


def test_words_alone_find_and_quote_before_there_are_vectors(kb: KnowledgeBase) -> None:
    index_projects(kb, vectors=False)
    relator = open_relator(kb)
    text = "Selvitämme, miten jätevedet puhdistetaan. Kalvoilla se onnistuu."

    first = relator.related([seed_of_text(text)])[0]

    assert first.project.id == "t-1"
    assert first.meaning is None
    assert verbatim(reasons(first)["text"].theirs, PROJECTS[0].text)
    assert verbatim(reasons(first)["text"].ours, text)


def test_a_document_is_compared_and_quoted_where_it_stands(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    index_projects(kb)
    (tmp_path / "a.md").write_text(
        "# Vesi\n\nAkkutehtaan jätevedet puhdistetaan kalvosuodatuksella.\n", encoding="utf-8"
    )
    ingest(kb, [tmp_path / "a.md"])
    document = kb.document(kb.documents()[0].id)
    relator = open_relator(kb)

    results = relator.related(seeds_of(kb, relator.projects, documents=[document.id]), k=2)

    assert {result.project.id for result in results} == {"t-1", "t-2"}
    ours = reasons(results[0])["text"].ours
    assert verbatim(ours, document.text)
    assert ours is not None
    assert ours.to_json()["document_id"] == document.id
    locator = document.locate(Span(ours.start, ours.end))
    assert locator.heading == ("Vesi",)
    assert ours.to_json()["locator"] == locator.to_json()


def test_several_seeds_and_filters(kb: KnowledgeBase) -> None:
    index_projects(kb)
    relator = open_relator(kb)
    seeds = seeds_of(kb, relator.projects, texts=["musiikkia lapsille"], projects=["t-1"])

    found = relator.related(seeds)
    old = relator.related(seeds, wanted=ProjectFilter(years=(2001, 2001)))

    assert {result.project.id for result in found} == {"t-2", "t-3"}
    assert [result.project.id for result in old] == ["t-3"]


def test_nothing_to_compare(kb: KnowledgeBase) -> None:
    relator = open_relator(kb)

    with pytest.raises(BadQuestion):
        relator.related([])
    with pytest.raises(BadQuestion):
        seed_of_text("  \n")
    with pytest.raises(NotFound):
        seed_of_project(relator.projects, "nope")


def test_an_empty_registry_has_nothing_related(
    tmp_path: Path, open_at: Callable[..., KnowledgeBase]
) -> None:
    relator = open_relator(open_at(tmp_path / "empty"))

    assert relator.related([seed_of_text("Jotain tekstiä jätevesistä.")]) == []


def test_a_changed_project_is_quoted_from_its_new_text(kb: KnowledgeBase) -> None:
    index_projects(kb)
    relator = open_relator(kb)
    seeds = [seed_of_text("Akkutehtaiden jätevedet puhdistetaan.")]
    relator.related(seeds)
    changed = Project(
        registry="t", registry_id="1", title="Toinen nimi", language="fi",
        description="Uusi teksti: jätevesien puhdistus jatkuu.",
    )  # fmt: skip
    Projects(kb.catalogue).put([changed])

    waiting = relator.related(seeds)
    index_projects(kb)
    done = relator.related(seeds)

    for results in (waiting, done):
        for result in results:
            text = PROJECTS[int(result.project.id[-1]) - 1].text
            if result.project.id == "t-1":
                text = changed.text
            assert verbatim(reasons(result)["text"].theirs, text)
    assert "t-1" in {result.project.id for result in done}


@pytest.mark.parametrize("cell", ["=1+1", "+358", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_cells_that_would_run_are_escaped(cell: str) -> None:
    assert escaped(cell) == f"'{cell}"


def test_other_cells_stay() -> None:
    assert [escaped(cell) for cell in ("Vesi = hyvä", "", None, 0.5)] == [
        "Vesi = hyvä", "", "", 0.5
    ]  # fmt: skip


def test_the_table_has_reasons_and_both_sentences() -> None:
    quote = Quote(0, 4, "=Oma")
    related = Related(
        Project(registry="t", title="+Nimi"), 0.5, None, 0.1,
        (Reason("theme", ("water",)), Reason("text", theirs=quote, ours=quote)),
    )  # fmt: skip

    header, row = related_csv([related], "fi").splitlines()

    assert header.startswith("project_id;title;score")
    assert ";'+Nimi;0.5;" in row
    assert "Vesi" in row
    assert row.endswith("'=Oma;'=Oma")


def test_spans_of_a_long_document_come_from_all_of_it(kb: KnowledgeBase) -> None:
    index_projects(kb)
    relator = open_relator(kb)
    text = "\n\n".join(f"Kappale numero {n} kertoo vedestä." for n in range(100))
    spans = [Span(m, m + 20) for m in range(0, len(text) - 20, 40)]
    seed = seed_of_document(
        relator.projects, Document(id=DocumentId("x"), text=text, blocks=()), spans
    )

    assert len(seed.passages) <= 12
    assert seed.passages[-1].start > 0.8 * len(text)
    assert np.all([0 <= s.start < s.end <= len(text) for s in seed.sentences])


def test_words_of_a_title_count_as_much_as_those_of_the_text(
    tmp_path: Path, open_at: Callable[..., KnowledgeBase]
) -> None:
    named, telling = "Jätevesien suodatus kalvoilla", "Musiikkia lapsille kesällä"
    kb = open_at(tmp_path / "titles")
    Projects(kb.catalogue).put(
        [
            Project(
                registry="t", registry_id=name, title=title, language="fi", description=f"{text}."
            )
            for name, title, text in (("title", named, telling), ("text", telling, named))
        ]
    )
    index_projects(kb, vectors=False)
    found = open_relator(kb).related([seed_of_text("Jätevesien suodatus kalvoilla onnistuu.")])

    scores = {one.project.registry_id: one.score for one in found}
    assert scores["title"] == pytest.approx(scores["text"])
