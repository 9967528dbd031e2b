"""How it begins: nothing there, then samples from another process, then they are removed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.messages import message
from tests.api.conftest import ROOT, Server, start

BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Server]:
    running = start(tmp_path / "data")
    yield running
    running.stop()


def ingest(data: Path, *paths: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KB_")}
    subprocess.run(
        [sys.executable, "-m", "cli", "ingest", *map(str, paths)],
        cwd=ROOT,
        env={**environment, "KB_DATA_DIR": str(data)},
        check=True,
        capture_output=True,
    )


def test_from_nothing_to_samples_and_back(empty: Server, tmp_path: Path) -> None:
    def page(path: str) -> str:
        return empty.client.get(path, headers=BROWSER).text

    assert message("web.empty_title", "fi") in page("/")
    assert message("web.empty_title", "fi") in page("/?q=vesi")
    assert message("web.documents_empty", "fi") in page("/documents")
    for path in ("/projects", "/related", "/partners"):
        assert "kb projects import" in page(path), path

    samples = tmp_path / "samples"
    samples.mkdir()
    (samples / "a.md").write_text("# Portti\n\nPortilla annetaan kulkulupa.", encoding="utf-8")
    (samples / "oma.txt").write_text("Satamassa on nosturi vuodelta 1999.", encoding="utf-8")
    (samples / "manifest.toml").write_text(
        '[[document]]\nfile = "a.md"\ntitle = "Portti"\nsample = true\n', encoding="utf-8"
    )
    ingest(empty.data, samples)

    assert message("web.samples_notice_one", "fi") in page("/")
    asked = page("/samples/remove")
    assert message("web.samples_remove_text", "fi", count=1) in asked
    gone = empty.client.post("/samples/remove", headers={**BROWSER, "Origin": empty.url})
    assert gone.status_code == 303
    assert message("web.samples_removed", "fi") in page(gone.headers["location"])
    assert [row["source"] for row in empty.client.get("/api/documents").json()] == ["oma.txt"]
    assert message("web.samples_notice_one", "fi") not in page("/")
