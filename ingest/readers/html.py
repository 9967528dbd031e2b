"""Web pages and other HTML: the main text with its structure, without the menus around it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import entities
from pathlib import Path

import lxml.html
from lxml import etree

from ingest.limits import Limits
from ingest.readers.builder import TextBuilder, flat
from ingest.readers.encoding import decode
from ingest.readers.package import local, parse_xml
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import LANGUAGES, BlockKind, Kind, Metadata

MEDIA_TYPE = "text/html"

_DROPPED = frozenset(
    {"script", "style", "template", "svg", "iframe", "object", "embed", "applet", "canvas"}
    | {"select", "option", "input", "textarea", "button", "datalist", "audio", "video", "map"}
    | {"head", "noscript", "noframes", "rt", "rp", "annotation", "dialog", "meta", "link"}
)
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "header", "footer", "nav", "aside", "address"}
    | {"blockquote", "ul", "ol", "dl", "dt", "dd", "li", "table", "pre", "figure", "figcaption"}
    | {"form", "fieldset", "legend", "details", "summary", "hr", "center", "body", "html"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "tr", "td", "th", "caption", "tbody", "thead", "tfoot"}
    | {"menu", "dir", "hgroup", "search", "listing", "xmp"}
)
_TABLE_PARTS = frozenset(
    {"thead", "tbody", "tfoot", "tr", "td", "th", "caption", "colgroup", "col"}
)
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_AROUND_TAGS = frozenset({"nav", "aside", "menu", "search"})
_AROUND_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "complementary", "search", "menu", "menubar"}
    | {"toolbar", "alertdialog", "dialog"}
)
_AROUND_NAME = re.compile(
    r"(^|[-_ ])(cookies?|cookie-?(banner|consent|notice|bar)|consent|gdpr|eväste\w*|evaste\w*|"
    r"breadcrumbs?|murupolku|navbar|navigation|navheader|navfooter|nav|menu|mainmenu|topmenu|"
    r"sidebar|side-?nav|site-?(header|footer)|page-?(header|footer)|share|sharing|social|some-?jako|"
    r"skip-?(link|to-content|nav)|pagination|pager|related-posts|advert\w*|ads|toc|toolbar|"
    r"editsection|mw-editsection|printfooter|catlinks|mw-jump-link|jump-to-nav|"
    r"headerlink|popup|modal|newsletter|lang(uage)?-?(switch\w*|select\w*|menu)|valikko|alatunniste)"
    r"($|[-_ ])",
    re.IGNORECASE,
)
_UNPRINTED = re.compile(r"(^|[-_ ])noprint($|[-_ ])", re.IGNORECASE)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.IGNORECASE)
_XHTML = re.compile(r"<html[^>]*xmlns\s*=|<!DOCTYPE\s+html\s+PUBLIC[^>]*XHTML", re.IGNORECASE)
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(\[[^\]]*\])?[^>]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_UNSETTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_NAMES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_DATE = re.compile(r"\b(\d{4}-\d{2}-\d{2})(?!\d)")
_DATE_NAMES = frozenset(
    {"date", "dc.date", "dcterms.created", "dcterms.issued", "article:published_time"}
    | {"dc.date.issued", "datepublished", "publish-date", "og:published_time"}
)
_ORGANISATION_NAMES = frozenset({"og:site_name", "dc.publisher", "publisher"})
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_CONSENT = re.compile("cookie|consent|gdpr|eväste|evaste", re.IGNORECASE)
_ARTICLE = 400  # characters of running text that no menu has
_ENOUGH = 200  # characters that make a page's text worth comparing with what was cut
_LEAST_SHARE = 0.35  # less of the page's text than this, and too much was cut


@dataclass(frozen=True, slots=True)
class _Cut:
    """How boldly what stands around the text is cut away."""

    tags: bool
    names: bool
    links: bool
    main: bool


_CUTS = (
    _Cut(tags=True, names=True, links=True, main=True),
    _Cut(tags=True, names=True, links=False, main=True),
    _Cut(tags=True, names=True, links=False, main=False),
    _Cut(tags=True, names=False, links=False, main=False),
    _Cut(tags=False, names=False, links=False, main=False),
)


def read_html(path: Path, *, limits: Limits) -> Reading:
    """Read a web page; raises UnreadableDocument."""
    return read_html_bytes(path.read_bytes(), limits=limits)


def read_html_bytes(data: bytes, *, limits: Limits) -> Reading:
    """Read a web page from bytes in whatever encoding they are."""
    declared = _CHARSET.search(data[:4096])
    text = decode(data, declared=declared[1].decode("ascii") if declared else "")
    root = parse_html(text)
    metadata = _metadata(root)
    builder = TextBuilder(limits)
    try:
        add_html(builder, root, main_only=True)
    except RecursionError:
        # Tags that were never closed, by the hundred: the text without its structure.
        builder = TextBuilder(limits)
        for line in _whole(root).split("\n"):
            builder.add(line)
    reading = builder.finish(media_type=MEDIA_TYPE, metadata=metadata)
    first = next((one for one in reading.blocks if one.kind is BlockKind.HEADING), None)
    if first is not None and metadata.title.startswith(f"{first.heading[-1]} "):
        # What follows the page's own heading in its title is the name of the site.
        reading = replace(reading, metadata=replace(metadata, title=first.heading[-1]))
    return reading


def parse_html(text: str) -> etree._Element:
    """Parse HTML of any quality; no network, no entities of its own."""
    parser = lxml.html.HTMLParser(
        no_network=True, remove_comments=True, remove_pis=True, huge_tree=True, encoding="utf-8"
    )
    bare = _DECLARATION.sub("", text).replace("\x00", "")
    if not bare.strip():
        raise UnreadableDocument("unreadable_no_text")
    if _XHTML.search(bare[:2000]):
        strict = _parse_xhtml(bare)
        if strict is not None:
            return strict
    try:
        root = lxml.html.document_fromstring(
            bare.encode("utf-8", errors="replace"), parser=parser, ensure_head_body=True
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError) as error:
        raise UnreadableDocument("unreadable_damaged") from error
    if any("xcessive depth" in entry.message for entry in parser.error_log):
        # What is deeper than the parser goes was dropped.
        raise UnreadableDocument("unreadable_bomb")
    return root


def _parse_xhtml(text: str) -> etree._Element | None:
    """Parse a page that is XML, where ``<a id="x"/>`` is closed; None when it isn't XML."""

    def known(found: re.Match[str]) -> str:
        name = found[1]
        return found[0] if name in _XML_NAMES else entities.html5.get(f"{name};", found[0])

    named = _ENTITY.sub(known, text)
    try:
        root = parse_xml(_DOCTYPE.sub("", named, count=1).encode("utf-8", errors="replace"))
    except UnreadableDocument:
        return None
    for node in root.iter(etree.Element):
        node.tag = local(node)
    return root


