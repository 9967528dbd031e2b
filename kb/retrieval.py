"""Finding passages: words and meaning, fused, within a scope.

A question's candidates come from three lists (nearest passages, passages of the nearest
sentences, best by terms); every candidate is then scored exactly by all three, from the
catalogue's own vectors, so what the approximate index leaves out or misjudges costs a
candidate at most, never a score.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from kb.analysis.engines import question_tokens
from kb.catalogue import Catalogue, ItemKind
from kb.centring import Centring, Vector, cosines
from kb.embeddings import Embeddings, HalfMatrix
from kb.errors import NotFound
from kb.fusion import Scores, best_of, blend_dense, concerted, fuse, in_order, top
from kb.language import detect
from kb.lexical import LexicalIndex, LexicalScores, Translation, Word
from kb.model import LANGUAGES, Document, Hit, Language, Passage, Scope, Span
from kb.protocols import Embedder, Matrix, Reranker
from kb.second_look import SecondLook, spread
from kb.translation import Translator
from kb.vectors import VectorIndex

Rows = npt.NDArray[np.int64]

SENTENCE_WEIGHT = 0.6
LEXICAL_WEIGHT = 0.9

Leg = Literal["terms", "vectors"]
LEGS: tuple[Leg, ...] = ("terms", "vectors")
"""What a ranking is fused of; each can rank alone, to see what the whole is worth."""

_CANDIDATES = 150
_SECOND_LOOK = 40
_RERANKED = 20
_READ_FOR_QUOTES = 300
_WHOLE = 0.999
"""A share that is all, but for rounding."""

_MARK = '["\u201c\u201d\u201e\u00ab\u00bb]'
_PHRASE = re.compile(rf"(?<!\w){_MARK}(?=\S)([^{_MARK[1:-1]}]{{2,200}})(?<=\S){_MARK}(?!\w)")
"""Two double marks about words, of whatever kind; not those of inches: 12" and 14"."""
_NO_VECTORS: HalfMatrix = np.empty((0, 0), np.float16)

_SEEN_LIMIT = 20_000
"""Passages whose vectors stay in memory: some 100 MB."""

_EXACT_LIMIT = 4000
"""Up to so many passages in scope, every one is compared: as quick as the index, and exact."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the indexes see it."""

    text: str
    language: Language | None
    words: tuple[Word, ...]
    vector: Vector
    """Centred, unit, shape (dimension,)."""

    phrases: tuple[str, ...] = ()
    """What stands in quotation marks: passages that have it word for word come first."""


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A sentence of a passage and its centred cosine to the question."""

    row: int
    span: Span
    cosine: float


@dataclass(frozen=True, slots=True)
class _PassageVectors:
    """A passage's vector, shape (1, dimension), and its sentences', (spans, dimension)."""

    row: int
    passage: HalfMatrix | None
    spans: tuple[Span, ...]
    sentences: HalfMatrix


@dataclass(frozen=True, slots=True)
class _Sentences:
    """The sentences of candidates: the passages that own them (n,), spans, cosines (n,)."""

    owners: Rows
    spans: tuple[Span, ...]
    cosines: Scores

    def of(self, rows: Rows) -> list[ScoredSentence]:
        """Return those of some passages, in order; thousands of others are never made."""
        return [
            ScoredSentence(int(self.owners[at]), self.spans[at], float(self.cosines[at]))
            for at in np.flatnonzero(np.isin(self.owners, rows)).tolist()
        ]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Passages best first: rows and their scores, all of shape (n,)."""

    query: Query
    rows: Rows
    scores: Scores
    dense: Scores
    lexical: Scores
    coverage: Scores
    known_words: float
    sentences: tuple[ScoredSentence, ...]
    passages: int = 0
    """How many there are in all, whatever the scope."""


