"""Answers made of the material's own sentences, or the reason why there is none.

The kind of the question is recognised, every sentence, row and item of the best passages is
scored by a calibrated model, and the few best are quoted as whole excerpts. What merely shares
words with the question stays below the threshold. Needs no language model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from kb.analysis.engines import FUNCTION_WORD_WEIGHT
from kb.answering import comparing, support
from kb.answering.asking import SEVERAL, AskedKind, kind_of
from kb.answering.composing import MOST_EXCERPTS, Excerpt, compose
from kb.answering.grouping import Practice, practices
from kb.answering.heeding import heeds
from kb.answering.refusing import about_something_else, reason_of, shares_a_word
from kb.answering.units import Unit, units_of
from kb.citing import cite
from kb.lexical import Word
from kb.model import Claim, DocumentId, Figure, Hit, Json
from kb.protocols import AnswerReader
from kb.retrieval import Ranking
from kb.rows import best_part

_KNOWN = 0.1
"""A question of whose words, told by rarity, less is written anywhere is about something else."""

# How far below the best excerpt's worth, as a logarithm, others may lie. A question that asks for
# one thing is answered by one excerpt, unless another is as good.
_WITHIN_ONE = 0.05
_WITHIN_SEVERAL = 0.4

_REPLACED = 2.5
"""What a statement of a version that a newer one has replaced is worth less, as a logarithm."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Claims, how probable it is that they answer (0–1), and why there are none.

    ``figures`` are those that are shown side by side. ``reason`` is a key of the message
    catalogue; ``explanation`` tells how it came about.
    """

    claims: tuple[Claim, ...]
    support: float
    reason: str
    explanation: Json = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """What was found for a question.

    ``rows[i]`` is the catalogue's row of ``hits[i]``; ``rarities`` are how much each word of the
    question tells. ``practices`` are passages of sections about practices, best first, and
    ``themes[i]`` the i-th one's, where the question asks for practices.
    """

    ranking: Ranking
    hits: tuple[Hit, ...]
    rows: tuple[int, ...]
    rarities: tuple[float, ...]
    practices: tuple[Hit, ...] = ()
    themes: tuple[tuple[str, ...], ...] = ()
    replaced: frozenset[DocumentId] = frozenset()
    """Documents of which a newer version is among the hits."""


def draft(material: Material, reader: Callable[[], AnswerReader]) -> Draft:
    """Return the claims that the material supports; none, with the reason, when nothing does.

    ``reader`` opens the model that reads the likeliest statements beside the question.
    """
    ranking, hits = material.ranking, material.hits
    if not hits:
        return Draft((), 0.0, "reason.nothing")
    if ranking.known_words < _KNOWN:
        return Draft((), 0.0, "reason.topic")
    query = ranking.query
    kind = kind_of(query.text, query.language)
    units = units_of(hits, material.rows, ranking.sentences)
    if not units:
        return Draft((), 0.0, "reason.detail", {"kind": kind})
    question = support.asked(kind, query.text, query.words, material.rarities)
    calibration = support.calibration()
    scored = support.unit_features(question, ranking, units)
    old = [unit.hit.document.id in material.replaced for unit in units]
    less = _REPLACED * np.array(old, dtype=np.float64)
    first_sight = calibration.unit.log_odds(scored.features) - less
    told = practices(question, material.practices, material.themes)
    if not told and (
        about_something_else(ranking)
        or shares_a_word(
            ranking,
            sum(word.weight > FUNCTION_WORD_WEIGHT for word in question.words),
            float(scored.features[:, support.UNIT_FEATURES.index("whole")].max()),
        )
    ):
        # No reading changes that, so none is done.
        below = min(support.probability(float(first_sight.max())), calibration.threshold / 2)
        explanation = _explanation(kind, units, scored.features, first_sight)
        return Draft((), below, "reason.topic", explanation)
    read = support.read(query.text, units, first_sight, reader())
    log_odds = support.after_reading(calibration.read, scored.features, read) - less
    answer = support.answer_features(question, ranking, units, scored, read=read, log_odds=log_odds)
    supported = support.probability(float(calibration.answer.log_odds(answer)))
    explanation = {
        **_explanation(kind, units, np.column_stack([scored.features, read]), log_odds),
        "answer": support.named(support.ANSWER_FEATURES, answer),
    }
    if told:
        supported = max(supported, calibration.threshold)
        return Draft(_described(told, supported), supported, "", explanation)
    if supported < calibration.threshold:
        return Draft((), supported, reason_of(ranking), explanation)
    excerpts = compose(
        kind,
        units,
        log_odds,
        within=_WITHIN_SEVERAL if kind in SEVERAL else _WITHIN_ONE,
        least=calibration.least,
    )
    if not heeds(question, query.text, query.language, excerpts[0].unit):
        below = min(supported, calibration.threshold / 2)
        return Draft((), below, "reason.detail", {**explanation, "unheeded": True})
    best = max(support.probability(excerpts[0].log_odds), 1e-9)
    first = units.index(excerpts[0].unit)
    # What wasn't read may say another figure of the same thing: it counts as far below the best
    # one as it was at first sight.
    likely = np.where(np.isnan(read), log_odds[first] + first_sight - first_sight[first], log_odds)
    beside = comparing.compared(question, query.text, units, likely, first=first)
    excerpts = _with_newest_first(excerpts, beside, units, likely)
    claims = []
    for excerpt in excerpts:
        citation = cite(
            excerpt.unit.hit.document,
            excerpt.span,
            language=excerpt.unit.hit.passage.language,
            header=excerpt.header,
        )
        share = support.probability(excerpt.log_odds) / best
        claims.append(
            Claim(
                text=citation.quote,
                citations=(citation,),
                confidence=round(supported * min(1.0, share), 3),
                language=citation.language,
                best=best_part(excerpt.unit.span, citation),
            )
        )
    figures = comparing.figures(beside, [comparing.cited(one) for one in beside])
    return Draft(tuple(claims), supported, "", explanation, figures)


def _described(told: Sequence[Practice], supported: float) -> tuple[Claim, ...]:
    """Return claims of practices, which are on the topic as far as their sections hold it."""
    return tuple(
        Claim(
            text=one.citation.quote,
            citations=(one.citation,),
            confidence=round(supported * min(1.0, one.topic), 3),
            language=one.citation.language,
        )
        for one in told
    )


def _with_newest_first(
    excerpts: Sequence[Excerpt],
    beside: Sequence[comparing.Said],
    units: Sequence[Unit],
    log_odds: support.Features,
) -> list[Excerpt]:
    """Return excerpts that begin with the statements put side by side, each whole and alone."""
    first = [
        Excerpt(one.unit_said, one.unit_said.span, float(log_odds[units.index(one.unit_said)]))
        for one in beside
    ]
    rest = [
        excerpt
        for excerpt in excerpts
        if not any(
            one.unit.hit.document.id == excerpt.unit.hit.document.id
            and one.span.overlap(excerpt.span)
            for one in first
        )
    ]
    return [*first, *rest][:MOST_EXCERPTS] if first else list(excerpts)


def _explanation(
    kind: AskedKind, units: Sequence[Unit], features: support.Features, log_odds: support.Features
) -> Json:
    """Return what is told of the likeliest units; ``features`` have a column more if read."""
    order = sorted(range(len(units)), key=lambda at: -log_odds[at])[: support.READ]
    return {
        "kind": kind,
        "statements": [
            {
                "document_id": units[at].hit.document.id,
                "start": units[at].core.start,
                "end": units[at].core.end,
                "text": units[at].text,
                "probability": round(support.probability(float(log_odds[at])), 4),
                "features": support.named(support.READ_FEATURES[: features.shape[1]], features[at]),
            }
            for at in order
        ],
    }


def words_told(words: Sequence[Word]) -> list[dict[str, object]]:
    """Return a question's words with the terms and translations that were looked for."""
    return [
        {
            "word": word.surface,
            "terms": [term for term, _ in word.terms if not term.startswith("_")],
            "translations": {
                language: sorted(
                    {
                        " ".join(part[0][0][0] for part in way.parts if part and part[0])
                        for way in word.translations
                        if way.language == language
                    }
                )
                for language in sorted({way.language for way in word.translations})
            },
        }
        for word in words
    ]
