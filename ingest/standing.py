"""Whether a rejection still stands: whether the same file would be rejected again, unread.

A file is rejected for what it is, never for how the machine fares, so what says how things were is
looked at anew by each run, and so is what a larger limit, newer readers or a program would mend.
"""

from __future__ import annotations

import shutil

from ingest.limits import MEGABYTE, Limits
from ingest.passages import SPLITTER
from ingest.readers.dispatch import READER_FINGERPRINT
from kb.sources import RejectedRecord

READER = f"{READER_FINGERPRINT} {SPLITTER}"
"""Names the readers, and how passages are cut, that a source was taken in or rejected by."""

UNSURE = frozenset({"unreadable_crash", "unreadable_memory", "unreadable_timeout"})
"""Rejections that a file and a machine in trouble can both bring about."""

_PASSING = frozenset({"unreadable_missing", "unreadable_changing", "unreadable_broken_off"})
"""Rejections that say how things were, not what the file is."""

_PROGRAMS = {
    "unreadable_needs_libreoffice": ("soffice", "libreoffice"),
    "unreadable_pdf_no_text": ("tesseract",),
}
"""Rejections that a program would have spared, and its names."""


def stands(refused: RejectedRecord, limits: Limits) -> bool:
    """Tell whether a file that was rejected would be rejected again for the same reason."""
    if refused.source.reader != READER or refused.code in _PASSING:
        return False
    if refused.code in UNSURE or refused.code == "unreadable_too_large":
        # With a larger limit it may pass.
        allowed = {
            "limit": str(limits.file_bytes // MEGABYTE),
            "seconds": f"{limits.seconds:g}",
            "megabytes": str(limits.memory_bytes // MEGABYTE),
        }
        return all(allowed.get(name, value) == value for name, value in refused.params.items())
    programs = _PROGRAMS.get(refused.code, ())
    return not any(shutil.which(program) for program in programs)
