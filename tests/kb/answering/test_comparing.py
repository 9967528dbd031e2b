"""Figures side by side: of the same thing, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.analysis.engines import question_tokens
from kb.answering import comparing, support
from kb.answering.asking import kind_of
from kb.answering.comparing import Said, cited, cited_figures, compared, figures, newest
from kb.answering.units import Unit
from kb.citing import cite
from kb.language import sentence_spans
from kb.lexical import Word
from kb.model import (
    Block,
    BlockKind,
    Claim,
    Document,
    DocumentId,
    Hit,
    Language,
    Metadata,
    Passage,
    PassageId,
    Span,
)
from tests.kb.answers import Open, opened, take_in, write

SAVED = "Kiertopiiri säästää vuodessa 12,6 miljoonaa kuutiometriä jäähdytysvettä."
BEFORE = "Kiertopiiri säästää vuodessa 10,2 miljoonaa kuutiometriä jäähdytysvettä."
HOW_MUCH = "Paljonko jäähdytysvettä kiertopiiri säästää vuodessa?"
SAVES = "Paljonko jäähdytysvettä kiertopiiri säästää?"


def unit(
    text: str,
    *,
    date: str | None = "2024",
    city: str | None = None,
    title: str = "Raportti",
    heading: tuple[str, ...] = (),
    organisation: str | None = None,
    language: Language = "fi",
    kind: BlockKind = BlockKind.PARAGRAPH,
    place: int = 0,
) -> Unit:
    """Return the last sentence of a text as a unit; a sentence before it is quoted too."""
    document = Document(
        id=DocumentId(f"{title} {date} {text[:40]}"),
        text=text,
        blocks=(Block(start=0, end=len(text), kind=kind, heading=heading),),
        metadata=Metadata(title=title, date=date, city=city, organisation=organisation),
        language=language,
    )
    passage = Passage(
        id=PassageId("p"),
        document_id=document.id,
        start=0,
        end=len(text),
        language=language,
        heading=heading,
    )
    spans = sentence_spans(text, language)
    return Unit(
        hit=Hit(passage=passage, document=document, score=1.0),
        place=place,
        core=Span(spans[-1].start, spans[-1].end),
        span=Span(0, len(text)),
        kind=kind,
        cosine=0.5,
    )


def asked(question: str, language: Language = "fi") -> support.Asked:
    words = [
        Word(token.surface, tuple((term.text, term.weight) for term in token.terms))
        for token in question_tokens(question, language)
    ]
    kind = kind_of(question, language)
    return support.asked(kind, question, words, [word.weight for word in words])


def side_by_side(question: str, *units: Unit, language: Language = "fi") -> list[Said]:
    return compared(
        asked(question, language), question, units, np.linspace(1.0, 0.0, len(units)), first=0
    )


def told(found: list[Said]) -> list[str]:
    return [one.unit_said.hit.document.text[one.figure.start : one.figure.end] for one in found]


def test_the_newer_of_two_differing_figures_comes_first() -> None:
    found = side_by_side(HOW_MUCH, unit(BEFORE, date="2021"), unit(SAVED, date="2024-05"))
    assert told(found) == ["12,6 miljoonaa kuutiometriä", "10,2 miljoonaa kuutiometriä"]
    assert newest(found) is found[0]


def test_the_year_that_a_statement_names_goes_before_its_documents() -> None:
    older = unit("Vuonna 2019 kiertopiiri säästi noin 9 miljoonaa kuutiota jäähdytysvettä.")
    found = side_by_side(HOW_MUCH, older, unit(SAVED, date="2022"))
    assert [(one.date, one.year) for one in found] == [("2022", None), ("2019", 2019)]


@pytest.mark.parametrize(
    ("question", "one", "other", "language"),
    [
        (
            "Montako jäsentä yhdistyksessä on?",
            "Yhdistyksessä on 22 jäsentä.",
            "Yhdistyksessä oli 25 jäsentä.",
            "fi",
        ),
        (
            "Milloin terminaali avataan?",
            "Terminaali avataan kesäkuussa 2026.",
            "Terminaali avataan 1.3.2027.",
            "fi",
        ),
        (
            "Hur många medlemmar har föreningen?",
            "Föreningen har 22 medlemmar.",
            "Föreningen hade 25 medlemmar i slutet av 2025.",
            "sv",
        ),
        (
            "How much cooling water does the loop save?",
            "The loop saves 10.2 million cubic metres of cooling water.",
            "In 2025 the loop saved about 12.6 million cubic metres of cooling water.",
            "en",
        ),
    ],
)
def test_counts_dates_and_all_languages(
    question: str, one: str, other: str, language: Language
) -> None:
    found = side_by_side(
        question,
        unit(one, date="2021", language=language),
        unit(other, date="2025", language=language),
        language=language,
    )
    assert [one.unit_said.hit.document.metadata.date for one in found] == ["2025", "2021"]


WATER = "Jäähdytysveden kulutus oli 12 miljoonaa kuutiometriä."


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        # another thing, that shares a part of its name or all its other words
        (
            "Mikä on veden kulutuksen määrä?",
            unit(WATER),
            unit("Jäteveden kulutus oli 10 miljoonaa kuutiometriä."),
        ),
        (HOW_MUCH, unit(SAVED), unit("Kiertopiiri säästää 10 miljoonaa kuutiometriä jätevettä.")),
        # a part of it
        (HOW_MUCH, unit(SAVED), unit(BEFORE.replace("säästää", "säästää paperitehtaalla"))),
        # another place, said, or known of the document
        (HOW_MUCH, unit(SAVED, city="Kokkola"), unit(BEFORE, city="Pori")),
        (HOW_MUCH, unit(SAVED), unit("Porin " + BEFORE[0].lower() + BEFORE[1:])),
        (HOW_MUCH, unit(SAVED, title="Kokkolan vesi"), unit(BEFORE, title="Vaasan vesi")),
        (HOW_MUCH, unit(SAVED, organisation="Vesi Oy"), unit(BEFORE, organisation="Lämpö Oy")),
        # another section says of what
        (
            "Mikä on kulutuksen määrä?",
            unit("Kulutus oli 12 miljoonaa kuutiometriä.", heading=("Jäähdytysvesi",)),
            unit("Kulutus oli 10 miljoonaa kuutiometriä.", heading=("Prosessivesi",)),
        ),
        # another unit, another rate, a bound, a plan, a denial, another direction
        (HOW_MUCH, unit(SAVED), unit(BEFORE.replace("kuutiometriä", "euroa"))),
        (SAVES, unit(SAVED), unit(BEFORE.replace("vuodessa", "kuukaudessa"))),
        (SAVES, unit(SAVED), unit(BEFORE.replace("vuodessa ", ""))),
        (HOW_MUCH, unit(SAVED), unit(BEFORE.replace("10,2", "vähintään 10,2"))),
        (HOW_MUCH, unit(SAVED), unit("Tavoitteena on, että " + BEFORE)),
        (HOW_MUCH, unit(SAVED), unit(BEFORE.replace("säästää", "ei säästä"))),
        (
            "Paljonko kulutus on?",
            unit("Veden kulutus kasvoi 12 prosenttia."),
            unit("Veden kulutus väheni 10 prosenttia."),
        ),
        # a year that was still to come for its document
        (HOW_MUCH, unit(SAVED, date="2024"), unit("Vuonna 2030 " + BEFORE, date="2023")),
        # two figures in one statement: which is meant isn't clear
        (
            HOW_MUCH,
            unit(SAVED),
            unit("Kiertopiiri säästää vuodessa 9 000 m³ tai 10 000 m³ jäähdytysvettä."),
        ),
        # what "it" is, stands in the sentence before
        (
            "Paljonko se maksoi?",
            unit("Palvelu uusittiin. Se maksoi 5 miljoonaa euroa."),
            unit("Terminaali uusittiin. Se maksoi 7 miljoonaa euroa."),
        ),
        # another title says of what
        (
            "Mikä on jäähdytysveden kulutuksen määrä?",
            unit("Kulutus laitoksella oli 12 miljoonaa kuutiometriä.", title="Jäähdytysvesi"),
            unit("Kulutus laitoksella oli 10 miljoonaa kuutiometriä.", title="Prosessivesi"),
        ),
        # another language isn't compared, nor a word that is written alike
        (
            "Mikä on turbiinin teho?",
            unit("Turbiini 12 MW."),
            unit("Turbiini 10 MW.", language="en"),
        ),
        # the same figure again is no difference
        (HOW_MUCH, unit(SAVED), unit(SAVED, date="2020")),
        # the question names the year
        ("Paljonko jäähdytysvettä säästettiin 2021?", unit(SAVED), unit(BEFORE, date="2021")),
        # another kind of question
        ("Miksi jäähdytysvettä kierrätetään?", unit(SAVED), unit(BEFORE, date="2021")),
        # rows of tables, whose columns say what is meant
        (
            HOW_MUCH,
            unit("Kiertopiiri | 12 m3 | 14 m3", kind=BlockKind.TABLE_ROW),
            unit("Kiertopiiri | 10 m3 | 11 m3", kind=BlockKind.TABLE_ROW),
        ),
        (
            "Milloin terminaali avataan?",
            unit("Terminaali avataan 2026."),
            unit("Portti avataan 2027."),
        ),
        (
            "Milloin terminaali avataan?",
            unit("Terminaali avataan 2026."),
            unit("Terminaali suljetaan 2027."),
        ),
    ],
)
def test_what_may_be_something_else_is_not_put_beside(
    question: str, one: Unit, other: Unit
) -> None:
    assert side_by_side(question, one, other) == []
    assert side_by_side(question, other, one) == []


LOOP = "The loop saves 12 million cubic metres of cooling water."


@pytest.mark.parametrize("word", ["can", "would", "not"])
def test_words_that_only_join_may_change_everything(word: str) -> None:
    """They don't count among the telling words: bounds, doubts and denials are looked at apart."""
    question = "How much cooling water does the loop save?"
    other = LOOP.replace("12", "10").replace("saves", f"saves {word}")
    plain = LOOP.replace("12", "10")

    def beside(text: str) -> list[Said]:
        units = (unit(LOOP, language="en"), unit(text, date="2021", language="en"))
        return side_by_side(question, *units, language="en")

    assert len(beside(plain)) == 2
    assert beside(other) == []


