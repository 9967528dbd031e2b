"""Tables of projects sent to the web box, from real and from hostile files."""

from __future__ import annotations

import html
import io
import json
import re
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from ingest.locking import writer_lock
from kb.messages import message
from tests.api.conftest import Server, start
from tests.web.test_projects import text
from tests.web.test_site import BROWSER

ROWS = [
    ["Viite", "Otsikko", "Mitä tehtiin", "Alkupäivä", "Loppupäivä", "Kaupunki"],
    ["A1", "Sähköbussien lataus", "Bussit ladataan yöllä varikolla.", "1.2.2021", "2023", "Vaasa"],
    ["A2", "", "Nimetön rivi jää pois.", "2021", "2022", "Vaasa"],
    ["A3", "Kaukolämmön hukka", "Hukkalämpö johdetaan verkkoon.", "keväällä", "2024", "Pori"],
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a service of its own, empty, since what is imported stays."""
    running = start(tmp_path_factory.mktemp("importing") / "data", KB_MAX_FILE_MB="2")
    yield running
    running.stop()


def book(rows: list[list[str]]) -> bytes:
    from openpyxl import Workbook

    out = io.BytesIO()
    made = Workbook()
    notes, sheet = made.active, made.create_sheet("Hankkeet")
    assert notes is not None
    notes.append(["Tämä vienti on tehty kokeeksi"])
    for row in rows:
        sheet.append(row)
    made.save(out)
    return out.getvalue()


def lines(rows: list[list[str]]) -> bytes:
    return "\n".join(";".join(row) for row in rows).encode("latin-1")


def objects(rows: list[list[str]]) -> bytes:
    return json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]]).encode()


def send(own: Server, name: str, content: bytes, **fields: str) -> httpx.Response:
    own.client.cookies.clear()
    return own.client.post(
        "/projects/import",
        files={"file": (name, content)},
        data=fields,
        headers={**BROWSER, "Origin": own.url},
    )


def sent(own: Server, name: str, content: bytes) -> str:
    answer = send(own, name, content)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def chosen(page: str) -> dict[str, str]:
    """Return the field chosen for each column of a page, by the column's name."""
    found: dict[str, str] = {}
    for place, name in re.findall(r'<label for="c(\d+)">([^<]*)</label>', page):
        select = page.split(f'id="c{place}"', 1)[1].split("</select>", 1)[0]
        field = re.search(r'value="(\w*)" selected', select)
        found[html.unescape(name)] = field[1] if field else ""
    return found


def imported(own: Server, where: str, **fields: str) -> str:
    """Have a table imported, wait for it, and return the page that tells of it."""
    assert post(own, where, **fields, do="import").status_code == 303
    assert own.job(where.split("?")[0].rsplit("/", 1)[1])["state"] == "done"
    return own.client.get(where).text


def post(own: Server, where: str, **fields: str) -> httpx.Response:
    return own.client.post(where, data=fields, headers={**BROWSER, "Origin": own.url})


@pytest.mark.parametrize(
    ("name", "content"),
    [("h.xlsx", book(ROWS)), ("h.csv", lines(ROWS)), ("h.json", objects(ROWS))],
)
def test_a_table_is_proposed_corrected_and_imported(own: Server, name: str, content: bytes) -> None:
    where = sent(own, name, content)
    first = own.client.get(where).text
    assert chosen(first)["Otsikko"] == "title"
    assert chosen(first)["Kaupunki"] == "city"
    assert "Sähköbussien lataus" in first
    assert "Bussit ladataan" in first, "what stands in a column is shown"

    fields = {f"c{place}": field for place, field in enumerate(chosen(first).values())}
    fields |= {"c0": "registry_id", "c2": "results"}
    looked = post(own, where, **fields, do="look")
    assert looked.status_code == 303
    seen = own.client.get(looked.headers["location"].split("#")[0]).text
    assert chosen(seen)["Mitä tehtiin"] == "results"
    assert message("projects.row.no_title", "fi") in seen
    assert message("projects.row.date", "fi", value="keväällä") in seen

    assert message("projects.row.no_title", "fi") in imported(own, where, **fields)
    assert message("projects.row.no_title", "sv") in own.client.get(f"{where}?lang=sv").text
    project = own.client.get("/api/projects/table-A1").json()
    assert (project["title"], project["results"]) == (ROWS[1][1], ROWS[1][2])
    assert project["start"] == "2021-02-01"
    assert own.client.get("/api/projects/table-A2").status_code == 404

    again = post(own, where, **{**fields, "c1": "city"}, do="import")
    assert again.status_code == 303, "sent twice: nothing more happens"
    assert own.client.get("/api/projects/table-A1").json()["title"] == ROWS[1][1]


def test_the_choices_are_remembered_for_the_same_headers(own: Server) -> None:
    rows = [["Nimike", "Selostus", "Muuta"], ["Vesi", "Kiertää.", "Ei"]]
    where = sent(own, "a.csv", lines(rows))
    assert text("import_remembered") not in own.client.get(where).text
    imported(own, where, c0="title", c1="results", c2="status")

    later = own.client.get(sent(own, "b.csv", lines(rows))).text

    assert text("import_remembered") in later
    assert chosen(later) == {"Nimike": "title", "Selostus": "results", "Muuta": "status"}


def test_what_was_imported_is_indexed_by_the_service(own: Server) -> None:
    rows = [["Otsikko", "Kuvaus"], ["Poroaita", "Porot aidataan talveksi tunturiin."]]
    where = sent(own, "porot.csv", lines(rows))
    post(own, where, c0="title", c1="description", do="import")

    for _ in range(150):
        if text("import_ready") in own.client.get(where).text:
            break
        time.sleep(0.2)
    else:
        pytest.fail("never indexed")
    found = own.client.post("/api/related", json={"text": "Reindeer fences on the fells"}).json()
    assert found["results"][0]["title"] == "Poroaita"
    assert found["results"][0]["meaning"] is not None


def test_an_import_waits_for_an_ingestion_and_its_page_tells_how_far_it_is(own: Server) -> None:
    rows = [["Otsikko", "Alkaa"], *([f"Silta {number}", "2021"] for number in range(600))]
    where = sent(own, "sillat.csv", lines(rows))
    with writer_lock(own.data):
        began = time.monotonic()
        assert post(own, where, c0="title", c1="start", do="import").status_code == 303
        assert time.monotonic() - began < 5, "the request doesn't wait"
        for _ in range(100):
            page = own.client.get(where).text
            if text("import_busy") in page:
                break
            time.sleep(0.1)
        else:
            pytest.fail("never said to wait")
        assert '<noscript><meta http-equiv="refresh"' in page
        still = own.client.get(f"{where}?still=1").text
        assert "http-equiv" not in still
        assert text("import_again") in still
        for do in ("forget", "import", "look"):
            assert post(own, where, c0="title", do=do).status_code == 303
        panel = own.client.get(f"/jobs/{where.rsplit('/', 1)[1]}", headers=BROWSER)
        assert panel.status_code == 404, "that is for documents"
    job = own.job(where.rsplit("/", 1)[1])
    assert (job["kind"], job["names"], job["report"]["imported"]) == (
        "projects",
        ["sillat.csv"],
        600,
    )
    assert "600" in own.client.get(where).text


def test_an_import_that_fails_says_why_and_that_nothing_doubles(own: Server) -> None:
    where = sent(own, "katoava.csv", lines([["Otsikko"], ["Katoaa"]]))
    with writer_lock(own.data):
        post(own, where, c0="title", do="import")
        shutil.rmtree(Path(own.data) / "uploads" / where.rsplit("/", 1)[1])
    assert own.job(where.rsplit("/", 1)[1])["state"] == "failed"

    page = own.client.get(where).text

    assert text("import_failed_text") in page
    assert message("error.not_found_table", "fi") in html.unescape(page)
    assert "http-equiv" not in page


def test_without_a_title_nothing_is_imported_and_the_page_says_why(own: Server) -> None:
    where = sent(own, "t.csv", lines([["Kaupunki", "Vuosi"], ["Vaasa", "2021"]]))

    answer = post(own, where, c0="city", do="import")

    assert answer.status_code == 422
    assert text("import_no_title") in answer.text
    assert 'role="alert"' in answer.text


def test_a_table_can_be_thrown_away(own: Server) -> None:
    where = sent(own, "t.csv", lines(ROWS))
    assert post(own, where, do="forget").status_code == 303
    assert own.client.get(where, headers=BROWSER).status_code == 404
    folder = Path(own.data) / "uploads" / where.rsplit("/", 1)[1]
    assert not folder.exists()


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 400_000_000)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tyhjä.csv", b"", "projects_no_rows"),
        ("kuva.xlsx", b"\x89PNG\r\n" + bytes(range(256)) * 9, "projects_table"),
        ("katki.xlsx", book(ROWS)[:3000], "projects_table"),
        ("syvä.json", b"[" * 200_000, "projects_no_rows"),
        ("pommi.xlsx", bomb(), "unreadable_bomb"),
        ("pitkä.csv", b"title\n" + b"x\n" * 20_001, "projects_many_rows"),
        ("leveä.csv", b";".join(b"c%d" % n for n in range(301)), "projects_many_columns"),
        ("iso.csv", b"title\n" + b"x" * (2 << 20), "upload_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_that_are_no_table_are_refused_with_the_cure(
    own: Server, name: str, content: bytes, said: str
) -> None:
    before = set((Path(own.data) / "uploads").iterdir())

    answer = send(own, name, content)

    assert answer.status_code in (413, 422)
    start_of = message(
        f"error.{said}",
        "fi",
        **dict.fromkeys(("path", "why", "limit", "count", "name", "columns", "possible"), "\x00"),
    )
    told = html.unescape(answer.text)
    assert max(start_of.split("\x00"), key=len).strip(" .") in told
    assert str(own.data) not in told, "no path of ours"
    assert set((Path(own.data) / "uploads").iterdir()) == before, "nothing is left"


