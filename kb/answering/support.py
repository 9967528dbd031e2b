"""How well a sentence is supported as an answer: features, and a calibrated probability of them.

Two logistic regressions, whose coefficients are kept in ``support.toml`` (which says what they
were fitted on): one says whether a unit answers the question, the other whether the
question is answered at all. Nothing here knows any text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from kb.analysis.engines import analyzer
from kb.answering.asking import AskedKind, Wanted, wanted
from kb.answering.units import Unit
from kb.lexical import Terms, Word
from kb.model import Document, Language
from kb.retrieval import Ranking

Features = npt.NDArray[np.float64]

UNIT_FEATURES = (
    "sentence",
    "passage",
    "seen",
    "window",
    "fits",
    "names",
    "behind",
    "first",
    "fragment",
    "short",
)
"""What is known about a unit, in the order of the coefficients:

- sentence: centred cosine of the unit; passage: that of its passage blended with the nearest
  sentence's; behind: fused score of the passage below the best passage's; first: 1 in the best
- seen: share of the question's words, by rarity, in the unit, what it stands under, the headings
  and the title; window: the same with the units beside it
- fits: 1 where it holds what the kind of question asks for, 0 where it should and doesn't,
  1/2 where anything may answer
- names: share of the names and numbers asked about that the passage or its document has
- fragment: 1 where it is no whole sentence; short: 1 where it has fewer than five words
"""

ANSWER_FEATURES = (
    "best",
    "fused",
    "second",
    "margin",
    "known",
    "coverage",
    "names",
    "window",
    "sentence",
    "fits",
    "missing",
)
"""What is known about a whole question:

- best, second: log-odds of the best unit, and of the best one of another passage
- fused: best fused score; margin: how far it is above the median of the passages found
- known: share of the question's words that occur anywhere; coverage: share in the passage of
  the best unit
- names, window, sentence, fits: those of the best unit
- missing: the rarity of the rarest word of the question that isn't in the window of the best
  unit, as a share of that of the question's rarest word
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as support sees it: kind, words, and how much each word tells (its rarity)."""

    kind: AskedKind
    wanted: Wanted
    words: tuple[Word, ...]
    rarities: tuple[float, ...]
    names: tuple[bool, ...]
    """Which words are names or numbers."""


@dataclass(frozen=True, slots=True)
class Regression:
    """A logistic regression over features; ``weights`` has the shape (features,)."""

    names: tuple[str, ...]
    weights: Features
    bias: float

    def log_odds(self, features: Features) -> Features:
        """Return the log-odds of rows of features, shape (n,)."""
        return np.asarray(features @ self.weights + self.bias, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Both regressions, and what is said by them.

    Below the probability ``threshold`` nothing is; a second claim needs log-odds of ``least``.
    """

    unit: Regression
    answer: Regression
    threshold: float
    least: float


@cache
def calibration() -> Calibration:
    """Return the calibration that ships."""
    source = tomllib.loads((files("kb.answering") / "support.toml").read_text(encoding="utf-8"))
    return Calibration(
        unit=_regression(source["unit"], UNIT_FEATURES),
        answer=_regression(source["answer"], ANSWER_FEATURES),
        threshold=float(source["threshold"]),
        least=float(source["least"]),
    )


def _regression(table: Mapping[str, float], names: tuple[str, ...]) -> Regression:
    return Regression(
        names=names,
        weights=np.array([float(table[name]) for name in names]),
        bias=float(table["bias"]),
    )


def probability(log_odds: float) -> float:
    """Return the probability of log-odds."""
    return float(1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30))))


def asked(kind: AskedKind, text: str, words: Sequence[Word], rarities: Sequence[float]) -> Asked:
    """Return a question as support sees it; ``rarities`` are idf-like, one a word."""
    return Asked(kind, wanted(kind, text), tuple(words), tuple(rarities), names_among(text, words))


def names_among(text: str, words: Sequence[Word]) -> tuple[bool, ...]:
    """Return which words are names or numbers: digits, or a capital that doesn't begin a text."""
    found: list[bool] = []
    shouted = text.isupper()
    for word in words:
        surface = word.surface
        first = text.strip().startswith(surface)
        capital = surface[:1].isupper() and not shouted and (not first or surface[1:2].isupper())
        found.append(capital or any(character.isdigit() for character in surface))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Scored:
    """The features of units, (units, len(UNIT_FEATURES)), and the terms of each one's window."""

    features: Features
    windows: tuple[frozenset[str], ...]


def unit_features(question: Asked, ranking: Ranking, units: Sequence[Unit]) -> Scored:
    """Return the features of units; those of a passage stand together, in reading order."""
    out = np.zeros((len(units), len(UNIT_FEATURES)))
    windows: list[frozenset[str]] = []
    dense = np.nan_to_num(ranking.dense, nan=0.0)
    terms = [terms_of(unit.text, unit.language) for unit in units]
    for at, unit in enumerate(units):
        place = unit.place
        beside = [
            other
            for other in (at - 1, at + 1)
            if 0 <= other < len(units) and units[other].place == place
        ]
        seen = terms[at] | _context_terms(unit)
        windows.append(seen.union(*(terms[other] for other in beside)))
        # The unit of a cell stands in the header of its table: €/m³ | 0,48.
        fits = question.wanted.held(unit.under_header)
        out[at] = (
            unit.cosine,
            float(dense[place]),
            covered(question, seen, unit.language),
            covered(question, windows[at], unit.language),
            0.5 if fits is None else fits,
            names_share(question, unit, " ".join(units[i].text for i in (at, *beside)))
            if any(question.names)
            else 1.0,
            float(ranking.scores[place] - ranking.scores[0]),
            float(place == 0),
            float(_fragment(unit)),
            float(len(unit.text.split()) < 5),
        )
    return Scored(out, tuple(windows))


