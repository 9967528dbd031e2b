from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evaluation.answer_model.lists import (
    CLUSTERS,
    HEADER,
    QUESTIONS,
    SECTIONS,
    EntryQuestion,
    Part,
    Passage,
    Section,
    SectionQuestion,
    entry_texts,
    gather,
    held_out,
    make_lists,
    read_questions,
    read_sections,
)
from evaluation.errors import EvaluationError
from kb.embedding.bundled import bundled_tokenizer
from kb.language import sentence_spans
from kb.model import LANGUAGES, Span
from tests.conftest import BagOfWords
from tests.evaluation.wells import lists, wells

SIZES = range(8, 161)
ASKED_AT_LENGTH = range(4, 400)
TEXT = "Kaivo porattiin keväällä. Vettä tulee 40 kuutiota tunnissa. Pumppu maksoi 9000 euroa."
TABLE = ("Hinnat vuonna 2024", "Vesi | Hinta", "Juomavesi | 2,10", "Jokivesi | 0,40")


@pytest.fixture(scope="module")
def questions() -> list[EntryQuestion]:
    return read_questions()


@pytest.fixture(scope="module")
def sections() -> list[Section]:
    return read_sections()


@pytest.fixture(scope="module")
def clusters() -> list[Section]:
    return read_sections(CLUSTERS)


# The data


def test_questions_are_in_order_and_no_line_stands_twice(questions: list[EntryQuestion]) -> None:
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "\t".join(HEADER)
    assert len(set(lines)) == len(lines) == len(questions) + 1 > 19_000
    keys = [(one.set, one.entry, one.language) for one in questions]
    assert keys == sorted(keys)


def test_questions_are_well_formed(questions: list[EntryQuestion]) -> None:
    for one in questions:
        assert one.language in LANGUAGES
        assert one.asked_in in LANGUAGES
        assert len(one.text) in SIZES, one.text
        assert one.text == " ".join(one.text.split())
        starts = [span.start for span in one.answers]
        assert starts == sorted(set(starts))
        assert all(len(span) for span in one.answers)


def test_sections_are_well_formed(sections: list[Section]) -> None:
    assert all(not one.cluster and len(one.parts) == 1 for one in sections)
    assert len({one.parts[0].title for one in sections}) == len(sections) > 400
    for section in sections:
        assert 4 <= len(section.statements) <= 14, section.parts[0].title
        assert len(set(section.statements)) == len(section.statements)
        assert section.questions
        assert len({one.text for one in section.questions}) == len(section.questions)
        assert all(len(one.text) in SIZES for one in section.questions)


def test_clusters_are_well_formed(clusters: list[Section]) -> None:
    assert len(clusters) > 300
    for one in clusters:
        name = one.parts[0].title
        assert one.cluster
        assert 3 <= len(one.parts) <= 8, name
        assert len(one.statements) > 20, name
        # All parts have statements, and they begin in order.
        firsts = [part.first for part in one.parts] + [len(one.statements)]
        assert firsts == sorted(set(firsts)), name
        assert len({question.text for question in one.questions}) == len(one.questions) > 25, name
        assert all(len(question.text) in ASKED_AT_LENGTH for question in one.questions), name
        answered = [one.part(at) for question in one.questions for at in question.answers]
        assert len(set(answered)) > len(one.parts) / 2, name


@pytest.mark.parametrize("path", [SECTIONS, CLUSTERS])
def test_what_is_invented_says_so_in_its_first_line(path: Path) -> None:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert "invented sample" in first
    assert "no persons" in first


def test_languages_unanswerable_and_crossing_questions_are_in_balance(
    questions: list[EntryQuestion], sections: list[Section], clusters: list[Section]
) -> None:
    told = [(bool(one.answers), one.asked_in, {one.language}) for one in questions] + [
        (
            bool(one.answers),
            one.asked_in,
            {section.part(at).language for at in one.answers or range(len(section.statements))},
        )
        for section in (*sections, *clusters)
        for one in section.questions
    ]
    asked_in = Counter(language for _, language, _ in told)
    assert 0.45 < asked_in["fi"] / len(told) < 0.55
    assert min(asked_in["sv"], asked_in["en"]) > 0.2 * len(told)
    assert 0.12 < np.mean([not answered for answered, _, _ in told]) < 0.25
    assert 0.5 < np.mean([asked not in of for _, asked, of in told]) < 0.7


def test_nothing_is_about_what_answers_are_measured_with(questions: list[EntryQuestion]) -> None:
    assert {one.set for one in questions} == {
        "finna_a",
        "libreoffice_help",
        "squad2_fi_train",
        "vihreat_ohjelmat",
    }


