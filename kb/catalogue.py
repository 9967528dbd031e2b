"""The catalogue: one SQLite file that is the truth; every index is derived from it.

It holds documents with their normalised text, passages, sentences, terms (FTS5), vectors,
sources, jobs and rejected files. A document goes in with one transaction, together with its
passages and terms, so it is there whole or not at all. Vectors follow batch by batch, keyed by
the digest of what was embedded, so nothing is embedded twice; an outbox table names what the
vector index hasn't been told yet, so a crash between the two is healed by the next flush.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from kb.database import now, put_row
from kb.errors import NotFound
from kb.model import (
    Confidentiality,
    Document,
    DocumentId,
    Kind,
    Language,
    Metadata,
    Passage,
    Span,
    WordBox,
)
from kb.packing import (
    pack_blocks,
    pack_offsets,
    pack_words,
    unpack_blocks,
    unpack_offsets,
    unpack_words,
)
from kb.passages import Passages
from kb.sources import SourceRecord, Sources, source_columns

ItemKind = Literal["passage", "sentence"]
ITEM_KINDS: tuple[ItemKind, ...] = ("passage", "sentence")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassage:
    """A passage on its way in: its terms (space-separated), how many, and what to embed."""

    passage: Passage
    body_terms: str
    context_terms: str
    terms: int
    embedded_text: str
    sentence_texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A document without its text: a row of a list."""

    id: DocumentId
    metadata: Metadata
    language: Language
    media_type: str
    source: str
    sources: int
    pages: int | None
    passages: int
    characters: int
    added: str
    warnings: tuple[str, ...]


