"""The whole story in a real browser: with the mouse, and again with the keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from kb.messages import message
from tests.api.conftest import Server
from tests.web.conftest import ANSWER, QUESTION, two_columns

pytestmark = pytest.mark.browser

LANDED = """image => Math.max(
    performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
    performance.getEntriesByName(image.currentSrc)[0].responseEnd)"""
NEWS = "Uusi laituri valmistui satamaan vuonna 2031, ja sen kantavuus on 40 tonnia neliömetrille."
NEWS_QUESTION = "Mikä on uuden laiturin kantavuus?"


def text(key: str, language: str = "fi", **params: object) -> str:
    return message(f"web.{key}", language, **params)


def in_view(page: Page, found: Locator) -> bool:
    """Tell whether some of an element is in the window."""
    box = found.bounding_box()
    size = page.viewport_size
    assert size is not None
    return box is not None and box["y"] < size["height"] and box["y"] + box["height"] > 0


def image_under(mark: Locator) -> Locator:
    return mark.locator("xpath=ancestor::*[contains(@class, 'sheet')][1]").locator("img")


def drawn(page: Page, image: Locator) -> None:
    """Wait until an image is loaded."""
    page.wait_for_function(
        "image => image.complete && image.naturalWidth > 0", arg=image.element_handle()
    )


def assert_mark_lies_in_its_page(page: Page) -> None:
    """See that the mark is in the window, and inside the image of its page."""
    mark = page.locator("#mark")
    expect(mark).to_be_attached()
    image = image_under(mark)
    drawn(page, image)
    inner, outer = mark.bounding_box(), image.bounding_box()
    assert inner is not None
    assert outer is not None
    assert in_view(page, mark)
    assert outer["x"] <= inner["x"]
    assert inner["x"] + inner["width"] <= outer["x"] + outer["width"]
    assert outer["y"] <= inner["y"]
    assert inner["y"] + inner["height"] <= outer["y"] + outer["height"]


def upload(page: Page, path: Path) -> None:
    page.goto("/documents")
    page.set_input_files("#files", path)
    expect(page.locator("#chosen")).to_contain_text(path.name)
    page.get_by_role("button", name=text("upload_button"), exact=True).click()
    expect(page.locator(".job-line")).to_contain_text(text("job_done_one"), timeout=60_000)


def test_the_story_with_the_mouse(page: Page, site: Server, tmp_path: Path) -> None:
    page.goto("/")
    page.fill("#q", QUESTION)
    page.get_by_role("button", name=text("ask_button"), exact=True).click()
    claim = page.locator(".claims > li").first
    expect(claim).to_contain_text(ANSWER)
    assert "q=Paljonko" in page.url
    expect(page.locator("#live")).to_contain_text(text("answer_status_one").split(":")[0])

    # Pointing at the number shows the sentence in its place; the box stays under the pointer.
    cite = claim.locator(".cite").first
    cite.hover()
    box = claim.locator(".pop").first
    expect(box).to_be_visible()
    expect(box.locator("mark")).to_contain_text(ANSWER)
    box.hover()
    page.wait_for_timeout(400)
    expect(box).to_be_visible()
    page.mouse.move(5, 5)
    expect(box).to_be_hidden()
    cite.hover()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()

    cite.click()
    page.wait_for_url("**/documents/**")
    assert_mark_lies_in_its_page(page)
    expect(page.locator(".places .current")).to_contain_text("Jäähdytysveden kierto")

    page.get_by_role("link", name=text("switch_sv")).click()
    expect(page.locator("html")).to_have_attribute("lang", "sv")
    assert_mark_lies_in_its_page(page)
    page.get_by_role("link", name=text("viewer_back", "sv")).click()
    expect(page.locator(".claims > li").first).to_contain_text(ANSWER)
    expect(page.locator(".claims .in-language").first).to_have_text(text("in_fi", "sv"))
    page.get_by_role("link", name=text("switch_fi")).click()
    expect(page.locator("html")).to_have_attribute("lang", "fi")

    page.get_by_text(text("filters"), exact=True).click()
    page.get_by_label(text("language_sv")).check()
    page.get_by_role("button", name=text("filters_apply")).click()
    expect(page.locator(".limits")).to_contain_text(text("language_sv"), timeout=15_000)
    expect(page.locator("#results")).not_to_contain_text(ANSWER)
    assert "language=sv" in page.url
    page.go_back()
    expect(page.locator(".claims > li").first).to_contain_text(ANSWER)

    news = tmp_path / "laituri.txt"
    news.write_text(NEWS, encoding="utf-8")
    upload(page, news)
    expect(page.locator("#list")).to_contain_text("laituri.txt")
    page.goto("/")
    page.fill("#q", NEWS_QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".claims > li").first).to_contain_text("40 tonnia")
    page.locator(".cite").first.click()
    expect(page.locator("mark#mark")).to_contain_text("40 tonnia")

    page.goto("/documents")
    row = page.locator(".docs > li", has_text="laituri.txt")
    row.get_by_role("link", name=text("remove")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(text("remove_title"))
    dialog.get_by_role("link", name=text("cancel")).click()
    expect(dialog).to_have_count(0)
    row.get_by_role("link", name=text("remove")).click()
    dialog.get_by_role("button", name=text("remove_button")).click()
    expect(page.locator(".done")).to_have_text(text("removed"))
    expect(page.locator(".docs > li", has_text="laituri.txt")).to_have_count(0)
    assert not site.named("laituri.txt")


def tab_to(page: Page, found: Locator, *, most: int = 80, key: str = "Tab") -> None:
    """Move the focus by the keyboard until it is on an element; every stop must be visible."""
    wanted = found.first.element_handle()
    for _ in range(most):
        if page.evaluate("wanted => document.activeElement === wanted", wanted):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{found} can't be reached")


def test_the_story_with_the_keyboard_alone(page: Page, site: Server, tmp_path: Path) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

    tab_to(page, page.locator("#q"))
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator("#answer-title")).to_be_focused()

    # Focus shows the quote, Escape puts it away, and its link is the next stop.
    cite = page.locator(".cite").first
    tab_to(page, cite)
    box = page.locator(".pop").first
    expect(box).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(cite).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(box).to_be_visible()
    page.keyboard.press("Tab")
    expect(box.locator(".pop-open")).to_be_focused()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(cite).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/documents/**")
    assert_mark_lies_in_its_page(page)

    tab_to(page, page.locator(".page-text summary").first)
    page.keyboard.press("Enter")
    expect(page.locator(".page-text[open] mark").first).to_be_visible()
    tab_to(page, page.locator(".languages a", has_text=text("switch_en")), key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    tab_to(page, page.get_by_role("link", name=text("viewer_back", "en")))
    page.keyboard.press("Enter")
    expect(page.locator(".claims > li").first).to_contain_text(ANSWER)

    tab_to(page, page.locator(".filters summary"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label(text("language_sv", "en")))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name=text("filters_apply", "en")))
    page.keyboard.press("Enter")
    expect(page.locator(".limits")).to_contain_text(text("language_sv", "en"), timeout=15_000)
    expect(page.locator("#results")).not_to_contain_text(ANSWER)
    expect(page.locator("#answer-title")).to_be_focused()

    news = tmp_path / "pier.txt"
    news.write_text("The new pier was finished in 2032. It carries 60 tonnes.", encoding="utf-8")
    tab_to(page, page.get_by_role("link", name=text("nav_documents", "en")).first, key="Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/documents*")
    tab_to(page, page.locator("#files"))
    with page.expect_file_chooser() as choosing:
        page.keyboard.press("Space")
    choosing.value.set_files(news)
    tab_to(page, page.locator("#upload-form button[type=submit]"))
    page.keyboard.press("Enter")
    expect(page.locator(".job-line")).to_contain_text(text("job_done_one", "en"), timeout=60_000)
    page.goto("/")
    tab_to(page, page.locator("#q"))
    page.keyboard.type("When was the new pier finished?")
    page.keyboard.press("Enter")
    expect(page.locator(".claims > li").first).to_contain_text("2032")

    page.goto("/documents")
    row = page.locator(".docs > li", has_text="pier.txt")
    tab_to(page, row.locator(".remove"))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("[data-cancel]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(row.locator(".remove")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, dialog.get_by_role("button", name=text("remove_button", "en")))
    page.keyboard.press("Enter")
    expect(page.locator(".done")).to_have_text(text("removed", "en"))
    assert not site.named("pier.txt")


def test_a_tap_shows_the_quote_and_its_link_opens_the_document(
    browser: Browser, site: Server
) -> None:
    phone = browser.new_context(
        base_url=site.url, viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True
    )
    page = phone.new_page()
    page.goto(f"/?q={QUESTION}")
    page.locator(".cite").first.tap()
    box = page.locator(".pop").first
    expect(box).to_be_visible()
    placed = box.bounding_box()
    assert placed is not None
    assert placed["x"] >= 0
    assert placed["x"] + placed["width"] <= 375
    # The box may lie over any part of the page: tap where it isn't.
    above, below = placed["y"], 700 - placed["y"] - placed["height"]
    page.touchscreen.tap(4, 4 if above > below else 696)
    expect(box).to_be_hidden()
    page.locator(".cite").first.tap()
    box.locator(".pop-open").tap()
    page.wait_for_url("**/documents/**")
    assert_mark_lies_in_its_page(page)
    phone.close()


@pytest.mark.slow
def test_a_citation_opens_at_its_mark_in_a_long_document_within_a_second(
    page: Page, site: Server
) -> None:
    # Only the marked page is about water, so that little needs to be embedded.
    long = two_columns(pages=200, at=150, filler=False)
    job = site.upload("pitka.pdf", long, title="Pitkä raportti")
    assert job["report"]["ingested"] == 1, job
    answer = site.ask(QUESTION, document=site.named("pitka.pdf")[0]["document_id"])
    assert answer["status"] == "answered"
    document = site.named("pitka.pdf")[0]["document_id"]
    taken: list[float] = []
    for _ in range(5):
        page.goto(f"/?q={QUESTION}&document={document}")
        page.locator(".cite").first.click()
        page.wait_for_url("**/documents/**")
        assert_mark_lies_in_its_page(page)
        # From the click to the page's image being there, by the browser's own clock.
        taken.append(page.evaluate(LANDED, image_under(page.locator("#mark")).element_handle()))
    expect(page.locator("#page-150 #mark")).to_be_attached()

    # Far pages aren't drawn until they are near.
    loaded = page.evaluate(
        "[...document.querySelectorAll('.page img')].filter(i => i.naturalWidth > 0).length"
    )
    assert loaded < 20
    assert min(taken) < 1000, taken
    assert site.client.delete(f"/api/documents/{document}").status_code == 200


@pytest.mark.parametrize("height", [320, 480, 700])
def test_the_quote_never_covers_its_number(page: Page, height: int) -> None:
    page.set_viewport_size({"width": 900, "height": height})
    page.goto(f"/?q={QUESTION}")
    cite = page.locator(".cite").first
    for share in (0.1, 0.5, 0.9):
        cite.evaluate(
            "(cite, share) => scrollBy(0, cite.getBoundingClientRect().top - share * innerHeight)",
            share,
        )
        page.mouse.move(1, 1)
        expect(page.locator(".pop").first).to_be_hidden()
        at = cite.bounding_box()
        assert at is not None
        page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
        expect(page.locator(".pop").first).to_be_visible()
        box = page.locator(".pop").first.bounding_box()
        assert box is not None
        assert box["y"] >= at["y"] + at["height"] or box["y"] + box["height"] <= at["y"]
        assert page.locator(".pop-open").first.is_visible()


def test_the_text_of_a_page_can_be_selected_on_its_image(page: Page, site: Server) -> None:
    document = site.named("vesi.pdf")[0]["document_id"]
    text_of = site.client.get(f"/api/documents/{document}/text").json()["text"]
    start = text_of.index(ANSWER)
    page.goto(f"/documents/{document}?start={start}&end={start + len(ANSWER)}")
    first = page.locator(".lines span", has_text="Kiertopiiri säästää").first
    expect(first).to_be_attached()

    # The line lies on its mark, and selecting it gives its words.
    line, mark = first.bounding_box(), page.locator("#mark rect").first.bounding_box()
    assert line is not None
    assert mark is not None
    assert abs(line["x"] - mark["x"]) < 6
    assert abs(line["y"] - mark["y"]) < 6
    assert abs(line["width"] - mark["width"]) < 12
    selected = first.evaluate(
        """first => {
            const range = document.createRange();
            range.setStartBefore(first);
            range.setEndAfter(first.nextSibling.nextSibling);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
            return getSelection().toString();
        }"""
    )
    assert ANSWER in selected


def test_the_skip_link_leaves_the_page_as_it_is(page: Page) -> None:
    page.goto(f"/?q={QUESTION}")
    before = page.locator("#q").element_handle()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.wait_for_timeout(500)

    assert before is not None
    assert before.evaluate("element => element.isConnected")
    page.keyboard.press("Tab")
    expect(page.locator("#q")).to_be_focused()


def test_files_can_be_dropped(page: Page) -> None:
    page.goto("/documents")
    transfer = page.evaluate_handle(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File(["Pudotettu tiedosto kertoo nosturista."], "nosturi.txt"));
            return carried;
        }"""
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})

    expect(page.locator("#chosen")).to_contain_text("nosturi.txt")


