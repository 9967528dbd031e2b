"""One page of a PDF from pdfium: its words by the direction they run in, and the lines on it."""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from ingest.cleaning import SPACING_ACCENTS, WordForms, normalise
from ingest.readers.grids import Bar, Rule
from ingest.readers.layout import Page, Word

WATERMARK = 24.0  # points

# pdfium is a C library behind untyped ctypes; its handles are Any here and nowhere else.
Handle = Any
Box = tuple[float, float, float, float]
Glyph = tuple[str, float, float, float, float]
"""A character and its box in user space: left, bottom, right, top."""

Unknown = dict[tuple[bytes, int], int]
"""Private characters by the font and the code of a glyph whose letters the file doesn't tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfLimits:
    """What a file may cost. A report has some 3,000 characters a page."""

    pages: int = 3_000
    characters: int = 6_000_000
    page_characters: int = 120_000
    objects: int = 4_000
    outline: int = 3_000


def page_of(page: Handle, limits: PdfLimits, unknown: Unknown) -> tuple[Page, float]:
    """Return a page laid open to be read, and the share of it that pictures cover."""
    frame = _frame(page)
    textpage = page.get_textpage()
    try:
        by_turn = _words(textpage, frame, limits, unknown)
    finally:
        textpage.close()
    rules, bars, pictured = _drawn(page, frame, limits)
    main = max(by_turn, key=lambda turn: sum(len(w.text) for w in by_turn[turn]), default=0)
    words = by_turn.get(main, [])
    sideways = main in (90, 270)
    width, height = frame.width, frame.height
    # Text in another direction follows the page's own; large letters aslant are a watermark.
    asides = [
        [word for word in found if turn >= 0 or word.size < WATERMARK]
        for turn, found in by_turn.items()
        if turn != main
    ]
    made = Page(height if sideways else width, width if sideways else height, words, asides=asides)
    if main == 0:
        made.rules, made.bars = rules, bars
    return made, pictured


def _drawn(page: Handle, frame: _Frame, limits: PdfLimits) -> tuple[list[Rule], list[Bar], float]:
    """Return the horizontal rules, the vertical bars, and the share that pictures cover."""
    import pypdfium2.raw as pdfium

    rules: list[Rule] = []
    bars: list[Bar] = []
    covered = 0.0
    area = max(1.0, frame.width * frame.height)
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    drawn = 0

    def look(count: int, get: Any, inside: int) -> None:
        nonlocal covered, drawn
        for index in range(count):
            drawn += 1
            if drawn > limits.objects:
                return
            thing = get(index)
            kind = pdfium.FPDFPageObj_GetType(thing)
            if kind == pdfium.FPDF_PAGEOBJ_FORM and inside < 3:
                held = pdfium.FPDFFormObj_CountObjects(thing)
                look(held, lambda i, form=thing: pdfium.FPDFFormObj_GetObject(form, i), inside + 1)
                continue
            if kind not in (pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_IMAGE):
                continue
            if not pdfium.FPDFPageObj_GetBounds(thing, left, bottom, right, top):
                continue
            box = frame.box(left.value, bottom.value, right.value, top.value)
            if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
                wide = min(box[2], frame.width) - max(0.0, box[0])
                high = min(box[3], frame.height) - max(0.0, box[1])
                covered += max(0.0, wide) * max(0.0, high)
            elif inside == 0 and box[2] - box[0] > 15:
                if box[3] - box[1] < 2.5:
                    rules.append((box[0], box[2], (box[1] + box[3]) / 2))
                elif box[3] - box[1] > 8:  # a filled or framed cell has lines on all sides
                    rules.append((box[0], box[2], box[1]))
                    rules.append((box[0], box[2], box[3]))
                    bars.append((box[1], box[3], box[0]))
                    bars.append((box[1], box[3], box[2]))
            elif inside == 0 and box[2] - box[0] < 2.5 and box[3] - box[1] > 5:
                bars.append((box[1], box[3], (box[0] + box[2]) / 2))

    look(pdfium.FPDFPage_CountObjects(page), lambda i: pdfium.FPDFPage_GetObject(page, i), 0)
    # Letters drawn as outlines make many paths and no text.
    return _merged(rules), _merged(bars), max(covered / area, 1.0 if drawn > 300 else 0.0)


def _merged(rules: list[Rule]) -> list[Rule]:
    """Join lines that touch end to end, as the borders of cells in a row do."""
    out: list[Rule] = []
    for left, right, y in sorted(rules, key=lambda rule: (round(rule[2]), rule[0])):
        if out and abs(out[-1][2] - y) < 1.1 and left - out[-1][1] < 4:
            out[-1] = (out[-1][0], max(out[-1][1], right), out[-1][2])
        else:
            out.append((left, right, y))
    return out


@dataclass(frozen=True, slots=True)
class _Frame:
    """How user space maps to the page as shown: crop box and rotation."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int

    @property
    def width(self) -> float:
        sideways = self.rotation in (90, 270)
        return self.top - self.bottom if sideways else self.right - self.left

    @property
    def height(self) -> float:
        sideways = self.rotation in (90, 270)
        return self.right - self.left if sideways else self.top - self.bottom

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of user space in points from the top left of the shown page."""
        if self.rotation == 90:
            return y - self.bottom, x - self.left
        if self.rotation == 180:
            return self.right - x, y - self.bottom
        if self.rotation == 270:
            return self.top - y, self.right - x
        return x - self.left, self.top - y

    def box(
        self, left: float, bottom: float, right: float, top: float
    ) -> tuple[float, float, float, float]:
        """Return a rectangle of user space as left, top, right, bottom of the shown page."""
        x1, y1 = self.point(left, bottom)
        x2, y2 = self.point(right, top)
        return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _frame(page: Handle) -> _Frame:
    import pypdfium2.raw as pdfium

    rect = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, rect)
    return _Frame(rect.left, rect.bottom, rect.right, rect.top, page.get_rotation())


_CONTROLS = frozenset({0x02, 0x09, 0x0A, 0x0D})
_UNKNOWN = 0xF0000
_LIGATURES = (
    "ti",
    "tt",
    "ft",
    "ff",
    "fi",
    "fl",
    "ffi",
    "ffl",
    "tf",
    "fj",
    "fb",
    "fh",
    "Th",
    "ct",
    "st",
    "tti",
)
# What Word makes of two ligatures of its Calibri, in files of Finnish authorities too.
_CALIBRI = str.maketrans({"Ɵ": "ti", "Ʃ": "tt"})


def _unknown(known: Unknown, raw: Handle, index: int, code: int) -> int:
    """Return a private character that stands for a glyph whose letters the file doesn't tell."""
    import pypdfium2.raw as pdfium

    name = ctypes.create_string_buffer(96)
    pdfium.FPDFText_GetFontInfo(raw, index, name, 96, ctypes.c_int())
    return known.setdefault((name.value, code), _UNKNOWN + len(known))


