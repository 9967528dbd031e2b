from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation import suite
from evaluation.beir import Entry, load, read_run
from evaluation.benchmarks import asking, ingest, scale, search
from evaluation.errors import EvaluationError
from evaluation.product import knowledge_base_over, searcher
from ingest.pipeline import ingest as put_in
from kb.assembly import open_knowledge_base
from kb.model import Language
from kb.settings import Settings, load_settings
from tests.evaluation.beir_sets import CORPUS, write_set


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the tiny set, and room for the data of this module's tests."""
    root = tmp_path_factory.mktemp("suite")
    write_set(root)
    return root


def settings_of(workspace: Path) -> Settings:
    return load_settings(data_dir=workspace / "data")


def test_a_set_goes_through_the_product(workspace: Path) -> None:
    folder = workspace / "tiny" / "fi-fi"
    run_file = workspace / "runs" / "tiny.tsv"
    result = suite.beir(
        folder, settings=settings_of(workspace), cache=workspace / "cache", run_file=run_file
    )
    assert result.mean("MRR@10") > 0.9
    assert result.entries == 5
    assert read_run(run_file)["q2"][0].id == "d2"
    (kept,) = (workspace / "cache").iterdir()
    written = (kept / "complete.txt").stat().st_mtime_ns
    again = suite.beir(folder, settings=settings_of(workspace), cache=workspace / "cache", limit=2)
    assert len(again.queries) == 2
    assert again.to_json()["sampled"] is True
    # Nothing was taken in a second time.
    assert (kept / "complete.txt").stat().st_mtime_ns == written


def test_long_entries_count_once_and_twins_both(workspace: Path) -> None:
    long = " ".join(text for _, _, text in CORPUS) + "\n\n"
    entries = [
        Entry("long", "", long * 12),
        Entry("twin-a", "", "Putkisilta on huollettu syksyllä."),
        Entry("twin-b", "", "Putkisilta on huollettu syksyllä."),
        Entry("empty", "", " "),
    ]
    with knowledge_base_over(
        "long",
        lambda: entries,
        language="fi",
        settings=settings_of(workspace),
        cache=workspace / "cache2",
    ) as (kb, taken):
        assert taken == 3
        assert kb.catalogue.counts()["passage"] > 2
        found = [one.id for one in searcher(kb)("Milloin putkisilta huollettiin?")]
    assert sorted(found) == ["long", "twin-a", "twin-b"]
    assert set(found[:2]) == {"twin-a", "twin-b"}


def test_data_of_another_splitter_are_split_anew(workspace: Path) -> None:
    def opened(name: str) -> tuple[int, int]:
        with knowledge_base_over(
            name,
            load(workspace / "tiny" / "fi-fi").entries,
            language="fi",
            settings=settings_of(workspace),
            cache=workspace / "cache4",
        ) as (kb, taken):
            stored = kb.catalogue.get_meta("index:passages")
            kb.catalogue.set_meta("index:passages", b"an-older-splitter")
            assert stored is not None
            assert stored != b"an-older-splitter"
            return taken, len(searcher(kb)("vesi"))

    assert opened("a") == opened("a") == (5, 5)


def test_two_configurations_are_compared(workspace: Path) -> None:
    (workspace / "with.toml").write_text("sentences = true\n", encoding="utf-8")
    (workspace / "bad.toml").write_text("sentences = \n", encoding="utf-8")
    folder = workspace / "tiny" / "fi-fi"
    settings = settings_of(workspace)
    with pytest.raises(EvaluationError, match=r"bad\.toml"):
        suite.compare(
            workspace / "bad.toml", workspace / "with.toml", folder=folder, settings=settings
        )
    result = suite.compare(
        workspace / "with.toml",
        workspace / "with.toml",
        folder=folder,
        settings=settings,
        cache=workspace / "cache",
    )
    assert result.first == "with"
    assert result.differences[0].ties == 3


def test_abstention_asks_with_answers_left_out(workspace: Path) -> None:
    result = suite.abstain(
        workspace / "tiny" / "fi-fi",
        settings=settings_of(workspace),
        cache=workspace / "cache3",
        share=1 / 3,
    )
    assert (result.questions, result.unanswerable) == (3, 1)
    assert result.auroc is not None


