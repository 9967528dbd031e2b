from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from lxml import html as lxml_html

from kb.messages import catalogue
from tests.api.conftest import ROOT, Server


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield str(inner)
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_description_is_whole(server: Server) -> None:
    described = server.client.get("/openapi.json").json()

    assert described["openapi"].startswith("3.1")
    assert {"title", "version"} <= described["info"].keys()
    schemas = described["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in references(described)} <= set(
        schemas
    )
    seen: set[str] = set()
    for path, methods in described["paths"].items():
        in_path = set(re.findall(r"{(\w+)}", path))
        for operation in methods.values():
            assert operation["operationId"] not in seen
            seen.add(operation["operationId"])
            assert operation["summary"]
            named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert named == in_path
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert "422" not in operation["responses"]
    assert len(seen) >= 14


class Page:
    """A page as its elements."""

    def __init__(self, server: Server, language: str = "en") -> None:
        self.text = server.client.get("/docs", headers={"Accept-Language": language}).text
        self.root = lxml_html.fromstring(self.text)
        self.elements = list(self.root.iter("*"))

    def all(self, attribute: str) -> list[str]:
        return [value for one in self.elements if (value := one.get(attribute)) is not None]

    def words_of(self, identifier: str) -> str:
        (one,) = [one for one in self.elements if one.get("id") == identifier]
        return " ".join("".join(str(text) for text in one.itertext()).split())


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_reference_shows_every_operation_and_loads_nothing(
    server: Server, language: str
) -> None:
    described = server.client.get("/openapi.json").json()
    page = Page(server, language)

    words = "".join(str(text) for text in page.root.itertext())
    assert page.root.get("lang") == language
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert page.words_of(operation["operationId"]) == f"{method.upper()} {path}"
            text = catalogue()[f"api.operation.{operation['operationId']}"][language]
            assert text in words
    assert {one.tag for one in page.elements} & {"script", "style", "img", "iframe"} == set()
    assert page.all("style") == page.all("src") == []
    assert [one.get("href") for one in page.elements if one.tag == "link"] == [
        "/docs/reference.css"
    ]
    assert server.client.get("/docs/reference.css").headers["content-type"].startswith("text/css")
    identifiers = page.all("id")
    assert len(identifiers) == len(set(identifiers))
    targets = {href.removeprefix("#") for href in page.all("href") if href.startswith("#")}
    assert targets <= set(identifiers)


def test_a_problem_leads_to_its_explanation(server: Server) -> None:
    problem = server.client.get("/api/documents/none").json()

    assert Page(server).words_of(problem["type"].partition("#")[2]) == "not_found"


def test_the_handbook_names_every_operation(server: Server) -> None:
    handbook = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")

    for path, methods in server.client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in handbook
