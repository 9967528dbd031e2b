"""Documents in: ingest, watch, rejected files, jobs, reindex."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import frame
from cli.frame import (
    command,
    json_option,
    kb,
    open_kb,
    option,
    print_json,
    t,
)
from cli.progress import embedding_bars, progress_bars
from kb.errors import KnowledgeBaseError, NotFound
from kb.messages import message

if TYPE_CHECKING:
    from ingest.outcomes import Report

REJECTED = 3
"""The exit code of a command that was done, but for some files or rows."""


@command("ingest")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@option("--prune", is_flag=True)
@option("--report", "report_file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_context
def ingest_command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    prune: bool,
    report_file: Path | None,
    as_json: bool,
) -> None:
    from ingest.batch_report import write_report
    from ingest.outcomes import Outcome
    from ingest.working import take_in

    for path in paths:
        if not path.exists():
            raise NotFound("no_such_path", path=path)
    opened = open_kb()
    outcomes: list[Outcome] = []
    with progress_bars() as draw:
        report = take_in(opened, paths, prune=prune, progress=draw, outcome=outcomes.append)
    if report_file is not None:
        write_report(report_file, report, outcomes, language=frame.LANGUAGE)
    _tell(ctx, report, as_json=as_json)


def _tell(ctx: click.Context, report: Report, *, as_json: bool) -> None:
    """Print a run's report and set the exit code."""
    if as_json:
        print_json(report.to_json(frame.LANGUAGE))
    else:
        _print_report(report)
    if report.rejected:
        ctx.exit(REJECTED)


def _print_report(report: Report) -> None:
    for rejection in report.rejected:
        click.echo(t("rejected", source=rejection.source), err=True)
        click.echo(
            f"  {rejection.error.text(frame.LANGUAGE)}\n  → {rejection.error.cure(frame.LANGUAGE)}",
            err=True,
        )
    from ingest.outcomes import warning_text

    for source, warning in report.warnings:
        text = warning_text(warning, frame.LANGUAGE)
        click.echo(t("warning", text=f"{source}: {text}" if source else text), err=True)
    click.echo(
        t(
            "ingested",
            ingested=report.ingested,
            unchanged=report.unchanged,
            removed=report.removed,
            rejected=len(report.rejected),
            passages=report.passages,
            seconds=f"{report.seconds:.1f}",
        )
    )


@command("reindex")
def reindex_command() -> None:
    from ingest.reindexing import reindex

    opened = open_kb()
    with embedding_bars() as draw:
        count = reindex(opened, progress=draw)
    click.echo(t("reindexed", passages=count))


@kb.group("rejected", help=t("rejected_help"), invoke_without_command=True)
@json_option
@click.pass_context
def rejected(ctx: click.Context, as_json: bool) -> None:
    """List the rejected files where no subcommand is named."""
    if ctx.invoked_subcommand is not None:
        return
    from kb.errors import UnreadableDocument

    records = open_kb().catalogue.rejected()
    errors = [(r, UnreadableDocument(r.code, **r.params)) for r in records]
    if as_json:
        print_json(
            [
                {
                    "source": record.source.name,
                    "key": record.source.key,
                    "code": record.code,
                    "reason": error.text(frame.LANGUAGE),
                    "cure": error.cure(frame.LANGUAGE),
                    "at": record.at,
                    "ignored": record.ignored,
                }
                for record, error in errors
            ]
        )
        return
    for record, error in errors:
        mark = f" {t('ignored_mark')}" if record.ignored else ""
        click.echo(f"{record.source.name}{mark}\n  {record.source.key}")
        click.echo(f"  {error.text(frame.LANGUAGE)}\n  → {error.cure(frame.LANGUAGE)}")
    if not errors:
        click.echo(t("none_rejected"))


