from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from ingest.frames import decode, encode
from ingest.limits import MEGABYTE, Limits
from ingest.readers.ocr import ocr_available
from ingest.reading import Reading
from ingest.sandbox import ReaderPool
from kb.errors import UnreadableDocument
from kb.model import Block, BlockKind, Kind, Metadata, WordBox
from tests.conftest import need

HOSTILE = "tests.ingest.hostile_readers:read"
LIMITS = Limits(seconds=1, memory_bytes=400 * MEGABYTE, text_chars=100_000)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(2, LIMITS, reader=HOSTILE) as opened:
        yield opened


@pytest.fixture
def order(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / f"{text.split()[0]}.txt"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(pool: ReaderPool, path: Path) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        pool.read(path)
    assert caught.value.text("fi") and caught.value.cure("sv")
    return caught.value.code


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("segfault", "unreadable_crash"),
        ("exit", "unreadable_crash"),
        ("hang", "unreadable_timeout"),
        ("swell", "unreadable_memory"),
        ("flood", "unreadable_too_much_text"),
        ("flood-raw", "unreadable_too_much_text"),
        ("refuse", "unreadable_no_text"),
        ("raise", "unreadable_crash"),
        ("connect", "unreadable_crash"),
        ("fill", "unreadable_crash"),
        ("lie not json", "unreadable_crash"),
        ('lie {"error": "no_such_code"}', "unreadable_crash"),
        ('lie {"error": "unreadable_too_large"}', "unreadable_crash"),
        ('lie {"text": "abc", "blocks": [[0, 9]]}', "unreadable_crash"),
    ],
)
def test_a_bad_file_costs_itself_alone(
    pool: ReaderPool, order: Callable[[str], Path], what: str, code: str
) -> None:
    assert refusal(pool, order(what)) == code
    assert pool.read(order("fine")).text.endswith("|fine")


def test_processor_time_is_limited_too(order: Callable[[str], Path]) -> None:
    # A reader that holds the interpreter is stopped by whichever limit comes first.
    with ReaderPool(1, Limits(seconds=1), reader=HOSTILE) as pool:
        begun = time.monotonic()
        assert refusal(pool, order("burn")) == "unreadable_timeout"
        assert time.monotonic() - begun < 12


def test_signs_of_life_give_more_time_but_not_for_ever(order: Callable[[str], Path]) -> None:
    with ReaderPool(1, Limits(seconds=0.1), reader=HOSTILE) as pool:
        pool.read(order("fine"))
        # Twenty times 0.07 seconds is more than the 1.1 that a silent reader has.
        assert pool.read(order("slow 20")).text.endswith("|slow 20")
        begun = time.monotonic()
        assert refusal(pool, order("slow 1000")) == "unreadable_timeout"
        assert 2 < time.monotonic() - begun < 9


@pytest.mark.slow
def test_a_long_scan_may_take_longer_than_a_file_as_long_as_its_pages_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("tesseract")
    need(real and "fin" in ocr_available(), "tesseract with Finnish")
    program = tmp_path / "bin" / "tesseract"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --list-langs ] || sleep 1\nexec {real} "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    pages = []
    for number in range(8):
        page = Image.new("L", (900, 160), 255)
        text = f"Satama {number} on avoinna koko vuoden"
        ImageDraw.Draw(page).text((30, 50), text, font=ImageFont.load_default(44), fill=0)
        pages.append(page)
    scan = tmp_path / "skannaus.tiff"
    pages[0].save(scan, save_all=True, append_images=pages[1:], dpi=(200, 200))

    # Eight pages of a second or more are over the six seconds that a silent reader has.
    with ReaderPool(1, Limits(seconds=5)) as pool:
        reading = pool.read(scan)

    assert len(reading.page_starts) == 8
    assert reading.text.count("avoinna") >= 6


def test_what_a_reader_prints_does_not_disturb(
    pool: ReaderPool, order: Callable[[str], Path]
) -> None:
    assert pool.read(order("print")).text.endswith("|print")


def test_a_worker_killed_from_outside_costs_its_file_alone(order: Callable[[str], Path]) -> None:
    with ReaderPool(1, LIMITS, reader=HOSTILE) as pool:
        pool.read(order("fine"))
        waiting = pool.submit(order("hang"))
        time.sleep(0.3)
        (pid,) = pool.pids()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(UnreadableDocument) as caught:
            waiting.result(timeout=10)
        assert caught.value.code == "unreadable_crash"
        assert pool.read(order("fine")).text.endswith("|fine")
        assert pool.pids() != [pid]


def test_an_idle_worker_that_died_is_replaced_without_loss(order: Callable[[str], Path]) -> None:
    with ReaderPool(1, LIMITS, reader=HOSTILE) as pool:
        pool.read(order("fine"))
        (pid,) = pool.pids()
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        assert pool.read(order("fine")).text.endswith("|fine")


