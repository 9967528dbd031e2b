from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.answering.asking import AskedKind, kind_of, wanted
from kb.model import LANGUAGES, Language


@pytest.mark.parametrize(
    ("question", "language", "kind"),
    [
        ("Milloin satama avattiin?", "fi", "when"),
        ("koska terminaali valmistuu", "fi", "when"),
        ("Miksi terminaali suljettiin, koska se maksoi liikaa?", "fi", "why"),
        ("Montako jäsentä yhdistyksessä on?", "fi", "how much"),
        ("paljonks vesi maksaa", "fi", "how much"),
        ("paljo sähkö maksaa", "fi", "how much"),
        ("mites jätevesi puhdistetaan", "fi", "how"),
        ("milloinkas satama avattiin", "fi", "when"),
        ("kukas omistaa putket", "fi", "who"),
        ("mikskä kampanja epäonnistui", "fi", "why"),
        ("hur mycke kostar ångan", "sv", "how much"),
        ("vaffö stängdes terminalen", "sv", "why"),
        ("how come the pipes clogged", "en", "why"),
        ("höyryn hinta", "fi", "how much"),
        ("Kuka maksaa, kun putki vuotaa?", "fi", "who"),
        ("Mitkä kaupungit ovat mukana?", "fi", "list"),
        ("yhtiö vai yhdistys", "fi", "compare"),
        ("Millaisia hyviä käytäntöjä vedestä on?", "fi", "practices"),
        ("Miten lupa haetaan?", "fi", "how"),
        ("Mikä on tehdaspalokunta?", "fi", "what"),
        ("tehdaspalokunta", "fi", "what"),
        ("Vem betalar när röret läcker?", "sv", "who"),
        ("När öppnades hamnen?", "sv", "when"),
        ("Vad kostar vattnet?", "sv", "how much"),
        ("Varför stängdes terminalen?", "sv", "why"),
        ("Hur söker man tillstånd?", "sv", "how"),
        ("How many members are there?", "en", "how much"),
        ("How is it paid when a pipe leaks?", "en", "how"),
        ("What is the difference between steam and heat?", "en", "compare"),
        ("Who pays?", "en", "who"),
        ("When was it opened?", "en", "when"),
        ("Varför?", None, "why"),
        ("Mikä on sähköliittymän kapasiteetti?", "fi", "how much"),
        ("monenko vuoden sopimus tehdään", "fi", "how much"),
        ("onnettomuuksia työntekijää kohden", "fi", "how much"),
        ("miten kallis kattila oli", "fi", "how much"),
        ("kattilan hyötysuhde", "fi", "how much"),
        ("Koko alueen hallintamalli", "fi", "what"),
        ("hakemuksen määräaika", "fi", "when"),
        ("Mitä oppeja kokeilusta saatiin?", "fi", "practices"),
        ("tomtens storlek", "sv", "how much"),
        ("olyckor per anställd", "sv", "how much"),
        ("Kan man anmäla sig per telefon", "sv", "what"),
        ("Hur bred är vägen?", "sv", "how much"),
        ("Vilka lärdomar finns om hamnen?", "sv", "practices"),
        ("width of the road", "en", "how much"),
        ("accidents per worker", "en", "how much"),
        ("How deep is the channel?", "en", "how much"),
        ("What is the opening year of the port?", "en", "when"),
        ("mikä on jätemaksu", "fi", "how much"),
        ("mihin vuoteen mennessä raide jatketaan", "fi", "when"),
        ("asetuksen voimaantulo", "fi", "when"),
        ("hakemuksen käsittelyaika", "fi", "how much"),
        ("kirjaston aukioloaika", "fi", "what"),
        ("satamajohtajan nimi", "fi", "who"),
        ("handläggningstiden för en ansökan", "sv", "how much"),
        ("i framtiden", "sv", "what"),
        ("hamndirektörens namn", "sv", "who"),
        ("förordningens ikraftträdande", "sv", "when"),
        ("What is the processing time?", "en", "how much"),
        ("fee for a berth", "en", "how much"),
        ("name of the harbour director", "en", "who"),
    ],
)
def test_the_kind_is_told_by_what_stands_first(
    question: str, language: Language | None, kind: AskedKind
) -> None:
    assert kind_of(question, language) == kind


@pytest.mark.parametrize(
    ("kind", "text", "held"),
    [
        ("when", "Satama avattiin kesäkuussa 1998.", 1.0),
        ("when", "Hamnen öppnades på måndag.", 1.0),
        ("when", "Satama avattiin juhlallisesti.", 0.0),
        ("how much", "Hinta on 38 euroa megawattitunnilta.", 1.0),
        ("how much", "Siitä kertoo kaavio 5.", 0.5),
        ("how much", "Hinta on kohtuullinen.", 0.0),
        ("who", "Laskun maksaa alueyhtiö.", 1.0),
        ("who", "Sopimuksen teki Infraserv.", 1.0),
        ("who", "Lasku maksetaan heti.", 0.0),
        ("why", "Terminaali suljettiin, koska katto vuoti.", 1.0),
        ("who", "Viasta kerrotaan ensin valvomoon.", 1.0),
        ("who", "Beslutet fattas i tekniska nämnden.", 1.0),
        ("who", "It is approved by the committee.", 1.0),
        ("compare", "Skillnaden är viktig för köparen.", 1.0),
        ("compare", "Ero syntyy kuljetuksesta.", 1.0),
        ("compare", "Yhtiö tekee, kun taas yhdistys sopii.", 1.0),
        ("what", "Mitä tahansa.", None),
    ],
)
def test_what_a_sentence_holds(kind: AskedKind, text: str, held: float | None) -> None:
    assert wanted(kind, "").held(text) == held


@given(st.text(max_size=200), st.sampled_from([*LANGUAGES, None]))
def test_any_text_has_a_kind(text: str, language: Language | None) -> None:
    assert kind_of(text, language) in get_args(AskedKind)


@pytest.mark.parametrize(
    ("question", "text", "held"),
    [
        ("Kuka omistaa palveluyhtiön?", "Palveluyhtiö myy vettä.", 0),
        ("Kuka omistaa palveluyhtiön?", "Palveluyhtiön omistaa kaupunki.", 1),
        ("Who owns the operator?", "The operator is large.", 0),
        ("Vem äger bolaget?", "Bolaget ägs av staden.", 1),
    ],
)
def test_whom_a_question_names_isnt_who_it_asks_for(question: str, text: str, held: float) -> None:
    assert wanted("who", question).held(text) == held


@pytest.mark.parametrize(
    ("kind", "question", "text", "held"),
    [
        ("how much", "Hur lång tid tar bygget?", "Bygget tar fem veckor.", 1),
        ("how much", "Hur lång är bron?", "Bron är 42 meter.", 1),
        ("how much", "How long can a plot be reserved?", "It is reserved for six months.", 1),
        ("how much", "montako viikkoa käsittely vie", "Käsittely vie 8 viikkoa.", 1),
        ("how much", "mikä on vesimaksu", "Vesimaksu on 0,48 euroa.", 1),
        ("how much", "takaisinmaksuaika", "Takaisinmaksuaika on 7 vuotta.", 1),
        ("when", "Milloin hinta laskee?", "Hinta laskee tammikuussa.", 1),
        ("when", "Milloin hinta laskee?", "Hinta on 38 euroa.", 0),
        ("when", "Minä vuonna hinta laski?", "Hinta laski 2019.", 1),
    ],
)
def test_what_a_figure_is_of_shows_in_the_question(
    kind: AskedKind, question: str, text: str, held: float
) -> None:
    assert wanted(kind, question).held(text) == held