def test_what_a_table_holds_is_only_text(own: Server) -> None:
    evil = "<img src=x onerror=alert(1)>"
    where = sent(own, f"{evil}.csv", lines([[evil, "Otsikko"], [evil, f"Nimi {evil}"]]))
    page = own.client.get(where).text
    assert "<img" not in page
    for path in ("/projects/import/../../etc", "/projects/import/ffffffffffffffff"):
        assert own.client.get(path, headers=BROWSER).status_code == 404
    for fields in ({"c0": "magic"}, {"c99": "title"}):
        assert post(own, where, **fields, do="import").status_code == 422
    foreign = own.client.post(
        where, data={"do": "import"}, headers={**BROWSER, "Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403


def test_every_form_that_takes_a_format_takes_no_other(own: Server) -> None:
    assert send(own, "t.csv", lines(ROWS), format="../x").status_code == 422


@pytest.mark.browser
def test_the_way_through_by_keyboard(page: Page, own: Server, tmp_path: Path) -> None:
    table = tmp_path / "hankkeet.xlsx"
    rows = [ROWS[0], ["B1", "Purjeiden kierrätys", "Purjeista tehdään laukkuja.", "2021", "", ""]]
    table.write_bytes(book(rows))
    page.goto(f"{own.url}/projects")
    page.get_by_role("link", name=text("import_title")).first.click()
    page.locator("#file").set_input_files(table)
    page.locator("#file").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(text("import_columns"))
    page.get_by_label("Mitä tehtiin").select_option(text("import_field_description"))
    page.get_by_label("Viite").select_option(text("import_field_registry_id"))
    page.get_by_role("button", name=text("import_look")).press("Enter")
    expect(page.locator("#rows")).to_contain_text("Purjeista tehdään laukkuja.")
    with writer_lock(own.data):
        page.get_by_role("button", name=text("import_button")).press("Enter")
        expect(page.locator("h1")).to_have_text(text("import_going_on"))
        expect(page.locator(".job-line")).to_have_text(text("import_busy"))
    expect(page.locator("h1")).to_have_text(text("import_done"))
    expect(page).to_have_title(re.compile(text("import_done")))
    page.goto(f"{own.url}/projects/table-B1")
    expect(page.locator("h1")).to_have_text("Purjeiden kierrätys")


@pytest.mark.browser
def test_without_scripts_the_page_reloads_itself_until_the_import_is_done(
    browser: Browser, own: Server
) -> None:
    where = sent(own, "laiturit.csv", lines([["Otsikko"], ["Laituri"]]))
    context = browser.new_context(java_script_enabled=False, base_url=own.url)
    plain = context.new_page()
    with writer_lock(own.data):
        post(own, where, c0="title", do="import")
        plain.goto(where)
        expect(plain.locator("h1")).to_have_text(text("import_going_on"))
        expect(plain.get_by_role("link", name=text("import_still"))).to_be_visible()
    expect(plain.locator("h1")).to_have_text(text("import_done"), timeout=20_000)
    context.close()
