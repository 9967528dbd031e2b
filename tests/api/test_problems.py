from __future__ import annotations

import ast
import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

import kb.errors
from api.problems import Refused, preferred, problem_of, status_of
from api.schemas import ProblemOut
from api.security import Guard, Hosts
from kb.errors import KnowledgeBaseError
from kb.messages import catalogue
from tests.api.conftest import ROOT, Server

LANGUAGES = ("fi", "sv", "en")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fi", "fi"),
        ("sv-FI,sv;q=0.9,fi;q=0.8", "sv"),
        ("de, fi;q=0.5, en;q=0.4", "fi"),
        ("en;q=0.3,fi;q=0.7", "fi"),
        ("fi;q=0", "en"),
        ("de", "en"),
        ("*", "en"),
        ("fi;q=x, sv", "sv"),
    ],
)
def test_the_language_that_ranks_highest_is_chosen(header: str | None, language: str) -> None:
    assert preferred(header) == language


@given(st.text(max_size=60))
def test_no_header_breaks_the_choice(header: str) -> None:
    assert preferred(header) in LANGUAGES


CASES: list[tuple[str, str, dict[str, object], int, str]] = [
    ("GET", "/nowhere", {}, 404, "no_such_address"),
    ("PUT", "/api/health", {}, 405, "method"),
    ("GET", "/api/documents/none", {}, 404, "not_found"),
    ("DELETE", "/api/documents/none", {}, 404, "not_found"),
    ("GET", "/api/documents/none/text", {}, 404, "not_found"),
    ("GET", "/api/documents/none/original", {}, 404, "not_found"),
    ("GET", "/api/documents/none/pages/1", {}, 404, "not_found"),
    ("GET", "/api/documents/none/pages/1/boxes", {}, 404, "not_found"),
    ("GET", "/api/documents/none/pages/first", {}, 422, "invalid"),
    ("GET", "/api/documents/none/text?start=-1", {}, 422, "invalid"),
    ("GET", "/api/documents?theme=poetry", {}, 422, "scope"),
    ("GET", "/api/documents?year=soon", {}, 422, "scope"),
    ("GET", "/api/jobs/none", {}, 404, "not_found"),
    ("POST", "/api/ask", {"json": {"question": " "}}, 422, "question_empty"),
    ("POST", "/api/ask", {"json": {"question": "x" * 3000}}, 422, "question_too_long"),
    ("POST", "/api/ask", {"json": {}}, 422, "invalid"),
    ("POST", "/api/ask", {"json": {"question": 1}}, 422, "invalid"),
    ("POST", "/api/ask", {"json": {"question": "x", "colour": "red"}}, 422, "invalid"),
    ("POST", "/api/ask", {"json": {"question": "x", "explain": "yes"}}, 422, "invalid"),
    ("POST", "/api/ask", {"json": {"question": "x", "language": "de"}}, 422, "scope"),
    ("POST", "/api/ask", {"json": {"question": "x", "year": [2024, 2019]}}, 422, "scope"),
    ("POST", "/api/ask", {"json": ["question"]}, 422, "invalid"),
    ("POST", "/api/ask", {"content": b"{"}, 400, "bad_json"),
    ("POST", "/api/ask", {"content": b'{"question": "\\ud800"}'}, 422, "invalid"),
    ("POST", "/api/ask", {"content": b"\xff\xfe"}, 400, "bad_json"),
    ("POST", "/api/search", {"content": b'{"query": "x", "city": "\\udfff"}'}, 422, "invalid"),
    ("POST", "/api/search", {"json": {"query": "x", "k": 0}}, 422, "invalid"),
    ("POST", "/api/search", {"json": {"query": "x", "k": 101}}, 422, "invalid"),
    ("POST", "/api/documents", {"json": {}}, 415, "not_multipart"),
    ("GET", "/api/health", {"headers": {"Host": "evil.example"}}, 421, "host"),
    ("POST", "/api/ask", {"headers": {"Origin": "null"}}, 403, "cross_origin"),
    ("POST", "/api/ask", {"json": {"question": "x" * 70_000}}, 413, "too_large"),
]


@pytest.mark.parametrize(("method", "address", "request_", "status", "code"), CASES)
def test_an_error_is_a_problem_in_the_clients_language(
    server: Server, method: str, address: str, request_: dict[str, object], status: int, code: str
) -> None:
    told: dict[str, ProblemOut] = {}
    for language in LANGUAGES:
        given_ = dict(request_)
        # Every case's headers, where it has any, are a dictionary of strings.
        headers = {"Accept-Language": language} | dict(given_.pop("headers", {}))  # type: ignore[call-overload]
        if "content" in given_:
            headers["Content-Type"] = "application/json"
        answer = server.client.request(method, address, headers=headers, **given_)  # type: ignore[arg-type]

        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-language"] == language
        told[language] = ProblemOut.model_validate(answer.json())
        assert (told[language].status, told[language].code) == (status, code)

    assert len({problem.title for problem in told.values()}) == 3
    assert len({problem.detail for problem in told.values()}) == 3


def test_a_method_that_isnt_taken_names_those_that_are(server: Server) -> None:
    assert server.client.put("/api/health").headers["allow"] == "GET"


def test_a_field_that_cant_be_used_is_named(server: Server) -> None:
    answer = server.client.post("/api/search", json={"k": 1000, "colour": "red"})

    fields = {one["field"]: one["detail"] for one in answer.json()["errors"]}
    assert fields.keys() == {"query", "k", "colour"}
    assert "100" in fields["k"]


def test_every_error_of_ours_has_a_status_with_a_title_and_a_text() -> None:
    kinds = [
        kind
        for kind in vars(kb.errors).values()
        if isinstance(kind, type) and issubclass(kind, KnowledgeBaseError)
    ]
    assert len(kinds) > 10
    for kind in kinds:
        assert f"problem.title.{status_of(kind())}" in catalogue()
        assert f"error.{kind.default_code}" in catalogue()


def test_every_refusal_in_the_source_has_a_text_and_its_status_a_title() -> None:
    found: set[tuple[str, int]] = set()
    for path in (ROOT / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused":
                code, *_ = node.args
                status = next((k.value for k in node.keywords if k.arg == "status"), None)
                assert isinstance(code, ast.Constant)
                found.add(
                    (str(code.value), int(ast.literal_eval(status)) if status is not None else 422)
                )

    assert len(found) > 10
    for name, number in found:
        assert f"error.{name}" in catalogue()
        assert f"problem.title.{number}" in catalogue()


def test_a_busy_catalogue_says_when_to_try_again() -> None:
    answer = problem_of(kb.errors.CatalogueBusy(folder="data"), "fi")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert problem_of(kb.errors.StorageError("disk_full", folder="d"), "en").status_code == 507
    assert (
        problem_of(Refused("span", status=422, start=1, end=0, length=0), "sv").status_code == 422
    )


def test_what_nobody_foresaw_is_a_problem_without_a_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send
        raise RuntimeError("inner secret")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/ask",
        "headers": [(b"host", b"localhost"), (b"accept-language", b"sv")],
    }
    guard = Guard(
        broken, hosts=Hosts(frozenset({"localhost"}), addresses=False), page=lambda *_: broken
    )
    with caplog.at_level(logging.ERROR):
        asyncio.run(guard(scope, receive, send))

    assert sent[0]["status"] == 500
    body = sent[1]["body"].decode()
    assert "loggen" in body
    assert "secret" not in body
    assert "inner secret" in caplog.text
    assert dict(sent[0]["headers"])[b"x-content-type-options"] == b"nosniff"
