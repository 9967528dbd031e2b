"""Office files as LibreOffice writes them out as plain text: what is drawn, not what is stored.

The numbers of list items and headings stand in no text node of a file; an office program
draws them. Where LibreOffice is installed, its own text tells whether ours are right.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

_PROGRAMS = ("soffice", "libreoffice")
_WRITTEN = frozenset({".docx", ".docm", ".odt", ".doc", ".rtf"})
_SECONDS = 120


def as_text(path: Path, suffix: str) -> tuple[str, ...]:
    """Return a word processor's file as text; nothing for other files or without LibreOffice."""
    program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if program is None or suffix not in _WRITTEN:
        return ()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = folder / f"source{suffix}"
        shutil.copyfile(path, source)
        command = [
            program,
            "--headless",
            "--norestore",
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            "--convert-to",
            "txt:Text (encoded):UTF8",
            "--outdir",
            str(folder),
            str(source),
        ]
        try:
            subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
            return ((folder / "source.txt").read_text(encoding="utf-8-sig"),)
        except (subprocess.SubprocessError, OSError, UnicodeDecodeError):
            return ()
