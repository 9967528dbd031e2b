"""Where documents came from: their sources, and the files that weren't taken in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kb.database import Database, now, put_row
from kb.errors import NotFound
from kb.model import DocumentId


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """Where a document came from and how it looked when it was read.

    ``root`` is the folder or file that was named when it was ingested; ``reader`` is the
    fingerprint of readers and splitter.
    """

    key: str
    root: str
    name: str
    digest: str
    size: int
    mtime_ns: int
    reader: str
    document_id: DocumentId | None = None
    metadata: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRecord:
    """A file that wasn't taken in, and why."""

    source: SourceRecord
    code: str
    params: Mapping[str, str]
    at: str
    ignored: bool = False


class Sources(Database):
    """The sources of documents and the rejected files. Safe to share between threads."""

    def touch_source(self, source: SourceRecord) -> None:
        """Note that a source looks different on disk though its content is the same."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM rejected WHERE key = ?", (source.key,))
            connection.execute(
                "UPDATE source SET size = ?, mtime_ns = ?, root = ? WHERE key = ?",
                (source.size, source.mtime_ns, source.root, source.key),
            )

    def reject(self, source: SourceRecord, *, code: str, params: Mapping[str, str]) -> None:
        """Note that a file can't be taken in; what an earlier version of it brought stays.

        A file that was told to be ignored stays so while its content is the same.
        """
        with self.transaction() as connection:
            connection.execute(
                "UPDATE rejected SET ignored = 0 WHERE key = ? AND (digest <> ? OR digest = '')",
                (source.key, source.digest),
            )
            put_row(
                connection,
                "rejected",
                key="key",
                values={
                    **source_columns(source),
                    "code": code,
                    "params": json.dumps(dict(params), ensure_ascii=False),
                    "at": now(),
                },
            )

    def sources(self, root: str | None = None) -> list[SourceRecord]:
        """Return the sources, or those that came in by one root."""
        where, values = ("WHERE root = ?", (root,)) if root is not None else ("", ())
        return [
            _source(row)
            for row in self.connection.execute(f"SELECT * FROM source {where} ORDER BY key", values)
        ]

    def source(self, key: str) -> SourceRecord | None:
        """Return one source."""
        row = self.connection.execute("SELECT * FROM source WHERE key = ?", (key,)).fetchone()
        return None if row is None else _source(row)

    def sources_of(self, document_id: DocumentId) -> list[SourceRecord]:
        """Return the sources that hold a document."""
        return [
            _source(row)
            for row in self.connection.execute(
                "SELECT * FROM source WHERE document_id = ? ORDER BY key", (document_id,)
            )
        ]

    def source_with(self, digest: str, *, reader: str) -> SourceRecord | None:
        """Return a source of this content that was read by these readers."""
        row = self.connection.execute(
            "SELECT * FROM source WHERE digest = ? AND reader = ? ORDER BY key LIMIT 1",
            (digest, reader),
        ).fetchone()
        return None if row is None else _source(row)

    def rejected(self) -> list[RejectedRecord]:
        """Return the files that weren't taken in."""
        return [
            _rejected(row)
            for row in self.connection.execute(f"SELECT {_REJECTED} FROM rejected ORDER BY key")
        ]

    def rejection(self, key: str) -> RejectedRecord | None:
        """Return why a file wasn't taken in, None when it wasn't rejected."""
        row = self.connection.execute(
            f"SELECT {_REJECTED} FROM rejected WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else _rejected(row)

    def read_rejected_again(self, keys: Sequence[str] = ()) -> None:
        """See that rejected files, those of the keys or all, are read by the next ingestion.

        Raises NotFound when one of the keys isn't a rejected file's.
        """
        self._change_rejected("reader = '', ignored = 0", keys)

    def ignore_rejected(self, keys: Sequence[str]) -> None:
        """Have the reports say no more of rejected files while they stay as they are.

        Raises NotFound when one of the keys isn't a rejected file's.
        """
        self._change_rejected("ignored = 1", keys)

    def _change_rejected(self, change: str, keys: Sequence[str]) -> None:
        with self.transaction() as connection:
            if not keys:
                connection.execute(f"UPDATE rejected SET {change}")
            for key in keys:
                changed = connection.execute(
                    f"UPDATE rejected SET {change} WHERE key = ?", (key,)
                ).rowcount
                if not changed:
                    raise NotFound("not_rejected", file=key)

    def forget_rejected(self, keys: Iterable[str]) -> None:
        """Drop files from the list of the rejected."""
        with self.transaction() as connection:
            connection.executemany("DELETE FROM rejected WHERE key = ?", [(key,) for key in keys])


def source_columns(source: SourceRecord) -> dict[str, object]:
    """Return the columns that a source and a rejected file have alike."""
    return {
        "key": source.key,
        "root": source.root,
        "name": source.name,
        "digest": source.digest,
        "size": source.size,
        "mtime_ns": source.mtime_ns,
        "reader": source.reader,
    }


_REJECTED = "*, NULL AS document_id, '{}' AS metadata"


def _rejected(row: sqlite3.Row) -> RejectedRecord:
    return RejectedRecord(
        source=_source(row),
        code=row["code"],
        params=json.loads(row["params"]),
        at=row["at"],
        ignored=bool(row["ignored"]),
    )


def _source(row: sqlite3.Row) -> SourceRecord:
    document_id = row["document_id"]
    return SourceRecord(
        key=row["key"],
        root=row["root"],
        name=row["name"],
        digest=row["digest"],
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        reader=row["reader"],
        document_id=None if document_id is None else DocumentId(document_id),
        metadata=row["metadata"],
    )