class Retriever:
    """Ranks passages for a question. Safe between threads."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        vectors: VectorIndex,
        lexical: LexicalIndex,
        centring: Centring,
        embeddings: Embeddings,
        embedder: Callable[[], Embedder],
        sentences: bool,
        translator: Translator | None = None,
        reranker: Callable[[], Reranker] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._vectors = vectors
        self._lexical = lexical
        self._centring = centring
        self._embedder = embedder
        self._embeddings = embeddings
        self._sentences = sentences
        self._translator = translator
        self._reranker = reranker
        self._closer = SecondLook(catalogue, lexical)
        self._lock = threading.Lock()
        self._seen: dict[int, _PassageVectors] = {}
        self._exact: dict[ItemKind, tuple[Rows, Matrix]] = {}
        self._exact_generation = -1

    def query(self, text: str, *, language: Language | None = None) -> Query:
        """Analyse and embed a question; one of no clear language is analysed in all three."""
        spoken = language or detect(text)
        vector = self._embedder().embed_queries([text])[0]
        return Query(
            text=text,
            language=spoken,
            words=question_words(
                text,
                (spoken,) if spoken else LANGUAGES,
                translator=self._translator,
                targets=self._lexical.languages,
            ),
            vector=self._centring.centre().query(vector, spoken),
            phrases=phrases(text),
        )

    def rank(self, query: Query, *, scope: Scope, k: int, leg: Leg | None = None) -> Ranking:
        """Return the k best passages within a scope; with a leg, by that alone."""
        allowed = self._catalogue.rows_in_scope(scope)
        lexical = self._lexical.score(query.words)
        quoted = self._quoted(query, allowed)
        candidates = self._candidates(query, lexical, allowed, max(_CANDIDATES, k))
        if quoted:
            candidates = np.union1d(candidates, np.array(list(quoted), dtype=np.int64))
        dense, sentences = self._dense(query, candidates)
        shares, coverage = lexical.at(candidates)
        terms = concerted(shares, coverage)
        if leg == "terms":
            scores = terms
        elif leg == "vectors":
            scores = fuse(dense, terms, lexical_weight=0)
        else:
            scores = fuse(dense, terms, lexical_weight=LEXICAL_WEIGHT)
            scores = self._second_look(query, candidates, scores, sentences)
            if self._reranker is not None:
                scores = self._reranked(self._reranker(), query, candidates, scores)
            if quoted:
                held = [quoted.get(row, 0) for row in candidates.tolist()]
                scores = in_order(np.array(held, dtype=np.int64), scores)
        best = top(scores, k)
        return Ranking(
            query=query,
            rows=candidates[best],
            scores=scores[best],
            dense=dense[best],
            lexical=shares[best],
            coverage=coverage[best],
            known_words=lexical.known,
            sentences=tuple(sentences.of(candidates[best])),
            passages=self._lexical.passages,
        )

    def _second_look(
        self, query: Query, rows: Rows, scores: Scores, sentences: _Sentences
    ) -> Scores:
        """Return scores with what a closer look at the best ``_SECOND_LOOK`` passages adds."""
        best = top(scores, _SECOND_LOOK)
        cosine: dict[int, dict[Span, float]] = {row: {} for row in rows[best].tolist()}
        for sentence in sentences.of(rows[best]):
            cosine[sentence.row][sentence.span] = sentence.cosine
        gained = self._closer.score(
            query.words, query.language, list(cosine), list(cosine.values())
        )
        # The others stay below: what isn't looked at gains as little as the least of these.
        looked_at = scores + (gained.min() if len(gained) else np.float32(0))
        looked_at[best] = scores[best] + gained
        return np.asarray(looked_at, dtype=np.float32)

    def _reranked(self, reranker: Reranker, query: Query, rows: Rows, scores: Scores) -> Scores:
        """Return scores with the best ``_RERANKED`` passages in the order of a reranker."""
        best = top(scores, _RERANKED)
        texts = self._catalogue.texts(rows[best].tolist())
        read = [at for at in best.tolist() if int(rows[at]) in texts]
        judged = reranker.score(query.text, [texts[int(rows[at])] for at in read])
        places = np.array(read, dtype=np.int64)
        ordered = scores.copy()
        # The scores stay those of the places: what they are compared with was set on them.
        ordered[places[top(judged, len(read))]] = np.sort(scores[places])[::-1]
        return ordered

    def _quoted(self, query: Query, allowed: Rows | None) -> dict[int, int]:
        """Return how many of the question's quoted phrases passages hold as they stand, by row."""
        held: dict[int, int] = {}
        for phrase in query.phrases:
            found = self._lexical.score(question_words(phrase, LANGUAGES))
            whole = found.coverage > _WHOLE
            rows, scores = found.rows[whole], found.scores[whole]
            if allowed is not None:
                inside = np.isin(rows, allowed, assume_unique=True)
                rows, scores = rows[inside], scores[inside]
            texts = self._catalogue.texts(rows[top(scores, _READ_FOR_QUOTES)].tolist())
            written = spread(phrase)
            for row, text in texts.items():
                if written in spread(text):
                    held[row] = held.get(row, 0) + 1
        return held

    # -- candidates ---------------------------------------------------------------------------

    def _candidates(
        self, query: Query, lexical: LexicalScores, allowed: Rows | None, k: int
    ) -> Rows:
        by_terms = lexical.rows
        term_scores = lexical.scores
        if allowed is not None:
            inside = np.isin(by_terms, allowed, assume_unique=True)
            by_terms, term_scores = by_terms[inside], term_scores[inside]
        found = [by_terms[top(term_scores, k)]]
        total = self._lexical.passages
        if (total if allowed is None else len(allowed)) <= _EXACT_LIMIT:
            found += self._nearest_exactly(query, allowed, total, k)
        else:
            found += self._nearest_indexed(query, allowed, total, k)
        rows = np.unique(np.concatenate(found))
        return rows if allowed is None else rows[np.isin(rows, allowed, assume_unique=True)]

    def _nearest_indexed(
        self, query: Query, allowed: Rows | None, total: int, k: int
    ) -> list[Rows]:
        width = _width(k, total, total if allowed is None else len(allowed))
        passages = self._vectors.nearest("passage", query.vector, k=width)
        sentences = self._vectors.nearest("sentence", query.vector, k=2 * width)
        owners = self._embeddings.sentence_owners(sentences.tolist())
        known = self._catalogue.passages_known(passages.tolist())
        return [known, np.array(sorted(set(owners.values())), dtype=np.int64)]

    def _nearest_exactly(
        self, query: Query, allowed: Rows | None, total: int, k: int
    ) -> list[Rows]:
        found: list[Rows] = []
        for kind in ("passage", "sentence"):
            if total <= _EXACT_LIMIT:
                owners, matrix = self._small(kind)
            elif kind == "passage" and allowed is not None:
                owners, matrix = self._centred(
                    *self._embeddings.vectors("passage", allowed.tolist())
                )
            else:
                continue
            scores = cosines(matrix, query.vector)
            if allowed is not None:
                inside = np.isin(owners, allowed)
                owners, scores = owners[inside], scores[inside]
            found.append(np.unique(owners[top(scores, k if kind == "passage" else 2 * k)]))
        return found

    def _small(self, kind: ItemKind) -> tuple[Rows, Matrix]:
        """Return all centred vectors of a small collection with the passages that own them."""
        with self._lock:
            generation = self._catalogue.generation
            if generation != self._exact_generation:
                self._exact.clear()
                self._exact_generation = generation
            if kind not in self._exact:
                rows, matrix = self._embeddings.vectors(kind)
                owners = rows if kind == "passage" else self._owners(rows)
                self._exact[kind] = self._centred(owners, matrix)
            return self._exact[kind]

    def _centred(self, owners: Rows, matrix: Matrix) -> tuple[Rows, Matrix]:
        languages = self._lexical.languages_of(owners)
        return owners, self._centring.centre().passages(matrix, languages)

    def _owners(self, rows: Rows) -> Rows:
        owners = self._embeddings.sentence_owners(rows.tolist())
        return np.array([owners.get(row, -1) for row in rows.tolist()], dtype=np.int64)

    # -- scores -------------------------------------------------------------------------------

    def _dense(self, query: Query, candidates: Rows) -> tuple[Scores, _Sentences]:
        known = self._vectors_of(candidates)
        spans = tuple(span for vectors in known for span in vectors.spans)
        owners = np.repeat(
            np.array([vectors.row for vectors in known], dtype=np.int64),
            [len(vectors.spans) for vectors in known],
        )
        cosine = self._cosines([v.sentences for v in known if v.spans], owners, query)
        sentence = best_of(owners, cosine, candidates)
        whole = [(v.row, v.passage) for v in known if v.passage is not None]
        rows = np.array([row for row, _ in whole], dtype=np.int64)
        passage = best_of(
            rows, self._cosines([vector for _, vector in whole], rows, query), candidates
        )
        dense = blend_dense(passage, sentence, sentence_weight=SENTENCE_WEIGHT)
        return dense, _Sentences(owners, spans, cosine)

    def _cosines(self, parts: Sequence[HalfMatrix], owners: Rows, query: Query) -> Scores:
        """Return the centred cosines of stacked vectors, of which passages are the owners."""
        if not parts:
            return np.empty(0, np.float32)
        matrix = np.concatenate(parts).astype(np.float32)
        centred = self._centring.centre().passages(matrix, self._lexical.languages_of(owners))
        return cosines(centred, query.vector)

    def _vectors_of(self, rows: Rows) -> list[_PassageVectors]:
        """Return the vectors of passages; those seen before come from memory.

        A passage's text, and so its vectors, never change under its row, so what is complete is
        kept whatever happens to the catalogue.
        """
        with self._lock:
            found = {row: v for row in rows.tolist() if (v := self._seen.get(row)) is not None}
        missing = [row for row in rows.tolist() if row not in found]
        if missing:
            fetched = self._fetch(missing)
            with self._lock:
                for vectors in fetched:
                    if vectors.passage is not None and (vectors.spans or not self._sentences):
                        self._seen[vectors.row] = vectors
                while len(self._seen) > _SEEN_LIMIT:
                    self._seen.pop(next(iter(self._seen)))
            found.update((vectors.row, vectors) for vectors in fetched)
        return [found[row] for row in rows.tolist()]

    def _fetch(self, rows: Sequence[int]) -> list[_PassageVectors]:
        passages = self._embeddings.passage_vectors(rows)
        sentences = self._embeddings.sentence_vectors(rows)
        return [
            _PassageVectors(row=row, passage=passages.get(row), spans=spans, sentences=matrix)
            for row in rows
            for spans, matrix in (sentences.get(row, ((), _NO_VECTORS)),)
        ]

    def hits(self, ranking: Ranking) -> dict[int, Hit]:
        """Return a ranking's passages with their documents by row, best first.

        What is gone by now is left out.
        """
        passages = self._catalogue.passages(ranking.rows.tolist())
        nearest: dict[int, ScoredSentence] = {}
        for sentence in ranking.sentences:
            if sentence.row not in nearest or sentence.cosine > nearest[sentence.row].cosine:
                nearest[sentence.row] = sentence
        hits: dict[int, Hit] = {}
        for row, score, dense, lexical in zip(
            ranking.rows.tolist(),
            ranking.scores.tolist(),
            ranking.dense.tolist(),
            ranking.lexical.tolist(),
            strict=True,
        ):
            passage = passages.get(row)
            document = self._document(passage)
            if passage is None or document is None:
                continue
            hits[row] = Hit(
                passage=passage,
                document=document,
                score=score,
                dense=None if np.isnan(dense) else dense,
                lexical=lexical,
                best_sentence=nearest[row].span if row in nearest else None,
            )
        return hits

    def _document(self, passage: Passage | None) -> Document | None:
        if passage is None:
            return None
        try:
            return self._catalogue.document(passage.document_id)
        except NotFound:  # removed a moment ago
            return None


