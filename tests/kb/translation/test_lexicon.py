"""The packed word lists."""

from hypothesis import given
from hypothesis import strategies as st

from kb.translation.keys import keys
from kb.translation.lexicon import Entry, Lexicon, pack

CELL = st.text(st.characters(categories=["L", "Nd"], include_characters=" -"), min_size=1)


@given(
    st.lists(st.tuples(CELL, CELL, st.lists(CELL, min_size=1, max_size=4)), max_size=60),
    st.integers(1, 200),
)
def test_every_packed_entry_is_found_by_its_key(
    rows: list[tuple[str, str, list[str]]], block: int
) -> None:
    given = [(key, Entry(head, tuple(found))) for key, head, found in rows]

    lexicon = Lexicon([pack([(("en", "fi"), given)], block=block)])

    for key, _ in given:
        expected = sorted((e.headword, e.translations) for k, e in given if k == key)
        found = lexicon.find(key, ("en", "fi"))
        assert sorted((e.headword, e.translations) for e in found) == expected
    assert lexicon.find("\x01", ("en", "fi")) == []
    assert lexicon.find("\uffff", ("en", "fi")) == []
    assert lexicon.find("a", ("fi", "en")) == []


def test_the_same_entries_give_the_same_bytes() -> None:
    entries = [("b", Entry("b", ("x",))), ("a", Entry("a", ("y", "z")))]

    assert pack([(("fi", "sv"), entries)]) == pack([(("fi", "sv"), reversed(entries))])


def test_the_shipped_lists_know_plain_words_both_ways() -> None:
    lexicon = Lexicon()

    def said(word: str, source: str, target: str) -> set[str]:
        pair = (source, target)
        return {
            text
            for key in keys(word, source)  # type: ignore[arg-type] # a str for the test's brevity
            for entry in lexicon.find(key, pair)  # type: ignore[arg-type] # the same
            for text in entry.translations
        }

    assert "jätevesi" in said("waste water", "en", "fi")
    assert "wastewater" in said("jätevedellä", "fi", "en")
    assert "avloppsvatten" in said("jätevesi", "fi", "sv")
    assert "jätevesi" in said("avloppsvattnet", "sv", "fi")
    assert "water" in said("vattnet", "sv", "en")
    assert "vatten" in said("water", "en", "sv")
