"""Answers that a language model writes, of which only what its sources say gets through.

The model is given the sentences of the passages found, numbered; each claim that it returns is
checked against the sentences that it names (``checking.py``) as soon as it is complete, and is
then cited with their own words. What fails is left out, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kb.answering.aligning import Evidence
from kb.answering.checking import ClaimChecker, Refusal, Verdict
from kb.answering.faults import ModelFault
from kb.answering.prompting import Prompt, prompt, speaks_to_a_model
from kb.answering.replies import Outcome, Proposed, Reply
from kb.answering.units import Unit
from kb.citing import cite
from kb.language import log_odds
from kb.model import Citation, Claim, Language, Span

if TYPE_CHECKING:
    from kb.answering.speaking import LanguageModel

MOST_SOURCES = 6
"""Sentences that one claim may name; the rest of them are passed over."""

_OTHER_LANGUAGE = -6.0
"""Log-odds of the question's language in a claim below which it is in another one."""

_APART = 4


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A statement that was dropped: ``key`` is a message (``left_out.…``)."""

    key: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How the writing ended: ``notice`` is a message (``notice.…``), empty when it went well.

    ``unanswered``: the model says that the sentences don't answer.
    """

    notice: str = ""
    unanswered: bool = False


@dataclass(slots=True)
class Written:
    """What a model's answer has come to: claims that hold, and keys of messages."""

    claims: list[Claim] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    unanswered: bool = False

    def take(self, step: Claim | LeftOut | Ended) -> None:
        """Note a step of the writing."""
        if isinstance(step, Claim):
            self.claims.append(step)
        elif isinstance(step, LeftOut):
            self.left_out.append(step.key)
        else:
            self.unanswered = step.unanswered and not self.left_out
            if self.claims:
                # Whatever stopped the model: what is shown is what came before.
                self.notices = ["notice.cut_off"] if step.notice else []
            elif not self.unanswered:
                self.notices = [step.notice or "notice.unsupported"]


class Writer:
    """Writes answers with a language model. Safe between threads."""

    def __init__(self, model: LanguageModel, checker: ClaimChecker, *, context: int) -> None:
        self.model = model
        self.checker = checker
        self._context = context

    def write(
        self, question: str, language: Language, units: Sequence[Unit], *, support: float
    ) -> Iterator[Claim | LeftOut | Ended]:
        """Yield claims that hold and notes of those that don't, as they come; last the end.

        ``support`` is how probable it is that the units answer at all: a claim's confidence is
        that times how well its sources carry it.
        """
        asked = prompt(question, language, units, context=self._context)
        if not asked.units:
            yield Ended("notice.withheld")
            return
        reply = Reply()
        seen: set[str] = set()
        late: list[Proposed] = []
        fault = ""
        parts = self.model.stream(asked.system, asked.user)
        try:
            for part in parts:
                for proposed in reply.feed(part):
                    yield from self._checked(proposed, asked, language, support, seen)
                if reply.full:
                    break
        except ModelFault as error:
            fault = f"notice.{error.code}"
        finally:
            # Whoever stops reading here stops the model as well.
            parts.close()
        late, outcome = reply.finish()
        for proposed in late:
            yield from self._checked(proposed, asked, language, support, seen)
        if fault:
            yield Ended(fault)
        elif outcome is Outcome.UNANSWERED:
            yield Ended(unanswered=True)
        else:
            notices = {
                Outcome.CUT_OFF: "notice.cut_off",
                Outcome.UNCLEAR: "notice.unclear",
                Outcome.COMPLETE: "",
                Outcome.UNANSWERED: "",
            }
            yield Ended(notices[outcome])

    def _checked(
        self,
        proposed: Proposed,
        asked: Prompt,
        language: Language,
        support: float,
        seen: set[str],
    ) -> Iterator[Claim | LeftOut]:
        key = proposed.text.casefold()
        if key in seen:
            return
        seen.add(key)
        units = [asked.units[n - 1] for n in proposed.numbers if 0 < n <= len(asked.units)]
        units = units[:MOST_SOURCES]
        verdict = self._verdict(proposed.text, language, units)
        if verdict.refusal is not None:
            yield LeftOut(f"left_out.{verdict.refusal}")
            return
        citations = [one for at in verdict.used for one in quotes(units[at])]
        yield Claim(
            text=proposed.text,
            citations=tuple(dict.fromkeys(citations)),
            confidence=round(support * verdict.support, 3),
            language=language,
        )

    def _verdict(self, text: str, language: Language, units: Sequence[Unit]) -> Verdict:
        if speaks_to_a_model(text):
            return Verdict(Refusal.FORM)
        if log_odds(text)[language] < _OTHER_LANGUAGE:
            return Verdict(Refusal.LANGUAGE)
        return self.checker.check(text, language, [evidence(unit) for unit in units])


def quotes(unit: Unit) -> list[Citation]:
    """Return the citations of a unit: its words, and the head or announcement it stands under."""
    document, spans = unit.hit.document, [unit.span]
    lead = unit.context
    if lead is not None:
        if lead.end <= unit.span.start < lead.end + _APART:
            spans = [Span(lead.start, unit.span.end)]
        else:
            spans = [lead, unit.span]
    return [cite(document, span, language=unit.language) for span in spans]


def evidence(unit: Unit) -> Evidence:
    """Return what a claim is checked against: exactly what will be quoted for it."""
    about = (unit.hit.document.metadata.title, *unit.hit.passage.heading)
    return Evidence(
        text="\n".join(citation.quote for citation in quotes(unit)),
        language=unit.language,
        about=" \n".join(about),
    )
