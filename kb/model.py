"""The domain: documents, passages, spans, citations and answers.

Everything is a frozen value. Offsets are characters (code points) of a document's
normalised text; a page, slide or heading is always looked up from an offset, never stored
beside a copied string. This module imports nothing of ours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NewType

DocumentId = NewType("DocumentId", str)
PassageId = NewType("PassageId", str)

Language = Literal["fi", "sv", "en"]
LANGUAGES: tuple[Language, ...] = ("fi", "sv", "en")

Json = Mapping[str, object]


class Kind(StrEnum):
    """What sort of document it is."""

    REPORT = "report"
    ROUND_TABLE = "round-table notes"
    SLIDES = "slides"
    WEB_PAGE = "web page"
    OTHER = "other"


class Confidentiality(StrEnum):
    """Who may see a document; the order is from open to closed."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"

    @property
    def strictness(self) -> int:
        """0 for public, 2 for confidential."""
        return list(Confidentiality).index(self)


class BlockKind(StrEnum):
    """What a block of a document's text is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list item"
    TABLE_ROW = "table row"
    CAPTION = "caption"
    FOOTNOTE = "footnote"
    NOTE = "note"  # a slide's speaker notes, a comment


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """``text[start:end]`` of a document."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a span needs 0 <= start <= end, not {self.start}, {self.end}")

    def __len__(self) -> int:
        return self.end - self.start

    def overlap(self, other: Span) -> int:
        """Characters that both spans hold."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A heading, paragraph, list item or table row: a span of the text and where it stands.

    ``heading`` is the path of headings above the block, outermost first; a heading block's
    own text is the last of its path. ``slide``, ``row`` and ``paragraph`` count from 1.
    Blocks are in order and do not overlap; between them stand only line ends.
    """

    start: int
    end: int
    kind: BlockKind = BlockKind.PARAGRAPH
    heading: tuple[str, ...] = ()
    slide: int | None = None
    sheet: str | None = None
    row: int | None = None
    paragraph: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordBox:
    """A word of the text and its box on a page.

    Units are PDF points (1/72 inch) from the top left corner of the page as it is shown
    (rotation and crop box applied).
    """

    start: int
    end: int
    page: int
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Locator:
    """Where a span stands, in the words of its format; only what applies is set."""

    pages: tuple[int, ...] = ()
    slide: int | None = None
    sheet: str | None = None
    rows: tuple[int, int] | None = None
    heading: tuple[str, ...] = ()
    paragraph: int | None = None

    def to_json(self) -> dict[str, object]:
        """Return the object of the published interface: ``page`` or ``pages``, and the rest."""
        out: dict[str, object] = {}
        if len(self.pages) == 1:
            out["page"] = self.pages[0]
        elif self.pages:
            out["pages"] = list(self.pages)
        if self.slide is not None:
            out["slide"] = self.slide
        if self.sheet is not None:
            out["sheet"] = self.sheet
        if self.rows is not None:
            out["rows"] = list(self.rows)
        if self.heading:
            out["heading"] = list(self.heading)
        if self.paragraph is not None:
            out["paragraph"] = self.paragraph
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is known about a document, from the file itself or from a manifest beside it.

    ``date`` is ISO 8601, possibly shortened to a year or a year and month. What nobody has
    called public is internal.
    """

    title: str = ""
    date: str | None = None
    city: str | None = None
    organisation: str | None = None
    kind: Kind = Kind.OTHER
    work_package: str | None = None
    themes: tuple[str, ...] = ()
    confidentiality: Confidentiality = Confidentiality.INTERNAL
    language: Language | None = None
    collection: str | None = None
    sample: bool = False
    url: str | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as the catalogue holds it: one normalised text and its tables of places.

    ``id`` is a digest of the original bytes and the text, so a span of it always means the
    same characters. ``page_starts[i]`` is the offset where page i + 1 begins; empty for
    formats without pages. ``digest`` is the SHA-256 of the original bytes, in hexadecimal.
    """

    id: DocumentId
    text: str
    blocks: tuple[Block, ...]
    page_starts: tuple[int, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)
    language: Language = "fi"
    media_type: str = "application/octet-stream"
    digest: str = ""
    source: str = ""
    sources: tuple[str, ...] = ()
    added: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def pages(self) -> int | None:
        """How many pages, or None where the format has none."""
        return len(self.page_starts) or None

    def locate(self, span: Span) -> Locator:
        """Look up page, slide, sheet, heading and paragraph of a span."""
        return locate(span, blocks=self.blocks, page_starts=self.page_starts)


