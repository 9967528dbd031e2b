"""Making every index anew from the catalogue's texts, after a change of model or rules."""

from __future__ import annotations

from collections.abc import Callable

from ingest.indexing import Embedded, Indexer, prepare
from ingest.locking import writer_lock
from ingest.passages import SPLITTER, split
from kb import doctor
from kb.assembly import open_theming
from kb.catalogue import ITEM_KINDS
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary import rebuild_keys


def reindex(kb: KnowledgeBase, *, progress: Callable[[Embedded], None] | None = None) -> int:
    """Split, analyse and embed every document anew; return how many passages there are.

    A document at a time is replaced in one transaction, so searching goes on meanwhile and a
    crash leaves whole documents; run it again to finish. Vectors of texts that stay the same
    are not computed again.
    """
    with writer_lock(kb.settings.data_dir):
        rebuild_keys(kb.catalogue)
        count = 0
        for row in kb.catalogue.documents():
            document = kb.catalogue.document(row.id)
            passages = split(
                document.text, document.blocks, document_id=document.id, language=document.language
            )
            kb.catalogue.replace_passages(
                document.id, [prepare(document, passage) for passage in passages]
            )
            count += len(passages)
        kb.take_index_names(splitter=SPLITTER)
        kb.vectors.rebuild()
        _embed(kb, progress)
    return count


def repair(kb: KnowledgeBase, *, progress: Callable[[Embedded], None] | None = None) -> None:
    """Mend what ``doctor.examine`` finds out of step."""
    with writer_lock(kb.settings.data_dir):
        for document_id in kb.catalogue.documents_without_terms():
            document = kb.catalogue.document(document_id)
            passages = split(
                document.text, document.blocks, document_id=document.id, language=document.language
            )
            kb.catalogue.replace_passages(
                document.id, [prepare(document, passage) for passage in passages]
            )
        doctor.repair(kb)
        _embed(kb, progress)


def _embed(kb: KnowledgeBase, progress: Callable[[Embedded], None] | None) -> None:
    indexer = Indexer(kb, progress=progress)
    for kind in ITEM_KINDS:
        if kind == "passage" or kb.settings.sentences:
            indexer.run(kind)
    theming = open_theming(kb)
    theming.guess_documents()
    theming.guess_projects()
    if kb.catalogue.counts()["passage"]:
        kb.centring.prepare()
