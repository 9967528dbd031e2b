"""Models: texts to vectors, by the bundled one or any by name or folder; pairs that are read."""

from __future__ import annotations

from pathlib import Path

from kb.protocols import AnswerReader, Embedder, Reranker

BUNDLED = "bundled"


def open_embedder(name: str, *, cache_folder: Path, threads: int | None = None) -> Embedder:
    """Return an embedder: ``bundled``, or a sentence-transformers model's name or folder.

    ``threads`` are the processor cores it may use, all by default. Raises ComponentMissing
    when the packages that it needs aren't installed.
    """
    if name == BUNDLED:
        from kb.embedding.bundled import BundledEmbedder

        return BundledEmbedder(cache_folder, threads)
    from kb.embedding.sentence_transformers import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(name, threads=threads)


def open_reranker(name: str, *, threads: int | None = None) -> Reranker:
    """Return a cross-encoder by name or folder, on ``threads`` processor cores.

    Raises ComponentMissing when the packages that it needs aren't installed, SettingsError when
    there is no such model.
    """
    from kb.embedding.cross_encoder import CrossEncoderReranker

    return CrossEncoderReranker(name, threads=threads)


def open_answer_model(*, threads: int | None = None) -> AnswerReader:
    """Return the model that reads question and statement together; nothing is loaded yet."""
    from kb.embedding.answer_model import AnswerModel

    return AnswerModel(threads)


def fingerprint_of(name: str, *, cache_folder: Path) -> str:
    """Return the fingerprint that the embedder of this name has, without loading a model."""
    if name == BUNDLED:
        from kb.embedding.bundled import fingerprint

        return fingerprint(cache_folder)
    from kb.embedding.sentence_transformers import fingerprint as other

    return other(name)


def questions_version_of(name: str) -> str:
    """Return what names how the embedder of this name reads questions, beside its fingerprint.

    The fingerprint is that of passages' vectors, which last; what is made of questions' vectors
    and kept needs both.
    """
    if name == BUNDLED:
        from kb.embedding.bundled import QUESTIONS_VERSION

        return QUESTIONS_VERSION
    return ""
