"""Pages as pictures for the viewer, in the same points as the boxes of words.

PDF pages are drawn by pdfium, scans that are pictures themselves by Pillow. pdfium isn't safe
to call from two threads, so one lock guards it in this process.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.errors import NotFound, UnreadableDocument

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 12_000_000
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A picture of a page: its bytes, its size in pixels and its media type."""

    bytes: bytes
    width: int
    height: int
    media_type: str


def page_size(path: Path, page: int) -> tuple[float, float]:
    """Return the width and height of a page (from 1) in points, as it is shown.

    Raises NotFound for a page that isn't there and UnreadableDocument for a file that can't be
    opened.
    """
    if not _is_pdf(path):
        with _picture(path, page) as image:
            dpi = image_dpi(image)
            return 72 * image.width / dpi, 72 * image.height / dpi
    with _page(path, page) as shown:
        return _points(shown)


def page_sizes(path: Path) -> tuple[tuple[float, float], ...]:
    """Return the width and height of every page in points, as ``page_size`` does, in one go."""
    if not _is_pdf(path):
        with _picture(path, 1) as image:
            frames = getattr(image, "n_frames", 1)
        return tuple(page_size(path, number) for number in range(1, frames + 1))
    with _pdf(path) as document:
        # Read from the page tree: no page needs to be loaded.
        return tuple(document.get_page_size(number) for number in range(len(document)))


def render_page(path: Path, page: int, *, scale: float = 1.5) -> RenderedPage:
    """Draw a page (from 1) at ``scale`` pixels a point.

    The scale is lowered where the picture would have more than ``MOST_PIXELS`` pixels. Raises
    as ``page_size`` does.
    """
    if not _is_pdf(path):
        with _picture(path, page) as image:
            wanted = scale * 72 / image_dpi(image)
            factor = min(wanted, 1.0, (MOST_PIXELS / (image.width * image.height)) ** 0.5)
            size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
            return _encoded(image.convert("RGB").resize(size))
    with _page(path, page) as shown:
        width, height = _points(shown)
        most = (MOST_PIXELS / max(1.0, width * height)) ** 0.5
        bitmap = shown.render(scale=max(0.02, min(scale, most)), prefer_bgrx=True)
        image = bitmap.to_pil().convert("RGB")
        bitmap.close()
    return _encoded(image)


def image_dpi(image: Image) -> float:
    """Return the dots an inch that a scan is measured by: its own, or 300 where it has none."""
    said = image.info.get("dpi")
    dots = float(said[0]) if isinstance(said, tuple) and said else 0.0
    return dots if 90 <= dots <= 1200 else 300.0


def _encoded(image: Image) -> RenderedPage:
    """Return a picture as WebP: lossless for few colours, as text on white has."""
    out = io.BytesIO()
    flat = image.getcolors(maxcolors=512) is not None
    image.save(out, format="WEBP", lossless=flat, quality=80, method=2)
    return RenderedPage(out.getvalue(), image.width, image.height, "image/webp")


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as file:
        return b"%PDF-" in file.read(1024)


def _points(page: Any) -> tuple[float, float]:
    import pypdfium2.raw as pdfium

    rect = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, rect)
    width, height = rect.right - rect.left, rect.top - rect.bottom
    return (height, width) if page.get_rotation() in (90, 270) else (width, height)


@contextmanager
def _pdf(path: Path) -> Iterator[Any]:
    """Open a PDF; one at a time, since pdfium isn't safe between threads."""
    import pypdfium2

    with _LOCK:
        try:
            document = pypdfium2.PdfDocument(path)
        except pypdfium2.PdfiumError as error:
            raise UnreadableDocument("unreadable_pdf_damaged", name=path.name) from error
        try:
            yield document
        finally:
            document.close()


@contextmanager
def _page(path: Path, page: int) -> Iterator[Any]:
    import pypdfium2

    with _pdf(path) as document:
        if not 1 <= page <= len(document):
            raise NotFound(what="page", id=page)
        try:
            shown = document[page - 1]
        except pypdfium2.PdfiumError as error:
            raise UnreadableDocument("unreadable_pdf_damaged", name=path.name) from error
        try:
            yield shown
        finally:
            shown.close()


@contextmanager
def _picture(path: Path, page: int) -> Iterator[Image]:
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    try:
        image = pillow.open(path)
    except (UnidentifiedImageError, pillow.DecompressionBombError, OSError) as error:
        raise UnreadableDocument("unreadable_image", name=path.name) from error
    with image:
        if not 1 <= page <= getattr(image, "n_frames", 1):
            raise NotFound(what="page", id=page)
        image.seek(page - 1)
        yield image
