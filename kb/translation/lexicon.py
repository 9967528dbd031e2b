"""The dictionaries that ship with us: packed word lists, read block by block.

A pack is a ZIP file of sorted UTF-8 tables: ``en-fi/000.tsv`` and so on, one line an entry (key,
headword, translations with a tab between), and ``index.tsv`` with the first key of each table.
Opening one reads the index alone, a look-up one table.
"""

from __future__ import annotations

import io
import threading
import zipfile
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from kb.model import Language

PACKS = ("en-fi", "fi-sv", "en-sv")

_BLOCK_BYTES = 12_000
_KEPT_BLOCKS = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """A headword and its translations, the surest first."""

    headword: str
    translations: tuple[str, ...]


Pair = tuple[Language, Language]
"""From which language to which."""


class Lexicon:
    """Looks keys up in packs. Opened at first use; safe between threads."""

    def __init__(self, packs: Sequence[bytes] | None = None) -> None:
        self._lock = threading.Lock()
        self._given = packs
        self._tables: dict[str, tuple[list[str], list[tuple[zipfile.ZipFile, str]]]] | None = None
        self._block = lru_cache(maxsize=_KEPT_BLOCKS)(self._read)

    def find(self, key: str, pair: Pair) -> list[Entry]:
        """Return the entries of a key; none where there is no such dictionary."""
        with self._lock:
            firsts, members = self._opened().get("-".join(pair), ([], []))
            at = bisect_right(firsts, key) - 1
            if at < 0:
                return []
            block = self._block(*members[at])
        out = []
        start = block.find(f"\n{key}\t") + 1
        while start and block.startswith(f"{key}\t", start):
            end = block.index("\n", start)
            _, headword, *translations = block[start:end].split("\t")
            out.append(Entry(headword, tuple(translations)))
            start = end + 1
        return out

    def _opened(self) -> dict[str, tuple[list[str], list[tuple[zipfile.ZipFile, str]]]]:
        if self._tables is None:
            packs = self._given
            if packs is None:
                folder = files("kb.translation")
                packs = [(folder / f"{name}.zip").read_bytes() for name in PACKS]
            self._tables = {}
            for pack in packs:
                archive = zipfile.ZipFile(io.BytesIO(pack))
                for line in archive.read("index.tsv").decode("utf-8").split("\n")[:-1]:
                    member, first = line.split("\t")
                    firsts, members = self._tables.setdefault(member.split("/")[0], ([], []))
                    firsts.append(first)
                    members.append((archive, member))
        return self._tables

    @staticmethod
    def _read(archive: zipfile.ZipFile, member: str) -> str:
        """Return a table with a line end before it, so every line stands between two."""
        return "\n" + archive.read(member).decode("utf-8")


def pack(
    tables: Iterable[tuple[Pair, Iterable[tuple[str, Entry]]]], *, block: int = _BLOCK_BYTES
) -> bytes:
    """Return a pack of dictionaries; the same entries always give the same bytes.

    No block begins with a key that the block before ends with.
    """
    target = io.BytesIO()
    index: list[str] = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for pair, entries in tables:
            rows = sorted((key, entry.headword, *entry.translations) for key, entry in entries)
            for number, rows_of in enumerate(_blocks(rows, block)):
                member = f"{'-'.join(pair)}/{number:03}.tsv"
                index.append(f"{member}\t{rows_of[0][0]}")
                _write(archive, member, "".join("\t".join(row) + "\n" for row in rows_of))
        _write(archive, "index.tsv", "".join(f"{line}\n" for line in index))
    return target.getvalue()


def _blocks(rows: Sequence[tuple[str, ...]], block: int) -> list[list[tuple[str, ...]]]:
    out: list[list[tuple[str, ...]]] = []
    size = block
    for row in rows:
        if size >= block and not (out and out[-1][-1][0] == row[0]):
            out.append([])
            size = 0
        out[-1].append(row)
        size += sum(len(cell) + 1 for cell in row)
    return out


def _write(archive: zipfile.ZipFile, name: str, text: str) -> None:
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, text.encode("utf-8"), compresslevel=9)
