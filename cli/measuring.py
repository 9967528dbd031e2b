"""Measuring: ``kb evaluate``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from cli import frame
from cli.frame import (
    command,
    json_option,
    kb,
    open_kb,
    option,
    print_json,
    settings,
    t,
)
from cli.progress import progress_bars

if TYPE_CHECKING:
    from evaluation.report import Result
    from kb.catalogue import Catalogue
    from kb.knowledge_base import KnowledgeBase


@kb.group("evaluate", help=t("evaluate_help"))
def evaluate() -> None:
    """Measure the product."""


def _show(result: Result, as_json: bool) -> None:
    if as_json:
        print_json(result.to_json())
        return
    from evaluation.tables import render

    click.echo(render(result.tables(frame.LANGUAGE)))


_split = option("--split", type=click.Choice(["dev", "test"]), default="dev", show_default=True)
_a_folder = click.Path(exists=True, file_okay=False, path_type=Path)
_a_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@command("beir", group=evaluate)
@click.argument("folder", type=_a_folder)
@option("--run", type=click.Path(dir_okay=False, path_type=Path))
@option("--queries", "--limit", "queries", type=click.IntRange(1))
@option("--vocabulary", type=_a_file)
@json_option
def beir_command(
    folder: Path, run: Path | None, queries: int | None, vocabulary: Path | None, as_json: bool
) -> None:
    from evaluation.suite import beir

    use = None
    if vocabulary is not None:
        from functools import partial

        from kb.vocabulary import import_vocabulary

        use = partial(_with_vocabulary, import_vocabulary, vocabulary)
    with progress_bars() as draw:
        result = beir(
            folder,
            settings=settings(),
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


@command("legs", group=evaluate)
@click.argument("folder", type=_a_folder)
@option("--queries", "--limit", "queries", type=click.IntRange(1))
@json_option
def legs_command(folder: Path, queries: int | None, as_json: bool) -> None:
    from evaluation.suite import legs

    with progress_bars() as draw:
        result = legs(folder, settings=settings(), limit=queries, progress=draw)
    _show(result, as_json)


@command("questions", group=evaluate)
@click.argument("file", required=False, type=_a_file)
@_split
@json_option
def questions_command(file: Path | None, split: Literal["dev", "test"], as_json: bool) -> None:
    from evaluation.suite import questions

    _show(questions(settings=settings(), file=file, split=split), as_json)


@command("followups", group=evaluate)
@_split
@json_option
def followups_command(split: Literal["dev", "test"], as_json: bool) -> None:
    from evaluation.suite import followups

    _show(followups(split=split), as_json)


@command("check-questions", group=evaluate)
@json_option
@click.pass_context
def check_questions_command(ctx: click.Context, as_json: bool) -> None:
    from evaluation.suite import check_questions

    result = check_questions()
    _show(result, as_json)
    if result.problems:
        ctx.exit(1)


@command("citations", group=evaluate)
@click.argument("paths", type=click.Path(exists=True, path_type=Path), nargs=-1)
@option("--sample", type=click.IntRange(1), default=40)
@_split
@json_option
def citations_command(
    paths: tuple[Path, ...], sample: int, split: Literal["dev", "test"], as_json: bool
) -> None:
    from evaluation.suite import citations

    _show(citations(settings=settings(), paths=paths, sample=sample, split=split), as_json)


@command("reading", group=evaluate)
@click.argument("folder", type=_a_folder)
@json_option
def reading_command(folder: Path, as_json: bool) -> None:
    from evaluation.suite import reading

    _show(reading(folder), as_json)


@command("related", group=evaluate)
@click.argument("folder", metavar="FOLDER|TABLE", type=click.Path(exists=True, path_type=Path))
@option("--queries", "--limit", "queries", type=click.IntRange(1), default=60, show_default=True)
@option("--others", type=click.IntRange(0), default=300, show_default=True)
@option(
    "--truth",
    type=click.Choice(["call", "objective", "programme"]),
    default="call",
    show_default=True,
)
@option(
    "--format",
    "format_",
    type=click.Choice(["cordis", "keep", "eura", "table"]),
    default="table",
    show_default=True,
)
@json_option
def evaluate_related_command(
    folder: Path,
    queries: int,
    others: int,
    truth: Literal["call", "objective", "programme"],
    format_: Literal["cordis", "keep", "eura", "table"],
    as_json: bool,
) -> None:
    if folder.is_file():
        from evaluation.held_out import evaluate_held_out

        result = evaluate_held_out(
            folder, truth=truth, format=format_, settings=settings(), queries=queries
        )
    else:
        from evaluation.related import evaluate_related

        result = evaluate_related(folder, settings=settings(), queries=queries, others=others)
    _show(result, as_json)


@command("themes", group=evaluate)
@click.argument("folder", type=_a_folder)
@json_option
def evaluate_themes_command(folder: Path, as_json: bool) -> None:
    from evaluation.theming import evaluate_themes, load_labelled
    from kb.classifying import ThemeClassifier

    opened = open_kb()
    classifier = ThemeClassifier(centring=opened.centring, embedder=opened.embedder)
    _show(evaluate_themes(classifier, opened.embedder(), load_labelled(folder)), as_json)


@command("claims", group=evaluate)
@option("--split", type=click.Choice(["dev", "test", "held"]), default="held", show_default=True)
@json_option
def claims_command(split: Literal["dev", "test", "held"], as_json: bool) -> None:
    from evaluation.claiming import evaluate_claims, load_claims
    from kb.assembly import open_claim_checker

    checker = open_claim_checker(open_kb())
    _show(evaluate_claims(checker, load_claims(split), split=split), as_json)


@command("abstain", group=evaluate)
@click.argument("folder", type=_a_folder)
@option("--queries", "--limit", "queries", type=click.IntRange(1), default=300)
@json_option
def abstain_command(folder: Path, queries: int, as_json: bool) -> None:
    from evaluation.suite import abstain

    with progress_bars() as draw:
        result = abstain(folder, settings=settings(), limit=queries, progress=draw)
    _show(result, as_json)


@command("bench", group=evaluate)
@click.argument("name")
@option("--set", "set_folder", type=_a_folder)
@option("--passages", type=click.IntRange(1))
@json_option
def bench_command(name: str, set_folder: Path | None, passages: int | None, as_json: bool) -> None:
    from evaluation.suite import bench

    result = bench(name, settings=settings(), set_folder=set_folder, passages=passages)
    if result is not None:
        _show(result, as_json)


@command("compare", group=evaluate)
@click.argument("first", type=_a_file)
@click.argument("second", type=_a_file)
@option("--set", "set_folder", type=_a_folder, required=True)
@option("--queries", "--limit", "queries", type=click.IntRange(1))
@json_option
def compare_command(
    first: Path, second: Path, set_folder: Path, queries: int | None, as_json: bool
) -> None:
    from evaluation.suite import compare

    with progress_bars() as draw:
        result = compare(
            first, second, folder=set_folder, settings=settings(), limit=queries, progress=draw
        )
    _show(result, as_json)


@command("report", group=evaluate)
@option("--html", type=click.Path(dir_okay=False, path_type=Path), required=True)
@option("--sets", type=_a_folder)
@option("--readings", type=_a_folder)
@_split
def report_command(
    html: Path, sets: Path | None, readings: Path | None, split: Literal["dev", "test"]
) -> None:
    from evaluation.suite import report

    report(
        html,
        settings=settings(),
        sets=sets,
        readings=readings,
        split=split,
        language=frame.LANGUAGE,
        progress=lambda part: click.echo(part, err=True),
    )
    click.echo(str(html))
