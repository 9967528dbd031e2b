"""What tests need that train with torch."""

from __future__ import annotations

import pytest

TORCH = [
    pytest.mark.models,
    pytest.mark.filterwarnings("default"),  # torch warns about its own insides
    pytest.mark.usefixtures("one_thread"),
]
