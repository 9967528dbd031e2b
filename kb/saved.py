"""Saved answers: kept as they were given, each under an id that can't be guessed.

An answer is as confidential as the strictest of its sources, as they were when it was saved and
as they are now; who isn't cleared for one of them doesn't see, find or count it. What has become
of its sources is looked up each time it is opened.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from kb.citing import find_quote
from kb.database import now
from kb.errors import (
    BadEntry,
    BadQuestion,
    BadScope,
    NotFound,
    ReindexNeeded,
    UnverifiableQuote,
)
from kb.exporting import one_line
from kb.given import GivenAnswer, Source, given_from
from kb.keeping import days_ago, see_that_it_fits
from kb.knowledge_base import KnowledgeBase
from kb.model import Citation, Confidentiality, Document, DocumentId, Span
from kb.scoping import scope_of_filters

LONGEST_NAME = 200
_NEAREST = 5
"""Passages looked at for documents that came later and are about the question too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedAnswer:
    """An answer that was saved; its name is its question until it is given another."""

    id: str
    name: str
    saved: str
    given: GivenAnswer


class State(StrEnum):
    """What has become of a source.

    ``moved``: its file has a new version, which still says so; ``gone``: a new version that
    doesn't; ``removed``: neither the document nor a new version is there.
    """

    SAME = "same"
    MOVED = "moved"
    GONE = "gone"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNow:
    """A source and what has become of it; ``there`` is where it stands now, if it does."""

    source: Source
    state: State
    there: Citation | None = None
    document: Document | None = None
    """The new version of a document that was replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What has changed since an answer was saved; ``newer`` are documents that came later."""

    sources: tuple[SourceNow, ...]
    newer: tuple[Document, ...] = ()

    @property
    def changed(self) -> int:
        """How many sources aren't as they were."""
        return sum(one.state is not State.SAME for one in self.sources)


