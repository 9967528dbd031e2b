from __future__ import annotations

import random
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib import fonts as reportlab_fonts

from ingest.readers.layout import Box
from ingest.readers.ocr import (
    OcrSettings,
    Seen,
    beside,
    confirmed,
    labels_of,
    ocr_available,
    recognise,
    skew_of,
)
from ingest.readers.pdf import read_pdf
from ingest.readers.scans import read_image
from kb.errors import UnreadableDocument
from tests.ingest.readers.typeset import A4, check, lines_of, put_lines, sheet, texts

FONT = Path(reportlab_fonts.__file__).parent.parent / "fonts" / "Vera.ttf"
SENTENCES = [
    "Teollisuusalueen jäähdytysvesi otetaan merestä",
    "ja palautetaan viisi astetta lämpimämpänä.",
    "Suljetussa kierrossa sama vesi käytetään monta",
    "kertaa, ja tuoreen veden tarve vähenee.",
    "Yhteinen verkko on halvempi kuin omat ratkaisut.",
]
needs_tesseract = pytest.mark.skipif(
    not {"fin", "swe", "eng"} <= set(ocr_available()),
    reason="tesseract with fin, swe and eng isn't installed",
)


def scan(*, angle: float = 0.0, dpi: int = 150) -> Image.Image:
    """Draw a page of Finnish text as a scanner would see it, a little grey and askew."""
    size = (round(8.27 * dpi), round(11.69 * dpi))
    page = Image.new("L", size, 244)
    draw = ImageDraw.Draw(page)
    font = ImageFont.truetype(str(FONT), round(dpi * 12 / 72))
    for number, line in enumerate(SENTENCES):
        draw.text((dpi * 0.9, dpi * (1.5 + 0.26 * number)), line, font=font, fill=30)
    noise = random.Random(7)
    for _ in range(150):
        draw.point((noise.randrange(size[0]), noise.randrange(size[1])), fill=120)
    return page.rotate(angle, fillcolor=244, resample=Image.Resampling.BICUBIC)


def words(text: str) -> set[str]:
    return {word.strip(".,").casefold() for word in text.split()}


@pytest.mark.parametrize("angle", [0.0, 1.3, -2.4, 4.0])
def test_skew_is_measured(angle: float) -> None:
    assert skew_of(scan(angle=angle)) == pytest.approx(-angle, abs=0.25)


def test_an_empty_page_has_no_skew() -> None:
    assert skew_of(Image.new("L", (800, 1100), 255)) == 0.0


def test_without_the_program_there_are_no_languages() -> None:
    assert ocr_available("no-such-program") == ()


@needs_tesseract
def test_a_scan_that_lies_askew_is_read_and_its_boxes_lie_on_the_ink(tmp_path: Path) -> None:
    page = scan(angle=1.8)
    page.save(tmp_path / "scan.png", dpi=(150, 150))
    canvas = sheet(tmp_path / "scan.pdf")
    canvas.drawImage(str(tmp_path / "scan.png"), 0, 0, *A4)
    canvas.showPage()
    put_lines(canvas, lines_of("Tämä sivu on tekstiä eikä sitä tarvitse tunnistaa.", 400), (60, 80))
    canvas.save()

    reading = read_pdf(tmp_path / "scan.pdf")

    wanted = words(" ".join(SENTENCES))
    assert len(wanted & words(reading.text)) >= 0.95 * len(wanted)
    assert texts(reading)[0].startswith("Teollisuusalueen jäähdytysvesi otetaan merestä ja")
    assert reading.warnings[0].startswith("warning.ocr|confidence=")
    assert reading.warnings[0].endswith("|pages=1")
    check(reading)
    ink = page.point(lambda value: 255 if value < 110 else 0)
    scale = page.width / A4[0]
    for box in reading.words:
        if box.page == 1 and box.end - box.start > 3:
            piece = ink.crop(
                (
                    round(scale * box.left),
                    round(scale * box.top),
                    round(scale * box.right),
                    round(scale * box.bottom),
                )
            )
            assert piece.getbbox() is not None
    lowest = max(box.bottom for box in reading.words if box.page == 1)
    assert 72 * (1.5 + 0.26 * 5) - 20 < lowest < 72 * (1.5 + 0.26 * 5) + 20


@needs_tesseract
def test_a_scan_upside_down_is_turned(tmp_path: Path) -> None:
    scan().rotate(180).save(tmp_path / "down.png", dpi=(150, 150))
    reading = read_image(tmp_path / "down.png")
    wanted = words(" ".join(SENTENCES))
    assert len(wanted & words(reading.text)) >= 0.9 * len(wanted)
    first = reading.words[0]
    assert first.left > 300 and first.top > 600  # where the first word stands on the page
    assert reading.media_type == "image/png"
    check(reading)


