"""Projects of registries, what is related to them, and themes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

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
from cli.progress import embedding_bars
from cli.taking_in import REJECTED
from kb.errors import NotFound


@kb.group("projects", help=t("projects_help"))
def projects_group() -> None:
    """Handle the projects of registries."""


@command("import", group=projects_group)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@option(
    "--format",
    "format_",
    type=click.Choice(["cordis", "keep", "eura", "table"]),
    default="table",
    show_default=True,
)
@option("--map", "map_file", type=click.Path(dir_okay=False, path_type=Path))
@option("--dry-run", is_flag=True)
@option("--no-vectors", is_flag=True)
@json_option
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

    if not file.exists():
        raise NotFound("no_such_path", path=file)
    opened = open_kb()
    with writer_lock(opened.settings.data_dir):
        report = import_projects(
            opened.catalogue, file, format=format_, map_file=map_file, dry_run=dry_run
        )
        if not as_json:
            _print_mapping(report.mapping.to_json(), report.mapping.certainty)
        if not dry_run:
            with embedding_bars() as draw:
                index_projects(
                    opened,
                    vectors=not no_vectors,
                    progress=lambda stage, done, total: draw(
                        # The bars of documents: their words are those of passages.
                        Embedded("passage" if stage == "words" else "sentence", done, total - done)
                    ),
                )
    if as_json:
        print_json(report.to_json(frame.LANGUAGE))
    else:
        for kind, notes in (("rejected_row", report.rejected), ("warned_row", report.warnings)):
            for note in notes:
                click.echo(t(kind, row=note.row, reason=note.text(frame.LANGUAGE)), err=True)
        counts = {name: report.outcomes[name] for name in ("imported", "updated", "unchanged")}
        key = "projects_tried" if dry_run else "projects_imported"
        click.echo(t(key, **counts, rejected=len(report.rejected)))
    if report.rejected:
        ctx.exit(REJECTED)


def _print_mapping(mapping: Mapping[str, object], certainty: Mapping[str, float]) -> None:
    """Print a mapping as ``--map`` takes it, marking what was guessed from the contents."""
    for name, columns in mapping.items():
        guessed = f"  # {t('mapping_guessed')}" if certainty.get(name, 1.0) < 0.6 else ""
        click.echo(f"{name} = {json.dumps(columns, ensure_ascii=False)}{guessed}")


@command("list", group=projects_group)
@option("--theme", multiple=True)
@option("--place", multiple=True)
@option("--partner", multiple=True)
@option("--limit", "-k", default=100, show_default=True, type=click.IntRange(1))
@json_option
def projects_list_command(
    theme: tuple[str, ...],
    place: tuple[str, ...],
    partner: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> None:
    from kb.project import project_json
    from kb.project_lists import ProjectLists
    from kb.projects import ProjectFilter, Projects
    from kb.scoping import theme_of

    wanted = ProjectFilter(
        themes=frozenset(theme_of(value) for value in theme),
        places=frozenset(place),
        partners=frozenset(partner),
    )
    shown, total = ProjectLists(Projects(open_kb().catalogue)).page(wanted, limit=limit)
    if as_json:
        print_json([project_json(project) for project in shown])
        return
    for project in shown:
        years = "–".join(str(year) for year in project.years or ())
        click.echo(f"{project.id:<24}  {years:<9}  {project.title}")
    if total > len(shown):
        click.echo(t("more", count=total - len(shown)), err=True)
    if not total:
        click.echo(t("no_projects"))


@command("partners", group=projects_group)
@option("--theme", multiple=True)
@option("--place", multiple=True)
@option("--limit", "-k", default=30, show_default=True, type=click.IntRange(1))
@json_option
def projects_partners_command(
    theme: tuple[str, ...], place: tuple[str, ...], limit: int, as_json: bool
) -> None:
    from kb.project_lists import ProjectLists, partner_json
    from kb.projects import ProjectFilter, Projects
    from kb.scoping import theme_of

    wanted = ProjectFilter(
        themes=frozenset(theme_of(value) for value in theme), places=frozenset(place)
    )
    found = ProjectLists(Projects(open_kb().catalogue)).partners(wanted, limit=limit)
    if as_json:
        print_json([partner_json(partner) for partner in found])
        return
    for partner in found:
        click.echo(f"{partner.projects:>4}  {partner.name}  {', '.join(partner.places)}")
    if not found:
        click.echo(t("no_projects"))


@command("related")
@option("--text", multiple=True)
@option("--document", multiple=True)
@option("--project", multiple=True)
@option("--limit", "-k", default=10, show_default=True, type=click.IntRange(1, 1000))
@option("--theme", multiple=True)
@option("--place", multiple=True)
@option("--partner", multiple=True)
@option("--csv", "as_csv", is_flag=True)
@json_option
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
    from kb.related import related_csv
    from kb.scoping import theme_of
    from kb.seeds import seeds_of

    opened = open_kb()
    relator = open_relator(opened)
    results = relator.related(
        seeds_of(opened, relator.projects, texts=text, documents=document, projects=project),
        k=limit,
        wanted=ProjectFilter(
            themes=frozenset(theme_of(value) for value in theme),
            places=frozenset(place),
            partners=frozenset(partner),
        ),
    )
    if as_json:
        print_json({"results": [result.to_json(frame.LANGUAGE) for result in results]})
    elif as_csv:
        click.echo(related_csv(results, frame.LANGUAGE), nl=False)
    else:
        for result in results:
            click.echo(f"{result.score:.3f}  {result.project.id}  {result.project.title}")
            for reason in result.reasons:
                click.echo(f"       {reason.text(frame.LANGUAGE)}")
                if reason.theirs and reason.ours:
                    click.echo(f"         “{' '.join(reason.theirs.quote.split())}”")
                    click.echo(f"         ~ “{' '.join(reason.ours.quote.split())}”")
        if not results:
            click.echo(t("no_projects"))


@kb.group("themes", help=t("themes_help"))
def themes_group() -> None:
    """Handle the themes of documents and projects."""


@command("guess", group=themes_group)
@json_option
def themes_guess_command(as_json: bool) -> None:
    from ingest.locking import writer_lock
    from kb.assembly import open_theming

    opened = open_kb()
    theming = open_theming(opened)
    with writer_lock(opened.settings.data_dir):
        guessed = {"documents": theming.guess_documents(), "projects": theming.guess_projects()}
    if as_json:
        print_json(guessed)
    else:
        click.echo(t("themes_guessed", **guessed))


@command("set", group=themes_group)
@option("--document")
@option("--project")
@option("--add", multiple=True)
@option("--remove", multiple=True)
def themes_set_command(
    document: str | None, project: str | None, add: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    from ingest.locking import writer_lock
    from kb.assembly import open_theming
    from kb.model import DocumentId
    from kb.scoping import theme_of

    opened = open_kb()
    changes = {theme_of(name): True for name in add} | {theme_of(name): False for name in remove}
    with writer_lock(opened.settings.data_dir):
        open_theming(opened).correct(
            changes,
            document=None if document is None else DocumentId(opened.document(document).id),
            project=project,
        )
