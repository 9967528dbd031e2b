"""Project registries to projects: CORDIS, keep.eu, EURA 2014/2021, and any other table.

A table (CSV of any delimiter and encoding, XLSX, JSON, JSON lines; nested too) is read row by
row. Which column holds what is proposed from the headers, in three languages, and from what
stands in the columns; the proposal can be seen, corrected and kept. A row that can't be used is
told with its number and the reason, and the rest is taken. Several rows of one project (one a
participant) become one project.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Literal

from ingest.registry_columns import ColumnMap, RegistryError, headers_digest, propose, read_map
from ingest.registry_rows import Builder, RowNote, month_first
from ingest.registry_tables import SAMPLE, Table, read_table
from ingest.registry_values import Value
from kb.assembly import open_theming
from kb.catalogue import Catalogue
from kb.knowledge_base import KnowledgeBase
from kb.project import Project, ProjectId, merged
from kb.projects import Outcome, Projects

Format = Literal["cordis", "keep", "eura", "table"]
Stage = Literal["words", "vectors"]
FORMATS: tuple[Format, ...] = ("cordis", "keep", "eura", "table")

MOST_TOLD = 200
"""Rows that are told of afterwards at most, and counted beyond that."""

_BATCH = 500
_EMBEDDED = 64


def _told(notes: Iterable[RowNote], language: str) -> list[dict[str, object]]:
    return [{"row": note.row, "reason": note.text(language)} for note in notes]


@dataclass(slots=True)
class ImportReport:
    """What became of an import; ``mapping`` is what was used."""

    mapping: ColumnMap
    outcomes: dict[Outcome, int] = field(
        default_factory=lambda: {"imported": 0, "updated": 0, "unchanged": 0}
    )
    rejected: list[RowNote] = field(default_factory=list)
    warnings: list[RowNote] = field(default_factory=list)
    dry_run: bool = False

    def to_json(self, language: str) -> dict[str, object]:
        """Return the object of the published interface."""
        return {
            "imported": self.outcomes["imported"],
            "updated": self.outcomes["updated"],
            "unchanged": self.outcomes["unchanged"],
            "rejected": _told(self.rejected, language),
            "warnings": _told(self.warnings, language),
            "mapping": self.mapping.to_json(),
            "dry_run": self.dry_run,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What is kept of an import: counts, and the first rows that something is wrong with."""

    imported: int
    updated: int
    unchanged: int
    rejected: tuple[RowNote, ...] = ()
    rejected_count: int = 0
    warnings: tuple[RowNote, ...] = ()
    warnings_count: int = 0

    @classmethod
    def of(cls, report: ImportReport) -> Imported:
        """Return what is kept of a report."""
        return cls(
            imported=report.outcomes["imported"],
            updated=report.outcomes["updated"],
            unchanged=report.outcomes["unchanged"],
            rejected=tuple(report.rejected[:MOST_TOLD]),
            rejected_count=len(report.rejected),
            warnings=tuple(report.warnings[:MOST_TOLD]),
            warnings_count=len(report.warnings),
        )

    def to_json(self, language: str = "en") -> dict[str, object]:
        """Return the object of the published interface."""
        return {
            "imported": self.imported,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": _told(self.rejected, language),
            "rejected_count": self.rejected_count,
            "warnings": _told(self.warnings, language),
            "warnings_count": self.warnings_count,
        }


