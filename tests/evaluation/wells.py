"""Lessons about wells, for the models that read."""

from __future__ import annotations

from evaluation.answer_model.lists import Candidates, Part, Passage, Question, make_lists
from kb.embedding.bundled import bundled_tokenizer
from tests.conftest import BagOfWords


def wells(*, count: int) -> tuple[list[Passage], list[Question]]:
    """Return passages about wells of which the second statement answers, or none."""
    passages = [
        Passage(
            parts=(Part("fi", f"Kaivo {at}"),),
            statements=(
                f"Kaivo {at} porattiin keväällä.",
                f"Vettä tulee {at + 40} kuutiota tunnissa kaivosta {at}.",
                f"Pumppu {at} maksoi {at + 9000} euroa.",
            ),
        )
        for at in range(count)
    ]
    asked = [
        Question(
            passage=at,
            answers=frozenset([1] if at % 3 else []),
            asked_in="sv" if at % 2 else "fi",
            text=f"hur mycket ger brunn {at}" if at % 2 else f"paljonko vettä kaivosta {at} saa",
        )
        for at in range(count)
    ]
    return passages, asked


def lists(*, count: int) -> list[Candidates]:
    passages, asked = wells(count=count)
    return make_lists(passages, asked, embedder=BagOfWords(), tokenizer=bundled_tokenizer())
