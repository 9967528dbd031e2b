"""The page of related projects: a text, documents and projects in; projects and reasons out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from api.problems import status_of, text_of
from api.routes.related import LONGEST_TEXT, MOST_SEEDS, checked_seeds, relator_of
from api.web.project_lines import Wanted, choices, project_line
from api.web.site import Visit
from kb.errors import BadQuestion, BadScope, KnowledgeBaseError
from kb.model import Language, Span
from kb.project import Project, language_of_text
from kb.project_lists import ProjectLists
from kb.projects import Projects
from kb.related import Quote, Related, related_csv

router = APIRouter()

_RESULTS = (10, 25, 50, 100)
_LONGEST_ADDRESS = 6000
"""Characters of an address that every browser and proxy takes; longer texts stay in the form."""

_MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class QuoteView:
    """A sentence, whose it is, and where it can be seen in its place; empty for a pasted text."""

    quote: str
    language: Language
    label: str
    place: str
    href: str


@dataclass(frozen=True, slots=True)
class ReasonView:
    """Why a project is related, in words; for text, the two sentences."""

    kind: str
    text: str
    theirs: QuoteView | None
    ours: QuoteView | None


@dataclass(frozen=True, slots=True)
class RelatedView:
    """A related project as it is shown."""

    project: Project
    line: str
    href: str
    percent: int
    reasons: list[ReasonView]


@dataclass(frozen=True, slots=True)
class Compared:
    """What is compared with, as it was given."""

    text: str = ""
    documents: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    k: int = _RESULTS[0]

    @classmethod
    def of(cls, pairs: list[tuple[str, str]]) -> Compared:
        """Read the parameters of an address or the fields of a form."""

        def values(name: str) -> tuple[str, ...]:
            found = dict.fromkeys(value.strip() for key, value in pairs if key == name)
            return tuple(value for value in found if value)

        text = next((value for key, value in pairs if key == "text"), "")
        k = next((value for key, value in pairs if key == "k"), "")
        return cls(
            text=text.replace("\r\n", "\n").strip(),
            documents=values("document")[: MOST_SEEDS + 1],
            projects=values("project")[: MOST_SEEDS + 1],
            k=int(k) if k in map(str, _RESULTS) else _RESULTS[0],
        )

    @property
    def anything(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self.text or self.documents or self.projects)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters of this state's address."""
        found = [("text", self.text)] if self.text else []
        found += [("document", one) for one in self.documents]
        found += [("project", one) for one in self.projects]
        return [*found, ("k", str(self.k))] if self.k != _RESULTS[0] else found


@router.get("/related")
def related_page(request: Request) -> Response:
    """Show the form and, for what its address names, the related projects."""
    return _related(Visit(request), request.query_params.multi_items())


@router.post("/related")
async def related_form(request: Request) -> Response:
    """Take the form; what fits into an address is led to one, so that it can be mailed."""
    fields = [
        (name, value)
        for name, value in (await request.form(max_files=0, max_fields=200)).multi_items()
        if not isinstance(value, UploadFile)
    ]
    visit = Visit(request)
    plain = visit.href("/related", *((name, value.strip()) for name, value in fields))
    if len(plain) <= _LONGEST_ADDRESS and ("as", "csv") not in fields:
        return RedirectResponse(f"{plain}#results", status_code=303)
    return await run_in_threadpool(_related, visit, fields)


