"""Answers taken along: Markdown and plain text, and DOCX through ``kb.exporting_docx``.

All of them hold the question, the date, the statements with the numbers of their sources, and
each source's title, place and date with a link. Documents aren't trusted: nothing that one of
them says is more than text, in any of the formats.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlencode, urlsplit

from kb import wording
from kb.errors import BadEntry
from kb.given import GivenAnswer, GivenFigure, Source
from kb.messages import message
from kb.model import AnswerStatus, Group, Language

Format = Literal["docx", "markdown", "text"]
FORMATS: tuple[Format, ...] = get_args(Format)

MEDIA_TYPES: dict[Format, str] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "markdown": "text/markdown; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}
SUFFIXES: dict[Format, str] = {"docx": ".docx", "markdown": ".md", "text": ".txt"}

LinkOf = Callable[[Source], str]
"""The address of a source's place."""


def format_of(value: str) -> Format:
    """Return the format that a value names, ``md`` and ``txt`` too; raises BadEntry."""
    meant = {"md": "markdown", "txt": "text"}.get(value.casefold(), value.casefold())
    for known in FORMATS:
        if meant == known:
            return known
    raise BadEntry("export_format", value=value[:40], possible=", ".join(FORMATS))


def links_from(base: str) -> LinkOf:
    """Return links to the viewer of a service, such as ``http://127.0.0.1:8000``."""

    def link(source: Source) -> str:
        cited = source.citation
        span = urlencode({"start": cited.start, "end": cited.end})
        return f"{base.rstrip('/')}/documents/{cited.document_id}?{span}#mark"

    return link


def file_name(given: GivenAnswer, form: Format, language: Language) -> str:
    """Return what a file is called: ``vastaus-2026-11-24.docx``."""
    return f"{message('taking.file_name', language)}-{given.asked[:10]}{SUFFIXES[form]}"


def exported(given: GivenAnswer, form: Format, *, language: Language, link: LinkOf) -> bytes:
    """Return an answer as a file; what isn't quoted is told in ``language``."""
    if form == "docx":
        from kb.exporting_docx import as_docx

        return as_docx(given, language=language, link=link)
    if form == "markdown":
        return as_markdown(given, language=language, link=link).encode("utf-8")
    return as_text(given, language=language, link=link).encode("utf-8")


@dataclass(frozen=True, slots=True)
class Told:
    """What all formats say, in one language: lines about the question, and each source's."""

    language: Language
    given: GivenAnswer

    def say(self, key: str, **params: object) -> str:
        """Return a text."""
        return message(f"taking.{key}", self.language, **params)

    @property
    def about(self) -> list[str]:
        """Return the lines under the question: when it was asked, in which words, of what."""
        given = self.given
        lines = [self.say("asked", date=wording.date(given.asked[:10], self.language))]
        if given.asked_as and given.asked_as != given.question:
            lines.append(self.say("written", text=one_line(given.asked_as)))
        if given.filters:
            told = [wording.filter_value(*pair, self.language) for pair in given.filters]
            lines.append(self.say("limited", filters=", ".join(map(one_line, told))))
        return lines

    @property
    def refusal(self) -> str:
        """Return why there is no answer, empty where there is one."""
        if self.given.status is AnswerStatus.ANSWERED or not self.given.reason:
            return ""
        return message(self.given.reason, self.language)

    def group(self, group: Group) -> str:
        """Return what the claims of a group have in common."""
        return one_line(wording.group_label(group, self.language))

    def figure_parts(self, figure: GivenFigure) -> tuple[str, str]:
        """Return of when a figure is, and the figure; the newest says so."""
        when = wording.figure_date(figure.date, self.language, stated=figure.stated)
        if figure.newest:
            when = f"{when}, {message('figures.newest', self.language)}"
        return when, one_line(figure.text)

    def any(self, key: str) -> str:
        """Return a text of any part of the catalogue, by its whole key."""
        return message(key, self.language)

    @property
    def note(self) -> str:
        """Return whose words the statements are."""
        return self.say("note_model" if self.given.by_model else "note")

    def source_parts(self, source: Source) -> list[str]:
        """Return what is said after a source's title: place, date, that it is a sample."""
        cited = source.citation
        parts = [one_line(wording.place(cited.locator, self.language))]
        if cited.source and one_line(cited.source) != one_line(cited.title):
            parts.append(one_line(cited.source))
        if source.date:
            parts.append(self.say("dated", date=wording.date(source.date, self.language)))
        if source.newer_version:
            parts.append(self.say("newer", title=one_line(source.newer_version)))
        if source.sample:
            parts.append(self.say("sample"))
        return [part for part in parts if part]


def title_of(source: Source) -> str:
    """Return what a source is called."""
    return one_line(source.citation.title) or one_line(source.citation.source)


def quotes_apart(given: GivenAnswer) -> frozenset[int]:
    """Return the sources whose quote isn't the statement itself, so it has to be shown."""
    said = {one_line(claim.text) for claim in given.claims}
    return frozenset(
        source.number for source in given.sources if one_line(source.citation.quote) not in said
    )


