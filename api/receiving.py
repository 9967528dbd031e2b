"""Uploads as they stream in: files to disk under names of ours, fields to metadata."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.problems import Refused
from ingest.jobs import UploadedFile
from kb.errors import StorageError
from kb.model import Language, Metadata
from kb.scoping import kind_of, language_of, level_of, theme_of

MAX_FILES = 200
FIELDS = (
    "title",
    "date",
    "city",
    "organisation",
    "kind",
    "themes",
    "confidentiality",
    "language",
    "collection",
)

_FIELD_BYTES = 16 * 1024
_VALUE_LENGTH = 300
_NAME_LENGTH = 150
_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")


def display_name(raw: str) -> str:
    """Return a file's name as it may be shown and kept: no folders, no control characters.

    It never names a file on our disk. Directions of writing and other invisible characters go
    too, since they can make ``exe.pdf`` out of ``fdp.exe``. An empty name becomes ``document``.
    """
    name = unicodedata.normalize("NFC", raw).replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(" " if c.isspace() else c for c in name if c.isspace() or _visible(c))
    name = " ".join(kept.split()).strip(". ")
    stem, dot, suffix = name.rpartition(".")
    if dot and 0 < len(suffix) <= 10 and len(name) > _NAME_LENGTH:
        return f"{stem[: _NAME_LENGTH - len(suffix) - 1].rstrip('. ')}.{suffix}"
    return name[:_NAME_LENGTH].rstrip(". ") or "document"


def _visible(character: str) -> bool:
    return not unicodedata.category(character).startswith("C")


class Receiver:
    """Takes a multipart body piece by piece; ``close`` must be called at the end.

    Files go to ``folder`` under random names. ``feed`` raises Refused when a file is larger
    than ``file_limit`` bytes, there are too many, or the body isn't multipart, and StorageError
    when the disk is full.
    """

    def __init__(self, boundary: bytes, folder: Path, *, file_limit: int) -> None:
        self._folder = folder
        self._file_limit = file_limit
        self._files: list[UploadedFile] = []
        self._fields: dict[str, list[str]] = {}
        self._field_bytes = 0
        self._headers: dict[bytes, bytes] = {}
        self._header_name = self._header_value = b""
        self._file: BinaryIO | None = None
        self._stored = self._name = ""
        self._size = 0
        self._value = bytearray()
        self._complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_values,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_ends,
                    "on_end": self._ends,
                },
            )
        except FormParserError as error:
            raise Refused("not_multipart", status=400) from error

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Refused("not_multipart", status=400) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageError("disk_full", folder=self._folder.parent) from error
            raise StorageError("storage", folder=self._folder.parent, why=error) from error

    def close(self) -> None:
        """Close a file that was being received."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def parts(self) -> tuple[list[UploadedFile], Mapping[str, Sequence[str]]]:
        """Return files and fields once all of the body has been fed.

        Raises Refused when the body breaks off, holds no file or names two files alike.
        """
        if not self._complete:
            raise Refused("not_multipart", status=400)
        if not self._files:
            raise Refused("upload_no_file")
        names = [file.name for file in self._files]
        for name in names:
            if names.count(name) > 1:
                raise Refused("upload_same_name", name=name)
        return self._files, self._fields

    def finish(self) -> tuple[list[UploadedFile], Metadata]:
        """Return files and metadata once all of the body has been fed.

        Raises Refused as ``parts`` does, and for a field that can't be used; BadScope for an
        unknown language, kind, theme or level.
        """
        files, fields = self.parts()
        metadata = metadata_of(fields)
        if metadata.title and len(files) > 1:
            raise Refused("upload_title_for_many")
        return files, metadata

    # -- what the parser calls ------------------------------------------------------------------

    def _part_begins(self) -> None:
        self._headers = {}
        self._value = bytearray()
        self._name = ""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_values(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_ends(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise Refused("not_multipart", status=400)
        self._name = options[b"name"].decode("utf-8", "replace")
        raw = options.get(b"filename")
        if raw is None:
            return
        if len(self._files) >= MAX_FILES:
            raise Refused("upload_too_many", status=413, limit=MAX_FILES)
        self._name = display_name(raw.decode("utf-8", "replace")) if raw else ""
        self._stored = secrets.token_hex(8)
        self._size = 0
        self._file = (self._folder / self._stored).open("xb")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._size += end - start
            if self._size > self._file_limit:
                raise Refused(
                    "upload_too_large", status=413, name=self._name, limit=self._file_limit >> 20
                )
            self._file.write(data[start:end])
            return
        self._field_bytes += end - start
        if self._field_bytes > _FIELD_BYTES:
            raise Refused("too_large", status=413)
        self._value += data[start:end]

    def _part_ends(self) -> None:
        if self._file is None:
            value = self._value.decode("utf-8", "replace").strip()
            self._fields.setdefault(self._name, []).append(value)
            return
        self._file.flush()
        os.fsync(self._file.fileno())  # what was promised with 202 outlives a power cut
        self._file.close()
        self._file = None
        if self._name:
            self._files.append(UploadedFile(self._stored, self._name, self._size))
        else:  # a form whose file field was left empty
            (self._folder / self._stored).unlink(missing_ok=True)

    def _ends(self) -> None:
        self._complete = True


def metadata_of(fields: Mapping[str, Sequence[str]]) -> Metadata:
    """Return what a form says about its files; empty fields say nothing.

    ``themes`` may be repeated or hold several divided by commas. Raises Refused or BadScope.
    """
    given: dict[str, str] = {}
    for name, values in fields.items():
        if name not in FIELDS:
            raise Refused("upload_field_unknown", name=name[:80], possible=", ".join(FIELDS))
        filled = [value for value in values if value]
        if not filled:
            continue
        if name != "themes" and len(filled) > 1:
            raise Refused("upload_field_twice", name=name)
        given[name] = _clean(name, ",".join(filled))
    if "date" in given and not _is_date(given["date"]):
        raise Refused("upload_date", value=given["date"][:80])
    level = given.get("confidentiality")
    kind = given.get("kind")
    language: Language | None = None
    if "language" in given:
        language = language_of(given["language"])
    empty = Metadata()
    return Metadata(
        title=given.get("title", ""),
        date=given.get("date"),
        city=given.get("city"),
        organisation=given.get("organisation"),
        kind=kind_of(kind) if kind else empty.kind,
        themes=tuple(
            dict.fromkeys(
                theme_of(theme) for theme in given.get("themes", "").split(",") if theme.strip()
            )
        ),
        confidentiality=level_of(level) if level else empty.confidentiality,
        language=language,
        collection=given.get("collection"),
    )


def _clean(name: str, value: str) -> str:
    kept = "".join(" " if c.isspace() else c for c in value if c.isspace() or _visible(c))
    text = " ".join(unicodedata.normalize("NFC", kept).split())
    if len(text) > _VALUE_LENGTH:
        raise Refused("upload_field_long", name=name, limit=_VALUE_LENGTH)
    return text


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        return False
    return True