def test_without_dates_none_is_the_newest() -> None:
    found = side_by_side(HOW_MUCH, unit(SAVED, date=None), unit(BEFORE, date=None))
    assert len(found) == 2
    assert newest(found) is None
    shown = figures(found, [cited(one) for one in found])
    assert [(one.newest, one.date) for one in shown] == [(False, None)] * 2


def test_two_of_one_day_have_no_newest() -> None:
    found = side_by_side(HOW_MUCH, unit(SAVED, date="2024"), unit(BEFORE, date="2024", title="B"))
    assert len(found) == 2
    assert newest(found) is None


def test_figures_are_shown_where_claims_cite_them() -> None:
    found = side_by_side(HOW_MUCH, unit(SAVED), unit(BEFORE, date="2021"))
    citations = [cited(one) for one in found]
    shown = figures(found, citations)

    def claim(at: int, **span: int) -> Claim:
        document = found[at].unit_said.hit.document
        whole = cite(document, Span(span.get("start", 0), span.get("end", len(document.text))))
        return Claim(text=whole.quote, citations=(whole,), confidence=0.5, language="fi")

    assert cited_figures(shown, [claim(0), claim(1)]) == shown
    assert cited_figures(shown, [claim(0)]) == ()
    # A citation of other words of the document isn't one of the figure.
    assert cited_figures(shown, [claim(0), claim(1, end=10)]) == ()


