"""A real server with a few documents of every sort, and a real browser to see it with."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageBreak,
    PageTemplate,
    Paragraph,
)

from tests.api.conftest import ROOT, Server, start
from tests.conftest import need

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
]

QUESTION = "Paljonko jäähdytysvettä kiertopiiri säästää vuodessa?"
ANSWER = "Kiertopiiri säästää vuodessa 12,6 miljoonaa kuutiometriä jäähdytysvettä."
WATER = (
    ("Jäähdytysveden kierto", "h"),
    (
        "Viisi laitosta johtaa lämpimän veden yhteiseen altaaseen ja ottaa sen viileänä "
        "takaisin. Vesiyhtiö omistaa putket, pumput ja mittarit, ja laitokset omistavat omat "
        "lämmönvaihtimensa.",
        "p",
    ),
    (ANSWER + " Meriveden otto väheni samalla kolmanneksen edellisvuodesta.", "p"),
    ("Kustannukset ja vastuut", "h"),
    (
        "Investointi maksoi 16,9 miljoonaa euroa. Vastuu likaantuvasta vedestä sovittiin "
        "kirjallisesti ennen rakentamista, koska yhden laitoksen häiriö pysäyttää kaikki.",
        "p",
    ),
)
FILLER = (
    "Alueen palvelut on koottu yhdelle yhtiölle, joka vastaa porteista, putkisilloista ja "
    "mittauksista. Tyypillinen sopimus on viisivuotinen, ja hinta tarkistetaan vuosittain. "
)
FIRE = """# Gemensam brandkår

Brandkåren på industriområdet har fjorton släckare i varje skift.

- Larmet går till den gemensamma centralen.
- Övningar ordnas två gånger om året.

