"""Scanned pages: tesseract as a program, its words with boxes and confidence.

tesseract runs in a process of its own on one thread with a time limit a page. A page is drawn
in grey, set straight when it lies a little askew, and turned when its first reading is poor and
tesseract's own look at the script says which way is up. What comes back are words in two frames:
straight for the layout, and as shown for the viewer.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from ingest.cleaning import normalise
from ingest.readers.layout import Box, Page, Word
from ingest.readers.layout.rows import parted
from ingest.sandbox import still_working

if TYPE_CHECKING:
    from PIL.Image import Image

_LABEL = 3
"""Words of a line that may be a label in a picture."""

_FEW, _MANY = 4, 0.15
"""Labels that a page has at least, also as a share of its lines, to be looked at once more."""

_DOUBTED = 60.0
"""Per cent of confidence in a word; a line with one that has less may be a longer label."""

_DOUBTED_LETTERS = 80.0
"""The same in a word of a letter or two."""

_GAP = 3.0
"""Heights of a word: a wider gap parts labels that are seen as one line."""

_SECOND = 0.75
"""How large it is drawn for that."""

INSTALL_OCR = "apt install tesseract-ocr tesseract-ocr-fin tesseract-ocr-swe tesseract-ocr-eng"


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrSettings:
    """How scanned pages are recognised.

    ``languages`` are tesseract's names, used as far as they are installed; ``dpi`` is the
    resolution that pages are drawn at; ``seconds`` the time for one page; ``pages`` and
    ``total_seconds`` bound what is recognised of one document, and what is left out is named in
    the warnings; ``low`` is the mean confidence in per cent under which a page is named there.
    """

    enabled: bool = True
    languages: tuple[str, ...] = ("fin", "swe", "eng")
    dpi: int = 300
    seconds: float = 60.0
    pages: int = 300
    total_seconds: float = 1500.0
    low: float = 70.0
    program: str = "tesseract"


@dataclass(frozen=True, slots=True)
class Recognised:
    """A page as recognised; ``confidence`` is the mean over its letters in per cent."""

    page: Page
    confidence: float


def ocr_available(program: str = "tesseract") -> tuple[str, ...]:
    """Return the languages that tesseract has, or an empty tuple where it isn't installed."""
    found = shutil.which(program)
    if found is None:
        return ()
    try:
        listed = subprocess.run(
            [found, "--list-langs"], capture_output=True, timeout=20, check=True, env=_environment()
        )
    except (subprocess.SubprocessError, OSError):
        return ()
    lines = listed.stdout.decode("utf-8", "replace").splitlines()[1:]
    return tuple(line.strip() for line in lines if line.strip() and line.strip() != "osd")


def recognise(image: Image, dpi: float, settings: OcrSettings) -> Recognised | None:
    """Recognise a picture of a page drawn at ``dpi``; None when tesseract failed or took too long.

    The page of the answer is measured in points: pixels × 72 / dpi.
    """
    grey = image.convert("L")
    languages = [name for name in settings.languages if name in ocr_available(settings.program)]
    if not languages or min(grey.size) < 16:
        return None
    best = _read(grey, 0, dpi, languages, settings)
    if best is None or best.confidence < 60 or len(best.page.words) < 5:
        seen = _turn(grey, settings)
        lying = best is not None and best.confidence == 0 and best.page.words
        for turn in (seen,) if seen else (90, 270) if lying else ():
            turned = _read(grey, turn, dpi, languages, settings)
            if turned is not None and (best is None or _worth(turned) > _worth(best)):
                best = turned
    return best


def _worth(recognised: Recognised) -> float:
    letters = sum(len(word.text) for word in recognised.page.words)
    return recognised.confidence**2 * math.sqrt(letters)


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}