def answer_features(
    question: Asked, ranking: Ranking, units: Sequence[Unit], scored: Scored, log_odds: Features
) -> Features:
    """Return the features of a whole question, shape (len(ANSWER_FEATURES),)."""
    best = int(np.argmax(log_odds))
    unit = units[best]
    others = [
        value for value, other in zip(log_odds, units, strict=True) if other.place != unit.place
    ]
    named = dict(zip(UNIT_FEATURES, scored.features[best], strict=True))
    return np.array(
        [
            log_odds[best],
            float(ranking.scores[0]),
            max(others, default=log_odds[best] - 5.0),
            float(ranking.scores[0] - np.median(ranking.scores)),
            ranking.known_words,
            float(ranking.coverage[unit.place]),
            named["names"],
            named["window"],
            named["sentence"],
            named["fits"],
            _missing(question, scored.windows[best], unit.language),
        ]
    )


def _missing(question: Asked, terms: frozenset[str], language: Language) -> float:
    rarest = max(question.rarities, default=0.0)
    if rarest <= 0:
        return 0.0
    return (
        max(
            rarity * (1 - _held(word, terms, language))
            for word, rarity in zip(question.words, question.rarities, strict=True)
        )
        / rarest
    )


def covered(question: Asked, terms: frozenset[str], language: Language) -> float:
    """Return the share of a question's words, by rarity, that a text's terms hold."""
    total = sum(question.rarities)
    if total <= 0:
        return 0.0
    return (
        sum(
            rarity * _held(word, terms, language)
            for word, rarity in zip(question.words, question.rarities, strict=True)
        )
        / total
    )


def _held(word: Word, terms: frozenset[str], language: Language) -> float:
    held = _share(word.terms, terms) / (word.weight or 1.0)
    for way in word.translations:
        if way.language != language:
            continue
        parts = [max((_share(one, terms) for one in part), default=0.0) for part in way.parts]
        held = max(held, way.weight * sum(parts) / len(parts))
    return min(held, 1.0)


def _share(word: Terms, terms: frozenset[str]) -> float:
    return max((weight for term, weight in word if term in terms and term[0] != "_"), default=0.0)


@lru_cache(maxsize=20_000)
def terms_of(text: str, language: Language) -> frozenset[str]:
    """Return the terms of a text."""
    return frozenset(term.text for token in analyzer(language).tokens(text) for term in token.terms)


def _context_terms(unit: Unit) -> frozenset[str]:
    found = terms_of(
        " \n".join((*unit.hit.passage.heading, unit.hit.document.metadata.title)), unit.language
    )
    if unit.context is None:
        return found
    context = unit.hit.document.text[unit.context.start : unit.context.end]
    return found | terms_of(context, unit.language)


def names_share(question: Asked, unit: Unit, window: str) -> float:
    """Return the share of a question's names and numbers that a unit is about.

    A name may stand anywhere in the passage, its headings or what is known of the document; a
    number, such as a year, has to stand beside the unit or in the document's date.
    """
    wanted = [word for word, name in zip(question.words, question.names, strict=True) if name]
    if not wanted:
        return 1.0
    about = _about(unit.hit.document)
    near = f" {about} {' '.join(unit.hit.passage.heading)} {window} ".casefold()
    far = f" {about} {' '.join(unit.hit.passage.heading)} {unit.hit.text} ".casefold()
    held = sum(
        _written(word, near if any(c.isdigit() for c in word.surface) else far) for word in wanted
    )
    return held / len(wanted)


def _about(document: Document) -> str:
    meta = document.metadata
    return " ".join(filter(None, (meta.title, meta.city, meta.organisation, meta.date)))


def _written(word: Word, about: str) -> bool:
    forms = [word.surface, *(term for term, _ in word.terms if term[0] != "_")]
    forms += [
        term
        for way in word.translations
        for part in way.parts
        for one in part
        for term, _ in one
        if term[0] != "_"
    ]
    return any(_begins(form.replace("_", " ").casefold(), about) for form in forms)


def _begins(form: str, about: str) -> bool:
    at = about.find(form)
    while at >= 0:
        if not about[at - 1].isalnum() and (len(form) > 3 or not about[at + len(form)].isalnum()):
            return True
        at = about.find(form, at + 1)
    return False


def _fragment(unit: Unit) -> bool:
    text = unit.text.strip()
    if " | " in text:
        return False
    begins = next((c for c in text if c.isalnum()), "a")
    return begins.islower() or text[-1] not in ".!?…”\"')"


def named(names: Iterable[str], row: Features) -> dict[str, float]:
    """Return features by name, rounded, for people to read."""
    return {name: round(float(value), 3) for name, value in zip(names, row, strict=True)}
