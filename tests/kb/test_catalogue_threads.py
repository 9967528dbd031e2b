from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kb.catalogue import Catalogue

OPEN = Path("/proc/self/fd")


def descriptors(folder: Path) -> int:
    """Count this process's open files below a folder."""
    return sum(
        1
        for link in OPEN.iterdir()
        if link.is_symlink() and str(folder) in str(link.resolve(strict=False))
    )


@pytest.mark.skipif(not OPEN.is_dir(), reason="open files are listed on Linux only")
def test_threads_that_ended_leave_no_connection_open(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    before = descriptors(tmp_path)
    for _ in range(20):
        thread = threading.Thread(target=lambda: catalogue.counts())
        thread.start()
        thread.join()

    # The last thread's connection is closed when the next one opens its own.
    assert descriptors(tmp_path) <= before + 4
    catalogue.close()
    assert descriptors(tmp_path) == 0
