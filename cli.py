"""The ``kb`` command: a thin layer over the library.

Everything heavy is imported inside the command that needs it, so that ``kb --help`` is quick.
Only this module prints and draws progress. Exit codes: 0 done, 1 failed, 2 wrong usage,
3 done but some files were rejected.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

import click

from kb.errors import KnowledgeBaseError, NotFound
from kb.messages import message

if TYPE_CHECKING:
    from evaluation.report import Result
    from ingest.indexing import Embedded
    from ingest.pipeline import Progress, Report
    from kb.catalogue import Catalogue
    from kb.knowledge_base import KnowledgeBase
    from kb.model import Answer, Citation, Hit, Scope
    from kb.settings import Settings

REJECTED = 3

_F = TypeVar("_F", bound=Callable[..., object])


def _environment_language() -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return value[:2] if value[:2] in ("fi", "sv") else "en"
    return "en"


LANGUAGE = _environment_language()


def _t(key: str, **params: object) -> str:
    return message(f"cli.{key}", LANGUAGE, **params)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _settings() -> Settings:
    from kb.settings import load_settings

    return load_settings()


class _Commands(click.Group):
    """Turns our errors into one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KnowledgeBaseError as error:
            click.echo(_t("error", text=error.text(LANGUAGE)), err=True)
            ctx.exit(1)


@click.group(
    cls=_Commands,
    help=_t("help"),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="kokkola-kb", message="%(version)s")
def kb() -> None:
    """Run the knowledge base."""


def _command(
    name: str, *, group: click.Group = kb
) -> Callable[[Callable[..., None]], click.Command]:
    """Register a command under its name with its help from the catalogue."""
    key = f"{name}_help" if group is kb else f"{group.name}_{name}_help"
    return group.command(name, help=_t(key.replace("-", "_")), short_help=None)


def _option(*names: str, **settings: Any) -> Callable[[_F], _F]:
    """Declare an option whose help is in the catalogue under ``option_<name>``."""
    long = next(name for name in names if name.startswith("--")).removeprefix("--")
    return click.option(*names, help=_t(f"option_{long.replace('-', '_')}"), **settings)


_json = _option("--json", "as_json", is_flag=True)


def _filters(function: _F) -> _F:
    for name in ("language", "kind", "city", "theme", "document", "collection", "confidentiality"):
        function = _option(f"--{name}", multiple=True)(function)
    return _option("--year")(function)


def _scope(given: dict[str, Any]) -> Scope:
    from kb.scoping import scope_from

    return scope_from(**{name: value for name, value in given.items() if value})


def _open() -> KnowledgeBase:
    from kb.assembly import open_knowledge_base

    return open_knowledge_base(_settings())


# -- documents in ------------------------------------------------------------------------------


@_command("ingest")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@_option("--prune", is_flag=True)
@_option("--report", "report_file", type=click.Path(dir_okay=False, path_type=Path))
@_json
@click.pass_context
def ingest_command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    prune: bool,
    report_file: Path | None,
    as_json: bool,
) -> None:
    from ingest.batch_report import write_report
    from ingest.pipeline import Outcome, ingest

    for path in paths:
        if not path.exists():
            raise NotFound("no_such_path", path=path)
    opened = _open()
    outcomes: list[Outcome] = []
    with _progress_bars() as draw:
        report = ingest(opened, paths, prune=prune, progress=draw, outcome=outcomes.append)
    if report_file is not None:
        write_report(report_file, report, outcomes, language=LANGUAGE)
    _tell(ctx, report, as_json=as_json)


def _tell(ctx: click.Context, report: Report, *, as_json: bool) -> None:
    """Print a run's report and set the exit code."""
    if as_json:
        _print_json(report.to_json(LANGUAGE))
    else:
        _print_report(report)
    if report.rejected:
        ctx.exit(REJECTED)


