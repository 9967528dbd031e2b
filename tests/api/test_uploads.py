from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from api import schemas
from ingest.locking import writer_lock
from tests.api.conftest import Server, start


def leftovers(server: Server) -> list[Path]:
    """Return what is left of uploads; files go just after their job has ended."""
    deadline = time.monotonic() + 10
    while left := list((server.data / "uploads").iterdir()):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return left


def refused(server: Server, **request: object) -> tuple[int, str]:
    # httpx takes the keywords of a request; the tests name those that they need.
    answer = server.client.post("/api/documents", **request)  # type: ignore[arg-type]
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_an_upload_becomes_a_job_and_its_files_are_deleted(server: Server) -> None:
    answer = server.client.post(
        "/api/documents",
        files=[
            ("files", ("a.txt", "Aurinkopaneelit katolla tuottavat sähköä.")),
            ("files", ("b.md", "# Tuuli\n\nTuulivoimala tuottaa sähköä merellä.")),
        ],
        data={"city": "Pori"},
    )

    assert answer.status_code == 202
    job_id = answer.json()["job_id"]
    assert answer.headers["location"] == f"/api/jobs/{job_id}"
    job = schemas.JobOut.model_validate(server.job(job_id))
    assert job.state == "done"
    assert isinstance(job.report, schemas.ReportOut)
    assert (job.report.ingested, job.report.rejected) == (2, [])
    assert [file.name for file in job.files] == ["a.txt", "b.md"]
    assert server.named("a.txt")[0]["city"] == "Pori"
    assert job_id in [one["job_id"] for one in server.client.get("/api/jobs").json()]
    assert leftovers(server) == []


def test_a_newer_file_of_a_name_replaces_the_older(server: Server) -> None:
    server.upload("hinta.txt", "Tontin hinta on 12 euroa neliöltä.")
    first = server.named("hinta.txt")
    server.upload("hinta.txt", "Tontin hinta on 15 euroa neliöltä.")
    second = server.named("hinta.txt")

    assert len(first) == len(second) == 1
    assert first[0]["document_id"] != second[0]["document_id"]


def test_the_same_file_again_is_unchanged(server: Server) -> None:
    server.upload("sama.txt", "Sama teksti pysyy samana.")
    job = server.upload("sama.txt", "Sama teksti pysyy samana.")

    assert (job["report"]["ingested"], job["report"]["unchanged"]) == (0, 1)


@pytest.mark.parametrize(("language", "word"), [("fi", "tyhjä"), ("sv", "tom"), ("en", "empty")])
def test_a_file_that_cant_be_read_is_told_with_its_cure(
    server: Server, language: str, word: str
) -> None:
    job_id = server.upload("nolla.pdf", b"")["job_id"]
    headers = {"Accept-Language": language}

    told = server.client.get(f"/api/jobs/{job_id}", headers=headers).json()["report"]["rejected"][0]
    listed = server.client.get("/api/rejected", headers=headers).json()

    assert told["source"] == "nolla.pdf"
    assert word in told["reason"].lower()
    assert told["cure"]
    mine = [one for one in listed if one["source"] == "nolla.pdf"]
    assert schemas.RejectedOut.model_validate(mine[0]).reason == told["reason"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\x\\raportti.txt", "raportti.txt"),
        ("/abs/olute.txt", "olute.txt"),
        ("..", "document"),
        ("evil\u202etxt.exe.txt", "eviltxt.exe.txt"),
        ("x" * 400 + ".txt", "x" * 146 + ".txt"),
    ],
)
def test_a_name_leads_nowhere(server: Server, sent: str, kept: str) -> None:
    before = {path for path in server.data.parent.rglob("*") if "uploads" not in path.parts}
    job = server.upload(sent, f"Nimi {kept} on vain nimi.")

    assert [file["name"] for file in job["files"]] == [kept]
    strange = {path.name for path in server.data.parent.rglob("*")} - {p.name for p in before}
    assert not any("passwd" in name or name.endswith(".txt") for name in strange)
    assert leftovers(server) == []


def test_a_file_over_the_limit_is_refused_and_nothing_of_it_stays(server: Server) -> None:
    answer = server.client.post(
        "/api/documents", files={"files": ("iso.txt", b"x" * (1024 * 1024 + 1))}
    )

    assert answer.status_code == 413
    assert answer.json()["code"] == "upload_too_large"
    assert "iso.txt" in answer.json()["detail"]
    assert leftovers(server) == []


