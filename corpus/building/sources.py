"""Sources of sample documents: front matter and a small subset of Markdown.

Each source has front matter (`key: value` between two `---`) and a body whose first line says that
the document is a sample. The subset: `#` to `###` headings, paragraphs, `-` and `1.` lists, pipe
tables, `> ` (speaker notes of a slide), `**bold**`, `*italic*`, `[text](address)` and `[^1]`
footnotes.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
SOURCES = HERE / "sources"
DOCUMENTS = HERE / "documents"
FONTS = Path("/usr/share/fonts/truetype/liberation")
WORK_PACKAGE = "Teolliset palvelukonseptit"
MANIFEST_COLUMNS = (
    "file",
    "title",
    "date",
    "city",
    "organisation",
    "kind",
    "work_package",
    "themes",
    "confidentiality",
    "language",
    "collection",
)
LOCALES = {"fi": "fi-FI", "sv": "sv-FI", "en": "en-GB"}
CONTENTS = {"fi": "Sisällys", "sv": "Innehåll", "en": "Contents"}
NOTES = {"fi": "Viitteet", "sv": "Noter", "en": "Notes"}
MONTHS_EN = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a body: `sample`, `heading`, `text`, `list`, `table` or `note`."""

    kind: str
    text: str = ""
    level: int = 0
    items: tuple[str, ...] = ()
    ordered: bool = False
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A source file: its front matter, its raw body, its blocks and its footnotes."""

    path: Path
    head: dict[str, str]
    body: str
    blocks: tuple[Block, ...]
    footnotes: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Return the name of the document that is built from this source."""
        return self.head["file"]

    @property
    def language(self) -> str:
        """Return `fi`, `sv` or `en`."""
        return self.head["language"]

    @property
    def date(self) -> datetime.date:
        """Return the date of the document."""
        return datetime.date.fromisoformat(self.head["date"])

    @property
    def byline(self) -> str:
        """Return organisation and date as people write them in the document's language."""
        day = self.date
        if self.language == "en":
            written = f"{day.day} {MONTHS_EN[day.month - 1]} {day.year}"
        else:
            written = f"{day.day}.{day.month}.{day.year}"
        return f"{self.head['organisation']}, {written}"


def parse(path: Path) -> Source:
    """Read a source file; `ValueError` names the file when its front matter isn't complete."""
    raw = path.read_text(encoding="utf-8")
    match = re.match(r"---\n(.*?)\n---\n(.*)\Z", raw, re.DOTALL)
    if not match:
        raise ValueError(f"{path}: no front matter between two lines of ---")
    head: dict[str, str] = {}
    for line in match[1].splitlines():
        key, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            head[key.strip()] = value.strip().strip('"')
    missing = [key for key in MANIFEST_COLUMNS if key != "work_package" and not head.get(key)]
    if missing:
        raise ValueError(f"{path}: front matter lacks {', '.join(missing)}")
    body = match[2].strip() + "\n"
    blocks, footnotes = _blocks(body)
    return Source(path, head, body, tuple(blocks), footnotes)


def sources() -> list[Source]:
    """Return every source under `corpus/sources`, in the order of the file names they build."""
    found = [parse(path) for path in sorted(SOURCES.rglob("*.md"))]
    return sorted(found, key=lambda source: source.file)


def _blocks(body: str) -> tuple[list[Block], dict[str, str]]:
    blocks: list[Block] = []
    footnotes: dict[str, str] = {}
    for chunk in _chunks(body):
        first = chunk[0]
        if not blocks:
            blocks.append(Block("sample", " ".join(line.strip("*_ ") for line in chunk)))
        elif match := re.match(r"\[\^(\w+)\]:\s*(.*)", first):
            footnotes[match[1]] = " ".join([match[2], *chunk[1:]]).strip()
        elif match := re.match(r"(#+)\s+(.*)", first):
            blocks.append(Block("heading", match[2].strip(), level=len(match[1])))
        elif first.startswith("|"):
            rows = [_cells(line) for line in chunk]
            kept = tuple(row for row in rows if not all(re.fullmatch(r":?-+:?", c) for c in row))
            blocks.append(Block("table", rows=kept))
        elif re.match(r"(-|\*|\d+\.)\s", first):
            items: list[str] = []
            for line in chunk:
                if match := re.match(r"(?:-|\*|\d+\.)\s+(.*)", line):
                    items.append(match[1])
                else:
                    items[-1] += " " + line
            blocks.append(Block("list", items=tuple(items), ordered=first[0].isdigit()))
        elif first.startswith(">"):
            blocks.append(Block("note", " ".join(line.lstrip("> ") for line in chunk)))
        else:
            blocks.append(Block("text", " ".join(chunk)))
    return blocks, footnotes


def _chunks(body: str) -> Iterator[list[str]]:
    """Yield groups of stripped lines that belong to one block."""
    group: list[str] = []
    for line in [*body.splitlines(), ""]:
        stripped = line.strip()
        starts = bool(re.match(r"#+\s|\[\^\w+\]:", stripped)) or (
            bool(group) and _kind(stripped) != _kind(group[0]) and _kind(stripped) != "text"
        )
        if group and (not stripped or starts):
            yield group
            group = []
        if stripped:
            group.append(stripped)
            if re.match(r"#+\s", stripped):
                yield group
                group = []


def _kind(line: str) -> str:
    if line.startswith("|"):
        return "table"
    if re.match(r"[-*]\s", line):
        return "bullets"
    if re.match(r"\d+\.\s", line):
        return "numbers"
    return "note" if line.startswith(">") else "text"


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


INLINE = re.compile(
    r"\*\*(?P<bold>.+?)\*\*|(?<!\w)\*(?P<italic>[^*]+?)\*(?!\w)"
    r"|\[\^(?P<note>\w+)\]|\[(?P<text>[^\]]+)\]\((?P<address>[^)]+)\)"
)


def runs(text: str) -> Iterator[tuple[str, str, str]]:
    """Split inline Markdown into (style, text, address), style `plain`, `bold` and so on."""
    end = 0
    for match in INLINE.finditer(text):
        if match.start() > end:
            yield "plain", text[end : match.start()], ""
        end = match.end()
        style = match.lastgroup or "plain"
        if style == "address":
            yield "link", match["text"], match["address"]
        else:
            yield style, match[style], ""
    if end < len(text):
        yield "plain", text[end:], ""


def plain(text: str) -> str:
    """Return inline Markdown as plain text, a footnote mark as `[1]`."""
    return "".join(f" [{value}]" if style == "note" else value for style, value, _ in runs(text))