def guess_ligatures(pages: list[Page], unknown: Unknown) -> None:
    """Put letters for glyphs that the file gives none for, where its own words tell which.

    *ba?ery* is *battery* when the document has that word in another font.
    """
    words = [word for page in pages for word in page.words]
    strange = [word for word in words if any(ord(char) >= _UNKNOWN for char in word.text)]
    if not strange:
        return
    forms = WordForms(word.text for word in words)
    for code in unknown.values():
        char = chr(code)
        held = [word for word in strange if char in word.text]
        votes = {
            letters: sum(
                forms.count(word.text.replace(char, letters).strip(_EDGES)) > 0 for word in held
            )
            for letters in _LIGATURES
        }
        best = max(votes, key=lambda letters: votes[letters])
        for word in held:
            word.text = word.text.replace(char, best if votes[best] else "")
    for page in pages:
        page.words = [word for word in page.words if word.text]


_EDGES = "\"'”“’().,;:!?"
# Symbol and Wingdings, as Word names their characters; others of them are bullets or nothing.
_SYMBOLS = {0xF06D: "µ", 0xF0B0: "°", 0xF0B1: "±", 0xF0B3: "≥", 0xF0A3: "≤", 0xF0B4: "×"}
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_LEADER = re.compile(r"[.…]{4,}")


