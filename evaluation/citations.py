"""Are quotes verbatim and their pages right, by the word of another reader.

Spans of every document are cited by the product; then the original file is read
independently, and the quote is looked for on the page that the citation names, under the
published folding. No model is needed.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, Protocol

from evaluation.independent import Original, original
from evaluation.recognised import agrees
from evaluation.stacked import stands_stacked, words_on
from evaluation.tables import Table, columns, heading, note, render, shortened
from ingest.cleaning import fold
from kb.errors import UnverifiableQuote
from kb.language import sentence_spans
from kb.model import Answer, Citation, Document, Span

Finding = Literal[
    "right", "by cell", "recognised", "other page", "in pieces", "absent", "unchecked"
]
"""``by cell``: a table row whose cells and their headings are all in the original, one by one;
``recognised``: in a picture, where another recognition of the page reads nearly the same;
``in pieces``: every line of a block is on its page, but not one after the other."""

_APART = frozenset({"recognised", "unchecked"})
"""Findings that no raw reader can tell right from wrong: they aren't in the share."""


Rule = Literal["whole", "pages", "blocks", "list number", "formula", "by cell", "none"]
"""What it took to find a right quote: ``whole`` is nothing but the folding; ``pages`` that it
was divided where a page begins; ``blocks`` also where a block does; ``list number`` that the
number of an item was left out; ``formula`` that the signs by which a formula is put on one line
were; ``by cell`` as the finding. Each holds what those before don't."""

RULES: tuple[Rule, ...] = ("whole", "pages", "blocks", "list number", "formula", "by cell")


class Cites(Protocol):
    """What is checked: the citations of a knowledge base."""

    def cite(self, document_id: str, *, start: int, end: int) -> Citation:
        """Return the citation of a span."""

    def ask(self, text: str, *, explain: bool = False) -> Answer:
        """Return an answer."""

    def document(self, document_id: str) -> Document:
        """Return a document."""

    def original(self, document_id: str) -> Path:
        """Return the path of the original file."""


