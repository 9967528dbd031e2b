"""Old Office formats (DOC, PPT, XLS), turned into today's by LibreOffice where it is installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from ingest.limits import Limits
from ingest.readers.docx import read_docx
from ingest.readers.ole import Ole
from ingest.readers.pptx import read_pptx
from ingest.readers.xlsx import read_xlsx
from ingest.reading import Reading
from kb.errors import UnreadableDocument

_TARGETS = {
    "doc": ("docx", read_docx, "application/msword"),
    "ppt": ("pptx", read_pptx, "application/vnd.ms-powerpoint"),
    "xls": ("xlsx", read_xlsx, "application/vnd.ms-excel"),
}
_KEPT = ("PATH", "LANG", "HOME", "TMPDIR")
_PROGRAMS = ("soffice", "libreoffice")


def libreoffice() -> str | None:
    """Return the path of LibreOffice, or None where it isn't installed."""
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


def read_doc(path: Path, *, limits: Limits) -> Reading:
    """Read a Word 97–2003 document; raises UnreadableDocument."""
    return _converted(path, "doc", limits)


def read_ppt(path: Path, *, limits: Limits) -> Reading:
    """Read a PowerPoint 97–2003 presentation; raises UnreadableDocument."""
    return _converted(path, "ppt", limits)


def read_xls(path: Path, *, limits: Limits) -> Reading:
    """Read an Excel 97–2003 workbook; raises UnreadableDocument."""
    return _converted(path, "xls", limits)


def _converted(path: Path, kind: str, limits: Limits) -> Reading:
    if _encrypted(path, kind):
        raise UnreadableDocument("unreadable_office_encrypted")
    program = libreoffice()
    if program is None:
        raise UnreadableDocument("unreadable_needs_libreoffice")
    suffix, read, media_type = _TARGETS[kind]
    with tempfile.TemporaryDirectory(prefix="kb-office-") as scratch:
        folder = Path(scratch)
        source = folder / f"source.{kind}"
        shutil.copyfile(path, source)
        _run(
            [
                program,
                "--headless",
                "--norestore",
                "--nolockcheck",
                "--nodefault",
                # A profile of its own: several may run at once, and no macro or setting of the
                # user's has a say.
                f"-env:UserInstallation={(folder / 'profile').as_uri()}",
                "--convert-to",
                suffix,
                "--outdir",
                str(folder / "out"),
                str(source),
            ],
            seconds=limits.seconds * 0.9,
        )
        made = folder / "out" / f"source.{suffix}"
        if not made.exists():
            raise UnreadableDocument("unreadable_damaged")
        return replace(read(made, limits=limits), media_type=media_type)


def _run(command: list[str], *, seconds: float) -> None:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            # Pictures that a document links to aren't fetched.
            **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9/"),
        },
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        raise UnreadableDocument("unreadable_timeout", seconds=f"{seconds:.0f}") from None


def _encrypted(path: Path, kind: str) -> bool:
    """Tell whether an old Office file has a password ([MS-DOC] 2.5.1, [MS-XLS] 2.2.10)."""
    ole = Ole.open(path)
    if kind == "doc":
        head = ole.read("WordDocument")[:32]
        return len(head) >= 12 and bool(int.from_bytes(head[10:12], "little") & 0x0100)
    if kind == "xls":
        data = ole.read("Workbook") or ole.read("Book")
        at, seen = 0, 0
        while at + 4 <= len(data) and seen < 50:
            record = int.from_bytes(data[at : at + 2], "little")
            if record == 0x002F:  # FilePass
                return True
            at += 4 + int.from_bytes(data[at + 2 : at + 4], "little")
            seen += 1
        return False
    return "EncryptedSummary" in ole
