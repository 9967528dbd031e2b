"""Rich text (RTF): the text of its paragraphs, without fonts, pictures and fields' code."""

from __future__ import annotations

import re
from pathlib import Path

from ingest.limits import Limits
from ingest.readers.builder import TextBuilder
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import BlockKind, Metadata

MEDIA_TYPE = "application/rtf"

_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|[\r\n]+"
    rb"|([^\\{}\r\n]+)",
    re.IGNORECASE,
)
# Groups that hold no text of the document.
_DESTINATIONS = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata datastore colorschememapping "
    b"latentstyles listtable listoverridetable rsidtbl generator fldinst xmlnstbl header footer "
    b"headerl headerr headerf footerl footerr footerf annotation atnid atnauthor bkmkstart bkmkend "
    b"filetbl revtbl pgptbl template wgrffmtfilter operator company nonshppict objdata pntext "
    b"listtext ftnsep ftnsepc aftnsep aftnsepc mmathPr tc xe".split()
)
_KEPT_OPTIONAL = frozenset({b"shptxt", b"fldrslt", b"footnote"})
_CHARACTERS = {
    b"par": "\n\n",
    b"sect": "\n\n",
    b"page": "\n\n",
    b"line": "\n",
    b"tab": "\t",
    b"emdash": "—",
    b"endash": "–",
    b"bullet": "•",
    b"lquote": "‘",
    b"rquote": "’",
    b"ldblquote": "“",
    b"rdblquote": "”",
    b"emspace": " ",
    b"enspace": " ",
    b"cell": "\x1e",
    b"nestcell": "\x1e",
    b"row": "\x1d\n\n",
    b"nestrow": "\x1d\n\n",
}
_CODE_PAGES = {437: "cp437", 850: "cp850", 10000: "mac_roman", 65001: "utf-8"}


def read_rtf(path: Path, *, limits: Limits) -> Reading:
    """Read a rich text file; raises UnreadableDocument."""
    data = path.read_bytes()
    if not data.startswith(b"{\\rtf"):
        raise UnreadableDocument("unreadable_damaged")
    builder = TextBuilder(limits)
    builder.count_paragraphs = True
    number = 0
    for part in re.split(r"\n\s*\n", rtf_text(data)):
        if "\x1e" in part:
            number += 1
            cells = [" ".join(cell.split()) for cell in part.replace("\x1d", "").split("\x1e")]
            while cells and not cells[-1]:
                cells.pop()
            if any(cells):
                builder.add(" | ".join(cells), BlockKind.TABLE_ROW, row=number)
        else:
            if part.strip():
                number = 0
            builder.add(part)
    title = re.search(rb"\{\\title ([^{}]*)\}", data)
    name = rtf_text(b"{\\rtf1 " + title[1] + b"}") if title else ""
    return builder.finish(media_type=MEDIA_TYPE, metadata=Metadata(title=name))


def rtf_text(data: bytes) -> str:
    r"""Return the text of RTF: a blank line between paragraphs, ``\x1e`` after each cell."""
    out: list[str] = []
    stack: list[tuple[bool, int]] = []
    skipping, after_unicode, pending = False, 1, 0
    encoding = "cp1252"
    group_start, optional = False, False
    for found in _TOKEN.finditer(data):
        word, argument, hexadecimal, symbol, brace, text = found.groups()
        if brace == b"{":
            stack.append((skipping, after_unicode))
            if len(stack) > 2000:
                raise UnreadableDocument("unreadable_bomb")
            group_start, optional, pending = True, False, 0
            continue
        if brace == b"}":
            if stack:
                skipping, after_unicode = stack.pop()
            group_start, pending = False, 0
            continue
        if symbol == b"*" and group_start:
            optional = True
            continue
        starting, group_start = group_start, False
        if word is not None:
            name = word.lower() if word != b"mmathPr" else word
            if starting and (name in _DESTINATIONS or (optional and name not in _KEPT_OPTIONAL)):
                skipping = True
            elif name == b"ansicpg" and argument:
                page = int(argument)
                encoding = _CODE_PAGES.get(page, f"cp{page}")
                try:
                    "".encode(encoding)
                except LookupError:
                    encoding = "cp1252"
            elif name == b"uc" and argument:
                after_unicode = int(argument)
            elif name == b"bin" and argument:
                skipping = True
            elif not skipping and name == b"u" and argument:
                out.append(chr(int(argument) % 65536))
                pending = after_unicode
            elif not skipping and name in _CHARACTERS:
                out.append(_CHARACTERS[name])
            optional = False
            continue
        if skipping:
            continue
        if hexadecimal is not None:
            if pending:
                pending -= 1
            else:
                out.append(bytes([int(hexadecimal, 16)]).decode(encoding, errors="replace"))
        elif symbol is not None:
            out.append({b"~": " ", b"_": "-"}.get(symbol, symbol.decode("latin-1")))
            if symbol in (b"-", b":", b"|", b"*"):
                out.pop()
            elif symbol in (b"\n", b"\r"):
                out[-1] = "\n\n"
        elif text is not None:
            plain = text.decode(encoding, errors="replace")
            out.append(plain[pending:])
            pending = max(0, pending - len(plain))
    joined = "".join(out)
    # Characters beyond the first plane are written as two halves.
    return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


_PREBUFFER = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def unpack_rtf(data: bytes) -> bytes:
    """Return the RTF of a message's compressed body ([MS-OXRTFCP]), empty when it is broken."""
    if len(data) < 16:
        return b""
    size = int.from_bytes(data[4:8], "little")
    kind = data[8:12]
    if kind == b"MELA":
        return data[16 : 16 + size]
    if kind != b"LZFu" or size > 100_000_000:
        return b""
    window = bytearray(4096)
    window[: len(_PREBUFFER)] = _PREBUFFER
    write, at = len(_PREBUFFER), 16
    out = bytearray()
    while at < len(data) and len(out) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                break
            if control & (1 << bit):
                if at + 1 >= len(data):
                    return bytes(out)
                reference = (data[at] << 8) | data[at + 1]
                at += 2
                offset, length = reference >> 4, (reference & 0xF) + 2
                if offset == write % 4096:
                    return bytes(out[:size])
                for step in range(length):
                    byte = window[(offset + step) % 4096]
                    out.append(byte)
                    window[write % 4096] = byte
                    write += 1
            else:
                out.append(data[at])
                window[write % 4096] = data[at]
                at += 1
                write += 1
    return bytes(out[:size])
