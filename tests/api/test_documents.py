from __future__ import annotations

import io
import time

import pytest
from PIL import Image

from api import schemas
from kb.catalogue import Catalogue
from tests.api.conftest import WATER, Server


def identifier(server: Server, source: str) -> str:
    return str(server.named(source)[0]["document_id"])


def test_a_list_and_a_description_have_what_the_upload_said(library: Server) -> None:
    row = schemas.DocumentRowOut.model_validate(library.named("vesi.txt")[0])
    one = schemas.DocumentOut.model_validate(
        library.client.get(f"/api/documents/{row.document_id}").json()
    )

    for found in (row, one):
        assert (found.city, found.date, found.kind) == ("Kokkola", "2023-05", "report")
        assert (found.confidentiality, found.collection) == ("public", "kokeet")
        assert set(found.themes) == {"water", "monitoring"}
        assert found.language == "fi"
    assert one.sources == ["vesi.txt"]


def test_text_is_given_by_characters_not_by_bytes_or_utf16(library: Server) -> None:
    address = f"/api/documents/{identifier(library, 'vesi.txt')}/text"
    whole = schemas.TextOut.model_validate(library.client.get(address).json())
    at = whole.text.index("💧")

    part = library.client.get(address, params={"start": at, "end": at + 10}).json()
    bare = library.client.get(
        address, params={"start": at, "end": at + 10}, headers={"Accept": "text/plain"}
    )

    assert "Jätevedet puhdistetaan" in WATER
    assert part["text"] == whole.text[at : at + 10] == bare.text == "💧 Lietteest"[:10]
    assert (part["start"], part["end"]) == (at, at + 10)
    assert bare.headers["content-type"].startswith("text/plain")


def test_an_end_beyond_the_text_means_its_end(library: Server) -> None:
    address = f"/api/documents/{identifier(library, 'vesi.txt')}/text"
    whole = library.client.get(address).json()

    assert library.client.get(address, params={"end": 10**9}).json() == whole


@pytest.mark.parametrize("span", [{"start": 10**6}, {"start": 5, "end": 4}])
def test_a_span_outside_the_text_is_refused(library: Server, span: dict[str, int]) -> None:
    address = f"/api/documents/{identifier(library, 'vesi.txt')}/text"
    answer = library.client.get(address, params=span)

    assert (answer.status_code, answer.json()["code"]) == (422, "span")


def test_the_original_is_saved_and_not_shown(library: Server) -> None:
    answer = library.client.get(f"/api/documents/{identifier(library, 'vesi.txt')}/original")

    assert answer.content.decode("utf-8") == WATER
    assert answer.headers["content-disposition"] == 'attachment; filename="vesi.txt"'
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_web_page_is_never_handed_over_as_one(server: Server) -> None:
    page = "<html><title>Sivu</title><body><p>Verkkosivu kaavoituksesta.</p></body></html>"
    job = server.upload('pa"ge;\r\n ä.html', page)
    assert job["report"]["ingested"] == 1, job
    name = job["files"][0]["name"]

    answer = server.client.get(f"/api/documents/{identifier(server, name)}/original")

    assert answer.headers["content-type"] == "application/octet-stream"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''")
    assert '"' not in disposition
    assert answer.text == page


def test_a_page_is_an_image_that_is_kept_by_its_tag(library: Server) -> None:
    address = f"/api/documents/{identifier(library, 'fire.pdf')}/pages/2"
    answer = library.client.get(address, params={"scale": 1})
    again = library.client.get(
        address, params={"scale": 1}, headers={"If-None-Match": answer.headers["etag"]}
    )
    other = library.client.get(
        address, params={"scale": 2}, headers={"If-None-Match": answer.headers["etag"]}
    )

    assert answer.headers["content-type"].startswith("image/")
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (400, 300)
    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200
    assert "no-store" not in answer.headers["cache-control"]


def test_the_boxes_of_a_quote_lie_on_its_page(library: Server) -> None:
    name = identifier(library, "fire.pdf")
    text = library.client.get(f"/api/documents/{name}/text").json()["text"]
    at = text.index("northern gate")
    span = {"start": at, "end": at + len("northern gate")}

    found = schemas.BoxesOut.model_validate(
        library.client.get(f"/api/documents/{name}/pages/2/boxes", params=span).json()
    )
    elsewhere = library.client.get(f"/api/documents/{name}/pages/1/boxes", params=span).json()

    assert [text[box.start : box.end] for box in found.boxes] == ["northern", "gate"]
    for box in found.boxes:
        assert 0.1 < box.left < box.right < 1
        # The line stands 80 points below the top of a page of 300.
        assert 0.22 < box.top < box.bottom < 0.30
    assert elsewhere["boxes"] == []


@pytest.mark.parametrize("page", [0, 3, -1])
@pytest.mark.parametrize("what", ["", "/boxes"])
def test_a_page_that_isnt_there_isnt_found(library: Server, page: int, what: str) -> None:
    name = identifier(library, "fire.pdf")
    answer = library.client.get(f"/api/documents/{name}/pages/{page}{what}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_document_without_pages_has_none(library: Server) -> None:
    answer = library.client.get(f"/api/documents/{identifier(library, 'vesi.txt')}/pages/1")

    assert answer.status_code == 404


def test_a_removed_document_is_gone_from_everything(server: Server) -> None:
    server.upload("turve.txt", "Turve\n\nTurvesuolla kasvaa hilla ja suopursu kesäkuussa.\n")
    question = "Milloin turvesuolla kasvaa hilla?"
    assert server.ask(question)["status"] == "answered"
    name = identifier(server, "turve.txt")
    digests = {path.name for path in (server.data / "originals").iterdir()}

    removed = server.client.delete(f"/api/documents/{name}")

    assert removed.json() == {"removed": 1}
    assert server.named("turve.txt") == []
    assert "turvesuolla" not in str(server.ask(question)).lower().replace(question.lower(), "")
    assert len(digests - {path.name for path in (server.data / "originals").iterdir()}) == 1
    deadline = time.monotonic() + 20
    catalogue = Catalogue(server.data)
    while catalogue.counts()["outbox"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert catalogue.counts()["outbox"] == 0  # the vector index was told
    catalogue.close()
    for what in ("", "/text", "/original", "/pages/1"):
        assert server.client.get(f"/api/documents/{name}{what}").status_code == 404
    assert server.client.delete(f"/api/documents/{name}").status_code == 404
