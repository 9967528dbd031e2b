"""A second look at the best passages, closer than an index can look at all of them.

Two things are seen here that the first look misses:

- *Do words and meaning agree on one sentence?* A passage may have a question's words spread over
  many sentences and its meaning in another. A sentence that is near in meaning *and* holds the
  question's words is worth more than either.
- *How much of each word is there, letter by letter?* Runs of four letters find a word in an
  inflection, a derivation or a compound that no analyser cut, and a misspelt one: as BM25 has it,
  so that many and a long text count less and less, but by a word's runs instead of the word.
  McNamee & Mayfield, *Character N-Gram Tokenization for European Language Text Retrieval*, 2004,
  found runs of four to rank Finnish best.

What either is worth was measured (docs/retrieval.md).
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kb.analysis.engines import term_set
from kb.catalogue import Catalogue
from kb.fusion import Scores
from kb.lexical import LexicalIndex, Terms, Translation, Word
from kb.model import Language, Passage, Span

AGREEMENT_WEIGHT = 0.15
"""With .3, questions that share no words with their passage lose recall."""

RUNS_WEIGHT = 0.4

_RUN = 4
_CACHED = 5000
_WORD = re.compile(r"\w+")

Runs = tuple[str, ...]
"""A word's runs of four letters, its ends marked by a space: ``" akk", "akku", "kku "``."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What is kept of a passage: its words for ``spread``, and its sentences' terms."""

    words: str
    sentences: dict[Span, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Sought:
    """A word of the question as it may stand in passages of one language.

    ``worth`` weighs it for sentences, ``rarity`` for runs. A ``way`` has a weight and parts,
    each a choice of words' runs.
    """

    terms: dict[str, float]
    worth: float
    rarity: float
    ways: tuple[tuple[float, tuple[tuple[Runs, ...], ...]], ...]


class SecondLook:
    """Scores passages by what only reading them shows. Safe between threads."""

    def __init__(self, catalogue: Catalogue, lexical: LexicalIndex) -> None:
        self._catalogue = catalogue
        self._lexical = lexical
        self._lock = threading.Lock()
        self._seen: OrderedDict[int, _Read] = OrderedDict()

    def score(
        self,
        words: Sequence[Word],
        language: Language | None,
        rows: Sequence[int],
        cosines: Sequence[dict[Span, float]],
    ) -> Scores:
        """Return what each row's passage gains, shape (n,).

        ``language`` is the question's, None where it is of any; ``cosines[i]`` are those of the
        sentences of ``rows[i]``. A sentence's agreement is its cosine and its share of the
        question's words, by idf; a passage's runs are a share, 0–1. A translated word counts as
        the translation's weight. A passage that is gone gains nothing.
        """
        passages = self._catalogue.passages(rows)
        read = self._read(passages)
        rarities = self._lexical.rarities(words)
        norms = self._lexical.norms(np.asarray(rows, dtype=np.int64))
        gained = np.zeros(len(rows), np.float32)
        sought: dict[Language, list[_Sought]] = {}
        for at, row in enumerate(rows):
            if row not in read:
                continue
            passage = passages[row]
            if passage.language not in sought:
                sought[passage.language] = [
                    self._seek(word, rarity, language, passage.language)
                    for word, rarity in zip(words, rarities, strict=True)
                ]
            here = sought[passage.language]
            gained[at] = AGREEMENT_WEIGHT * _agreement(here, read[row], cosines[at])
            gained[at] += RUNS_WEIGHT * _runs_share(here, read[row].words, float(norms[at]))
        return gained

    def _seek(
        self, word: Word, rarity: float, asked: Language | None, language: Language
    ) -> _Sought:
        """Return a word of a question asked in one language, for passages in another."""
        ways = [way for way in word.translations if way.language == language]
        terms: dict[str, float] = {}

        def add(found: Terms, sure: float) -> None:
            for term, weight in found:
                if not term.startswith("_"):
                    terms[term] = max(sure * weight, terms.get(term, 0.0))

        add(word.terms, 1.0)
        for way in ways:
            for part in way.parts:
                for found in part:
                    add(found, way.weight)
        spelt = [(way.weight, _parts(way)) for way in ways]
        # Runs of a word in a language of other words are chance, unless it is a name or a number.
        if asked in (None, language) or not ways or any(c.isdigit() for c in word.surface):
            spelt.append((1.0, ((word_runs(word.surface),),)))
        return _Sought(
            terms=terms,
            worth=max((w * self._lexical.idf(term) for term, w in word.terms), default=0.0),
            rarity=rarity,
            ways=tuple(spelt),
        )

    def _read(self, passages: Mapping[int, Passage]) -> dict[int, _Read]:
        """Return what is kept of passages by row; those that are gone by now are left out."""
        with self._lock:
            read = {row: self._seen[row] for row in passages if row in self._seen}
            for row in read:
                self._seen.move_to_end(row)
        texts = self._catalogue.texts([row for row in passages if row not in read])
        made = {row: _reading(passages[row], text) for row, text in texts.items()}
        with self._lock:
            self._seen.update(made)
            while len(self._seen) > _CACHED:
                self._seen.popitem(last=False)
        return read | made


def _reading(passage: Passage, text: str) -> _Read:
    return _Read(
        words=spread(text),
        sentences={
            span: term_set(
                text[span.start - passage.start : span.end - passage.start], passage.language
            )
            for span in passage.sentences
        },
    )


def word_runs(word: str) -> Runs:
    """Return a word's runs of four letters, the space before and after it included.

    A word of one letter has the one run that it is.
    """
    marked = f" {word.lower()} "
    return tuple(marked[at : at + _RUN] for at in range(max(1, len(marked) - _RUN + 1)))


def spread(text: str) -> str:
    """Return a text's words with a space of its own on either side of each.

    So ``spread(text).count(run)`` counts a word's runs in the text's words and never across two.
    """
    return "".join(f" {word} " for word in _WORD.findall(text.lower()))


def _parts(way: Translation) -> tuple[tuple[Runs, ...], ...]:
    return tuple(
        tuple(word_runs(term) for terms in part for term, _ in terms if not term.startswith("_"))
        for part in way.parts
    )


def _agreement(words: Sequence[_Sought], read: _Read, cosines: dict[Span, float]) -> float:
    """Return the best sum of a sentence's cosine and its share of the words' worth, or 0."""
    total = sum(word.worth for word in words) or 1.0
    nothing: frozenset[str] = frozenset()
    return max(
        (
            cosine + _held(words, read.sentences.get(span, nothing)) / total
            for span, cosine in cosines.items()
        ),
        default=0.0,
    )


def _held(words: Sequence[_Sought], sentence: frozenset[str]) -> float:
    """Return the worth of the words that a sentence holds."""
    return sum(
        word.worth
        * max((weight for term, weight in word.terms.items() if term in sentence), default=0.0)
        for word in words
    )


def _runs_share(words: Sequence[_Sought], text: str, norm: float) -> float:
    """Return the share of the words' runs that a text holds, by rarity, 0–1.

    A run that occurs tf times counts as the square root of tf / (tf + norm): the root, because
    a word that is there once has all its runs, which should be worth nearly as much as when it
    is there twice.
    """
    total = sum(word.rarity for word in words) or 1.0
    counted: dict[str, float] = {}

    def worth(runs: Runs) -> float:
        for run in runs:
            if run not in counted:
                times = text.count(run)
                counted[run] = (times / (times + norm)) ** 0.5 if times else 0.0
        return sum(counted[run] for run in runs) / len(runs)

    return (
        sum(
            word.rarity
            * max(
                (
                    weight * sum(max(map(worth, part), default=0.0) for part in parts) / len(parts)
                    for weight, parts in word.ways
                ),
                default=0.0,
            )
            for word in words
        )
        / total
    )
