"""Text to the tokens of XLM-RoBERTa, the most probable pieces of each word (Kudo 2018).

Written in Python because the vocabulary is then ready in 0.15 s, where the ``tokenizers`` library
takes 0.6 s to build it. The pieces of a word are remembered and words repeat, so it costs 0.1
to 2 ms a passage where the vector takes 65 ms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from math import inf

from kb.embedding.weights import Weights

SPACE = "▁"  # stands for the space before a word in the vocabulary
_WORD = re.compile(f"{SPACE}[^{SPACE}]*")
_SPACES = re.compile(" {2,}")
_REMEMBERED = 200_000
_REMEMBERED_LENGTH = 40


class Unigram:
    """The tokenizer of one model."""

    def __init__(self, weights: Weights) -> None:
        pieces = weights.pieces()
        scores = weights.scores()
        self.begin, self.end, self.unknown = weights.begin, weights.end, weights.unknown
        self._characters = weights.characters()
        self._longest = max(map(len, pieces))
        self._numbers = dict(zip(pieces, range(len(pieces)), strict=True))
        del self._numbers[pieces[self.unknown]]
        self._scores = scores
        # SentencePiece's: an unknown character is ten below the least probable piece.
        self._unknown_score = min(scores) - 10
        self._known: dict[str, tuple[int, ...]] = {}

    def content(self, text: str, limit: int | None = None) -> list[int]:
        """Return the numbers of a text's pieces, without begin and end, at most ``limit``."""
        found: list[int] = []
        if not text:
            return found  # else it would be the space that every text begins with
        for word in self._words(text):
            numbers = self._known.get(word)
            if numbers is None:
                numbers = self._segment(word)
                if len(word) <= _REMEMBERED_LENGTH:
                    if len(self._known) >= _REMEMBERED:
                        self._known = {}
                    self._known[word] = numbers
            found += numbers
            if limit is not None and len(found) >= limit:
                return found[:limit]
        return found

    def tokens(self, text: str, limit: int) -> list[int]:
        """Return begin, pieces and end, at most ``limit`` numbers."""
        return [self.begin, *self.content(text, limit - 2), self.end]

    def _words(self, text: str) -> Iterator[str]:
        # The vocabulary is composed (ä is one character), so the text is too.
        text = unicodedata.normalize("NFC", text).translate(self._characters)
        text = _SPACES.sub(" ", text)
        if not text.startswith(" "):
            text = " " + text
        # No piece has a space inside, so words can be cut one by one.
        return (match.group() for match in _WORD.finditer(text.replace(" ", SPACE)))

    def _segment(self, word: str) -> tuple[int, ...]:
        """Find the most probable pieces by dynamic programming over the ends of pieces."""
        numbers, scores, longest = self._numbers, self._scores, self._longest
        length = len(word)
        best = [0.0] + [-inf] * length
        last: list[tuple[int, int]] = [(0, 0)] * (length + 1)
        for start in range(length):
            so_far = best[start]
            for end in range(start + 1, min(length, start + longest) + 1):
                number = numbers.get(word[start:end])
                if number is not None and so_far + scores[number] > best[end]:
                    best[end] = so_far + scores[number]
                    last[end] = (start, number)
            if so_far + self._unknown_score > best[start + 1]:
                best[start + 1] = so_far + self._unknown_score
                last[start + 1] = (start, self.unknown)
        found: list[int] = []
        at = length
        while at:
            at, number = last[at]
            # As in SentencePiece, a run of unknown characters is one unknown piece.
            if not (number == self.unknown and found and found[-1] == number):
                found.append(number)
        return tuple(reversed(found))
