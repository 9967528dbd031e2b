"""The pages as a browser without JavaScript gets them, from a real server."""

from __future__ import annotations

import gzip
import re

import httpx
import pytest

from kb.messages import message
from tests.api.conftest import Server
from tests.web.conftest import ANSWER, QUESTION

BROWSER = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Site": "same-origin"}


def get(site: Server, path: str, **params: str) -> httpx.Response:
    site.client.cookies.clear()  # every visit is a new visitor's
    return site.client.get(path, params=params or None, headers=BROWSER)


def document_id(site: Server, source: str) -> str:
    return str(site.named(source)[0]["document_id"])


def test_the_page_is_finnish_until_another_language_is_chosen(site: Server) -> None:
    plain = get(site, "/", q=QUESTION)
    chosen = get(site, "/", q=QUESTION, lang="sv")
    with httpx.Client(base_url=site.url, headers=BROWSER, trust_env=False) as visitor:
        visitor.get("/", params={"lang": "en"})
        kept = visitor.get("/how")

    assert '<html lang="fi">' in plain.text
    assert "set-cookie" not in plain.headers
    assert '<html lang="sv">' in chosen.text
    cookie = chosen.headers["set-cookie"].lower()
    assert "samesite=lax" in cookie
    assert "httponly" in cookie
    assert '<html lang="en">' in kept.text
    assert chosen.headers["content-language"] == "sv"


def test_an_answer_stands_in_the_page_itself_with_its_sources(site: Server) -> None:
    text = get(site, "/", q=QUESTION).text

    assert ANSWER in text
    assert message("web.sources", "fi") in text
    (link, *_) = re.findall(r'<a class="cite" href="([^"]+)"', text)
    opened = get(site, link.replace("&amp;", "&").split("#")[0])
    assert opened.status_code == 200
    assert 'id="mark"' in opened.text
    assert QUESTION in opened.text


def test_a_claim_says_its_language_where_that_is_not_the_page_s(site: Server) -> None:
    text = get(site, "/", q=QUESTION, lang="en").text

    claim = re.search(r'<span class="claim-text" lang="(\w+)">([^<]+)', text)
    assert claim is not None
    assert claim[1] == "fi"
    assert message("web.in_fi", "en") in text


def test_filters_stand_in_the_address_and_limit_the_answer(site: Server) -> None:
    limited = get(site, "/", q=QUESTION, language="sv").text

    assert ANSWER not in limited
    assert message("web.filters_without", "fi", label="ruotsi") in limited
    assert 'value="sv" checked' in limited


def test_no_answer_says_why_and_what_lies_nearest(site: Server) -> None:
    text = get(site, "/", q="What is the capital of Peru?").text

    assert message("web.no_answer", "fi") in text
    assert message("reason.topic", "fi") in text or message("reason.detail", "fi") in text
    assert message("web.nearest", "fi") in text


@pytest.mark.parametrize(
    "query", [{"q": "x" * 3000}, {"q": "vesi", "language": "de"}, {"q": "vesi", "year": "soon"}]
)
def test_what_cannot_be_asked_is_told_on_the_page(site: Server, query: dict[str, str]) -> None:
    answer = get(site, "/", **query)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert message("web.error_summary", "fi") in answer.text


def test_documents_cannot_put_markup_into_pages(site: Server) -> None:
    hostile = document_id(site, "gate.html")
    pages = [
        get(site, "/", q="Who gets a pass at the northern gate?").text,
        get(site, f"/documents/{hostile}").text,
        get(site, f"/documents/{hostile}/remove").text,
        get(site, "/documents").text,
        get(site, "/", q="<script>window.hacked = 1</script>").text,
    ]

    for text in pages:
        assert "<script>window" not in text
        assert "<img src=x" not in text
        assert "onerror=" not in text.replace("onerror=&#34;", "")
    assert any("&lt;script&gt;window" in text for text in pages)


def test_every_page_forbids_foreign_and_inline_scripts_and_uses_none(site: Server) -> None:
    pdf = document_id(site, "vesi.pdf")
    ours = ("/projects", "/projects/table-P1", "/related?project=P1", "/partners")
    for path in (
        "/", "/documents", f"/documents/{pdf}", "/how", "/accessibility", "/nothing", *ours
    ):  # fmt: skip
        answer = get(site, path)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?! src=)", answer.text), path


def test_the_ask_page_weighs_under_a_hundred_kilobytes_uncompressed(site: Server) -> None:
    page = get(site, "/", q=QUESTION).text
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    parts = [page.encode(), *(get(site, address).content for address in addresses)]

    weight = sum(len(part) for part in parts)

    assert len(parts) == 4
    assert weight < 100_000, weight
    assert sum(len(gzip.compress(part)) for part in parts) < 40_000


def test_static_files_are_kept_only_under_their_version(site: Server) -> None:
    page = get(site, "/").text
    found = re.search(r'"(/static/web\.css\?v=\w+)"', page)
    assert found is not None

    assert "immutable" in get(site, found[1]).headers["cache-control"]
    assert get(site, "/static/web.css").headers["cache-control"] == "no-cache"
    assert get(site, "/static/routes.py").status_code == 404


