"""Finnish words to terms, by both engines."""

import importlib.util
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kb.analysis import Token
from kb.analysis.engines import FUNCTION_WORD_WEIGHT, question_tokens
from kb.analysis.finnish import (
    FinnishAnalyzer,
    Libvoikko,
    Morphology,
    Pyvoikko,
    read_analysis,
)

# Everyday and domain words in many forms; the engines share a dictionary, so they should agree.
WORDS = (
    "Kokkolassa Porvoon Keski-Pohjanmaan Helsingin jätevedenpuhdistamoiden teollisuusalueella "
    "ympäristölupa akkukemian alusta voi kuusen EU:n CATL:n BASF:llä Natura-alue EU-rahoitus "
    "järjestelmistä millainen onkohan täydellisessä juostessa rakennettiin hankittujen kestävämpi "
    "parhain korkein tekemistä sijaitsevien yhteistyössä kolmessakymmenessä 500-luvun menisi "
    "Saudi-Arabia vapaaseen toimintaansa yliopistoon korkeakoulussa vesivoimalaitoksen satamassa "
    "sivuvirtoja kaavoituksella lämpöverkkoon vetytalouden osaamisen työvoimapalvelut lahdella "
    "pelastuslaitokselta raaka-aineiden kustannuksiin Höchstissä passport hakkeen kierrätyksestä"
)


@pytest.fixture(scope="module")
def analyzer() -> FinnishAnalyzer:
    return FinnishAnalyzer()


@pytest.fixture(scope="module")
def pip_alone() -> FinnishAnalyzer:
    return FinnishAnalyzer(Pyvoikko())


def terms(token: Token) -> dict[str, str]:
    return {term.text: term.kind for term in token.terms}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Kokkolassa", {"kokkola": "lemma"}),
        ("porvoon", {"porvoo": "lemma"}),
        ("teollisuusalueella", {"teollisuusalue": "lemma", "teollisuus": "part", "alue": "part"}),
        (
            "jätevedenpuhdistamoiden",
            {"jätevedenpuhdistamo": "lemma", "jätevesi": "part", "vesi": "part"},
        ),
        ("rahoituksen", {"rahoitus": "lemma", "rahoittaa": "part"}),
        ("alusta", {"alku": "lemma", "alus": "lemma", "alusta": "lemma"}),
        ("EU:n", {"eu": "lemma"}),
        ("CATL:ssä", {"catl": "surface"}),
        ("Natura-alueen", {"natura_alue": "lemma", "natura": "part", "alue": "part"}),
        ("CATL-tehtaalla", {"catl_tehdas": "lemma", "catl": "part", "tehdas": "part"}),
        ("Höchstissä", {"höchstissä": "surface", "höchst": "stem"}),
        ("Delacroix'n", {"delacroix": "surface"}),
        ("YMPÄRISTÖLUVAN", {"ympäristölupa": "lemma"}),
        ("1 200", {"1200": "number"}),
        ("500-luvun", {"500_luku": "lemma", "luku": "part"}),
    ],
)
def test_a_word_is_found_by_what_it_is_made_of(
    analyzer: FinnishAnalyzer, pip_alone: FinnishAnalyzer, word: str, expected: dict[str, str]
) -> None:
    for known in (analyzer, pip_alone):
        (token,) = known.tokens(word)
        assert expected.items() <= terms(token).items()


def test_a_dictionary_form_weighs_most(analyzer: FinnishAnalyzer) -> None:
    (token,) = analyzer.tokens("teollisuusalueella")
    weights = {term.text: term.weight for term in token.terms}
    assert weights["teollisuusalue"] == 1.0 > weights["alue"]


@pytest.mark.parametrize(
    ("text", "at", "whole"),
    [
        ("ympäristö- ja vesiluvat", 0, "ympäristölupa"),
        ("vesi-, ilma- ja meluhaitat", 0, "vesihaitta"),
        ("vesi-, ilma- ja meluhaitat", 1, "ilmahaitta"),
        ("akkuteollisuus ja -kemia", 2, "akkukemia"),
    ],
)
def test_a_compound_with_a_part_left_out_is_completed(
    analyzer: FinnishAnalyzer, text: str, at: int, whole: str
) -> None:
    assert whole in terms(analyzer.tokens(text)[at])


@pytest.mark.parametrize("text", ["battery passport -järjestelmä", "pitkä- Lopuksi vesilupa"])
def test_nothing_is_completed_across_other_words(analyzer: FinnishAnalyzer, text: str) -> None:
    plain = [analyzer.tokens(word)[0].terms for word in text.replace("-", "").split()]
    assert [token.terms for token in analyzer.tokens(text)] == plain


