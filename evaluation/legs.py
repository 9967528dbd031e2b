"""Is it better than either of its halves? Search as a whole beside terms alone and vectors alone.

A fusion that loses to one of what it fuses is a fault, whatever its own figure is. The halves
are the product's own: the same analysis, translation, vectors and centring, each ranking by
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation import product
from evaluation.beir import CORE, BeirResult, BeirSet, load, load_core, run
from evaluation.compare import Comparison, Difference, compare
from evaluation.tables import Table, columns, heading, note, render
from ingest.outcomes import Progress
from kb.retrieval import LEGS
from kb.settings import Settings

MEASURE = "nDCG@10"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegsOfSet:
    """A set measured whole and by each leg, and what the whole has over each, by leg."""

    whole: BeirResult
    legs: dict[str, BeirResult]
    differences: dict[str, Difference]

    def to_json(self) -> dict[str, object]:
        """Return the set's means, and the differences with their intervals and p-values."""
        return {
            "set": self.whole.name,
            "queries": len(self.whole.queries),
            "measure": MEASURE,
            "whole": round(self.whole.mean(MEASURE), 4),
            "legs": {
                leg: {
                    "mean": round(result.mean(MEASURE), 4),
                    "difference": round(self.difference(leg)[0], 4),
                    "interval": [round(one, 4) for one in self.difference(leg)[1:]],
                    "p": round(self.p(leg), 5),
                }
                for leg, result in self.legs.items()
            },
        }

    def difference(self, leg: str) -> tuple[float, float, float]:
        """Return whole − leg: its mean, and the ends of its 95 % paired bootstrap interval."""
        interval = self.differences[leg].interval
        return interval.mean, interval.low, interval.high

    def p(self, leg: str) -> float:
        """Return the p-value of the difference, by paired randomisation."""
        return self.differences[leg].p


@dataclass(frozen=True, slots=True, kw_only=True)
class LegsResult:
    """Sets measured so, one after the other; those that aren't there are named."""

    sets: tuple[LegsOfSet, ...]
    absent: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return every set's object."""
        return {"sets": [one.to_json() for one in self.sets], "absent": list(self.absent)}

    def tables(self, language: str = "en") -> list[Table]:
        """Return a row a set and leg."""
        rows = [
            (
                one.whole.name,
                len(one.whole.queries),
                leg,
                one.whole.mean(MEASURE),
                result.mean(MEASURE),
                *one.difference(leg),
                one.p(leg),
            )
            for one in self.sets
            for leg, result in one.legs.items()
        ]
        names = ("set", "queries", "leg", "whole", "alone", "difference", "low", "high", "p")
        return [
            Table(
                title=heading("legs", language, measure=MEASURE),
                columns=columns(names, language),
                rows=tuple(rows),
                note=note("absent", language, names=", ".join(self.absent)) if self.absent else "",
            )
        ]

    def table(self, language: str = "en") -> str:
        """Return the sets as text."""
        return render(self.tables(language))


def evaluate_legs(
    folder: Path,
    *,
    settings: Settings,
    limit: int | None = None,
    seed: int = 0,
    cache: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> LegsResult:
    """Measure a set, or the core sets under a folder of sets, whole and by each leg.

    ``limit`` takes a seeded sample of so many queries of each. Raises EvaluationError for a
    folder that is no set and holds none of the core.
    """
    if (folder / "queries.jsonl").is_file():
        found: list[BeirSet] = [load(folder)]
        absent: tuple[str, ...] = ()
    else:
        loaded = [(core.name, load_core(folder, core, seed=seed)) for core in CORE]
        found = [beir for _, beir in loaded if beir is not None]
        absent = tuple(name for name, beir in loaded if beir is None)
        if not found:
            load(folder)  # says what a set needs
    return LegsResult(
        sets=tuple(
            _measure(beir.sample(limit, seed=seed), settings, seed, cache, progress)
            for beir in found
        ),
        absent=absent,
    )


def _measure(
    beir: BeirSet,
    settings: Settings,
    seed: int,
    cache: Path | None,
    progress: Callable[[Progress], None] | None,
) -> LegsOfSet:
    with product.knowledge_base_over(
        product.cache_name(beir),
        beir.entries,
        language=beir.language,
        settings=settings,
        cache=cache or product.default_cache(),
        progress=progress,
    ) as (kb, entries):
        results: Sequence[BeirResult] = [
            run(
                beir,
                product.searcher(kb, leg=leg),
                system=leg or settings.embedding_model,
                seed=seed,
                entries=entries,
            )
            for leg in (None, *LEGS)
        ]
    whole, *alone = results
    return LegsOfSet(
        whole=whole,
        legs=dict(zip(LEGS, alone, strict=True)),
        differences={
            leg: _difference(compare(whole, result, seed=seed))
            for leg, result in zip(LEGS, alone, strict=True)
        },
    )


def _difference(compared: Comparison) -> Difference:
    return next(one for one in compared.differences if one.measure == MEASURE)
