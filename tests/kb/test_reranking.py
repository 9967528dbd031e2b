from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ingest.pipeline import TextSource, ingest_texts
from kb.assembly import open_knowledge_base
from kb.embedding.cross_encoder import CrossEncoderReranker
from kb.embedding.export import write_sentence_transformers_folder
from kb.errors import ComponentMissing, SettingsError
from kb.knowledge_base import KnowledgeBase
from kb.settings import Settings, load_settings
from tests.conftest import need

MISSING = "sentence-transformers (pip install '.[models]')"
INSTALLED = find_spec("sentence_transformers") is not None
TEXTS = [
    f"{place} otetaan vettä {amount} kuutiometriä tunnissa tehtaiden jäähdytykseen."
    for place, amount in (("Merestä", 900), ("Joesta", 40), ("Järvestä", 7), ("Kaivosta", 1))
]
QUESTION = "Mistä jäähdytysvesi otetaan?"

# torch and transformers warn about their own insides.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cross-encoder of real weights under a head that was never trained.

    So its order is no better than chance, but it is an order of its own.
    """
    need(INSTALLED, MISSING)
    import torch
    from sentence_transformers import CrossEncoder

    root = tmp_path_factory.mktemp("cross")
    write_sentence_transformers_folder(root / "bundled")
    torch.manual_seed(0)
    model = CrossEncoder(str(root / "bundled"), num_labels=1, device="cpu")
    for name, weights in model.model.named_parameters():
        if "pooler" in name or "classifier" in name:  # what the bundled model hasn't
            torch.nn.init.normal_(weights, std=0.1)
    model.save_pretrained(str(root / "cross"))
    return root / "cross"


def filled(settings: Settings) -> KnowledgeBase:
    kb = open_knowledge_base(settings)
    ingest_texts(kb, [TextSource(key=str(at), text=text) for at, text in enumerate(TEXTS)])
    return kb


@pytest.mark.models
def test_the_best_passages_stand_in_the_model_s_order(folder: Path, tmp_path: Path) -> None:
    plain = filled(load_settings(data_dir=tmp_path / "plain"))
    with_model = filled(load_settings(data_dir=tmp_path / "with", reranker_model=str(folder)))
    before = plain.search(QUESTION, k=4).hits
    after = with_model.search(QUESTION, k=4).hits

    scores = CrossEncoderReranker(str(folder), threads=1).score(QUESTION, TEXTS)
    assert scores.shape == (4,)
    assert len(set(scores.tolist())) == 4
    wanted = [str(at) for at in np.argsort(-scores)]
    assert [hit.document.source for hit in after] == wanted
    # What the scores are compared with still holds: they are those of the places.
    assert [hit.score for hit in after] == pytest.approx([hit.score for hit in before])
    assert {hit.document.source for hit in before} == set(wanted)


@pytest.mark.models
def test_nothing_to_read_is_nothing_read(folder: Path) -> None:
    assert CrossEncoderReranker(str(folder)).score(QUESTION, []).shape == (0,)


@pytest.mark.models
def test_a_folder_that_is_no_model_is_refused(folder: Path, tmp_path: Path) -> None:
    del folder
    with pytest.raises(SettingsError, match=str(tmp_path)):
        CrossEncoderReranker(str(tmp_path))


@pytest.mark.skipif(INSTALLED, reason="sentence-transformers is installed")
def test_without_the_component_it_says_how_to_get_it(
    tmp_path: Path, open_at: Callable[..., KnowledgeBase]
) -> None:
    kb = open_at(tmp_path / "data", reranker_model="a-model")
    ingest_texts(kb, [TextSource(key="vesi", text=TEXTS[0])])
    with pytest.raises(ComponentMissing, match="models"):
        kb.search(QUESTION)
