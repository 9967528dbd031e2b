"""Saved answers, and what people said of answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import frame
from cli.asking import print_claims
from cli.frame import command, json_option, kb, open_kb, option, print_json, t
from cli.taking import Taking, taking_options, write_taken
from kb.errors import BadEntry

if TYPE_CHECKING:
    from kb.saved import SavedAnswer, Since


_older_than = option("--older-than", type=click.IntRange(0, 36_500), required=True)


def _tell_cleared(count: int, told: str, as_json: bool) -> None:
    if as_json:
        print_json({"removed": count})
    else:
        click.echo(t(told, count=count))


@kb.group("answers", help=t("answers_help"))
def answers() -> None:
    """Handle saved answers."""


@command("list", group=answers)
@option("--changed", is_flag=True)
@json_option
def answers_list_command(changed: bool, as_json: bool) -> None:
    from kb.saved import SavedAnswers, saved_json

    kept = SavedAnswers(open_kb())
    found = [(saved, kept.since(saved, newer=False)) for saved in kept.all()]
    if changed:
        found = [(saved, since) for saved, since in found if since.changed]
    if as_json:
        print_json([saved_json(saved, since) for saved, since in found])
        return
    for saved, since in found:
        mark = f"  ({t('sources_changed', count=since.changed)})" if since.changed else ""
        click.echo(f"{saved.id}  {saved.saved[:10]}  {saved.name}{mark}")
    if not found:
        click.echo(t("no_answers"))


@command("show", group=answers)
@click.argument("answer_id")
@taking_options
@json_option
def answers_show_command(answer_id: str, taking: Taking, as_json: bool) -> None:
    from kb.saved import SavedAnswers, saved_json

    opened = open_kb()
    kept = SavedAnswers(opened)
    saved = kept.get(answer_id)
    if taking.wanted:
        write_taken(taking, saved.given, opened.settings)
        return
    since = kept.since(saved)
    if as_json:
        print_json(saved_json(saved, since))
    else:
        _print_saved(saved, since)


def _print_saved(saved: SavedAnswer, since: Since) -> None:
    from kb import wording
    from kb.exporting import Told, one_line, title_of

    given, language = saved.given, frame.language()
    told = Told(language, given)
    click.echo(one_line(saved.name))
    for line in (told.refusal, *told.about):
        if line:
            click.echo(line)
    click.echo()
    print_claims(given)
    for one in since.sources:
        place = wording.place(one.source.citation.locator, language)
        state = t(f"source_{one.state}")
        parts = [title_of(one.source), one_line(place), state]
        click.echo(f"[{one.source.number}] {', '.join(part for part in parts if part)}")
        if one.there is not None:
            there = one.there
            click.echo(f"    kb text {there.document_id} --start {there.start} --end {there.end}")
    for document in since.newer:
        click.echo(t("newer_document", title=document.metadata.title, id=document.id))


@command("rename", group=answers)
@click.argument("answer_id")
@click.argument("name")
def answers_rename_command(answer_id: str, name: str) -> None:
    from kb.saved import SavedAnswers

    SavedAnswers(open_kb()).rename(answer_id, name)


@command("remove", group=answers)
@click.argument("answer_ids", nargs=-1, required=True)
@json_option
def answers_remove_command(answer_ids: tuple[str, ...], as_json: bool) -> None:
    from kb.saved import SavedAnswers

    kept = SavedAnswers(open_kb())
    for answer_id in dict.fromkeys(answer_ids):
        kept.get(answer_id)  # all of them are there, or none is removed
    for answer_id in dict.fromkeys(answer_ids):
        kept.remove(answer_id)
    _tell_cleared(len(set(answer_ids)), "answers_removed", as_json)


@command("clear", group=answers)
@_older_than
@json_option
def answers_clear_command(older_than: int, as_json: bool) -> None:
    from kb.saved import SavedAnswers

    _tell_cleared(SavedAnswers(open_kb()).clear(days=older_than), "answers_removed", as_json)


@kb.group("feedback", help=t("feedback_help"))
def feedback() -> None:
    """Handle what people said of answers."""


@command("list", group=feedback)
@json_option
def feedback_list_command(as_json: bool) -> None:
    from kb.feedback import Feedback

    found = Feedback(open_kb()).all()
    if as_json:
        print_json([judgement.to_json() for judgement in found])
        return
    for one in found:
        which = "" if one.source is None else f" [{one.source}]"
        verdict = f"{t(f'verdict_{one.verdict}'.replace('-', '_'))}{which}"
        click.echo(f"{one.id}  {one.at[:10]}  {verdict}: {one.given.question}")
        if one.note:
            click.echo(f"  {' '.join(one.note.split())}")
    if not found:
        click.echo(t("no_feedback"))


@command("export", group=feedback)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def feedback_export_command(file: Path, as_json: bool) -> None:
    from evaluation.feedback import questions_of
    from kb.feedback import Feedback

    opened = open_kb()
    documents = (opened.document(row.id) for row in opened.documents())
    made = questions_of(Feedback(opened).all(), documents)
    try:
        file.write_text(made.text(), encoding="utf-8")
    except OSError as error:
        raise BadEntry("export_file", path=file, why=error.strerror) from error
    counts = {"questions": len(made.records), "to_judge": made.to_judge}
    if as_json:
        print_json(counts)
    else:
        click.echo(t("feedback_exported", file=file, **counts))


@command("remove", group=feedback)
@click.argument("feedback_ids", nargs=-1, required=True)
@json_option
def feedback_remove_command(feedback_ids: tuple[str, ...], as_json: bool) -> None:
    from kb.feedback import Feedback

    kept = Feedback(open_kb())
    for feedback_id in dict.fromkeys(feedback_ids):
        kept.remove(feedback_id)
    _tell_cleared(len(set(feedback_ids)), "feedback_removed", as_json)


@command("clear", group=feedback)
@_older_than
@json_option
def feedback_clear_command(older_than: int, as_json: bool) -> None:
    from kb.feedback import Feedback

    _tell_cleared(Feedback(open_kb()).clear(days=older_than), "feedback_removed", as_json)
