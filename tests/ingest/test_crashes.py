"""What an ingestion leaves when something around it breaks, and that one more run mends it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import ingest.pipeline as ingest_pipeline
import kb.retrieval
from ingest.indexing import prepare
from ingest.passages import split
from ingest.pipeline import ingest
from ingest.reindexing import repair
from ingest.sandbox import ReaderPool
from kb.catalogue import ITEM_KINDS, ItemKind
from kb.doctor import examine
from kb.errors import StorageError
from kb.knowledge_base import KnowledgeBase
from kb.model import DocumentId
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


# -- the vector index is lost or damaged --------------------------------------------------------


def chroma_of(kb: KnowledgeBase) -> Path:
    found = [path.parent for path in kb.settings.data_dir.rglob("chroma.sqlite3")]
    assert len(found) == 1
    return found[0]


def deleted(folder: Path) -> None:
    shutil.rmtree(folder)


def truncated(folder: Path) -> None:
    file = folder / "chroma.sqlite3"
    file.write_bytes(file.read_bytes()[:5000])


def overwritten(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            file.write_bytes(b"\xff" * 4096)


def replaced_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("ei kansio")


DAMAGES = [deleted, truncated, overwritten, replaced_by_a_file]


@pytest.mark.parametrize("damage", DAMAGES)
def test_without_its_vector_index_it_answers_tells_and_mends(
    tmp_path: Path,
    folder: Path,
    open_at: OpenAt,
    damage: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Small collections are compared exactly; here the index must be asked.
    monkeypatch.setattr(kb.retrieval, "_EXACT_LIMIT", 0)
    whole = open_at(tmp_path / "data", embedder=BagOfWords())
    ingest(whole, [folder])
    query = np.asarray(BagOfWords().embed_queries(["Paine on 12 baaria."])[0])
    nearest = whole.vectors.nearest("sentence", query, k=3).tolist()
    expected = whole.search("Mikä on paine?").hits
    whole.catalogue.close()
    damage(chroma_of(whole))

    hurt = open_at(tmp_path / "data", embedder=BagOfWords())

    assert hurt.vectors.nearest("sentence", query, k=3).tolist() == nearest
    assert [hit.passage for hit in hurt.search("Mikä on paine?").hits] == [
        hit.passage for hit in expected
    ]
    found = {finding.key for finding in examine(hurt)}
    assert {"doctor.passage_vectors_missing", "doctor.sentence_vectors_missing"} <= found
    repair(hurt)
    assert examine(hurt) == []
    assert len(hurt.vectors.rows("passage")) == 2


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_next_ingestion_makes_a_lost_vector_index_anew(
    tmp_path: Path, folder: Path, open_at: OpenAt, damage: Callable[[Path], None]
) -> None:
    whole = open_at(tmp_path / "data", embedder=BagOfWords())
    ingest(whole, [folder])
    whole.catalogue.close()
    damage(chroma_of(whole))
    (folder / "juna.txt").write_text("Juna kulkee.", encoding="utf-8")
    embedder = BagOfWords()

    report = ingest(hurt := open_at(tmp_path / "data", embedder=embedder), [folder])

    assert (report.ingested, report.unchanged) == (1, 2)
    assert set(embedder.embedded) == {"Juna kulkee."}
    assert examine(hurt) == []


def put_again(kb: KnowledgeBase) -> None:
    """Commit the first document under another id, as the main thread does while files come in."""
    document = kb.document(kb.documents()[0].id)
    twin = replace(document, id=DocumentId("twin"), digest="twin")
    passages = split(twin.text, twin.blocks, document_id=twin.id, language=twin.language)
    record = replace(kb.catalogue.sources()[0], key="twin", digest="twin")
    with kb.catalogue.transaction():
        kb.catalogue.put_document(
            twin, [prepare(twin, passage) for passage in passages], words=[], source=record
        )
        for kind in ITEM_KINDS:
            kb.embeddings.post_known(kind, kb.catalogue.passage_rows(twin.id))


def test_documents_that_come_in_while_an_index_is_counted_do_not_condemn_it(
    tmp_path: Path, folder: Path, open_at: OpenAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    ingest(kb, [folder])
    item_count = kb.embeddings.item_count
    counted: list[ItemKind] = []

    def meanwhile(kind: ItemKind) -> int:
        if not counted:
            with ThreadPoolExecutor(1) as other:
                other.submit(put_again, kb).result()
        counted.append(kind)
        return item_count(kind)

    monkeypatch.setattr(kb.embeddings, "item_count", meanwhile)

    assert kb.vectors.complete()
    assert kb.embeddings.posted() == {"passage": 1, "sentence": 2}


def test_a_writer_does_not_reopen_the_index_for_what_it_wrote_itself(
    tmp_path: Path, folder: Path, open_at: OpenAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    ingest(kb, [folder])
    opened: list[int] = []
    open_index = kb.vectors._open

    def noted() -> None:
        opened.append(1)
        open_index()

    monkeypatch.setattr(kb.vectors, "_open", noted)
    (folder / "juna.txt").write_text("Juna kulkee.", encoding="utf-8")

    ingest(kb, [folder])
    assert opened == []
    ingest(open_at(tmp_path / "data", embedder=BagOfWords()), [folder / "juna.txt"])
    assert len(kb.vectors.rows("passage")) == 3
    assert opened == []

    (folder / "laiva.txt").write_text("Laiva kulkee.", encoding="utf-8")
    ingest(open_at(tmp_path / "data", embedder=BagOfWords()), [folder])
    assert len(kb.vectors.rows("passage")) == 4
    assert opened == [1]


def test_an_index_lost_while_it_is_open_is_made_anew(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    ingest(kb, [folder])
    shutil.rmtree(chroma_of(kb))
    (folder / "juna.txt").write_text("Juna kulkee.", encoding="utf-8")

    ingest(kb, [folder])

    assert examine(kb) == []
    assert len(kb.vectors.rows("passage")) == 3


def test_a_damaged_catalogue_is_told_in_words(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    ingest(kb, [folder])
    kb.catalogue.close()
    data = bytearray(kb.catalogue.path.read_bytes())
    data[:100] = b"x" * 100
    kb.catalogue.path.write_bytes(bytes(data))

    with pytest.raises(StorageError, match="database"):
        open_at(tmp_path / "data", embedder=BagOfWords())


# -- the disk is full, or can't be written ------------------------------------------------------

_LIMITED = """
import resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
from pathlib import Path
from ingest.indexing import prepare
from ingest.passages import split
from ingest.pipeline import ingest
from kb.assembly import open_knowledge_base
from kb.errors import StorageError
from kb.settings import load_settings
from tests.conftest import BagOfWords
try:
    kb = open_knowledge_base(load_settings(data_dir=Path(sys.argv[2])), embedder=BagOfWords())
    ingest(kb, [Path(sys.argv[3])])
