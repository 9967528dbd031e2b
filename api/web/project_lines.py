"""What several pages of projects share: their filters, and how a project is told in a line."""

from __future__ import annotations

from dataclasses import dataclass, replace

from api.routes.related import ProjectFilters
from api.web.site import Visit
from kb.project import Project
from kb.project_lists import ProjectChoices, ProjectLists
from kb.projects import ProjectFilter, Projects

_LONGEST = 300
_MOST_VALUES = 30
_REPEATED = ("registry", "programme", "theme", "place", "partner")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of projects is limited to, as text; ``filter`` gives it meaning."""

    filters: tuple[tuple[str, str], ...] = ()
    find: str = ""
    first_year: str = ""
    last_year: str = ""

    @classmethod
    def of(cls, pairs: list[tuple[str, str]]) -> Wanted:
        """Read the parameters of an address or the fields of a form."""
        given = dict(reversed(pairs))
        found = [
            (name, value.strip()[:_LONGEST])
            for name, value in dict.fromkeys(pairs)
            if name in _REPEATED and value.strip()
        ]
        return cls(
            filters=tuple(found[:_MOST_VALUES]),
            find=given.get("find", "").strip()[:_LONGEST],
            first_year=given.get("year_from", "").strip()[:20],
            last_year=given.get("year_to", "").strip()[:20],
        )

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of one filter."""
        return tuple(value for key, value in self.filters if key == name)

    @property
    def limits(self) -> int:
        """How many filters are set."""
        return len(self.filters) + bool(self.first_year or self.last_year)

    def filter(self, lists: ProjectLists) -> ProjectFilter:
        """Return the filter; raises BadScope for a value that can't be understood."""
        year = f"{self.first_year or '1000'}-{self.last_year or '9999'}"
        wanted = ProjectFilters(
            registry=list(self.values("registry")),
            programme=list(self.values("programme")),
            theme=list(self.values("theme")),
            place=list(self.values("place")),
            year=year if self.first_year or self.last_year else None,
        ).wanted()
        named = [lists.partners_named(value) for value in self.values("partner")]
        return replace(wanted, partners=frozenset().union(*named), find=self.find)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters of this state's address."""
        years = [("year_from", self.first_year), ("year_to", self.last_year)]
        return [("find", self.find), *self.filters, *years]

    def told(self, visit: Visit, path: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
        """Return each filter that is set, in words, with the address of the page without it."""
        found = [
            (
                visit.t.theme(value) if name == "theme" else value,
                replace(self, filters=tuple(f for f in self.filters if f != (name, value))),
            )
            for name, value in self.filters
        ]
        if self.first_year or self.last_year:
            years = f"{self.first_year}–{self.last_year}"
            found.append((years, replace(self, first_year="", last_year="")))
        return [(label, visit.href(path, *more, *left.pairs())) for label, left in found]


def choices(visit: Visit) -> ProjectChoices:
    """Return what there is to choose from, kept until a project changes."""
    return visit.site.project_choices(Projects(visit.kb.catalogue))


def project_line(visit: Visit, project: Project) -> str:
    """Return what is told of a project below its name."""
    lead = next((p.name for p in project.partners if p.leads), "")
    years = "–".join(dict.fromkeys(str(year) for year in project.years or ()))
    told = [project.acronym, project.programme, years, lead or project.city]
    if project.partners:
        told.append(visit.t.count("projects_partners_count", len(project.partners)))
    return " · ".join(part for part in told if part)


def money(visit: Visit, amount: float | None) -> str:
    """Return a sum in euros as it is written in the language; empty where it isn't known."""
    if amount is None:
        return ""
    written = f"{amount:,.0f}" if amount == round(amount) else f"{amount:,.2f}"
    if visit.language == "en":
        return f"€{written}"
    return written.replace(",", "\u00a0").replace(".", ",") + "\u00a0€"
