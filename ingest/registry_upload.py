"""A registry's table that somebody sent: read where it can do no harm, seen, then imported.

The file goes through a sandboxed reader, which returns the table as lines of JSON: the columns,
then a row a line. That is kept in a folder of its own, together with the mapping that is being
corrected, until the table is imported or, as with other uploads that nobody finished, a day has
passed. Nothing that the sender named reaches the file system.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ingest.limits import Limits
from ingest.registry import (
    FORMATS,
    Format,
    ImportReport,
    import_table,
    index_later,
    named,
    proposal,
)
from ingest.registry_columns import FIELDS, ColumnMap, RegistryError
from ingest.registry_rows import Builder, RowNote, month_first
from ingest.registry_tables import SAMPLE, Table
from ingest.registry_values import Value, shown
from ingest.sandbox import ReaderPool
from kb.catalogue import Catalogue
from kb.errors import NotFound, StorageError
from kb.projects import Project

MOST_TOLD = 200
"""Rows that are told of at most, and counted beyond that."""

_CHECKED = 1000
"""Rows that are tried before the import."""

_LIMITS = Limits(seconds=60, text_chars=40_000_000)
_READER = "ingest.registry_reading:read"
_TELLABLE = {"projects_table", "projects_no_rows", "projects_many_rows", "projects_many_columns"}
_ID = re.compile(r"[0-9a-f]{16}")
_TABLE, _STATE = "table.jsonl", "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTable:
    """A table that was sent; ``examples`` are values of each column, in the columns' order.

    ``remembered``: the mapping is that of an earlier import. ``report`` is what an import made,
    as it was told in ``language``; None before it.
    """

    id: str
    name: str
    format: Format
    columns: tuple[str, ...] = ()
    examples: tuple[tuple[str, ...], ...] = ()
    mapping: ColumnMap
    remembered: bool = False
    report: Mapping[str, object] | None = None

    @property
    def usable(self) -> bool:
        """Whether the mapping says what a project is called."""
        return named(self.mapping)


@dataclass(frozen=True, slots=True)
class Preview:
    """What the first rows would become; ``complete``: those are all that there are."""

    projects: Sequence[Project]
    rejected: Sequence[RowNote]
    warnings: Sequence[RowNote]
    rows: int
    complete: bool


class SentTables:
    """The tables that were sent and wait, each in a folder below ``folder``."""

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        self._catalogue = catalogue
        self._folder = folder

    def take(self, table_id: str, stored: str, *, name: str, format: str) -> None:
        """Read the file ``stored`` of a table's folder; nothing of it is kept but the table.

        Raises RegistryError when it can't be read or is too large, UnreadableDocument when the
        reader had to be stopped.
        """
        if format not in FORMATS:
            raise RegistryError("projects_format", value=format[:40], possible=", ".join(FORMATS))
        folder = self._at(table_id)
        path = folder / stored
        with ReaderPool(workers=1, limits=_LIMITS, reader=_READER) as pool:
            text = pool.read(path, name=name).text
        path.unlink()
        head, _, rows = text.partition("\n")
        told = json.loads(head)
        if "error" in told:
            code = told["error"] if told["error"] in _TELLABLE else "projects_table"
            raise RegistryError(code, **{**told["params"], "path": name})
        try:
            (folder / _TABLE).write_text(rows, encoding="utf-8")
        except OSError as error:
            raise StorageError("storage", folder=folder, why=error) from error
        columns = tuple(told["columns"])
        first = list(islice(self._rows(table_id, columns), SAMPLE))
        mapping, remembered = proposal(self._catalogue, columns, first, format=format)
        self._write(
            SentTable(
                id=table_id,
                name=name,
                format=format,
                columns=columns,
                examples=tuple(_examples(column, first) for column in columns),
                mapping=mapping,
                remembered=remembered,
            )
        )

    def get(self, table_id: str) -> SentTable:
        """Return a table; raises NotFound."""
        try:
            record = json.loads((self._at(table_id) / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise NotFound(what="table", id=table_id) from error
        return SentTable(
            id=table_id,
            name=record["name"],
            format=record["format"],
            columns=tuple(record["columns"]),
            examples=tuple(tuple(some) for some in record["examples"]),
            mapping=ColumnMap({k: tuple(v) for k, v in record["mapping"].items()}),
            remembered=record["remembered"],
            report=record["report"],
        )

    def correct(self, table_id: str, fields: Mapping[int, str]) -> SentTable:
        """Say which field each column holds, by its place from 0; those left out hold none.

        Columns that held a field before stay before others of the field. Raises RegistryError
        for a field or column that isn't there, NotFound.
        """
        table = self.get(table_id)
        chosen: dict[str, list[str]] = {}
        for place, name in sorted(fields.items()):
            if name not in FIELDS:
                possible = ", ".join(FIELDS)
                raise RegistryError("projects_map_field", field=name[:40], possible=possible)
            if not 0 <= place < len(table.columns):
                possible = ", ".join(table.columns[:40])
                raise RegistryError("projects_map_column", column=place, possible=possible)
            chosen.setdefault(name, []).append(table.columns[place])
        columns: dict[str, tuple[str, ...]] = {}
        for name in FIELDS:
            if name in chosen:
                before = [c for c in table.mapping.columns.get(name, ()) if c in chosen[name]]
                columns[name] = tuple(dict.fromkeys([*before, *chosen[name]]))
        corrected = replace(
            table,
            mapping=ColumnMap(columns),
            remembered=table.remembered and columns == dict(table.mapping.columns),
        )
        self._write(corrected)
        return corrected

    def preview(self, table: SentTable, *, shown: int) -> Preview:
        """Return what the first rows would become, ``shown`` projects of them at most."""
        rows = self._rows(table.id, table.columns)
        first = list(islice(rows, _CHECKED))
        sample = [row for _, row in first[:SAMPLE] if not isinstance(row, str)]
        builder = Builder(
            table.format, table.mapping, month_first=month_first(table.mapping, sample)
        )
        projects: dict[str, Project] = {}
        rejected: list[RowNote] = []
        warnings: list[RowNote] = []
        for number, row in first:
            if isinstance(row, str):
                rejected.append(RowNote(number, row))
                continue
            project, notes = builder.project(number, row)
            warnings += notes
            if isinstance(project, RowNote):
                rejected.append(project)
            elif len(projects) < shown:
                projects.setdefault(project.id, project)
        return Preview(
            list(projects.values()), rejected, warnings, len(first), next(rows, None) is None
        )

    def import_(self, table_id: str, *, language: str) -> SentTable:
        """Import a table, once; call it with the writer's lock held.

        Raises NotFound, RegistryError where no column holds a title.
        """
        table = self.get(table_id)
        if table.report is not None:
            return table
        report = import_table(
            self._catalogue,
            Table(columns=table.columns, rows=self._rows(table_id, table.columns)),
            name=table.name,
            format=table.format,
            mapping=table.mapping,
        )
        index_later(self._catalogue)
        done = SentTable(
            id=table.id,
            name=table.name,
            format=table.format,
            mapping=table.mapping,
            report=_told(report, language),
        )
        self._write(done)
        with suppress(OSError):
            (self._at(table_id) / _TABLE).unlink()
        return done

    def forget(self, table_id: str) -> None:
        """Throw a table away that isn't to be imported; raises NotFound."""
        self.get(table_id)
        shutil.rmtree(self._at(table_id), ignore_errors=True)

    def _at(self, table_id: str) -> Path:
        if not _ID.fullmatch(table_id):
            raise NotFound(what="table", id=table_id[:40])
        return self._folder / table_id

    def _write(self, table: SentTable) -> None:
        record = {
            "name": table.name,
            "format": table.format,
            "columns": table.columns,
            "examples": table.examples,
            "mapping": table.mapping.to_json(),
            "remembered": table.remembered,
            "report": table.report,
        }
        folder = self._at(table.id)
        try:
            fresh = folder / f"{_STATE}.new"
            fresh.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
            fresh.replace(folder / _STATE)
        except OSError as error:
            raise StorageError("storage", folder=folder, why=error) from error

    def _rows(
        self, table_id: str, columns: Sequence[str]
    ) -> Iterator[tuple[int, Mapping[str, Value] | str]]:
        try:
            lines = (self._at(table_id) / _TABLE).open(encoding="utf-8", newline="\n")
        except OSError as error:
            raise NotFound(what="table", id=table_id) from error
        with lines:
            for line in lines:
                try:
                    number, row = json.loads(line)
                except RecursionError:
                    continue
                if isinstance(row, str):
                    yield number, row
                else:
                    yield number, dict(zip(columns, row, strict=False))


def _examples(
    column: str, rows: Sequence[tuple[int, Mapping[str, Value] | str]]
) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for _, row in rows:
        if isinstance(row, str):
            continue
        text = " ".join(shown(row.get(column))[:400].split())
        if text:
            found[text if len(text) <= 80 else f"{text[:79]}…"] = None
        if len(found) == 3:
            break
    return tuple(found)


def _told(report: ImportReport, language: str) -> dict[str, object]:
    def some(notes: Sequence[RowNote]) -> list[dict[str, object]]:
        return [{"row": n.row, "reason": n.text(language)} for n in notes[:MOST_TOLD]]

    return {
        **{str(name): count for name, count in report.outcomes.items()},
        "rejected": some(report.rejected),
        "rejected_count": len(report.rejected),
        "warnings": some(report.warnings),
        "warnings_count": len(report.warnings),
    }
