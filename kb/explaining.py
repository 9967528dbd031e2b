"""How an answer came about, in words, with the numbers behind them.

``more`` adds to what answering itself explains: the filters, the bar that was to be reached, why
each statement that was looked at isn't in the answer, and a language model's part in it.
``told`` says an explanation in Finnish, Swedish or English, as sections of lines and tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from kb import wording
from kb.messages import catalogue, message
from kb.model import Answer, Confidentiality, Json, Scope
from kb.scoping import filters_of

_FEW_WORDS = 0.5
"""Share of the question's words, by rarity, under which a statement has few of them."""

_FAR = 0.25
"""Centred cosine under which a statement means something else."""

_UNANSWERING = 0.0
"""Log-odds by the model that reads under which a statement more likely doesn't answer."""

_LIKELY = 0.5
"""Probability from which a statement was left out only because others are better."""

_SHOWN = 240


@dataclass(frozen=True, slots=True)
class Section:
    """A part of an explanation: lines of text, and perhaps a table under them."""

    title: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return it as JSON; without a table, there are no columns and rows."""
        out: dict[str, object] = {"title": self.title, "lines": list(self.lines)}
        if self.columns:
            out |= {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}
        return out


def more(answer: Answer, *, scope: Scope, visible: Iterable[str], threshold: float) -> Json:
    """Return an answer's explanation with filters, threshold and fates of the statements added.

    A statement's fate is "cited", or why it isn't: "below" (nothing is said at all), "fits" (it
    doesn't hold what the question asks for), "names", "words" or "meaning" (it lacks them), "read"
    (the model that reads it beside the question says no), "fragment", "less" (others answer more
    surely).
    """
    explanation = dict(answer.explanation or {})
    cited = [
        (citation.document_id, citation.start, citation.end)
        for claim in answer.claims
        for citation in claim.citations
    ]
    statements: list[dict[str, object]] = []
    for statement in _listed(explanation, "statements"):
        span = (statement["document_id"], statement["start"], statement["end"])
        if any(_inside(span, place) for place in cited):
            fates = ["cited"]
        else:
            likely = cast("float", statement.get("probability", 0.0)) >= _LIKELY
            features = cast("Mapping[str, float]", statement.get("features", {}))
            fates = ["less"] if likely and answer.claims else _fates(features)
            if not answer.claims:
                fates.insert(0, "below")
        statements.append({**statement, "fates": fates})
    return {
        **explanation,
        "statements": statements,
        "filters": [list(pair) for pair in filters_of(scope) if pair[0] != "confidentiality"],
        "levels": [str(one) for one in Confidentiality if one in _seen(scope, visible)],
        "threshold": round(threshold, 4),
        "written": answer.written,
        "left_out": list(answer.left_out),
        "notices": list(answer.notices),
    }


def _seen(scope: Scope, visible: Iterable[str]) -> frozenset[str]:
    levels = frozenset(visible)
    return scope.confidentiality & levels if scope.confidentiality else levels


def _inside(span: tuple[object, ...], place: tuple[object, ...]) -> bool:
    document, start, end = span
    if document != place[0]:
        return False
    first, last = cast("int", place[1]), cast("int", place[2])
    return first <= cast("int", start) and cast("int", end) <= last


def _fates(features: Mapping[str, float]) -> list[str]:
    found: list[str] = []
    if features.get("fits", 0.5) == 0:
        found.append("fits")
    if features.get("names", 1) < 1:
        found.append("names")
    if features.get("window", 1) < _FEW_WORDS:
        found.append("words")
    if features.get("sentence", 1) < _FAR:
        found.append("meaning")
    if features.get("read", 1) < _UNANSWERING:
        found.append("read")
    if features.get("short", 0) == 1:
        found.append("fragment")
    return found or ["less"]


def told(explanation: Json, language: str) -> list[Section]:
    """Return an explanation in words."""
    teller = _Teller(explanation, language)
    sections = (
        teller.question(),
        teller.found(),
        teller.support(),
        teller.statements(),
        teller.model(),
    )
    return [section for section in sections if section is not None]


@dataclass(frozen=True, slots=True)
class _Teller:
    explanation: Json
    language: str

    def t(self, key: str, **params: object) -> str:
        return message(f"explaining.{key}", self.language, **params)

    def question(self) -> Section:
        spoken = self.explanation.get("language")
        lines = [
            self.t("language", name=message(f"web.language_{spoken}", self.language))
            if spoken
            else self.t("language_unclear")
        ]
        kind = str(self.explanation.get("kind", "")).replace(" ", "_")
        if f"explaining.kind_{kind}" in catalogue():
            lines.append(self.t("kind", kind=self.t(f"kind_{kind}")))
        pairs = cast("list[tuple[str, str]]", self._list("filters"))
        told = (wording.filter_value(*pair, self.language) for pair in pairs)
        filters = ", ".join(told)
        lines.append(self.t("filters", filters=filters) if filters else self.t("filters_none"))
        levels = [message(f"web.level_{one}", self.language) for one in self._list("levels")]
        if levels:
            lines.append(self.t("levels", levels=", ".join(levels)))
        rows = [
            (
                str(word["word"]),
                ", ".join(cast("Sequence[str]", word["terms"])),
                "; ".join(
                    f"{language}: {', '.join(ways)}"
                    for language, ways in cast(
                        "Mapping[str, Sequence[str]]", word["translations"]
                    ).items()
                    if ways
                ),
            )
            for word in _listed(self.explanation, "words")
        ]
        columns = (self.t("word"), self.t("terms"), self.t("translations"))
        return Section(self.t("title_question"), tuple(lines), columns if rows else (), tuple(rows))

    def found(self) -> Section:
        rows = [
            (
                str(at),
                str(one["title"]),
                self._number(one["dense"]),
                self._number(one["lexical"]),
                self._number(one["score"]),
            )
            for at, one in enumerate(_listed(self.explanation, "candidates"), 1)
        ]
        if not rows:
            return Section(self.t("title_found"), (self.t("found_none"),))
        columns = tuple(self.t(name) for name in ("rank", "document", "dense", "lexical", "fused"))
        return Section(self.t("title_found"), (self.t("found"),), columns, tuple(rows))

    def support(self) -> Section | None:
        support = self.explanation.get("support")
        if not isinstance(support, int | float):
            return None
        lines = [
            self.t("support", share=self._percent(support)),
            self.t("known", share=self._percent(self.explanation.get("known_words", 0))),
        ]
        threshold = self.explanation.get("threshold")
        if isinstance(threshold, int | float):
            key = "enough" if support >= threshold else "not_enough"
            lines.append(self.t(key, share=self._percent(threshold)))
        if self.explanation.get("unheeded"):
            lines.append(self.t("unheeded"))
        return Section(self.t("title_support"), tuple(lines))

    def statements(self) -> Section | None:
        rows = [
            (
                _shortened(str(one["text"])),
                self._percent(one.get("probability", 0)),
                "; ".join(self.t(f"fate_{fate}") for fate in cast("list[str]", one["fates"])),
            )
            for one in _listed(self.explanation, "statements")
            if "fates" in one
        ]
        if not rows:
            return None
        columns = (self.t("statement"), self.t("probability"), self.t("fate"))
        return Section(self.t("title_statements"), (self.t("statements"),), columns, tuple(rows))

    def model(self) -> Section | None:
        """Tell what a language model had to do with it; None where none had."""
        keys = [str(key) for key in (*self._list("notices"), *self._list("left_out"))]
        if not keys and not self.explanation.get("written"):
            return None
        lines = [self.t("model_wrote")] if self.explanation.get("written") else []
        for key, count in Counter(keys).items():
            times = f" (× {count})" if count > 1 else ""
            lines.append(message(key, self.language) + times)
        return Section(self.t("title_model"), tuple(lines))

    def _list(self, name: str) -> list[object]:
        return cast("list[object]", self.explanation.get(name, []))

    def _number(self, value: object) -> str:
        if not isinstance(value, int | float):
            return "–"
        return self._decimal(f"{value:.2f}")

    def _percent(self, value: object) -> str:
        share = float(value) * 100 if isinstance(value, int | float) else 0.0
        return f"{share:.0f}{'' if self.language == 'en' else ' '}%"

    def _decimal(self, number: str) -> str:
        return number if self.language == "en" else number.replace(".", ",")


def _listed(explanation: Json, name: str) -> list[Mapping[str, object]]:
    return cast("list[Mapping[str, object]]", explanation.get(name, []))


def _shortened(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _SHOWN else f"{plain[: _SHOWN - 1]}…"
