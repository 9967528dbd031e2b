"""Do words and meaning agree on one sentence? A second look at the best passages.

A passage may have a question's words spread over many sentences and its meaning in another. A
sentence that is near in meaning *and* holds the question's words is worth more than either, so
the best such sentence adds to its passage's score. Measured: +.003 to +.012 nDCG@10 on
squad2_fi_dev, whose questions share words with their paragraph; with a larger weight it costs
recall on questions that were phrased freely.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from kb.analysis.engines import index_terms
from kb.catalogue import Catalogue
from kb.errors import NotFound
from kb.fusion import Scores
from kb.lexical import LexicalIndex, Terms, Word
from kb.model import Language, Passage, Span

_CACHED = 5000


class SentenceAgreement:
    """Scores passages by their best sentence in both respects. Safe between threads."""

    def __init__(self, catalogue: Catalogue, lexical: LexicalIndex) -> None:
        self._catalogue = catalogue
        self._lexical = lexical
        self._lock = threading.Lock()
        self._terms: OrderedDict[int, dict[Span, frozenset[str]]] = OrderedDict()

    def score(
        self, words: Sequence[Word], rows: Sequence[int], cosines: Sequence[dict[Span, float]]
    ) -> Scores:
        """Return for each row the best sum of a sentence's cosine and its share of the words.

        ``cosines[i]`` are those of the sentences of ``rows[i]``. The share is weighted by idf,
        0–1; a translated word counts as the translation's weight. 0 for a passage without
        sentences.
        """
        passages = self._catalogue.passages(rows)
        best = np.zeros(len(rows), np.float32)
        weighed: dict[Language, list[tuple[dict[str, float], float]]] = {}
        for at, row in enumerate(rows):
            passage = passages.get(row)
            if passage is None or not cosines[at]:
                continue
            if passage.language not in weighed:
                weighed[passage.language] = [self._weigh(w, passage.language) for w in words]
            found = weighed[passage.language]
            total = sum(worth for _, worth in found) or 1.0
            sentences = self._sentences(row, passage)
            best[at] = max(
                cosine + _held(found, sentences.get(span, frozenset())) / total
                for span, cosine in cosines[at].items()
            )
        return best

    def _weigh(self, word: Word, language: Language) -> tuple[dict[str, float], float]:
        """Return the terms that say a word in a language, and what the word is worth."""
        terms: dict[str, float] = {}

        def add(found: Terms, sure: float) -> None:
            for term, weight in found:
                if not term.startswith("_"):
                    terms[term] = max(sure * weight, terms.get(term, 0.0))

        add(word.terms, 1.0)
        for way in word.translations:
            if way.language == language:
                for part in way.parts:
                    for found in part:
                        add(found, way.weight)
        worth = max((w * self._lexical.idf(term) for term, w in word.terms), default=0.0)
        return terms, worth

    def _sentences(self, row: int, passage: Passage) -> dict[Span, frozenset[str]]:
        with self._lock:
            known = self._terms.get(row)
            if known is not None:
                self._terms.move_to_end(row)
                return known
        try:
            text = self._catalogue.document(passage.document_id).text
        except NotFound:  # removed a moment ago
            return {}
        made = {
            span: frozenset(index_terms(text[span.start : span.end], passage.language))
            for span in passage.sentences
        }
        with self._lock:
            self._terms[row] = made
            while len(self._terms) > _CACHED:
                self._terms.popitem(last=False)
        return made


def _held(words: Sequence[tuple[dict[str, float], float]], sentence: frozenset[str]) -> float:
    """Return the worth of the words that a sentence holds."""
    return sum(
        worth * max((weight for term, weight in terms.items() if term in sentence), default=0.0)
        for terms, worth in words
    )
