"""What the manifest beside documents says of them: title, date, place, confidentiality, themes."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ingest.limits import MEGABYTE
from ingest.readers.csv import numbered_rows
from ingest.readers.encoding import decode
from ingest.showing import shown
from kb.errors import KnowledgeBaseError, UnreadableDocument
from kb.model import LANGUAGES, Confidentiality, Kind, Language, Metadata
from kb.themes import themes

MANIFESTS = ("manifest.toml", "manifest.csv", "manifest.tsv", "manifest.jsonl")
"""Names of a manifest, in capitals or not; a folder may have several."""

_LARGEST_MANIFEST = 50 * MEGABYTE

# Headings in the three languages; the first is the field's name.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "filename", "path", "tiedosto", "tiedostonimi", "polku", "fil", "filnamn"),
    "title": ("title", "otsikko", "nimi", "nimeke", "rubrik", "titel", "namn"),
    "date": ("date", "päivä", "päivämäärä", "pvm", "ajankohta", "datum"),
    "city": ("city", "kaupunki", "kunta", "paikkakunta", "stad", "ort", "kommun"),
    "organisation": (
        *("organisation", "organization", "organisaatio", "julkaisija", "laatija"),
        *("utgivare",),
    ),
    "kind": ("kind", "type", "laji", "tyyppi", "dokumenttilaji", "typ", "slag", "dokumenttyp"),
    "work_package": ("work package", "työpaketti", "toimenpidekokonaisuus", "arbetspaket"),
    "themes": ("themes", "theme", "teemat", "teema", "teman", "tema"),
    "confidentiality": (
        *("confidentiality", "access", "luottamuksellisuus", "julkisuus", "näkyvyys"),
        *("konfidentialitet", "sekretess", "offentlighet"),
    ),
    "language": ("language", "lang", "kieli", "språk"),
    "collection": ("collection", "kokoelma", "sarja", "samling"),
    "sample": ("sample", "esimerkki", "näyte", "exempel"),
    "url": ("url", "link", "linkki", "osoite", "verkko osoite", "länk", "webbadress"),
    "project": ("project", "hanke", "projekti", "projekt"),
}
_FIELDS = {heading: name for name, headings in _COLUMNS.items() for heading in headings}

_KINDS = {
    **{kind.value: kind for kind in Kind},
    **dict.fromkeys(("raportti", "selvitys", "julkaisu", "rapport", "utredning"), Kind.REPORT),
    **dict.fromkeys(
        (
            *("round table", "round table notes", "notes", "muistio", "muistiinpanot"),
            *("pyöreä pöytä", "pyöreän pöydän muistio", "pyöreän pöydän muistiinpanot"),
            *("pyöreän pöydän keskustelu", "rundabord", "rundabordssamtal"),
            *("rundabordsanteckningar", "anteckningar"),
        ),
        Kind.ROUND_TABLE,
    ),
    **dict.fromkeys(
        ("presentation", "diat", "kalvot", "esitys", "diaesitys", "bilder", "bildspel"),
        Kind.SLIDES,
    ),
    **dict.fromkeys(
        ("web", "webpage", "website", "verkkosivu", "web sivu", "nettisivu", "webbsida"),
        Kind.WEB_PAGE,
    ),
    **dict.fromkeys(("muu", "annat", "övrigt"), Kind.OTHER),
}
_LEVELS = {
    **{level.value: level for level in Confidentiality},
    **dict.fromkeys(("open", "julkinen", "avoin", "offentlig", "öppen"), Confidentiality.PUBLIC),
    **dict.fromkeys(("sisäinen", "intern"), Confidentiality.INTERNAL),
    **dict.fromkeys(
        (
            *("luottamuksellinen", "salainen", "salassa pidettävä", "secret"),
            *("konfidentiell", "hemlig", "sekretessbelagd"),
        ),
        Confidentiality.CONFIDENTIAL,
    ),
}
_SPOKEN: Mapping[str, Language] = {
    "fi": "fi",
    "sv": "sv",
    "en": "en",
    **dict.fromkeys(("suomi", "finska", "finnish", "fin"), "fi"),
    **dict.fromkeys(("ruotsi", "svenska", "swedish", "swe"), "sv"),
    **dict.fromkeys(("englanti", "engelska", "english", "eng"), "en"),
}
_YES = frozenset({"true", "yes", "1", "x", "kyllä", "ja", "on"})
_NO = frozenset({"false", "no", "0", "ei", "nej", "off"})


@dataclass(slots=True)
class Manifest:
    """What a manifest says: metadata by file, and by pattern (``*.pdf``) in the order written."""

    path: Path
    files: dict[str, tuple[int, str, Metadata]] = field(default_factory=dict)
    patterns: list[tuple[str, Metadata]] = field(default_factory=list)

    def of(self, path: Path) -> Metadata | None:
        """Return what is said of a file below the manifest's folder."""
        name = _name_key(shown(path.relative_to(self.path.parent)))
        if name in self.files:
            return self.files[name][2]
        return next((known for pattern, known in self.patterns if _fits(name, pattern)), None)

    def missing(self, folder: Path) -> Iterator[tuple[int, str]]:
        """Yield line and name of the rows whose file isn't there."""
        for line, name, _ in self.files.values():
            if not _exists(folder, name):
                yield line, name


