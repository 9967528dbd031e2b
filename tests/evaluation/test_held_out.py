"""What says that projects are related is held out of what finds them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.held_out import LARGEST_GROUP, evaluate_held_out, groups, held_out, values_of
from kb.project import Project
from kb.settings import load_settings

ONE = Project(
    registry="t",
    title="Clean water (CALL-7)",
    description="Funded by Water Programme: Cities under call-7. It cleans water.",
    results="Results of Cities.",
    keywords=("CALL-7",),
    themes=("water",),
    call="CALL-7",
    objective="O1",
    programme="Water Programme: Cities",
)


def test_the_fields_and_every_mention_of_them_are_gone() -> None:
    cut = held_out(ONE, values_of(ONE))

    assert (cut.call, cut.objective, cut.programme, cut.keywords, cut.themes) == (
        None,
        None,
        None,
        (),
        (),
    )
    assert "call-7" not in cut.text.casefold()
    assert "Water Programme" not in cut.text
    assert "Cities" not in cut.text
    assert "It cleans water." in cut.text, "other words stay"


def test_short_values_cut_nothing_out_of_words() -> None:
    project = replace(ONE, programme="A", call="it", description="It is a plan.")

    assert held_out(project, values_of(project)).description == "It is a plan."


def test_groups_have_two_projects_at_least_and_none_is_a_quarter_of_a_registry() -> None:
    alone = replace(ONE, call="other")
    many = [replace(ONE, call="many") for _ in range(LARGEST_GROUP + 1)]

    assert groups([ONE, replace(ONE, call="call 7"), alone, *many], "call") == {
        "call 7": [ONE, replace(ONE, call="call 7")]
    }


def rows(*, leaking: bool) -> list[dict[str, object]]:
    """Return projects whose texts tell nothing, in calls of two; ``leaking``: but the call."""
    letters = "abcdefgh"
    return [
        {
            "id": f"{number}",
            "title": f"Plan {letters[number]}",
            "description": f"Text {letters[number] * 3}."
            + (f" Call ZX{number // 2}ZX{number // 2}." if leaking else ""),
            "topic": f"ZX{number // 2}ZX{number // 2}",
        }
        for number in range(8)
    ]


def test_a_table_is_measured_and_the_call_in_a_text_helps_nobody(
    tmp_path: Path, model_cache: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(model_cache)
    settings = load_settings(data_dir=tmp_path / "data")
    scores: list[dict[str, float]] = []
    for leaking in (True, False):
        table = tmp_path / f"{leaking}.jsonl"
        table.write_text("\n".join(map(json.dumps, rows(leaking=leaking))), encoding="utf-8")
        result = evaluate_held_out(table, truth="call", settings=settings, cache=tmp_path / "cache")
        systems = (result.product, *result.others)
        scores.append({one.system: one.mean("nDCG@10") for one in systems})
        assert result.to_json()["queries"] == 8

    assert set(scores[0]) == {"related", "related, text alone", "cosine", "BM25"}
    assert scores[0]["BM25"] < 0.7, "a leak would make it 1"
    with pytest.raises(EvaluationError):
        evaluate_held_out(
            tmp_path / "True.jsonl", truth="objective", settings=settings, cache=tmp_path / "cache"
        )