@needs_tesseract
def test_a_picture_of_several_pages(tmp_path: Path) -> None:
    pages = [scan(), scan(angle=0.7)]
    pages[0].save(tmp_path / "two.tiff", save_all=True, append_images=pages[1:], dpi=(150, 150))
    reading = read_image(tmp_path / "two.tiff")
    assert len(reading.page_starts) == 2
    assert {box.page for box in reading.words} == {1, 2}
    check(reading)


@needs_tesseract
def test_a_page_that_takes_too_long_is_given_up() -> None:
    assert recognise(scan(), 150, OcrSettings(seconds=0.01)) is None


def test_a_picture_without_the_program_is_refused(tmp_path: Path) -> None:
    scan().save(tmp_path / "scan.png")
    with pytest.raises(UnreadableDocument) as refused:
        read_image(tmp_path / "scan.png", ocr=OcrSettings(program="no-such-program"))
    assert refused.value.code == "unreadable_pdf_no_text"


@needs_tesseract
@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "unreadable_empty"), (b"\x89PNG\r\n\x1a\nrubbish", "unreadable_image")],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(UnreadableDocument) as refused:
        read_image(tmp_path / "bad.png")
    assert refused.value.code == code


@needs_tesseract
def test_an_empty_picture_has_nothing_to_recognise(tmp_path: Path) -> None:
    Image.new("L", (800, 1100), 255).save(tmp_path / "white.png")
    with pytest.raises(UnreadableDocument) as refused:
        read_image(tmp_path / "white.png")
    assert refused.value.code == "unreadable_ocr_failed"


def _line(number: int, *texts: str) -> list[tuple[tuple[str, str, str], str, Box, float]]:
    """Return words of a line as they are seen, 100 pixels each."""
    return [
        (
            ("1", "1", str(number)),
            text,
            (100.0 * at, 50.0 * number, 100.0 * at + 90, 50.0 * number + 40),
            90.0,
        )
        for at, text in enumerate(texts)
    ]


def test_a_label_stays_where_a_second_look_sees_it_in_its_place() -> None:
    running = _line(1, *SENTENCES[0].split(), "sama")
    shown = ("typpi", "Oo", "höyry", "[<>]")
    labels = [word for at, text in enumerate(shown, 2) for word in _line(at, text)]
    seen = Seen(300, {}, [*running, *labels])
    # Half the size: "Oo" is read as another word, "höyry" stands elsewhere.
    again = Seen(
        150,
        {},
        [
            (key, {"Oo": "0"}.get(text, text), (box[0] / 2, box[1] / 2, box[2] / 2, box[3] / 2), 90)
            for key, text, box, _ in labels
            if text not in ("[<>]", "höyry")
        ]
        + [(("9", "1", "1"), "HÖYRY", (900.0, 900.0, 950.0, 930.0), 90)],
    )

    found = confirmed(seen, labels_of(seen), again)

    assert [text for _, text, _, _ in found.words] == [word for _, word, _, _ in running] + [
        "typpi"
    ]


def test_a_page_with_few_short_lines_has_no_labels() -> None:
    lines = [word for at in range(20) for word in _line(at, *SENTENCES[0].split())]
    assert labels_of(Seen(300, {}, [*lines, *_line(20, "12")])) == frozenset()


def test_letters_that_are_not_sure_on_a_line_of_labels_are_labels() -> None:
    far = 700.0
    line = [
        (("1", "1", "9"), text, (left, 450.0, left + 40, 480.0), sure)
        for text, left, sure in (("9", 0.0, 72), ("0.3", 50.0, 73), ("K", far, 67), ("A", 1400, 95))
    ]
    shorts = [word for at in range(4) for word in _line(at, "typpi")]
    prose = _line(5, *SENTENCES[0].split(), "i")
    prose[-1] = (*prose[-1][:3], 70.0)
    seen = Seen(300, {}, [*line, *shorts, *prose])

    labels = labels_of(seen)

    assert [seen.words[at][1] for at in sorted(labels)] == ["9", "K"] + 4 * ["typpi"]


def test_a_box_of_all_the_line_is_cut_back_to_its_neighbours() -> None:
    line = _line(1, "tail", "crossed", "the")
    wide = (line[1][0], "crossed", (0.0, 50.0, 290.0, 90.0), 95.0)
    assert list(beside([line[0], wide, line[2]])) == [
        line[0],
        (line[1][0], "crossed", (90.0, 50.0, 200.0, 90.0), 95.0),
        line[2],
    ]
    # Words of two lines, and those that stand on end, keep theirs.
    assert list(beside([*line, *_line(2, "tail")])) == [*line, *_line(2, "tail")]
    upright = [(line[0][0], "a", (0.0, 100.0 * at, 40.0, 100.0 * at + 90), 90.0) for at in range(3)]
    assert list(beside(upright)) == upright
