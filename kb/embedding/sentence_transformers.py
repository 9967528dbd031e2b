"""Any sentence-transformers model, by name or folder.

Prefixes of questions and passages are the model's own prompts where it has them, ``query: ``
and ``passage: `` for the E5 family, none for others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kb.errors import ComponentMissing, SettingsError
from kb.protocols import Matrix

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 16
_OTHER_RUNTIMES = ("onnx/*", "openvino/*", "*.onnx", "*.h5", "*.msgpack", "*.ot")
"""Weights that many models carry once more for other programs."""

_E5 = re.compile(r"(^|[-_])e5[-_]", re.IGNORECASE)
_READ_BYTES = 1_000_000
"""Files up to this size go into the fingerprint by content, larger ones by size."""


class SentenceTransformerEmbedder:
    """Embeds with torch on ``threads`` processor cores (as torch likes, by default).

    A name that isn't a folder is looked for in Hugging Face's cache and fetched when it isn't
    there. ``query_prefix`` and ``passage_prefix`` override the model's own. Raises
    ComponentMissing when sentence-transformers isn't installed, SettingsError when there is no
    such model.
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int | None = None,
        query_prefix: str | None = None,
        passage_prefix: str | None = None,
    ) -> None:
        try:
            # torch isn't in the base install, where the type checker then misses it.
            import torch  # type: ignore[import-not-found, unused-ignore]
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise missing() from error
        if threads:
            torch.set_num_threads(threads)
        # Always from a folder, so that a model that is here asks nothing from the network.
        folder = folder_of(name)
        try:
            self._model: SentenceTransformer = SentenceTransformer(str(folder), device="cpu")
        except (OSError, ValueError) as error:
            raise _unusable(name) from error
        prompts = self._model.prompts
        own = (
            prompts.get("query"),
            prompts.get("passage") or prompts.get("document"),
        )
        default = own if any(own) else prefixes(name, folder)
        self._query = default[0] or "" if query_prefix is None else query_prefix
        self._passage = default[1] or "" if passage_prefix is None else passage_prefix
        self._fingerprint = fingerprint(name)
        if (query_prefix, passage_prefix) != (None, None):
            self._fingerprint += f" {self._query!r} {self._passage!r}"

    @property
    def fingerprint(self) -> str:
        """Names the model and a digest of its files."""
        return self._fingerprint

    @property
    def dimension(self) -> int:
        """Columns of a vector."""
        model = self._model
        # Renamed in the sixth release.
        if hasattr(model, "get_embedding_dimension"):
            return int(model.get_embedding_dimension())
        return int(model.get_sentence_embedding_dimension())

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Return one unit vector a text, shape (len(texts), dimension)."""
        return self._embed(self._passage, texts)

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Return one unit vector a question, shape (len(texts), dimension)."""
        return self._embed(self._query, texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has as a passage, before truncation."""
        if not texts:
            return []
        counted = self._model.tokenizer(
            [self._passage + text for text in texts], truncation=False, verbose=False
        )
        return [len(numbers) for numbers in counted["input_ids"]]

    def _embed(self, prefix: str, texts: Sequence[str]) -> Matrix:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        vectors: Matrix = self._model.encode(
            [prefix + text for text in texts],
            prompt="",  # the prefix stands in the text already
            batch_size=_BATCH,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return vectors.astype(np.float32, copy=False)


def prefixes(name: str, folder: Path) -> tuple[str, str]:
    """Return the prefixes of question and passage for a model without prompts of its own."""
    names = [name]
    if (folder / "config.json").is_file():
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names.append(str(config.get("_name_or_path", "")))
    family = any(_E5.search(Path(each).name) for each in names)
    return ("query: ", "passage: ") if family else ("", "")


def fingerprint(name: str) -> str:
    """Return the fingerprint of a model without loading it: its name and a digest of its files.

    A model that isn't on this machine yet is fetched first.
    """
    folder = folder_of(name)
    digest = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()}\n{size}\n".encode())
        if size <= _READ_BYTES:
            digest.update(path.read_bytes())
    return f"{Path(name).name} sentence-transformers {digest.hexdigest()[:16]}"


def folder_of(
    name: str, *, setting: str = "embedding_model", known_by: str = "modules.json"
) -> Path:
    """Return the folder of a model, from Hugging Face's cache, fetched first where need be.

    ``known_by`` is a file that every such model has. Raises ComponentMissing when there is
    nothing to fetch it with, SettingsError about ``setting`` when it can't be had.
    """
    if Path(name).is_dir():
        return Path(name)
    try:
        from huggingface_hub import snapshot_download, try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    except ImportError as error:
        raise missing() from error
    try:
        found = try_to_load_from_cache(name, known_by)
        if isinstance(found, str):
            return Path(found).parent
        return Path(snapshot_download(name, ignore_patterns=list(_OTHER_RUNTIMES)))
    # Its errors are OSErrors (no connection, no such name) or httpx's, which it may let through.
    except (OSError, HFValidationError) as error:
        raise SettingsError(setting, name=name) from error


def missing() -> ComponentMissing:
    """Return the error for a machine without sentence-transformers."""
    return ComponentMissing(
        component="sentence-transformers", command="pip install 'kokkola-kb[models]'"
    )


def _unusable(name: str) -> SettingsError:
    return SettingsError("embedding_model", name=name)
