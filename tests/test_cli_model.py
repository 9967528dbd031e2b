"""What the command line tells of a language model, against a server on this computer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.errors import SettingsError
from kb.settings import load_settings
from tests.language_models import KEY, Scripted, served, settings_of

ROOT = Path(__file__).parents[1]


@pytest.fixture
def script() -> Iterator[Scripted]:
    with served() as running:
        yield running


def run(tmp_path: Path, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name[:3] != "KB_"}
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={
            **environment,
            "KB_DATA_DIR": str(tmp_path / "data"),
            "PYTHONPATH": str(ROOT),
            "LANG": "fi_FI.UTF-8",
            "LC_ALL": "",
            **{f"KB_{name.upper()}": str(value) for name, value in settings.items()},
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_status_and_doctor_say_that_there_is_none(tmp_path: Path) -> None:
    assert "kielimalli: ei käytössä" in run(tmp_path, "status").stdout
    assert json.loads(run(tmp_path, "status", "--json").stdout)["language_model"] is None
    assert "kielimalli: ei käytössä" in run(tmp_path, "doctor").stdout


@pytest.mark.parametrize("provider", ["openai-like", "ollama"])
def test_status_and_doctor_say_that_it_can_be_reached(
    tmp_path: Path, script: Scripted, provider: str
) -> None:
    settings = settings_of(script, provider)
    status = run(tmp_path, "status", "--json", **settings)
    doctor = run(tmp_path, "doctor", **settings)

    assert json.loads(status.stdout)["language_model"]["usable"] is True
    assert (doctor.returncode, "yhteys toimii" in doctor.stdout) == (0, True)
    assert KEY not in status.stdout + status.stderr + doctor.stdout + doctor.stderr


@pytest.mark.parametrize(
    ("behaviour", "model", "code"),
    [("401", "", "llm_refused"), ("500", "", "llm_failed"), ("answer", "other", "llm_no_model")],
)
def test_doctor_names_what_is_wrong_and_never_the_key(
    tmp_path: Path, script: Scripted, behaviour: str, model: str, code: str
) -> None:
    script.behaviour = behaviour
    settings = settings_of(script, "ollama", **({"llm_model": model} if model else {}))
    done = run(tmp_path, "doctor", "--json", **settings)

    assert done.returncode == 1
    assert [one["code"] for one in json.loads(done.stdout)] == [code]
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"llm_model": ""}, "KB_LLM_MODEL"),
        ({"llm_base_url": ""}, "KB_LLM_BASE_URL"),
        ({"llm_base_url": "ftp://a"}, "KB_LLM_KEY"),
        ({"llm_base_url": f"http://me:{KEY}@host/v1"}, "KB_LLM_KEY"),
        ({"llm_base_url": f"http://host/v1?key={KEY}"}, "KB_LLM_KEY"),
        ({"llm_provider": "oracle"}, "KB_LLM_PROVIDER"),
        ({"llm_timeout": 0}, "KB_LLM_TIMEOUT"),
        ({"llm_key": [KEY]}, "KB_LLM_KEY"),
    ],
)
def test_settings_that_cant_work_are_refused_without_showing_a_secret(
    given: dict[str, object], told: str
) -> None:
    whole = {
        "llm_provider": "openai-like",
        "llm_base_url": "http://127.0.0.1:9/v1",
        "llm_model": "m",
        "llm_key": KEY,
        **given,
    }

    with pytest.raises(SettingsError) as raised:
        load_settings(**whole)

    assert told in str(raised.value)
    assert KEY not in f"{raised.value!r} {raised.value} {raised.value.__cause__}"


def test_the_file_has_a_table_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kb.toml").write_text('[llm]\nprovider = "ollama"\nmodel = "m"\n')

    settings = load_settings()

    assert (settings.llm_provider, settings.llm_model) == ("ollama", "m")
    assert settings.llm_address == "http://127.0.0.1:11434"
    (tmp_path / "kb.toml").write_text('[llm]\nmodle = "m"\n')
    with pytest.raises(SettingsError, match="llm_model"):
        load_settings()
