"""Questions for practices, and their groups."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.answering.grouping import asks_for_practices, asks_where, grouped, headed_as_practice
from kb.citing import cite
from kb.knowledge_base import KnowledgeBase
from kb.model import Claim, Document, DocumentId, Hit, Metadata, Passage, PassageId, Span
from tests.kb.answers import Open, opened, take_in, write


@pytest.mark.parametrize(
    ("question", "language", "asks"),
    [
        ("Mitä hyviä käytäntöjä teollisuusalueilla on?", "fi", True),
        ("Anna esimerkkejä lupien sujuvoittamisesta", "fi", True),
        ("Mitkä ovat parhaat toimintatavat?", "fi", True),
        ("Miten koordinaattori käytännössä toimii?", "fi", False),
        ("Mitä käytäntö maksaa?", "fi", False),
        ("Vilka goda exempel finns på säkerhet?", "sv", True),
        ("Vad kostar praxisen?", "sv", False),
        ("Which practices help companies share energy?", "en", True),
        ("What is a good example?", "en", False),
        ("Does the practice work?", "en", False),
    ],
)
def test_several_practices_are_asked_for(question: str, language: str, asks: bool) -> None:
    assert asks_for_practices(question, language) is asks  # type: ignore[arg-type]  # parametrised
    if asks:
        assert asks_for_practices(question, None)


def test_where_is_asked() -> None:
    assert asks_where("Mitä käytäntöjä on missä kaupungissa?", "fi")
    assert not asks_where("Mitä käytäntöjä on energiassa?", "fi")


@pytest.mark.parametrize(
    ("path", "practice"),
    [
        (("Raportti", "Hyvä käytäntö: putkisilta"), True),
        (("Raportti", "3.4 Hyvän käytännön tiivistelmä", "Kuka"), True),
        (("Raportti", "7 Kolme käytäntöä lähikuvassa", "7.1 Yhteisosto"), True),
        (("Raportti", "7 Kolme käytäntöä lähikuvassa"), False),
        (("God praxis i kort form",), True),
        (("Digital", "3.3 Good practice: a twin"), True),
        (("The practice in one page",), True),
        (("Raportti", "Miten käytäntö kirjataan"), False),
        (("Raportti", "7 Koordinaattorin työ käytännössä"), False),
        ((), False),
    ],
)
def test_sections_of_practices_say_so(path: tuple[str, ...], practice: bool) -> None:
    assert headed_as_practice(path) is practice


def made(count: int, cities: list[str]) -> tuple[list[Claim], list[Hit]]:
    claims, hits = [], []
    for number in range(count):
        text = f"Käytäntö numero {number} toimii hyvin."
        document = Document(
            id=DocumentId(f"d{number}"),
            text=text,
            blocks=(),
            metadata=Metadata(city=cities[number] or None),
        )
        citation = cite(document, Span(0, len(text)))
        claims.append(Claim(text=text, citations=(citation,), confidence=0.5, language="fi"))
        passage = Passage(
            id=PassageId(f"p{number}"),
            document_id=document.id,
            start=0,
            end=len(text),
            language="fi",
        )
        hits.append(Hit(passage=passage, document=document, score=1.0))
    return claims, hits


def test_by_theme_then_by_place_and_not_at_all_where_that_tells_nothing() -> None:
    claims, hits = made(3, ["Pori", "Kokkola", "Pori"])

    by_theme = grouped(claims, hits, [("water",), ("energy",), ("water", "land")])
    assert [(one.kind, one.value, one.claims) for one in by_theme.groups] == [
        ("theme", "water", (0, 1)),
        ("theme", "energy", (2,)),
    ]
    assert by_theme.claims == (claims[0], claims[2], claims[1])

    # All are about water: what else they are about tells more, and where nothing else, the place.
    alike = grouped(claims, hits, [("water",)] * 3)
    assert [(one.kind, one.value) for one in alike.groups] == [
        ("place", "Pori"),
        ("place", "Kokkola"),
    ]

    named = grouped(claims, hits, [("water",), ("energy",), ("land",)], by_place=True)
    assert {one.kind for one in named.groups} == {"place"}

    one_place, same = made(2, ["Pori", "Pori"])
    assert grouped(one_place, same, [(), ()]).groups == ()


def test_what_has_no_theme_comes_last() -> None:
    claims, hits = made(3, ["", "", ""])
    found = grouped(claims, hits, [(), ("energy",), ("water",)])
    assert [(one.kind, one.value) for one in found.groups] == [
        ("theme", "energy"),
        ("theme", "water"),
        ("other", ""),
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "Pori", "Kokkola"]),
            st.lists(st.sampled_from(["water", "energy", "land"]), max_size=2, unique=True),
        ),
        min_size=1,
        max_size=8,
    ),
    st.booleans(),
)
def test_every_claim_is_in_one_group(rows: list[tuple[str, list[str]]], by_place: bool) -> None:
    claims, hits = made(len(rows), [city for city, _ in rows])
    found = grouped(claims, hits, [themes for _, themes in rows], by_place=by_place)
    assert sorted(map(id, found.claims)) == sorted(map(id, claims))
    if found.groups:
        assert [at for group in found.groups for at in group.claims] == list(range(len(rows)))
        assert len(found.groups) >= 2
    else:
        assert list(found.claims) == claims


FIRE = "Yksi palokunta palvelee koko aluetta sopimuksella."
STEAM = "Laitokset myyvät ylijäämähöyryn naapureilleen yhteisen putken kautta."
ASKED = "Mitä hyviä käytäntöjä teollisuusalueilla on?"


def card(name: str, said: str, *, city: str) -> str:
    return (
        f"---\ntitle: Kortti\ncity: {city}\n---\n\n# Alue\n\n## Hyvä käytäntö: {name}\n\n"
        f"Paikka. Teollisuusalueen reunalla rannikolla.\n\nMitä. {said} Siitä on kokemusta.\n"
    )


def with_cards(open_at: Open, tmp_path: Path) -> KnowledgeBase:
    kb = opened(open_at, tmp_path)
    write(
        tmp_path / "aineisto",
        palo=card("palokunta", FIRE, city="Kokkola"),
        hoyry=card("höyry", STEAM, city="Pori"),
        sama=card("palokunta uudestaan", FIRE, city="Vaasa"),
    )
    take_in(kb, tmp_path / "aineisto")
    return kb


def test_each_practice_is_told_by_what_it_is_and_once(open_at: Open, tmp_path: Path) -> None:
    kb = with_cards(open_at, tmp_path)
    answer = kb.ask(ASKED)
    assert sorted(claim.text for claim in answer.claims) == [STEAM, FIRE]
    assert all(claim.citations[0].quote == claim.text for claim in answer.claims)
    # One about something else isn't told of a topic, nor of none of them.
    assert [claim.text for claim in kb.ask("Mitä hyviä käytäntöjä on höyryssä?").claims] == [STEAM]
    told = kb.ask("Mitä hyviä käytäntöjä on koripallossa?")
    assert {claim.text for claim in told.claims} & {STEAM, FIRE} == set()


def test_practices_that_may_not_be_seen_are_not_told(open_at: Open, tmp_path: Path) -> None:
    kb = with_cards(open_at, tmp_path)
    with kb.catalogue.transaction() as connection:
        connection.execute(
            "UPDATE document SET confidentiality = 'confidential' WHERE city = 'Pori'"
        )
    answer = kb.ask(ASKED)
    assert [claim.text for claim in answer.claims] == [FIRE]
    assert answer.groups == ()