def _words(
    textpage: Handle, frame: _Frame, limits: PdfLimits, unknown: Unknown
) -> dict[int, list[Word]]:
    """Return the words of a page by the direction they run in: 0, 90, 180, 270, or -1 for aslant.

    The direction is that of the page as shown. A word ends at white space, where the next
    character stands apart by more than a third of its size, or on another baseline.
    """
    import pypdfium2.raw as pdfium

    raw = textpage.raw
    count = min(pdfium.FPDFText_CountChars(textpage), limits.page_characters)
    get_unicode = pdfium.FPDFText_GetUnicode
    get_box = pdfium.FPDFText_GetLooseCharBox
    has_error = pdfium.FPDFText_HasUnicodeMapError
    get_matrix, get_origin = pdfium.FPDFText_GetMatrix, pdfium.FPDFText_GetCharOrigin
    get_size, get_font = pdfium.FPDFText_GetFontSize, pdfium.FPDFText_GetFontInfo
    turns: dict[tuple[float, float, float, float], tuple[float, int]] = {}
    bolds: dict[bytes, bool] = {}
    rect = pdfium.FS_RECTF()
    ref = ctypes.byref(rect)
    matrix = pdfium.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    name = ctypes.create_string_buffer(96)
    flags = ctypes.c_int()
    found: dict[int, list[Word]] = {}
    glyphs: list[Glyph] = []
    first = 0

    glued = mark = False

    def direction() -> tuple[float, int]:
        get_matrix(raw, first, matrix)
        linear = (matrix.a, matrix.b, matrix.c, matrix.d)
        if linear not in turns:
            turns[linear] = _tall_and_turned(linear, frame.rotation)
        return turns[linear]

    def close() -> None:
        nonlocal glyphs, glued, mark
        if not glyphs:
            glued = mark = False
            return
        touches, raised = glued, mark
        glued = mark = False
        text = _clean("".join([glyph[0] for glyph in glyphs]))
        if not text:
            glyphs = []
            return
        dots = _LEADER.search(text)
        if dots and dots[0] != text and len(text) == len(glyphs):
            # The dots that lead to a page number touch the words on both sides.
            whole, touched = glyphs, touches
            for start, end in ((0, dots.start()), dots.span(), (dots.end(), len(text))):
                glyphs, glued, mark = whole[start:end], touched and not start, False
                close()
            glyphs = []
            return
        get_origin(raw, first, x, y)
        tall, turn = direction()
        size = round(abs(get_size(raw, first)) * tall, 1)
        get_font(raw, first, name, 96, flags)
        font = name.value
        if font not in bolds:
            bolds[font] = bool(_BOLD.search(font.decode("latin-1").lower()))
        bold = bolds[font] or bool(flags.value & 0x40000)
        _, lefts, bottoms, rights, tops = zip(*glyphs, strict=True)
        box = frame.box(min(lefts), min(bottoms), max(rights), max(tops))
        glyphs = []
        if box[2] < 0 or box[3] < 0 or box[0] > frame.width or box[1] > frame.height:
            return
        base_x, base_y = frame.point(x.value, y.value)
        left, top, right, bottom, base = _read_frame(turn, box, base_x, base_y, frame)
        size = size or max(1.0, bottom - top)
        if bottom - top > 2 * size:  # some fonts claim boxes of several lines
            top, bottom = base - size, base + 0.3 * size
            if turn == 0:
                box = (box[0], top, box[2], bottom)
        found.setdefault(turn, []).append(
            Word(text, left, top, right, bottom, base, size, bold, touches, raised, box=box)
        )

    last: Box | None = None
    broken = False
    for index in range(count):
        code = get_unicode(raw, index)
        if code < 0x20 and code not in _CONTROLS and has_error(raw, index) == 1:
            code = _unknown(unknown, raw, index, code)
        if code in (0x0A, 0x0D) and last is not None:
            broken = True  # or so pdfium thinks: whether it is, the next letter tells
            continue
        if code in (0x20, 0x0A, 0x0D, 0x09, 0xA0, 0) or 0x2000 <= code <= 0x200A or code == 0x3000:
            close()
            last, broken = None, False
            continue
        char = "-" if code in (0x02, 0xFFFE) else _SYMBOLS.get(code) or chr(code)
        get_box(raw, index, ref)
        box = (rect.left, rect.bottom, rect.right, rect.top)
        if broken:
            broken = False
            if last is not None and not _runs_on(last, box):
                close()
                last = None
        if last is not None and box[1] == last[1] and box[3] == last[3] and code < 0x80:
            # The next letter of the same size on the same baseline: nearly every character.
            tall = last[3] - last[1]
            near = -0.6 * tall < box[0] - last[2] < 0.3 * tall
            if near and char != "`" and glyphs[-1][0] not in SPACING_ACCENTS:
                glyphs.append((char, *box))
                last = box
                continue
        if last is not None and box != last:  # a ligature's letters share one box
            raised, lowered = _raised(char, box, last), mark and _raised("0", last, box)
            if not _adjoins(last, box) and not _accented(glyphs, char, box):
                if not glyphs or direction()[1] >= 0:  # boxes of letters aslant say little
                    close()
            elif raised or lowered:
                close()
                glued, mark = True, raised
        if not glyphs:
            first = index
        if not _composed(glyphs, char, box):
            glyphs.append((char, *box))
        last = box
    close()
    return found


