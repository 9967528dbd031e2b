"""Which themes a text is about, from seeds in three languages: several, one, or none.

Two kinds of evidence are added: how near a passage lies to sentences that were written for each
theme (cosines of vectors that are centred by language), and which of each theme's words it has
(dictionary forms, and parts of compounds where no theme knows the whole). The weights were
calibrated on mixtures of the seeds (``evaluation.theming``), never on the labelled passages
that measure it.
"""

from __future__ import annotations

import os
import threading
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kb.analysis import Token
from kb.analysis.engines import analyzer
from kb.centring import Centring, Vector
from kb.model import LANGUAGES, Language
from kb.protocols import Embedder, Matrix
from kb.themes import themes

Scores = npt.NDArray[np.float32]

MOST = 3
"""Themes of a passage at most."""

_NEAREST = 3
_PART = 0.5
"""What a part of a compound tells beside the whole word."""

_PRIOR_WORDS = 2.0
"""Words of no theme that every text counts as having: one word alone tells little."""

_SHORTEST_PART = 5


@dataclass(frozen=True, slots=True)
class Weights:
    """How the evidence is weighed, and from which score on a theme is given.

    ``ratio`` is the share of the best theme's score that another needs.
    """

    words: float = 0.5
    threshold: float = 0.12
    ratio: float = 0.6


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class Seeds:
    """Sentences and words of a theme, by language."""

    theme: str
    sentences: Mapping[Language, tuple[str, ...]]
    words: Mapping[Language, tuple[str, ...]]


@cache
def seeds() -> tuple[Seeds, ...]:
    """Return the seeds of every theme, in the order of the themes."""
    table = tomllib.loads((files("kb") / "theme_seeds.toml").read_text(encoding="utf-8"))
    return tuple(
        Seeds(
            theme=theme.id,
            sentences={language: tuple(table[theme.id][language]) for language in LANGUAGES},
            words={language: tuple(table[theme.id][f"words_{language}"]) for language in LANGUAGES},
        )
        for theme in themes()
    )


@dataclass(frozen=True, slots=True)
class Words:
    """The words of the themes in one language: keys to the themes that each tells of."""

    single: Mapping[str, frozenset[int]]
    phrases: Mapping[str, Sequence[tuple[tuple[str, ...], frozenset[int]]]]
    """By their first key: a passage has few words that begin one."""

    @classmethod
    def of(cls, language: Language, lists: Sequence[Sequence[str]]) -> Words:
        """Analyse a list of words a theme; words of several parts are found as phrases."""
        single: dict[str, set[int]] = {}
        phrases: dict[tuple[str, ...], set[int]] = {}
        for theme, words in enumerate(lists):
            for word in words:
                keys = tuple(_key(token) for token in analyzer(language).tokens(word))
                if len(keys) == 1:
                    single.setdefault(keys[0], set()).add(theme)
                elif keys:
                    phrases.setdefault(keys, set()).add(theme)
        by_first: dict[str, list[tuple[tuple[str, ...], frozenset[int]]]] = {}
        for keys, themes_of in phrases.items():
            by_first.setdefault(keys[0], []).append((keys, frozenset(themes_of)))
        return cls({key: frozenset(found) for key, found in single.items()}, by_first)

    def count(self, text: str, language: Language) -> Scores:
        """Return how many different words of each theme a text has, shape (themes,).

        A word that several themes list is shared between them, and one that is said again
        counts a little more.
        """
        tokens = analyzer(language).tokens(text)
        keys = [_key(token) for token in tokens]
        found: dict[tuple[str, ...], tuple[float, frozenset[int]]] = {}
        times: dict[tuple[str, ...], int] = {}

        def see(key: tuple[str, ...], worth: float, themes_of: frozenset[int]) -> None:
            found[key] = (worth, themes_of)
            times[key] = times.get(key, 0) + 1

        for at, token in enumerate(tokens):
            for phrase, themes_of in self.phrases.get(keys[at], ()):
                if tuple(keys[at : at + len(phrase)]) == phrase:
                    see(phrase, 1.0, themes_of)
            if keys[at] in self.single:
                see((keys[at],), 1.0, self.single[keys[at]])
                continue
            for part in _parts(token, language, self.single):
                see((part,), _PART, self.single[part])
        out = np.zeros(len(themes()), np.float32)
        for key, (worth, themes_of) in found.items():
            often = 2 * times[key] / (1 + times[key])
            for theme in themes_of:
                out[theme] += worth * often / len(themes_of)
        return out


@cache
def theme_words(language: Language) -> Words:
    """Return the themes' words of a language."""
    return Words.of(language, [one.words[language] for one in seeds()])


