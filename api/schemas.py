"""What the API takes and gives, for checking requests and for the OpenAPI description.

Answers are built by ``kb.wire`` and not copied through these models; a test holds the two
together.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
)
from pydantic_core import PydanticCustomError

from kb.model import Scope
from kb.scoping import scope_from


def _unicode(text: str) -> str:
    """Refuse half of a surrogate pair: JSON can say one, and no database or model takes it."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PydanticCustomError("string_unicode", "not Unicode") from error
    return text


Text = Annotated[StrictStr, AfterValidator(_unicode)]
Values = Annotated[
    Text | list[Text] | None,
    Field(description="One value, or a list of which any may match."),
]
_MAX_K = 100


class Filters(BaseModel):
    """Limits a question to some documents."""

    model_config = ConfigDict(extra="forbid")

    language: Values = None
    kind: Values = None
    city: Values = None
    theme: Values = None
    year: Annotated[
        StrictInt | Text | list[StrictInt | Text] | None,
        Field(
            description="2021, '2019-2024' or [2019, 2024].",
            examples=["2019-2024"],
        ),
    ] = None
    document: Values = None
    collection: Values = None
    confidentiality: Values = None

    def scope(self) -> Scope:
        """Return the filters as a scope; raises BadScope."""
        return scope_from(
            language=self.language,
            kind=self.kind,
            city=self.city,
            theme=self.theme,
            year=self.year,
            document=self.document,
            collection=self.collection,
            confidentiality=self.confidentiality,
        )


class AskRequest(Filters):
    """A question."""

    question: Annotated[Text, Field(examples=["Millainen on täydellinen teollisuusalue?"])]
    previous: Annotated[
        Text | list[Text],
        Field(
            description="The question or questions before, oldest first, for a follow-up.",
            examples=["Miten jätevesi puhdistetaan Kokkolassa?"],
        ),
    ] = []
    explain: StrictBool = False
    model: Annotated[
        StrictBool, Field(description="False: excerpts alone, whatever model is set.")
    ] = True

    def before(self) -> list[str]:
        """Return the questions before this one, oldest first."""
        return [self.previous] if isinstance(self.previous, str) else self.previous


class SearchRequest(Filters):
    """Words or a question to find passages for."""

    query: Annotated[Text, Field(examples=["jätevesi"])]
    k: Annotated[StrictInt, Field(ge=1, le=_MAX_K)] = 10


class Out(BaseModel):
    """Base of what is answered."""

    model_config = ConfigDict(extra="forbid")


class LocatorOut(Out):
    """Where a span stands; only the keys that apply are there."""

    page: int | None = None
    pages: list[int] | None = None
    slide: int | None = None
    sheet: str | None = None
    rows: list[int] | None = None
    heading: list[str] | None = None
    paragraph: int | None = None


class SpanOut(Out):
    """Offsets in characters (code points) of the document's text."""

    start: int
    end: int


class PassageOut(Out):
    """A found passage: ``text`` is ``text[start:end]`` of its document."""

    passage_id: str
    document_id: str
    title: str
    source: str
    language: str
    locator: LocatorOut
    start: int
    end: int
    text: str
    score: float
    dense: float | None
    lexical: float | None
    sample: bool
    best_sentence: SpanOut | None


class HeaderOut(Out):
    """What a quote stands under; ``quote`` is ``text[start:end]`` of the same document."""

    start: int
    end: int
    quote: str


class CitationOut(Out):
    """A verified quote: ``quote`` is ``text[start:end]`` of its document.

    ``header``: the header of the table that it is rows of, or what announces its list.
    """

    document_id: str
    title: str
    source: str
    locator: LocatorOut
    start: int
    end: int
    quote: str
    language: str
    header: HeaderOut | None


class TableOut(Out):
    """Rows of a table by cell; ``columns`` is empty where nothing names them."""

    columns: list[str]
    rows: list[list[str]]


class GroupOut(Out):
    """Claims that belong together, by their places in ``claims``, from 0."""

    kind: Literal["theme", "place", "other"]
    value: str
    label: str
    claims: list[int]


class ClaimOut(Out):
    """A statement and the citations that carry it; ``table`` where it is rows of one.

    ``best``: what of a longer quote answers most likely.
    """

    text: str
    confidence: float
    language: str
    citations: list[CitationOut]
    table: TableOut | None
    best: SpanOut | None


class ToldOut(Out):
    """Something to know about an answer: a stable code, a text in the question's language."""

    code: str
    text: str


