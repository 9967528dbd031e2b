"""A question with its filters as it stands in an address, so that every state can be mailed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from kb.errors import BadScope
from kb.model import Scope
from kb.scoping import scope_from

REPEATED = ("language", "kind", "city", "theme", "collection", "document")
SAMPLES = ("no", "only")

_LONGEST = 300
_LONGEST_BEFORE = 2000
_MOST = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what it is limited to, as text; ``scope`` gives it meaning.

    ``after`` are the questions that it may go on from, oldest first.
    """

    question: str
    filters: tuple[tuple[str, str], ...] = ()
    first_year: str = ""
    last_year: str = ""
    samples: str = ""
    after: tuple[str, ...] = ()

    @classmethod
    def of(cls, params: QueryParams) -> Asked:
        """Read the parameters of an address; ``year`` may be one or ``2019-2024``."""
        filters = tuple(
            (name, value.strip()[:_LONGEST])
            for name in REPEATED
            for value in dict.fromkeys(params.getlist(name)[:_MOST])
            if value.strip()
        )
        first, last = params.get("year_from", "").strip(), params.get("year_to", "").strip()
        year = params.get("year", "").strip()
        if year and not (first or last):
            first, _, last = (part.strip() for part in year.replace("–", "-").partition("-"))
            last = last or first
        samples = params.get("samples", "").strip()
        after = tuple(one.strip()[:_LONGEST_BEFORE] for one in params.getlist("after")[-_MOST:])
        question = params.get("q", "").strip()
        return cls(question, filters, first[:20], last[:20], samples[:20], after)

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of one filter."""
        return tuple(value for key, value in self.filters if key == name)

    @property
    def limits(self) -> int:
        """How many filters are set."""
        return len(self.filters) + bool(self.first_year or self.last_year) + bool(self.samples)

    def scope(self) -> Scope:
        """Return the scope; raises BadScope for a value that can't be understood."""
        given: Mapping[str, list[str]] = {name: list(self.values(name)) for name in REPEATED}
        year = ""
        if self.first_year or self.last_year:
            year = f"{self.first_year or '1000'}-{self.last_year or '9999'}"
        scope = scope_from(**given, year=year)
        if self.samples and self.samples not in SAMPLES:
            raise BadScope(name="samples", value=self.samples, possible=", ".join(SAMPLES))
        wanted = {"no": False, "only": True}.get(self.samples)
        return replace(scope, samples=wanted)

    def pairs(self, *, question: bool = True) -> list[tuple[str, str]]:
        """Return the parameters of this state's address, the question first.

        What was asked before isn't among them: an address stands for itself.
        """
        pairs = [("q", self.question)] if question and self.question else []
        pairs += self.filters
        if self.first_year:
            pairs.append(("year_from", self.first_year))
        if self.last_year:
            pairs.append(("year_to", self.last_year))
        if self.samples:
            pairs.append(("samples", self.samples))
        return pairs


def without(asked: Asked, name: str, value: str) -> Asked:
    """Return a state with one of its filters taken away; ``year`` and ``samples`` are names too."""
    if name == "year":
        return replace(asked, first_year="", last_year="")
    if name == "samples":
        return replace(asked, samples="")
    return replace(asked, filters=tuple(one for one in asked.filters if one != (name, value)))


def address(path: str, pairs: Iterable[tuple[str, object]], *, fragment: str = "") -> str:
    """Return a path with parameters; those that are empty are left out."""
    query = urlencode([(name, str(value)) for name, value in pairs if value not in ("", None)])
    return path + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
