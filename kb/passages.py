"""Passages as they are read: their texts, where terms occur, and which ones a scope allows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from kb.database import Database
from kb.model import LANGUAGES, DocumentId, Passage, PassageId, Scope, Span

_KEPT_SCOPES = 8
"""Scopes whose passages each thread keeps: .8 MB each at 100,000 passages."""


class Passages(Database):
    """The passages of all documents, by rows. Safe to share between threads."""

    def passages(self, rows: Sequence[int]) -> dict[int, Passage]:
        """Return passages by their rows; rows that aren't there are left out."""
        found: dict[int, Passage] = {}
        for chunk in chunks(rows, 500):
            marks = ",".join("?" * len(chunk))
            spans: dict[int, list[Span]] = {}
            for row in self.connection.execute(
                f"SELECT passage_row, start, end FROM sentence WHERE passage_row IN ({marks}) "
                "ORDER BY start",
                chunk,
            ):
                spans.setdefault(row[0], []).append(Span(row[1], row[2]))
            for row in self.connection.execute(
                f"SELECT * FROM passage WHERE row IN ({marks})", chunk
            ):
                found[row["row"]] = Passage(
                    id=PassageId(row["id"]),
                    document_id=DocumentId(row["document_id"]),
                    start=row["start"],
                    end=row["end"],
                    language=row["language"],
                    heading=tuple(json.loads(row["heading"])),
                    sentences=tuple(spans.get(row["row"], ())),
                )
        return found

    def texts(self, rows: Sequence[int]) -> dict[int, str]:
        """Return the texts of passages by their rows; rows that aren't there are left out."""
        found: dict[int, str] = {}
        for chunk in chunks(rows, 500):
            found.update(
                (row[0], row[1])
                for row in self.connection.execute(
                    "SELECT passage.row, substr(text, start + 1, end - start) FROM passage "
                    "JOIN document ON document.id = document_id "
                    f"WHERE passage.row IN ({','.join('?' * len(chunk))})",
                    chunk,
                )
            )
        return found

    def passages_known(self, rows: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return those of the rows that are passages here, in the order given."""
        here: set[int] = set()
        for chunk in chunks(rows, 500):
            marks = ",".join("?" * len(chunk))
            here.update(
                row[0]
                for row in self.connection.execute(
                    f"SELECT row FROM passage WHERE row IN ({marks})", chunk
                )
            )
        return np.array([row for row in rows if row in here], dtype=np.int64)

    def passage_rows(self, document_id: DocumentId) -> list[int]:
        """Return the rows of a document's passages, in order."""
        return [
            row[0]
            for row in self.connection.execute(
                "SELECT row FROM passage WHERE document_id = ? ORDER BY start", (document_id,)
            )
        ]

    def passage_table(
        self,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int8]]:
        """Return every passage's row, ascending, length in terms and place in ``LANGUAGES``."""
        rows = self.connection.execute(
            "SELECT row, terms, CASE language "
            + " ".join(f"WHEN '{name}' THEN {at}" for at, name in enumerate(LANGUAGES))
            + " ELSE 0 END FROM passage ORDER BY row"
        ).fetchall()
        table = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 3)
        return table[:, 0].copy(), table[:, 1].astype(np.int32), table[:, 2].astype(np.int8)

    def postings(self, term: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
        """Return where a term occurs: passage rows (repeated by count) and 0 body, 1 context."""
        return occurrences(self.connection, "term_instance", term)

    def themes_of_passages(self, rows: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Return the themes of passages by row, the surest first; those of none are left out."""
        found: dict[int, list[str]] = {}
        marks = ",".join("?" * len(rows))
        for row, theme in self.connection.execute(
            "SELECT passage_row, theme FROM passage_theme "
            f"WHERE passage_row IN ({marks}) ORDER BY score DESC, theme",
            [int(row) for row in rows],
        ):
            found.setdefault(row, []).append(theme)
        return {row: tuple(themes) for row, themes in found.items()}

    def passage_themes(self, confidentiality: Iterable[str]) -> set[str]:
        """Return the themes of the passages of documents of some levels of confidentiality."""
        levels = sorted(confidentiality)
        return {
            row[0]
            for row in self.connection.execute(
                "SELECT DISTINCT theme FROM passage_theme "
                "JOIN passage ON passage.row = passage_row "
                "JOIN document ON document.id = document_id WHERE confidentiality IN "
                f"({','.join('?' * len(levels))})",
                levels,
            )
        }

    def rows_in_scope(self, scope: Scope) -> npt.NDArray[np.int64] | None:
        """Return the passages that a scope allows, ascending; None when it limits nothing.

        A value that matches no document matches no passage: filters fail closed. The array is
        kept, and isn't to be written to, until anything at all changes in the catalogue.
        """
        if scope.unlimited:
            return None
        connection = self.connection
        # What other connections committed, of whatever process, and what this one did: a level
        # of confidentiality that changed is seen by the next question.
        state = (
            connection.execute("PRAGMA data_version").fetchone()[0],
            connection.total_changes,
        )
        kept: tuple[object, dict[Scope, npt.NDArray[np.int64]]] = getattr(
            self._local, "scopes", (None, {})
        )
        if kept[0] != state or len(kept[1]) >= _KEPT_SCOPES:
            kept = (state, {})
            self._local.scopes = kept
        if scope not in kept[1]:
            kept[1][scope] = self._rows_in_scope(scope)
        return kept[1][scope]

    def _rows_in_scope(self, scope: Scope) -> npt.NDArray[np.int64]:
        wheres: list[str] = []
        values: list[object] = []
        for column, wanted in (
            ("passage.language", scope.languages),
            ("kind", scope.kinds),
            ("collection", scope.collections),
            ("confidentiality", scope.confidentiality),
            ("document.id", scope.documents),
        ):
            if wanted:
                wheres.append(f"{column} IN ({','.join('?' * len(wanted))})")
                values += sorted(wanted)
        if scope.cities:
            wheres.append(f"casefold(city) IN ({','.join('?' * len(scope.cities))})")
            values += sorted(city.casefold() for city in scope.cities)
        if scope.themes:
            # A passage is reached by its document's themes and by its own: in a report on
            # water, what one section says of energy.
            marks = ",".join("?" * len(scope.themes))
            wheres.append(
                f"(document.id IN (SELECT document_id FROM document_theme WHERE theme IN ({marks}))"
                " OR EXISTS (SELECT 1 FROM passage_theme WHERE passage_row = passage.row "
                f"AND theme IN ({marks})))"
            )
            values += sorted(scope.themes) * 2
        if scope.years is not None:
            wheres.append("year BETWEEN ? AND ?")
            values += scope.years
        if scope.samples is not None:
            wheres.append("sample = ?")
            values.append(int(scope.samples))
        self.connection.create_function(
            "casefold", 1, lambda value: value.casefold() if value else value, deterministic=True
        )
        found = self.connection.execute(
            "SELECT passage.row FROM passage JOIN document ON document.id = document_id WHERE "
            + " AND ".join(wheres)
            + " ORDER BY passage.row",
            values,
        ).fetchall()
        rows = np.array([row[0] for row in found], dtype=np.int64)
        rows.setflags(write=False)
        return rows


def occurrences(
    connection: sqlite3.Connection, table: str, term: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """Return where a term occurs by an ``fts5vocab`` table: rows, and 0 body or 1 context."""
    row = connection.execute(
        f"SELECT group_concat(doc), group_concat(col = 'context') FROM {table} WHERE term = ?",
        (term,),
    ).fetchone()
    if row is None or row[0] is None:
        return np.empty(0, np.int64), np.empty(0, np.int8)
    # Seven times as quick as splitting the text and reading the parts.
    return (
        np.fromstring(row[0], dtype=np.int64, sep=","),
        np.fromstring(row[1], dtype=np.int8, sep=","),
    )


def chunks(rows: Sequence[int], size: int) -> Iterator[list[int]]:
    """Return the rows in lists of at most ``size``."""
    values = [int(row) for row in rows]
    for at in range(0, len(values), size):
        yield values[at : at + size]
