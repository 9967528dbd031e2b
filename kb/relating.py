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
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from kb.analysis.engines import FUNCTION_WORD_WEIGHT, question_tokens
from kb.centring import Centring, Vector, unit
from kb.comparing import (
    Space,
    longest,
    mean_row,
    means_of,
    names_in,
    nearer_half,
    nearest_pair,
    overlap,
    pair_by_words,
    weighed,
    without_runs,
)
from kb.embeddings import Embeddings
from kb.errors import BadQuestion
from kb.fusion import Scores, top
from kb.lexical import LexicalIndex, LexicalScores, Word
from kb.model import LANGUAGES, Document, Language, Span
from kb.project import Project, folded, folded_partner, language_of_text, passage_spans
from kb.projects import ProjectFilter, Projects
from kb.protocols import Embedder, Matrix
from kb.related import Quote, Reason, Related
from kb.retrieval import question_words
from kb.translation import Translator

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase

Rows = npt.NDArray[np.int64]
Signal = Literal["theme", "place", "partner", "programme", "time"]

SIGNAL_WEIGHTS: Mapping[Signal, float] = {
    "theme": 0.06,
    "place": 0.03,
    "partner": 0.06,
    "programme": 0.03,
    "time": 0.01,
}
"""What a full agreement adds to the text's score, of which a random pair has about .05 and a
related one .45. Small on purpose: they order what is near in meaning, and don't replace it."""

LEXICAL_WEIGHT = 1.0
"""The weight of terms beside the mean of the cosines."""

_MIDDLE, _SLOPE = 0.57, 9.4
"""Logistic curve from the sum to the score that is shown: one half where, on the sets of related
theses and reports, a pair is as likely related as not among a search's first ten."""

_CANDIDATES = 120
_COMPARED = 150
"""Candidates whose sentences are read and compared: those best by passages, terms and partners."""

_MOST_PASSAGES = 12
_MOST_SENTENCES = 40
_MOST_WORDS = 30
_LEAST_PASSAGES, _LEAST_SENTENCES = 3, 6
"""How many of ours are compared at least, however few of them are half."""

_FEW = 0.01
_SEEN_LIMIT = 20_000
_SAMPLE = 500
"""Projects whose sentences tell the mean sentence."""

_READ = 20_000
"""Characters of a text in which places and partners are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """What is asked about: its text, the spans that are compared, and what else is known.

    ``passages`` and ``sentences`` are spans of ``text``; vectors, where they are known, are the
    raw ones of these spans. ``told`` are the themes that somebody named: guessed ones come from
    the text that is compared anyway, so they are shown as a reason and don't count as evidence
    (counting them as told ones cost .015 nDCG@10). ``names`` are the places and partners that
    the text names, folded.
    """

    text: str
    language: Language
    passages: tuple[Span, ...]
    sentences: tuple[Span, ...]
    passage_vectors: Matrix | None = None
    sentence_vectors: Matrix | None = None
    project: Project | None = None
    document: Document | None = None
    themes: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Table:
    """The passages of all projects: centred unit rows, and where each project's begin."""

    rows: Rows
    """Rows of the projects, ascending, shape (n,)."""
    first: npt.NDArray[np.int64]
    """The first passage of each project in ``matrix``, shape (n,)."""
    matrix: Matrix
    wholes: Matrix
    """The mean passage of each project, unit rows as ``rows``."""
    space: Space
    """Where passages are compared."""
    sentence_space: Space
    languages: Mapping[int, Language]
    names: Mapping[str, int]
    """Places and partners, as compared, and how many projects name each."""
    has_themes: bool
    spoken: tuple[Language, ...]
    """The languages of more than a few projects: others aren't translated into."""
    projects: int

    def rarity(self, name: str) -> float:
        """Return what a shared name tells (0-1): a country that most projects name, little.

        Its idf, as a share of that of a name which stands in one project.
        """
        naming = self.names.get(name, 1)
        if self.projects < 2:
            return 1.0
        return max(0.0, 1 - math.log(naming) / math.log(self.projects))


