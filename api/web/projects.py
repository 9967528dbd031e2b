"""The projects' pages: the list, a project, and who takes part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.problems import status_of, text_of
from api.routes.related import relator_of
from api.web.asked import address
from api.web.project_lines import Wanted, choices, money, project_line
from api.web.relating import RelatedView, related_views
from api.web.site import Visit
from api.web.viewer import document_line
from kb.errors import KnowledgeBaseError
from kb.model import Span
from kb.project import Partner, Project
from kb.project_lists import PartnerRow, ProjectLists
from kb.projects import Projects
from kb.seeds import seed_of_project
from kb.themes import themes

router = APIRouter()

_PER_PAGE = 50
_NEIGHBOURS = 8
_MOST_PARTNERS = 200


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """A project of the list."""

    project: Project
    href: str
    line: str


@dataclass(frozen=True, slots=True)
class PartnerLine:
    """An organisation that takes part in a project, or in several."""

    name: str
    href: str
    line: str
    leads: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The title, description or results of a project, with what is marked in it."""

    name: str
    before: str
    marked: str
    after: str


@router.get("/projects")
def projects_page(request: Request) -> Response:
    """Show the list with its filters; where there is none, how projects are imported."""
    visit = Visit(request)
    lists = ProjectLists(Projects(visit.kb.catalogue))
    wanted = Wanted.of(request.query_params.multi_items())
    fault, status = "", 200
    at = _page_of(request)
    shown: list[Project] = []
    count = 0
    try:
        allowed = wanted.filter(lists)
    except KnowledgeBaseError as error:
        fault, status = text_of(error, visit.language), status_of(error)
    else:
        shown, count = lists.page(allowed, limit=_PER_PAGE, offset=(at - 1) * _PER_PAGE)
    pages = max(1, -(-count // _PER_PAGE))

    def list_address(number: int) -> str:
        return visit.href("/projects", *wanted.pairs(), ("page", number), fragment="list")

    return visit.page(
        "projects.html",
        status,
        choices=choices(visit),
        wanted=wanted,
        fault=fault,
        mendable=bool(fault),
        rows=[_line(visit, project) for project in shown],
        count=count,
        page=at,
        pages=pages,
        previous=list_address(min(at - 1, pages)) if at > 1 else "",
        following=list_address(at + 1) if at < pages else "",
        clear=visit.href("/projects"),
        limits=wanted.told(visit, "/projects", ("find", wanted.find)),
    )


def _page_of(request: Request) -> int:
    given = request.query_params.get("page", "")
    return max(1, int(given)) if given.isdecimal() and len(given) < 7 else 1


def _line(visit: Visit, project: Project) -> ProjectLine:
    return ProjectLine(
        project=project,
        href=visit.href(f"/projects/{project.id}"),
        line=project_line(visit, project),
    )


# -- one project -----------------------------------------------------------------------------------


@router.get("/projects/{project_id}")
def project_page(project_id: str, request: Request) -> Response:
    """Show a project; ``start`` and ``end`` are marked in its text."""
    visit = Visit(request)
    projects = Projects(visit.kb.catalogue)
    project = projects.get(project_id)
    named = set(projects.documents_of(project))
    relator = relator_of(request, visit.kb)
    found = relator.related([seed_of_project(relator.projects, project.id)], k=_NEIGHBOURS)
    neighbours: list[RelatedView] = related_views(visit, found)
    return visit.page(
        "project.html",
        project=project,
        line=project_line(visit, project),
        parts_of=list(_parts(project, _span(request, project))),
        facts=_facts(visit, project),
        partners=[_partner(visit, partner) for partner in project.partners],
        project_themes=[
            (theme, address("/projects", [("theme", theme)])) for theme in project.themes
        ],
        correct=visit.href(f"/projects/{project.id}/themes"),
        documents=[
            (
                row.metadata.title or row.source,
                row.language,
                visit.href(f"/documents/{row.id}"),
                document_line(visit, row),
            )
            for row in visit.rows
            if row.id in named
        ],
        neighbours=neighbours,
        more=visit.href("/related", ("project", project.id)),
        url=_safe_url(project.url),
        done=request.query_params.get("done", ""),
    )


def _span(request: Request, project: Project) -> Span | None:
    start, end = (request.query_params.get(name, "") for name in ("start", "end"))
    if not (start.isdecimal() and end.isdecimal() and max(len(start), len(end)) < 10):
        return None
    length = len(project.text)
    return Span(int(start), int(end)) if int(start) < int(end) <= length else None


def _parts(project: Project, span: Span | None) -> Iterator[Part]:
    """Yield the parts of a project's text; what is marked may run over several."""
    begin = 0
    first, last = (span.start, span.end) if span else (0, 0)
    for name in ("title", "description", "results"):
        text: str = getattr(project, name)
        if not text:
            continue
        start = min(max(first - begin, 0), len(text))
        end = min(max(last - begin, start), len(text))
        yield Part(name, text[:start], text[start:end], text[end:])
        begin += len(text) + 2


def _facts(visit: Visit, project: Project) -> list[tuple[str, str]]:
    """Return the fields that are filled: the key of what each is called, and its value."""
    t = visit.t
    places = ", ".join(p for p in (project.city, project.region, project.country) if p)
    period = "–".join(t.date(date) if date else "" for date in (project.start, project.end))
    fields = {
        "acronym": project.acronym,
        "registry": project.registry,
        "registry_id": project.registry_id,
        "programme": project.programme,
        "call": project.call,
        "objective": project.objective,
        "status": project.status,
        "period": period if period != "–" else "",
        "cost": money(visit, project.cost),
        "contribution": money(visit, project.contribution),
        "place": places,
        "keywords": ", ".join(project.keywords),
        "language": t.language_name(project.language),
    }
    return [(f"project_{name}", value) for name, value in fields.items() if value]


def _partner(visit: Visit, partner: Partner) -> PartnerLine:
    places = dict.fromkeys((partner.city, partner.region, partner.country))
    told = [partner.kind, ", ".join(p for p in places if p), money(visit, partner.budget)]
    return PartnerLine(
        name=partner.name,
        href=visit.href("/projects", ("partner", partner.name)),
        line=" · ".join(part for part in told if part),
        leads=partner.leads,
    )


def _safe_url(url: str | None) -> str:
    """Return a project's web address where it is one that may be followed."""
    return url if url and url.lower().startswith(("https://", "http://")) else ""


# -- who takes part --------------------------------------------------------------------------------


@router.get("/partners")
def partners_page(request: Request) -> Response:
    """Show who has worked on a theme or in a place: in how many projects, on what, where."""
    visit = Visit(request)
    lists = ProjectLists(Projects(visit.kb.catalogue))
    wanted = Wanted.of(request.query_params.multi_items())
    fault, status = "", 200
    rows: list[PartnerRow] = []
    try:
        # One more than is shown tells whether there are more.
        rows = lists.partners(
            replace(wanted.filter(lists), partners=frozenset(), find=""),
            limit=_MOST_PARTNERS + 1,
            named=wanted.find,
        )
    except KnowledgeBaseError as error:
        fault, status = text_of(error, visit.language), status_of(error)
    limits = [(name, value) for name, value in wanted.filters if name != "partner"]
    return visit.page(
        "partners.html",
        status,
        choices=choices(visit),
        wanted=wanted,
        fault=fault,
        mendable=bool(fault),
        rows=[(row, _projects_of(visit, row, limits)) for row in rows[:_MOST_PARTNERS]],
        more=len(rows) > _MOST_PARTNERS,
        most=_MOST_PARTNERS,
        all_themes=[theme.id for theme in themes()],
        clear=visit.href("/partners"),
        limits=wanted.told(visit, "/partners", ("find", wanted.find)),
    )


def _projects_of(visit: Visit, row: PartnerRow, limits: list[tuple[str, str]]) -> str:
    """Return where an organisation's projects are listed, within the same limits."""
    return visit.href("/projects", ("partner", row.name), *limits)
