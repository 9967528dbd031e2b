"""Projects in the web box, as a browser without JavaScript and as one with it gets them."""

from __future__ import annotations

import csv
import html
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from kb.messages import message
from tests.api.conftest import ROOT, Server
from tests.web.conftest import PROJECTS
from tests.web.test_site import BROWSER, document_id, get

PLAN = "Suunnittelemme, että tehtaiden jäähdytysvesi kiertää suljetussa piirissä."


def text(key: str, language: str = "fi", **params: object) -> str:
    return message(f"web.{key}", language, **params)


def sent(site: Server, path: str, **fields: str | list[str]) -> httpx.Response:
    """Post a form as the pages do: several parts, from our own page."""
    site.client.cookies.clear()
    parts = [
        (name, (None, one))
        for name, value in fields.items()
        for one in ([value] if isinstance(value, str) else value)
    ]
    return site.client.post(path, files=parts, headers={**BROWSER, "Origin": site.url})


def titles(page: str) -> list[str]:
    return [html.unescape(t) for t in re.findall(r'<h3><a href="[^"]*" lang="\w+">([^<]+)', page)]


def test_the_list_is_filtered_and_found_by_name(site: Server) -> None:
    assert titles(get(site, "/projects").text) == [
        '=HYPERLINK("http://x")',
        "Cooling water in closed loops",
        "Yhteinen jäähdytysvesi",
    ]
    for params, expected in (
        ({"find": "jäähdytysvesi"}, ["Yhteinen jäähdytysvesi"]),
        ({"find": "p2"}, ["Cooling water in closed loops"]),
        ({"theme": "energy"}, ["Cooling water in closed loops"]),
        ({"place": "karleby"}, ["Cooling water in closed loops"]),
        ({"partner": "vesi"}, ["Yhteinen jäähdytysvesi"]),
        ({"year_from": "2024", "programme": "Interreg Aurora"}, ["Cooling water in closed loops"]),
        ({"registry": "cordis"}, []),
    ):
        assert titles(get(site, "/projects", **params).text) == expected, params
    none = get(site, "/projects", find="olematon").text
    assert text("projects_none") in none


def test_a_filter_that_is_none_is_told_with_the_possible_ones(site: Server) -> None:
    for path in ("/projects", "/partners", "/related?text=vesi"):
        answer = get(site, path + ("&" if "?" in path else "?") + "theme=magic")
        assert answer.status_code == 422
        assert "governance" in answer.text


def test_paging_reaches_every_project_and_no_page_beyond_fails(site: Server) -> None:
    answer = get(site, "/projects", page="7")

    assert answer.status_code == 200
    assert "page=1" in answer.text


def test_a_project_s_page_tells_all_that_is_known(site: Server) -> None:
    page = get(site, "/projects/table-P1").text

    for told in (
        "VESI",
        "Interreg Aurora",
        "1\u00a0250\u00a0000,50\u00a0€",
        "Kokkola",
        "Centria Oy",
        text("project_leads"),
        "väheni kolmanneksen",
        "Vesi",
    ):
        assert told in page, told
    assert "<b onclick" not in page
    assert "Cooling water in closed loops" in page, "its neighbour"
    assert message("projects.reason.programme", "fi", names="Interreg Aurora") in page


def test_only_web_addresses_are_linked(site: Server) -> None:
    assert "javascript:" not in get(site, "/projects/table-P2").text


def test_a_span_is_marked_in_whatever_part_it_stands(site: Server) -> None:
    whole = site.client.get("/api/projects/table-P1").json()["text"]
    for said in ("Yhteinen", "yhteisen jäähdytysveden", "kolmanneksen"):
        at = whole.index(said)
        page = get(site, "/projects/table-P1", start=str(at), end=str(at + len(said))).text
        assert f'<mark class="current" id="mark">{said}</mark>' in page, said
    for start, end in (("9", "2"), ("0", "99999"), ("x", "y"), ("1" * 30, "2" * 30)):
        shown = get(site, "/projects/table-P1", start=start, end=end)
        assert shown.status_code == 200
        assert "<mark" not in shown.text