def _run(image: Image, arguments: list[str], settings: OcrSettings) -> str | None:
    """Return what tesseract prints for a picture, or None when it fails or takes too long."""
    picture = io.BytesIO()
    image.save(picture, format="PPM")
    # A long scan takes longer than any other file may; each run is bounded by itself.
    still_working()
    try:
        done = subprocess.run(
            [settings.program, "stdin", "stdout", *arguments],
            input=picture.getvalue(),
            capture_output=True,
            timeout=settings.seconds,
            check=True,
            env=_environment(),
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return done.stdout.decode("utf-8", "replace")


def _turn(image: Image, settings: OcrSettings) -> int:
    """Return the degrees to turn a picture clockwise by so that its text stands upright."""
    said = _run(image, ["--psm", "0", "-l", "osd"], settings)
    found = re.search(r"Rotate:\s*(\d+)", said or "")
    return int(found[1]) % 360 if found else 0


def _read(
    grey: Image, turn: int, dpi: float, languages: list[str], settings: OcrSettings
) -> Recognised | None:
    from PIL import Image as pillow

    upright = grey.rotate(-turn, expand=True) if turn else grey
    skew = skew_of(upright)
    straight = upright
    if abs(skew) >= 0.15:
        straight = upright.rotate(
            skew, resample=pillow.Resampling.BICUBIC, expand=False, fillcolor=255
        )

    def look(picture: Image, dots: float, mode: str) -> Seen | None:
        asked = ["-l", "+".join(languages), "--psm", mode, "--dpi", str(round(dots)), "tsv"]
        said = _run(picture, asked, settings)
        return None if said is None else _seen(said, dots)

    seen = look(straight, dpi, "3")
    if seen is None:
        return None
    if labels := labels_of(seen):
        small = straight.resize(
            (round(straight.width * _SECOND), round(straight.height * _SECOND)),
            pillow.Resampling.LANCZOS,
        )
        again = look(small, dpi * _SECOND, "11")
        if again is not None:
            seen = confirmed(seen, labels, again)
    return _words(seen, straight.size, (turn, skew), dpi)


LineKey = tuple[str, str, str]
"""Names a line: block, paragraph, line."""

SeenWord = tuple[LineKey, str, Box, float]
"""A word as seen: its line, its text, its box in pixels, and per cent of confidence."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What tesseract saw: lines from top to bottom, and words with their boxes, in pixels."""

    dpi: float
    lines: dict[LineKey, tuple[float, float]]
    words: Sequence[SeenWord]


def labels_of(seen: Seen) -> frozenset[int]:
    """Return the places of words that may be labels, where a page has many: charts, maps, drawings.

    They are the words of lines of a few, and letters that aren't sure in what a wide gap parts:
    labels of charts beside each other are seen as one line, and so are the cells of a table.
    """
    lines = Counter(word[0] for word in seen.words)
    short = {key for key, count in lines.items() if count <= _LABEL}
    if len(short) < max(_FEW, _MANY * len(lines)):
        return frozenset()
    doubted = {key for key, _, _, confidence in seen.words if confidence < _DOUBTED}
    short |= {key for key in doubted if lines[key] <= 2 * _LABEL}
    return frozenset(
        at
        for piece in _pieces(seen.words)
        for at in piece
        if seen.words[at][0] in short or (len(piece) <= _LABEL and not _sure(seen.words[at]))
    )


def _sure(word: SeenWord) -> bool:
    # A letter or two are soon seen in a chart's axis or an icon.
    return word[3] >= (_DOUBTED if len(word[1]) > 2 else _DOUBTED_LETTERS)


def _pieces(words: Sequence[SeenWord]) -> Iterator[list[int]]:
    """Yield the places of words that stand on one line without a wide gap between them."""

    def apart(run: Sequence[int], at: int) -> bool:
        before, word = words[run[-1]], words[at]
        height = max(one[2][3] - one[2][1] for one in (before, word))
        return word[0] != before[0] or word[2][0] - before[2][2] > _GAP * height

    return parted(range(len(words)), apart)


def confirmed(seen: Seen, labels: frozenset[int], again: Seen) -> Seen:
    """Leave out the labels that a second look doesn't see alike, where they stand.

    A chart's axes and legends look like letters; what is no word is read in another way when it
    is drawn in another size.
    """
    scale = seen.dpi / again.dpi
    there: dict[str, list[Box]] = defaultdict(list)
    for _, text, (left, top, right, bottom), _ in again.words:
        there[text.casefold()].append((left * scale, top * scale, right * scale, bottom * scale))

    def stays(text: str, box: Box) -> bool:
        return any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for other in there[text.casefold()]
        )

    return replace(
        seen,
        words=[
            one for at, one in enumerate(seen.words) if at not in labels or stays(one[1], one[2])
        ],
    )


def _seen(tsv: str, dpi: float) -> Seen:
    """Read tesseract's table."""
    lines: dict[LineKey, tuple[float, float]] = {}
    found: list[SeenWord] = []
    for row in csv.DictReader(io.StringIO(tsv), delimiter="\t", quoting=csv.QUOTE_NONE):
        key = (row["block_num"], row["par_num"], row["line_num"])
        left, top = float(row["left"]), float(row["top"])
        width, height = float(row["width"]), float(row["height"])
        if row["level"] == "4":
            lines[key] = (top, top + height)
        elif row["level"] == "5":
            text = "".join(normalise(row["text"] or "").split())
            confidence = float(row["conf"])
            wordless = not any(map(str.isalnum, text))
            if not text or confidence < (50 if wordless else 15) or height < 0.02 * dpi:
                continue
            found.append((key, text, (left, top, left + width, top + height), confidence))
    return Seen(dpi, lines, list(beside(found)))


