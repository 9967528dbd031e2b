"""The one door to the readers: what a file is, and who reads it.

A file is known by its content first and by its name second; a name that lies costs a
warning, not the file.
"""

from __future__ import annotations

import importlib
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from ingest.limits import MEGABYTE, Limits
from ingest.readers.encoding import utf16_without_mark
from ingest.readers.ole import SIGNATURE, Ole
from ingest.reading import Reading
from kb.errors import UnreadableDocument

# Raise the number when a reader's output changes, so that documents are read anew.
READER_FINGERPRINT = "readers-16"

_HEAD = 8192


@dataclass(frozen=True, slots=True)
class _Format:
    """A format's name for people, its reader (``module:function``) and its extensions."""

    label: str
    reader: str
    extensions: tuple[str, ...]


_FORMATS = {
    "pdf": _Format("PDF", "pdf:read_pdf", ("pdf",)),
    "docx": _Format("DOCX", "docx:read_docx", ("docx", "docm", "dotx", "dotm")),
    "pptx": _Format("PPTX", "pptx:read_pptx", ("pptx", "pptm", "ppsx", "ppsm", "potx", "potm")),
    "xlsx": _Format("XLSX", "xlsx:read_xlsx", ("xlsx", "xlsm", "xltx", "xltm")),
    "odt": _Format("ODT", "odf:read_odf", ("odt", "ott", "fodt")),
    "odp": _Format("ODP", "odf:read_odf", ("odp", "otp", "fodp")),
    "ods": _Format("ODS", "odf:read_odf", ("ods", "ots", "fods")),
    "epub": _Format("EPUB", "epub:read_epub", ("epub",)),
    "html": _Format("HTML", "html:read_html", ("html", "htm", "xhtml", "xht")),
    "markdown": _Format("Markdown", "markdown:read_markdown", ("md", "markdown", "mdown", "mkd")),
    "csv": _Format("CSV", "csv:read_csv", ("csv", "tsv", "tab")),
    "text": _Format("TXT", "text:read_text", ("txt", "text", "log", "asc")),
    "eml": _Format("EML", "email:read_eml", ("eml",)),
    "msg": _Format("MSG", "msg:read_msg", ("msg",)),
    "rtf": _Format("RTF", "rtf:read_rtf", ("rtf",)),
    "doc": _Format("DOC", "legacy:read_doc", ("doc", "dot")),
    "ppt": _Format("PPT", "legacy:read_ppt", ("ppt", "pps", "pot")),
    "xls": _Format("XLS", "legacy:read_xls", ("xls", "xlt")),
    "image": _Format(
        "PNG, JPEG, TIFF", "scans:read_image", ("png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp")
    ),
}
_BY_EXTENSION = {
    extension: name for name, known in _FORMATS.items() for extension in known.extensions
}
EXTENSIONS = frozenset(_BY_EXTENSION)
"""Extensions of files that may be readable, lower case without the dot."""

# Plain text has no mark of its own, so among these the name decides.
_TEXTUAL = frozenset({"text", "markdown", "csv", "html", "eml"})


