"""What every page leans on: static files, how it works, the accessibility statement."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from api.web.site import STATIC, Site, Visit

router = APIRouter()

STATEMENT_DATE = "2026-11-24"
"""When the accessibility statement was made; raise it when the statement is checked again."""


@router.get("/static/{name}")
async def static(name: str, request: Request) -> Response:
    """Return a static file; one that is asked for by its version may be kept for ever."""
    site: Site = request.app.state.site
    if name not in STATIC:
        raise HTTPException(404)
    kept = request.query_params.get("v") == site.version
    caching = "public, max-age=31536000, immutable" if kept else "no-cache"
    return Response(site.static(name), media_type=STATIC[name], headers={"Cache-Control": caching})


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """Lead browsers that ask for the old name to the icon."""
    site: Site = request.app.state.site
    return RedirectResponse(f"/static/icon.svg?v={site.version}", status_code=301)


@router.get("/how")
@router.get("/tietoa")
def how(request: Request) -> Response:
    """Show what the service does and doesn't do."""
    return Visit(request).page("how.html")


@router.get("/accessibility")
@router.get("/saavutettavuus")
@router.get("/tillganglighet")
def accessibility(request: Request) -> Response:
    """Show the accessibility statement."""
    visit = Visit(request)
    feedback = visit.settings.feedback_address
    link = feedback if feedback.startswith(("https://", "http://")) else f"mailto:{feedback}"
    return visit.page(
        "accessibility.html",
        feedback=feedback,
        feedback_link=link,
        date=visit.t.date(STATEMENT_DATE),
    )
