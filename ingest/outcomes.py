"""What a run did: each file's outcome, the report of all, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from kb.errors import UnreadableDocument
from kb.messages import message, taken_apart


@dataclass(frozen=True, slots=True)
class Rejection:
    """A file that wasn't taken in: why, and what to do."""

    source: str
    error: UnreadableDocument


class What(StrEnum):
    """What became of a file."""

    INGESTED = "ingested"
    ANOTHER_SOURCE = "another_source"  # its content is here already, by another name
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    REJECTED = "rejected"
    IGNORED = "ignored"  # rejected, and somebody has said that it may stay so


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file; ``seconds`` is the time for reading and putting it in."""

    source: str
    key: str
    what: What
    title: str = ""
    pages: int | None = None
    passages: int = 0
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    error: UnreadableDocument | None = None


@dataclass(slots=True)
class Report:
    """What a run did."""

    ingested: int = 0
    unchanged: int = 0
    removed: int = 0
    ignored: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    passages: int = 0
    seconds: float = 0.0

    def to_json(self, language: str = "en") -> dict[str, object]:
        """Return the object of the published interface."""
        return {
            "ingested": self.ingested,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "ignored": self.ignored,
            "rejected": [
                {
                    "source": rejection.source,
                    "reason": rejection.error.text(language),
                    "cure": rejection.error.cure(language),
                    "code": rejection.error.code,
                }
                for rejection in self.rejected
            ],
            "warnings": [
                {"source": source, "warning": warning_text(warning, language)}
                for source, warning in self.warnings
            ],
            "passages": self.passages,
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: files while reading, rows of projects, else texts.

    ``pages`` and ``passages`` are those so far.
    """

    stage: Literal["waiting", "reading", "passages", "sentences", "projects"]
    done: int
    total: int
    current: str = ""
    pages: int = 0
    passages: int = 0


def warning_text(warning: str, language: str) -> str:
    """Return a reader's warning (``warning.key|name=value|…``) in a language.

    With a ``code``, ``why`` is that refusal's reason, made with the values named ``why.…``.
    """
    try:
        key, said = taken_apart(warning)
        if "code" in said:
            given = {k.removeprefix("why."): v for k, v in said.items() if k.startswith("why.")}
            said = {
                "name": said["name"],
                "why": UnreadableDocument(said["code"], **given).text(language),
            }
        return message(key, language, **said)
    except (KeyError, ValueError):
        return warning