def read(path: Path, *, name: str = "", limits: Limits | None = None) -> Reading:
    """Read a file of any known format; ``name`` is what it is called where it came from.

    Raises UnreadableDocument with a reason and a cure.
    """
    bounds = limits or Limits()
    name = name or path.name
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UnreadableDocument("unreadable_missing") from error
    if size == 0:
        raise UnreadableDocument("unreadable_empty")
    if size > bounds.file_bytes:
        raise UnreadableDocument("unreadable_too_large", limit=bounds.file_bytes // MEGABYTE)
    found = sniff(path, name=name)
    module, _, function = _FORMATS[found].reader.partition(":")
    call = cast(
        "Callable[..., Reading]",
        getattr(importlib.import_module(f"ingest.readers.{module}"), function),
    )
    try:
        # PDF files and scans have limits of their own, in pages.
        reading = call(path) if module in ("pdf", "scans") else call(path, limits=bounds)
    except RecursionError as error:
        raise UnreadableDocument("unreadable_bomb") from error
    except UnreadableDocument as error:
        if error.params.get("name") != path.name:
            raise
        # The file read is a copy; the name that people know is another.
        raise UnreadableDocument(error.code, **{**error.params, "name": name}) from error
    if reading.metadata.title == path.stem.replace("_", " "):
        # Named after the copy.
        stem = name.rpartition("/")[2].rpartition(".")[0] or name
        metadata = replace(reading.metadata, title=stem.replace("_", " "))
        reading = replace(reading, metadata=metadata)
    if not reading.text.strip():
        raise UnreadableDocument("unreadable_no_text")
    claimed = _BY_EXTENSION.get(_extension(name))
    if claimed is not None and claimed != found and not {claimed, found} <= _TEXTUAL:
        shown = name.replace("|", "_")
        told = f"warning.wrong_extension|name={shown}|format={_FORMATS[found].label}"
        reading = replace(reading, warnings=(told, *reading.warnings))
    return reading


def sniff(path: Path, *, name: str = "") -> str:
    """Return the format's key (``docx``, ``pdf`` …) by content, then by extension.

    Raises UnreadableDocument for a format that isn't known, for encrypted Office files and
    for archives that are damaged.
    """
    name = name or path.name
    extension = _extension(name)
    claimed = _BY_EXTENSION.get(extension, "")
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise UnreadableDocument("unreadable_missing") from error
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _sniff_zip(path, claimed, name)
    if head.startswith(SIGNATURE):
        return _sniff_ole(path, claimed, name)
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(
        (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"GIF8", b"BM")
    ) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        if head.startswith(b"BM") and claimed != "image":
            return _sniff_text(head, claimed, name)
        return "image"
    return _sniff_text(head, claimed, name)


def _extension(name: str) -> str:
    return name.rpartition(".")[2].casefold() if "." in name else ""


def _unknown(name: str) -> UnreadableDocument:
    formats = ", ".join(known.label for known in _FORMATS.values())
    return UnreadableDocument("unreadable_unknown_format", name=name, formats=formats)


def _sniff_zip(path: Path, claimed: str, name: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {member.replace("\\", "/").lstrip("/") for member in archive.namelist()}
            media = archive.read("mimetype")[:200] if "mimetype" in names else b""
    except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError) as error:
        raise UnreadableDocument("unreadable_damaged") from error
    if b"epub" in media or "META-INF/container.xml" in names:
        return "epub"
    for key, mark in (("odt", b".text"), ("odp", b".presentation"), ("ods", b".spreadsheet")):
        if b"opendocument" in media and mark in media:
            return key
    folders = {member.split("/", 1)[0].casefold() for member in names}
    for key, folder in (("docx", "word"), ("pptx", "ppt"), ("xlsx", "xl")):
        if folder in folders:
            return key
    if "content.xml" in names and claimed in ("odt", "odp", "ods"):
        return claimed
    if claimed in ("docx", "pptx", "xlsx", "odt", "odp", "ods", "epub"):
        raise UnreadableDocument("unreadable_damaged")
    raise _unknown(name)


def _sniff_ole(path: Path, claimed: str, name: str) -> str:
    streams = Ole.open(path).streams
    if "EncryptedPackage" in streams or "\x06DataSpaces" in streams:
        raise UnreadableDocument("unreadable_office_encrypted")
    for key, stream in (
        ("doc", "WordDocument"),
        ("ppt", "PowerPoint Document"),
        ("xls", "Workbook"),
        ("xls", "Book"),
        ("msg", "__properties_version1.0"),
    ):
        if stream in streams:
            return key
    if claimed in ("doc", "ppt", "xls", "msg"):
        return claimed
    raise _unknown(name)


_HTML_START = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(?:<!--(?:[^-]|-(?!->))*-->\s*)*(<!doctype\s+html|<html|<head|<body)",
    re.IGNORECASE | re.DOTALL,
)
_MAIL_HEADER = re.compile(
    rb"(?im)^(from|to|subject|date|message-id|received|mime-version|return-path|delivered-to)\s*:"
)
_FLAT_ODF = re.compile(rb"opendocument\.(text|presentation|spreadsheet)")


def _sniff_text(head: bytes, claimed: str, name: str) -> str:
    if claimed in ("pdf", "docx", "pptx", "xlsx", "epub", "image") and _binary(head):
        raise UnreadableDocument("unreadable_damaged")
    if _binary(head):
        raise _unknown(name)
    plain = _ascii(head)
    if _HTML_START.match(plain):
        return "html" if claimed not in ("markdown", "eml") else claimed
    flat = _FLAT_ODF.search(plain)
    if flat is not None and b"office:document" in plain:
        return {b"text": "odt", b"presentation": "odp"}.get(flat[1], "ods")
    if b"office:document" in plain and claimed in ("odt", "odp", "ods"):
        return claimed
    if claimed in _TEXTUAL:
        return claimed
    mail = {found[1].lower() for found in _MAIL_HEADER.finditer(plain.split(b"\n\n")[0])}
    if len(mail) >= 3 and b"from" in mail:
        return "eml"
    if claimed == "" and plain.lstrip().startswith(b"<?xml"):
        raise _unknown(name)
    if claimed == "" and _extension(name) not in ("", "nfo", "rst", "adoc", "org", "tex", "srt"):
        raise _unknown(name)
    return "text"


def _ascii(head: bytes) -> bytes:
    """Return the start of a text as bytes that ASCII patterns match, whatever its encoding."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", errors="ignore").encode("ascii", errors="replace")
    return head.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")


def _binary(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    if b"\x00" in head:
        wide = utf16_without_mark(head)
        return wide is None or not _mostly_printable(wide)
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x0b\x1b\x1a" for byte in head)
    return control > len(head) * 0.02


def _mostly_printable(text: str) -> bool:
    strange = sum(not (char.isprintable() or char.isspace()) for char in text)
    return strange <= 0.02 * len(text) + 1
