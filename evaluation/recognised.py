"""Words in pictures, by a recognition of its own, for quotes that no raw reader can see.

A page is drawn at another resolution than our reader draws it at and recognised twice, as a
page and as scattered labels. It is the same program (Tesseract), so what agrees is told apart
from what a raw reader confirms, and isn't counted among the right ones.
"""

from __future__ import annotations

import shutil
import subprocess
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.cleaning import fold

DPI = 220
AGREES = 0.9
"""The share of a quote's letters that the recognition has, in the quote's order, at least."""

_MODES = ("3", "11")  # as a page in columns; as labels anywhere
_SECONDS = 120
_LANGUAGES = ("fin", "swe", "eng")


@lru_cache(maxsize=16)
def recognised(path: Path, page: int) -> tuple[str, ...]:
    """Return a page's text (from 1) as recognised in two ways; nothing without Tesseract."""
    program = shutil.which("tesseract")
    if program is None:
        return ()
    import pypdfium2  # heavy: only where a picture is checked

    with TemporaryDirectory() as temporary:
        picture = Path(temporary) / "page.png"
        document = pypdfium2.PdfDocument(path)
        try:
            document[page - 1].render(scale=DPI / 72).to_pil().convert("L").save(picture)
        finally:
            document.close()
        texts = []
        for mode in _MODES:
            command = [program, str(picture), "-", "--psm", mode, "-l", "+".join(_LANGUAGES)]
            try:
                done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
            except (subprocess.SubprocessError, OSError):
                continue
            texts.append(fold(done.stdout.decode("utf-8", "replace")))
    return tuple(texts)


def agrees(path: Path, page: int, quote: str) -> bool:
    """Tell whether a recognition of a page has nearly all of a quote, in its order."""
    wanted = fold(quote)
    return bool(wanted) and any(
        wanted in text or _share(wanted, text) >= AGREES for text in recognised(path, page)
    )


def _share(wanted: str, text: str) -> float:
    # Runs of three letters at least: single ones are found in any text.
    matches = SequenceMatcher(None, wanted, text, autojunk=False).get_matching_blocks()
    return sum(match.size for match in matches if match.size >= 3) / len(wanted)
