"""Fit what says which statement answers and whether any does: ``kb/answering/support.toml``.

``python -m evaluation.calibrate_support [--sets FOLDER] [--write]`` over a knowledge base of the
sample documents. Statements are learned from our questions, whose gold quotes say which ones
answer: ``dev.jsonl`` and ``tune.jsonl``. Whether a question is answered is learned from them, from
the same questions without the passages that hold their gold, and from test sets of the BEIR layout
with and without the relevant entries. Prints what each set gets from the others alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from evaluation import product
from evaluation.beir import BeirSet, CoreSet, load_core
from evaluation.fitting import Flags, Floats, Linear, listwise, logistic
from evaluation.leave_out import AbstentionResult, abstention
from evaluation.metrics import Evidence
from evaluation.questions import (
    GoldQuestion,
    documents_by_name,
    gold_evidence,
    load_questions,
)
from kb.answering import support
from kb.answering.asking import kind_of
from kb.answering.extractive import Material
from kb.answering.support import ANSWER_FEATURES, READ_FEATURES, UNIT_FEATURES, Asked, Scored
from kb.answering.units import Unit, units_of
from kb.assembly import open_knowledge_base
from kb.embedding import open_answer_model
from kb.knowledge_base import ANSWER_HITS, KnowledgeBase
from kb.model import Span
from kb.protocols import AnswerReader
from kb.settings import Settings, load_settings

QUESTIONS = Path(__file__).resolve().parent / "questions"

SETS: tuple[CoreSet, ...] = (
    CoreSet("nq_fi_a/fi-fi", 300, 1000),
    CoreSet("finna_a/kw_fi-fi", 200, 500),
    CoreSet("finna_a/kw_en-fi", 200, 500),
    CoreSet("squad2_fi_dev/fi-fi"),
)
_ASKED = 200
"""Questions of a set that are asked, drawn."""

_MORE = 3
"""Times as many passages as an answer looks at are found, to take the relevant ones away."""

_PENALTY_UNIT = 0.02
_PENALTY_ANSWER = 0.003
_FOLDS = 5
_LEAST = 0.02
_WRITTEN = 8.0
"""What questions that people wrote to be on topic and unanswerable count: such are met in use."""

_REFUSED = 0.08
"""Share of our answerable questions that may be refused: the threshold lies there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A question with some material: which units answer, and whether it is answered at all.

    ``written`` says that a person wrote the question for this material, answerable or not;
    otherwise it is unanswerable only because what answers was taken away.
    """

    set: str
    group: str
    written: bool
    answered: bool
    question: Asked
    material: Material
    units: Sequence[Unit]
    scored: Scored
    right: Flags
    read: Floats = field(default_factory=lambda: np.empty(0))
    """Log-odds by the model that reads, shape (units,), NaN for units that weren't read."""

    @property
    def read_right(self) -> Flags:
        """Which of the units that were read answer."""
        return self.right[~np.isnan(self.read)]


def _sample(
    material: Material,
    *,
    name: str,
    group: str,
    written: bool,
    answered: bool,
    gold: Sequence[Evidence] = (),
) -> Sample | None:
    query = material.ranking.query
    units = units_of(material.hits, material.rows, material.ranking.sentences)
    if not units:
        return None
    question = support.asked(
        kind_of(query.text, query.language), query.text, query.words, material.rarities
    )
    return Sample(
        set=name,
        group=group,
        written=written,
        answered=answered,
        question=question,
        material=material,
        units=units,
        scored=support.unit_features(question, material.ranking, units),
        right=np.array(
            [
                any(Evidence(unit.hit.document.id, unit.core).covers(one) for one in gold)
                for unit in units
            ],
            dtype=bool,
        ),
    )


def without(material: Material, rows: frozenset[int], *, k: int = ANSWER_HITS) -> Material:
    """Return the material as it would be found if the passages of some rows weren't there."""
    kept = [at for at, row in enumerate(material.rows) if row not in rows][:k]
    ranking = material.ranking
    places = {row: at for at, row in enumerate(ranking.rows.tolist())}
    at = np.array([places[material.rows[one]] for one in kept], dtype=np.int64)
    left = set(ranking.rows[at].tolist())
    return replace(
        material,
        ranking=replace(
            ranking,
            rows=ranking.rows[at],
            scores=ranking.scores[at],
            dense=ranking.dense[at],
            lexical=ranking.lexical[at],
            coverage=ranking.coverage[at],
            sentences=tuple(one for one in ranking.sentences if one.row in left),
        ),
        hits=tuple(material.hits[one] for one in kept),
        rows=tuple(material.rows[one] for one in kept),
    )


