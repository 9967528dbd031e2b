import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.locking import writer_lock
from ingest.pipeline import TextSource, ingest, ingest_texts
from ingest.reindexing import reindex
from kb.catalogue import Catalogue
from kb.doctor import examine
from kb.errors import CatalogueBusy, KnowledgeBaseError, ReindexNeeded
from kb.knowledge_base import KnowledgeBase
from kb.model import Scope
from tests.conftest import BagOfWords

OpenAt = Callable[..., KnowledgeBase]

WATER = "# Vesi\n\nAlueella on neljä vesilaatua. Jäähdytysvesi otetaan merestä.\n"
STEAM = "# Höyry\n\nHöyryä tuottaa voimalaitos. Paine on 12 baaria.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "aineisto"
    folder.mkdir()
    (folder / "vesi.md").write_text(WATER, encoding="utf-8")
    (folder / "höyry.md").write_text(STEAM, encoding="utf-8")
    return folder


def contents(kb: KnowledgeBase) -> dict[str, object]:
    """Everything that must be equal after the same documents went in by any way."""
    rows = kb.catalogue.connection.execute
    return {
        "documents": rows("SELECT id, title, language, text FROM document ORDER BY id").fetchall(),
        "sources": rows("SELECT key, document_id, digest FROM source ORDER BY key").fetchall(),
        "passages": rows("SELECT id, digest, terms FROM passage ORDER BY id").fetchall(),
        "sentences": rows(
            "SELECT id, sentence.start, sentence.digest FROM sentence "
            "JOIN passage ON passage.row = passage_row ORDER BY 1, 2"
        ).fetchall(),
        "terms": rows(
            "SELECT id, body, context FROM term JOIN passage ON passage.row = term.rowid "
            "ORDER BY id"
        ).fetchall(),
        "outbox": rows("SELECT count(*) FROM outbox").fetchone()[0],
    }


def plain(value: dict[str, object]) -> dict[str, object]:
    return {
        name: [tuple(row) for row in rows] if isinstance(rows, list) else rows
        for name, rows in value.items()
    }


def test_a_folder_goes_in_and_is_found(tmp_path: Path, folder: Path, open_at: OpenAt) -> None:
    kb = open_at(tmp_path / "data")

    report = ingest(kb, [folder])

    assert (report.ingested, report.unchanged, report.rejected) == (2, 0, [])
    assert examine(kb) == []
    answer = kb.ask("Kuinka monta vesilaatua alueella on?")
    assert answer.claims[0].text.startswith("Alueella on neljä vesilaatua.")
    assert answer.claims[0].citations[0].locator.heading == ("Vesi",)


def test_a_second_run_embeds_nothing(tmp_path: Path, folder: Path, open_at: OpenAt) -> None:
    ingest(open_at(tmp_path / "data", embedder=BagOfWords()), [folder])
    again = BagOfWords()

    report = ingest(open_at(tmp_path / "data", embedder=again), [folder])

    assert (report.ingested, report.unchanged) == (0, 2)
    assert again.embedded == []


def test_a_touched_file_is_unchanged(tmp_path: Path, folder: Path, open_at: OpenAt) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    ingest(kb, [folder])
    os.utime(folder / "vesi.md", (1, 1))

    assert ingest(kb, [folder]).unchanged == 2


def test_a_new_version_replaces_the_old(tmp_path: Path, folder: Path, open_at: OpenAt) -> None:
    embedder = BagOfWords()
    kb = open_at(tmp_path / "data", embedder=embedder)
    ingest(kb, [folder])
    embedder.embedded.clear()
    (folder / "vesi.md").write_text(WATER + "\nHulevesi imeytetään.\n", encoding="utf-8")

    report = ingest(kb, [folder])

    assert (report.ingested, report.unchanged) == (1, 1)
    assert len(kb.documents()) == 2
    # The sentences that stayed keep their vectors.
    assert [text for text in embedder.embedded if text.count(".") == 1] == ["Hulevesi imeytetään."]
    assert examine(kb) == []


