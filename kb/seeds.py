"""What related projects are asked about: a text, a document or another project, made comparable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kb.comparing import longest
from kb.errors import BadQuestion
from kb.model import Document, Language, Span
from kb.project import Project, language_of_text, passage_spans
from kb.projects import Projects
from kb.protocols import Matrix

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase

_MOST_PASSAGES = 12
_MOST_SENTENCES = 40


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


def seed_of_text(text: str) -> Seed:
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


def seed_of_project(projects: Projects, project_id: str) -> Seed:
    """Return a project as a seed; raises NotFound."""
    project = projects.get(project_id)
    passages, sentences = passage_spans(project.text, project.language)
    return Seed(
        text=project.text,
        language=project.language,
        passages=longest(passages, _MOST_PASSAGES),
        sentences=longest(sentences, _MOST_SENTENCES),
        project=project,
        themes=frozenset(project.themes),
        told=frozenset().union(*projects.told_themes([projects.row_of(project.id)]).values()),
    )


def seed_of_document(projects: Projects, document: Document, passages: Sequence[Span]) -> Seed:
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
                for s in passage_spans(document.text[span.start : span.end], document.language)[1]
            ],
            _MOST_SENTENCES,
        ),
        document=document,
        themes=frozenset(document.metadata.themes),
        told=projects.told_themes_of_document(document.id),
    )


def seeds_of(
    kb: KnowledgeBase,
    known: Projects,
    *,
    texts: Sequence[str] = (),
    documents: Sequence[str] = (),
    projects: Sequence[str] = (),
) -> list[Seed]:
    """Return seeds of texts, documents and projects; raises NotFound, BadQuestion.

    A document that may not be seen isn't found.
    """
    seeds = [seed_of_text(text) for text in texts]
    for document_id in documents:
        document = kb.document(document_id)
        rows = kb.catalogue.passage_rows(document.id)
        passages = kb.catalogue.passages(rows)
        spans = [Span(passages[row].start, passages[row].end) for row in rows if row in passages]
        seeds.append(seed_of_document(known, document, spans))
    return seeds + [seed_of_project(known, project_id) for project_id in projects]
