"""Our own questions with gold quotes: retrieval, citations and refusals measured together.

A file is JSON lines, one question each: ``id``, ``question``, ``language``, ``kind``,
``themes``, ``answerable``, ``gold`` (a list of ``{"document", "quotes"}``), ``cross`` (the
answer stands in another language only) and perhaps ``note``. A gold quote is verbatim under
the published folding; ``document`` is a file's name. ``judge`` marks a question that somebody
has to judge first, such as one made of feedback: it is read and not measured.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast, get_args

from evaluation.errors import EvaluationError
from evaluation.metrics import (
    Counts,
    Evidence,
    auroc,
    classified,
    covered_share,
    dcg,
    evidence_counts,
)
from evaluation.quotes import find_quote
from evaluation.tables import Cell, Table, columns, heading, note, render, shortened
from kb.knowledge_base import SearchResult
from kb.model import (
    LANGUAGES,
    Answer,
    AnswerStatus,
    Citation,
    Document,
    Language,
    Span,
)

QuestionKind = Literal[
    "who", "when", "how much", "what", "how", "why", "list", "compare", "practices"
]
KINDS: tuple[QuestionKind, ...] = get_args(QuestionKind)

# These need all of their gold; for the others each gold entry is an answer by itself.
_NEED_ALL = frozenset({"list", "compare", "practices"})
_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Gold:
    """Quotes of one document that answer a question."""

    document: str
    quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldQuestion:
    """A question and what a right answer cites; no gold where the material doesn't say."""

    id: str
    question: str
    language: Language
    kind: QuestionKind
    themes: tuple[str, ...]
    answerable: bool
    gold: tuple[Gold, ...]
    cross: bool = False
    note: str = ""
    judge: bool = False


class Product(Protocol):
    """What is measured: the search and the answers of a knowledge base."""

    def search(self, text: str, *, k: int = 10) -> SearchResult:
        """Return the best passages."""

    def ask(self, text: str, *, explain: bool = False) -> Answer:
        """Return an answer or a refusal."""


def load_questions(path: Path) -> list[GoldQuestion]:
    """Read a file of questions; raises EvaluationError naming file, line and field."""
    if not path.is_file():
        raise EvaluationError("evaluation_questions", path=path)
    questions: list[GoldQuestion] = []
    seen: set[str] = set()
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise EvaluationError("evaluation_encoding", path=path) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise EvaluationError(
                "evaluation_json", path=path, line=number, why=error.msg
            ) from error
        question = _question(record, path, number)
        if question.id in seen:
            raise EvaluationError("evaluation_repeated", id=question.id, path=path, line=number)
        seen.add(question.id)
        questions.append(question)
    return questions


def _question(record: object, path: Path, number: int) -> GoldQuestion:
    if not isinstance(record, dict):
        raise EvaluationError("evaluation_json", path=path, line=number, why="{}")

    def need(condition: bool, field: str) -> None:
        if not condition:
            raise EvaluationError("evaluation_field", field=field, path=path, line=number)

    for field in ("id", "question"):
        need(isinstance(record.get(field), str) and record[field].strip() != "", field)
    need(record.get("language") in LANGUAGES, "language")
    need(record.get("kind") in KINDS, "kind")
    themes = record.get("themes", [])
    need(isinstance(themes, list) and all(isinstance(theme, str) for theme in themes), "themes")
    need(isinstance(record.get("answerable"), bool), "answerable")
    need(isinstance(record.get("cross", False), bool), "cross")
    need(isinstance(record.get("judge", False), bool), "judge")
    gold = record.get("gold", [])
    need(isinstance(gold, list), "gold")
    for one in gold:
        need(
            isinstance(one, dict)
            and isinstance(one.get("document"), str)
            and isinstance(one.get("quotes"), list)
            and bool(one["quotes"])
            and all(isinstance(quote, str) and quote.strip() for quote in one["quotes"]),
            "gold",
        )
    need(bool(gold) == record["answerable"], "gold")
    return GoldQuestion(
        id=record["id"],
        question=record["question"],
        language=cast("Language", record["language"]),
        kind=cast("QuestionKind", record["kind"]),
        themes=tuple(themes),
        answerable=record["answerable"],
        gold=tuple(Gold(one["document"], tuple(one["quotes"])) for one in gold),
        cross=record.get("cross", False),
        note=str(record.get("note", "")),
        judge=record.get("judge", False),
    )


