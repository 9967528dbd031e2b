"""The term index: BM25 over the catalogue's FTS5 postings, scored word by word.

A question's word is a group of terms (its lemma, its parts, its stem) of which each has a
weight; a passage's score for the word is that of its best term and a little of the others', and
the whole is divided by the question's own ceiling, words that occur nowhere included, so 1
means: every word of the question, saturated, and a question whose words are hardly written
here (one in another language, say) gets little from the few that are. In passages of another
language than the question's, a word's translations count too, the best of them.

BM25 as in Robertson & Zaragoza, *The Probabilistic Relevance Framework*, 2009, with the
non-negative idf ln(1 + (N - n + .5) / (n + .5)).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from kb.fusion import Scores
from kb.model import LANGUAGES, Language

Rows = npt.NDArray[np.int64]

K1 = 1.2
B = 0.75
TIE = 0.15
"""What a word's other terms add to its best one: .02–.04 nDCG@10 better than their sum."""

MOST_PARTS = 0.3
"""A share of a translation of several words that counts as having it."""

CONTEXT_WEIGHT = 0.5
"""How much a term in the title or the headings of a passage counts beside one in its text."""

_CACHED_POSTINGS = 4000


Terms = tuple[tuple[str, float], ...]
"""``(term, weight)`` pairs, any of which find a word."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A way to say a word in another language; it finds passages of that language only.

    Its ``parts`` together say it (*waste* and *water*), each in the best of its ways. ``weight``
    is how sure it is (0–1].
    """

    language: Language
    parts: tuple[tuple[Terms, ...], ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a question: the terms that find it, and how other languages say it."""

    surface: str
    terms: Terms
    translations: tuple[Translation, ...] = ()

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
        at, here = _places(self.rows, rows)
        scores, coverage = np.zeros((2, len(rows)), np.float32)
        scores[here], coverage[here] = self.scores[at], self.coverage[at]
        return scores, coverage


@dataclass(frozen=True, slots=True)
class _Found:
    """Of each passage the share (0–1) of a word's best, whether it has it, and that best."""

    share: Scores
    here: npt.NDArray[np.bool_]
    best: float


class Postings(Protocol):
    """What is scored: the catalogue, or anything else that knows where terms occur."""

    @property
    def generation(self) -> int:
        """A number that rises with every change."""

    def passage_table(self) -> tuple[Rows, npt.NDArray[np.int32], npt.NDArray[np.int8]]:
        """Return every passage's row (ascending), length in terms and place in ``LANGUAGES``."""

    def postings(self, term: str) -> tuple[Rows, npt.NDArray[np.int8]]:
        """Return where a term occurs: rows (repeated by count) and 0 body, 1 context."""


class LexicalIndex:
    """Scores passages by terms. Follows the catalogue's generation; safe between threads.

    ``context_weight`` is what a term counts in the title or the headings, beside one in the text.
    """

    def __init__(self, catalogue: Postings, *, context_weight: float = CONTEXT_WEIGHT) -> None:
        self._catalogue = catalogue
        self._context_weight = context_weight
        self._lock = threading.Lock()
        self._generation = -1
        self._rows: Rows = np.empty(0, np.int64)
        self._norms: Scores = np.empty(0, np.float32)
        self._languages: npt.NDArray[np.int8] = np.empty(0, np.int8)
        self._postings: OrderedDict[str, tuple[npt.NDArray[np.int32], Scores]] = OrderedDict()

    def languages_of(self, rows: Rows) -> npt.NDArray[np.int8]:
        """Return the places in ``LANGUAGES`` of passages; 0 for one that isn't there."""
        with self._lock:
            self._follow()
            at, here = _places(self._rows, rows)
            languages = np.zeros(len(rows), np.int8)
            languages[here] = self._languages[at]
            return languages

    def norms(self, rows: Rows) -> Scores:
        """Return K1 times each passage's length as BM25 has it; that of an average one if gone."""
        with self._lock:
            self._follow()
            at, here = _places(self._rows, rows)
            norms = np.full(len(rows), K1, np.float32)
            norms[here] = self._norms[at]
            return norms

    def idf(self, term: str) -> float:
        """Return a term's inverse document frequency, that of a term nobody writes included."""
        with self._lock:
            self._follow()
            return _idf(len(self._rows), len(self._posting(term)[0]))

    @property
    def passages(self) -> int:
        """How many passages there are."""
        with self._lock:
            self._follow()
            return len(self._rows)

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages that there are passages of."""
        with self._lock:
            self._follow()
            return tuple(LANGUAGES[place] for place in np.unique(self._languages).tolist())

    def rarities(self, words: Sequence[Word]) -> tuple[float, ...]:
        """Return how much each word tells: its weight times the idf of its rarest term.

        Translations count where the word itself isn't written here; what isn't written at all
        tells most.
        """
        with self._lock:
            self._follow()
            count = len(self._rows)
            return tuple(word.weight * self._rarity(word, count) for word in words)

    def _rarity(self, word: Word, count: int) -> float:
        found = [
            _idf(count, len(at))
            for term, _ in word.terms
            if not term.startswith("_") and len(at := self._posting(term)[0])
        ]
        if not found:
            found = [
                _idf(count, len(at))
                for way in word.translations
                for part in way.parts
                for terms in part
                for term, _ in terms
                if not term.startswith("_") and len(at := self._posting(term)[0])
            ]
        return max(found, default=_idf(count, 0))

    def score(self, words: Sequence[Word]) -> LexicalScores:
        """Return the passages that have any of the words' terms."""
        with self._lock:
            self._follow()
            count = len(self._rows)
            total = np.zeros(count, np.float32)
            covered = np.zeros(count, np.float32)
            # By the passages' language: a word may be rarer in one than in another.
            known, ceiling = np.zeros((2, len(LANGUAGES)))
            for word in words:
                share, here, bests = self._word(word, count)
                if not bests.any():
                    # Nobody writes it here: it lowers the share of what was found.
                    ceiling += word.weight * _idf(count, 0) * (K1 + 1)
                    continue
                ceiling += bests
                known += bests
                best = bests.astype(np.float32)[self._languages]
                total += share * best
                covered += here * best
            touched = np.flatnonzero(total)
            rows = self._rows[touched]
            most = ceiling.astype(np.float32)[self._languages[touched]]
        if len(touched) == 0:
            none = np.empty(0, np.float32)
            return LexicalScores(rows, none, none, 0.0)
        return LexicalScores(
            rows, total[touched] / most, covered[touched] / most, float((known / ceiling).max())
        )

    def _word(
        self, word: Word, count: int
    ) -> tuple[Scores, npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
        """Return a word's share in every passage, where it occurs, and its best by language."""
        own = self._terms(word.terms, count)
        share, here = own.share, own.here
        bests = np.zeros(len(LANGUAGES))
        for place, language in enumerate(LANGUAGES):
            ways = [way for way in word.translations if way.language == language]
            if not ways:
                bests[place] = own.best
                continue
            found = _either([(way.weight, self._parts(way, count)) for way in ways], count)
            there = self._languages == place
            share = np.where(there, np.maximum(share, found.share), share)
            here = here | (there & found.here)
            bests[place] = found.best or own.best
        # Where no passage has it: as much as where it is known.
        bests[bests == 0] = bests.max()
        return share, here, bests

    def _parts(self, way: Translation, count: int) -> _Found:
        """Return what a translation finds; all its parts together make its best."""
        parts = [
            _either([(1.0, self._terms(terms, count)) for terms in part], count)
            for part in way.parts
        ]
        if len(parts) == 1:
            return parts[0]
        written = [part for part in parts if part.best]
        if not written:
            return parts[0]
        # A part that nobody writes here would have been worth as much as the others.
        best = sum(part.best for part in written) * len(parts) / len(written)
        share = _none(count)
        for part in written:
            share += part.share * np.float32(part.best / best)
        return _Found(share, share > np.float32(MOST_PARTS), best)

    def _terms(self, terms: Terms, count: int) -> _Found:
        """Return what a group of terms finds: the best of them and a little of the others."""
        best = _none(count)
        all_terms = _none(count)
        here = np.zeros(count, np.bool_)
        ceilings: list[float] = []
        for term, weight in terms:
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
            return _Found(best, here, 0.0)
        largest = max(ceilings)
        most = largest + TIE * (sum(ceilings) - largest)
        share = ((best + TIE * (all_terms - best)) / most).astype(np.float32)
        return _Found(share, here, most)

    def _posting(self, term: str) -> tuple[npt.NDArray[np.int32], Scores]:
        """Return the positions of a term's passages and its weighted frequency in each."""
        cached = self._postings.get(term)
        if cached is not None:
            self._postings.move_to_end(term)
            return cached
        docs, columns = self._catalogue.postings(term)
        rows, inverse = np.unique(docs, return_inverse=True)
        frequency = np.bincount(
            inverse, weights=np.where(columns == 1, self._context_weight, 1.0), minlength=len(rows)
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
        self._rows, lengths, self._languages = self._catalogue.passage_table()
        average = float(lengths.mean()) if len(lengths) else 1.0
        self._norms = (K1 * (1 - B + B * lengths / max(average, 1.0))).astype(np.float32)
        self._postings.clear()
        self._generation = generation


def _places(among: Rows, rows: Rows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return where those of ``rows`` that are there stand in ascending ``among``, and which are."""
    at = np.searchsorted(among, rows)
    here = at < len(among)
    here[here] = among[at[here]] == rows[here]
    return at[here], here


def _idf(count: int, frequency: int) -> float:
    return float(np.log(1 + (count - frequency + 0.5) / (frequency + 0.5)))


def _none(count: int) -> Scores:
    return np.zeros(count, np.float32)


def _either(found: Sequence[tuple[float, _Found]], count: int) -> _Found:
    """Return what the best of several weighted ways finds, worth as much as the commonest.

    So a rare way to say a common word doesn't make the word a rare one. After A. Pirkola, *The
    Effects of Query Structure and Dictionary Setups in Dictionary-Based Cross-Language
    Information Retrieval*, 1998, which counts a word's translations as one term.
    """
    written = [(weight, one) for weight, one in found if one.best]
    if not written:
        return _Found(_none(count), np.zeros(count, np.bool_), 0.0)
    share = _none(count)
    here = np.zeros(count, np.bool_)
    for weight, one in written:
        np.maximum(share, one.share * np.float32(weight), out=share)
        here |= one.here
    return _Found(share, here, min(one.best for _, one in written))
