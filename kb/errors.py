"""What can go wrong, as one tree.

KnowledgeBaseError
├── SettingsError            a setting is unknown or its value can't be used
├── StorageError             the data folder can't be used
│   ├── DataFolderUnwritable
│   ├── CatalogueBusy        another process holds the lock
│   └── CatalogueTooNew      written by a newer release
├── ReindexNeeded            an index was built with another model, splitter or analyser
├── UnreadableDocument       a file can't be taken in; carries the reason and the cure
├── NotFound                 no such document, passage or job
├── BadQuestion              empty, or too long
├── BadScope                 a filter has a value that can't be understood
├── BadEntry                 a name, note or judgement can't be taken
├── StoreFull                no more answers or feedback are kept
├── BadVocabulary            a vocabulary can't be imported
├── UnverifiableQuote        a quote isn't in its document: the citation is refused
└── ComponentMissing         an optional package or program isn't installed

Every error has a ``code`` that names its text in the message catalogue (``error.<code>``), in
Finnish, Swedish and English; the text says what is wrong and names the cure.
"""

from __future__ import annotations

from kb.messages import message


class KnowledgeBaseError(Exception):
    """Base of all that we raise on purpose.

    ``code`` names the message; keyword arguments fill its placeholders. Instances survive
    pickling, since readers raise them in worker processes.
    """

    default_code = "unexpected"

    def __init__(self, code: str = "", **params: object) -> None:
        self.code = code or self.default_code
        self.params = {name: str(value) for name, value in params.items()}
        super().__init__(self.code, self.params)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.code, self.params)

    def text(self, language: str = "en") -> str:
        """Return the message in a language, with the cure."""
        return message(f"error.{self.code}", language, **self.params)

    def __str__(self) -> str:
        return self.text()


def _rebuild(
    kind: type[KnowledgeBaseError], code: str, params: dict[str, str]
) -> KnowledgeBaseError:
    return kind(code, **params)


class SettingsError(KnowledgeBaseError):
    """A setting is unknown or its value can't be used."""

    default_code = "setting"


class StorageError(KnowledgeBaseError):
    """The data folder can't be used."""

    default_code = "storage"


class DataFolderUnwritable(StorageError):
    """The data folder can't be written to."""

    default_code = "data_folder_unwritable"


class CatalogueBusy(StorageError):
    """Another process holds the catalogue or the writer's lock."""

    default_code = "catalogue_busy"


class CatalogueTooNew(StorageError):
    """The catalogue was written by a newer release."""

    default_code = "catalogue_too_new"


class ReindexNeeded(KnowledgeBaseError):
    """An index was built with another model, splitter or analyser."""

    default_code = "reindex_needed"


class UnreadableDocument(KnowledgeBaseError):
    """A file can't be taken in.

    The codes are ``unreadable_…``; their cure has a message of its own, ``cure.<code>``.
    """

    default_code = "unreadable_unknown"

    def cure(self, language: str = "en") -> str:
        """Return what the user can do about it."""
        return message(f"cure.{self.code}", language, **self.params)


class NotFound(KnowledgeBaseError):
    """No such document, passage or job."""

    default_code = "not_found"


class BadQuestion(KnowledgeBaseError):
    """The question is empty or too long."""

    default_code = "question_empty"


class BadScope(KnowledgeBaseError):
    """A filter has a value that can't be understood."""

    default_code = "scope"


class BadEntry(KnowledgeBaseError):
    """What somebody wrote of an answer (its name, a note, a judgement) can't be taken."""

    default_code = "answer_name"


class StoreFull(KnowledgeBaseError):
    """No more answers or pieces of feedback are kept than the settings allow."""

    default_code = "answers_full"


class BadVocabulary(KnowledgeBaseError):
    """A vocabulary can't be imported; the codes are ``vocabulary_…``."""

    default_code = "vocabulary"


class UnverifiableQuote(KnowledgeBaseError):
    """A quote isn't in its document, so the citation is refused."""

    default_code = "quote"


class ComponentMissing(KnowledgeBaseError):
    """An optional package or program isn't installed."""

    default_code = "component_missing"
