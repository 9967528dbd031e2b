"""What every command is made with: the group, options, texts, and how a command is registered."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kb.errors import KnowledgeBaseError
from kb.messages import message

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase
    from kb.model import Language, Scope
    from kb.settings import Settings

_F = TypeVar("_F", bound=Callable[..., object])


def _environment_language() -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return value[:2] if value[:2] in ("fi", "sv") else "en"
    return "en"


LANGUAGE = _environment_language()
"""The language of the terminal; looked up here at every use, so that tests can set it."""


def language() -> Language:
    """Return the language of the terminal as one of ours."""
    return "fi" if LANGUAGE == "fi" else "sv" if LANGUAGE == "sv" else "en"


def t(key: str, **params: object) -> str:
    """Return a text of the command line in the terminal's language."""
    return message(f"cli.{key}", LANGUAGE, **params)


def print_json(value: object) -> None:
    """Print what ``--json`` asks for."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def settings() -> Settings:
    """Return the settings of this run; raises SettingsError."""
    from kb.settings import load_settings

    return load_settings()


class _Commands(click.Group):
    """Turns our errors into one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KnowledgeBaseError as error:
            click.echo(t("error", text=error.text(LANGUAGE)), err=True)
            ctx.exit(1)


@click.group(
    cls=_Commands,
    help=t("help"),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="kokkola-kb", message="%(version)s")
def kb() -> None:
    """Run the knowledge base."""


def command(
    name: str, *, group: click.Group = kb
) -> Callable[[Callable[..., None]], click.Command]:
    """Register a command under its name with its help from the catalogue."""
    key = f"{name}_help" if group is kb else f"{group.name}_{name}_help"
    return group.command(name, help=t(key.replace("-", "_")), short_help=None)


def option(*names: str, told: str = "", **settings: Any) -> Callable[[_F], _F]:
    """Declare an option whose help is in the catalogue under ``option_<name>``.

    ``told`` is another name for the help, where two commands mean different things by one.
    """
    long = next(name for name in names if name.startswith("--")).removeprefix("--")
    return click.option(*names, help=t(f"option_{told or long.replace('-', '_')}"), **settings)


json_option = option("--json", "as_json", is_flag=True)


def filters_options(function: _F) -> _F:
    """Give a command the filters of a question; ``scope_of`` takes their values."""
    for name in ("language", "kind", "city", "theme", "document", "collection", "confidentiality"):
        function = option(f"--{name}", multiple=True)(function)
    return option("--year")(function)


def scope_of(given: dict[str, Any]) -> Scope:
    """Return the scope that filters describe; raises BadScope."""
    from kb.scoping import scope_from

    return scope_from(**{name: value for name, value in given.items() if value})


def open_kb() -> KnowledgeBase:
    """Open the knowledge base that the settings name."""
    from kb.assembly import open_knowledge_base

    return open_knowledge_base(settings())