| Område | Släckare |
| --- | --- |
| Norra | 8 |
| Södra | 6 |
"""
# Two tables and three parts; the same sentence again and again is embedded once.
LONG = (
    "# Pitkä muistio\n\n| Vuosi | Määrä |\n| --- | --- |\n| 2020 | 4 |\n\n"
    + ("Muistiossa toistuu sama lause monta kertaa peräkkäin. " * 40 + "\n\n") * 62
    + "## Loppu\n\n| Vuosi | Määrä |\n| --- | --- |\n| 2021 | 5 |\n\nJa\n\n"
    "| Alue | Pumppuja |\n| --- | --- |\n| Norra | 3 |\n"
)
HOSTILE = """<!doctype html><html lang="en">
<head><title>Pass &amp; gate <b>rules</b></title></head><body>
<h1>Gate rules &lt;script&gt;window.hacked = 1&lt;/script&gt;</h1>
<p>Every visitor gets a pass at the northern gate
&lt;img src=x onerror="window.hacked=1"&gt; first.</p>
<script>window.hacked = 1</script></body></html>"""

PROJECTS: list[dict[str, Any]] = [
    {
        "id": "P1",
        "title": "Yhteinen jäähdytysvesi",
        "acronym": "VESI",
        "program": "Interreg Aurora",
        "description": "Hanke rakentaa laitoksille yhteisen jäähdytysveden kiertopiirin. "
        "Tehtaat ottavat lämpimän veden talteen altaasta. <b onclick=x>Putket</b> ovat yhteiset.",
        "results": "Jäähdytysveden kulutus väheni kolmanneksen.",
        "start": "2021-01-01",
        "end": "2023-12-31",
        "total cost": "1 250 000,50",
        "city": "Kokkola",
        "themes": "water",
        "partners": [
            {"org": "Centria Oy", "role": "LP", "city": "Kokkola"},
            {"org": "Vesiyhtiö", "role": "PP", "city": "Kokkola"},
        ],
    },
    {
        "id": "P2",
        "title": "Cooling water in closed loops",
        "program": "Interreg Aurora",
        "description": "The project cools plants with sea water that circulates in a closed loop. "
        "The warm water is collected and reused by the neighbours.",
        "start": "2022-01-01",
        "end": "2024-12-31",
        "url": "javascript:alert(1)",
        "themes": "water; energy",
        "partners": [{"org": "Centria", "role": "PP", "city": "Karleby"}],
    },
    {
        "id": "P3",
        "title": '=HYPERLINK("http://x")',
        "program": "Övrigt",
        "description": "Musik och sång för barn hela sommaren i parken.",
    },
]


def two_columns(*, pages: int = 2, at: int = 1, filler: bool = True) -> bytes:
    """Return a PDF of two columns whose page ``at`` tells about water.

    Without filler, other pages only have the same short text.
    """
    out = io.BytesIO()
    document = BaseDocTemplate(
        out, pagesize=(595, 842), title="Jäähdytysveden kierto", author="Esimerkki", lang="fi"
    )
    width = (595 - 2 * 50 - 20) / 2
    frames = [
        Frame(50 + column * (width + 20), 60, width, 722, id=f"column-{column}", showBoundary=0)
        for column in range(2)
    ]
    document.addPageTemplates([PageTemplate("two", frames)])
    sheet = getSampleStyleSheet()
    body = ParagraphStyle("body", parent=sheet["BodyText"], fontSize=10, leading=14, spaceAfter=8)
    flow: list[Flowable] = []
    for page in range(1, pages + 1):
        if page == at:
            flow += [
                Paragraph(text, sheet["Heading2"] if kind == "h" else body) for text, kind in WATER
            ]
        if filler:
            flow += [
                Paragraph(f"Sivun {page} kappale {number}. {FILLER}", body)
                for number in range(1, 15 if page != at else 9)
            ]
        elif page != at:
            flow += [Paragraph(FILLER, body)] * 8
        flow.append(PageBreak())
    document.build(flow)
    return out.getvalue()


def docx() -> bytes:
    """Return notes of a round table."""
    from docx import Document as Docx

    out = io.BytesIO()
    notes = Docx()
    notes.add_heading("Pyöreän pöydän muistio", 1)
    notes.add_paragraph("Satamassa on katettu lastaus joka säällä.")
    notes.add_paragraph("Kulkulupa urakoitsijalle kestää kolme päivää.", style="List Bullet")
    table = notes.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, (("Toive", "Ääniä"), ("Yksi yhteyspiste", "8")), strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    notes.save(out)
    return out.getvalue()


def pptx() -> bytes:
    """Return two slides."""
    from pptx import Presentation

    out = io.BytesIO()
    deck = Presentation()
    for title, text in (
        ("Rail and port", "The railway has served the port since 1886."),
        ("Storage", "Tank storage holds ninety thousand cubic metres."),
    ):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
    deck.save(out)
    return out.getvalue()


def xlsx() -> bytes:
    """Return a sheet of prices."""
    from openpyxl import Workbook

    out = io.BytesIO()
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = "Hinnat"
    for row in (("Palvelu", "Hinta"), ("Höyry", 31), ("Typpi", 12)):
        page.append(row)
    book.save(out)
    return out.getvalue()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a service with a document of every sort; the PDF and the Markdown are samples."""
    folder = tmp_path_factory.mktemp("web")
    samples = folder / "samples"
    samples.mkdir()
    (samples / "vesi.pdf").write_bytes(two_columns())
    (samples / "brand.md").write_text(FIRE, encoding="utf-8")
    (samples / "manifest.toml").write_text(
        '[[document]]\nfile = "vesi.pdf"\ntitle = "Jäähdytysveden kierto"\nlanguage = "fi"\n'
        'city = "Kokkola"\ndate = "2024-05-16"\nkind = "report"\nthemes = ["water"]\n'
        'confidentiality = "public"\ncollection = "Raportit"\nsample = true\n\n'
        '[[document]]\nfile = "brand.md"\ntitle = "Gemensam brandkår"\nlanguage = "sv"\n'
        'city = "Karleby"\ndate = "2022"\nkind = "report"\nthemes = ["safety"]\nsample = true\n',
        encoding="utf-8",
    )
    data = folder / "data"
    subprocess.run(
        [sys.executable, "-m", "cli", "ingest", str(samples)],
        cwd=ROOT,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("KB_")},
            "KB_DATA_DIR": str(data),
        },
        check=True,
        capture_output=True,
    )
    table = folder / "projects.jsonl"
    table.write_text("\n".join(json.dumps(one) for one in PROJECTS), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "cli", "projects", "import", str(table)],
        cwd=ROOT,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("KB_")},
            "KB_DATA_DIR": str(data),
        },
        check=True,
        capture_output=True,
    )
    running = start(data, KB_MAX_FILE_MB="5", KB_FEEDBACK_ADDRESS="kirjaamo@example.fi")
    for name, content in (
        ("muistio.docx", docx()),
        ("slides.pptx", pptx()),
        ("hinnat.xlsx", xlsx()),
        ("gate.html", HOSTILE.encode()),
        ("pitka.md", LONG.encode()),
    ):
        job = running.upload(name, content)
        assert job["report"]["ingested"] == 1, job
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Start Playwright, where Chromium is installed."""
    need(CHROMIUM.is_file(), f"Chromium ({CHROMIUM})")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Start one Chromium for the session."""
    running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
    yield running
    running.close()


@pytest.fixture
def context(browser: Browser, site: Server) -> Iterator[BrowserContext]:
    """Open a fresh browser window, 1280 × 900."""
    opened = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Open a page; anything that the browser complains of fails the test."""
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    yield opened
    assert not faults
