"""The client against a real server on this computer, with both protocols."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

from kb.answering.faults import ModelFault
from kb.answering.speaking import LanguageModel
from kb.settings import load_settings
from tests.language_models import KEY, Scripted, served, settings_of

PROVIDERS = ("openai-like", "ollama")


@pytest.fixture(scope="module")
def running() -> Iterator[Scripted]:
    with served() as script:
        yield script


@pytest.fixture
def script(running: Scripted) -> Scripted:
    running.behaviour = "answer"
    running.say = lambda _: "Hei, maailma: åäö ✓"
    running.received.clear()
    running.keys.clear()
    running.broken_off.clear()
    return running


def model(script: Scripted, provider: str, **more: object) -> LanguageModel:
    return LanguageModel(load_settings(**settings_of(script, provider, **more)))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_the_model_writes_comes_in_parts(script: Scripted, provider: str) -> None:
    parts = list(model(script, provider).stream("Be brief.", "Hei?"))

    assert "".join(parts) == "Hei, maailma: åäö ✓"
    assert len(parts) > 1
    roles = [message["role"] for message in script.received[-1]["messages"]]
    assert roles == ["system", "user"]
    assert script.received[-1]["stream"] is True
    assert script.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_key_from_the_environment_is_sent(
    script: Scripted, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-someone-elses")
    monkeypatch.setenv("OLLAMA_API_KEY", "someone-elses")

    list(model(script, provider, llm_key="").stream("s", "u"))

    assert script.keys == [""]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("behaviour", "code"),
    [("401", "refused"), ("500", "failed"), ("redirect", "failed"), ("endless bytes", "failed")],
)
def test_a_servers_failure_has_a_code_and_no_words_of_the_server(
    script: Scripted,
    provider: str,
    behaviour: str,
    code: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    script.behaviour = behaviour
    caplog.set_level(logging.DEBUG)

    with pytest.raises(ModelFault) as raised:
        list(model(script, provider).stream("s", "u"))

    assert raised.value.code == code
    assert KEY not in repr(raised.value)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("kb")]
    assert ours
    assert not any(KEY in line for line in ours)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nobody_at_the_address_is_told_as_such(script: Scripted, provider: str) -> None:
    away = model(script, provider, llm_base_url="http://127.0.0.1:9")

    with pytest.raises(ModelFault, match="unreachable"):
        list(away.stream("s", "u"))
    assert away.probe() == "unreachable"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("behaviour", ["slow", "stall", "endless"])
def test_the_time_is_kept_and_the_server_is_hung_up_on(
    script: Scripted, provider: str, behaviour: str
) -> None:
    script.behaviour = behaviour
    spoken = model(script, provider, llm_timeout=1.0)
    got: list[str] = []

    with pytest.raises(ModelFault, match="slow"):
        got.extend(spoken.stream("s", "u"))

    assert script.broken_off.wait(timeout=20)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_whoever_stops_reading_stops_the_model(script: Scripted, provider: str) -> None:
    script.behaviour = "endless"
    parts = model(script, provider).stream("s", "u")

    assert next(parts)
    parts.close()

    assert script.broken_off.wait(timeout=20)


def test_more_questions_than_allowed_find_it_busy(script: Scripted) -> None:
    script.behaviour = "endless"
    spoken = model(script, "ollama", llm_concurrent=1)
    first = spoken.stream("s", "u")
    next(first)

    with pytest.raises(ModelFault, match="busy"):
        next(spoken.stream("s", "u"))

    first.close()
    script.behaviour = "answer"
    deadline = time.monotonic() + 20
    while True:  # the place is free again once the first has hung up
        try:
            assert "".join(spoken.stream("s", "u"))
            break
        except ModelFault:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("behaviour", "told"), [("answer", ""), ("401", "refused"), ("500", "failed")]
)
def test_a_probe_says_whether_it_can_be_used(
    script: Scripted, provider: str, behaviour: str, told: str
) -> None:
    script.behaviour = behaviour

    assert model(script, provider).probe() == told
    assert script.received == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_probe_misses_a_model_that_the_server_lacks(script: Scripted, provider: str) -> None:
    assert model(script, provider, llm_model="another").probe() == "no_model"


def test_the_key_is_in_no_representation(script: Scripted) -> None:
    settings = load_settings(**settings_of(script, "ollama"))
    spoken = LanguageModel(settings)

    assert KEY not in f"{settings!r} {settings} {spoken!r} {settings.model_dump()}"
