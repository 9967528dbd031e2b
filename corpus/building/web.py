"""Web pages, Markdown and plain text."""

from __future__ import annotations

import html
import textwrap

from building.sources import NOTES, Source, plain, runs

NAVIGATION = {
    "fi": ("Etusivu", "Palvelut", "Tontit", "Ajankohtaista", "Yhteystiedot", "Evästeet"),
    "sv": ("Startsida", "Tjänster", "Tomter", "Aktuellt", "Kontakt", "Kakor"),
    "en": ("Home", "Services", "Plots", "News", "Contact", "Cookies"),
}


def build_markdown(source: Source) -> bytes:
    """Return the body as it is."""
    return source.body.encode()


def build_text(source: Source) -> bytes:
    """Return plain text in lines of 78 characters, headings underlined, tables aligned."""
    out: list[str] = []
    for block in source.blocks:
        if block.kind == "heading":
            text = plain(block.text)
            lines = textwrap.wrap(text.upper() if block.level == 1 else text, 78)
            out += [*lines, "=-"[block.level > 1] * len(lines[-1])]
        elif block.kind == "list":
            for number, item in enumerate(block.items, 1):
                bullet = f"{number}. " if block.ordered else "- "
                out += textwrap.wrap(bullet + plain(item), 78, subsequent_indent=" " * len(bullet))
        elif block.kind == "table":
            sizes = [max(len(plain(c)) for c in column) for column in zip(*block.rows, strict=True)]
            for row in block.rows:
                cells = (plain(c).ljust(n) for c, n in zip(row, sizes, strict=True))
                out.append("  ".join(cells).rstrip())
        else:
            out += textwrap.wrap(plain(block.text), 78)
        out.append("")
    for label, text in source.footnotes.items():
        out += textwrap.wrap(f"[{label}] {text}", 78, subsequent_indent="    ")
    return ("\n".join(out).strip() + "\n").encode()


def build_html(source: Source) -> bytes:
    """Return a web page with navigation and foot around the article, as sites have."""

    def inline(text: str) -> str:
        out = []
        for style, value, address in runs(text):
            escaped = html.escape(value, quote=False)
            if style == "bold":
                out.append(f"<strong>{escaped}</strong>")
            elif style == "italic":
                out.append(f"<em>{escaped}</em>")
            elif style == "note":
                out.append(f'<sup><a href="#n{escaped}">{escaped}</a></sup>')
            elif style == "link":
                out.append(f'<a href="{html.escape(address)}">{escaped}</a>')
            else:
                out.append(escaped)
        return "".join(out)

    article: list[str] = []
    titled = False
    for block in source.blocks:
        if block.kind == "sample":
            article.append(f'<p class="sample">{inline(block.text)}</p>')
        elif block.kind == "heading":
            article.append(f"<h{block.level}>{inline(block.text)}</h{block.level}>")
            if block.level == 1 and not titled:
                titled = True
                article.append(f'<p class="byline">{inline(source.byline)}</p>')
        elif block.kind == "list":
            tag = "ol" if block.ordered else "ul"
            items = "\n".join(f"<li>{inline(item)}</li>" for item in block.items)
            article.append(f"<{tag}>\n{items}\n</{tag}>")
        elif block.kind == "table":
            head = "".join(f'<th scope="col">{inline(c)}</th>' for c in block.rows[0])
            body = "\n".join(
                "<tr>" + "".join(f"<td>{inline(c)}</td>" for c in row) + "</tr>"
                for row in block.rows[1:]
            )
            article.append(
                f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
            )
        else:
            article.append(f"<p>{inline(block.text)}</p>")
    if source.footnotes:
        notes = "\n".join(
            f'<li id="n{label}" value="{label}">{inline(text)}</li>'
            for label, text in source.footnotes.items()
        )
        article.append(
            f'<section class="notes">\n<h2>{NOTES[source.language]}</h2>\n'
            f"<ol>\n{notes}\n</ol>\n</section>"
        )
    links = NAVIGATION[source.language]
    menu = "\n".join(f'<li><a href="/{i}">{name}</a></li>' for i, name in enumerate(links[:5]))
    organisation = html.escape(source.head["organisation"])
    page = f"""<!DOCTYPE html>
<html lang="{source.language}">
<head>
<meta charset="utf-8">
<title>{html.escape(source.head["title"])} | {organisation}</title>
<meta name="author" content="{organisation}">
<meta name="date" content="{source.head["date"]}">
<style>
body {{ font-family: sans-serif; max-width: 46rem; margin: auto; line-height: 1.5; }}
nav ul {{ display: flex; gap: 1rem; list-style: none; padding: 0; }}
.sample {{ background: #fff3e0; color: #7a3b00; font-weight: bold; padding: .5rem; }}
table {{ border-collapse: collapse; }}
td, th {{ border: 1px solid #b8c4cc; padding: .3rem .5rem; text-align: left; }}
</style>
</head>
<body>
<header>
<nav>
<ul>
{menu}
</ul>
</nav>
</header>
<main>
<article>
{chr(10).join(article)}
</article>
</main>
<footer>
<p>© {source.date.year} {organisation} · <a href="/cookies">{links[5]}</a></p>
</footer>
</body>
</html>
"""
    return page.encode()
