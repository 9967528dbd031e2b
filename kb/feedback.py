"""What people say of answers, kept with the answer as it was.

A judgement is of a whole answer, or with "wrong source" of one of its sources. Like saved
answers, one is seen only by who is cleared for every source of its answer: a note may repeat
what a source says.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from kb.database import now
from kb.errors import BadEntry, NotFound
from kb.given import GivenAnswer, given_from
from kb.keeping import days_ago, see_that_it_fits
from kb.knowledge_base import KnowledgeBase
from kb.saved import may_be_seen

LONGEST_NOTE = 1000


class Verdict(StrEnum):
    """What is said of an answer."""

    USEFUL = "useful"
    WRONG_SOURCE = "wrong-source"
    WRONG_ANSWER = "wrong-answer"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict on an answer; ``source`` is the number of the source that is wrong, or None."""

    id: str
    verdict: Verdict
    source: int | None
    note: str
    at: str
    given: GivenAnswer

    def to_json(self) -> dict[str, object]:
        """Return it as the command line prints it."""
        return {
            "feedback_id": self.id,
            "verdict": str(self.verdict),
            "source": self.source,
            "note": self.note,
            "at": self.at,
            "answer": self.given.to_json(),
        }


class Feedback:
    """The judgements of a knowledge base. Safe between threads."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self._kb = kb

    def add(
        self, given: GivenAnswer, verdict: str, *, source: int | None = None, note: str = ""
    ) -> Judgement:
        """Keep a judgement of an answer.

        Raises BadEntry for an unknown verdict, a source that the answer doesn't have, or a note
        that is too long, StoreFull; a source with another verdict than "wrong source" is left out.
        What is older than the settings keep feedback goes first.
        """
        if verdict not in list(Verdict):
            raise BadEntry("feedback_verdict", possible=", ".join(Verdict))
        if len(note) > LONGEST_NOTE:
            raise BadEntry("feedback_note", length=len(note), limit=LONGEST_NOTE)
        meant = Verdict(verdict)
        if meant is not Verdict.WRONG_SOURCE:
            source = None
        if source is not None and source not in {one.number for one in given.sources}:
            raise BadEntry("feedback_source", number=source)
        judgement = Judgement(
            id=secrets.token_hex(8),
            verdict=meant,
            source=source,
            note=_plain(note),
            at=now(),
            given=given,
        )
        settings = self._kb.settings
        with self._kb.catalogue.transaction() as connection:
            if settings.feedback_days:
                connection.execute(
                    "DELETE FROM feedback WHERE at <= ?", (days_ago(settings.feedback_days),)
                )
            see_that_it_fits(connection, "feedback", limit=settings.max_feedback)
            connection.execute(
                "INSERT INTO feedback (id, verdict, source, note, at, level, given) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    judgement.id,
                    str(meant),
                    source,
                    judgement.note,
                    judgement.at,
                    str(given.level(self._kb.settings)),
                    json.dumps(given.to_json(stored=True), ensure_ascii=False),
                ),
            )
        return judgement

    def all(self) -> list[Judgement]:
        """Return every judgement that may be seen, the newest first.

        What is older than the settings keep feedback isn't there any more.
        """
        days = self._kb.settings.feedback_days
        rows = self._kb.catalogue.connection.execute(
            "SELECT * FROM feedback WHERE at > ? ORDER BY at DESC, rowid DESC",
            (days_ago(days) if days else "",),
        ).fetchall()
        visible = self._kb.settings.visible
        found = [_judgement(row) for row in rows if row["level"] in visible]
        return [one for one in found if may_be_seen(self._kb, one.given)]

    def clear(self, *, days: int) -> int:
        """Remove the judgements that were given at least so many days ago; return how many.

        Only who may see one removes it.
        """
        until = days_ago(days)
        old = [one.id for one in self.all() if one.at <= until]
        with self._kb.catalogue.transaction() as connection:
            connection.executemany("DELETE FROM feedback WHERE id = ?", [(one,) for one in old])
        return len(old)

    def remove(self, feedback_id: str) -> None:
        """Remove a judgement; raises NotFound."""
        if feedback_id not in {one.id for one in self.all()}:
            raise NotFound(what="feedback", id=feedback_id)
        with self._kb.catalogue.transaction() as connection:
            connection.execute("DELETE FROM feedback WHERE id = ?", (feedback_id,))


def _judgement(row: sqlite3.Row) -> Judgement:
    return Judgement(
        id=row["id"],
        verdict=Verdict(row["verdict"]),
        source=row["source"],
        note=row["note"],
        at=row["at"],
        given=given_from(row["given"]),
    )


def _plain(text: str) -> str:
    """Leave out what isn't text: control characters but for line ends and tabs."""
    kept = "".join(
        character
        for character in text.replace("\r\n", "\n").replace("\r", "\n")
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )
    return kept.strip()
