"""Feedback as evaluation questions, in the format that ``evaluation.questions`` reads.

Judgements of one question are put together. *Useful* makes what was cited its gold, or the
question unanswerable where the answer was that the material doesn't say. What is *missing* where
nothing was answered, is wrong, was limited by filters, or is judged one way and the other is
marked ``judge``: somebody has to decide, and until then it isn't measured. So is gold that has
changed or gone since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.questions import documents_by_name
from evaluation.quotes import find_quote
from kb.answering.asking import kind_of
from kb.feedback import Judgement, Verdict
from kb.given import GivenAnswer
from kb.model import AnswerStatus, Document


@dataclass(frozen=True, slots=True)
class Exported:
    """The records of a file of questions, and how many of them are to be judged first."""

    records: tuple[Mapping[str, object], ...]
    to_judge: int

    def text(self) -> str:
        """Return the file: JSON lines."""
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in self.records)


def questions_of(judgements: Sequence[Judgement], documents: Iterable[Document]) -> Exported:
    """Return a question for each that was judged, the first judged first.

    ``judgements`` are newest first, as they are kept.
    """
    named = documents_by_name(documents)
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Judgement]] = {}
    oldest_first = list(judgements)[::-1]
    oldest_first.sort(key=lambda one: one.at)
    for judgement in oldest_first:
        given = judgement.given
        key = (" ".join(given.question.casefold().split()), given.filters)
        groups.setdefault(key, []).append(judgement)
    records = tuple(_record(group, named) for group in groups.values())
    return Exported(records, sum(bool(record.get("judge")) for record in records))


def _record(group: Sequence[Judgement], named: Mapping[str, Document]) -> dict[str, Any]:
    last = group[-1].given
    gold = _gold([one.given for one in group if one.verdict is Verdict.USEFUL])
    refused = {one.given.status is AnswerStatus.NO_EVIDENCE for one in group}
    useful = {one.verdict is Verdict.USEFUL for one in group}
    reasons: list[str] = []
    if useful != {True}:
        reasons.append(f"judged {', '.join(sorted({str(one.verdict) for one in group}))}")
    elif len(refused) == 2:
        reasons.append("answered for one, refused for another")
    if last.filters:
        reasons.append(f"limited to {', '.join(f'{name} {value}' for name, value in last.filters)}")
    lost = [
        quote
        for document, quotes in gold.items()
        for quote in quotes
        if document not in named or find_quote(named[document].text, quote) is None
    ]
    if lost:
        reasons.append(f"{len(lost)} quotes aren't in the documents any more")
    languages = {
        source.citation.language
        for one in group
        if one.verdict is Verdict.USEFUL
        for source in one.given.sources
    }
    record: dict[str, Any] = {
        "id": f"feedback-{group[0].id}",
        "question": last.question,
        "language": last.language,
        "kind": kind_of(last.question, last.language),
        "themes": [],
        "answerable": bool(gold),
        "cross": bool(languages) and last.language not in languages,
        # Each quote answers by itself; who judges may put those together that belong together.
        "gold": [
            {"document": document, "quotes": [quote]}
            for document, quotes in gold.items()
            for quote in quotes
        ],
        "note": "; ".join([*reasons, *_notes(group)]),
    }
    if reasons:
        record["judge"] = True
        record["given"] = [
            {"text": claim.text, "quotes": [s.citation.quote for s in claim.sources]}
            for claim in last.claims
        ]
    return record


def _gold(useful: Sequence[GivenAnswer]) -> dict[str, list[str]]:
    gold: dict[str, list[str]] = {}
    for given in useful:
        for source in given.sources:
            quotes = gold.setdefault(Path(source.citation.source).name, [])
            if source.citation.quote not in quotes:
                quotes.append(source.citation.quote)
    return gold


def _notes(group: Sequence[Judgement]) -> list[str]:
    notes: list[str] = []
    for one in group:
        which = "" if one.source is None else f" [{one.source}]"
        if one.note:
            notes.append(f"{one.verdict}{which}: {' '.join(one.note.split())}")
    return notes
