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
from tests.web.shapes import (
    DOCUMENTS,
    FIGURES,
    FIRE,
    ITEMS,
    NEWER,
    OLDER,
    PRACTICES,
    ROWS,
    STEAM,
)
from tests.web.test_accessibility import RULES

QUESTIONS = {"figures": FIGURES, "practices": PRACTICES, "rows": ROWS, "items": ITEMS}


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


# -- practices in groups -------------------------------------------------------------------------


def test_practices_are_told_once_each_in_groups(shapes: Server) -> None:
    answer = shapes.ask(PRACTICES)

    AnswerOut.model_validate(answer)
    assert {claim["text"] for claim in answer["claims"]} == {FIRE, STEAM}
    kinds = {group["kind"] for group in answer["groups"]}
    assert kinds in ({"theme"}, {"place"})
    assert sorted(at for group in answer["groups"] for at in group["claims"]) == [0, 1]
    saved = shapes.client.post("/api/answers", json={"question": PRACTICES}).json()
    SavedOut.model_validate(saved)
    assert saved["groups"] == answer["groups"]


def test_practices_by_place_where_the_question_asks_where(shapes: Server) -> None:
    answer = shapes.ask("Mitä hyviä käytäntöjä on missä kaupungissa?")

    assert {group["label"]: len(group["claims"]) for group in answer["groups"]} == {
        "Kokkola": 1,
        "Pori": 1,
    }


@pytest.mark.parametrize("form", ["markdown", "text", "docx", "page"])
def test_groups_have_headings(shapes: Server, form: str) -> None:
    groups = shapes.ask(PRACTICES)["groups"]
    if form == "page":
        page = shapes.client.get("/", params={"q": PRACTICES, "lang": "fi"}).text
        assert all(f'<h3 class="group">{group["label"]}</h3>' in page for group in groups)
        return
    file = shapes.client.post("/api/export", json={"question": PRACTICES, "format": form})
    if form == "docx":
        headings = [
            one.text for one in read_docx(file.content).paragraphs if one.style.name == "Heading 3"
        ]
        assert headings == [group["label"] for group in groups]
        return
    mark = "### " if form == "markdown" else ""
    assert all(f"\n{mark}{group['label']}\n" in file.text for group in groups)


# -- rows and items with what they stand under ----------------------------------------------------


def test_a_row_is_given_with_its_header(shapes: Server) -> None:
    answer = shapes.ask(ROWS)

    AnswerOut.model_validate(answer)
    claim = answer["claims"][0]
    (cited,) = claim["citations"]
    assert claim["text"] == cited["quote"]
    assert "Prosessivesi | 0,48 | vesiyhtiö" in cited["quote"]
    assert cited["header"]["quote"] == "Vesilaatu | €/m³ | Tuottaja"
    text = shapes.client.get(f"/api/documents/{cited['document_id']}/text").json()["text"]
    for place in (cited, cited["header"]):
        assert text[place["start"] : place["end"]] == place["quote"]
    assert claim["table"]["columns"] == ["Vesilaatu", "€/m³", "Tuottaja"]
    assert ["Prosessivesi", "0,48", "vesiyhtiö"] in claim["table"]["rows"]


@pytest.mark.parametrize("form", ["markdown", "text", "docx"])
def test_rows_are_taken_along_as_header_and_value(shapes: Server, form: str) -> None:
    file = shapes.client.post("/api/export", json={"question": ROWS, "format": form})
    told = (
        "\n".join(one.text for one in read_docx(file.content).paragraphs)
        if form == "docx"
        else file.text.replace("\\", "")
    )
    assert "Vesilaatu: Prosessivesi; €/m³: 0,48; Tuottaja: vesiyhtiö" in told


@pytest.mark.browser
def test_rows_are_a_table_and_items_a_list(looking: Page) -> None:
    looking.set_viewport_size({"width": 1280, "height": 900})
    looking.goto(f"/?q={ROWS}&lang=fi")
    first = message("web.rows", "fi", number=1)
    table = looking.get_by_role("region", name=first).get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["Vesilaatu", "€/m³", "Tuottaja"])
    expect(table.get_by_role("cell", name="0,48")).to_be_visible()
    expect(looking.locator(".sources .header").first).to_have_text("Vesilaatu | €/m³ | Tuottaja")

    looking.goto(f"/?q={ITEMS}&lang=fi")
    claim = looking.locator(".claims .claim").first
    expect(claim).to_contain_text("Alue tarjoaa yrityksille seuraavat palvelut:")
    expect(claim.get_by_role("listitem")).to_have_count(3)
