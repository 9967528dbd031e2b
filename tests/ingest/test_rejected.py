"""Files that weren't taken in: told again, not read again, until something has changed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import pipeline
from ingest.batch_report import as_html, as_json, write_report
from ingest.outcomes import Outcome, What
from ingest.pipeline import ingest, ingest_sources, retry_rejected
from ingest.sources import Source
from kb.doctor import examine
from kb.errors import KnowledgeBaseError, NotFound
from kb.knowledge_base import KnowledgeBase
from kb.model import Confidentiality
from tests.conftest import BagOfWords, need
from tests.ingest.readers.samples import sample_docx
from tests.ingest.readers.test_dispatch import ole

OpenAt = Callable[..., KnowledgeBase]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "aineisto"
    folder.mkdir()
    (folder / "vesi.txt").write_text("Vesi virtaa jokeen.", encoding="utf-8")
    (folder / "rikki.docx").write_bytes(b"PK\x03\x04 not really")
    return folder


@pytest.fixture
def kb(tmp_path: Path, open_at: OpenAt) -> KnowledgeBase:
    return open_at(tmp_path / "data", embedder=BagOfWords())


def mark_as_old(kb: KnowledgeBase) -> None:
    with kb.catalogue.transaction() as connection:
        connection.execute("UPDATE rejected SET at = 'before'")


def was_read_again(kb: KnowledgeBase) -> bool:
    return [record.at for record in kb.catalogue.rejected()] != ["before"]


def test_a_rejected_file_is_told_again_without_being_read_again(
    kb: KnowledgeBase, folder: Path
) -> None:
    ingest(kb, [folder])
    mark_as_old(kb)

    report = ingest(kb, [folder])

    assert [rejection.source for rejection in report.rejected] == ["rikki.docx"]
    assert report.unchanged == 1
    assert not was_read_again(kb)


def test_other_readers_read_it_again(kb: KnowledgeBase, folder: Path) -> None:
    ingest(kb, [folder])
    mark_as_old(kb)
    with kb.catalogue.transaction() as connection:
        connection.execute("UPDATE rejected SET reader = 'older'")

    ingest(kb, [folder])

    assert was_read_again(kb)


def test_a_rejected_file_that_went_away_is_forgotten(kb: KnowledgeBase, folder: Path) -> None:
    ingest(kb, [folder])
    (folder / "rikki.docx").unlink()

    assert ingest(kb, [folder]).rejected == []
    assert kb.catalogue.rejected() == []


def test_one_that_is_ignored_is_counted_until_it_changes(kb: KnowledgeBase, folder: Path) -> None:
    ingest(kb, [folder])
    kb.catalogue.ignore_rejected([kb.catalogue.rejected()[0].source.key])

    quiet = ingest(kb, [folder])
    (folder / "rikki.docx").write_bytes(b"PK\x03\x04 broken otherwise")
    loud = ingest(kb, [folder])

    assert (quiet.rejected, quiet.ignored) == ([], 1)
    assert ([one.source for one in loud.rejected], loud.ignored) == (["rikki.docx"], 0)
    with pytest.raises(NotFound, match="kb rejected"):
        kb.catalogue.ignore_rejected(["toinen"])


def test_a_retry_reads_what_is_named_or_all(kb: KnowledgeBase, folder: Path) -> None:
    ingest(kb, [folder])
    mark_as_old(kb)
    key = kb.catalogue.rejected()[0].source.key

    report = retry_rejected(kb, [key])

    assert was_read_again(kb)
    assert [rejection.source for rejection in report.rejected] == ["rikki.docx"]
    assert report.unchanged == 0
    with pytest.raises(NotFound):
        retry_rejected(kb, ["toinen"])
    (folder / "rikki.docx").write_text("Nyt se on tekstiä.", encoding="utf-8")
    (folder / "rikki.docx").rename(folder / "ehjä.txt")
    gone = retry_rejected(kb)
    assert [rejection.error.code for rejection in gone.rejected] == ["unreadable_missing"]


def test_an_upload_that_was_rejected_is_told_again_by_a_retry(
    kb: KnowledgeBase, folder: Path
) -> None:
    path = folder / "rikki.docx"
    upload = Source(
        key="upload:rikki.docx", path=path, root="upload", name="rikki.docx", size=1, mtime_ns=1
    )
    ingest_sources(kb, [upload])
    path.unlink()  # as it is when the job has ended

    report = retry_rejected(kb)

    assert [rejection.error.code for rejection in report.rejected] == ["unreadable_damaged"]
    assert [record.code for record in kb.catalogue.rejected()] == ["unreadable_damaged"]


def test_what_lacked_a_program_is_read_once_the_program_is_there(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image, ImageDraw, ImageFont

    from ingest.readers.ocr import ocr_available

    need("fin" in ocr_available(), "tesseract with Finnish")
    image = Image.new("L", (1200, 200), 255)
    ImageDraw.Draw(image).text((40, 60), "Satama on avoinna", font=ImageFont.load_default(72))
    image.save(folder / "kuva.png")
    (folder / "rikki.docx").unlink()
    with monkeypatch.context() as poorer:
        poorer.setenv("PATH", str(folder))
        lacking = [ingest(kb, [folder]).rejected, ingest(kb, [folder]).rejected]

    report = ingest(kb, [folder])

    assert [[one.error.code for one in run] for run in lacking] == [["unreadable_pdf_no_text"]] * 2
    assert (report.ingested, report.rejected) == (1, [])
    assert "Satama" in {document.metadata.title for document in kb.documents()} or any(
        "Satama" in kb.document(row.id).text for row in kb.documents()
    )


def test_a_converter_that_hung_on_a_busy_machine_gets_a_second_go(
    tmp_path: Path, folder: Path, open_at: OpenAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for LibreOffice that never ends the first time, and converts the second."""
    (folder / "rikki.docx").unlink()
    (folder / "vanha.doc").write_bytes(ole(["WordDocument"]))
    ready, once = tmp_path / "ready.docx", tmp_path / "once"
    ready.write_bytes(sample_docx())
    program = tmp_path / "bin" / "soffice"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\n[ -e {once} ] || {{ echo > {once}; sleep 600 & wait; }}\n"
        'while [ "$1" != --outdir ]; do shift; done\n'
        f'mkdir -p "$2" && cp {ready} "$2/source.docx"\n',
        encoding="ascii",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(pipeline, "_busy", lambda: True)
    kb = open_at(tmp_path / "data", embedder=BagOfWords(), read_seconds=3)

    report = ingest(kb, [folder])

    assert once.exists()
    assert (report.ingested, report.rejected) == (2, [])
    assert examine(kb) == []


