"""The plain pipeline: llama-index, sentence-transformers and Chroma as their guides put them.

``TextNode`` pieces by ``SentenceSplitter``, vectors by a sentence-transformers model, a
``ChromaVectorStore`` behind a ``VectorStoreIndex``, answers by similarity. It needs packages
that we don't: ``pip install sentence-transformers llama-index-vector-stores-chroma`` and, on
Linux, a torch without CUDA. Run beside us: ``python -m evaluation.baselines.plain_llamaindex
SET --model MODEL``. An embedder of ours can take the model's place where there is no torch, and
a vector store of a few lines that of the package: what is then slower is llama-index's part.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from evaluation.beir import DEPTH, Entry, Scored, best_by_entry, load, run, write_run
from evaluation.errors import EvaluationError

if TYPE_CHECKING:
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.vector_stores.types import BasePydanticVectorStore

    from kb.protocols import Embedder

PACKAGES = ("torch", "sentence_transformers", "llama_index.vector_stores.chroma")
CORE = ("llama_index.core", "chromadb")
"""What it can't do without whoever embeds."""

DEFAULT_MODEL = "intfloat/multilingual-e5-small"
INSTALL = "pip install torch sentence-transformers llama-index-vector-stores-chroma"
"""What brings the packages; on Linux choose a torch without CUDA first."""


