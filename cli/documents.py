"""The documents: list, text, removal."""

from __future__ import annotations

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
from kb.messages import message


@command("documents")
@json_option
def documents_command(as_json: bool) -> None:
    from kb.wire import document_row_json

    rows = open_kb().documents()
    if as_json:
        print_json([document_row_json(row) for row in rows])
        return
    for row in rows:
        date = row.metadata.date or ""
        click.echo(f"{row.id}  {row.language}  {date:<10}  {row.passages:>5}  {row.metadata.title}")
    if not rows:
        click.echo(message("error.no_documents", frame.LANGUAGE))


@command("text")
@click.argument("document_id")
@option("--start", type=click.IntRange(0), default=0)
@option("--end", type=click.IntRange(0))
@json_option
def text_command(document_id: str, start: int, end: int | None, as_json: bool) -> None:
    from kb.model import Span

    document = open_kb().document(document_id)
    stop = min(len(document.text) if end is None else end, len(document.text))
    text = document.text[start:stop]
    if not as_json:
        click.echo(text)
        return
    print_json(
        {
            "document_id": document.id,
            "title": document.metadata.title,
            "start": min(start, stop),
            "end": stop,
            "locator": document.locate(Span(min(start, stop), stop)).to_json(),
            "text": text,
        }
    )


@command("remove")
@click.argument("document_ids", nargs=-1, required=True)
@json_option
def remove_command(document_ids: tuple[str, ...], as_json: bool) -> None:
    from ingest.locking import writer_lock

    opened = open_kb()
    with writer_lock(opened.settings.data_dir):
        removed = opened.remove(document_ids)
        opened.vectors.flush()
    if as_json:
        print_json({"removed": removed})
    else:
        click.echo(t("removed", count=removed))


@kb.group("samples", help=t("samples_help"))
def samples() -> None:
    """Handle the sample documents."""


@command("remove", group=samples)
@json_option
def samples_remove_command(as_json: bool) -> None:
    from ingest.locking import writer_lock

    opened = open_kb()
    with writer_lock(opened.settings.data_dir):
        removed = opened.remove_samples()
        opened.vectors.flush()
    if as_json:
        print_json({"removed": removed})
    else:
        click.echo(t("removed", count=removed))
