"""What a reader returns: one text, its structure and its places."""

from __future__ import annotations

from dataclasses import dataclass, field

from kb.model import Block, Metadata, WordBox


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    r"""A file as text with structure.

    ``text`` is normalised: NFC, ``\n`` between lines, no control characters, no hyphens of
    line ends. Blocks are in reading order, don't overlap, and are separated by blank lines
    (``\n\n``) or, inside one list or table, by ``\n``. ``page_starts`` and ``words`` belong to
    formats with pages. ``warnings`` are keys of the message catalogue (``warning.…``), with
    ``|name=value`` after them where the text has placeholders.
    """

    text: str
    blocks: tuple[Block, ...]
    page_starts: tuple[int, ...] = ()
    words: tuple[WordBox, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)
    media_type: str = "application/octet-stream"
    warnings: tuple[str, ...] = ()
