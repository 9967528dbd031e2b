"""Where projects of registries are kept and looked up.

Records live in the catalogue; a record is known by its registry and the registry's id, or, where
there is none, by a digest of its title and start, so that an export that is imported again
changes records and doubles none.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np
import numpy.typing as npt

from kb.analysis.engines import index_terms
from kb.catalogue import Catalogue, text_digest
from kb.database import now
from kb.embeddings import Embeddings, Pending
from kb.errors import NotFound
from kb.model import LANGUAGES, DocumentId, Span
from kb.passages import chunks, occurrences
from kb.project import Partner, Project, folded, folded_partner, merged, passage_spans
from kb.protocols import Matrix

PartKind = Literal["passage", "sentence"]
Outcome = Literal["imported", "updated", "unchanged"]

_NOT_INDEXED = -1
"""The length in terms of a project whose words and parts aren't indexed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFilter:
    """What a list of projects is limited to; empty fields limit nothing, values are any-of.

    ``places`` match a city, region or country of the project or of a partner; ``years`` those
    in which it runs; every word of ``find`` stands in the title, acronym or registry's id.
    """

    registries: frozenset[str] = frozenset()
    programmes: frozenset[str] = frozenset()
    themes: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    partners: frozenset[str] = frozenset()
    years: tuple[int, int] | None = None
    find: str = ""

    @property
    def unlimited(self) -> bool:
        """True when every project is allowed."""
        return self == ProjectFilter()


@dataclass(frozen=True, slots=True)
class Part:
    """A span of a project's text that has a vector."""

    project_row: int
    span: Span


