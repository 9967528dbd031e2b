"""A run's report as a file: what became of each document, as HTML for people or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ingest.outcomes import Outcome, Report, What, warning_text
from kb.database import now
from kb.errors import KnowledgeBaseError
from kb.messages import message

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0 2rem}"
    "caption{text-align:left;font-weight:600;padding:.25rem 0}"
    "th,td{border-bottom:1px solid;padding:.3rem .6rem;text-align:left;vertical-align:top;"
    "overflow-wrap:anywhere}"
    ".number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "dt{font-weight:600;margin-top:1rem}"
)
_ORDER = (
    What.REJECTED,
    What.INGESTED,
    What.ANOTHER_SOURCE,
    What.REMOVED,
    What.IGNORED,
    What.UNCHANGED,
)


def write_report(
    path: Path, report: Report, outcomes: Sequence[Outcome], *, language: str = "en"
) -> None:
    """Write a report as JSON to a file named ``….json``, else as HTML.

    Raises KnowledgeBaseError when the file can't be written.
    """
    text = (
        as_json(report, outcomes, language=language)
        if path.suffix.casefold() == ".json"
        else as_html(report, outcomes, language=language)
    )
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KnowledgeBaseError("report_unwritable", path=path, why=error) from error


def as_json(report: Report, outcomes: Sequence[Outcome], *, language: str = "en") -> str:
    """Return the run's report with one object a file under ``files``."""
    files = [
        {
            "source": one.source,
            "key": one.key,
            "outcome": str(one.what),
            "title": one.title,
            "pages": one.pages,
            "passages": one.passages,
            "warnings": [warning_text(warning, language) for warning in one.warnings],
            "seconds": round(one.seconds, 2),
            **(
                {}
                if one.error is None
                else {
                    "reason": one.error.text(language),
                    "cure": one.error.cure(language),
                    "code": one.error.code,
                }
            ),
        }
        for one in outcomes
    ]
    return json.dumps({**report.to_json(language), "files": files}, ensure_ascii=False, indent=2)


def as_html(report: Report, outcomes: Sequence[Outcome], *, language: str = "en") -> str:
    """Return a page that needs nothing from elsewhere: counts, what to mend, every file."""

    def t(key: str, **params: object) -> str:
        return escape(message(f"batch.{key}", language, **params))

    counts = "".join(
        f'<tr><th scope="row">{t(name)}</th><td class="number">{value}</td></tr>'
        for name, value in (
            ("ingested", report.ingested),
            ("unchanged", report.unchanged),
            ("removed", report.removed),
            ("rejected", len(report.rejected)),
            ("ignored", report.ignored),
            ("passages", report.passages),
            ("seconds", f"{report.seconds:.1f}"),
        )
    )
    rejected = [one for one in outcomes if one.what is What.REJECTED and one.error is not None]
    mend = "".join(
        f"<dt>{escape(one.source)}</dt><dd>{escape(one.error.text(language))}<br>"
        f"{escape(one.error.cure(language))}</dd>"
        for one in rejected
        if one.error is not None
    )
    general = "".join(
        f"<li>{escape(warning_text(warning, language))}</li>"
        for source, warning in report.warnings
        if not source
    )
    ranked = sorted(outcomes, key=lambda one: (_ORDER.index(one.what), one.source))
    parts = [
        "<!doctype html>",
        f'<html lang="{escape(language)}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{t('title')}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{t('title')}</h1><p>{t('written', at=now())}</p>",
        f"<table><caption>{t('summary')}</caption><tbody>{counts}</tbody></table>",
        f"<h2>{t('to_mend')}</h2><dl>{mend}</dl>" if mend else f"<p>{t('nothing_to_mend')}</p>",
        f"<h2>{t('notes')}</h2><ul>{general}</ul>" if general else "",
        f"<h2>{t('files')}</h2>",
        _table(ranked, language),
        "</main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _table(outcomes: Sequence[Outcome], language: str) -> str:
    def t(key: str) -> str:
        return escape(message(f"batch.{key}", language))

    def number(value: object) -> str:
        return f'<td class="number">{"" if value is None else value}</td>'

    rows = "".join(
        f'<tr><th scope="row">{escape(one.source)}</th><td>{t(f"what_{one.what}")}</td>'
        + number(one.pages)
        + number(one.passages or None)
        + number(f"{one.seconds:.1f}" if one.seconds else None)
        + f"<td>{escape(' '.join(_notes(one, language)))}</td></tr>"
        for one in outcomes
    )
    columns = ("file", "outcome", "pages", "passages", "seconds", "notes")
    heads = "".join(f'<th scope="col">{t(name)}</th>' for name in columns)
    return (
        f"<table><caption>{t('every_file')}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _notes(one: Outcome, language: str) -> list[str]:
    reason = [] if one.error is None else [one.error.text(language)]
    return reason + [warning_text(warning, language) for warning in one.warnings]
