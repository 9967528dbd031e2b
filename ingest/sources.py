"""Where documents come from: folders and files in a steady order, and the manifest beside them.

A source's key is its absolute path, with the folder that was named resolved; so the same file
is the same source whether the folder is given as ``corpus``, ``./corpus`` or in full.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
import time
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ingest.limits import MEGABYTE
from ingest.readers.csv import numbered_rows
from ingest.readers.encoding import decode
from kb.errors import KnowledgeBaseError, UnreadableDocument
from kb.messages import parted
from kb.model import LANGUAGES, Confidentiality, Kind, Language, Metadata
from kb.themes import themes

MANIFESTS = ("manifest.toml", "manifest.csv", "manifest.tsv", "manifest.jsonl")
"""Names of a manifest, in capitals or not; a folder may have several."""

IGNORE = ".kbignore"
"""A file that names what of its folder is passed over, one pattern a line."""

Warn = Callable[[str], None]

_LARGEST_MANIFEST = 50 * MEGABYTE
_ABOVE = 4  # how many folders above a named one are searched for a manifest that names its files
_CHUNK = MEGABYTE
_TRIES = 3
_PAUSE_SECONDS = 0.2
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LIKE_AN_ESCAPE = re.compile(r"[\udc80-\udcff]|\\(?:[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
"""Bytes that aren't UTF-8, and what an escape is written like."""

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


# Copies that don't move.


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


# The manifest.

# Headings in the three languages; the first is the field's name.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "filename", "path", "tiedosto", "tiedostonimi", "polku", "fil", "filnamn"),
    "title": ("title", "otsikko", "nimi", "nimeke", "rubrik", "titel", "namn"),
    "date": ("date", "päivä", "päivämäärä", "pvm", "ajankohta", "datum"),
    "city": ("city", "kaupunki", "kunta", "paikkakunta", "stad", "ort", "kommun"),
    "organisation": (
        *("organisation", "organization", "organisaatio", "julkaisija", "laatija"),
        *("utgivare",),
    ),
    "kind": ("kind", "type", "laji", "tyyppi", "dokumenttilaji", "typ", "slag", "dokumenttyp"),
    "work_package": ("work package", "työpaketti", "toimenpidekokonaisuus", "arbetspaket"),
    "themes": ("themes", "theme", "teemat", "teema", "teman", "tema"),
    "confidentiality": (
        *("confidentiality", "access", "luottamuksellisuus", "julkisuus", "näkyvyys"),
        *("konfidentialitet", "sekretess", "offentlighet"),
    ),
    "language": ("language", "lang", "kieli", "språk"),
    "collection": ("collection", "kokoelma", "sarja", "samling"),
    "sample": ("sample", "esimerkki", "näyte", "exempel"),
    "url": ("url", "link", "linkki", "osoite", "verkko osoite", "länk", "webbadress"),
    "project": ("project", "hanke", "projekti", "projekt"),
}
_FIELDS = {heading: name for name, headings in _COLUMNS.items() for heading in headings}

_KINDS = {
    **{kind.value: kind for kind in Kind},
    **dict.fromkeys(("raportti", "selvitys", "julkaisu", "rapport", "utredning"), Kind.REPORT),
    **dict.fromkeys(
        (
            *("round table", "round table notes", "notes", "muistio", "muistiinpanot"),
            *("pyöreä pöytä", "pyöreän pöydän muistio", "pyöreän pöydän muistiinpanot"),
            *("pyöreän pöydän keskustelu", "rundabord", "rundabordssamtal"),
            *("rundabordsanteckningar", "anteckningar"),
        ),
        Kind.ROUND_TABLE,
    ),
    **dict.fromkeys(
        ("presentation", "diat", "kalvot", "esitys", "diaesitys", "bilder", "bildspel"),
        Kind.SLIDES,
    ),
    **dict.fromkeys(
        ("web", "webpage", "website", "verkkosivu", "web sivu", "nettisivu", "webbsida"),
        Kind.WEB_PAGE,
    ),
    **dict.fromkeys(("muu", "annat", "övrigt"), Kind.OTHER),
}
_LEVELS = {
    **{level.value: level for level in Confidentiality},
    **dict.fromkeys(("open", "julkinen", "avoin", "offentlig", "öppen"), Confidentiality.PUBLIC),
    **dict.fromkeys(("sisäinen", "intern"), Confidentiality.INTERNAL),
    **dict.fromkeys(
        (
            *("luottamuksellinen", "salainen", "salassa pidettävä", "secret"),
            *("konfidentiell", "hemlig", "sekretessbelagd"),
        ),
        Confidentiality.CONFIDENTIAL,
    ),
}
_SPOKEN: Mapping[str, Language] = {
    "fi": "fi",
    "sv": "sv",
    "en": "en",
    **dict.fromkeys(("suomi", "finska", "finnish", "fin"), "fi"),
    **dict.fromkeys(("ruotsi", "svenska", "swedish", "swe"), "sv"),
    **dict.fromkeys(("englanti", "engelska", "english", "eng"), "en"),
}
_YES = frozenset({"true", "yes", "1", "x", "kyllä", "ja", "on"})
_NO = frozenset({"false", "no", "0", "ei", "nej", "off"})


