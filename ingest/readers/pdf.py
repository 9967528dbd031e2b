"""PDF files: characters and boxes from pdfium, laid out into one text with places.

pdfium gives the text, so offsets have one source; pypdf only mends files that pdfium can't
open. ``pdf_page`` makes words of characters, ``layout`` lines and paragraphs of words, ``scans``
recognises pages without a text.
"""

from __future__ import annotations

import ctypes
import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.cleaning import normalise
from ingest.readers.layout import Assembled, Heading, Page, assemble
from ingest.readers.ocr import OcrSettings
from ingest.readers.pdf_page import Handle, PdfLimits, Unknown, guess_ligatures, page_of
from ingest.readers.scans import ranges, recognise_pages
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import Language, Metadata

MEDIA_TYPE = "application/pdf"


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
            warnings.append(f"warning.pdf_pages_broken|pages={ranges(broken)}")
        warnings += recognise_pages(document, pages, scanned, ocr, path.name)
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


# --- pages -----------------------------------------------------------------------------------


def _pages(
    document: Handle, limits: PdfLimits, name: str
) -> tuple[list[Page], list[int], list[int]]:
    """Return every page with its words, the pages without a text layer, and the broken ones."""
    import pypdfium2

    pages: list[Page] = []
    scanned: list[int] = []
    broken: list[int] = []
    characters = 0
    unknown: Unknown = {}
    for number in range(len(document)):
        try:
            page = document[number]
        except pypdfium2.PdfiumError:
            broken.append(number + 1)
            pages.append(Page(595.0, 842.0, []))
            continue
        try:
            made, pictured = page_of(page, limits, unknown)
        finally:
            page.close()
        letters = sum(len(word.text) for word in made.words)
        characters += letters
        if characters > limits.characters:
            raise UnreadableDocument("unreadable_too_much_text", name=name, limit=limits.characters)
        if pictured > (0.3 if letters else 0.02) and _poor(made):
            scanned.append(number)
        pages.append(made)
    guess_ligatures(pages, unknown)
    return pages, scanned, broken


def _poor(page: Page) -> bool:
    """Tell whether a page that a picture covers has no text worth the name."""
    text = "".join(word.text for word in page.words)
    letters = sum(char.isalnum() for char in text)
    return letters < 25 or letters < 0.4 * len(text)


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