def test_a_hundred_files_through_two_workers(tmp_path: Path) -> None:
    files = []
    for number in range(100):
        path = tmp_path / f"{number}.txt"
        path.write_text("segfault" if number == 37 else f"file {number}", encoding="utf-8")
        files.append((path, f"name-{number}"))
    with ReaderPool(2, LIMITS, reader=HOSTILE, files_a_worker=30) as pool:
        outcomes = list(pool.read_all(files))
    assert [file for file, _ in outcomes] == files
    readings = [outcome for _, outcome in outcomes if isinstance(outcome, Reading)]
    assert len(readings) == 99
    assert isinstance(outcomes[37][1], UnreadableDocument)
    pids = {reading.text.split("|")[1] for reading in readings}
    assert 4 <= len(pids) <= 8, "workers are reused, and replaced after thirty files"
    assert readings[0].text.startswith("name-0|")


def test_files_are_taken_only_as_fast_as_outcomes_are(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("fine", encoding="utf-8")
    taken = 0

    def endless() -> Iterator[tuple[Path, str]]:
        nonlocal taken
        while True:
            taken += 1
            yield path, str(taken)

    with ReaderPool(2, LIMITS, reader=HOSTILE) as pool:
        outcomes = pool.read_all(endless())
        for _ in range(3):
            next(outcomes)
        assert taken <= 7


def test_closing_ends_the_workers_and_what_they_started(
    order: Callable[[str], Path], tmp_path: Path
) -> None:
    noted = tmp_path / "pid"
    pool = ReaderPool(1, Limits(seconds=60), reader=HOSTILE)
    running = pool.submit(order(f"spawn {noted}"))
    queued = pool.submit(order("fine"))
    while not (noted.exists() and noted.read_text()):
        time.sleep(0.05)
    grandchild = int(noted.read_text())
    begun = time.monotonic()
    pool.close()
    assert time.monotonic() - begun < 5
    with pytest.raises(CancelledError):
        running.result()
    assert queued.cancelled()
    assert gone(grandchild)
    with pytest.raises(RuntimeError):
        pool.submit(tmp_path)


def test_a_worker_has_a_scratch_folder_and_no_secrets(
    order: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KB_DATA_DIR", "x")
    monkeypatch.setenv("SOME_API_KEY", "x")
    with ReaderPool(1, LIMITS, reader=HOSTILE) as pool:
        scratch, _, names = pool.read(order("litter")).text.partition(" ")
        assert Path(scratch).is_dir()
    assert not Path(scratch).exists()
    assert "'PATH'" in names
    assert "KB_DATA_DIR" not in names and "SOME_API_KEY" not in names


def gone(pid: int) -> bool:
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_die_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "hang.txt"
    path.write_text("burn", encoding="utf-8")
    code = (
        "import signal, sys, time\n"
        # A shell's background jobs, such as a test run, ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path; from ingest.limits import Limits\n"
        "from ingest.sandbox import ReaderPool\n"
        f"with ReaderPool(1, Limits(seconds=60), reader={HOSTILE!r}) as pool:\n"
        f"    future = pool.submit(Path({str(path)!r}))\n"
        "    while not pool.pids(): time.sleep(0.05)\n"
        "    print(pool.pids()[0], flush=True)\n"
        "    future.result()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(parent)  # waited for, its pipes closed: no later test is blamed
        stack.callback(parent.kill)
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.5)
        parent.send_signal(how)
        _, complaint = parent.communicate(timeout=20)
        assert gone(pid)
        if how is signal.SIGINT:
            assert complaint.rstrip().endswith("KeyboardInterrupt")


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    str.strip
)


@given(
    st.lists(st.tuples(texts, st.sampled_from(BlockKind), st.none() | st.integers(1, 9))),
    texts,
    st.lists(st.floats(0, 5000), min_size=4, max_size=4),
)
def test_a_reading_survives_the_pipe(
    parts: list[tuple[str, BlockKind, int | None]], title: str, box: list[float]
) -> None:
    text, blocks = "", []
    for part, kind, number in parts:
        start = len(text) + 2 if text else 0
        text = f"{text}\n\n{part}" if text else part
        blocks.append(
            Block(start=start, end=len(text), kind=kind, slide=number, heading=(title, part))
        )
    left, top, right, bottom = (round(side, 2) for side in box)
    reading = Reading(
        text=text,
        blocks=tuple(blocks),
        page_starts=(0,) if text else (),
        words=(
            WordBox(start=0, end=len(text), page=1, left=left, top=top, right=right, bottom=bottom),
        ),
        metadata=Metadata(title=title, language="fi", kind=Kind.SLIDES, themes=("water",)),
        media_type="text/plain",
        warnings=("warning.x|name=y",),
    )
    assert decode(encode(reading), limits=Limits()) == reading