@dataclass(slots=True)
class Manifest:
    """What a manifest says: metadata by file, and by pattern (``*.pdf``) in the order written."""

    path: Path
    files: dict[str, tuple[int, str, Metadata]] = field(default_factory=dict)
    patterns: list[tuple[str, Metadata]] = field(default_factory=list)

    def of(self, path: Path) -> Metadata | None:
        """Return what is said of a file below the manifest's folder."""
        name = _name_key(shown(path.relative_to(self.path.parent)))
        if name in self.files:
            return self.files[name][2]
        return next((known for pattern, known in self.patterns if _fits(name, pattern)), None)

    def missing(self, folder: Path) -> Iterator[tuple[int, str]]:
        """Yield line and name of the rows whose file isn't there."""
        for line, name, _ in self.files.values():
            if not _exists(folder, name):
                yield line, name


def _fits(name: str, pattern: str) -> bool:
    # A pattern without a folder is for files of every folder below.
    return fnmatchcase(name, pattern) or (
        "/" not in pattern and fnmatchcase(PurePosixPath(name).name, pattern)
    )


def _exists(folder: Path, name: str) -> bool:
    forms = {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}
    if any((folder / form).is_file() for form in forms):
        return True
    # Names are matched without case: the disk may know it by another.
    parent = (folder / name).parent
    try:
        return any(_name_key(one.name) == _name_key(Path(name).name) for one in parent.iterdir())
    except OSError:
        return False


def _name_key(name: str) -> str:
    plain = name.replace("\\", "/").strip()
    while plain.startswith("./"):
        plain = plain[2:]
    return unicodedata.normalize("NFC", plain).casefold()


def read_manifest(path: Path, *, into: Manifest | None = None) -> Manifest:
    """Read a manifest of any of its formats, into that of another file of its folder if given.

    TOML has a table ``[[document]]`` for each file; CSV and TSV have a heading line (any
    delimiter, any encoding); JSONL has an object a line. Headings may be in English, Finnish
    or Swedish. Raises KnowledgeBaseError (``manifest_…``) that names the line;
    ``manifest_foreign`` for a table that was made for something else.
    """
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            raise KnowledgeBaseError("manifest_syntax", path=path, line=1)
        data = path.read_bytes()
    except OSError as error:
        raise KnowledgeBaseError("manifest_unreadable", path=path) from error
    text = decode(data)
    rows = {".toml": _toml_rows, ".jsonl": _jsonl_rows}.get(path.suffix.casefold(), _csv_rows)
    manifest = into or Manifest(path)
    for number, (line, row) in enumerate(rows(text, path)):
        if number == 0 and _foreign(row):
            raise KnowledgeBaseError("manifest_foreign", path=path)
        _take(manifest, line, row, path)
    return manifest


def _foreign(row: Mapping[str, object]) -> bool:
    """Tell whether a table of that name is somebody else's: more of its headings aren't ours.

    One that speaks of confidentiality is always taken for ours, and its mistakes for mistakes.
    """
    known = [_FIELDS.get(_plain(heading)) for heading in row]
    return "confidentiality" not in known and 2 * known.count(None) > len(known)


