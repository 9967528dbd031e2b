"""Why there is no answer: nothing about it, not this detail, or only in another language."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kb.lexical import LexicalScores
from kb.model import Hit, Language
from kb.retrieval import Ranking, Rows

_ON_TOPIC = 0.35
"""Share of the question's words in a passage from which on the topic is there."""


def reason_of(ranking: Ranking) -> str:
    """Return the key of why nothing was said, by the best passage."""
    best = float(ranking.coverage[0]) if len(ranking.coverage) else 0.0
    return "reason.detail" if best >= _ON_TOPIC else "reason.topic"


def about_it(scores: LexicalScores) -> Rows:
    """Return the passages, by row, whose words are about what is asked."""
    return np.asarray(scores.rows[scores.coverage >= _ON_TOPIC], dtype=np.int64)


def elsewhere(
    ranking: Ranking, hits: Sequence[Hit], rows: Sequence[int], language: Language
) -> tuple[Hit, ...]:
    """Return the passages about what is asked, where all of them are in other languages.

    ``rows[i]`` is the row of ``hits[i]``. Empty where one of the passages is in the question's
    language, or none is about it.
    """
    shares = dict(zip(ranking.rows.tolist(), ranking.coverage.tolist(), strict=True))
    about = tuple(
        hit for hit, row in zip(hits, rows, strict=True) if shares.get(row, 0.0) >= _ON_TOPIC
    )
    return () if any(hit.passage.language == language for hit in about) else about
