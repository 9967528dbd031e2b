"""Where documents come from: folders and files in a steady order, with what a manifest says.

A source's key is its absolute path, with the folder that was named resolved; so the same file
is the same source whether the folder is given as ``corpus``, ``./corpus`` or in full.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ingest.manifests import MANIFESTS, Manifest, read_manifest
from ingest.readers.encoding import decode
from ingest.showing import shown
from kb.errors import KnowledgeBaseError
from kb.messages import parted
from kb.model import Metadata

IGNORE = ".kbignore"
"""A file that names what of its folder is passed over, one pattern a line."""

Warn = Callable[[str], None]

_ABOVE = 4  # how many folders above a named one are searched for a manifest that names its files
_README = re.compile(r"^(readme|lueminut|läsmig)(\.(md|txt))?$", re.IGNORECASE)
# What programs leave beside documents: locks, half downloads, thumbnails, backups.
_BY_THE_WAY = re.compile(
    r"^(\..*|~\$.*|.*~|thumbs\.db|desktop\.ini|icon\r|.*\.(tmp|temp|part|partial|crdownload|lock|"
    r"swp|swo|bak))$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to take in.

    ``key`` is its identity (absolute, ``/`` between folders), ``root`` the resolved path that
    it was named by, ``name`` its path below that as people see it. ``mtime_ns`` is nanoseconds
    since 1970. ``metadata`` is what a manifest says, None where none names the file.
    """

    key: str
    path: Path
    root: str
    name: str
    size: int
    mtime_ns: int
    metadata: Metadata | None = None


def discover(paths: Iterable[Path], *, warn: Warn | None = None) -> Iterator[Source]:
    """Yield the files of folders and files, each once, in the order of their names.

    Hidden files, lock files, manifests, a readme beside a manifest and what ``.kbignore`` names
    are passed over, as are links inside a folder; ``warn`` hears of links that lead out of it,
    of pipes, sockets and devices, of folders that can't be opened and of manifest rows without a
    file (keys of the message catalogue, with parameters). Raises KnowledgeBaseError at once when
    a path doesn't exist, and while iterating when a manifest can't be used.
    """
    named: list[Path] = []
    for path in paths:
        try:
            named.append(path.resolve(strict=True))
        except (OSError, RuntimeError) as error:
            raise KnowledgeBaseError("no_such_path", path=path) from error
    return _Walk(warn or (lambda _: None)).all(named)


class _Walk:
    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._seen: set[str] = set()
        self._manifests: dict[Path, Manifest | None] = {}

    def all(self, named: Sequence[Path]) -> Iterator[Source]:
        for path in named:
            if path.is_dir():
                yield from self._folder(path, root=path)
            else:
                source = self._file(path, root=path, name=path.name)
                if source is not None:
                    yield source

    def _folder(self, folder: Path, *, root: Path) -> Iterator[Source]:
        # Folders wait on a stack, so that deep trees don't recurse.
        waiting = [folder]
        while waiting:
            current = waiting.pop()
            if current.is_dir():
                entries = self._entries(current)
            else:
                source = self._file(current, root=root, name=shown(current.relative_to(root)))
                if source is not None:
                    yield source
                continue
            manifest = self._manifest(current, strict=True)
            ignored = _ignored(current)
            readable = [
                entry
                for entry in entries
                if not any(fnmatchcase(entry.name, pattern) for pattern in ignored)
                and not _BY_THE_WAY.match(entry.name)
                and not (manifest is not None and _README.match(entry.name))
                and entry.name.casefold() not in MANIFESTS
            ]
            if manifest is not None:
                for line, missing in manifest.missing(current):
                    self._warn(
                        parted(
                            "warning.manifest_missing_file",
                            line=line,
                            path=shown(manifest.path),
                            file=missing,
                        )
                    )
            for entry in reversed(readable):
                if entry.is_symlink():
                    self._link(entry, root)
                else:
                    waiting.append(entry)

    def _entries(self, folder: Path) -> list[Path]:
        try:
            entries = list(folder.iterdir())
        except OSError:
            self._warn(parted("warning.folder_unreadable", path=shown(folder)))
            return []
        return sorted(entries, key=lambda entry: (entry.name.casefold(), entry.name))

    def _link(self, entry: Path, root: Path) -> None:
        """Pass over a link; one inside the folder leads to what is found anyway."""
        try:
            inside = entry.resolve(strict=True).is_relative_to(root)
        except (OSError, RuntimeError):
            inside = False  # it leads nowhere, or in a circle
        if not inside:
            self._warn(parted("warning.link_out_of_folder", path=shown(entry)))

    def _file(self, path: Path, *, root: Path, name: str) -> Source | None:
        key = shown(path)
        if key in self._seen:
            return None
        self._seen.add(key)
        try:
            status = path.stat()
        except OSError:
            # It went away since the folder was listed, or may not be looked at: the reader says.
            return Source(key=key, path=path, root=shown(root), name=name, size=0, mtime_ns=0)
        if not stat.S_ISREG(status.st_mode):
            self._warn(parted("warning.no_file", path=key))
            return None
        return Source(
            key=key,
            path=path,
            root=shown(root),
            name=name,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            metadata=self._metadata(path, root),
        )

    def _metadata(self, path: Path, root: Path) -> Metadata | None:
        """Return what the nearest manifest that names a file says of it.

        Manifests above the named folder count too: a part of a folder that is ingested alone
        must not lose its confidentiality.
        """
        top = root if root.is_dir() else root.parent
        above = 0
        for folder in path.parents:
            within = folder.is_relative_to(top)
            above += not within
            if above > _ABOVE:
                break
            manifest = self._manifest(folder, strict=within)
            found = manifest.of(path) if manifest is not None else None
            if found is not None:
                return found
        return None

    def _manifest(self, folder: Path, *, strict: bool) -> Manifest | None:
        if folder not in self._manifests:
            self._manifests[folder] = None
            try:
                present = [one for one in folder.iterdir() if one.name.casefold() in MANIFESTS]
            except OSError:
                present = []
            try:
                for path in sorted(one for one in present if one.is_file()):
                    try:
                        self._manifests[folder] = read_manifest(path, into=self._manifests[folder])
                    except KnowledgeBaseError as error:
                        if error.code != "manifest_foreign":
                            raise
                        if strict:
                            self._warn(parted("warning.manifest_foreign", path=shown(path)))
            except KnowledgeBaseError:
                # Above the named folder it may be somebody else's file of that name.
                if strict:
                    raise
        return self._manifests[folder]


def _ignored(folder: Path) -> list[str]:
    """Return the patterns of names that a folder's ``.kbignore`` passes over, one a line."""
    try:
        lines = decode((folder / IGNORE).read_bytes()).splitlines()
    except OSError:  # there is none
        return []
    names = (line.strip().rstrip("/") for line in lines)
    return [name for name in names if name and not name.startswith("#")]
