"""How questions are put, and lessons in which that doesn't tell whether they are answered.

Who invents unanswerable questions asks for prices and numbers sooner than for reasons. A model
that learns from them as they are is wary of every question for a price.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from typing import get_args

import numpy as np

from evaluation.answer_model.lists import Question
from evaluation.fitting import Floats, logistic
from kb.answering.asking import AskedKind, kind_of

_PRICE = re.compile(r"maks|hin(ta|na)|kusta|kost|pris|cost|price|pay", re.IGNORECASE)
_COUNT = re.compile(r"monta|how many|hur många", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_SHORT = 3
"""Words of a question that is hardly more than keywords."""

_PENALTY = 0.001
_LEAST = 0.3
"""Share of the answerable questions that are kept of every manner: a manner in which nearly
nothing is unanswerable would else lose nearly all."""


def manner(one: Question) -> Floats:
    """Return how a question is put, whatever it is about: its kind, length, and what it asks for.

    Shape (features,).
    """
    kind = kind_of(one.text, one.asked_in)
    words = max(1, len(one.text.split()))
    return np.array(
        [
            *(float(kind == name) for name in get_args(AskedKind)),
            math.log(words),
            float(words <= _SHORT),
            float(bool(_PRICE.search(one.text))),
            float(bool(_COUNT.search(one.text))),
            float("?" in one.text),
            float(bool(_DIGIT.search(one.text))),
        ]
    )


def balanced(questions: Sequence[Question], draws: random.Random) -> list[Question]:
    """Return the questions without some, drawn by lot, in their order.

    A logistic regression tells how likely a question of each manner is unanswerable. Where that is
    likelier than among all, unanswerable ones go, and where it is less likely answerable ones,
    until both stand in every manner about as among all.
    """
    unanswerable = np.array([not one.answers for one in questions], dtype=bool)
    if unanswerable.all() or not unanswerable.any():
        return list(questions)
    features = np.array([manner(one) for one in questions])
    fitted = logistic(features, unanswerable, penalty=_PENALTY)
    share = float(unanswerable.mean())
    odds = np.exp(fitted.scores(features)) / (share / (1 - share))
    chances = np.where(unanswerable, 1 / odds, np.maximum(_LEAST, odds))
    return [
        one
        for one, chance in zip(questions, chances.tolist(), strict=True)
        if draws.random() < chance
    ]