@dataclass(frozen=True, slots=True)
class _Sentences:
    """A project's sentences: spans of its text, unit rows, lengths as shares, and their mean."""

    spans: tuple[Span, ...]
    matrix: Matrix
    shares: Scores
    mean: Vector

    @classmethod
    def of(cls, spans: Sequence[Span], matrix: Matrix) -> _Sentences:
        """Return sentences of unit rows (n, dimension), n > 0."""
        lengths = np.array([len(span) for span in spans], dtype=np.float32)
        return cls(tuple(spans), matrix, lengths / lengths.sum(), mean_row(matrix, lengths))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look over all projects tells of one seed: terms, and passages by project."""

    lexical: LexicalScores
    passages: Scores | None
    """The mean over the nearer half of the seed's passages of a project's best one, as
    ``_Table.rows``."""
    wholes: Scores | None
    """The cosine of the mean passages, as ``_Table.rows``."""
    sentences: _Sentences | None
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
        self._projects = projects
        self._embeddings = embeddings
        self._centring = centring
        self._embedder = embedder
        self._translator = translator
        self._guess_themes = guess_themes
        self._lexical = LexicalIndex(projects, context_weight=1.0)
        self._lock = threading.Lock()
        self._generation = -1
        self._kept: _Table | None = None
        self._seen: dict[int, _Sentences | None] = {}

    # -- what is asked about --------------------------------------------------------------------

    def of_text(self, text: str) -> Seed:
        """Return a pasted text as a seed; raises BadQuestion when there is none in it."""
        if not text.strip():
            raise BadQuestion
        language = language_of_text(text)
        passages, sentences = passage_spans(text, language)
        return Seed(
            text=text,
            language=language,
            passages=longest(passages, _MOST_PASSAGES),
            sentences=longest(sentences, _MOST_SENTENCES),
        )

    def of_project(self, project_id: str) -> Seed:
        """Return a project as a seed; raises NotFound."""
        project = self._projects.get(project_id)
        passages, sentences = passage_spans(project.text, project.language)
        return Seed(
            text=project.text,
            language=project.language,
            passages=longest(passages, _MOST_PASSAGES),
            sentences=longest(sentences, _MOST_SENTENCES),
            project=project,
            themes=frozenset(project.themes),
            told=frozenset().union(
                *self._projects.told_themes([self._projects.row_of(project.id)]).values()
            ),
        )

    def of_document(self, document: Document, passages: Sequence[Span]) -> Seed:
        """Return a document as a seed: of a long one, passages from its whole length."""
        step = max(1, math.ceil(len(passages) / _MOST_PASSAGES))
        chosen = list(passages)[::step]
        return Seed(
            text=document.text,
            language=document.language,
            passages=tuple(chosen),
            sentences=longest(
                [
                    Span(span.start + s.start, span.start + s.end)
                    for span in chosen
                    for s in passage_spans(document.text[span.start : span.end], document.language)[
                        1
                    ]
                ],
                _MOST_SENTENCES,
            ),
            document=document,
            themes=frozenset(document.metadata.themes),
            told=self._projects.told_themes_of_document(document.id),
        )

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
        allowed = self._projects.rows(wanted) if wanted and not wanted.unlimited else None
        own = {self._projects.row_of(s.project.id) for s in seeds if s.project is not None}
        seen = [self._look(seed, table) for seed in seeds]
        candidates = self._candidates(seeds, seen, table, allowed, own, max(_CANDIDATES, k))
        if len(candidates) == 0:
            return []
        records = self._projects.by_rows(candidates.tolist())
        candidates = np.array([r for r in candidates.tolist() if r in records], dtype=np.int64)
        told = self._projects.told_themes(candidates.tolist())
        compared = [self._compare(look, candidates, table) for look in seen]
        sums = np.array(
            [
                self._summed(one)
                + np.array(
                    [
                        self._agreement(
                            seed, records[row], told.get(row, frozenset()), without, table
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
                    reasons=self._reasons(
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
        known = self._projects.vectors_of(self._embeddings, texts)
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
        table: _Table,
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
                rows = self._projects.rows(shared)
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
    def _roughly(look: _Seen, rows: Rows, table: _Table) -> Scores:
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

    def _passages(self, seed: Seed, table: _Table) -> tuple[Scores, Scores]:
        """Return of every project what its passages tell: its nearest to each of the seed's.

        And the cosine of its mean passage with the seed's.
        """
        assert seed.passage_vectors is not None
        ours = table.space.rows(seed.passage_vectors, seed.language)
        best = np.maximum.reduceat(table.matrix @ ours.T, table.first, axis=0)
        wholes = table.wholes @ unit(ours.mean(axis=0, keepdims=True))[0]
        return nearer_half(best, least=_LEAST_PASSAGES), wholes

    def _look(self, seed: Seed, table: _Table) -> _Seen:
        known = seed.passage_vectors is not None and len(seed.passages) and len(table.rows)
        passages, wholes = self._passages(seed, table) if known else (None, None)
        sentences = (
            _Sentences.of(
                seed.sentences, table.sentence_space.rows(seed.sentence_vectors, seed.language)
            )
            if known and seed.sentences and seed.sentence_vectors is not None
            else None
        )
        return _Seen(self._lexical.score(self._words(seed)), passages, wholes, sentences)

    def _compare(self, look: _Seen, candidates: Rows, table: _Table) -> _Compared:
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

    def _nearest_pair(self, look: _Seen, row: int, table: _Table) -> tuple[Span, Span] | None:
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

    def _sentences(self, rows: Rows, table: _Table) -> dict[int, _Sentences | None]:
        """Return the sentences of projects in the order asked; those seen come from memory."""
        with self._lock:
            found = {row: self._seen[row] for row in rows.tolist() if row in self._seen}
        missing = [row for row in rows.tolist() if row not in found]
        if missing:
            parts, matrix = self._projects.vectors(self._embeddings, "sentence", missing)
            spoken = [table.languages.get(part.project_row, "en") for part in parts]
            matrix = table.sentence_space.mixed(matrix, spoken)
            places: dict[int, list[int]] = {row: [] for row in missing}
            for at, part in enumerate(parts):
                places[part.project_row].append(at)
            fresh = {
                row: _Sentences.of([parts[at].span for at in at_rows], matrix[at_rows])
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

    # -- records --------------------------------------------------------------------------------

    @staticmethod
    def _shared(seed: Seed, project: Project) -> dict[Signal, tuple[str, ...]]:
        """Return what a seed and a project have in common, by signal."""
        partners = {folded_partner(p.name): p.name for p in project.partners}
        places = {folded(place): place for place in project.places}
        shared: dict[Signal, tuple[str, ...]] = {
            "theme": tuple(theme for theme in project.themes if theme in seed.themes)
        }
        if seed.project is not None:
            theirs = {folded_partner(p.name) for p in seed.project.partners}
            where = {folded(place) for place in seed.project.places}
            same = project.programme and folded(project.programme) == folded(
                seed.project.programme or ""
            )
            shared["programme"] = (project.programme or "",) if same else ()
        else:
            theirs = where = set(seed.names)
            if seed.document is not None:
                meta = seed.document.metadata
                theirs = theirs | {folded_partner(meta.organisation or "")}
                where = where | {folded(meta.city or "")}
            shared["programme"] = ()
        shared["partner"] = tuple(name for key, name in partners.items() if key in theirs)
        shared["place"] = tuple(name for key, name in places.items() if key in where)
        return shared

    def _agreement(
        self,
        seed: Seed,
        project: Project,
        told: frozenset[str],
        without: frozenset[Signal],
        table: _Table,
    ) -> float:
        """Return what themes, places, partners, programme and time add to the text's score."""
        shared = self._shared(seed, project)
        strengths: dict[Signal, float] = {
            "theme": len(seed.told & told) / (len(seed.told | told) or 1),
            "place": max((table.rarity(folded(name)) for name in shared["place"]), default=0.0),
            "partner": 1
            - math.prod(1 - table.rarity(folded_partner(name)) / 2 for name in shared["partner"]),
            "programme": 1.0 if shared["programme"] else 0.0,
            "time": overlap(
                seed.project.years if seed.project is not None else None, project.years
            ),
        }
        return sum(
            SIGNAL_WEIGHTS[signal] * strength
            for signal, strength in strengths.items()
            if signal not in without
        )

    def _reasons(
        self,
        seeds: Sequence[Seed],
        project: Project,
        without: frozenset[Signal],
        nearest: int,
        pair: tuple[Span, Span] | None,
    ) -> tuple[Reason, ...]:
        shared: dict[Signal, dict[str, None]] = {}
        for seed in seeds:
            for signal, names in self._shared(seed, project).items():
                shared.setdefault(signal, {}).update(dict.fromkeys(names))
        reasons: list[Reason] = []
        kinds: tuple[Literal["theme", "place", "partner", "programme"], ...] = (
            "theme",
            "partner",
            "place",
            "programme",
        )
        for kind in kinds:
            if shared.get(kind) and kind not in without:
                reasons.append(Reason(kind, tuple(shared[kind])))
        seed = seeds[nearest]
        pair = pair or pair_by_words(seed.text, seed.sentences, seed.language, project)
        if pair is not None:
            theirs, ours = pair
            reasons.append(
                Reason(
                    "text",
                    theirs=Quote(
                        theirs.start,
                        theirs.end,
                        project.text[theirs.start : theirs.end],
                        project_id=project.id,
                    ),
                    ours=Quote(
                        ours.start,
                        ours.end,
                        seed.text[ours.start : ours.end],
                        project_id=None if seed.project is None else seed.project.id,
                        document=seed.document,
                    ),
                )
            )
        return tuple(reasons)

    # -- tables ----------------------------------------------------------------------------------

    def _table(self) -> _Table:
        with self._lock:
            generation = self._projects.generation
            if self._kept is None or generation != self._generation:
                self._kept = self._read()
                self._seen.clear()
                self._generation = generation
            return self._kept

    def _read(self) -> _Table:
        rows, _, places = self._projects.passage_table()
        languages: dict[int, Language] = {
            row: LANGUAGES[place] for row, place in zip(rows.tolist(), places.tolist(), strict=True)
        }
        parts, matrix = self._projects.vectors(self._embeddings, "passage")
        owners = np.array([part.project_row for part in parts], dtype=np.int64)
        names = self._projects.names()
        counts = Counter(languages.values())
        spoken_here = tuple(
            language for language in LANGUAGES if counts[language] > _FEW * len(languages)
        )
        if not len(parts):
            none, empty = np.empty(0, np.int64), np.empty((0, 0), np.float32)
            nowhere = Space({}, empty)
            return _Table(
                none,
                none,
                empty,
                empty,
                nowhere,
                nowhere,
                languages,
                names,
                False,
                spoken_here,
                len(languages),
            )
        spoken = [languages.get(row, "en") for row in owners.tolist()]
        prior = self._centring.prior_passages()
        space = Space.of(matrix, spoken, means_of(matrix, spoken, prior))
        # Sentences have a space of their own: .02 nDCG@10 better than with the passages' mean.
        step = max(1, len(rows) // _SAMPLE)
        sample, some = self._projects.vectors(self._embeddings, "sentence", rows[::step].tolist())
        sampled = [languages.get(part.project_row, "en") for part in sample]
        sentence_space = (
            Space.of(some, sampled, means_of(some, sampled, prior)) if sample else space
        )
        matrix = space.mixed(matrix, spoken)
        unique, first = np.unique(owners, return_index=True)
        counted = np.diff(np.append(first, len(owners)))[:, None]
        wholes = unit((np.add.reduceat(matrix, first, axis=0) / counted).astype(np.float32))
        return _Table(
            unique,
            first,
            matrix,
            wholes,
            space,
            sentence_space,
            languages,
            names,
            self._projects.has_themes(),
            spoken_here,
            len(languages),
        )


def seeds_of(
    kb: KnowledgeBase,
    relator: Relator,
    *,
    texts: Sequence[str] = (),
    documents: Sequence[str] = (),
    projects: Sequence[str] = (),
) -> list[Seed]:
    """Return seeds of texts, documents and projects; raises NotFound, BadQuestion.

    A document that may not be seen isn't found.
    """
    seeds = [relator.of_text(text) for text in texts]
    for document_id in documents:
        document = kb.document(document_id)
        rows = kb.catalogue.passage_rows(document.id)
        passages = kb.catalogue.passages(rows)
        spans = [Span(passages[row].start, passages[row].end) for row in rows if row in passages]
        seeds.append(relator.of_document(document, spans))
    return seeds + [relator.of_project(project_id) for project_id in projects]
