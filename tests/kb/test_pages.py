from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from PIL import Image

from ingest.readers.pdf import read_pdf
from kb.errors import NotFound, UnreadableDocument
from kb.pages import MOST_PIXELS, page_size, render_page
from tests.ingest.readers.test_pdf import turned
from tests.ingest.readers.typeset import put_lines, sheet


def _file(tmp_path: Path) -> Path:
    canvas = sheet(tmp_path / "page.pdf")
    put_lines(canvas, ["Lämpöverkko"], (120, 130), size=14)
    canvas.save()
    return tmp_path / "page.pdf"


@pytest.mark.parametrize("rotation", [0, 90])
def test_a_page_is_drawn_in_the_points_of_its_word_boxes(tmp_path: Path, rotation: int) -> None:
    turned(_file(tmp_path), tmp_path / "turned.pdf", rotation, (40.0, 500.0, 400.0, 800.0))
    path = tmp_path / "turned.pdf"

    width, height = page_size(path, 1)
    drawn = render_page(path, 1, scale=2)

    assert (width, height) == ((300, 360) if rotation else (360, 300))
    assert (drawn.width, drawn.height) == (2 * width, 2 * height)
    picture = Image.open(io.BytesIO(drawn.bytes))
    assert picture.format == "WEBP" and drawn.media_type == "image/webp"
    box = read_pdf(path).words[0]
    ink = picture.convert("L").point(lambda value: 255 if value < 128 else 0).getbbox()
    assert ink is not None
    for got, wanted in zip(ink, (box.left, box.top, box.right, box.bottom), strict=True):
        assert abs(got - 2 * wanted) < 12


def test_the_picture_is_never_larger_than_the_limit(tmp_path: Path) -> None:
    drawn = render_page(_file(tmp_path), 1, scale=1000)
    assert 0.9 * MOST_PIXELS < drawn.width * drawn.height <= 1.01 * MOST_PIXELS


@pytest.mark.parametrize("page", [0, 2, -1])
def test_a_page_that_is_not_there(tmp_path: Path, page: int) -> None:
    with pytest.raises(NotFound):
        render_page(_file(tmp_path), page)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7 rubbish")
    with pytest.raises(UnreadableDocument):
        page_size(tmp_path / "bad.pdf", 1)


def test_a_scan_is_its_own_page(tmp_path: Path) -> None:
    Image.new("L", (1240, 1754), 255).save(tmp_path / "scan.png", dpi=(150, 150))
    width, height = page_size(tmp_path / "scan.png", 1)
    assert width == pytest.approx(595, abs=1) and height == pytest.approx(842, abs=1)
    drawn = render_page(tmp_path / "scan.png", 1, scale=1)
    assert (drawn.width, drawn.height) == (595, 842)


def test_threads_may_draw_at_once(tmp_path: Path) -> None:
    path = _file(tmp_path)
    sizes: list[int] = []
    threads = [
        threading.Thread(target=lambda: sizes.append(render_page(path, 1, scale=1).width))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [595] * 8
