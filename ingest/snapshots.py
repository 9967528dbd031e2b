"""Copies that don't move: a file as it was at one moment, under the digest of its bytes."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from ingest.limits import MEGABYTE
from kb.errors import UnreadableDocument

_CHUNK = MEGABYTE
_TRIES = 3
_PAUSE_SECONDS = 0.2


def snapshot(path: Path, into: Path, *, limit: int) -> tuple[str, int]:
    """Copy a file into a folder under its digest; return the digest and the size.

    The digest is the SHA-256 of the bytes in hexadecimal and the copy's name; a copy that is
    there already is left alone. The file is copied while it is hashed; when its size or time
    has changed by then, or it was replaced, the copy is made anew, three times at most.
    Raises UnreadableDocument: ``unreadable_missing``, ``unreadable_broken_off``,
    ``unreadable_empty``, ``unreadable_too_large`` (``limit`` is in bytes) or
    ``unreadable_changing``; OSError when the copy can't be written.
    """
    into.mkdir(parents=True, exist_ok=True)
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_SECONDS * attempt)
        try:
            # Not blocking: a pipe in a file's place must not stop the run.
            source = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            raise UnreadableDocument("unreadable_missing") from error
        with os.fdopen(source, "rb") as stream:
            before = os.fstat(source)
            if not stat.S_ISREG(before.st_mode):
                raise UnreadableDocument("unreadable_missing")
            if before.st_size > limit:
                raise UnreadableDocument("unreadable_too_large", limit=limit // MEGABYTE)
            handle, name = tempfile.mkstemp(dir=into, prefix=".incoming-")
            copy = Path(name)
            try:
                with os.fdopen(handle, "wb") as target:
                    digest, size = _copy(stream, target, limit)
                    target.flush()
                    os.fsync(target.fileno())
                if _same(before, path) and size == before.st_size:
                    if size == 0:
                        raise UnreadableDocument("unreadable_empty")
                    final = into / digest
                    if not final.exists():
                        copy.replace(final)
                    return digest, size
            finally:
                copy.unlink(missing_ok=True)
    raise UnreadableDocument("unreadable_changing")


def _copy(stream: BinaryIO, target: BinaryIO, limit: int) -> tuple[str, int]:
    hasher, size = sha256(), 0
    while chunk := _chunk(stream):
        size += len(chunk)
        if size > limit:
            raise UnreadableDocument("unreadable_too_large", limit=limit // MEGABYTE)
        hasher.update(chunk)
        target.write(chunk)
    return hasher.hexdigest(), size


def _chunk(stream: BinaryIO) -> bytes:
    """Read on; what a bad disk or a lost share does to one file is that file's fault alone."""
    try:
        return stream.read(_CHUNK)
    except OSError as error:
        raise UnreadableDocument("unreadable_broken_off", why=error.strerror) from error


def _same(before: os.stat_result, path: Path) -> bool:
    try:
        after = path.stat()
    except OSError:
        return False
    return (before.st_size, before.st_mtime_ns, before.st_ino, before.st_dev) == (
        after.st_size,
        after.st_mtime_ns,
        after.st_ino,
        after.st_dev,
    )
