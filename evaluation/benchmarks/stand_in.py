"""Knowledge bases of any size without the hours that embedding would take.

The texts are sentences of real documents in a new order, the vectors are cheap stand-ins that
lie like real ones (close together, nearer where words are shared). Time, memory and disk are
those of the product; what is found means nothing.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from evaluation.errors import EvaluationError
from evaluation.reading import words
from ingest.pipeline import TextSource, ingest_texts
from kb.knowledge_base import KnowledgeBase
from kb.language import sentence_spans
from kb.model import LANGUAGES, Language
from kb.protocols import Matrix

_DIMENSION = 384
_SENTENCES = 60
"""Sentences of a made-up document: some ten passages."""


class StandIn:
    """Embeds by words: a common direction plus the mean of each word's own random one."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self.dimension = _DIMENSION
        self._common = _direction("")

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Return unit vectors whose cosines lie at 0.7–0.9, as E5's do."""
        rows = []
        for text in texts:
            found = words(text)[:200] or [""]
            own = np.mean([_direction(word) for word in found], axis=0)
            row = 1.6 * self._common + own / max(1e-6, float(np.linalg.norm(own)))
            rows.append(row / np.linalg.norm(row))
        return np.asarray(rows, dtype=np.float32).reshape(len(texts), _DIMENSION)

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Return what passages would have."""
        return self.embed_passages(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return a guess: four characters a token."""
        return [len(text) // 4 + 2 for text in texts]


@lru_cache(maxsize=40_000)  # 1.5 kB each, in a process whose memory is measured
def _direction(word: str) -> npt.NDArray[np.float32]:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
    vector = np.random.default_rng(seed).standard_normal(_DIMENSION).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def sentences_of(texts: Sequence[tuple[str, Language]]) -> dict[Language, list[str]]:
    """Return the sentences of texts by language; raises EvaluationError where there are none."""
    found: dict[Language, list[str]] = {language: [] for language in LANGUAGES}
    for text, language in texts:
        for span in sentence_spans(text, language):
            if span.end - span.start >= 25:
                found[language].append(text[span.start : span.end])
    if not any(found.values()):
        raise EvaluationError("no_documents")
    return {language: own for language, own in found.items() if own}


def made_up(
    sentences: dict[Language, list[str]], *, seed: int, start: int = 0
) -> Iterator[TextSource]:
    """Yield documents without end: sentences of one language drawn anew for each."""
    languages = list(sentences)
    number = start
    while True:
        generator = random.Random(f"{seed}:{number}")
        language = languages[number % len(languages)]
        drawn = generator.choices(sentences[language], k=_SENTENCES)
        # Two words are swapped in each sentence, so that few texts are the same.
        paragraphs = [
            " ".join(_swapped(one, generator) for one in drawn[at : at + 6])
            for at in range(0, _SENTENCES, 6)
        ]
        yield TextSource(
            key=f"made-up-{number}",
            text="\n\n".join(paragraphs),
            title=f"{number}",
            language=language,
        )
        number += 1


def _swapped(sentence: str, generator: random.Random) -> str:
    parts = sentence.split()
    if len(parts) > 4:
        first, second = generator.sample(range(len(parts) - 1), 2)
        parts[first], parts[second] = parts[second], parts[first]
    return " ".join(parts)


def grow(
    kb: KnowledgeBase,
    sentences: dict[Language, list[str]],
    *,
    passages: int,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Put made-up documents in until there are so many passages; return how many there are.

    The stand-in takes the embedder's place in the knowledge base while that lasts; questions
    are embedded by the real one.
    """
    real = kb.embedder
    kb.embedder = lambda: StandIn(kb.embeddings.fingerprint)
    try:
        while (have := kb.catalogue.counts()["passage"]) < passages:
            documents = kb.catalogue.counts()["document"]
            each = have / documents if documents else 10.0
            need = max(1, min(500, round((passages - have) / each)))
            source = made_up(sentences, seed=seed, start=documents)
            ingest_texts(kb, (next(source) for _ in range(need)))
            if progress is not None:
                progress(kb.catalogue.counts()["passage"])
    finally:
        kb.embedder = real
    return kb.catalogue.counts()["passage"]
