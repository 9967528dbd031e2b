"""Are the questions fit to measure with: gold verbatim, on topic, all different, in balance.

What a figure can't show by itself is checked here: a gold quote that isn't in its document, a
question copied from the text it is about, an unanswerable question that gives itself away by
being about something else, the same question twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from evaluation.questions import KINDS, GoldQuestion
from evaluation.quotes import stands_in
from evaluation.reading import Read, words
from evaluation.tables import Table, columns, heading, note, render, shortened
from kb.analysis.engines import analyzer, is_function_word
from kb.errors import UnreadableDocument
from kb.language import detect, language_of
from kb.messages import message
from kb.model import Language
from kb.themes import themes

# A question shares fewer words in a row with its gold document than this.
COPIED_RUN = 6
# Two questions of one language are the same above either.
SAME_WORDS = 0.8
SAME_GRAMS = 0.85
# An unanswerable question is on topic when this share of its content words is in the corpus.
ON_TOPIC = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The least of everything, in questions or as a share of them."""

    questions: int = 150
    languages: Mapping[str, int]
    kind: int = 6
    theme: int = 6
    cross: float = 1 / 3
    unanswerable: float = 1 / 5


REQUIRED = Balance(languages={"fi": 80, "en": 40, "sv": 30})


@dataclass(frozen=True, slots=True)
class CorpusText:
    """A document that questions are about."""

    name: str
    text: str
    language: Language


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a question; an empty ``id`` means the questions together.

    ``code`` is the last part of a key of the message catalogue, ``evaluation.problem.<code>``.
    """

    id: str
    code: str
    params: tuple[tuple[str, str], ...] = ()

    def text(self, language: str = "en") -> str:
        """Return what is wrong in a language."""
        return message(f"evaluation.problem.{self.code}", language, **dict(self.params))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The problems found and the make-up of the questions."""

    questions: int
    problems: tuple[Problem, ...]
    counts: Mapping[str, Mapping[str, int]]

    @property
    def exit_status(self) -> int:
        """0 when there is no problem, else 1."""
        return int(bool(self.problems))

    def to_json(self, language: str = "en") -> dict[str, object]:
        """Return everything as plain values."""
        return {
            "questions": self.questions,
            "problems": [
                {"id": one.id, "code": one.code, "text": one.text(language)}
                for one in self.problems
            ],
            "counts": {name: dict(counts) for name, counts in self.counts.items()},
        }

    def tables(self, language: str = "en") -> list[Table]:
        """Return the make-up, then every problem with its question."""
        made_up = tuple(
            (name, value, count)
            for name, counts in self.counts.items()
            for value, count in sorted(counts.items())
        )
        return [
            Table(
                title=heading("made_up", language, questions=self.questions),
                columns=columns(("group", "value", "questions"), language),
                rows=made_up,
            ),
            Table(
                title=heading("problems", language),
                columns=columns(("query", "problem"), language),
                rows=tuple((one.id or "–", one.text(language)) for one in self.problems),
                note="" if self.problems else note("no_problems", language),
            ),
        ]

    def table(self, language: str = "en") -> str:
        """Return the tables as text."""
        return render(self.tables(language))


def load_corpus(folder: Path, *, read: Read, extensions: Iterable[str]) -> list[CorpusText]:
    """Read the documents of a folder; what can't be read isn't there for the questions."""
    wanted = frozenset(extensions)
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix.lstrip(".").casefold() not in wanted:
            continue
        try:
            text = read(path).text
        except UnreadableDocument:
            continue
        found.append(CorpusText(path.name, text, language_of(text, "fi")))
    return found


def check_questions(
    questions: Sequence[GoldQuestion],
    corpus: Sequence[CorpusText],
    *,
    balance: Balance | None = REQUIRED,
) -> CheckResult:
    """Check questions against the documents they are about; no balance: each by itself only."""
    named = {document.name: document for document in corpus}
    problems: list[Problem] = []
    known = {language: _lemmas(corpus, language) for language in {q.language for q in questions}}
    for question in questions:
        problems += _gold_problems(question, named)
        problems += _copied(question, named)
        problems += _language_problems(question, named)
        problems += _theme_problems(question)
        if not question.answerable:
            problems += _off_topic(question, known[question.language])
    problems += duplicates(questions)
    if balance is not None:
        problems += _imbalance(questions, balance)
    return CheckResult(
        questions=len(questions), problems=tuple(problems), counts=_counts(questions)
    )


def _problem(question: GoldQuestion | None, code: str, **params: object) -> Problem:
    values = tuple((name, str(value)) for name, value in params.items())
    return Problem(question.id if question else "", code, values)


def _gold_problems(question: GoldQuestion, named: Mapping[str, CorpusText]) -> list[Problem]:
    problems = []
    for gold in question.gold:
        document = named.get(gold.document)
        if document is None:
            problems.append(_problem(question, "document", document=gold.document))
            continue
        problems += [
            _problem(question, "quote", document=gold.document, quote=shortened(quote, 80))
            for quote in gold.quotes
            if not stands_in(document.text, quote)
        ]
    return problems


def _copied(question: GoldQuestion, named: Mapping[str, CorpusText]) -> list[Problem]:
    longest: tuple[str, ...] = ()
    for gold in question.gold:
        if gold.document in named:
            run = longest_common_run(words(question.question), words(named[gold.document].text))
            longest = max(longest, run, key=len)
    if len(longest) < COPIED_RUN:
        return []
    return [_problem(question, "copied", run=" ".join(longest), length=len(longest))]


