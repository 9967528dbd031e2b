"""The facade: what the command line, the API and llama-index call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kb.answering.comparing import cited_figures
from kb.answering.extractive import Draft, Material, draft, words_told
from kb.answering.grouping import (
    PRACTICE_HITS,
    asks_for_practices,
    asks_where,
    grouped,
    headed_as_practice,
)
from kb.answering.refusing import about_it, elsewhere
from kb.answering.support import calibration
from kb.answering.units import units_of
from kb.answering.writing import Ended, LeftOut, Writer, Written
from kb.catalogue import Catalogue, DocumentRow
from kb.centring import Centring
from kb.citing import cite, holds
from kb.embeddings import Embeddings
from kb.errors import BadQuestion, NotFound, ReindexNeeded
from kb.explaining import more
from kb.lexical import LexicalIndex
from kb.messages import parted
from kb.model import (
    Answer,
    AnswerStatus,
    Citation,
    Claim,
    Confidentiality,
    Document,
    DocumentId,
    Group,
    Hit,
    Language,
    Scope,
    Span,
    WordBox,
)
from kb.protocols import AnswerReader, Embedder
from kb.retrieval import Leg, Query, Retriever
from kb.settings import Settings
from kb.vectors import VectorIndex
from kb.versions import Versions

if TYPE_CHECKING:
    from kb.answering.checking import ClaimChecker
    from kb.answering.speaking import LanguageModel

ANSWER_HITS = 8
"""Passages that an answer is made of."""

_NEAREST = 5


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, best first; ``language`` is None where the question's isn't clear."""

    query: str
    language: Language | None
    hits: tuple[Hit, ...]


def _is_confidential(document: Document) -> bool:
    return document.metadata.confidentiality is Confidentiality.CONFIDENTIAL


