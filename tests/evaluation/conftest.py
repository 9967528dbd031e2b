from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.conftest import need


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Let torch use one thread: several wait for each other where the cores are busy."""
    need(find_spec("torch"), "torch (pip install '.[models]')")
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)