def test_an_analysis_is_read_into_lemma_parts_and_roots() -> None:
    reading = read_analysis(
        "[La][Xr]jj[X][Xp]EU[X]eu-[Bc][Lt][Xp]rahoittaa[X]rahoit[Ln][Xj]us[X]u[Sn][Ny]s"
    )
    assert reading.lemma == "eu-rahoitus"
    assert reading.parts == ("eu", "rahoitus")
    assert reading.roots == ("rahoittaa",)
    assert reading.inner == ()


def test_both_engines_give_the_same_terms(pip_alone: FinnishAnalyzer) -> None:
    if importlib.util.find_spec("libvoikko") is None:
        pytest.skip("libvoikko isn't installed: there is one engine to compare")
    try:
        system: Morphology = Libvoikko()
    except Exception as reason:  # as in open_morphology
        pytest.skip(f"libvoikko can't be opened: {reason}")
    fast = FinnishAnalyzer(system)
    for word in WORDS.split():
        assert set(fast.tokens(word)[0].terms) == set(pip_alone.tokens(word)[0].terms), word
    assert fast.fingerprint != pip_alone.fingerprint


def test_the_library_gives_what_its_binding_gives() -> None:
    if importlib.util.find_spec("libvoikko") is None:
        pytest.skip("libvoikko isn't installed")
    import libvoikko

    try:
        ours, theirs = Libvoikko(), libvoikko.Voikko("fi")
    except Exception as reason:  # as in open_morphology
        pytest.skip(f"libvoikko can't be opened: {reason}")
    for word in (*WORDS.lower().split(), "", "xqz", "äiti\0", "\0", "a" * 300, "🜁"):
        found = [one["FSTOUTPUT"] for one in theirs.analyze(word) if one.get("FSTOUTPUT")]
        assert ours.readings(word) == found, word


def test_the_engines_agree_on_a_vocabulary(pip_alone: FinnishAnalyzer) -> None:
    data = os.environ.get("KB_TEST_DATA")
    if not data:
        pytest.skip("KB_TEST_DATA isn't set: a vocabulary of Finnish words")
    try:
        fast = FinnishAnalyzer(Libvoikko())
    except Exception as reason:  # as in open_morphology
        pytest.skip(f"libvoikko can't be opened: {reason}")
    rows = (Path(data) / "language" / "yso_fi_en_sv.tsv").read_text(encoding="utf-8").splitlines()
    words = [word for row in rows[1:2000] for word in row.split("\t")[1].split()]
    differ = [
        word
        for word in words
        if [set(token.terms) for token in fast.tokens(word)]
        != [set(token.terms) for token in pip_alone.tokens(word)]
    ]
    # libvoikko leaves out some readings of hyphenated names: the aasi in Itä-Aasia.
    assert len(differ) / len(words) < 0.006, differ[:20]


def test_threads_get_the_same_terms() -> None:
    shared = FinnishAnalyzer()
    expected = FinnishAnalyzer().tokens(WORDS)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: shared.tokens(WORDS), range(16)))
    assert all(result == expected for result in results)


@pytest.mark.parametrize(
    ("said", "lemma"),
    [
        ("miks", "mikä"),
        ("saaks", "saada"),
        ("pystyyks", "pystyä"),
        ("pitäis", "pitää"),
        ("oisko", "olla"),
        ("tarkotus", "tarkoitus"),
        ("rahottaa", "rahoittaa"),
    ],
)
def test_words_written_as_they_are_said_have_the_dictionary_form(
    analyzer: FinnishAnalyzer, said: str, lemma: str
) -> None:
    (token,) = analyzer.tokens(said)

    assert lemma in {term.text for term in token.terms}
    assert said in {term.text for term in token.terms}


@pytest.mark.parametrize("name", ["Paris", "Chempark"])
def test_names_are_no_words_as_they_are_said(analyzer: FinnishAnalyzer, name: str) -> None:
    (token,) = analyzer.tokens(name)

    assert not [term for term in token.terms if term.kind == "lemma"]


def test_how_a_question_is_said_weighs_as_little_as_how_it_is_written() -> None:
    asking, *_ = question_tokens("paljonks höyry maksaa", "fi")

    assert max(term.weight for term in asking.terms) <= FUNCTION_WORD_WEIGHT