def longest_common_run(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Return the longest run of words that stands in both (dynamic programming, by rows)."""
    best, end = 0, 0
    places: dict[str, list[int]] = {}
    for at, word in enumerate(second):
        places.setdefault(word, []).append(at)
    before: dict[int, int] = {}
    for at, word in enumerate(first):
        now = {place: before.get(place - 1, 0) + 1 for place in places.get(word, ())}
        for length in now.values():
            if length > best:
                best, end = length, at + 1
        before = now
    return tuple(first[end - best : end])


def _language_problems(question: GoldQuestion, named: Mapping[str, CorpusText]) -> list[Problem]:
    problems = []
    detected = detect(question.question)
    if detected is not None and detected != question.language:
        problems.append(
            _problem(question, "language", language=question.language, detected=detected)
        )
    languages = {named[gold.document].language for gold in question.gold if gold.document in named}
    if languages and question.cross != (question.language not in languages):
        code = "cross" if question.cross else "not_cross"
        problems.append(_problem(question, code, languages=", ".join(sorted(languages))))
    return problems


def _theme_problems(question: GoldQuestion) -> list[Problem]:
    unknown = sorted(set(question.themes) - {theme.id for theme in themes()})
    if not question.themes:
        return [_problem(question, "no_theme")]
    return [_problem(question, "theme", theme=theme) for theme in unknown]


def content_lemmas(text: str, language: Language) -> list[frozenset[str]]:
    """Return the dictionary forms (or else the surface) of each word that isn't a function word."""
    found = []
    for token in analyzer(language).tokens(text):
        if is_function_word(token, language):
            continue
        lemmas = {term.text for term in token.terms if term.kind in {"lemma", "number"}}
        found.append(frozenset(lemmas or {term.text for term in token.terms}))
    return found


def _lemmas(corpus: Sequence[CorpusText], language: Language) -> frozenset[str]:
    own = [document for document in corpus if document.language == language] or corpus
    terms: set[str] = set()
    for document in own:
        for token in analyzer(language).tokens(document.text):
            terms.update(term.text for term in token.terms)
    return frozenset(terms)


def _off_topic(question: GoldQuestion, known: frozenset[str]) -> list[Problem]:
    content = content_lemmas(question.question, question.language)
    if not content:
        return []
    unknown = [lemmas for lemmas in content if not lemmas & known]
    share = 1 - len(unknown) / len(content)
    if share >= ON_TOPIC:
        return []
    listed = ", ".join(min(lemmas) for lemmas in unknown)
    return [_problem(question, "off_topic", share=f"{share:.2f}", words=listed)]


def duplicates(questions: Sequence[GoldQuestion]) -> list[Problem]:
    """Return pairs of one language that have nearly the same words or character 4-grams."""
    bags = {question.id: frozenset(words(question.question)) for question in questions}
    grams = {question.id: _grams(question.question) for question in questions}
    problems = []
    for first, second in combinations(questions, 2):
        if first.language != second.language:
            continue
        same_words = _jaccard(bags[first.id], bags[second.id])
        same_grams = _dice(grams[first.id], grams[second.id])
        if same_words >= SAME_WORDS or same_grams >= SAME_GRAMS:
            problems.append(
                _problem(second, "duplicate", other=first.id, text=shortened(first.question, 80))
            )
    return problems


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    together = len(first | second)
    return len(first & second) / together if together else 1.0


def _dice(first: Counter[str], second: Counter[str]) -> float:
    together = first.total() + second.total()
    return 2 * (first & second).total() / together if together else 1.0


def _grams(text: str) -> Counter[str]:
    plain = " ".join(words(text))
    return Counter(plain[at : at + 4] for at in range(len(plain) - 3))


def _counts(questions: Sequence[GoldQuestion]) -> dict[str, dict[str, int]]:
    return {
        "language": dict(Counter(question.language for question in questions)),
        "kind": dict(Counter(question.kind for question in questions)),
        "theme": dict(Counter(theme for question in questions for theme in question.themes)),
        "answerable": dict(
            Counter("yes" if question.answerable else "no" for question in questions)
        ),
        "cross": dict(Counter("yes" if question.cross else "no" for question in questions)),
    }


def _imbalance(questions: Sequence[GoldQuestion], balance: Balance) -> list[Problem]:
    counts = _counts(questions)
    wanted: list[tuple[str, int, float]] = [("questions", len(questions), balance.questions)]
    wanted += [
        (f"language {language}", counts["language"].get(language, 0), least)
        for language, least in balance.languages.items()
    ]
    wanted += [(f"kind {kind}", counts["kind"].get(kind, 0), balance.kind) for kind in KINDS]
    wanted += [
        (f"theme {theme.id}", counts["theme"].get(theme.id, 0), balance.theme) for theme in themes()
    ]
    total = len(questions)
    wanted.append(("cross", counts["cross"].get("yes", 0), balance.cross * total))
    unanswerable = counts["answerable"].get("no", 0)
    wanted.append(("unanswerable", unanswerable, balance.unanswerable * total))
    return [
        _problem(None, "too_few", what=what, count=count, least=f"{least:.0f}")
        for what, count, least in wanted
        if count < least - 1e-9
    ]