def text_digest(text: str) -> bytes:
    """Return the 16-byte digest under which a text's vector is kept."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()


class Catalogue(Sources, Passages):
    """Documents with all that hangs on them. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._document = lru_cache(maxsize=48)(self._load_document)

    def forget_documents(self) -> None:
        """Read documents anew that are kept in memory: something about them was changed."""
        self._document.cache_clear()

    def counts(self) -> dict[str, int]:
        """Return how many documents, passages, sentences, sources and rejected files there are."""
        return {
            table: self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("document", "passage", "sentence", "source", "rejected", "outbox")
        }

    # -- documents in -------------------------------------------------------------------------

    def put_document(
        self,
        document: Document,
        passages: Sequence[NewPassage],
        *,
        words: Sequence[WordBox],
        source: SourceRecord,
    ) -> None:
        """Put a document in with its passages and terms, as one transaction.

        The source's earlier document, if another, is removed when no other source holds it.
        A document that is already there (the same content from another source, or read anew)
        gets the new source, its description, and the strictest confidentiality of all its
        sources; its places and passages change where other ones are given.
        """
        with self.transaction() as connection:
            there = connection.execute(
                "SELECT 1 FROM document WHERE id = ?", (document.id,)
            ).fetchone()
            if there is None:
                self._insert_document(connection, document, words)
                self._insert_passages(connection, passages)
            before = connection.execute(
                "SELECT document_id FROM source WHERE key = ?", (source.key,)
            ).fetchone()
            put_row(
                connection,
                "source",
                key="key",
                values={
                    **source_columns(source),
                    "document_id": document.id,
                    "metadata": source.metadata,
                    "confidentiality": str(document.metadata.confidentiality),
                },
            )
            connection.execute("DELETE FROM rejected WHERE key = ?", (source.key,))
            if there is not None:
                self._set_metadata(connection, document.id, document.metadata)
                if passages:
                    self._read_anew(connection, document, passages, words=words)
            if before is not None and before[0] != document.id:
                self._remove_unsourced(connection, [before[0]])
            self._correct_themes(connection, document.id)
            self._raise_generation(connection)
        self._document.cache_clear()

    def _insert_document(
        self, connection: sqlite3.Connection, document: Document, words: Sequence[WordBox]
    ) -> None:
        put_row(
            connection,
            "document",
            values={
                "id": document.id,
                "digest": document.digest,
                "text": document.text,
                "blocks": pack_blocks(document.blocks),
                "page_starts": pack_offsets(document.page_starts),
                "words": pack_words(words),
                "media_type": document.media_type,
                "language": document.language,
                "added": document.added or now(),
                "warnings": json.dumps(document.warnings),
                **_metadata_columns(document.metadata),
            },
        )
        self._put_themes(connection, document.id, document.metadata)

    def _read_anew(
        self,
        connection: sqlite3.Connection,
        document: Document,
        passages: Sequence[NewPassage],
        *,
        words: Sequence[WordBox],
    ) -> None:
        """Give a document of the same text what another reader or manifest makes of it."""
        connection.execute(
            "UPDATE document SET blocks = ?, page_starts = ?, words = ?, media_type = ?, "
            "language = ?, warnings = ? WHERE id = ?",
            (
                pack_blocks(document.blocks),
                pack_offsets(document.page_starts),
                pack_words(words),
                document.media_type,
                document.language,
                json.dumps(document.warnings),
                document.id,
            ),
        )
        held = connection.execute(
            "SELECT id, language, heading, digest, body, context FROM passage JOIN term "
            "ON term.rowid = passage.row WHERE document_id = ?",
            (document.id,),
        ).fetchall()
        wanted = {
            (
                new.passage.id,
                new.passage.language,
                json.dumps(new.passage.heading, ensure_ascii=False),
                text_digest(new.embedded_text),
                new.body_terms,
                new.context_terms,
            )
            for new in passages
        }
        if {tuple(row) for row in held} != wanted:
            self._remove_passages(connection, document.id)
            self._insert_passages(connection, passages)

    def _put_themes(self, connection: sqlite3.Connection, document_id: str, meta: Metadata) -> None:
        connection.execute("DELETE FROM document_theme WHERE document_id = ?", (document_id,))
        connection.executemany(
            "INSERT OR IGNORE INTO document_theme (document_id, theme) VALUES (?, ?)",
            [(document_id, theme) for theme in meta.themes],
        )
        self._await_themes(connection, document_id)

    @staticmethod
    def _correct_themes(connection: sqlite3.Connection, document_id: str) -> None:
        """Have what was corrected by hand hold, whatever file or manifest say now."""
        corrected = (
            "FROM theme_correction JOIN source ON item = 'source:' || key WHERE document_id = ?1"
        )
        connection.execute(
            "DELETE FROM document_theme WHERE document_id = ?1 AND theme IN "
            f"(SELECT theme {corrected} AND NOT belongs)",
            (document_id,),
        )
        connection.execute(
            "INSERT OR IGNORE INTO document_theme (document_id, theme) "
            f"SELECT document_id, theme {corrected} AND belongs",
            (document_id,),
        )

    @staticmethod
    def _await_themes(connection: sqlite3.Connection, document_id: str) -> None:
        """Have a document's themes guessed, and what was corrected by hand put back."""
        connection.execute("DELETE FROM themed WHERE item = ?", (f"document:{document_id}",))

    def _insert_passages(
        self, connection: sqlite3.Connection, passages: Sequence[NewPassage]
    ) -> None:
        for new in passages:
            passage = new.passage
            row = put_row(
                connection,
                "passage",
                values={
                    "id": passage.id,
                    "document_id": passage.document_id,
                    "start": passage.start,
                    "end": passage.end,
                    "language": passage.language,
                    "heading": json.dumps(passage.heading, ensure_ascii=False),
                    "digest": text_digest(new.embedded_text),
                    "terms": new.terms,
                },
            )
            connection.execute(
                "INSERT INTO term (rowid, body, context) VALUES (?, ?, ?)",
                (row, new.body_terms, new.context_terms),
            )
            connection.executemany(
                "INSERT INTO sentence (passage_row, start, end, digest) VALUES (?, ?, ?, ?)",
                [
                    (row, span.start, span.end, text_digest(text))
                    for span, text in zip(passage.sentences, new.sentence_texts, strict=True)
                ],
            )

    def replace_passages(self, document_id: DocumentId, passages: Sequence[NewPassage]) -> None:
        """Give a document other passages, in one transaction."""
        with self.transaction() as connection:
            self._remove_passages(connection, document_id)
            self._insert_passages(connection, passages)
            self._await_themes(connection, document_id)
            self._raise_generation(connection)

    def _remove_passages(self, connection: sqlite3.Connection, document_id: str) -> None:
        """Remove a document's passages with their terms, and tell the vector index."""
        connection.execute(
            "INSERT INTO outbox (collection, item, action) SELECT 'sentence', sentence.row, "
            "'remove' FROM sentence JOIN passage ON passage.row = passage_row "
            "WHERE document_id = ?",
            (document_id,),
        )
        connection.execute(
            "INSERT INTO outbox (collection, item, action) SELECT 'passage', row, 'remove' "
            "FROM passage WHERE document_id = ?",
            (document_id,),
        )
        connection.execute(
            "DELETE FROM term WHERE rowid IN (SELECT row FROM passage WHERE document_id = ?)",
            (document_id,),
        )
        connection.execute("DELETE FROM passage WHERE document_id = ?", (document_id,))

    def _set_metadata(
        self, connection: sqlite3.Connection, document_id: str, meta: Metadata
    ) -> None:
        levels = [
            Confidentiality(row[0])
            for row in connection.execute(
                "SELECT confidentiality FROM source WHERE document_id = ?", (document_id,)
            )
        ]
        strictest = max(levels, key=lambda level: level.strictness, default=meta.confidentiality)
        columns = _metadata_columns(replace(meta, confidentiality=strictest))
        connection.execute(
            f"UPDATE document SET {', '.join(f'{name} = :{name}' for name in columns)} "
            "WHERE id = :id",
            {**columns, "id": document_id},
        )
        self._put_themes(connection, document_id, meta)

    # -- documents out ------------------------------------------------------------------------

    def remove_documents(self, ids: Iterable[DocumentId]) -> int:
        """Remove documents with all that hangs on them; return how many there were."""
        with self.transaction() as connection:
            removed = 0
            for document_id in ids:
                connection.execute("DELETE FROM source WHERE document_id = ?", (document_id,))
                removed += self._remove_unsourced(connection, [document_id])
            if removed:
                self._raise_generation(connection)
        self._document.cache_clear()
        return removed

    def remove_sources(self, keys: Iterable[str]) -> int:
        """Forget sources; documents that no source holds any more go. Return how many went."""
        with self.transaction() as connection:
            touched: list[str] = []
            for key in keys:
                row = connection.execute(
                    "SELECT document_id FROM source WHERE key = ?", (key,)
                ).fetchone()
                connection.execute("DELETE FROM rejected WHERE key = ?", (key,))
                if row is not None:
                    touched.append(row[0])
                    connection.execute("DELETE FROM source WHERE key = ?", (key,))
            removed = self._remove_unsourced(connection, dict.fromkeys(touched))
            if removed:
                self._raise_generation(connection)
        self._document.cache_clear()
        return removed

    def _remove_unsourced(self, connection: sqlite3.Connection, ids: Iterable[str]) -> int:
        removed = 0
        for document_id in ids:
            held = connection.execute(
                "SELECT 1 FROM source WHERE document_id = ? LIMIT 1", (document_id,)
            ).fetchone()
            if held is not None:
                self._describe_anew(connection, document_id)
                continue
            self._remove_passages(connection, document_id)
            removed += connection.execute(
                "DELETE FROM document WHERE id = ?", (document_id,)
            ).rowcount
        return removed

    def _describe_anew(self, connection: sqlite3.Connection, document_id: str) -> None:
        """Let the sources that are left say what a document is, now that one has gone.

        Who may see it is known at once; for the rest, the next ingestion reads them again.
        """
        levels = [
            Confidentiality(row[0])
            for row in connection.execute(
                "SELECT confidentiality FROM source WHERE document_id = ?", (document_id,)
            )
        ]
        connection.execute(
            "UPDATE document SET confidentiality = ? WHERE id = ?",
            (str(max(levels, key=lambda level: level.strictness)), document_id),
        )
        connection.execute("UPDATE source SET reader = '' WHERE document_id = ?", (document_id,))
        self._raise_generation(connection)

    def document(self, document_id: DocumentId) -> Document:
        """Return a document with its text; raises NotFound."""
        return self._document(document_id, self.generation)

    def document_texts(self, ids: Iterable[DocumentId]) -> dict[DocumentId, str]:
        """Return the texts of those of some documents that are there."""
        wanted = sorted(ids)
        found: dict[DocumentId, str] = {}
        for at in range(0, len(wanted), 500):
            part = wanted[at : at + 500]
            found.update(
                self.connection.execute(
                    f"SELECT id, text FROM document WHERE id IN ({','.join('?' * len(part))})", part
                ).fetchall()
            )
        return found

    def _load_document(self, document_id: DocumentId, generation: int) -> Document:
        del generation  # part of the cache's key alone: metadata can change
        row = self.connection.execute(
            "SELECT * FROM document WHERE id = ?", (document_id,)
        ).fetchone()
        if row is None:
            raise NotFound(what="document", id=document_id)
        sources = tuple(
            source[0]
            for source in self.connection.execute(
                "SELECT name FROM source WHERE document_id = ? ORDER BY key", (document_id,)
            )
        )
        return Document(
            id=DocumentId(row["id"]),
            text=row["text"],
            blocks=unpack_blocks(row["blocks"]),
            page_starts=unpack_offsets(row["page_starts"]),
            metadata=self._metadata(row),
            language=row["language"],
            media_type=row["media_type"],
            digest=row["digest"],
            source=sources[0] if sources else "",
            sources=sources,
            added=row["added"],
            warnings=tuple(json.loads(row["warnings"])),
        )

    def _metadata(self, row: sqlite3.Row) -> Metadata:
        themes = tuple(
            theme[0]
            for theme in self.connection.execute(
                "SELECT theme FROM document_theme WHERE document_id = ? ORDER BY theme",
                (row["id"],),
            )
        )
        return Metadata(
            title=row["title"],
            date=row["date"],
            city=row["city"],
            organisation=row["organisation"],
            kind=Kind(row["kind"]),
            work_package=row["work_package"],
            themes=themes,
            confidentiality=Confidentiality(row["confidentiality"]),
            language=row["language"],
            collection=row["collection"],
            sample=bool(row["sample"]),
            url=row["url"],
            project=row["project"],
        )

    def documents(self) -> list[DocumentRow]:
        """Return every document, by title, without texts."""
        rows = self.connection.execute(
            "SELECT id, title, date, city, organisation, kind, work_package, confidentiality, "
            "language, collection, sample, url, project, media_type, added, warnings, "
            "page_starts, length(text) AS characters, "
            "(SELECT count(*) FROM passage WHERE document_id = document.id) AS passages, "
            "(SELECT count(*) FROM source WHERE document_id = document.id) AS sources, "
            "(SELECT name FROM source WHERE document_id = document.id ORDER BY key LIMIT 1) "
            "AS source FROM document ORDER BY title COLLATE NOCASE, id"
        ).fetchall()
        return [
            DocumentRow(
                id=DocumentId(row["id"]),
                metadata=self._metadata(row),
                language=row["language"],
                media_type=row["media_type"],
                source=row["source"] or "",
                sources=row["sources"],
                pages=len(unpack_offsets(row["page_starts"])) or None,
                passages=row["passages"],
                characters=row["characters"],
                added=row["added"],
                warnings=tuple(json.loads(row["warnings"])),
            )
            for row in rows
        ]

    def word_boxes(self, document_id: DocumentId, span: Span) -> list[WordBox]:
        """Return the boxes of the words that a span touches."""
        row = self.connection.execute(
            "SELECT words FROM document WHERE id = ?", (document_id,)
        ).fetchone()
        if row is None:
            raise NotFound(what="document", id=document_id)
        return unpack_words(row["words"], span)

    def digests(self) -> set[str]:
        """Return the digests of all documents' originals."""
        return {row[0] for row in self.connection.execute("SELECT digest FROM document")}

    def digests_of_files(self) -> set[str]:
        """Return the digests of the originals that must be kept: texts in memory have none."""
        return {
            row[0]
            for row in self.connection.execute(
                "SELECT DISTINCT document.digest FROM document JOIN source "
                "ON source.document_id = document.id WHERE source.root <> 'texts'"
            )
        }

    def documents_without_terms(self) -> list[DocumentId]:
        """Return the documents of which a passage has no terms."""
        return [
            DocumentId(row[0])
            for row in self.connection.execute(
                "SELECT DISTINCT document_id FROM passage WHERE row NOT IN (SELECT rowid FROM term)"
            )
        ]


def embedded_text(text: str, heading: tuple[str, ...]) -> str:
    """Return what is embedded for a passage: the last two headings above it, then its text.

    A heading that opens the passage isn't said twice.
    """
    above = [part for part in heading[-2:] if part and not text.startswith(part)]
    return "\n".join([*above, text])


def _metadata_columns(meta: Metadata) -> dict[str, object]:
    return {
        "title": meta.title,
        "date": meta.date,
        "year": _year(meta.date),
        "city": meta.city,
        "organisation": meta.organisation,
        "kind": str(meta.kind),
        "work_package": meta.work_package,
        "confidentiality": str(meta.confidentiality),
        "collection": meta.collection,
        "sample": int(meta.sample),
        "url": meta.url,
        "project": meta.project,
    }


def _year(date: str | None) -> int | None:
    return int(date[:4]) if date and date[:4].isdigit() else None
