"""How well a sentence is supported as an answer: features, and a calibrated probability of them.

Three logistic regressions, whose coefficients are kept in ``support.toml``: the first says at first
sight which units may answer the question; the second, once a model has read the likeliest of them
beside the question, whether each does; the third whether the question is answered at all. They are
fitted by ``python -m evaluation.calibrate_support``. Nothing here knows any text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from kb.analysis.engines import FUNCTION_WORD_WEIGHT, term_set
from kb.answering.asking import AskedKind, Wanted, wanted
from kb.answering.units import Unit
from kb.lexical import Terms, Word
from kb.model import BlockKind, Document, Language
from kb.protocols import STATEMENTS_BEFORE, AnswerReader, Statement
from kb.retrieval import Ranking

Features = npt.NDArray[np.float64]

_BEGINNING = re.compile(r"(?:^|[.!?:]\s)[^\w]*(\w+(?:[-’':.]\w+)*)")
"""The first word of each sentence of a question: its capital says nothing."""

_FEW_WORDS = 5
_NEAR = 2
_SURENESS = 0.7
_FIGURES: frozenset[AskedKind] = frozenset({"how much", "when", "who"})

UNIT_FEATURES = (
    "sentence",
    "sentence_figure",
    "passage",
    "rank",
    "seen",
    "seen_across",
    "window",
    "whole",
    "fits",
    "names",
    "novel",
    "short",
    "note",
)
"""What is known about a unit, in the order of the coefficients:

- sentence: centred cosine of the unit; sentence_figure: the same where a date, a figure or
  somebody is asked for, whose answers lie farther from their questions, else 0
- passage: cosine of its passage blended with the nearest sentence's; rank: 1 / its place
- seen: share of the question's words, by rarity, in the unit, what it stands under, the headings
  and the title; seen_across: the same where the unit is in another language than the question,
  else 0; window: with the units beside it; whole: with all of its passage
- fits: 1 where it holds what the kind of question asks for, 0 where it should and doesn't,
  1/2 where anything may answer
- names: share of the names and numbers asked about that the passage or its document has
- novel: log(1 + terms of its own that aren't the question's): an answer tells something
- short: 1 where it has fewer than five words; note: 1 for a footnote
"""

READ_FEATURES = (*UNIT_FEATURES, "read")
"""What is known about a unit that was read: the same, and the log-odds by the model that read."""

READ = 8
"""Units that are read, the likeliest at first sight. Among them is one that answers for 89 % of
*dev* and 80 % of *tune*. Reading twelve or sixteen gave no more right answers (.590 and .591 of the
best statements, with eight .593) and takes longer in proportion."""

_THREE = 3
UNREAD = -20.0
"""Log-odds of a unit that wasn't read."""

_MOST_READ = 6.0
"""Log-odds beyond which the model that reads isn't believed."""

