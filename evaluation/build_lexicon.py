"""Build the dictionaries in ``kb/translation`` from Debian's FreeDict packages.

``apt-get install dict-freedict-eng-fin dict-freedict-fin-eng dict-freedict-fin-swe
dict-freedict-swe-fin dict-freedict-swe-eng``, then ``python -m evaluation.build_lexicon``. Both
directions of a pair of languages are merged: what either says holds for both, and what both say
comes first. English to Swedish is Swedish to English turned round, since the package of that
direction has headwords cut short.
"""

from __future__ import annotations

import argparse
import gzip
import re
import string
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from kb.model import Language
from kb.translation.keys import keys
from kb.translation.lexicon import Entry, Pair, pack

SOURCES: Mapping[str, tuple[tuple[str, Pair], ...]] = {
    "en-fi": (("eng-fin", ("en", "fi")), ("fin-eng", ("fi", "en"))),
    "fi-sv": (("fin-swe", ("fi", "sv")), ("swe-fin", ("sv", "fi"))),
    "en-sv": (("swe-eng", ("sv", "en")),),
}
MAX_TRANSLATIONS = 14
MAX_WORDS = 4
"""A longer headword or translation explains rather than translates."""

_DIGITS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_HEAD = re.compile(r"\s*(?:/.*/|<[^>]*>)\s*(?:<[^>]*>)?\s*$")
_SENSE = re.compile(r"^\d+\. ")
_SUBSENSE = re.compile(r"\s+\d+\.$")
_BRACKETS = re.compile(r"\s*[(\[{][^)\]}]*[)\]}]")

Ranks = dict[tuple[str, str], float]
"""How sure a pair of words is, by the pair."""


def read_dictd(folder: Path, name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield headwords and their translations of a dictd dictionary, in its order."""
    text = gzip.decompress((folder / f"freedict-{name}.dict.dz").read_bytes())
    index = (folder / f"freedict-{name}.index").read_text(encoding="utf-8")
    places = {tuple(line.split("\t")[1:3]) for line in index.splitlines()}
    for offset, length in sorted((_number(at), _number(size)) for at, size in places):
        head, *body = text[offset : offset + length].decode("utf-8").splitlines()
        if not head.startswith("00-database") and body:
            yield _HEAD.sub("", head).strip(), list(_translations(body))


def _number(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 64 + _DIGITS.index(digit)
    return value


def _translations(body: Sequence[str]) -> Iterator[str]:
    """Yield what stands on the lines of an entry that translate; the others explain."""
    for at, line in enumerate(body):
        if at and not _SENSE.match(line):
            continue
        meant = _SUBSENSE.sub("", _SENSE.sub("", line))
        for part in _BRACKETS.sub("", meant).split(","):
            yield part.strip(" .;!?")


def usable(text: str, language: Language) -> str:
    """Return a headword or translation as it is kept; empty when it isn't worth keeping."""
    text = " ".join(text.split())
    if language == "en":
        text = re.sub(r"^(?:to|a|an|the) (?=\w)", "", text)
    if language == "sv":
        text = re.sub(r"^(?:att|en|ett) (?=\w)", "", text)
    if not text or len(text.split()) > MAX_WORDS or len(text) < 2 or "\t" in text:
        return ""
    if text[0] in "-~" or text[-1] in "-~" or not any(letter.isalpha() for letter in text):
        return ""
    return text


def merged(sources: Iterable[tuple[Pair, Iterable[tuple[str, list[str]]]]], pair: Pair) -> Ranks:
    """Return how sure each pair of words is, both directions taken together.

    Each direction adds the reciprocal of the translation's place in its entry.
    """
    ranks: Ranks = defaultdict(float)
    for (source, target), entries in sources:
        seen: dict[tuple[str, str], float] = {}
        for head, translations in entries:
            headword = usable(head, source)
            kept = [one for text in translations if (one := usable(text, target))]
            for place, translation in enumerate(kept, start=1):
                if not headword:
                    continue
                words = (headword, translation) if source == pair[0] else (translation, headword)
                seen[words] = max(seen.get(words, 0.0), 1 / place)
        for words, value in seen.items():
            ranks[words] += value
    return ranks


def entries(ranks: Ranks, language: Language) -> Iterator[tuple[str, Entry]]:
    """Yield keys and entries of one direction, from the first of each pair of words."""
    by_head: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (headword, translation), value in ranks.items():
        by_head[headword].append((-value, translation))
    for headword, found in sorted(by_head.items()):
        translations = tuple(text for _, text in sorted(found)[:MAX_TRANSLATIONS])
        for key in dict.fromkeys(keys(headword, language)):
            yield key, Entry(headword, translations)


def build(name: str, folder: Path) -> bytes:
    """Return the pack of a pair of languages."""
    sources = SOURCES[name]
    pair = min(one for _, pairs in sources for one in (pairs, (pairs[1], pairs[0])))
    ranks = merged(((of, read_dictd(folder, source)) for source, of in sources), pair)
    turned = {(second, first): value for (first, second), value in ranks.items()}
    return pack(
        [
            (pair, entries(ranks, pair[0])),
            ((pair[1], pair[0]), entries(turned, pair[1])),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the packs; return 0."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.build_lexicon")
    parser.add_argument("--dictd", type=Path, default=Path("/usr/share/dictd"))
    parser.add_argument("--to", type=Path, default=Path("kb/translation"))
    chosen = parser.parse_args(arguments)
    for name in SOURCES:
        made = build(name, chosen.dictd)
        (chosen.to / f"{name}.zip").write_bytes(made)
        sys.stdout.write(f"{name}.zip: {len(made) / 1e6:.2f} MB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