@pytest.fixture(scope="module")
def asked(
    questions: list[EntryQuestion], sections: list[Section], clusters: list[Section]
) -> set[str]:
    """All questions, of more than one word: a keyword or a heading alone may be anyone's."""
    texts = [one.text for one in questions]
    texts += [one.text for each in (*sections, *clusters) for one in each.questions]
    return {text for text in map(plain, texts) if " " in text}


def test_no_question_is_one_that_answers_are_measured_with(asked: set[str]) -> None:
    for path in (QUESTIONS.parents[1] / "questions").glob("*.jsonl"):
        assert asked.isdisjoint(asked_in(path, "question")), path


def test_no_question_is_one_of_a_test_set(test_data: Path, asked: set[str]) -> None:
    for path in (test_data / "retrieval").glob("*/*/queries.jsonl"):
        assert asked.isdisjoint(asked_in(path, "text")), path


def asked_in(path: Path, key: str) -> set[str]:
    records = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {plain(one[key]) for one in records}


@pytest.mark.parametrize("path", [SECTIONS, CLUSTERS])
def test_nothing_invented_is_told_of_the_town_that_the_documents_are_about(path: Path) -> None:
    said = path.read_text(encoding="utf-8").casefold()
    assert not re.search(r"\b(kokkola|karleby|ykspihlaja|yxpila)", said)


