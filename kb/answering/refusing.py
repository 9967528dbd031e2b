"""Why there is no answer: nothing about it, not this detail, or only in another language."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from kb.answering.support import Features, Regression, regression
from kb.fusion import concerted
from kb.lexical import LexicalScores
from kb.model import Hit, Language
from kb.retrieval import Ranking, Rows

_ON_TOPIC = 0.35
"""Share of the question's words in a passage from which on the topic is there."""


TOPIC_FEATURES = ("dense", "terms", "known")
"""What tells whether a question is about the material at all; each can only speak for it:

- dense: best cosine among the passages found
- terms: best share of the term ceiling, words that are missing taken off
- known: share of the question's words, by rarity, that are written anywhere
"""


_SHORT = 3
_TOGETHER, _FAR = 0.5, 0.26
"""Words of a short question, the share of them that a passage has to hold, and the centred cosine
from which on it needn't. Of 30 everyday questions about other things that were answered in 13
cases, 5 more are refused, of 16 fresh ones 1 of 8; of 272 of ours that were answered 2."""

_ENOUGH = 50
"""Among fewer passages no word is rare and no mean is one: nothing to tell by."""


def topic_features(ranking: Ranking) -> Features:
    """Return the features of what was found for a question, shape (len(TOPIC_FEATURES),)."""
    dense = ranking.dense[~np.isnan(ranking.dense)]
    terms = concerted(ranking.lexical, ranking.coverage)
    return np.array(
        [dense.max(initial=0.0), terms.max(initial=0.0), ranking.known_words], dtype=np.float64
    )


def about_something_else(ranking: Ranking) -> bool:
    """Return whether a question is about nothing that the material is about.

    A question on football finds its nearest passages too, and some sentence among them has a
    number where a number is asked for: what answers best can't tell. How near they are, and how
    much of the question they say, can. Told by a regression (``evaluation.calibrate_topic``).
    """
    if ranking.passages < _ENOUGH or np.isnan(ranking.dense).all():
        return False
    topic, threshold = _topic()
    return float(topic.log_odds(topic_features(ranking))) < threshold


def shares_a_word(ranking: Ranking, content_words: int, together: float) -> bool:
    """Return whether what was found for a short question only shares a word with it.

    *Weather tomorrow* finds a table with a weather station. ``together`` is the most of the
    question, by rarity, that one passage holds. A longer question says in other words what the
    material says, so it isn't told so.
    """
    if ranking.passages < _ENOUGH or content_words > _SHORT or np.isnan(ranking.dense).all():
        return False
    return together < _TOGETHER and float(np.nanmax(ranking.dense)) < _FAR


@cache
def _topic() -> tuple[Regression, float]:
    source = tomllib.loads((files("kb.answering") / "topic.toml").read_text(encoding="utf-8"))
    return regression(source, TOPIC_FEATURES), float(source["threshold"])


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
