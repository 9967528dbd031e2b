"""Going on in Finnish: cases say what a fragment stands for, and Voikko knows them.

A word is put into another case by trying: stems and endings are joined in every way that
consonant gradation allows, and the one that the dictionary reads as that word in that case is
taken. So nothing ungrammatical is made up; where nothing fits, the word stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from kb.analysis.finnish import Morphology, open_morphology, read_analysis
from kb.analysis.tokens import fold
from kb.analysis.vocabulary import word_list
from kb.following.words import Token, phrase_only, tokens_of, town_in, towns, with_year, words
from kb.model import Language

# What a pronoun announces: "sen, että …", "se -sana".
_CLAUSE = re.compile(r"\s*,|\s+-")
_TAGS = re.compile(r"\[(\w+)\]")
_FINITE = re.compile(r"\[T[te]\].*\[P\d\]")

_IN, _FROM, _TO = ("Sine", "Sade"), ("Sela", "Sabl"), ("Sill", "Sall")
_DIRECTIONS = (_IN, _FROM, _TO)
_CORE = ("Sn", "Sg", "Sp")
_LOCAL = frozenset(case for pair in _DIRECTIONS for case in pair)

# Forms of the pronouns that point back: their case and number.
_POINTING = {
    "se": ("Sn", "Ny"),
    "sen": ("Sg", "Ny"),
    "sitä": ("Sp", "Ny"),
    "siitä": ("Sela", "Ny"),
    "siinä": ("Sine", "Ny"),
    "siihen": ("Sill", "Ny"),
    "sille": ("Sall", "Ny"),
    "sillä": ("Sade", "Ny"),
    "siltä": ("Sabl", "Ny"),
    "ne": ("Sn", "Nm"),
    "niiden": ("Sg", "Nm"),
    "niitä": ("Sp", "Nm"),
    "niistä": ("Sela", "Nm"),
    "niissä": ("Sine", "Nm"),
}
_THERE = {"siellä": _IN, "sieltä": _FROM, "sinne": _TO}

# How the stem of a name that no dictionary knows shows its case.
_GUESSES = (
    (re.compile(r"(?:ssa|ssä)$"), "Sine"),
    (re.compile(r"(?:sta|stä)$"), "Sela"),
    (re.compile(r"(?:lla|llä)$"), "Sade"),
    (re.compile(r"(?:lta|ltä)$"), "Sabl"),
    (re.compile(r"lle$"), "Sall"),
    (re.compile(r"(?:([aeiouyäö])\1|h[aeiouyäö]|see)n$"), "Sill"),
    (re.compile(r"n$"), "Sg"),
)


@dataclass(frozen=True, slots=True)
class Form:
    """One way to read a word: its dictionary form, class (Ln, Ll, Lep, …), case and number."""

    lemma: str
    kind: str
    case: str
    number: str


@dataclass(frozen=True, slots=True)
class Read:
    """A word with its readings."""

    token: Token
    forms: tuple[Form, ...]
    verb: bool
    asks: bool
    """A question word, pronoun or other small word."""

    @property
    def nominal(self) -> bool:
        """True where it can be a noun, an adjective or a name."""
        return bool(self.forms) and not self.verb and not self.asks

    @property
    def noun(self) -> bool:
        """True where it can be more than an adjective."""
        return self.nominal and any(form.kind != "Ll" for form in self.forms)

    @property
    def place(self) -> bool:
        """True where it names a place."""
        if not self.nominal:
            return False
        named = any(form.kind == "Lep" for form in self.forms)
        local = self.token.capital and any(form.case in _LOCAL for form in self.forms)
        return named or (local and all(form.kind in ("Les", "Lee", "?") for form in self.forms))

    def has(self, case: str, number: str = "") -> bool:
        """Tell whether it can be read in a case."""
        return any(f.case == case and number in ("", f.number) for f in self.forms)

    @property
    def cases(self) -> tuple[str, ...]:
        """The cases that it can be read in, those of place names first."""
        order = sorted(self.forms, key=lambda form: form.kind != "Lep")
        return tuple(dict.fromkeys(form.case for form in order))


@cache
def _morphology() -> Morphology:
    return open_morphology()


@lru_cache(maxsize=4096)
def _readings(word: str) -> tuple[str, ...]:
    return tuple(_morphology().readings(word))


@lru_cache(maxsize=4096)
def _forms(word: str) -> tuple[Form, ...]:
    found: dict[Form, None] = {}
    for analysis in _readings(word):
        tags = _TAGS.findall(analysis)
        case = next((tag for tag in reversed(tags) if tag.startswith("S")), "")
        kind = next((tag for tag in reversed(tags) if tag.startswith("L")), "")
        number = next((tag for tag in reversed(tags) if tag in ("Ny", "Nm")), "Ny")
        if case and kind not in ("Lt", "Lr", "Ls", "Lc"):
            found[Form(read_analysis(analysis).lemma, kind, case, number)] = None
    return tuple(found)


def _read(token: Token, *, first: bool) -> Read:
    word = fold(token.text)
    forms = _forms(word)
    readings = _readings(word)
    asks = word in word_list("fi", "asking") or any("[Lr]" in one for one in readings)
    name = token.capital and not first
    verb = (
        not name
        and any(_FINITE.search(one) for one in readings)
        and not any(form.kind in ("Ll", "Lep") for form in forms)
    )
    if not forms and not readings and token.capital:
        case = next((case for ending, case in _GUESSES if ending.search(word)), "Sn")
        forms = (Form("", "?", case, "Ny"),)
    number = token.text[:1].isdigit()
    return Read(token, forms, verb, asks or (not forms and not verb and not number))


def _reads(text: str) -> list[Read]:
    return [_read(token, first=not at) for at, token in enumerate(tokens_of(text))]


def is_clause(text: str, language: Language) -> bool:
    """Tell whether a text is a sentence of its own: it has a verb, or a question word and more."""
    del language
    found = _reads(text)
    if not found:
        return False
    if found[0].token.folded in words("fi", "conditions"):
        return True
    known = bool(found[0].forms or _readings(fold(found[0].token.text)))
    return any(one.verb for one in found) or (found[0].asks and known)


# -- fragments -----------------------------------------------------------------------------------


def filled(phrase: str, before: str, language: Language, *, alone: bool) -> str | None:
    """Return the question before with a fragment in the place of what it stands for.

    ``alone`` is a fragment without a word that goes on: only a place or a year will do.
    """
    del language
    year = phrase_only(phrase, words("fi", "small"))
    if year is not None:
        return with_year(phrase, year, before, plain="vuonna {}")
    given = _named(_reads(phrase))
    if not given or len(given) > 5:
        return None
    head = given[-1]
    if not head.nominal:
        return None
    asked = _reads(before)
    if head.place:
        if alone and not (len(given) == 1 and any(case in _LOCAL for case in head.cases)):
            return None
        return _with_place(given, asked, before)
    if alone:
        return None
    return _with_noun(given, asked, before)


def _named(given: list[Read]) -> list[Read]:
    """Return the words with towns called by their Finnish names."""
    out: list[Read] = []
    for one in given:
        name = one.token.text
        if name.casefold() in towns() and town_in(name, "fi").casefold() != name.casefold():
            finnish = Token(0, 0, town_in(name, "fi"))
            out.append(_read(finnish, first=False))
        elif one.token.folded not in ("i", "in", "på", "at"):
            out.append(one)
    return out


def _with_place(given: Sequence[Read], asked: Sequence[Read], before: str) -> str | None:
    head = given[-1]
    said = _said(given)
    places = [one for one in asked if one.place]
    if places:
        there = places[-1]
        for case in there.cases[:1]:
            if head.cases[0] == case or _same_direction(head.cases[0], case):
                return _put(before, there.token, said)
            moved = _moved(given, case)
            return _put(before, there.token, moved or said)
    if head.cases[0] in _LOCAL:
        return f"{before} {said}"
    moved = _moved(given, "Sade" if _external(head) else "Sine")
    return f"{before} {moved or said}"


def _same_direction(one: str, other: str) -> bool:
    return any(one in pair and other in pair for pair in _DIRECTIONS)


def _external(word: Read) -> bool:
    return any(form.lemma in words("fi", "external") for form in word.forms)


def _with_noun(given: Sequence[Read], asked: Sequence[Read], before: str) -> str | None:
    head = given[-1]
    said = _said(given)
    open_to = [one for one in asked if one.noun and not one.place]
    for case in head.cases:
        same = [one for one in open_to if one.has(case)]
        if same:
            return _replaced(before, asked, same[-1], given)
    if not head.has("Sn"):
        return f"{before} {said}" if any(case in _LOCAL for case in head.cases) else None
    # A topic in the nominative stands for what the question was about, in whatever case.
    heads = [one for one in open_to if not _is_attribute(one, asked)]
    for group in (
        [one for one in heads if any(one.has(case) for case in _CORE)],
        [one for one in open_to if one.has("Sg")],
        heads,
    ):
        if group:
            target = group[-1]
            case = next((c for c in (*_CORE, *target.cases) if target.has(c)), "Sn")
            return _replaced(before, asked, target, given, moved=_moved(given, case))
    return None


def _is_attribute(word: Read, asked: Sequence[Read]) -> bool:
    """Tell whether a word belongs to the noun after it: a genitive before a noun."""
    at = asked.index(word)
    after = asked[at + 1] if at + 1 < len(asked) else None
    return word.has("Sg") and after is not None and after.nominal and not after.place


def _replaced(
    before: str,
    asked: Sequence[Read],
    target: Read,
    given: Sequence[Read],
    *,
    moved: str | None = None,
) -> str:
    """Put words in the place of a noun and of the adjectives that agree with it.

    Where they bring an attribute of their own (*Porin teollisuusalueella*), that of the noun
    goes too.
    """
    at = asked.index(target)
    attributed = any(one.has("Sg") and not _agrees(one, given[-1]) for one in given[:-1])
    first = at
    while first > 0 and (
        _agrees(asked[first - 1], target)
        or (attributed and asked[first - 1].nominal and asked[first - 1].has("Sg"))
    ):
        first -= 1
    said = moved or _said(given)
    return before[: asked[first].token.start] + said + before[target.token.end :]


def _agrees(word: Read, noun: Read) -> bool:
    cases = {(form.case, form.number) for form in noun.forms}
    return word.nominal and any(
        form.kind in ("Ll", "Lnl") and (form.case, form.number) in cases for form in word.forms
    )


def _said(given: Sequence[Read]) -> str:
    return " ".join(one.token.text for one in given)


def _put(before: str, token: Token, said: str) -> str:
    return before[: token.start] + said + before[token.end :]


# -- words that point back -----------------------------------------------------------------------


def pointed(question: str, before: str, language: Language) -> str | None:
    """Return a whole question with what points back in it said; None where nothing does."""
    del language
    asked, earlier = _reads(question), _reads(before)
    other = _otherwise(asked, earlier, before)
    if other is not None:
        return other
    out = question
    changed = False
    for at in range(len(asked) - 1, -1, -1):
        token = asked[at].token
        said: str | None = None
        if _CLAUSE.match(question, token.end):
            continue
        if token.folded in _THERE and not any(_is_local(one) for one in asked[:at]):
            said = _place_said(earlier, _THERE[token.folded])
        elif token.folded in _POINTING and _points_back(asked, at):
            said = _topic_said(earlier, *_POINTING[token.folded])
        if said:
            out = out[: token.start] + said + out[token.end :]
            changed = True
    return out if changed else None


def _is_local(word: Read) -> bool:
    return word.noun and any(case in _LOCAL for case in word.cases)


def _otherwise(asked: Sequence[Read], earlier: Sequence[Read], before: str) -> str | None:
    """*Miksi?* or *kuinka usein?* alone asks the same with another question word."""
    adverbs = words("fi", "adverbs")
    if not all(one.asks for one in asked) or asked[0].token.folded not in adverbs:
        return None
    if len(asked) > 2 or not earlier or earlier[0].token.folded not in adverbs:
        return None
    return _put(before, earlier[0].token, _said(asked))


def _points_back(asked: Sequence[Read], at: int) -> bool:
    """Tell whether a pronoun stands for something said before, and not for what is beside it."""
    case, number = _POINTING[asked[at].token.folded]
    counted = [i for i in range(1, at) if asked[i - 1].asks and asked[i].has("Sp")]
    if any(one.noun and i not in counted for i, one in enumerate(asked[:at])):
        return False
    after = asked[at + 1] if at + 1 < len(asked) else None
    if after is not None and after.nominal and (after.has(case, number) or after.place):
        return False
    return sum(one.noun for one in asked) <= 2


@dataclass(frozen=True, slots=True)
class _Run:
    """A noun with what belongs to it before it."""

    parts: tuple[Read, ...]
    asked_for: bool
    """It stands after a question word: *mitä lupia*."""

    @property
    def head(self) -> Read:
        return self.parts[-1]


def _runs(earlier: Sequence[Read]) -> list[_Run]:
    runs: list[_Run] = []
    parts: list[Read] = []
    asked_for = False
    for at, one in enumerate(earlier):
        if not one.nominal:
            parts, asked_for = [], one.asks and not one.verb
            continue
        if parts and not (parts[-1].has("Sg") or _agrees(parts[-1], one)):
            parts, asked_for = [], False
        parts.append(one)
        after = earlier[at + 1] if at + 1 < len(earlier) else None
        goes_on = after is not None and after.nominal and (one.has("Sg") or _agrees(one, after))
        if not goes_on and one.noun:
            runs.append(_Run(tuple(parts), asked_for and len(runs) == 0))
            parts, asked_for = [], False
    return runs


def _topic_said(earlier: Sequence[Read], case: str, number: str) -> str | None:
    runs = [run for run in _runs(earlier) if not (run.head.place and len(run.parts) == 1)]

    def order(run: _Run) -> tuple[bool, bool, bool]:
        core = any(run.head.has(one) for one in _CORE)
        return (not core, not any(f.number == number for f in run.head.forms), run.asked_for)

    runs.sort(key=order)
    if not runs:
        return None
    run = runs[0]
    moved = _moved(run.parts, case, number)
    return moved or _said(run.parts)


def _place_said(earlier: Sequence[Read], direction: tuple[str, str]) -> str | None:
    places = [one for one in earlier if one.place]
    if places:
        there = places[-1]
        if there.cases[0] in direction:
            return there.token.text
        return _moved([there], direction[1 if _external(there) else 0])
    for run in reversed(_runs(earlier)):
        if any(case in _IN for case in run.head.cases):
            if direction == _IN:
                return _said(run.parts)
            return _moved(run.parts, direction[run.head.has("Sade")])
    return None


# -- putting into a case -------------------------------------------------------------------------


def _moved(parts: Sequence[Read], case: str, number: str = "") -> str | None:
    """Return a noun with its adjectives in another case; what else belongs to it stays."""
    head = parts[-1]
    out: list[str] = []
    for one in parts:
        if one is not head and not _agrees(one, head):
            out.append(one.token.text)
            continue
        form = _inflected(one, case, number)
        if form is None:
            return None
        out.append(form)
    return " ".join(out)


def _inflected(word: Read, case: str, number: str) -> str | None:
    for form in sorted(word.forms, key=lambda one: (one.kind != "Lep", one.kind == "Les")):
        if not form.lemma:
            continue
        found = inflected(form.lemma, case, number or form.number)
        if found is not None:
            name = word.token.capital or form.kind in ("Lep", "Les")
            return found[:1].upper() + found[1:] if name else found
    return None


@lru_cache(maxsize=2048)
def inflected(lemma: str, case: str, number: str = "Ny") -> str | None:
    """Return a word in a case (Sn, Sg, Sp, Sine, …) and number (Ny, Nm); None where none fits."""
    if case == "Sn" and number == "Ny":
        return lemma
    for tried in _candidates(lemma, case, number):
        if any(
            form.lemma == lemma and form.case == case and form.number == number
            for form in _forms(tried)
        ):
            return tried
    return None


_ENDINGS = {
    "Sg": ("n",),
    "Sine": ("ssa",),
    "Sela": ("sta",),
    "Sade": ("lla",),
    "Sabl": ("lta",),
    "Sall": ("lle",),
    "Sp": ("a", "ta", "tta"),
    "Sill": ("=n", "h=n", "seen"),
    "Str": ("ksi",),
    "Ses": ("na",),
}
_GRADES = (
    ("kk", "k"),
    ("pp", "p"),
    ("tt", "t"),
    ("nk", "ng"),
    ("nt", "nn"),
    ("mp", "mm"),
    ("lt", "ll"),
    ("rt", "rr"),
    ("lk", "lj"),
    ("rk", "rj"),
    ("k", ""),
    ("k", "v"),
    ("p", "v"),
    ("t", "d"),
)


_PLURAL_ENDINGS = {
    "Sn": ("t",),
    "Sg": ("ien", "jen", "iden", "itten"),
    "Sp": ("ia", "ja", "ita"),
    "Sine": ("issa",),
    "Sela": ("ista",),
    "Sade": ("illa",),
}


def _candidates(lemma: str, case: str, number: str) -> Iterator[str]:
    back = not re.search(r"[aou]", lemma.rpartition("-")[2]) if lemma else False
    endings = (_PLURAL_ENDINGS if number == "Nm" else _ENDINGS).get(case, ())
    for stem in _stems(lemma):
        if number == "Nm":  # the last vowel may change or go: lup|ien, sato|jen
            shorter = (stem, stem[:-1], f"{stem[:-1]}o", f"{stem[:-1]}ö")
            for made in (short + ending for short in shorter for ending in endings):
                yield made
                yield re.sub(r"a(?=[^a]*$)", "ä", made)
            continue
        for ending in endings:
            made = ending.replace("=", stem[-1:])
            yield stem + (made.replace("a", "ä") if back and "=" not in ending else made)
            # The vowels of a compound's last part rule: teollisuus|tie, but neuvottelu|pöytä.
            yield stem + made.replace("a", "ä") if not back else stem + made


def _stems(lemma: str) -> Iterator[str]:
    bases = [lemma]
    for ending, instead in (
        ("nen", ("se", "s")),
        ("si", ("de", "te", "t")),
        ("i", ("e", "")),
        ("us", ("ude", "ute", "ukse", "ut", "us")),
        ("ys", ("yde", "yte", "ykse", "yt", "ys")),
        ("s", ("kse", "a", "ä", "e", "i", "s")),
        ("e", ("ee", "et", "e")),
        ("in", ("ime", "in")),
        ("ton", ("ttoma", "tont")),
        ("tön", ("ttömä", "tönt")),
        ("", ("e", "i")),
    ):
        if lemma.endswith(ending) and len(lemma) > len(ending) + 1:
            bases += [lemma[: len(lemma) - len(ending)] + one for one in instead]
    for base in dict.fromkeys(bases):
        yield base
        found = re.search(r"([^aeiouyäö]+)([aeiouyäö]{1,2})$", base)
        if found is None:
            continue
        cluster, vowels, head = found[1], found[2], base[: found.start()]
        for strong, weak in _GRADES:
            for one, other in ((strong, weak), (weak, strong)):
                if one and cluster.endswith(one):
                    yield head + cluster[: len(cluster) - len(one)] + other + vowels
