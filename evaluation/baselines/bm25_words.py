"""BM25 over plain words: no morphology, no stop words, no vectors.

S. Robertson, H. Zaragoza: The Probabilistic Relevance Framework: BM25 and Beyond, 2009; idf as
in Lucene, ln(1 + (N − df + 0.5) / (df + 0.5)).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from math import log

import numpy as np
import numpy.typing as npt

from evaluation.beir import DEPTH, BeirResult, BeirSet, Entry, Scored, run

_WORD = re.compile(r"\w+")


class Bm25Words:
    """An index of words as they are written, lower case."""

    system = "bm25-words"

    def __init__(self, entries: Iterable[Entry], *, k1: float = 1.2, b: float = 0.75) -> None:
        self._ids: list[str] = []
        lengths: list[int] = []
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, entry in enumerate(entries):
            found = _WORD.findall(entry.whole.casefold())
            self._ids.append(entry.id)
            lengths.append(len(found))
            for word, count in Counter(found).items():
                postings[word].append((number, count))
        length = np.asarray(lengths, dtype=np.float64)
        norm = k1 * (1 - b + b * length / max(1.0, float(length.mean()) if lengths else 1.0))
        self._weights: dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = {}
        for word, found_in in postings.items():
            rows = np.asarray([row for row, _ in found_in], dtype=np.int64)
            counts = np.asarray([count for _, count in found_in], dtype=np.float64)
            idf = log(1 + (len(lengths) - len(rows) + 0.5) / (len(rows) + 0.5))
            self._weights[word] = (rows, idf * counts * (k1 + 1) / (counts + norm[rows]))

    def __len__(self) -> int:
        return len(self._ids)

    def search(self, text: str) -> list[Scored]:
        """Return at most 100 entries that share a word with the text, best first."""
        scores = np.zeros(len(self._ids))
        for word in _WORD.findall(text.casefold()):
            if word in self._weights:
                rows, weights = self._weights[word]
                scores[rows] += weights
        best = np.argsort(-scores, kind="stable")[:DEPTH]
        return [Scored(self._ids[row], float(scores[row])) for row in best if scores[row] > 0]


def bm25(beir: BeirSet, *, seed: int = 0) -> BeirResult:
    """Measure BM25 over plain words on a set."""
    index = Bm25Words(beir.entries())
    return run(beir, index.search, system=index.system, seed=seed, entries=len(index))
