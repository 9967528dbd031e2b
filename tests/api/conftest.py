"""A real server in a process of its own, and a few small documents in it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from reportlab.pdfgen.canvas import Canvas

ROOT = Path(__file__).parents[2]
_START = "from api.app import serve; from kb.settings import load_settings; serve(load_settings())"

WATER = """Teollisuusalueen vesihuolto

Jäähdytysvesi otetaan merestä. Jäähdytysveden kulutus oli 41 miljoonaa kuutiometriä vuonna 2023.

Jätevedet puhdistetaan yhteisessä puhdistamossa, jonka omistaa kaupunki. 💧 Lietteestä tehdään
biokaasua.
"""
HARBOUR = """Hamnen och järnvägen

Hamnen har en allvädersterminal. Järnvägen förbinder hamnen med industriområdet sedan 1886.
"""
FIRE_PAGES = (
    ("The factory fire brigade", "The brigade has fourteen fire fighters on each shift."),
    ("Gates and passes", "Every visitor gets a pass at the northern gate before entering."),
)


@dataclass
class Server:
    """A running service."""

    process: subprocess.Popen[str]
    url: str
    client: httpx.Client
    data: Path

    def job(self, job_id: str, *, seconds: float = 60, until: str = "done failed") -> Any:
        """Wait until a job stands as said, and return it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = self.client.get(f"/api/jobs/{job_id}").json()
            if job["state"] in until.split():
                return job
            time.sleep(0.05)
        raise AssertionError(f"the job took longer than {seconds} s: {job}")

    def upload(self, name: str, content: bytes | str, **fields: str) -> Any:
        """Upload a file, wait for its job and return the job."""
        answer = self.client.post("/api/documents", files={"files": (name, content)}, data=fields)
        assert answer.status_code == 202, answer.text
        return self.job(answer.json()["job_id"])

    def ask(self, question: str, **filters: object) -> Any:
        """Ask and return the answer."""
        answer = self.client.post("/api/ask", json={"question": question, **filters})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def named(self, source: str) -> list[Any]:
        """Return the documents that came from a file of this name."""
        return [d for d in self.client.get("/api/documents").json() if d["source"] == source]

    @property
    def log(self) -> str:
        """What it wrote to its standard error."""
        return (self.data.parent / "log").read_text(encoding="utf-8")

    def stop(self) -> None:
        """End it as an operator does."""
        self.client.close()
        self.process.terminate()
        self.process.wait(timeout=30)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def kill(self) -> None:
        """End it as a power cut does."""
        self.client.close()
        self.process.kill()
        self.process.wait(timeout=30)
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(data: Path, **settings: str) -> Server:
    """Start a service on a free port and wait until it answers."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KB_")},
        "KB_DATA_DIR": str(data),
        "KB_PORT": "0",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    with (data.parent / "log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _START],
            env=environment,
            cwd=data.parent,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "http://" in line, line
    url = line.split("http://")[1].split("/")[0]
    # A new connection a request: the tests kill and restart what they talk to.
    client = httpx.Client(
        base_url=f"http://{url}", timeout=60, headers={"Accept-Language": "en"}, trust_env=False
    )
    return Server(process, f"http://{url}", client, data)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service for the whole session, with a limit of 1 MB a file."""
    running = start(tmp_path_factory.mktemp("service") / "data", KB_MAX_FILE_MB="1")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def library(server: Server) -> Server:
    """Return the service with three documents: Finnish text, Swedish text, an English PDF."""
    water = server.upload(
        "vesi.txt",
        WATER,
        city="Kokkola",
        date="2023-05",
        themes="water,monitoring",
        kind="report",
        confidentiality="public",
        collection="kokeet",
    )
    harbour = server.upload("hamn.txt", HARBOUR, city="Karleby", date="2019", themes="logistics")
    fire = server.upload("fire.pdf", pdf(FIRE_PAGES), title="The fire brigade", themes="safety")
    for job in (water, harbour, fire):
        assert job["state"] == "done", job
        assert job["report"]["ingested"] == 1, job
    return server


def pdf(pages: tuple[tuple[str, ...], ...]) -> bytes:
    """Return a PDF with these lines on its pages."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(400, 300))
    for lines in pages:
        for number, line in enumerate(lines):
            canvas.drawString(40, 250 - 30 * number, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()
