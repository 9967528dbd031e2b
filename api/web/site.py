"""What the pages are made with: templates, static files, and answers that were just given."""

from __future__ import annotations

import hashlib
import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Generic, TypeVar, cast

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from api.web.asked import SAMPLES, Asked, address, without
from api.web.wording import Wording
from kb.catalogue import DocumentRow
from kb.knowledge_base import KnowledgeBase
from kb.messages import taken_apart
from kb.model import LANGUAGES, Answer, Claim, DocumentId, Hit, Kind, Language, Scope
from kb.project_lists import ProjectChoices, ProjectLists
from kb.projects import Projects
from kb.settings import Settings
from kb.themes import themes

COOKIE = "kb_lang"
_YEAR_SECONDS = 365 * 24 * 3600
_KEPT_ANSWERS = 32
_PASSAGES = 8
_NEAR = 6
_PENDING_SECONDS = 3.0
_NO_FAULT = frozenset({"notice.other_language", "notice.newer_version"})
"""Notices that say nothing of a language model."""

_FAILED_SECONDS = 30.0
_LINE_ENDS = re.compile(r"\s*\n\s*")

Value = TypeVar("Value")

STATIC: Mapping[str, str] = {
    "web.css": "text/css; charset=utf-8",
    "projects.css": "text/css; charset=utf-8",
    "web.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and the passages nearest to its question."""

    answer: Answer
    nearest: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Facets:
    """What filters can choose from, and how much there is."""

    documents: int
    samples: int
    languages: tuple[str, ...]
    kinds: tuple[str, ...]
    cities: tuple[str, ...]
    themes: tuple[str, ...]
    collections: tuple[str, ...]
    years: tuple[int, int] | None


class Site:
    """The web box of one application. Safe between threads."""

    def __init__(self) -> None:
        folder = Path(str(files("api.web")))
        self._static = {name: (folder / "static" / name).read_bytes() for name in STATIC}
        self.version = hashlib.sha256(b"".join(self._static.values())).hexdigest()[:12]
        # Everything is escaped, also in templates without a suffix: documents aren't trusted.
        self._templates = Environment(
            loader=FileSystemLoader(folder / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["lines"] = _lines
        self._pending: tuple[float, tuple[int, int]] = (-_PENDING_SECONDS, (0, 0))
        self._answers = _Kept[Answered]()
        self._near = _Kept[tuple[Hit, ...]]()
        self._rows: tuple[int, list[DocumentRow]] | None = None
        self._choices: tuple[int, ProjectChoices] | None = None
        self._themes: tuple[int, set[str]] | None = None

    def static(self, name: str) -> bytes:
        """Return a static file; raises KeyError for another name."""
        return self._static[name]

    def render(self, template: str, context: Mapping[str, object]) -> str:
        """Fill a template."""
        return self._templates.get_template(template).render(context)

    def rows(self, kb: KnowledgeBase) -> list[DocumentRow]:
        """Return every document that may be seen, kept until something changes."""
        generation = kb.catalogue.generation
        kept = self._rows
        if kept is None or kept[0] != generation:
            kept = (generation, kb.documents())
            self._rows = kept
        return kept[1]

    def passage_themes(self, kb: KnowledgeBase) -> set[str]:
        """Return the themes of the passages that may be seen, kept until something changes."""
        generation = kb.catalogue.generation
        kept = self._themes
        if kept is None or kept[0] != generation:
            kept = (generation, kb.catalogue.passage_themes(kb.settings.visible))
            self._themes = kept
        return kept[1]

    def project_choices(self, projects: Projects) -> ProjectChoices:
        """Return what lists of projects can be limited to, kept until a project changes."""
        generation = projects.generation
        kept = self._choices
        if kept is None or kept[0] != generation:
            kept = (generation, ProjectLists(projects).choices())
            self._choices = kept
        return kept[1]

    def pending(self, kb: KnowledgeBase) -> tuple[int, int]:
        """Return how many passages and sentences wait to be embedded, as of a moment ago.

        Counting them takes longer the more there are, and every ask page tells it.
        """
        at, counted = self._pending
        if time.monotonic() - at >= _PENDING_SECONDS:
            sentences = kb.embeddings.pending_count("sentence") if kb.settings.sentences else 0
            counted = (kb.embeddings.pending_count("passage"), sentences)
            self._pending = (time.monotonic(), counted)
        return counted

    def answer(self, kb: KnowledgeBase, asked: Asked, *, model: bool = True) -> Answered:
        """Answer a question, or give the answer again that was given a moment ago.

        The viewer asks again for every citation that is opened, and doesn't want a language
        model to write anew for that. The answer carries its explanation. Raises BadQuestion,
        BadScope.
        """
        scope = asked.scope()
        key = (asked.question, scope, kb.catalogue.generation)

        def ask() -> Answered:
            answer = kb.ask(asked.question, scope=scope, explain=True, model=model)
            return Answered(answer, kb.search(asked.question, scope=scope, k=_PASSAGES).hits)

        if not model and kb.language_model is not None:
            return self._answers.kept(key) or ask()
        return self._answers.get(key, ask, seconds=_seconds_kept)

    def answering(self, kb: KnowledgeBase, asked: Asked) -> Iterator[Claim | Answered]:
        """Yield the claims of an answer as they come, and the answer, which is kept.

        Raises BadQuestion, BadScope, before the first.
        """
        scope = asked.scope()
        key = (asked.question, scope, kb.catalogue.generation)
        kept = self._answers.kept(key)
        if kept is not None:
            return iter([*kept.answer.claims, kept])
        steps = kb.answering(asked.question, scope=scope, explain=True)

        def told() -> Iterator[Claim | Answered]:
            for step in steps:
                if isinstance(step, Claim):
                    yield step
                elif isinstance(step, Answer):
                    hits = kb.search(asked.question, scope=scope, k=_PASSAGES).hits
                    given = Answered(step, hits)
                    self._answers.keep(key, given, seconds=_seconds_kept(given))
                    yield given

        return told()

    def near(self, kb: KnowledgeBase, question: str, *, document_id: DocumentId) -> tuple[Hit, ...]:
        """Return the passages of one document that are nearest to a question, kept as answers are.

        Raises BadQuestion.
        """
        scope = Scope(documents=frozenset({document_id}))
        return self._near.get(
            (question, scope, kb.catalogue.generation),
            lambda: kb.search(question, scope=scope, k=_NEAR).hits,
        )


def _seconds_kept(given: Answered) -> float:
    """Return how long an answer is kept: not long where a language model failed."""
    failed = any(taken_apart(notice)[0] not in _NO_FAULT for notice in given.answer.notices)
    return _FAILED_SECONDS if failed else math.inf


def _lines(text: str) -> Markup:
    """Return a text for HTML with its line ends kept, several of them as one."""
    return Markup("<br>").join(escape(part) for part in _LINE_ENDS.split(text))


class _Kept(Generic[Value]):
    """The values that were asked for last. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: OrderedDict[tuple[str, Scope, int], tuple[Value, float]] = OrderedDict()

    def kept(self, key: tuple[str, Scope, int]) -> Value | None:
        """Return the value of a key, None where it isn't kept."""
        with self._lock:
            if key not in self._values or self._values[key][1] < time.monotonic():
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def get(
        self,
        key: tuple[str, Scope, int],
        make: Callable[[], Value],
        *,
        seconds: Callable[[Value], float] = lambda _: math.inf,
    ) -> Value:
        """Return the value of a key, making it where it isn't kept; ``seconds``: how long it is."""
        kept = self.kept(key)
        if kept is not None:
            return kept
        value = make()
        self.keep(key, value, seconds=seconds(value))
        return value

    def keep(self, key: tuple[str, Scope, int], value: Value, *, seconds: float) -> None:
        """Keep a value so long, unless others push it out."""
        with self._lock:
            self._values[key] = (value, time.monotonic() + seconds)
            while len(self._values) > _KEPT_ANSWERS:
                self._values.popitem(last=False)


def facets(rows: list[DocumentRow]) -> Facets:
    """Return what the documents' filters can choose from, in the order they are shown in."""
    metas = [row.metadata for row in rows]
    years = [int(m.date[:4]) for m in metas if m.date and m.date[:4].isdigit()]
    used = {theme for meta in metas for theme in meta.themes}
    return Facets(
        documents=len(rows),
        samples=sum(meta.sample for meta in metas),
        languages=tuple(code for code in LANGUAGES if any(row.language == code for row in rows)),
        kinds=tuple(str(kind) for kind in Kind if any(meta.kind == kind for meta in metas)),
        cities=tuple(sorted({meta.city for meta in metas if meta.city}, key=str.casefold)),
        themes=tuple(theme.id for theme in themes() if theme.id in used),
        collections=tuple(
            sorted({meta.collection for meta in metas if meta.collection}, key=str.casefold)
        ),
        years=(min(years), max(years)) if years else None,
    )


class Visit:
    """One request: its knowledge base, its language, and how its page is made."""

    def __init__(self, request: Request) -> None:
        self.request = request
        app = cast(FastAPI, request.app)
        self.site = cast(Site, app.state.site)
        self.settings = cast(Settings, app.state.settings)
        given = request.query_params.get("lang", "")
        self._chosen = _language(given)
        self.language: Language = (
            self._chosen or _language(request.cookies.get(COOKIE, "")) or self.settings.language
        )
        self.t = Wording(self.language)

    @property
    def kb(self) -> KnowledgeBase:
        """The knowledge base."""
        return cast(KnowledgeBase, self.request.app.state.kb)

    @cached_property
    def rows(self) -> list[DocumentRow]:
        """Every document that may be seen."""
        return self.site.rows(self.kb)

    @cached_property
    def facets(self) -> Facets:
        """What there is to choose from."""
        return facets(self.rows)

    @cached_property
    def asking_facets(self) -> Facets:
        """What a question can be limited to: the themes of passages too."""
        known = self.site.passage_themes(self.kb).union(self.facets.themes)
        ordered = tuple(theme.id for theme in themes() if theme.id in known)
        return replace(self.facets, themes=ordered)

    def number(self, number: int) -> str:
        """Return a whole number with its thousands apart, as the page's language writes it."""
        return f"{number:,}".replace(",", "," if self.language == "en" else "\u00a0")

    def href(self, path: str, *pairs: tuple[str, object], fragment: str = "") -> str:
        """Return an address of ours; a language that this address names goes along."""
        language = [("lang", self._chosen)] if self._chosen else []
        return address(path, [*pairs, *language], fragment=fragment)

    def limits(self, path: str, asked: Asked, *more: tuple[str, object]) -> list[tuple[str, str]]:
        """Return each filter that is set, in words, with the address of the page without it."""
        t = self.t
        found = [
            (self._told(name, value), without(asked, name, value)) for name, value in asked.filters
        ]
        if asked.first_year or asked.last_year:
            years = f"{asked.first_year}–{asked.last_year}"
            found.append((years, without(asked, "year", "")))
        if asked.samples in SAMPLES:
            label = f"{t('filter_samples')}: {t(f'samples_{asked.samples}')}"
            found.append((label, without(asked, "samples", "")))
        return [(label, self.href(path, *more, *left.pairs())) for label, left in found]

    def _told(self, name: str, value: str) -> str:
        """Return a filter's value in words; one that means nothing is told as it is."""
        if name == "language" and _language(value):
            return self.t.language_name(value)
        if name == "kind" and value in list(Kind):
            return self.t.kind(value)
        if name == "theme":
            return self.t.theme(value)
        if name == "document":
            return next((row.metadata.title for row in self.rows if row.id == value), value)
        return value

    def in_language(self, language: Language) -> str:
        """Return the address of this page in another language."""
        params = [(k, v) for k, v in self.request.query_params.multi_items() if k != "lang"]
        # What is posted can't be asked for again; the form of related projects can.
        path = self.request.url.path
        if self.request.method != "GET" and path != "/related":
            path = "/"
        return address(path, [*params, ("lang", language)])

    def page(self, template: str, status: int = 200, /, **context: object) -> Response:
        """Return a page in the visit's language."""
        html = self.fragment(template, **context)
        response = HTMLResponse(html, status_code=status)
        response.headers["Content-Language"] = self.language
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Vary"] = "Cookie"
        # With "no-referrer" browsers send "Origin: null" along with our own forms, which the
        # check for foreign origins then refuses.
        response.headers["Referrer-Policy"] = "same-origin"
        if self._chosen:
            response.set_cookie(
                COOKIE,
                self._chosen,
                max_age=_YEAR_SECONDS,
                path="/",
                samesite="lax",
                httponly=True,
            )
        return response

    def fragment(self, template: str, **context: object) -> str:
        """Return a template filled for this visit."""
        return self.site.render(
            template,
            {
                "t": self.t,
                "lang": self.language,
                "chosen": self._chosen or "",
                "href": self.href,
                "languages": [(code, self.in_language(code)) for code in LANGUAGES],
                "version": self.site.version,
                "path": self.request.url.path,
                "language_form": "",
                "model_set": bool(self.settings.llm_provider),
                "model_elsewhere": self.settings.llm_elsewhere,
                **context,
            },
        )


def _language(value: str) -> Language | None:
    return next((code for code in LANGUAGES if code == value), None)