def samples_of_questions(
    kb: KnowledgeBase, asked: Sequence[GoldQuestion], *, name: str
) -> Iterator[Sample]:
    """Yield our questions as they are, and the answerable ones without what answers them."""
    documents = documents_by_name(kb.document(row.id) for row in kb.documents())
    for one in asked:
        if one.judge:
            continue
        gold = [place for group in gold_evidence(one, documents) for place in group]
        whole = kb.material(one.question, k=_MORE * ANSWER_HITS)
        answering = frozenset(
            row
            for row, hit in zip(whole.rows, whole.hits, strict=True)
            if any(
                place.document == hit.document.id
                and place.span.overlap(Span(hit.passage.start, hit.passage.end))
                for place in gold
            )
        )
        # What is asked of one document stays together when folds are made.
        group = one.gold[0].document if one.gold else one.id
        for rows in _taken_away(answering):
            found = _sample(
                without(whole, rows),
                name=name,
                group=group,
                written=not rows,
                answered=one.answerable and not rows,
                gold=gold,
            )
            if found is not None:
                yield found


def _taken_away(answering: frozenset[int]) -> Sequence[frozenset[int]]:
    """Return the rows that a question is asked without: none, and then those that answer it.

    What wasn't found can't be taken away: it would be the same question once more.
    """
    return (frozenset(), answering) if answering else (frozenset(),)


def samples_of_set(kb: KnowledgeBase, beir: BeirSet, *, name: str) -> Iterator[Sample]:
    """Yield a test set's questions with and without the entries that are relevant to them."""
    for query in beir.sample(_ASKED, seed=1).queries:
        relevant = {entry for entry, value in beir.qrels[query.id].items() if value > 0}
        whole = kb.material(query.text, k=_MORE * ANSWER_HITS)
        answering = frozenset(
            row
            for row, hit in zip(whole.rows, whole.hits, strict=True)
            if relevant & set(product.entry_ids(hit.document))
        )
        for rows in _taken_away(answering):
            found = _sample(
                without(whole, rows),
                name=name,
                group=query.id,
                written=False,
                answered=not rows and bool(answering),
            )
            if found is not None:
                yield found


def fit_units(samples: Sequence[Sample]) -> Linear:
    """Fit log-odds of units at first sight."""
    return _fitted(samples, [(one.scored.features, one.right) for one in samples])


def fit_read(samples: Sequence[Sample]) -> Linear:
    """Fit log-odds of the units that were read."""
    return _fitted(samples, [(_features_read(one), one.read_right) for one in samples])


def _fitted(samples: Sequence[Sample], lists: Sequence[tuple[Floats, Flags]]) -> Linear:
    """Fit the order in each list of units, then how much a step in it means."""
    order = listwise(
        [one for one, sample in zip(lists, samples, strict=True) if sample.answered],
        penalty=_PENALTY_UNIT,
    )
    asked = [one for one, sample in zip(lists, samples, strict=True) if sample.written]
    scale = logistic(
        np.concatenate([order.scores(features) for features, _ in asked])[:, None],
        np.concatenate([right for _, right in asked]),
    )
    slope = float(scale.weights[0])
    return Linear(order.weights * slope, order.bias * slope + scale.bias)


def _features_read(sample: Sample) -> Floats:
    return support.read_features(sample.scored.features, sample.read)


def with_readings(samples: Sequence[Sample], units: Linear, reader: AnswerReader) -> list[Sample]:
    """Return samples whose likeliest units, at first sight, were read."""
    return [
        replace(
            one,
            read=support.read(
                one.material.ranking.query.text,
                one.units,
                units.scores(one.scored.features),
                reader,
            ),
        )
        for one in samples
    ]


def answer_features(samples: Sequence[Sample], read: Linear) -> Floats:
    """Return the features of whole questions, shape (samples, features)."""
    regression = support.Regression(support.READ_FEATURES, read.weights, read.bias)
    return np.array(
        [
            support.answer_features(
                one.question,
                one.material.ranking,
                one.units,
                one.scored,
                read=one.read,
                log_odds=support.after_reading(regression, one.scored.features, one.read),
            )
            for one in samples
        ]
    )


def fit_answer(samples: Sequence[Sample], features: Floats) -> Linear:
    """Fit whether a question is answered; every set counts the same, and its halves do.

    No evidence for an answer may count against it.
    """
    counts = np.zeros(len(samples))
    halves: dict[tuple[str, bool, bool], list[int]] = {}
    for at, one in enumerate(samples):
        for written in {one.written, False} if one.answered else {one.written}:
            halves.setdefault((one.set, written, one.answered), []).append(at)
    for (_, written, _), members in halves.items():
        counts[members] += (_WRITTEN if written else 1.0) / len(members)
    answered = np.array([one.answered for one in samples], dtype=bool)
    return logistic(
        features, answered, penalty=_PENALTY_ANSWER, weights=counts, not_below_zero=True
    )


def held_out_units(samples: Sequence[Sample]) -> tuple[float, float]:
    """Return how often the best statement answers, at first sight and after reading.

    Each document's questions are held out in turn; which units were read was told by all.
    """
    groups = sorted({one.group for one in samples})
    drawn = np.random.default_rng(0).permutation(len(groups)) % _FOLDS
    fold = dict(zip(groups, drawn.tolist(), strict=True))
    hits: list[tuple[bool, bool]] = []
    for held in range(_FOLDS):
        others = [one for one in samples if fold[one.group] != held]
        seen, read = fit_units(others), fit_read(others)
        for one in samples:
            if one.answered and fold[one.group] == held:
                first = int(np.argmax(seen.scores(one.scored.features)))
                then = int(np.argmax(read.scores(_features_read(one))))
                hits.append((bool(one.right[first]), bool(one.read_right[then])))
    first_sight, after = np.mean(np.array(hits), axis=0).tolist()
    return first_sight, after


