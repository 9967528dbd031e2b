from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation.claiming import Split, evaluate_claims, load_claims
from kb.assembly import open_claim_checker, open_knowledge_base
from kb.knowledge_base import KnowledgeBase
from kb.settings import load_settings


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[KnowledgeBase]:
    folder = tmp_path_factory.mktemp("claiming") / "data"
    folder.mkdir()
    (folder / "models").symlink_to(model_cache)
    opened = open_knowledge_base(load_settings(data_dir=folder))
    yield opened
    opened.catalogue.close()


@pytest.mark.parametrize("split", ["dev", "test", "held"])
def test_the_published_figures_hold(kb: KnowledgeBase, split: Split) -> None:
    figures = evaluate_claims(open_claim_checker(kb), load_claims(split), split=split)

    passed, true = figures.share(true=True)
    refused, false = figures.share(true=False)
    assert passed >= 0.95 * true
    assert refused >= (0.86 if split == "held" else 0.95) * false
    assert true + false > 100
    for kind in ("rule: number", "rule: negation"):
        for across in (False, True):
            right, total = figures.counts[False, kind, across]
            assert right == total, kind
    (table,) = figures.tables("fi")
    assert table.rows


def test_claims_made_by_rule_differ_from_what_they_are_made_of() -> None:
    said = load_claims("dev")
    true = {(one.text, one.source.text) for one in said if one.true}

    assert not any((one.text, one.source.text) in true for one in said if not one.true)
    assert {one.kind for one in said} >= {"copied", "written", "rule: number", "rule: negation"}
