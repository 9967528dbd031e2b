"""A knowledge base of a few texts, and answers cited from it by hand."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest.pipeline import ingest
from kb.knowledge_base import KnowledgeBase
from kb.model import Answer, AnswerStatus, Claim
from tests.conftest import BagOfWords

Open = Callable[..., KnowledgeBase]

WATER = "# Vesihuolto\n\nJäähdytysvesi otetaan merestä. Vesilaatuja on neljä.\n"
QUESTION = "Mistä jäähdytysvesi otetaan?"
QUOTE = "Jäähdytysvesi otetaan merestä."


def write(folder: Path, **texts: str) -> None:
    """Write files of a source folder: ``vesi=…`` is ``vesi.md``."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def take_in(kb: KnowledgeBase, folder: Path) -> None:
    """Ingest a folder, and forget what has gone from it."""
    report = ingest(kb, [folder], prune=True)
    assert not report.rejected


def opened(open_at: Open, tmp_path: Path, **settings: object) -> KnowledgeBase:
    """Open the knowledge base of a test."""
    return open_at(tmp_path / "data", embedder=BagOfWords(), **settings)


def with_water(open_at: Open, tmp_path: Path) -> KnowledgeBase:
    """Open the knowledge base of a test, with ``aineisto/vesi.md`` in it."""
    kb = opened(open_at, tmp_path)
    write(tmp_path / "aineisto", vesi=WATER)
    take_in(kb, tmp_path / "aineisto")
    return kb


def answered(kb: KnowledgeBase, question: str, *quotes: str) -> Answer:
    """Return an answer that cites quotes, wherever they stand."""
    claims = []
    for quote in quotes:
        for row in kb.documents():
            start = kb.document(row.id).text.find(quote)
            if start >= 0:
                citation = kb.cite(row.id, start=start, end=start + len(quote))
                break
        else:
            raise AssertionError(f"nowhere: {quote}")
        claims.append(Claim(text=quote, citations=(citation,), confidence=0.8, language="fi"))
    return Answer(
        question=question,
        language="fi",
        status=AnswerStatus.ANSWERED if claims else AnswerStatus.NO_EVIDENCE,
        claims=tuple(claims),
        reason="" if claims else "reason.detail",
    )


def read_docx(content: bytes) -> Any:
    """Return a DOCX file as python-docx reads it."""
    from docx import Document

    return Document(io.BytesIO(content))
