from __future__ import annotations

from typing import Any

import pytest

from api.answer_schemas import SavedOut
from tests.api.conftest import Server
from tests.kb.answers import read_docx

QUESTION = "Paljonko jäähdytysvettä kului vuonna 2023?"
QUOTE = "Jäähdytysveden kulutus oli 41 miljoonaa kuutiometriä vuonna 2023."


def save(server: Server, **body: object) -> Any:
    answer = server.client.post("/api/answers", json={"question": QUESTION, **body})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/answers/{answer.json()['answer_id']}"
    return answer.json()


def test_a_follow_up_is_answered_as_what_it_stands_for(library: Server) -> None:
    alone = library.ask(QUESTION)
    goes_on = library.ask("Entä 2023?", previous="Paljonko jäähdytysvettä kului vuonna 2019?")
    chained = library.ask("entä jätevettä", previous=["Vad kostar ångan?", QUESTION])

    assert alone["understood_as"] is None
    assert goes_on["understood_as"] == QUESTION
    assert goes_on["claims"] == alone["claims"]
    assert chained["understood_as"] == "Paljonko jätevettä kului vuonna 2023?"


@pytest.mark.parametrize("previous", [7, ["a", 7], None])
def test_what_was_asked_before_is_text(library: Server, previous: object) -> None:
    answer = library.client.post("/api/ask", json={"question": "x", "previous": previous})

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"


def test_an_explanation_is_told_in_words_of_the_questions_language(library: Server) -> None:
    explanation = library.ask(QUESTION, explain=True, city="Kokkola")["explanation"]

    titles = [section["title"] for section in explanation["told"]]
    assert titles == ["Kysymys", "Mitä löytyi", "Onko vastausta?", "Mitä lauseita punnittiin"]
    assert explanation["filters"] == [["city", "Kokkola"]]
    assert explanation["levels"] == ["public", "internal"]
    assert explanation["support"] >= explanation["threshold"]
    fates = {statement["text"]: statement["fates"] for statement in explanation["statements"]}
    assert fates[QUOTE] == ["cited"]
    assert all(fate != ["cited"] for text, fate in fates.items() if "biokaasua" in text)


@pytest.mark.parametrize(
    ("form", "media_type", "ending"),
    [
        ("docx", "application/vnd.openxmlformats", ".docx"),
        ("markdown", "text/markdown", ".md"),
        ("text", "text/plain", ".txt"),
    ],
)
def test_an_answer_is_handed_over_as_a_file(
    library: Server, form: str, media_type: str, ending: str
) -> None:
    answer = library.client.post("/api/export", json={"question": QUESTION, "format": form})

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(media_type)
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment")
    assert disposition.endswith(f'{ending}"')
    if form == "docx":
        docx = read_docx(answer.content)
        links = [link.url for p in docx.paragraphs for link in p.hyperlinks]
    else:
        assert QUESTION in answer.text
        links = [word for word in answer.text.replace("(", " ").split() if "#mark" in word]
    assert any(link.startswith(f"{library.url}/documents/") for link in links)


def test_a_saved_answer_is_listed_renamed_exported_and_removed(library: Server) -> None:
    saved = save(library, name="Vesi")
    address = f"/api/answers/{saved['answer_id']}"

    SavedOut.model_validate(saved)
    assert QUOTE in saved["claims"][0]["citations"][0]["quote"]
    assert saved["since"] == {
        "changed": 0,
        "sources": [
            {
                "number": 1,
                "state": "same",
                "now": {
                    name: saved["claims"][0]["citations"][0][name]
                    for name in ("document_id", "start", "end", "locator")
                },
            }
        ],
        "newer": [],
    }
    assert saved["answer_id"] in [a["answer_id"] for a in library.client.get("/api/answers").json()]
    assert library.client.patch(address, json={"name": "Uusi"}).json()["name"] == "Uusi"
    assert library.client.patch(address, json={"name": " "}).json()["code"] == "answer_name"
    assert QUOTE in library.client.get(f"{address}/export", params={"format": "text"}).text
    assert library.client.get(f"{address}/export", params={"format": "pdf"}).status_code == 422
    assert library.client.delete(address).json() == {"removed": 1}
    assert library.client.get(address).status_code == 404
    assert library.client.get(address).json()["code"] == "not_found"


def test_a_saved_answer_tells_of_a_new_version(server: Server) -> None:
    server.upload("tuuli.txt", "Tuulivoimaa on alueella 7 megawattia. Se myydään tuntihintaan.")
    saved = save(server, question="Paljonko tuulivoimaa alueella on?")
    assert saved["status"] == "answered"
    server.upload("tuuli.txt", "Tuulivoimaa on alueella 9 megawattia. Se myydään tuntihintaan.")

    told = server.client.get(f"/api/answers/{saved['answer_id']}").json()

    assert told["since"]["changed"] == 1
    assert told["since"]["sources"][0]["state"] in ("gone", "moved")
    assert "7 megawattia" in told["claims"][0]["text"]
    for one in server.named("tuuli.txt"):
        server.client.delete(f"/api/documents/{one['document_id']}")


def test_feedback_is_taken_on_answers_and_on_saved_ones(library: Server) -> None:
    saved = save(library)
    asked = {"question": QUESTION, "verdict": "wrong-source", "source": 1, "note": "Väärä."}

    assert library.client.post("/api/feedback", json=asked).status_code == 201
    judged = {"answer_id": saved["answer_id"], "verdict": "useful"}
    assert library.client.post("/api/feedback", json=judged).status_code == 201
    for wrong, code in (
        ({**asked, "source": 9}, "feedback_source"),
        ({**asked, "note": "x" * 1001}, "feedback_note"),
        ({**asked, "verdict": "fine"}, "invalid"),
        ({"verdict": "useful"}, "question_empty"),
        ({"verdict": "useful", "answer_id": "0" * 32}, "not_found"),
    ):
        assert library.client.post("/api/feedback", json=wrong).json()["code"] == code


def test_other_sites_cannot_save_or_judge(library: Server) -> None:
    for path in ("/api/answers", "/api/feedback", "/api/export"):
        answer = library.client.post(
            path, json={"question": QUESTION}, headers={"Origin": "https://evil.example"}
        )
        assert answer.status_code == 403
