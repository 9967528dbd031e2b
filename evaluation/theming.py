"""How well themes are guessed: micro-averaged F1 on passages that a reader labelled.

The weights are calibrated here too, on mixtures of the seeds: texts put together from one or
two themes' sentences and ordinary ones, compared with the sentences that are left. The labelled
passages have no part in that.
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import accumulate, product
from pathlib import Path

import numpy as np

from evaluation.errors import EvaluationError
from evaluation.metrics import Counts, Interval
from evaluation.tables import Table, columns, heading, note
from ingest.cleaning import fold
from ingest.readers.dispatch import read
from kb.classifying import (
    ThemeClassifier,
    Weights,
    Words,
    chosen,
    nearness,
    seed_sentences,
    seed_themes,
    seeds,
    word_shares,
)
from kb.model import LANGUAGES, Language
from kb.protocols import Embedder
from kb.themes import themes

LABELLED = Path(__file__).parent / "themes" / "passages.jsonl"
_RESAMPLES = 2000
_MIXTURES = 600
_WORDS_KEPT = 0.5
"""The seeds' sentences were written with the seeds' words in mind, so half of these are left
out when mixtures are compared with them."""


@dataclass(frozen=True, slots=True)
class LabelledPassage:
    """A passage and the themes that a reader gave it."""

    text: str
    language: Language
    themes: frozenset[str]


def load_labelled(documents: Path, file: Path = LABELLED) -> list[LabelledPassage]:
    """Read the labelled passages from their documents; raises EvaluationError."""
    if not documents.is_dir():
        raise EvaluationError("evaluation_folder", path=documents)
    texts: dict[str, _Folded] = {}
    found: list[LabelledPassage] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        if one["document"] not in texts:
            texts[one["document"]] = _Folded.of(read(documents / one["document"]).text)
        text = texts[one["document"]].between(fold(one["begins"]), fold(one["ends"]))
        found.append(LabelledPassage(text, one["language"], frozenset(one["themes"])))
    return found


@dataclass(frozen=True, slots=True)
class _Folded:
    """A text and its folding, which has no white space, with the way back by words."""

    text: str
    folded: str
    words: tuple[tuple[int, int], ...]
    """Where each word begins and ends in the text."""
    starts: tuple[int, ...]
    """Where each word begins in the folding."""

    @classmethod
    def of(cls, text: str) -> _Folded:
        places = [match.span() for match in re.finditer(r"\S+", text)]
        pieces = [fold(text[start:end]) for start, end in places]
        starts = [0, *accumulate(len(piece) for piece in pieces)]
        return cls(text, "".join(pieces), tuple(places), tuple(starts[:-1]))

    def between(self, begins: str, ends: str) -> str:
        """Return the text from the one to the other, both folded, by whole words."""
        start = self.folded.index(begins)
        end = self.folded.index(ends, start) + len(ends)
        first = bisect_right(self.starts, start) - 1
        last = bisect_right(self.starts, end - 1) - 1
        return self.text[self.words[first][0] : self.words[last][1]]


@dataclass(frozen=True, slots=True)
class ThemesResult:
    """Counts of given themes by language (and ``all``), F1 with its interval, and by theme."""

    passages: Mapping[str, int]
    counts: Mapping[str, Counts]
    intervals: Mapping[str, Interval]
    by_theme: Mapping[str, Counts]

    def to_json(self) -> dict[str, object]:
        """Return the figures."""
        return {
            "by_language": {
                name: {
                    "passages": self.passages[name],
                    "precision": _rounded(counts.precision),
                    "recall": _rounded(counts.recall),
                    "micro_f1": _rounded(counts.f1),
                    "interval": [
                        round(self.intervals[name].low, 4),
                        round(self.intervals[name].high, 4),
                    ],
                }
                for name, counts in self.counts.items()
            },
            "by_theme": {
                name: {
                    "precision": _rounded(counts.precision),
                    "recall": _rounded(counts.recall),
                    "f1": _rounded(counts.f1),
                }
                for name, counts in self.by_theme.items()
            },
        }

    def tables(self, language: str = "en") -> list[Table]:
        """Return the figures as tables."""
        names = ("language", "passages", "precision", "recall", "f1", "low", "high")
        return [
            Table(
                title=heading("themes", language),
                columns=columns(names, language),
                rows=tuple(
                    (
                        name,
                        self.passages[name],
                        counts.precision,
                        counts.recall,
                        counts.f1,
                        self.intervals[name].low,
                        self.intervals[name].high,
                    )
                    for name, counts in self.counts.items()
                ),
                note=note("themes", language),
            ),
            Table(
                title=heading("themes_each", language),
                columns=columns(("theme", "labelled", "precision", "recall", "f1"), language),
                rows=tuple(
                    (name, counts.expected, counts.precision, counts.recall, counts.f1)
                    for name, counts in self.by_theme.items()
                ),
            ),
        ]

    def table(self, language: str = "en") -> Table:
        """Return the first table."""
        return self.tables(language)[0]


def measure(guessed: Sequence[Sequence[str]], passages: Sequence[LabelledPassage]) -> ThemesResult:
    """Compare guesses with labels; intervals are percentile bootstraps over the passages."""
    each = [_counts(set(said), one.themes) for said, one in zip(guessed, passages, strict=True)]
    groups: dict[str, list[Counts]] = {"all": each}
    for language in LANGUAGES:
        groups[language] = [
            counts for counts, one in zip(each, passages, strict=True) if one.language == language
        ]
    return ThemesResult(
        passages={name: len(group) for name, group in groups.items()},
        counts={name: sum(group, Counts()) for name, group in groups.items()},
        intervals={name: _interval(group) for name, group in groups.items()},
        by_theme={
            theme.id: sum(
                (
                    _counts(set(said) & {theme.id}, one.themes & {theme.id})
                    for said, one in zip(guessed, passages, strict=True)
                ),
                Counts(),
            )
            for theme in themes()
        },
    )


def _counts(said: set[str], labels: frozenset[str]) -> Counts:
    right = len(said & labels)
    return Counts(returned=len(said), right=right, expected=len(labels), found=float(right))


def _interval(group: Sequence[Counts]) -> Interval:
    """Return micro-F1 and its 95 % interval: 2 right / (returned + expected) of resamples."""
    table = np.array([(c.right, c.returned + c.expected) for c in group], dtype=np.float64)
    if not len(table) or not table[:, 1].sum():
        return Interval(0.0, 0.0, 0.0)
    drawn = np.random.default_rng(0).integers(0, len(table), (_RESAMPLES, len(table)))
    sums = table[drawn].sum(axis=1)
    values = 2 * sums[:, 0] / np.maximum(sums[:, 1], 1)
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(2 * table[:, 0].sum() / table[:, 1].sum()), float(low), float(high))


def evaluate_themes(
    classifier: ThemeClassifier, embedder: Embedder, passages: Sequence[LabelledPassage]
) -> ThemesResult:
    """Measure the classifier on labelled passages."""
    vectors = embedder.embed_passages([one.text for one in passages])
    guessed = classifier.guess(
        [one.text for one in passages], [one.language for one in passages], vectors
    )
    return measure(guessed, passages)


# -- calibration -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mixture:
    """A text put together from seeds: of which sentences (their places), and its themes."""

    text: str
    language: Language
    places: frozenset[int]
    themes: frozenset[int]


def mixtures(count: int = _MIXTURES, *, seed: int = 0) -> list[Mixture]:
    """Return texts of none, one or two themes with ordinary sentences between."""
    chance = random.Random(seed)
    spoken, texts = seed_sentences()
    owners = seed_themes().tolist()
    prior = tomllib.loads((files("kb") / "prior.toml").read_text(encoding="utf-8"))["passages"]
    out: list[Mixture] = []
    for number in range(count):
        language = LANGUAGES[number % len(LANGUAGES)]
        wanted = chance.sample(range(len(seeds())), chance.choice((0, 1, 1, 1, 2, 2)))
        places = [
            chance.choice(
                [at for at, owner in enumerate(owners) if owner == theme and spoken[at] == language]
            )
            for theme in wanted
        ]
        parts = [texts[at] for at in places]
        parts += chance.sample(prior[language], chance.choice((1, 2, 3)))
        chance.shuffle(parts)
        out.append(Mixture(" ".join(parts), language, frozenset(places), frozenset(wanted)))
    return out


def calibrate(
    embedder: Embedder,
    prior: Mapping[Language, np.ndarray[tuple[int], np.dtype[np.float32]]],
    *,
    tried: Sequence[Weights] = (),
) -> tuple[Weights, float]:
    """Return the weights that are best on mixtures of the seeds, and their micro-F1 there.

    ``tried`` are the weights to choose from, all combinations by default.
    """
    made = mixtures()
    spoken, texts = seed_sentences()
    owners = seed_themes()
    means = np.array([prior[language] for language in spoken])
    sentences = _unit(embedder.embed_passages(texts) - means)
    vectors = embedder.embed_passages([one.text for one in made])
    centred = _unit(vectors - np.array([prior[one.language] for one in made]))
    near = np.stack(
        [
            nearness(row[None], np.delete(sentences, list(one.places), axis=0),
                     np.delete(owners, list(one.places)))[0]
            for row, one in zip(centred, made, strict=True)
        ]
    )  # fmt: skip
    shares = np.stack([word_shares(counts) for counts in _thinned_counts(made)])
    names = [theme.id for theme in themes()]
    best = (Weights(), 0.0)
    for weights in tried or [
        Weights(words=words, threshold=round(float(threshold), 2), ratio=ratio)
        for words, threshold, ratio in product(
            (0.25, 0.5, 0.75, 1.0, 1.5), np.arange(0.04, 0.5, 0.02), (0.4, 0.5, 0.6, 0.7)
        )
    ]:
        total = sum(
            (
                _counts(set(chosen(row, weights)), frozenset(names[t] for t in one.themes))
                for row, one in zip(near + weights.words * shares, made, strict=True)
            ),
            Counts(),
        )
        if (total.f1 or 0.0) > best[1]:
            best = (weights, total.f1 or 0.0)
    return best


def _thinned_counts(
    made: Sequence[Mixture],
) -> Iterator[np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """Yield the themes' word counts of mixtures by lists of which half is left out."""
    chance = random.Random(1)
    lists = {
        language: Words.of(
            language,
            [[w for w in one.words[language] if chance.random() < _WORDS_KEPT] for one in seeds()],
        )
        for language in LANGUAGES
    }
    for one in made:
        yield lists[one.language].count(one.text, one.language)


def _unit(
    matrix: np.ndarray[tuple[int, int], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(norms, 1e-9), dtype=np.float32)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
