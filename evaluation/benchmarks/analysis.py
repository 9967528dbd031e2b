"""Measure what each kind of term is worth: exact BM25 over the analysers' terms.

``python -m evaluation.benchmarks.analysis SET…`` prints nDCG@10 for each variant and set. A
SET is a folder of the BEIR layout, or a path under ``$KB_TEST_DATA/retrieval``.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.beir import BeirSet, load
from evaluation.errors import EvaluationError
from evaluation.metrics import ndcg
from evaluation.tables import Cell, Table
from kb.analysis import Analyzer, Term, TermKind
from kb.analysis.engines import analyzer, question_tokens
from kb.analysis.tokens import fold

Scores = npt.NDArray[np.float64]
Word = Sequence[tuple[str, float]]
"""The terms of one word of a question, with their weights."""

SETS = (
    "squad2_fi_dev/fi-fi",
    "nq_fi_a/fi-fi",
    "finna_a/kw_fi-fi",
    "vihreat_ohjelmat/heading2passage_fi",
    "libreoffice_help/heading_fi-fi",
    "finna_a/kw_sv-sv",
    "finna_a/kw_en-en",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """How a passage is scored: BM25 of each term, and how the terms of a word become one.

    S. Robertson, H. Zaragoza: The Probabilistic Relevance Framework: BM25 and Beyond, 2009,
    with Lucene's idf, ln(1 + (N − df + 0.5) / (df + 0.5)). A word counts as its best term plus
    ``tie`` times the sum of its others: 0 takes the best alone, 1 the sum.
    """

    k1: float = 1.2
    b: float = 0.75
    tie: float = 0.15


class TermIndex:
    """An exact BM25 index of bags of terms."""

    def __init__(self, passages: Iterable[Sequence[str]]) -> None:
        numbers: dict[str, int] = {}
        terms: list[int] = []
        rows: list[int] = []
        lengths: list[int] = []
        for row, bag in enumerate(passages):
            lengths.append(len(bag))
            terms.extend(numbers.setdefault(text, len(numbers)) for text in bag)
            rows.extend([row] * len(bag))
        self.numbers = numbers
        self.count = len(lengths)
        self.lengths = np.array(lengths, dtype=np.float64)
        keys, counts = np.unique(
            np.array(terms, dtype=np.int64) * max(1, self.count) + np.array(rows, dtype=np.int64),
            return_counts=True,
        )
        self._rows = keys % max(1, self.count)
        self._counts = counts.astype(np.float64)
        self._starts = np.searchsorted(keys // max(1, self.count), np.arange(len(numbers) + 1))

    def term_scores(self, text: str, formula: Formula) -> tuple[npt.NDArray[np.int64], Scores]:
        """Return the rows of the passages that hold a term, and its BM25 in each."""
        number = self.numbers.get(text)
        if number is None:
            return np.empty(0, dtype=np.int64), np.empty(0)
        part = slice(self._starts[number], self._starts[number + 1])
        rows, counts = self._rows[part], self._counts[part]
        idf = np.log1p((self.count - len(rows) + 0.5) / (len(rows) + 0.5))
        mean = self.lengths.mean()
        norm = formula.k1 * (1 - formula.b + formula.b * self.lengths[rows] / mean)
        return rows, idf * counts * (formula.k1 + 1) / (counts + norm)

    def score(self, words: Iterable[Word], formula: Formula) -> Scores:
        """Return the score of every passage for a question."""
        total = np.zeros(self.count)
        for word in words:
            best = np.zeros(self.count)
            summed = np.zeros(self.count)
            for text, weight in word:
                rows, scores = self.term_scores(text, formula)
                scores = scores * weight
                summed[rows] += scores
                best[rows] = np.maximum(best[rows], scores)
            total += best + formula.tie * (summed - best)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A way to index and to ask, by what it does to the analyser's terms."""

    name: str
    kinds: frozenset[TermKind] = frozenset({"lemma", "part", "stem", "surface", "number"})
    weights: dict[TermKind, float] | None = None
    plain_question: bool = False
    formula: Formula = field(default_factory=Formula)