def plain(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def test_answers_are_sentences_of_their_entries(
    test_data: Path, questions: list[EntryQuestion]
) -> None:
    sets = test_data / "retrieval"
    spans = {
        key: set(sentence_spans(text, key[1]))
        for key, (_, text) in entry_texts(sets, questions).items()
    }
    assert [one for one in questions if not set(one.answers) <= spans[one.key]] == []


# Reading


@pytest.mark.parametrize(
    "line",
    ["a\tb\tfi\t0-4\tfi", "a\tb\tde\t0-4\tfi\tq", "a\tb\tfi\t4\tfi\tq", "a\tb\tfi\t4-0\tfi\tq"],
)
def test_a_faulty_line_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "questions.tsv"
    path.write_text("\t".join(HEADER) + f"\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2"):
        read_questions(path)


@pytest.mark.parametrize("line", ["Q\t3\tfi\tq", "Q\t1\tde\tq", "Q\tx\tfi\tq", "4. Four.", "words"])
def test_a_faulty_line_of_a_section_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "sections.txt"
    path.write_text(f"# note\n\n### en Title\n1. One.\n2. Two.\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 6"):
        read_sections(path)


def test_a_section_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sections.txt"
    path.write_text(
        "# note\n\n### en Title\n1. One.\n2. Two.\nQ\t1,2\tfi\tkysymys\nQ\t0\tsv\tfråga\n",
        encoding="utf-8",
    )
    assert read_sections(path) == [
        Section(
            cluster=False,
            parts=[Part("en", "Title")],
            statements=["One.", "Two."],
            questions=[
                SectionQuestion(answers=frozenset([0, 1]), asked_in="fi", text="kysymys"),
                SectionQuestion(answers=frozenset(), asked_in="sv", text="fråga"),
            ],
        )
    ]


def test_a_cluster_is_read_with_its_parts_and_numbered_through(tmp_path: Path) -> None:
    path = tmp_path / "clusters.txt"
    path.write_text(
        "# note\n\n=== wells\n### en Title\n1. One.\n2. Two.\n### sv Rubrik\n3. Tre.\n"
        "Q\t2,3\tfi\tkysymys\n=== more\n### fi Otsikko\n1. Yksi.\nQ\t0\tfi\ttoinen\n",
        encoding="utf-8",
    )
    wells, more = read_sections(path)
    assert wells == Section(
        cluster=True,
        parts=[Part("en", "Title"), Part("sv", "Rubrik", 2)],
        statements=["One.", "Two.", "Tre."],
        questions=[SectionQuestion(answers=frozenset([1, 2]), asked_in="fi", text="kysymys")],
    )
    assert [wells.part(at).title for at in range(3)] == ["Title", "Title", "Rubrik"]
    assert more.parts == [Part("fi", "Otsikko")]

    path.write_text("=== wells\n1. One.\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2"):
        read_sections(path)


def an_entry_question(*answers: Span, entry: str = "d1") -> EntryQuestion:
    return EntryQuestion(
        set="tiny", entry=entry, language="fi", answers=answers, asked_in="sv", text="fråga"
    )


def write_corpus(folder: Path) -> None:
    (folder / "tiny").mkdir()
    records = [
        {"_id": "d0", "text": "Muuta."},
        {"_id": "d1", "title": "Kaivo", "text": f" {TEXT} "},
    ]
    (folder / "tiny" / "corpus.fi.jsonl").write_text(
        "".join(json.dumps(record) + "\n" for record in records), encoding="utf-8"
    )


def test_passages_are_gathered_from_sets_and_sections(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    spans = sentence_spans(TEXT, "fi")
    section = Section(
        cluster=False,
        parts=[Part("en", "Title")],
        statements=["One."],
        questions=[SectionQuestion(answers=frozenset([0]), asked_in="en", text="which")],
    )
    asked = [an_entry_question(spans[1]), an_entry_question()]
    passages, found = gather(tmp_path, asked, sections=[section])

    assert [one.part(0).title for one in passages] == ["Kaivo", "Title"]
    assert passages[0].statements[1] == "Vettä tulee 40 kuutiota tunnissa."
    assert [(one.passage, one.answers) for one in found] == [
        (0, frozenset([1])),
        (0, frozenset()),
        (1, frozenset([0])),
    ]


def test_answers_are_found_where_sentences_are_parted_otherwise(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    second = sentence_spans(TEXT, "fi")[1]
    shorter = an_entry_question(Span(second.start + 6, second.end))
    assert gather(tmp_path, [shorter], sections=[])[1][0].answers == {1}
    both = an_entry_question(Span(0, second.end))
    assert gather(tmp_path, [both], sections=[])[1][0].answers == {0, 1}


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError) as caught:
        gather(tmp_path, [an_entry_question()], sections=[])
    assert "corpus.fi.jsonl" in str(caught.value)
    write_corpus(tmp_path)
    with pytest.raises(ValueError, match="d7"):
        gather(tmp_path, [an_entry_question(entry="d7")], sections=[])


# Candidates


def test_a_statement_is_read_after_header_or_statement() -> None:
    passage = Passage(parts=(Part("fi", "Vesi"),), statements=(*TABLE, "Hinnat nousevat."))
    assert [passage.before(at) for at in range(4)] == ["", TABLE[0], TABLE[1], TABLE[1]]
    assert passage.before(4) == " ".join(TABLE[1:])
    rows = Passage(parts=(Part("fi", "Vesi"),), statements=TABLE[1:])
    assert [rows.before(at) for at in range(3)] == ["", TABLE[1], TABLE[1]]


def test_nothing_of_another_part_stands_before() -> None:
    parts = Part("fi", "Hinnat"), Part("sv", "Priser", 3)
    passage = Passage(parts=parts, statements=(*TABLE[1:], "Vatten | Pris", "Älvvatten | 0,40"))
    assert [passage.before(at) for at in (2, 3, 4)] == [TABLE[1], "", "Vatten | Pris"]
    assert [passage.part(at).title for at in (2, 3, 4)] == ["Hinnat", "Priser", "Priser"]


def test_candidates_are_the_own_statements_and_the_nearest_others() -> None:
    passages, asked = wells(count=9)
    made = make_lists(passages, asked, embedder=BagOfWords(), tokenizer=bundled_tokenizer())
    content = bundled_tokenizer().content
    texts = {
        tuple(content(text)): number
        for number, passage in enumerate(passages)
        for text in passage.statements
    }
    for one, question in zip(made, asked, strict=True):
        assert one.passage == question.passage
        assert one.question == content(question.text)
        assert one.own == 3
        assert len(one.statements) == len(one.before) == len(one.right) == 3 + 12
        assert len(one.above) == len(one.statements)
        owners = [texts[tuple(statement)] for statement in one.statements]
        assert owners[:3] == [one.passage] * 3
        assert one.passage not in owners[3:]
        assert set(np.flatnonzero(one.right).tolist()) == question.answers
        assert one.answered == bool(question.answers)
        assert one.crossing == (question.asked_in == "sv")
        assert list(one.cosines[3:]) == sorted(one.cosines[3:], reverse=True)
        assert one.above[:3] == (content(passages[one.passage].part(0).title),) * 3
        assert [one.before[0], one.before[1]] == [[], one.statements[0]]


def test_few_statements_make_short_lists() -> None:
    assert [len(one.statements) for one in lists(count=2)] == [6, 6]
    assert [len(one.statements) for one in lists(count=1)] == [3]


def test_held_out_passages_are_drawn_by_seed() -> None:
    made = lists(count=9)
    kept = held_out(made, 4, seed=1)
    assert len(kept) == 4
    assert kept == held_out(made, 4, seed=1) != held_out(made, 4, seed=2)