def web_address(url: str | None) -> str:
    """Return an address that may be a link: http or https with a host, else empty."""
    if not url or any(character.isspace() or not character.isprintable() for character in url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


def one_line(text: str) -> str:
    """Return a text on one line, without control and direction characters."""
    return " ".join(
        "".join(
            " " if character.isspace() else character
            for character in text
            if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        ).split()
    )


def marked(
    line: tuple[str, str, str], plain: Callable[[str], str], best: Callable[[str], str]
) -> str:
    """Return a line whose middle is written in another way than what is before and after it."""
    before, part, after = line
    spaces = (" " * before[-1:].isspace(), " " * after[:1].isspace())
    middle = best(plain(part)) if part else ""
    return f"{plain(before)}{spaces[0]}{middle}{spaces[1]}{plain(after)}"


# -- Markdown ------------------------------------------------------------------------------------

_ANYWHERE = re.compile(r"[\\`*_{}\[\]<>#|~&@$^]")
_ADDRESS = re.compile(r"(?=://)|(?<=www)(?=\.)|(?<=mailto)(?=:)|(?<=xmpp)(?=:)", re.IGNORECASE)


def escaped(text: str) -> str:
    """Return a text on one line of which Markdown makes nothing else.

    What CommonMark or GitHub's dialect gives a meaning gets a backslash, so that no link, image,
    HTML, heading, list, table, mention, formula or bare address comes through: some characters
    anywhere, others at the beginning, those of an address inside one.
    """
    plain = _ANYWHERE.sub(r"\\\g<0>", one_line(text))
    plain = _ADDRESS.sub(r"\\", plain)
    begins = re.match(r"\d{0,9}", plain)
    at = begins.end() if begins else 0
    if plain[at : at + 1] in ("-", "+", "=", ".", ")", "!", ":") and plain[at : at + 1]:
        plain = f"{plain[:at]}\\{plain[at:]}"
    return plain


def as_markdown(given: GivenAnswer, *, language: Language, link: LinkOf) -> str:
    """Return an answer as Markdown (CommonMark)."""
    told = Told(language, given)
    lines = [f"# {escaped(given.question)}", ""]
    lines += [f"*{escaped(line)}*  " for line in told.about]
    lines += ["", f"## {told.say('answer')}", ""]
    if told.refusal:
        lines += [escaped(told.refusal), ""]
    for group, claims in given.sections:
        if group is not None:
            lines += [f"### {escaped(told.group(group))}", ""]
        for claim in claims:
            marks = " ".join(f"[\\[{s.number}\\]]({_target(link(s))})" for s in claim.sources)
            # A backslash at the end of a line breaks it.
            said = (marked(line, escaped, _bold) for line in map(_apart, claim.marked_lines))
            lines += ["\\\n".join(said) + f" {marks}", ""]
    lines += _figures_in_markdown(told, link)
    if given.sources:
        lines += [f"## {told.say('sources')}", ""]
    apart = quotes_apart(given)
    for source in given.sources:
        parts = "".join(f", {escaped(part)}" for part in told.source_parts(source))
        address = f"[{told.say('open')}]({_target(link(source))})"
        number = f"{source.number}. "
        indent = " " * len(number)
        lines.append(f"{number}**{escaped(title_of(source)) or '–'}**{parts}. {address}")
        if source.number in apart:
            lines += ["", f"{indent}> {escaped(source.citation.quote)}", ""]
        origin = web_address(source.url)
        if origin:
            told_origin = told.say("origin", url=f"<{_target(origin)}>")
            lines += ["", f"{indent}{told_origin}", ""]
    if given.claims:
        lines += ["", told.note]
    return "\n".join(lines).rstrip() + "\n"


def _apart(line: tuple[str, str, str]) -> tuple[str, str, str]:
    """Return a line whose middle stands between spaces, where Markdown sees the stars about it."""
    before, _, after = line
    whole = before[-1:] in ("", " ") and after[:1] in ("", " ")
    return line if whole else ("".join(line), "", "")


def _bold(text: str) -> str:
    return f"**{text}**"


def _figures_in_markdown(told: Told, link: LinkOf) -> list[str]:
    """Return figures side by side as a list: CommonMark has no tables."""
    if not told.given.figures:
        return []
    lines = [f"## {told.any('figures.title')}", "", told.any("figures.note"), ""]
    for figure in told.given.figures:
        when, text = told.figure_parts(figure)
        address = _target(link(told.given.source(figure.number)))
        said = escaped(f"{when}: {text}")
        lines.append(f"- {said} [\\[{figure.number}\\]]({address})")
    return [*lines, ""]


def _target(url: str) -> str:
    """Return an address as the target of a link: nothing in it ends the target."""
    return re.sub(r"[<>()\\\s\"'`]", lambda found: f"%{ord(found[0]):02X}", url)


# -- plain text ----------------------------------------------------------------------------------


def as_text(given: GivenAnswer, *, language: Language, link: LinkOf) -> str:
    """Return an answer as plain text, as the clipboard takes it."""
    told = Told(language, given)
    lines = [one_line(given.question), *told.about, ""]
    if told.refusal:
        lines += [told.refusal, ""]
    for group, claims in given.sections:
        if group is not None:
            lines += [told.group(group), ""]
        for claim in claims:
            marks = " ".join(f"[{source.number}]" for source in claim.sources)
            *rows, last = map(one_line, claim.lines)
            lines += [*rows, f"{last} {marks}", ""]
    if given.figures:
        lines += [told.any("figures.title"), told.any("figures.note")]
        for figure in given.figures:
            lines.append(f"- {': '.join(told.figure_parts(figure))} [{figure.number}]")
        lines.append("")
    if given.sources:
        lines.append(told.say("sources"))
    apart = quotes_apart(given)
    for source in given.sources:
        lines.append(
            ", ".join([f"[{source.number}] {title_of(source)}", *told.source_parts(source)])
        )
        if source.number in apart:
            lines.append(f"    ”{one_line(source.citation.quote)}”")
        lines.append(f"    {link(source)}")
    return "\n".join(lines).rstrip() + "\n"
