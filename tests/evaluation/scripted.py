"""A scripted product: it finds and cites what a test tells it to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kb.citing import cite
from kb.errors import NotFound
from kb.knowledge_base import SearchResult
from kb.model import (
    Answer,
    AnswerStatus,
    Citation,
    Claim,
    Document,
    DocumentId,
    Hit,
    Language,
    Passage,
    PassageId,
    Span,
)


def a_document(
    name: str, text: str, *, language: Language = "fi", page_starts: tuple[int, ...] = ()
) -> Document:
    """Return a document whose id is its name before the dot."""
    return Document(
        id=DocumentId(name.partition(".")[0]),
        text=text,
        blocks=(),
        page_starts=page_starts,
        language=language,
        source=name,
        sources=(name,),
    )


class ScriptedProduct:
    """Finds and cites the given pieces of text, by question; the rest it refuses."""

    def __init__(
        self,
        documents: Sequence[Document],
        *,
        found: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        cited: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        support: Mapping[str, float] | None = None,
        originals: Mapping[str, Path] | None = None,
    ) -> None:
        self._documents = {document.id: document for document in documents}
        self._found = found or {}
        self._cited = cited or {}
        self._support = support or {}
        self._originals = originals or {}

    def _span(self, document_id: str, piece: str) -> Span:
        start = self._documents[DocumentId(document_id)].text.index(piece)
        return Span(start, start + len(piece))

    def search(self, text: str, *, k: int = 10) -> SearchResult:
        hits: list[Hit] = []
        for document_id, piece in self._found.get(text, ())[:k]:
            span = self._span(document_id, piece)
            passage = Passage(
                id=PassageId(f"{document_id}:{span.start}"),
                document_id=DocumentId(document_id),
                start=span.start,
                end=span.end,
                language="fi",
            )
            document = self._documents[DocumentId(document_id)]
            hits.append(Hit(passage=passage, document=document, score=1 / (len(hits) + 1)))
        return SearchResult(text, None, tuple(hits))

    def ask(self, text: str, *, explain: bool = False) -> Answer:
        claims = tuple(
            Claim(text=piece, citations=(citation,), confidence=0.9, language="fi")
            for document_id, piece in self._cited.get(text, ())
            for span in [self._span(document_id, piece)]
            for citation in [self.cite(document_id, start=span.start, end=span.end)]
        )
        support = self._support.get(text)
        return Answer(
            question=text,
            language="fi",
            status=AnswerStatus.ANSWERED if claims else AnswerStatus.NO_EVIDENCE,
            claims=claims,
            reason="" if claims else "reason.detail",
            explanation={"support": support} if explain and support is not None else None,
        )

    def document(self, document_id: str) -> Document:
        return self._documents[DocumentId(document_id)]

    def cite(self, document_id: str, *, start: int, end: int) -> Citation:
        return cite(self.document(document_id), Span(start, end))

    def original(self, document_id: str) -> Path:
        if document_id not in self._originals:
            raise NotFound(what="original", id=document_id)
        return self._originals[document_id]