def held_out_answers(samples: Sequence[Sample], read: Linear) -> dict[str, AbstentionResult]:
    """Return how well each set is told by the others; our own also as people wrote them."""
    features = answer_features(samples, read)
    results = {}
    for name in dict.fromkeys(one.set for one in samples):
        others = [at for at, one in enumerate(samples) if one.set != name]
        fitted = fit_answer([samples[at] for at in others], features[others])
        for kind, members in (
            ("left out", [at for at, s in enumerate(samples) if s.answered or not s.written]),
            ("written", [at for at, s in enumerate(samples) if s.written]),
        ):
            own = [at for at in members if samples[at].set == name]
            if own:
                results[f"{name}, {kind}"] = abstention(
                    fitted.scores(features[own]).tolist(), [samples[at].answered for at in own]
                )
    return results


def single_scores(samples: Sequence[Sample], read: Linear) -> dict[str, tuple[str, float]]:
    """Return for each set the feature that tells best by itself, and its AUROC."""
    features = answer_features(samples, read)
    best = {}
    for name in dict.fromkeys(one.set for one in samples):
        own = [
            at for at, s in enumerate(samples) if s.set == name and (s.answered or not s.written)
        ]
        answered = [samples[at].answered for at in own]
        best[name] = max(
            (
                (label, abstention(features[own, column].tolist(), answered).auroc or 0.0)
                for column, label in enumerate(ANSWER_FEATURES)
            ),
            key=lambda pair: pair[1],
        )
    return best


def as_toml(units: Linear, read: Linear, answer: Linear, *, threshold: float) -> str:
    """Return the file that ships."""
    return "\n".join(
        [
            "# Coefficients of kb.answering.support, as evaluation.calibrate_support fitted them.",
            f"threshold = {threshold:.3g}",
            f"least = {_LEAST:.3g}",
            "",
            "[unit]",
            *units.lines(UNIT_FEATURES),
            "",
            "[read]",
            *read.lines(READ_FEATURES),
            "",
            "[answer]",
            *answer.lines(ANSWER_FEATURES),
            "",
        ]
    )


def _gather(settings: Settings, sets: Path | None) -> list[Sample]:
    samples: list[Sample] = []
    kb = open_knowledge_base(settings)
    try:
        for path in (QUESTIONS / "dev.jsonl", QUESTIONS / "tune.jsonl"):
            samples += samples_of_questions(kb, load_questions(path), name=path.stem)
    finally:
        kb.catalogue.close()
    for core in SETS if sets is not None else ():
        beir = load_core(sets, core) if sets is not None else None
        if beir is None:
            continue
        with product.knowledge_base_over(
            product.cache_name(beir),
            beir.entries,
            language=beir.language,
            settings=settings,
            cache=product.default_cache(),
        ) as (corpus, _):
            samples += samples_of_set(corpus, beir, name=core.name)
    return samples


def _told(results: Mapping[str, AbstentionResult]) -> Iterator[str]:
    for name, one in results.items():
        risks = [
            next((p.risk for p in one.curve if p.coverage >= share - 1e-9), float("nan"))
            for share in (0.25, 0.5, 0.75)
        ]
        yield (
            f"{name}: AUROC {one.auroc or 0:.3f}, F1 {one.f1 or 0:.3f}, risk at a quarter, half, "
            f"three quarters answered {' '.join(f'{risk:.2f}' for risk in risks)}"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, print what was measured, and write the file where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, help="a folder of test sets of the BEIR layout")
    parser.add_argument("--write", action="store_true", help="write kb/answering/support.toml")
    chosen = parser.parse_args(arguments)
    samples = _gather(load_settings(), chosen.sets)
    units = fit_units(_ours(samples))
    samples = with_readings(samples, units, open_answer_model())
    ours = _ours(samples)
    read = fit_read(ours)
    features = answer_features(samples, read)
    answer = fit_answer(samples, features)
    probabilities = [support.probability(score) for score in answer.scores(features).tolist()]
    answered = [p for p, one in zip(probabilities, samples, strict=True) if _asked_of_us(one)]
    threshold = float(np.quantile(answered, _REFUSED))
    lines = [
        "best statement right, documents held out, at first sight and after reading: "
        + " ".join(f"{share:.3f}" for share in held_out_units(ours)),
        *_told(held_out_answers(samples, read)),
        *(f"{n}: best single, {k}, {v:.3f}" for n, (k, v) in single_scores(samples, read).items()),
        f"threshold {threshold:.3f}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if chosen.write:
        path = Path(str(files("kb.answering") / "support.toml"))
        path.write_text(as_toml(units, read, answer, threshold=threshold), encoding="utf-8")


def _ours(samples: Sequence[Sample]) -> list[Sample]:
    """Return those whose answering units are known."""
    return [one for one in samples if one.right.any() or one.written]


def _asked_of_us(one: Sample) -> bool:
    return one.written and one.answered


if __name__ == "__main__":
    main()
