"""Answers taken along from the command line: ``--format``, ``--output``, ``--links``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import frame
from cli.frame import option, t
from kb.errors import BadEntry

if TYPE_CHECKING:
    from kb.given import GivenAnswer
    from kb.settings import Settings

_SUFFIXES = {".docx": "docx", ".md": "markdown", ".markdown": "markdown", ".txt": "text"}


@dataclass(frozen=True, slots=True)
class Taking:
    """How an answer is wanted: the format, the file, and where links lead."""

    form: str
    output: Path | None
    links: str

    @property
    def wanted(self) -> bool:
        """True where an answer is to be taken along."""
        return bool(self.form)

    @property
    def printed(self) -> bool:
        """True where it goes to standard output, which then holds nothing else."""
        return self.wanted and self.output is None


def taking_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it gets them as ``taking``."""

    @wraps(function)
    def wrapped(
        *args: Any, format_: str | None, output: Path | None, links: str, **rest: Any
    ) -> Any:
        form = format_ or ""
        if output is not None and not form:
            form = _SUFFIXES.get(output.suffix.casefold(), "")
            if not form:
                raise click.UsageError(t("which_format"))
        return function(*args, taking=Taking(form, output, links), **rest)

    for declared in (
        option("--links", default="", metavar="URL"),
        option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path)),
        option(
            "--format",
            "format_",
            told="answer_format",
            type=click.Choice(["text", "markdown", "docx"]),
        ),
    ):
        wrapped = declared(wrapped)
    return wrapped


def write_taken(taking: Taking, given: GivenAnswer, settings: Settings) -> None:
    """Write an answer where it is wanted; raises BadEntry."""
    from kb.exporting import exported, format_of, links_from

    form = format_of(taking.form)
    if form == "docx" and taking.output is None:
        raise BadEntry("export_binary")
    host = settings.public_host or settings.host
    base = taking.links or f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    content = exported(given, form, language=frame.language(), link=links_from(base))
    if taking.output is None:
        click.echo(content.decode("utf-8"), nl=False)
        return
    try:
        taking.output.write_bytes(content)
    except OSError as error:
        raise BadEntry("export_output", path=taking.output, why=error.strerror) from error
    click.echo(t("taken", file=taking.output), err=True)
