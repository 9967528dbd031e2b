"""Saved answers, answers as files, judgements, and how an answer came about."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from api.problems import Refused, status_of, text_of
from api.taking import as_file, base_of
from api.web.asked import Asked
from api.web.asking import viewer_address
from api.web.site import Visit
from api.web.taking import given_answer, taking_of_saved
from kb.errors import BadEntry, BadQuestion
from kb.explaining import told
from kb.exporting import format_of, title_of
from kb.feedback import Feedback
from kb.given import GivenAnswer, Source
from kb.model import Span
from kb.saved import LONGEST_NAME, SavedAnswer, SavedAnswers, SourceNow, State
from kb.wording import filter_value

router = APIRouter()

_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source of a saved answer: where it leads now, and what has become of it."""

    source: Source
    title: str
    state: State
    place: str
    href: str
    note: str


@dataclass(frozen=True, slots=True)
class RowView:
    """A saved answer of the list."""

    saved: SavedAnswer
    line: str
    changed: int
    href: str
    remove: str


# -- files and reasons ---------------------------------------------------------------------------


@router.get("/export")
def export(request: Request) -> Response:
    """Return the answer of the ask page as a file."""
    visit = Visit(request)
    return _file(visit, _asked_answer(visit, request.query_params))


@router.get("/why")
def why(request: Request) -> Response:
    """Show how an answer came about."""
    visit = Visit(request)
    asked = Asked.of(request.query_params)
    if not asked.question:
        raise BadQuestion
    answer = visit.site.answer(visit.kb, asked).answer  # the one that was shown, if it was
    return visit.page(
        "why.html",
        asked=asked,
        back=visit.href("/", *asked.pairs()),
        sections=told(answer.explanation or {}, visit.language),
    )


def _asked_answer(visit: Visit, params: QueryParams) -> GivenAnswer:
    """Return the answer to the question of a page or form; raises BadQuestion and the like."""
    asked = Asked.of(params)
    if not asked.question:
        raise BadQuestion
    answered = visit.site.answer(visit.kb, asked)
    written = params.get("asked_as", "").strip()[: visit.settings.max_question]
    return given_answer(visit, asked, answered, written)


def _file(visit: Visit, given: GivenAnswer) -> Response:
    form = format_of(visit.request.query_params.get("format", "text"))
    return as_file(given, form, language=visit.language, base=base_of(visit.request))


# -- saved answers -------------------------------------------------------------------------------


