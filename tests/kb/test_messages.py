import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from kb.messages import LANGUAGES, catalogue, message

ROOT = Path(__file__).parents[2]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_each_message_says_the_same_in_three_languages(key: str) -> None:
    texts = catalogue()[key]

    assert all(text.strip() for text in texts.values())
    assert len({frozenset(placeholders(text)) for text in texts.values()}) == 1


def test_every_unreadable_reason_has_a_cure() -> None:
    reasons = {k.removeprefix("error.") for k in catalogue() if k.startswith("error.unreadable_")}
    cures = {k.removeprefix("cure.") for k in catalogue() if k.startswith("cure.")}

    assert reasons == cures


def test_every_code_that_the_source_raises_has_a_message() -> None:
    known = {key.split(".", 1)[1] for key in catalogue() if key.startswith("error.")}
    used: set[str] = set()
    for package in ("kb", "ingest", "api", "evaluation"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    used.update(re.findall(r"^unreadable_[a-z_]+$", node.value))

    assert used <= known


def test_an_unknown_language_is_answered_in_english() -> None:
    assert message("error.question_empty", "de") == message("error.question_empty", "en")
    assert LANGUAGES == ("fi", "sv", "en")
