"""Any cross-encoder of sentence-transformers: it reads question and passage together.

None is used unless the settings name one: it must be brought along, needs torch, and reads every
passage anew for each question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kb.embedding.sentence_transformers import folder_of, missing
from kb.errors import SettingsError
from kb.fusion import Scores

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_BATCH = 16


class CrossEncoderReranker:
    """Scores passages with a model by name or folder, on ``threads`` processor cores.

    Raises ComponentMissing when sentence-transformers isn't installed, SettingsError when there
    is no such model or it gives more than one score a pair.
    """

    def __init__(self, name: str, *, threads: int | None = None) -> None:
        try:
            # torch isn't in the base install, where the type checker then misses it.
            import torch  # type: ignore[import-not-found, unused-ignore]
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise missing() from error
        if threads:
            torch.set_num_threads(threads)
        folder = folder_of(name, setting="reranker_model", known_by="config.json")
        try:
            self._model: CrossEncoder = CrossEncoder(str(folder), device="cpu")
        except (OSError, ValueError) as error:
            raise SettingsError("reranker_model", name=name) from error
        if self._model.num_labels != 1:
            raise SettingsError("reranker_model", name=name)

    def score(self, question: str, passages: Sequence[str]) -> Scores:
        """Return how well each passage answers, shape (n,); only their order means anything."""
        if not passages:
            return np.empty(0, np.float32)
        scores = self._model.predict(
            [(question, passage) for passage in passages],
            batch_size=_BATCH,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return np.asarray(scores, dtype=np.float32).reshape(len(passages))
