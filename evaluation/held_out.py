"""How well related projects are found in a registry, where a field of it says what is related.

Projects of one call, one objective or one programme count as related. What says so mustn't help
to find it: the three fields are taken from every record (a call names its programme), their
values are cut out of the texts, keywords go, since many registries make them of the call's topic,
and so do the registry's own themes; those that count are guessed from what is left.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from evaluation.beir import DEPTH, Scored, load, run
from evaluation.errors import EvaluationError
from evaluation.product import default_cache
from evaluation.related import RelatedResult, in_cache, term_bm25, whole_cosine
from ingest.registry import Format, Stage, import_projects, index_projects
from kb.agreeing import SIGNAL_WEIGHTS, Signal
from kb.assembly import open_knowledge_base, open_relator
from kb.catalogue import Catalogue
from kb.project import Project, folded
from kb.projects import Projects
from kb.seeds import seed_of_project
from kb.settings import Settings

Truth = Literal["call", "objective", "programme"]
TRUTHS: tuple[Truth, ...] = ("call", "objective", "programme")

LARGEST_GROUP = 40
"""Projects that share a value at most: what a quarter of a registry shares says little."""

_SHORTEST = 3


def held_out(project: Project, values: Sequence[str]) -> Project:
    """Return a project without the fields that say what is related, nor their ``values``."""
    told = [re.escape(value) for value in sorted(values, key=len, reverse=True)]
    told = [value for value in told if len(value) >= _SHORTEST]
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(told)})(?!\w)", re.IGNORECASE) if told else None

    def cut(text: str) -> str:
        return " ".join(pattern.sub(" ", text).split()) if pattern else text

    return replace(
        project,
        title=cut(project.title) or "–",
        description=cut(project.description),
        results=cut(project.results),
        keywords=(),
        themes=(),
        call=None,
        objective=None,
        programme=None,
    )


def values_of(project: Project) -> list[str]:
    """Return what the three fields say, whole and in their parts."""
    found: list[str] = []
    for value in (project.call, project.objective, project.programme):
        if value:
            found += [value, *re.split(r"\s+[-–]\s+|[:;|]\s+", value)]
    return list(dict.fromkeys(part.strip() for part in found if part.strip()))


def groups(projects: Sequence[Project], truth: Truth) -> dict[str, list[Project]]:
    """Return the projects that share a value of a field, two or more each."""
    found: dict[str, list[Project]] = {}
    for project in projects:
        value = getattr(project, truth)
        if value:
            found.setdefault(folded(value), []).append(project)
    return {value: here for value, here in found.items() if 2 <= len(here) <= LARGEST_GROUP}


def evaluate_held_out(
    file: Path,
    *,
    truth: Truth,
    settings: Settings,
    format: Format = "table",
    queries: int | None = None,
    seed: int = 0,
    cache: Path | None = None,
    progress: Callable[[Stage, int, int], None] | None = None,
) -> RelatedResult:
    """Measure on a registry's table; its data are kept in the cache, so again is quick.

    Raises EvaluationError where no two projects share a value of the field.
    """
    digest = hashlib.sha256(f"held-out-1 {truth} {format} ".encode() + file.read_bytes())
    folder = (cache or default_cache()) / f"held-out-{digest.hexdigest()[:20]}"
    given = _read(file, format, folder / "registry")
    related = groups(given, truth)
    if not related:
        raise EvaluationError("evaluation_no_groups", path=file, field=truth)
    everywhere = list(dict.fromkeys(value for one in given for value in values_of(one)))
    cut = [
        replace(held_out(one, everywhere), registry="held", registry_id=str(number))
        for number, one in enumerate(given)
    ]
    numbers = {id(one): str(number) for number, one in enumerate(given)}
    pairs = [[numbers[id(one)] for one in here] for here in related.values()]
    kb = open_knowledge_base(in_cache(settings, folder / "measured"))
    try:
        Projects(kb.catalogue).put(cut)
        index_projects(kb, progress=progress)
        spoken = Counter(one.language for one in cut).most_common(1)[0][0]
        written = load(_written(folder / f"{truth}-{spoken}", cut, pairs))
        beir = replace(written.sample(queries, seed=seed), name=f"{file.name}, {truth}")
        relator = open_relator(kb)
        asked = {query.text: query.id for query in beir.queries}

        def search(without: frozenset[Signal]) -> Callable[[str], list[Scored]]:
            def found(text: str) -> list[Scored]:
                seed_project = seed_of_project(relator.projects, f"held-{asked[text]}")
                results = relator.related([seed_project], k=DEPTH, without=without)
                return [Scored(one.project.id.removeprefix("held-"), one.score) for one in results]

            return found

        entries = list(beir.entries())
        systems = {
            "related": search(frozenset()),
            "related, text alone": search(frozenset(SIGNAL_WEIGHTS)),
            "cosine": whole_cosine(kb, entries),
            "BM25": term_bm25(entries, spoken),
        }
        product, *others = [
            run(beir, system, system=name, seed=seed, entries=len(entries))
            for name, system in systems.items()
        ]
        return RelatedResult(product=product, others=tuple(others))
    finally:
        kb.catalogue.close()


def _read(file: Path, format: Format, folder: Path) -> list[Project]:
    """Return the projects of a table, read by a catalogue of its own."""
    catalogue = Catalogue(folder)
    try:
        import_projects(catalogue, file, format=format)
        projects = Projects(catalogue)
        return list(projects.by_rows(projects.rows().tolist()).values())
    finally:
        catalogue.close()


def _written(folder: Path, cut: Sequence[Project], pairs: Sequence[Sequence[str]]) -> Path:
    """Write a set of related texts in the layout of BEIR; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {str(number): project.text for number, project in enumerate(cut)}

    def lines(name: str, ids: Iterable[str]) -> None:
        told = [json.dumps({"_id": one, "title": "", "text": texts[one]}) for one in ids]
        (folder / name).write_text("\n".join(told), encoding="utf-8")

    lines("corpus.jsonl", texts)
    lines("queries.jsonl", [one for here in pairs for one in here])
    rows = [
        f"{one}\t{other}\t1" for here in pairs for one in here for other in here if one != other
    ]
    (folder / "qrels.tsv").write_text(
        "\n".join(["query-id\tcorpus-id\tscore", *rows]), encoding="utf-8"
    )
    own = [f"{one}\t{one}" for here in pairs for one in here]
    (folder / "exclude.tsv").write_text("\n".join(["query-id\tcorpus-id", *own]), encoding="utf-8")
    return folder
