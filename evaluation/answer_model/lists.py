"""Lists of candidates to train on: a question, statements, and which of them answer it.

``questions.tsv`` has questions about entries of public sets, and of the entries only where the
answering sentences stand; their text comes from the sets' own folders (BEIR layout). What is in
``sections.txt`` and ``clusters.txt`` is our own, text and all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.errors import EvaluationError
from kb.embedding.answer_model import (
    LONGEST_ABOVE,
    LONGEST_BEFORE,
    LONGEST_QUESTION,
    LONGEST_STATEMENT,
)
from kb.embedding.unigram import Unigram
from kb.language import sentence_spans
from kb.model import LANGUAGES, Language, Span
from kb.protocols import STATEMENTS_BEFORE, Embedder

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Key = tuple[str, Language, str]
"""Names an entry: set, language, id."""

QUESTIONS = Path(__file__).resolve().parent / "questions.tsv"
SECTIONS = Path(__file__).resolve().parent / "sections.txt"
CLUSTERS = Path(__file__).resolve().parent / "clusters.txt"

HEADER = ("set", "entry", "language", "answers", "asked_in", "question")
NONE = "-"
"""Stands for the answers where there are none."""

OTHERS = 12
"""Statements of other passages in a list: those whose vectors are nearest to the question's."""

_BLOCK = 256
"""Questions that are compared with all statements at once: 30 MB for 30,000 statements."""

