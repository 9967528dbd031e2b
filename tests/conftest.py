"""What all tests share."""

import os
from pathlib import Path

import pytest


def need(present: object, what: str) -> None:
    """Skip the test where something that it needs is missing; under ``KB_CI=1`` that fails."""
    if present:
        return
    if os.environ.get("KB_CI") == "1":
        pytest.fail(f"missing: {what}")
    pytest.skip(f"missing: {what}")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder with real test data that ``KB_TEST_DATA`` names."""
    folder = os.environ.get("KB_TEST_DATA")
    if not folder:
        pytest.skip("KB_TEST_DATA isn't set: it names a folder with real documents and sets")
    return Path(folder)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own settings out of the tests."""
    for name in list(os.environ):
        if name.startswith("KB_") and name not in ("KB_CI", "KB_TEST_DATA"):
            monkeypatch.delenv(name)
