"""The whole: the service, its state, and vocabularies."""

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
from cli.progress import embedding_bars
from kb.errors import NotFound
from kb.messages import message

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase


@command("serve")
@option("--host")
@option("--port", type=click.IntRange(0, 65535))
def serve_command(host: str | None, port: int | None) -> None:
    from kb.settings import load_settings

    given = {"host": host, "port": port}
    settings = load_settings(**{k: v for k, v in given.items() if v is not None})
    from api.app import serve

    serve(settings)


@command("status")
@json_option
def status_command(as_json: bool) -> None:
    opened = open_kb()
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
        "language_model": _language_model(opened),
    }
    if as_json:
        print_json(status)
        return
    waiting = opened.embeddings.pending_count("passage")
    click.echo(t("status", **{**status, "waiting": waiting}))
    click.echo(_model_line(opened))


def _language_model(opened: KnowledgeBase) -> dict[str, object] | None:
    """Return the language model that is set, and whether it can be used now; never its key."""
    model = opened.language_model
    if model is None:
        return None
    fault = model.probe()
    return {
        "provider": opened.settings.llm_provider,
        "model": opened.settings.llm_model,
        "address": opened.settings.llm_address,
        "usable": not fault,
        "fault": fault,
    }


def _model_line(opened: KnowledgeBase) -> str:
    told = _language_model(opened)
    if told is None:
        return message("model.none", frame.LANGUAGE)
    if told["usable"]:
        return message("model.ready", frame.LANGUAGE, **told)
    why = message(f"doctor.llm_{told['fault']}", frame.LANGUAGE)
    return message("model.away", frame.LANGUAGE, **told, why=why)


@command("doctor")
@option("--repair", is_flag=True)
@json_option
@click.pass_context
def doctor_command(ctx: click.Context, repair: bool, as_json: bool) -> None:
    from ingest.reindexing import repair as mend
    from kb.doctor import examine

    opened = open_kb()
    if repair:
        with embedding_bars() as draw:
            mend(opened, progress=draw)
    findings = examine(opened)
    if as_json:
        print_json([{"code": f.key.removeprefix("doctor."), "count": f.count} for f in findings])
    for finding in [] if as_json else findings:
        click.echo(message(finding.key, frame.LANGUAGE, count=finding.count))
    if not findings and not as_json:
        click.echo(message("doctor.well", frame.LANGUAGE))
    if not as_json and not any(f.key.startswith("doctor.llm_") for f in findings):
        click.echo(_model_line(opened))
    if findings:
        ctx.exit(1)


@kb.group("vocabulary", help=t("vocabulary_help"))
def vocabulary() -> None:
    """Handle vocabularies that say words in other languages."""


@command("import", group=vocabulary)
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def vocabulary_import_command(file: Path, as_json: bool) -> None:
    from ingest.locking import writer_lock
    from kb.vocabulary import import_vocabulary

    if not file.exists():
        raise NotFound("no_such_path", path=file)
    opened = open_kb()
    with writer_lock(opened.settings.data_dir):
        count = import_vocabulary(opened.catalogue, file)
    if as_json:
        print_json({"concepts": count})
    else:
        click.echo(t("vocabulary_imported", count=count))
