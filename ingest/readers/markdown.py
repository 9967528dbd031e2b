"""Markdown: CommonMark with tables, and the front matter above it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from markdown_it import MarkdownIt

from ingest.limits import Limits
from ingest.readers.builder import TextBuilder
from ingest.readers.encoding import decode
from ingest.readers.html import add_html, parse_html
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import LANGUAGES, Block, BlockKind, Metadata

MEDIA_TYPE = "text/markdown"

_FRONT = re.compile(r"\A\s*---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-zÅÄÖåäö_-]+)[ \t]*:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]:\s*")
_REFERENCE = re.compile(r"\[\^[^\]\s]+\](?!:)")
# A speaker and what was said, or a heading of a note's header: each on a line of its own.
_SPEAKER = re.compile(r"^\s{0,3}\**[A-ZÅÄÖ][^:.!?|#<>\n]{0,60}:\**[ \t]+\S")
# A footnote, or a link's target that looks like none.
_DEFINITION = re.compile(r"^( {0,3})\[(\^[^\]\s]+\]:|[^\]^]+\]:(?!\s*<?\S*[/.#@]))")
_ISO = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def read_markdown(path: Path, *, limits: Limits) -> Reading:
    """Read a Markdown file; raises UnreadableDocument."""
    return read_markdown_text(decode(path.read_bytes()), limits=limits)


def read_markdown_text(text: str, *, limits: Limits) -> Reading:
    """Read Markdown: inline marks go, structure stays; front matter is metadata."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    metadata = Metadata()
    front = _FRONT.match(text)
    if front:
        fields = {name.casefold(): _unquoted(value) for name, value in _FIELD.findall(front[1])}
        if fields:
            metadata = _front_metadata(fields)
            text = text[front.end() :]
    text = _REFERENCE.sub("", text)
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    rendered = parser.render(_prepared(text))
    if not rendered.strip():
        raise UnreadableDocument("unreadable_no_text")
    builder = TextBuilder(limits)
    add_html(builder, parse_html(f"<body>{rendered}</body>"), main_only=False)
    reading = builder.finish(media_type=MEDIA_TYPE, metadata=metadata)
    return replace(reading, blocks=tuple(_footnote(reading.text, one) for one in reading.blocks))


def _footnote(text: str, block: Block) -> Block:
    is_note = block.kind is BlockKind.PARAGRAPH and _FOOTNOTE.match(text, block.start)
    return replace(block, kind=BlockKind.FOOTNOTE) if is_note else block


def _prepared(text: str) -> str:
    """Return Markdown in which nothing is lost that CommonMark has no notion of.

    Lines that begin with a speaker become paragraphs, where they would be joined; footnotes
    and bracketed words before a colon aren't taken for the targets of links.
    """
    out: list[str] = []
    fenced = False
    for line in text.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        if not fenced:
            if out and out[-1].strip() and _SPEAKER.match(line):
                out.append("")
            line = _DEFINITION.sub(r"\1\\[\2", line)
        out.append(line)
    return "\n".join(out)


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _front_metadata(fields: dict[str, str]) -> Metadata:
    """Return the fields that a document's own front matter may set."""

    def first(*names: str) -> str | None:
        return next((fields[name] for name in names if fields.get(name)), None)

    date = first("date", "päivä", "päivämäärä", "datum")
    declared = (first("lang", "language", "kieli", "språk") or "")[:2].casefold()
    return Metadata(
        title=first("title", "otsikko", "rubrik", "titel") or "",
        date=date if date and _ISO.fullmatch(date) else None,
        city=first("city", "kaupunki", "stad"),
        organisation=first("organisation", "organization", "organisaatio"),
        language=next((known for known in LANGUAGES if known == declared), None),
        url=first("url"),
    )
