"""Is everything in step? Catalogue against terms, vectors and originals; and the cure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kb.catalogue import ITEM_KINDS
from kb.knowledge_base import KnowledgeBase


@dataclass(frozen=True, slots=True)
class Finding:
    """Something out of step: a message key (``doctor.…``), and how many."""

    key: str
    count: int


def examine(kb: KnowledgeBase) -> list[Finding]:
    """Return what is out of step, an empty list when all is well. Changes nothing."""
    connection = kb.catalogue.connection
    findings: list[Finding] = []

    def note(key: str, count: int) -> None:
        if count:
            findings.append(Finding(f"doctor.{key}", count))

    sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    note("damaged", 0 if sound else 1)
    note(
        "spans",
        connection.execute(
            "SELECT count(*) FROM passage JOIN document ON document.id = document_id "
            "WHERE passage.end > length(text) OR passage.start >= passage.end"
        ).fetchone()[0],
    )
    note(
        "terms_missing",
        connection.execute(
            "SELECT count(*) FROM passage WHERE row NOT IN (SELECT rowid FROM term)"
        ).fetchone()[0],
    )
    note(
        "terms_orphaned",
        connection.execute(
            "SELECT count(*) FROM term WHERE rowid NOT IN (SELECT row FROM passage)"
        ).fetchone()[0],
    )
    for kind in ITEM_KINDS:
        if kind == "passage" or kb.settings.sentences:
            note(f"{kind}_vectors_waiting", kb.embeddings.pending_count(kind))
        ours, theirs = kb.embeddings.item_rows(kind), kb.vectors.rows(kind)
        note(f"{kind}_vectors_missing", len(np.setdiff1d(ours, theirs)))
        note(f"{kind}_vectors_orphaned", len(np.setdiff1d(theirs, ours)))
    held = {path.name for path in kb.originals.iterdir()} if kb.originals.is_dir() else set()
    note("originals_missing", len({d for d in kb.catalogue.digests_of_files() if d not in held}))
    return findings


def repair(kb: KnowledgeBase) -> None:
    """Rebuild what can be derived: terms that are missing, vectors, the vector index.

    The caller holds the writer's lock, and embeds afterwards what waits.
    """
    with kb.catalogue.transaction() as connection:
        connection.execute("DELETE FROM term WHERE rowid NOT IN (SELECT row FROM passage)")
    kb.vectors.rebuild()
