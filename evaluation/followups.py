"""Whether follow-ups are understood as what they mean, and other questions left alone.

A file is JSON lines: ``id``, ``language``, ``previous`` (questions, oldest first), ``question``
and ``understood`` (every whole question that is right). The shipped files were written before
the rules: ``dev`` was looked at while they were, ``test`` was not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.tables import Table, columns, heading, note, render
from kb.following import understand
from kb.model import LANGUAGES

FOLDER = Path(__file__).resolve().parent / "followups"

# Each question is asked after three others of its file; the steps are arbitrary.
_STEPS = ((1, -1), (7, 3), (31, 11))


@dataclass(frozen=True, slots=True)
class Case:
    """A follow-up and what it means."""

    id: str
    language: str
    previous: tuple[str, ...]
    question: str
    understood: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FollowupsResult:
    """Which follow-ups were understood, and which questions were wrongly taken for some."""

    cases: tuple[tuple[Case, str], ...]
    """Each case and what it was understood as; empty where it was left alone."""
    asked: int
    taken: tuple[tuple[str, str, str], ...]
    """A question before, a question, and what it was wrongly understood as."""

    def to_json(self) -> dict[str, object]:
        """Return the shares by language, and every fault."""
        return {
            "cases": len(self.cases),
            "right": self._right(""),
            "by_language": {language: self._right(language) for language in LANGUAGES},
            "questions": self.asked,
            "taken": len(self.taken),
            "wrong": [
                {"id": case.id, "question": case.question, "understood_as": got or None}
                for case, got in self.cases
                if got not in case.understood
            ],
        }

    def _right(self, language: str) -> float | None:
        ours = [got in c.understood for c, got in self.cases if language in ("", c.language)]
        return round(sum(ours) / len(ours), 4) if ours else None

    def tables(self, language: str = "en") -> list[Table]:
        """Return the shares and the faults."""
        names = ("language", "cases", "right")
        rows = [
            (one, sum(c.language == one for c, _ in self.cases), self._right(one))
            for one in LANGUAGES
        ]
        faults = [
            (c.previous[-1], c.question, got) for c, got in self.cases if got not in c.understood
        ] + list(self.taken)
        shares = Table(
            title=heading("followups", language),
            columns=columns(names, language),
            rows=((heading("all", language), len(self.cases), self._right("")), *rows),
            note=note("followups", language, taken=len(self.taken), asked=self.asked),
        )
        if not faults:
            return [shares]
        return [
            shares,
            Table(
                title=heading("followups_wrong", language),
                columns=columns(("before", "query", "understood_as"), language),
                rows=tuple(faults),
            ),
        ]

    def table(self, language: str = "en") -> str:
        """Return the tables as text."""
        return render(self.tables(language))


def load_cases(path: Path) -> list[Case]:
    """Read a file of follow-ups."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [
        Case(
            id=record["id"],
            language=record["language"],
            previous=tuple(record["previous"]),
            question=record["question"],
            understood=tuple(record["understood"]),
        )
        for record in records
    ]


def evaluate_followups(cases: Sequence[Case], *, others: Sequence[str]) -> FollowupsResult:
    """Understand every case, and every one of the ``others``, which stand alone, after some."""
    told: list[tuple[Case, str]] = []
    for case in cases:
        meant = understand(case.question, case.previous)
        told.append((case, "" if meant is None else meant.text))
    taken: list[tuple[str, str, str]] = []
    for at, question in enumerate(others):
        for factor, step in _STEPS:
            before = others[(at * factor + step) % len(others)]
            meant = understand(question, [before])
            if meant is not None:
                taken.append((before, question, meant.text))
    return FollowupsResult(tuple(told), len(others) * len(_STEPS), tuple(taken))
