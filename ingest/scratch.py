"""Scratch folders of readers, and the removal of those that dead processes left behind.

A folder's owner holds a lock on it, which the kernel lets go of when the owner dies, however it
dies. So a folder that can be locked is nobody's, also where process numbers say nothing, as
between containers that share one temporary folder.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "kb-reader-"


class Scratch:
    """A folder of one worker, held by this process until it is released."""

    def __init__(self) -> None:
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._held = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            if _locked(self._held) and _is(self.path, self._held):
                return
            os.close(self._held)  # swept away between its making and the lock

    def release(self) -> None:
        """Delete the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._held)


def sweep() -> int:
    """Delete the scratch folders whose owners are gone; return how many."""
    swept = 0
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            # Not through a link, and nothing of another user's: the folder is everybody's.
            held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            if os.fstat(held).st_uid == os.geteuid() and _locked(held) and _is(path, held):
                shutil.rmtree(path, ignore_errors=True)
                swept += 1
        finally:
            os.close(held)
    return swept


def _locked(descriptor: int) -> bool:
    """Take the lock; False while another holds it."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _is(path: Path, descriptor: int) -> bool:
    """Tell whether a path still names the folder that is open."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and os.path.samestat(found, os.fstat(descriptor))
