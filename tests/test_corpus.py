"""The sample corpus: complete, honest about being a sample, and rebuilt to the same text."""

from __future__ import annotations

import html
import importlib
import io
import re
import sys
import tomllib
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import need

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ROOT / "corpus" / "documents"
SAMPLE = re.compile(r"^(NÄYTEAINEISTO|EXEMPELMATERIAL|SAMPLE DOCUMENT) – ")
THEMES = {
    *("governance", "land", "permits", "energy", "water", "circularity", "logistics"),
    *("safety", "monitoring", "digital", "workforce", "research", "community", "economy"),
}
KINDS = {"report", "round-table notes", "slides", "web page", "other"}


@cache
def manifest() -> tuple[dict[str, Any], ...]:
    with (DOCUMENTS / "manifest.toml").open("rb") as file:
        return tuple(tomllib.load(file)["document"])


@cache
def builder(part: str) -> ModuleType:
    """Return a module that builds the sample documents: they lie in a folder of data."""
    sys.path.insert(0, str(ROOT / "corpus"))
    try:
        return importlib.import_module(f"building.{part}")
    finally:
        sys.path.pop(0)


def text_of(path: Path, data: bytes | None = None) -> str:
    """Return a plain reading of a document, independent of the product's own readers."""
    raw = path.read_bytes() if data is None else data
    match path.suffix:
        case ".pdf":
            import pypdfium2

            with pypdfium2.PdfDocument(raw) as pdf:
                return "\n".join(pdf[i].get_textpage().get_text_bounded() for i in range(len(pdf)))
        case ".xlsx":
            from openpyxl import load_workbook

            book = load_workbook(io.BytesIO(raw))
            rows = (row for sheet in book for row in sheet.iter_rows(values_only=True))
            return "\n".join(" ".join(str(c) for c in row if c is not None) for row in rows)
        case ".docx" | ".pptx":
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                names = [
                    name
                    for name in archive.namelist()
                    if re.fullmatch(r"word/document\.xml|ppt/slides/slide\d+\.xml", name)
                ]
                parts = [archive.read(name).decode() for name in names]
            runs = "\n".join(re.sub(r"</(w:p|a:p)>", "\n", part) for part in parts)
            return html.unescape(re.sub(r"<[^>]+>", "", runs)).strip()
        case ".html":
            main = re.search(r"<article>(.*)</article>", raw.decode(), re.DOTALL)
            assert main is not None
            return html.unescape(re.sub(r"<[^>]+>", "", main[1])).strip()
        case _:
            return raw.decode()


@cache
def reading(name: str) -> str:
    return text_of(DOCUMENTS / name)


