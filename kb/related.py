"""A related project as it is told: score, reasons with quotes, and a table of several."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kb.messages import message
from kb.model import Document, Span
from kb.project import Project, ProjectId
from kb.themes import themes

ReasonKind = Literal["theme", "place", "partner", "programme", "text"]


@dataclass(frozen=True, slots=True)
class Quote:
    """A span of a text; ``document_id`` or ``project_id`` says whose, neither: the text given."""

    start: int
    end: int
    quote: str
    project_id: ProjectId | None = None
    document: Document | None = None

    def to_json(self) -> dict[str, object]:
        """Return it as published; of a document, with where it stands."""
        out: dict[str, object] = {"start": self.start, "end": self.end, "quote": self.quote}
        if self.project_id is not None:
            out["project_id"] = self.project_id
        if self.document is not None:
            out |= {
                "document_id": self.document.id,
                "title": self.document.metadata.title,
                "source": self.document.source,
                "locator": self.document.locate(Span(self.start, self.end)).to_json(),
            }
        return out


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a project is related: what is shared, and for text the two sentences nearest."""

    kind: ReasonKind
    names: tuple[str, ...] = ()
    theirs: Quote | None = None
    ours: Quote | None = None

    def text(self, language: str) -> str:
        """Return it in words."""
        names: Sequence[str] = self.names
        if self.kind == "theme":
            labels = {theme.id: theme.label(language) for theme in themes()}
            names = [labels.get(name, name) for name in names]
        return message(f"projects.reason.{self.kind}", language, names=", ".join(names))

    def to_json(self, language: str) -> dict[str, object]:
        """Return it as published."""
        out: dict[str, object] = {"kind": self.kind, "text": self.text(language)}
        if self.names:
            out["names"] = list(self.names)
        if self.theirs is not None:
            out["theirs"] = self.theirs.to_json()
        if self.ours is not None:
            out["ours"] = self.ours.to_json()
        return out


@dataclass(frozen=True, slots=True)
class Related:
    """A project that is related; ``score`` is 0–1, ``meaning`` and ``terms`` what it rests on."""

    project: Project
    score: float
    meaning: float | None
    terms: float
    reasons: tuple[Reason, ...]

    def to_json(self, language: str) -> dict[str, object]:
        """Return it as published."""
        return {
            "project_id": self.project.id,
            "title": self.project.title,
            "score": round(self.score, 4),
            "acronym": self.project.acronym,
            "registry": self.project.registry,
            "programme": self.project.programme,
            "start": self.project.start,
            "end": self.project.end,
            "url": self.project.url,
            "meaning": None if self.meaning is None else round(self.meaning, 4),
            "terms": round(self.terms, 4),
            "reasons": [reason.to_json(language) for reason in self.reasons],
        }


_COLUMNS = (
    "project_id", "title", "score", "registry", "programme", "start", "end", "url"
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def related_csv(results: Sequence[Related], language: str) -> str:
    """Return results as CSV (``;``), safe to open in a spreadsheet.

    A cell that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, *CSV
    injection*).
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([*_COLUMNS, "reasons", "theirs", "ours"])
    for result in results:
        told = result.to_json(language)
        quotes = next((r for r in result.reasons if r.kind == "text"), Reason("text"))
        cells = [
            *(told[name] for name in _COLUMNS),
            " | ".join(reason.text(language) for reason in result.reasons),
            quotes.theirs.quote if quotes.theirs else "",
            quotes.ours.quote if quotes.ours else "",
        ]
        writer.writerow([escaped(cell) for cell in cells])
    return out.getvalue()


def escaped(cell: object) -> object:
    """Return a cell that no spreadsheet runs."""
    if not isinstance(cell, str):
        return "" if cell is None else cell
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
