"""PDF files: characters and boxes from pdfium, laid out into one text with places.

pdfium gives the text, so offsets have one source; pypdf only mends files that pdfium can't
open. What the characters make of words, lines and paragraphs is decided in ``layout``.
"""

from __future__ import annotations

import ctypes
import io
import logging
import math
import re
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.cleaning import SPACING_ACCENTS, WordForms, normalise
from ingest.readers.grids import Bar, Rule
from ingest.readers.layout import Assembled, Heading, Page, Word, assemble
from ingest.readers.ocr import INSTALL_OCR, OcrSettings, Recognised, ocr_available, recognise
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import Language, Metadata
from kb.pages import image_dpi

if TYPE_CHECKING:
    from PIL.Image import Image

MEDIA_TYPE = "application/pdf"

WATERMARK = 24.0  # points
MOST_OCR_PIXELS = 36_000_000
MOST_IMAGE_PIXELS = 100_000_000

# pdfium is a C library behind untyped ctypes; its handles are Any here and nowhere else.
Handle = Any
Box = tuple[float, float, float, float]
Glyph = tuple[str, float, float, float, float]
"""A character and its box in user space: left, bottom, right, top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfLimits:
    """What a file may cost. A report has some 3,000 characters a page."""

    pages: int = 3_000
    characters: int = 6_000_000
    page_characters: int = 120_000
    objects: int = 4_000
    outline: int = 3_000


def read_pdf(
    path: Path, *, ocr: OcrSettings | None = None, limits: PdfLimits | None = None
) -> Reading:
    """Read a PDF file.

    ``ocr`` says how pages without text are recognised; None means as the defaults do, where
    tesseract is installed. Raises UnreadableDocument for files that are empty, encrypted,
    damaged past repair, too long, or without any text.
    """
    limits = limits or PdfLimits()
    ocr = ocr or OcrSettings()
    if path.stat().st_size == 0:
        raise UnreadableDocument("unreadable_empty", name=path.name)
    warnings: list[str] = []
    with _opened(path, warnings) as document:
        count = len(document)
        if count == 0:
            raise UnreadableDocument("unreadable_empty", name=path.name)
        if count > limits.pages:
            raise UnreadableDocument(
                "unreadable_too_many_pages", name=path.name, pages=count, limit=limits.pages
            )
        pages, scanned, broken = _pages(document, limits, path.name)
        if broken and not any(page.words or page.asides for page in pages) and not scanned:
            raise UnreadableDocument("unreadable_pdf_damaged", name=path.name)
        if broken:
            warnings.append(f"warning.pdf_pages_broken|pages={_ranges(broken)}")
        warnings += _recognise(document, pages, scanned, ocr, path.name)
        outline = _outline(document, limits)
        info = _metadata(document)
    assembled = assemble(pages, outline)
    if not assembled.text:
        raise UnreadableDocument("unreadable_no_text", name=path.name)
    return Reading(
        text=assembled.text,
        blocks=assembled.blocks,
        page_starts=assembled.page_starts,
        words=assembled.words,
        metadata=Metadata(
            title=_title(info.title, assembled, path),
            date=info.date,
            language=info.language,
        ),
        media_type=MEDIA_TYPE,
        warnings=tuple(warnings),
    )


# --- opening ---------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path, warnings: list[str]) -> Iterator[Handle]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise UnreadableDocument("unreadable_pdf_encrypted", name=path.name) from error
        document = pypdfium2.PdfDocument(_mended(path))
        warnings.append("warning.pdf_mended")
    try:
        yield document
    finally:
        document.close()


def _mended(path: Path) -> bytes:
    """Return the file in a state that pdfium opens, or raise UnreadableDocument.

    A file that lost its end gets a new trailer; anything else is written anew by pypdf.
    """
    import pypdf
    import pypdfium2

    content = path.read_bytes()
    if b"%PDF-" not in content[:1024]:
        raise UnreadableDocument("unreadable_pdf_damaged", name=path.name)
    for patched in _with_trailer(content):
        try:
            pypdfium2.PdfDocument(patched).close()
        except pypdfium2.PdfiumError:
            continue
        return patched
    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # it tells of every fault, and we know that there are some
    try:
        reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableDocument("unreadable_pdf_encrypted", name=path.name)
        writer = pypdf.PdfWriter()
        for page in reader.pages:
            writer.add_page(page)
        whole = io.BytesIO()
        writer.write(whole)
        pypdfium2.PdfDocument(whole.getvalue()).close()
    except UnreadableDocument:
        raise
    except Exception as error:
        # A damaged file makes pypdf fail in any way at all, RecursionError and KeyError among
        # them; each means the same to the user.
        raise UnreadableDocument("unreadable_pdf_damaged", name=path.name) from error
    finally:
        logger.setLevel(level)
    return whole.getvalue()


_CATALOG = re.compile(
    rb"(\d{1,9})\s+(\d{1,5})\s+obj\b(?:(?!endobj)[\s\S]){0,4000}?/Type\s*/Catalog\b"
)


def _with_trailer(content: bytes) -> Iterator[bytes]:
    """Yield the file with a trailer that names its catalog; pdfium finds the objects itself."""
    for found in list(_CATALOG.finditer(content))[-1:]:
        root = b" ".join((found[1], found[2], b"R"))
        yield content + b"\nendobj\ntrailer\n<< /Root " + root + b" >>\nstartxref\n0\n%%EOF\n"


# --- characters to words ---------------------------------------------------------------------


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


def _pages(
    document: Handle, limits: PdfLimits, name: str
) -> tuple[list[Page], list[int], list[int]]:
    """Return every page with its words, the pages without a text layer, and the broken ones."""
    import pypdfium2

    pages: list[Page] = []
    scanned: list[int] = []
    broken: list[int] = []
    characters = 0
    unknown: dict[tuple[bytes, int], int] = {}
    for number in range(len(document)):
        try:
            page = document[number]
        except pypdfium2.PdfiumError:
            broken.append(number + 1)
            pages.append(Page(595.0, 842.0, []))
            continue
        try:
            made, pictured = _page(page, limits, unknown)
        finally:
            page.close()
        letters = sum(len(word.text) for word in made.words)
        characters += letters
        if characters > limits.characters:
            raise UnreadableDocument("unreadable_too_much_text", name=name, limit=limits.characters)
        if pictured > (0.3 if letters else 0.02) and _poor(made):
            scanned.append(number)
        pages.append(made)
    _guess_ligatures(pages, unknown)
    return pages, scanned, broken


def _poor(page: Page) -> bool:
    """Tell whether a page that a picture covers has no text worth the name."""
    text = "".join(word.text for word in page.words)
    letters = sum(char.isalnum() for char in text)
    return letters < 25 or letters < 0.4 * len(text)


def _page(
    page: Handle, limits: PdfLimits, unknown: dict[tuple[bytes, int], int]
) -> tuple[Page, float]:
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


def _unknown(known: dict[tuple[bytes, int], int], raw: Handle, index: int, code: int) -> int:
    """Return a private character that stands for a glyph whose letters the file doesn't tell."""
    import pypdfium2.raw as pdfium

    name = ctypes.create_string_buffer(96)
    pdfium.FPDFText_GetFontInfo(raw, index, name, 96, ctypes.c_int())
    return known.setdefault((name.value, code), _UNKNOWN + len(known))