def beside(words: Sequence[SeenWord]) -> Iterator[SeenWord]:
    """Cut boxes back to their neighbours on the line.

    Now and then a word in a line that is cut off gets the box of all the line, and would come
    before the words that it follows.
    """
    for at, (key, text, (left, top, right, bottom), confidence) in enumerate(words):
        low, high = left, right
        for other in (at - 1, at + 1):
            if not 0 <= other < len(words) or words[other][0] != key:
                continue
            one, above, end, below = words[other][2]
            if left < (one + end) / 2 < right and above < bottom and top < below:
                low, high = (max(low, end), high) if other < at else (low, min(high, one))
        if low >= high:  # nothing is left between them
            low, high = left, right
        yield key, text, (low, top, high, bottom), confidence


def _words(seen: Seen, size: tuple[int, int], turned: tuple[int, float], dpi: float) -> Recognised:
    """Turn what was seen into a page; ``turned`` is the quarter turn and the skew undone."""
    turn, skew = turned
    scale = 72 / dpi
    lines, found = seen.lines, seen.words
    heights: dict[tuple[str, str], list[float]] = defaultdict(list)
    texts: dict[LineKey, str] = defaultdict(str)
    for key, text, _, _ in found:
        texts[key] += text
    for key in texts:
        top, bottom = lines[key]
        heights[key[:2]].append((bottom - top) * (1 if _descends(texts[key]) else 1.25))
    words = []
    certainty = letters = 0.0
    for word in found:
        key, text, box, confidence = word
        tall = median(heights[key[:2]])
        bottom = lines[key][1]
        base = bottom - 0.22 * tall if _descends(texts[key]) else bottom
        words.append(
            Word(
                text,
                box[0] * scale,
                box[1] * scale,
                box[2] * scale,
                box[3] * scale,
                base * scale,
                round(0.95 * tall * scale, 1),
                sure=_sure(word),
                box=_shown(box, size, turn, skew, scale),
            )
        )
        certainty += confidence * len(text)
        letters += len(text)
    page = Page(size[0] * scale, size[1] * scale, words)
    long = [box for _, text, box, _ in found if len(text) > 3]
    if sum(box[3] - box[1] > 1.5 * (box[2] - box[0]) for box in long) > 0.5 * len(long):
        certainty = 0.0  # words that stand on end: the page lies on its side
    return Recognised(page, certainty / letters if letters else 0.0)


def _descends(text: str) -> bool:
    return any(char in "gjpqyQ,;()[]{}/|" for char in text)


def _shown(box: Box, size: tuple[int, int], turn: int, skew: float, scale: float) -> Box:
    """Map a box of the straight picture back to the page as shown, in points."""
    width, height = size
    angle = math.radians(skew)
    cos, sin = math.cos(angle), math.sin(angle)
    points: list[tuple[float, float]] = []
    for x in (box[0], box[2]):
        for y in (box[1], box[3]):
            # Pillow turns counter-clockwise about the middle, y pointing down; this undoes it.
            dx, dy = x - width / 2, y - height / 2
            points.append((cos * dx - sin * dy + width / 2, sin * dx + cos * dy + height / 2))
    if turn == 90:
        points = [(y, width - x) for x, y in points]
    elif turn == 180:
        points = [(width - x, height - y) for x, y in points]
    elif turn == 270:
        points = [(height - y, x) for x, y in points]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs) * scale, min(ys) * scale, max(xs) * scale, max(ys) * scale


def skew_of(image: Image, most: float = 5.0) -> float:
    """Return the degrees to turn a picture counter-clockwise by so that its lines lie level.

    The angle whose row sums of ink vary most from row to row (Postl's criterion), to a tenth of
    a degree within ± ``most``; 0 for pictures with next to no ink.
    """
    import numpy as np
    from PIL import Image as pillow

    small = image.convert("L")
    small.thumbnail((900, 900), pillow.Resampling.BOX)
    grey = np.asarray(small, dtype=np.float32)
    dark = grey < min(160.0, float(grey.mean()) - 0.5 * float(grey.std()))
    if not 0.002 < float(dark.mean()) < 0.5:
        return 0.0
    ink = pillow.fromarray((dark * 255).astype(np.uint8))

    def crispness(angle: float) -> float:
        rows = np.asarray(ink.rotate(angle), dtype=np.float32).sum(axis=1)
        return float(np.square(np.diff(rows)).sum())

    level = crispness(0.0)
    coarse = max(np.arange(-most, most + 0.25, 0.5), key=lambda angle: crispness(float(angle)))
    fine = np.arange(float(coarse) - 0.4, float(coarse) + 0.45, 0.1)
    best = float(max(fine, key=lambda angle: crispness(float(angle))))
    return round(best, 1) if crispness(best) > 1.08 * level else 0.0
