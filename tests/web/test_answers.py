"""What people do with an answer, as a browser without JavaScript does it, and with it."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Page, expect

from kb.messages import message
from tests.api.conftest import Server
from tests.kb.answers import read_docx
from tests.web.conftest import ANSWER, QUESTION
from tests.web.test_site import BROWSER, get

HOSTILE = "Who gets a pass at the northern gate?"


def text(key: str, language: str = "fi", **params: object) -> str:
    return html.escape(message(f"web.{key}", language, **params))


def post(site: Server, path: str, fields: list[tuple[str, str]] | None = None) -> httpx.Response:
    site.client.cookies.clear()
    return site.client.post(
        path,
        content=urlencode(fields or []),
        headers={**BROWSER, "Content-Type": "application/x-www-form-urlencoded"},
    )


def fields(page: str, action: str) -> list[tuple[str, str]]:
    """Return the hidden fields of the form with this action."""
    found = re.search(rf'<form action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    assert found is not None, action
    return [
        (name, html.unescape(value))
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', found[0])
    ]


def save(site: Server, question: str = QUESTION) -> str:
    page = get(site, "/", q=question).text
    answer = post(site, "/answers", fields(page, "/answers"))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_a_follow_up_is_shown_in_full_and_can_be_edited(site: Server) -> None:
    first = get(site, "/", q=QUESTION).text
    assert f'name="after" value="{QUESTION}"' in first

    page = get(site, "/", q="Entä 2023?", after=QUESTION).text

    whole = "Paljonko jäähdytysvettä kiertopiiri säästää vuodessa vuonna 2023?"
    assert f">{whole}</textarea>" in page
    assert text("understood", written="Entä 2023?") in page
    assert f'name="after" value="{whole}"' in page
    exactly = re.search(rf'href="([^"]+)">{text("understood_exactly")}', page)
    assert exactly is not None
    assert "after" not in exactly[1]
    assert ">Entä 2023?</textarea>" in get(site, html.unescape(exactly[1])).text


def test_what_stands_alone_is_not_touched(site: Server) -> None:
    page = get(site, "/", q=QUESTION, after="Kuka omistaa sataman?").text

    assert f">{QUESTION}</textarea>" in page
    assert 'class="understood"' not in page


@pytest.mark.parametrize(
    ("form", "ending"), [("docx", "docx"), ("markdown", "md"), ("text", "txt")]
)
def test_an_answer_is_taken_along(site: Server, form: str, ending: str) -> None:
    page = get(site, "/", q=QUESTION).text
    links = [html.unescape(one) for one in re.findall(r'href="(/export\?[^"]+)"', page)]
    (link,) = [one for one in links if f"format={form}" in one]

    file = get(site, link)

    assert file.headers["content-disposition"].endswith(f'.{ending}"')
    if form == "docx":
        paragraphs = [one.text for one in read_docx(file.content).paragraphs]
        assert QUESTION in paragraphs
        assert any(ANSWER in one for one in paragraphs)
    else:
        assert ANSWER in file.text.replace("\\", "")
        assert f"{site.url}/documents/" in file.text


def test_the_text_to_copy_stands_in_the_page(site: Server) -> None:
    page = get(site, "/", q=QUESTION).text

    copied = re.search(r'<pre id="copy-text" hidden>(.*?)</pre>', page, re.DOTALL)
    assert copied is not None
    assert re.search(re.escape(ANSWER) + r"[^\[]* \[1\]", copied[1])
    assert "[1] Jäähdytysveden kierto, s. 1" in copied[1]
    assert f"{site.url}/documents/" in copied[1]


def test_an_answer_is_saved_named_and_removed(site: Server) -> None:
    address = save(site)
    assert re.fullmatch(r"/answers/[0-9a-f]{32}", address)
    page = get(site, address).text
    assert ANSWER in page
    assert text("since_same") in page
    assert 'href="/documents/' in page
    assert address in get(site, "/answers").text
    assert ANSWER in get(site, f"{address}/export", format="text").text

    named = post(site, f"{address}/name", [("name", "Jäähdytys <b>")])
    assert named.status_code == 303
    assert "<h1>Jäähdytys &lt;b&gt;</h1>" in get(site, address).text
    refused = post(site, f"{address}/name", [("name", "  ")])
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text

    asked = get(site, f"{address}/remove").text
    assert text("saved_remove_title") in asked
    assert get(site, address).status_code == 200
    assert post(site, f"{address}/remove").status_code == 303
    assert get(site, address).status_code == 404
    assert text("error_not_found") in get(site, address).text


def test_a_saved_answer_outlives_its_document_and_says_so(site: Server) -> None:
    site.upload("hissi.txt", "Tehtaalla on yhdeksän tavarahissiä.")
    address = save(site, "Montako tavarahissiä tehtaalla on?")
    site.upload("hissi.txt", "Aluksi muuta. Tehtaalla on yhdeksän tavarahissiä.")
    assert text("state_moved") in get(site, address).text
    site.upload("hissi.txt", "Tehtaalla on kymmenen tavarahissiä.")
    assert text("state_gone") in get(site, address).text
    for document in site.named("hissi.txt"):
        site.client.delete(f"/api/documents/{document['document_id']}")

    page = get(site, address).text

    assert text("state_removed") in page
    assert "yhdeksän tavarahissiä" in page
    assert text("since_changed_one") in page
    assert text("answers_changed_one") in get(site, "/answers").text


def test_feedback_is_given_without_javascript(site: Server) -> None:
    hidden = fields(get(site, "/", q=QUESTION).text, "/feedback")
    said = [*hidden, ("verdict", "wrong-source"), ("source", "1"), ("note", "Väärä sivu.")]

    done = post(site, "/feedback", said)

    assert done.status_code == 303
    assert text("judged") in get(site, done.headers["location"].split("#")[0]).text
    address = save(site)
    hidden = fields(get(site, address).text, "/feedback")
    saved = post(site, "/feedback", [*hidden, ("verdict", "useful")])
    assert saved.headers["location"].startswith(address)
    for wrong in ([("verdict", "")], [("verdict", "useful"), ("note", "x" * 1001)]):
        refused = post(site, "/feedback", [*hidden, *wrong])
        assert refused.status_code == 422
        assert "<h1>" in refused.text


def test_an_answer_that_has_changed_meanwhile_is_neither_saved_nor_judged(site: Server) -> None:
    hidden = dict(fields(get(site, "/", q=QUESTION).text, "/answers"))
    stale = [*{**hidden, "shown": "0" * 16}.items()]
    before = len(site.client.get("/api/answers").json())

    for path in ("/answers", "/feedback"):
        refused = post(site, path, [*stale, ("verdict", "useful")])
        assert refused.status_code == 409
        assert html.escape(message("error.answer_changed", "fi")) in refused.text
    assert len(site.client.get("/api/answers").json()) == before


def test_why_is_told_in_the_language_of_the_page(site: Server) -> None:
    page = get(site, "/", q=QUESTION, lang="sv").text
    link = re.search(rf'class="why" href="([^"]+)">{text("why", "sv")}', page)
    assert link is not None

    told = get(site, html.unescape(link[1])).text

    assert html.escape(message("explaining.title_found", "sv")) in told
    assert message("explaining.fate_cited", "sv") in told
    assert get(site, "/why", q="").status_code == 422


def test_documents_put_no_markup_into_files_or_saved_pages(site: Server) -> None:
    address = save(site, HOSTILE)
    for page in (
        get(site, address).text,
        get(site, "/answers").text,
        get(site, "/why", q=HOSTILE).text,
    ):
        assert "<script>window" not in page
        assert "<img src=x" not in page
    markdown = get(site, "/export", q=HOSTILE, format="markdown").text
    assert "<img" not in markdown.replace("\\<", "")
    assert "<script" not in markdown.replace("\\<", "")


def test_other_sites_can_neither_save_nor_judge(site: Server) -> None:
    for path in ("/answers", "/feedback", f"/answers/{'0' * 32}/remove"):
        refused = site.client.post(path, headers={**BROWSER, "Sec-Fetch-Site": "cross-site"})
        assert refused.status_code == 403


@pytest.mark.browser
def test_asking_on_saving_and_forgetting_in_a_browser(page: Page) -> None:
    page.goto(f"/?q={QUESTION}")
    page.fill("#q", "Entä 2023?")
    page.keyboard.press("Enter")
    expect(page.locator(".understood")).to_contain_text("Entä 2023?")
    expect(page.locator("#q")).to_have_value(re.compile("jäähdytysvettä.*2023"))

    page.goto(f"/?q={QUESTION}")
    page.get_by_text(message("web.judge", "fi")).click()
    page.get_by_label(message("web.verdict_useful", "fi")).check()
    page.get_by_role("button", name=message("web.judge_send", "fi")).click()
    expect(page.locator("#judged")).to_be_visible()

    page.goto(f"/?q={QUESTION}")
    page.get_by_role("button", name=message("web.save", "fi")).click()
    page.wait_for_url("**/answers/*")
    expect(page.locator(".claims")).to_contain_text(ANSWER)
    page.get_by_role("link", name=message("web.saved_remove", "fi")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=message("web.saved_remove", "fi")).click()
    expect(page.locator(".done")).to_have_text(message("web.saved_removed", "fi"))


def test_what_answers_is_marked_in_a_longer_quote(site: Server) -> None:
    question = "Mitä investointi maksoi ja miten vastuu vedestä sovittiin?"
    asked = site.client.post("/api/ask", json={"question": question}).json()
    page = get(site, "/", q=question).text

    marked = re.findall(r'class="claim-text marked".*?<strong>(.*?)</strong>', page)
    parts = [(c["citations"][0], c["best"]) for c in asked["claims"] if c["best"]]
    assert [html.unescape(one) for one in marked] == [
        " ".join(
            cited["quote"][best["start"] - cited["start"] : best["end"] - cited["start"]].split()
        )
        for cited, best in parts
    ]
    assert (text("answer_best") in page) is bool(parts)
    assert parts
