"""What can go wrong with a language model."""

from __future__ import annotations

from typing import Literal

FaultCode = Literal["unreachable", "slow", "refused", "failed", "not_installed", "busy"]


class ModelFault(Exception):
    """A model gave nothing, or stopped; ``code`` says why (``notice.<code>``)."""

    def __init__(self, code: FaultCode) -> None:
        super().__init__(code)
        self.code = code