def test_a_file_that_becomes_unreadable_keeps_its_last_version_and_says_so(
    kb: KnowledgeBase, folder: Path
) -> None:
    ingest(kb, [folder])
    (folder / "vesi.txt").write_bytes(b"")

    for _ in range(2):
        report = ingest(kb, [folder])
        assert {rejection.source for rejection in report.rejected} == {"rikki.docx", "vesi.txt"}
        assert ("vesi.txt", "warning.earlier_version_kept") in report.warnings
    assert [row.metadata.title for row in kb.documents()] == ["vesi"]
    (folder / "vesi.txt").write_text("Vesi virtaa jokeen.", encoding="utf-8")
    assert ingest(kb, [folder]).unchanged == 1
    assert [record.source.name for record in kb.catalogue.rejected()] == ["rikki.docx"]


# -- what hangs on several sources --------------------------------------------------------------


def manifest(folder: Path, *rows: str) -> None:
    text = "\n".join(["file,title,confidentiality", *rows])
    (folder / "manifest.csv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("how", ["pruned", "changed"])
@pytest.mark.parametrize("goes", ["a.txt", "b.txt"])
def test_when_a_source_goes_the_other_says_what_the_document_is(
    kb: KnowledgeBase, folder: Path, goes: str, how: str
) -> None:
    for path in folder.iterdir():
        path.unlink()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("Sama sisältö.", encoding="utf-8")
    manifest(folder, "a.txt,Avoin,public", "b.txt,Salainen,confidential")
    ingest(kb, [folder])
    level = kb.catalogue.documents()[0].metadata.confidentiality
    assert level is Confidentiality.CONFIDENTIAL

    if how == "pruned":
        (folder / goes).unlink()
    else:
        (folder / goes).write_text("Aivan muuta.", encoding="utf-8")
    report = ingest(kb, [folder], prune=True)

    assert report.ingested == (how == "changed")
    left = [row for row in kb.catalogue.documents() if "Sama" in kb.catalogue.document(row.id).text]
    expected = ("Avoin", "public") if goes == "b.txt" else ("Salainen", "confidential")
    assert [(r.metadata.title, str(r.metadata.confidentiality)) for r in left] == [expected]
    assert ingest(kb, [folder], prune=True).ingested == 0
    assert examine(kb) == []


def test_a_renamed_file_without_a_title_of_its_own_is_called_by_its_new_name(
    kb: KnowledgeBase, folder: Path
) -> None:
    ingest(kb, [folder])
    (folder / "vesi.txt").rename(folder / "joki.txt")

    ingest(kb, [folder], prune=True)

    assert [row.metadata.title for row in kb.documents()] == ["joki"]
    assert examine(kb) == []


def test_another_language_in_the_manifest_reaches_the_document(
    kb: KnowledgeBase, folder: Path
) -> None:
    ingest(kb, [folder])
    (folder / "manifest.csv").write_text("file,language\nvesi.txt,sv\n", encoding="utf-8")

    ingest(kb, [folder])

    assert [row.language for row in kb.documents()] == ["sv"]
    assert examine(kb) == []


def test_pruning_by_a_folder_covers_what_came_by_it_and_then_by_a_part_of_it(
    kb: KnowledgeBase, folder: Path
) -> None:
    part = folder / "osa"
    part.mkdir()
    (part / "juna.txt").write_text("Juna kulkee.", encoding="utf-8")
    ingest(kb, [folder])
    (part / "juna.txt").write_text("Juna kulkee taas.", encoding="utf-8")
    ingest(kb, [part])
    (part / "juna.txt").unlink()

    assert ingest(kb, [folder], prune=True).removed == 1


def test_what_lies_in_a_folder_that_can_not_be_opened_is_not_taken_for_gone(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = folder / "osa"
    part.mkdir()
    (part / "juna.txt").write_text("Juna kulkee.", encoding="utf-8")
    ingest(kb, [folder])
    listed = Path.iterdir

    def closed(self: Path) -> object:
        if self.name == "osa":  # rights don't bind root, so the refusal is played
            raise PermissionError
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", closed)

    assert ingest(kb, [folder], prune=True).removed == 0


def test_a_folder_that_is_emptied_at_once_is_pruned_only_when_that_is_meant(
    kb: KnowledgeBase, folder: Path
) -> None:
    (folder / "juna.txt").write_text("Juna kulkee.", encoding="utf-8")
    ingest(kb, [folder])
    for path in folder.iterdir():
        path.unlink()

    wary = ingest(kb, [folder], prune=True, cautious=True)

    assert wary.removed == 0
    assert "whole_folder_gone" in wary.warnings[0][1]
    assert ingest(kb, [folder], prune=True).removed == 2


# -- the report ---------------------------------------------------------------------------------


def test_the_report_accounts_for_every_file(
    kb: KnowledgeBase, folder: Path, tmp_path: Path
) -> None:
    (folder / "kopio.txt").write_text("Vesi virtaa jokeen.", encoding="utf-8")
    (folder / "<b>&.txt").write_text("Merkit eivät riko sivua.", encoding="utf-8")
    outcomes: list[Outcome] = []
    report = ingest(kb, [folder], outcome=outcomes.append)

    read = json.loads(as_json(report, outcomes, language="fi"))

    files = {one["source"]: one for one in read["files"]}
    assert len(files) == len(read["files"]) == 4
    assert files["<b>&.txt"]["outcome"] == "ingested"
    assert files["rikki.docx"]["outcome"] == "rejected"
    # Which of the two is read first is up to the workers.
    both = [files["kopio.txt"]["outcome"], files["vesi.txt"]["outcome"]]
    assert sorted(both) == ["another_source", "ingested"]
    assert read["rejected"][0]["cure"] == files["rikki.docx"]["cure"]
    page = as_html(report, outcomes, language="sv")
    assert '<html lang="sv">' in page
    assert "&lt;b&gt;&amp;.txt" in page
    assert "<b>&" not in page
    assert "<script" not in page
    assert page.count('<th scope="row">') == 4 + 7
    with pytest.raises(KnowledgeBaseError):
        write_report(tmp_path / "ei" / "r.html", report, outcomes)


def test_the_command_line_lists_retries_and_ignores(tmp_path: Path, folder: Path) -> None:
    environment = {**os.environ, "KB_DATA_DIR": str(tmp_path / "data"), "LANG": "fi"}
    environment |= {"KB_SENTENCES": "false"}
    (folder / "vesi.txt").unlink()

    def kb_command(*words: str) -> tuple[int, str]:
        ended = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stdout

    code, _ = kb_command("ingest", str(folder), "--report", str(tmp_path / "r.json"))
    assert code == 3
    assert json.loads((tmp_path / "r.json").read_text())["files"][0]["outcome"] == "rejected"
    listed = json.loads(kb_command("rejected", "--json")[1])
    assert [one["code"] for one in listed] == ["unreadable_damaged"]
    assert kb_command("rejected", "ignore", listed[0]["key"])[0] == 0
    assert kb_command("ingest", str(folder))[0] == 0
    assert kb_command("rejected", "retry", "--all")[0] == 3
    assert kb_command("rejected", "retry")[0] == 2


def test_every_outcome_has_its_words() -> None:
    from kb.messages import message

    for what in What:
        for language in ("fi", "sv", "en"):
            assert message(f"batch.what_{what}", language)
