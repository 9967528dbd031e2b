"""A tiny set of the BEIR layout, written into a folder of a test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

CORPUS = (
    ("d1", "", "Kokkolan satamassa on katettu terminaali, jossa lasti pysyy kuivana."),
    ("d2", "Vesi", "Suurteollisuusalueella on neljä vesilaatua. Jäähdytysvesi otetaan merestä."),
    ("d3", "", "Tehdaspalokunta palvelee alueen yrityksiä sopimuksella vuodesta 2016."),
    ("d4", "", "Putkisillat yhdistävät tehtaat toisiinsa ja satamaan."),
    ("d5", "", "Ilmanlaatua ja meren tilaa seurataan yhteistarkkailulla."),
)  # fmt: skip
QUERIES = (
    ("q1", "Missä lastia käsitellään katon alla?"),
    ("q2", "Montako vesilaatua alueella on?"),
    ("q3", "Milloin tehdaspalokunnan sopimus alkoi?"),
    ("q4", "Kuka maksaa ruoppauksen?"),
)
QRELS = (("q1", "d1", 1), ("q2", "d2", 1), ("q3", "d3", 2), ("q3", "d4", 1))


def write_set(
    root: Path,
    *,
    variant: str = "fi-fi",
    corpus: str = "beside",
    corpus_of: Sequence[tuple[str, str, str]] = CORPUS,
    queries: Sequence[tuple[str, str]] = QUERIES,
    qrels: Sequence[tuple[str, str, int]] = QRELS,
) -> Path:
    """Write the set under ``root/tiny``; ``corpus``: "link", "lost link", "own" or "beside"."""
    base = root / "tiny"
    folder = base / variant
    folder.mkdir(parents=True)
    shared = base / f"corpus.{variant.rsplit('-', 1)[-1]}.jsonl"
    place = folder / "corpus.jsonl" if corpus == "own" else shared
    place.write_text(
        "".join(
            json.dumps({"_id": one, "title": title, "text": text}, ensure_ascii=False) + "\n"
            for one, title, text in corpus_of
        ),
        encoding="utf-8",
    )
    if corpus == "link":
        (folder / "corpus.jsonl").symlink_to(f"../{shared.name}")
    if corpus == "lost link":
        (folder / "corpus.jsonl").write_text(f"../{shared.name}", encoding="utf-8")
    (folder / "queries.jsonl").write_text(
        "".join(
            json.dumps({"_id": one, "text": text}, ensure_ascii=False) + "\n"
            for one, text in queries
        ),
        encoding="utf-8",
    )
    (folder / "qrels.tsv").write_text(
        "query-id\tcorpus-id\tscore\n"
        + "".join(f"{query}\t{entry}\t{value}\n" for query, entry, value in qrels),
        encoding="utf-8",
    )
    return folder
