"""Projects: related ones with reasons, the list, one of them, and who takes part."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from api.routes import KnowledgeBaseHere, LanguageHere, summary, told
from api.schemas import Text, Values
from kb.assembly import open_relator
from kb.errors import BadQuestion
from kb.knowledge_base import KnowledgeBase
from kb.project import Project, project_json
from kb.project_lists import ProjectLists, partner_json
from kb.projects import ProjectFilter, Projects
from kb.related import Related, related_csv
from kb.relating import Relator
from kb.scoping import scope_from, theme_of
from kb.seeds import Seed, seeds_of

router = APIRouter(prefix="/api", tags=["projects"])

LONGEST_TEXT = 100_000
MOST_SEEDS = 10
_MAX_K = 100
_opening = threading.Lock()


class ProjectFilters(BaseModel):
    """Limits projects."""

    model_config = ConfigDict(extra="forbid")

    registry: Values = None
    programme: Values = None
    theme: Values = None
    place: Values = None
    partner: Values = None
    year: Annotated[Text | StrictInt | None, Field(examples=["2019-2024"])] = None

    def wanted(self) -> ProjectFilter:
        """Return them as the library takes them; raises BadScope."""
        return ProjectFilter(
            registries=_values(self.registry),
            programmes=_values(self.programme),
            themes=frozenset(theme_of(value) for value in _values(self.theme)),
            places=_values(self.place),
            partners=_values(self.partner),
            years=scope_from(year=self.year).years,
        )


class RelatedRequest(ProjectFilters):
    """What to find related projects for: texts, documents and projects, one or several."""

    text: Annotated[Values, Field(description="A plan, an abstract or a call; any language.")] = (
        None
    )
    document: Values = None
    project: Values = None
    k: Annotated[StrictInt, Field(ge=1, le=_MAX_K)] = 10


class ReasonOut(BaseModel):
    """Why: what is shared, or the two sentences that lie nearest."""

    kind: str
    text: str
    names: list[str] | None = None
    theirs: dict[str, Any] | None = None
    ours: dict[str, Any] | None = None


class RelatedProjectOut(BaseModel):
    """A related project; ``score`` is 0–1."""

    project_id: str
    title: str
    score: float
    acronym: str | None
    registry: str
    programme: str | None
    start: str | None
    end: str | None
    url: str | None
    meaning: float | None
    terms: float
    reasons: list[ReasonOut]


class RelatedOut(BaseModel):
    """Related projects, best first."""

    results: list[RelatedProjectOut]


class PartnerOut(BaseModel):
    """An organisation that takes part in a project."""

    name: str
    leads: bool
    kind: str | None
    city: str | None
    region: str | None
    country: str | None
    budget: float | None


class ProjectOut(BaseModel):
    """A project; ``text`` is what quotes are spans of."""

    project_id: str
    registry: str
    title: str
    registry_id: str | None
    acronym: str | None
    description: str
    results: str
    keywords: list[str]
    programme: str | None
    call: str | None
    objective: str | None
    status: str | None
    start: str | None
    end: str | None
    cost: float | None
    contribution: float | None
    city: str | None
    region: str | None
    country: str | None
    url: str | None
    language: str
    partners: list[PartnerOut]
    themes: list[str]
    text: str
    documents: list[str] | None = None


class ProjectsOut(BaseModel):
    """A page of the list of projects, and how many there are."""

    projects: list[ProjectOut]
    total: int


class ThemeCountOut(BaseModel):
    """A theme and how many of an organisation's projects are about it."""

    theme: str
    projects: int


class PartnerRowOut(BaseModel):
    """An organisation over all projects."""

    name: str
    projects: int
    led: int
    themes: list[ThemeCountOut]
    places: list[str]
    project_ids: list[str]