def _print_report(report: Report) -> None:
    for rejection in report.rejected:
        click.echo(_t("rejected", source=rejection.source), err=True)
        click.echo(
            f"  {rejection.error.text(LANGUAGE)}\n  → {rejection.error.cure(LANGUAGE)}", err=True
        )
    from ingest.pipeline import warning_text

    for source, warning in report.warnings:
        text = warning_text(warning, LANGUAGE)
        click.echo(_t("warning", text=f"{source}: {text}" if source else text), err=True)
    click.echo(
        _t(
            "ingested",
            ingested=report.ingested,
            unchanged=report.unchanged,
            removed=report.removed,
            rejected=len(report.rejected),
            passages=report.passages,
            seconds=f"{report.seconds:.1f}",
        )
    )


@contextmanager
def _progress_bars() -> Iterator[Callable[[Progress], None]]:
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
                    _t(f"stage_{progress.stage}"), total=None, rate="", current=""
                )
            task = tasks[progress.stage]
            speed = bars.tasks[bars.task_ids.index(task)].speed
            rate = f"{speed:.1f}/s" if speed else ""
            if progress.stage == "reading":
                rate = _t("so_far", pages=progress.pages, passages=progress.passages)
            bars.update(
                task,
                completed=progress.done,
                total=progress.total or None,
                rate=rate,
                current=progress.current[-40:],
            )

        yield draw


@contextmanager
def _embedding_bars() -> Iterator[Callable[[Embedded], None]]:
    from ingest.pipeline import Progress

    with _progress_bars() as draw:

        def embedded(how_far: Embedded) -> None:
            draw(
                Progress(
                    "passages" if how_far.kind == "passage" else "sentences",
                    how_far.done,
                    how_far.done + how_far.waiting,
                )
            )

        yield embedded


@_command("reindex")
def reindex_command() -> None:
    from ingest.reindexing import reindex

    opened = _open()
    with _embedding_bars() as draw:
        count = reindex(opened, progress=draw)
    click.echo(_t("reindexed", passages=count))


@kb.group("rejected", help=_t("rejected_help"), invoke_without_command=True)
@_json
@click.pass_context
def rejected(ctx: click.Context, as_json: bool) -> None:
    """List the rejected files where no subcommand is named."""
    if ctx.invoked_subcommand is not None:
        return
    from kb.errors import UnreadableDocument

    records = _open().catalogue.rejected()
    errors = [(r, UnreadableDocument(r.code, **r.params)) for r in records]
    if as_json:
        _print_json(
            [
                {
                    "source": record.source.name,
                    "key": record.source.key,
                    "code": record.code,
                    "reason": error.text(LANGUAGE),
                    "cure": error.cure(LANGUAGE),
                    "at": record.at,
                    "ignored": record.ignored,
                }
                for record, error in errors
            ]
        )
        return
    for record, error in errors:
        mark = f" {_t('ignored_mark')}" if record.ignored else ""
        click.echo(f"{record.source.name}{mark}\n  {record.source.key}")
        click.echo(f"  {error.text(LANGUAGE)}\n  → {error.cure(LANGUAGE)}")
    if not errors:
        click.echo(_t("none_rejected"))


@_command("retry", group=rejected)
@click.argument("keys", nargs=-1)
@_option("--all", "every", is_flag=True)
@_json
@click.pass_context
def rejected_retry_command(
    ctx: click.Context, keys: tuple[str, ...], every: bool, as_json: bool
) -> None:
    from ingest.pipeline import retry_rejected

    if bool(keys) == every:
        raise click.UsageError(_t("which_rejected"))
    with _progress_bars() as draw:
        report = retry_rejected(_open(), keys, progress=draw)
    _tell(ctx, report, as_json=as_json)


@_command("ignore", group=rejected)
@click.argument("keys", nargs=-1, required=True)
@_json
def rejected_ignore_command(keys: tuple[str, ...], as_json: bool) -> None:
    _open().catalogue.ignore_rejected(keys)
    if as_json:
        _print_json({"ignored": len(keys)})
    else:
        click.echo(_t("now_ignored", count=len(keys)))


