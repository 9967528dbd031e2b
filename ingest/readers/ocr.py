"""Scanned pages: tesseract as a program, its words with boxes and confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ingest.readers.layout import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrSettings:
    """How scanned pages are recognised.

    ``dpi`` is the resolution that pages are drawn at; ``seconds`` the time for one page;
    ``pages`` how many of a document are recognised at most; ``low`` the mean confidence in per
    cent under which a page is named in the warnings.
    """

    enabled: bool = True
    languages: tuple[str, ...] = ("fin", "swe", "eng")
    dpi: int = 300
    seconds: float = 60.0
    pages: int = 300
    low: float = 70.0
    program: str = "tesseract"


@dataclass(frozen=True, slots=True)
class Recognised:
    """A page as recognised; ``confidence`` is the mean over its words in per cent."""

    page: Page
    confidence: float


def ocr_available(program: str = "tesseract") -> tuple[str, ...]:
    """Return the languages that tesseract has, or an empty tuple where it isn't installed."""
    return ()


def ocr_page(document: Any, number: int, settings: OcrSettings) -> Recognised | None:
    """Recognise a page; None when tesseract failed or ran out of time."""
    return None