class FigureOut(Out):
    """A figure or date beside others of the same thing, the newest first.

    ``figure`` is ``text[start:end]`` of its document and ``number`` its source's in the order in
    which claims name places, from 1. ``date`` is the year that the statement names (``stated``),
    else the document's date.
    """

    figure: str
    date: str | None
    stated: bool
    newest: bool
    document_id: str
    start: int
    end: int
    number: int


class AnswerOut(Out):
    """An answer with cited claims, or the reason why there is none and what lay nearest.

    ``written``: a language model wrote the claims, each of which was checked against its
    citations; ``left_out`` has an entry for each statement of its that failed, ``notices`` tell
    why there are excerpts instead, or that it broke off.
    """

    status: Literal["answered", "no_evidence"]
    language: str
    claims: list[ClaimOut]
    figures: list[FigureOut]
    groups: list[GroupOut]
    reason: str
    reason_code: str
    nearest: list[PassageOut]
    understood_as: str | None = None
    written: bool
    left_out: list[ToldOut]
    notices: list[ToldOut]
    explanation: dict[str, object] | None = None


class SearchOut(Out):
    """Passages, best first."""

    query: str
    language: str | None
    results: list[PassageOut]


class _Described(Out):
    document_id: str
    title: str
    date: str | None
    city: str | None
    organisation: str | None
    kind: str
    work_package: str | None
    themes: list[str]
    confidentiality: str
    collection: str | None
    sample: bool
    url: str | None
    project: str | None
    language: str
    media_type: str
    source: str
    pages: int | None
    characters: int
    added: str
    warnings: list[str]


class DocumentRowOut(_Described):
    """A document of a list; ``sources`` is how many files it came from."""

    sources: int
    passages: int


class DocumentOut(_Described):
    """A document without its text; ``sources`` names the files it came from."""

    sources: list[str]


class TextOut(Out):
    """A part of a document's text and where it stands."""

    document_id: str
    start: int
    end: int
    text: str
    locator: LocatorOut


class BoxOut(Out):
    """A word's box in fractions of the page's width and height, from the top left corner."""

    start: int
    end: int
    left: float
    top: float
    right: float
    bottom: float


class BoxesOut(Out):
    """The words of a span that stand on one page."""

    page: int
    boxes: list[BoxOut]


class RemovedOut(Out):
    """How many documents were removed."""

    removed: int


class AcceptedOut(Out):
    """The job that will take the files in."""

    job_id: str


class FileOut(Out):
    """A received file."""

    name: str
    size: int


class ProgressOut(Out):
    """How far a job has come."""

    stage: Literal["waiting", "reading", "passages", "sentences", "projects"]
    done: int
    total: int
    current: str
    pages: int
    passages: int


class RejectionOut(Out):
    """A file that wasn't taken in."""

    source: str
    reason: str
    cure: str
    code: str


class RejectedOut(RejectionOut):
    """A file that wasn't taken in, and when that was."""

    at: str
    ignored: bool


class WarningOut(Out):
    """Something to know about a file that was taken in."""

    source: str
    warning: str


class ReportOut(Out):
    """What a job did."""

    ingested: int
    unchanged: int
    removed: int
    ignored: int
    rejected: list[RejectionOut]
    warnings: list[WarningOut]
    passages: int
    seconds: float


class RowOut(Out):
    """A row of a table of projects, and what is wrong with it."""

    row: int
    reason: str


class ImportedOut(Out):
    """What the import of a table of projects did; the first 200 rows that were left out or told."""

    imported: int
    updated: int
    unchanged: int
    rejected: list[RowOut]
    rejected_count: int
    warnings: list[RowOut]
    warnings_count: int


class FailureOut(Out):
    """Why a job failed."""

    code: str
    detail: str


class JobOut(Out):
    """A job as it stands."""

    job_id: str
    kind: Literal["upload", "folder", "watch", "retry", "projects"]
    state: Literal["queued", "running", "done", "failed"]
    names: list[str]
    files: list[FileOut]
    created: str
    changed: str
    progress: ProgressOut | None
    report: ReportOut | ImportedOut | None
    error: FailureOut | None


class HealthOut(Out):
    """Whether the service is ready; ``waiting`` is how many passages have no vector yet."""

    status: Literal["ok", "starting", "reindex_needed"]
    documents: int
    passages: int
    waiting: int
    version: str


class FaultOut(Out):
    """A field that can't be used."""

    field: str
    detail: str


class ProblemOut(Out):
    """A problem (RFC 9457); ``code`` is stable, the texts are in the client's language."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FaultOut] | None = None