@_command("watch")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@_option("--settle", default=2.0, show_default=True, type=click.FloatRange(0.1, 3600))
@_option("--scan", default=600.0, show_default=True, type=click.FloatRange(1, 86400))
def watch_command(folders: tuple[Path, ...], settle: float, scan: float) -> None:
    import signal
    import threading
    from datetime import datetime

    from ingest.pipeline import Outcome, What
    from ingest.watch import watch

    for folder in folders:
        if not folder.exists():
            raise NotFound("no_such_path", path=folder)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    refused: dict[str, str] = {}

    def line(what: str, source: str) -> None:
        at = datetime.now().strftime("%H:%M:%S")
        click.echo(_t("changed", at=at, what=what, source=source))

    def outcome(one: Outcome) -> None:
        if one.what in (What.UNCHANGED, What.IGNORED):
            refused.pop(one.key, None)
            return
        what = message(f"batch.what_{one.what}", LANGUAGE)
        if one.error is None:
            refused.pop(one.key, None)
            line(what, one.source)
            return
        text = f"{one.error.text(LANGUAGE)} {one.error.cure(LANGUAGE)}"
        if refused.get(one.key) != text:  # said once, not at every scan
            refused[one.key] = text
            line(what, f"{one.source}: {text}")

    def failed(error: KnowledgeBaseError) -> None:
        click.echo(_t("error", text=error.text(LANGUAGE)), err=True)

    def done(report: Report) -> None:
        from ingest.pipeline import warning_text

        for source, warning in report.warnings:
            if not source:
                click.echo(_t("warning", text=warning_text(warning, LANGUAGE)), err=True)

    opened = _open()
    click.echo(_t("watching", folders=", ".join(str(folder) for folder in folders)))
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
            _t("watching_by_scans", why=why, seconds=f"{seconds:g}"), err=True
        ),
    )
    click.echo(_t("watch_stopped"))


@_command("jobs")
@_option("--limit", "-n", default=50, show_default=True, type=click.IntRange(1, 1000))
@_json
def jobs_command(limit: int, as_json: bool) -> None:
    from ingest.jobs import Jobs

    found = Jobs(_open().catalogue).recent(limit)
    if as_json:
        _print_json([job.to_json(LANGUAGE) for job in found])
        return
    for job in found:
        state = str(job.to_json(LANGUAGE)["state"])
        names = ", ".join(file.name for file in job.files)
        why = "" if job.error is None else f"\n  {job.error.text(LANGUAGE)}"
        click.echo(f"{job.id}  {job.created}  {_t(f'job_{state}')}  {names}{why}")
    if not found:
        click.echo(_t("no_jobs"))


# -- questions ---------------------------------------------------------------------------------


@_command("ask")
@click.argument("text")
@_filters
@_option("--explain", is_flag=True)
@_json
def ask_command(text: str, explain: bool, as_json: bool, **filters: Any) -> None:
    from kb.wire import answer_json

    answer = _open().ask(text, scope=_scope(filters), explain=explain)
    if as_json:
        _print_json(answer_json(answer))
    else:
        _print_answer(answer)


def _print_answer(answer: Answer) -> None:
    numbers: dict[tuple[str, int, int], int] = {}
    sources: list[Citation] = []
    for claim in answer.claims:
        marks: list[str] = []
        for citation in claim.citations:
            place = (citation.document_id, citation.start, citation.end)
            if place not in numbers:
                numbers[place] = len(numbers) + 1
                sources.append(citation)
            marks.append(f"[{numbers[place]}]")
        click.echo(f"{' '.join(claim.text.split())} {' '.join(marks)}\n")
    for number, citation in enumerate(sources, 1):
        click.echo(f"[{number}] {citation.title}{_place(citation.locator.to_json())}")
        click.echo(
            f"    kb text {citation.document_id} --start {citation.start} --end {citation.end}"
        )
    if not answer.claims:
        click.echo(message(answer.reason, answer.language))
        if answer.nearest:
            click.echo("\n" + _t("nearest"))
            for hit in answer.nearest:
                _print_hit(hit)
    if answer.explanation is not None:
        click.echo(json.dumps(answer.explanation, ensure_ascii=False, indent=2))


