"""How the evidence of words and of meaning becomes one score. Pure functions.

Ranks throw away how much better the first is than the second, so scores are fused, not ranks:
both are put on scales that mean the same for every question (a centred cosine, and the share
of the best term score that the question allows), and added.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
"""One score a candidate, shape (n,); NaN where a candidate has no score of this sort."""


def blend_dense(passage: Scores, sentence: Scores, *, sentence_weight: float) -> Scores:
    """Blend the cosine of passages with that of their best sentence.

    A candidate without sentences (NaN) counts by its passage alone, and one without a passage
    vector by its sentence alone.
    """
    blended = (1 - sentence_weight) * passage + sentence_weight * sentence
    return np.asarray(
        np.where(np.isnan(sentence), passage, np.where(np.isnan(passage), sentence, blended)),
        dtype=np.float32,
    )


def concerted(shares: Scores, coverage: Scores) -> Scores:
    """Return shares of the term ceiling, lowered where words of the question are missing.

    One rare word, many times, is worth less than all words once: share times the square root
    of coverage, both 0–1.
    """
    return np.asarray(shares * np.sqrt(coverage), dtype=np.float32)


def fuse(dense: Scores, lexical: Scores, *, lexical_weight: float) -> Scores:
    """Return dense + lexical_weight * lexical.

    Lexical scores are shares (0–1). A candidate that has no vector yet (NaN) is given the
    lowest dense score of the others, so that words alone can still find it.
    """
    if len(dense) == 0:
        return np.empty(0, np.float32)
    known = dense[~np.isnan(dense)]
    floor = float(known.min()) if len(known) else 0.0
    return np.asarray(
        np.where(np.isnan(dense), floor, dense) + lexical_weight * lexical, dtype=np.float32
    )


def in_order(classes: npt.NDArray[np.int64], scores: Scores) -> Scores:
    """Return the scores dealt out anew so that a higher class comes first, shape (n,).

    Within a class the order stays; the scores are the same, each at another place, so what they
    are compared with still holds.
    """
    if not classes.any():
        return scores
    order = np.lexsort((-scores, -classes))
    dealt = np.empty_like(scores)
    dealt[order] = np.sort(scores)[::-1]
    return dealt


def best_of(owners: npt.NDArray[np.int64], scores: Scores, among: npt.NDArray[np.int64]) -> Scores:
    """Return for each of ``among`` the best of the scores whose owner it is, NaN where none is.

    ``owners`` and ``scores`` have the shape (m,), ``among`` (n,), ascending and unique.
    """
    best = np.full(len(among), -np.inf, dtype=np.float32)
    if len(among) and len(owners):
        at = np.searchsorted(among, owners)
        inside = (at < len(among)) & (among[np.minimum(at, len(among) - 1)] == owners)
        np.maximum.at(best, at[inside], scores[inside])
    best[np.isneginf(best)] = np.nan
    return best


def top(scores: Scores, k: int) -> npt.NDArray[np.int64]:
    """Return the positions of the k largest scores, best first; ties in order of position."""
    return np.argsort(-scores, kind="stable")[:k].astype(np.int64)