def add_html(builder: TextBuilder, root: etree._Element, *, main_only: bool) -> None:
    """Add a page's text to a builder; ``main_only`` leaves out menus and the like.

    What is cut is weighed against what is left: when too little is, the cut is made less
    bold, step by step, until nothing is cut. So a page whose markup misleads keeps its text.
    """
    found = root if root.tag == "body" else root.find("body")
    body = root if found is None else found
    _drop(body, _invisible)
    if not main_only:
        _Walker(builder).block(body)
        return
    everything = _length(body)
    for cut in _CUTS:
        chosen, gone = _chosen(body, cut)
        left = _length(chosen, gone)
        if left < min(_ENOUGH, everything) and (
            # Next to nothing is left: a page that is a list of links isn't a menu of itself.
            (cut.links and 2 * left < everything) or _in_links(chosen, gone) == left
        ):
            continue
        # Text in links is worth less: menus are made of it.
        if left >= _LEAST_SHARE * (everything - _link_length(body, gone)) or (
            left >= 10 * _ENOUGH and left >= 0.1 * everything
        ):
            break
    _Walker(builder, gone).block(chosen)


def _invisible(node: etree._Element) -> bool:
    if _tag(node) in _DROPPED:
        return True
    if "hidden" in node.attrib and _switched_on(node):
        return False
    if "hidden" in node.attrib or node.get("aria-hidden") == "true":
        return _tag(node) not in ("body", "html", "main", "article")
    style = node.get("style")
    return style is not None and _HIDDEN_STYLE.search(style) is not None


