from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kb.answers import read_docx
from tests.test_cli import Run, folder, run

__all__ = ["folder", "run"]  # fixtures

QUESTION = "Mistä jäähdytysvesi otetaan?"


@pytest.fixture
def ready(run: Run, folder: Path) -> Run:
    run("ingest", str(folder))
    return run


def test_an_answer_is_taken_along(ready: Run, tmp_path: Path) -> None:
    printed = ready("ask", QUESTION, "--format", "markdown", "--links", "https://kb.example")
    file = tmp_path / "v.docx"
    written = ready("ask", QUESTION, "--output", str(file))

    assert printed.stdout.startswith(f"# {QUESTION}\n")
    assert "(https://kb.example/documents/" in printed.stdout
    assert written.stdout == ""
    assert str(file) in written.stderr
    assert any(one.text == QUESTION for one in read_docx(file.read_bytes()).paragraphs)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--format", "docx"), 1, "--output"),
        (("--output", "v.pdf"), 2, "--format"),
        (("--output", "nowhere/v.md"), 1, "nowhere/v.md"),
        (("--format", "pdf"), 2, "markdown"),
    ],
)
def test_what_cannot_be_written_is_told(
    ready: Run, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = ready("ask", QUESTION, *arguments)

    assert done.exit_code == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_follow_up_is_said_in_full(ready: Run) -> None:
    after = ("--after", "Mistä höyry otetaan?")
    shown = ready("ask", "Entä jäähdytysvesi?", *after)
    told = json.loads(ready("ask", "Entä jäähdytysvesi?", *after, "--json").stdout)

    assert shown.stdout.startswith(f"Understood as: {QUESTION}\n")
    assert told["understood_as"] == QUESTION
    assert told["status"] == "answered"


def test_an_answer_is_explained_in_words(ready: Run) -> None:
    shown = ready("ask", QUESTION, "--explain").stdout

    assert "How likely it is that the material answers" in shown
    assert "in the answer" in shown


def test_a_saved_answer_lives_until_it_is_removed(ready: Run, folder: Path) -> None:
    saved = json.loads(ready("ask", QUESTION, "--save", "--json").stdout)["answer_id"]
    assert saved in ready("answers", "list").stdout
    assert json.loads(ready("answers", "list", "--changed", "--json").stdout) == []

    (folder / "vesi.md").write_text("# Vesi\n\nVesi tulee järvestä.\n", encoding="utf-8")
    ready("ingest", str(folder))
    (changed,) = json.loads(ready("answers", "list", "--changed", "--json").stdout)
    shown = ready("answers", "show", saved).stdout
    assert changed["since"]["sources"][0]["state"] == "gone"
    assert "Jäähdytysvesi otetaan merestä." in shown
    assert "doesn't say so any more" in shown
    assert "Jäähdytysvesi" in ready("answers", "show", saved, "--format", "text").stdout

    assert ready("answers", "rename", saved, "Vesi").exit_code == 0
    assert json.loads(ready("answers", "show", saved, "--json").stdout)["name"] == "Vesi"
    assert ready("answers", "remove", saved, "0" * 32).exit_code == 1
    assert json.loads(ready("answers", "remove", saved, "--json").stdout) == {"removed": 1}
    assert ready("answers", "show", saved).exit_code == 1
    assert "--save" in ready("answers", "list").stdout


def test_feedback_becomes_questions_that_are_measured(ready: Run, tmp_path: Path) -> None:
    from kb.assembly import open_knowledge_base
    from kb.feedback import Feedback
    from kb.given import given
    from kb.settings import load_settings

    kb = open_knowledge_base(load_settings())
    answer = kb.ask(QUESTION)
    Feedback(kb).add(given(kb, answer), "useful", note="Hyvä.")
    wrong = Feedback(kb).add(given(kb, kb.ask("Mitä vesi maksaa?")), "missing")
    kb.catalogue.close()
    file = tmp_path / "palaute.jsonl"

    listed = ready("feedback", "list").stdout
    exported = json.loads(ready("feedback", "export", str(file), "--json").stdout)
    measured = json.loads(ready("evaluate", "questions", str(file), "--json").stdout)

    assert "useful: Mistä jäähdytysvesi otetaan?" in listed
    assert "Hyvä." in listed
    assert exported == {"questions": 2, "to_judge": 1}
    assert (measured["questions"], measured["to_judge"]) == (1, 1)
    assert measured["citation"]["precision"] == 1.0
    assert ready("feedback", "export", "nowhere/x.jsonl").exit_code == 1
    assert json.loads(ready("feedback", "remove", wrong.id, "--json").stdout) == {"removed": 1}
    assert len(json.loads(ready("feedback", "list", "--json").stdout)) == 1


def test_follow_ups_are_measured(run: Run) -> None:
    told = json.loads(run("evaluate", "followups", "--json").stdout)

    assert (told["cases"], told["right"], told["taken"]) == (30, 1.0, 0)
    assert "fi" in run("evaluate", "followups").stdout


def test_what_is_kept_is_cleared(ready: Run) -> None:
    ready("ask", QUESTION, "--save")
    assert json.loads(ready("answers", "clear", "--older-than", "1", "--json").stdout) == {
        "removed": 0
    }
    assert json.loads(ready("answers", "clear", "--older-than", "0", "--json").stdout) == {
        "removed": 1
    }
    assert json.loads(ready("feedback", "clear", "--older-than", "0", "--json").stdout) == {
        "removed": 0
    }
    assert ready("feedback", "clear").exit_code == 2
