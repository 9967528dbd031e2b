"""Every page, in every language, light and dark: axe finds nothing, nothing overflows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from ingest.jobs import Jobs
from ingest.outcomes import Progress
from kb.catalogue import Catalogue
from kb.errors import CatalogueBusy
from kb.model import LANGUAGES
from tests.api.conftest import Server
from tests.web.conftest import QUESTION

pytestmark = pytest.mark.browser

PAGES = (
    "start",
    "answer",
    "none",
    "goes_on",
    "why",
    "saved",
    "changed",
    "answers",
    "forget",
    "refused",
    "documents",
    "pages",
    "text",
    "slides",
    "sheet",
    "parts",
    "confirm",
    "samples",
    "how",
    "accessibility",
    "missing",
    "projects",
    "projects_none",
    "project",
    "related",
    "related_found",
    "related_refused",
    "partners",
    "themes",
    "import",
    "import_table",
    "import_refused",
    "imported",
    "import_job",
    "import_failed",
)

# Only colours change in the dark.
RULES = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "dark": ["color-contrast"],
}


_SAVED: dict[tuple[str, str], str] = {}


def saved(site: Server, question: str) -> str:
    """Return the id of the answer to a question, saved at the first call."""
    key = (site.url, question)
    if key not in _SAVED:
        answer = site.client.post("/api/answers", json={"question": question})
        _SAVED[key] = answer.json()["answer_id"]
    return _SAVED[key]


def saved_and_removed(site: Server) -> str:
    """Return the id of an answer whose document was removed after it was saved."""
    question = "Montako nosturia telakalla on?"
    if (site.url, question) not in _SAVED:
        site.upload("nosturit.txt", "Telakalla on seitsemän nosturia.")
        saved(site, question)
        (document,) = site.named("nosturit.txt")
        site.client.delete(f"/api/documents/{document['document_id']}")
    return _SAVED[site.url, question]


_TABLES: dict[tuple[str, str], str] = {}


def sent_table(
    site: Server, headers: str = "Hankkeen nimi;Alkaa", first: str = "Yhteinen jäähdytysvesi"
) -> str:
    """Return the address of a table that was sent and waits, with a row that can't be used."""
    key = (site.url, headers)
    if key not in _TABLES:
        rows = f"{headers}\n{first};keväällä\n;2021\n"
        answer = site.client.post(
            "/projects/import",
            files={"file": ("hankkeet.csv", rows)},
            headers={"Origin": site.url},
        )
        _TABLES[key] = answer.headers["location"].split("?")[0]
    return _TABLES[key]


def imported_table(site: Server) -> str:
    """Return the address of a table that was imported, all of its rows left out."""
    where = sent_table(site, "Title;Start", first="")
    site.client.post(
        where, data={"c0": "title", "c1": "start", "do": "import"}, headers={"Origin": site.url}
    )
    assert site.job(where.rsplit("/", 1)[1])["state"] == "done"
    return where


def import_job(site: Server, job_id: str, *, fails: bool) -> str:
    """Return the address of an import that somebody else carries out, or that failed."""
    catalogue = Catalogue(site.data)
    jobs = Jobs(catalogue, lease_seconds=3600)
    with catalogue.transaction():
        jobs.enqueue_import(job_id, name="hankkeet.xlsx", size=1)
        if jobs.claim("tests") is not None:
            jobs.renew(job_id, "tests", Progress("projects", 1500, 20_000))
            if fails:
                jobs.finish(job_id, "tests", error=CatalogueBusy(folder="data"))
    catalogue.close()
    return f"/projects/import/{job_id}"