def test_what_is_not_there_is_a_page_for_people_and_a_problem_for_programs(site: Server) -> None:
    for path in ("/nothing", "/documents/0123456789abcdef", "/static/x"):
        shown = get(site, path)
        assert shown.status_code == 404
        assert message("web.error_not_found", "fi") in shown.text
        told = site.client.get(path, headers={"Accept": "application/json"})
        assert told.headers["content-type"] == "application/problem+json"
    assert get(site, "/api/documents/x").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("muistio.docx", ["<li>Kulkulupa urakoitsijalle", "<td>Yksi yhteyspiste</td><td>8</td>"]),
        ("slides.pptx", ['<section class="slide">', "Dia 2", "Storage"]),
        ("hinnat.xlsx", ["Taulukko Hinnat", "<td>Palvelu: Höyry</td><td>Hinta: 31</td>"]),
        ("brand.md", ["<h2", "<li>Larmet går", "<td>Norra</td><td>8</td>"]),
    ],
)
def test_what_has_no_pages_is_shown_with_its_structure(
    site: Server, source: str, expected: list[str]
) -> None:
    text = get(site, f"/documents/{document_id(site, source)}").text

    for part in expected:
        assert part in text, text


def test_a_span_is_marked_exactly_in_structured_text(site: Server) -> None:
    notes = document_id(site, "muistio.docx")
    text = site.client.get(f"/api/documents/{notes}/text").json()["text"]
    start = text.index("katettu lastaus")

    shown = get(site, f"/documents/{notes}", start=str(start), end=str(start + 15)).text

    assert '<mark class="current" id="mark">katettu lastaus</mark>' in shown


@pytest.mark.parametrize(
    "span", [("5", "2"), ("999999", "1000000"), ("x", "y"), ("1" * 30, "2" * 30)]
)
def test_a_span_that_is_none_is_told_and_the_document_still_shown(
    site: Server, span: tuple[str, str]
) -> None:
    shown = get(site, f"/documents/{document_id(site, 'vesi.pdf')}", start=span[0], end=span[1])

    assert shown.status_code == 200
    assert message("web.viewer_no_span", "fi") in shown.text
    assert 'id="mark"' not in shown.text


def test_samples_wear_a_badge_wherever_they_appear(site: Server) -> None:
    badge = f'<span class="badge sample">{message("web.sample", "fi")}</span>'
    answer = get(site, "/", q=QUESTION).text
    claims, _, rest = answer.partition('<section class="sources"')
    sources, _, passages = rest.partition('<section class="passages"')

    assert badge in claims
    assert badge in sources
    assert badge in passages
    assert badge in get(site, f"/documents/{document_id(site, 'vesi.pdf')}").text
    assert get(site, "/documents").text.count(badge) == 2
    assert badge not in get(site, f"/documents/{document_id(site, 'muistio.docx')}").text


def test_a_document_is_added_asked_about_and_removed_without_javascript(site: Server) -> None:
    sent = site.client.post(
        "/documents/upload",
        files={"files": ("laituri.txt", "Uusi laituri valmistui Ykspihlajaan vuonna 2031.")},
        data={"city": "Kokkola", "title": "", "themes": ["logistics"]},
        headers={**BROWSER, "Origin": site.url},
    )
    assert sent.status_code == 303
    job = re.search(r"job=(\w+)", sent.headers["location"])
    assert job is not None
    site.job(job[1])

    shown = get(site, sent.headers["location"].split("#")[0]).text
    assert message("web.job_done_one", "fi") in shown
    assert "Uusi laituri valmistui" in get(site, "/", q="Milloin uusi laituri valmistui?").text

    added = document_id(site, "laituri.txt")
    asked = get(site, f"/documents/{added}/remove")
    assert message("web.remove_title", "fi") in asked.text
    gone = site.client.post(f"/documents/{added}/remove", headers={**BROWSER, "Origin": site.url})
    assert gone.status_code == 303
    assert message("web.removed", "fi") in get(site, gone.headers["location"]).text
    assert not site.named("laituri.txt")


def test_a_file_that_cannot_be_read_is_listed_with_reason_and_cure(site: Server) -> None:
    sent = site.client.post(
        "/documents/upload", files={"files": ("rikki.pdf", b"%PDF-1.7 broken")}, headers=BROWSER
    )
    job = re.search(r"job=(\w+)", sent.headers["location"])
    assert job is not None
    (rejected,) = site.job(job[1])["report"]["rejected"]

    shown = get(site, "/documents").text

    assert "rikki.pdf" in shown
    assert message(f"cure.{rejected['code']}", "fi") in shown


def test_an_upload_with_a_wrong_field_is_told_on_the_page(site: Server) -> None:
    answer = site.client.post(
        "/documents/upload",
        files={"files": ("a.txt", "teksti")},
        data={"date": "eilen"},
        headers=BROWSER,
    )

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "eilen" in answer.text


def test_forms_of_other_sites_are_refused(site: Server) -> None:
    pdf = document_id(site, "vesi.pdf")
    for path in (
        f"/documents/{pdf}/remove",
        f"/documents/{pdf}/themes",
        "/samples/remove",
        "/documents/upload",
        "/projects/table-P1/themes",
        "/related",
    ):
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            refused = site.client.post(path, headers={"Accept": "text/html", **headers})
            assert refused.status_code == 403
    assert site.named("vesi.pdf")


def test_the_list_is_searched_and_filtered(site: Server) -> None:
    named = get(site, "/documents", find="brandkår").text
    limited = get(site, "/documents", kind="report", year_from="2023").text
    none = get(site, "/documents", find="olematon").text

    assert "brand.md" in named
    assert "vesi.pdf" not in named
    assert "vesi.pdf" in limited
    assert "brand.md" not in limited
    assert message("web.documents_none", "fi") in none


@pytest.mark.parametrize("path", ["/accessibility", "/saavutettavuus", "/tillganglighet"])
def test_the_accessibility_statement_has_what_the_law_asks(site: Server, path: str) -> None:
    text = get(site, path, lang="fi").text

    for said in ("306/2019", "WCAG 2.1", "Traficom", "mailto:kirjaamo@example.fi", "14 päivän"):
        assert said in text
