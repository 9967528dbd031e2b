"""The forms that an answer takes beyond its statements, on pages, in files and in JSON."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from api.answer_schemas import SavedOut
from api.schemas import AnswerOut
from kb.messages import message
from kb.model import LANGUAGES
from tests.api.conftest import Server, start
from tests.kb.answers import read_docx
from tests.web.shapes import DOCUMENTS, FIGURES, NEWER, OLDER
from tests.web.test_accessibility import RULES

QUESTIONS = {"figures": FIGURES}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a service with the documents of these tests alone."""
    folder = tmp_path_factory.mktemp("shapes")
    running = start(folder / "data")
    for name, content in DOCUMENTS.items():
        job = running.upload(name, content)
        assert job["report"]["ingested"] == 1, job
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def looking(browser: Browser, shapes: Server) -> Iterator[Page]:
    """Open one page without the content policy, since axe is injected into it."""
    context = browser.new_context(base_url=shapes.url, bypass_csp=True)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_axe_finds_nothing(looking: Page, name: str, scheme: Literal["light", "dark"]) -> None:
    looking.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    looking.set_viewport_size({"width": 1280, "height": 900})
    for language in LANGUAGES:
        looking.goto(f"/?q={QUESTIONS[name]}&lang={language}")
        looking.evaluate(AXE_SCRIPT)
        found = looking.evaluate("rules => axe.run({runOnly: rules})", RULES[scheme])
        assert found["passes"], "axe looked at nothing"
        assert not [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]


@pytest.mark.browser
@pytest.mark.parametrize("name", QUESTIONS)
def test_nothing_overflows_at_320_pixels(looking: Page, name: str) -> None:
    looking.set_viewport_size({"width": 320, "height": 640})
    for language in LANGUAGES:
        looking.goto(f"/?q={QUESTIONS[name]}&lang={language}")
        assert looking.evaluate("document.documentElement.scrollWidth") <= 320, language


# -- figures side by side ------------------------------------------------------------------------


def test_figures_stand_side_by_side_in_the_json_and_in_saved_answers(shapes: Server) -> None:
    answer = shapes.ask(FIGURES)

    AnswerOut.model_validate(answer)
    assert [claim["text"] for claim in answer["claims"][:2]] == [NEWER, OLDER]
    assert [
        (one["figure"], one["date"], one["stated"], one["newest"], one["number"])
        for one in answer["figures"]
    ] == [
        ("12,6 miljoonaa kuutiometriä", "2025-02-03", False, True, 1),
        ("10,2 miljoonaa kuutiometriä", "2021", True, False, 2),
    ]
    saved = shapes.client.post("/api/answers", json={"question": FIGURES}).json()
    SavedOut.model_validate(saved)
    assert saved["figures"] == answer["figures"]
    page = shapes.client.get(f"/answers/{saved['answer_id']}", params={"lang": "fi"}).text
    assert message("figures.note", "fi") in page
    assert "10,2 miljoonaa kuutiometriä" in page


@pytest.mark.parametrize("form", ["markdown", "text", "docx"])
def test_figures_are_taken_along(shapes: Server, form: str) -> None:
    file = shapes.client.post("/api/export", json={"question": FIGURES, "format": form})
    newest = f"3.2.2025 (asiakirjan päiväys), {message('figures.newest', 'fi')}"
    if form == "docx":
        (table,) = read_docx(file.content).tables
        rows = [[cell.text for cell in row.cells] for row in table.rows]
        assert rows[0] == [message(f"figures.{one}", "fi") for one in ("date", "figure", "source")]
        assert [row[:2] for row in rows[1:]] == [
            [newest, "12,6 miljoonaa kuutiometriä"],
            ["2021", "10,2 miljoonaa kuutiometriä"],
        ]
        return
    told = file.text.replace("\\", "")
    assert f"- {newest}: 12,6 miljoonaa kuutiometriä [" in told
    assert "- 2021: 10,2 miljoonaa kuutiometriä [" in told


@pytest.mark.browser
def test_the_table_of_figures_leads_to_its_sources(looking: Page) -> None:
    looking.set_viewport_size({"width": 1280, "height": 900})
    looking.goto(f"/?q={FIGURES}&lang=sv")
    table = looking.get_by_role("table", name=re.compile(message("figures.title", "sv")))

    expect(table.get_by_role("row")).to_have_count(3)
    newest = table.get_by_role("row").nth(1)
    expect(newest).to_contain_text(message("figures.newest", "sv"))
    expect(newest).to_contain_text("Vesiraportti 2025")
    table.get_by_role("row").nth(2).get_by_role("link").click()
    assert looking.evaluate("location.hash") == "#source-2"
