from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from api.app import serve
from ingest.jobs import Jobs, JobState
from ingest.locking import writer_lock
from kb.catalogue import Catalogue
from kb.errors import SettingsError, StorageError
from kb.settings import load_settings
from tests.api.conftest import Server, start


def test_a_taken_port_is_told_with_a_cure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as refused:
            serve(load_settings(data_dir=tmp_path, port=port))

    assert refused.value.code == "port_taken"
    assert str(port) in refused.value.text("fi")


def test_an_unusable_host_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        serve(load_settings(data_dir=tmp_path, host="203.0.113.1", port=0))

    assert refused.value.code == "setting"


def test_an_unusable_data_folder_is_told_before_serving(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(StorageError):
        serve(load_settings(data_dir=tmp_path / "data", port=0))


def test_nothing_of_a_question_is_logged(library: Server) -> None:
    library.ask("Onko salainen kysymys lokissa?")
    library.client.post("/api/ask", json={"question": "salainen " * 1000})

    assert "salainen" not in library.log


def test_a_stopped_service_gives_its_job_back(tmp_path: Path) -> None:
    running = start(tmp_path / "data")
    with writer_lock(tmp_path / "data"):
        sent = running.client.post("/api/documents", files={"files": ("a.txt", "Teksti jonossa.")})
        job_id = sent.json()["job_id"]
        deadline = time.monotonic() + 20
        while running.client.get(f"/api/jobs/{job_id}").json()["progress"] is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        running.stop()
    catalogue = Catalogue(tmp_path / "data")
    job = Jobs(catalogue).get(job_id)
    catalogue.close()

    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
    assert "Traceback" not in running.log


def test_health_tells_that_the_indexes_are_of_another_release(server: Server) -> None:
    server.upload("terve.txt", "Terve teksti.")
    assert server.client.get("/api/health").json()["status"] == "ok"
    catalogue = Catalogue(server.data)
    before = catalogue.get_meta("index:terms")
    assert before is not None
    try:
        catalogue.set_meta("index:terms", b"older")
        assert server.client.get("/api/health").json()["status"] == "reindex_needed"
    finally:
        catalogue.set_meta("index:terms", before)
        catalogue.close()
