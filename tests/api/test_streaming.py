"""Answers in parts: server-sent events of the API, and what the web box is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import schemas
from tests.api.conftest import WATER, Server, start
from tests.language_models import KEY, MODEL, Scripted, claims, number_of, served, settings_of

QUESTION = "Paljonko jäähdytysvettä kului vuonna 2023?"
RIGHT = "Jäähdytysvettä kului 41 miljoonaa kuutiometriä vuonna 2023."
WRONG = "Jäähdytysvettä kului 14 miljoonaa kuutiometriä vuonna 2023."
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture(scope="module")
def script() -> Iterator[Scripted]:
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def writing(script: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = settings_of(script, "openai-like", llm_timeout=8)
    running = start(
        tmp_path_factory.mktemp("writing") / "data",
        **{f"KB_{name.upper()}": str(value) for name, value in settings.items()},
    )
    job = running.upload("vesi.txt", WATER)
    assert job["report"]["ingested"] == 1, job
    yield running
    running.stop()
    assert KEY not in running.log


@pytest.fixture(autouse=True)
def obliging(script: Scripted) -> None:
    script.behaviour = "answer"
    script.say = lambda user: claims(
        (WRONG, [number_of(user, "41 miljoonaa")]), (RIGHT, [number_of(user, "41 miljoonaa")])
    )


def events(server: Server, question: str, **more: object) -> list[tuple[str, Any]]:
    told: list[tuple[str, Any]] = []
    body = {"question": question, **more}
    with server.client.stream("POST", "/api/ask", json=body, headers=STREAM) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                told.append((name, json.loads(line.removeprefix("data: "))))
    return told


def test_claims_are_sent_once_checked_and_the_answer_has_them_all(writing: Server) -> None:
    told = events(writing, QUESTION)

    assert [name for name, _ in told] == ["left_out", "claim", "answer"]
    assert told[0][1] == {"code": "number"}
    answer = schemas.AnswerOut.model_validate(told[-1][1])
    assert answer.written
    assert [claim.text for claim in answer.claims] == [RIGHT]
    assert answer.claims[0] == schemas.ClaimOut.model_validate(told[1][1])
    assert [one.code for one in answer.left_out] == ["number"]
    assert answer.left_out[0].text.startswith("Yksi väite jätettiin pois")
    assert WRONG not in json.dumps(told, ensure_ascii=False)


def test_the_same_without_a_stream(writing: Server) -> None:
    answer = schemas.AnswerOut.model_validate(writing.ask(QUESTION))

    assert answer.written
    assert answer.claims[0].citations[0].quote in " ".join(WATER.split())


def test_a_client_may_do_without_the_model(writing: Server, script: Scripted) -> None:
    script.received.clear()

    answer = writing.ask(QUESTION, model=False)

    assert not answer["written"]
    assert script.received == []


def test_a_stream_ends_in_excerpts_when_the_model_fails(writing: Server, script: Scripted) -> None:
    script.behaviour = "stall"
    script.say = lambda _: "{"

    told = events(writing, QUESTION)

    assert [name for name, _ in told[-2:]] == ["claim", "answer"]
    assert [one["code"] for one in told[-1][1]["notices"]] == ["slow"]
    assert not told[-1][1]["written"]


def test_a_stream_without_a_model_is_the_excerpts(library: Server) -> None:
    told = events(library, QUESTION)

    assert [name for name, _ in told] == ["claim", "answer"]
    assert not told[-1][1]["written"]


def test_a_question_that_cant_be_asked_is_a_problem_and_no_stream(writing: Server) -> None:
    answer = writing.client.post("/api/ask", json={"question": " "}, headers=STREAM)

    assert answer.status_code == 422
    assert answer.json()["code"] == "question_empty"


def test_the_page_tells_who_wrote_it_and_what_was_left_out(writing: Server) -> None:
    page = writing.client.get("/", params={"q": QUESTION, "lang": "en"}).text

    assert "Written by a language model" in page
    assert "A statement was left out: a number in it isn&#39;t in its source." in page
    assert RIGHT in page
    assert WRONG not in page


def test_opening_a_source_doesnt_ask_the_model_again(writing: Server, script: Scripted) -> None:
    question = "Kuinka paljon jäähdytysvettä kulutettiin vuonna 2023?"
    writing.client.get("/", params={"q": question})
    answer = writing.ask(question)
    (citation,) = answer["claims"][0]["citations"]
    script.received.clear()

    page = writing.client.get(
        f"/documents/{citation['document_id']}",
        params={"q": question, "start": citation["start"], "end": citation["end"]},
    )

    assert page.status_code == 200
    assert script.received == []


def test_the_script_is_sent_claims_and_then_the_page_is_ready(
    writing: Server, script: Scripted
) -> None:
    question = "Kerro, paljonko jäähdytysvettä kului vuonna 2023?"
    told = writing.client.get("/ask/stream", params={"q": question}).text
    script.received.clear()

    page = writing.client.get("/", params={"q": question}).text

    assert told.startswith("event: claim\ndata: ")
    assert told.endswith("event: done\ndata: {}\n\n")
    assert RIGHT in told
    assert RIGHT in page
    assert script.received == []


def test_what_a_model_wrote_is_taken_along_and_explained_without_asking_it_again(
    writing: Server, script: Scripted
) -> None:
    shown = writing.client.get("/", params={"q": QUESTION}, headers={"Accept": "text/html"})
    asked = len(script.received)
    why = writing.client.get("/why", params={"q": QUESTION, "lang": "en"})
    file = writing.client.get("/export", params={"q": QUESTION, "format": "text", "lang": "en"})

    assert RIGHT in shown.text
    assert "a number in it isn" in why.text
    assert file.text.count(RIGHT) == 1
    assert "41 miljoonaa kuutiometriä vuonna 2023.”" in file.text  # the quote, apart
    assert len(script.received) == asked

    saved = writing.client.post("/api/answers", json={"question": QUESTION}).json()
    plain = writing.client.post("/api/answers", json={"question": QUESTION, "model": False}).json()
    assert (saved["by_model"], plain["by_model"]) == (True, False)
    explained = writing.ask(QUESTION, explain=True)["explanation"]
    assert explained["left_out"] == ["left_out.number"]
    assert explained["told"][-1]["title"] == "Kielimalli"


@pytest.mark.parametrize(
    ("address", "footer", "how"),
    [
        ("http://127.0.0.1:9", "stay on this server.", "Nothing is sent elsewhere."),
        ("http://models.invalid", "a language model elsewhere", "confidential documents never are"),
    ],
)
def test_the_pages_say_where_questions_go(
    tmp_path: Path, address: str, footer: str, how: str
) -> None:
    running = start(
        tmp_path / "data",
        KB_LLM_PROVIDER="ollama",
        KB_LLM_MODEL=MODEL,
        KB_LLM_BASE_URL=address,
    )
    page = running.client.get("/how", params={"lang": "en"}).text
    running.stop()

    assert footer in page
    assert how in page
    assert "A language model writes the answer" in page