def pages(name: str) -> int:
    """Return pages of a PDF, slides of a deck, and 400 words a page for the rest."""
    path = DOCUMENTS / name
    if path.suffix == ".pdf":
        import pypdfium2

        with pypdfium2.PdfDocument(path) as pdf:
            return len(pdf)
    if path.suffix == ".pptx":
        with zipfile.ZipFile(path) as archive:
            return len([n for n in archive.namelist() if re.fullmatch(r"ppt/slides/s\w+\.xml", n)])
    return max(1, len(reading(name).split()) // 400)


def names() -> list[str]:
    return [entry["file"] for entry in manifest()]


def test_manifest_and_folder_name_the_same_files() -> None:
    assert len(set(names())) == len(names())
    there = {path.name for path in DOCUMENTS.iterdir()} - {"manifest.toml"}
    assert there == set(names())


def test_every_entry_is_complete_and_known() -> None:
    for entry in manifest():
        assert entry["sample"] is True
        assert entry["kind"] in KINDS, entry["file"]
        assert entry["confidentiality"] in {"public", "internal", "confidential"}
        assert entry["language"] in {"fi", "sv", "en"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["date"])
        assert entry["themes"], entry["file"]
        assert set(entry["themes"]) <= THEMES, entry["file"]
        for key in ("title", "city", "organisation", "work_package", "collection"):
            assert entry[key], (entry["file"], key)


def test_corpus_is_large_and_mixed_enough() -> None:
    suffixes = Counter(Path(name).suffix for name in names())
    languages = Counter(entry["language"] for entry in manifest())
    assert len(names()) >= 24
    assert set(suffixes) == {".pdf", ".docx", ".pptx", ".xlsx", ".html", ".md", ".txt"}
    assert languages["fi"] >= 14
    assert languages["sv"] >= 4
    assert languages["en"] >= 4
    assert sum(pages(name) for name in names()) >= 60


def test_each_theme_has_a_report_or_a_card_of_its_own() -> None:
    # A document about everything doesn't count for a theme.
    narrow = {
        theme
        for entry in manifest()
        if entry["kind"] in {"report", "web page"} and len(entry["themes"]) <= 3
        for theme in entry["themes"]
    }
    narrow |= {
        theme
        for entry in manifest()
        if Path(entry["file"]).suffix == ".docx"
        for theme in entry["themes"]
    }
    assert narrow == THEMES


def test_notes_hold_one_confidential_and_one_internal() -> None:
    levels = Counter(entry["confidentiality"] for entry in manifest())
    assert levels["confidential"] >= 1
    assert levels["internal"] >= 1
    notes = [entry for entry in manifest() if entry["kind"] == "round-table notes"]
    assert {Path(entry["file"]).suffix for entry in notes} >= {".docx", ".md", ".txt"}
    assert "sv" in {entry["language"] for entry in notes}


def test_one_document_has_a_newer_version() -> None:
    by_stem: dict[str, list[dict[str, Any]]] = {}
    for entry in manifest():
        if match := re.fullmatch(r"(.*) \(versio \d\.\d\)", entry["title"]):
            by_stem.setdefault(match[1], []).append(entry)
    versions = [sorted(e["date"] for e in group) for group in by_stem.values()]
    assert any(len(dates) == 2 and dates[0] < dates[1] for dates in versions)


@pytest.mark.parametrize("name", names())
def test_first_line_says_that_it_is_a_sample(name: str) -> None:
    entry = next(entry for entry in manifest() if entry["file"] == name)
    if entry["collection"] == "Arkisto":
        assert not reading(name).strip(), "a scan has no text layer"
        source = next(s for s in builder("sources").sources() if s.file == name)
        first = source.body.replace(" - ", " – ", 1)
    else:
        first = reading(name).lstrip()
    assert SAMPLE.match(first), first[:60]
    opening = {"fi": "NÄYTEAINEISTO", "sv": "EXEMPELMATERIAL", "en": "SAMPLE DOCUMENT"}
    assert first.startswith(opening[entry["language"]])


def test_workbook_has_a_row_for_each_service_under_a_header() -> None:
    from openpyxl import load_workbook

    book = load_workbook(DOCUMENTS / "palvelut-alueittain.xlsx")
    rows = list(book["Palvelut"].iter_rows(values_only=True))
    assert rows[0][:3] == ("Alue", "Teema", "Palvelu")
    assert len(rows) - 1 >= 40
    kokkola = [row for row in rows if row[0] == "Kokkola"]
    assert kokkola
    assert all(row[-1] not in (None, "havainnollistava") for row in kokkola)
    invented = [row for row in rows if str(row[0]).startswith("Esimerkkialue")]
    assert invented
    assert all(row[-1] == "havainnollistava" for row in invented)


def test_slides_have_speaker_notes() -> None:
    for entry in manifest():
        if entry["kind"] == "slides":
            with zipfile.ZipFile(DOCUMENTS / entry["file"]) as deck:
                notes = [n for n in deck.namelist() if n.startswith("ppt/notesSlides/notesSlide")]
            assert len(notes) >= 4, entry["file"]


def test_files_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in DOCUMENTS.iterdir()}
    assert max(sizes.values()) < 1_000_000
    assert sum(sizes.values()) < 4_000_000


def test_manifest_is_the_one_that_the_sources_give() -> None:
    written = (DOCUMENTS / "manifest.toml").read_text(encoding="utf-8")
    assert written == builder("documents").manifest(builder("sources").sources())


@pytest.mark.parametrize("name", names())
def test_rebuilding_gives_the_same_text(name: str) -> None:
    if Path(name).suffix == ".pdf":
        need(builder("sources").FONTS.is_dir(), "fonts-liberation, to rebuild the PDFs")
    source = next(source for source in builder("sources").sources() if source.file == name)
    path = DOCUMENTS / name
    assert text_of(path, builder("documents").build(source)) == reading(name)


def test_reports_break_words_at_line_ends_where_finnish_allows_it() -> None:
    build = builder("hyphens")
    assert build.syllables("teollisuus") == ["te", "ol", "li", "suus"]
    assert build.syllables("ympäristö") == ["ym", "pä", "ris", "tö"]
    halves = [left + "-" + right for left, right in build.hyphenate("ympäristölupa")]
    assert "ympäristö-lupa" in halves
    assert "ympäris-tölupa" not in halves[:1]
    # pdfium gives a hyphen that ends a line as U+0002.
    report = reading("energia-hoyry-ja-lammon-talteenotto.pdf")
    assert len(re.findall(r"[a-zäö](?:-\s*\n|\x02)[a-zäö]", report)) > 20


def test_pdf_has_properties_outline_and_language() -> None:
    from pypdf import PdfReader

    pdf = PdfReader(DOCUMENTS / "hallintamallit-raportti.pdf")
    assert pdf.metadata is not None
    assert (
        pdf.metadata.title == "Teollisuusalueen hallintamallit: kuka vastaa yhteisistä palveluista"
    )
    assert pdf.metadata.author
    assert pdf.metadata.creation_date is not None
    assert pdf.metadata.creation_date.date().isoformat() == "2025-03-12"
    assert str(pdf.root_object["/Lang"]) == "fi-FI"
    _title, chapters = pdf.outline
    assert isinstance(chapters, list)
    assert len([entry for entry in chapters if not isinstance(entry, list)]) == 10
    last = pdf.pages[2].extract_text()
    assert "Sitra: Yhdeksän askelta" in last
    assert "3 (4)" in last


def test_a_broken_source_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.md"
    path.write_text("---\nfile: x.pdf\n---\nNÄYTEAINEISTO – x\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"broken\.md: front matter lacks title"):
        builder("sources").parse(path)
