from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.jobs import MAX_ATTEMPTS, Job, JobKind, Jobs, JobState, UploadedFile, sources_of
from ingest.outcomes import Progress, Rejection, Report
from ingest.registry import Imported
from ingest.registry_rows import RowNote
from kb.catalogue import Catalogue
from kb.errors import KnowledgeBaseError, NotFound, UnreadableDocument
from kb.model import Confidentiality, Kind, Metadata

METADATA = Metadata(
    title="Otsikko",
    date="2024",
    kind=Kind.SLIDES,
    themes=("water", "energy"),
    confidentiality=Confidentiality.PUBLIC,
    language="sv",
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    opened = Catalogue(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def jobs(catalogue: Catalogue) -> Jobs:
    return Jobs(catalogue)


def queued(jobs: Jobs, name: str = "a.txt") -> str:
    job_id, folder = jobs.new_folder()
    (folder / "0123").write_text("teksti", encoding="utf-8")
    jobs.enqueue(job_id, [UploadedFile("0123", name, 6)], METADATA)
    return job_id


def claimed(jobs: Jobs, owner: str) -> Job:
    job = jobs.claim(owner)
    assert job is not None
    return job


def test_a_job_keeps_what_its_upload_said(jobs: Jobs) -> None:
    job_id = queued(jobs)
    job = jobs.get(job_id)

    assert (job.state, job.attempts, job.metadata) == (JobState.QUEUED, 0, METADATA)
    (source,) = sources_of(job, jobs.folder)
    assert (source.key, source.root, source.name) == ("upload:a.txt", "upload", "a.txt")
    assert source.path.read_text(encoding="utf-8") == "teksti"


def test_the_oldest_job_is_claimed_first_and_by_one_only(jobs: Jobs) -> None:
    first, second = queued(jobs), queued(jobs)

    assert claimed(jobs, "one").id == first
    assert claimed(jobs, "two").id == second
    assert jobs.claim("three") is None
    assert jobs.unfinished() == 2
    assert [job.id for job in jobs.recent()] == [second, first]


def test_a_lease_that_ran_out_is_taken_over(catalogue: Catalogue) -> None:
    short = Jobs(catalogue, lease_seconds=0.05)
    job_id = queued(short)
    claimed(short, "dead")
    time.sleep(0.1)
    job = claimed(short, "alive")

    assert (job.id, job.attempts) == (job_id, 2)
    assert not short.renew(job_id, "dead", None)
    assert not short.finish(job_id, "dead", report=Report())
    assert not short.release(job_id, "dead")
    assert short.finish(job_id, "alive", report=Report(ingested=1))


def test_a_renewed_lease_is_kept(catalogue: Catalogue) -> None:
    short = Jobs(catalogue, lease_seconds=0.3)
    job_id = queued(short)
    claimed(short, "one")
    for _ in range(3):
        time.sleep(0.15)
        assert short.renew(job_id, "one", Progress("reading", 1, 2, "a.txt"))

    assert short.claim("two") is None
    assert short.get(job_id).progress == Progress("reading", 1, 2, "a.txt")


def test_a_job_that_is_lost_three_times_is_given_up(catalogue: Catalogue) -> None:
    short = Jobs(catalogue, lease_seconds=0)
    job_id = queued(short)
    for attempt in range(MAX_ATTEMPTS):
        assert claimed(short, f"worker {attempt}").id == job_id
        time.sleep(0.01)

    assert short.claim("last") is None
    job = short.get(job_id)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code == "job_crashed"


def test_a_released_job_was_not_tried(jobs: Jobs) -> None:
    job_id = queued(jobs)
    for _ in range(MAX_ATTEMPTS + 2):
        claimed(jobs, "one")
        assert jobs.release(job_id, "one")

    assert (jobs.get(job_id).state, jobs.get(job_id).attempts) == (JobState.QUEUED, 0)


def test_a_report_comes_back_in_any_language(jobs: Jobs) -> None:
    report = Report(
        ingested=1,
        rejected=[Rejection("b.pdf", UnreadableDocument("unreadable_empty"))],
        warnings=[("a.txt", "warning.nonsense")],
        passages=3,
        seconds=1.5,
    )
    job_id = queued(jobs)
    claimed(jobs, "one")
    assert jobs.finish(job_id, "one", report=report)
    job = jobs.get(job_id)

    assert job.state is JobState.DONE
    assert job.report is not None
    for language in ("fi", "sv", "en"):
        assert job.report.to_json(language) == report.to_json(language)
        assert job.to_json(language)["report"] == report.to_json(language)


def test_a_report_on_projects_comes_back_in_any_language(jobs: Jobs) -> None:
    imported = Imported(
        imported=3,
        updated=2,
        unchanged=1,
        rejected=(RowNote(4, "no_title"),),
        rejected_count=500,
        warnings=(RowNote(5, "date", {"value": "keväällä"}),),
        warnings_count=1,
    )
    job_id, _ = jobs.new_folder()
    for _ in range(2):
        jobs.enqueue_import(job_id, name="hankkeet.csv", size=9)
    claimed(jobs, "one")
    assert jobs.claim("two") is None, "asked for twice, queued once"
    assert jobs.finish(job_id, "one", report=imported)

    job = jobs.get(job_id)
    assert (job.kind, job.names, job.imported) == (JobKind.PROJECTS, ["hankkeet.csv"], imported)
    for language in ("fi", "sv", "en"):
        assert job.to_json(language)["report"] == imported.to_json(language)


def test_a_failure_is_told_in_any_language(jobs: Jobs) -> None:
    job_id = queued(jobs)
    claimed(jobs, "one")
    jobs.finish(job_id, "one", error=KnowledgeBaseError("disk_full", folder="x"))

    told = [jobs.get(job_id).to_json(language)["error"] for language in ("fi", "sv", "en")]
    assert len({str(one) for one in told}) == 3


def test_a_job_that_waits_for_a_writer_is_shown_as_queued(jobs: Jobs) -> None:
    job_id = queued(jobs)
    claimed(jobs, "one")
    jobs.renew(job_id, "one", Progress("waiting", 0, 0))

    assert jobs.get(job_id).to_json()["state"] == "queued"


def test_an_unknown_job_isnt_found(jobs: Jobs) -> None:
    with pytest.raises(NotFound):
        jobs.get("none")


def test_a_sweep_deletes_what_no_job_will_read(catalogue: Catalogue, jobs: Jobs) -> None:
    waiting, ended = queued(jobs), queued(jobs)
    catalogue.connection.execute(
        "UPDATE job SET state = 'done', changed = '2020-01-01T00:00:00Z' WHERE id = ?", (ended,)
    )
    _, receiving = jobs.new_folder()
    _, abandoned = jobs.new_folder()
    os.utime(abandoned, (0, 0))

    jobs.sweep()

    assert {path.name for path in jobs.folder.iterdir()} == {waiting, receiving.name, ended}
    os.utime(jobs.folder / ended, (0, 0))
    jobs.sweep()
    assert {path.name for path in jobs.folder.iterdir()} == {waiting, receiving.name}
    with pytest.raises(NotFound):
        jobs.get(ended)
