"""How much of what people leave is kept, and until when: saved answers and feedback."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Literal

from kb.errors import StoreFull

Table = Literal["answer", "feedback"]

_FULL: dict[Table, str] = {"answer": "answers_full", "feedback": "feedback_full"}


def see_that_it_fits(connection: sqlite3.Connection, table: Table, *, limit: int) -> None:
    """See, inside the transaction that adds a row, that there is room; raises StoreFull."""
    (count,) = connection.execute(
        "SELECT COUNT(*) FROM answer" if table == "answer" else "SELECT COUNT(*) FROM feedback"
    ).fetchone()
    if count >= limit:
        raise StoreFull(_FULL[table], limit=limit)


def days_ago(days: int) -> str:
    """Return the time so many days ago, as the store writes times."""
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
