"""An answer as it was given: what is saved, judged and taken along.

It stands by itself: claims, quotes and what was known of their documents are copied, so it
still says what was said when a document has changed or gone. Sources are numbered by place, in
the order in which claims name them, as on the page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from kb.database import now
from kb.errors import NotFound
from kb.knowledge_base import KnowledgeBase
from kb.messages import message
from kb.model import (
    LANGUAGES,
    Answer,
    AnswerStatus,
    Citation,
    Confidentiality,
    DocumentId,
    Group,
    Header,
    Language,
    Locator,
    Span,
)
from kb.rows import Listing, Table, parts, shown
from kb.settings import Settings
from kb.wire import citation_json, group_json, span_json, table_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A citation and what was known of its document; ``keys`` say where that came from.

    Keys are paths on the server: they are stored, and never published.
    """

    number: int
    citation: Citation
    date: str | None = None
    url: str | None = None
    sample: bool = False
    newer_version: str | None = None
    """The title of the document's newest version, where it isn't that itself."""
    level: Confidentiality = Confidentiality.INTERNAL
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenClaim:
    """A statement and its sources."""

    text: str
    language: Language
    confidence: float
    sources: tuple[Source, ...]
    best: Span | None = None
    """What of it answers most likely, where it is longer."""

    @property
    def _citation(self) -> Citation | None:
        return self.sources[0].citation if len(self.sources) == 1 else None

    @property
    def shown(self) -> Table | Listing | None:
        """The table or list that it is; None where it is a text."""
        return shown(self.text, self._citation, self.best)

    @property
    def marked_lines(self) -> tuple[tuple[str, str, str], ...]:
        """Its lines, each before, in and after what answers most likely."""
        found = self.shown
        if found is None:
            return (parts(self.text, self._citation, self.best),)
        return tuple(
            ("", line, "") if at == found.best_line else (line, "", "")
            for at, line in enumerate(found.lines())
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """What it says, on a line for each row or item where it is such."""
        found = self.shown
        return (self.text,) if found is None else found.lines()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFigure:
    """A figure that is shown beside others; its source is the one with its number."""

    text: str
    date: str | None
    stated: bool
    newest: bool
    number: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class GivenAnswer:
    """An answer at the time ``asked`` (ISO 8601, UTC).

    ``question`` is what was answered, ``asked_as`` what the asker wrote where that was a
    follow-up; ``filters`` are what the question was limited to, as names and values.
    ``by_model``: a language model wrote the claims.
    """

    question: str
    language: Language
    status: AnswerStatus
    claims: tuple[GivenClaim, ...]
    asked: str
    asked_as: str = ""
    reason: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    by_model: bool = False
    figures: tuple[GivenFigure, ...] = ()
    groups: tuple[Group, ...] = ()

    @property
    def sections(self) -> tuple[tuple[Group | None, tuple[GivenClaim, ...]], ...]:
        """The claims by group; all of them under None where there are no groups."""
        if not self.groups:
            return ((None, self.claims),)
        return tuple((one, tuple(self.claims[at] for at in one.claims)) for one in self.groups)

    def source(self, number: int) -> Source:
        """Return the source with a number; raises KeyError."""
        return {source.number: source for source in self.sources}[number]

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Every source once, by number."""
        found = {source.number: source for claim in self.claims for source in claim.sources}
        return tuple(found[number] for number in sorted(found))

    @property
    def fingerprint(self) -> str:
        """What tells whether another answer to the question says the same."""
        said = [
            (claim.text, [(s.citation.document_id, s.citation.start) for s in claim.sources])
            for claim in self.claims
        ]
        told = json.dumps([self.question, str(self.status), said], ensure_ascii=False)
        return hashlib.blake2b(told.encode("utf-8"), digest_size=8).hexdigest()

    def level(self, settings: Settings) -> Confidentiality:
        """Return the least clearance that may see it.

        That of its strictest source, and internal where the installation has internal documents
        in sight: what nobody has called public is internal, and a question is somebody's words.
        """
        own = min(
            (Confidentiality.INTERNAL, settings.clearance), key=lambda level: level.strictness
        )
        levels = [own, *(source.level for source in self.sources)]
        return max(levels, key=lambda level: level.strictness)

    def to_json(self, *, stored: bool = False) -> dict[str, object]:
        """Return it as the API publishes answers, or with what only the store needs."""

        def cited(source: Source) -> dict[str, object]:
            out = {
                **citation_json(source.citation),
                "number": source.number,
                "date": source.date,
                "url": source.url,
                "sample": source.sample,
                "newer_version": source.newer_version,
            }
            if stored:
                out |= {"level": str(source.level), "keys": list(source.keys)}
            return out

        return {
            "question": self.question,
            "asked_as": self.asked_as,
            "asked": self.asked,
            "filters": [list(pair) for pair in self.filters],
            "by_model": self.by_model,
            "status": str(self.status),
            "language": self.language,
            "reason_code": self.reason.removeprefix("reason."),
            "reason": message(self.reason, self.language) if self.reason else "",
            "claims": [
                {
                    "text": claim.text,
                    "confidence": claim.confidence,
                    "language": claim.language,
                    "citations": [cited(source) for source in claim.sources],
                    "table": table_json(
                        claim.text, claim.sources[0].citation if len(claim.sources) == 1 else None
                    ),
                    "best": span_json(claim.best),
                }
                for claim in self.claims
            ],
            "groups": [group_json(one, self.language) for one in self.groups],
            "figures": [
                {
                    "figure": one.text,
                    "date": one.date,
                    "stated": one.stated,
                    "newest": one.newest,
                    "document_id": self.source(one.number).citation.document_id,
                    "start": one.start,
                    "end": one.end,
                    "number": one.number,
                }
                for one in self.figures
            ],
        }


def given(
    kb: KnowledgeBase,
    answer: Answer,
    *,
    asked_as: str = "",
    filters: tuple[tuple[str, str], ...] = (),
) -> GivenAnswer:
    """Return an answer that was just given, with what is known of its documents now."""
    sources: dict[int, Source] = {}
    claims: list[GivenClaim] = []
    for claim, cited in answer.numbered():
        for number, citation in cited:
            if number not in sources:
                sources[number] = _source(kb, citation, number=number)
        claims.append(
            GivenClaim(
                text=" ".join(claim.text.split()),
                language=claim.language,
                confidence=claim.confidence,
                sources=tuple(sources[number] for number, _ in cited),
                best=claim.best,
            )
        )
    return GivenAnswer(
        question=answer.question,
        asked_as=asked_as,
        language=answer.language,
        status=answer.status,
        claims=tuple(claims),
        asked=now(),
        reason=answer.reason,
        filters=filters,
        by_model=answer.written,
        groups=answer.groups,
        figures=tuple(
            GivenFigure(
                text=" ".join(one.text.split()),
                date=one.date,
                stated=one.stated,
                newest=one.newest,
                number=answer.number_of(one.citation),
                start=one.start,
                end=one.end,
            )
            for one in answer.figures
        ),
    )


def _source(kb: KnowledgeBase, citation: Citation, *, number: int) -> Source:
    try:
        meta = kb.document(citation.document_id).metadata
    except NotFound:  # removed since it was cited, a moment ago
        return Source(number=number, citation=citation)
    newer = kb.versions.newer(citation.document_id)
    return Source(
        number=number,
        citation=citation,
        newer_version=newer.title if newer else None,
        date=meta.date,
        url=meta.url,
        sample=meta.sample,
        level=meta.confidentiality,
        keys=tuple(record.key for record in kb.catalogue.sources_of(citation.document_id)),
    )


def given_from(stored: str) -> GivenAnswer:
    """Return an answer as ``to_json(stored=True)`` was written down."""
    told = cast("dict[str, object]", json.loads(stored))
    claims = cast("list[dict[str, object]]", told["claims"])
    reason = str(told["reason_code"])
    return GivenAnswer(
        question=str(told["question"]),
        asked_as=str(told["asked_as"]),
        asked=str(told["asked"]),
        filters=tuple((str(n), str(v)) for n, v in cast("list[list[str]]", told["filters"])),
        by_model=bool(told["by_model"]),
        status=AnswerStatus(str(told["status"])),
        language=_language(told["language"]),
        reason=f"reason.{reason}" if reason else "",
        claims=tuple(
            GivenClaim(
                text=str(claim["text"]),
                confidence=float(cast("float", claim["confidence"])),
                language=_language(claim["language"]),
                sources=tuple(
                    _source_from(one) for one in cast("list[dict[str, object]]", claim["citations"])
                ),
                best=_span(claim.get("best")),
            )
            for claim in claims
        ),
        groups=tuple(
            _group_from(one) for one in cast("list[dict[str, object]]", told.get("groups", []))
        ),
        figures=tuple(
            _figure_from(one) for one in cast("list[dict[str, object]]", told.get("figures", []))
        ),
    )


def _group_from(told: Mapping[str, object]) -> Group:
    kind = str(told["kind"])
    return Group(
        kind="theme" if kind == "theme" else "place" if kind == "place" else "other",
        value=str(told["value"]),
        claims=tuple(cast("list[int]", told["claims"])),
    )


def _figure_from(told: Mapping[str, object]) -> GivenFigure:
    return GivenFigure(
        text=str(told["figure"]),
        date=cast("str | None", told["date"]),
        stated=bool(told["stated"]),
        newest=bool(told["newest"]),
        number=cast("int", told["number"]),
        start=cast("int", told["start"]),
        end=cast("int", told["end"]),
    )


def _source_from(told: Mapping[str, object]) -> Source:
    return Source(
        number=cast("int", told["number"]),
        citation=Citation(
            document_id=DocumentId(str(told["document_id"])),
            title=str(told["title"]),
            source=str(told["source"]),
            locator=_locator(cast("Mapping[str, object]", told["locator"])),
            start=cast("int", told["start"]),
            end=cast("int", told["end"]),
            quote=str(told["quote"]),
            language=_language(told["language"]),
            header=_header_from(cast("Mapping[str, object] | None", told.get("header"))),
        ),
        date=cast("str | None", told["date"]),
        url=cast("str | None", told["url"]),
        sample=bool(told["sample"]),
        newer_version=cast("str | None", told.get("newer_version")),
        level=Confidentiality(str(told["level"])),
        keys=tuple(cast("list[str]", told["keys"])),
    )


def _header_from(told: Mapping[str, object] | None) -> Header | None:
    if told is None:
        return None
    start, end = cast("int", told["start"]), cast("int", told["end"])
    return Header(start=start, end=end, quote=str(told["quote"]))


def _locator(told: Mapping[str, object]) -> Locator:
    pages = cast("list[int]", told.get("pages") or ([told["page"]] if "page" in told else []))
    rows = cast("list[int] | None", told.get("rows"))
    return Locator(
        pages=tuple(pages),
        slide=cast("int | None", told.get("slide")),
        sheet=cast("str | None", told.get("sheet")),
        rows=None if rows is None else (rows[0], rows[1]),
        heading=tuple(cast("list[str]", told.get("heading") or [])),
        paragraph=cast("int | None", told.get("paragraph")),
    )


def _language(value: object) -> Language:
    return next((code for code in LANGUAGES if code == value), "en")


def _span(value: object) -> Span | None:
    if not isinstance(value, Mapping):
        return None
    return Span(int(value["start"]), int(value["end"]))