def _switched_on(node: etree._Element) -> bool:
    """Tell whether a script is to show a hidden element: the default among hidden alternatives.

    The help pages of office programs name a key for each system so, and show one of them.
    """
    above = node.getparent()
    if above is None or (above.text or "").strip():
        return False
    alternatives = list(above)
    named = [one for one in alternatives if (one.get("id") or "").startswith("default")]
    return (
        len(named) == 1
        and named[0] is node
        and all("hidden" in one.attrib and not (one.tail or "").strip() for one in alternatives)
    )


def _drop(root: etree._Element, unwanted: Callable[[etree._Element], bool]) -> None:
    for node in list(root.iter(etree.Element)):
        if node is not root and unwanted(node):
            _remove(node)


def _remove(node: etree._Element) -> None:
    """Take an element out of its tree, leaving the text that follows it."""
    parent = node.getparent()
    if parent is None:
        return
    # The parser lets characters in that lxml doesn't let be set.
    tail = _UNSETTABLE.sub("", node.tail or "")
    # A word must not grow together over what was taken out of a block's place.
    if _tag(node) in _BLOCKS:
        tail = " " + tail
    before = node.getprevious()
    if before is not None:
        before.tail = _UNSETTABLE.sub("", before.tail or "") + tail
    else:
        parent.text = _UNSETTABLE.sub("", parent.text or "") + tail
    parent.remove(node)


def _chosen(body: etree._Element, cut: _Cut) -> tuple[etree._Element, set[etree._Element]]:
    """Return the element to read, and those inside it to pass over."""
    start = _main(body) if cut.main else body
    gone: set[etree._Element] = set()
    for node in start.iter(etree.Element):
        if node is start or (node.getparent() in gone):
            if node is not start:
                gone.add(node)
            continue
        if (
            (cut.tags and _around(node, start))
            or (cut.names and _named_around(node))
            or (cut.links and start is body and _dense(node))
        ):
            gone.add(node)
    return start, gone


def _main(body: etree._Element) -> etree._Element:
    candidates = [
        node
        for node in body.iter(etree.Element)
        if _tag(node) == "main" or node.get("role") == "main"
    ]
    if not candidates:
        candidates = list(body.iter("article"))
        if len(candidates) != 1:
            return body
    best = max(candidates, key=_length)
    return best if _length(best) >= _ENOUGH else body


def _around(node: etree._Element, start: etree._Element) -> bool:
    tag = _tag(node)
    role = (node.get("role") or "").casefold()
    if tag in _AROUND_TAGS or role in _AROUND_ROLES:
        return True
    if tag in ("header", "footer"):
        # An article's own header has its title; the page's has the menu.
        for above in node.iterancestors():
            if _tag(above) in ("article", "main", "section", "blockquote"):
                return False
            if above is start:
                break
        return tag == "footer" or next(node.iter("h1"), None) is None
    return False


def _named_around(node: etree._Element) -> bool:
    """Tell whether an element is called what menus and banners are, and doesn't hold an article."""
    tag = _tag(node)
    # A mark in a sentence, such as [dubious], is read with it whatever it is called.
    if tag in ("body", "main", "article", "h1", "sup", "sub"):
        return False
    for name in (node.get("id"), node.get("class")):
        found = _AROUND_NAME.search(name) if name else None
        # So is other text in a sentence that isn't printed: *; 48 years ago*.
        if found is None and name and tag in _BLOCKS:
            found = _UNPRINTED.search(name)
        if found is None:
            continue
        if _CONSENT.search(found[0]):
            return True
        links = sum(map(_length, node.iter("a")))
        article = _length(node) > _ARTICLE and links < 0.3 * _length(node)
        return not article and next(node.iter("h1"), None) is None
    return False


def _dense(node: etree._Element) -> bool:
    """Tell whether an element is a menu: made of links, and not announced by a paragraph."""
    if _tag(node) not in ("ul", "ol", "div", "section", "p", "table"):
        return False
    links = list(node.iter("a"))
    if len(links) < 5:
        return False
    before = node.getprevious()
    if before is not None and _tag(before) == "p":
        return False
    if any(_tag(above) in ("td", "th", "dd", "li") for above in node.iterancestors()):
        return False
    total = _length(node)
    linked = sum(map(_length, links))
    return linked > 0.75 * total and linked / len(links) < 40


