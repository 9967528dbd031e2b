"""Scanned pages, in a PDF or in pictures: drawn, recognised, and told of in warnings."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.readers.layout import Page, assemble
from ingest.readers.ocr import INSTALL_OCR, OcrSettings, Recognised, ocr_available, recognise
from ingest.readers.pdf_page import Handle
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import Metadata
from kb.pages import image_dpi

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_OCR_PIXELS = 36_000_000
MOST_IMAGE_PIXELS = 100_000_000


def recognise_pages(
    document: Handle, pages: list[Page], scanned: list[int], ocr: OcrSettings, name: str
) -> list[str]:
    """Fill scanned pages with recognised words; return warnings.

    Raises UnreadableDocument where no page has any text then.
    """
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
        return [f"warning.pdf_pages_without_text|pages={ranges([n + 1 for n in scanned])}"]
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
        warnings.append(f"warning.ocr|confidence={mean}|pages={ranges(read)}")
    if low:
        warnings.append(f"warning.ocr_low|pages={ranges(low)}")
    if left_out:
        warnings.append(f"warning.pdf_pages_without_text|pages={ranges(left_out)}")
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
    warnings = [f"warning.ocr|confidence={mean}|pages={ranges(list(range(1, len(pages) + 1)))}"]
    if low:
        warnings.append(f"warning.ocr_low|pages={ranges(low)}")
    return Reading(
        text=assembled.text,
        blocks=assembled.blocks,
        page_starts=assembled.page_starts,
        words=assembled.words,
        metadata=Metadata(title=assembled.title or path.stem.replace("_", " ")),
        media_type=media_type,
        warnings=tuple(warnings),
    )


def ranges(numbers: list[int]) -> str:
    """Return page numbers as people write them: ``1–3, 7``."""
    out: list[list[int]] = []
    for number in sorted(set(numbers)):
        if out and number == out[-1][1] + 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in out)
