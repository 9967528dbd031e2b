"""What passes between a reader's process and ours: a reading as JSON, checked field by field.

A reader that was taken over by a file can return a wrong text, but can't run code here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

from ingest.limits import MEGABYTE, Limits
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import LANGUAGES, Block, BlockKind, Kind, Metadata, WordBox

_T = TypeVar("_T")


def frame_limit(limits: Limits) -> int:
    """Return the largest answer in bytes that is taken from a worker.

    Four bytes a character, 150 a block, and 60 for the box of each of the text's words.
    """
    return 16 * MEGABYTE + 16 * limits.text_chars + 150 * limits.blocks


def encode(reading: Reading) -> bytes:
    """Return a reading as the JSON that ``decode`` takes."""
    headings: dict[tuple[str, ...], int] = {}
    blocks = [
        [
            block.start,
            block.end,
            block.kind.value,
            headings.setdefault(block.heading, len(headings)),
            block.slide,
            block.sheet,
            block.row,
            block.paragraph,
        ]
        for block in reading.blocks
    ]
    words = [
        [
            word.start,
            word.end,
            word.page,
            round(word.left, 2),
            round(word.top, 2),
            round(word.right, 2),
            round(word.bottom, 2),
        ]
        for word in reading.words
    ]
    return json.dumps(
        {
            "text": reading.text,
            "headings": list(headings),
            "blocks": blocks,
            "page_starts": reading.page_starts,
            "words": words,
            "metadata": asdict(reading.metadata),
            "media_type": reading.media_type,
            "warnings": reading.warnings,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode("utf-8", errors="replace")


def decode(frame: bytes, *, limits: Limits) -> Reading:
    """Return the reading of an answer, or raise the UnreadableDocument that it reports.

    Everything is checked: types, order and bounds of blocks, pages and words. An answer that
    fails a check raises UnreadableDocument ``unreadable_crash``.
    """
    try:
        answer = json.loads(frame)
        if not isinstance(answer, dict):
            raise TypeError("not an object")
        if "error" in answer:
            raise _reported(answer)
        return _reading(answer, limits)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise UnreadableDocument("unreadable_crash") from error


def _reported(answer: dict[str, object]) -> UnreadableDocument:
    code, params = answer["error"], answer.get("params", {})
    if not isinstance(code, str) or not code.startswith("unreadable_"):
        raise ValueError("not a code of ours")
    if not isinstance(params, dict):
        raise TypeError("parameters must be an object")
    error = UnreadableDocument(code, **{_text(key): _text(value) for key, value in params.items()})
    try:
        error.text(), error.cure()
    except (KeyError, IndexError, ValueError) as missing:
        raise ValueError("a code without a message") from missing
    return error


def _reading(answer: dict[str, object], limits: Limits) -> Reading:
    text = _text(answer["text"])
    if len(text) > limits.text_chars:
        raise too_much(limits)
    headings = [tuple(map(_text, _list(path))) for path in _list(answer["headings"])]
    blocks: list[Block] = []
    at = 0
    for row in _list(answer["blocks"]):
        start, end, kind, heading, slide, sheet, number, paragraph = _list(row)
        block = Block(
            start=_count(start),
            end=_count(end),
            kind=BlockKind(_text(kind)),
            heading=headings[_count(heading)],
            slide=_maybe(_count, slide),
            sheet=_maybe(_text, sheet),
            row=_maybe(_count, number),
            paragraph=_maybe(_count, paragraph),
        )
        if not at <= block.start < block.end <= len(text):
            raise ValueError("blocks out of order")
        at = block.end
        blocks.append(block)
    if len(blocks) > limits.blocks:
        raise too_much(limits)
    pages = tuple(map(_count, _list(answer["page_starts"])))
    if list(pages) != sorted(pages) or (pages and pages[-1] > len(text)):
        raise ValueError("pages out of order")
    words: list[WordBox] = []
    for row in _list(answer["words"]):
        start, end, page, *box = _list(row)
        left, top, right, bottom = map(_number, box)
        word = WordBox(
            start=_count(start),
            end=_count(end),
            page=_count(page),
            left=left,
            top=top,
            right=right,
            bottom=bottom,
        )
        if not word.start <= word.end <= len(text):
            raise ValueError("a word outside the text")
        words.append(word)
    return Reading(
        text=text,
        blocks=tuple(blocks),
        page_starts=pages,
        words=tuple(words),
        metadata=_metadata(answer["metadata"]),
        media_type=_text(answer["media_type"]),
        warnings=tuple(map(_text, _list(answer["warnings"]))),
    )


def _metadata(value: object) -> Metadata:
    if not isinstance(value, dict):
        raise TypeError("metadata must be an object")
    language = _maybe(_text, value.get("language"))
    return Metadata(
        title=_text(value.get("title", "")),
        date=_maybe(_text, value.get("date")),
        city=_maybe(_text, value.get("city")),
        organisation=_maybe(_text, value.get("organisation")),
        kind=Kind(_text(value.get("kind", Kind.OTHER))),
        work_package=_maybe(_text, value.get("work_package")),
        themes=tuple(map(_text, _list(value.get("themes", [])))),
        # Who may see a document isn't the file's to say: confidentiality stays as it is where
        # nobody has said.
        language=next((known for known in LANGUAGES if known == language), None),
        collection=_maybe(_text, value.get("collection")),
        sample=value.get("sample") is True,
        url=_maybe(_text, value.get("url")),
        project=_maybe(_text, value.get("project")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a string was expected")
    value.encode()  # a lone surrogate can't be stored: UnicodeEncodeError is a ValueError
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("a count was expected")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError("a number was expected")
    return float(value)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return value


def _maybe(check: Callable[[object], _T], value: object) -> _T | None:
    return None if value is None else check(value)


def too_much(limits: Limits) -> UnreadableDocument:
    """Return the refusal of a file whose text is longer than the limits allow."""
    return UnreadableDocument(
        "unreadable_too_much_text", limit=f"{limits.text_chars:_}".replace("_", " ")
    )