def documents_by_name(documents: Iterable[Document]) -> dict[str, Document]:
    """Return documents by the names of the files that they came from, without folders."""
    return {
        Path(source).name: document
        for document in documents
        for source in {document.source, *document.sources}
        if source
    }


def gold_evidence(
    question: GoldQuestion, documents: Mapping[str, Document]
) -> tuple[tuple[Evidence, ...], ...]:
    """Return the spans of the gold quotes, a group for each gold entry.

    Raises EvaluationError where the document isn't there or doesn't hold the quote: measuring
    with gold that can't be found would only look like a bad answer.
    """
    groups = []
    for gold in question.gold:
        document = documents.get(gold.document)
        if document is None:
            raise EvaluationError(
                "evaluation_gold_document", id=question.id, document=gold.document
            )
        spans = []
        for quote in gold.quotes:
            span = find_quote(document.text, quote)
            if span is None:
                raise EvaluationError(
                    "evaluation_gold_quote",
                    id=question.id,
                    document=gold.document,
                    quote=shortened(quote, 80),
                )
            spans.append(Evidence(document.id, span))
        groups.append(tuple(spans))
    return tuple(groups)


def needed_share(
    kind: QuestionKind,
    groups: Sequence[Sequence[Evidence]],
    found: Callable[[Evidence], bool],
) -> float:
    """Return how much of what a right answer needs is found.

    For lists, comparisons and practices, the share of all gold quotes; for the others the
    entries are alternatives (the same fact in several documents), so the best entry's share.
    """
    shares = [sum(found(one) for one in group) / len(group) for group in groups if group]
    if not shares:
        return 0.0
    if kind in _NEED_ALL:
        every = [one for group in groups for one in group]
        return sum(found(one) for one in every) / len(every)
    return max(shares)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Measures of the passages found for one question."""

    ndcg: float
    rr: float
    recall: Mapping[int, float]


def retrieval(
    kind: QuestionKind, groups: Sequence[Sequence[Evidence]], passages: Sequence[Evidence]
) -> Retrieval:
    """Score passages, best first: one is relevant when it holds a gold quote not met before.

    "Holds" means the quote's span and the passage's overlap by half of the shorter. Gold
    quotes that one passage holds together count once, so that 1 can be reached.
    """
    gold = {one for group in groups for one in group}
    left = set(gold)
    relevance: list[int] = []
    for passage in passages:
        held = {one for one in left if passage.covers(one)}
        relevance.append(int(bool(held)))
        left -= held
    units = sum(relevance) + len(left)
    best = dcg([1] * units, 10)
    first = next((at for at, relevant in enumerate(relevance[:10], 1) if relevant), None)

    def within(k: int) -> float:
        return needed_share(
            kind, groups, lambda one: any(passage.covers(one) for passage in passages[:k])
        )

    return Retrieval(
        ndcg=dcg(relevance, 10) / best if best else 0.0,
        rr=1 / first if first else 0.0,
        recall={k: within(k) for k in (1, 5, 10, _DEPTH)},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one question got. ``citations`` and below are empty or None for a refusal.

    ``fact`` tells whether the citations hold nearly all (nine tenths) of the characters of
    some gold quote. ``pages`` counts citations that match gold and name a page, and the right
    ones among them.
    """

    question: GoldQuestion
    answered: bool
    retrieval: Retrieval | None
    citations: Counts
    needed: float
    fact: bool
    pages: Counts
    support: float | None
    seconds: float
    first: str = ""
    quoted: int = 0
    """Characters of the citations."""

    @property
    def right_decision(self) -> bool:
        """Answered what is answerable, or refused what isn't."""
        return self.answered == self.question.answerable


