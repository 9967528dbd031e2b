from pathlib import Path

import pytest

from kb.errors import SettingsError
from kb.settings import load_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("KB_DATA_DIR", "KB_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_the_environment_is_stronger_than_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kb.toml").write_text('port = 9000\nhost = "127.0.0.2"\n')
    monkeypatch.setenv("KB_PORT", "9001")

    settings = load_settings()

    assert (settings.port, settings.host) == (9001, "127.0.0.2")
    assert load_settings(port=9002).port == 9002


def test_an_unknown_variable_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_DATADIR", "x")

    with pytest.raises(SettingsError, match="KB_DATA_DIR"):
        load_settings()


def test_an_unknown_line_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text("prot = 1\n")

    with pytest.raises(SettingsError, match="port"):
        load_settings()


@pytest.mark.parametrize(("name", "value"), [("KB_PORT", "99999"), ("KB_CLEARANCE", "secret")])
def test_an_unusable_value_names_its_setting(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=name):
        load_settings()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text("port = = 1\n")

    with pytest.raises(SettingsError, match=r"kb\.toml"):
        load_settings()


def test_the_tests_own_variables_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_CI", "1")
    monkeypatch.setenv("KB_TEST_DATA", "/nowhere")

    assert load_settings().port == 8000


def test_clearance_says_what_may_be_seen() -> None:
    assert load_settings().visible == {"public", "internal"}
    assert load_settings(clearance="public").visible == {"public"}