class KnowledgeBase:
    """Documents, search and cited answers. Safe between threads; ``assembly`` builds it."""

    def __init__(
        self,
        *,
        settings: Settings,
        catalogue: Catalogue,
        embeddings: Embeddings,
        vectors: VectorIndex,
        lexical: LexicalIndex,
        centring: Centring,
        retriever: Retriever,
        embedder: Callable[[], Embedder],
        reader: Callable[[], AnswerReader],
        writer: Writer | None = None,
    ) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.embeddings = embeddings
        self.vectors = vectors
        self.lexical = lexical
        self.centring = centring
        self.embedder = embedder
        self.reader = reader
        self._retriever = retriever
        self._writer = writer
        self.versions = Versions(catalogue, settings.visible)
        self._checked_generation = -1

    # -- asking -------------------------------------------------------------------------------

    def search(
        self,
        text: str,
        *,
        scope: Scope | None = None,
        k: int = 10,
        language: Language | None = None,
        leg: Leg | None = None,
    ) -> SearchResult:
        """Return the k best passages for a question or some words; with a leg, by that alone.

        Raises BadQuestion when the text is empty or longer than ``settings.max_question``.
        """
        query = self._query(text, language)
        ranking = self._retriever.rank(query, scope=self._cleared(scope), k=k, leg=leg)
        return SearchResult(text, query.language, tuple(self._retriever.hits(ranking).values()))

    def ask(
        self, text: str, *, scope: Scope | None = None, explain: bool = False, model: bool = True
    ) -> Answer:
        """Answer a question with cited claims, or say that the material doesn't.

        Every citation is checked against its document once more before it leaves. ``model``
        lets a language model write, where one is set. Raises BadQuestion like ``search``.
        """
        *_, answer = self.answering(text, scope=scope, explain=explain, model=model)
        if not isinstance(answer, Answer):
            raise AssertionError("the last step is the answer")
        return answer

    def answering(
        self, text: str, *, scope: Scope | None = None, explain: bool = False, model: bool = True
    ) -> Iterator[Claim | LeftOut | Answer]:
        """Answer like ``ask``, step by step: claims once they hold, what is left out, the answer.

        The answer comes last and has all of them. A claim that came may still be missing from it
        only where its document was removed meanwhile. Raises BadQuestion at once, before any step.
        """
        material = self.material(text, scope=scope)
        return self._steps(text, material, scope=scope, explain=explain, model=model)

    def _steps(
        self, text: str, material: Material, *, scope: Scope | None, explain: bool, model: bool
    ) -> Iterator[Claim | LeftOut | Answer]:
        drafted = draft(material, self.reader)
        written = Written()
        # What the sentences themselves don't support, a model isn't asked about.
        if model and self._writer is not None and drafted.claims:
            yield from self._written(material, drafted, written)
        answer = self._answer(text, material, drafted, written, scope=scope, explain=explain)
        if not written.claims:
            yield from answer.claims
        yield answer

    def _written(
        self, material: Material, drafted: Draft, written: Written
    ) -> Iterator[Claim | LeftOut]:
        """Yield what a language model writes and holds; note it and how it ended."""
        if self._writer is None:
            return
        query = material.ranking.query
        units = units_of(material.hits, material.rows, material.ranking.sentences)
        if self.settings.llm_elsewhere:
            # What is confidential doesn't leave this computer, whoever may see it here.
            units = [one for one in units if not _is_confidential(one.hit.document)]
            if not units:
                written.take(Ended("notice.confidential"))
                return
        steps = self._writer.write(
            query.text,
            query.language or self.settings.language,
            units,
            support=drafted.support,
        )
        for step in steps:
            if isinstance(step, Claim):
                for claim in self._verified((step,)):
                    written.take(claim)
                    yield claim
                continue
            written.take(step)
            if isinstance(step, LeftOut):
                yield step

    def _answer(
        self,
        text: str,
        material: Material,
        drafted: Draft,
        written: Written,
        *,
        scope: Scope | None,
        explain: bool,
    ) -> Answer:
        """Return the answer that a draft and what was written for it make."""
        ranking, hits, query = material.ranking, material.hits, material.ranking.query
        claims = tuple(written.claims)
        if not claims and not written.unanswered:
            claims = self._verified(drafted.claims)
        groups: tuple[Group, ...] = ()
        if claims and material.practices:
            found = grouped(
                claims,
                material.practices,
                material.themes,
                by_place=asks_where(query.text, query.language),
            )
            claims, groups = found.claims, found.groups
        reason = "reason.model" if written.unanswered else drafted.reason or "reason.detail"
        abroad = self._abroad(material, claims, scope)
        if abroad and reason in ("reason.detail", "reason.topic"):
            reason = "reason.other_language"
            hits = (*abroad, *(hit for hit in hits if hit not in abroad))
        notices = list(written.notices)
        if abroad and claims:
            notices.append("notice.other_language")
        notices += self._outdated(claims)
        answer = Answer(
            question=text,
            language=query.language or self.settings.language,
            status=AnswerStatus.ANSWERED if claims else AnswerStatus.NO_EVIDENCE,
            claims=claims,
            reason="" if claims else reason,
            nearest=() if claims else tuple(hits[:_NEAREST]),
            written=bool(written.claims),
            left_out=tuple(written.left_out),
            notices=tuple(notices),
            figures=cited_figures(drafted.figures, claims),
            groups=groups,
        )
        if not explain:
            return answer
        explained = replace(
            answer,
            explanation={
                "language": query.language,
                "words": words_told(query.words),
                **drafted.explanation,
                "support": round(drafted.support, 4),
                "known_words": round(ranking.known_words, 4),
                "candidates": [
                    {
                        "passage_id": hit.passage.id,
                        "title": hit.document.metadata.title,
                        "score": round(hit.score, 4),
                        "dense": None if hit.dense is None else round(hit.dense, 4),
                        "lexical": None if hit.lexical is None else round(hit.lexical, 4),
                    }
                    for hit in hits
                ],
            },
        )
        return replace(
            explained,
            explanation=more(
                explained,
                scope=scope or Scope(),
                visible=self.settings.visible,
                threshold=calibration().threshold,
            ),
        )

    def _outdated(self, claims: Sequence[Claim]) -> list[str]:
        """Return a notice for each cited document of which there is a newer version."""
        cited = dict.fromkeys(c.document_id for claim in claims for c in claim.citations)
        newer = {document_id: self.versions.newer(document_id) for document_id in cited}
        return [
            parted(
                "notice.newer_version",
                title=self.catalogue.document(document_id).metadata.title,
                newer=by.title,
            )
            for document_id, by in newer.items()
            if by is not None
        ]

    def _abroad(
        self, material: Material, claims: Sequence[Claim], scope: Scope | None
    ) -> tuple[Hit, ...]:
        """Return the passages about a question where only other languages have such.

        None where it is of no clear language or limited to languages, where a claim is in its
        language, or what may be seen in its language is about it too.
        """
        ranking = material.ranking
        spoken = ranking.query.language
        if spoken is None or (scope is not None and scope.languages):
            return ()
        if any(claim.language == spoken for claim in claims):
            return ()
        found = elsewhere(ranking, material.hits, material.rows, spoken)
        if not found:
            return ()
        # Words alone tell whether a passage is about it: no second search is needed.
        rows = about_it(self.lexical.score(ranking.query.words))
        own = replace(scope or Scope(), languages=frozenset({spoken}))
        allowed = self.catalogue.rows_in_scope(self._cleared(own)) if len(rows) else None
        at_home = rows if allowed is None else rows[np.isin(rows, allowed, assume_unique=True)]
        return () if len(at_home) else found

    @property
    def language_model(self) -> LanguageModel | None:
        """The language model that the settings name; None where none is used."""
        return self._writer.model if self._writer is not None else None

    @property
    def claim_checker(self) -> ClaimChecker | None:
        """What checks a language model's claims; None where none is used."""
        return self._writer.checker if self._writer is not None else None

    def material(self, text: str, *, scope: Scope | None = None, k: int = ANSWER_HITS) -> Material:
        """Return what an answer to a question is made of. Raises BadQuestion like ``search``."""
        query = self._query(text)
        ranking = self._retriever.rank(query, scope=self._cleared(scope), k=k)
        hits = self._retriever.hits(ranking)
        practices = self._practices(query, scope)
        there = {hit.document.id for hit in hits.values()}
        newer = {one: self.versions.newer(one) for one in there}
        return Material(
            ranking=ranking,
            hits=tuple(hits.values()),
            rows=tuple(hits),
            rarities=self.lexical.rarities(query.words),
            practices=tuple(hit for hit, _ in practices),
            themes=tuple(themes for _, themes in practices),
            replaced=frozenset(one for one, by in newer.items() if by and by.id in there),
        )

    def _practices(self, query: Query, scope: Scope | None) -> list[tuple[Hit, tuple[str, ...]]]:
        """Return the passages of sections about practices with their themes, best first.

        None are looked for where the question doesn't ask for practices.
        """
        if not asks_for_practices(query.text, query.language):
            return []
        ranking = self._retriever.rank(query, scope=self._cleared(scope), k=PRACTICE_HITS)
        rows = ranking.rows.tolist()
        passages = self.catalogue.passages(rows)
        themes = self.catalogue.themes_of_passages(rows)
        found: list[tuple[Hit, tuple[str, ...]]] = []
        for row, score in zip(rows, ranking.scores.tolist(), strict=True):
            passage = passages.get(row)
            if passage is None or not headed_as_practice(passage.heading):
                continue
            try:
                document = self.catalogue.document(passage.document_id)
            except NotFound:  # removed a moment ago
                continue
            hit = Hit(passage=passage, document=document, score=score)
            found.append((hit, themes.get(row, ())))
        return found

    def _query(self, text: str, language: Language | None = None) -> Query:
        checked = self._checked(text)
        if self._checked_generation != self.catalogue.generation:
            self.check_indexes()
            self._checked_generation = self.catalogue.generation
        return self._retriever.query(checked, language=language)

    def _verified(self, claims: Iterable[Claim]) -> tuple[Claim, ...]:
        kept: list[Claim] = []
        for claim in claims:
            citations = tuple(c for c in claim.citations if self._holds(c))
            if citations:
                kept.append(replace(claim, citations=citations))
        return tuple(kept)

    def _holds(self, citation: Citation) -> bool:
        try:
            return holds(citation, self.catalogue.document(citation.document_id))
        except NotFound:
            return False

    def _checked(self, text: str) -> str:
        if not text.strip():
            raise BadQuestion
        if len(text) > self.settings.max_question:
            raise BadQuestion(
                "question_too_long", length=len(text), limit=self.settings.max_question
            )
        return text

    def _cleared(self, scope: Scope | None) -> Scope:
        scope = scope or Scope()
        visible = self.settings.visible
        wanted = scope.confidentiality & visible if scope.confidentiality else visible
        # Asking for levels that may not be seen leaves none: nothing matches an unknown level.
        return replace(scope, confidentiality=wanted or frozenset({"none"}))

    def check_indexes(self, *, splitter: str | None = None) -> None:
        """See that the indexes were built by this installation's model, analysers and splitter.

        An empty knowledge base takes this installation's names. Raises ReindexNeeded.
        """
        empty = self.catalogue.counts()["passage"] == 0
        for index, name in self._index_names(splitter).items():
            stored = self.catalogue.get_meta(f"index:{index}")
            if stored is None or (empty and stored.decode() != name):
                self.catalogue.set_meta(f"index:{index}", name.encode())
            elif stored.decode() != name:
                raise ReindexNeeded(index=index, stored=stored.decode(), current=name)

    def take_index_names(self, *, splitter: str) -> None:
        """Note that the indexes were just built by this installation."""
        for index, name in self._index_names(splitter).items():
            self.catalogue.set_meta(f"index:{index}", name.encode())

    def _index_names(self, splitter: str | None) -> dict[str, str]:
        from kb.analysis.engines import fingerprint

        names = {"vectors": self.embeddings.fingerprint, "terms": fingerprint()}
        return names if splitter is None else {**names, "passages": splitter}

    # -- documents ----------------------------------------------------------------------------

    def documents(self) -> list[DocumentRow]:
        """Return every document that may be seen, by title."""
        visible = self.settings.visible
        return [
            row
            for row in self.catalogue.documents()
            if str(row.metadata.confidentiality) in visible
        ]

    def document(self, document_id: str) -> Document:
        """Return a document; raises NotFound, also for one that may not be seen."""
        document = self.catalogue.document(DocumentId(document_id))
        if str(document.metadata.confidentiality) not in self.settings.visible:
            raise NotFound(what="document", id=document_id)
        return document

    def cite(self, document_id: str, *, start: int, end: int) -> Citation:
        """Return the citation of a span; raises NotFound or UnverifiableQuote."""
        return cite(self.document(document_id), Span(start, end))

    def word_boxes(self, document_id: str, *, start: int, end: int) -> list[WordBox]:
        """Return the boxes of the words of a span, for marking them on their pages."""
        document = self.document(document_id)
        return self.catalogue.word_boxes(document.id, Span(start, end))

    def original(self, document_id: str) -> Path:
        """Return the path of the original file as it was ingested."""
        path = self.originals / self.document(document_id).digest
        if not path.is_file():
            raise NotFound(what="original", id=document_id)
        return path

    @property
    def originals(self) -> Path:
        """The folder that keeps the original files, named by digest."""
        return self.settings.data_dir / "originals"

    def remove(self, ids: Iterable[str]) -> int:
        """Remove documents; return how many there were.

        Raises NotFound when none of the ids is a document.
        """
        wanted = [DocumentId(document_id) for document_id in ids]
        digests = {self.document(document_id).digest for document_id in wanted}
        removed = self.catalogue.remove_documents(wanted)
        self._forget_originals(digests)
        return removed

    def remove_samples(self) -> int:
        """Remove every sample document, whatever its confidentiality; return how many."""
        samples = [row for row in self.catalogue.documents() if row.metadata.sample]
        digests = {self.catalogue.document(row.id).digest for row in samples}
        removed = self.catalogue.remove_documents(row.id for row in samples)
        self._forget_originals(digests)
        return removed

    def _forget_originals(self, digests: set[str]) -> None:
        for digest in digests - self.catalogue.digests():
            (self.originals / digest).unlink(missing_ok=True)
