"""The file that the catalogue is in: one SQLite database, written by one, read by all.

Write-ahead logging lets questions be answered while documents go in; a fault of the storage
becomes an error that names its cure.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import cast

from kb.errors import CatalogueBusy, CatalogueTooNew, DataFolderUnwritable, StorageError

SCHEMA = (
    "schema.sql",
    "vocabulary.sql",
    "projects.sql",
    "themes.sql",
    "answers.sql",
    "guessed.sql",
)
"""What makes a catalogue: each file brings it from one version to the next."""

SCHEMA_VERSION = len(SCHEMA)


BUSY_SECONDS = 30.0
"""How long a statement waits for another process to finish its transaction."""


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def put_row(
    connection: sqlite3.Connection, table: str, *, values: Mapping[str, object], key: str = ""
) -> int:
    """Insert a row, or with ``key`` replace the columns of the row that has it; return its row."""
    names = ", ".join(values)
    statement = f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in values)})"
    if key:
        changed = ", ".join(f"{name} = excluded.{name}" for name in values if name != key)
        statement += f" ON CONFLICT ({key}) DO UPDATE SET {changed}"
    return connection.execute(statement, values).lastrowid or 0


class Database:
    """An SQLite file of the catalogue's schema: connections, transactions, faults.

    Safe to share between threads: each gets a connection of its own. What it says of itself, and
    the number that rises with every change, are kept here too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "catalogue.sqlite"
        self._local = threading.local()
        self._connections: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._connections_lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataFolderUnwritable(folder=folder) from error
        self._create()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        existing = getattr(self._local, "connection", None)
        if existing is not None:
            return cast(sqlite3.Connection, existing)
        try:
            connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -65536")
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.Error as error:
            raise self._translated(error) from error
        self._local.connection = connection
        with self._connections_lock:
            # A server's threads come and go: those that went left their connections behind.
            alive: list[tuple[threading.Thread, sqlite3.Connection]] = []
            for thread, opened in self._connections:
                if thread.is_alive():
                    alive.append((thread, opened))
                else:
                    opened.close()
            self._connections = alive
            self._connections.append((threading.current_thread(), connection))
        return connection

    def close(self) -> None:
        """Close every thread's connection."""
        with self._connections_lock:
            for _, connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a block as one write transaction; storage faults become StorageError."""
        connection = self.connection
        if connection.in_transaction:  # part of a larger one
            yield connection
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._translated(error) from error
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:  # some errors have rolled back already
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(
                error, sqlite3.IntegrityError | sqlite3.ProgrammingError
            ):
                raise self._translated(error) from error
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let this thread's reads in a block see the catalogue as of one instant."""
        connection = self.connection
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    def _translated(self, error: sqlite3.Error) -> StorageError:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return CatalogueBusy(folder=self.folder)
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
            return DataFolderUnwritable(folder=self.folder)
        if name.startswith("SQLITE_FULL"):
            return StorageError("disk_full", folder=self.folder)
        return StorageError("storage", folder=self.folder, why=error)

    def _create(self) -> None:
        connection = self.connection
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise self._translated(error) from error
        if version > SCHEMA_VERSION:
            raise CatalogueTooNew(folder=self.folder)
        if version == SCHEMA_VERSION:
            return
        with self.transaction():
            # Another process may have changed it between the look and the lock.
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            for step in SCHEMA[version:]:
                schema = (files("kb") / step).read_text(encoding="utf-8")
                for statement in schema.split(";\n"):
                    if statement.strip():
                        connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {max(version, SCHEMA_VERSION)}")

    def get_meta(self, key: str) -> bytes | None:
        """Return a kept value."""
        row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def set_meta(self, key: str, value: bytes) -> None:
        """Keep a value."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (key, value),
            )

    @property
    def generation(self) -> int:
        """A number that rises with every change of what can be found."""
        return int(self.get_meta("generation") or b"0")

    def _raise_generation(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO meta VALUES ('generation', CAST('1' AS BLOB)) ON CONFLICT DO UPDATE "
            "SET value = CAST(CAST(CAST(value AS TEXT) AS INTEGER) + 1 AS BLOB)"
        )

    def raise_generation(self) -> None:
        """Tell every reader that something changed."""
        with self.transaction() as connection:
            self._raise_generation(connection)