ANSWER_FEATURES = (
    "chance",
    "fused",
    "margin",
    "typed",
    "names",
    "read",
    "read_three",
    "sure",
    "sure_three",
)
"""What is known about a whole question; each can only speak for an answer:

- chance: that of the answer standing in the passage where it stands most likely, if anywhere
- fused: best fused score; margin: how far it is above the median of the passages found
- typed: whether the best unit holds what the kind of question asks for, 1 where anything may answer
- names: share of the names and numbers asked about that stand within two units of the best one
- read: the highest log-odds that a unit answers, by the model that read it beside the question;
  read_three: the mean of the three highest; sure, sure_three: the same two as probabilities
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
    """The regressions, and what is said by them.

    Below the probability ``threshold`` nothing is; a second claim needs log-odds of ``least``.
    """

    unit: Regression
    read: Regression
    answer: Regression
    threshold: float
    least: float


@cache
def calibration() -> Calibration:
    """Return the calibration that ships."""
    source = tomllib.loads((files("kb.answering") / "support.toml").read_text(encoding="utf-8"))
    return Calibration(
        unit=regression(source["unit"], UNIT_FEATURES),
        read=regression(source["read"], READ_FEATURES),
        answer=regression(source["answer"], ANSWER_FEATURES),
        threshold=float(source["threshold"]),
        least=float(source["least"]),
    )


def regression(table: Mapping[str, float], names: tuple[str, ...]) -> Regression:
    """Return a regression from its table in a file: a bias, and a coefficient for each name."""
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
    """Return which words are names or numbers: digits, or a capital that begins no sentence.

    What only asks or joins is no name, however it is written: *How do I join?*
    """
    found: list[bool] = []
    shouted = text.isupper()
    begins_one = {match[1] for match in _BEGINNING.finditer(text)}
    for word in words:
        surface = word.surface
        first = surface in begins_one
        capital = surface[:1].isupper() and not shouted and (not first or surface[1:2].isupper())
        capital = capital and word.weight > FUNCTION_WORD_WEIGHT
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
    whole = _whole_passages(question, units, terms)
    figure = float(question.kind in _FIGURES)
    for at, unit in enumerate(units):
        place = unit.place
        beside = [
            other
            for other in (at - 1, at + 1)
            if 0 <= other < len(units) and units[other].place == place
        ]
        context = _context_terms(unit)
        windows.append((terms[at] | context).union(*(terms[other] for other in beside)))
        fits = fitting(question, unit)
        seen = covered(question, terms[at] | context, unit.language)
        own = covered(question, terms[at], unit.language)
        out[at] = (
            unit.cosine,
            unit.cosine * figure,
            float(dense[place]),
            1 / (1 + place),
            seen,
            seen if unit.language != ranking.query.language else 0.0,
            covered(question, windows[at], unit.language),
            whole[place],
            0.5 if fits is None else fits,
            names_share(
                question,
                unit,
                " ".join((*(units[i].text for i in (at, *beside)), _named_above(question, unit))),
            )
            if any(question.names)
            else 1.0,
            np.log1p(len(terms[at]) * (1 - own)),
            float(len(unit.text.split()) < _FEW_WORDS),
            float(unit.kind is BlockKind.FOOTNOTE),
        )
    return Scored(out, tuple(windows))


def read(text: str, units: Sequence[Unit], log_odds: Features, reader: AnswerReader) -> Features:
    """Return the log-odds that units answer by a model that reads them, NaN for those not read.

    ``log_odds``, shape (units,), tell which are the likeliest at first sight; those are read.
    """
    best = np.argsort(-log_odds, kind="stable")[:READ].tolist()
    out = np.full(len(units), np.nan)
    out[best] = reader.score(text, [_statement(units, at) for at in best])
    return np.asarray(np.clip(out, -_MOST_READ, _MOST_READ), dtype=np.float64)


def _statement(units: Sequence[Unit], at: int) -> Statement:
    """Return a unit as it is read: with what it stands under or after, title and heading."""
    unit = units[at]
    before = _stands_under(unit)
    if not before:
        before = " ".join(
            one.text
            for one in units[max(0, at - STATEMENTS_BEFORE) : at]
            if one.place == unit.place and one.heading == unit.heading
        )
    above = dict.fromkeys((unit.hit.document.metadata.title, *unit.heading[-1:]))
    return Statement(unit.text, before, " – ".join(filter(None, above)))


def read_features(features: Features, read: Features) -> Features:
    """Return the features of units that were read, shape (units read, len(READ_FEATURES))."""
    seen = ~np.isnan(read)
    return np.column_stack([features[seen], read[seen]])


def after_reading(regression: Regression, features: Features, read: Features) -> Features:
    """Return the log-odds of all units, shape (units,).

    Those of units that weren't read are lower than any other's, so none of them is what answers.
    """
    out = np.full(len(read), UNREAD)
    out[~np.isnan(read)] = regression.log_odds(read_features(features, read))
    return out


def fitting(question: Asked, unit: Unit) -> float | None:
    """Return how well a unit holds what is asked for, 0–1; None where anything may answer.

    The unit of a cell stands in the header of its table: *€/m³ | 0,48*. The years there are of all
    its rows, and tell of none when it was.
    """
    return question.wanted.held(unit.text if question.kind == "when" else unit.under_header)


def _whole_passages(
    question: Asked, units: Sequence[Unit], terms: Sequence[frozenset[str]]
) -> dict[int, float]:
    """Return the share of the question's words in each passage's units, by the passage's place."""
    together: dict[int, frozenset[str]] = {}
    first: dict[int, Unit] = {}
    for unit, own in zip(units, terms, strict=True):
        if unit.place not in first:
            first[unit.place] = unit
            together[unit.place] = _context_terms(unit)
        together[unit.place] |= own
    return {
        place: covered(question, together[place], unit.language) for place, unit in first.items()
    }


def answer_features(
    question: Asked,
    ranking: Ranking,
    units: Sequence[Unit],
    scored: Scored,
    *,
    read: Features,
    log_odds: Features,
) -> Features:
    """Return the features of a whole question, shape (len(ANSWER_FEATURES),).

    ``read`` are the log-odds by the model that reads, ``log_odds`` those by all that is known;
    both have the shape (units,).
    """
    best = int(np.argmax(log_odds))
    highest = np.sort(read[~np.isnan(read)])[-_THREE:]
    said = float(highest[-1]), float(highest.mean())
    fits = scored.features[best, UNIT_FEATURES.index("fits")]
    places = np.array([unit.place for unit in units])
    return np.array(
        [
            float(np.bincount(places, weights=shares(log_odds)).max()),
            float(ranking.scores[0]),
            float(ranking.scores[0] - np.median(ranking.scores)),
            float(fits) if question.wanted.patterns else 1.0,
            _names_near(question, units, best),
            *said,
            *map(probability, said),
        ]
    )


def shares(log_odds: Features) -> Features:
    """Return each unit's share of the chance that one of them answers; they sum to 1."""
    # Log-odds aren't believed wholly: less than that quotes more whole paragraphs.
    odds = np.exp(_SURENESS * (log_odds - np.max(log_odds)))
    return np.asarray(odds / odds.sum(), dtype=np.float64)


