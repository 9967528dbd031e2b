from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.pipeline import TextSource, ingest_texts
from kb.fusion import in_order
from kb.knowledge_base import KnowledgeBase
from kb.model import DocumentId, Scope
from kb.retrieval import phrases

TEXTS = {
    "sopimus": "Tehdaspalokunnan palvelusopimus kattaa kaikki alueen yritykset. Se tehtiin 2016.",
    "malli": "Palokunnan yhteinen malli kattaa tehtaat. Yhteinen sopimus palvelusta tehtiin 2016.",
    "brandkår": "I avtalet står det ordagrant: Vihreän sataman malli. Brandkåren har fyra bilar.",
    "muu": "Vesi otetaan merestä ja johdetaan putkisiltaa pitkin tehtaille.",
}


@pytest.fixture
def kb(tmp_path: Path, open_at: Callable[..., KnowledgeBase]) -> KnowledgeBase:
    opened = open_at(tmp_path / "data")
    ingest_texts(opened, [TextSource(key=key, text=text) for key, text in TEXTS.items()])
    return opened


def found(kb: KnowledgeBase, question: str, scope: Scope | None = None) -> list[str]:
    return [hit.document.source for hit in kb.search(question, scope=scope, k=4).hits]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('mitä on "yhteinen malli" alueella', ("yhteinen malli",)),
        ("mitä on ”yhteinen malli” ja “sopimus 2016”?", ("yhteinen malli", "sopimus 2016")),
        ("„Grüner Hafen“ och «avtal»", ("Grüner Hafen", "avtal")),
        ('12" putki ja 14" putki', ()),
        ('"" ja "!!" ja yksin "', ()),
        ("ei lainausta", ()),
    ],
)
def test_what_stands_in_quotation_marks(text: str, quoted: tuple[str, ...]) -> None:
    assert phrases(text) == quoted


def test_a_passage_with_the_quoted_words_comes_first(kb: KnowledgeBase) -> None:
    plain = found(kb, "palokunnan sopimus palvelusta alueen yritykset")
    assert plain[0] == "sopimus"
    assert found(kb, 'palokunnan "Sopimus  palvelusta" alueen yritykset')[0] == "malli"


def test_a_quoted_name_is_found_in_another_language(kb: KnowledgeBase) -> None:
    assert found(kb, 'mikä on "vihreän sataman malli" merellä')[0] == "brandkår"


def test_a_phrase_that_nobody_wrote_changes_nothing(kb: KnowledgeBase) -> None:
    hits = kb.search("sopimus tehtiin yhteinen palvelu", k=4).hits
    quoted = kb.search('sopimus tehtiin "yhteinen palvelu"', k=4).hits
    assert [hit.passage.id for hit in hits] == [hit.passage.id for hit in quoted]


def test_a_quoted_passage_outside_the_scope_stays_outside(kb: KnowledgeBase) -> None:
    other = next(row.id for row in kb.documents() if row.source == "muu")
    scope = Scope(documents=frozenset({DocumentId(other)}))
    assert found(kb, '"yhteinen malli"', scope) == ["muu"]


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(-1, 3, width=32)), max_size=30))
def test_scores_are_dealt_out_by_class_then_score(items: list[tuple[int, float]]) -> None:
    classes = np.array([one for one, _ in items], dtype=np.int64)
    scores = np.array([score for _, score in items], dtype=np.float32)
    dealt = in_order(classes, scores)
    assert sorted(dealt.tolist()) == sorted(scores.tolist())
    for a, (class_a, score_a) in enumerate(items):
        for b, (class_b, score_b) in enumerate(items):
            if (class_a, score_a) > (class_b, score_b):
                assert dealt[a] >= dealt[b]
