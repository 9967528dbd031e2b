"""What the sandbox does with a table that was sent: lines of JSON come back, or what is wrong."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from ingest.limits import Limits
from ingest.readers.package import Package
from ingest.reading import Reading
from ingest.registry_columns import RegistryError
from ingest.registry_tables import read_table
from ingest.registry_values import Value, shown

MOST_ROWS = 20_000
MOST_COLUMNS = 300
_LONGEST_CELL = 100_000


def read(path: Path, *, name: str = "", limits: Limits | None = None) -> Reading:
    """Return a table as a text: a line with its columns, then a row a line.

    What is wrong with it stands in the first line instead. Raises UnreadableDocument for an
    archive that unpacks to too much.
    """
    if zipfile.is_zipfile(path):
        with Package(path, limits=limits or Limits()):
            pass
    try:
        with read_table(path, name=name) as table:
            if len(table.columns) > MOST_COLUMNS:
                raise RegistryError(
                    "projects_many_columns", count=len(table.columns), limit=MOST_COLUMNS
                )
            lines = [json.dumps({"columns": table.columns}, ensure_ascii=False)]
            for number, row in table.rows:
                if len(lines) > MOST_ROWS:
                    raise RegistryError("projects_many_rows", limit=MOST_ROWS)
                lines.append(_line(number, row, table.columns))
    except RegistryError as error:
        params = {key: str(value)[:300] for key, value in error.params.items()}
        lines = [json.dumps({"error": error.code, "params": params})]
    return Reading(text="\n".join(lines), blocks=())


def _line(number: int, row: Mapping[str, Value] | str, columns: Sequence[str]) -> str:
    if isinstance(row, str):
        return json.dumps([number, row])
    try:
        cells = [row.get(column) for column in columns]
        if any(len(shown(cell)) > _LONGEST_CELL for cell in cells):
            return json.dumps([number, "long_cell"])
        return json.dumps([number, cells], ensure_ascii=False, default=_plain)
    except (RecursionError, ValueError):
        return json.dumps([number, "json"])


def _plain(value: object) -> str:
    return value.date().isoformat() if isinstance(value, datetime) else str(value)
