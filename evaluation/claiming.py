"""How well a language model's claims are told apart: true ones that pass, false ones refused.

No model has a part in it: the claims were written by hand (``claims/claims.toml``), and others
are made from the true ones by rule, by changing a number, denying, or exchanging what stands
for something else.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from evaluation.tables import Table, columns, heading, note
from kb.answering.aligning import Evidence
from kb.answering.checking import ClaimChecker
from kb.answering.facts import facts_of
from kb.model import Language

CLAIMS = Path(__file__).parent / "claims" / "claims.toml"
Split = Literal["dev", "test", "held"]
_DENIALS: dict[Language, tuple[tuple[str, str], ...]] = {
    "fi": ((r"\bon\b", "ei ole"), (r"\boli\b", "ei ollut"), (r"\bomistaa\b", "ei omista")),
    "sv": ((r"\b(är|var|har|kostar|äger)\b", r"\1 inte"),),
    "en": ((r"\b(is|was|are|were|has|had|must)\b", r"\1 not"),),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A claim, what it is checked against, whether it is true, and how it came to be."""

    text: str
    language: Language
    source: Evidence
    true: bool
    kind: str

    @property
    def across(self) -> bool:
        """Whether claim and source are in two languages."""
        return self.language != self.source.language


@dataclass(frozen=True, slots=True)
class ClaimFigures:
    """How many of which claims were judged rightly: ``(true, kind, across) -> (right, all)``."""

    split: str
    counts: dict[tuple[bool, str, bool], tuple[int, int]]

    def to_json(self) -> dict[str, object]:
        """Return plain values."""
        return {
            "split": self.split,
            "claims": [
                {"true": true, "kind": kind, "across": across, "right": right, "all": total}
                for (true, kind, across), (right, total) in sorted(self.counts.items())
            ],
        }

    def share(self, *, true: bool, across: bool | None = None) -> tuple[int, int]:
        """Return how many of the true (passed) or the false ones (refused) were judged rightly."""
        found = [
            count
            for (is_true, _, is_across), count in self.counts.items()
            if is_true is true and across in (None, is_across)
        ]
        return sum(right for right, _ in found), sum(total for _, total in found)

    def tables(self, language: str = "en") -> list[Table]:
        """Return one table for people: a row a kind."""
        rows = []
        for true in (True, False):
            kinds = sorted({kind for is_true, kind, _ in self.counts if is_true is true})
            for kind in kinds:
                one = self.counts.get((true, kind, False), (0, 0))
                other = self.counts.get((true, kind, True), (0, 0))
                name = f"{'+' if true else '–'} {kind}"
                rows.append((name, *(f"{right}/{total}" for right, total in (one, other))))
            sums = [self.share(true=true, across=across) for across in (False, True)]
            name = "+" if true else "–"
            rows.append((f"{name} Σ", *(f"{right}/{total}" for right, total in sums)))
        return [
            Table(
                title=heading("claims", language, split=self.split),
                columns=columns(("claim_kind", "one_language", "two_languages"), language),
                rows=tuple(rows),
                note=note("claims", language),
            )
        ]


def load_claims(split: Split, file: Path = CLAIMS) -> list[Said]:
    """Read the claims of a split, those made by rule included."""
    said: list[Said] = []
    for one in tomllib.loads(file.read_text(encoding="utf-8"))["source"]:
        if one["split"] != split:
            continue
        source = Evidence(one["text"], one["language"])
        said += [Said(text, spoken, source, True, "written") for spoken, text in one["true"]]
        said += [Said(text, spoken, source, False, kind) for spoken, text, kind in one["false"]]
        for spoken, text in one["true"]:
            said += _falsified(text, cast("Language", spoken), source)
        said.append(Said(source.text, source.language, source, True, "copied"))
    return said


def _falsified(text: str, language: Language, source: Evidence) -> Iterator[Said]:
    """Yield claims that rules make of a true one: each number changed, and a denial added."""
    facts = facts_of(text, language)
    held = {value for number in source.facts.numbers for value in number.values}
    for number in facts.numbers:
        written = text[number.span.start : number.span.end]
        if not written.isdigit() or int(written) + 1 in held:
            continue
        changed = f"{text[: number.span.start]}{int(written) + 1}{text[number.span.end :]}"
        yield Said(changed, language, source, False, "rule: number")
    if not facts.denials:
        for pattern, replacement in _DENIALS[language]:
            changed, count = re.subn(pattern, replacement, text, count=1)
            if count:
                yield Said(changed, language, source, False, "rule: negation")
                break


def evaluate_claims(checker: ClaimChecker, said: Sequence[Said], *, split: str) -> ClaimFigures:
    """Check every claim and count which were judged rightly."""
    counts: dict[tuple[bool, str, bool], tuple[int, int]] = {}
    for one in said:
        held = checker.check(one.text, one.language, [one.source]).refusal is None
        key = (one.true, one.kind, one.across)
        right, total = counts.get(key, (0, 0))
        counts[key] = (right + (held is one.true), total + 1)
    return ClaimFigures(split, counts)
