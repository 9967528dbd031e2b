"""What the API takes and gives of saved answers, files taken along, and feedback."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from api.schemas import (
    AskRequest,
    CitationOut,
    FigureOut,
    GroupOut,
    LocatorOut,
    Out,
    SpanOut,
    TableOut,
    Text,
)

FormatName = Literal["docx", "markdown", "text"]


class ExportRequest(AskRequest):
    """A question whose answer is wanted as a file."""

    format: FormatName = "markdown"


class SaveRequest(AskRequest):
    """A question whose answer is to be saved."""

    name: Annotated[Text, Field(description="By default the question.")] = ""


class NameRequest(Out):
    """Another name for a saved answer."""

    name: Text


class FeedbackRequest(AskRequest):
    """A judgement of the answer to a question, or with ``answer_id`` of a saved one."""

    question: Text = ""
    answer_id: Text = ""
    verdict: Literal["useful", "wrong-source", "wrong-answer", "missing"]
    source: Annotated[
        StrictInt | None, Field(description="The number of the source that is wrong.")
    ] = None
    note: Annotated[Text, Field(description="Plain text, at most 1,000 characters.")] = ""


class FeedbackOut(Out):
    """The judgement that was kept."""

    feedback_id: str


class GivenCitationOut(CitationOut):
    """A citation as it was given, and what was known of its document then."""

    number: int
    date: str | None
    url: str | None
    sample: bool
    newer_version: str | None


class GivenClaimOut(Out):
    """A statement as it was given."""

    text: str
    confidence: float
    language: str
    citations: list[GivenCitationOut]
    table: TableOut | None
    best: SpanOut | None


class PlaceNowOut(Out):
    """Where a quote stands now."""

    document_id: str
    start: int
    end: int
    locator: LocatorOut


class SourceNowOut(Out):
    """What has become of a source.

    ``moved``: its file has a new version, which still says so; ``gone``: a new version that
    doesn't; ``removed``: neither is there.
    """

    number: int
    state: Literal["same", "moved", "gone", "removed"]
    now: PlaceNowOut | None


class NewerOut(Out):
    """A document near the question that was added later."""

    document_id: str
    title: str
    added: str


class SinceOut(Out):
    """What has changed since an answer was saved."""

    changed: int
    sources: list[SourceNowOut]
    newer: list[NewerOut]


class SavedOut(Out):
    """A saved answer: what was said then, and what has changed since."""

    answer_id: str
    name: str
    saved: str
    question: str
    asked_as: str
    asked: str
    filters: list[list[str]]
    by_model: bool
    status: Literal["answered", "no_evidence"]
    language: str
    reason: str
    reason_code: str
    claims: list[GivenClaimOut]
    figures: list[FigureOut]
    groups: list[GroupOut]
    since: SinceOut
