"""All pages together: gutters, furniture, outline, blocks, text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ingest.cleaning import WordForms
from ingest.readers.layout.columns import Arranger, usual_gutters
from ingest.readers.layout.furniture import furniture
from ingest.readers.layout.headings import classify
from ingest.readers.layout.paragraphs import (
    drafts_of,
    in_page_order,
    mark_footnotes,
    match_outline,
    pitch_of,
)
from ingest.readers.layout.rows import leaders, part_notes, settle_marks
from ingest.readers.layout.shapes import Heading, Item, Page
from ingest.readers.layout.torn import Torn
from ingest.readers.layout.writing import Assembled, write_text


def assemble(pages: Sequence[Page], outline: Sequence[Heading] = ()) -> Assembled:
    """Lay pages out and return one text with its blocks, page starts and word boxes.

    ``title`` is the largest heading of the first page, or an empty string.
    """
    body = _body_size(pages)
    for page in pages:
        settle_marks(page.words)
        part_notes(page, body)
    skip = furniture(pages)
    forms = WordForms(_whole_words(pages))
    for page in pages:
        skip |= leaders(page.words)
    kept = [[word for word in page.words if id(word) not in skip] for page in pages]
    usual = usual_gutters(pages, kept)
    laid: list[list[Item]] = []
    region = table = 0
    for number, page in enumerate(pages):
        arranger = Arranger(
            page,
            number,
            usual=usual.get((round(page.width), number % 2), ()),
            first_region=region,
            first_table=table,
        )
        items = arranger.arrange(kept[number])
        for aside in page.asides:
            items += arranger.arrange(aside)
        region, table = arranger.region, arranger.table
        mark_footnotes(items, page, body)
        laid.append(items)
    match_outline(laid, outline)
    pitch = pitch_of(laid)
    drafts = Torn(pages, drafts_of(laid, body, pitch)).mended(body=body, pitch=pitch)
    drafts = in_page_order(drafts)
    classify(drafts, body)
    return write_text(drafts, len(pages), forms)


def _whole_words(pages: Sequence[Page]) -> Iterator[str]:
    for page in pages:
        for word in page.words:
            yield word.text


def _body_size(pages: Sequence[Page]) -> float:
    sizes: Counter[float] = Counter()
    for page in pages:
        for word in page.words:
            sizes[round(2 * word.size) / 2] += len(word.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0