def _fits(name: str, pattern: str) -> bool:
    # A pattern without a folder is for files of every folder below.
    return fnmatchcase(name, pattern) or (
        "/" not in pattern and fnmatchcase(PurePosixPath(name).name, pattern)
    )


def _exists(folder: Path, name: str) -> bool:
    forms = {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}
    if any((folder / form).is_file() for form in forms):
        return True
    # Names are matched without case: the disk may know it by another.
    parent = (folder / name).parent
    try:
        return any(_name_key(one.name) == _name_key(Path(name).name) for one in parent.iterdir())
    except OSError:
        return False


def _name_key(name: str) -> str:
    plain = name.replace("\\", "/").strip()
    while plain.startswith("./"):
        plain = plain[2:]
    return unicodedata.normalize("NFC", plain).casefold()


def read_manifest(path: Path, *, into: Manifest | None = None) -> Manifest:
    """Read a manifest of any of its formats, into that of another file of its folder if given.

    TOML has a table ``[[document]]`` for each file; CSV and TSV have a heading line (any
    delimiter, any encoding); JSONL has an object a line. Headings may be in English, Finnish
    or Swedish. Raises KnowledgeBaseError (``manifest_…``) that names the line;
    ``manifest_foreign`` for a table that was made for something else.
    """
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            raise KnowledgeBaseError("manifest_syntax", path=path, line=1)
        data = path.read_bytes()
    except OSError as error:
        raise KnowledgeBaseError("manifest_unreadable", path=path) from error
    text = decode(data)
    rows = {".toml": _toml_rows, ".jsonl": _jsonl_rows}.get(path.suffix.casefold(), _csv_rows)
    manifest = into or Manifest(path)
    for number, (line, row) in enumerate(rows(text, path)):
        if number == 0 and _foreign(row):
            raise KnowledgeBaseError("manifest_foreign", path=path)
        _take(manifest, line, row, path)
    return manifest


def _foreign(row: Mapping[str, object]) -> bool:
    """Tell whether a table of that name is somebody else's: more of its headings aren't ours.

    One that speaks of confidentiality is always taken for ours, and its mistakes for mistakes.
    """
    known = [_FIELDS.get(_plain(heading)) for heading in row]
    return "confidentiality" not in known and 2 * known.count(None) > len(known)