def address(site: Server, name: str) -> str:
    def document(source: str) -> str:
        return f"/documents/{site.named(source)[0]['document_id']}"

    return {
        "start": "/?",
        "answer": f"/?q={QUESTION}",
        "none": "/?q=Minkä värinen on metro?&city=Olematon&samples=only&year=2020-2024",
        "goes_on": f"/?q=Entä 2023?&after={QUESTION}&thanks=1",
        "why": f"/why?q={QUESTION}",
        "saved": f"/answers/{saved(site, QUESTION)}?renamed=1",
        "changed": f"/answers/{saved_and_removed(site)}?",
        "answers": "/answers?done=removed",
        "forget": f"/answers/{saved(site, QUESTION)}/remove?",
        "refused": "/?q=vesi&language=de",
        "documents": "/documents?find=",
        "pages": f"{document('vesi.pdf')}?start=20&end=90&q={QUESTION}",
        "text": f"{document('vesi.pdf')}?view=text&start=20&end=90",
        "slides": f"{document('slides.pptx')}?",
        "sheet": f"{document('hinnat.xlsx')}?start=3&end=20",
        "parts": f"{document('pitka.md')}?part=2",
        "confirm": f"{document('brand.md')}/remove?",
        "samples": "/samples/remove?",
        "how": "/how?",
        "accessibility": "/accessibility?",
        "missing": "/documents/nothing?",
        "projects": "/projects?theme=water&year_from=2020",
        "projects_none": "/projects?find=olematon&year_from=2020",
        "project": "/projects/table-P1?start=30&end=60",
        "related": "/related?",
        "related_found": "/related?text=Jäähdytysvesi kiertää laitosten välillä."
        f"&project=P1&document={document('vesi.pdf').rsplit('/', 1)[1]}",
        "related_refused": "/related?project=olematon&year_from=soon",
        "partners": "/partners?theme=water",
        "themes": "/projects/table-P1/themes?",
        "import": "/projects/import?done=forgotten",
        "import_table": f"{sent_table(site)}?done=corrected",
        "import_refused": f"{sent_table(site, 'Kaupunki;Vuosi')}?",
        "imported": f"{imported_table(site)}?",
        "import_job": f"{import_job(site, 'a' * 16, fails=False)}?",
        "import_failed": f"{import_job(site, 'b' * 16, fails=True)}?",
    }[name]


@pytest.fixture(scope="module")
def looking(browser: Browser, site: Server) -> Iterator[Page]:
    """Open one page without the content policy, since axe is injected into it."""
    context = browser.new_context(base_url=site.url, bypass_csp=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(
    looking: Page, site: Server, name: str, scheme: Literal["light", "dark"]
) -> None:
    looking.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    looking.set_viewport_size({"width": 1280, "height": 900})
    for language in LANGUAGES:
        looking.goto(f"{address(site, name)}&lang={language}")
        # What is folded away is looked at too.
        looking.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        cites = looking.locator(".cite")
        if cites.count():
            cites.first.hover()
        looking.evaluate(AXE_SCRIPT)
        found = looking.evaluate("rules => axe.run({runOnly: rules})", RULES[scheme])
        assert found["passes"], "axe looked at nothing"
        faults = [
            (fault["id"], node["html"][:160], node["failureSummary"][:200])
            for fault in found["violations"]
            for node in fault["nodes"]
        ]
        assert not faults, (name, language, scheme, faults)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_overflows_at_320_pixels_and_targets_can_be_hit(
    looking: Page, site: Server, name: str
) -> None:
    looking.emulate_media(color_scheme="light", reduced_motion="reduce")
    looking.set_viewport_size({"width": 320, "height": 640})
    for language in LANGUAGES:
        looking.goto(f"{address(site, name)}&lang={language}")
        looking.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        width = looking.evaluate("document.documentElement.scrollWidth")
        assert width <= 320, (name, language)
        # WCAG 2.5.8: at least 24 × 24, but for links within a line of text.
        small = looking.evaluate(
            """() => [...document.querySelectorAll(
                   'button, a.button, .cite, summary, select, input, textarea, .top a, .limits a')]
               .filter(e => e.checkVisibility({visibilityProperty: true}) && e.type !== 'hidden')
               .map(e => (e.closest('label.choice') || e))
               .filter(e => { const b = e.getBoundingClientRect();
                              return b.width > 1 && (b.width < 24 || b.height < 24); })
               .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert not small, (name, language, small)


def test_text_can_be_spaced_out_and_enlarged(looking: Page, site: Server) -> None:
    """WCAG 1.4.12 and 1.4.4: wider spacing and text twice as large cut nothing off."""
    looking.set_viewport_size({"width": 640, "height": 800})
    for name in PAGES:
        looking.goto(address(site, name))
        looking.add_style_tag(
            content="html { font-size: 200%; } * { line-height: 1.5 !important; "
            "letter-spacing: .12em !important; word-spacing: .16em !important; } "
            "p { margin-bottom: 2em !important; }"
        )
        assert looking.evaluate("document.documentElement.scrollWidth") <= 640, name
