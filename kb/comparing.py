"""What comparing projects is made of: evened vectors, nearest sentences, weighed words, names."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kb.analysis.engines import index_terms
from kb.centring import Vector, unit
from kb.fusion import Scores
from kb.lexical import Terms, Word
from kb.model import LANGUAGES, Language, Span
from kb.project import Project, folded, passage_spans
from kb.protocols import Matrix

_SHORTEST_QUOTE = 25

_PRIOR_WEIGHT = 100

_POWER = 0.75
"""How far the directions of vectors are evened out: 0 leaves them, 1 is whitening."""
_ROWS = 4096
"""Vectors that tell how much each direction varies: more tell the same."""

_LONGEST_NAME = 8
"""Words of a place or partner that is looked for in a text."""


def means_of(
    matrix: Matrix, spoken: Sequence[Language], prior: Mapping[Language, Vector]
) -> dict[Language, Vector]:
    """Return the mean passage of each language.

    Where there is little of a language, it is the prior's mean, moved as the languages that
    there is much of have moved from theirs: what projects have in common, in any language.
    """
    found: dict[Language, Vector] = {}
    shift = np.zeros(matrix.shape[1], np.float32)
    for language in LANGUAGES:
        here = np.array([one == language for one in spoken])
        if here.any():
            # A few texts say what they are about, not what all have in common.
            share = here.sum() / (len(spoken) + _PRIOR_WEIGHT)
            shift += (matrix[here].mean(axis=0) - prior[language]) * np.float32(share)
    for language in LANGUAGES:
        here = np.array([one == language for one in spoken])
        count = int(here.sum())
        share = count / (count + _PRIOR_WEIGHT)
        own = matrix[here].mean(axis=0) if count else prior[language]
        found[language] = np.asarray(
            share * own + (1 - share) * (prior[language] + shift), dtype=np.float32
        )
    return found


@dataclass(frozen=True, slots=True)
class Space:
    """Where vectors are compared: less the mean of their language, directions evened out.

    All vectors of a model lean to the same few directions, whatever they say, so cosines tell
    mostly of these. Each direction is divided by a power of how much it varies here (whitening,
    as Su et al., *Whitening sentence representations*, 2021, but softened: the mean variance is
    added to each, and fewer rows than dimensions hardly change anything).
    """

    means: Mapping[Language, Vector]
    turn: Matrix
    """Shape (dimension, dimension)."""

    @classmethod
    def of(
        cls, matrix: Matrix, spoken: Sequence[Language], means: Mapping[Language, Vector]
    ) -> Space:
        """Return the space of raw vectors (n, dimension), of which each language is told."""
        step = -(-len(matrix) // _ROWS) or 1
        rows = _less_means(matrix[::step], spoken[::step], means)
        count, dimension = rows.shape
        variances, directions = np.linalg.eigh(rows.T @ rows / max(1, count))
        mean = float(variances.mean()) or 1.0
        share = count / (count + dimension)
        evened = share * np.maximum(variances, 0) + (1 - share) * mean + mean
        scaled = directions * (evened / (2 * mean)) ** (-_POWER / 2)
        return cls(means, np.asarray(scaled @ directions.T, dtype=np.float32))

    def rows(self, matrix: Matrix, language: Language) -> Matrix:
        """Return raw vectors of a language as unit rows."""
        return self.mixed(matrix, [language] * len(matrix))

    def mixed(self, matrix: Matrix, spoken: Sequence[Language]) -> Matrix:
        """Return raw vectors of several languages as unit rows."""
        return unit(_less_means(matrix, spoken, self.means) @ self.turn) if len(matrix) else matrix


def _less_means(
    matrix: Matrix, spoken: Sequence[Language], means: Mapping[Language, Vector]
) -> Matrix:
    out = np.empty_like(matrix)
    for language in set(spoken):
        here = np.array([one == language for one in spoken])
        out[here] = unit(matrix[here] - means[language])
    return out


def mean_row(matrix: Matrix, weights: npt.NDArray[np.float32]) -> Vector:
    """Return the weighted mean of rows (n, dimension) as a unit vector."""
    return np.asarray(unit((weights @ matrix)[None, :])[0], dtype=np.float32)


def longest(spans: Sequence[Span], most: int) -> tuple[Span, ...]:
    """Return the longest spans, at most so many, in their order."""
    return tuple(sorted(sorted(spans, key=len, reverse=True)[:most]))


def nearer_half(
    near: Matrix, *, least: int, weights: npt.NDArray[np.float32] | None = None
) -> Scores:
    """Return of each row the mean of its higher half, of ``least`` values at least.

    ``near`` is (n, parts); ``weights`` (parts,) are what the parts count.
    """
    parts = near.shape[1]
    kept = max(min(parts, least), -(-parts // 2))
    places = np.argpartition(near, parts - kept, axis=1)[:, parts - kept :]
    values = np.take_along_axis(near, places, axis=1)
    if weights is None:
        return np.asarray(values.mean(axis=1), dtype=np.float32)
    counts = weights[places]
    return np.asarray((values * counts).sum(axis=1) / counts.sum(axis=1), dtype=np.float32)


def nearest_pair(cosine: Matrix, theirs: Sequence[Span], ours: Sequence[Span]) -> tuple[Span, Span]:
    """Return the nearest pair of sentences; short ones only where there are no others."""
    long = np.array([len(span) >= _SHORTEST_QUOTE for span in theirs])
    quotable = np.array([len(span) >= _SHORTEST_QUOTE for span in ours])
    shown = cosine.copy()
    if long.any():
        shown[~long] -= 2
    if quotable.any():
        shown[:, ~quotable] -= 2
    row, column = np.unravel_index(int(shown.argmax()), shown.shape)
    return theirs[int(row)], ours[int(column)]


def pair_by_words(
    text: str, spans: Sequence[Span], language: Language, project: Project
) -> tuple[Span, Span] | None:
    """Return the sentences that share most words: what is shown before there are vectors."""
    _, theirs = passage_spans(project.text, project.language)
    ours = {span: set(_terms(text, span, language)) for span in spans}
    best: tuple[float, tuple[Span, Span] | None] = (0.0, None)
    for span in theirs:
        words = set(_terms(project.text, span, project.language))
        for other, known in ours.items():
            shared = len(words & known) / math.sqrt(max(1, len(words) * len(known)))
            if shared > best[0]:
                best = (shared, (span, other))
    return best[1]


def _terms(text: str, span: Span, language: Language) -> list[str]:
    return [t for t in index_terms(text[span.start : span.end], language) if not t.startswith("_")]


def without_runs(word: Word) -> Word:
    """Return a word without its letter runs.

    They find misspelt words and unknown compounds, which a text of fifty words can do without,
    and they are most of the terms to look up.
    """
    return replace(
        word,
        terms=_whole(word.terms),
        translations=tuple(
            replace(way, parts=tuple(tuple(_whole(one) for one in part) for part in way.parts))
            for way in word.translations
        ),
    )


def weighed(word: Word, factor: float) -> Word:
    """Return a word that counts so many times as much, in every language."""

    def more(terms: Terms) -> Terms:
        return tuple((term, weight * factor) for term, weight in terms)

    return replace(
        word,
        terms=more(word.terms),
        translations=tuple(
            replace(way, parts=tuple(tuple(more(one) for one in part) for part in way.parts))
            for way in word.translations
        ),
    )


def _whole(terms: Terms) -> Terms:
    return tuple(pair for pair in terms if not pair[0].startswith("_")) or terms


def names_in(text: str, names: Container[str]) -> frozenset[str]:
    """Return the places and partners that a text names, in whatever form of the word."""
    words = folded(text).split()
    runs = {
        " ".join(words[at : at + length])
        for at in range(len(words))
        for length in range(1, _LONGEST_NAME + 1)
    }
    lemmas = {term for language in ("fi", "sv") for term in index_terms(text, language)}
    return frozenset(name for name in runs | lemmas if name in names and len(name) > 2)


def overlap(first: tuple[int, int] | None, second: tuple[int, int] | None) -> float:
    """Return the share of the shorter one's years in which both run."""
    if first is None or second is None:
        return 0.0
    shared = min(first[1], second[1]) - max(first[0], second[0]) + 1
    return max(0, shared) / (min(first[1] - first[0], second[1] - second[0]) + 1)
