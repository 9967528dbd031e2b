"""What an ingestion leaves when something around it breaks, and that one more run mends it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import kb.retrieval
from ingest.pipeline import ingest
from ingest.reindexing import repair
from kb.doctor import examine
from kb.errors import StorageError
from kb.knowledge_base import KnowledgeBase
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
