"""The term index: BM25 over the catalogue's FTS5 postings, scored word by word.

A question's word is a group of terms (its lemma, its parts, its stem) of which each has a
weight; a passage's score for the word is that of its best term and a little of the others', and
the whole is divided by the question's own ceiling, words that occur nowhere included, so 1
means: every word of the question, saturated, and a question whose words are hardly written
here (one in another language, say) gets little from the few that are.

BM25 as in Robertson & Zaragoza, *The Probabilistic Relevance Framework*, 2009, with the
non-negative idf ln(1 + (N - n + .5) / (n + .5)).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kb.catalogue import Catalogue
from kb.fusion import Scores

Rows = npt.NDArray[np.int64]

K1 = 1.2
B = 0.75
TIE = 0.15
"""What a word's other terms add to its best one: .02–.04 nDCG@10 better than their sum."""

CONTEXT_WEIGHT = 0.5
"""How much a term in the title or the headings counts beside one in the text."""

_CACHED_POSTINGS = 4000


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a question: ``(term, weight)`` pairs, any of which find it."""

    surface: str
    terms: tuple[tuple[str, float], ...]

    @property
    def weight(self) -> float:
        """How much the word counts: the largest weight of its terms."""
        return max((weight for _, weight in self.terms), default=0.0)


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """What the terms say: passages that have any of them, and which words each has.

    ``rows`` (n,) ascend; ``scores`` (n,) are shares of the question's ceiling, 0–1;
    ``coverage`` (n,) is the share of the question's idf-weighted words that occur, letter runs
    (terms that begin with ``_``) not counted; ``known`` is the share that occurs anywhere.
    """

    rows: Rows
    scores: Scores
    coverage: Scores
    known: float

    def at(self, rows: Rows) -> tuple[Scores, Scores]:
        """Return scores and coverage of some rows; 0 for those without any term."""
        if len(self.rows) == 0:
            return np.zeros(len(rows), np.float32), np.zeros(len(rows), np.float32)
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        here = self.rows[at] == rows
        return (
            np.where(here, self.scores[at], 0).astype(np.float32),
            np.where(here, self.coverage[at], 0).astype(np.float32),
        )


class LexicalIndex:
    """Scores passages by terms. Follows the catalogue's generation; safe between threads."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._generation = -1
        self._rows: Rows = np.empty(0, np.int64)
        self._norms: Scores = np.empty(0, np.float32)
        self._postings: OrderedDict[str, tuple[npt.NDArray[np.int32], Scores]] = OrderedDict()

    @property
    def passages(self) -> int:
        """How many passages there are."""
        with self._lock:
            self._follow()
            return len(self._rows)

    def score(self, words: Sequence[Word]) -> LexicalScores:
        """Return the passages that have any of the words' terms."""
        with self._lock:
            self._follow()
            count = len(self._rows)
            total = np.zeros(count, np.float32)
            covered = np.zeros(count, np.float32)
            known = ceiling = 0.0
            for word in words:
                score, here, best = self._word(word, count)
                if best == 0:
                    # Nobody writes it here: it lowers the share of what was found.
                    ceiling += word.weight * _idf(count, 0) * (K1 + 1)
                    continue
                ceiling += best
                known += best
                total += score
                covered[here] += best
            touched = np.flatnonzero(total)
            rows = self._rows[touched]
        if len(touched) == 0:
            none = np.empty(0, np.float32)
            return LexicalScores(rows, none, none, 0.0)
        return LexicalScores(
            rows,
            total[touched] / np.float32(ceiling),
            covered[touched] / np.float32(ceiling),
            known / ceiling,
        )

    def _word(self, word: Word, count: int) -> tuple[Scores, npt.NDArray[np.bool_], float]:
        """Return a word's score in every passage, where it occurs, and the most it could be."""
        best = np.zeros(count, np.float32)
        all_terms = np.zeros(count, np.float32)
        here = np.zeros(count, np.bool_)
        ceilings: list[float] = []
        for term, weight in word.terms:
            at, frequency = self._posting(term)
            if len(at) == 0:
                continue
            worth = weight * _idf(count, len(at))
            score = worth * frequency * (K1 + 1) / (frequency + self._norms[at])
            best[at] = np.maximum(best[at], score)
            all_terms[at] += score
            if not term.startswith("_"):
                here[at] = True
            ceilings.append(worth * (K1 + 1))
        if not ceilings:
            return best, here, 0.0
        most = max(ceilings)
        return best + TIE * (all_terms - best), here, most + TIE * (sum(ceilings) - most)

    def _posting(self, term: str) -> tuple[npt.NDArray[np.int32], Scores]:
        """Return the positions of a term's passages and its weighted frequency in each."""
        cached = self._postings.get(term)
        if cached is not None:
            self._postings.move_to_end(term)
            return cached
        docs, columns = self._catalogue.postings(term)
        rows, inverse = np.unique(docs, return_inverse=True)
        frequency = np.bincount(
            inverse, weights=np.where(columns == 1, CONTEXT_WEIGHT, 1.0), minlength=len(rows)
        )
        at = np.searchsorted(self._rows, rows)
        # A passage that came or went after the table was read is not scored.
        here = (at < len(self._rows)) & (self._rows[np.minimum(at, len(self._rows) - 1)] == rows)
        posting = (at[here].astype(np.int32), frequency[here].astype(np.float32))
        self._postings[term] = posting
        if len(self._postings) > _CACHED_POSTINGS:
            self._postings.popitem(last=False)
        return posting

    def _follow(self) -> None:
        generation = self._catalogue.generation
        if generation == self._generation:
            return
        self._rows, lengths = self._catalogue.passage_table()
        average = float(lengths.mean()) if len(lengths) else 1.0
        self._norms = (K1 * (1 - B + B * lengths / max(average, 1.0))).astype(np.float32)
        self._postings.clear()
        self._generation = generation


def _idf(count: int, frequency: int) -> float:
    return float(np.log(1 + (count - frequency + 0.5) / (frequency + 0.5)))