@command("retry", group=rejected)
@click.argument("keys", nargs=-1)
@option("--all", "every", is_flag=True)
@json_option
@click.pass_context
def rejected_retry_command(
    ctx: click.Context, keys: tuple[str, ...], every: bool, as_json: bool
) -> None:
    from ingest.working import take_rejected

    if bool(keys) == every:
        raise click.UsageError(t("which_rejected"))
    with progress_bars() as draw:
        report = take_rejected(open_kb(), keys, progress=draw)
    _tell(ctx, report, as_json=as_json)


@command("ignore", group=rejected)
@click.argument("keys", nargs=-1, required=True)
@json_option
def rejected_ignore_command(keys: tuple[str, ...], as_json: bool) -> None:
    open_kb().catalogue.ignore_rejected(keys)
    if as_json:
        print_json({"ignored": len(keys)})
    else:
        click.echo(t("now_ignored", count=len(keys)))


@command("watch")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@option("--settle", default=2.0, show_default=True, type=click.FloatRange(0.1, 3600))
@option("--scan", default=600.0, show_default=True, type=click.FloatRange(1, 86400))
def watch_command(folders: tuple[Path, ...], settle: float, scan: float) -> None:
    import signal
    import threading
    from datetime import datetime

    from ingest.outcomes import Outcome, What
    from ingest.watch import watch

    for folder in folders:
        if not folder.exists():
            raise NotFound("no_such_path", path=folder)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    refused: dict[str, str] = {}
    noted: set[str] = set()

    def line(what: str, source: str) -> None:
        at = datetime.now().strftime("%H:%M:%S")
        click.echo(t("changed", at=at, what=what, source=source))

    def outcome(one: Outcome) -> None:
        if one.what in (What.UNCHANGED, What.IGNORED):
            refused.pop(one.key, None)
            return
        what = message(f"batch.what_{one.what}", frame.LANGUAGE)
        if one.error is None:
            refused.pop(one.key, None)
            line(what, one.source)
            return
        text = f"{one.error.text(frame.LANGUAGE)} {one.error.cure(frame.LANGUAGE)}"
        if refused.get(one.key) != text:  # said once, not at every scan
            refused[one.key] = text
            line(what, f"{one.source}: {text}")

    def failed(error: KnowledgeBaseError) -> None:
        click.echo(t("error", text=error.text(frame.LANGUAGE)), err=True)

    def done(report: Report) -> None:
        from ingest.outcomes import warning_text

        nonlocal noted
        notes = [warning for source, warning in report.warnings if not source]
        for note in dict.fromkeys(notes):
            if note not in noted:  # said once, not at every scan
                click.echo(t("warning", text=warning_text(note, frame.LANGUAGE)), err=True)
        noted = set(notes)

    opened = open_kb()
    click.echo(t("watching", folders=", ".join(str(folder) for folder in folders)))
    watch(
        opened,
        folders,
        stop=stop,
        settle=settle,
        scan=scan,
        outcome=outcome,
        done=done,
        failed=failed,
        without_news=lambda why, seconds: click.echo(
            t("watching_by_scans", why=why, seconds=f"{seconds:g}"), err=True
        ),
    )
    click.echo(t("watch_stopped"))


@command("jobs")
@option("--limit", "-n", default=50, show_default=True, type=click.IntRange(1, 1000))
@json_option
def jobs_command(limit: int, as_json: bool) -> None:
    from ingest.jobs import Jobs

    found = Jobs(open_kb().catalogue).recent(limit)
    if as_json:
        print_json([job.to_json(frame.LANGUAGE) for job in found])
        return
    for job in found:
        state = str(job.to_json(frame.LANGUAGE)["state"])
        names = f"{t(f'job_of_{job.kind}')}: {', '.join(job.names)}".rstrip(": ")
        why = "" if job.error is None else f"\n  {job.error.text(frame.LANGUAGE)}"
        click.echo(f"{job.id}  {job.created}  {t(f'job_{state}')}  {names}{why}")
    if not found:
        click.echo(t("no_jobs"))
