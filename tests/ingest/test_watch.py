"""A folder kept in step while it changes, by the real command in a real process."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ingest.watch
from ingest.outcomes import Outcome, What
from ingest.watch import watch
from kb.doctor import examine
from kb.errors import KnowledgeBaseError
from kb.knowledge_base import KnowledgeBase
from tests.conftest import BagOfWords

OpenAt = Callable[..., KnowledgeBase]


class Watching:
    """A watch in a thread, with what it told."""

    def __init__(
        self, kb: KnowledgeBase, folder: Path, *, settle: float = 0.3, scan: float = 3600.0
    ) -> None:
        self.told: queue.Queue[tuple[str, str]] = queue.Queue()
        self.errors: queue.Queue[KnowledgeBaseError] = queue.Queue()
        self.scans = 0
        self.stop = threading.Event()
        self.settle, self.scan = settle, scan
        self.thread = threading.Thread(target=self._run, args=(kb, folder))
        self.thread.start()

    def _run(self, kb: KnowledgeBase, folder: Path) -> None:
        def done(_: object) -> None:
            self.scans += 1

        watch(
            kb,
            [folder],
            stop=self.stop,
            outcome=self._outcome,
            done=done,
            failed=self.errors.put,
            settle=self.settle,
            scan=self.scan,
        )

    def _outcome(self, one: Outcome) -> None:
        if one.what is not What.UNCHANGED:
            self.told.put((str(one.what), one.source))

    def next(self) -> tuple[str, str]:
        return self.told.get(timeout=60)

    def settled(self, scans: int) -> None:
        for _ in range(600):
            if self.scans >= scans:
                return
            time.sleep(0.1)
        raise AssertionError("it didn't look")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "aineisto"
    folder.mkdir()
    (folder / "vesi.txt").write_text("Vesi virtaa.", encoding="utf-8")
    return folder


@pytest.fixture
def start(
    tmp_path: Path, folder: Path, open_at: OpenAt
) -> Iterator[Callable[..., tuple[Watching, KnowledgeBase]]]:
    watchings: list[Watching] = []

    def started(**settings: float) -> tuple[Watching, KnowledgeBase]:
        kb = open_at(tmp_path / "data", embedder=BagOfWords())
        watchings.append(Watching(kb, folder, **settings))
        return watchings[-1], kb

    yield started
    for watching in watchings:
        watching.stop.set()
        watching.thread.join(60)
        assert not watching.thread.is_alive()


def test_what_comes_changes_and_goes_is_followed(
    start: Callable[..., tuple[Watching, KnowledgeBase]], folder: Path
) -> None:
    watching, kb = start()
    assert watching.next() == ("ingested", "vesi.txt")
    watching.settled(1)

    (folder / "osa").mkdir()
    (folder / "osa" / "juna.txt").write_text("Juna kulkee.", encoding="utf-8")
    assert watching.next() == ("ingested", "osa/juna.txt")
    watching.settled(2)
    (folder / "vesi.txt").write_text("Vesi seisoo.", encoding="utf-8")
    assert watching.next() == ("ingested", "vesi.txt")
    watching.settled(3)
    (folder / "osa" / "juna.txt").unlink()
    assert watching.next() == ("removed", "osa/juna.txt")
    watching.settled(4)

    watching.stop.set()
    watching.thread.join(60)
    assert [kb.document(row.id).text.strip() for row in kb.documents()] == ["Vesi seisoo."]
    assert examine(kb) == []


def test_a_file_that_is_being_written_is_read_when_it_rests(
    start: Callable[..., tuple[Watching, KnowledgeBase]], folder: Path
) -> None:
    watching, _ = start(settle=1.5)
    watching.next()
    watching.settled(1)

    with (folder / "pitkä.txt").open("w", encoding="utf-8") as stream:
        for number in range(12):
            stream.write(f"Rivi {number} tulee hitaasti.\n")
            stream.flush()
            time.sleep(0.2)

    assert watching.next() == ("ingested", "pitkä.txt")
    time.sleep(2)
    assert watching.told.empty()


def test_a_scan_finds_what_was_never_told(
    start: Callable[..., tuple[Watching, KnowledgeBase]],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import watchfiles

    def deaf(*_: object, stop_event: threading.Event, **__: object) -> Iterator[set[object]]:
        while not stop_event.wait(0.1):
            yield set()

    monkeypatch.setattr(watchfiles, "watch", deaf)
    watching, _ = start(scan=0.5)
    watching.next()

    (folder / "juna.txt").write_text("Juna kulkee.", encoding="utf-8")

    assert watching.next() == ("ingested", "juna.txt")


def test_without_news_from_the_system_it_looks_by_the_clock(
    tmp_path: Path, folder: Path, open_at: OpenAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchfiles

    def refused(*paths: Path, **_: object) -> Iterator[set[object]]:
        for path in paths:
            raise OSError("OS file watch limit reached", path)
        yield set()

    monkeypatch.setattr(watchfiles, "watch", refused)
    stop = threading.Event()
    told: list[str] = []
    kb = open_at(tmp_path / "data", embedder=BagOfWords())

    watch(
        kb,
        [folder],
        stop=stop,
        scan=0.2,
        done=lambda _: stop.set(),
        without_news=lambda why, seconds: told.append(f"{why} {seconds}"),
    )

    assert [text.endswith(" 0.2") for text in told] == [True]
    assert len(kb.documents()) == 1


def test_it_survives_a_folder_that_goes_away_and_comes_back(
    start: Callable[..., tuple[Watching, KnowledgeBase]],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingest.watch, "_WITHOUT_NEWS_SECONDS", 0.3)
    watching, kb = start()
    watching.next()
    watching.settled(1)

    folder.rename(folder.with_name("poissa"))
    assert watching.errors.get(timeout=60).code == "no_such_path"
    assert len(kb.documents()) == 1
    (folder.with_name("poissa") / "juna.txt").write_text("Juna kulkee.", encoding="utf-8")
    folder.with_name("poissa").rename(folder)

    assert watching.next() == ("ingested", "juna.txt")


def test_it_stops_in_the_middle_of_an_ingestion(
    start: Callable[..., tuple[Watching, KnowledgeBase]], folder: Path
) -> None:
    for number in range(300):
        (folder / f"{number}.txt").write_text(f"Vesi {number} virtaa.", encoding="utf-8")
    watching, kb = start()
    watching.next()

    watching.stop.set()
    watching.thread.join(30)

    assert not watching.thread.is_alive()
    assert 0 < len(kb.documents()) < 301
    with pytest.raises(queue.Empty):
        watching.errors.get_nowait()


def test_the_command_tells_each_change_in_a_line_and_stops_when_told(
    tmp_path: Path, folder: Path
) -> None:
    environment = {**os.environ, "KB_DATA_DIR": str(tmp_path / "data"), "LANG": "fi"}
    environment |= {"KB_SENTENCES": "false", "PYTHONUNBUFFERED": "1"}
    environment.pop("LC_ALL", None)
    (folder / "vesi.txt").write_bytes(b"")  # nothing that would have to be embedded
    os.mkfifo(folder / "putki")
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "watch", str(folder), "--settle", "0.3"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first, second = process.stdout.readline(), process.stdout.readline()
    more = []
    for name in ("toinen.txt", "kolmas.txt"):  # each in a scan of its own
        (folder / name).write_bytes(b"")
        more.append(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    rest, errors = process.communicate(timeout=60)

    assert first == f"Seurataan: {folder}\n"
    assert "hylätty: vesi.txt: Tiedosto on tyhjä." in second
    assert "hylätty: toinen.txt:" in more[0]
    assert "hylätty: kolmas.txt:" in more[1]
    assert rest == "Seuranta lopetettu.\n"
    assert process.returncode == 0
    assert errors.count("\n") == 1, "a note is said once, not at every scan"
    assert f"{folder}/putki" in errors
