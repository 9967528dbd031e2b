"""The writer's lock: one process at a time changes a knowledge base."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kb.errors import CatalogueBusy, DataFolderUnwritable

_POLL_SECONDS = 0.2


@contextmanager
def writer_lock(
    folder: Path, *, wait_seconds: float = 600, waiting: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock of a data folder; the kernel lets go of it when the process dies.

    ``waiting`` is called once if another process holds it. Raises CatalogueBusy when it isn't
    free in time.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "writer.lock").open("a")
    except OSError as error:
        raise DataFolderUnwritable(folder=folder) from error
    with file:
        deadline = time.monotonic() + wait_seconds
        told = False
        while not _taken(file.fileno()):
            if not told and waiting is not None:
                waiting()
            told = True
            if time.monotonic() > deadline:
                raise CatalogueBusy(folder=folder)
            time.sleep(_POLL_SECONDS)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