@router.post(
    "/related", operation_id="related", summary=summary("related"), response_model=RelatedOut
)
def related(
    body: RelatedRequest, request: Request, kb: KnowledgeBaseHere, language: LanguageHere
) -> Response:
    """Find related projects; as CSV where the request's Accept says ``text/csv``."""
    results = _related(body, request, kb)
    if "text/csv" in request.headers.get("accept", ""):
        return Response(
            "\ufeff" + related_csv(results, language),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="related.csv"'},
        )
    return told({"results": [result.to_json(language) for result in results]}, language)


def _related(body: RelatedRequest, request: Request, kb: KnowledgeBase) -> list[Related]:
    relator = relator_of(request, kb)
    seeds = checked_seeds(
        kb,
        relator,
        texts=sorted(_values(body.text)),
        documents=sorted(_values(body.document)),
        projects=sorted(_values(body.project)),
    )
    return relator.related(seeds, k=body.k, wanted=body.wanted())


def checked_seeds(
    kb: KnowledgeBase,
    relator: Relator,
    *,
    texts: Sequence[str],
    documents: Sequence[str],
    projects: Sequence[str],
) -> list[Seed]:
    """Return what is asked about; raises BadQuestion for too much of it, NotFound."""
    if len(texts) + len(documents) + len(projects) > MOST_SEEDS:
        raise BadQuestion("related_too_many", limit=MOST_SEEDS)
    for text in texts:
        if len(text) > LONGEST_TEXT:
            raise BadQuestion("question_too_long", length=len(text), limit=LONGEST_TEXT)
    return seeds_of(kb, relator.projects, texts=texts, documents=documents, projects=projects)


def relator_of(request: Request, kb: KnowledgeBase) -> Relator:
    """Return the application's relator, which keeps the projects' vectors in memory."""
    state = request.app.state
    with _opening:
        if not hasattr(state, "relator"):
            state.relator = open_relator(kb)
    relator: Relator = state.relator
    return relator


@router.get(
    "/projects", operation_id="projects", summary=summary("projects"), response_model=ProjectsOut
)
def projects(
    kb: KnowledgeBaseHere,
    theme: Annotated[list[str] | None, Query()] = None,
    place: Annotated[list[str] | None, Query()] = None,
    partner: Annotated[list[str] | None, Query()] = None,
    programme: Annotated[list[str] | None, Query()] = None,
    registry: Annotated[list[str] | None, Query()] = None,
    year: str | None = None,
    find: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> JSONResponse:
    """List projects by title."""
    given = ProjectFilters(
        registry=registry,
        programme=programme,
        theme=theme,
        place=place,
        partner=partner,
        year=year,
    )
    wanted = replace(given.wanted(), find=find)
    shown, total = ProjectLists(Projects(kb.catalogue)).page(wanted, limit=limit, offset=offset)
    return JSONResponse({"projects": [project_json(one) for one in shown], "total": total})


@router.get(
    "/projects/{project_id}",
    operation_id="project",
    summary=summary("project"),
    response_model=ProjectOut,
)
def project(project_id: str, kb: KnowledgeBaseHere) -> JSONResponse:
    """Return a project with the ids of its documents."""
    found = Projects(kb.catalogue).get(project_id)
    return JSONResponse({**project_json(found), "documents": _documents(kb, found)})


@router.get(
    "/partners",
    operation_id="partners",
    summary=summary("partners"),
    response_model=list[PartnerRowOut],
)
def partners(
    kb: KnowledgeBaseHere,
    theme: Annotated[list[str] | None, Query()] = None,
    place: Annotated[list[str] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JSONResponse:
    """List who has taken part in projects, most projects first."""
    given = ProjectFilters(theme=theme, place=place)
    rows = ProjectLists(Projects(kb.catalogue)).partners(given.wanted(), limit=limit)
    return JSONResponse([partner_json(row) for row in rows])


def _documents(kb: KnowledgeBase, found: Project) -> list[str]:
    """Return the ids of a project's documents that may be seen."""
    seen = {row.id for row in kb.documents()}
    return [one for one in Projects(kb.catalogue).documents_of(found) if one in seen]


def _values(given: str | list[str] | None) -> frozenset[str]:
    values = [given] if isinstance(given, str) else given or []
    return frozenset(value for value in values if value.strip())