def missing(packages: Sequence[str] = PACKAGES) -> list[str]:
    """Return which of the packages aren't installed."""
    return [name for name in packages if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a parent package isn't there
        return False


class PlainPipeline:
    """Entries in, ranked entries out; ``seconds`` and ``cpu_seconds`` of putting them in."""

    def __init__(
        self,
        entries: Iterable[Entry],
        *,
        folder: Path,
        model: str = DEFAULT_MODEL,
        embedder: Embedder | None = None,
        threads: int = 0,
        chunk_size: int = 256,
    ) -> None:
        """Embed and index all entries under a folder; chunk_size is in tokens, overlap 20.

        An ``embedder`` embeds in the model's place. Raises EvaluationError where a package is
        missing.
        """
        if lacking := missing(PACKAGES if embedder is None else CORE):
            raise EvaluationError(
                "evaluation_baseline", package=", ".join(lacking), command=INSTALL
            )
        import chromadb
        from llama_index.core import StorageContext, VectorStoreIndex
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.core.schema import Document

        # By name, since type checkers must pass where these aren't installed.
        if embedder is None:
            torch = importlib.import_module("torch")
            if threads:
                torch.set_num_threads(threads)
            self.system = f"llama-index, {Path(model).name}"
            embedding = sentence_transformers_embedding(model)
        else:
            self.system = "llama-index, our embedder"
            embedding = own_embedding(embedder)
        client = chromadb.PersistentClient(path=str(folder))
        collection = client.get_or_create_collection("plain", metadata={"hnsw:space": "cosine"})
        store = _chroma_store(collection)
        documents = [Document(text=entry.whole, metadata={"entry": entry.id}) for entry in entries]
        for document in documents:
            # The id isn't a part of what is embedded.
            document.excluded_embed_metadata_keys = ["entry"]
        begun, begun_cpu = time.perf_counter(), time.process_time()
        nodes = SentenceSplitter(chunk_size=chunk_size, chunk_overlap=20).get_nodes_from_documents(
            documents
        )
        index = VectorStoreIndex(
            nodes,
            storage_context=StorageContext.from_defaults(vector_store=store),
            embed_model=embedding,
        )
        self.seconds = time.perf_counter() - begun
        self.cpu_seconds = time.process_time() - begun_cpu
        self.pieces = len(nodes)
        self.entries = len(documents)
        self._retriever = index.as_retriever(similarity_top_k=2 * DEPTH)

    def search(self, text: str) -> list[Scored]:
        """Return at most 100 entries, each by its best piece."""
        return best_by_entry(
            (str(found.node.metadata["entry"]), float(found.score or 0.0))
            for found in self._retriever.retrieve(text)
        )[:DEPTH]


def sentence_transformers_embedding(model: str) -> BaseEmbedding:
    """Return a sentence-transformers model as llama-index's embedding.

    An adapter of a few lines, so that llama-index's Hugging Face package isn't needed. E5
    models get the prefixes they were trained with.
    """
    from llama_index.core.embeddings import BaseEmbedding
    from pydantic import PrivateAttr
    from sentence_transformers import SentenceTransformer

    prefixed = "e5" in Path(model).name.casefold()

    class _Adapter(BaseEmbedding):
        _model: Any = PrivateAttr()

        def __init__(self) -> None:
            super().__init__(model_name=model, embed_batch_size=16)
            self._model = SentenceTransformer(model, device="cpu")

        def _encode(self, texts: Sequence[str], prefix: str) -> list[list[float]]:
            shown = [prefix + text for text in texts] if prefixed else list(texts)
            vectors = self._model.encode(shown, normalize_embeddings=True, batch_size=16)
            return [[float(value) for value in vector] for vector in vectors]

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._encode([query], "query: ")[0]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._encode([text], "passage: ")[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return self._encode(texts, "passage: ")

    return _Adapter()


def own_embedding(embedder: Embedder) -> BaseEmbedding:
    """Return an embedder of ours as llama-index's embedding, in batches of the same size."""
    from llama_index.core.embeddings import BaseEmbedding

    class _Own(BaseEmbedding):
        def _get_query_embedding(self, query: str) -> list[float]:
            return [float(value) for value in embedder.embed_queries([query])[0]]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return [[float(value) for value in row] for row in embedder.embed_passages(texts)]

    return _Own(model_name="own", embed_batch_size=16)


def _chroma_store(collection: Any) -> BasePydanticVectorStore:
    """Return the package's store, or one that adds and asks in the same way."""
    if _installed("llama_index.vector_stores.chroma"):
        stores = importlib.import_module("llama_index.vector_stores.chroma")
        store: BasePydanticVectorStore = stores.ChromaVectorStore(chroma_collection=collection)
        return store
    from llama_index.core.schema import BaseNode, MetadataMode
    from llama_index.core.vector_stores.types import (
        BasePydanticVectorStore,
        VectorStoreQuery,
        VectorStoreQueryResult,
    )
    from llama_index.core.vector_stores.utils import metadata_dict_to_node, node_to_metadata_dict

    class _Store(BasePydanticVectorStore):
        stores_text: bool = True

        @property
        def client(self) -> Any:
            return collection

        def add(self, nodes: Sequence[BaseNode], **_: Any) -> list[str]:
            ids = [node.node_id for node in nodes]
            collection.add(
                ids=ids,
                embeddings=[node.get_embedding() for node in nodes],
                metadatas=[
                    node_to_metadata_dict(node, remove_text=True, flat_metadata=True)
                    for node in nodes
                ],
                documents=[node.get_content(metadata_mode=MetadataMode.NONE) for node in nodes],
            )
            return ids

        def delete(self, ref_doc_id: str, **_: Any) -> None:
            collection.delete(where={"document_id": ref_doc_id})

        def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
            found = collection.query(
                query_embeddings=[query.query_embedding], n_results=query.similarity_top_k
            )
            nodes = []
            for metadata, text in zip(found["metadatas"][0], found["documents"][0], strict=True):
                node = metadata_dict_to_node(metadata)
                node.set_content(text)
                nodes.append(node)
            return VectorStoreQueryResult(
                nodes=nodes,
                similarities=[1 - distance for distance in found["distances"][0]],
                ids=found["ids"][0],
            )

    return _Store()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the plain pipeline on a set and print the published object."""
    parser = argparse.ArgumentParser(description="The plain pipeline on a BEIR set.")
    parser.add_argument("set", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--run", type=Path)
    given = parser.parse_args(arguments)
    logging.getLogger("chromadb").setLevel(logging.ERROR)
    beir = load(given.set)
    part = beir.sample(given.limit)
    with TemporaryDirectory() as folder:
        pipeline = PlainPipeline(
            beir.entries(), folder=Path(folder), model=given.model, threads=given.threads
        )
        pipeline.search(part.queries[0].text)
        result = run(
            part,
            pipeline.search,
            system=pipeline.system,
            entries=pipeline.entries,
            limited=len(part.queries) < len(beir.queries),
        )
    if given.run:
        write_run(given.run, result)
    published = result.to_json() | {
        "pieces": pipeline.pieces,
        "ingest_seconds": round(pipeline.seconds, 2),
    }
    sys.stdout.write(json.dumps(published, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
