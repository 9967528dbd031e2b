"""Commands and services share one queue: what each does is seen, held, and taken over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.jobs import Job, JobKind, Jobs, JobState, UploadedFile
from ingest.outcomes import Progress
from ingest.pipeline import ingest
from ingest.registry_upload import SentTables
from ingest.watch import watch
from ingest.working import Worker, take_in, take_rejected
from kb.doctor import examine
from kb.errors import KnowledgeBaseError
from kb.knowledge_base import KnowledgeBase
from kb.model import Metadata
from kb.projects import Projects
from tests.conftest import BagOfWords

OpenAt = Callable[..., KnowledgeBase]

_TAKE_IN = """
import sys
from pathlib import Path
from ingest.working import take_in
from kb.assembly import open_knowledge_base
from kb.settings import load_settings
from tests.conftest import BagOfWords
kb = open_knowledge_base(load_settings(data_dir=Path(sys.argv[1])), embedder=BagOfWords())
take_in(kb, [Path(sys.argv[2])], prune=True, outcome=lambda one: print(one.key, flush=True))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "aineisto"
    folder.mkdir()
    for number in range(12):
        text = " ".join(f"Vesi {number}.{i} virtaa." for i in range(20))
        (folder / f"{number:02}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def kb(tmp_path: Path, open_at: OpenAt) -> KnowledgeBase:
    return open_at(tmp_path / "data", embedder=BagOfWords())


def latest(kb: KnowledgeBase) -> Job:
    return Jobs(kb.catalogue).recent(1)[0]


def worked_off(kb: KnowledgeBase, jobs: Jobs) -> None:
    """Let a service's worker do what there is to do."""
    worker = Worker(kb, jobs)
    worker.start()
    for _ in range(600):
        if not jobs.unfinished():
            break
        time.sleep(0.05)
    assert worker.stop(seconds=30)
    assert not jobs.unfinished()


def names(kb: KnowledgeBase) -> list[str]:
    return sorted(source.name for source in kb.catalogue.sources())


def test_a_command_is_a_job_with_its_report(kb: KnowledgeBase, folder: Path) -> None:
    seen: list[JobState] = []
    report = take_in(kb, [folder], prune=True, progress=lambda _: seen.append(latest(kb).state))

    job = latest(kb)
    assert (job.kind, job.state, job.attempts) == (JobKind.FOLDER, JobState.DONE, 1)
    assert (job.paths, job.prune, job.names) == ((folder,), True, ["aineisto"])
    assert job.report is not None
    assert job.report.ingested == report.ingested == 12
    assert set(seen) == {JobState.RUNNING}
    assert str(folder.parent) not in str(job.to_json())


def test_a_command_that_fails_or_is_stopped_says_so_in_its_job(
    kb: KnowledgeBase, folder: Path
) -> None:
    (folder / "manifest.toml").write_text("[[document]]\nfile = 3\n", encoding="utf-8")
    with pytest.raises(KnowledgeBaseError) as caught:
        take_in(kb, [folder])
    failed = latest(kb)
    assert (failed.state, str(failed.error)) == (JobState.FAILED, str(caught.value))
    (folder / "manifest.toml").unlink()

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_in(kb, [folder], progress=interrupt)
    stopped = latest(kb)
    assert stopped.state is JobState.FAILED
    assert stopped.error is not None
    assert stopped.error.code == "job_stopped"


def killed(data: Path, folder: Path) -> None:
    """Start an ingestion elsewhere and kill it after some files."""
    with subprocess.Popen(
        [sys.executable, "-c", _TAKE_IN, str(data), str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(3):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)


def test_a_service_finishes_what_a_killed_command_began(
    kb: KnowledgeBase, folder: Path, tmp_path: Path
) -> None:
    ingest(kb, [folder])
    (folder / "00.txt").unlink()
    (folder / "01.txt").write_text("Uutta vettä.", encoding="utf-8")
    for number in range(20, 40):
        (folder / f"{number}.txt").write_text(f"Höyry {number}.", encoding="utf-8")
    killed(tmp_path / "data", folder)
    assert (latest(kb).state, latest(kb).attempts) == (JobState.RUNNING, 1)
    kb.catalogue.connection.execute("UPDATE job SET lease = '0 ' || lease")

    worked_off(kb, Jobs(kb.catalogue))

    job = latest(kb)
    assert (job.state, job.attempts) == (JobState.DONE, 2)
    assert names(kb) == sorted(path.name for path in folder.iterdir())
    assert examine(kb) == []


def test_without_a_service_the_next_command_takes_over(
    kb: KnowledgeBase, folder: Path, tmp_path: Path
) -> None:
    killed(tmp_path / "data", folder)
    kb.catalogue.connection.execute("UPDATE job SET lease = '0 ' || lease")

    take_in(kb, [folder])

    second, first = Jobs(kb.catalogue).recent()
    assert second.state is JobState.DONE
    assert first.error is not None
    assert first.error.code == "job_superseded"
    assert names(kb) == sorted(path.name for path in folder.iterdir())
    assert examine(kb) == []


def test_uploads_commands_and_a_watch_at_once_lose_and_double_nothing(
    kb: KnowledgeBase, folder: Path, tmp_path: Path
) -> None:
    watched = tmp_path / "seurattu"
    watched.mkdir()
    (watched / "w.txt").write_text("Satama on syvä.", encoding="utf-8")
    jobs = Jobs(kb.catalogue)
    for number in range(3):
        job_id, place = jobs.new_folder()
        (place / "0").write_text(f"Juna {number} kulkee.", encoding="utf-8")
        jobs.enqueue(job_id, [UploadedFile("0", f"juna{number}.txt", 9)], Metadata())
    stop = threading.Event()
    watching = threading.Thread(
        target=watch, args=(kb, [watched]), kwargs={"stop": stop, "done": lambda _: stop.set()}
    )
    command = [sys.executable, "-c", _TAKE_IN, str(tmp_path / "data"), str(folder)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    watching.start()

    worked_off(kb, jobs)

    told = [process.communicate(timeout=120)[0].splitlines() for process in both]
    watching.join(60)
    assert [process.returncode for process in both] == [0, 0]
    assert [len(lines) for lines in told] == [12, 12]
    every = (
        [path.name for path in folder.iterdir()] + ["w.txt"] + [f"juna{n}.txt" for n in range(3)]
    )
    assert names(kb) == sorted(every)
    assert kb.catalogue.counts()["document"] == len(every)
    assert examine(kb) == []
    done = jobs.recent()
    assert {job.state for job in done} == {JobState.DONE}
    assert sorted(job.kind for job in done) == ["folder"] * 2 + ["upload"] * 3 + ["watch"]


def test_a_scan_that_found_nothing_leaves_no_job(kb: KnowledgeBase, folder: Path) -> None:
    for expected in (1, 1):
        take_in(kb, [folder], kind=JobKind.WATCH, prune=True, cautious=True)
        assert len(Jobs(kb.catalogue).recent()) == expected


def test_rejected_files_are_read_again_by_a_job(kb: KnowledgeBase, folder: Path) -> None:
    bad = folder / "bad.pdf"
    bad.write_bytes(b"%PDF-1.4 nothing")
    (rejection,) = take_in(kb, [folder]).rejected
    assert rejection.source == "bad.pdf"
    jobs = Jobs(kb.catalogue)
    job_id = jobs.enqueue_retry([str(bad)])
    worked_off(kb, jobs)
    still = jobs.get(job_id)
    assert still.report is not None
    assert [one.source for one in still.report.rejected] == ["bad.pdf"]
    assert still.names == ["bad.pdf"]

    bad.write_text("Nyt se on tekstiä.", encoding="utf-8")
    os.utime(bad)
    assert take_rejected(kb, [str(bad)]).ingested == 1
    assert (latest(kb).kind, latest(kb).keys) == (JobKind.RETRY, (str(bad),))
    job_id = jobs.enqueue_retry([str(bad)])  # asked twice: there is nothing left to do
    worked_off(kb, jobs)
    assert jobs.get(job_id).state is JobState.DONE


def test_a_path_of_bytes_that_are_no_text_can_be_a_job(kb: KnowledgeBase, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/ty\xf6"))
    odd.mkdir()
    (odd / "a.txt").write_text("Vettä.", encoding="utf-8")

    assert take_in(kb, [odd]).ingested == 1

    assert latest(kb).paths == (odd,)
    assert latest(kb).names == ["ty\ufffd"]


_IMPORT = """
import sys
from pathlib import Path
from ingest.jobs import Jobs
from ingest.registry_upload import SentTables
from kb.catalogue import Catalogue
catalogue = Catalogue(Path(sys.argv[1]))
jobs = Jobs(catalogue)
assert jobs.claim("lost")
SentTables(catalogue, jobs.folder).import_(
    sys.argv[2], progress=lambda done, total: print(done, flush=True)
)
"""


def test_an_import_that_was_killed_goes_on_and_tells_all_that_it_did(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    jobs = Jobs(kb.catalogue)
    table_id, folder = jobs.new_folder()
    rows = [f"Hanke {number};{2000 + number % 20}" for number in range(1700)]
    (folder / "0").write_text("\n".join(["Nimi;Alkaa", *rows, ";2020"]), encoding="utf-8")
    SentTables(kb.catalogue, jobs.folder).take(table_id, "0", name="h.csv", format="table")
    jobs.enqueue_import(table_id, name="h.csv", size=1)
    command = [sys.executable, "-c", _IMPORT, str(tmp_path / "data"), table_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert 500 <= len(Projects(kb.catalogue)) < 1700
    kb.catalogue.connection.execute("UPDATE job SET lease = '0 ' || lease")

    worked_off(kb, jobs)

    job = latest(kb)
    assert (job.state, job.attempts) == (JobState.DONE, 2)
    assert job.imported is not None
    told = job.imported
    assert (told.imported, told.updated, told.unchanged) == (1700, 0, 0)
    assert (told.rejected_count, told.rejected[0].row) == (1, 1702)
    assert len(Projects(kb.catalogue)) == 1700
    assert not folder.exists()