def locate(span: Span, *, blocks: Sequence[Block], page_starts: Sequence[int]) -> Locator:
    """Look up where a span stands from the tables of its document.

    Pages are all that the span touches. Heading, slide, sheet and paragraph are those of the
    block that the span begins in.
    """
    last = max(span.start, span.end - 1)
    pages: tuple[int, ...] = ()
    if page_starts:
        first_page = max(1, bisect_right(page_starts, span.start))
        pages = tuple(range(first_page, max(first_page, bisect_right(page_starts, last)) + 1))
    if not blocks:
        return Locator(pages=pages)
    starts = [block.start for block in blocks]
    at = max(0, bisect_right(starts, span.start) - 1)
    if blocks[at].end <= span.start and at + 1 < len(blocks) and blocks[at + 1].start < span.end:
        at += 1
    block = blocks[at]
    rows: tuple[int, int] | None = None
    if block.row is not None:
        final = blocks[max(at, bisect_right(starts, last) - 1)]
        rows = (block.row, final.row if final.row is not None else block.row)
    return Locator(
        pages=pages,
        slide=block.slide,
        sheet=block.sheet,
        rows=rows,
        heading=block.heading,
        paragraph=block.paragraph,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A span of a document that is indexed and found as one; ``sentences`` lie inside it."""

    id: PassageId
    document_id: DocumentId
    start: int
    end: int
    language: Language
    heading: tuple[str, ...] = ()
    sentences: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a question is limited to. Empty fields limit nothing; several values mean any of them.

    ``confidentiality`` names the levels that may be seen; by default all that the asker is
    cleared for.
    """

    languages: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    cities: frozenset[str] = frozenset()
    themes: frozenset[str] = frozenset()
    years: tuple[int, int] | None = None
    documents: frozenset[DocumentId] = frozenset()
    collections: frozenset[str] = frozenset()
    confidentiality: frozenset[str] = frozenset()
    samples: bool | None = None

    @property
    def unlimited(self) -> bool:
        """True when the scope allows every document."""
        return self == Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage that a search found, with the document it is from.

    ``score`` orders hits; ``dense`` is the centred cosine and ``lexical`` the share (0–1) of
    the question's own best possible term score. ``best_sentence`` is the sentence of the
    passage nearest to the question.
    """

    passage: Passage
    document: Document
    score: float
    dense: float | None = None
    lexical: float | None = None
    best_sentence: Span | None = None

    @property
    def text(self) -> str:
        """The passage, verbatim."""
        return self.document.text[self.passage.start : self.passage.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a quote stands under: the header of its table, or what announces its list.

    ``quote`` is ``text[start:end]`` of the citation's document, as a quote is.
    """

    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A verified quote: ``quote == document.text[start:end]``. Only ``kb.citing`` makes these.

    ``header`` is there for rows and items that it doesn't stand right above, inside the quote.
    """

    document_id: DocumentId
    title: str
    source: str
    locator: Locator
    start: int
    end: int
    quote: str
    language: Language
    header: Header | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of an answer and the citations that carry it; ``confidence`` is 0–1.

    ``best`` is the part of a longer quote that answers most likely, a span of its document.
    """

    text: str
    citations: tuple[Citation, ...]
    confidence: float
    language: Language
    best: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Claims of an answer that belong together, by their places in it, from 0.

    ``value`` is a theme's id or the name of a place; empty for ``other``, what has none.
    """

    kind: Literal["theme", "place", "other"]
    value: str
    claims: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure or date of an answer that is shown beside others of the same thing.

    ``text`` is ``text[start:end]`` of the citation's document. ``date`` is the year that the
    statement names (``stated``), else the document's date. ``newest``: it is newer than the others.
    """

    start: int
    end: int
    text: str
    date: str | None
    stated: bool
    newest: bool
    citation: Citation


class AnswerStatus(StrEnum):
    """Whether the material answers."""

    ANSWERED = "answered"
    NO_EVIDENCE = "no_evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer: claims with citations, or an honest refusal with what lay nearest.

    ``reason`` is a key of the message catalogue (``reason.…``), empty when answered. ``written``
    says that a language model wrote the claims; ``left_out`` has a key (``left_out.…``) for each
    statement of its that was dropped, ``notices`` (``notice.…``) tell what else came in between.
    ``figures`` are those of the same thing that differ, the newest first; claims cite them all.
    ``groups`` hold every claim once, in order, where an answer is made of practices.
    """

    question: str
    language: Language
    status: AnswerStatus
    claims: tuple[Claim, ...] = ()
    reason: str = ""
    nearest: tuple[Hit, ...] = ()
    written: bool = False
    left_out: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    groups: tuple[Group, ...] = ()
    explanation: Json | None = None

    def number_of(self, citation: Citation) -> int:
        """Return the number of a place that a claim cites, 0 where none does."""
        place = (citation.document_id, citation.start, citation.end)
        return next(
            (
                number
                for _, cited in self.numbered()
                for number, one in cited
                if (one.document_id, one.start, one.end) == place
            ),
            0,
        )

    def numbered(self) -> list[tuple[Claim, list[tuple[int, Citation]]]]:
        """Return the claims, each with its citations by number, a number once.

        Places are numbered from 1 in the order in which claims name them, so a place that
        several claims cite has one number in the whole answer.
        """
        numbers: dict[tuple[str, int, int], int] = {}
        return [
            (
                claim,
                list(
                    {
                        numbers.setdefault(
                            (cited.document_id, cited.start, cited.end), len(numbers) + 1
                        ): cited
                        for cited in claim.citations
                    }.items()
                ),
            )
            for claim in self.claims
        ]