def _guess_ligatures(pages: list[Page], unknown: dict[tuple[bytes, int], int]) -> None:
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
    textpage: Handle, frame: _Frame, limits: PdfLimits, unknown: dict[tuple[bytes, int], int]
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
    for index in range(count):
        code = get_unicode(raw, index)
        if code < 0x20 and code not in _CONTROLS and has_error(raw, index) == 1:
            code = _unknown(unknown, raw, index, code)
        if code in (0x20, 0x0A, 0x0D, 0x09, 0xA0, 0) or 0x2000 <= code <= 0x200A or code == 0x3000:
            close()
            last = None
            continue
        char = "-" if code in (0x02, 0xFFFE) else _SYMBOLS.get(code) or chr(code)
        get_box(raw, index, ref)
        box = (rect.left, rect.bottom, rect.right, rect.top)
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


# --- scanned pages ---------------------------------------------------------------------------


def _recognise(
    document: Handle, pages: list[Page], scanned: list[int], ocr: OcrSettings, name: str
) -> list[str]:
    """Fill scanned pages with recognised words; return warnings. See ``read_pdf``."""
    readable = any(page.words or page.asides for page in pages)
    if not scanned:
        if not readable:
            raise UnreadableDocument("unreadable_no_text", name=name)
        return []
    if not ocr.enabled or not ocr_available(ocr.program):
        if all(number in scanned or not page.words for number, page in enumerate(pages)):
            raise UnreadableDocument(
                "unreadable_pdf_no_text", name=name, command=INSTALL_OCR, pages=len(scanned)
            )
        return [f"warning.pdf_pages_without_text|pages={_ranges([n + 1 for n in scanned])}"]
    confidences: list[float] = []
    read: list[int] = []
    low: list[int] = []
    left_out = [number + 1 for number in scanned[ocr.pages :]]
    began = time.monotonic()
    for number in scanned[: ocr.pages]:
        if time.monotonic() - began > ocr.total_seconds:
            left_out.append(number + 1)
            continue
        image, dpi = _drawing(document, number, ocr)
        recognised = recognise(image, dpi, ocr)
        if recognised is None:
            low.append(number + 1)
            continue
        if not _better(recognised, pages[number]):
            continue
        pages[number] = recognised.page
        read.append(number + 1)
        confidences.append(recognised.confidence)
        if recognised.confidence < ocr.low:
            low.append(number + 1)
    warnings = []
    if confidences:
        mean = round(sum(confidences) / len(confidences))
        warnings.append(f"warning.ocr|confidence={mean}|pages={_ranges(read)}")
    if low:
        warnings.append(f"warning.ocr_low|pages={_ranges(low)}")
    if left_out:
        warnings.append(f"warning.pdf_pages_without_text|pages={_ranges(left_out)}")
    if not readable and not read:
        raise UnreadableDocument("unreadable_ocr_failed", name=name)
    return warnings


