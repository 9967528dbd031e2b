"""What the ask page and a saved answer offer beneath an answer, and follow-ups understood."""

from __future__ import annotations

from dataclasses import dataclass, replace

from api.taking import base_of
from api.web.asked import Asked
from api.web.site import Answered, Visit
from kb.exporting import FORMATS, Format, exported, links_from, title_of
from kb.feedback import LONGEST_NOTE, Verdict
from kb.following import understand
from kb.given import GivenAnswer, given
from kb.model import Language
from kb.scoping import filters_of


@dataclass(frozen=True, slots=True)
class Taking:
    """What can be done with an answer.

    ``files`` are formats and their addresses; ``hidden`` are the fields that name the answer in
    a form; ``text`` is what is copied. ``save`` and ``why`` are for answers that were just given.
    """

    files: tuple[tuple[Format, str], ...]
    hidden: tuple[tuple[str, str], ...]
    sources: tuple[tuple[int, str], ...]
    text: str
    save: bool = False
    why: str = ""
    verdicts: tuple[str, ...] = tuple(Verdict)
    longest: int = LONGEST_NOTE


def as_understood(asked: Asked) -> tuple[Asked, str]:
    """Return the state with a follow-up as the question it stands for, and what was written.

    What was written is empty where the question stood alone.
    """
    understood = understand(asked.question, asked.after)
    if understood is None:
        return replace(asked, after=()), ""
    return replace(asked, question=understood.text, after=()), understood.written


def given_answer(visit: Visit, asked: Asked, answered: Answered, written: str = "") -> GivenAnswer:
    """Return an answer of the ask page as it was given."""
    return given(visit.kb, answered.answer, asked_as=written, filters=filters_of(asked.scope()))


def taking_of(visit: Visit, asked: Asked, told: GivenAnswer) -> Taking:
    """Return what can be done with an answer that was just given."""
    pairs = asked.pairs()
    written = [("asked_as", told.asked_as)] if told.asked_as else []
    return Taking(
        files=tuple(
            (form, visit.href("/export", *pairs, *written, ("format", form))) for form in FORMATS
        ),
        hidden=(*pairs, *written, ("shown", told.fingerprint)),
        sources=_sources(told),
        text=copied(visit, told, visit.language),
        save=True,
        why=visit.href("/why", *pairs),
    )


def taking_of_saved(visit: Visit, told: GivenAnswer, answer_id: str) -> Taking:
    """Return what can be done with a saved answer."""
    return Taking(
        files=tuple(
            (form, visit.href(f"/answers/{answer_id}/export", ("format", form))) for form in FORMATS
        ),
        hidden=(("saved", answer_id),),
        sources=_sources(told),
        text=copied(visit, told, visit.language),
    )


def _sources(told: GivenAnswer) -> tuple[tuple[int, str], ...]:
    return tuple((source.number, title_of(source)[:80]) for source in told.sources)


def copied(visit: Visit, told: GivenAnswer, language: Language) -> str:
    """Return what is copied: the text, with links to this service."""
    link = links_from(base_of(visit.request))
    return exported(told, "text", language=language, link=link).decode("utf-8")