def test_a_file_at_the_limit_is_taken(server: Server) -> None:
    job = server.upload("raja.bin", b"\0" * (1024 * 1024))

    assert job["state"] == "done"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"json": {}}, (415, "not_multipart")),
        ({"data": {"city": "Pori"}, "files": {"title": (None, "t")}}, (422, "upload_no_file")),
        ({"files": {"files": ("", b"")}}, (422, "upload_no_file")),
        ({"files": [("f", ("a.txt", "1")), ("f", ("x/a.txt", "2"))]}, (422, "upload_same_name")),
        (
            {"files": [("f", ("a.txt", "1")), ("f", ("b.txt", "2"))], "data": {"title": "T"}},
            (422, "upload_title_for_many"),
        ),
        ({"files": {"f": ("a.txt", "1")}, "data": {"x": "1"}}, (422, "upload_field_unknown")),
        ({"files": {"f": ("a.txt", "1")}, "data": {"city": "x" * 301}}, (422, "upload_field_long")),
        ({"files": {"f": ("a.txt", "1")}, "data": {"city": "x" * 20000}}, (413, "too_large")),
        ({"files": {"f": ("a.txt", "1")}, "data": {"date": "2024-13"}}, (422, "upload_date")),
        ({"files": {"f": ("a.txt", "1")}, "data": {"kind": "poem"}}, (422, "scope")),
        ({"files": {"f": ("a.txt", "1")}, "data": {"themes": "water,x"}}, (422, "scope")),
        ({"files": {"f": ("a.txt", "1")}, "data": {"language": "de"}}, (422, "scope")),
        ({"files": {"f": ("a.txt", "1")}, "data": {"confidentiality": "x"}}, (422, "scope")),
        (
            {
                "content": b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n'
                b"\r\nhalf",
                "headers": {"Content-Type": "multipart/form-data; boundary=b"},
            },
            (400, "not_multipart"),
        ),
        (
            {
                "content": b"nonsense",
                "headers": {"Content-Type": "multipart/form-data; boundary=b"},
            },
            (400, "not_multipart"),
        ),
    ],
)
def test_what_isnt_a_usable_upload_is_refused(
    server: Server, request_: dict[str, object], expected: tuple[int, str]
) -> None:
    assert refused(server, **request_) == expected
    assert leftovers(server) == []


def test_a_job_waits_while_another_process_writes(server: Server) -> None:
    with writer_lock(server.data):
        answer = server.client.post(
            "/api/documents", files={"files": ("odota.txt", "Odottava teksti odottaa.")}
        )
        job_id = answer.json()["job_id"]
        deadline = time.monotonic() + 20
        job = server.job(job_id, until="queued running")
        while job["progress"] is None and time.monotonic() < deadline:
            time.sleep(0.1)
            job = server.job(job_id, until="queued running")
        assert (job["state"], job["progress"]["stage"]) == ("queued", "waiting")

    assert server.job(job_id)["report"]["ingested"] == 1


def test_a_killed_server_loses_no_upload(tmp_path: Path) -> None:
    first = start(tmp_path / "data")
    try:
        with writer_lock(tmp_path / "data"):  # the job is in hand, and can't get on
            sent = first.client.post(
                "/api/documents", files={"files": ("kesken.txt", "Laituri on 300 metriä pitkä.")}
            )
            job_id = sent.json()["job_id"]
            deadline = time.monotonic() + 20
            while first.client.get(f"/api/jobs/{job_id}").json()["progress"] is None:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        first.kill()
    second = start(tmp_path / "data")
    try:
        job = second.job(job_id)
        answer = second.ask("Kuinka pitkä laituri on?")
    finally:
        second.stop()

    assert job["state"] == "done"
    assert "300 metriä" in answer["claims"][0]["text"]
    assert leftovers(second) == []


def test_a_client_that_goes_away_leaves_nothing(server: Server) -> None:
    import socket

    host, port = httpx.URL(server.url).host, httpx.URL(server.url).port
    with socket.create_connection((host, port or 80)) as raw:
        raw.sendall(
            b"POST /api/documents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhalf'
        )
        time.sleep(0.3)

    assert leftovers(server) == []
