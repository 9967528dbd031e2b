"""A vocabulary of concepts with labels in our languages, imported by the user: YSO, for one.

Taken are SKOS as RDF/XML (``.rdf``, ``.xml``), Turtle (``.ttl``) or N-Triples (``.nt``), and
tables (``.tsv``, ``.csv``) whose headings name languages. The labels are kept in the catalogue
and translate question words beside the dictionaries that ship.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kb.analysis.engines import fingerprint
from kb.catalogue import Catalogue
from kb.errors import BadVocabulary
from kb.model import LANGUAGES, Language
from kb.translation.keys import keys
from kb.translation.lexicon import Entry, Pair
from kb.turtle import TurtleError, labelled

_SKOS = "http://www.w3.org/2004/02/skos/core#"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_LABELS = {f"{_SKOS}prefLabel": True, f"{_SKOS}altLabel": False}
_LANGUAGE_NAMES: dict[str, Language] = {
    "fi": "fi",
    "fin": "fi",
    "suomi": "fi",
    "finnish": "fi",
    "finska": "fi",
    "sv": "sv",
    "swe": "sv",
    "ruotsi": "sv",
    "swedish": "sv",
    "svenska": "sv",
    "en": "en",
    "eng": "en",
    "englanti": "en",
    "english": "en",
    "engelska": "en",
}
_BESIDE = re.compile(r"[^\w]+|_")
_QUALIFIER = re.compile(r"\s*\([^()]*\)\s*$")
_LONGEST_LABEL = 100
_LONGEST_CELL = 1_000_000


@dataclass(frozen=True, slots=True)
class Label:
    """What a concept is called; ``concept`` is its identifier in the file."""

    concept: str
    language: Language
    text: str
    preferred: bool


class Vocabulary:
    """The imported vocabulary as a dictionary; empty until something is imported."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def find(self, key: str, pair: Pair) -> list[Entry]:
        """Return an entry for each label of the key, preferred translations first."""
        found: dict[str, list[str]] = {}
        for headword, translation, _ in self._catalogue.connection.execute(
            "SELECT ours.label, theirs.label, max(theirs.preferred) AS preferred "
            "FROM vocabulary_label AS ours JOIN vocabulary_label AS theirs "
            "ON theirs.concept = ours.concept AND theirs.language = ? "
            "WHERE ours.key = ? AND ours.language = ? GROUP BY ours.label, theirs.label "
            "ORDER BY ours.label, preferred DESC, theirs.label",
            (pair[1], key, pair[0]),
        ).fetchall():
            found.setdefault(headword, []).append(translation)
        return [Entry(headword, tuple(texts)) for headword, texts in found.items()]


def import_vocabulary(catalogue: Catalogue, path: Path) -> int:
    """Put a vocabulary in place of the one imported before; return how many concepts it has.

    Counted and kept are concepts with labels in at least two of our languages. Raises
    BadVocabulary, with what was imported before still in place.
    """
    concepts: dict[str, dict[tuple[Language, str], bool]] = defaultdict(dict)
    for label in read_labels(path):
        text = cleaned(label.text)
        if text:
            place = (label.language, text)
            known = concepts[label.concept]
            known[place] = known.get(place, False) or label.preferred
    kept = [labels for labels in concepts.values() if len({language for language, _ in labels}) > 1]
    if not kept:
        raise BadVocabulary("vocabulary_empty", path=path)
    _store(
        catalogue,
        (
            (number, language, text, preferred)
            for number, labels in enumerate(kept)
            for (language, text), preferred in labels.items()
        ),
    )
    return len(kept)


def rebuild_keys(catalogue: Catalogue) -> None:
    """Key the labels anew where the analysers have changed since the import."""
    stored = catalogue.get_meta("vocabulary:keys")
    if stored is None or stored.decode() == fingerprint():
        return
    rows = catalogue.connection.execute(
        "SELECT DISTINCT concept, language, label, preferred FROM vocabulary_label"
    ).fetchall()
    _store(catalogue, ((row[0], row[1], row[2], bool(row[3])) for row in rows))