_LIST_NUMBER = re.compile(
    r"^\s*(?:\d{1,3}(?:\.\d{1,3})+\.?|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)])\s+"
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A citation, what the original says of it, and what it took to find it.

    ``sentence`` says that the quote is one sentence and no more.
    """

    citation: Citation
    finding: Finding
    rule: Rule = "none"
    sentence: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CitationsResult:
    """Every citation that was checked, and documents with no independent reading."""

    checked: tuple[Checked, ...]
    refused: int = 0
    unread: tuple[str, ...] = ()

    def counts(self, source: str | None = None) -> Counter[str]:
        """Count findings, of one document or of all."""
        return Counter(
            one.finding for one in self.checked if source is None or one.citation.source == source
        )

    @property
    def share(self) -> float | None:
        """Right ones (by cell or whole) among those that could be checked."""
        return _share(self.counts())

    def rules(self, *, sentences: bool = False) -> Counter[str]:
        """Count what it took, over what could be checked; of single sentences only, or of all."""
        return Counter(
            one.rule
            for one in self.checked
            if one.finding not in _APART and (one.sentence or not sentences)
        )

    def to_json(self) -> dict[str, object]:
        """Return the share, findings, rules, findings by document, and the failures."""
        return {
            "citations": len(self.checked),
            "right": self.share,
            "rules": dict(self.rules()),
            "rules_of_sentences": dict(self.rules(sentences=True)),
            "findings": dict(self.counts()),
            "refused": self.refused,
            "unread": list(self.unread),
            "by_document": {
                source: dict(self.counts(source))
                for source in sorted({one.citation.source for one in self.checked})
            },
            "failures": [
                {
                    "source": one.citation.source,
                    "locator": one.citation.locator.to_json(),
                    "quote": one.citation.quote,
                    "finding": one.finding,
                }
                for one in self.failures
            ],
        }

    @property
    def failures(self) -> list[Checked]:
        """What is wrong: neither right nor told apart."""
        return [one for one in self.checked if one.finding not in {"right", "by cell"} | _APART]

    def tables(self, language: str = "en") -> list[Table]:
        """Return findings by document, then up to 30 failures."""
        sources = sorted({one.citation.source for one in self.checked})
        kinds: tuple[Finding, ...] = (
            "right",
            "by cell",
            "other page",
            "in pieces",
            "absent",
            "recognised",
            "unchecked",
        )
        rows = [
            (source, _share(counts), *(counts[kind] for kind in kinds))
            for source, counts in [
                (heading("all", language), self.counts()),
                *((source, self.counts(source)) for source in sources),
            ]
        ]
        names = ("file", "share_right", *(kind.replace(" ", "_") for kind in kinds))
        return [
            Table(
                title=heading("citations", language),
                columns=columns(names, language),
                rows=tuple(rows),
                note=note("citations", language, refused=self.refused),
            ),
            self._strictness(language),
            Table(
                title=heading("failures", language),
                columns=columns(("file", "page", "finding", "quote"), language),
                rows=tuple(
                    (
                        one.citation.source,
                        ", ".join(str(page) for page in one.citation.locator.pages),
                        one.finding,
                        shortened(one.citation.quote, 90),
                    )
                    for one in self.failures[:30]
                ),
            ),
        ]

    def _strictness(self, language: str) -> Table:
        every, single = self.rules(), self.rules(sentences=True)
        return Table(
            title=heading("citation_rules", language),
            columns=columns(("rule", "citations", "share", "sentences", "share"), language),
            rows=tuple(
                (
                    rule,
                    every[rule],
                    every[rule] / every.total() if every else None,
                    single[rule],
                    single[rule] / single.total() if single else None,
                )
                for rule in (*RULES, "none")
            ),
            note=note("citation_rules", language),
        )

    def table(self, language: str = "en") -> str:
        """Return the tables as text."""
        return render(self.tables(language))


def _share(counts: Counter[str]) -> float | None:
    known = sum(counts.values()) - sum(counts[apart] for apart in _APART)
    return (counts["right"] + counts["by cell"]) / known if known else None


def sampled_spans(document: Document, *, sample: int, generator: random.Random) -> list[Span]:
    """Return spans of a document: sentences, and runs of two to four sentences, half each.

    A run goes on over the ends of paragraphs, table rows and pages, as a passage does.
    """
    sentences = sentence_spans(document.text, document.language)
    if not sentences:
        return []
    spans = []
    for number in range(sample):
        at = generator.randrange(len(sentences))
        length = 1 if number % 2 == 0 else generator.randint(2, 4)
        last = min(len(sentences) - 1, at + length - 1)
        spans.append(Span(sentences[at].start, sentences[last].end))
    return list(dict.fromkeys(spans))


def evaluate_citations(
    product: Cites,
    documents: Iterable[str],
    *,
    questions: Sequence[str] = (),
    sample: int = 40,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> CitationsResult:
    """Cite a sample of each document (by id), and every answer, and check them all.

    ``sample`` is how many spans of each document. Spans that the product refuses to cite are
    counted, not checked.
    """
    generator = random.Random(seed)
    answered: dict[str, list[Citation]] = {}
    for question in questions:
        for claim in product.ask(question).claims:
            for citation in claim.citations:
                answered.setdefault(citation.document_id, []).append(citation)
    refused = 0
    checked: list[Checked] = []
    unread: list[str] = []

    def look_up(document: Document, original_file: Path, own: Sequence[Citation]) -> None:
        if progress is not None:
            progress(document.source)
        # The original is kept under its digest: its format is told by the name it came with.
        text = original(original_file, name=document.source)
        if text is None:
            unread.append(document.source)
        checked.extend(checked_one(citation, document, text) for citation in own)

    for identifier in documents:
        document = product.document(identifier)
        own: list[Citation] = []
        for span in sampled_spans(document, sample=sample, generator=generator):
            try:
                own.append(product.cite(identifier, start=span.start, end=span.end))
            except UnverifiableQuote:
                refused += 1
        look_up(document, product.original(identifier), own + answered.pop(identifier, []))
    for identifier, own in answered.items():
        look_up(product.document(identifier), product.original(identifier), own)
    return CitationsResult(checked=tuple(checked), refused=refused, unread=tuple(unread))


def checked_one(citation: Citation, document: Document, text: Original | None) -> Checked:
    """Check a citation, and tell what it took."""
    finding = check(citation, document, text)
    right = text is not None and finding in ("right", "by cell")
    return Checked(
        citation=citation,
        finding=finding,
        rule=_rule(citation, document, text) if right and text is not None else "none",
        sentence=len(sentence_spans(citation.quote, document.language)) == 1,
    )


def _rule(citation: Citation, document: Document, text: Original) -> Rule:
    """Return the least that has to be granted for a right quote to be found."""
    whole = [(citation.quote, next(iter(sorted(_page_numbers(citation, document))), None))]
    starts = set(document.page_starts)
    if _stand(whole, text):
        return "whole"
    if _stand(_divided(citation, document, starts), text):
        return "pages"
    parts = list(_parts(citation, document))
    if _stand(parts, text):
        return "blocks"
    unnumbered = [(_unnumbered(part, text), page) for part, page in parts]
    if _stand(unnumbered, text):
        return "list number"
    return "formula" if all(_holds(part, page, text) for part, page in parts) else "by cell"


def _holds(part: str, page: int | None, text: Original) -> bool:
    return _stand([(part, page)], text) or _formula_stands(part, text)


@lru_cache(maxsize=64)
def _folded(text: str) -> str:
    """Fold a text once: a workbook of many cells is looked into thousands of times."""
    return fold(text)


def _stands_in(reading: str, quote: str) -> bool:
    wanted = fold(quote)
    return bool(wanted) and wanted in _folded(reading)


def _stand(parts: Iterable[tuple[str, int | None]], text: Original) -> bool:
    return all(
        any(_stands_in(reading, part) for reading in text.texts(page))
        for part, page in parts
        if fold(part)
    )


def check(citation: Citation, document: Document, text: Original | None) -> Finding:
    """Return what the original says of a citation.

    A quote over several blocks (paragraphs, list items, table rows) or pages is divided where
    they begin, and each part has to stand, whole and in order, on its own page. How blocks
    follow each other isn't checked: two readers may order columns and footnotes differently.
    """
    if text is None:
        return "unchecked"
    if citation.quote != document.text[citation.start : citation.end]:
        return "absent"
    if _page_numbers(citation, document) != set(citation.locator.pages):
        return "other page"
    findings = [_part(part, page, text) for part, page in _parts(citation, document) if fold(part)]
    order: tuple[Finding, ...] = (
        "absent",
        "other page",
        "in pieces",
        "unchecked",
        "recognised",
        "by cell",
    )
    return next((finding for finding in order if finding in findings), "right")


def _page_numbers(citation: Citation, document: Document) -> set[int]:
    return {page for _, page in _parts(citation, document) if page is not None}


def _parts(citation: Citation, document: Document) -> Iterator[tuple[str, int | None]]:
    starts = {block.start for block in document.blocks} | set(document.page_starts)
    return _divided(citation, document, starts)


def _divided(
    citation: Citation, document: Document, starts: set[int]
) -> Iterator[tuple[str, int | None]]:
    cuts = [
        citation.start,
        *sorted(start for start in starts if citation.start < start < citation.end),
        citation.end,
    ]
    for start, end in pairwise(cuts):
        page = bisect_right(document.page_starts, start) if document.page_starts else None
        yield document.text[start:end], page


def _part(quote: str, page: int | None, text: Original) -> Finding:
    readings = text.texts(page)
    if any(_stands_in(reading, quote) for reading in readings):
        return "right"
    pictured = page is not None and page in text.pictures and text.path is not None
    if page is not None and not any(_folded(reading) for reading in readings):
        # A picture of a page: the other readers see no text there.
        return "recognised" if pictured and _recognised(quote, page, text) else "unchecked"
    unnumbered = _unnumbered(quote, text)
    if unnumbered != quote and any(_stands_in(reading, unnumbered) for reading in readings):
        return "right"
    if _formula_stands(quote, text):
        return "right"
    if ("|" in quote or text.cells) and any(
        all(_cell_stands(reading, cell, text.cells) for cell in _cells(quote))
        for reading in readings
    ):
        return "by cell"
    if "|" in quote and page is not None and text.path is not None:
        boxed = words_on(text.path, page)
        if boxed and any(
            all(
                _cell_stands(reading, cell, text.cells) or stands_stacked(boxed, cell)
                for cell in _cells(quote)
            )
            for reading in readings
        ):
            return "by cell"
    if pictured and page is not None and _recognised(quote, page, text):
        return "recognised"
    lines = [line for line in quote.splitlines() if fold(line)]
    if any(all(_stands_in(reading, line) for line in lines) for reading in readings):
        return "in pieces"
    if text.pages and any(_stands_in(reading, quote) for reading in text.texts(None)):
        return "other page"
    return "absent"


def _unnumbered(quote: str, text: Original) -> str:
    """Leave out the number of a list's item, where no reading has those that the format draws."""
    return quote if text.numbered else _LIST_NUMBER.sub("", quote)


def _recognised(quote: str, page: int, text: Original) -> bool:
    return text.path is not None and agrees(text.path, page, quote)


# How a formula is put on one line: a/b, x^2, x_i, √(x), (a, b).
_ONE_LINE = re.compile(r"[()^_/√,\[\]{}]")


def _formula_stands(quote: str, text: Original) -> bool:
    """Tell whether all letters, figures and operators of a formula follow each other in a file."""
    if not text.formulas:
        return False
    wanted = _ONE_LINE.sub("", fold(quote))
    return bool(wanted) and wanted in _ONE_LINE.sub("", _folded(text.formulas))


def _cells(quote: str) -> list[str]:
    return quote.strip(" |\n").split(" | ")


def _cell_stands(reading: str, cell: str, cells: frozenset[str] = frozenset()) -> bool:
    """Tell whether a cell stands in a text, whole or as ``heading: value`` in two places.

    A heading over several rows of a workbook is one of whole ``cells``, one after the other. A
    value of nothing but dashes folds to nothing, and stands wherever its heading does.
    """
    if not fold(cell) or _stands_in(reading, cell):
        return True
    parts = cell.split(": ")
    return any(
        _heading_stands(reading, ": ".join(parts[:at]), cells)
        and (not fold(value := ": ".join(parts[at:])) or _stands_in(reading, value))
        for at in range(1, len(parts))
    )


def _heading_stands(reading: str, heading: str, cells: frozenset[str]) -> bool:
    if _stands_in(reading, heading.removesuffix(":")):
        return True
    words = heading.split(" ")
    return any(
        " ".join(words[:at]) in cells and _heading_stands(reading, " ".join(words[at:]), cells)
        for at in range(1, len(words))
    )


def pages_of(product: Cites) -> Callable[[str, str], frozenset[int] | None]:
    """Return a function that finds the pages of a quote by independent reading.

    It gives None where the document has no pages or the quote isn't met on any.
    """
    read: dict[str, Original | None] = {}

    def pages(document_id: str, quote: str) -> frozenset[int] | None:
        if document_id not in read:
            read[document_id] = original(
                product.original(document_id), name=product.document(document_id).source
            )
        text = read[document_id]
        if text is None or not text.pages:
            return None
        found = frozenset(
            page
            for page, readings in enumerate(text.pages, start=1)
            if any(_stands_in(reading, quote) for reading in readings)
        )
        return found or None

    return pages
