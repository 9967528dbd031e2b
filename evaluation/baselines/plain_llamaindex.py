"""The plain pipeline: llama-index, sentence-transformers and Chroma as their guides put them.

``TextNode`` pieces by ``SentenceSplitter``, vectors by a sentence-transformers model, a
``ChromaVectorStore`` behind a ``VectorStoreIndex``, answers by similarity. It needs packages
that we don't: ``pip install sentence-transformers llama-index-vector-stores-chroma`` and, on
Linux, a torch without CUDA. Run beside us: ``python -m evaluation.baselines.plain_llamaindex
SET --model MODEL``.
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

PACKAGES = ("torch", "sentence_transformers", "llama_index.vector_stores.chroma")
DEFAULT_MODEL = "intfloat/multilingual-e5-small"
INSTALL = "pip install torch sentence-transformers llama-index-vector-stores-chroma"
"""What brings the packages; on Linux choose a torch without CUDA first."""


def missing() -> list[str]:
    """Return which of the packages aren't installed."""
    return [name for name in PACKAGES if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a parent package isn't there
        return False


class PlainPipeline:
    """Entries in, ranked entries out. ``seconds`` is the time of putting them in."""

    def __init__(
        self,
        entries: Iterable[Entry],
        *,
        folder: Path,
        model: str = DEFAULT_MODEL,
        threads: int = 0,
        chunk_size: int = 256,
    ) -> None:
        """Embed and index all entries under a folder; chunk_size is in tokens, overlap 20.

        Raises EvaluationError where a package is missing.
        """
        if lacking := missing():
            raise EvaluationError(
                "evaluation_baseline", package=", ".join(lacking), command=INSTALL
            )
        import chromadb
        from llama_index.core import StorageContext, VectorStoreIndex
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.core.schema import Document

        # By name, since type checkers must pass where these aren't installed.
        torch = importlib.import_module("torch")
        stores = importlib.import_module("llama_index.vector_stores.chroma")
        if threads:
            torch.set_num_threads(threads)
        self.system = f"llama-index, {Path(model).name}"
        embedding = sentence_transformers_embedding(model)
        client = chromadb.PersistentClient(path=str(folder))
        collection = client.get_or_create_collection("plain", metadata={"hnsw:space": "cosine"})
        store = stores.ChromaVectorStore(chroma_collection=collection)
        documents = [Document(text=entry.whole, metadata={"entry": entry.id}) for entry in entries]
        for document in documents:
            # The id isn't a part of what is embedded.
            document.excluded_embed_metadata_keys = ["entry"]
        begun = time.perf_counter()
        nodes = SentenceSplitter(chunk_size=chunk_size, chunk_overlap=20).get_nodes_from_documents(
            documents
        )
        index = VectorStoreIndex(
            nodes,
            storage_context=StorageContext.from_defaults(vector_store=store),
            embed_model=embedding,
        )
        self.seconds = time.perf_counter() - begun
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