def _better(recognised: Recognised, page: Page) -> bool:
    """Tell whether recognised words should take the place of a page's own few, if any.

    A photograph gives some letters of low confidence; the title on a picture is better as the
    file has it.
    """
    got = sum(len(word.text) for word in recognised.page.words)
    had = sum(len(word.text) for word in page.words)
    return got >= 3 and recognised.confidence >= 45 and got > 2 * had + (10 if had else 0)


def _drawing(document: Handle, number: int, ocr: OcrSettings) -> tuple[Image, float]:
    """Draw a page in grey; return the picture and the dots an inch that came out of it."""
    page = document[number]
    try:
        width, height = page.get_size()
        most = math.sqrt(MOST_OCR_PIXELS / max(1.0, width * height))
        scale = min(ocr.dpi / 72, most)
        bitmap = page.render(scale=scale, grayscale=True)
        image: Image = bitmap.to_pil().copy()
        bitmap.close()
    finally:
        page.close()
    return image, 72 * scale


def read_image(path: Path, *, ocr: OcrSettings | None = None) -> Reading:
    """Read a scan saved as a picture (PNG, JPEG, TIFF of one or more pages, BMP, WebP).

    Raises UnreadableDocument where it can't be opened, is too large, holds no text that can be
    recognised, or tesseract isn't installed.
    """
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    ocr = ocr or OcrSettings()
    if path.stat().st_size == 0:
        raise UnreadableDocument("unreadable_empty", name=path.name)
    if not ocr.enabled or not ocr_available(ocr.program):
        raise UnreadableDocument(
            "unreadable_pdf_no_text", name=path.name, command=INSTALL_OCR, pages=1
        )
    pages: list[Page] = []
    confidences: list[float] = []
    low: list[int] = []
    try:
        with pillow.open(path) as image:
            media_type = pillow.MIME.get(image.format or "", "image/png")
            for number in range(min(getattr(image, "n_frames", 1), ocr.pages)):
                image.seek(number)
                if image.width * image.height > MOST_IMAGE_PIXELS:
                    raise UnreadableDocument("unreadable_image", name=path.name)
                dpi = image_dpi(image)
                recognised = recognise(image, dpi, ocr)
                if recognised is None or not recognised.page.words:
                    pages.append(Page(72 * image.width / dpi, 72 * image.height / dpi, []))
                    low.append(number + 1)
                    continue
                pages.append(recognised.page)
                confidences.append(recognised.confidence)
                if recognised.confidence < ocr.low:
                    low.append(number + 1)
    except (UnidentifiedImageError, pillow.DecompressionBombError, OSError, EOFError) as error:
        raise UnreadableDocument("unreadable_image", name=path.name) from error
    assembled = assemble(pages)
    if not assembled.text:
        raise UnreadableDocument("unreadable_ocr_failed", name=path.name)
    mean = round(sum(confidences) / len(confidences))
    warnings = [f"warning.ocr|confidence={mean}|pages={_ranges(list(range(1, len(pages) + 1)))}"]
    if low:
        warnings.append(f"warning.ocr_low|pages={_ranges(low)}")
    return Reading(
        text=assembled.text,
        blocks=assembled.blocks,
        page_starts=assembled.page_starts,
        words=assembled.words,
        metadata=Metadata(title=_title("", assembled, path)),
        media_type=media_type,
        warnings=tuple(warnings),
    )


