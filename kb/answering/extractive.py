"""Answers made of the material's own sentences.

The best sentences of the best passages, in reading order; a passage merely sharing words with
the question doesn't make a claim. Needs no language model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kb.citing import cite
from kb.fusion import Scores
from kb.model import Claim, Hit, Span
from kb.retrieval import Ranking

MAX_CLAIMS = 5

# A sentence or passage below these says nothing about the question: centred cosines and shares
# of the question's words as they are distributed for questions whose passage was left out of
# the collection, against those whose passage was there.
_SUPPORT = 0.62
_STRONG = 1.0
_LEXICAL_SHARE = 0.35


@dataclass(frozen=True, slots=True)
class Draft:
    """Claims, and how well the best of them is supported (0–1)."""

    claims: tuple[Claim, ...]
    support: float
    reason: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    hit: Hit
    span: Span
    score: float


def draft(ranking: Ranking, hits: Sequence[Hit], rows: Sequence[int]) -> Draft:
    """Return up to five claims from hits; none, with the reason, when nothing supports one.

    ``rows[i]`` is the catalogue's row of ``hits[i]``. The reason is a key of the message
    catalogue.
    """
    if not hits:
        return Draft((), 0.0, "reason.nothing")
    support = support_of(ranking.dense, ranking.coverage)
    if support < _SUPPORT:
        on_topic = float(ranking.coverage[0]) >= _LEXICAL_SHARE
        return Draft((), support, "reason.detail" if on_topic else "reason.topic")
    candidates = _candidates(ranking, hits, rows)
    if not candidates:
        return Draft((), support, "reason.detail")
    best = candidates[0].score
    chosen: list[_Candidate] = []
    for candidate in candidates:
        if len(chosen) == MAX_CLAIMS or candidate.score < 0.8 * best:
            break
        if not _repeats(candidate, chosen):
            chosen.append(candidate)
    claims = [
        Claim(
            text=citation.quote,
            citations=(citation,),
            confidence=round(min(1.0, support * candidate.score / best / _STRONG), 3),
            language=citation.language,
        )
        for candidate in chosen
        for citation in [
            cite(candidate.hit.document, candidate.span, language=candidate.hit.passage.language)
        ]
    ]
    return Draft(tuple(claims), support, "")


def support_of(dense: Scores, coverage: Scores) -> float:
    """Return how well the best passage supports an answer: nearness, and words covered."""
    if len(dense) == 0:
        return 0.0
    near = float(dense[0]) if dense[0] == dense[0] else 0.0
    return near + 0.5 * float(coverage[0])


def _candidates(ranking: Ranking, hits: Sequence[Hit], rows: Sequence[int]) -> list[_Candidate]:
    by_row = dict(zip(rows, hits, strict=True))
    top = hits[0].score
    found = [
        _Candidate(hit, sentence.span, sentence.cosine + 0.5 * (hit.score - top))
        for sentence in ranking.sentences
        if (hit := by_row.get(sentence.row)) is not None
    ]
    if not found:  # sentences aren't embedded yet: the passage's first sentences stand in
        found = [
            _Candidate(hit, hit.passage.sentences[0], hit.score)
            for hit in hits
            if hit.passage.sentences
        ]
    return sorted(found, key=lambda candidate: -candidate.score)


def _repeats(candidate: _Candidate, chosen: Sequence[_Candidate]) -> bool:
    words = set(_text(candidate).casefold().split())
    for other in chosen:
        theirs = set(_text(other).casefold().split())
        if len(words & theirs) >= 0.7 * min(len(words), len(theirs)):
            return True
    return False


def _text(candidate: _Candidate) -> str:
    return candidate.hit.document.text[candidate.span.start : candidate.span.end]
