from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.pipeline import TextSource, ingest_texts
from kb.catalogue import Catalogue
from kb.knowledge_base import KnowledgeBase
from kb.model import Scope
from kb.retrieval import _width

OPEN = Scope(confidentiality=frozenset({"public", "internal"}))
HIDE = "UPDATE document SET confidentiality = 'confidential' WHERE id = ?"


@pytest.fixture
def kb(tmp_path: Path, open_at: Callable[..., KnowledgeBase]) -> KnowledgeBase:
    opened = open_at(tmp_path / "data")
    texts = ("Vesi otetaan merestä.", "Palokunta palvelee tehtaita.")
    ingest_texts(opened, [TextSource(key=str(at), text=text) for at, text in enumerate(texts)])
    return opened


def allowed(catalogue: Catalogue) -> int:
    rows = catalogue.rows_in_scope(OPEN)
    assert rows is not None
    return len(rows)


def test_what_is_hidden_is_out_of_scope_at_once_whoever_hides_it(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    first, second = (row.id for row in kb.documents())
    assert allowed(kb.catalogue) == 2
    with kb.catalogue.transaction() as connection:
        connection.execute(HIDE, (first,))
    assert allowed(kb.catalogue) == 1

    elsewhere = Catalogue(tmp_path / "data")
    with elsewhere.transaction() as connection:
        connection.execute(HIDE, (second,))
    assert allowed(kb.catalogue) == 0
    elsewhere.close()


def test_rows_are_kept_until_something_changes(kb: KnowledgeBase) -> None:
    once = kb.catalogue.rows_in_scope(OPEN)
    assert kb.catalogue.rows_in_scope(OPEN) is once
    assert once is not None
    with pytest.raises(ValueError, match="read-only"):
        once[0] = 7
    for year in range(2000, 2020):
        kb.catalogue.rows_in_scope(Scope(years=(year, year)))
    again = kb.catalogue.rows_in_scope(OPEN)
    assert again is not None
    assert again.tolist() == once.tolist()


@pytest.mark.parametrize("allowed_share", [1.0, 0.9, 0.5, 0.1, 0.02])
def test_enough_is_asked_for_that_k_allowed_ones_are_likely_among_them(
    allowed_share: float,
) -> None:
    width = _width(150, 20_000, int(20_000 * allowed_share))
    assert width == 2000 or width * allowed_share >= 150
    assert width <= 2000
    if allowed_share == 1:
        assert width == 150
