"""Plain text: paragraphs, modest headings, and notes whose lines mean something."""

from __future__ import annotations

import re
from pathlib import Path

from ingest.cleaning import Joint, WordForms, join
from ingest.limits import Limits
from ingest.readers.builder import TextBuilder
from ingest.readers.encoding import decode
from ingest.reading import Reading
from kb.model import BlockKind, Metadata

MEDIA_TYPE = "text/plain"

_UNDERLINE = re.compile(r"^\s*([=\-~*_#])\1{2,}\s*$")
_BULLET = re.compile(r"^\s*(?:[-–—•*·o▪‣►]|\(?\d{1,3}[.)]|\(?[a-zåäö][.)])\s+(?=\S)")
_SPEAKER = re.compile(r"^\s*[A-ZÅÄÖ][^:.!?\n]{0,60}:(?:\s+\S|\s*$)")
_NUMBERED = re.compile(r"^\s*(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+[A-ZÅÄÖ]")
_HASHES = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_RULE = re.compile(r"^[\s|+=:_-]+$")
_COLUMNS = re.compile(r" {2,}|\t+")
_TRAILING_DOTS = re.compile(r"\.{4,}\s*\d+\s*$")
_LONGEST_HEADING = 90


def read_text(path: Path, *, limits: Limits) -> Reading:
    """Read a text file in any encoding; raises UnreadableDocument."""
    return read_plain(decode(path.read_bytes()), limits=limits)


def read_plain(text: str, *, limits: Limits) -> Reading:
    """Read plain text.

    Blank lines part paragraphs; the lines of a hard-wrapped paragraph are joined. A line with
    a dash, a number or a speaker (``Nimi: lausuma``) in front is a list item of its own.
    """
    builder = TextBuilder(limits)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").split("\n")
    forms = WordForms(text.split())
    paragraph: list[str] = []
    before_blank = True
    at = 0
    while at <= len(lines):
        line = lines[at].rstrip() if at < len(lines) else ""
        following = lines[at + 1].rstrip() if at + 1 < len(lines) else ""
        level = _heading_level(line, following, alone=not paragraph, first=builder.block_count == 0)
        if not line.strip():
            _add(builder, paragraph, forms)
            paragraph = []
            before_blank = True
        elif level is not None and before_blank:
            _add(builder, paragraph, forms)
            paragraph = []
            hashes = _HASHES.match(line)
            builder.heading(hashes[2] if hashes else line, level)
            at += bool(_UNDERLINE.match(following))
        elif _UNDERLINE.match(line):
            _add(builder, paragraph, forms)
            paragraph = []
        else:
            paragraph.append(line)
            before_blank = False
        at += 1
    return builder.finish(media_type=MEDIA_TYPE, metadata=Metadata())


def _heading_level(line: str, following: str, *, alone: bool, first: bool) -> int | None:
    """Return a line's heading level, or None; only what can hardly be anything else."""
    bare = line.strip()
    if not alone or not bare or len(bare) > _LONGEST_HEADING or _UNDERLINE.match(line):
        return None
    if not any(char.isalpha() for char in bare) or _TRAILING_DOTS.search(bare):
        return None
    hashes = _HASHES.match(line)
    if hashes:
        return len(hashes[1])
    underline = _UNDERLINE.match(following)
    if underline and len(following.strip()) >= min(3, len(bare)):
        return 1 if underline[1] in "=#*" else 2
    if following.strip() or bare.endswith((".", ",", ";", "!", "?")):
        return None
    numbered = _NUMBERED.match(line)
    if numbered and not bare.endswith(":"):
        return 1 + numbered[1].count(".")
    letters = [char for char in bare if char.isalpha()]
    if len(letters) >= 4 and all(char.isupper() for char in letters):
        return 1
    if first and len(bare.split()) <= 12 and not _SPEAKER.match(line) and not _BULLET.match(line):
        return 1
    return None


def _add(builder: TextBuilder, lines: list[str], forms: WordForms) -> None:
    """Add a paragraph's lines: as list items, as lines, or joined into one."""
    if not lines:
        return
    rows = _table(lines)
    if rows:
        builder.gap()
        for number, row in enumerate(rows, 1):
            builder.add(" | ".join(row), BlockKind.TABLE_ROW, row=number)
        builder.gap()
        return
    marked = [bool(_BULLET.match(line)) for line in lines]
    speakers = sum(bool(_SPEAKER.match(line)) for line in lines)
    noted = any(marked) or speakers >= 2 or (speakers == 1 and _SPEAKER.match(lines[0]))
    if noted:
        items: list[list[str]] = []
        for line, is_item in zip(lines, marked, strict=True):
            if not items or is_item or _SPEAKER.match(line):
                items.append([line])
            else:
                items[-1].append(line)
        builder.gap()
        for item in items:
            first = item[0]
            dashed = re.match(r"^\s*[-–—•*·o▪‣►]\s+", first)
            text = first[dashed.end() :] if dashed else first
            is_item = bool(_BULLET.match(first)) or bool(_SPEAKER.match(first))
            kind = BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH
            builder.add(_joined([text, *item[1:]], forms), kind)
        builder.gap()
        return
    if _wrapped(lines):
        builder.add(_joined(lines, forms))
    else:
        builder.add("\n".join(lines))


def _table(lines: list[str]) -> list[list[str]]:
    """Return the rows of a table drawn with bars or spaced columns, nothing when it is none."""
    drawn = [line for line in lines if not _RULE.match(line)]
    if len(drawn) < 2:
        return []
    if all(line.strip().strip("|").count("|") >= 1 for line in drawn):
        return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in drawn]
    rows = [_COLUMNS.split(line.strip()) for line in drawn]
    several = [len(row) for row in rows if len(row) > 1]
    if len(several) < 0.8 * len(rows) or len(several) < 2 or len(set(several)) > 2:
        return []
    return rows


def _wrapped(lines: list[str]) -> bool:
    """Tell whether lines end where the margin was: all but the last about as long."""
    if len(lines) < 2:
        return True
    longest = max(map(len, lines))
    if longest < 50:
        # Short lines that run on in the middle of a sentence were wrapped too.
        going_on = sum(line.lstrip()[:1].islower() for line in lines[1:])
        return going_on >= 0.5 * (len(lines) - 1)
    full = sum(len(line) >= 0.6 * longest for line in lines[:-1])
    return full >= 0.7 * (len(lines) - 1)


def _joined(lines: list[str], forms: WordForms) -> str:
    """Return lines as one, healing the hyphens at their ends."""
    parts: list[str] = []
    for line in (line.strip() for line in lines):
        if not line:
            continue
        if parts:
            joint = join(parts[-1].split(" ")[-1], line.split(" ")[0], forms)
            if joint is Joint.HEAL:
                parts[-1] = parts[-1][:-1]
            elif joint is Joint.SPACE:
                parts.append(" ")
        parts.append(line)
    return "".join(parts)