_CELLS = "|"
_CLUSTER = "=== "
_HEADING = re.compile(r"### (\S+) (.+)")
_STATEMENT = re.compile(r"(\d+)\. (.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryQuestion:
    """A line of ``questions.tsv``: answers are spans of the entry's stripped text."""

    set: str
    entry: str
    language: Language
    answers: tuple[Span, ...]
    asked_in: Language
    text: str

    @property
    def key(self) -> Key:
        """What names the entry."""
        return self.set, self.language, self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionQuestion:
    """A question about a section or cluster: the statements that answer it, counted from 0."""

    answers: frozenset[int]
    asked_in: Language
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """Where a text of its own begins: the number of its first statement."""

    language: Language
    title: str
    first: int = 0


def _part_of(parts: Sequence[Part], at: int) -> Part:
    return next(part for part in reversed(parts) if part.first <= at)


@dataclass(frozen=True, slots=True)
class Section:
    """Invented pieces of reports, one or several about like things, with questions about them."""

    cluster: bool
    parts: list[Part] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    questions: list[SectionQuestion] = field(default_factory=list)

    def part(self, at: int) -> Part:
        """Return the part that a statement stands in."""
        return _part_of(self.parts, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What statements stand in: an entry's text, a section, or a cluster of several parts."""

    parts: tuple[Part, ...]
    statements: tuple[str, ...]

    def part(self, at: int) -> Part:
        """Return the part that a statement stands in."""
        return _part_of(self.parts, at)

    def before(self, at: int) -> str:
        """Return what a statement is read with: a row's header, else the statements before.

        The header of a table is the first of the rows around, which have cells.
        """
        begins = first = self.part(at).first
        if _CELLS in self.statements[at]:
            first = at
            while first > begins and _CELLS in self.statements[first - 1]:
                first -= 1
            if first < at:
                return self.statements[first]
        return " ".join(self.statements[max(begins, at - STATEMENTS_BEFORE) : at])


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, the number of its passage, and the statements there that answer it."""

    passage: int
    answers: frozenset[int]
    asked_in: Language
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """A question with n statements as tokens: first the ``own`` ones of its passage, in order.

    ``before`` is what stands before each, ``above`` the title that it stands under; ``right`` says
    which answer, shape (n,); ``cosines`` are those of centred vectors, shape (n,). ``crossing``
    says that the question is in another language than what answers it, or than all of its passage.
    """

    passage: int
    crossing: bool
    own: int
    question: Sequence[int]
    statements: tuple[Sequence[int], ...]
    before: tuple[Sequence[int], ...]
    above: tuple[Sequence[int], ...]
    right: Flags
    cosines: Floats

    @property
    def answered(self) -> bool:
        """Whether the passage answers."""
        return bool(self.right.any())


def read_questions(path: Path = QUESTIONS) -> list[EntryQuestion]:
    """Read the questions about entries; raises ValueError with the number of a faulty line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if tuple(lines[0].split("\t")) != HEADER:
        raise ValueError(f"{path} doesn't begin with {HEADER}")
    found = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            name, entry, language, answers, asked_in, text = line.split("\t")
            found.append(
                EntryQuestion(
                    set=name,
                    entry=entry,
                    language=_language(language),
                    answers=() if answers == NONE else tuple(map(_span, answers.split(";"))),
                    asked_in=_language(asked_in),
                    text=text,
                )
            )
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    return found


def read_sections(path: Path = SECTIONS) -> list[Section]:
    """Read sections or clusters; raises ValueError with the number of a faulty line.

    A section is a heading (``### language title``), its statements (``1. …``) and questions
    (``Q``, numbers of statements or 0, language and text, with tabs). A cluster begins with its
    name (``=== name``); then come several headings with their statements, numbered through, and
    the questions about all of them.
    """
    sections: list[Section] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("# "):
            continue
        try:
            _read_line(line, sections)
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    return sections


def _read_line(line: str, sections: list[Section]) -> None:
    """Add a line to the last section, or begin another one."""
    if line.startswith(_CLUSTER):
        sections.append(Section(cluster=True))
    elif heading := _HEADING.fullmatch(line):
        if not sections or not sections[-1].cluster or sections[-1].questions:
            sections.append(Section(cluster=False))
        first = len(sections[-1].statements)
        sections[-1].parts.append(Part(_language(heading[1]), heading[2], first))
    elif line.startswith("Q\t"):
        sections[-1].questions.append(_section_question(line, sections[-1]))
    elif statement := _STATEMENT.fullmatch(line):
        if int(statement[1]) != len(sections[-1].statements) + 1 or not sections[-1].parts:
            raise ValueError("statements aren't in order")
        sections[-1].statements.append(statement[2])
    else:
        raise ValueError("neither heading nor statement nor question")


def _section_question(line: str, section: Section) -> SectionQuestion:
    _, numbers, language, text = line.split("\t")
    answers = {int(number) for number in numbers.split(",")}
    if answers == {0}:
        answers = set()
    if not answers <= set(range(1, len(section.statements) + 1)):
        raise ValueError(f"there is no such statement: {numbers}")
    return SectionQuestion(
        answers=frozenset(number - 1 for number in answers),
        asked_in=_language(language),
        text=text,
    )


def _language(name: str) -> Language:
    for language in LANGUAGES:
        if language == name:
            return language
    raise ValueError(f"not a language: {name}")


def _span(text: str) -> Span:
    start, end = text.split("-")
    return Span(int(start), int(end))


def gather(
    sets: Path,
    questions: Sequence[EntryQuestion] | None = None,
    *,
    sections: Sequence[Section] | None = None,
) -> tuple[list[Passage], list[Question]]:
    """Return the passages and all questions about them, by default those that ship.

    Entries are read from ``<sets>/<set>/corpus.<language>.jsonl``; raises EvaluationError where
    a corpus isn't there, ValueError where an entry isn't in it.
    """
    questions = read_questions() if questions is None else questions
    if sections is None:
        sections = read_sections() + read_sections(CLUSTERS)
    passages: list[Passage] = []
    asked: list[Question] = []
    texts = entry_texts(sets, questions)
    numbers = {key: number for number, key in enumerate(texts)}
    spans = [sentence_spans(text, language) for (_, language, _), (_, text) in texts.items()]
    for (_, language, _), (title, text), own in zip(texts, texts.values(), spans, strict=True):
        statements = tuple(text[span.start : span.end] for span in own)
        passages.append(Passage(parts=(Part(language, title),), statements=statements))
    for entry_question in questions:
        number = numbers[entry_question.key]
        asked.append(
            Question(
                passage=number,
                answers=frozenset(_overlapped(spans[number], entry_question.answers)),
                asked_in=entry_question.asked_in,
                text=entry_question.text,
            )
        )
    for section in sections:
        asked += [
            Question(
                passage=len(passages), answers=one.answers, asked_in=one.asked_in, text=one.text
            )
            for one in section.questions
        ]
        passages.append(Passage(parts=tuple(section.parts), statements=tuple(section.statements)))
    return passages, asked


def entry_texts(sets: Path, questions: Sequence[EntryQuestion]) -> dict[Key, tuple[str, str]]:
    """Return title and text, without outer space, of the entries that are asked about.

    Raises EvaluationError where a corpus isn't there, ValueError where an entry isn't in it.
    """
    wanted = dict.fromkeys(one.key for one in questions)
    found: dict[Key, tuple[str, str]] = {}
    for name, language in dict.fromkeys(key[:2] for key in wanted):
        for entry, title, text in _entries(sets / name / f"corpus.{language}.jsonl"):
            if (name, language, entry) in wanted:
                found[name, language, entry] = title, text
    if missing := [key for key in wanted if key not in found]:
        raise ValueError(f"{sets} hasn't the entry {missing[0]}")
    return {key: found[key] for key in wanted}


def _entries(path: Path) -> Iterator[tuple[str, str, str]]:
    if not path.is_file():
        raise EvaluationError("evaluation_missing", path=path)
    with path.open(encoding="utf-8-sig") as lines:
        for line in lines:
            record = json.loads(line)
            title = record.get("title") or ""
            yield str(record["_id"]), title.strip(), record["text"].strip()


def _overlapped(sentences: Sequence[Span], answers: Sequence[Span]) -> Iterator[int]:
    """Yield which sentences are answers.

    They are the same spans as long as sentences are parted as they were when the questions were
    written. Half of the shorter one is enough, so that another rule of parting spoils nothing.
    """
    for at, sentence in enumerate(sentences):
        if any(2 * sentence.overlap(one) >= min(len(sentence), len(one)) for one in answers):
            yield at


def make_lists(
    passages: Sequence[Passage],
    questions: Sequence[Question],
    *,
    embedder: Embedder,
    tokenizer: Unigram,
) -> list[Candidates]:
    """Return each question with the statements of its passage and the nearest of others.

    The nearest are what search would find beside the right ones: like the question, and wrong.
    Vectors are centred (questions on their mean, statements on theirs), as the product does it.
    """
    statements = [text for passage in passages for text in passage.statements]
    sizes = [len(one.statements) for one in passages]
    owners = np.repeat(np.arange(len(passages)), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).tolist()
    tokens = [tokenizer.content(text, LONGEST_STATEMENT) for text in statements]
    before = [
        tokenizer.content(passage.before(at))[-LONGEST_BEFORE:]
        for passage in passages
        for at in range(len(passage.statements))
    ]
    above = [
        tokenizer.content(passage.part(at).title, LONGEST_ABOVE)
        for passage in passages
        for at in range(len(passage.statements))
    ]
    vectors = _centred(embedder.embed_passages(statements))
    asked = _centred(embedder.embed_queries([one.text for one in questions]))

    def candidates(one: Question, cosines: Floats) -> Candidates:
        first, own = starts[one.passage], sizes[one.passage]
        told_in = {passages[one.passage].part(at).language for at in one.answers or range(own)}
        rivals = np.where(owners == one.passage, -np.inf, cosines)
        members = [*range(first, first + own), *_greatest(rivals, len(statements) - own)]
        right = np.zeros(len(members), dtype=bool)
        right[sorted(one.answers)] = True
        return Candidates(
            passage=one.passage,
            crossing=one.asked_in not in told_in,
            own=own,
            question=tokenizer.content(one.text, LONGEST_QUESTION),
            statements=tuple(tokens[at] for at in members),
            before=tuple(before[at] for at in members),
            above=tuple(above[at] for at in members),
            right=right,
            cosines=cosines[members],
        )

    made: list[Candidates] = []
    for start in range(0, len(questions), _BLOCK):
        rows = asked[start : start + _BLOCK] @ vectors.T
        made += map(candidates, questions[start : start + _BLOCK], rows)
    return made


def _greatest(values: npt.NDArray[np.floating], available: int) -> list[int]:
    """Return where the greatest values are, at most ``OTHERS`` of those available."""
    count = min(OTHERS, available)
    if not count:
        return []
    found = np.argpartition(-values, count - 1)[:count]
    order: list[int] = found[np.argsort(-values[found], kind="stable")].tolist()
    return order


def _centred(vectors: Floats) -> Floats:
    moved = vectors - vectors.mean(axis=0)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    # One text alone is its own mean.
    return np.asarray(moved / np.maximum(lengths, 1e-9), dtype=np.float32)


def held_out(lists: Sequence[Candidates], count: int, *, seed: int) -> frozenset[int]:
    """Draw passages whose questions are kept for measuring."""
    passages = sorted({one.passage for one in lists})
    drawn = np.random.default_rng(seed).permutation(len(passages))[:count]
    return frozenset(passages[at] for at in drawn.tolist())
