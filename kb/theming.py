"""Themes of documents, passages and projects: guessed, kept, and corrected by hand.

A passage's themes are guessed from its text and vector; a document's are those that enough of
its passages are about, unless its metadata names some; a project's are guessed from its whole
text, unless its registry names some. A correction says that a theme belongs to something or
doesn't, whoever named it. Those of documents are kept by source, so they hold when the file
changes and is taken in again. Guessing takes half a millisecond a passage: it is done at the end
of every ingestion, import and reindexing.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

import numpy as np

from kb.catalogue import Catalogue
from kb.classifying import WEIGHTS, ThemeClassifier, chosen
from kb.embeddings import Embeddings
from kb.model import DocumentId, Language
from kb.projects import Projects
from kb.protocols import Matrix

_SHARE = 0.2
"""Of a document's passages that must be about a theme for the document to be."""

_MOST = 4
_BATCH = 200


class Theming:
    """Keeps the themes of a catalogue."""

    def __init__(
        self, catalogue: Catalogue, *, embeddings: Embeddings, classifier: ThemeClassifier
    ) -> None:
        self._catalogue = catalogue
        self._embeddings = embeddings
        self._classifier = classifier
        seeds = (files("kb") / "theme_seeds.toml").read_bytes()
        self._name = hashlib.sha256(
            seeds + repr(WEIGHTS).encode() + embeddings.fingerprint.encode()
        ).hexdigest()[:16]

    def guess(
        self, texts: Sequence[str], languages: Sequence[Language], vectors: Matrix
    ) -> list[tuple[str, ...]]:
        """Return the themes of passages, the surest first; ``vectors`` are their raw ones."""
        return self._classifier.guess(texts, languages, vectors)

    # -- documents ----------------------------------------------------------------------------

    def guess_documents(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Guess themes of documents whose passages all have vectors; return of how many.

        What was guessed by the same seeds and model isn't guessed again.
        """
        connection = self._catalogue.connection
        ids = [
            DocumentId(r[0])
            for r in connection.execute(
                "SELECT id FROM document WHERE NOT EXISTS (SELECT 1 FROM themed "
                "WHERE item = 'document:' || id AND classifier = ?) "
                "AND NOT EXISTS (SELECT 1 FROM passage WHERE document_id = id AND NOT EXISTS "
                "(SELECT 1 FROM embedding WHERE model = ? AND embedding.digest = passage.digest))",
                (self._name, self._embeddings.model),
            )
        ]
        for done, document_id in enumerate(ids, 1):
            self._guess_document(document_id)
            if progress is not None:
                progress(done, len(ids))
        self._correct_documents(changed=bool(ids))
        return len(ids)

    def _guess_document(self, document_id: DocumentId) -> None:
        document = self._catalogue.document(document_id)
        rows, vectors = self._embeddings.vectors(
            "passage", self._catalogue.passage_rows(document_id)
        )
        passages = self._catalogue.passages(rows.tolist())
        texts = [document.text[passages[r].start : passages[r].end] for r in rows.tolist()]
        spoken = [passages[row].language for row in rows.tolist()]
        scores = self._classifier.scores(texts, spoken, vectors)
        guessed = [chosen(values, WEIGHTS) for values in scores]
        with self._catalogue.transaction() as connection:
            for row, values, names in zip(rows.tolist(), scores, guessed, strict=True):
                connection.execute("DELETE FROM passage_theme WHERE passage_row = ?", (row,))
                connection.executemany(
                    "INSERT INTO passage_theme VALUES (?, ?, ?)",
                    [(row, theme, float(values.max())) for theme in names],
                )
            connection.execute(
                "DELETE FROM document_theme WHERE document_id = ? AND guessed", (document_id,)
            )
            if not self._told(connection, document_id):
                connection.executemany(
                    "INSERT OR IGNORE INTO document_theme VALUES (?, ?, 1)",
                    [(document_id, theme) for theme in main_themes(guessed)],
                )
            connection.execute(
                "INSERT OR REPLACE INTO themed VALUES (?, ?)",
                (f"document:{document_id}", self._name),
            )

    @staticmethod
    def _told(connection: sqlite3.Connection, document_id: str) -> bool:
        """Tell whether a file or manifest names themes of a document."""
        found = connection.execute(
            "SELECT 1 FROM document_theme WHERE document_id = ?1 AND NOT guessed AND theme NOT IN "
            "(SELECT theme FROM theme_correction JOIN source ON item = 'source:' || key "
            "WHERE document_id = ?1 AND belongs) LIMIT 1",
            (document_id,),
        )
        return found.fetchone() is not None

    def passage_themes(self, document_id: DocumentId) -> dict[int, tuple[str, ...]]:
        """Return the guessed themes of a document's passages by their rows."""
        found: dict[int, list[str]] = {}
        for r in self._catalogue.connection.execute(
            "SELECT passage_row, theme FROM passage_theme "
            "JOIN passage ON passage.row = passage_row WHERE document_id = ? ORDER BY passage_row",
            (document_id,),
        ):
            found.setdefault(r[0], []).append(r[1])
        return {row: tuple(names) for row, names in found.items()}

    def _correct_documents(self, *, changed: bool) -> None:
        """Put the corrections into effect; ``changed`` when guesses were made just now."""
        with self._catalogue.transaction() as connection:
            for r in connection.execute(
                "SELECT document_id, theme, belongs FROM theme_correction JOIN source "
                "ON theme_correction.item = 'source:' || source.key WHERE document_id IS NOT NULL"
            ).fetchall():
                changed |= self._correct_document(connection, r[0], r[1], belongs=bool(r[2]))
            if changed:
                self._catalogue.raise_generation()
        if changed:
            self._catalogue.forget_documents()

    @staticmethod
    def _correct_document(
        connection: sqlite3.Connection, document_id: str, theme: str, *, belongs: bool
    ) -> bool:
        if belongs:
            return bool(
                connection.execute(
                    "INSERT OR IGNORE INTO document_theme (document_id, theme) VALUES (?, ?)",
                    (document_id, theme),
                ).rowcount
            )
        # What a document isn't about, none of its passages is filtered by.
        return any(
            [
                connection.execute(
                    "DELETE FROM document_theme WHERE document_id = ? AND theme = ?",
                    (document_id, theme),
                ).rowcount,
                connection.execute(
                    "DELETE FROM passage_theme WHERE theme = ? AND passage_row IN "
                    "(SELECT row FROM passage WHERE document_id = ?)",
                    (theme, document_id),
                ).rowcount,
            ]
        )

    # -- projects -------------------------------------------------------------------------------

    def guess_projects(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Guess themes of projects that have vectors and weren't guessed yet; return how many."""
        projects = Projects(self._catalogue)
        connection = self._catalogue.connection
        rows = [
            r[0]
            for r in connection.execute(
                "SELECT row FROM project WHERE terms >= 0 AND NOT EXISTS (SELECT 1 FROM themed "
                "WHERE item = 'project:' || id || ':' || hex(project.digest) AND classifier = ?) "
                "ORDER BY row",
                (self._name,),
            )
        ]
        for at in range(0, len(rows), _BATCH):
            self._guess_projects(projects, rows[at : at + _BATCH])
            if progress is not None:
                progress(min(at + _BATCH, len(rows)), len(rows))
        self._correct_projects(projects, changed=bool(rows))
        return len(rows)

    def _guess_projects(self, projects: Projects, rows: Sequence[int]) -> None:
        parts, matrix = projects.vectors(self._embeddings, "passage", rows)
        places: dict[int, list[int]] = {}
        for at, part in enumerate(parts):
            places.setdefault(part.project_row, []).append(at)
        found = {row: one for row, one in projects.by_rows(rows).items() if row in places}
        if not found:
            return
        texts: list[str] = []
        spoken: list[Language] = []
        means: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []
        for row, project in found.items():
            texts.append(f"{project.text}\n{'; '.join(project.keywords)}")
            spoken.append(project.language)
            mean = matrix[places[row]].mean(axis=0)
            means.append(mean / max(float(np.linalg.norm(mean)), 1e-9))
        scores = self._classifier.scores(texts, spoken, np.array(means, dtype=np.float32))
        with self._catalogue.transaction() as connection:
            for (row, project), values in zip(found.items(), scores, strict=True):
                digest = connection.execute(
                    "SELECT hex(digest) FROM project WHERE row = ?", (row,)
                ).fetchone()[0]
                connection.execute(
                    "DELETE FROM project_theme WHERE project_row = ? AND guessed", (row,)
                )
                told = connection.execute(
                    "SELECT 1 FROM project_theme WHERE project_row = ? AND theme NOT IN "
                    "(SELECT theme FROM theme_correction WHERE item = ? AND belongs) LIMIT 1",
                    (row, f"project:{project.id}"),
                ).fetchone()
                if told is None:
                    connection.executemany(
                        "INSERT OR IGNORE INTO project_theme VALUES (?, ?, ?, 1)",
                        [(row, theme, float(values.max())) for theme in chosen(values, WEIGHTS)],
                    )
                connection.execute(
                    "DELETE FROM themed WHERE item >= ? AND item < ?",
                    (f"project:{project.id}:", f"project:{project.id};"),
                )
                connection.execute(
                    "INSERT OR REPLACE INTO themed VALUES (?, ?)",
                    (f"project:{project.id}:{digest}", self._name),
                )

    def _correct_projects(self, projects: Projects, *, changed: bool) -> None:
        with self._catalogue.transaction() as connection:
            for r in connection.execute(
                "SELECT project.row, theme, belongs FROM theme_correction JOIN project "
                "ON theme_correction.item = 'project:' || project.id"
            ).fetchall():
                changed |= bool(
                    connection.execute(
                        "INSERT OR IGNORE INTO project_theme (project_row, theme, score) "
                        "VALUES (?, ?, 1)"
                        if r[2]
                        else "DELETE FROM project_theme WHERE project_row = ? AND theme = ?",
                        (r[0], r[1]),
                    ).rowcount
                )
            if changed:
                projects.raise_generation()

    # -- by hand --------------------------------------------------------------------------------

    def correct(
        self,
        changes: Mapping[str, bool],
        *,
        document: DocumentId | None = None,
        project: str | None = None,
    ) -> None:
        """Say of a document or project which themes belong to it (True) and which don't.

        Raises NotFound when it isn't there.
        """
        items: list[str] = []
        if document is not None:
            self._catalogue.document(document)
            items += [
                f"source:{r[0]}"
                for r in self._catalogue.connection.execute(
                    "SELECT key FROM source WHERE document_id = ?", (document,)
                )
            ]
        projects = Projects(self._catalogue)
        if project is not None:
            items.append(f"project:{projects.get(project).id}")
        with self._catalogue.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO theme_correction VALUES (?, ?, ?)",
                [
                    (item, theme, int(belongs))
                    for item in items
                    for theme, belongs in changes.items()
                ],
            )
        self._correct_documents(changed=False)
        self._correct_projects(projects, changed=False)


def main_themes(passages: Sequence[Sequence[str]]) -> list[str]:
    """Return the themes that enough of a document's passages are about, the commonest first."""
    counted = Counter(theme for names in passages for theme in names)
    return [theme for theme, count in counted.most_common(_MOST) if count >= _SHARE * len(passages)]
