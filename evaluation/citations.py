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
from evaluation.tables import Table, columns, heading, note, render, shortened
from ingest.cleaning import fold
from kb.errors import UnverifiableQuote
from kb.language import sentence_spans
from kb.model import Answer, Citation, Document, Span

Finding = Literal["right", "by cell", "other page", "in pieces", "absent", "unchecked"]
"""``by cell``: a table row whose cells and their headings are all in the original, one by one;
``in pieces``: every line of a block is on its page, but not one after the other."""


Rule = Literal["whole", "pages", "blocks", "list number", "by cell", "none"]
"""What it took to find a right quote: ``whole`` is nothing but the folding; ``pages`` that it
was divided where a page begins; ``blocks`` also where a block does; ``list number`` that the
number of an item was left out; ``by cell`` as the finding. Each holds what those before don't."""

RULES: tuple[Rule, ...] = ("whole", "pages", "blocks", "list number", "by cell")


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


_LIST_NUMBER = re.compile(r"^\s*(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)]\s+")


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
            if one.finding != "unchecked" and (one.sentence or not sentences)
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
        """What is neither right nor unchecked."""
        return [one for one in self.checked if one.finding not in ("right", "by cell", "unchecked")]

    def tables(self, language: str = "en") -> list[Table]:
        """Return findings by document, then up to 30 failures."""
        sources = sorted({one.citation.source for one in self.checked})
        kinds: tuple[Finding, ...] = (
            "right",
            "by cell",
            "other page",
            "in pieces",
            "absent",
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
    known = sum(counts.values()) - counts["unchecked"]
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
    citations: dict[str, list[Citation]] = {}
    refused = 0
    for identifier in documents:
        document = product.document(identifier)
        own = citations.setdefault(identifier, [])
        for span in sampled_spans(document, sample=sample, generator=generator):
            try:
                own.append(product.cite(identifier, start=span.start, end=span.end))
            except UnverifiableQuote:
                refused += 1
    for question in questions:
        for claim in product.ask(question).claims:
            for citation in claim.citations:
                citations.setdefault(citation.document_id, []).append(citation)
    checked: list[Checked] = []
    unread: list[str] = []
    for identifier, own in citations.items():
        document = product.document(identifier)
        if progress is not None:
            progress(document.source)
        text = _original(product, document)
        if text is None:
            unread.append(document.source)
        checked += [checked_one(citation, document, text) for citation in own]
    return CitationsResult(checked=tuple(checked), refused=refused, unread=tuple(unread))


def _original(product: Cites, document: Document) -> Original | None:
    # The original is kept under its digest: its format is told by the name it came with.
    return original(product.original(document.id), name=document.source)


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
    unnumbered = [(_LIST_NUMBER.sub("", part), page) for part, page in parts]
    return "list number" if _stand(unnumbered, text) else "by cell"


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
    order: tuple[Finding, ...] = ("absent", "other page", "in pieces", "unchecked", "by cell")
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
    if any(_stands_in(reading, quote) for reading in text.texts(page)):
        return "right"
    if page is not None and not any(_folded(reading) for reading in text.texts(page)):
        return "unchecked"  # a picture of a page: the other readers see no text there
    # The number of a list's item is drawn by the format, and stands in no text node.
    unnumbered = _LIST_NUMBER.sub("", quote)
    if unnumbered != quote and any(_stands_in(reading, unnumbered) for reading in text.texts(page)):
        return "right"
    if "|" in quote and any(
        all(_cell_stands(reading, cell) for cell in quote.strip(" |\n").split(" | "))
        for reading in text.texts(page)
    ):
        return "by cell"
    lines = [line for line in quote.splitlines() if fold(line)]
    if any(all(_stands_in(reading, line) for line in lines) for reading in text.texts(page)):
        return "in pieces"
    if text.pages and any(_stands_in(reading, quote) for reading in text.texts(None)):
        return "other page"
    return "absent"


def _cell_stands(reading: str, cell: str) -> bool:
    """Tell whether a cell stands in a text, whole or as ``heading: value`` in two places."""
    if not fold(cell) or _stands_in(reading, cell):
        return True
    parts = cell.split(": ")
    return any(
        _stands_in(reading, ": ".join(parts[:at])) and _stands_in(reading, ": ".join(parts[at:]))
        for at in range(1, len(parts))
    )


def pages_of(product: Cites) -> Callable[[str, str], frozenset[int] | None]:
    """Return a function that finds the pages of a quote by independent reading.

    It gives None where the document has no pages or the quote isn't met on any.
    """
    read: dict[str, Original | None] = {}

    def pages(document_id: str, quote: str) -> frozenset[int] | None:
        if document_id not in read:
            read[document_id] = _original(product, product.document(document_id))
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