def _ranges(numbers: list[int]) -> str:
    """Return page numbers as people write them: ``1–3, 7``."""
    out: list[list[int]] = []
    for number in sorted(set(numbers)):
        if out and number == out[-1][1] + 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in out)


# --- outline and metadata --------------------------------------------------------------------


def _outline(document: Handle, limits: PdfLimits) -> list[Heading]:
    import pypdfium2

    headings: list[Heading] = []
    try:
        for entry in document.get_toc(max_depth=8):
            if len(headings) >= limits.outline:
                break
            target = entry.get_dest()
            page = target.get_index() if target is not None else None
            title = " ".join(normalise(entry.get_title()).split())
            if page is not None and title:
                headings.append(Heading(title, page, entry.level + 1))
    except pypdfium2.PdfiumError:
        return headings
    return headings


@dataclass(frozen=True, slots=True)
class _Info:
    title: str
    date: str | None
    language: Language | None


def _metadata(document: Handle) -> _Info:
    info = document.get_metadata_dict()
    return _Info(
        title=" ".join(normalise(info.get("Title", "")).split()),
        date=_date(info.get("CreationDate", "")) or _date(info.get("ModDate", "")),
        language=_language(document),
    )


def _date(said: str) -> str | None:
    found = re.match(r"(?:D:)?\s*(\d{4})-?(\d\d)?-?(\d\d)?", said)
    if not found or not 1980 <= int(found[1]) <= 2100:
        return None
    year, month, day = found.groups()
    if month is None or not 1 <= int(month) <= 12:
        return year
    if day is None or not 1 <= int(day) <= 31:
        return f"{year}-{month}"
    return f"{year}-{month}-{day}"


def _language(document: Handle) -> Language | None:
    import pypdfium2.raw as pdfium

    get = getattr(pdfium, "FPDFCatalog_GetLanguage", None)
    if get is None:
        return None
    size = get(document, None, 0)
    if not 2 < size < 200:
        return None
    buffer = (ctypes.c_ushort * (size // 2))()
    get(document, buffer, size)
    code = bytes(buffer).decode("utf-16-le", "ignore").rstrip("\0").casefold()[:2]
    known: dict[str, Language] = {"fi": "fi", "sv": "sv", "en": "en"}
    return known.get(code)


_POOR_TITLE = re.compile(
    r"^(?:microsoft (?:word|powerpoint|excel).*|.*\.(?:docx?|pptx?|xlsx?|pdf|indd|odt|tex|rtf|dvi)|"
    r"untitled.*|nimet[öo]n.*|namnl[öo]s.*|document\d*|presentation\d*|powerpoint.*|esitys\d*|"
    r"title|otsikko|pdf|slide \d+|dia \d+|[\W\d_]*|\(?anonymous\)?|none|layout \d+)$",
    re.IGNORECASE,
)


def _title(said: str, assembled: Assembled, path: Path) -> str:
    if said and not _POOR_TITLE.match(said) and len(said) < 300:
        return said
    return assembled.title or path.stem.replace("_", " ")