def _length(node: etree._Element, gone: set[etree._Element] | None = None) -> int:
    """Return how many letters and signs, white space apart, an element shows."""
    if not gone:
        return len("".join(_whole(node).split()))
    total = len("".join((node.text or "").split()))
    for inner in node:
        if inner not in gone:
            total += _length(inner, gone)
        total += len("".join((inner.tail or "").split()))
    return total


def _in_links(chosen: etree._Element, gone: set[etree._Element]) -> int:
    """Return how many of the letters that an element shows are those of links."""
    return sum(_length(link, gone) for link in chosen.iter("a") if link not in gone)


def _link_length(body: etree._Element, gone: set[etree._Element]) -> int:
    return sum(_length(link) for link in body.iter("a") if link in gone)


def _whole(node: etree._Element) -> str:
    return "".join(str(part) for part in node.itertext())


def _tag(node: etree._Element) -> str:
    tag: object = node.tag  # comments and entities have a function here, whatever stubs say
    return tag.rsplit("}", 1)[-1].casefold() if isinstance(tag, str) else ""


_SPACE = re.compile(r"\s+")
_BREAKS = re.compile(r"\s*\x00(\s*\x00)+\s*")


class _Walker:
    """Goes through a page and adds its blocks; text between blocks is a paragraph."""

    def __init__(self, builder: TextBuilder, gone: set[etree._Element] | None = None) -> None:
        self._builder = builder
        self._gone = gone or set()
        self._buffer: list[str] = []
        self._kind = BlockKind.PARAGRAPH
        self._prefix = ""

    def block(self, node: etree._Element) -> None:
        """Add an element's content, which begins and ends a block."""
        self._flush()
        tag = _tag(node)
        if tag in _HEADINGS:
            self._builder.heading(self._inline(node), _HEADINGS[tag])
        elif tag in ("pre", "listing", "xmp"):
            text = _whole(node)
            self._builder.add("\n".join(line.rstrip() for line in text.split("\n")), self._kind)
        elif tag == "table":
            self._table(node)
        elif tag in ("ul", "ol", "menu", "dir"):
            self._list(node, numbered=tag == "ol")
        elif tag in ("dt", "dd", "li"):
            self._as(node, BlockKind.LIST_ITEM)
        elif tag in ("figcaption", "caption"):
            self._as(node, BlockKind.CAPTION)
        else:
            self._content(node)
        self._flush()

    def _as(self, node: etree._Element, kind: BlockKind) -> None:
        before, self._kind = self._kind, kind
        self._content(node)
        self._flush()
        self._kind = before

    def _content(self, node: etree._Element) -> None:
        self._put(node.text)
        for inner in node:
            if inner not in self._gone:
                self._one(inner)
            self._put(inner.tail)

    def _one(self, node: etree._Element) -> None:
        tag = _tag(node)
        if tag in _BLOCKS:
            self.block(node)
        elif tag == "br":
            self._buffer.append("\x00")
        elif tag != "wbr":
            self._content(node)

    def _put(self, text: str | None) -> None:
        if text:
            self._buffer.append(_SPACE.sub(" ", text.replace("\x00", " ")))

    def _flush(self) -> None:
        text = "".join(self._buffer)
        self._buffer.clear()
        if not text.strip(" \x00"):
            return
        # Two line breaks in a row divide paragraphs, one is a line end.
        for part in _BREAKS.split(text)[:: _BREAKS.groups + 1]:
            block = part.replace("\x00", "\n").strip()
            if block:
                self._builder.add(self._prefix + block, self._kind)
                self._prefix = ""

    def _inline(self, node: etree._Element) -> str:
        """Return an element's text as one line, blocks inside it included."""
        parts = [node.text or ""]
        for inner in node:
            tag = _tag(inner)
            if inner not in self._gone:
                apart = " " if tag in _BLOCKS or tag == "br" else ""
                parts += [apart, self._inline(inner), apart]
            parts.append(inner.tail or "")
        return "".join(parts)

    def _list(self, node: etree._Element, *, numbered: bool) -> None:
        start = node.get("start") or "1"
        number = int(start) if re.fullmatch(r"-?\d{1,6}", start) else 1
        nested = _tag_above(node, ("li", "ul", "ol"))
        self._put(node.text)
        self._flush()
        if not nested:
            self._builder.gap()
        for inner in node:
            if inner in self._gone:
                continue
            if _tag(inner) == "li":
                given = inner.get("value") or ""
                if given.isdecimal():
                    number = int(given)
                self._prefix = f"{number}. " if numbered else ""
                self._as(inner, BlockKind.LIST_ITEM)
                self._prefix = ""
                number += 1
            else:
                self._one(inner)
            self._put(inner.tail)
        self._flush()
        if not nested:
            self._builder.gap()

    def _table(self, node: etree._Element) -> None:
        rows = [row for row in _rows(node) if row not in self._gone]
        cells = [
            [cell for cell in row if _tag(cell) in ("td", "th") and cell not in self._gone]
            for row in rows
        ]
        if self._for_layout(node, cells):
            self._content(node)
            return
        caption = node.find("caption")
        if caption is not None and caption not in self._gone:
            self.block(caption)
        self._builder.gap()
        pending: dict[int, tuple[int, str]] = {}  # rows left and text of cells that span rows
        for number, row in enumerate(cells, 1):
            texts: list[str] = []
            column = 0

            def waiting(column: int, texts: list[str]) -> int:
                while column in pending:
                    left, text = pending.pop(column)
                    texts.append(text)
                    if left > 1:
                        pending[column] = (left - 1, text)
                    column += 1
                return column

            for cell in row:
                column = waiting(column, texts)
                text = flat(self._inline(cell))
                texts.append(text)
                down = _span(cell, "rowspan")
                if down > 1 and len(text) < 200:
                    pending[column] = (down - 1, text)
                column += _span(cell, "colspan")
            waiting(column, texts)
            while texts and not texts[-1]:
                texts.pop()
            if any(texts):
                self._builder.add(" | ".join(texts), BlockKind.TABLE_ROW, row=number)
        self._builder.gap()

    def _for_layout(self, node: etree._Element, rows: list[list[etree._Element]]) -> bool:
        if node.get("role") in ("presentation", "none") or _astray(node):
            return True
        if max(map(len, rows), default=0) <= 1:
            return True
        if next((inner for inner in node.iter("table") if inner is not node), None) is not None:
            return True
        return any(
            (len(rows) <= 3 and _length(cell) > 1500)
            or any(next(cell.iter(tag), None) is not None for tag in ("h1", "h2", "h3", "pre"))
            for row in rows
            for cell in row
        )