def _names_near(question: Asked, units: Sequence[Unit], best: int) -> float:
    """Return the share of a question's names and numbers that stand near a unit."""
    wanted = [word for word, name in zip(question.words, question.names, strict=True) if name]
    if not wanted:
        return 1.0
    unit = units[best]
    beside = units[max(0, best - _NEAR) : best + _NEAR + 1]
    near = " ".join(
        (
            *unit.hit.passage.heading,
            unit.hit.document.metadata.title,
            *(other.text for other in beside if other.place == unit.place),
            _named_above(question, unit),
        )
    )
    return sum(_written(word, f" {near} ".casefold()) for word in wanted) / len(wanted)


def covered(question: Asked, terms: frozenset[str], language: Language) -> float:
    """Return the share of a question's words, by rarity, that a text's terms hold."""
    total = sum(question.rarities)
    if total <= 0:
        return 0.0
    return (
        sum(
            rarity * held(word, terms, language)
            for word, rarity in zip(question.words, question.rarities, strict=True)
        )
        / total
    )


def held(word: Word, terms: frozenset[str], language: Language) -> float:
    """Return how well terms of a text in a language hold a word, 0–1."""
    best = _share(word.terms, terms) / (word.weight or 1.0)
    for way in word.translations:
        if way.language != language:
            continue
        parts = [max((_share(one, terms) for one in part), default=0.0) for part in way.parts]
        best = max(best, way.weight * sum(parts) / len(parts))
    return min(best, 1.0)


def _share(word: Terms, terms: frozenset[str]) -> float:
    return max((weight for term, weight in word if term in terms and term[0] != "_"), default=0.0)


@lru_cache(maxsize=20_000)
def terms_of(text: str, language: Language) -> frozenset[str]:
    """Return the terms of a text."""
    return term_set(text, language)


def _stands_under(unit: Unit) -> str:
    """Return the header of a row's table or what announces an item's list."""
    if unit.context is None:
        return ""
    return unit.hit.document.text[unit.context.start : unit.context.end]


def _named_above(question: Asked, unit: Unit) -> str:
    """Return what a unit stands under, if it is about what is asked of the names there.

    A table of two towns tells of steam in them in the row of steam alone.
    """
    terms = terms_of(unit.text, unit.language)
    about_it = any(
        not name and word.weight > FUNCTION_WORD_WEIGHT and held(word, terms, unit.language) > 0
        for word, name in zip(question.words, question.names, strict=True)
    )
    return _stands_under(unit) if about_it else ""


def _context_terms(unit: Unit) -> frozenset[str]:
    found = terms_of(
        " \n".join((*unit.hit.passage.heading, unit.hit.document.metadata.title)), unit.language
    )
    context = _stands_under(unit)
    return found | terms_of(context, unit.language) if context else found


def names_share(question: Asked, unit: Unit, window: str) -> float:
    """Return the share of a question's names and numbers that a unit is about.

    A name may stand anywhere in the passage, its headings or what is known of the document; a
    number, such as a year, has to stand beside the unit or in the document's date.
    """
    wanted = [word for word, name in zip(question.words, question.names, strict=True) if name]
    if not wanted:
        return 1.0
    known = about(unit.hit.document)
    near = f" {known} {' '.join(unit.hit.passage.heading)} {window} ".casefold()
    far = f" {known} {' '.join(unit.hit.passage.heading)} {unit.hit.text} ".casefold()
    held = sum(
        _written(word, near if any(c.isdigit() for c in word.surface) else far) for word in wanted
    )
    return held / len(wanted)


def about(document: Document) -> str:
    """Return what is known of a document besides its text."""
    meta = document.metadata
    return " ".join(filter(None, (meta.title, meta.city, meta.organisation, meta.date)))


def _written(word: Word, said: str) -> bool:
    return any(begins(form, said) for form in written_forms(word))


def written_forms(word: Word) -> list[str]:
    """Return how a word may be written in any language, in lower case."""
    forms = [word.surface, *(term for term, _ in word.terms if term[0] != "_")]
    forms += [
        term
        for way in word.translations
        for part in way.parts
        for one in part
        for term, _ in one
        if term[0] != "_"
    ]
    return [form.replace("_", " ").casefold() for form in forms]


def begins(form: str, said: str) -> bool:
    """Return whether a word of a text begins so; one of up to three letters is the whole word.

    The text begins and ends with a space and is in lower case.
    """
    at = said.find(form)
    while at >= 0:
        if not said[at - 1].isalnum() and (len(form) > 3 or not said[at + len(form)].isalnum()):
            return True
        at = said.find(form, at + 1)
    return False


def named(names: Iterable[str], row: Features) -> dict[str, float]:
    """Return features by name, rounded, for people to read."""
    return {name: round(float(value), 3) for name, value in zip(names, row, strict=True)}