def test_a_rename_embeds_nothing_and_loses_nothing(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    embedder = BagOfWords()
    kb = open_at(tmp_path / "data", embedder=embedder)
    ingest(kb, [folder])
    before = {row.id for row in kb.documents()}
    embedder.embedded.clear()
    (folder / "vesi.md").rename(folder / "jäähdytysvesi.md")

    report = ingest(kb, [folder], prune=True)

    assert embedder.embedded == []
    assert {row.id for row in kb.documents()} == before
    assert report.removed == 0
    assert {s.name for s in kb.catalogue.sources()} == {"höyry.md", "jäähdytysvesi.md"}


def test_the_same_content_twice_is_one_document_and_the_stricter_level_holds(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords(), clearance="public")
    shutil.copy(folder / "vesi.md", folder / "kopio.md")
    (folder / "manifest.csv").write_text(
        "file,confidentiality\nvesi.md,public\nkopio.md,confidential\nhöyry.md,public\n",
        encoding="utf-8",
    )

    ingest(kb, [folder])

    assert kb.catalogue.counts()["document"] == 2
    assert [row.metadata.title for row in kb.documents()] == ["Höyry"]
    assert all(hit.document.metadata.title == "Höyry" for hit in kb.search("vesilaatua").hits)


def test_prune_removes_only_what_is_gone_from_the_same_paths(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    other = tmp_path / "muu.txt"
    other.write_text("Rautatie kulkee alueen läpi.", encoding="utf-8")
    ingest(kb, [folder, other])
    (folder / "vesi.md").unlink()
    other.unlink()

    assert ingest(kb, [folder]).removed == 0
    assert ingest(kb, [folder], prune=True).removed == 1
    assert {row.metadata.title for row in kb.documents()} == {"Höyry", "muu"}
    assert examine(kb) == []


def test_a_bad_file_costs_itself_alone(tmp_path: Path, folder: Path, open_at: OpenAt) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    (folder / "rikki.docx").write_bytes(b"PK\x03\x04 not really")
    (folder / "tyhjä.pdf").write_bytes(b"")

    report = ingest(kb, [folder])

    assert report.ingested == 2
    assert {rejection.source for rejection in report.rejected} == {"rikki.docx", "tyhjä.pdf"}
    for rejection in report.rejected:
        for language in ("fi", "sv", "en"):
            assert rejection.error.text(language)
            assert rejection.error.cure(language)
    assert {record.source.name for record in kb.catalogue.rejected()} == {
        "rikki.docx",
        "tyhjä.pdf",
    }


def test_a_mended_file_leaves_the_list_of_the_rejected(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    (folder / "muistio.txt").write_bytes(b"")
    ingest(kb, [folder])
    (folder / "muistio.txt").write_text("Satama on avoinna.", encoding="utf-8")

    report = ingest(kb, [folder])

    assert report.ingested == 1
    assert kb.catalogue.rejected() == []


def test_a_manifest_changed_is_a_document_changed(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    embedder = BagOfWords()
    kb = open_at(tmp_path / "data", embedder=embedder)
    ingest(kb, [folder])
    embedder.embedded.clear()
    (folder / "manifest.csv").write_text("file,city\nvesi.md,Kokkola\n", encoding="utf-8")

    ingest(kb, [folder])

    assert {row.metadata.city for row in kb.documents()} == {None, "Kokkola"}
    assert embedder.embedded == []
    hits = kb.search("vesi", scope=Scope(cities=frozenset({"kokkola"}))).hits
    assert [hit.document.metadata.city for hit in hits] == ["Kokkola"]


def test_a_scope_that_matches_nothing_finds_nothing(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    ingest(kb, [folder])

    assert kb.search("vesi", scope=Scope(collections=frozenset({"ei ole"}))).hits == ()
    assert kb.search("vesi", scope=Scope(confidentiality=frozenset({"confidential"}))).hits == ()


def test_another_model_meets_reindex_needed_and_reindex_mends_it(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    class Other(BagOfWords):
        fingerprint = "another"
        dimension = 32

    ingest(open_at(tmp_path / "data", embedder=BagOfWords()), [folder])
    kb = open_at(tmp_path / "data", embedder=Other())

    with pytest.raises(ReindexNeeded, match="kb reindex"):
        kb.search("vesi")
    with pytest.raises(ReindexNeeded, match="kb reindex"):
        ingest(kb, [folder])
    reindex(kb)

    assert kb.search("vesilaatua").hits
    assert examine(kb) == []


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with (
        writer_lock(tmp_path),
        pytest.raises(CatalogueBusy, match=str(tmp_path)),
        writer_lock(tmp_path, wait_seconds=0.3),
    ):
        pass
    with writer_lock(tmp_path, wait_seconds=0):
        pass


def test_a_folder_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")

    with pytest.raises(KnowledgeBaseError, match="KB_DATA_DIR"):
        Catalogue(blocker / "data")


def test_texts_in_memory_go_by_the_same_way(tmp_path: Path, open_at: OpenAt) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    texts = [TextSource("a", "Vesi on märkää."), TextSource("b", "", language="fi")]

    first, second = ingest_texts(kb, texts), ingest_texts(kb, texts)

    assert (first.ingested, len(first.rejected)) == (1, 1)
    assert second.unchanged == 1


# -- whatever happens --------------------------------------------------------------------------

names = st.sampled_from(["a.md", "b.md", "c.txt"])
texts = st.sampled_from(["Vesi virtaa.", "Höyry nousee.", "Juna kulkee. Laiva seilaa."])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), names, texts),
        st.tuples(st.just("delete"), names, st.just("")),
        st.tuples(st.just("rename"), names, names),
        st.tuples(st.just("ingest"), st.just(""), st.just("")),
    ),
    min_size=1,
    max_size=12,
)


@given(steps)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_after_any_changes_the_knowledge_base_is_the_folder(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, str, str]]
) -> None:
    from kb.assembly import open_knowledge_base
    from kb.settings import load_settings

    base = tmp_path_factory.mktemp("property")
    folder = base / "folder"
    folder.mkdir()
    kb = open_knowledge_base(load_settings(data_dir=base / "data"), embedder=BagOfWords())
    for action, name, extra in [*changes, ("ingest", "", "")]:
        path = folder / name
        if action == "write":
            path.write_text(extra, encoding="utf-8")
        elif action == "delete":
            path.unlink(missing_ok=True)
        elif action == "rename" and path.exists():
            path.rename(folder / extra)
        elif action == "ingest":
            ingest(kb, [folder], prune=True)

    here = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    sources = {
        s.name: kb.catalogue.document(s.document_id).text
        for s in kb.catalogue.sources()
        if s.document_id
    }
    assert sources == here
    assert kb.catalogue.counts()["document"] == len(
        {(n[-3:], t) for n, t in here.items()} and set(here.values())
    )
    assert examine(kb) == []
    shutil.rmtree(base)