def _span(cell: etree._Element, name: str) -> int:
    value = cell.get(name) or "1"
    return min(int(value), 1000) if value.isdecimal() and value != "0" else 1


def _tag_above(node: etree._Element, tags: tuple[str, ...]) -> bool:
    above = node.getparent()
    return above is not None and _tag(above) in tags


def _rows(table: etree._Element) -> list[etree._Element]:
    rows: list[etree._Element] = []
    for node in table:
        tag = _tag(node)
        if tag == "tr":
            rows.append(node)
        elif tag in ("thead", "tbody", "tfoot"):
            rows.extend(inner for inner in node if _tag(inner) == "tr")
    return rows


def _astray(node: etree._Element) -> bool:
    """Tell whether a table has text or elements outside its cells."""
    if (node.text or "").strip():
        return True
    for inner in node:
        tag = _tag(inner)
        if (inner.tail or "").strip() or tag not in _TABLE_PARTS:
            return True
        if tag in ("thead", "tbody", "tfoot", "tr", "colgroup") and _astray(inner):
            return True
    return False


def _metadata(root: etree._Element) -> Metadata:
    title, date, organisation = "", None, None
    for node in root.iter("title"):
        parent = node.getparent()
        if parent is not None and _tag(parent) in ("head", "html"):
            title = flat(_whole(node))
            break
    for node in root.iter("meta"):
        name = (node.get("name") or node.get("property") or node.get("itemprop") or "").casefold()
        content = node.get("content") or ""
        if name in _DATE_NAMES and date is None:
            found = _DATE.search(content)
            date = found[1] if found else None
        elif name in _ORGANISATION_NAMES and organisation is None:
            organisation = flat(content)[:200] or None
        elif name == "og:title" and not title:
            title = flat(content)
    declared = (root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or "")[
        :2
    ]
    language = next((known for known in LANGUAGES if known == declared.casefold()), None)
    return Metadata(
        title=title, date=date, organisation=organisation, language=language, kind=Kind.WEB_PAGE
    )
