"""Where the concrete parts are named and put together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from kb.answering.aligning import Evidence
from kb.answering.checking import ClaimChecker
from kb.answering.writing import Writer
from kb.catalogue import Catalogue
from kb.centring import Centring
from kb.classifying import ThemeClassifier
from kb.embeddings import Embeddings
from kb.knowledge_base import KnowledgeBase
from kb.lexical import LexicalIndex, Word
from kb.model import LANGUAGES, Language
from kb.projects import Projects
from kb.protocols import AnswerReader, Embedder, Reranker
from kb.relating import Relator
from kb.retrieval import Retriever, question_words
from kb.settings import Settings
from kb.theming import Theming
from kb.translation import Lexicon, Translator
from kb.vectors import VectorIndex
from kb.vocabulary import Vocabulary

_Opened = TypeVar("_Opened")


class Lazy(Generic[_Opened]):
    """Opens something at first use, once, whoever comes first."""

    def __init__(self, open_it: Callable[[], _Opened]) -> None:
        self._open = open_it
        self._lock = threading.Lock()
        self._opened: _Opened | None = None

    def __call__(self) -> _Opened:
        """Return it; the first call opens it."""
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened


def _embedder(settings: Settings) -> Embedder:
    from kb.embedding import open_embedder

    return open_embedder(
        settings.embedding_model,
        cache_folder=settings.data_dir / "models",
        threads=settings.threads or None,
    )


def _reranker(settings: Settings) -> Reranker:
    from kb.embedding import open_reranker

    return open_reranker(settings.reranker_model, threads=settings.threads or None)


def _reader(settings: Settings) -> AnswerReader:
    from kb.embedding import open_answer_model

    return open_answer_model(threads=settings.threads or None)


def open_knowledge_base(settings: Settings, *, embedder: Embedder | None = None) -> KnowledgeBase:
    """Open the knowledge base of a data folder, creating it where there is none.

    ``embedder`` takes the place of the one that the settings name. Raises StorageError when the
    folder can't be used. No model is loaded until one is needed.
    """
    catalogue = Catalogue(settings.data_dir)
    if embedder is None:
        from kb.embedding import fingerprint_of

        return _assembled(
            settings,
            catalogue=catalogue,
            embedder=Lazy(partial(_embedder, settings)),
            fingerprint=fingerprint_of(
                settings.embedding_model, cache_folder=settings.data_dir / "models"
            ),
        )
    return _assembled(
        settings, catalogue=catalogue, embedder=lambda: embedder, fingerprint=embedder.fingerprint
    )


def open_relator(kb: KnowledgeBase) -> Relator:
    """Return what finds related projects in an open knowledge base; no model is loaded yet."""
    return Relator(
        Projects(kb.catalogue),
        embeddings=kb.embeddings,
        centring=kb.centring,
        embedder=kb.embedder,
        translator=Translator([Vocabulary(kb.catalogue), Lexicon()]),
        guess_themes=_classifier(kb).of_parts,
    )


def open_theming(kb: KnowledgeBase) -> Theming:
    """Return what guesses and keeps themes in an open knowledge base."""
    return Theming(kb.catalogue, embeddings=kb.embeddings, classifier=_classifier(kb))


def _classifier(kb: KnowledgeBase) -> ThemeClassifier:
    return ThemeClassifier(
        centring=kb.centring,
        embedder=kb.embedder,
        cache_folder=kb.settings.data_dir / "models",
    )


def _assembled(
    settings: Settings,
    *,
    catalogue: Catalogue,
    embedder: Callable[[], Embedder],
    fingerprint: str,
) -> KnowledgeBase:
    from kb.embedding import questions_version_of

    embeddings = Embeddings(catalogue, fingerprint=fingerprint)
    vectors = VectorIndex(settings.data_dir / "chroma", catalogue=catalogue, embeddings=embeddings)
    lexical = LexicalIndex(catalogue)
    centring = Centring(
        catalogue,
        embeddings=embeddings,
        embedder=embedder,
        questions=questions_version_of(settings.embedding_model),
        cache_folder=settings.data_dir / "models",
    )
    lexicon = Lexicon()
    translator = Translator([Vocabulary(catalogue), lexicon])
    retriever = Retriever(
        catalogue=catalogue,
        vectors=vectors,
        lexical=lexical,
        centring=centring,
        embeddings=embeddings,
        embedder=embedder,
        sentences=settings.sentences,
        translator=translator,
        reranker=Lazy(partial(_reranker, settings)) if settings.reranker_model else None,
    )
    return KnowledgeBase(
        settings=settings,
        catalogue=catalogue,
        embeddings=embeddings,
        vectors=vectors,
        lexical=lexical,
        centring=centring,
        retriever=retriever,
        embedder=embedder,
        reader=Lazy(partial(_reader, settings)),
        writer=_writer(
            settings,
            centring=centring,
            embedder=embedder,
            translator=translator,
            lexicon=lexicon,
        ),
    )


def open_claim_checker(kb: KnowledgeBase) -> ClaimChecker:
    """Return what checks a language model's claims, whether or not one is set."""
    lexicon = Lexicon()
    translator = Translator([Vocabulary(kb.catalogue), lexicon])
    return _checker(
        centring=kb.centring, embedder=kb.embedder, translator=translator, lexicon=lexicon
    )


def _checker(
    *,
    centring: Centring,
    embedder: Callable[[], Embedder],
    translator: Translator,
    lexicon: Lexicon,
) -> ClaimChecker:
    def words(text: str, language: Language) -> tuple[Word, ...]:
        return question_words(text, (language,), translator=translator, targets=LANGUAGES)

    def similarity(claim: str, language: Language, sources: Sequence[Evidence]) -> float:
        vectors = embedder().embed_passages([claim, *(source.text for source in sources)])
        # Not by the means of what is ingested: what passes may not depend on other documents.
        means = centring.prior_passages()
        spoken = [language, *(source.language for source in sources)]
        centred = vectors - np.stack([means[one] for one in spoken])
        centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
        return float(np.max(centred[1:] @ centred[0], initial=-1.0))

    return ClaimChecker(words=words, similarity=similarity, lexicon=lexicon)


def _writer(
    settings: Settings,
    *,
    centring: Centring,
    embedder: Callable[[], Embedder],
    translator: Translator,
    lexicon: Lexicon,
) -> Writer | None:
    """Return what writes answers with the language model that the settings name, if they do."""
    if not settings.llm_provider:
        return None
    from kb.answering.speaking import LanguageModel

    checker = _checker(centring=centring, embedder=embedder, translator=translator, lexicon=lexicon)
    return Writer(LanguageModel(settings), checker, context=settings.llm_context)
