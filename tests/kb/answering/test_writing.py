"""Answers that a language model writes: a real server, the real checks, the real embedder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.pipeline import TextSource, ingest, ingest_texts
from kb.assembly import open_knowledge_base
from kb.knowledge_base import KnowledgeBase
from kb.messages import message
from kb.model import Answer, AnswerStatus, Claim
from kb.settings import load_settings
from tests.language_models import Scripted, claims, number_of, numbered, served, settings_of

PROVIDERS = ("openai-like", "ollama")
WATER = (
    "Teollisuusalueen jäähdytysvesi otetaan merestä. Jäähdytysveden kulutus oli 41 miljoonaa "
    "kuutiometriä vuonna 2023. Vesiyhtiön omistaa Kokkolan kaupunki. Lietettä ei polteta alueella."
)
HARBOUR = (
    "Hamnen har en allvädersterminal. Järnvägen förbinder hamnen med industriområdet sedan 1886."
)
FIRE = "The brigade has fourteen fire fighters on each shift. Passes are checked at the north gate."
QUESTION = "Paljonko jäähdytysvettä kului vuonna 2023?"
RIGHT = "Jäähdytysvettä kului 41 miljoonaa kuutiometriä vuonna 2023."


@pytest.fixture(scope="module")
def running() -> Iterator[Scripted]:
    with served() as script:
        yield script


@pytest.fixture
def script(running: Scripted) -> Scripted:
    running.behaviour = "answer"
    running.say = lambda _: '{"claims": []}'
    running.received.clear()
    return running


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("written") / "data"
    folder.mkdir()
    (folder / "models").symlink_to(model_cache)
    opened = open_knowledge_base(load_settings(data_dir=folder))
    ingest_texts(
        opened,
        [
            TextSource("vesi", WATER, "Vesihuolto", "fi"),
            TextSource("hamn", HARBOUR, "Hamnen", "sv"),
            TextSource("fire", FIRE, "Fire brigade", "en"),
        ],
    )
    opened.catalogue.close()
    return folder


def opened(data: Path, script: Scripted, provider: str = "ollama", **more: object) -> KnowledgeBase:
    return open_knowledge_base(
        load_settings(data_dir=data, **settings_of(script, provider, **more))
    )


def verbatim(kb: KnowledgeBase, answer: Answer) -> bool:
    return all(
        kb.document(one.document_id).text[one.start : one.end] == one.quote
        for claim in answer.claims
        for one in claim.citations
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_claim_that_holds_is_cited_with_the_documents_words(
    data: Path, script: Scripted, provider: str
) -> None:
    script.say = lambda user: claims((RIGHT, [number_of(user, "41 miljoonaa")]))
    kb = opened(data, script, provider)

    answer = kb.ask(QUESTION)

    assert answer.written
    assert [claim.text for claim in answer.claims] == [RIGHT]
    (citation,) = answer.claims[0].citations
    assert citation.quote == ("Jäähdytysveden kulutus oli 41 miljoonaa kuutiometriä vuonna 2023.")
    assert verbatim(kb, answer)
    assert (answer.left_out, answer.notices) == ((), ())


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("Jäähdytysvettä kului 14 miljoonaa kuutiometriä vuonna 2023.", "number"),
        ("Jäähdytysvettä kului 41 miljoonaa litraa ja 7 tonnia vuonna 2023.", "number"),
        ("Jäähdytysvettä kului 41 miljoonaa kuutiometriä vuonna 2013.", "date"),
        ("Jäähdytysvettä ei kulunut 41 miljoonaa kuutiometriä vuonna 2023.", "negation"),
        ("Vaasassa jäähdytysvettä kului 41 miljoonaa kuutiometriä vuonna 2023.", "name"),
        ("Kylvattenförbrukningen var 41 miljoner kubikmeter år 2023.", "language"),
        ("Jäähdytysvettä kului, katso https://example.org/41.", "form"),
    ],
)
def test_a_claim_that_fails_is_left_out_visibly_beside_one_that_holds(
    data: Path, script: Scripted, claim: str, why: str
) -> None:
    script.say = lambda user: claims(
        (claim, [number_of(user, "41 miljoonaa")]), (RIGHT, [number_of(user, "41 miljoonaa")])
    )

    answer = opened(data, script).ask(QUESTION)

    assert [one.text for one in answer.claims] == [RIGHT]
    assert answer.left_out == (f"left_out.{why}",)
    assert claim not in repr(answer)


def test_where_everything_fails_the_excerpts_come_with_a_notice(
    data: Path, script: Scripted
) -> None:
    script.say = lambda user: claims(
        ("Jäähdytysvettä kului 99 miljoonaa kuutiometriä.", [number_of(user, "41 miljoonaa")]),
        ("Jäähdytysvesi on ilmaista kaikille.", [number_of(user, "41 miljoonaa")]),
    )
    kb = opened(data, script)

    answer = kb.ask(QUESTION)

    assert answer.claims == kb.ask(QUESTION, model=False).claims
    assert not answer.written
    assert answer.notices == ("notice.unsupported",)
    assert set(answer.left_out) == {"left_out.number", "left_out.meaning"}


@pytest.mark.parametrize(
    ("question", "claim", "part", "language"),
    [
        ("How much cooling water was used in 2023?",
         "The consumption of cooling water was 41 million cubic metres in 2023.",
         "41 miljoonaa", "en"),
        ("Mistä vuodesta rautatie on yhdistänyt sataman teollisuusalueeseen?",
         "Rautatie on yhdistänyt sataman teollisuusalueeseen vuodesta 1886.", "1886", "fi"),
        ("Sedan när förbinder järnvägen hamnen med området?",
         "Järnvägen har förbundit hamnen med industriområdet sedan 1886.", "1886", "sv"),
    ],
)  # fmt: skip
def test_the_answer_is_in_the_questions_language_whatever_the_sources_is(
    data: Path, script: Scripted, question: str, claim: str, part: str, language: str
) -> None:
    script.say = lambda user: claims((claim, [number_of(user, part)]))

    answer = opened(data, script).ask(question)

    assert [(one.text, one.language) for one in answer.claims] == [(claim, language)], answer
    assert answer.language == language


def test_a_claim_cites_only_what_carries_it(data: Path, script: Scripted) -> None:
    script.say = lambda user: claims((RIGHT, list(numbered(user))[:6]))

    (claim,) = opened(data, script).ask(QUESTION).claims

    assert [one.quote for one in claim.citations] == [
        "Jäähdytysveden kulutus oli 41 miljoonaa kuutiometriä vuonna 2023."
    ]


def test_the_model_may_say_that_the_sentences_dont_answer(data: Path, script: Scripted) -> None:
    answer = opened(data, script).ask(QUESTION)

    assert (answer.status, answer.reason) == (AnswerStatus.NO_EVIDENCE, "reason.model")
    assert answer.claims == ()
    assert answer.nearest


def test_what_the_material_doesnt_say_isnt_asked_of_the_model(data: Path, script: Scripted) -> None:
    answer = opened(data, script).ask("Mitä maksaa polkupyörä Tokiossa?")

    assert answer.status is AnswerStatus.NO_EVIDENCE
    assert script.received == []


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("behaviour", "notice"),
    [
        ("401", "refused"),
        ("500", "failed"),
        ("redirect", "failed"),
        ("slow", "slow"),
        ("endless", "slow"),
        ("endless bytes", "failed"),
        ("broken line", "failed"),
    ],
)
def test_whatever_ails_the_server_the_excerpts_come_with_a_notice(
    data: Path, script: Scripted, provider: str, behaviour: str, notice: str
) -> None:
    script.behaviour = behaviour
    script.say = lambda _: "x"
    kb = opened(data, script, provider, llm_timeout=4.0)

    *steps, answer = kb.answering(QUESTION)

    assert isinstance(answer, Answer)
    assert answer.claims == kb.ask(QUESTION, model=False).claims
    assert steps == list(answer.claims)
    assert answer.notices == (f"notice.{notice}",)
    assert verbatim(kb, answer)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_server_that_isnt_there(data: Path, script: Scripted, provider: str) -> None:
    answer = opened(data, script, provider, llm_base_url="http://127.0.0.1:9").ask(QUESTION)

    assert answer.claims
    assert answer.notices == ("notice.unreachable",)


@pytest.mark.parametrize(
    "said", ["", "Anteeksi, en osaa.", '{"väärä": 1}', "[1, 2", '{"claims": "ei"}', "\x00\ufffe"]
)
def test_what_cant_be_understood_is_told_as_such(data: Path, script: Scripted, said: str) -> None:
    script.say = lambda _: said

    answer = opened(data, script).ask(QUESTION)

    assert answer.claims
    assert not answer.written
    assert answer.notices == ("notice.unclear",)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("behaviour", ["cut off", "stall"])
def test_what_came_before_a_break_is_kept(
    data: Path, script: Scripted, provider: str, behaviour: str
) -> None:
    script.behaviour = behaviour
    script.say = lambda user: claims(
        (RIGHT, [number_of(user, "41 miljoonaa")]),
        ("Vesiyhtiön omistaa Kokkolan kaupunki.", [number_of(user, "omistaa")]),
    )
    if behaviour == "stall":
        script.say = lambda user: claims((RIGHT, [number_of(user, "41 miljoonaa")]))

    answer = opened(data, script, provider, llm_timeout=4.0).ask(QUESTION)

    assert [claim.text for claim in answer.claims] == [RIGHT]
    assert answer.notices == ("notice.cut_off",)


def test_claims_come_before_the_model_has_finished(data: Path, script: Scripted) -> None:
    script.behaviour = "stall"
    script.say = lambda user: claims((RIGHT, [number_of(user, "41 miljoonaa")]))
    steps = opened(data, script, llm_timeout=20.0).answering(QUESTION)

    first = next(steps)

    # The server is still holding the line: it would for a minute.
    assert isinstance(first, Claim)
    assert first.text == RIGHT
    script.broken_off.clear()
    steps.close()  # type: ignore[attr-defined]  # a generator
    assert script.broken_off.wait(timeout=20)


def test_without_the_setting_nobody_is_spoken_to(data: Path, script: Scripted) -> None:
    kb = open_knowledge_base(load_settings(data_dir=data))

    assert kb.language_model is None
    assert kb.ask(QUESTION).claims
    assert script.received == []


def test_what_is_confidential_isnt_sent_to_another_computer(
    tmp_path: Path, script: Scripted, model_cache: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "models").symlink_to(model_cache)
    file = tmp_path / "vesi.txt"
    file.write_text(f"Vesihuolto\n\n{WATER}\n", encoding="utf-8")
    (tmp_path / "manifest.toml").write_text(
        '[[document]]\nfile = "vesi.txt"\nconfidentiality = "confidential"\n', encoding="utf-8"
    )
    settings = {"data_dir": folder, "clearance": "confidential"}
    ingest(open_knowledge_base(load_settings(**settings)), [tmp_path])
    away = settings_of(script, "ollama", llm_base_url="http://models.invalid")

    kept = open_knowledge_base(load_settings(**settings, **away)).ask(QUESTION)
    script.say = lambda user: claims((RIGHT, [number_of(user, "41 miljoonaa")]))
    here = open_knowledge_base(load_settings(**settings, **settings_of(script, "ollama")))

    assert kept.notices == ("notice.confidential",)
    assert kept.claims
    assert here.ask(QUESTION).written


def test_every_key_has_a_text() -> None:
    from kb.answering.checking import Refusal

    for refusal in Refusal:
        assert message(f"left_out.{refusal}", "fi")
