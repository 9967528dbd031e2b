"""What lists of projects show: pages of them, who takes part, and what they can be limited to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kb.passages import chunks
from kb.project import Project, ProjectId, folded_partner
from kb.projects import ProjectFilter, Projects
from kb.themes import themes


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerRow:
    """An organisation over all projects: how many, how many it led, on what and where."""

    name: str
    projects: int
    led: int
    themes: tuple[tuple[str, int], ...]
    places: tuple[str, ...]
    project_ids: tuple[ProjectId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChoices:
    """What a list of projects can be limited to; of long ones, the commonest, by name."""

    projects: int
    registries: tuple[str, ...] = ()
    programmes: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    years: tuple[int, int] | None = None


class ProjectLists:
    """Lists over the projects of a catalogue. Safe between threads."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._projects.catalogue.connection

    def page(
        self, wanted: ProjectFilter | None = None, *, limit: int = 100, offset: int = 0
    ) -> tuple[list[Project], int]:
        """Return projects by title, ``limit`` from ``offset``, and how many there are in all."""
        allowed = self._projects.rows(wanted).tolist()
        ordered = [
            r[0] for r in self._connection.execute("SELECT row FROM project ORDER BY title, id")
        ]
        inside = set(allowed)
        shown = [row for row in ordered if row in inside][offset : offset + limit]
        found = self._projects.by_rows(shown)
        return [found[row] for row in shown if row in found], len(allowed)

    def partners(
        self, wanted: ProjectFilter | None = None, *, limit: int = 100, named: str = ""
    ) -> list[PartnerRow]:
        """Return the organisations of the projects that a filter allows, most projects first.

        ``named`` limits them to those whose names have it in them.
        """
        part = folded_partner(named) if named else ""
        connection = self._connection
        rows = self._projects.rows(wanted).tolist()
        grouped: dict[str, list[sqlite3.Row]] = {}
        for chunk in chunks(rows, 500):
            for r in connection.execute(
                "SELECT project_partner.*, project.id AS project_id FROM project_partner "
                "JOIN project ON project.row = project_row "
                f"WHERE project_row IN ({','.join('?' * len(chunk))})",
                chunk,
            ):
                if part in r["folded"]:
                    grouped.setdefault(r["folded"], []).append(r)
        largest = sorted(
            grouped.values(),
            key=lambda rs: (-len({r["project_row"] for r in rs}), rs[0]["name"]),
        )[:limit]
        about = self._themes({r["project_row"] for rs in largest for r in rs})
        return [_partner_row(rs, about) for rs in largest]

    def _themes(self, rows: Iterable[int]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for chunk in chunks(sorted(rows), 500):
            for r in self._connection.execute(
                "SELECT project_row, theme FROM project_theme "
                f"WHERE project_row IN ({','.join('?' * len(chunk))})",
                chunk,
            ):
                found.setdefault(r[0], []).append(r[1])
        return found

    def partners_named(self, text: str) -> frozenset[str]:
        """Return the organisations that a name means, as they are compared.

        The one of that name; where there is none, those whose names have it in them.
        """
        wanted = folded_partner(text)
        found = self._connection.execute(
            "SELECT folded FROM project_partner WHERE folded = ? LIMIT 1", (wanted,)
        ).fetchall() or self._connection.execute(
            "SELECT DISTINCT folded FROM project_partner WHERE instr(folded, ?)", (wanted,)
        ).fetchall()  # fmt: skip
        return frozenset(r[0] for r in found) or frozenset({wanted})

    def named(self, text: str) -> ProjectId | None:
        """Return the project that an id, acronym or title means; None where none or several do."""
        wanted = text.strip()
        for where in ("id = ?1", "acronym = ?1 COLLATE NOCASE", "title = ?1 COLLATE NOCASE"):
            found = self._connection.execute(
                f"SELECT id FROM project WHERE {where} LIMIT 2", (wanted,)
            ).fetchall()
            if len(found) == 1:
                return ProjectId(found[0][0])
        if not wanted:
            return None
        rows = self._projects.rows(ProjectFilter(find=wanted)).tolist()
        return self._projects.by_rows(rows)[rows[0]].id if len(rows) == 1 else None

    def choices(self, most: int = 200) -> ProjectChoices:
        """Return what there is to choose from; at most so many values of each."""
        connection = self._connection

        def common(select: str) -> tuple[str, ...]:
            rows = connection.execute(
                f"SELECT name FROM ({select}) WHERE name <> '' GROUP BY name "
                "ORDER BY count(*) DESC, name LIMIT ?",
                (most,),
            )
            return tuple(sorted((r[0] for r in rows), key=str.casefold))

        columns = ("city", "region", "country")
        used = {r[0] for r in connection.execute("SELECT DISTINCT theme FROM project_theme")}
        first, last, count = connection.execute(
            "SELECT min(first_year), max(last_year), count(*) FROM project"
        ).fetchone()
        return ProjectChoices(
            projects=count,
            registries=common("SELECT registry AS name FROM project"),
            programmes=common("SELECT programme AS name FROM project"),
            themes=tuple(theme.id for theme in themes() if theme.id in used),
            places=common(
                " UNION ALL ".join(
                    f"SELECT {column} AS name FROM {table}"
                    for table in ("project", "project_partner")
                    for column in columns
                )
            ),
            partners=common("SELECT name FROM project_partner"),
            years=None if first is None else (first, last),
        )


def partner_json(partner: PartnerRow) -> dict[str, object]:
    """Return an organisation as it is published."""
    return {
        "name": partner.name,
        "projects": partner.projects,
        "led": partner.led,
        "themes": [{"theme": theme, "projects": count} for theme, count in partner.themes],
        "places": list(partner.places),
        "project_ids": list(partner.project_ids),
    }


def _partner_row(rows: Sequence[sqlite3.Row], themes: Mapping[int, Sequence[str]]) -> PartnerRow:
    names: dict[str, int] = {}
    places: dict[str, int] = {}
    counted: dict[str, int] = {}
    projects: dict[int, ProjectId] = {}
    led: set[int] = set()
    for r in rows:
        names[r["name"]] = names.get(r["name"], 0) + 1
        for place in (r["city"], r["region"], r["country"]):
            if place:
                places[place] = places.get(place, 0) + 1
        projects[r["project_row"]] = ProjectId(r["project_id"])
        if r["leads"]:
            led.add(r["project_row"])
    for row in projects:
        for theme in themes.get(row, ()):
            counted[theme] = counted.get(theme, 0) + 1
    return PartnerRow(
        name=max(names, key=lambda name: names[name]),
        projects=len(projects),
        led=len(led),
        themes=tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0]))),
        places=tuple(sorted(places, key=lambda place: -places[place])[:5]),
        project_ids=tuple(projects.values()),
    )
