"""Going on in Swedish and English: the order of words says what a fragment stands for.

A question is cut into parts: noun phrases, each with the preposition before it, parted by verbs
and small words. A fragment with a preposition takes the place of the part with the same one; a
bare noun that of the last part that is neither a place nor a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kb.following.words import Token, phrase_only, tokens_of, town_in, towns, with_year, words
from kb.model import Language


@dataclass(frozen=True, slots=True)
class Part:
    """A noun phrase: its words, the preposition before it, whether it is asked for itself."""

    tokens: tuple[Token, ...]
    preposition: str
    definite: bool
    name: bool
    asked_for: bool
    """It belongs to the question words: *how many staff*."""
    where: bool
    """It says a place or a time."""

    @property
    def start(self) -> int:
        """Where it begins in the question."""
        return self.tokens[0].start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.tokens[-1].end


def is_clause(text: str, language: Language) -> bool:
    """Tell whether a text is a sentence of its own: a question word or a verb begins it."""
    found = tokens_of(text)
    first = found[0].folded if found else ""
    if first in words(language, "questions") or first in words(language, "conditions"):
        return True
    if first in words(language, "auxiliaries"):
        return True
    if language == "sv" and first in words(language, "verbs"):
        return True
    return any(token.folded in words(language, "auxiliaries") for token in found[1:]) or (
        language == "sv" and any(token.folded in words(language, "verbs") for token in found[1:])
    )


# -- fragments -----------------------------------------------------------------------------------


def filled(phrase: str, before: str, language: Language, *, alone: bool) -> str | None:
    """Return the question before with a fragment in the place of what it stands for.

    ``alone`` is a fragment without a word that goes on: only a place or a year will do.
    """
    small = words(language, "small") | words(language, "prepositions")
    year = phrase_only(phrase, small)
    if year is not None:
        return with_year(phrase, year, before, plain={"sv": "år {}"}.get(language, "in {}"))
    given = tokens_of(phrase)
    if len(given) > 2 and _stands_for(given[0], given[1], language):
        given = given[1:]
    if not given or len(given) > 6:
        return None
    preposition = given[0].folded if given[0].folded in words(language, "prepositions") else ""
    noun = given[1:] if preposition else given
    if not noun:
        return None
    place = _is_name(noun, language, inside=True)
    if alone and not (place and preposition in words(language, "places")):
        return None
    said = phrase[noun[0].start : noun[-1].end]
    if place:
        said = town_in(said, language)
        return _with_place(said, preposition, parts_of(before, language), before, language)
    parts = parts_of(before, language)
    if preposition:
        same = [part for part in parts if part.preposition == preposition and not part.name]
        if same:
            return _put(before, same[-1], said)
        # "to rent one" is no place
        return None if preposition == "to" else f"{before} {preposition} {said}"
    return _with_noun(said, noun, parts, before, language)


def _stands_for(first: Token, second: Token, language: Language) -> bool:
    """Tell whether an article stands for a noun that isn't said again: *den i Jakobstad*."""
    return first.folded in words(language, "determiners") and second.folded in words(
        language, "prepositions"
    )


def _with_place(
    said: str, preposition: str, parts: Sequence[Part], before: str, language: Language
) -> str:
    names = [part for part in parts if part.name]
    if names:
        return _put(before, names[-1], said)
    named = [part for part in parts if part.where and any(t.capital for t in part.tokens)]
    if named:  # "the Kokkola industrial park"
        return _put(before, named[-1], said)
    return f"{before} {preposition or ('i' if language == 'sv' else 'in')} {said}"


def _with_noun(
    said: str, noun: Sequence[Token], parts: Sequence[Part], before: str, language: Language
) -> str | None:
    definite = _is_definite(noun, language)
    free = [part for part in parts if not part.where and not part.name]
    for group in (
        [part for part in free if not part.asked_for and part.definite and definite],
        [part for part in free if not part.asked_for],
        [part for part in free if part.asked_for],
    ):
        if group:
            return _put(before, group[-1], said)
    return None


def _put(before: str, part: Part, said: str) -> str:
    return before[: part.start] + said + before[part.end :]


# -- parts of a question -------------------------------------------------------------------------


def parts_of(text: str, language: Language) -> list[Part]:
    """Return the noun phrases of a question, in order."""
    found = tokens_of(text)
    kinds = _kinds(found, language)
    parts: list[Part] = []
    asking = True
    preposition = ""
    at = 0
    while at < len(found):
        kind = kinds[at]
        if kind != "noun":
            if kind == "verb":
                asking = False
            preposition = found[at].folded if kind == "preposition" else ""
            at += 1
            continue
        end = at
        while end < len(found) and kinds[end] == "noun" and _joined(text, found, at, end):
            end += 1
        tokens = tuple(found[at:end])
        name = _is_name(tokens, language, inside=at > 0)
        lowered = {token.folded for token in tokens}
        if lowered - words(language, "determiners"):
            parts.append(
                Part(
                    tokens,
                    preposition,
                    _is_definite(tokens, language),
                    name,
                    asking and at > 0,
                    preposition in words(language, "places"),
                )
            )
        preposition = ""
        at = end
    return parts


