"""Whether the lines of a table's cell stand under each other on their page, by Poppler's word.

Raw readers give a row line by line, so a cell of several lines is never one piece in them. Its
words are looked for by their boxes instead: each right beside the one before, or at the
beginning of the next line of the same column.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ingest.cleaning import fold

_SECONDS = 120
_WORD = re.compile(
    r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*?)</word>'
)

# In heights of a line: the widest space between words, between lines, and between their beginnings.
_SPACE = 1.0
_LEADING = 0.9
_INDENT = 1.5


@dataclass(frozen=True, slots=True)
class Boxed:
    """A word, folded, and its box in points from the top left of its page."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """How high its line is."""
        return self.bottom - self.top


@lru_cache(maxsize=4)
def words_on(path: Path, page: int) -> tuple[Boxed, ...]:
    """Return the words of a PDF page (from 1); none without Poppler."""
    program = shutil.which("pdftotext")
    if program is None:
        return ()
    command = [program, "-enc", "UTF-8", "-bbox", "-f", str(page), "-l", str(page), str(path), "-"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
    except (subprocess.SubprocessError, OSError):
        return ()
    found = _WORD.findall(done.stdout.decode("utf-8", "replace"))
    return tuple(
        Boxed(text, *map(float, box)) for *box, said in found if (text := fold(html.unescape(said)))
    )


def stands_stacked(words: Sequence[Boxed], cell: str) -> bool:
    """Return whether the lines of a cell stand under each other among the words of a page."""
    wanted = fold(cell)
    return any(
        _goes_on(words, word, word, wanted[len(word.text) :])
        for word in words
        if wanted.startswith(word.text)
    )


def _goes_on(words: Sequence[Boxed], first: Boxed, last: Boxed, left: str) -> bool:
    """Return whether what is left of a cell follows a word, ``first`` beginning its line."""
    if not left:
        return True
    for word, begins in _next(words, first, last):
        if left.startswith(word.text):
            line = word if begins else first
            if _goes_on(words, line, word, left[len(word.text) :]):
                return True
    return False


def _next(words: Sequence[Boxed], first: Boxed, last: Boxed) -> Iterator[tuple[Boxed, bool]]:
    """Yield the words that may follow one, and whether they begin a line."""
    beside = [word for word in words if word is not last and _beside(last, word)]
    if beside:  # a line goes on as far as it goes
        yield from ((word, False) for word in beside)
        return
    for word in words:
        height = max(word.height, last.height)
        if (
            -0.4 * height <= word.top - last.bottom <= _LEADING * height
            and abs(word.left - first.left) <= _INDENT * height
        ):
            yield word, True


def _beside(last: Boxed, word: Boxed) -> bool:
    """Return whether a word is the next one on the line of another."""
    shared = min(word.bottom, last.bottom) - max(word.top, last.top)
    if shared <= 0.5 * min(word.height, last.height):
        return False
    height = max(word.height, last.height)
    return -0.2 * height <= word.left - last.right <= _SPACE * height