except StorageError as error:
    print(error.text("fi"))
    sys.exit(1)
"""


def whole(kb: KnowledgeBase) -> tuple[dict[str, str | None], dict[str, int]]:
    return {s.name: s.document_id for s in kb.catalogue.sources()}, kb.catalogue.counts()


def test_a_disk_that_fills_at_any_moment_loses_nothing(tmp_path: Path, open_at: OpenAt) -> None:
    folder = tmp_path / "aineisto"
    folder.mkdir()
    for number in range(12):
        text = " ".join(f"Vesi {number}.{i} virtaa jokeen {i * number}." for i in range(150))
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    quiet = open_at(tmp_path / "quiet", embedder=BagOfWords())
    ingest(quiet, [folder])
    ends = []
    for limit in (3_000, 150_000, 300_000, 500_000):
        ended = subprocess.run(
            [sys.executable, "-c", _LIMITED, str(limit), str(tmp_path / "full"), str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode in (0, 1), ended.stderr
        assert (ended.returncode == 1) == bool(ended.stdout.strip())
        ends.append(ended.returncode)
    assert ends.count(1) >= 3, ends

    report = ingest(kb := open_at(tmp_path / "full", embedder=BagOfWords()), [folder])

    assert report.rejected == []
    assert whole(kb) == whole(quiet)
    assert examine(kb) == []


def test_a_copy_that_can_not_be_written_stops_the_run_with_a_cure(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    kb = open_at(tmp_path / "data", embedder=BagOfWords())
    (tmp_path / "data" / "originals").write_text("ei kansio")

    with pytest.raises(StorageError, match="KB_DATA_DIR"):
        ingest(kb, [folder])

    (tmp_path / "data" / "originals").unlink()
    assert ingest(kb, [folder]).ingested == 2
    assert examine(kb) == []


# -- two at once --------------------------------------------------------------------------------


def test_of_two_runs_at_once_the_second_waits_and_finds_all_unchanged(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> None:
    (tmp_path / "data").mkdir()
    command = [sys.executable, "-c", _LIMITED.replace("    ingest(", "    r = ingest(", 1)]
    command[2] += "\nprint(r.ingested, r.unchanged)"
    arguments = [str(1 << 40), str(tmp_path / "data"), str(folder)]
    both = [
        subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ended = [process.communicate() for process in both]

    assert sorted(told.strip() for told, _ in ended) == ["0 2", "2 0"], ended
    assert examine(open_at(tmp_path / "data", embedder=BagOfWords())) == []


# -- readers that fail --------------------------------------------------------------------------


@pytest.mark.parametrize("reader", ["dies_once", "dies_always"])
def test_a_worker_that_was_killed_costs_no_file(
    tmp_path: Path,
    folder: Path,
    open_at: OpenAt,
    reader: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        ingest_pipeline,
        "ReaderPool",
        partial(ReaderPool, reader=f"tests.ingest.hostile_readers:{reader}"),
    )
    kb = open_at(tmp_path / "data", embedder=BagOfWords())

    report = ingest(kb, [folder])

    rejected = [] if reader == "dies_once" else ["vesi.md"]
    assert [rejection.source for rejection in report.rejected] == rejected
    assert report.ingested == 2 - len(rejected)
    assert examine(kb) == []


def test_when_no_worker_runs_no_file_is_blamed(
    tmp_path: Path, folder: Path, open_at: OpenAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        ingest_pipeline, "ReaderPool", partial(ReaderPool, reader="tests.ingest.nowhere:read")
    )
    kb = open_at(tmp_path / "data", embedder=BagOfWords())

    with pytest.raises(StorageError, match="can't be read now"):
        ingest(kb, [folder])

    assert kb.catalogue.rejected() == []
