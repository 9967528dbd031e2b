"""What a project and what is asked about have in common beside their words, and what it counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from kb.comparing import overlap, pair_by_words
from kb.model import Span
from kb.project import Project, folded, folded_partner
from kb.related import Quote, Reason
from kb.seeds import Seed

Signal = Literal["theme", "place", "partner", "programme", "time"]

SIGNAL_WEIGHTS: Mapping[Signal, float] = {
    "theme": 0.06,
    "place": 0.03,
    "partner": 0.06,
    "programme": 0.03,
    "time": 0.01,
}
"""What a full agreement adds to the text's score, of which a random pair has about .05 and a
related one .45. Small on purpose: they order what is near in meaning, and don't replace it."""


def shared(seed: Seed, project: Project) -> dict[Signal, tuple[str, ...]]:
    """Return what a seed and a project have in common, by signal."""
    partners = {folded_partner(p.name): p.name for p in project.partners}
    places = {folded(place): place for place in project.places}
    common: dict[Signal, tuple[str, ...]] = {
        "theme": tuple(theme for theme in project.themes if theme in seed.themes)
    }
    if seed.project is not None:
        theirs = {folded_partner(p.name) for p in seed.project.partners}
        where = {folded(place) for place in seed.project.places}
        same = project.programme and folded(project.programme) == folded(
            seed.project.programme or ""
        )
        common["programme"] = (project.programme or "",) if same else ()
    else:
        theirs = where = set(seed.names)
        if seed.document is not None:
            meta = seed.document.metadata
            theirs = theirs | {folded_partner(meta.organisation or "")}
            where = where | {folded(meta.city or "")}
        common["programme"] = ()
    common["partner"] = tuple(name for key, name in partners.items() if key in theirs)
    common["place"] = tuple(name for key, name in places.items() if key in where)
    return common


def agreement(
    seed: Seed,
    project: Project,
    told: frozenset[str],
    without: frozenset[Signal],
    rarity: Callable[[str], float],
) -> float:
    """Return what themes, places, partners, programme and time add to the text's score.

    ``told`` are the project's themes that somebody named; ``rarity`` says what a shared name
    tells (0-1).
    """
    common = shared(seed, project)
    strengths: dict[Signal, float] = {
        "theme": len(seed.told & told) / (len(seed.told | told) or 1),
        "place": max((rarity(folded(name)) for name in common["place"]), default=0.0),
        "partner": 1
        - math.prod(1 - rarity(folded_partner(name)) / 2 for name in common["partner"]),
        "programme": 1.0 if common["programme"] else 0.0,
        "time": overlap(seed.project.years if seed.project is not None else None, project.years),
    }
    return sum(
        SIGNAL_WEIGHTS[signal] * strength
        for signal, strength in strengths.items()
        if signal not in without
    )


def reasons_of(
    seeds: Sequence[Seed],
    project: Project,
    without: frozenset[Signal],
    nearest: int,
    pair: tuple[Span, Span] | None,
) -> tuple[Reason, ...]:
    """Return why a project is related: what it shares with any seed, and the nearest sentences.

    ``nearest`` is the place of the seed that it is nearest to, ``pair`` the project's sentence
    and the seed's; without one, the two with the most words in common are looked for.
    """
    common: dict[Signal, dict[str, None]] = {}
    for seed in seeds:
        for signal, names in shared(seed, project).items():
            common.setdefault(signal, {}).update(dict.fromkeys(names))
    reasons: list[Reason] = []
    kinds: tuple[Literal["theme", "place", "partner", "programme"], ...] = (
        "theme",
        "partner",
        "place",
        "programme",
    )
    for kind in kinds:
        if common.get(kind) and kind not in without:
            reasons.append(Reason(kind, tuple(common[kind])))
    seed = seeds[nearest]
    pair = pair or pair_by_words(seed.text, seed.sentences, seed.language, project)
    if pair is not None:
        theirs, ours = pair
        reasons.append(
            Reason(
                "text",
                theirs=Quote(
                    theirs.start,
                    theirs.end,
                    project.text[theirs.start : theirs.end],
                    project_id=project.id,
                ),
                ours=Quote(
                    ours.start,
                    ours.end,
                    seed.text[ours.start : ours.end],
                    project_id=None if seed.project is None else seed.project.id,
                    document=seed.document,
                ),
            )
        )
    return tuple(reasons)
