"""All sample documents: each source by the builder of its format, and the manifest of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from building.office import build_docx, build_pptx, build_xlsx
from building.pdf import build_pdf
from building.sources import MANIFEST_COLUMNS, WORK_PACKAGE, Source
from building.web import build_html, build_markdown, build_text

BUILDERS = {
    ".pdf": build_pdf,
    ".docx": build_docx,
    ".pptx": build_pptx,
    ".xlsx": build_xlsx,
    ".html": build_html,
    ".md": build_markdown,
    ".txt": build_text,
}


def build(source: Source) -> bytes:
    """Return the document of a source in the format that its file name asks for."""
    return BUILDERS[Path(source.file).suffix](source)


def manifest(found: Iterable[Source]) -> str:
    """Return `manifest.toml`: a table for each document."""
    out = [
        "# Sample documents (CC BY 4.0), built by corpus/build.py from corpus/sources.",
        "# Edit the sources, not this file.",
    ]
    for source in found:
        out += ["", "[[document]]"]
        for key in MANIFEST_COLUMNS:
            value = source.head.get(key) or WORK_PACKAGE
            if key == "themes":
                names = [name.strip() for name in value.split(",")]
                out.append(f"themes = [{', '.join(map(_toml, names))}]")
            else:
                out.append(f"{key} = {_toml(value)}")
        out.append("sample = true")
    return "\n".join(out) + "\n"


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
