"""Which column of a registry's table holds what: proposed, or as somebody says."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from ingest.registry_values import Value, foreign, nested, parse_amount, parse_period, shown
from kb.errors import KnowledgeBaseError

_SEVERAL = {"title", "description", "results", "keywords", "objective", "lead", "partners"}
"""Fields that may come from several columns."""

_SUMS = ("cost", "contribution", "partner_budget")

_CAMEL = re.compile(r"(?<=[a-zäöå])(?=[A-ZÄÖÅ])")


class RegistryError(KnowledgeBaseError):
    """A table of projects can't be imported."""

    default_code = "projects_table"


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Which columns hold each field, the best first, and how sure each proposal is (0–1)."""

    columns: Mapping[str, tuple[str, ...]]
    certainty: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return it as it is shown, kept, and given with ``--map``."""
        return {name: list(columns) for name, columns in self.columns.items()}


@cache
def known_headers() -> dict[str, tuple[str, ...]]:
    """Return the names that each field is known by, normalised, the best first."""
    table = tomllib.loads((files("ingest") / "registry_headers.toml").read_text(encoding="utf-8"))
    return {name: tuple(names) for name, names in table.items()}


FIELDS = (
    "registry_id", "title", "acronym", "description", "results", "keywords", "programme", "call",
    "objective", "status", "start", "end", "period", "cost", "contribution", "city", "region",
    "country", "url", "themes", "lead", "partners", "partner_name", "partner_role",
    "partner_kind", "partner_budget",
)  # fmt: skip
PARTNER_FIELDS = ("partner_name", "partner_role", "partner_kind", "partner_budget")


def normal(header: str) -> str:
    """Return a header as it is compared: ``ecMaxContribution`` is ``ec max contribution``."""
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFKC", header))
    spaced = re.sub(r"\s*\((?:eur|€|\d+)\)\s*$|\s*[,/]?\s*€\s*$", "", spaced, flags=re.IGNORECASE)
    return " ".join(re.sub(r"[\W_]+", " ", spaced.casefold()).split())


def propose(columns: Sequence[str], sample: Sequence[Mapping[str, Value]]) -> ColumnMap:
    """Propose which columns hold what, by their headers and by what stands in them."""
    chosen: dict[str, list[tuple[float, str]]] = {}
    taken: set[str] = set()
    scored = sorted(
        (
            (fit(name, column), -place, name, column)
            for name in FIELDS
            for place, column in enumerate(columns)
        ),
        key=lambda entry: (-entry[0], -entry[1], FIELDS.index(entry[2])),
    )
    contents = {column: _Content.of(column, sample) for column in columns}
    for score, _, name, column in scored:
        if score < 0.6 or column in taken or not contents[column].suits(name):
            continue
        if name in _SUMS and foreign(column):
            continue
        about_partner = name in PARTNER_FIELDS and name != "partner_name"
        if about_partner and "partner_name" not in chosen:
            continue  # a type or a role alone says nothing of a partner
        if name in chosen and name not in _SEVERAL:
            continue
        chosen.setdefault(name, []).append((score, column))
        taken.add(column)
    _from_contents(columns, contents, chosen, taken)
    return ColumnMap(
        {name: tuple(column for _, column in chosen[name]) for name in FIELDS if name in chosen},
        {name: round(max(score for score, _ in chosen[name]), 2) for name in chosen},
    )


def fit(name: str, column: str) -> float:
    """Return how well a header names a field: 1 for its best name, less for others."""
    header = normal(re.sub(r" \(\d+\)$", "", column))
    if name == "partners":
        header = re.sub(r" \d{1,2}$", "", header)  # a column for each: partner 1, partner 2
    last = header if "." not in column else normal(column.rsplit(".", 1)[1])
    names = known_headers()[name]
    for written, share in ((header, 1.0), (last, 0.9)):
        if written in names:
            return share * (1.0 - 0.2 * names.index(written) / len(names))
    words = set(header.split())
    near = [set(known.split()) for known in names if len(known.split()) > 1]
    if any(known < words and len(words) - len(known) <= 2 for known in near):
        return 0.65
    return 0.0


