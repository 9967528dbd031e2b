"""What all tests share."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from kb.assembly import open_knowledge_base
from kb.knowledge_base import KnowledgeBase
from kb.protocols import Embedder, Matrix
from kb.settings import load_settings

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def need(present: object, what: str) -> None:
    """Skip the test where something that it needs is missing; under ``KB_CI=1`` that fails."""
    if present:
        return
    if os.environ.get("KB_CI") == "1":
        pytest.fail(f"missing: {what}")
    pytest.skip(f"missing: {what}")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder with real test data that ``KB_TEST_DATA`` names."""
    folder = os.environ.get("KB_TEST_DATA")
    if not folder:
        pytest.skip("KB_TEST_DATA isn't set: it names a folder with real documents and sets")
    return Path(folder)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own settings out of the tests."""
    for name in list(os.environ):
        if name.startswith("KB_") and name not in ("KB_CI", "KB_TEST_DATA"):
            monkeypatch.delenv(name)


class BagOfWords:
    """A scripted embedder: texts that share words are near. Quick, and counts what it is given."""

    fingerprint = "bag-of-words"
    dimension = 64

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        self.embedded += texts
        return self.embed_queries(texts)

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        matrix = np.full((len(texts), self.dimension), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.casefold().split():
                matrix[row, hashlib.sha256(word.encode()).digest()[0] % self.dimension] += 1
        return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder where the bundled model's graph is built once for all tests."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def open_at(model_cache: Path) -> Callable[..., KnowledgeBase]:
    """Open knowledge bases: ``open_at(folder, embedder=…, **settings)``."""

    def opened(
        folder: Path, *, embedder: Embedder | None = None, **settings: object
    ) -> KnowledgeBase:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "models").exists():
            (folder / "models").symlink_to(model_cache)
        return open_knowledge_base(load_settings(data_dir=folder, **settings), embedder=embedder)

    return opened