def _joined(text: str, found: Sequence[Token], at: int, end: int) -> bool:
    """Tell whether two words stand side by side: no comma, and no new article, between them."""
    return end == at or not text[found[end - 1].end : found[end].start].strip()


def _kinds(found: Sequence[Token], language: Language) -> list[str]:
    """Return what each word is: asks, verb, preposition, small or noun."""
    return _english(found) if language == "en" else _swedish(found)


def _swedish(found: Sequence[Token]) -> list[str]:
    """Swedish has its verb in the second place: after the question words and what is asked for."""
    kinds: list[str] = []
    for at, token in enumerate(found):
        word = token.folded
        verb = "verb" in kinds
        if _asks(found, kinds, at, "sv"):
            kinds.append("asks")
        elif word in words("sv", "prepositions"):
            kinds.append("preposition")
        elif word in words("sv", "verbs") or (not verb and kinds and _second(found, kinds, at)):
            kinds.append("verb")
        elif _expletive(found, at) if word == "det" else word in words("sv", "function"):
            kinds.append("small")
        else:
            kinds.append("noun")
    return kinds


def _asks(found: Sequence[Token], kinds: Sequence[str], at: int, language: Language) -> bool:
    """Tell whether a word asks: a question word, or *många* after *hur*."""
    word = found[at].folded
    if at == 0 or (at == 1 and kinds[0] == "preposition"):  # "to whom"
        return word in words(language, "questions")
    asked = kinds[-1] == "asks"
    return asked and word in words(language, "degrees")


def _expletive(found: Sequence[Token], at: int) -> bool:
    """Tell whether *det* is no article: nothing follows, or it fills a place (finns det köer)."""
    if at and found[at - 1].folded in words("sv", "idle"):
        return True
    if at + 1 >= len(found):
        return True
    after = found[at + 1].folded
    return any(after in words("sv", name) for name in ("prepositions", "verbs", "function"))


def _second(found: Sequence[Token], kinds: Sequence[str], at: int) -> bool:
    """Tell whether a word stands where the verb has to be: after the question words.

    After *vilka* and *hur många* comes what is asked for, and then the verb.
    """
    first = found[0].folded
    counted = first in ("vilka", "vilken", "vilket") or found[at - 1].folded in ("många", "mycket")
    if counted and "noun" not in kinds:
        return False
    return "verb" not in kinds and kinds[-1] in ("asks", "noun")


def _english(found: Sequence[Token]) -> list[str]:
    kinds: list[str] = []
    helped = False
    determined = False
    for at, token in enumerate(found):
        word = token.folded
        before = kinds[-1] if kinds else ""
        last = found[at - 1].folded if at else ""
        if _asks(found, kinds, at, "en"):
            kind = "asks"
        elif word in words("en", "auxiliaries"):
            kind, helped = "verb", True
        elif word in words("en", "prepositions"):
            kind = "preposition"
        elif word in words("en", "determiners"):
            kind = "noun"
        elif word in words("en", "function"):
            kind = "small"
        elif _is_verb(word, before=before, last=last, helped=helped, determined=determined) or (
            before == "noun" and not determined and _takes_an_object(found, at)
        ):
            kind = "verb"
        else:
            kind = "noun"
        determined = kind == "noun" and (determined or word in words("en", "determiners"))
        kinds.append(kind)
    return kinds


def _is_verb(word: str, *, before: str, last: str, helped: bool, determined: bool) -> bool:
    if last in words("en", "determiners"):
        return False
    if word.endswith("ing"):  # "for measuring noise", and not "the joint monitoring"
        return before in ("preposition", "asks", "") or last in ("is", "are", "was", "were")
    if word not in words("en", "verbs") and not (word.endswith("ed") and len(word) > 4):
        return False
    return not determined or helped


def _takes_an_object(found: Sequence[Token], at: int) -> bool:
    """Tell whether a word stands between a noun and an article: *how many people run the loop*."""
    after = found[at + 1].folded if at + 1 < len(found) else ""
    return after in words("en", "determiners") and after != "that"


def _is_definite(tokens: Sequence[Token], language: Language) -> bool:
    first, last = tokens[0].folded, tokens[-1].folded
    if language == "en":
        return first in ("the", "this", "that", "these", "those")
    return first in ("den", "det", "de") or last.endswith(("en", "et", "an", "na", "on", "rn"))


