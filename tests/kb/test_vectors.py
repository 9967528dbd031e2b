"""The vector index finds what comparing everything finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kb.assembly import open_knowledge_base
from kb.protocols import Matrix
from kb.settings import load_settings

_ITEMS, _DIMENSION, _NEAREST = 6_000, 384, 150


def _cone(draw: np.random.Generator, count: int) -> Matrix:
    """Return unit vectors around one random direction, as a model's of one sort of text lie."""
    axis = draw.normal(size=_DIMENSION)
    vectors = draw.normal(size=(count, _DIMENSION)) + axis
    scaled = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(scaled, dtype=np.float32)


def test_questions_that_lie_apart_from_the_material_find_what_is_nearest(tmp_path: Path) -> None:
    import chromadb  # slow to load
    from chromadb.config import Settings as ChromaSettings

    draw = np.random.default_rng(0)
    material, questions = _cone(draw, _ITEMS), _cone(draw, 20)
    kb = open_knowledge_base(load_settings(data_dir=tmp_path))
    try:
        kb.vectors.open()
        client = chromadb.PersistentClient(
            path=str(next(tmp_path.glob("**/chroma.sqlite3")).parent),
            settings=ChromaSettings(anonymized_telemetry=False, allow_reset=False),
        )
        held = client.get_collection(f"passages-{kb.embeddings.model}", embedding_function=None)
        for at in range(0, _ITEMS, 2_000):
            rows = [str(row) for row in range(at, at + 2_000)]
            held.upsert(ids=rows, embeddings=material[at : at + 2_000])
        shares = []
        for question in questions:
            nearest = np.argsort(-(material @ question))[:_NEAREST]
            found = kb.vectors.nearest("passage", question, k=_NEAREST)
            shares.append(len(np.intersect1d(nearest, found)) / _NEAREST)
    finally:
        kb.catalogue.close()
    assert np.mean(shares) > 0.85