def _width(k: int, total: int, allowed: int) -> int:
    """Return how many nearest items to ask for, so that k of the allowed are likely among them.

    A scope is applied to what comes back: more is asked for the narrower it is, and half as much
    again as would do if the nearest were spread evenly.
    """
    if allowed >= total:
        return k
    return min(2000, k + int(1.5 * k * (total / max(1, allowed) - 1)) + k // 2)


def phrases(text: str) -> tuple[str, ...]:
    """Return what stands in double quotation marks of any kind and has a letter or digit."""
    return tuple(
        phrase.strip()
        for phrase in _PHRASE.findall(text)
        if any(letter.isalnum() for letter in phrase)
    )


def question_words(
    text: str,
    languages: Sequence[Language],
    *,
    translator: Translator | None = None,
    targets: Sequence[Language] = LANGUAGES,
) -> tuple[Word, ...]:
    """Return the words of a question with the terms that find them.

    In several languages, a word's terms are those of each; a word that two analysers cut
    differently is kept as each cuts it. A translator adds what the words are in the other
    languages among the targets.
    """
    groups: dict[tuple[int, int], dict[str, float]] = {}
    surfaces: dict[tuple[int, int], str] = {}
    translations: dict[tuple[int, int], list[Translation]] = {}
    for language in languages:
        tokens = question_tokens(text, language)
        places = [(token.start, token.end) for token in tokens]
        for place, token in zip(places, tokens, strict=True):
            surfaces[place] = token.surface
            terms = groups.setdefault(place, {})
            for term in token.terms:
                terms[term.text] = max(term.weight, terms.get(term.text, 0.0))
        for target in targets:
            if translator is None or target == language:
                continue
            found = translator.translate(tokens, source=language, target=target)
            for place, ways in zip(places, found, strict=True):
                translations.setdefault(place, []).extend(ways)
    return tuple(
        Word(surfaces[place], tuple(groups[place].items()), tuple(translations.get(place, ())))
        for place in sorted(groups)
    )
