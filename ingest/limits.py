"""How much of the machine one file may use."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on reading one file; whatever passes one is refused with its reason.

    ``file_bytes`` is the largest file that is opened, ``seconds`` the longest a reader may
    take (wall clock, and processor time), ``memory_bytes`` the address space of a worker,
    ``text_chars`` and ``blocks`` the largest result. An archive (every modern Office file is
    one) may hold ``members`` files that unpack to ``unpacked_bytes``, and past
    ``ratio_from_bytes`` unpacked may not have shrunk more than ``ratio`` times. ``rows`` are
    taken of one sheet; ``depth`` is how deep attachments may be nested.
    """

    file_bytes: int = 500 * MEGABYTE
    seconds: float = 120.0
    memory_bytes: int = 2048 * MEGABYTE
    text_chars: int = 20_000_000
    blocks: int = 1_000_000
    members: int = 20_000
    unpacked_bytes: int = 1024 * MEGABYTE
    ratio: int = 250
    ratio_from_bytes: int = 64 * MEGABYTE
    rows: int = 100_000
    depth: int = 3
