"""Claims against their sources, with the real dictionaries and the real embedder."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.answering.aligning import Evidence
from kb.answering.checking import ClaimChecker, Refusal
from kb.answering.facts import clauses, facts_of, poles
from kb.assembly import open_knowledge_base
from kb.model import Language
from kb.settings import load_settings

# Checking embeds: some tens of milliseconds an example, and the first one loads the model.
checked = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])

SENTENCES: list[tuple[Language, str]] = [
    ("fi", "Jäähdytysveden kulutus oli 41 miljoonaa kuutiometriä vuonna 2023."),
    ("fi", "Palveluyhtiö omistaa 34 kilometriä kuitua, ja yhteys maksaa 640 euroa kuukaudessa."),
    ("fi", "Käsittely kesti 10–12 kuukautta ja maksoi 1 250,50 euroa hehtaarilta."),
    ("fi", "Höyryn hinta nousi 38 eurosta 41 euroon megawattitunnilta."),
    ("fi", "Alueella on 22 yritystä, joista seitsemän kuuluu työryhmään."),
    ("sv", "Förbrukningen av kylvatten var 41 miljoner kubikmeter år 2023."),
    ("sv", "Hyran är 14 500 euro per månad och leveranstiden 26 månader."),
    ("sv", "Brandkåren har fjorton släckare i varje skift och 3 bilar."),
    ("sv", "Andelen steg från 18 procent till 41 procent."),
    ("en", "The consumption of cooling water was 41 million cubic metres in 2023."),
    ("en", "A pair of fibres costs 95 euros a month, and a connection costs 1,640 euros."),
    ("en", "The brigade has fourteen fire fighters on each of the 5 shifts."),
    ("en", "Of 118 megawatts reserved, 96 were in use in September 2024."),
]
DENIED: list[tuple[Language, str, str]] = [
    ("fi", "Kaupunki omistaa vesiyhtiön putket.", "Kaupunki ei omista vesiyhtiön putkia."),
    ("fi", "Lietettä poltetaan alueella.", "Lietettä ei polteta alueella."),
    ("fi", "Yritykset saavat liittymän.", "Yritykset eivät saa liittymää."),
    ("sv", "Staden äger vattenbolagets rör.", "Staden äger inte vattenbolagets rör."),
    ("sv", "Slammet bränns på området.", "Slammet bränns aldrig på området."),
    ("sv", "Företagen får en anslutning.", "Inga företag får en anslutning."),
    ("en", "The city owns the pipes of the water company.",
     "The city does not own the pipes of the water company."),
    ("en", "Sludge is burnt in the area.", "Sludge isn't burnt in the area."),
    ("en", "The port can take ships of that size.", "The port cannot take ships of that size."),
]  # fmt: skip
DENIALS: dict[Language, tuple[str, ...]] = {
    "fi": ("ei", "eivät", "ilman"),
    "sv": ("inte", "aldrig", "ingen"),
    "en": ("not", "never", "without"),
}
NAMES = ("Kokkola", "Vaasa", "Kemira", "Chempark", "Infraserv", "Pori", "Centria")
JOINED: dict[Language, tuple[str, ...]] = {
    "fi": ("{a} myy höyryä, ja {b} tuottaa prosessiveden.",),
    "sv": ("{a} säljer ånga till {b} enligt ett avtal.", "{a} äger rören, men {b} sköter dem."),
    "en": ("{a} sells steam to {b} under a contract.", "{a} owns the pipes, but {b} runs them."),
}


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[ClaimChecker]:
    folder = tmp_path_factory.mktemp("checking") / "data"
    folder.mkdir()
    (folder / "models").symlink_to(model_cache)
    kb = open_knowledge_base(
        load_settings(data_dir=folder, llm_provider="ollama", llm_model="none")
    )
    assert kb.claim_checker is not None
    yield kb.claim_checker
    kb.catalogue.close()


def refusal(
    checker: ClaimChecker,
    claim: str,
    source: str,
    language: Language,
    spoken: Language | None = None,
) -> Refusal | None:
    return checker.check(claim, spoken or language, [Evidence(source, language)]).refusal


@pytest.mark.parametrize(("language", "sentence"), SENTENCES)
def test_a_copied_sentence_holds(checker: ClaimChecker, language: Language, sentence: str) -> None:
    assert refusal(checker, sentence, sentence, language) is None


@checked
@given(st.sampled_from(SENTENCES), st.data())
def test_any_other_number_in_a_copied_sentence_is_refused(
    checker: ClaimChecker, one: tuple[Language, str], data: st.DataObject
) -> None:
    language, sentence = one
    facts = facts_of(sentence, language)
    spans = [n.span for n in facts.numbers] + [d.span for d in facts.dates if d.kind == "year"]
    span = data.draw(st.sampled_from(spans))
    values = next((n.values for n in facts.numbers if n.span == span), frozenset())
    other = data.draw(st.integers(2, 9999).filter(lambda n: Decimal(n) not in values))
    changed = sentence[: span.start] + str(other) + sentence[span.end :]
    if facts_of(changed, language) == facts:
        return  # "1 250,50" whose decimals alone were drawn again

    assert refusal(checker, changed, sentence, language) in (
        Refusal.NUMBER,
        Refusal.DATE,
        Refusal.SWAPPED,
    )


@checked
@given(st.sampled_from(SENTENCES), st.data())
def test_a_denial_added_anywhere_to_a_copied_sentence_is_refused(
    checker: ClaimChecker, one: tuple[Language, str], data: st.DataObject
) -> None:
    language, sentence = one
    words = sentence.split()
    at = data.draw(st.integers(1, len(words) - 1))
    denial = data.draw(st.sampled_from(DENIALS[language]))
    changed = " ".join([*words[:at], denial, *words[at:]])

    assert refusal(checker, changed, sentence, language) is not None


@pytest.mark.parametrize(("language", "affirmed", "denied"), DENIED)
def test_what_is_denied_and_what_isnt_are_never_the_same(
    checker: ClaimChecker, language: Language, affirmed: str, denied: str
) -> None:
    assert refusal(checker, affirmed, denied, language) is Refusal.NEGATION
    assert refusal(checker, denied, affirmed, language) is Refusal.NEGATION
    assert refusal(checker, affirmed, affirmed, language) is None
    assert refusal(checker, denied, denied, language) is None


@checked
@given(
    st.sampled_from([(language, form) for language, forms in JOINED.items() for form in forms]),
    st.lists(st.sampled_from(NAMES), min_size=3, max_size=3, unique=True),
)
def test_names_that_change_places_or_come_from_elsewhere_are_refused(
    checker: ClaimChecker, one: tuple[Language, str], names: list[str]
) -> None:
    language, form = one
    first, second, third = names
    sentence = form.format(a=first, b=second)

    assert refusal(checker, sentence, sentence, language) is None
    assert refusal(checker, form.format(a=second, b=first), sentence, language) is Refusal.SWAPPED
    assert refusal(checker, form.format(a=first, b=third), sentence, language) is Refusal.NAME
    assert refusal(checker, form.format(a=third, b=second), sentence, language) is Refusal.NAME


def test_names_in_a_list_may_stand_in_any_order(checker: ClaimChecker) -> None:
    source = "Hankkeessa ovat mukana Kokkola, Vaasa ja Pori."

    assert refusal(checker, "Mukana hankkeessa ovat Pori, Vaasa ja Kokkola.", source, "fi") is None


def test_endings_tell_who_did_what_to_whom_in_finnish(checker: ClaimChecker) -> None:
    source = "Kokkola myi tontin Vaasalle."

    assert refusal(checker, "Vaasalle Kokkola myi tontin.", source, "fi") is None
    assert refusal(checker, "Vaasa myi tontin Kokkolalle.", source, "fi") is Refusal.SWAPPED


@pytest.mark.parametrize(
    ("claim", "spoken", "source", "language"),
    [
        ("It saves 12.6 million cubic metres.", "en",
         "Se säästää 12,6 miljoonaa kuutiometriä.", "fi"),
        ("Det sparar 12,6 miljoner kubikmeter.", "sv",
         "It saves 12.6 million m³.", "en"),
        ("Sopimus tehtiin 1.8.2023.", "fi", "The contract was made on 1 August 2023.", "en"),
        ("Avtalet gjordes den 1 augusti 2023.", "sv", "Sopimus tehtiin 1. elokuuta 2023.", "fi"),
        ("Karleby äger 51 procent av bolaget.", "sv", "Kokkola omistaa yhtiöstä 51 %.", "fi"),
        ("The price is 1,200 euros.", "en", "Priset är 1 200 euro.", "sv"),
        ("Vuokra on 1 200 euroa.", "fi", "The rent is 1,200 euros.", "en"),
    ],
)  # fmt: skip
def test_numbers_dates_and_places_are_the_same_in_every_language(
    checker: ClaimChecker, claim: str, spoken: Language, source: str, language: Language
) -> None:
    assert refusal(checker, claim, source, language, spoken) is None


@pytest.mark.parametrize(
    ("claim", "source", "language", "why"),
    [
        ("Hinta on 38 euroa.", "Hinta on 38 prosenttia.", "fi", Refusal.NUMBER),
        ("Hinta on 38 miljoonaa euroa.", "Hinta on 38 euroa.", "fi", Refusal.NUMBER),
        ("Lämpötila on -5 astetta.", "Lämpötila on 5 astetta.", "fi", Refusal.NUMBER),
        ("Se avattiin toukokuussa 2020.", "Se avattiin kesäkuussa 2020.", "fi", Refusal.DATE),
        ("Se avattiin vuonna 1990.", "Se avattiin 1990-luvulla.", "fi", Refusal.DATE),
        ("Andelen minskade till 8 procent.", "Andelen ökade till 8 procent.", "sv",
         Refusal.OPPOSITE),
        ("At least 8 companies joined.", "At most 8 companies joined.", "en", Refusal.OPPOSITE),
        ("The hall is built in 2027.", "The plan is that the hall is built in 2027.", "en",
         Refusal.OPPOSITE),
        ("PM2,5 mitataan asemalla.", "PM10 mitataan asemalla.", "fi", Refusal.NAME),
        ("Prices rose in Pori.", "Wages fell in Pori.", "en", Refusal.OPPOSITE),
        ("Kokkolassa rakennetaan uusi uimahalli.", "Kokkolassa mitataan ilman laatua.", "fi",
         Refusal.MEANING),
        ("Hi.", "Hi.", "en", Refusal.FORM),
        ("See https://example.org for the price.", "See https://example.org for the price.", "en",
         Refusal.FORM),
    ],
)  # fmt: skip
def test_what_a_source_doesnt_say_is_refused(
    checker: ClaimChecker, claim: str, source: str, language: Language, why: Refusal
) -> None:
    assert refusal(checker, claim, source, language) is why


def test_the_unit_of_a_cell_may_stand_in_the_head_of_its_table(checker: ClaimChecker) -> None:
    source = "Palvelu | Hinta, €\nHöyry kuusi baaria | 41"

    assert refusal(checker, "Höyryn hinta on 41 euroa.", source, "fi") is None
    assert refusal(checker, "Höyryn hinta on 41 prosenttia.", source, "fi") is Refusal.NUMBER


def test_no_source_no_claim(checker: ClaimChecker) -> None:
    assert checker.check("Vesi otetaan merestä.", "fi", []).refusal is Refusal.SOURCE


def test_only_the_sources_that_carry_a_claim_are_used(checker: ClaimChecker) -> None:
    sources = [
        Evidence("Satamassa on katettu terminaali.", "fi"),
        Evidence("Jäähdytysveden kulutus oli 41 miljoonaa kuutiometriä.", "fi"),
        Evidence("Junat kulkevat kahdesti päivässä.", "fi"),
    ]

    verdict = checker.check("Jäähdytysveden kulutus oli 41 miljoonaa kuutiometriä.", "fi", sources)

    assert (verdict.refusal, verdict.used) == (None, (1,))


@given(st.text(max_size=200), st.sampled_from(["fi", "sv", "en"]))
def test_facts_have_their_places_in_any_text(text: str, language: Language) -> None:
    facts = facts_of(text, language)

    for span in [n.span for n in facts.numbers] + [d.span for d in facts.dates]:
        assert 0 <= span.start < span.end <= len(text)
        assert any(c.isalnum() for c in text[span.start : span.end])
    assert "".join(text[c.start : c.end] for c in clauses(text)).split() == text.split()
    assert set(poles(text)) <= {
        "growth", "comparison", "rank", "bound", "order", "duty", "side", "opening", "all"
    }  # fmt: skip
