"""The text of an original file, by other means than the product's own readers.

What checks citations must not share code with what made them: PDF pages come raw from pypdf
and from PDFium without any of our cleaning, Office files from the text nodes of their XML.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

from lxml import etree

_PARTS = re.compile(
    r"word/(document|footnotes|endnotes|comments|header\d*|footer\d*)\.xml"
    r"|ppt/(slides|notesSlides)/[^/]+\.xml|content\.xml|.*\.x?html?"
)
_TEXT_NODES = {"t", "delText", "tab", "br"}


@dataclass(frozen=True, slots=True)
class Original:
    """A file's text: ``pages[i]`` holds several readings of page i + 1.

    ``readings`` are of the whole file, for formats without pages.
    """

    pages: tuple[tuple[str, ...], ...] = ()
    readings: tuple[str, ...] = ()

    def texts(self, page: int | None) -> Sequence[str]:
        """Return the readings of a page (from 1), or of the whole file where it has none."""
        if not self.pages:
            return self.readings
        if page is None:
            return ["\n".join(parts) for parts in zip(*self.pages, strict=True)]
        return self.pages[page - 1] if 1 <= page <= len(self.pages) else ()


def original(path: Path, *, name: str = "") -> Original | None:
    """Read a file independently, or None where there is no independent way for its format.

    ``name`` is what the file is called where its path doesn't tell the format.
    A damaged file raises the error of whatever library met it: the caller names the file.
    """
    suffix = Path(name or path.name).suffix.casefold()
    if suffix == ".pdf":
        plain = zip(_pypdf(path), _pdfium(path), strict=True)
        return Original(pages=tuple((one, two, _told(one), _told(two)) for one, two in plain))
    if suffix in {".docx", ".pptx", ".odt", ".odp", ".ods", ".epub", ".docm", ".pptm"}:
        return Original(readings=(_zipped(path),))
    if suffix in {".xlsx", ".xlsm"}:
        return Original(readings=(_workbook(path),))
    if suffix in {".html", ".htm", ".xhtml"}:
        return Original(readings=tuple(_html(text) for text in _decoded(path.read_bytes())))
    if suffix == ".eml":
        return Original(readings=("\n".join(_mail(path)),))
    if suffix in {".md", ".markdown"}:
        texts = _decoded(path.read_bytes())
        numbered = (plain_markdown(text, numbers=True) for text in texts)
        return Original(readings=(*texts, *map(plain_markdown, texts), *numbered))
    if suffix in {".txt", ".csv", ".tsv"}:
        return Original(readings=_decoded(path.read_bytes()))
    return None


_GLYPH_NAME = re.compile(r"/([A-Za-z](?:_[A-Za-z]){1,2})(?:\.liga)?")
_LEADERS = re.compile(r"(?:[.…]\s*){4,}")


def _told(text: str) -> str:
    """Return a page's text with the letters that names of glyphs tell, and without leaders.

    pypdf writes the name where a file doesn't say which letters a ligature stands for:
    ``ba/t_t.ligaery``. Leaders are the dots between a heading and its page in a contents list.
    """
    return _LEADERS.sub(" ", _GLYPH_NAME.sub(lambda name: name[1].replace("_", ""), text))


def _pypdf(path: Path) -> list[str]:
    from pypdf import PdfReader  # heavy: only when a PDF is checked

    return [page.extract_text() for page in PdfReader(path).pages]


def _pdfium(path: Path) -> list[str]:
    import pypdfium2  # heavy: only when a PDF is checked

    document = pypdfium2.PdfDocument(path)
    try:
        texts = []
        for number in range(len(document)):
            page = document[number]
            textpage = page.get_textpage()
            texts.append(str(textpage.get_text_range()))
            textpage.close()
            page.close()
        return texts
    finally:
        document.close()


def _zipped(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = sorted(
            (name for name in archive.namelist() if _PARTS.fullmatch(name)), key=_natural
        )
        return "\n".join(_nodes(archive.read(name)) for name in names)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def _nodes(data: bytes) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=True)
    root = etree.fromstring(data, parser)
    if root is None:
        return ""
    kind = etree.QName(root).localname
    if kind in {"document-content", "html"}:
        return "".join(str(text) for text in root.itertext())
    return "".join(
        str(node.text or "")
        for node in root.iter()
        if isinstance(node.tag, str) and etree.QName(node).localname in _TEXT_NODES
    )


def _workbook(path: Path) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        shared: list[str] = []
        if "xl/sharedStrings.xml" in names:
            root = etree.fromstring(archive.read("xl/sharedStrings.xml"), parser)
            shared = ["".join(str(text) for text in item.itertext()) for item in root]
        lines = []
        if "xl/workbook.xml" in names:
            root = etree.fromstring(archive.read("xl/workbook.xml"), parser)
            lines += [sheet.get("name", "") for sheet in root.iter("{*}sheet")]
        sheets = [name for name in names if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
        for name in sorted(sheets, key=_natural):
            root = etree.fromstring(archive.read(name), parser)
            for row in root.iter("{*}row"):
                lines.append(" | ".join(_cell(cell, shared) for cell in row.iter("{*}c")))
    return "\n".join(lines)


def _cell(cell: etree._Element, shared: Sequence[str]) -> str:
    value = "".join(str(text) for text in cell.itertext("{*}v", "{*}t"))
    if cell.get("t") == "s" and value.isdigit() and int(value) < len(shared):
        return shared[int(value)]
    return value


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._silent += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style"} and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def _html(text: str) -> str:
    parser = _Text()
    parser.feed(text)
    parser.close()
    return "".join(parser.parts)


def _mail(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        mail = BytesParser(EmailMessage, policy=policy.default).parse(file)
    yield from (f"{name}: {value}" for name, value in mail.items())
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            content = str(part.get_content())
            yield _html(content) if part.get_content_subtype() == "html" else content


def _decoded(data: bytes) -> tuple[str, ...]:
    for encoding in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"):
        try:
            return (data.decode(encoding),)
        except UnicodeDecodeError:
            continue
    return (data.decode("latin-1"),)


_MARKS = (
    (re.compile(r"<!--.*?-->", re.DOTALL), " "),
    (re.compile(r"\[\^[^\]\s]+\]:?"), ""),
    (re.compile(r"!\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"<https?://[^>]*>"), lambda found: found[0][1:-1]),
    (re.compile(r"^\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*$", re.MULTILINE), ""),
    (re.compile(r"^ {0,3}#{1,6}\s+|\s+#+\s*$", re.MULTILINE), ""),
    (re.compile(r"^\s*(?:>\s?|[-*+]\s+(?:\[[ xX]\]\s+)?)", re.MULTILINE), ""),
    (re.compile(r"(\*{1,3}|_{1,3}|~~|`+)(?=\S)(.*?)(?<=\S)\1"), r"\2"),
    (re.compile(r"^\s*(?:```|~~~).*$", re.MULTILINE), ""),
    (re.compile(r"<[/a-zA-Z][^>]*>"), " "),
    (re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~$&])"), r"\1"),
)


_NUMBER = re.compile(r"^\s*\d+[.)]\s+", re.MULTILINE)


def plain_markdown(text: str, *, numbers: bool = False) -> str:
    """Return Markdown without its marks: of headings, lists, emphasis, links, tables, footnotes.

    ``numbers`` keeps those of numbered lists.
    """
    if not numbers:
        text = _NUMBER.sub("", text)
    for pattern, becomes in _MARKS:
        text = pattern.sub(becomes, text)
    return unescape(text)
