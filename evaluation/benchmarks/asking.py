"""How long an answer takes over HTTP: a server of its own, asked one question after another."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from evaluation.benchmarks.measuring import BenchmarkResult, Timing
from evaluation.benchmarks.stand_in import grow, sentences_of
from evaluation.errors import EvaluationError
from kb.assembly import open_knowledge_base
from kb.model import Language
from kb.settings import Settings

PASSAGES = 20_000
NAMES = (
    "asked",
    "scale",
    "times",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "cpu_ms",
    "answered_share",
    "memory_mb",
)
_WARMING = 3
_SECONDS = 120


def run(
    *,
    settings: Settings,
    texts: Sequence[tuple[str, Language]],
    questions: Sequence[str],
    passages: int = PASSAGES,
    seed: int = 0,
    folder: Path | None = None,
) -> BenchmarkResult:
    """Measure ``POST /api/ask`` on a running server with so many made-up passages and sentences.

    ``texts`` are real ones to make passages of, the questions are embedded by the real model.
    The server is warmed by a few questions; then each is asked once, and once more when what
    was found is in memory. ``cpu_ms`` is the server's processor time, all threads together,
    ``memory_mb`` its largest resident size. A ``folder`` keeps what is built and uses it again.
    """
    sentences = sentences_of(texts)
    with TemporaryDirectory() as temporary:
        own = settings.model_copy(update={"data_dir": folder or Path(temporary)})
        kb = open_knowledge_base(own)
        try:
            size = grow(kb, sentences, passages=passages, seed=seed)
        finally:
            kb.catalogue.close()
        with _served(own) as (address, process), _asking(address) as ask:
            for question in questions[:_WARMING]:
                ask(question)
            rows = []
            for name in ("first", "again"):
                timing, answered = _timed(ask, questions, process)
                rows.append(
                    (
                        name,
                        size,
                        len(timing.seconds),
                        timing.percentile(50),
                        timing.percentile(95),
                        timing.percentile(99),
                        timing.cpu_ms,
                        answered / max(1, len(questions)),
                        _memory_mb(process),
                    )
                )
    return BenchmarkResult(title="asking", names=NAMES, rows=tuple(rows), note="asking")


@contextmanager
def _served(settings: Settings) -> Iterator[tuple[str, int]]:
    """Serve a knowledge base on a free port; yield its address and the server's process."""
    names = {f"KB_{name.upper()}" for name in Settings.model_fields}
    environment = {name: value for name, value in os.environ.items() if name not in names}
    # What the settings were made of isn't known: those that change what an answer costs are said.
    environment |= {
        "KB_DATA_DIR": str(settings.data_dir.absolute()),
        "KB_EMBEDDING_MODEL": settings.embedding_model,
        "KB_THREADS": str(settings.threads),
        "KB_SENTENCES": str(settings.sentences),
        "KB_HOST": "127.0.0.1",
        "KB_PORT": "0",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if "http://" not in line:
            raise EvaluationError("evaluation_server")
        yield "http://" + line.split("http://")[1].split("/")[0], process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def _asking(address: str) -> Iterator[Callable[[str], bool]]:
    """Yield what asks a question over one connection, and tells whether it was answered."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)

    def ask(question: str) -> bool:
        body = json.dumps({"question": question})
        connection.request("POST", "/api/ask", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        told = json.loads(response.read())
        if response.status != 200:
            raise EvaluationError("evaluation_server")
        return bool(told["claims"])

    with closing(connection):
        yield ask


def _timed(
    ask: Callable[[str], bool], questions: Sequence[str], process: int
) -> tuple[Timing, int]:
    """Ask each question; return the times, and how many were answered."""
    seconds, cpu, answered = [], [], 0
    for question in questions:
        begun, begun_cpu = time.perf_counter(), _cpu_seconds(process)
        answered += ask(question)
        seconds.append(time.perf_counter() - begun)
        cpu.append(_cpu_seconds(process) - begun_cpu)
    return Timing(tuple(seconds), tuple(cpu)), answered


def _cpu_seconds(process: int) -> float:
    """Return the processor time of a process so far; 0 where the system doesn't tell (Linux does).

    It is counted in ticks of a hundredth of a second.
    """
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(process: int) -> float:
    """Return the largest resident size of a process so far, in MB (2^20 bytes); 0 as above."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