def test_a_text_finds_projects_in_both_languages_each_sentence_openable(site: Server) -> None:
    answer = sent(site, "/related", text=PLAN, k="10", theme="water", document="", project="")

    assert answer.status_code == 303
    page = get(site, answer.headers["location"].split("#")[0]).text
    assert set(titles(page)) == {"Yhteinen jäähdytysvesi", "Cooling water in closed loops"}
    assert text("related_pair") in page
    assert text("related_ours_text") in page
    opened = re.search(r'<h3><a href="([^"#]+)#mark" lang="fi"', page)
    assert opened is not None
    assert 'id="mark"' in get(site, html.unescape(opened[1])).text


def test_a_document_and_a_project_at_once_are_opened_at_their_places(site: Server) -> None:
    pdf = document_id(site, "vesi.pdf")
    page = get(site, f"/related?document={pdf}&project=VESI").text

    assert titles(page)[0] == "Cooling water in closed loops"
    assert "Yhteinen jäähdytysvesi" not in titles(page), "a project isn't related to itself"
    assert 'value="table-P1" checked' in page
    alone = get(site, "/related", document=pdf).text
    link = re.search(rf'href="(/documents/{pdf}\?start=\d+&amp;end=\d+)#mark"', alone)
    assert link is not None
    opened = get(site, html.unescape(link[1])).text
    assert 'id="mark"' in opened
    assert f"/related?document={pdf}" in opened, "and back from the document"


def test_a_long_text_stays_in_the_form(site: Server) -> None:
    long = "\n".join(f"{PLAN} Vaihe {number}." for number in range(120))

    answer = sent(site, "/related", text=long)

    assert answer.status_code == 200
    assert "Vaihe 119." in answer.text
    assert titles(answer.text)


def test_a_long_text_stays_when_the_language_is_switched(site: Server) -> None:
    long = "\n".join(f"{PLAN} Vaihe {number}." for number in range(900))
    assert len(long) > 64 * 1024

    page = sent(site, "/related", text=long).text

    switch = re.search(
        r'<button type="submit" form="related-form" formaction="([^"]+)" lang="sv"', page
    )
    assert switch is not None
    swedish = sent(site, html.unescape(switch[1]), text=long)
    assert swedish.headers["content-language"] == "sv"
    assert "Vaihe 899." in swedish.text
    assert titles(swedish.text)


def test_a_text_that_is_too_long_stays_and_says_so(site: Server) -> None:
    answer = sent(site, "/related", text=PLAN * 1500)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert PLAN * 1500 in answer.text


def test_a_form_beyond_the_limit_gets_a_page_with_the_cure(site: Server) -> None:
    for path, size in (("/related", 1 << 20), ("/projects/table-P1/themes", 1 << 16)):
        answer = sent(site, f"{path}?lang=sv", text="ä" * size)
        assert answer.status_code == 413
        assert answer.headers["content-type"].startswith("text/html")
        assert text("error_too_large", "sv") in answer.text

    site.client.cookies.clear()

    def pieces() -> Iterator[bytes]:
        yield from [b"text=" + b"a" * 65_536] * 20

    answer = site.client.post(
        "/related",
        content=pieces(),
        headers={
            **BROWSER,
            "Origin": site.url,
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    assert answer.status_code == 413, "also where its length isn't told"
    assert text("error_too_large") in answer.text


def test_results_are_downloaded_as_a_table_that_runs_nothing(site: Server) -> None:
    answer = sent(site, "/related", text="Musik och sång för barn", **{"as": "csv"})

    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";"))
    assert rows[0]["title"] == "'" + str(PROJECTS[2]["title"])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("project=olematon", 422),
        ("document=0123456789abcdef", 404),
        ("&".join(f"project=P{n % 2 + 1}&document={n:016x}" for n in range(9)), 422),
    ],
)
def test_what_cannot_be_compared_is_told_on_the_page(site: Server, query: str, status: int) -> None:
    answer = get(site, f"/related?{query}")

    assert answer.status_code == status
    assert 'role="alert"' in answer.text