@router.get("/answers")
def answers_page(request: Request) -> Response:
    """List the saved answers."""
    visit = Visit(request)
    kept = SavedAnswers(visit.kb)
    every = kept.all()
    wanted = request.query_params.get("page", "")
    pages = max(1, -(-len(every) // _PER_PAGE))
    page = min(max(int(wanted) if wanted.isdecimal() and len(wanted) < 7 else 1, 1), pages)
    shown = every[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    return visit.page(
        "answers.html",
        rows=[_row(visit, kept, saved) for saved in shown],
        page=page,
        pages=pages,
        previous=visit.href("/answers", ("page", page - 1)) if page > 1 else "",
        following=visit.href("/answers", ("page", page + 1)) if page < pages else "",
        done=request.query_params.get("done", ""),
    )


def _row(visit: Visit, kept: SavedAnswers, saved: SavedAnswer) -> RowView:
    claims = saved.given.claims
    return RowView(
        saved=saved,
        line=claims[0].text[:200] if claims else visit.t.any(saved.given.reason),
        changed=kept.since(saved, newer=False).changed,
        href=visit.href(f"/answers/{saved.id}"),
        remove=visit.href(f"/answers/{saved.id}/remove"),
    )


@router.post("/answers")
async def save(request: Request) -> Response:
    """Save the answer of the ask page, and lead to it."""
    visit, params = Visit(request), await _form(request)
    return await run_in_threadpool(_save, visit, params)


def _save(visit: Visit, params: QueryParams) -> Response:
    saved = SavedAnswers(visit.kb).save(_shown(visit, params))
    return RedirectResponse(visit.href(f"/answers/{saved.id}"), status_code=303)


def _shown(visit: Visit, params: QueryParams) -> GivenAnswer:
    """Return the answer that a form is about, if it is still what was shown.

    Raises Refused where the material has changed in between and the answer with it.
    """
    given = _asked_answer(visit, params)
    if given.fingerprint != params.get("shown", ""):
        raise Refused("answer_changed", status=409)
    return given


@router.get("/answers/{answer_id}")
def saved_page(answer_id: str, request: Request) -> Response:
    """Show a saved answer and what has become of its sources."""
    visit = Visit(request)
    return _saved(visit, SavedAnswers(visit.kb).get(answer_id))


def _saved(visit: Visit, saved: SavedAnswer, *, fault: str = "", status: int = 200) -> Response:
    given = saved.given
    since = SavedAnswers(visit.kb).since(saved)
    params = visit.request.query_params
    asked = _asked_of(given)
    return visit.page(
        "saved.html",
        status,
        saved=saved,
        given=given,
        told=given,
        since=since,
        sources=[_source(visit, asked, one) for one in since.sources],
        newer=[
            (
                document.metadata.title or document.source,
                viewer_address(visit, asked, document.id, Span(0, 0)).split("#")[0],
                document.language,
            )
            for document in since.newer
        ],
        reason=visit.t.any(given.reason) if given.reason else "",
        limits=", ".join(filter_value(*pair, visit.language) for pair in given.filters),
        again=visit.href("/", *asked.pairs()),
        taking=taking_of_saved(visit, given, saved.id),
        thanks=bool(params.get("thanks")),
        renamed=bool(params.get("renamed")),
        fault=fault,
        longest=LONGEST_NAME,
    )


def _asked_of(given: GivenAnswer) -> Asked:
    """Return a saved answer's question as the ask page takes it."""
    return Asked.of(QueryParams([("q", given.question), *given.filters]))


def _source(visit: Visit, asked: Asked, now: SourceNow) -> SourceView:
    href = note = ""
    if now.there is not None:
        span = Span(now.there.start, now.there.end)
        href = viewer_address(visit, asked, now.there.document_id, span)
        if now.state is State.MOVED:
            note = visit.t("moved_to", place=visit.t.place(now.there.locator))
    elif now.document is not None:
        href = visit.href(f"/documents/{now.document.id}")
    return SourceView(
        source=now.source,
        title=title_of(now.source),
        state=now.state,
        place=visit.t.place(now.source.citation.locator),
        href=href,
        note=note,
    )


@router.get("/answers/{answer_id}/export")
def export_saved(answer_id: str, request: Request) -> Response:
    """Return a saved answer as a file."""
    visit = Visit(request)
    return _file(visit, SavedAnswers(visit.kb).get(answer_id).given)


@router.post("/answers/{answer_id}/name")
async def rename(answer_id: str, request: Request) -> Response:
    """Give a saved answer another name."""
    visit, params = Visit(request), await _form(request)
    return await run_in_threadpool(_rename, visit, answer_id, params.get("name", ""))


def _rename(visit: Visit, answer_id: str, name: str) -> Response:
    kept = SavedAnswers(visit.kb)
    try:
        kept.rename(answer_id, name)
    except BadEntry as error:
        fault, status = text_of(error, visit.language), status_of(error)
        return _saved(visit, kept.get(answer_id), fault=fault, status=status)
    return RedirectResponse(visit.href(f"/answers/{answer_id}", ("renamed", 1)), status_code=303)


@router.get("/answers/{answer_id}/remove")
def remove_page(answer_id: str, request: Request) -> Response:
    """Ask whether a saved answer is to be removed."""
    visit = Visit(request)
    saved = SavedAnswers(visit.kb).get(answer_id)
    return visit.page(
        "confirm.html",
        title=visit.t("saved_remove_title"),
        text=visit.t("saved_remove_text", name=saved.name),
        action=visit.href(f"/answers/{answer_id}/remove"),
        button=visit.t("saved_remove"),
        back=visit.href(f"/answers/{answer_id}"),
    )


@router.post("/answers/{answer_id}/remove")
def remove(answer_id: str, request: Request) -> Response:
    """Remove a saved answer."""
    visit = Visit(request)
    SavedAnswers(visit.kb).remove(answer_id)
    return RedirectResponse(visit.href("/answers", ("done", "removed")), status_code=303)


# -- judging -------------------------------------------------------------------------------------


@router.post("/feedback")
async def judge(request: Request) -> Response:
    """Keep a judgement, and lead back to the answer."""
    visit, params = Visit(request), await _form(request)
    return await run_in_threadpool(_judge, visit, params)


def _judge(visit: Visit, params: QueryParams) -> Response:
    answer_id = params.get("saved", "")
    if answer_id:
        given = SavedAnswers(visit.kb).get(answer_id).given
        back = visit.href(f"/answers/{answer_id}", ("thanks", 1), fragment="judged")
    else:
        given = _shown(visit, params)
        pairs = Asked.of(params).pairs()
        back = visit.href("/", *pairs, ("thanks", 1), fragment="judged")
    number = params.get("source", "")
    Feedback(visit.kb).add(
        given,
        params.get("verdict", ""),
        # A source may be named whatever is chosen first; it counts with "wrong source" only.
        source=int(number) if number.isdecimal() and len(number) < 4 else None,
        note=params.get("note", ""),
    )
    return RedirectResponse(back, status_code=303)


async def _form(request: Request) -> QueryParams:
    """Return the fields of a form as the parameters of an address; files in it are left out."""
    async with request.form(max_files=0, max_fields=200) as form:
        return QueryParams([(n, v) for n, v in form.multi_items() if isinstance(v, str)])
