"""The ask page where a language model writes: claims as they come, then the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.api.conftest import WATER, Server, start
from tests.language_models import Scripted, claims, number_of, served, settings_of

QUESTION = "Paljonko jäähdytysvettä kului vuonna 2023?"
RIGHT = "Jäähdytysvettä kului 41 miljoonaa kuutiometriä vuonna 2023."
WRONG = "Jäähdytysvettä kului 14 miljoonaa kuutiometriä vuonna 2023."


@pytest.fixture(scope="module")
def script() -> Iterator[Scripted]:
    with served() as running:
        running.say = lambda user: claims(
            (WRONG, [number_of(user, "41 miljoonaa")]), (RIGHT, [number_of(user, "41 miljoonaa")])
        )
        yield running


@pytest.fixture(scope="module")
def writing(script: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = settings_of(script, "ollama", llm_timeout=8)
    running = start(
        tmp_path_factory.mktemp("writing") / "data",
        **{f"KB_{name.upper()}": str(value) for name, value in settings.items()},
    )
    assert running.upload("vesi.txt", WATER)["report"]["ingested"] == 1
    yield running
    running.stop()


@pytest.fixture
def window(browser: Browser, writing: Server) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=writing.url, viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


def ask(page: Page, question: str) -> None:
    page.goto("/?lang=fi")
    page.fill("#q", question)
    page.press("#q", "Enter")


@pytest.mark.browser
def test_claims_show_while_the_model_still_writes(window: BrowserContext, script: Scripted) -> None:
    script.behaviour = "stall"
    page = window.new_page()

    ask(page, QUESTION)

    progress = page.locator(".answer.writing")
    expect(progress.locator("h2")).to_have_text("Kielimalli kirjoittaa …")
    expect(progress.locator("li")).to_have_text([RIGHT])
    # The server holds the line until the time is up; then the page says that it broke off.
    expect(page.locator(".model-notes")).to_contain_text("katkesi", timeout=30_000)
    expect(page.locator(".claim-text")).to_have_text([RIGHT])


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_says_who_wrote_it_and_what_was_left_out(
    window: BrowserContext, script: Scripted, width: int, scheme: str
) -> None:
    script.behaviour = "answer"
    page = window.new_page()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})

    ask(page, "Kuinka paljon jäähdytysvettä kulutettiin vuonna 2023?")

    expect(page.locator(".claim-text")).to_have_text([RIGHT], timeout=30_000)
    expect(page.locator(".answer > .hint").first).to_contain_text("Kielimallin kirjoittama")
    expect(page.locator(".model-notes li")).to_have_text(
        ["Yksi väite jätettiin pois: sen lukua ei ole sen lähteessä."]
    )
    assert WRONG not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert Axe().run(page).violations_count == 0


@pytest.mark.browser
def test_without_javascript_the_whole_answer_comes_at_once(
    browser: Browser, writing: Server, script: Scripted
) -> None:
    script.behaviour = "answer"
    plain = browser.new_context(base_url=writing.url, java_script_enabled=False)
    page = plain.new_page()
    page.goto("/?lang=fi")
    page.fill("#q", "Kerro, paljonko jäähdytysvettä kului vuonna 2023?")
    page.click("#ask button[type=submit]")

    expect(page.locator(".claim-text")).to_have_text([RIGHT])
    expect(page.locator(".model-notes li")).to_have_count(1)
    plain.close()
