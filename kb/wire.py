"""The published JSON: the same objects from the command line and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kb.catalogue import DocumentRow
from kb.messages import message, taken_apart, told
from kb.model import (
    Answer,
    Citation,
    Claim,
    Document,
    Figure,
    Group,
    Hit,
    Language,
    Locator,
    Metadata,
    Span,
)
from kb.rows import Table, shown
from kb.wording import group_label


def passage_json(hit: Hit) -> dict[str, object]:
    """Return a found passage."""
    passage, document = hit.passage, hit.document
    return {
        "passage_id": passage.id,
        "document_id": document.id,
        "title": document.metadata.title,
        "source": document.source,
        "language": passage.language,
        "locator": hit_locator(hit).to_json(),
        "start": passage.start,
        "end": passage.end,
        "text": hit.text,
        "score": round(hit.score, 4),
        "dense": None if hit.dense is None else round(hit.dense, 4),
        "lexical": None if hit.lexical is None else round(hit.lexical, 4),
        "sample": document.metadata.sample,
        "best_sentence": None
        if hit.best_sentence is None
        else {"start": hit.best_sentence.start, "end": hit.best_sentence.end},
    }


def hit_locator(hit: Hit) -> Locator:
    """Return where a passage stands: its own headings, and every page it touches."""
    found = hit.document.locate(Span(hit.passage.start, hit.passage.end))
    return replace(found, heading=found.heading or hit.passage.heading)


def citation_json(citation: Citation) -> dict[str, object]:
    """Return a citation."""
    return {
        "document_id": citation.document_id,
        "title": citation.title,
        "source": citation.source,
        "locator": citation.locator.to_json(),
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "language": citation.language,
        "header": None
        if citation.header is None
        else {
            "start": citation.header.start,
            "end": citation.header.end,
            "quote": citation.header.quote,
        },
    }


def claim_json(claim: Claim) -> dict[str, object]:
    """Return a claim with its citations."""
    return {
        "text": claim.text,
        "confidence": claim.confidence,
        "language": claim.language,
        "citations": [citation_json(citation) for citation in claim.citations],
        "table": table_json(claim.text, claim.citations[0] if len(claim.citations) == 1 else None),
        "best": span_json(claim.best),
    }


def span_json(span: Span | None) -> dict[str, int] | None:
    """Return a span of a document's text."""
    return None if span is None else {"start": span.start, "end": span.end}


def table_json(text: str, citation: Citation | None) -> dict[str, object] | None:
    """Return the rows that a statement is as cells; null where it is no row of a table."""
    found = shown(text, citation)
    if not isinstance(found, Table):
        return None
    return {"columns": list(found.columns), "rows": [list(row) for row in found.rows]}


def group_json(group: Group, language: Language) -> dict[str, object]:
    """Return claims that belong together, by their places from 0."""
    return {
        "kind": group.kind,
        "value": group.value,
        "label": group_label(group, language),
        "claims": list(group.claims),
    }


def figure_json(figure: Figure, *, number: int) -> dict[str, object]:
    """Return a figure that is shown beside others; ``number`` is its source's."""
    return {
        "figure": figure.text,
        "date": figure.date,
        "stated": figure.stated,
        "newest": figure.newest,
        "document_id": figure.citation.document_id,
        "start": figure.start,
        "end": figure.end,
        "number": number,
    }


def answer_json(
    answer: Answer, *, language: Language | None = None, understood_as: str | None = None
) -> dict[str, object]:
    """Return an answer; its reason is told in ``language``, by default the question's.

    ``understood_as`` is the whole question that a follow-up stood for.
    """
    out: dict[str, object] = {
        "status": str(answer.status),
        "language": answer.language,
        "claims": [claim_json(claim) for claim in answer.claims],
        "figures": [
            figure_json(one, number=answer.number_of(one.citation)) for one in answer.figures
        ],
        "groups": [group_json(one, language or answer.language) for one in answer.groups],
        "reason": message(answer.reason, language or answer.language) if answer.reason else "",
        "reason_code": answer.reason.removeprefix("reason."),
        "nearest": [passage_json(hit) for hit in answer.nearest],
        "understood_as": understood_as,
        "written": answer.written,
        "left_out": told_json(answer.left_out, language or answer.language),
        "notices": told_json(answer.notices, language or answer.language),
    }
    if answer.explanation is not None:
        from kb.explaining import told

        sections = told(answer.explanation, language or answer.language)
        out["explanation"] = {
            **answer.explanation,
            "told": [section.to_json() for section in sections],
        }
    return out


def told_json(keys: Sequence[str], language: Language) -> list[dict[str, str]]:
    """Return messages by their code (the key's last part) and in words."""
    return [
        {"code": taken_apart(key)[0].partition(".")[2], "text": told(key, language)} for key in keys
    ]


def search_json(query: str, language: Language | None, hits: Sequence[Hit]) -> dict[str, object]:
    """Return a search's results; ``language`` is null where the question's isn't clear."""
    return {"query": query, "language": language, "results": [passage_json(hit) for hit in hits]}


def metadata_json(metadata: Metadata) -> dict[str, object]:
    """Return what is known about a document."""
    return {
        "title": metadata.title,
        "date": metadata.date,
        "city": metadata.city,
        "organisation": metadata.organisation,
        "kind": str(metadata.kind),
        "work_package": metadata.work_package,
        "themes": list(metadata.themes),
        "confidentiality": str(metadata.confidentiality),
        "collection": metadata.collection,
        "sample": metadata.sample,
        "url": metadata.url,
        "project": metadata.project,
    }


def document_row_json(row: DocumentRow) -> dict[str, object]:
    """Return a document of a list."""
    return {
        "document_id": row.id,
        **metadata_json(row.metadata),
        "language": row.language,
        "media_type": row.media_type,
        "source": row.source,
        "sources": row.sources,
        "pages": row.pages,
        "passages": row.passages,
        "characters": row.characters,
        "added": row.added,
        "warnings": list(row.warnings),
    }


def document_json(document: Document) -> dict[str, object]:
    """Return a document without its text."""
    return {
        "document_id": document.id,
        **metadata_json(document.metadata),
        "language": document.language,
        "media_type": document.media_type,
        "source": document.source,
        "sources": list(document.sources),
        "pages": document.pages,
        "characters": len(document.text),
        "added": document.added,
        "warnings": list(document.warnings),
    }