def _place(locator: dict[str, object]) -> str:
    """Return a locator in words: ``, s. 12, Vesi › Jäähdytys``."""
    parts: list[str] = []
    for name in ("page", "pages", "slide", "sheet", "rows", "heading"):
        value = locator.get(name)
        if isinstance(value, list):
            value = (" › " if name == "heading" else "–").join(str(part) for part in value)
        if value:
            parts.append(_t(f"place_{name}", value=value))
    return "".join(f", {part}" for part in parts)


def _print_hit(hit: Hit) -> None:
    from kb.wire import hit_locator

    click.echo(f"{hit.score:.3f}  {hit.document.metadata.title}{_place(hit_locator(hit))}")
    text = " ".join(hit.text.split())
    click.echo(f"       {text[:240]}{'…' if len(text) > 240 else ''}")


@_command("search")
@click.argument("text")
@_option("-k", "--limit", default=10, show_default=True, type=click.IntRange(1, 1000))
@_filters
@_json
def search_command(text: str, limit: int, as_json: bool, **filters: Any) -> None:
    from kb.wire import search_json

    result = _open().search(text, scope=_scope(filters), k=limit)
    if as_json:
        _print_json(search_json(result.query, result.language, result.hits))
        return
    for hit in result.hits:
        _print_hit(hit)
    if not result.hits:
        click.echo(message("reason.nothing", LANGUAGE))


# -- documents ---------------------------------------------------------------------------------


@_command("documents")
@_json
def documents_command(as_json: bool) -> None:
    from kb.wire import document_row_json

    rows = _open().documents()
    if as_json:
        _print_json([document_row_json(row) for row in rows])
        return
    for row in rows:
        date = row.metadata.date or ""
        click.echo(f"{row.id}  {row.language}  {date:<10}  {row.passages:>5}  {row.metadata.title}")
    if not rows:
        click.echo(message("error.no_documents", LANGUAGE))


@_command("text")
@click.argument("document_id")
@_option("--start", type=click.IntRange(0), default=0)
@_option("--end", type=click.IntRange(0))
@_json
def text_command(document_id: str, start: int, end: int | None, as_json: bool) -> None:
    from kb.model import Span

    document = _open().document(document_id)
    stop = min(len(document.text) if end is None else end, len(document.text))
    text = document.text[start:stop]
    if not as_json:
        click.echo(text)
        return
    _print_json(
        {
            "document_id": document.id,
            "title": document.metadata.title,
            "start": min(start, stop),
            "end": stop,
            "locator": document.locate(Span(min(start, stop), stop)).to_json(),
            "text": text,
        }
    )


@_command("remove")
@click.argument("document_ids", nargs=-1, required=True)
@_json
def remove_command(document_ids: tuple[str, ...], as_json: bool) -> None:
    from ingest.locking import writer_lock

    opened = _open()
    with writer_lock(opened.settings.data_dir):
        removed = opened.remove(document_ids)
        opened.vectors.flush()
    if as_json:
        _print_json({"removed": removed})
    else:
        click.echo(_t("removed", count=removed))


@kb.group("samples", help=_t("samples_help"))
def samples() -> None:
    """Handle the sample documents."""


@_command("remove", group=samples)
@_json
def samples_remove_command(as_json: bool) -> None:
    from ingest.locking import writer_lock

    opened = _open()
    with writer_lock(opened.settings.data_dir):
        removed = opened.remove_samples()
        opened.vectors.flush()
    if as_json:
        _print_json({"removed": removed})
    else:
        click.echo(_t("removed", count=removed))


# -- projects ----------------------------------------------------------------------------------


@kb.group("projects", help=_t("projects_help"))
def projects_group() -> None:
    """Handle the projects of registries."""


