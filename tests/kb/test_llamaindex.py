from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.pipeline import TextSource, ingest_texts
from kb.knowledge_base import KnowledgeBase
from tests.conftest import BagOfWords

# llama-index's own modules use what their dependencies call outdated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

TEXTS = [
    TextSource("vesi", "Jäähdytysvesi otetaan merestä. Vesilaatuja on neljä.", "Vesi", "fi"),
    TextSource("juna", "Junat kulkevat satamaan kahdesti päivässä.", "Rautatie", "fi"),
]


@pytest.fixture
def kb(tmp_path: Path, open_at: Callable[..., KnowledgeBase]) -> KnowledgeBase:
    opened = open_at(tmp_path / "data", embedder=BagOfWords())
    ingest_texts(opened, TEXTS)
    return opened


def test_a_query_engine_answers_from_our_passages(kb: KnowledgeBase) -> None:
    from llama_index.core import get_response_synthesizer
    from llama_index.core.llms import MockLLM
    from llama_index.core.query_engine import RetrieverQueryEngine

    from kb.llamaindex import KnowledgeBaseRetriever

    engine = RetrieverQueryEngine(
        retriever=KnowledgeBaseRetriever(kb, k=1),
        response_synthesizer=get_response_synthesizer(llm=MockLLM()),
    )

    response = engine.query("Mistä jäähdytysvesi otetaan?")

    # The echoing language model repeats what it was given: our passage, verbatim.
    assert "Jäähdytysvesi otetaan merestä." in str(response)
    metadata = response.source_nodes[0].node.metadata
    document = kb.document(metadata["document_id"])
    node_text = response.source_nodes[0].node.get_content()
    assert document.text[metadata["start"] : metadata["end"]] == node_text
    assert metadata["title"] == "Vesi"


def test_our_embedder_serves_llama_indexs_own_index(kb: KnowledgeBase) -> None:
    from llama_index.core import VectorStoreIndex
    from llama_index.core.schema import TextNode

    from kb.llamaindex import KnowledgeBaseEmbedding

    index = VectorStoreIndex(
        nodes=[TextNode(id_=text.key, text=text.text) for text in TEXTS],
        embed_model=KnowledgeBaseEmbedding(kb.embedder()),
    )

    found = index.as_retriever(similarity_top_k=1).retrieve("junat kulkevat satamaan")

    assert found[0].node.node_id == "juna"