PagesOf = Callable[[str, str], frozenset[int] | None]
"""Where a quote of a document (by id) stands by an independent reading; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionsResult:
    """The outcomes of a file of questions."""

    outcomes: tuple[Outcome, ...]
    seconds: float = 0.0
    to_judge: int = 0
    """Questions that weren't measured, because somebody has to judge them first."""

    def to_json(self) -> dict[str, object]:
        """Return the object of the published interface."""
        groups: dict[str, dict[str, object]] = {}
        for name, key in (
            ("by_language", lambda one: one.language),
            ("by_kind", lambda one: one.kind),
            ("by_crossing", lambda one: "other language" if one.cross else "same language"),
        ):
            split: dict[str, list[Outcome]] = {}
            for outcome in self.outcomes:
                split.setdefault(key(outcome.question), []).append(outcome)
            groups[name] = {value: summary(split[value]) for value in sorted(split)}
        return {
            **summary(self.outcomes),
            **groups,
            "seconds": round(self.seconds, 2),
            "to_judge": self.to_judge,
        }

    def tables(self, language: str = "en") -> list[Table]:
        """Return the figures by group and the worst questions."""
        published = self.to_json()
        rows = [_row(heading("all", language), summary(self.outcomes))]
        for name in ("by_language", "by_crossing", "by_kind"):
            group = cast("Mapping[str, Mapping[str, object]]", published[name])
            rows += [_row(value, figures) for value, figures in group.items()]
        worst = sorted(self.outcomes, key=_badness)[:20]
        return [
            Table(
                title=heading("questions", language),
                columns=columns(
                    (
                        "group",
                        "questions",
                        "nDCG@10",
                        "R@10",
                        "citation_precision",
                        "citation_recall",
                        "fact",
                        "page",
                        "refusal_precision",
                        "refusal_recall",
                    ),
                    language,
                ),
                rows=tuple(rows),
                note=note("questions", language),
            ),
            Table(
                title=heading("worst_questions", language),
                columns=columns(
                    ("query", "answerable", "answered", "needed", "nDCG@10", "first"), language
                ),
                rows=tuple(
                    (
                        f"{one.question.id} {shortened(one.question.question)}",
                        one.question.answerable,
                        one.answered,
                        one.needed if one.question.answerable else None,
                        one.retrieval.ndcg if one.retrieval else None,
                        shortened(one.first, 70),
                    )
                    for one in worst
                ),
            ),
        ]

    def table(self, language: str = "en") -> str:
        """Return figures and worst questions as text."""
        return render(self.tables(language))


def _badness(outcome: Outcome) -> tuple[float, float, str]:
    right = float(outcome.right_decision)
    found = outcome.retrieval.ndcg if outcome.retrieval else 1.0
    needed = outcome.needed if outcome.question.answerable else 1.0
    return right + needed, found, outcome.question.id


def _row(name: str, figures: Mapping[str, object]) -> tuple[Cell, ...]:
    parts = {
        key: cast("Mapping[str, float | None]", figures[key])
        for key in ("retrieval", "citation", "refusal")
    }
    return (
        name,
        cast("int", figures["questions"]),
        parts["retrieval"]["nDCG@10"],
        parts["retrieval"]["R@10"],
        parts["citation"]["precision"],
        parts["citation"]["recall"],
        parts["citation"]["fact"],
        parts["citation"]["page_right"],
        parts["refusal"]["precision"],
        parts["refusal"]["recall"],
    )