def import_projects(
    catalogue: Catalogue,
    path: Path,
    *,
    format: Format = "table",
    map_file: Path | None = None,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import a table of projects; ``progress`` is told how many rows are done.

    The mapping is the one given, else the one kept for tables with the same headers, else the
    one proposed; what was used is kept. Nothing is written with ``dry_run``. Raises
    RegistryError when the table can't be read, has no column for a title, or the mapping names
    a column that isn't there.
    """
    with read_table(path) as table:
        mapping = None if map_file is None else read_map(map_file, table.columns)
        return import_table(
            catalogue,
            table,
            name=str(path),
            format=format,
            mapping=mapping,
            dry_run=dry_run,
            progress=progress,
        )


def import_table(
    catalogue: Catalogue,
    table: Table,
    *,
    name: str,
    format: Format = "table",
    mapping: ColumnMap | None = None,
    dry_run: bool = False,
    begun: dict[ProjectId, Outcome] | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import a table that is open, as ``import_projects`` does; ``name`` is what faults call it.

    ``begun`` is filled with what becomes of each project. Given again as it was at the last
    ``progress``, it lets an import that was killed go on, and tell all of what it did.
    """
    sample = list(islice(table.rows, SAMPLE))
    if mapping is None:
        mapping, _ = proposal(catalogue, table.columns, sample, format=format)
    if not named(mapping):
        shown = ", ".join(table.columns[:40])
        raise RegistryError("projects_no_title", path=name, columns=shown)
    if not dry_run:
        kept = json.dumps(mapping.to_json(), ensure_ascii=False)
        catalogue.set_meta(_kept_under(format, table.columns), kept.encode())
    records = [row for _, row in sample if not isinstance(row, str)]
    builder = Builder(format, mapping, month_first=month_first(mapping, records))
    report = ImportReport(mapping=mapping, dry_run=dry_run)
    seen = {} if begun is None else begun
    _run(Projects(catalogue), chain(sample, table.rows), builder, report, seen, progress)
    return report


def named(mapping: ColumnMap) -> bool:
    """Tell whether projects have a name by this mapping."""
    return "title" in mapping.columns or "acronym" in mapping.columns


def proposal(
    catalogue: Catalogue,
    columns: Sequence[str],
    sample: Sequence[tuple[int, Mapping[str, Value] | str]],
    *,
    format: Format,
) -> tuple[ColumnMap, bool]:
    """Return a mapping, and whether it is the one that was used for such a table before."""
    kept = catalogue.get_meta(_kept_under(format, columns))
    if kept is not None:
        wanted = {name: tuple(c) for name, c in json.loads(kept).items()}
        # Two tables can have headers that are compared as the same and written otherwise.
        if all(column in columns for named in wanted.values() for column in named):
            return ColumnMap(wanted), True
    return propose(columns, [row for _, row in sample if not isinstance(row, str)]), False


def _kept_under(format: Format, columns: Sequence[str]) -> str:
    return f"mapping:{format}:{headers_digest(columns)}"


def _run(
    projects: Projects,
    rows: Iterator[tuple[int, Mapping[str, Value] | str]],
    builder: Builder,
    report: ImportReport,
    seen: dict[ProjectId, Outcome],
    progress: Callable[[int], None] | None,
) -> None:
    batch: dict[ProjectId, Project] = {}
    for count, (number, row) in enumerate(rows, 1):
        if isinstance(row, str):
            report.rejected.append(RowNote(number, row))
            continue
        project, notes = builder.project(number, row)
        report.warnings += notes
        if isinstance(project, RowNote):
            report.rejected.append(project)
            continue
        known = batch.get(project.id)
        batch[project.id] = project if known is None else merged(known, project)
        if len(batch) >= _BATCH and known is None:
            _put(projects, batch, seen, report)
            batch.clear()
            if progress is not None:
                progress(count)
    _put(projects, batch, seen, report)
    for outcome in seen.values():
        report.outcomes[outcome] += 1


def _put(
    projects: Projects,
    batch: Mapping[ProjectId, Project],
    seen: dict[ProjectId, Outcome],
    report: ImportReport,
) -> None:
    """Put a batch in; a project that an earlier batch had joins it, and is counted once."""
    again = [project_id for project_id in batch if project_id in seen]
    if report.dry_run:
        outcomes = [projects.outcome(project) for project in batch.values()]
    else:
        outcomes = projects.put(list(batch.values()), merge=again)
    for project_id, outcome in zip(batch, outcomes, strict=True):
        if project_id not in seen or (seen[project_id] == "unchanged" and outcome == "updated"):
            seen[project_id] = outcome


# -- words and vectors ---------------------------------------------------------------------------


def index_projects(
    kb: KnowledgeBase,
    *,
    vectors: bool = True,
    progress: Callable[[Stage, int, int], None] | None = None,
) -> int:
    """Index the words of projects that wait for it, embed their parts and guess their themes.

    Returns how many texts were embedded; without ``vectors`` none is, and no theme guessed.
    ``progress`` is told the stage, what is done and how much there is in all. Can be stopped at
    any instant and begun again.
    """
    projects = Projects(kb.catalogue)
    waiting = projects.waiting()
    done = 0
    while indexed := projects.index():
        done += indexed
        if progress is not None:
            progress("words", done, max(done, waiting))
    if not vectors:
        return 0
    waiting = projects.pending_count(kb.embeddings)
    done = 0
    while embedded := _embed(kb, projects):
        done += embedded
        if progress is not None:
            progress("vectors", done, max(done, waiting))
    open_theming(kb).guess_projects()
    return done


def _embed(kb: KnowledgeBase, projects: Projects) -> int:
    """Embed some parts that wait; return how many."""
    batch = projects.pending(kb.embeddings, limit=_EMBEDDED)
    if batch:
        kb.embeddings.put_embeddings(
            digests=[item.digest for item in batch],
            vectors=kb.embedder().embed_passages([item.text for item in batch]),
        )
        projects.raise_generation()
    return len(batch)


_LATER = "projects:index-later"


def index_later(catalogue: Catalogue) -> None:
    """Have whoever serves the catalogue index projects when there is nothing else to do."""
    catalogue.set_meta(_LATER, b"1")


def indexes_later(catalogue: Catalogue) -> bool:
    """Tell whether projects wait for that."""
    return catalogue.get_meta(_LATER) == b"1"


def index_some(kb: KnowledgeBase) -> bool:
    """Do a few seconds' work of ``index_projects`` where it was asked for; tell if there was any.

    Call it with the writer's lock held.
    """
    if not indexes_later(kb.catalogue):
        return False
    projects = Projects(kb.catalogue)
    if not (projects.index() or _embed(kb, projects)):
        open_theming(kb).guess_projects()
        kb.catalogue.set_meta(_LATER, b"0")
    return True