def _related(visit: Visit, fields: list[tuple[str, str]]) -> Response:
    request = visit.request
    projects = Projects(visit.kb.catalogue)
    lists = ProjectLists(projects)
    wanted = Wanted.of([pair for pair in fields if pair[0] != "find"])
    compared = Compared.of(fields)
    fault = mendable = ""
    status = 200
    found: list[Related] | None = None
    if compared.anything:
        try:
            compared = _resolved(compared, lists)
            relator = relator_of(request, visit.kb)
            seeds = checked_seeds(
                visit.kb,
                relator,
                texts=[compared.text] if compared.text else [],
                documents=compared.documents,
                projects=compared.projects,
            )
            found = relator.related(seeds, k=compared.k, wanted=wanted.filter(lists))
        except KnowledgeBaseError as error:
            fault, status = text_of(error, visit.language), status_of(error)
            if isinstance(error, BadScope):
                mendable = "filters"
            elif isinstance(error, BadQuestion):
                mendable = "text"
    if found is not None and ("as", "csv") in fields:
        return Response(
            "\ufeff" + related_csv(found, visit.language),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="related.csv"'},
        )
    posted = request.method == "POST"
    titles = {str(row.id): row.metadata.title or row.source for row in visit.rows}
    return visit.page(
        "related.html",
        status,
        choices=choices(visit),
        wanted=wanted,
        compared=compared,
        fault=fault,
        mendable=mendable,
        chosen_documents=[(one, titles.get(one, one)) for one in compared.documents],
        chosen_projects=[(one, _title(projects, one)) for one in compared.projects],
        listed=[one for one in titles.items() if one[0] not in compared.documents][:_MOST_LISTED],
        results=None if found is None else related_views(visit, found),
        steps=_RESULTS,
        # What was posted stands in no address: the switch sends it along.
        language_form="related-form"
        if request.method == "POST" and choices(visit).projects
        else "",
        longest=visit.number(LONGEST_TEXT),
        clear=visit.href("/related", *compared.pairs()),
        limits=wanted.told(visit, "/related", *compared.pairs()) if not posted else [],
    )


def _resolved(compared: Compared, lists: ProjectLists) -> Compared:
    """Return what is compared with, its projects by their ids; raises BadQuestion for others."""
    ids: dict[str, None] = {}
    for given in compared.projects:
        found = lists.named(given)
        if found is None:
            raise BadQuestion("related_no_project", name=given[:80])
        ids[found] = None
    return Compared(compared.text, compared.documents, tuple(ids), compared.k)


def _title(projects: Projects, project_id: str) -> str:
    try:
        return projects.get(project_id).title
    except KnowledgeBaseError:
        return project_id


def related_views(visit: Visit, found: Sequence[Related]) -> list[RelatedView]:
    """Return related projects as they are shown."""
    projects = Projects(visit.kb.catalogue)
    views: list[RelatedView] = []
    for one in found:
        theirs = next((r.theirs for r in one.reasons if r.theirs is not None), None)
        marked = [("start", theirs.start), ("end", theirs.end)] if theirs else []
        views.append(
            RelatedView(
                project=one.project,
                line=project_line(visit, one.project),
                href=visit.href(
                    f"/projects/{one.project.id}", *marked, fragment="mark" if marked else ""
                ),
                percent=round(100 * one.score),
                reasons=[
                    ReasonView(
                        kind=reason.kind,
                        text=reason.text(visit.language),
                        theirs=_quote(visit, reason.theirs, projects, theirs=True),
                        ours=_quote(visit, reason.ours, projects, theirs=False),
                    )
                    for reason in one.reasons
                ],
            )
        )
    return views


def _quote(
    visit: Visit, quote: Quote | None, projects: Projects, *, theirs: bool
) -> QuoteView | None:
    if quote is None:
        return None
    span = [("start", quote.start), ("end", quote.end)]
    text = " ".join(quote.quote.split())
    t = visit.t
    if quote.document is not None:
        document = quote.document
        return QuoteView(
            quote=text,
            language=document.language,
            label=t("related_ours_document", title=document.metadata.title or document.source),
            place=t.place(document.locate(Span(quote.start, quote.end))),
            href=visit.href(f"/documents/{document.id}", *span, fragment="mark"),
        )
    if quote.project_id is not None:
        project = projects.get(quote.project_id)
        return QuoteView(
            quote=text,
            language=project.language,
            label=t("related_theirs") if theirs else t("related_ours_project", title=project.title),
            place="",
            href=visit.href(f"/projects/{project.id}", *span, fragment="mark"),
        )
    return QuoteView(
        quote=text,
        language=language_of_text(text, visit.language),
        label=t("related_ours_text"),
        place="",
        href="",
    )