def _tall_and_turned(linear: tuple[float, float, float, float], rotation: int) -> tuple[float, int]:
    """Return how much a text matrix enlarges, and the direction that it gives on the page."""
    a, b, c, d = linear
    angle = rotation - math.degrees(math.atan2(b, a))
    aslant = abs((angle + 45) % 90 - 45) > 8
    return math.hypot(c, d) or 1.0, -1 if aslant else round(angle / 90) * 90 % 360


def _clean(text: str) -> str:
    """Return a word without white space; a soft hyphen at its end stays, for the line's end."""
    if _PRIVATE.search(text):
        text = _PRIVATE.sub("", text) or "•"
    soft = text.endswith("\u00ad") and len(text) > 1
    plain = "".join(normalise(text).translate(_CALIBRI).split())
    return plain + "\u00ad" if soft and plain else plain


def _adjoins(last: Box, box: Box) -> bool:
    """Tell whether a character stands by the one before it, along the line or down the page."""
    tall = max(last[3] - last[1], 1.0)
    level = min(box[3], last[3]) - max(box[1], last[1]) > 0.35 * min(tall, box[3] - box[1])
    if level and -0.6 * tall < box[0] - last[2] < 0.3 * tall:
        return True
    stacked = _overlap(last, box) > 0.5
    return stacked and min(abs(box[1] - last[3]), abs(last[1] - box[3])) < 0.3 * (box[2] - box[0])


def _runs_on(last: Box, box: Box) -> bool:
    """Tell whether a character goes on with the word before it, though pdfium began a line there.

    It does so in the middle of a kerned number (*11* as two strings): the same foot, and nearer
    than any space is wide.
    """
    tall = last[3] - last[1]
    return abs(box[1] - last[1]) < 0.1 * tall and -0.1 * tall < box[0] - last[2] < 0.3 * tall


def _overlap(one: Box, other: Box) -> float:
    """Return how much of the narrower box's width both share."""
    shared = min(one[2], other[2]) - max(one[0], other[0])
    return shared / max(0.1, min(one[2] - one[0], other[2] - other[0]))


def _raised(char: str, box: Box, last: Box) -> bool:
    """Tell whether a digit or star is smaller than what it stands by, and above its foot."""
    tall = last[3] - last[1]
    return (
        (char.isdigit() or char in "*†‡")
        and box[3] - box[1] < 0.82 * tall
        and box[1] > last[1] + 0.12 * tall
    )


def _accented(glyphs: list[Glyph], char: str, box: Box) -> bool:
    """Tell whether a letter and an accent drawn apart stand one over the other."""
    if not glyphs or (glyphs[-1][0] not in SPACING_ACCENTS and char not in SPACING_ACCENTS):
        return False
    return _overlap(glyphs[-1][1:], box) > 0.5


def _composed(glyphs: list[Glyph], char: str, box: Box) -> bool:
    """Make one letter of a letter and an accent, as old typesetters drew *ä*; tell if done."""
    if not _accented(glyphs, char, box):
        return False
    before, *old = glyphs[-1]
    letter, accent = (char, before) if before in SPACING_ACCENTS else (before, char)
    made = unicodedata.normalize(
        "NFC", {"ı": "i", "ȷ": "j"}.get(letter, letter) + SPACING_ACCENTS[accent]
    )
    if len(made) != 1:
        return False
    glyphs[-1] = (
        made,
        min(old[0], box[0]),
        min(old[1], box[1]),
        max(old[2], box[2]),
        max(old[3], box[3]),
    )
    return True


_BOLD = re.compile(r"bold|black|heavy|demi|semib")


def _read_frame(
    turn: int,
    box: tuple[float, float, float, float],
    base_x: float,
    base_y: float,
    frame: _Frame,
) -> tuple[float, float, float, float, float]:
    """Return left, top, right, bottom and baseline as one who has turned the page reads them."""
    left, top, right, bottom = box
    if turn == 90:  # the text runs down the page
        return top, frame.width - right, bottom, frame.width - left, frame.width - base_x
    if turn == 180:
        return (
            frame.width - right,
            frame.height - bottom,
            frame.width - left,
            frame.height - top,
            frame.height - base_y,
        )
    if turn == 270:  # the text runs up the page
        return frame.height - bottom, left, frame.height - top, right, base_x
    return left, top, right, bottom, base_y
