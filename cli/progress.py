"""Progress bars, drawn on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.frame import t

if TYPE_CHECKING:
    from ingest.indexing import Embedded
    from ingest.outcomes import Progress


@contextmanager
def progress_bars() -> Iterator[Callable[[Progress], None]]:
    """Draw a bar a stage on a terminal; elsewhere draw nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[current]}"),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def draw(progress: Progress) -> None:
            if progress.stage not in tasks:
                tasks[progress.stage] = bars.add_task(
                    t(f"stage_{progress.stage}"), total=None, rate="", current=""
                )
            task = tasks[progress.stage]
            speed = bars.tasks[bars.task_ids.index(task)].speed
            rate = f"{speed:.1f}/s" if speed else ""
            if progress.stage == "reading":
                rate = t("so_far", pages=progress.pages, passages=progress.passages)
            bars.update(
                task,
                completed=progress.done,
                total=progress.total or None,
                rate=rate,
                current=progress.current[-40:],
            )

        yield draw


@contextmanager
def embedding_bars() -> Iterator[Callable[[Embedded], None]]:
    from ingest.outcomes import Progress

    with progress_bars() as draw:

        def embedded(how_far: Embedded) -> None:
            draw(
                Progress(
                    "passages" if how_far.kind == "passage" else "sentences",
                    how_far.done,
                    how_far.done + how_far.waiting,
                )
            )

        yield embedded
