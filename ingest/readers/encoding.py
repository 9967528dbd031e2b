"""Bytes to text when nobody says how they are encoded."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LETTERS = re.compile("[åäöÅÄÖ]")
_COMMON = re.compile("[éÉüÜšžŠŽ€–—‘’“”•…§°²³µ½×\u00a0]")
_ALIASES = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252"}


def decode(data: bytes, *, declared: str = "") -> str:
    """Return the text of bytes: by byte order mark, UTF-8, what is declared, then by guess.

    ``declared`` is an encoding that the file names; UTF-8 that decodes wins over it, since
    declarations lie more often than UTF-8 happens by chance. Old one-byte text in Finnish and
    Swedish is Windows-1252 unless its letters say otherwise. Never raises.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    wide = utf16_without_mark(data)
    if wide is not None:
        return wide
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A file that was cut in the middle of a character is still UTF-8.
        cut = error.reason == "unexpected end of data" and not data[: error.start].isascii()
        if cut or _nearly_utf8(data):
            return data.decode("utf-8", errors="replace")
    if declared:
        try:
            codec = codecs.lookup(_ALIASES.get(declared.casefold().strip(), declared.strip()))
        except (LookupError, ValueError):
            codec = None
        if codec is not None and codec.name not in ("utf-8", "utf-16", "utf-32"):
            try:
                return codec.decode(data, "replace")[0]
            except (UnicodeError, ValueError):
                pass
    return _guess(data)


def _nearly_utf8(data: bytes) -> bool:
    """Tell whether only a few of the non-ASCII characters are broken."""
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    return broken * 20 < sum(char > "\x7f" for char in text)


def utf16_without_mark(data: bytes) -> str | None:
    """Return UTF-16 without a mark, known by the zeros on one side of Latin text."""
    head = data[:4096]
    if len(head) < 4 or 0 not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < 0.3 * len(head) / 2 or min(even, odd) > 3:
        return None
    return data.decode("utf-16-be" if even > odd else "utf-16-le", errors="replace")


def _guess(data: bytes) -> str:
    """Return old one-byte text: the encoding in which the letters of Finnish come out."""
    windows = data.decode("cp1252", errors="replace")
    best, most = "", 0
    for encoding in ("cp1252", "iso-8859-15", "cp850", "mac_roman"):
        text = windows if encoding == "cp1252" else data.decode(encoding, errors="replace")
        letters = len(_LETTERS.findall(text))
        strange = sum(char > "\x7f" for char in text) - letters - len(_COMMON.findall(text))
        if letters > most and letters >= 3 * strange:
            best, most = text, letters
    if best:
        return best
    if sum(char > "\x7f" for char in windows) == len(_COMMON.findall(windows)):
        return windows
    from charset_normalizer import from_bytes

    guessed = from_bytes(data[:100_000]).best()
    return windows if guessed is None else data.decode(guessed.encoding, errors="replace")