VARIANTS = (
    Variant(name="as installed"),
    Variant(name="every question word alike", plain_question=True),
    Variant(name="best term of a word", formula=Formula(tie=0.0)),
    Variant(name="sum of a word's terms", formula=Formula(tie=1.0)),
    Variant(
        name="all weights 1, sum",
        weights={"lemma": 1.0, "part": 1.0, "stem": 1.0, "surface": 1.0, "number": 1.0},
        formula=Formula(tie=1.0),
    ),
    Variant(name="without parts", kinds=frozenset({"lemma", "stem", "surface", "number"})),
    Variant(name="without stems", kinds=frozenset({"lemma", "part", "surface", "number"})),
    Variant(name="without surfaces", kinds=frozenset({"lemma", "part", "stem", "number"})),
    Variant(name="dictionary forms alone", kinds=frozenset({"lemma", "surface", "number"})),
    Variant(name="k1 0.9, b 0.5", formula=Formula(k1=0.9, b=0.5)),
    Variant(name="k1 1.2, b 0.6", formula=Formula(b=0.6)),
)


def mean_ndcg(test: BeirSet, rank: Callable[[str], Scores], ids: Sequence[str]) -> float:
    """Return mean nDCG@10 of a scoring of all passages over the queries of a set."""
    total = 0.0
    for query in test.queries:
        scores = rank(query.text)
        excluded = test.exclude.get(query.id, frozenset())
        top = np.argsort(-scores, kind="stable")[: 10 + len(excluded)]
        ranking = [ids[row] for row in top if scores[row] > 0 and ids[row] not in excluded]
        total += ndcg(ranking, test.qrels[query.id], 10)
    return total / max(1, len(test.queries))


def measure(test: BeirSet, variants: Sequence[Variant] = VARIANTS) -> dict[str, float]:
    """Return nDCG@10 by variant, and of white-space words as a floor."""
    if test.language is None:
        raise ValueError(f"{test.name}: its language isn't known")
    known = analyzer(test.language)
    entries = list(test.entries())
    ids = [entry.id for entry in entries]
    analysed = [known.tokens(entry.whole) for entry in entries]
    out: dict[str, float] = {}
    floor = TermIndex(_surface_words(entry.whole) for entry in entries)
    out["words between spaces"] = mean_ndcg(
        test,
        lambda text: floor.score([[(word, 1.0)] for word in _surface_words(text)], Formula()),
        ids,
    )
    indexes: dict[frozenset[TermKind], TermIndex] = {}
    for variant in variants:
        if variant.kinds not in indexes:
            indexes[variant.kinds] = TermIndex(
                [
                    term.text
                    for token in tokens
                    for term in token.terms
                    if term.kind in variant.kinds
                ]
                for tokens in analysed
            )
        index = indexes[variant.kinds]

        def rank(text: str, variant: Variant = variant, index: TermIndex = index) -> Scores:
            return index.score(_question(text, known, variant), variant.formula)

        out[variant.name] = mean_ndcg(test, rank, ids)
    return out


def _question(text: str, known: Analyzer, variant: Variant) -> list[Word]:
    tokens = known.tokens(text) if variant.plain_question else question_tokens(text, known.language)
    weights = variant.weights
    return [
        [
            (term.text, term.weight if weights is None else weights[term.kind])
            for term in _kept(token.terms, variant)
        ]
        for token in tokens
    ]


def _kept(terms: Iterable[Term], variant: Variant) -> list[Term]:
    return [term for term in terms if term.kind in variant.kinds]


def _surface_words(text: str) -> list[str]:
    return [fold(word) for word in re.findall(r"\w+", text)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of variants and sets; return 1 where a set can't be read."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.benchmarks.analysis")
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET")
    parser.add_argument("--limit", type=int, help="queries of each set")
    chosen = parser.parse_args(arguments)
    data = os.environ.get("KB_TEST_DATA")
    started = time.perf_counter()
    results: dict[str, dict[str, float]] = {}
    for name in chosen.sets:
        folder = Path(name)
        if not folder.is_dir() and data:
            folder = Path(data) / "retrieval" / name
        try:
            results[name] = measure(load(folder).sample(chosen.limit))
        except EvaluationError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    rows: list[tuple[Cell, ...]] = [
        (name, *(round(result[name], 3) for result in results.values()))
        for name in next(iter(results.values()))
    ]
    table = Table(
        title="nDCG@10, exact BM25",
        columns=("variant", *results),
        rows=tuple(rows),
        note=f"{time.perf_counter() - started:.0f} s",
    )
    sys.stdout.write(table.text() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
