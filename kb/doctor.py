"""Is everything in step? Catalogue against terms, vectors and originals; and the cure."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np

from kb.catalogue import ITEM_KINDS
from kb.errors import StorageError
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

    try:
        sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.DatabaseError:
        sound = False
    if not sound:  # nothing else that is read from it would mean anything
        return [Finding("doctor.damaged", 1)]
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
    note("outbox", sum(kb.embeddings.posted().values()))
    for kind in ITEM_KINDS:
        if kind == "passage" or kb.settings.sentences:
            note(f"{kind}_vectors_waiting", kb.embeddings.pending_count(kind))
        ours = kb.embeddings.item_rows(kind)
        try:
            theirs = kb.vectors.rows(kind)
        except StorageError:
            theirs = np.empty(0, np.int64)
            if not any(finding.key == "doctor.vector_index" for finding in findings):
                note("vector_index", 1)
        note(f"{kind}_vectors_missing", len(np.setdiff1d(ours, theirs)))
        note(f"{kind}_vectors_orphaned", len(np.setdiff1d(theirs, ours)))
    held = {path.name for path in kb.originals.iterdir()} if kb.originals.is_dir() else set()
    note("originals_missing", len(kb.catalogue.digests_of_files() - held))
    note("originals_orphaned", len(held - kb.catalogue.digests()))
    if kb.language_model is not None and (fault := kb.language_model.probe()):
        note(f"llm_{fault}", 1)
    return findings


def repair(kb: KnowledgeBase) -> None:
    """Rebuild what can be derived and is out of step; delete leftovers.

    The caller holds the writer's lock, and embeds afterwards what waits.
    """
    with kb.catalogue.transaction() as connection:
        connection.execute("DELETE FROM term WHERE rowid NOT IN (SELECT row FROM passage)")
    sweep_originals(kb)
    kb.vectors.flush()
    if not _in_step(kb):
        kb.vectors.rebuild()


def _in_step(kb: KnowledgeBase) -> bool:
    """Tell whether the vector index holds what it should, and nothing else."""
    try:
        return all(
            np.array_equal(kb.embeddings.item_rows(kind), kb.vectors.rows(kind))
            for kind in ITEM_KINDS
        )
    except StorageError:
        return False


def sweep_originals(kb: KnowledgeBase) -> None:
    """Delete originals that no document has: of rejected files, of replaced versions, of a crash.

    The caller holds the writer's lock.
    """
    if not kb.originals.is_dir():
        return
    kept = kb.catalogue.digests()
    for path in kb.originals.iterdir():
        if path.name not in kept and path.is_file():
            path.unlink(missing_ok=True)
