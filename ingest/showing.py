"""Names of files as text that can be stored and shown anywhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LIKE_AN_ESCAPE = re.compile(r"[\udc80-\udcff]|\\(?:[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
"""Bytes that aren't UTF-8, and what an escape is written like."""


def shown(path: Path) -> str:
    r"""Return a path as text that can be stored and shown anywhere.

    What isn't UTF-8 is escaped, as are control characters and marks that turn the direction: a
    name can't write a line of its own, steer a terminal or hide its ending (a line end
    becomes ``\n``). Where anything is escaped, or a name reads as if it were, its own backslashes
    are doubled: no two paths are shown alike, or one of two files would be taken for the other.
    """
    return "/".join(_name(part) for part in os.fsencode(path.as_posix()).split(b"/"))


def _name(raw: bytes) -> str:
    text = raw.decode("utf-8", errors="surrogateescape")
    if _STEERING.search(text) or _LIKE_AN_ESCAPE.search(text):
        raw = raw.replace(b"\\", b"\\\\")
    text = raw.decode("utf-8", errors="backslashreplace")
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
