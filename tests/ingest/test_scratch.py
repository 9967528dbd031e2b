from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.pipeline import ingest
from ingest.scratch import Scratch, sweep
from kb.knowledge_base import KnowledgeBase
from tests.conftest import BagOfWords

_OWNER = """
from ingest.scratch import Scratch
import sys
print(Scratch().path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_only_what_dead_owners_left_is_swept(temporary: Path) -> None:
    mine = Scratch()
    other = temporary / "other"
    other.mkdir()
    (temporary / "kb-reader-link").symlink_to(other)
    (temporary / "kb-reader-file").write_text("ei kansio")
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        theirs = Path(owner.stdout.readline().strip())
        (theirs / "profile").mkdir()
        (theirs / "profile" / "big").write_text("x")

        assert sweep() == 0
        assert theirs.is_dir()
        owner.kill()

    assert theirs.is_dir()
    assert sweep() == 1
    assert not theirs.exists()
    assert mine.path.is_dir() and other.is_dir()
    mine.release()
    left = sorted(path.name for path in temporary.iterdir())
    assert left == ["kb-reader-file", "kb-reader-link", "other"]


def test_an_ingestion_sweeps_what_a_killed_one_left(
    temporary: Path, tmp_path: Path, open_at: Callable[..., KnowledgeBase]
) -> None:
    left = temporary / "kb-reader-left"
    left.mkdir()
    (left / "big").write_text("x")
    folder = tmp_path / "aineisto"
    folder.mkdir()
    (folder / "vesi.txt").write_text("Vettä on.", encoding="utf-8")

    ingest(open_at(tmp_path / "data", embedder=BagOfWords()), [folder])

    assert list(temporary.glob("kb-reader-*")) == []
