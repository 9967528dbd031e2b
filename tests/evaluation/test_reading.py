from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.independent import plain_markdown
from evaluation.reading import (
    evaluate_reading,
    pairs,
    printed,
    prose,
    run_recall,
    score_reading,
    words,
)
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import Block, BlockKind

TRUTH = """# Vesi ja energia

Alueella on **neljä** vesilaatua, ja [putkisillat](http://a.fi/x) yhdistävät tehtaat.

<!-- image -->

| Vesi | m3 |
|------|----|
| raaka | 120 |
| jäähdytys | 900 |

## 2 Portti
"""


def a_reading(*blocks: tuple[BlockKind, str]) -> Reading:
    text, made = "", []
    for kind, piece in blocks:
        start = len(text) + 2 if text else 0
        text = f"{text}\n\n{piece}" if text else piece
        made.append(Block(start=start, end=start + len(piece), kind=kind))
    return Reading(text=text, blocks=tuple(made))


BLOCKS = (
    (BlockKind.HEADING, "Vesi ja energia"),
    (BlockKind.PARAGRAPH, "Alueella on neljä vesilaatua, ja putkisillat yhdistävät tehtaat."),
    (BlockKind.TABLE_ROW, "Vesi | m3"),
    (BlockKind.TABLE_ROW, "raaka | 120"),
    (BlockKind.TABLE_ROW, "jäähdytys | 900"),
    (BlockKind.HEADING, "2 Portti"),
)
FULL = a_reading(*BLOCKS)


def test_marks_of_markdown_are_not_words() -> None:
    plain = plain_markdown(TRUTH)
    assert words(plain)[:8] == [
        "vesi",
        "ja",
        "energia",
        "alueella",
        "on",
        "neljä",
        "vesilaatua",
        "ja",
    ]
    assert "http" not in plain
    assert "image" not in plain
    assert plain_markdown("a \\* b &amp; `c_d`") == "a * b & c_d"
    assert plain_markdown("yhdeksän.[^4] Ero\n\n[^4]: Lähde") == "yhdeksän. Ero\n\n Lähde"
    assert plain_markdown("1. Yksi") == "Yksi"
    assert plain_markdown("1. **Yksi**", numbers=True) == "1. Yksi"


def test_a_perfect_reading_scores_one() -> None:
    score = score_reading("a", TRUTH, FULL)
    assert (score.words, score.fives, score.tens) == (1, 1, 1)
    assert (score.headings, score.rows, score.extra) == (1, 1, 0)


def test_a_numbered_heading_has_its_number_in_the_truth() -> None:
    reading = a_reading((BlockKind.HEADING, "2. Vesilaadut"), (BlockKind.PARAGRAPH, "Neljä."))
    assert score_reading("a", "## 2. Vesilaadut\n\nNeljä.\n", reading).headings == 1


def test_what_is_lost_is_seen() -> None:
    partial = a_reading(
        (BlockKind.PARAGRAPH, "Vesi ja energia"),
        (BlockKind.PARAGRAPH, "Alueella on neljä vesilaatua, ja"),
        (BlockKind.TABLE_ROW, "raaka | 120"),
        (BlockKind.PARAGRAPH, "jäähdytys 900 sivu 3"),
    )
    score = score_reading("a", TRUTH, partial)
    assert score.headings == 0
    assert score.rows == pytest.approx(1 / 3)
    assert score.words == pytest.approx(12 / 19)
    assert score.extra == pytest.approx(2 / 14)


def test_run_recall_counts_repeats() -> None:
    assert run_recall([["a", "b", "a", "b"]], ["a", "b"], 2) == pytest.approx(1 / 3)
    assert run_recall([["a"]], ["a"], 2) is None


def test_runs_leave_tables_out() -> None:
    assert [len(piece) for piece in prose(TRUTH)] == [11, 2]
    assert run_recall([["a", "b"], ["c", "d"]], ["a", "b", "c", "d"], 2) == 1
    shuffled = a_reading(
        *((kind, text) for kind, text in BLOCKS if kind is not BlockKind.TABLE_ROW),
        (BlockKind.TABLE_ROW, "900 m3 jäähdytys"),
    )
    assert score_reading("a", TRUTH, shuffled).fives == 1
    assert score_reading("a", TRUTH, shuffled).rows == pytest.approx(1 / 3)


def test_files_are_paired_by_name_and_sorted_worst_first(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "files").mkdir()
    for name in (
        "docx__groundtruth__a.docx.md",
        "pdf__groundtruth__b.md",
        "xlsx__groundtruth__c.xlsx.md",
    ):
        (tmp_path / "truth" / name).write_text(TRUTH, encoding="utf-8")
    for name in ("docx__sources__a.docx", "pdf__sources__b.pdf"):
        (tmp_path / "files" / name).write_bytes(b"x")
    (tmp_path / "own.html").write_bytes(b"x")
    (tmp_path / "own.html.gold.md").write_text(TRUTH, encoding="utf-8")
    assert [file and file.name for _, file in pairs(tmp_path)] == [
        "docx__sources__a.docx",
        "pdf__sources__b.pdf",
        None,
        "own.html",
    ]

    def read(path: Path) -> Reading:
        if path.suffix == ".pdf":
            raise UnreadableDocument("unreadable_no_text")
        return FULL

    result = evaluate_reading(tmp_path, read=read, baselines=False)
    assert [(one.name, one.fives) for one in result.files] == [
        ("pdf__sources__b.pdf", 0),
        ("docx__sources__a.docx", 1),
        ("own.html", 1),
    ]
    assert result.files[0].failure == "unreadable_no_text"
    assert result.without_file == ("xlsx__groundtruth__c.xlsx.md",)
    assert result.mean("words") == pytest.approx(2 / 3)
    json.dumps(result.to_json())
    assert "own.html" in result.table("fi")
    with pytest.raises(EvaluationError, match=r"gold\.md"):
        evaluate_reading(tmp_path / "files", read=read)


def test_a_source_names_the_file_that_was_made_from_it(tmp_path: Path) -> None:
    source = (
        "---\nfile: raportti.pdf\ntitle: T\n---\n\nVesi riittää.[^1]\n\n1. Yksi\n\n[^1]: Lähde\n"
    )
    (tmp_path / "sources").mkdir()
    (tmp_path / "documents").mkdir()
    (tmp_path / "sources" / "a.md").write_text(source, encoding="utf-8")
    (tmp_path / "sources" / "ei.md").write_text("---\ntitle: T\n---\n", encoding="utf-8")
    (tmp_path / "documents" / "raportti.pdf").write_bytes(b"x")
    assert [(truth.name, file and file.name) for truth, file in pairs(tmp_path)] == [
        ("a.md", "raportti.pdf")
    ]
    # The number of an item and of a note are printed; a note is a piece of its own.
    assert prose(printed(source)) == [["vesi", "riittää", "1", "1", "yksi"], ["1", "lähde"]]
    read = a_reading(
        (BlockKind.PARAGRAPH, "Vesi riittää.1"),
        (BlockKind.LIST_ITEM, "1. Yksi"),
        (BlockKind.FOOTNOTE, "1 Lähde"),
    )
    result = evaluate_reading(tmp_path, read=lambda _: read, baselines=False)
    assert (result.files[0].words, result.files[0].fives) == (1, 1)
