from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api import schemas
from tests.api.conftest import ROOT, Server


def test_an_answer_quotes_the_document_verbatim(library: Server) -> None:
    answer = library.ask("Paljonko jäähdytysvettä kului vuonna 2023?")

    assert answer["status"] == "answered"
    citation = answer["claims"][0]["citations"][0]
    assert "41 miljoonaa" in citation["quote"]
    text = library.client.get(f"/api/documents/{citation['document_id']}/text").json()["text"]
    assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_a_quote_from_a_pdf_has_its_page(library: Server) -> None:
    answer = library.ask("How many fire fighters are there on each shift?")

    citation = answer["claims"][0]["citations"][0]
    assert citation["source"] == "fire.pdf"
    assert citation["locator"]["page"] == 1


def test_what_the_material_doesnt_say_is_refused_in_the_askers_language(library: Server) -> None:
    answer = library.ask("Vad kostar en cykel i Tokyo?")

    assert (answer["status"], answer["claims"]) == ("no_evidence", [])
    assert answer["language"] == "sv"
    assert answer["reason"].startswith("Materialet")
    assert answer["reason_code"] in ("topic", "detail")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"language": "fi"}, {"vesi.txt"}),
        ({"language": ["sv", "fi"]}, {"vesi.txt", "hamn.txt"}),
        ({"kind": "Report"}, {"vesi.txt"}),
        ({"city": "KOKKOLA"}, {"vesi.txt"}),
        ({"theme": "water"}, {"vesi.txt"}),
        ({"theme": ["water", "safety"]}, {"vesi.txt", "fire.pdf"}),
        ({"year": 2023}, {"vesi.txt"}),
        ({"year": "2018-2020"}, {"hamn.txt"}),
        ({"year": [2019, 2023]}, {"vesi.txt", "hamn.txt"}),
        ({"collection": "kokeet"}, {"vesi.txt"}),
        ({"confidentiality": "public"}, {"vesi.txt"}),
        ({"confidentiality": "confidential"}, set()),
        ({"city": "Atlantis"}, set()),
        ({"document": "no-such-document"}, set()),
        ({"theme": []}, {"vesi.txt", "hamn.txt", "fire.pdf"}),
    ],
)
def test_filters_limit_search_and_list_alike(
    library: Server, filters: dict[str, object], found: set[str]
) -> None:
    results = library.client.post(
        "/api/search", json={"query": "vesi hamn brigade", "k": 50, **filters}
    ).json()["results"]
    listed = library.client.get("/api/documents", params=_parameters(filters)).json()

    assert {passage["source"] for passage in results} & OURS == found
    assert {document["source"] for document in listed} & OURS == found


OURS = {"vesi.txt", "hamn.txt", "fire.pdf"}


def _parameters(filters: dict[str, object]) -> dict[str, list[str]]:
    return {
        name: [str(one) for one in value] if isinstance(value, list) else [str(value)]
        for name, value in filters.items()
    }


def test_search_returns_as_many_as_asked_for(library: Server) -> None:
    found = library.client.post("/api/search", json={"query": "jätevesi", "k": 1}).json()

    assert found["language"] == "fi"
    assert len(found["results"]) == 1
    assert found["results"][0]["source"] == "vesi.txt"


def test_an_explanation_tells_the_words_and_their_terms(library: Server) -> None:
    explained = library.ask("jätevedet", explain=True)["explanation"]

    assert explained["words"][0]["word"] == "jätevedet"
    assert any("vesi" in term for term in explained["words"][0]["terms"])


def test_answers_are_what_the_description_says(library: Server) -> None:
    answered = library.ask("Paljonko jäähdytysvettä kului?", explain=True)
    refused = library.ask("Mitä maksaa polkupyörä Tokiossa?")
    found = library.client.post("/api/search", json={"query": "vesi"}).json()

    assert schemas.AnswerOut.model_validate(answered).claims
    assert schemas.AnswerOut.model_validate(refused).nearest
    assert schemas.SearchOut.model_validate(found).results


def test_what_another_process_takes_in_is_found_at_once(library: Server, tmp_path: Path) -> None:
    question = "Kuka kehräsi villasukat majakalla?"
    assert library.ask(question)["status"] == "no_evidence"
    path = tmp_path / "majakka.txt"
    path.write_text(
        "Majakan tarina\n\nMajakalla villasukat kehräsi majakanvartija Aino.\n", "utf-8"
    )

    code = (
        "import sys, pathlib; from kb.assembly import open_knowledge_base; "
        "from kb.settings import load_settings; from ingest.pipeline import ingest; "
        "print(ingest(open_knowledge_base(load_settings()), [pathlib.Path(sys.argv[1])]).ingested)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "KB_DATA_DIR": str(library.data), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "1"
    answer = library.ask(question)
    assert "majakanvartija Aino" in answer["claims"][0]["citations"][0]["quote"]


def test_health_counts_and_names_the_version(library: Server) -> None:
    health = schemas.HealthOut.model_validate(library.client.get("/api/health").json())

    assert health.documents >= 3
    assert health.passages >= 3
    assert health.waiting == 0
