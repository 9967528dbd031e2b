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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from kb.database import Database, now
from kb.errors import NotFound
from kb.model import (
    LANGUAGES,
    Confidentiality,
    Document,
    DocumentId,
    Kind,
    Language,
    Metadata,
    Passage,
    PassageId,
    Scope,
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
class SourceRecord:
    """Where a document came from and how it looked when it was read.

    ``root`` is the folder or file that was named when it was ingested; ``reader`` is the
    fingerprint of readers and splitter.
    """

    key: str
    root: str
    name: str
    digest: str
    size: int
    mtime_ns: int
    reader: str
    document_id: DocumentId | None = None
    metadata: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRecord:
    """A file that wasn't taken in, and why."""

    source: SourceRecord
    code: str
    params: Mapping[str, str]
    at: str
    ignored: bool = False


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


_KEPT_SCOPES = 8
"""Scopes whose passages each thread keeps: .8 MB each at 100,000 passages."""


class Catalogue(Database):
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
            _put(
                connection,
                "source",
                key="key",
                values={
                    **_source_columns(source),
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
        _put(
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
            row = _put(
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

    def touch_source(self, source: SourceRecord) -> None:
        """Note that a source looks different on disk though its content is the same."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM rejected WHERE key = ?", (source.key,))
            connection.execute(
                "UPDATE source SET size = ?, mtime_ns = ?, root = ? WHERE key = ?",
                (source.size, source.mtime_ns, source.root, source.key),
            )

    def reject(self, source: SourceRecord, *, code: str, params: Mapping[str, str]) -> None:
        """Note that a file can't be taken in; what an earlier version of it brought stays.

        A file that was told to be ignored stays so while its content is the same.
        """
        with self.transaction() as connection:
            connection.execute(
                "UPDATE rejected SET ignored = 0 WHERE key = ? AND (digest <> ? OR digest = '')",
                (source.key, source.digest),
            )
            _put(
                connection,
                "rejected",
                key="key",
                values={
                    **_source_columns(source),
                    "code": code,
                    "params": json.dumps(dict(params), ensure_ascii=False),
                    "at": now(),
                },
            )

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

    def sources(self, root: str | None = None) -> list[SourceRecord]:
        """Return the sources, or those that came in by one root."""
        where, values = ("WHERE root = ?", (root,)) if root is not None else ("", ())
        return [
            _source(row)
            for row in self.connection.execute(f"SELECT * FROM source {where} ORDER BY key", values)
        ]

    def source(self, key: str) -> SourceRecord | None:
        """Return one source."""
        row = self.connection.execute("SELECT * FROM source WHERE key = ?", (key,)).fetchone()
        return None if row is None else _source(row)

    def sources_of(self, document_id: DocumentId) -> list[SourceRecord]:
        """Return the sources that hold a document."""
        return [
            _source(row)
            for row in self.connection.execute(
                "SELECT * FROM source WHERE document_id = ? ORDER BY key", (document_id,)
            )
        ]

    def source_with(self, digest: str, *, reader: str) -> SourceRecord | None:
        """Return a source of this content that was read by these readers."""
        row = self.connection.execute(
            "SELECT * FROM source WHERE digest = ? AND reader = ? ORDER BY key LIMIT 1",
            (digest, reader),
        ).fetchone()
        return None if row is None else _source(row)

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

    def rejected(self) -> list[RejectedRecord]:
        """Return the files that weren't taken in."""
        return [
            _rejected(row)
            for row in self.connection.execute(f"SELECT {_REJECTED} FROM rejected ORDER BY key")
        ]

    def rejection(self, key: str) -> RejectedRecord | None:
        """Return why a file wasn't taken in, None when it wasn't rejected."""
        row = self.connection.execute(
            f"SELECT {_REJECTED} FROM rejected WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else _rejected(row)

    def read_rejected_again(self, keys: Sequence[str] = ()) -> None:
        """See that rejected files, those of the keys or all, are read by the next ingestion.

        Raises NotFound when one of the keys isn't a rejected file's.
        """
        self._change_rejected("reader = '', ignored = 0", keys)

    def ignore_rejected(self, keys: Sequence[str]) -> None:
        """Have the reports say no more of rejected files while they stay as they are.

        Raises NotFound when one of the keys isn't a rejected file's.
        """
        self._change_rejected("ignored = 1", keys)

    def _change_rejected(self, change: str, keys: Sequence[str]) -> None:
        with self.transaction() as connection:
            if not keys:
                connection.execute(f"UPDATE rejected SET {change}")
            for key in keys:
                changed = connection.execute(
                    f"UPDATE rejected SET {change} WHERE key = ?", (key,)
                ).rowcount
                if not changed:
                    raise NotFound("not_rejected", file=key)

    def forget_rejected(self, keys: Iterable[str]) -> None:
        """Drop files from the list of the rejected."""
        with self.transaction() as connection:
            connection.executemany("DELETE FROM rejected WHERE key = ?", [(key,) for key in keys])

    # -- passages and terms -------------------------------------------------------------------

    def passages(self, rows: Sequence[int]) -> dict[int, Passage]:
        """Return passages by their rows; rows that aren't there are left out."""
        found: dict[int, Passage] = {}
        for chunk in chunks(rows, 500):
            marks = ",".join("?" * len(chunk))
            spans: dict[int, list[Span]] = {}
            for row in self.connection.execute(
                f"SELECT passage_row, start, end FROM sentence WHERE passage_row IN ({marks}) "
                "ORDER BY start",
                chunk,
            ):
                spans.setdefault(row[0], []).append(Span(row[1], row[2]))
            for row in self.connection.execute(
                f"SELECT * FROM passage WHERE row IN ({marks})", chunk
            ):
                found[row["row"]] = Passage(
                    id=PassageId(row["id"]),
                    document_id=DocumentId(row["document_id"]),
                    start=row["start"],
                    end=row["end"],
                    language=row["language"],
                    heading=tuple(json.loads(row["heading"])),
                    sentences=tuple(spans.get(row["row"], ())),
                )
        return found

    def texts(self, rows: Sequence[int]) -> dict[int, str]:
        """Return the texts of passages by their rows; rows that aren't there are left out."""
        found: dict[int, str] = {}
        for chunk in chunks(rows, 500):
            found.update(
                (row[0], row[1])
                for row in self.connection.execute(
                    "SELECT passage.row, substr(text, start + 1, end - start) FROM passage "
                    "JOIN document ON document.id = document_id "
                    f"WHERE passage.row IN ({','.join('?' * len(chunk))})",
                    chunk,
                )
            )
        return found

    def passages_known(self, rows: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return those of the rows that are passages here, in the order given."""
        here: set[int] = set()
        for chunk in chunks(rows, 500):
            marks = ",".join("?" * len(chunk))
            here.update(
                row[0]
                for row in self.connection.execute(
                    f"SELECT row FROM passage WHERE row IN ({marks})", chunk
                )
            )
        return np.array([row for row in rows if row in here], dtype=np.int64)

    def passage_rows(self, document_id: DocumentId) -> list[int]:
        """Return the rows of a document's passages, in order."""
        return [
            row[0]
            for row in self.connection.execute(
                "SELECT row FROM passage WHERE document_id = ? ORDER BY start", (document_id,)
            )
        ]

    def passage_table(
        self,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int8]]:
        """Return every passage's row, ascending, length in terms and place in ``LANGUAGES``."""
        rows = self.connection.execute(
            "SELECT row, terms, CASE language "
            + " ".join(f"WHEN '{name}' THEN {at}" for at, name in enumerate(LANGUAGES))
            + " ELSE 0 END FROM passage ORDER BY row"
        ).fetchall()
        table = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 3)
        return table[:, 0].copy(), table[:, 1].astype(np.int32), table[:, 2].astype(np.int8)

    def postings(self, term: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
        """Return where a term occurs: passage rows (repeated by count) and 0 body, 1 context."""
        return occurrences(self.connection, "term_instance", term)

    def themes_of_passages(self, rows: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Return the themes of passages by row, the surest first; those of none are left out."""
        found: dict[int, list[str]] = {}
        marks = ",".join("?" * len(rows))
        for row, theme in self.connection.execute(
            "SELECT passage_row, theme FROM passage_theme "
            f"WHERE passage_row IN ({marks}) ORDER BY score DESC, theme",
            [int(row) for row in rows],
        ):
            found.setdefault(row, []).append(theme)
        return {row: tuple(themes) for row, themes in found.items()}

    def passage_themes(self, confidentiality: Iterable[str]) -> set[str]:
        """Return the themes of the passages of documents of some levels of confidentiality."""
        levels = sorted(confidentiality)
        return {
            row[0]
            for row in self.connection.execute(
                "SELECT DISTINCT theme FROM passage_theme "
                "JOIN passage ON passage.row = passage_row "
                "JOIN document ON document.id = document_id WHERE confidentiality IN "
                f"({','.join('?' * len(levels))})",
                levels,
            )
        }

    def rows_in_scope(self, scope: Scope) -> npt.NDArray[np.int64] | None:
        """Return the passages that a scope allows, ascending; None when it limits nothing.

        A value that matches no document matches no passage: filters fail closed. The array is
        kept, and isn't to be written to, until anything at all changes in the catalogue.
        """
        if scope.unlimited:
            return None
        connection = self.connection
        # What other connections committed, of whatever process, and what this one did: a level
        # of confidentiality that changed is seen by the next question.
        state = (
            connection.execute("PRAGMA data_version").fetchone()[0],
            connection.total_changes,
        )
        kept: tuple[object, dict[Scope, npt.NDArray[np.int64]]] = getattr(
            self._local, "scopes", (None, {})
        )
        if kept[0] != state or len(kept[1]) >= _KEPT_SCOPES:
            kept = (state, {})
            self._local.scopes = kept
        if scope not in kept[1]:
            kept[1][scope] = self._rows_in_scope(scope)
        return kept[1][scope]

    def _rows_in_scope(self, scope: Scope) -> npt.NDArray[np.int64]:
        wheres: list[str] = []
        values: list[object] = []
        for column, wanted in (
            ("passage.language", scope.languages),
            ("kind", scope.kinds),
            ("collection", scope.collections),
            ("confidentiality", scope.confidentiality),
            ("document.id", scope.documents),
        ):
            if wanted:
                wheres.append(f"{column} IN ({','.join('?' * len(wanted))})")
                values += sorted(wanted)
        if scope.cities:
            wheres.append(f"casefold(city) IN ({','.join('?' * len(scope.cities))})")
            values += sorted(city.casefold() for city in scope.cities)
        if scope.themes:
            # A passage is reached by its document's themes and by its own: in a report on
            # water, what one section says of energy.
            marks = ",".join("?" * len(scope.themes))
            wheres.append(
                f"(document.id IN (SELECT document_id FROM document_theme WHERE theme IN ({marks}))"
                " OR EXISTS (SELECT 1 FROM passage_theme WHERE passage_row = passage.row "
                f"AND theme IN ({marks})))"
            )
            values += sorted(scope.themes) * 2
        if scope.years is not None:
            wheres.append("year BETWEEN ? AND ?")
            values += scope.years
        if scope.samples is not None:
            wheres.append("sample = ?")
            values.append(int(scope.samples))
        self.connection.create_function(
            "casefold", 1, lambda value: value.casefold() if value else value, deterministic=True
        )
        found = self.connection.execute(
            "SELECT passage.row FROM passage JOIN document ON document.id = document_id WHERE "
            + " AND ".join(wheres)
            + " ORDER BY passage.row",
            values,
        ).fetchall()
        rows = np.array([row[0] for row in found], dtype=np.int64)
        rows.setflags(write=False)
        return rows


def occurrences(
    connection: sqlite3.Connection, table: str, term: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """Return where a term occurs by an ``fts5vocab`` table: rows, and 0 body or 1 context."""
    row = connection.execute(
        f"SELECT group_concat(doc), group_concat(col = 'context') FROM {table} WHERE term = ?",
        (term,),
    ).fetchone()
    if row is None or row[0] is None:
        return np.empty(0, np.int64), np.empty(0, np.int8)
    # Seven times as quick as splitting the text and reading the parts.
    return (
        np.fromstring(row[0], dtype=np.int64, sep=","),
        np.fromstring(row[1], dtype=np.int8, sep=","),
    )


def embedded_text(text: str, heading: tuple[str, ...]) -> str:
    """Return what is embedded for a passage: the last two headings above it, then its text.

    A heading that opens the passage isn't said twice.
    """
    above = [part for part in heading[-2:] if part and not text.startswith(part)]
    return "\n".join([*above, text])


def chunks(rows: Sequence[int], size: int) -> Iterator[list[int]]:
    """Return the rows in lists of at most ``size``."""
    values = [int(row) for row in rows]
    for at in range(0, len(values), size):
        yield values[at : at + size]


def _put(
    connection: sqlite3.Connection, table: str, *, values: Mapping[str, object], key: str = ""
) -> int:
    """Insert a row, or with ``key`` replace the columns of the row that has it; return its row."""
    names = ", ".join(values)
    statement = f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in values)})"
    if key:
        changed = ", ".join(f"{name} = excluded.{name}" for name in values if name != key)
        statement += f" ON CONFLICT ({key}) DO UPDATE SET {changed}"
    return connection.execute(statement, values).lastrowid or 0


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


def _source_columns(source: SourceRecord) -> dict[str, object]:
    return {
        "key": source.key,
        "root": source.root,
        "name": source.name,
        "digest": source.digest,
        "size": source.size,
        "mtime_ns": source.mtime_ns,
        "reader": source.reader,
    }


def _year(date: str | None) -> int | None:
    return int(date[:4]) if date and date[:4].isdigit() else None


_REJECTED = "*, NULL AS document_id, '{}' AS metadata"


def _rejected(row: sqlite3.Row) -> RejectedRecord:
    return RejectedRecord(
        source=_source(row),
        code=row["code"],
        params=json.loads(row["params"]),
        at=row["at"],
        ignored=bool(row["ignored"]),
    )


def _source(row: sqlite3.Row) -> SourceRecord:
    document_id = row["document_id"]
    return SourceRecord(
        key=row["key"],
        root=row["root"],
        name=row["name"],
        digest=row["digest"],
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        reader=row["reader"],
        document_id=None if document_id is None else DocumentId(document_id),
        metadata=row["metadata"],
    )
