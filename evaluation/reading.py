"""How much of a file's text, headings and tables the readers bring in.

Truth is Markdown: a folder with ``<format>__groundtruth__<file>.md`` beside one with
``<format>__sources__<file>``, our own ``<file>.gold.md`` beside ``<file>``, or the source that
a document was made from, whose front matter names it (``file: report.pdf``), as our samples do.
"""

from __future__ import annotations

import importlib.util
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.independent import plain_markdown
from evaluation.tables import Table, columns, heading, note, render, shortened
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import BlockKind

Read = Callable[[Path], Reading]

_WORD = re.compile(r"\w+")
_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.+?)\s*#*\s*$", re.MULTILINE)
_TABLE_ROW = re.compile(r"^\s*\|(.+)\|\s*$", re.MULTILINE)
_TABLE_RULE = re.compile(r"[\s:|-]*")
_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)
_FILE = re.compile(r"^file:\s*(\S+)\s*$", re.MULTILINE)
_NOTE_MARK = re.compile(r"\[\^(\w+)\](?!:)")
_NOTE = re.compile(r"^\[\^(\w+)\]:", re.MULTILINE)
_ITEM_NUMBER = re.compile(r"^(\s*\d+)[.)]\s", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScore:
    """What a reader brought in of one file; shares of the truth, None where it has none.

    ``words``, ``fives`` and ``tens`` are recall of words, and of runs of five and ten words
    outside tables, each as often as it stands in the truth. ``headings``: those that are
    headings in the reading too. ``rows``: table rows whose words stand in one row of a table.
    ``extra`` is the share of the reading's words that the truth doesn't have. ``plain`` and
    ``markitdown`` are recall of runs of five of pypdf's plain text and of markitdown.
    """

    name: str
    words: float | None
    fives: float | None
    tens: float | None
    headings: float | None
    rows: float | None
    extra: float | None
    seconds: float
    plain: float | None = None
    markitdown: float | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingResult:
    """Scores by file, worst first, and the truths whose file isn't there."""

    files: tuple[FileScore, ...]
    without_file: tuple[str, ...] = ()

    def mean(self, name: str) -> float | None:
        """Return the mean of a column over the files that have it."""
        found = [value for one in self.files if (value := getattr(one, name)) is not None]
        return sum(found) / len(found) if found else None

    def to_json(self) -> dict[str, object]:
        """Return means and every file."""
        names = ("words", "fives", "tens", "headings", "rows", "extra", "plain", "markitdown")
        return {
            "files": len(self.files),
            "without_file": list(self.without_file),
            "mean": {name: self.mean(name) for name in names},
            "by_file": [
                {"name": one.name, "failure": one.failure}
                | {name: getattr(one, name) for name in (*names, "seconds")}
                for one in self.files
            ],
        }

    def tables(self, language: str = "en") -> list[Table]:
        """Return one table, means first, then files from the worst on."""
        names = ("words", "fives", "tens", "headings", "rows", "extra", "plain", "markitdown")
        shown = [name for name in names if name != "markitdown" or self.mean(name) is not None]
        mean_row = (
            heading("mean", language),
            *(self.mean(name) for name in shown),
            sum(one.seconds for one in self.files),
            "",
        )
        rows = [
            (
                shortened(one.name, 50),
                *(getattr(one, name) for name in shown),
                one.seconds,
                one.failure,
            )
            for one in self.files
        ]
        return [
            Table(
                title=heading("reading", language),
                columns=columns(("file", *shown, "seconds", "failure"), language),
                rows=(mean_row, *rows),
                note=note("reading", language, missing=len(self.without_file)),
            )
        ]

    def table(self, language: str = "en") -> str:
        """Return the table as text."""
        return render(self.tables(language))


def words(text: str) -> list[str]:
    """Return the words of a text, compared without case, accents composed (NFKC)."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold().replace("_", " "))


def runs(found: Sequence[str], length: int) -> Counter[tuple[str, ...]]:
    """Count every run of so many words."""
    return Counter(tuple(found[at : at + length]) for at in range(len(found) - length + 1))


def run_recall(truth: Sequence[Sequence[str]], reading: Sequence[str], length: int) -> float | None:
    """Return the share of the truth's runs that the reading has, counted with repeats.

    The truth comes in pieces; no run goes from one to the next.
    """
    wanted: Counter[tuple[str, ...]] = Counter()
    for piece in truth:
        wanted += runs(piece, length)
    total = wanted.total()
    return (wanted & runs(reading, length)).total() / total if total else None


def prose(markdown: str) -> list[list[str]]:
    """Return the words between tables and footnotes, piece by piece.

    How the cells of a table follow each other is a matter of style, so runs of words leave
    tables out: their words count by themselves and row by row. Each footnote is a piece, since
    it may stand at the end of the text or at the foot of any page.
    """
    pieces: list[list[str]] = [[]]
    for line in markdown.splitlines(keepends=True):
        if _TABLE_ROW.match(line):
            pieces.append([])
        elif _NOTE.match(line):
            pieces.append([line])
        else:
            pieces[-1].append(line)
    return [found for piece in pieces if (found := words(plain_markdown("".join(piece))))]


def truth_headings(markdown: str) -> list[str]:
    """Return the headings of Markdown, without marks; the number of one isn't that of an item."""
    return [plain_markdown(found[2], numbers=True).strip() for found in _HEADING.finditer(markdown)]


def truth_rows(markdown: str) -> list[Counter[str]]:
    """Return the words of every table row that has any, rules between rows left out."""
    rows = [
        Counter(words(plain_markdown(found[1].replace("|", " "))))
        for found in _TABLE_ROW.finditer(markdown)
        if not _TABLE_RULE.fullmatch(found[1])
    ]
    return [row for row in rows if row]


def printed(source: str) -> str:
    """Return a document's source as it is printed: numbers of items and notes are words there."""
    body = _FRONT_MATTER.sub("", source, count=1)
    body = _NOTE.sub(r"\n[^\1]: \1 ", _NOTE_MARK.sub(r" \1 ", body))
    return _ITEM_NUMBER.sub(r"\1 ", body)


def score_reading(name: str, markdown: str, reading: Reading, *, seconds: float = 0.0) -> FileScore:
    """Compare a reading with the truth."""
    expected, got = words(plain_markdown(markdown)), words(reading.text)
    pieces = prose(markdown)
    texts = [(block.kind, reading.text[block.start : block.end]) for block in reading.blocks]
    read_headings = Counter(tuple(words(text)) for kind, text in texts if kind is BlockKind.HEADING)
    wanted = Counter(tuple(found) for one in truth_headings(markdown) if (found := words(one)))
    rows = truth_rows(markdown)
    read_rows = [Counter(words(text)) for kind, text in texts if kind is BlockKind.TABLE_ROW]
    known = Counter(expected)
    return FileScore(
        name=name,
        words=run_recall([expected], got, 1),
        fives=run_recall(pieces, got, 5),
        tens=run_recall(pieces, got, 10),
        headings=(wanted & read_headings).total() / wanted.total() if wanted else None,
        rows=sum(any(row <= read for read in read_rows) for row in rows) / len(rows)
        if rows
        else None,
        extra=(Counter(got) - known).total() / len(got) if got else None,
        seconds=seconds,
    )


def pairs(folder: Path) -> Iterator[tuple[Path, Path | None]]:
    """Yield each truth under a folder and its file (None where that isn't there)."""
    for truth in sorted(folder.rglob("*__groundtruth__*.md")):
        form, _, name = truth.name.removesuffix(".md").partition("__groundtruth__")
        yield truth, _source(folder, f"{form}__sources__{name}")
    for truth in sorted(folder.rglob("*.gold.md")):
        file = truth.with_name(truth.name.removesuffix(".gold.md"))
        yield truth, file if file.is_file() else None
    for truth in sorted(folder.rglob("*.md")):
        head = _FRONT_MATTER.match(truth.read_text(encoding="utf-8", errors="replace"))
        named = _FILE.search(head[1]) if head else None
        if named:
            yield truth, _source(folder, named[1])


def _source(folder: Path, name: str) -> Path | None:
    found = sorted(path for path in folder.rglob(name) if path.is_file())
    if not found and "." not in name.rpartition("__")[2]:
        found = sorted(path for path in folder.rglob(f"{name}.*") if path.is_file())
    return found[0] if found else None


def evaluate_reading(folder: Path, *, read: Read, baselines: bool = True) -> ReadingResult:
    """Read every file under a folder that has a truth, and compare; worst files come first.

    ``read`` is the product's reader. A file that it rejects counts as nothing read, with the
    reason. Raises EvaluationError where there is no truth at all.
    """
    scores: list[FileScore] = []
    missing: list[str] = []
    for truth, file in pairs(folder):
        if file is None:
            missing.append(truth.name)
            continue
        scores.append(_scored(truth, file, read=read, baselines=baselines))
    if not scores:
        raise EvaluationError("evaluation_no_truth", path=folder)
    scores.sort(
        key=lambda one: (one.fives if one.fives is not None else one.words or 0.0, one.name)
    )
    return ReadingResult(files=tuple(scores), without_file=tuple(missing))


def _scored(truth: Path, file: Path, *, read: Read, baselines: bool) -> FileScore:
    markdown = truth.read_text(encoding="utf-8")
    if _FRONT_MATTER.match(markdown):
        markdown = printed(markdown)
    begun = time.perf_counter()
    try:
        reading = read(file)
    except UnreadableDocument as error:
        reading, failure = Reading(text="", blocks=()), error.code
    else:
        failure = ""
    score = score_reading(file.name, markdown, reading, seconds=time.perf_counter() - begun)
    expected = prose(markdown)
    plain = markitdown = None
    if baselines and file.suffix.casefold() == ".pdf":
        plain = run_recall(expected, words(_pypdf(file)), 5)
    if baselines and importlib.util.find_spec("markitdown"):
        markitdown = run_recall(expected, words(plain_markdown(_markitdown(file))), 5)
    return FileScore(
        name=score.name,
        words=score.words,
        fives=score.fives,
        tens=score.tens,
        headings=score.headings,
        rows=score.rows,
        extra=score.extra,
        seconds=score.seconds,
        plain=plain,
        markitdown=markitdown,
        failure=failure,
    )


def _pypdf(path: Path) -> str:
    from pypdf import PdfReader  # heavy: only where a PDF is compared

    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def _markitdown(path: Path) -> str:
    module = importlib.import_module("markitdown")
    try:
        return str(module.MarkItDown().convert(str(path)).text_content)
    except Exception:  # whatever another program's reader raises, it read nothing
        return ""
