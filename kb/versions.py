"""Which documents a newer version of the same has replaced, told by their titles."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from kb.catalogue import Catalogue
from kb.model import DocumentId

_NUMBER = r"(\d{1,4}(?:\.\d{1,3})*)(?!\d)"
_MARK = re.compile(
    r"[\s,;:.(\[–—-]*(?<!\w)(?:"
    rf"(?:versio|version|ver|revisio|revision|rev|utgåva)\.?\s*{_NUMBER}"
    rf"|{_NUMBER}\.?\s*(?:versio|version|painos|utgåva|edition)\b"
    # "v. 2024" is the year 2024.
    r"|v\.?\s?(\d{1,2}(?:\.\d{1,3})*)(?!\d)"
    r"|((?:luonnos|utkast|draft)\b)"
    r")[)\]]*",
    re.IGNORECASE,
)
_DRAFT = (0,)
_UNMARKED = (1,)
"""What has no mark is newer than its drafts, and isn't compared with numbered versions."""

Version = tuple[int, ...]


def version_of(title: str) -> tuple[str, Version | None]:
    """Return a title without what it says of its version, folded, and the version.

    None where it says nothing; a draft without a number comes before all numbers.
    """
    version: Version | None = None
    for match in _MARK.finditer(title):
        number = next((one for one in match.groups()[:3] if one), None)
        if number is not None:
            # 2 and 2.0 are one.
            parts = [int(part) for part in number.split(".")]
            while len(parts) > 1 and parts[-1] == 0:
                parts.pop()
            version = tuple(parts)
        elif version is None:
            version = _DRAFT
    stem = _MARK.sub("", title) if version is not None else title
    return " ".join(re.findall(r"\w+", stem.casefold())), version


@dataclass(frozen=True, slots=True)
class Titled:
    """A document as its versions are told: a day is an ISO date, or empty."""

    id: DocumentId
    title: str
    belongs: tuple[str, ...] = ()
    """What versions of one document have in common, such as its language and organisation."""
    day: str = ""


def replaced(documents: Iterable[Titled]) -> dict[DocumentId, Titled]:
    """Return the newest version of each document that has a newer one.

    Two are versions of one only where titles are the same but for their marks, and what they
    belong to is the same. A version with an older date replaces nothing.
    """
    series: dict[tuple[str, tuple[str, ...]], list[tuple[Version | None, Titled]]] = {}
    for one in documents:
        stem, version = version_of(one.title)
        if stem:
            series.setdefault((stem, one.belongs), []).append((version, one))
    found: dict[DocumentId, Titled] = {}
    for members in series.values():
        marked = {version for version, _ in members} - {None}
        if not marked:
            continue
        if marked == {_DRAFT}:
            members = [(version or _UNMARKED, one) for version, one in members]
        known = [(version, one) for version, one in members if version is not None]
        for version, one in known:
            later = [
                (other, newer)
                for other, newer in known
                if other > version and not (one.day and newer.day and newer.day < one.day)
            ]
            if later:
                found[one.id] = max(later, key=lambda pair: (pair[0], pair[1].day, pair[1].id))[1]
    return found


class Versions:
    """The newer versions of documents among those that may be seen. Safe between threads."""

    def __init__(self, catalogue: Catalogue, visible: frozenset[str]) -> None:
        self._catalogue = catalogue
        self._visible = visible
        self._lock = threading.Lock()
        self._generation = -1
        self._replaced: dict[DocumentId, Titled] = {}

    def newer(self, document_id: DocumentId) -> Titled | None:
        """Return the newest version of a document, None where it is that itself."""
        with self._lock:
            generation = self._catalogue.generation
            if generation != self._generation:
                self._replaced = replaced(self._titled())
                self._generation = generation
            return self._replaced.get(document_id)

    def _titled(self) -> Iterable[Titled]:
        for row in self._catalogue.connection.execute(
            "SELECT id, title, language, city, organisation, date, confidentiality FROM document"
        ):
            if row["confidentiality"] in self._visible:
                yield Titled(
                    row["id"],
                    row["title"],
                    (row["language"], row["city"] or "", row["organisation"] or ""),
                    row["date"] or "",
                )