@given(
    st.lists(
        st.tuples(st.integers(1, 99), st.integers(2001, 2025)), min_size=1, max_size=7, unique=True
    )
)
def test_figures_are_verbatim_and_newest_first(said: list[tuple[int, int]]) -> None:
    units = [
        unit(BEFORE.replace("10,2", f"{number}"), date=f"{year}", title=f"Raportti {year}")
        for number, year in said
    ]
    found = side_by_side(HOW_MUCH, *units)
    assert len(found) <= comparing.MOST_FIGURES
    dates = [one.date or "" for one in found]
    assert dates == sorted(dates, reverse=True)
    if len({number for number, _ in said}) == 1:
        assert found == []
    documents = {one.unit_said.hit.document.id: one.unit_said.hit.document for one in found}
    for figure in figures(found, [cited(one) for one in found]):
        text = documents[figure.citation.document_id].text
        assert figure.text == text[figure.start : figure.end]
        assert figure.citation.quote in text
        assert figure.text in figure.citation.quote


@pytest.mark.parametrize("read", [support.READ, 1])
def test_an_answer_takes_the_newest_and_shows_both(
    read: int, open_at: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What isn't among the few that are read can be a figure of the same thing all the same.
    monkeypatch.setattr(support, "READ", read)
    kb = opened(open_at, tmp_path)
    write(
        tmp_path / "aineisto",
        vanha=f"---\ntitle: Vesiraportti\ndate: 2021\n---\n\n# Vesi\n\n{BEFORE}\n",
        uusi=f"---\ntitle: Vesiraportti\ndate: 2024\n---\n\n# Vesi\n\n{SAVED}\n",
    )
    take_in(kb, tmp_path / "aineisto")
    answer = kb.ask(HOW_MUCH)
    assert [claim.text for claim in answer.claims[:2]] == [SAVED, BEFORE]
    assert [(one.text, one.date, one.newest) for one in answer.figures] == [
        ("12,6 miljoonaa kuutiometriä", "2024", True),
        ("10,2 miljoonaa kuutiometriä", "2021", False),
    ]
    assert [one.citation for one in answer.figures] == [c.citations[0] for c in answer.claims[:2]]
    kb.catalogue.close()
