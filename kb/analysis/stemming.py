"""Snowball stemmers, safe between threads.

``snowballstemmer`` hands over to PyStemmer, the same rules compiled, where that is installed, as
it is with us: ten times as fast. Both give the same stems, which a test holds.
"""

from __future__ import annotations

import threading
from importlib.metadata import version
from typing import Any, Literal


class Snowball:
    """The stemmer of one language, behind a lock: it works on state of its own."""

    def __init__(self, language: Literal["finnish", "swedish", "english"]) -> None:
        import snowballstemmer

        self._stemmer: Any = snowballstemmer.stemmer(language)
        self._stemmer.maxCacheSize = 0  # the analysers keep words themselves
        self._lock = threading.Lock()
        self.name = f"snowball {version('snowballstemmer')}"

    def stem(self, word: str) -> str:
        """Return the stem of a folded word."""
        with self._lock:
            return str(self._stemmer.stemWord(word))
