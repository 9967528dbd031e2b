"""Folders kept in step: changes are taken in when they have settled, and nothing is missed.

The system's own news of changes only says when to look; what is done comes from comparing the
folder with the catalogue, by the same pipeline and in the same queue as any ingestion. So
news that is lost, doubled or late does no harm, and a slow scan finds what was never told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ingest.jobs import JobKind
from ingest.outcomes import Outcome, Progress, Report
from ingest.working import take_in
from kb.errors import KnowledgeBaseError
from kb.knowledge_base import KnowledgeBase

SETTLE_SECONDS = 2.0
SCAN_SECONDS = 600.0

_LONGEST_WAIT = 15
"""A folder that never rests is looked at after so many times the settling time."""
_STEP_MS = 200
_WITHOUT_NEWS_SECONDS = 5.0


class _Stopped(Exception):
    """The watch is to end."""


def watch(
    kb: KnowledgeBase,
    folders: Sequence[Path],
    *,
    stop: threading.Event,
    settle: float = SETTLE_SECONDS,
    scan: float = SCAN_SECONDS,
    outcome: Callable[[Outcome], None] | None = None,
    done: Callable[[Report], None] | None = None,
    failed: Callable[[KnowledgeBaseError], None] | None = None,
    without_news: Callable[[str, float], None] | None = None,
) -> None:
    """Keep the knowledge base in step with folders until ``stop`` is set.

    The folders are scanned at once, when a change has been followed by ``settle`` seconds of
    quiet, and every ``scan`` seconds. ``outcome`` hears of each file, ``done`` of each scan,
    ``failed`` of one that failed: it is tried again later. Where the system doesn't tell of
    changes, ``without_news`` hears why and how many seconds lie between scans instead.
    """

    def go_on(_: Progress) -> None:
        if stop.is_set():
            raise _Stopped

    news = _news(folders, stop=stop, settle=settle, scan=scan, without_news=without_news)
    for _ in news:
        try:
            report = take_in(
                kb,
                folders,
                kind=JobKind.WATCH,
                prune=True,
                cautious=True,
                progress=go_on,
                outcome=outcome,
            )
        except _Stopped:  # what is in is whole; the next start goes on from there
            return
        except KnowledgeBaseError as error:
            # A folder that is away, a full disk, a manifest being edited: it may pass.
            if failed is not None:
                failed(error)
        else:
            if done is not None:
                done(report)
        if stop.is_set():
            return


def _news(
    folders: Sequence[Path],
    *,
    stop: threading.Event,
    settle: float,
    scan: float,
    without_news: Callable[[str, float], None] | None,
) -> Iterator[None]:
    """Yield whenever it is time to look."""
    try:
        import watchfiles
    except ModuleNotFoundError as error:
        yield from _by_the_clock(str(error), stop, scan, without_news)
        return
    while not stop.is_set():
        here = [folder for folder in folders if folder.exists()]
        if not here:
            yield  # which says so, and looks again soon
            stop.wait(min(scan, _WITHOUT_NEWS_SECONDS))
            continue
        changes = watchfiles.watch(
            *here,
            stop_event=stop,
            step=_STEP_MS,
            debounce=_STEP_MS,
            rust_timeout=_STEP_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            watch_filter=None,
        )
        try:
            # The watch stands before the first look, so that nothing falls between the two.
            first = next(changes, None)
            if first is None:
                return
            yield
            looked = time.monotonic()
            changed: float | None = None
            rest = 0.0
            for some in changes:
                now = time.monotonic()
                if some:
                    changed = now if changed is None else changed
                    rest = now
                ripe = changed is not None and (
                    now - rest >= settle or now - changed >= settle * _LONGEST_WAIT
                )
                if ripe or now - looked >= scan:
                    changed = None
                    yield
                    looked = time.monotonic()
                if len(here) < len(folders) and any(
                    folder.exists() for folder in folders if folder not in here
                ):
                    break  # one that was away has come back: watch it too
                if any(not folder.exists() for folder in here):
                    break
        except (OSError, RuntimeError) as error:
            # Too many folders for the system's limit, or a file system that doesn't tell.
            yield from _by_the_clock(str(error), stop, scan, without_news)
            return


def _by_the_clock(
    why: str,
    stop: threading.Event,
    scan: float,
    without_news: Callable[[str, float], None] | None,
) -> Iterator[None]:
    seconds = min(scan, _WITHOUT_NEWS_SECONDS)
    if without_news is not None:
        without_news(why, seconds)
    yield
    while not stop.wait(seconds):
        yield
