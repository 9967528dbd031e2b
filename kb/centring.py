"""Centring: what all texts share is taken out of their vectors before they are compared.

A multilingual model puts all questions in one corner and all passages of a language in
another, so raw cosines mostly say "this is Finnish text". Passages minus the mean passage of
their language and questions minus the mean question of theirs leave what each one says (the
idea of all-but-the-top, Mu & Viswanath 2018, with the mean alone). Vectors are stored raw,
since the mean moves with every ingest; the means are taken from a sample here.
"""

from __future__ import annotations

import os
import threading
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from kb.catalogue import Catalogue
from kb.embeddings import Embeddings
from kb.fusion import Scores
from kb.model import LANGUAGES, Language
from kb.protocols import Embedder, Matrix

Vector = npt.NDArray[np.float32]
Languages = npt.NDArray[np.int8]

_SAMPLE = 2048
_PRIOR_WEIGHT = 100
"""The prior mean counts as this many passages, and the mean of all as much in a language's."""


@dataclass(frozen=True, slots=True)
class Centre:
    """The mean passage and the mean question of each language, shape (dimension,)."""

    passage: dict[Language, Vector]
    question: dict[Language, Vector]

    def passages(self, matrix: Matrix, languages: Languages) -> Matrix:
        """Return passages, or their sentences, minus the mean of their language, as unit rows.

        ``languages`` (n,) holds places in ``LANGUAGES``.
        """
        if len(matrix) == 0:
            return matrix
        means = np.stack([self.passage[language] for language in LANGUAGES])
        return unit(np.asarray(matrix - means[languages], dtype=np.float32))

    def query(self, vector: Vector, language: Language | None) -> Vector:
        """Return a question minus the mean question of its language, as a unit vector.

        A question of no clear language is measured against the mean of all.
        """
        mean = (
            self.question[language]
            if language is not None
            else np.mean(list(self.question.values()), axis=0)
        )
        return np.asarray(unit((vector - mean)[None, :])[0], dtype=np.float32)


def cosines(matrix: Matrix, query: Vector) -> Scores:
    """Return the inner products of unit rows (n, dimension) with a unit vector."""
    if len(matrix) == 0:
        return np.empty(0, np.float32)
    return np.asarray(matrix @ query, dtype=np.float32)


def unit(matrix: Matrix) -> Matrix:
    """Return rows of length one; a row of zeros stays."""
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(norms, 1e-9), dtype=np.float32)


class Centring:
    """Keeps the means of one model over one catalogue."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        embeddings: Embeddings,
        embedder: Callable[[], Embedder],
        questions: str,
        cache_folder: Path,
    ) -> None:
        self._catalogue = catalogue
        self._embeddings = embeddings
        self._embedder = embedder
        # Both models' names: ``questions`` is the one that reads questions, which may change alone.
        made_of = f"{embeddings.fingerprint} {questions} {prior_text()}"
        self._file = cache_folder / f"prior-{sha256(made_of.encode()).hexdigest()[:16]}.npz"
        self._lock = threading.Lock()
        self._prior: dict[str, Vector] | None = None
        self._centre: Centre | None = None
        self._generation = -1

    def prepare(self) -> None:
        """Embed the prior's texts if that hasn't been done, so that no question has to wait."""
        with self._lock:
            self._load_prior()

    def centre(self) -> Centre:
        """Return the means as of now."""
        with self._lock:
            generation = self._catalogue.generation
            if self._centre is None or generation != self._generation:
                self._centre = self._measure()
                self._generation = generation
            return self._centre

    def prior_passages(self) -> dict[Language, Vector]:
        """Return the mean passage of each language as the prior's texts give it."""
        with self._lock:
            prior = self._load_prior()
        return {language: prior[f"passages_{language}"] for language in LANGUAGES}

    def _measure(self) -> Centre:
        prior = self._load_prior()
        spoken, sample = self._embeddings.sample_vectors(limit=_SAMPLE)
        prior_mean = np.mean([prior[f"passages_{language}"] for language in LANGUAGES], axis=0)
        mean = _shrunk(sample, prior_mean)
        return Centre(
            # A language of few passages is centred nearly as all are together.
            passage={
                language: _shrunk(sample[[name == language for name in spoken]], mean)
                if len(sample)
                else mean
                for language in LANGUAGES
            },
            question={language: prior[f"questions_{language}"] for language in LANGUAGES},
        )

    def _load_prior(self) -> dict[str, Vector]:
        if self._prior is not None:
            return self._prior
        kept = self._read_prior()
        if kept is None:
            kept = self._embed_prior()
            self._file.parent.mkdir(parents=True, exist_ok=True)
            half_done = self._file.with_suffix(f".{os.getpid()}")
            half_done.write_bytes(kept)
            half_done.replace(self._file)
        with np.load(BytesIO(kept), allow_pickle=False) as arrays:
            self._prior = {name: arrays[name] for name in arrays.files}
        return self._prior

    def _read_prior(self) -> bytes | None:
        try:
            kept = self._file.read_bytes()
            with np.load(BytesIO(kept), allow_pickle=False) as arrays:
                return kept if len(arrays.files) == 2 * len(LANGUAGES) else None
        except (OSError, ValueError, BadZipFile):  # not there yet, or damaged: made anew
            return None

    def _embed_prior(self) -> bytes:
        texts = tomllib.loads(prior_text())
        embedder = self._embedder()
        means: dict[str, Vector] = {}
        for language in LANGUAGES:
            means[f"questions_{language}"] = embedder.embed_queries(
                texts["questions"][language]
            ).mean(axis=0)
            means[f"passages_{language}"] = embedder.embed_passages(
                texts["passages"][language]
            ).mean(axis=0)
        out = BytesIO()
        # numpy's types take the arrays only by name.
        np.savez(out, allow_pickle=False, **means)
        return out.getvalue()


def _shrunk(sample: Matrix, towards: Vector) -> Vector:
    """Return the mean of a sample, drawn towards another mean as if by ``_PRIOR_WEIGHT`` rows."""
    if len(sample) == 0:
        return towards
    weight = _PRIOR_WEIGHT / (_PRIOR_WEIGHT + len(sample))
    return np.asarray(weight * towards + (1 - weight) * sample.mean(axis=0), dtype=np.float32)


def prior_text() -> str:
    """Return the ordinary questions and passages of each language, as TOML."""
    return (files("kb") / "prior.toml").read_text(encoding="utf-8")
