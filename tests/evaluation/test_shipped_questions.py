"""The questions that ship: gold that is there, nothing copied, all different, halves in balance."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from evaluation.check_questions import REQUIRED, CorpusText, check_questions
from evaluation.questions import KINDS, GoldQuestion, load_questions
from ingest.readers.dispatch import read
from ingest.readers.ocr import ocr_available
from kb.language import language_of
from kb.themes import themes
from tests.conftest import need

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / "corpus" / "documents"
QUESTIONS = ROOT / "evaluation" / "questions"
SCANNED = "skannattu-muistio-johtokaytava.pdf"


@cache
def half(name: str) -> tuple[GoldQuestion, ...]:
    return tuple(load_questions(QUESTIONS / f"{name}.jsonl"))


def both() -> list[GoldQuestion]:
    return [*half("dev"), *half("test")]


@cache
def manifest() -> dict[str, str]:
    """Return how confidential each document is, by file name."""
    with (DOCUMENTS / "manifest.toml").open("rb") as file:
        entries = tomllib.load(file)["document"]
    return {entry["file"]: entry["confidentiality"] for entry in entries}


@cache
def text(name: str) -> CorpusText:
    content = read(DOCUMENTS / name).text
    return CorpusText(name, content, language_of(content, "fi"))


def cited(question: GoldQuestion) -> set[str]:
    return {gold.document for gold in question.gold}


def test_they_are_fit_to_measure_with() -> None:
    corpus = [text(name) for name in manifest() if name != SCANNED]
    asked = [question for question in both() if SCANNED not in cited(question)]
    result = check_questions(asked, corpus, balance=REQUIRED)
    assert [f"{one.id}: {one.text()}" for one in result.problems] == []


def test_the_scanned_page_holds_its_quotes() -> None:
    need("fin" in ocr_available(), "tesseract with Finnish")
    asked = [question for question in both() if SCANNED in cited(question)]
    assert asked
    result = check_questions(asked, [text(SCANNED)], balance=None)
    assert [f"{one.id}: {one.text()}" for one in result.problems] == []


def test_what_is_fitted_on_is_verbatim_and_no_answer_of_the_other_halves() -> None:
    tune = [question for question in half("tune") if SCANNED not in cited(question)]
    corpus = [text(name) for name in manifest() if name != SCANNED]
    assert len(tune) > 150
    # Short questions in spoken language: which language they're in is said, not guessed.
    wrong = {"document", "quote", "copied"}
    found = check_questions(tune, corpus, balance=None).problems
    assert [f"{one.id}: {one.text()}" for one in found if one.code in wrong] == []
    held = {(gold.document, quote) for one in both() for gold in one.gold for quote in gold.quotes}
    for question in half("tune"):
        for gold in question.gold:
            for quote in gold.quotes:
                assert not any(
                    document == gold.document and (quote in other or other in quote)
                    for document, other in held
                ), question.id


def test_no_answer_stands_in_what_is_confidential() -> None:
    for question in both():
        for document in cited(question):
            assert manifest()[document] != "confidential", question.id


def test_gold_is_short_and_said_once() -> None:
    for question in both():
        quotes = [(gold.document, quote) for gold in question.gold for quote in gold.quotes]
        assert len(set(quotes)) == len(quotes), question.id
        for _, quote in quotes:
            assert 8 <= len(quote) <= 250, (question.id, quote)


def test_halves_share_nothing() -> None:
    assert {one.id for one in half("dev")}.isdisjoint(one.id for one in half("test"))
    dev, test = (
        {(gold.document, quote) for one in half(name) for gold in one.gold for quote in gold.quotes}
        for name in ("dev", "test")
    )
    assert dev.isdisjoint(test)


def counted(questions: Iterable[GoldQuestion]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in questions:
        counts[f"{one.language} {one.answerable} {one.cross}"] += 1
        counts[one.kind] += 1
        counts.update(one.themes)
    return counts


def test_halves_are_in_balance() -> None:
    dev, test = counted(half("dev")), counted(half("test"))
    for name in {*dev, *test}:
        assert abs(dev[name] - test[name]) <= 3, (name, dev[name], test[name])
    for counts in (dev, test):
        assert min(counts[kind] for kind in KINDS) >= 5
        assert min(counts[theme.id] for theme in themes()) >= 5
