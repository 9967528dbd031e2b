"""A registry's table that somebody sent: read where it can do no harm, seen, then imported.

The file goes through a sandboxed reader, which returns the table as lines of JSON: the columns,
then a row a line. That is kept in a folder of its own, together with the mapping that is being
corrected, until a job of the queue has imported the table or, as with other uploads that nobody
finished, a day has passed. Nothing that the sender named reaches the file system.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ingest.limits import Limits
from ingest.registry import (
    FORMATS,
    Format,
    Imported,
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
from kb.project import Project, ProjectId
from kb.projects import Outcome

_CHECKED = 1000
"""Rows that are tried before the import."""

_LIMITS = Limits(seconds=60, text_chars=40_000_000)
_READER = "ingest.registry_reading:read"
_TELLABLE = {"projects_table", "projects_no_rows", "projects_many_rows", "projects_many_columns"}
_ID = re.compile(r"[0-9a-f]{16}")
_TABLE, _STATE, _BEGUN = "table.jsonl", "state.json", "begun.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTable:
    """A table that was sent; ``examples`` are values of each column, in the columns' order.

    ``rows`` is how many there are, ``size`` that of its file in bytes. ``remembered``: the mapping
    is that of an earlier import.
    """

    id: str
    name: str
    format: Format
    columns: tuple[str, ...] = ()
    examples: tuple[tuple[str, ...], ...] = ()
    mapping: ColumnMap
    remembered: bool = False
    rows: int = 0
    size: int = 0

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
        size = path.stat().st_size
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
                rows=rows.count("\n") + 1 if rows else 0,
                size=size,
            )
        )

    def get(self, table_id: str) -> SentTable:
        """Return a table; raises NotFound."""
        try:
            record = json.loads((self._at(table_id) / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise NotFound("not_found_table", id=table_id) from error
        return SentTable(
            id=table_id,
            name=record["name"],
            format=record["format"],
            columns=tuple(record["columns"]),
            examples=tuple(tuple(some) for some in record["examples"]),
            mapping=ColumnMap({k: tuple(v) for k, v in record["mapping"].items()}),
            remembered=record["remembered"],
            rows=record["rows"],
            size=record["size"],
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

    def import_(
        self, table_id: str, *, progress: Callable[[int, int], None] | None = None
    ) -> Imported:
        """Import a table; call it with the writer's lock held.

        ``progress`` is told how many rows are done, of how many. An import that was killed goes
        on when it is called again. Raises NotFound, RegistryError where no column holds a title.
        """
        table = self.get(table_id)
        begun = self._begun(table_id)

        def done(rows: int) -> None:
            # Without the file, what is in would be told as unchanged after a crash: no more.
            with suppress(StorageError):
                self._keep(table_id, _BEGUN, begun)
            if progress is not None:
                progress(rows, table.rows)

        # Before the first row: what a crash leaves is indexed too.
        index_later(self._catalogue)
        report = import_table(
            self._catalogue,
            Table(columns=table.columns, rows=self._rows(table_id, table.columns)),
            name=table.name,
            format=table.format,
            mapping=table.mapping,
            begun=begun,
            progress=done,
        )
        return Imported.of(report)

    def _begun(self, table_id: str) -> dict[ProjectId, Outcome]:
        try:
            text = (self._at(table_id) / _BEGUN).read_text(encoding="utf-8")
        except OSError:
            return {}
        known: dict[ProjectId, Outcome] = json.loads(text)
        return known

    def forget(self, table_id: str) -> None:
        """Throw a table away that isn't to be imported; raises NotFound."""
        self.get(table_id)
        shutil.rmtree(self._at(table_id), ignore_errors=True)

    def _at(self, table_id: str) -> Path:
        if not _ID.fullmatch(table_id):
            raise NotFound("not_found_table", id=table_id[:40])
        return self._folder / table_id

    def _write(self, table: SentTable) -> None:
        record = {
            "name": table.name,
            "format": table.format,
            "columns": table.columns,
            "examples": table.examples,
            "mapping": table.mapping.to_json(),
            "remembered": table.remembered,
            "rows": table.rows,
            "size": table.size,
        }
        self._keep(table.id, _STATE, record)

    def _keep(self, table_id: str, name: str, record: Mapping[Any, object]) -> None:
        folder = self._at(table_id)
        try:
            fresh = folder / f"{name}.new"
            fresh.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
            fresh.replace(folder / name)
        except OSError as error:
            raise StorageError("storage", folder=folder, why=error) from error

    def _rows(
        self, table_id: str, columns: Sequence[str]
    ) -> Iterator[tuple[int, Mapping[str, Value] | str]]:
        try:
            lines = (self._at(table_id) / _TABLE).open(encoding="utf-8", newline="\n")
        except OSError as error:
            raise NotFound("not_found_table", id=table_id) from error
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
