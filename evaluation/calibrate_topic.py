"""When is a question about something else? Fitted on questions that are, and on our own.

    python -m evaluation.calibrate_topic --sets DIR [--write]

Questions of general test sets (encyclopaedia, web search) are put to the sample documents, which
are about none of that, beside the questions that are written over them. The data folder of the
settings has to hold the samples. The threshold is where ``_REFUSED`` of our own answerable
questions are turned away.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from evaluation.beir import load
from evaluation.fitting import Floats, Linear, logistic
from evaluation.questions import load_questions
from evaluation.suite import QUESTIONS
from kb.answering.refusing import TOPIC_FEATURES, topic_features
from kb.assembly import open_knowledge_base
from kb.knowledge_base import KnowledgeBase
from kb.settings import load_settings

OTHERS = (("nq_fi_a/fi-fi", 110), ("squad2_fi_dev/en-fi", 110), ("squad2_fi_dev/fi-fi", 60))
"""Sets whose questions are about other things, and how many are drawn of each."""

_PENALTY = 0.01
_REFUSED = 0.05
_FOLDS = 5


def features_of(kb: KnowledgeBase, questions: Sequence[str]) -> Floats:
    """Return the features of questions, shape (len(questions), len(TOPIC_FEATURES))."""
    rows = [topic_features(kb.material(question).ranking) for question in questions]
    return np.array(rows).reshape(len(questions), len(TOPIC_FEATURES))


def fit(ours: Floats, others: Floats) -> Linear:
    """Fit a regression in which both sides count the same."""
    right = np.r_[np.ones(len(ours), np.bool_), np.zeros(len(others), np.bool_)]
    weights = np.where(right, 0.5 / len(ours), 0.5 / len(others)) * len(right)
    return logistic(
        np.concatenate([ours, others]),
        right,
        penalty=_PENALTY,
        weights=weights,
        not_below_zero=True,
    )


def held_out(ours: Floats, others: Floats, answerable: Floats) -> tuple[float, float]:
    """Return the shares of ours that stay and of others that go, each by a fit without them."""
    stay, go = [], []
    for fold in range(_FOLDS):
        mine, theirs = np.arange(len(ours)) % _FOLDS, np.arange(len(others)) % _FOLDS
        fitted = fit(ours[mine != fold], others[theirs != fold])
        kept = ours[(mine != fold) & (answerable > 0)]
        threshold = float(np.quantile(fitted.scores(kept), _REFUSED))
        stay += (fitted.scores(ours[mine == fold]) >= threshold).tolist()
        go += (fitted.scores(others[theirs == fold]) < threshold).tolist()
    return float(np.mean(stay)), float(np.mean(go))


def as_toml(fitted: Linear, threshold: float) -> str:
    """Return the file that ``kb.answering.refusing`` reads."""
    lines = ["# Coefficients of kb.answering.refusing, as evaluation.calibrate_topic fitted them."]
    lines += [f"threshold = {threshold:.4g}", *fitted.lines(TOPIC_FEATURES)]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, print what was measured, and write the file where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True, help="a folder of test sets")
    parser.add_argument("--write", action="store_true", help="write kb/answering/topic.toml")
    chosen = parser.parse_args(arguments)
    written = [
        *load_questions(QUESTIONS / "dev.jsonl"),
        *load_questions(QUESTIONS / "tune.jsonl"),
    ]
    texts = [
        query.text
        for name, count in OTHERS
        for query in load(chosen.sets / name).sample(count).queries
    ]
    kb = open_knowledge_base(load_settings())
    try:
        ours = features_of(kb, [one.question for one in written])
        others = features_of(kb, texts)
    finally:
        kb.catalogue.close()
    answerable = np.array([float(one.answerable) for one in written])
    stay, go = held_out(ours, others, answerable)
    fitted = fit(ours, others)
    threshold = float(np.quantile(fitted.scores(ours[answerable > 0]), _REFUSED))
    sys.stdout.write(
        f"{len(ours)} of ours, {len(others)} about other things; held out: "
        f"{stay:.3f} of ours stay, {go:.3f} of the others go\n" + as_toml(fitted, threshold)
    )
    if chosen.write:
        path = Path(str(files("kb.answering") / "topic.toml"))
        path.write_text(as_toml(fitted, threshold), encoding="utf-8")


if __name__ == "__main__":
    main()