class SavedAnswers:
    """The saved answers of a knowledge base. Safe between threads."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self._kb = kb

    def save(self, given: GivenAnswer, *, name: str = "") -> SavedAnswer:
        """Keep an answer; raises BadEntry, StoreFull."""
        saved = SavedAnswer(
            id=secrets.token_hex(16),
            name=_name(name) if name.strip() else one_line(given.question)[:LONGEST_NAME],
            saved=now(),
            given=given,
        )
        with self._kb.catalogue.transaction() as connection:
            see_that_it_fits(connection, "answer", limit=self._kb.settings.max_answers)
            connection.execute(
                "INSERT INTO answer (id, name, saved, level, given) VALUES (?, ?, ?, ?, ?)",
                (
                    saved.id,
                    saved.name,
                    saved.saved,
                    str(given.level(self._kb.settings)),
                    json.dumps(given.to_json(stored=True), ensure_ascii=False),
                ),
            )
        return saved

    def all(self) -> list[SavedAnswer]:
        """Return every answer that may be seen, the newest first."""
        rows = self._kb.catalogue.connection.execute(
            "SELECT * FROM answer ORDER BY saved DESC, rowid DESC"
        ).fetchall()
        answers = ((row, _saved(row)) for row in rows if self._cleared(row))
        return [saved for _, saved in answers if may_be_seen(self._kb, saved.given)]

    def get(self, answer_id: str) -> SavedAnswer:
        """Return an answer; raises NotFound, also for one that may not be seen."""
        row = self._kb.catalogue.connection.execute(
            "SELECT * FROM answer WHERE id = ?", (answer_id,)
        ).fetchone()
        if row is not None and self._cleared(row):
            saved = _saved(row)
            if may_be_seen(self._kb, saved.given):
                return saved
        raise NotFound(what="answer", id=answer_id)

    def rename(self, answer_id: str, name: str) -> SavedAnswer:
        """Give an answer another name; raises NotFound, BadEntry."""
        self.get(answer_id)
        with self._kb.catalogue.transaction() as connection:
            connection.execute("UPDATE answer SET name = ? WHERE id = ?", (_name(name), answer_id))
        return self.get(answer_id)

    def remove(self, answer_id: str) -> None:
        """Remove an answer; raises NotFound."""
        self.get(answer_id)
        with self._kb.catalogue.transaction() as connection:
            connection.execute("DELETE FROM answer WHERE id = ?", (answer_id,))

    def clear(self, *, days: int) -> int:
        """Remove the answers that were saved at least so many days ago; return how many.

        Only who may see one removes it. Nothing else ever does: an address holds until then.
        """
        until = days_ago(days)
        old = [saved.id for saved in self.all() if saved.saved <= until]
        with self._kb.catalogue.transaction() as connection:
            connection.executemany("DELETE FROM answer WHERE id = ?", [(one,) for one in old])
        return len(old)

    def _cleared(self, row: sqlite3.Row) -> bool:
        return row["level"] in self._kb.settings.visible

    def since(self, saved: SavedAnswer, *, newer: bool = True) -> Since:
        """Return what has become of an answer's sources.

        ``newer`` also looks for documents that were added later and lie near the question,
        which costs a search.
        """
        return Since(
            sources=tuple(self._now(source) for source in saved.given.sources),
            newer=self._newer(saved) if newer else (),
        )

    def _now(self, source: Source) -> SourceNow:
        cited = source.citation
        try:
            document = self._kb.document(cited.document_id)
        except NotFound:
            pass
        else:
            held = document.text[cited.start : cited.end] == cited.quote
            return SourceNow(
                source=source,
                state=State.SAME if held else State.GONE,
                there=cited if held else None,
            )
        for key in source.keys:
            record = self._kb.catalogue.source(key)
            if record is None or record.document_id is None:
                continue
            try:
                document = self._kb.document(record.document_id)
            except NotFound:  # a version that may not be seen isn't hinted at
                continue
            try:
                there = find_quote(document, cited.quote, near=Span(cited.start, cited.end))
            except UnverifiableQuote:
                return SourceNow(source=source, state=State.GONE, document=document)
            return SourceNow(source=source, state=State.MOVED, there=there, document=document)
        return SourceNow(source=source, state=State.REMOVED)

    def _newer(self, saved: SavedAnswer) -> tuple[Document, ...]:
        cited = {source.citation.document_id for source in saved.given.sources}
        replaced = {key for source in saved.given.sources for key in source.keys}
        try:
            hits = self._kb.search(
                saved.given.question, scope=scope_of_filters(saved.given.filters), k=_NEAREST
            ).hits
        except (BadQuestion, BadScope, ReindexNeeded):  # the answer can be read all the same
            return ()
        found: dict[DocumentId, Document] = {}
        for hit in hits:
            document = hit.document
            keys = {record.key for record in self._kb.catalogue.sources_of(document.id)}
            if document.added > saved.saved and document.id not in cited and not keys & replaced:
                found[document.id] = document
        return tuple(found.values())


def may_be_seen(kb: KnowledgeBase, given: GivenAnswer) -> bool:
    """Tell whether every source of an answer that is still there may be seen now."""
    levels: dict[DocumentId, Confidentiality | None] = {}
    for source in given.sources:
        document_id = source.citation.document_id
        if document_id not in levels:
            levels[document_id] = _level(kb, document_id)
    return all(level is None or str(level) in kb.settings.visible for level in levels.values())


def _level(kb: KnowledgeBase, document_id: DocumentId) -> Confidentiality | None:
    row = kb.catalogue.connection.execute(
        "SELECT confidentiality FROM document WHERE id = ?", (document_id,)
    ).fetchone()
    return None if row is None else Confidentiality(row[0])


def _name(name: str) -> str:
    plain = one_line(name)
    if not plain or len(plain) > LONGEST_NAME:
        raise BadEntry("answer_name", limit=LONGEST_NAME)
    return plain


def _saved(row: sqlite3.Row) -> SavedAnswer:
    return SavedAnswer(
        id=row["id"], name=row["name"], saved=row["saved"], given=given_from(row["given"])
    )


def saved_json(saved: SavedAnswer, since: Since | None = None) -> dict[str, object]:
    """Return a saved answer as the API publishes it; with ``since``, what has changed."""
    out: dict[str, object] = {
        "answer_id": saved.id,
        "name": saved.name,
        "saved": saved.saved,
        **saved.given.to_json(),
    }
    if since is not None:
        out["since"] = {
            "changed": since.changed,
            "sources": [
                {
                    "number": one.source.number,
                    "state": str(one.state),
                    "now": None
                    if one.there is None
                    else {
                        "document_id": one.there.document_id,
                        "start": one.there.start,
                        "end": one.there.end,
                        "locator": one.there.locator.to_json(),
                    },
                }
                for one in since.sources
            ],
            "newer": [
                {
                    "document_id": document.id,
                    "title": document.metadata.title,
                    "added": document.added,
                }
                for document in since.newer
            ],
        }
    return out
