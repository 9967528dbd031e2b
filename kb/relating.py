"""Related projects: why a project is near a text, a document or another project.

Meaning is compared part by part, not one vector against another alone: each passage and sentence of
what is asked about with the nearest of the project, and each sentence of the project with the
nearest of what is asked about, beside the means of both; as cosines of vectors that are centred by
language and whose directions are evened out. Terms are compared across languages. To that come
themes, places, partners, the programme and the time, each a small addition to the score, and each
told as a reason.

A sentence counts by its length, theirs as ours: a title or a heading tells less than a statement.
Of ours only the nearer half counts, since no project does all that a call asks for, and much of a
call is what all calls say.
The five cosines count alike, and terms as much as their mean: good on a wide plateau in each of
three samples of related theses and reports (777 queries; Finnish, English, Finnish to English).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kb.agreeing import SIGNAL_WEIGHTS, Signal, agreement, reasons_of
from kb.analysis.engines import FUNCTION_WORD_WEIGHT, question_tokens
from kb.centring import Centring, unit
from kb.comparing import (
    names_in,
    nearer_half,
    nearest_pair,
    weighed,
    without_runs,
)
from kb.embeddings import Embeddings
from kb.errors import BadQuestion
from kb.fusion import Scores, top
from kb.lexical import LexicalIndex, LexicalScores, Word
from kb.model import Language, Span
from kb.project_table import Rows, Sentences, Table, read_table
from kb.projects import ProjectFilter, Projects
from kb.protocols import Embedder, Matrix
from kb.related import Related
from kb.retrieval import question_words
from kb.seeds import Seed
from kb.translation import Translator

LEXICAL_WEIGHT = 1.0
"""The weight of terms beside the mean of the cosines."""

_MIDDLE, _SLOPE = 0.57, 9.4
"""Logistic curve from the sum to the score that is shown: one half where, on the sets of related
theses and reports, a pair is as likely related as not among a search's first ten."""

_CANDIDATES = 120
_COMPARED = 150
"""Candidates whose sentences are read and compared: those best by passages, terms and partners."""

_MOST_WORDS = 30
_LEAST_PASSAGES, _LEAST_SENTENCES = 3, 6
"""How many of ours are compared at least, however few of them are half."""

