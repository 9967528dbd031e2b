"""Measure what translated question words are worth to the term index, without embeddings.

``python -m evaluation.benchmarks.crossing [SET…]`` prints nDCG@10 of the product's own term
index, each entry of a corpus as one passage, with the words as they are, with the lexicon that
ships, with a vocabulary (``--vocabulary FILE``) and with both. A SET is a folder of the BEIR
layout, or a path under ``$KB_TEST_DATA/retrieval``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.beir import BeirSet, load
from evaluation.errors import EvaluationError
from evaluation.metrics import Interval, bootstrap_interval, ndcg
from evaluation.tables import Cell, Table
from kb.analysis.engines import index_terms
from kb.catalogue import Catalogue
from kb.errors import KnowledgeBaseError
from kb.language import detect
from kb.lexical import LexicalIndex
from kb.model import LANGUAGES, Language
from kb.retrieval import question_words
from kb.translation import Dictionary, Lexicon, Translator
from kb.vocabulary import Vocabulary, import_vocabulary

SETS = (
    "squad2_fi_dev/en-fi",
    "squad2_fi_dev/fi-en",
    "libreoffice_help/heading_en-fi",
    "libreoffice_help/heading_sv-fi",
    "libreoffice_help/heading_fi-en",
    "finna_a/kw_en-fi",
    "finna_a/kw_sv-fi",
    "finna_a/kw_fi-en",
    "finna_a/kw_fi-sv",
    "flores200_sent2passage/en-fi",
    "flores200_sent2passage/fi-en",
    "flores200_sent2passage/sv-fi",
    "flores200_sent2passage/fi-sv",
    "squad2_fi_dev/fi-fi",
    "finna_a/kw_fi-fi",
    "vihreat_ohjelmat/heading2passage_fi",
)

Rows = npt.NDArray[np.int64]


class EntryPostings:
    """Where terms occur in a corpus held in memory: what the term index reads."""

    generation = 1

    def __init__(self, texts: Sequence[str], language: Language) -> None:
        places: dict[str, list[int]] = defaultdict(list)
        lengths = []
        for row, text in enumerate(texts):
            terms = index_terms(text, language)
            lengths.append(len(terms))
            for term in terms:
                places[term].append(row)
        self._places: Mapping[str, Rows] = {
            term: np.array(rows, dtype=np.int64) for term, rows in places.items()
        }
        self._lengths = np.array(lengths, dtype=np.int32)
        self._language = LANGUAGES.index(language)

    def passage_table(self) -> tuple[Rows, npt.NDArray[np.int32], npt.NDArray[np.int8]]:
        """Return rows, lengths and the one language."""
        count = len(self._lengths)
        return np.arange(count), self._lengths, np.full(count, self._language, dtype=np.int8)

    def postings(self, term: str) -> tuple[Rows, npt.NDArray[np.int8]]:
        """Return the rows of a term, all of them in the body."""
        rows = self._places.get(term, np.empty(0, dtype=np.int64))
        return rows, np.zeros(len(rows), dtype=np.int8)


class Crossing:
    """A set with its term index, to be asked in several ways."""

    def __init__(self, test: BeirSet) -> None:
        if test.language is None:
            raise ValueError(f"{test.name}: its language isn't known")
        entries = list(test.entries())
        self._test = test
        self._ids = [entry.id for entry in entries]
        self._index = LexicalIndex(EntryPostings([entry.whole for entry in entries], test.language))

    def measure(self, translator: Translator | None) -> tuple[Interval, float]:
        """Return nDCG@10 with its interval, and milliseconds a question."""
        values = []
        begun = time.perf_counter()
        for query in self._test.queries:
            spoken = detect(query.text)
            words = question_words(
                query.text,
                (spoken,) if spoken else LANGUAGES,
                translator=translator,
                targets=self._index.languages,
            )
            found = self._index.score(words)
            excluded = self._test.exclude.get(query.id, frozenset())
            best = np.argsort(-found.scores, kind="stable")[: 10 + len(excluded)]
            names = [self._ids[row] for row in found.rows[best].tolist()]
            ranking = [name for name in names if name not in excluded]
            values.append(ndcg(ranking, self._test.qrels[query.id], 10))
        spent = time.perf_counter() - begun
        return bootstrap_interval(values), spent * 1000 / max(1, len(values))


def variants(vocabulary: Sequence[Dictionary] = ()) -> dict[str, Translator | None]:
    """Return the ways to ask, by name."""
    lexicon = Lexicon()
    out: dict[str, Translator | None] = {"none": None, "lexicon": Translator([lexicon])}
    if vocabulary:
        out["vocabulary"] = Translator(vocabulary)
        out["both"] = Translator([*vocabulary, lexicon])
    return out


def _imported(path: Path, folder: Path) -> tuple[Dictionary, ...]:
    catalogue = Catalogue(folder)
    import_vocabulary(catalogue, path)
    return (Vocabulary(catalogue),)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of sets and ways to ask; return 1 where a set can't be read."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.benchmarks.crossing")
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET")
    parser.add_argument("--limit", type=int, help="queries of each set")
    parser.add_argument("--vocabulary", type=Path, help="a file that kb vocabulary import takes")
    chosen = parser.parse_args(arguments)
    data = os.environ.get("KB_TEST_DATA")
    scratch = tempfile.TemporaryDirectory(prefix="kb-crossing-", ignore_cleanup_errors=True)
    try:
        ways = variants(
            _imported(chosen.vocabulary, Path(scratch.name)) if chosen.vocabulary else ()
        )
    except KnowledgeBaseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    rows: list[tuple[Cell, ...]] = []
    for name in chosen.sets:
        folder = Path(name)
        if not folder.is_dir() and data:
            folder = Path(data) / "retrieval" / name
        try:
            crossing = Crossing(load(folder).sample(chosen.limit))
        except EvaluationError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        cells: list[Cell] = [name]
        for way in ways.values():
            interval, spent = crossing.measure(way)
            cells += [round(interval.mean, 3), round(spent, 1)]
        rows.append(tuple(cells))
    heads = [head for way in ways for head in (way, "ms")]
    table = Table(title="nDCG@10, terms alone", columns=("set", *heads), rows=tuple(rows))
    sys.stdout.write(table.text() + "\n")
    scratch.cleanup()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