def _store(catalogue: Catalogue, labels: Iterable[tuple[int, Language, str, bool]]) -> None:
    # Analysed before the transaction, which would lock others out meanwhile.
    rows = [
        (key, language, concept, text, int(preferred))
        for concept, language, text, preferred in labels
        for key in dict.fromkeys(keys(text, language))
    ]
    with catalogue.transaction() as connection:
        connection.execute("DELETE FROM vocabulary_label")
        connection.executemany("INSERT INTO vocabulary_label VALUES (?, ?, ?, ?, ?)", rows)
        catalogue.set_meta("vocabulary:keys", fingerprint().encode())
        catalogue.raise_generation()


def cleaned(text: str) -> str:
    """Return a label without its qualifier, "kuusi (puu)"; empty when it isn't worth keeping."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    text = _QUALIFIER.sub("", text) or text
    usable = len(text) <= _LONGEST_LABEL and any(letter.isalpha() for letter in text)
    return text if usable else ""


def read_labels(path: Path) -> Iterator[Label]:
    """Yield the labels of a file in our languages; raises BadVocabulary with line and cure."""
    readers = {
        ".rdf": _read_xml,
        ".xml": _read_xml,
        ".ttl": _read_turtle,
        ".nt": _read_turtle,
        ".tsv": _read_table,
        ".csv": _read_table,
        ".txt": _read_table,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BadVocabulary("vocabulary_kind", path=path)
    try:
        yield from reader(path)
    except OSError as error:
        raise BadVocabulary("vocabulary_file", path=path, why=error.strerror) from error
    except UnicodeDecodeError as error:
        raise BadVocabulary("vocabulary_encoding", path=path) from error


def _read_xml(path: Path) -> Iterator[Label]:
    from lxml import etree

    # Entities stay unexpanded, nothing is fetched, and libxml2's limits on depth and size hold.
    with path.open("rb") as file:
        events = etree.iterparse(
            file, events=("end",), resolve_entities=False, no_network=True, load_dtd=False
        )
        try:
            for _, element in events:
                name = str(element.tag).replace("{", "").replace("}", "")
                if name in _LABELS:
                    language = _language(element.get("{http://www.w3.org/XML/1998/namespace}lang"))
                    parent = element.getparent()
                    concept = None if parent is None else parent.get(f"{{{_RDF}}}about")
                    if language and concept and element.text:
                        yield Label(concept, language, element.text, _LABELS[name])
                elif element.get(f"{{{_RDF}}}about") is not None:
                    # Read: what stood before it is no longer needed either.
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
        except etree.XMLSyntaxError as error:
            raise BadVocabulary(
                "vocabulary_line", path=path, line=error.lineno, why=error.msg
            ) from error


def _read_turtle(path: Path) -> Iterator[Label]:
    try:
        for literal in labelled(path.read_text(encoding="utf-8-sig"), frozenset(_LABELS)):
            language = _language(literal.language)
            if language:
                yield Label(literal.subject, language, literal.text, _LABELS[literal.predicate])
    except TurtleError as error:
        raise BadVocabulary(
            "vocabulary_line", path=path, line=error.line, why=error.found
        ) from error


def _read_table(path: Path) -> Iterator[Label]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.readline()
        file.seek(0)
        delimiter = max("\t;,", key=head.count)
        csv.field_size_limit(_LONGEST_CELL)
        rows = (
            csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
            if delimiter == "\t"
            else csv.reader(file, delimiter=delimiter, strict=True)
        )
        try:
            columns = [_column_language(cell) for cell in next(rows, [])]
            if len({language for language in columns if language}) < 2:
                raise BadVocabulary("vocabulary_columns", path=path, found=head.strip()[:80])
            for row in rows:
                concept = str(rows.line_num)
                first: set[Language] = set()
                for language, cell in zip(columns, row, strict=False):
                    for text in cell.split("|") if language else ():
                        if language and text.strip():
                            yield Label(concept, language, text, language not in first)
                            first.add(language)
        except csv.Error as error:
            raise BadVocabulary(
                "vocabulary_line", path=path, line=rows.line_num, why=error
            ) from error


def _column_language(heading: str) -> Language | None:
    words = [word for word in _BESIDE.split(heading.casefold()) if word]
    return next((_LANGUAGE_NAMES[word] for word in words if word in _LANGUAGE_NAMES), None)


def _language(tag: str | None) -> Language | None:
    """Return which of our languages a tag is of: en-GB is English."""
    name = (tag or "").lower().split("-")[0]
    return next((language for language in LANGUAGES if language == name), None)
