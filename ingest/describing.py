"""From a reading to a document: its identity, its language, and what is said of it where."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from hashlib import sha256
from pathlib import Path

from ingest.reading import Reading
from kb.database import now
from kb.errors import UnreadableDocument
from kb.language import detect
from kb.model import Document, DocumentId, Metadata
from kb.sources import SourceRecord

_LANGUAGE_SAMPLE = 20_000


def document_of(reading: Reading, *, record: SourceRecord, given: Metadata | None) -> Document:
    """Return the document of a reading, with what the manifest says above what the file says.

    Raises UnreadableDocument when there is no text.
    """
    if not reading.text.strip():
        raise UnreadableDocument("unreadable_no_text", name=record.name)
    metadata = merged(reading.metadata, given)
    language = (
        (given.language if given else None)
        or detect(reading.text[:_LANGUAGE_SAMPLE])
        or reading.metadata.language
        or "fi"
    )
    if not metadata.title:
        metadata = replace(metadata, title=Path(record.name).stem)
    identity = sha256(f"{record.digest}\0{reading.text}".encode()).hexdigest()
    return Document(
        id=DocumentId(identity[:16]),
        text=reading.text,
        blocks=reading.blocks,
        page_starts=reading.page_starts,
        metadata=metadata,
        language=language,
        media_type=reading.media_type,
        digest=record.digest,
        source=record.name,
        sources=(record.name,),
        added=now(),
        warnings=reading.warnings,
    )


def merged(read: Metadata, given: Metadata | None) -> Metadata:
    """Return what a file says about itself, overruled by what a manifest says where it does."""
    if given is None:
        return read
    empty = Metadata()
    said = {
        entry.name: getattr(given, entry.name)
        for entry in fields(Metadata)
        if getattr(given, entry.name) != getattr(empty, entry.name)
    }
    return replace(read, **said)


def metadata_json(metadata: Metadata | None) -> str:
    """Return a manifest's metadata as text that is equal when they are."""
    return json.dumps(
        asdict(metadata) if metadata else {}, ensure_ascii=False, sort_keys=True, default=str
    )
