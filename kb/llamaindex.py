"""Outward to llama-index: our retriever, embedder and passages as its objects.

Importing this module imports llama-index (some seconds), so nothing of ours imports it; who
builds on llama-index does::

    retriever = KnowledgeBaseRetriever(open_knowledge_base(load_settings()), k=8)
    engine = RetrieverQueryEngine.from_args(retriever, llm=...)
"""

from __future__ import annotations

from typing import Any

# This module is llama-index's own front door: whoever imports it wants llama-index.
from llama_index.core.base.base_retriever import BaseRetriever  # noqa: TID253
from llama_index.core.base.embeddings.base import BaseEmbedding  # noqa: TID253
from llama_index.core.schema import (  # noqa: TID253
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)
from pydantic import PrivateAttr

from kb.knowledge_base import KnowledgeBase
from kb.model import Hit, Scope
from kb.protocols import Embedder
from kb.wire import hit_locator


def node(hit: Hit) -> TextNode:
    """Return a found passage as a node whose metadata is what a citation needs.

    The node's text is the passage verbatim; ``document_id``, ``start`` and ``end`` in its
    metadata address the same characters as everywhere else, and the model doesn't see them.
    """
    metadata: dict[str, Any] = {
        "title": hit.document.metadata.title,
        "source": hit.document.source,
        "document_id": hit.document.id,
        "language": hit.passage.language,
        "start": hit.passage.start,
        "end": hit.passage.end,
        **hit_locator(hit).to_json(),
    }
    hidden = [key for key in metadata if key not in ("title", "page", "pages", "heading")]
    return TextNode(
        id_=hit.passage.id,
        text=hit.text,
        metadata=metadata,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=list(metadata),
        start_char_idx=hit.passage.start,
        end_char_idx=hit.passage.end,
        relationships={
            NodeRelationship.SOURCE: RelatedNodeInfo(
                node_id=hit.document.id, metadata={"title": hit.document.metadata.title}
            )
        },
    )


class KnowledgeBaseRetriever(BaseRetriever):
    """Finds passages of a knowledge base for llama-index's query engines."""

    def __init__(self, kb: KnowledgeBase, *, k: int = 10, scope: Scope | None = None) -> None:
        super().__init__()
        self._kb = kb
        self._k = k
        self._scope = scope

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._kb.search(query_bundle.query_str, scope=self._scope, k=self._k)
        return [NodeWithScore(node=node(hit), score=hit.score) for hit in found.hits]


class KnowledgeBaseEmbedding(BaseEmbedding):
    """The knowledge base's embedder for llama-index's own indexes."""

    _embedder: Embedder = PrivateAttr()

    def __init__(self, embedder: Embedder, **settings: Any) -> None:
        super().__init__(model_name=embedder.fingerprint, **settings)
        self._embedder = embedder

    def _get_query_embedding(self, query: str) -> list[float]:
        return [float(value) for value in self._embedder.embed_queries([query])[0]]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [[float(value) for value in row] for row in self._embedder.embed_passages(texts)]