@_command("import", group=projects_group)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_option(
    "--format",
    "format_",
    type=click.Choice(["cordis", "keep", "eura", "table"]),
    default="table",
    show_default=True,
)
@_option("--map", "map_file", type=click.Path(dir_okay=False, path_type=Path))
@_option("--dry-run", is_flag=True)
@_option("--no-vectors", is_flag=True)
@_json
@click.pass_context
def projects_import_command(
    ctx: click.Context,
    file: Path,
    format_: Literal["cordis", "keep", "eura", "table"],
    map_file: Path | None,
    dry_run: bool,
    no_vectors: bool,
    as_json: bool,
) -> None:
    from ingest.indexing import Embedded
    from ingest.locking import writer_lock
    from ingest.registry import import_projects, index_projects
    from kb.assembly import open_theming

    if not file.exists():
        raise NotFound("no_such_path", path=file)
    opened = _open()
    with writer_lock(opened.settings.data_dir):
        report = import_projects(
            opened.catalogue, file, format=format_, map_file=map_file, dry_run=dry_run
        )
        if not as_json:
            _print_mapping(report.mapping.to_json(), report.mapping.certainty)
        if not dry_run:
            with _embedding_bars() as draw:
                index_projects(
                    opened,
                    vectors=not no_vectors,
                    progress=lambda stage, done, total: draw(
                        # The bars of documents: their words are those of passages.
                        Embedded("passage" if stage == "words" else "sentence", done, total - done)
                    ),
                )
            if not no_vectors:
                open_theming(opened).guess_projects()
    if as_json:
        _print_json(report.to_json(LANGUAGE))
    else:
        for kind, notes in (("rejected_row", report.rejected), ("warned_row", report.warnings)):
            for note in notes:
                click.echo(_t(kind, row=note.row, reason=note.text(LANGUAGE)), err=True)
        counts = {name: report.outcomes[name] for name in ("imported", "updated", "unchanged")}
        key = "projects_tried" if dry_run else "projects_imported"
        click.echo(_t(key, **counts, rejected=len(report.rejected)))
    if report.rejected:
        ctx.exit(REJECTED)


def _print_mapping(mapping: Mapping[str, object], certainty: Mapping[str, float]) -> None:
    """Print a mapping as ``--map`` takes it, marking what was guessed from the contents."""
    for name, columns in mapping.items():
        guessed = f"  # {_t('mapping_guessed')}" if certainty.get(name, 1.0) < 0.6 else ""
        click.echo(f"{name} = {json.dumps(columns, ensure_ascii=False)}{guessed}")


