"""Times by percentiles, and what a process and a folder take."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evaluation.tables import Cell, Table, columns, heading, note, render


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of one thing done many times, in seconds; ``cpu`` those of the processor."""

    seconds: tuple[float, ...]
    cpu: tuple[float, ...] = ()

    @property
    def cpu_ms(self) -> float:
        """The median processor time, all threads together, in milliseconds."""
        return float(np.median(self.cpu)) * 1000 if self.cpu else 0.0

    def percentile(self, share: float) -> float:
        """Return a percentile (0–100), in milliseconds."""
        return float(np.percentile(self.seconds, share)) * 1000 if self.seconds else 0.0

    def to_json(self) -> dict[str, float | int]:
        """Return the percentiles in milliseconds."""
        shares = {f"p{share}_ms": round(self.percentile(share), 2) for share in (50, 95, 99)}
        return {"times": len(self.seconds), **shares}


def timed(action: Callable[[str], object], inputs: Sequence[str]) -> Timing:
    """Do something with each input; return the times."""
    seconds, cpu = [], []
    for one in inputs:
        begun, begun_cpu = time.perf_counter(), time.process_time()
        action(one)
        cpu.append(time.process_time() - begun_cpu)
        seconds.append(time.perf_counter() - begun)
    return Timing(tuple(seconds), tuple(cpu))


def memory_mb() -> float:
    """Return the largest resident size of this process so far, in MB (2^20 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KB, macOS in bytes.
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def disk_mb(folder: Path) -> float:
    """Return what the files of a folder take, in MB (2^20 bytes)."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / (1 << 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkResult:
    """Rows of named values under a title; ``names`` are keys of columns."""

    title: str
    names: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    params: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the rows as objects."""
        return {
            "benchmark": self.title,
            "rows": [
                {
                    name: round(cell, 3) if isinstance(cell, float) else cell
                    for name, cell in zip(self.names, row, strict=True)
                }
                for row in self.rows
            ],
        }

    def tables(self, language: str = "en") -> list[Table]:
        """Return one table."""
        return [
            Table(
                title=heading(self.title, language),
                columns=columns(self.names, language),
                rows=self.rows,
                note=note(self.note, language, **self.params) if self.note else "",
            )
        ]

    def table(self, language: str = "en") -> str:
        """Return the table as text."""
        return render(self.tables(language))


def latencies(timings: Sequence[tuple[str, Timing]], *, first: str, size: int) -> BenchmarkResult:
    """Return named timings over a collection of ``size`` passages; ``first`` heads the names."""
    return BenchmarkResult(
        title="search",
        names=(first, "scale", "times", "p50_ms", "p95_ms", "p99_ms", "memory_mb"),
        rows=tuple(
            (
                name,
                size,
                len(timing.seconds),
                timing.percentile(50),
                timing.percentile(95),
                timing.percentile(99),
                memory_mb(),
            )
            for name, timing in timings
        ),
        note="memory",
    )
