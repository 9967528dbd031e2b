"""Questions: ask and search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import frame
from cli.frame import (
    command,
    filters_options,
    json_option,
    open_kb,
    option,
    print_json,
    scope_of,
    t,
)
from cli.taking import Taking, taking_options, write_taken
from kb.messages import message
from kb.messages import told as told_text

if TYPE_CHECKING:
    from kb.given import GivenAnswer
    from kb.model import Answer, Hit, Json, Locator


@command("ask")
@click.argument("text")
@filters_options
@option("--after", multiple=True)
@option("--explain", is_flag=True)
@option("--no-model", is_flag=True)
@option("--save", is_flag=True)
@taking_options
@json_option
def ask_command(
    text: str,
    after: tuple[str, ...],
    explain: bool,
    no_model: bool,
    save: bool,
    taking: Taking,
    as_json: bool,
    **filters: Any,
) -> None:
    from kb.following import understand
    from kb.given import given
    from kb.saved import SavedAnswers
    from kb.scoping import filters_of
    from kb.wire import answer_json

    opened, scope = open_kb(), scope_of(filters)
    understood = understand(text, after)
    question = understood.text if understood else text
    answer = opened.ask(question, scope=scope, explain=explain, model=not no_model)
    saved = told = None
    if save or taking.wanted:
        asked_as = text if understood else ""
        told = given(opened, answer, asked_as=asked_as, filters=filters_of(scope))
        if taking.wanted:
            write_taken(taking, told, opened.settings)
        saved = SavedAnswers(opened).save(told) if save else None
    if as_json and not taking.printed:
        out = answer_json(answer, understood_as=understood.text if understood else None)
        print_json(out if saved is None else {**out, "answer_id": saved.id})
    elif not taking.wanted:
        if understood:
            click.echo(t("understood_as", question=understood.text) + "\n")
        _print_answer(answer, told or given(opened, answer))
    if saved is not None and not as_json:
        click.echo(t("answer_saved", id=saved.id), err=True)


def _print_answer(answer: Answer, told: GivenAnswer) -> None:
    for key in (*answer.notices, *dict.fromkeys(answer.left_out)):
        click.echo(f"! {told_text(key, answer.language)}", err=True)
    print_claims(told)
    for source in told.sources:
        cited = source.citation
        click.echo(f"[{source.number}] {cited.title}{_place(cited.locator)}")
        click.echo(f"    kb text {cited.document_id} --start {cited.start} --end {cited.end}")
    if not answer.claims:
        click.echo(message(answer.reason, answer.language))
        if answer.nearest:
            click.echo("\n" + t("nearest"))
            for hit in answer.nearest:
                _print_hit(hit)
    if answer.explanation is not None:
        _print_explanation(answer.explanation)


def print_claims(told: GivenAnswer) -> None:
    """Print the statements of an answer, by group, and its figures side by side."""
    from kb.exporting import Told, marked, one_line

    words = Told(frame.language(), told)
    for group, claims in told.sections:
        if group is not None:
            click.echo(f"{words.group(group)}\n")
        for claim in claims:
            marks = " ".join(f"[{source.number}]" for source in claim.sources)
            lines = (marked(line, one_line, _bold) for line in claim.marked_lines)
            click.echo("\n".join(lines) + f" {marks}\n")
    if not told.figures:
        return
    click.echo(words.any("figures.note"))
    rows = [(*words.figure_parts(one), one.number) for one in told.figures]
    width = max(len(when) for when, _, _ in rows)
    for when, text, number in rows:
        click.echo(f"  {when:<{width}}  {text} [{number}]")
    click.echo()


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _print_explanation(explanation: Json) -> None:
    """Print how an answer came about in words; the numbers as they are come with --json."""
    from kb.explaining import told

    for section in told(explanation, frame.LANGUAGE):
        click.echo(f"\n{section.title}\n{'-' * len(section.title)}")
        for line in section.lines:
            click.echo(line)
        for row in section.rows:
            named = zip(section.columns, row, strict=True)
            click.echo("  " + " · ".join(f"{name}: {cell}" for name, cell in named if cell))


def _place(locator: Locator) -> str:
    """Return a locator in words, after a title: ``, s. 12, Vesi › Jäähdytys``."""
    from kb.wording import place

    told = place(locator, frame.LANGUAGE)
    return f", {told}" if told else ""


def _print_hit(hit: Hit) -> None:
    from kb.wire import hit_locator

    click.echo(f"{hit.score:.3f}  {hit.document.metadata.title}{_place(hit_locator(hit))}")
    text = " ".join(hit.text.split())
    click.echo(f"       {text[:240]}{'…' if len(text) > 240 else ''}")


@command("search")
@click.argument("text")
@option("-k", "--limit", default=10, show_default=True, type=click.IntRange(1, 1000))
@filters_options
@json_option
def search_command(text: str, limit: int, as_json: bool, **filters: Any) -> None:
    from kb.wire import search_json

    result = open_kb().search(text, scope=scope_of(filters), k=limit)
    if as_json:
        print_json(search_json(result.query, result.language, result.hits))
        return
    for hit in result.hits:
        _print_hit(hit)
    if not result.hits:
        click.echo(message("reason.nothing", frame.LANGUAGE))