def test_who_has_worked_on_a_theme(site: Server) -> None:
    page = get(site, "/partners", theme="water").text

    assert page.index("Centria") < page.index("Vesiyhtiö")
    assert text("projects_count", count=2) in page
    assert "Vesiyhtiö" not in get(site, "/partners", theme="energy").text
    assert "Vesiyhtiö" not in get(site, "/partners", find="centria").text


def corrected(site: Server, path: str, themes: list[str], was: list[str]) -> None:
    assert sent(site, f"{path}/themes", theme=themes, was=was).status_code == 303


def run(site: Server, *command: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KB_")}
    subprocess.run(
        [sys.executable, "-m", "cli", *command],
        cwd=ROOT,
        env={**environment, "KB_DATA_DIR": str(site.data)},
        check=True,
        capture_output=True,
    )


def test_corrected_themes_of_a_project_stay_when_it_is_imported_again(site: Server) -> None:
    def themes() -> list[str]:
        found: list[str] = site.client.get("/api/projects/table-P1").json()["themes"]
        return sorted(found)

    assert 'value="water" checked' in get(site, "/projects/table-P1/themes").text
    corrected(site, "/projects/table-P1", ["safety", "energy"], ["water", "energy"])
    assert themes() == ["safety"], "energy wasn't touched, so it isn't added"

    table = site.data.parent / "projects.jsonl"
    changed = table.read_text(encoding="utf-8").replace("2023-12-31", "2025-12-31")
    table.write_text(changed, encoding="utf-8")
    run(site, "projects", "import", str(table), "--no-vectors")
    assert site.client.get("/api/projects/table-P1").json()["end"] == "2025-12-31"
    assert themes() == ["safety"]

    table.write_text(changed.replace("2025-12-31", "2023-12-31"), encoding="utf-8")
    run(site, "projects", "import", str(table))
    corrected(site, "/projects/table-P1", ["water"], ["safety"])
    assert themes() == ["water"]


def test_corrected_themes_of_a_document_stay_when_it_changes(site: Server, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "portti.txt").write_text("Portilla on vartija.", encoding="utf-8")
    run(site, "ingest", str(folder))
    corrected(site, f"/documents/{document_id(site, 'portti.txt')}", ["economy"], ["safety"])

    (folder / "portti.txt").write_text("Portilla on kaksi vartijaa.", encoding="utf-8")
    run(site, "ingest", str(folder))

    (row,) = site.named("portti.txt")
    assert "economy" in row["themes"]
    assert "safety" not in row["themes"]
    shown = get(site, f"/documents/{row['document_id']}").text
    assert "Hinnoittelu" in shown or "alous" in shown
    site.client.delete(f"/api/documents/{row['document_id']}", headers={"Origin": site.url})


def test_themes_that_are_none_are_refused(site: Server) -> None:
    assert sent(site, "/projects/table-P1/themes", theme="magic").status_code == 422
    assert sent(site, "/projects/nothing/themes", theme="water").status_code == 404


@pytest.mark.browser
def test_the_way_through_by_keyboard(page: Page) -> None:
    page.goto("/related")
    page.locator("#text").focus()
    page.keyboard.type(PLAN)
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == text("related_button"):
            break
    page.keyboard.press("Enter")
    first = page.locator(".related h3 a").first
    expect(first).to_be_visible()
    assert "text=Suunnittelemme" in page.url
    first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#mark").first).to_be_in_viewport()


@pytest.mark.browser
def test_the_language_of_a_long_text_is_switched_by_keyboard(page: Page) -> None:
    long = "\n".join(f"{PLAN} Vaihe {number}." for number in range(900))
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto("/related")
    page.locator("#text").fill(long)
    page.get_by_role("button", name=text("related_button")).click()
    expect(page.locator(".related h3").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

    switch = page.locator(".languages button[lang=sv]")
    switch.press("Enter")

    expect(page.locator("html")).to_have_attribute("lang", "sv")
    expect(page.locator("#text")).to_have_value(long)
    expect(page.locator(".languages [aria-current]")).to_have_attribute("lang", "sv")