def test_the_answer_is_copied_with_numbered_sources(
    context: BrowserContext, page: Page, site: Server
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    page.goto(f"/?q={QUESTION}")
    page.get_by_role("button", name=text("copy")).click()
    expect(page.locator("#live")).to_have_text(text("copied"))

    copied = page.evaluate("navigator.clipboard.readText()")

    assert re.search(re.escape(ANSWER) + r"[^\[]* \[1\]", copied)
    assert "[1] Jäähdytysveden kierto, s. 1" in copied
    assert f"{site.url}/documents/" in copied


def test_the_next_place_is_one_step_away(page: Page) -> None:
    page.goto(f"/?q={QUESTION}")
    page.locator(".cite").first.click()
    page.wait_for_url("**/documents/**")
    first = page.url
    page.get_by_role("link", name=text("viewer_next")).click()
    expect(page.locator(".where")).to_contain_text("2/")
    assert page.url != first
    page.get_by_role("link", name=text("viewer_previous")).click()
    expect(page.locator(".where")).to_contain_text("1/")


def test_documents_run_nothing_in_the_browser(page: Page, site: Server) -> None:
    hostile = site.named("gate.html")[0]["document_id"]
    for address in (
        f"/documents/{hostile}",
        "/documents",
        "/?q=Who+gets+a+pass+at+the+northern+gate",
        f"/documents/{hostile}/remove",
    ):
        page.goto(address)
        assert page.evaluate("window.hacked") is None