def summary(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Return the figures of some outcomes; None where nothing defines one.

    Retrieval is over the answerable questions. Citation precision is over the citations given
    to answerable questions; ``precision_strict`` also counts those given to unanswerable
    ones, all of them wrong. Citation recall is over all the answerable questions, a refusal
    finding nothing; ``recall_answered`` leaves the refusals out. ``characters`` is how long a
    citation is on average: longer ones match more easily.
    """
    answerable = [one for one in outcomes if one.question.answerable]
    found = [one.retrieval for one in answerable if one.retrieval is not None]
    given = sum((one.citations for one in answerable), Counts())
    every = sum((one.citations for one in outcomes), Counts())
    pages = sum((one.pages for one in outcomes), Counts())
    refusals = classified(
        [not one.answered for one in outcomes],
        [not one.question.answerable for one in outcomes],
    )
    supported = [one for one in outcomes if one.support is not None]
    return {
        "questions": len(outcomes),
        "answerable": len(answerable),
        "retrieval": {
            "nDCG@10": _mean([one.ndcg for one in found]),
            "MRR@10": _mean([one.rr for one in found]),
            **{f"R@{k}": _mean([one.recall[k] for one in found]) for k in (1, 5, 10, _DEPTH)},
        },
        "citation": {
            "precision": _rounded(given.precision),
            "recall": _mean([one.needed for one in answerable]),
            "precision_strict": _rounded(every.precision),
            "recall_answered": _mean([one.needed for one in answerable if one.answered]),
            "fact": _mean([float(one.fact) for one in answerable]),
            "page_right": _rounded(pages.precision),
            "characters": _rounded(
                sum(one.quoted for one in outcomes) / every.returned if every.returned else None
            ),
        },
        "refusal": {
            "precision": _rounded(refusals.precision),
            "recall": _rounded(refusals.recall),
            "f1": _rounded(refusals.f1),
            "auroc": _rounded(
                auroc(
                    [one.support or 0.0 for one in supported],
                    [one.question.answerable for one in supported],
                )
                if supported
                else None
            ),
        },
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def evaluate_questions(
    product: Product,
    questions: Sequence[GoldQuestion],
    *,
    documents: Iterable[Document],
    pages_of: PagesOf | None = None,
) -> QuestionsResult:
    """Search and ask every question, and compare with its gold.

    ``documents`` are those of the knowledge base. Raises EvaluationError where gold isn't in
    them.
    """
    named = documents_by_name(documents)
    begun = time.perf_counter()
    outcomes = tuple(
        _outcome(product, question, gold_evidence(question, named), pages_of)
        for question in questions
        if not question.judge
    )
    return QuestionsResult(
        outcomes=outcomes,
        seconds=time.perf_counter() - begun,
        to_judge=sum(question.judge for question in questions),
    )


def _outcome(
    product: Product,
    question: GoldQuestion,
    groups: tuple[tuple[Evidence, ...], ...],
    pages_of: PagesOf | None,
) -> Outcome:
    started = time.perf_counter()
    answer = product.ask(question.question, explain=True)
    seconds = time.perf_counter() - started
    citations = list(
        dict.fromkeys(citation for claim in answer.claims for citation in claim.citations)
    )
    cited = [_evidence(citation) for citation in citations]
    gold = [one for group in groups for one in group]
    found: Retrieval | None = None
    if gold:
        hits = product.search(question.question, k=_DEPTH).hits
        found = retrieval(
            question.kind,
            groups,
            [Evidence(hit.document.id, Span(hit.passage.start, hit.passage.end)) for hit in hits],
        )
    return Outcome(
        question=question,
        answered=answer.status is AnswerStatus.ANSWERED,
        retrieval=found,
        citations=evidence_counts(cited, gold),
        needed=needed_share(
            question.kind, groups, lambda one: any(given.covers(one) for given in cited)
        ),
        fact=any(covered_share(one, cited) >= 0.9 for one in gold),
        pages=_pages(citations, question, groups, pages_of) if pages_of else Counts(),
        support=_support(answer),
        seconds=seconds,
        first=answer.claims[0].text if answer.claims else answer.reason,
        quoted=sum(citation.end - citation.start for citation in citations),
    )


def _evidence(citation: Citation) -> Evidence:
    return Evidence(citation.document_id, Span(citation.start, citation.end))


def _pages(
    citations: Sequence[Citation],
    question: GoldQuestion,
    groups: Sequence[Sequence[Evidence]],
    pages_of: PagesOf,
) -> Counts:
    named = right = 0
    for citation in citations:
        for gold, group in zip(question.gold, groups, strict=True):
            for quote, place in zip(gold.quotes, group, strict=True):
                if not citation.locator.pages or not _evidence(citation).covers(place):
                    continue
                pages = pages_of(citation.document_id, quote)
                if pages:
                    named += 1
                    right += bool(pages & set(citation.locator.pages))
    return Counts(returned=named, right=right, expected=named, found=float(right))


def _support(answer: Answer) -> float | None:
    value = (answer.explanation or {}).get("support")
    return float(value) if isinstance(value, int | float) else None