@_command("list", group=projects_group)
@_option("--theme", multiple=True)
@_option("--place", multiple=True)
@_option("--partner", multiple=True)
@_option("--limit", "-k", default=100, show_default=True, type=click.IntRange(1))
@_json
def projects_list_command(
    theme: tuple[str, ...],
    place: tuple[str, ...],
    partner: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> None:
    from kb.projects import ProjectFilter, Projects, project_json
    from kb.scoping import theme_of

    wanted = ProjectFilter(
        themes=frozenset(theme_of(value) for value in theme),
        places=frozenset(place),
        partners=frozenset(partner),
    )
    shown, total = Projects(_open().catalogue).page(wanted, limit=limit)
    if as_json:
        _print_json([project_json(project) for project in shown])
        return
    for project in shown:
        years = "–".join(str(year) for year in project.years or ())
        click.echo(f"{project.id:<24}  {years:<9}  {project.title}")
    if total > len(shown):
        click.echo(_t("more", count=total - len(shown)), err=True)
    if not total:
        click.echo(_t("no_projects"))


@_command("partners", group=projects_group)
@_option("--theme", multiple=True)
@_option("--place", multiple=True)
@_option("--limit", "-k", default=30, show_default=True, type=click.IntRange(1))
@_json
def projects_partners_command(
    theme: tuple[str, ...], place: tuple[str, ...], limit: int, as_json: bool
) -> None:
    from kb.projects import ProjectFilter, Projects, partner_json
    from kb.scoping import theme_of

    wanted = ProjectFilter(
        themes=frozenset(theme_of(value) for value in theme), places=frozenset(place)
    )
    found = Projects(_open().catalogue).partners(wanted, limit=limit)
    if as_json:
        _print_json([partner_json(partner) for partner in found])
        return
    for partner in found:
        click.echo(f"{partner.projects:>4}  {partner.name}  {', '.join(partner.places)}")
    if not found:
        click.echo(_t("no_projects"))


@_command("related")
@_option("--text", multiple=True)
@_option("--document", multiple=True)
@_option("--project", multiple=True)
@_option("--limit", "-k", default=10, show_default=True, type=click.IntRange(1, 1000))
@_option("--theme", multiple=True)
@_option("--place", multiple=True)
@_option("--partner", multiple=True)
@_option("--csv", "as_csv", is_flag=True)
@_json
def related_command(
    text: tuple[str, ...],
    document: tuple[str, ...],
    project: tuple[str, ...],
    limit: int,
    theme: tuple[str, ...],
    place: tuple[str, ...],
    partner: tuple[str, ...],
    as_csv: bool,
    as_json: bool,
) -> None:
    from kb.assembly import open_relator
    from kb.projects import ProjectFilter
    from kb.relating import related_csv, seeds_of
    from kb.scoping import theme_of

    opened = _open()
    relator = open_relator(opened)
    results = relator.related(
        seeds_of(opened, relator, texts=text, documents=document, projects=project),
        k=limit,
        wanted=ProjectFilter(
            themes=frozenset(theme_of(value) for value in theme),
            places=frozenset(place),
            partners=frozenset(partner),
        ),
    )
    if as_json:
        _print_json({"results": [result.to_json(LANGUAGE) for result in results]})
    elif as_csv:
        click.echo(related_csv(results, LANGUAGE), nl=False)
    else:
        for result in results:
            click.echo(f"{result.score:.3f}  {result.project.id}  {result.project.title}")
            for reason in result.reasons:
                click.echo(f"       {reason.text(LANGUAGE)}")
                if reason.theirs and reason.ours:
                    click.echo(f"         “{' '.join(reason.theirs.quote.split())}”")
                    click.echo(f"         ~ “{' '.join(reason.ours.quote.split())}”")
        if not results:
            click.echo(_t("no_projects"))


@kb.group("themes", help=_t("themes_help"))
def themes_group() -> None:
    """Handle the themes of documents and projects."""


@_command("guess", group=themes_group)
@_json
def themes_guess_command(as_json: bool) -> None:
    from ingest.locking import writer_lock
    from kb.assembly import open_theming

    opened = _open()
    theming = open_theming(opened)
    with writer_lock(opened.settings.data_dir):
        guessed = {"documents": theming.guess_documents(), "projects": theming.guess_projects()}
    if as_json:
        _print_json(guessed)
    else:
        click.echo(_t("themes_guessed", **guessed))


@_command("set", group=themes_group)
@_option("--document")
@_option("--project")
@_option("--add", multiple=True)
@_option("--remove", multiple=True)
def themes_set_command(
    document: str | None, project: str | None, add: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    from ingest.locking import writer_lock
    from kb.assembly import open_theming
    from kb.model import DocumentId
    from kb.scoping import theme_of

    opened = _open()
    changes = {theme_of(name): True for name in add} | {theme_of(name): False for name in remove}
    with writer_lock(opened.settings.data_dir):
        open_theming(opened).correct(
            changes,
            document=None if document is None else DocumentId(opened.document(document).id),
            project=project,
        )


# -- the whole ---------------------------------------------------------------------------------


@_command("serve")
@_option("--host")
@_option("--port", type=click.IntRange(0, 65535))
def serve_command(host: str | None, port: int | None) -> None:
    from kb.settings import load_settings

    given = {"host": host, "port": port}
    settings = load_settings(**{k: v for k, v in given.items() if v is not None})
    from api.app import serve

    serve(settings)


@_command("status")
@_json
def status_command(as_json: bool) -> None:
    opened = _open()
    counts = opened.catalogue.counts()
    status = {
        "data_dir": str(opened.settings.data_dir.resolve()),
        "documents": counts["document"],
        "passages": counts["passage"],
        "sentences": counts["sentence"],
        "rejected": counts["rejected"],
        "waiting": {
            "passages": opened.embeddings.pending_count("passage"),
            "sentences": opened.embeddings.pending_count("sentence"),
        },
        "model": opened.embeddings.fingerprint,
    }
    if as_json:
        _print_json(status)
        return
    waiting = opened.embeddings.pending_count("passage")
    click.echo(_t("status", **{**status, "waiting": waiting}))


@_command("doctor")
@_option("--repair", is_flag=True)
@_json
@click.pass_context
def doctor_command(ctx: click.Context, repair: bool, as_json: bool) -> None:
    from ingest.reindexing import repair as mend
    from kb.doctor import examine

    opened = _open()
    if repair:
        with _embedding_bars() as draw:
            mend(opened, progress=draw)
    findings = examine(opened)
    if as_json:
        _print_json([{"code": f.key.removeprefix("doctor."), "count": f.count} for f in findings])
    for finding in [] if as_json else findings:
        click.echo(message(finding.key, LANGUAGE, count=finding.count))
    if not findings and not as_json:
        click.echo(message("doctor.well", LANGUAGE))
    if findings:
        ctx.exit(1)


@kb.group("vocabulary", help=_t("vocabulary_help"))
def vocabulary() -> None:
    """Handle vocabularies that say words in other languages."""


@_command("import", group=vocabulary)
@click.argument("file", type=click.Path(path_type=Path))
@_json
def vocabulary_import_command(file: Path, as_json: bool) -> None:
    from ingest.locking import writer_lock
    from kb.vocabulary import import_vocabulary

    if not file.exists():
        raise NotFound("no_such_path", path=file)
    opened = _open()
    with writer_lock(opened.settings.data_dir):
        count = import_vocabulary(opened.catalogue, file)
    if as_json:
        _print_json({"concepts": count})
    else:
        click.echo(_t("vocabulary_imported", count=count))


# -- measuring ---------------------------------------------------------------------------------


@kb.group("evaluate", help=_t("evaluate_help"))
def evaluate() -> None:
    """Measure the product."""


def _show(result: Result, as_json: bool) -> None:
    if as_json:
        _print_json(result.to_json())
        return
    from evaluation.tables import render

    click.echo(render(result.tables(LANGUAGE)))


_split = _option("--split", type=click.Choice(["dev", "test"]), default="dev", show_default=True)
_a_folder = click.Path(exists=True, file_okay=False, path_type=Path)
_a_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@_command("beir", group=evaluate)
@click.argument("folder", type=_a_folder)
@_option("--run", type=click.Path(dir_okay=False, path_type=Path))
@_option("--queries", "--limit", "queries", type=click.IntRange(1))
@_option("--vocabulary", type=_a_file)
@_json
def beir_command(
    folder: Path, run: Path | None, queries: int | None, vocabulary: Path | None, as_json: bool
) -> None:
    from evaluation.suite import beir

    use = None
    if vocabulary is not None:
        from functools import partial

        from kb.vocabulary import import_vocabulary

        use = partial(_with_vocabulary, import_vocabulary, vocabulary)
    with _progress_bars() as draw:
        result = beir(
            folder,
            settings=_settings(),
            run_file=run,
            limit=queries,
            vocabulary=use,
            progress=draw,
        )
    _show(result, as_json)


def _with_vocabulary(
    take: Callable[[Catalogue, Path], int], path: Path, opened: KnowledgeBase
) -> None:
    take(opened.catalogue, path)


@_command("questions", group=evaluate)
@_split
@_json
def questions_command(split: Literal["dev", "test"], as_json: bool) -> None:
    from evaluation.suite import questions

    _show(questions(settings=_settings(), split=split), as_json)


@_command("check-questions", group=evaluate)
@_json
@click.pass_context
def check_questions_command(ctx: click.Context, as_json: bool) -> None:
    from evaluation.suite import check_questions

    result = check_questions()
    _show(result, as_json)
    if result.problems:
        ctx.exit(1)


@_command("citations", group=evaluate)
@_split
@_json
def citations_command(split: Literal["dev", "test"], as_json: bool) -> None:
    from evaluation.suite import citations

    _show(citations(settings=_settings(), split=split), as_json)


@_command("reading", group=evaluate)
@click.argument("folder", type=_a_folder)
@_json
def reading_command(folder: Path, as_json: bool) -> None:
    from evaluation.suite import reading

    _show(reading(folder), as_json)


@_command("related", group=evaluate)
@click.argument("folder", type=_a_folder)
@_option("--queries", "--limit", "queries", type=click.IntRange(1), default=60, show_default=True)
@_option("--others", type=click.IntRange(0), default=300, show_default=True)
@_json
def evaluate_related_command(folder: Path, queries: int, others: int, as_json: bool) -> None:
    from evaluation.related import evaluate_related

    _show(evaluate_related(folder, settings=_settings(), queries=queries, others=others), as_json)


@_command("themes", group=evaluate)
@click.argument("folder", type=_a_folder)
@_json
def evaluate_themes_command(folder: Path, as_json: bool) -> None:
    from evaluation.theming import evaluate_themes, load_labelled
    from kb.classifying import ThemeClassifier

    opened = _open()
    classifier = ThemeClassifier(centring=opened.centring, embedder=opened.embedder)
    _show(evaluate_themes(classifier, opened.embedder(), load_labelled(folder)), as_json)


@_command("abstain", group=evaluate)
@click.argument("folder", type=_a_folder)
@_option("--queries", "--limit", "queries", type=click.IntRange(1), default=300)
@_json
def abstain_command(folder: Path, queries: int, as_json: bool) -> None:
    from evaluation.suite import abstain

    with _progress_bars() as draw:
        result = abstain(folder, settings=_settings(), limit=queries, progress=draw)
    _show(result, as_json)


@_command("bench", group=evaluate)
@click.argument("name")
@_option("--set", "set_folder", type=_a_folder)
@_option("--passages", type=click.IntRange(1))
@_json
def bench_command(name: str, set_folder: Path | None, passages: int | None, as_json: bool) -> None:
    from evaluation.suite import bench

    result = bench(name, settings=_settings(), set_folder=set_folder, passages=passages)
    if result is not None:
        _show(result, as_json)


@_command("compare", group=evaluate)
@click.argument("first", type=_a_file)
@click.argument("second", type=_a_file)
@_option("--set", "set_folder", type=_a_folder, required=True)
@_option("--queries", "--limit", "queries", type=click.IntRange(1))
@_json
def compare_command(
    first: Path, second: Path, set_folder: Path, queries: int | None, as_json: bool
) -> None:
    from evaluation.suite import compare

    with _progress_bars() as draw:
        result = compare(
            first, second, folder=set_folder, settings=_settings(), limit=queries, progress=draw
        )
    _show(result, as_json)


@_command("report", group=evaluate)
@_option("--html", type=click.Path(dir_okay=False, path_type=Path), required=True)
@_option("--sets", type=_a_folder)
@_option("--readings", type=_a_folder)
@_split
def report_command(
    html: Path, sets: Path | None, readings: Path | None, split: Literal["dev", "test"]
) -> None:
    from evaluation.suite import report

    report(
        html,
        settings=_settings(),
        sets=sets,
        readings=readings,
        split=split,
        language=LANGUAGE,
        progress=lambda part: click.echo(part, err=True),
    )
    click.echo(str(html))


def main() -> NoReturn:
    """Run the command line."""
    # Our matrices are small: threads of the linear algebra only get in each other's way, and
    # in the embedder's.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    kb(prog_name="kb")
    raise SystemExit(0)


if __name__ == "__main__":
    main()
