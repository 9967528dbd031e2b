"""Marks on pages against pdfium's own search: another way to the same place."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2  # noqa: TID253 -- the reference that the marks are compared with
import pytest

from api.web.marking import Rect, line_boxes
from ingest.readers.dispatch import read
from ingest.reading import Reading
from kb.model import Span
from tests.api.conftest import Server
from tests.web.conftest import ANSWER, QUESTION, two_columns

_SIDE = 4.0
"""Points that a mark may reach beyond the ink at either side."""


def searched(page: pypdfium2.PdfPage, words: str) -> list[Rect]:
    """Return where pdfium finds words on a page, in our coordinates."""
    height = page.get_height()
    text = page.get_textpage()
    found = text.search(words, match_case=True).get_next()
    if found is None:
        return []
    start, count = found
    rects = [text.get_rect(index) for index in range(text.count_rects(start, count))]
    return [
        Rect(left, height - top, right - left, top - bottom) for left, bottom, right, top in rects
    ]


def marks(reading: Reading, span: Span, page: int) -> list[Rect]:
    """Return the boxes that the viewer draws for a span on a page."""
    return line_boxes(
        [w for w in reading.words if w.page == page and w.start < span.end and w.end > span.start]
    )


def outline(rects: list[Rect]) -> tuple[float, float, float, float]:
    return (
        min(r.x for r in rects),
        min(r.y for r in rects),
        max(r.x + r.width for r in rects),
        max(r.y + r.height for r in rects),
    )


def alike(
    ours: tuple[float, float, float, float], theirs: tuple[float, float, float, float]
) -> bool:
    """Tell whether a mark covers the words and no other line.

    pdfium's boxes hug the ink; ours are as high as the line, so that marks of one sentence meet.
    """
    (left, top, right, bottom), (ink_left, ink_top, ink_right, ink_bottom) = ours, theirs
    line = bottom - top
    return (
        abs(left - ink_left) <= _SIDE + 0.05 * line
        and abs(right - ink_right) <= _SIDE + 0.05 * line
        and top <= ink_top + 1
        and bottom >= ink_bottom - 1
        and line <= 2.4 * (ink_bottom - ink_top) + 4
        and abs((top + bottom) / 2 - (ink_top + ink_bottom) / 2) <= 0.3 * line
    )


def phrases(reading: Reading, *, seed: int, count: int) -> Iterator[tuple[int, Span, str]]:
    """Yield some runs of three words that stand on one line and once on their page."""
    random_ = random.Random(seed)
    by_page: dict[int, list[int]] = {}
    for at, word in enumerate(reading.words):
        by_page.setdefault(word.page, []).append(at)
    given = 0
    for _ in range(count * 200):
        if given == count:
            return
        page = random_.choice(list(by_page))
        if len(by_page[page]) < 10:
            continue
        at = random_.choice(by_page[page][:-3])
        three = reading.words[at : at + 3]
        span = Span(three[0].start, three[-1].end)
        words = reading.text[span.start : span.end]
        end = reading.page_starts[page] if page < len(reading.page_starts) else None
        of_page = reading.text[reading.page_starts[page - 1] : end]
        if (
            re.fullmatch(r"[\w,]+ [\w,]+ [\w,]+", words)
            and len(words) >= 14
            and of_page.count(words) == 1
            and abs(three[0].top - three[-1].top) < 2
            and three[0].left < three[-1].left
            and all(word.page == page for word in three)
        ):
            given += 1
            yield page, span, words


def compare(path: Path, *, seed: int, count: int) -> tuple[int, int, list[str]]:
    """Return how many marks were compared, how many pdfium didn't find, and those that differ."""
    reading = read(path)
    document = pypdfium2.PdfDocument(path)
    compared = missing = 0
    wrong: list[str] = []
    try:
        for page, span, words in phrases(reading, seed=seed, count=count):
            reference = searched(document[page - 1], words)
            if not reference:
                missing += 1
                continue
            compared += 1
            ours, theirs = outline(marks(reading, span, page)), outline(reference)
            if not alike(ours, theirs):
                wrong.append(f"{path.name} p. {page} {words!r}: {ours} {theirs}")
    finally:
        document.close()
    return compared, missing, wrong


def test_marks_on_two_columns_are_where_pdfium_finds_the_words(tmp_path: Path) -> None:
    path = tmp_path / "columns.pdf"
    path.write_bytes(two_columns(pages=3))

    compared, missing, wrong = compare(path, seed=1, count=60)

    assert not wrong
    assert compared >= 50
    assert missing <= 5


@pytest.mark.parametrize(
    "name",
    [
        "battery_pass_en/2022_Battery-Pass_Project-Overview.pdf",
        "battery_pass_en/BatteryPass_ProjectFlyer.pdf",
        "battery_pass_en/2024_BatteryPassport_Value_Assessment_ExecutiveSummary.pdf",
        "debian_install_pdf/install.sv.pdf",
    ],
)
def test_marks_on_real_pages_are_where_pdfium_finds_the_words(test_data: Path, name: str) -> None:
    compared, missing, wrong = compare(test_data / "documents" / name, seed=2, count=40)

    assert compared >= 10, (compared, missing)
    assert len(wrong) <= 0.02 * compared, wrong


def test_the_viewer_draws_the_answer_s_sentence_where_it_stands(site: Server) -> None:
    answer = site.ask(QUESTION)
    citation = next(
        c for claim in answer["claims"] for c in claim["citations"] if ANSWER in c["quote"]
    )
    start = citation["start"] + citation["quote"].index(ANSWER)
    page = site.client.get(
        f"/documents/{citation['document_id']}",
        params={"start": start, "end": start + len(ANSWER)},
    ).text

    drawn = re.search(r'<g class="current" id="mark">(.*?)</g>', page, re.DOTALL)
    assert drawn is not None
    rects = [
        tuple(float(part) for part in found)
        for found in re.findall(
            r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', drawn[1]
        )
    ]

    # The sentence fills several lines of the left column, each well within it.
    assert len(rects) >= 2
    assert all(x >= 48 and x + width <= 290 for x, _, width, _ in rects)
    assert len({y for _, y, _, _ in rects}) == len(rects)
