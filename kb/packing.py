"""How a document's tables of places are packed into the catalogue's columns."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

import numpy as np

from kb.model import Block, BlockKind, Span, WordBox

_BOX_SCALE = 10  # boxes are kept in tenths of a point


def pack_offsets(offsets: Sequence[int]) -> bytes:
    """Pack offsets as compressed int32."""
    return zlib.compress(np.asarray(offsets, dtype="<i4").tobytes())


def unpack_offsets(packed: bytes) -> tuple[int, ...]:
    """Return the offsets that ``pack_offsets`` packed."""
    return tuple(np.frombuffer(zlib.decompress(packed), dtype="<i4").tolist())


def _tenths(word: WordBox) -> tuple[int, ...]:
    box = (word.left, word.top, word.right, word.bottom)
    return tuple(round(value * _BOX_SCALE) for value in box)


def pack_blocks(blocks: Sequence[Block]) -> bytes:
    """Pack blocks as compressed JSON, each heading path once."""
    kinds = list(BlockKind)
    headings: dict[tuple[str, ...], int] = {}
    rows = [
        [
            b.start,
            b.end,
            kinds.index(b.kind),
            headings.setdefault(b.heading, len(headings)),
            b.slide,
            b.sheet,
            b.row,
            b.paragraph,
        ]
        for b in blocks
    ]
    packed = json.dumps({"headings": list(headings), "blocks": rows}, ensure_ascii=False)
    return zlib.compress(packed.encode("utf-8"))


def unpack_blocks(packed: bytes) -> tuple[Block, ...]:
    """Return the blocks that ``pack_blocks`` packed."""
    kinds = list(BlockKind)
    unpacked = json.loads(zlib.decompress(packed))
    headings = [tuple(path) for path in unpacked["headings"]]
    return tuple(
        Block(
            start=start,
            end=end,
            kind=kinds[kind],
            heading=headings[heading],
            slide=slide,
            sheet=sheet,
            row=row,
            paragraph=paragraph,
        )
        for start, end, kind, heading, slide, sheet, row, paragraph in unpacked["blocks"]
    )


def pack_words(words: Sequence[WordBox]) -> bytes:
    """Pack boxes as a compressed table of int32: start, end, page, left, top, right, bottom."""
    table = np.array(
        [(w.start, w.end, w.page, *_tenths(w)) for w in words],
        dtype="<i4",
    ).reshape(-1, 7)
    return zlib.compress(table.tobytes())


def unpack_words(packed: bytes, span: Span) -> list[WordBox]:
    """Return the boxes of the words that a span touches."""
    table = np.frombuffer(zlib.decompress(packed), dtype="<i4").reshape(-1, 7)
    touched = table[(table[:, 0] < span.end) & (table[:, 1] > span.start)]
    return [
        WordBox(
            start=int(start),
            end=int(end),
            page=int(page),
            left=left / _BOX_SCALE,
            top=top / _BOX_SCALE,
            right=right / _BOX_SCALE,
            bottom=bottom / _BOX_SCALE,
        )
        for start, end, page, left, top, right, bottom in touched.tolist()
    ]
