"""Words in pictures, by a recognition of its own, for quotes that no raw reader can see.

A page is drawn at other resolutions than our reader draws it at, and each drawing recognised
twice, as a page and as scattered labels. It is the same program (Tesseract), so what agrees is
told apart from what a raw reader confirms, and isn't counted among the right ones.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.cleaning import fold

RESOLUTIONS = (220, 400)
"""Dots an inch; our reader draws at 300."""

AGREES = 0.9
"""The share of a quote's letters that the recognition has, in the quote's order, at least."""

_MODES = ("3", "11")  # as a page in columns; as labels anywhere
_SECONDS = 120
_LANGUAGES = ("fin", "swe", "eng")


@lru_cache(maxsize=16)
def recognised(path: Path, page: int) -> tuple[str, ...]:
    """Return a page's text (from 1) as recognised in four ways; nothing without Tesseract."""
    program = shutil.which("tesseract")
    if program is None:
        return ()
    import pypdfium2  # heavy: only where a picture is checked

    texts = []
    with TemporaryDirectory() as temporary:
        pictures = [Path(temporary) / f"{dpi}.png" for dpi in RESOLUTIONS]
        document = pypdfium2.PdfDocument(path)
        try:
            for picture, dpi in zip(pictures, RESOLUTIONS, strict=True):
                document[page - 1].render(scale=dpi / 72).to_pil().convert("L").save(picture)
        finally:
            document.close()
        for picture, mode in product(pictures, _MODES):
            command = [program, str(picture), "-", "--psm", mode, "-l", "+".join(_LANGUAGES)]
            try:
                done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
            except (subprocess.SubprocessError, OSError):
                continue
            texts.append(fold(done.stdout.decode("utf-8", "replace")))
    return tuple(texts)


def agrees(path: Path, page: int, quote: str) -> bool:
    """Tell whether a recognition of a page has nearly all of a quote, in its order.

    Of a row it has each cell: another recognition may find other cells beside them.
    """
    cells = [cell for cell in map(fold, re.split(r" \| |\n", quote)) if cell]
    texts = recognised(path, page)
    return bool(cells) and all(
        any(cell in text or _share(cell, text) >= AGREES for text in texts) for cell in cells
    )


def _share(wanted: str, text: str) -> float:
    # Runs of three letters at least: single ones are found in any text.
    matches = SequenceMatcher(None, wanted, text, autojunk=False).get_matching_blocks()
    return sum(match.size for match in matches if match.size >= 3) / len(wanted)