def _toml_rows(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        table = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = found[1] if found else "1"
        raise KnowledgeBaseError("manifest_syntax", path=path, line=line) from error
    for name, entries in table.items():
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            raise KnowledgeBaseError(
                "manifest_unknown_column",
                path=path,
                line=_line_of(text, rf"^\s*\[?\[?\s*{re.escape(name)}\b", 0),
                column=name,
                possible="[[document]]",
            )
        for number, entry in enumerate(entries):
            yield _line_of(text, rf"^\s*\[\[\s*\"?{re.escape(name)}\"?\s*\]\]", number), entry


def _line_of(text: str, pattern: str, number: int) -> int:
    for at, found in enumerate(re.finditer(pattern, text, re.MULTILINE)):
        if at == number:
            return text.count("\n", 0, found.end()) + 1
    return 1


def _jsonl_rows(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    for line, raw in enumerate(text.splitlines(), 1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise KnowledgeBaseError("manifest_syntax", path=path, line=line) from error
        if not isinstance(row, dict):
            raise KnowledgeBaseError("manifest_syntax", path=path, line=line)
        yield line, row


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    headings: list[str] = []
    try:
        for line, values in numbered_rows(text):
            if not any(value.strip() for value in values):
                continue
            if not headings:
                headings = [value.strip() for value in values]
                continue
            if any(value.strip() for value in values[len(headings) :]):
                raise KnowledgeBaseError("manifest_too_many_values", path=path, line=line)
            row = zip(headings, values, strict=False)
            yield line, {name: value for name, value in row if name or value.strip()}
    except UnreadableDocument as error:
        raise KnowledgeBaseError("manifest_syntax", path=path, line=1) from error


def _take(manifest: Manifest, line: int, row: Mapping[str, object], path: Path) -> None:
    """Add a row of a file; raises KnowledgeBaseError for what it can't mean."""
    values: dict[str, object] = {}
    for heading, value in row.items():
        name = _FIELDS.get(_plain(heading))
        if name is None:
            raise KnowledgeBaseError(
                "manifest_unknown_column",
                path=path,
                line=line,
                column=heading,
                possible=", ".join(_COLUMNS),
            )
        if value not in (None, "", []):
            values[name] = value
    file = values.pop("file", None)
    if not isinstance(file, str) or not file.strip():
        raise KnowledgeBaseError("manifest_no_file", path=path, line=line)
    metadata = _metadata_of(values, path=path, line=line)
    key = _name_key(file)
    if any(mark in file for mark in "*?[") and not (path.parent / file).is_file():
        manifest.patterns.append((key, metadata))
    elif key in manifest.files:
        raise KnowledgeBaseError("manifest_twice", path=path, line=line, file=file)
    else:
        manifest.files[key] = (line, file.replace("\\", "/").strip(), metadata)


def _plain(text: str) -> str:
    return " ".join(
        unicodedata.normalize("NFC", text).casefold().replace("_", " ").replace("-", " ").split()
    )


def _metadata_of(values: Mapping[str, object], *, path: Path, line: int) -> Metadata:
    def refuse(name: str, value: object, possible: Iterable[str]) -> KnowledgeBaseError:
        return KnowledgeBaseError(
            "manifest_bad_value",
            path=path,
            line=line,
            column=name,
            value=value,
            possible=", ".join(possible),
        )

    def text(name: str) -> str | None:
        value = values.get(name)
        if value is None:
            return None
        if isinstance(value, list | dict | bool):
            raise refuse(name, value, ("text",))
        return unicodedata.normalize("NFC", " ".join(str(value).split())) or None

    metadata = Metadata(
        title=text("title") or "",
        city=text("city"),
        organisation=text("organisation"),
        work_package=text("work_package"),
        collection=text("collection"),
        url=text("url"),
        project=text("project"),
    )
    if "date" in values:
        found = _date(values["date"])
        if found is None:
            raise refuse("date", values["date"], ("2024", "2024-05", "2024-05-31", "31.5.2024"))
        metadata = replace(metadata, date=found)
    if "kind" in values:
        kinds = {_plain(name): kind for name, kind in _KINDS.items()}
        kind = kinds.get(_plain(str(values["kind"])))
        if kind is None:
            raise refuse("kind", values["kind"], [one.value for one in Kind])
        metadata = replace(metadata, kind=kind)
    if "confidentiality" in values:
        level = _LEVELS.get(_plain(str(values["confidentiality"])))
        if level is None:
            raise refuse(
                "confidentiality", values["confidentiality"], [one.value for one in Confidentiality]
            )
        metadata = replace(metadata, confidentiality=level)
    if "language" in values:
        language = _SPOKEN.get(_plain(str(values["language"])))
        if language is None:
            raise refuse("language", values["language"], LANGUAGES)
        metadata = replace(metadata, language=language)
    if "sample" in values:
        answer = _plain(str(values["sample"]))
        if answer not in _YES | _NO:
            raise refuse("sample", values["sample"], ("true", "false"))
        metadata = replace(metadata, sample=answer in _YES)
    if "themes" in values:
        known = {
            _plain(name): theme.id
            for theme in themes()
            for name in (theme.id, theme.fi, theme.sv, theme.en)
        }
        raw = values["themes"]
        names = (
            [str(name) for name in raw]
            if isinstance(raw, list)
            else [name for name in re.split(r"[;|]|,(?!\d)", str(raw)) if name.strip()]
        )
        if not isinstance(raw, list) and _plain(str(raw)) in known:
            names = [str(raw)]  # a label may have a comma of its own
        chosen: list[str] = []
        for name in names:
            theme_id = known.get(_plain(name))
            if theme_id is None:
                raise refuse("themes", name.strip(), [theme.id for theme in themes()])
            if theme_id not in chosen:
                chosen.append(theme_id)
        metadata = replace(metadata, themes=tuple(chosen))
    return metadata


_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2})(?:[T ].*)?)?")
_FINNISH_DATE = re.compile(r"(?:(\d{1,2})\.)?(\d{1,2})[./](\d{4})")


def _date(value: object) -> str | None:
    """Return a date as ISO 8601, to the year, month or day; None when it can't be one."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).strip()
    if re.fullmatch(r"(1[6-9]|20|21)\d\d", text):
        return text
    if found := _ISO_DATE.fullmatch(text):
        year, month, day = found.groups()
    elif found := _FINNISH_DATE.fullmatch(text):
        day, month, year = found.groups()
    else:
        return None
    try:
        whole = date(int(year), int(month), int(day or 1)).isoformat()
    except ValueError:
        return None
    return whole if day else whole[:7]