class ThemeClassifier:
    """Guesses themes. Safe between threads; the seeds are embedded at first use, once.

    Their vectors are kept in ``cache_folder``, where there is one, by the model's name.
    """

    def __init__(
        self,
        *,
        centring: Centring,
        embedder: Callable[[], Embedder],
        weights: Weights = WEIGHTS,
        cache_folder: Path | None = None,
    ) -> None:
        self._centring = centring
        self._embedder = embedder
        self._cache_folder = cache_folder
        self._weights = weights
        self._lock = threading.Lock()
        self._seeds: Matrix | None = None

    def of_parts(self, text: str, language: Language, vectors: Matrix) -> frozenset[str]:
        """Return the themes of a text of which the parts' raw vectors, (n, dimension), are known.

        The mean of the parts stands for the whole.
        """
        mean = vectors.mean(axis=0, keepdims=True)
        mean = mean / np.maximum(np.linalg.norm(mean), 1e-9)
        return frozenset(self.guess([text], [language], mean)[0])

    def guess(
        self, texts: Sequence[str], languages: Sequence[Language], vectors: Matrix
    ) -> list[tuple[str, ...]]:
        """Return the themes of passages, the surest first; ``vectors`` are their raw ones."""
        return [chosen(row, self._weights) for row in self.scores(texts, languages, vectors)]

    def scores(
        self, texts: Sequence[str], languages: Sequence[Language], vectors: Matrix
    ) -> Scores:
        """Return a score a text and theme, shape (texts, themes)."""
        if not len(texts):
            return np.empty((0, len(themes())), np.float32)
        near = self.nearness(languages, vectors)
        counted = np.array(
            [
                word_shares(theme_words(language).count(text, language))
                for text, language in zip(texts, languages, strict=True)
            ]
        )
        return np.asarray(near + self._weights.words * counted, dtype=np.float32)

    def nearness(self, languages: Sequence[Language], vectors: Matrix) -> Scores:
        """Return how near texts lie to each theme's seeds, shape (texts, themes)."""
        prior = self._centring.prior_passages()
        return nearness(
            self._centred(languages, vectors, prior), self._embedded(prior), seed_themes()
        )

    def _embedded(self, prior: Mapping[Language, Vector]) -> Matrix:
        with self._lock:
            if self._seeds is None:
                spoken, texts = seed_sentences()
                self._seeds = self._centred(spoken, self._kept(texts), prior)
            return self._seeds

    def _kept(self, texts: Sequence[str]) -> Matrix:
        embedder = self._embedder()
        if self._cache_folder is None:
            return embedder.embed_passages(texts)
        told = "\n".join([embedder.fingerprint, *texts])
        file = self._cache_folder / f"themes-{sha256(told.encode()).hexdigest()[:16]}.npy"
        try:
            kept = np.load(file, allow_pickle=False)
            if kept.shape == (len(texts), embedder.dimension):
                return np.asarray(kept, dtype=np.float32)
        except (OSError, ValueError):  # not there yet, or damaged: made anew
            pass
        vectors = embedder.embed_passages(texts)
        out = BytesIO()
        np.save(out, vectors, allow_pickle=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        half_done = file.with_suffix(f".{os.getpid()}")
        half_done.write_bytes(out.getvalue())
        half_done.replace(file)
        return vectors

    @staticmethod
    def _centred(
        languages: Sequence[Language], vectors: Matrix, prior: Mapping[Language, Vector]
    ) -> Matrix:
        moved = vectors - np.array([prior[language] for language in languages])
        norms = np.linalg.norm(moved, axis=1, keepdims=True)
        return np.asarray(moved / np.maximum(norms, 1e-9), dtype=np.float32)


def seed_sentences() -> tuple[list[Language], list[str]]:
    """Return all sentences of the seeds with their languages, theme by theme."""
    pairs = [
        (language, text)
        for one in seeds()
        for language in LANGUAGES
        for text in one.sentences[language]
    ]
    return [language for language, _ in pairs], [text for _, text in pairs]


def seed_themes() -> npt.NDArray[np.int64]:
    """Return of each sentence of ``seed_sentences`` the place of its theme."""
    return np.array(
        [
            place
            for place, one in enumerate(seeds())
            for language in LANGUAGES
            for _ in one.sentences[language]
        ]
    )


def nearness(texts: Matrix, sentences: Matrix, owners: npt.NDArray[np.int64]) -> Scores:
    """Return the mean cosine of each theme's nearest sentences, less the mean over themes.

    ``texts`` (n, dimension) and ``sentences`` (m, dimension) are centred unit rows.
    """
    # Not by BLAS: beside embedding, its threads wait longer for each other than this takes.
    cosine = np.einsum("id,jd->ij", texts, sentences)
    near = np.stack(
        [
            np.partition(cosine[:, owners == place], -_NEAREST, axis=1)[:, -_NEAREST:].mean(axis=1)
            for place in range(int(owners.max()) + 1)
        ],
        axis=1,
    )
    return np.asarray(near - near.mean(axis=1, keepdims=True), dtype=np.float32)


def word_shares(counts: Scores) -> Scores:
    """Return each theme's share (0–1) of a text's telling words."""
    return np.asarray(counts / (counts.sum() + _PRIOR_WORDS), dtype=np.float32)


def chosen(scores: Scores, weights: Weights) -> tuple[str, ...]:
    """Return the themes whose score is over the threshold and near enough to the best one's."""
    order = np.argsort(-scores, kind="stable")[:MOST]
    least = max(weights.threshold, weights.ratio * float(scores.max()))
    names = [theme.id for theme in themes()]
    return tuple(names[place] for place in order.tolist() if scores[place] >= least)


def _key(token: Token) -> str:
    """Return what a word is compared by: its dictionary form, else its stem, else itself."""
    for kind in ("lemma", "stem", "surface"):
        for term in token.terms:
            if term.kind == kind:
                return term.text
    return token.surface.casefold()


def _parts(token: Token, language: Language, known: Mapping[str, frozenset[int]]) -> set[str]:
    """Return the parts of a compound that tell of a theme; the largest ones where they nest."""
    if language == "fi":
        found = {term.text for term in token.terms if term.kind == "part" and term.text in known}
    else:
        word = _key(token)
        found = {
            word[at:]
            for at in range(1, len(word) - _SHORTEST_PART + 1)
            if word[at:] in known
        } | {
            word[:at] for at in range(_SHORTEST_PART, len(word)) if word[:at] in known
        } if language == "sv" else set()  # fmt: skip
    return {part for part in found if not any(part != other and part in other for other in found)}