def _toml_rows(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        table = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = found[1] if found else "1"
        raise KnowledgeBaseError("manifest_syntax", path=path, line=line) from error
    for name, entries in table.items():
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            raise KnowledgeBaseError(
                "manifest_unknown_column",
                path=path,
                line=_line_of(text, rf"^\s*\[?\[?\s*{re.escape(name)}\b", 0),
                column=name,
                possible="[[document]]",
            )
        for number, entry in enumerate(entries):
            yield _line_of(text, rf"^\s*\[\[\s*\"?{re.escape(name)}\"?\s*\]\]", number), entry


def _line_of(text: str, pattern: str, number: int) -> int:
    for at, found in enumerate(re.finditer(pattern, text, re.MULTILINE)):
        if at == number:
            return text.count("\n", 0, found.end()) + 1
    return 1


def _jsonl_rows(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    for line, raw in enumerate(text.splitlines(), 1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise KnowledgeBaseError("manifest_syntax", path=path, line=line) from error
        if not isinstance(row, dict):
            raise KnowledgeBaseError("manifest_syntax", path=path, line=line)
        yield line, row


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    headings: list[str] = []
    try:
        for line, values in numbered_rows(text):
            if not any(value.strip() for value in values):
                continue
            if not headings:
                headings = [value.strip() for value in values]
                continue
            if any(value.strip() for value in values[len(headings) :]):
                raise KnowledgeBaseError("manifest_too_many_values", path=path, line=line)
            row = zip(headings, values, strict=False)
            yield line, {name: value for name, value in row if name or value.strip()}
    except UnreadableDocument as error:
        raise KnowledgeBaseError("manifest_syntax", path=path, line=1) from error


def _take(manifest: Manifest, line: int, row: Mapping[str, object], path: Path) -> None:
    """Add a row of a file; raises KnowledgeBaseError for what it can't mean."""
    values: dict[str, object] = {}
    for heading, value in row.items():
        name = _FIELDS.get(_plain(heading))
        if name is None:
            raise KnowledgeBaseError(
                "manifest_unknown_column",
                path=path,
                line=line,
                column=heading,
                possible=", ".join(_COLUMNS),
            )
        if value not in (None, "", []):
            values[name] = value
    file = values.pop("file", None)
    if not isinstance(file, str) or not file.strip():
        raise KnowledgeBaseError("manifest_no_file", path=path, line=line)
    metadata = _metadata_of(values, path=path, line=line)
    key = _name_key(file)
    if any(mark in file for mark in "*?[") and not (path.parent / file).is_file():
        manifest.patterns.append((key, metadata))
    elif key in manifest.files:
        raise KnowledgeBaseError("manifest_twice", path=path, line=line, file=file)
    else:
        manifest.files[key] = (line, file.replace("\\", "/").strip(), metadata)


def _plain(text: str) -> str:
    return " ".join(
        unicodedata.normalize("NFC", text).casefold().replace("_", " ").replace("-", " ").split()
    )


def _metadata_of(values: Mapping[str, object], *, path: Path, line: int) -> Metadata:
    def refuse(name: str, value: object, possible: Iterable[str]) -> KnowledgeBaseError:
        return KnowledgeBaseError(
            "manifest_bad_value",
            path=path,
            line=line,
            column=name,
            value=value,
            possible=", ".join(possible),
        )

    def text(name: str) -> str | None:
        value = values.get(name)
        if value is None:
            return None
        if isinstance(value, list | dict | bool):
            raise refuse(name, value, ("text",))
        return unicodedata.normalize("NFC", " ".join(str(value).split())) or None

    metadata = Metadata(
        title=text("title") or "",
        city=text("city"),
        organisation=text("organisation"),
        work_package=text("work_package"),
        collection=text("collection"),
        url=text("url"),
        project=text("project"),
    )
    if "date" in values:
        found = _date(values["date"])
        if found is None:
            raise refuse("date", values["date"], ("2024", "2024-05", "2024-05-31", "31.5.2024"))
        metadata = replace(metadata, date=found)
    if "kind" in values:
        kinds = {_plain(name): kind for name, kind in _KINDS.items()}
        kind = kinds.get(_plain(str(values["kind"])))
        if kind is None:
            raise refuse("kind", values["kind"], [one.value for one in Kind])
        metadata = replace(metadata, kind=kind)
    if "confidentiality" in values:
        level = _LEVELS.get(_plain(str(values["confidentiality"])))
        if level is None:
            raise refuse(
                "confidentiality", values["confidentiality"], [one.value for one in Confidentiality]
            )
        metadata = replace(metadata, confidentiality=level)
    if "language" in values:
        language = _SPOKEN.get(_plain(str(values["language"])))
        if language is None:
            raise refuse("language", values["language"], LANGUAGES)
        metadata = replace(metadata, language=language)
    if "sample" in values:
        answer = _plain(str(values["sample"]))
        if answer not in _YES | _NO:
            raise refuse("sample", values["sample"], ("true", "false"))
        metadata = replace(metadata, sample=answer in _YES)
    if "themes" in values:
        known = {
            _plain(name): theme.id
            for theme in themes()
            for name in (theme.id, theme.fi, theme.sv, theme.en)
        }
        raw = values["themes"]
        names = (
            [str(name) for name in raw]
            if isinstance(raw, list)
            else [name for name in re.split(r"[;|]|,(?!\d)", str(raw)) if name.strip()]
        )
        if not isinstance(raw, list) and _plain(str(raw)) in known:
            names = [str(raw)]  # a label may have a comma of its own
        chosen: list[str] = []
        for name in names:
            theme_id = known.get(_plain(name))
            if theme_id is None:
                raise refuse("themes", name.strip(), [theme.id for theme in themes()])
            if theme_id not in chosen:
                chosen.append(theme_id)
        metadata = replace(metadata, themes=tuple(chosen))
    return metadata


_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2})(?:[T ].*)?)?")
_FINNISH_DATE = re.compile(r"(?:(\d{1,2})\.)?(\d{1,2})[./](\d{4})")


def _date(value: object) -> str | None:
    """Return a date as ISO 8601, to the year, month or day; None when it can't be one."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).strip()
    if re.fullmatch(r"(1[6-9]|20|21)\d\d", text):
        return text
    if found := _ISO_DATE.fullmatch(text):
        year, month, day = found.groups()
    elif found := _FINNISH_DATE.fullmatch(text):
        day, month, year = found.groups()
    else:
        return None
    try:
        whole = date(int(year), int(month), int(day or 1)).isoformat()
    except ValueError:
        return None
    return whole if day else whole[:7]