def test_benchmarks_run_at_a_small_size(workspace: Path) -> None:
    beir = load(workspace / "tiny" / "fi-fi")
    texts: list[tuple[str, Language]] = [(entry.text, "fi") for entry in beir.entries()]
    questions = [query.text for query in beir.queries]
    settings = settings_of(workspace)
    found = search.run(settings=settings, texts=texts, questions=questions, passages=30)
    assert [row[0] for row in found.rows] == ["–", "language", "10 documents", "ask"]
    assert all(isinstance(row[1], int) and row[1] >= 30 for row in found.rows)
    grown = scale.run(
        settings=settings, texts=texts, questions=questions, sizes=(10, 20), with_sentences=12
    )
    assert [bool(row[1]) for row in grown.rows] == [False, False, True]
    sizes = [row[0] for row in grown.rows]
    assert all(isinstance(size, int) and size >= 10 for size in sizes)
    put = ingest.run(settings=settings, entries=list(beir.entries()), language="fi", plain=True)
    systems = [
        "embedder, passages",
        "kb, passages",
        "kb, passages and themes",
        "embedder, sentences",
        "kb, sentences",
    ]
    assert [row[0] for row in put.rows][:5] == systems
    over_http = asking.run(settings=settings, texts=texts, questions=questions, passages=30)
    assert [row[0] for row in over_http.rows] == ["first", "again"]
    assert all(isinstance(row[8], float) and row[8] > 50 for row in over_http.rows)
    for result in (found, grown, put, over_http):
        json.dumps(result.to_json())
        for language in ("fi", "sv", "en"):
            assert result.table(language)


@pytest.fixture(scope="module")
def own_base(workspace: Path) -> Settings:
    """Return settings of a knowledge base with two documents, and a file of questions beside."""
    documents = workspace / "documents"
    documents.mkdir()
    (documents / "vesi.txt").write_text(
        "Suurteollisuusalueella on neljä vesilaatua. Jäähdytysvesi otetaan merestä.\n\n"
        "Jätevesi käsitellään yhteisessä puhdistamossa.",
        encoding="utf-8",
    )
    (documents / "turva.md").write_text(
        "# Turvallisuus\n\nTehdaspalokunta palvelee yrityksiä **sopimuksella** vuodesta 2016.\n",
        encoding="utf-8",
    )
    settings = load_settings(data_dir=workspace / "own")
    kb = open_knowledge_base(settings)
    assert put_in(kb, [documents]).ingested == 2
    kb.catalogue.close()
    asked: list[dict[str, object]] = [
        {
            "id": "a",
            "question": "Montako vesilaatua alueella on?",
            "kind": "how much",
            "themes": ["water"],
            "answerable": True,
            "gold": [{"document": "vesi.txt", "quotes": ["neljä vesilaatua"]}],
        },
        {
            "id": "b",
            "question": "Paljonko tehdaspalokunnan kalusto maksoi?",
            "kind": "how much",
            "themes": ["safety"],
            "answerable": False,
            "gold": [],
        },
    ]
    (workspace / "dev.jsonl").write_text(
        "".join(json.dumps({"language": "fi", "cross": False, **one}) + "\n" for one in asked),
        encoding="utf-8",
    )
    return settings


def test_own_questions_and_citations_end_to_end(workspace: Path, own_base: Settings) -> None:
    file = workspace / "dev.jsonl"
    result = suite.questions(settings=own_base, file=file)
    first, second = result.outcomes
    assert first.retrieval is not None
    assert first.retrieval.rr == 1
    assert first.answered
    assert first.fact
    assert second.retrieval is None
    assert first.support is not None
    checked = suite.citations(settings=own_base, file=file, sample=10)
    assert checked.share == 1
    assert checked.counts()["right"] > 5
    verdict = suite.check_questions(files=[file], documents=workspace / "documents", whole=False)
    # Of the three words of "b", the material only has the fire brigade.
    assert [(one.id, one.code) for one in verdict.problems] == [("b", "off_topic")]


def test_the_report_holds_every_part(
    workspace: Path, own_base: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "QUESTIONS", workspace)
    (workspace / "readings").mkdir()
    (workspace / "readings" / "a.txt").write_text("Yksi kaksi kolme.", encoding="utf-8")
    (workspace / "readings" / "a.txt.gold.md").write_text("Yksi kaksi kolme.", encoding="utf-8")
    sections = suite.report(
        workspace / "report.html",
        settings=own_base,
        readings=workspace / "readings",
        language="sv",
    )
    assert len(sections) == 4
    page = (workspace / "report.html").read_text(encoding="utf-8")
    assert all(f"{section.title}</h2>" in page for section in sections)
    figures = json.loads((workspace / "report.json").read_text(encoding="utf-8"))
    assert len(figures["sections"]) == 4


def test_unknown_benchmarks_and_empty_bases_are_named(workspace: Path) -> None:
    settings = load_settings(data_dir=workspace / "nothing")
    with pytest.raises(EvaluationError, match="search"):
        suite.bench("speed", settings=settings)
    with pytest.raises(EvaluationError, match="kb ingest"):
        suite.citations(settings=settings)