class Projects:
    """The projects of a catalogue. Safe between threads."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    @property
    def generation(self) -> int:
        """A number that rises with every change of a project."""
        return int(self.catalogue.get_meta("projects:generation") or b"0")

    def raise_generation(self) -> None:
        """Tell every reader that a project changed."""
        self.catalogue.set_meta("projects:generation", str(self.generation + 1).encode())

    def __len__(self) -> int:
        count: int = self.catalogue.connection.execute("SELECT count(*) FROM project").fetchone()[0]
        return count

    # -- in -----------------------------------------------------------------------------------

    def put(self, projects: Sequence[Project], *, merge: Iterable[str] = ()) -> list[Outcome]:
        """Put projects in as one transaction; return what became of each.

        Those whose ids are among ``merge`` join what is there instead of taking its place:
        rows of one project that stand apart in one file.
        """
        joining = set(merge)
        outcomes: list[Outcome] = []
        with self.catalogue.transaction() as connection:
            for given in projects:
                there = connection.execute(
                    "SELECT row, digest FROM project WHERE id = ?", (given.id,)
                ).fetchone()
                joined = there is not None and given.id in joining
                project = merged(self.get(given.id), given) if joined else given
                digest = _digest(project)
                if there is None:
                    self._insert(connection, project, digest)
                    outcomes.append("imported")
                elif bytes(there["digest"]) == digest:
                    outcomes.append("unchanged")
                else:
                    self._replace(connection, there["row"], project, digest)
                    outcomes.append("updated")
            if any(outcome != "unchanged" for outcome in outcomes):
                self.raise_generation()
        return outcomes

    def outcome(self, project: Project) -> Outcome:
        """Return what putting a project in would do."""
        there = self.catalogue.connection.execute(
            "SELECT digest FROM project WHERE id = ?", (project.id,)
        ).fetchone()
        if there is None:
            return "imported"
        return "unchanged" if bytes(there["digest"]) == _digest(project) else "updated"

    def _insert(self, connection: sqlite3.Connection, project: Project, digest: bytes) -> None:
        columns = _columns(project, digest)
        marks = ", ".join(f":{name}" for name in columns)
        row = connection.execute(
            f"INSERT INTO project (id, {', '.join(columns)}) VALUES (:id, {marks})",
            {"id": project.id, **columns},
        ).lastrowid
        self._put_rest(connection, row or 0, project)

    def _replace(
        self, connection: sqlite3.Connection, row: int, project: Project, digest: bytes
    ) -> None:
        columns = _columns(project, digest)
        connection.execute(
            f"UPDATE project SET {', '.join(f'{name} = :{name}' for name in columns)} "
            "WHERE row = :row",
            {"row": row, **columns},
        )
        for table in ("project_partner", "project_theme"):
            connection.execute(f"DELETE FROM {table} WHERE project_row = ?", (row,))
        # Until it is indexed anew, spans of the old text mustn't be shown in the new one.
        connection.execute("DELETE FROM project_part WHERE project_row = ?", (row,))
        connection.execute("DELETE FROM project_term WHERE rowid = ?", (row,))
        self._put_rest(connection, row, project)

    def _put_rest(self, connection: sqlite3.Connection, row: int, project: Project) -> None:
        connection.executemany(
            "INSERT INTO project_partner VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    row,
                    place,
                    partner.name,
                    folded_partner(partner.name),
                    int(partner.leads),
                    partner.kind,
                    partner.city,
                    partner.region,
                    partner.country,
                    partner.budget,
                )
                for place, partner in enumerate(project.partners)
            ],
        )
        connection.executemany(
            "INSERT OR IGNORE INTO project_theme (project_row, theme, score) VALUES (?, ?, 1)",
            [(row, theme) for theme in project.themes],
        )
        # What was corrected by hand holds whatever the registry says now.
        connection.execute(
            "DELETE FROM project_theme WHERE project_row = ? AND theme IN "
            "(SELECT theme FROM theme_correction WHERE item = ? AND NOT belongs)",
            (row, f"project:{project.id}"),
        )
        connection.execute(
            "INSERT OR IGNORE INTO project_theme (project_row, theme, score) "
            "SELECT ?, theme, 1 FROM theme_correction WHERE item = ? AND belongs",
            (row, f"project:{project.id}"),
        )

    def remove(self, ids: Iterable[str]) -> int:
        """Remove projects; return how many there were."""
        removed = 0
        with self.catalogue.transaction() as connection:
            for project_id in ids:
                found = connection.execute(
                    "SELECT row FROM project WHERE id = ?", (project_id,)
                ).fetchone()
                if found is not None:
                    connection.execute("DELETE FROM project_term WHERE rowid = ?", (found[0],))
                    connection.execute("DELETE FROM project WHERE row = ?", (found[0],))
                    removed += 1
            if removed:
                self.raise_generation()
        return removed

    # -- out ----------------------------------------------------------------------------------

    def get(self, project_id: str) -> Project:
        """Return a project; raises NotFound."""
        row = self.catalogue.connection.execute(
            "SELECT row FROM project WHERE id = ?", (project_id,)
        ).fetchone()
        if row is None:
            raise NotFound("not_found_project", id=project_id)
        return self.by_rows([row[0]])[row[0]]

    def row_of(self, project_id: str) -> int:
        """Return the row of a project; raises NotFound."""
        row = self.catalogue.connection.execute(
            "SELECT row FROM project WHERE id = ?", (project_id,)
        ).fetchone()
        if row is None:
            raise NotFound("not_found_project", id=project_id)
        return int(row[0])

    def by_rows(self, rows: Sequence[int]) -> dict[int, Project]:
        """Return projects by their rows; rows that aren't there are left out."""
        found: dict[int, Project] = {}
        connection = self.catalogue.connection
        for chunk in chunks(rows, 500):
            marks = ",".join("?" * len(chunk))
            partners: dict[int, list[Partner]] = {}
            for r in connection.execute(
                f"SELECT * FROM project_partner WHERE project_row IN ({marks}) "
                "ORDER BY project_row, place",
                chunk,
            ):
                partners.setdefault(r["project_row"], []).append(_partner(r))
            themes: dict[int, list[str]] = {}
            for r in connection.execute(
                f"SELECT project_row, theme FROM project_theme WHERE project_row IN ({marks}) "
                "ORDER BY project_row, score DESC, theme",
                chunk,
            ):
                themes.setdefault(r[0], []).append(r[1])
            for r in connection.execute(f"SELECT * FROM project WHERE row IN ({marks})", chunk):
                found[r["row"]] = _project(r, partners.get(r["row"], []), themes.get(r["row"], []))
        return found

    def rows(self, wanted: ProjectFilter | None = None) -> npt.NDArray[np.int64]:
        """Return the rows of the projects that a filter allows, ascending."""
        wheres: list[str] = []
        values: list[object] = []
        given = wanted or ProjectFilter()
        for column, names in (("registry", given.registries), ("programme", given.programmes)):
            if names:
                wheres.append(f"folded({column}) IN ({','.join('?' * len(names))})")
                values += sorted(folded(name) for name in names)
        if given.themes:
            wheres.append(
                "row IN (SELECT project_row FROM project_theme WHERE theme IN "
                f"({','.join('?' * len(given.themes))}))"
            )
            values += sorted(given.themes)
        if given.places:
            marks = ",".join("?" * len(given.places))
            columns = ("city", "region", "country")
            own = " OR ".join(f"folded({column}) IN ({marks})" for column in columns)
            wheres.append(
                f"({own} OR row IN (SELECT project_row FROM project_partner WHERE {own}))"
            )
            values += sorted(folded(place) for place in given.places) * 6
        if given.partners:
            wheres.append(
                "row IN (SELECT project_row FROM project_partner WHERE folded IN "
                f"({','.join('?' * len(given.partners))}))"
            )
            values += sorted(folded_partner(name) for name in given.partners)
        if given.years is not None:
            wheres.append("first_year <= ? AND last_year >= ?")
            values += [given.years[1], given.years[0]]
        for word in folded(given.find).split():
            named = "title || ' ' || coalesce(acronym, '') || ' ' || coalesce(registry_id, '')"
            wheres.append(f"instr(folded({named}), ?)")
            values.append(word)
        connection = self.catalogue.connection
        connection.create_function(
            "folded", 1, lambda value: folded(value) if value else value, deterministic=True
        )
        where = f"WHERE {' AND '.join(wheres)}" if wheres else ""
        found = connection.execute(f"SELECT row FROM project {where} ORDER BY row", values)
        return np.array([r[0] for r in found], dtype=np.int64)

    def documents_of(self, project: Project) -> list[DocumentId]:
        """Return the documents whose metadata name the project: by id, acronym or title."""
        names = {
            folded(name)
            for name in (project.id, project.registry_id, project.acronym, project.title)
            if name
        }
        return [
            DocumentId(r[0])
            for r in self.catalogue.connection.execute(
                "SELECT id, project FROM document WHERE project IS NOT NULL ORDER BY title"
            )
            if folded(r[1]) in names
        ]

    # -- terms: what kb.lexical scores ------------------------------------------------------------

    def passage_table(
        self,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int8]]:
        """Return every project's row, ascending, length in terms and place in ``LANGUAGES``."""
        found = self.catalogue.connection.execute(
            "SELECT row, terms, language FROM project WHERE terms >= 0 ORDER BY row"
        ).fetchall()
        places = {name: place for place, name in enumerate(LANGUAGES)}
        return (
            np.array([r[0] for r in found], dtype=np.int64),
            np.array([r[1] for r in found], dtype=np.int32),
            np.array([places[r[2]] for r in found], dtype=np.int8),
        )

    def postings(self, term: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
        """Return where a term occurs: rows (repeated by count) and 0 body, 1 title or keyword."""
        return occurrences(self.catalogue.connection, "project_term_instance", term)

    # -- vectors --------------------------------------------------------------------------------

    def index(self, *, limit: int = 200) -> int:
        """Index the words of projects that wait for it and cut their texts; return how many.

        Done after the import and before embedding, not in the import: analysing the words
        takes four times as long as all the rest of it.
        """
        connection = self.catalogue.connection
        rows = [
            r[0]
            for r in connection.execute(
                "SELECT row FROM project WHERE terms = ? ORDER BY row LIMIT ?",
                (_NOT_INDEXED, limit),
            )
        ]
        if not rows:
            return 0
        analysed = [(row, project, _terms(project)) for row, project in self.by_rows(rows).items()]
        with self.catalogue.transaction():
            for row, project, (body, context) in analysed:
                connection.execute("DELETE FROM project_term WHERE rowid = ?", (row,))
                connection.execute(
                    "INSERT INTO project_term (rowid, body, context) VALUES (?, ?, ?)",
                    (row, " ".join(body), " ".join(context)),
                )
                connection.execute(
                    "UPDATE project SET terms = ? WHERE row = ?", (len(body) + len(context), row)
                )
                self._cut(connection, row, project)
            self.raise_generation()
        return len(rows)

    def waiting(self) -> int:
        """Return how many projects aren't indexed yet."""
        count: int = self.catalogue.connection.execute(
            "SELECT count(*) FROM project WHERE terms = ?", (_NOT_INDEXED,)
        ).fetchone()[0]
        return count

    @staticmethod
    def _cut(connection: sqlite3.Connection, row: int, project: Project) -> None:
        passages, sentences = passage_spans(project.text, project.language)
        connection.execute("DELETE FROM project_part WHERE project_row = ?", (row,))
        connection.executemany(
            "INSERT INTO project_part (project_row, kind, start, end, digest) "
            "VALUES (?, ?, ?, ?, ?)",
            [
                (row, kind, s.start, s.end, text_digest(project.text[s.start : s.end]))
                for kind, spans in (("passage", passages), ("sentence", sentences))
                for s in spans
            ],
        )

    def pending(self, embeddings: Embeddings, *, limit: int) -> list[Pending]:
        """Return parts whose text has no vector of the model yet, each text once."""
        waiting: dict[bytes, Pending] = {}
        rows = self.catalogue.connection.execute(
            "SELECT project_part.row, project_part.digest, project_row, project_part.start, "
            "project_part.end FROM project_part LEFT JOIN embedding "
            "ON embedding.digest = project_part.digest AND model = ? "
            "WHERE embedding.row IS NULL ORDER BY kind, project_part.row LIMIT ?",
            (embeddings.model, limit),
        ).fetchall()
        texts = {
            row: project.text
            for row, project in self.by_rows(sorted({r["project_row"] for r in rows})).items()
        }
        for r in rows:
            digest = bytes(r["digest"])
            text = texts[r["project_row"]][r["start"] : r["end"]]
            waiting.setdefault(digest, Pending(row=r["row"], digest=digest, text=text))
        return list(waiting.values())

    def pending_count(self, embeddings: Embeddings) -> int:
        """Return how many parts have no vector of the model yet."""
        count: int = self.catalogue.connection.execute(
            "SELECT count(*) FROM project_part WHERE NOT EXISTS (SELECT 1 FROM embedding "
            "WHERE embedding.model = ? AND embedding.digest = project_part.digest)",
            (embeddings.model,),
        ).fetchone()[0]
        return count

    def has_themes(self) -> bool:
        """Return whether any project has a theme."""
        found = self.catalogue.connection.execute("SELECT 1 FROM project_theme LIMIT 1")
        return found.fetchone() is not None

    def told_themes(self, rows: Sequence[int]) -> dict[int, frozenset[str]]:
        """Return the themes of projects that registries or people named: guessed ones aren't."""
        found: dict[int, set[str]] = {}
        for chunk in chunks(rows, 500):
            for r in self.catalogue.connection.execute(
                "SELECT project_row, theme FROM project_theme WHERE NOT guessed "
                f"AND project_row IN ({','.join('?' * len(chunk))})",
                chunk,
            ):
                found.setdefault(r[0], set()).add(r[1])
        return {row: frozenset(names) for row, names in found.items()}

    def told_themes_of_document(self, document_id: str) -> frozenset[str]:
        """Return the themes of a document that its file, a manifest or people named."""
        return frozenset(
            r[0]
            for r in self.catalogue.connection.execute(
                "SELECT theme FROM document_theme WHERE document_id = ? AND NOT guessed",
                (document_id,),
            )
        )

    def vectors_of(
        self, embeddings: Embeddings, texts: Sequence[str]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Return the vectors of those texts that have one, whatever they are parts of."""
        digests = {text_digest(text): text for text in texts}
        found = self.catalogue.connection.execute(
            "SELECT digest, vector FROM embedding WHERE model = ? AND digest IN "
            f"({','.join('?' * len(digests))})",
            (embeddings.model, *digests),
        )
        return {
            digests[bytes(r[0])]: np.frombuffer(r[1], dtype="<f2").astype(np.float32) for r in found
        }

    def names(self) -> dict[str, int]:
        """Return the places and partners of all projects, as compared: how many name each."""
        found: dict[str, int] = {}
        connection = self.catalogue.connection

        def note(name: str, projects: int) -> None:
            # A country stands with a project and with its partners: the most of them tells.
            found[name] = max(found.get(name, 0), projects)

        for column in ("city", "region", "country"):
            for table, row in (("project", "row"), ("project_partner", "project_row")):
                for r in connection.execute(
                    f"SELECT {column}, count(DISTINCT {row}) FROM {table} "
                    f"WHERE {column} IS NOT NULL GROUP BY {column}"
                ):
                    note(folded(r[0]), r[1])
        for r in connection.execute(
            "SELECT folded, count(DISTINCT project_row) FROM project_partner GROUP BY folded"
        ):
            note(r[0], r[1])
        return found

    def vectors(
        self, embeddings: Embeddings, kind: PartKind, rows: Sequence[int] | None = None
    ) -> tuple[list[Part], Matrix]:
        """Return parts that have a vector, of some projects or of all, and a matrix of them."""
        select = (
            "SELECT project_row, project_part.start, project_part.end, vector FROM project_part "
            "CROSS JOIN embedding ON embedding.digest = project_part.digest AND model = ? "
            "WHERE kind = ?"
        )
        connection = self.catalogue.connection
        found: list[sqlite3.Row] = []
        if rows is None:
            order = "ORDER BY project_row, project_part.row"
            found = connection.execute(f"{select} {order}", (embeddings.model, kind)).fetchall()
        else:
            for chunk in chunks(rows, 500):
                found += connection.execute(
                    f"{select} AND project_row IN ({','.join('?' * len(chunk))}) "
                    "ORDER BY project_row, project_part.row",
                    (embeddings.model, kind, *chunk),
                ).fetchall()
        parts = [Part(r[0], Span(r[1], r[2])) for r in found]
        if not found:
            return [], np.empty((0, 0), np.float32)
        matrix = np.frombuffer(b"".join(r[3] for r in found), dtype="<f2")
        return parts, matrix.reshape(len(found), -1).astype(np.float32)


def _terms(project: Project) -> tuple[list[str], list[str]]:
    """Return the terms of a project's description and results, and of its title and keywords."""
    return (
        index_terms(f"{project.description}\n{project.results}", project.language),
        index_terms(f"{project.title}\n{'; '.join(project.keywords)}", project.language),
    )


def _digest(project: Project) -> bytes:
    """Name what a record says; themes that were guessed later don't count."""
    told = json.dumps(asdict(project), ensure_ascii=False, sort_keys=True)
    return blake2b(told.encode("utf-8"), digest_size=16).digest()


def _columns(project: Project, digest: bytes) -> dict[str, object]:
    years = project.years or (None, None)
    return {
        "digest": digest,
        "registry": project.registry,
        "registry_id": project.registry_id,
        "title": project.title,
        "acronym": project.acronym,
        "description": project.description,
        "results": project.results,
        "keywords": json.dumps(project.keywords, ensure_ascii=False),
        "programme": project.programme,
        "call": project.call,
        "objective": project.objective,
        "status": project.status,
        "start": project.start,
        "end": project.end,
        "cost": project.cost,
        "contribution": project.contribution,
        "city": project.city,
        "region": project.region,
        "country": project.country,
        "url": project.url,
        "language": project.language,
        "first_year": years[0],
        "last_year": years[1],
        "terms": _NOT_INDEXED,
        "changed": now(),
    }


def _project(r: sqlite3.Row, partners: Sequence[Partner], themes: Sequence[str]) -> Project:
    return Project(
        registry=r["registry"],
        registry_id=r["registry_id"],
        title=r["title"],
        acronym=r["acronym"],
        description=r["description"],
        results=r["results"],
        keywords=tuple(json.loads(r["keywords"])),
        programme=r["programme"],
        call=r["call"],
        objective=r["objective"],
        status=r["status"],
        start=r["start"],
        end=r["end"],
        cost=r["cost"],
        contribution=r["contribution"],
        city=r["city"],
        region=r["region"],
        country=r["country"],
        url=r["url"],
        language=r["language"],
        partners=tuple(partners),
        themes=tuple(themes),
    )


def _partner(r: sqlite3.Row) -> Partner:
    return Partner(
        name=r["name"],
        leads=bool(r["leads"]),
        kind=r["kind"],
        city=r["city"],
        region=r["region"],
        country=r["country"],
        budget=r["budget"],
    )