@dataclass(frozen=True, slots=True)
class _Content:
    """What stands in a column: shares of its filled cells (0–1), and lengths."""

    filled: int
    dates: float
    amounts: float
    links: float
    nested: bool
    length: float
    distinct: float

    @classmethod
    def of(cls, column: str, sample: Sequence[Mapping[str, Value]]) -> _Content:
        cells = [row[column] for row in sample if shown(row.get(column)) != ""]
        count = max(1, len(cells))
        texts = [shown(cell) for cell in cells]
        return cls(
            filled=len(cells),
            dates=sum(any(parse_period(cell)) for cell in cells) / count,
            amounts=sum(parse_amount(cell) is not None for cell in cells) / count,
            links=sum(text.startswith(("http", "www.")) for text in texts) / count,
            nested=any(nested(cell) is not None for cell in cells[:20]),
            length=sum(map(len, texts)) / count,
            distinct=len(set(texts)) / count,
        )

    def suits(self, name: str) -> bool:
        """Return whether what stands here can be the field; an empty column can be any."""
        if not self.filled:
            return name not in ("title",)
        if name in ("start", "end", "period"):
            return self.dates >= 0.3
        if name in _SUMS:
            return self.amounts >= 0.3 and not self.nested
        if name == "url":
            return self.links >= 0.5
        if name == "partners":
            return self.nested or self.length > 3
        if name in ("title", "acronym", "status", "country", "registry_id"):
            return not self.nested and self.length < 400
        return not self.nested


def _from_contents(
    columns: Sequence[str],
    contents: Mapping[str, _Content],
    chosen: dict[str, list[tuple[float, str]]],
    taken: set[str],
) -> None:
    """Fill fields that no header names from what stands in the columns that are left."""
    left = [c for c in columns if c not in taken and contents[c].filled]

    def take(name: str, column: str) -> None:
        chosen[name] = [(0.4, column)]
        taken.add(column)
        left.remove(column)

    if "start" not in chosen and "period" not in chosen:
        dated = [c for c in left if contents[c].dates >= 0.9 and contents[c].amounts < 0.9]
        for name, column in zip(("start", "end"), dated[:2], strict=False):
            if name not in chosen:
                take(name, column)
    if "url" not in chosen:
        for column in [c for c in left if contents[c].links >= 0.9][:1]:
            take("url", column)
    plain = [c for c in left if not contents[c].nested and contents[c].links < 0.5]
    if "title" not in chosen:
        titles = [
            c
            for c in plain
            if 12 <= contents[c].length <= 200
            and contents[c].distinct >= 0.9
            and contents[c].amounts < 0.1
            and contents[c].dates < 0.1
        ]
        if titles and contents[titles[0]].filled >= 2:
            take("title", titles[0])
            plain.remove(titles[0])
    if "description" not in chosen:
        long = [c for c in plain if contents[c].length >= 200]
        if long:
            take("description", max(long, key=lambda c: contents[c].length))
    if "partners" not in chosen:
        for column in [c for c in left if contents[c].nested][:1]:
            take("partners", column)


def headers_digest(columns: Sequence[str]) -> str:
    """Return what tables with the same headers have in common, in whatever order."""
    return sha256("\n".join(sorted(map(normal, columns))).encode()).hexdigest()[:16]


def read_map(path: Path, columns: Sequence[str]) -> ColumnMap:
    """Read a mapping: TOML or JSON, a field's name to a column or a list of columns."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        loaded = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise RegistryError("projects_map", path=path, why=error) from error
    wanted: dict[str, tuple[str, ...]] = {}
    by_name = {column.casefold(): column for column in columns}
    for name, value in loaded.items():
        if name not in FIELDS:
            raise RegistryError("projects_map_field", field=name, possible=", ".join(FIELDS))
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise RegistryError("projects_map", path=path, why=name)
        for column in given:
            if column.casefold() not in by_name:
                raise RegistryError(
                    "projects_map_column", column=column, possible=", ".join(columns[:40])
                )
        wanted[name] = tuple(by_name[column.casefold()] for column in given)
    return ColumnMap(wanted)
