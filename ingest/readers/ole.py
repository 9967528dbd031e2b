"""OLE compound files ([MS-CFB]), as far as old Office files and Outlook messages need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kb.errors import UnreadableDocument

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_END = 0xFFFFFFFA  # sector numbers from here on have other meanings
_NONE = 0xFFFFFFFF
_MOST_ENTRIES = 100_000


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: int  # 1 storage, 2 stream, 5 root
    left: int
    right: int
    child: int
    start: int
    size: int


class Ole:
    """The streams of a compound file by their path, folders and names joined with ``/``.

    Raises UnreadableDocument ``unreadable_damaged`` on anything that doesn't add up: loops
    and sizes are checked, so a broken file can neither hang nor fill the memory.
    """

    def __init__(self, data: bytes) -> None:
        if not data.startswith(SIGNATURE) or len(data) < 512:
            raise UnreadableDocument("unreadable_damaged")
        self._data = data
        self._sector = 1 << _u16(data, 30)
        self._mini_sector = 1 << _u16(data, 32)
        if not 128 <= self._sector <= 65536 or not 16 <= self._mini_sector <= self._sector:
            raise UnreadableDocument("unreadable_damaged")
        self._cutoff = _u32(data, 56)
        self._fat = self._read_fat()
        self._mini_fat = _words(self._chain(_u32(data, 60)))
        self._entries = self._read_directory()
        root = next((entry for entry in self._entries if entry.kind == 5), None)
        if root is None:
            raise UnreadableDocument("unreadable_damaged")
        self._mini = self._chain(root.start)
        self.streams: dict[str, _Entry] = {}
        self._walk(root.child, "", set())

    @classmethod
    def open(cls, path: Path) -> Ole:
        """Read a file."""
        return cls(path.read_bytes())

    def __contains__(self, path: str) -> bool:
        return path in self.streams

    def read(self, path: str) -> bytes:
        """Return a stream, empty when there is none of that path."""
        entry = self.streams.get(path)
        if entry is None or entry.kind != 2:
            return b""
        if entry.size >= self._cutoff:
            return self._chain(entry.start)[: entry.size]
        parts: list[bytes] = []
        sector, left, seen = entry.start, entry.size, 0
        while left > 0 and sector < _END:
            at = sector * self._mini_sector
            parts.append(self._mini[at : at + self._mini_sector])
            left -= self._mini_sector
            seen += 1
            if sector >= len(self._mini_fat) or seen > len(self._mini_fat):
                break
            sector = self._mini_fat[sector]
        return b"".join(parts)[: entry.size]

    def _sector_at(self, number: int) -> bytes:
        at = (number + 1) * self._sector
        return self._data[at : at + self._sector]

    def _read_fat(self) -> list[int]:
        tables = [_u32(self._data, at) for at in range(76, 512, 4)]
        more, seen = _u32(self._data, 68), set[int]()
        while more < _END and more not in seen:
            seen.add(more)
            numbers = _words(self._sector_at(more))
            if not numbers:
                break
            tables += numbers[:-1]
            more = numbers[-1]
        fat: list[int] = []
        for number in tables:
            if number < _END:
                fat += _words(self._sector_at(number))
        return fat

    def _chain(self, start: int) -> bytes:
        parts: list[bytes] = []
        sector, seen = start, 0
        while sector < _END:
            part = self._sector_at(sector)
            seen += 1
            if not part or seen > len(self._fat) + 1:
                break
            parts.append(part)
            sector = self._fat[sector] if sector < len(self._fat) else _NONE
        return b"".join(parts)

    def _read_directory(self) -> list[_Entry]:
        raw = self._chain(_u32(self._data, 48))
        entries: list[_Entry] = []
        for at in range(0, min(len(raw), 128 * _MOST_ENTRIES) - 127, 128):
            length = min(64, _u16(raw, at + 64))
            name = raw[at : at + max(0, length - 2)].decode("utf-16-le", errors="replace")
            entries.append(
                _Entry(
                    name=name,
                    kind=raw[at + 66],
                    left=_u32(raw, at + 68),
                    right=_u32(raw, at + 72),
                    child=_u32(raw, at + 76),
                    start=_u32(raw, at + 116),
                    size=_u32(raw, at + 120),
                )
            )
        return entries

    def _walk(self, number: int, folder: str, seen: set[int]) -> None:
        waiting = [(number, folder)]
        while waiting:
            at, inside = waiting.pop()
            if at >= len(self._entries) or at in seen:
                continue
            seen.add(at)
            entry = self._entries[at]
            path = f"{inside}{entry.name}"
            self.streams[path] = entry
            waiting += [(entry.left, inside), (entry.right, inside)]
            if entry.kind == 1:
                waiting.append((entry.child, f"{path}/"))


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _words(data: bytes) -> list[int]:
    return [_u32(data, at) for at in range(0, len(data) - 3, 4)]
