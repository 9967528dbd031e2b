import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from ingest.registry import import_projects, index_projects
from kb.knowledge_base import KnowledgeBase
from kb.settings import load_settings

PROJECTS = [
    {"id": "1", "title": "Jätevesien puhdistus teollisuusalueella", "program": "Aurora",
     "description": "Hankkeessa puhdistetaan akkutehtaiden jätevesiä. Lietteestä tehdään kaasua.",
     "start": "2021-01-01", "end": "2023-12-31", "themes": "water; circularity",
     "partners": [{"org": "Centria Oy", "role": "LP", "city": "Kokkola"}]},
    {"id": "2", "title": "Waste water of battery plants", "program": "Aurora",
     "description": "The project cleans waste water of battery plants. Sulphate is recovered.",
     "start": "2022-01-01", "end": "2024-12-31", "themes": "water",
     "partners": [{"org": "Centria", "role": "PP", "city": "Kokkola"}]},
    {"id": "3", "title": "=cmd|' /C calc'!A0", "program": "Interreg",
     "description": "Tapahtumia ja musiikkia lapsille koko kesän ajan. Ohjelma on maksuton."},
]  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("related")
    (folder / "data").mkdir()
    (folder / "data" / "models").symlink_to(model_cache)
    path = folder / "projects.jsonl"
    path.write_text("\n".join(json.dumps(p) for p in PROJECTS), encoding="utf-8")
    with TestClient(
        create_app(load_settings(data_dir=folder / "data")), base_url="http://127.0.0.1"
    ) as started:
        kb: KnowledgeBase = started.app.state.kb  # type: ignore[attr-defined]
        import_projects(kb.catalogue, path)
        index_projects(kb)
        yield started


def post(client: TestClient, **body: object) -> Any:
    answer = client.post("/api/related", json=body, headers={"Accept-Language": "en"})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def test_a_text_finds_projects_in_both_languages_with_the_sentences(client: TestClient) -> None:
    text = "Suunnittelemme akkutehtaiden jätevesien käsittelyä. Kumppanina on Centria Kokkolassa."

    results = post(client, text=text)

    assert {r["project_id"] for r in results[:2]} == {"table-1", "table-2"}
    for result in results[:2]:
        reasons = {reason["kind"]: reason for reason in result["reasons"]}
        assert reasons["partner"]["names"][0].startswith("Centria")
        assert reasons["place"]["names"] == ["Kokkola"]
        ours, theirs = reasons["text"]["ours"], reasons["text"]["theirs"]
        assert text[ours["start"] : ours["end"]] == ours["quote"]
        whole = client.get(f"/api/projects/{result['project_id']}").json()["text"]
        assert whole[theirs["start"] : theirs["end"]] == theirs["quote"]


def test_a_project_is_not_related_to_itself(client: TestClient) -> None:
    results = post(client, project="table-1")

    assert results[0]["project_id"] == "table-2"
    assert "table-1" not in {r["project_id"] for r in results}
    kinds = {reason["kind"] for reason in results[0]["reasons"]}
    assert kinds == {"theme", "partner", "place", "programme", "text"}


def test_several_at_once_and_filters(client: TestClient) -> None:
    results = post(client, project=["table-1"], text=["musiikkia lapsille"], theme="Vesi")

    assert [r["project_id"] for r in results] == ["table-2"]


def test_csv_runs_no_formula(client: TestClient) -> None:
    answer = client.post(
        "/api/related", json={"text": "musiikkia lapsille"}, headers={"Accept": "text/csv"}
    )

    assert answer.headers["content-type"].startswith("text/csv")
    assert ";'=cmd" in answer.text
    assert ";=cmd" not in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"text": "  "}, 422), ({"project": "nope"}, 404), ({"k": 0, "text": "x"}, 422),
     ({"text": "x" * 100_001}, 422), ({"text": "x", "colour": 1}, 422)],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(
    client: TestClient, body: dict[str, object], status: int
) -> None:
    assert client.post("/api/related", json=body).status_code == status


def test_the_list_and_the_partners(client: TestClient) -> None:
    listed = client.get("/api/projects", params={"place": "kokkola", "year": "2024"}).json()
    partners = client.get("/api/partners", params={"theme": "water"}).json()

    assert [p["project_id"] for p in listed["projects"]] == ["table-2"]
    assert listed["total"] == 1
    assert [(p["projects"], p["led"]) for p in partners] == [(2, 1)]
    assert partners[0]["themes"][0] == {"theme": "water", "projects": 2}