def _is_name(tokens: Sequence[Token], language: Language, *, inside: bool) -> bool:
    """Tell whether words name something: a known town, or capitals inside a sentence."""
    proper = [token for token in tokens if token.folded not in words(language, "determiners")]
    if not proper:
        return False
    if all(token.folded in towns() for token in proper):
        return True
    return inside and all(token.capital for token in proper)


# -- words that point back -----------------------------------------------------------------------


def pointed(question: str, before: str, language: Language) -> str | None:
    """Return a whole question with what points back in it said; None where nothing does."""
    found = tokens_of(question)
    earlier = tokens_of(before)
    adverbs = words(language, "adverbs")
    kinds = _kinds(found, language)
    if found and found[0].folded in adverbs and set(kinds) == {"asks"}:
        # "Why?" or "how often?" alone asks the same with other question words.
        if earlier and earlier[0].folded in adverbs:
            return before[: earlier[0].start] + question.strip() + before[earlier[0].end :]
        return None
    parts = parts_of(before, language)
    out = question
    changed = False
    for at in range(len(found) - 1, -1, -1):
        said: str | None = None
        word = found[at].folded
        if word in words(language, "there"):
            said = _place_said(found, at, parts, language)
        elif word in words(language, "pronouns") and _points_back(found, kinds, at, language):
            said = _topic_said(parts, before, word, language)
        if said:
            out = out[: found[at].start] + said + out[found[at].end :]
            changed = True
    return out if changed else None


def _place_said(
    found: Sequence[Token], at: int, parts: Sequence[Part], language: Language
) -> str | None:
    where = [part for part in parts if part.where and part.name] or [
        part for part in parts if part.where
    ]
    if not where:
        return None
    place = f"{where[-1].preposition} {' '.join(token.text for token in where[-1].tokens)}"
    if language == "sv":
        return place
    if at + 1 < len(found):  # "are there services": nothing is pointed at
        return None
    if found[at - 1].folded in ("is", "are", "was", "were"):
        return f"there {place}" if len(found) <= 5 else None
    return place


def _points_back(found: Sequence[Token], kinds: Sequence[str], at: int, language: Language) -> bool:
    """Tell whether a pronoun stands for something said before, and not for what is beside it."""
    word = found[at].folded
    beside = {token.folded for token in found[max(0, at - 1) : at + 3]} - {word}
    if at + 1 == len(found):
        beside -= {"kom", "kommer"}  # "varifrån kommer det?", and not "hur många kom det 2022?"
    if word in ("it", "det") and beside & words(language, "idle"):
        return False
    if at and found[at - 1].folded in ("as", "som"):  # "as it is today"
        return False
    nouns = [
        place
        for place, kind in enumerate(kinds)
        if kind == "noun" and found[place].folded not in words(language, "pronouns")
    ]
    if language == "sv":
        after = found[at + 1].folded if at + 1 < len(found) else ""
        if after and kinds[at + 1] == "noun" and after not in words("sv", "there"):
            return False  # "den gemensamma": an article
        return not [place for place in nouns if place < at] and len(nouns) <= 2
    return len(nouns) <= (1 if word in ("they", "them", "their") else 2) and not [
        place for place in nouns if found[place].folded in words(language, "determiners")
    ]


def _with_its_phrases(topic: Part, parts: Sequence[Part], before: str, language: Language) -> int:
    """Return where a noun phrase ends with what belongs to it: *en plats på rörbron*.

    Named places and years are left, since what goes on may be asked of others, and so is *per år*.
    """
    end = topic.end
    for part in parts:
        between = before[end : part.start].split()
        belongs = part.preposition in words(language, "belonging") and not part.name
        dated = any(character.isdigit() for character in before[part.start : part.end])
        if part.start > end and len(between) == 1 and belongs and not dated:
            end = part.end
    return end


def _topic_said(parts: Sequence[Part], before: str, word: str, language: Language) -> str | None:
    one = word in words(language, "singular")
    order = sorted(
        (part for part in parts if not (part.name and part.where)),
        key=lambda part: (
            bool(part.preposition) and part.where,
            bool(part.preposition),
            part.asked_for == one,
        ),
    )
    if not order:
        return None
    said = before[order[0].start : _with_its_phrases(order[0], parts, before, language)]
    first, _, rest = said.partition(" ")
    if language == "en" and first.casefold() in ("a", "an") and rest:
        said = f"the {rest}"
    if word in ("its", "their"):
        return f"{said}'s"
    return f"{said}s" if word in ("dess", "deras") else said