_SEEN_LIMIT = 20_000
_READ = 20_000
"""Characters of a text in which places and partners are looked for."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look over all projects tells of one seed: terms, and passages by project."""

    lexical: LexicalScores
    passages: Scores | None
    """The mean over the nearer half of the seed's passages of a project's best one, as
    ``Table.rows``."""
    wholes: Scores | None
    """The cosine of the mean passages, as ``Table.rows``."""
    sentences: Sentences | None
    """The seed's, where projects' are compared; None without vectors."""

    def dense(self) -> Scores | None:
        """Return what meaning tells before sentences are read, as much as it will count."""
        if self.passages is None or self.wholes is None:
            return None
        return np.asarray((self.wholes + self.passages) / 2, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Candidates compared with one seed; both of shape (n,)."""

    dense: Scores
    lexical: Scores


class Relator:
    """Finds related projects. Safe between threads."""

    def __init__(
        self,
        projects: Projects,
        *,
        embeddings: Embeddings,
        centring: Centring,
        embedder: Callable[[], Embedder],
        translator: Translator | None = None,
        guess_themes: Callable[[str, Language, Matrix], frozenset[str]] | None = None,
    ) -> None:
        self.projects = projects
        """Those that are looked among."""
        self._embeddings = embeddings
        self._centring = centring
        self._embedder = embedder
        self._translator = translator
        self._guess_themes = guess_themes
        self._lexical = LexicalIndex(projects, context_weight=1.0)
        self._lock = threading.Lock()
        self._generation = -1
        self._kept: Table | None = None
        self._seen: dict[int, Sentences | None] = {}

    # -- what is related --------------------------------------------------------------------------

    def related(
        self,
        seeds: Sequence[Seed],
        *,
        k: int = 10,
        wanted: ProjectFilter | None = None,
        without: frozenset[Signal] = frozenset(),
    ) -> list[Related]:
        """Return the k projects most related to the seeds, best first, with reasons.

        With several seeds a project counts by its best and its mean alike. ``without`` leaves
        signals out of the ranking and the reasons. Raises BadQuestion when there is no seed.
        """
        if not seeds:
            raise BadQuestion("related_nothing")
        seeds = [self._embedded(seed) for seed in seeds]
        table = self._table()
        allowed = self.projects.rows(wanted) if wanted and not wanted.unlimited else None
        own = {self.projects.row_of(s.project.id) for s in seeds if s.project is not None}
        seen = [self._look(seed, table) for seed in seeds]
        candidates = self._candidates(seeds, seen, table, allowed, own, max(_CANDIDATES, k))
        if len(candidates) == 0:
            return []
        records = self.projects.by_rows(candidates.tolist())
        candidates = np.array([r for r in candidates.tolist() if r in records], dtype=np.int64)
        told = self.projects.told_themes(candidates.tolist())
        compared = [self._compare(look, candidates, table) for look in seen]
        sums = np.array(
            [
                self._summed(one)
                + np.array(
                    [
                        agreement(
                            seed, records[row], told.get(row, frozenset()), without, table.rarity
                        )
                        for row in candidates.tolist()
                    ],
                    np.float32,
                )
                for seed, one in zip(seeds, compared, strict=True)
            ]
        )
        scores = ((sums.max(axis=0) + sums.mean(axis=0)) / 2).astype(np.float32)
        results: list[Related] = []
        for at in top(scores, k).tolist():
            row = int(candidates[at])
            nearest = int(sums[:, at].argmax())
            dense = float(compared[nearest].dense[at])
            results.append(
                Related(
                    project=records[row],
                    score=1 / (1 + math.exp(-_SLOPE * (float(scores[at]) - _MIDDLE))),
                    meaning=None if np.isnan(dense) else dense,
                    terms=float(compared[nearest].lexical[at]),
                    reasons=reasons_of(
                        seeds,
                        records[row],
                        without,
                        nearest,
                        self._nearest_pair(seen[nearest], row, table),
                    ),
                )
            )
        return results

    def _embedded(self, seed: Seed) -> Seed:
        """Return the seed with the names in it and with vectors: kept ones, else new ones."""
        table = self._table()
        if seed.project is None:
            seed = replace(seed, names=names_in(seed.text[:_READ], table.names))
        if not table.matrix.size:
            return seed
        texts = [seed.text[s.start : s.end] for s in (*seed.passages, *seed.sentences)]
        known = self.projects.vectors_of(self._embeddings, texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            vectors = self._embedder().embed_passages(missing)
            known.update(zip(missing, vectors, strict=True))
        matrix = np.array([known[text] for text in texts], dtype=np.float32)
        cut = len(seed.passages)
        guessed = seed.themes
        if not guessed and self._guess_themes is not None and table.has_themes and cut:
            guessed = self._guess_themes(seed.text[:_READ], seed.language, matrix[:cut])
        return replace(
            seed,
            passage_vectors=matrix[:cut],
            sentence_vectors=matrix[cut:],
            themes=guessed,
        )

    def _candidates(
        self,
        seeds: Sequence[Seed],
        seen: Sequence[_Seen],
        table: Table,
        allowed: Rows | None,
        own: set[int],
        k: int,
    ) -> Rows:
        found: list[Rows] = []
        sharing: Rows | None = None
        for seed, look in zip(seeds, seen, strict=True):
            rows, scores = look.lexical.rows, look.lexical.scores
            if allowed is not None:
                inside = np.isin(rows, allowed)
                rows, scores = rows[inside], scores[inside]
            found.append(rows[top(scores, k)])
            dense = look.dense()
            if dense is not None:
                rows, near = table.rows, dense
                if allowed is not None:
                    inside = np.isin(rows, allowed)
                    rows, near = rows[inside], near[inside]
                found.append(rows[top(near, k)])
            if seed.project is not None and seed.project.partners:
                shared = ProjectFilter(partners=frozenset(p.name for p in seed.project.partners))
                rows = self.projects.rows(shared)
                rows = rows if allowed is None else rows[np.isin(rows, allowed)]
                sharing = rows if sharing is None else np.union1d(sharing, rows)
        if sharing is not None:
            found.append(sharing)
        rows = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
        rows = rows[~np.isin(rows, np.array(sorted(own), dtype=np.int64))]
        most = max(_COMPARED, k)
        if len(rows) <= most:
            return rows
        partner = np.zeros(len(rows), np.float32)
        if sharing is not None:
            partner[np.isin(rows, sharing)] = SIGNAL_WEIGHTS["partner"] / 2
        roughly = np.array([self._roughly(look, rows, table) for look in seen])
        summed = (roughly.max(axis=0) + roughly.mean(axis=0)) / 2 + partner
        return np.sort(rows[top(np.asarray(summed, dtype=np.float32), most)])

    @staticmethod
    def _roughly(look: _Seen, rows: Rows, table: Table) -> Scores:
        """Return what passages and terms tell of candidates, before their sentences are read."""
        scores, _ = look.lexical.at(rows)
        rough = LEXICAL_WEIGHT * scores
        dense = look.dense()
        if dense is not None:
            at = np.minimum(np.searchsorted(table.rows, rows), len(table.rows) - 1)
            near = np.where(table.rows[at] == rows, dense[at], 0)
            rough = rough + near.astype(np.float32)
        return np.asarray(rough, dtype=np.float32)

    def _words(self, seed: Seed) -> tuple[Word, ...]:
        """Return the words that tell most of a seed, each once, in the text's order.

        Thirty find as well as all of an abstract, in a third of the time: what is said often and is
        long tells more, as compounds do, and of twice as many those are kept that are rarest here:
        a call is half made of what every call says. A word counts by its rarity once more, as in
        a cosine of two texts, and by the logarithm of how often it is said (nDCG@10 .571 to .631
        by terms alone on 397 English texts, all words).
        """
        text = "\n".join(seed.text[s.start : s.end] for s in seed.passages)
        times: dict[str, int] = {}
        written: dict[str, str] = {}
        for token in question_tokens(text, seed.language):
            if max((term.weight for term in token.terms), default=0.0) <= FUNCTION_WORD_WEIGHT:
                continue
            key = token.terms[0].text
            times[key] = times.get(key, 0) + 1
            written.setdefault(key, token.surface)
        telling = sorted(times, key=lambda key: -math.sqrt(times[key]) * len(written[key]))
        kept = set(telling[: 2 * _MOST_WORDS])
        words = [
            without_runs(word)
            for word in question_words(
                " ".join(surface for key, surface in written.items() if key in kept),
                (seed.language,),
                translator=self._translator,
                targets=self._table().spoken,
            )
        ]
        said = {written[key]: times[key] for key in kept}
        tells = [
            rarity * (1 + math.log(said.get(word.surface, 1)))
            for word, rarity in zip(words, self._lexical.rarities(words), strict=True)
        ]
        chosen = sorted(sorted(range(len(words)), key=lambda at: -tells[at])[:_MOST_WORDS])
        return tuple(weighed(words[at], tells[at] / (words[at].weight or 1)) for at in chosen)

    def _passages(self, seed: Seed, table: Table) -> tuple[Scores, Scores]:
        """Return of every project what its passages tell: its nearest to each of the seed's.

        And the cosine of its mean passage with the seed's.
        """
        assert seed.passage_vectors is not None
        ours = table.space.rows(seed.passage_vectors, seed.language)
        best = np.maximum.reduceat(table.matrix @ ours.T, table.first, axis=0)
        wholes = table.wholes @ unit(ours.mean(axis=0, keepdims=True))[0]
        return nearer_half(best, least=_LEAST_PASSAGES), wholes

    def _look(self, seed: Seed, table: Table) -> _Seen:
        known = seed.passage_vectors is not None and len(seed.passages) and len(table.rows)
        passages, wholes = self._passages(seed, table) if known else (None, None)
        sentences = (
            Sentences.of(
                seed.sentences, table.sentence_space.rows(seed.sentence_vectors, seed.language)
            )
            if known and seed.sentences and seed.sentence_vectors is not None
            else None
        )
        return _Seen(self._lexical.score(self._words(seed)), passages, wholes, sentences)

    def _compare(self, look: _Seen, candidates: Rows, table: Table) -> _Compared:
        lexical, _ = look.lexical.at(candidates)
        dense = np.full(len(candidates), np.nan, np.float32)
        out = _Compared(dense, lexical)
        mine = look.sentences
        if mine is None or look.passages is None or look.wholes is None:
            return out
        for at, (row, sentences) in enumerate(self._sentences(candidates, table).items()):
            place = int(np.searchsorted(table.rows, row))
            if sentences is None or place >= len(table.rows) or table.rows[place] != row:
                continue
            cosine = sentences.matrix @ mine.matrix.T
            nearest = cosine.max(axis=0)[None]
            forward = nearer_half(nearest, least=_LEAST_SENTENCES, weights=mine.shares)[0]
            dense[at] = np.mean(
                [
                    look.wholes[place],
                    look.passages[place],
                    sentences.mean @ mine.mean,
                    forward,
                    cosine.max(axis=1) @ sentences.shares,
                ]
            )
        return out

    def _nearest_pair(self, look: _Seen, row: int, table: Table) -> tuple[Span, Span] | None:
        """Return a project's sentence and ours that lie nearest; None without vectors."""
        theirs, ours = self._sentences(np.array([row]), table)[row], look.sentences
        if theirs is None or ours is None:
            return None
        return nearest_pair(theirs.matrix @ ours.matrix.T, theirs.spans, ours.spans)

    @staticmethod
    def _summed(one: _Compared) -> Scores:
        known = one.dense[~np.isnan(one.dense)]
        floor = float(known.min()) if len(known) else 0.0
        dense = np.where(np.isnan(one.dense), floor, one.dense)
        return np.asarray(dense + LEXICAL_WEIGHT * one.lexical, dtype=np.float32)

    def _sentences(self, rows: Rows, table: Table) -> dict[int, Sentences | None]:
        """Return the sentences of projects in the order asked; those seen come from memory."""
        with self._lock:
            found = {row: self._seen[row] for row in rows.tolist() if row in self._seen}
        missing = [row for row in rows.tolist() if row not in found]
        if missing:
            parts, matrix = self.projects.vectors(self._embeddings, "sentence", missing)
            spoken = [table.languages.get(part.project_row, "en") for part in parts]
            matrix = table.sentence_space.mixed(matrix, spoken)
            places: dict[int, list[int]] = {row: [] for row in missing}
            for at, part in enumerate(parts):
                places[part.project_row].append(at)
            fresh = {
                row: Sentences.of([parts[at].span for at in at_rows], matrix[at_rows])
                if at_rows
                else None
                for row, at_rows in places.items()
            }
            with self._lock:
                self._seen.update(fresh)
                while len(self._seen) > _SEEN_LIMIT:
                    self._seen.pop(next(iter(self._seen)))
            found |= fresh
        return {row: found[row] for row in rows.tolist()}

    # -- tables ----------------------------------------------------------------------------------

    def _table(self) -> Table:
        with self._lock:
            generation = self.projects.generation
            if self._kept is None or generation != self._generation:
                self._kept = read_table(
                    self.projects, self._embeddings, self._centring.prior_passages()
                )
                self._seen.clear()
                self._generation = generation
            return self._kept
