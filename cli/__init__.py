"""The ``kb`` command: a thin layer over the library, a module for each group of commands.

Everything heavy is imported inside the command that needs it, so that ``kb --help`` is quick.
Only this package prints and draws progress. Exit codes: 0 done, 1 failed, 2 wrong usage,
3 done but some files were rejected.
"""

from __future__ import annotations

import os
from typing import NoReturn

# Importing a module registers its commands.
from cli import answers, asking, documents, measuring, projects, running, taking_in
from cli.frame import kb

__all__ = [
    "answers",
    "asking",
    "documents",
    "kb",
    "main",
    "measuring",
    "projects",
    "running",
    "taking_in",
]


def main() -> NoReturn:
    """Run the command line."""
    # Our matrices are small: threads of the linear algebra only get in each other's way, and
    # in the embedder's.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    kb(prog_name="kb")
    raise SystemExit(0)
