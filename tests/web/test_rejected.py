"""Files that weren't taken in, in the web box: reason, cure, another try, or left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from kb.catalogue import Catalogue
from kb.messages import message
from kb.model import LANGUAGES
from kb.sources import SourceRecord
from tests.api.conftest import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def refused(site: Server, tmp_path: Path) -> Iterator[Path]:
    """Return a file that is listed as rejected by an ingestion of its folder."""
    file = tmp_path / "huomenna.txt"
    file.write_bytes(b"")
    catalogue = Catalogue(site.data)
    catalogue.reject(
        SourceRecord(
            key=str(file),
            root=str(tmp_path),
            name=file.name,
            digest="",
            size=0,
            mtime_ns=0,
            reader="",
        ),
        code="unreadable_empty",
        params={"name": file.name},
    )
    yield file
    catalogue.forget_rejected([str(file)])
    catalogue.close()


def section(page: Page) -> str:
    return page.locator("#rejected").inner_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_reason_and_cure_are_told_and_no_path(page: Page, refused: Path, language: str) -> None:
    page.goto(f"/documents?lang={language}")
    told = section(page)

    for key in (
        "error.unreadable_empty",
        "cure.unreadable_empty",
        "web.rejected_retry",
        "web.rejected_ignore",
    ):
        assert message(key, language, name=refused.name) in told
    assert str(refused.parent) not in page.content()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_mended_file_is_read_again_and_leaves_the_list(
    browser: Browser, site: Server, refused: Path, scripts: bool
) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=scripts)
    page = context.new_page()
    again = page.get_by_role(
        "button", name=message("web.rejected_retry_one", "sv", name=refused.name)
    )
    page.goto("/documents?lang=sv")
    again.click()
    page.wait_for_url("**/documents?*job=*")
    told_again = message("cure.unreadable_empty", "sv", name=refused.name)
    job = page.url.split("job=")[1].split("#")[0].split("&")[0]
    assert site.job(job)["report"]["rejected"][0]["source"] == refused.name
    page.goto(f"/documents?lang=sv&job={job}")
    expect(page.locator("#job")).to_contain_text(told_again)

    # Another text each time: the same would be a document that is there already.
    refused.write_text(f"Vesi tulee huomenna, jos se tulee ({scripts}).", encoding="utf-8")
    again.click()
    page.wait_for_url(lambda url: "job=" in url and job not in url)
    job = page.url.split("job=")[1].split("#")[0].split("&")[0]
    assert site.job(job)["report"]["ingested"] == 1

    page.goto("/documents?lang=sv")
    expect(page.locator("#rejected")).not_to_contain_text(refused.name)
    expect(page.locator("#list")).to_contain_text(refused.name)
    context.close()


def test_what_is_ignored_is_put_away_until_it_is_tried_again(page: Page, refused: Path) -> None:
    page.goto("/documents?lang=en")
    page.get_by_role(
        "button", name=message("web.rejected_ignore_one", "en", name=refused.name)
    ).click()

    expect(page.get_by_role("status").first).to_have_text(message("web.rejected_ignored_now", "en"))
    hidden = page.locator("#rejected details")
    expect(hidden).to_contain_text(refused.name)
    expect(page.locator("#rejected > ul li", has_text=refused.name)).to_have_count(0)
    hidden.locator("summary").click()
    expect(hidden.get_by_role("button")).to_have_count(hidden.locator("li").count())


def test_an_upload_is_sent_again_instead(site: Server, page: Page) -> None:
    site.upload("tyhja.pdf", b"%PDF-1.7 broken")
    page.goto("/documents?lang=fi")
    line = page.locator("#rejected li", has_text="tyhja.pdf")

    expect(line).to_contain_text(message("web.rejected_send", "fi"))
    expect(line.get_by_role("button")).to_have_count(1)


def test_addresses_that_name_nothing_are_refused(site: Server) -> None:
    for what in ("retry", "ignore"):
        answer = site.client.post(
            f"/rejected/0123456789abcdef/{what}", headers={"Accept": "text/html"}
        )
        assert answer.status_code == 404
        elsewhere = {"Origin": "https://evil.example", "Accept": "text/html"}
        answer = site.client.post(f"/rejected/0123456789abcdef/{what}", headers=elsewhere)
        assert answer.status_code == 403


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_overflows(
    browser: Browser, site: Server, scheme: str
) -> None:
    context = browser.new_context(
        base_url=site.url,
        bypass_csp=True,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": 320, "height": 700},
    )
    page = context.new_page()
    page.goto("/documents?lang=fi")
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("axe.run('#rejected', {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})")
    assert found["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