KILLS = int(os.environ.get("KILLS", "10"))
"""Ten of a run over twenty files by default; ``KILLS=30`` for the long one, over sixty."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kills_leave_what_one_quiet_run_leaves(tmp_path: Path, open_at: OpenAt) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    choice = random.Random(7)
    things = ["vesi", "höyry", "satama", "rautatie", "tontti", "lupa", "melu", "sähkö"]
    for number in range(2 * KILLS):
        sentences = [
            f"{choice.choice(things).capitalize()} {number}.{i} on {choice.choice(things)}."
            for i in range(30)
        ]
        (folder / f"{number:02}.txt").write_text(" ".join(sentences), encoding="utf-8")
    quiet = open_at(tmp_path / "quiet")
    ingest(quiet, [folder])
    wanted = plain(contents(quiet))
    disturbed = open_at(tmp_path / "disturbed")
    disturbed.catalogue.close()
    environment = {**os.environ, "KB_DATA_DIR": str(tmp_path / "disturbed")}
    command = [sys.executable, "-m", "cli", "ingest", str(folder), "--json"]

    kills = 0
    for _ in range(KILLS):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=choice.uniform(0.4, 3.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        hurt = open_at(tmp_path / "disturbed")
        there = plain(contents(hurt))
        hurt.catalogue.close()
        # At every instant: what is there is whole, and there once.
        for name in ("documents", "sources", "passages", "sentences", "terms"):
            rows, known = there[name], wanted[name]
            assert isinstance(rows, list) and isinstance(known, list)
            assert len(rows) == len(set(rows)) and set(rows) <= set(known), name
        kept = {row[0] for row in cast("list[tuple[str]]", there["documents"])}
        for name in ("passages", "sentences", "terms"):
            # Of a document that is there, no part is missing.
            mine = [
                row
                for row in cast("list[tuple[str, ...]]", wanted[name])
                if row[0].partition(":")[0] in kept
            ]
            assert there[name] == mine, name
    last = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert last.stderr == ""
    assert kills >= KILLS // 3
    assert json.loads(last.stdout)["rejected"] == []
    reopened = open_at(tmp_path / "disturbed")
    assert plain(contents(reopened)) == wanted
    assert examine(reopened) == []


def test_a_reader_sees_what_another_process_brings(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    reader = open_at(tmp_path / "data")
    ingest(reader, [folder])
    assert "rautatie" not in str(reader.ask("Mitä rautatietä pitkin tavara kulkee?").claims)
    (folder / "juna.md").write_text(
        "# Rautatie\n\nTavara kulkee Pohjanmaan rataa pitkin.\n", encoding="utf-8"
    )

    subprocess.run(
        [sys.executable, "-m", "cli", "ingest", str(folder)],
        env={**os.environ, "KB_DATA_DIR": str(tmp_path / "data")},
        check=True,
        capture_output=True,
    )

    answer = reader.ask("Mitä rautatietä pitkin tavara kulkee?")
    assert answer.claims[0].text == "Tavara kulkee Pohjanmaan rataa pitkin."
    # And through Chroma too, which doesn't notice other processes by itself.
    assert len(reader.vectors.rows("passage")) == 3
