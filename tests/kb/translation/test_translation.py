"""Question words in other languages: what is looked up, and how it is said."""

import pytest

from kb.analysis.engines import question_tokens
from kb.lexical import Translation
from kb.model import Language
from kb.retrieval import question_words
from kb.translation import Translator
from kb.translation.keys import keys
from kb.translation.lexicon import Entry, Pair


class Words:
    """A dictionary of a few words."""

    def __init__(self, source: Language, target: Language, words: dict[str, str]) -> None:
        self._pair = (source, target)
        self._entries: dict[str, list[Entry]] = {}
        for head, said in words.items():
            for key in keys(head, source):
                self._entries.setdefault(key, []).append(Entry(head, tuple(said.split("|"))))

    def find(self, key: str, pair: Pair) -> list[Entry]:
        return self._entries.get(key, []) if pair == self._pair else []


def translated(
    text: str, source: Language, target: Language, *dictionaries: Words
) -> dict[str, list[Translation]]:
    tokens = question_tokens(text, source)
    found = Translator(dictionaries).translate(tokens, source=source, target=target)
    return {token.surface: list(ways) for token, ways in zip(tokens, found, strict=True)}


def terms(way: Translation) -> list[list[set[str]]]:
    return [[{term for term, _ in group} for group in part] for part in way.parts]


def test_inflected_words_are_looked_up_by_their_dictionary_forms() -> None:
    words = Words("fi", "en", {"satama": "port|harbour", "kunta": "municipality"})

    found = translated("Missä kuntien satamissa?", "fi", "en", words)

    assert terms(found["satamissa"][0]) == [[{"port"}]]
    assert terms(found["satamissa"][1]) == [[{"harbour"}]]
    assert found["satamissa"][0].weight > found["satamissa"][1].weight
    assert found["kuntien"]
    assert found["Missä"] == []
    assert {way.language for way in found["satamissa"]} == {"en"}


def test_a_phrase_is_looked_up_whole_and_counts_for_each_of_its_words() -> None:
    words = Words("en", "fi", {"waste water": "jätevesi", "plant": "laitos"})

    found = translated("the waste waters of plants", "en", "fi", words)

    for surface in ("waste", "waters"):
        assert "jätevesi" in terms(found[surface][0])[0][0]
    assert "laitos" in terms(found["plants"][0])[0][0]
    assert len(found["plants"]) == 1


def test_a_compound_that_no_dictionary_has_is_translated_part_by_part() -> None:
    words = Words("fi", "en", {"teollisuus": "industry|industrial", "alue": "area|region"})

    [way] = translated("teollisuusalueella", "fi", "en", words)["teollisuusalueella"]

    assert terms(way) == [[{"industri"}], [{"area"}, {"region"}]]
    assert way.weight < 1


def test_a_compound_of_three_parts_meets_the_longer_half_that_is_known() -> None:
    words = Words("fi", "sv", {"jätevesi": "avloppsvatten", "puhdistamo": "reningsverk"})

    [way] = translated("jätevedenpuhdistamo", "fi", "sv", words)["jätevedenpuhdistamo"]

    assert len(way.parts) == 2


def test_names_and_numbers_have_no_translation() -> None:
    words = Words("en", "fi", {"port": "satama"})

    found = translated("Port of Kokkola 2025", "en", "fi", words)

    assert found["Kokkola"] == []
    assert found["2025"] == []
    assert found["Port"]


def test_a_word_goes_through_the_third_language_where_no_dictionary_has_it() -> None:
    there = Words("sv", "en", {"spara": "save"})
    on = Words("en", "fi", {"save": "säästää"})

    [way] = translated("sparar", "sv", "fi", there, on)["sparar"]

    assert "säästää" in terms(way)[0][0]
    assert way.weight < 1


def test_a_translation_of_several_words_needs_them_all() -> None:
    words = Words("fi", "en", {"kotikunta": "municipality of residence"})

    [way] = translated("kotikunta", "fi", "en", words)["kotikunta"]

    assert len(way.parts) == 2


@pytest.mark.parametrize("targets", [("fi",), ("fi", "en"), ("en",)])
def test_words_are_translated_to_the_other_languages_only(targets: tuple[Language, ...]) -> None:
    translator = Translator([Words("fi", "en", {"satama": "port"})])

    [word] = question_words("satama", ("fi",), translator=translator, targets=targets)
    [plain] = question_words("satama", ("fi",))

    assert word.terms == plain.terms
    assert {way.language for way in word.translations} == set(targets) - {"fi"}


def test_swedish_compounds_fall_into_three_parts_and_begin_with_el() -> None:
    words = Words(
        "sv",
        "fi",
        {"ren": "puhdas", "vatten": "vesi", "nät": "verkko", "el": "sähkö", "pris": "hinta"},
    )

    clean = translated("renvattennätet", "sv", "fi", words)["renvattennätet"]
    power = translated("elpriset", "sv", "fi", words)["elpriset"]

    assert terms(clean[0]) == [[{"puhdas"}], [{"vesi"}], [{"verkko"}]]
    assert terms(power[0]) == [[{"sähkö"}], [{"hinta"}]]


def test_an_inflection_is_no_part_of_a_swedish_compound() -> None:
    words = Words("sv", "fi", {"plats": "paikka", "olycka": "onnettomuus", "sen": "myöhäinen"})

    (way,) = translated("olycksplatsen", "sv", "fi", words)["olycksplatsen"]

    assert terms(way) == [[{"onnettomuus", "onni"}], [{"paikka"}]]


def test_a_swedish_noun_of_a_verb_is_said_by_the_verb() -> None:
    words = Words("sv", "fi", {"rekrytera": "palkata", "kyla": "jäähdyttää"})

    found = translated("rekryteringen av kylning", "sv", "fi", words)

    assert terms(found["rekryteringen"][0]) == [[{"palkata"}]]
    assert terms(found["kylning"][0]) == [[{"jäähdyttää"}]]
    assert found["kylning"][0].weight < 1


def test_what_a_small_swedish_word_begins_is_no_compound() -> None:
    words = Words("sv", "fi", {"under": "alla", "visning": "näyttely"})

    assert translated("undervisning", "sv", "fi", words)["undervisning"] == []
