import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import cli

ROOT = Path(__file__).parents[1]
Run = Callable[..., Result]


def commands(group: click.Group = cli.kb, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


@pytest.fixture
def run(tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(model_cache)
    monkeypatch.setattr("cli.frame.LANGUAGE", "en")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(cli.kb, arguments, prog_name="kb")

    return invoke


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "aineisto"
    folder.mkdir()
    (folder / "vesi.md").write_text(
        "# Vesi\n\nJäähdytysvesi otetaan merestä. Vesilaatuja on neljä.\n", encoding="utf-8"
    )
    return folder


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_says_what_it_is_for(name: str, command: click.Command) -> None:
    assert command.help, name
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize("language", ["fi_FI.UTF-8", "sv_FI.UTF-8", "C"])
def test_help_speaks_the_users_language(language: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "ingest", "--help"],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": language, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    expected = {"f": "Lue tiedostoja", "s": "Läs in filer", "C": "Take in files"}[language[0]]
    assert expected in done.stdout


def test_the_documents_name_every_command() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)

    missing = [name for name, _ in commands() if not re.search(rf"kb {name}\b", text)]
    assert missing == []


def test_the_story_from_a_folder_to_a_cited_answer(run: Run, folder: Path) -> None:
    ingested = json.loads(run("ingest", str(folder), "--json").stdout)
    assert (ingested["ingested"], ingested["rejected"], ingested["warnings"]) == (1, [], [])
    assert json.loads(run("ingest", str(folder), "--json").stdout)["unchanged"] == 1

    answer = json.loads(run("ask", "Mistä jäähdytysvesi otetaan?", "--json").stdout)
    assert answer["status"] == "answered"
    citation = answer["claims"][0]["citations"][0]
    assert set(citation) >= {"document_id", "title", "source", "locator", "start", "end", "quote"}

    span = ["--start", str(citation["start"]), "--end", str(citation["end"])]
    text = json.loads(run("text", citation["document_id"], *span, "--json").stdout)
    assert text["text"] == citation["quote"]
    assert citation["quote"].startswith("Jäähdytysvesi otetaan merestä.")

    found = json.loads(run("search", "vesilaadut", "-k", "3", "--json").stdout)
    assert found["query"] == "vesilaadut"
    assert set(found["results"][0]) >= {
        *("passage_id", "document_id", "title", "source", "language", "locator"),
        *("start", "end", "text", "score", "dense", "lexical"),
    }
    assert json.loads(run("search", "vesi", "--language", "sv", "--json").stdout)["results"] == []

    assert run("doctor").exit_code == 0
    assert json.loads(run("remove", citation["document_id"], "--json").stdout) == {"removed": 1}
    assert json.loads(run("documents", "--json").stdout) == []


def test_people_see_an_answer_with_its_source(run: Run, folder: Path) -> None:
    run("ingest", str(folder))

    shown = run("ask", "Mistä jäähdytysvesi otetaan?").stdout

    assert re.match(r"Jäähdytysvesi otetaan merestä\..* \[1\]", shown)
    assert re.search(r"\[1\] .*Vesi", shown)
    assert "kb text" in shown


def test_a_bad_file_gives_exit_code_3_and_a_cure(run: Run, folder: Path) -> None:
    (folder / "tyhjä.pdf").write_bytes(b"")

    done = run("ingest", str(folder))

    assert done.exit_code == 3
    assert "tyhjä.pdf" in done.stderr
    assert "→" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ingest", "no-such-folder"), "no-such-folder"),
        (("ask", " "), "empty"),
        (("ask", "a" * 10_000), "10000"),
        (("text", "nothing"), "nothing"),
        (("search", "x", "--theme", "weather"), "water"),
        (("search", "x", "--kind", "poem"), "round-table notes"),
    ],
)
def test_wrong_input_is_met_with_what_to_do(run: Run, arguments: list[str], says: str) -> None:
    done = run(*arguments)

    assert done.exit_code == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_usage_gives_exit_code_2(run: Run) -> None:
    assert run("ingest").exit_code == 2
    assert run("search", "x", "-k", "0").exit_code == 2
    assert run("nothing").exit_code == 2


def test_an_unknown_setting_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_PROT", "1")

    done = run("status")

    assert done.exit_code == 1
    assert "KB_PORT" in done.stderr


def test_no_documents_is_said(run: Run) -> None:
    assert "kb ingest" in run("documents").stdout
    assert json.loads(run("ask", "Mitä vesi maksaa?", "--json").stdout)["status"] == "no_evidence"


def test_a_locked_catalogue_is_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("status")
    # The wait is what SQLite does by itself; it needn't be long here.
    monkeypatch.setattr("kb.database.BUSY_SECONDS", 0.2)
    with sqlite3.connect(tmp_path / "data" / "catalogue.sqlite") as other:
        other.execute("BEGIN EXCLUSIVE")
        done = run("reindex")

    assert done.exit_code == 1
    assert "Another process" in done.stderr
