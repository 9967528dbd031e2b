"""A project as a registry tells of it.

Its ``text`` is its title, description and results with blank lines between; what is embedded and
what is quoted are spans of it, as with documents.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import NewType

from kb.language import detect, sentence_spans
from kb.model import Language, Span

ProjectId = NewType("ProjectId", str)

LONGEST_PART = 900
"""Characters of a passage of a project's text at most, unless one sentence alone has more."""

_LEGAL_FORMS = re.compile(
    r"\b(?:oyj?|abp?|ry|rf|ky|kb|tmi|gmbh|a/?s|aps|ltd|plc|llc|inc|s\.?a\.?|s\.?l\.?|srl|spa|bv|nv)\b\.?"
)
_NOT_WORD = re.compile(r"[^\w]+")
_SLUG = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """An organisation that takes part; ``budget`` is in euros."""

    name: str
    leads: bool = False
    kind: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    budget: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project as its registry tells of it.

    ``start`` and ``end`` are ISO 8601, possibly shortened to a year or a year and month;
    ``cost`` and ``contribution`` (the funder's part of it) are in euros. ``call`` is the call
    or topic, ``objective`` the objective of the programme that it serves.
    """

    registry: str
    title: str
    registry_id: str | None = None
    acronym: str | None = None
    description: str = ""
    results: str = ""
    keywords: tuple[str, ...] = ()
    programme: str | None = None
    call: str | None = None
    objective: str | None = None
    status: str | None = None
    start: str | None = None
    end: str | None = None
    cost: float | None = None
    contribution: float | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    url: str | None = None
    language: Language = "en"
    partners: tuple[Partner, ...] = ()
    themes: tuple[str, ...] = ()

    @property
    def id(self) -> ProjectId:
        """What it is known by: the registry and its id there, or a digest of title and start."""
        known = self.registry_id or f"{folded(self.title)}|{self.start or ''}"
        if self.registry_id and not _SLUG.search(known) and len(known) <= 60:
            return ProjectId(f"{self.registry}-{known}")
        digest = blake2b(known.encode("utf-8"), digest_size=6).hexdigest()
        slug = _SLUG.sub("-", known)[:40].strip("-") if self.registry_id else ""
        return ProjectId("-".join(part for part in (self.registry, slug, digest) if part))

    @property
    def text(self) -> str:
        """Title, description and results; spans of it are what is quoted."""
        return "\n\n".join(p for p in (self.title, self.description, self.results) if p)

    @property
    def places(self) -> tuple[str, ...]:
        """Every place that it or a partner names, each once: cities, regions, countries."""
        named = [self.city, self.region, self.country]
        for partner in self.partners:
            named += [partner.city, partner.region, partner.country]
        return tuple(dict.fromkeys(place for place in named if place))

    @property
    def years(self) -> tuple[int, int] | None:
        """The first and the last year, or None where no date is known."""
        known = [int(date[:4]) for date in (self.start, self.end) if date]
        return (min(known), max(known)) if known else None


@lru_cache(maxsize=65_536)
def folded(text: str) -> str:
    """Return a name as it is compared: lower case, without punctuation and double spaces."""
    return " ".join(_NOT_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).split())


@lru_cache(maxsize=65_536)
def folded_partner(name: str) -> str:
    """Return an organisation's name as it is compared: without its legal form too."""
    lower = unicodedata.normalize("NFKC", name).casefold()
    return folded(_LEGAL_FORMS.sub(" ", lower)) or folded(lower)


def passage_spans(text: str, language: Language) -> tuple[list[Span], list[Span]]:
    """Return the passages of a project's text and its sentences, both in order.

    Sentences are packed into as few passages as fit ``LONGEST_PART``.
    """
    sentences = sentence_spans(text, language)
    passages: list[Span] = []
    for sentence in sentences:
        if passages and sentence.end - passages[-1].start <= LONGEST_PART:
            passages[-1] = Span(passages[-1].start, sentence.end)
        else:
            passages.append(sentence)
    return passages, sentences


def merged(first: Project, second: Project) -> Project:
    """Return two rows of one project as one: what the first leaves empty, and all partners."""
    partners = {folded_partner(p.name): p for p in (*second.partners, *first.partners)}
    ordered = dict.fromkeys(folded_partner(p.name) for p in (*first.partners, *second.partners))
    return replace(
        first,
        acronym=first.acronym or second.acronym,
        description=max(first.description, second.description, key=len),
        results=max(first.results, second.results, key=len),
        keywords=tuple(dict.fromkeys((*first.keywords, *second.keywords))),
        programme=first.programme or second.programme,
        call=first.call or second.call,
        objective=first.objective or second.objective,
        status=first.status or second.status,
        start=first.start or second.start,
        end=first.end or second.end,
        cost=first.cost if first.cost is not None else second.cost,
        contribution=first.contribution if first.contribution is not None else second.contribution,
        city=first.city or second.city,
        region=first.region or second.region,
        country=first.country or second.country,
        url=first.url or second.url,
        themes=tuple(dict.fromkeys((*first.themes, *second.themes))),
        partners=tuple(partners[name] for name in ordered),
    )


def project_json(project: Project) -> dict[str, object]:
    """Return a project as it is published."""
    return {
        "project_id": project.id,
        **asdict(project),
        "keywords": list(project.keywords),
        "partners": [asdict(partner) for partner in project.partners],
        "themes": list(project.themes),
        "text": project.text,
    }


def language_of_text(text: str, default: Language = "en") -> Language:
    """Return the language of a project's text, the default where it isn't clear."""
    return detect(text) or default
