"""The text of an original file, by other means than the product's own readers.

What checks citations must not share code with what made them: PDF pages come raw from pypdf,
from PDFium and, where it is installed, from Poppler, without any of our cleaning, Office files
from the text nodes of their XML.
"""

from __future__ import annotations

import re
import shutil
import subprocess
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

from evaluation.office import as_text

_PARTS = re.compile(
    r"word/(document|footnotes|endnotes|comments|header\d*|footer\d*)\.xml"
    r"|ppt/(slides|notesSlides|comments)/[^/]+\.xml|content\.xml|.*\.x?html?"
    r"|(word|ppt)/(charts|diagrams)/(chart|data)\d*\.xml"
)
_TEXT_NODES = {"t", "v", "delText", "tab", "br", "text"}


@dataclass(frozen=True, slots=True)
class Original:
    """A file's text: ``pages[i]`` holds several readings of page i + 1.

    ``readings`` are of the whole file, for formats without pages. ``cells`` are those of a
    workbook, each by itself. ``formulas`` is the whole text where some of it is formulas, the
    signs of sums and the like included. ``numbered`` says that a reading has the numbers of list
    items. ``pictures`` are pages (from 1) with pictures, whose words
    no raw reading has; they are in the PDF or image file at ``path``.
    """

    pages: tuple[tuple[str, ...], ...] = ()
    readings: tuple[str, ...] = ()
    cells: frozenset[str] = frozenset()
    formulas: str = ""
    numbered: bool = False
    pictures: frozenset[int] = frozenset()
    path: Path | None = None

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
        raw = [_pypdf(path), _pdfium(path)]
        raw += [texts for texts in _poppler(path) if len(texts) == len(raw[0])]
        return Original(
            pages=tuple((*each, *map(_told, each)) for each in zip(*raw, strict=True)),
            pictures=_pictures(path),
            path=path,
        )
    if suffix in {".docx", ".pptx", ".odt", ".odp", ".ods", ".epub", ".docm", ".pptm"}:
        plain, apart, formulas = _zipped(path)
        drawn = as_text(path, suffix)
        return Original(
            readings=tuple(dict.fromkeys((plain, apart, *drawn))),
            formulas=formulas,
            numbered=bool(drawn),
        )
    if suffix in {".doc", ".rtf"}:
        texts = as_text(path, suffix)
        return Original(readings=texts, numbered=True) if texts else None
    if suffix in {".xlsx", ".xlsm"}:
        text, cells = _workbook(path)
        return Original(readings=(text,), cells=cells)
    if suffix in {".html", ".htm", ".xhtml"}:
        texts = _decoded(path.read_bytes())
        kinds = (_html(text, shown=shown) for text in texts for shown in (False, True))
        return Original(readings=tuple(dict.fromkeys(kinds)))
    if suffix == ".eml":
        return Original(readings=("\n".join(_mail(path)),))
    if suffix in {".md", ".markdown"}:
        texts = _decoded(path.read_bytes())
        numbered = (plain_markdown(text, numbers=True) for text in texts)
        return Original(readings=(*texts, *map(plain_markdown, texts), *numbered))
    if suffix in {".txt", ".csv", ".tsv"}:
        return Original(readings=_decoded(path.read_bytes()))
    return None


_SECONDS = 120
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


def _poppler(path: Path) -> Iterator[list[str]]:
    """Yield the pages twice, by columns and as they come in the file; nothing without Poppler."""
    program = shutil.which("pdftotext")
    for order in ([], ["-raw"]) if program else ():
        command = [str(program), "-enc", "UTF-8", *order, str(path), "-"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
        except (subprocess.SubprocessError, OSError):
            return
        yield done.stdout.decode("utf-8", "replace").split("\f")[:-1]


def _pictures(path: Path) -> frozenset[int]:
    """Return the pages that show a picture, inside forms too."""
    import pypdfium2  # heavy: only when a PDF is checked
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

    document = pypdfium2.PdfDocument(path)
    try:
        found = set()
        for number in range(len(document)):
            page = document[number]
            if next(iter(page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE], max_depth=5)), None):
                found.add(number + 1)
            page.close()
        return frozenset(found)
    finally:
        document.close()


def _zipped(path: Path) -> tuple[str, str, str]:
    """Return the text nodes of a package as they come, with text boxes last, and with formulas.

    The third is empty where there is no formula.
    """
    with zipfile.ZipFile(path) as archive:
        names = sorted(
            (name for name in archive.namelist() if _PARTS.fullmatch(name)), key=_natural
        )
        parts = [archive.read(name) for name in names]
    formulas = any(b":oMath" in part for part in parts)
    return (
        "\n".join(map(_nodes, parts)),
        "\n".join(_nodes(part, boxes_last=True) for part in parts),
        "\n".join(_nodes(part, formulas=True) for part in parts) if formulas else "",
    )


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def _nodes(data: bytes, *, boxes_last: bool = False, formulas: bool = False) -> str:
    """Return the text nodes of a part.

    ``boxes_last`` puts text boxes, which float beside the paragraph that they are fastened to,
    at the end; ``formulas`` has the signs of sums, which are attributes, in their places.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=True)
    root = etree.fromstring(data, parser)
    if root is None:
        return ""
    kind = etree.QName(root).localname
    if kind in {"document-content", "html"}:
        return "".join(str(text) for text in root.itertext())
    flow: list[str] = []
    floating: list[str] = []
    for node in root.iter(etree.Element):
        name = etree.QName(node).localname
        if name in _TEXT_NODES:
            boxed = boxes_last and any(
                etree.QName(above).localname == "txbxContent" for above in node.iterancestors()
            )
            (floating if boxed else flow).append(str(node.text or ""))
        elif formulas and name == "naryPr":
            flow += [sign.get(_MATH_VALUE, "") for sign in node.iter("{*}chr")] or ["∫"]
    return "".join(flow + floating)


_MATH_VALUE = "{http://schemas.openxmlformats.org/officeDocument/2006/math}val"


def _workbook(path: Path) -> tuple[str, frozenset[str]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        shared: list[str] = []
        if "xl/sharedStrings.xml" in names:
            root = etree.fromstring(archive.read("xl/sharedStrings.xml"), parser)
            shared = ["".join(str(text) for text in item.itertext()) for item in root]
        lines: list[str] = []
        found: set[str] = set()
        if "xl/workbook.xml" in names:
            root = etree.fromstring(archive.read("xl/workbook.xml"), parser)
            lines += [sheet.get("name", "") for sheet in root.iter("{*}sheet")]
        sheets = [name for name in names if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
        for name in sorted(sheets, key=_natural):
            root = etree.fromstring(archive.read(name), parser)
            for row in root.iter("{*}row"):
                texts = [_cell(cell, shared) for cell in row.iter("{*}c")]
                lines.append(" | ".join(texts))
                found.update(texts)
        for name in names:
            if re.fullmatch(r"xl/(threadedComments/[^/]+|comments\d*|comments/[^/]+)\.xml", name):
                root = etree.fromstring(archive.read(name), parser)
                lines += ["".join(map(str, node.itertext())) for node in root.iter("{*}text")]
    return "\n".join(lines), frozenset(found)


def _cell(cell: etree._Element, shared: Sequence[str]) -> str:
    value = "".join(str(text) for text in cell.itertext("{*}v", "{*}t"))
    if cell.get("t") == "s" and value.isdigit() and int(value) < len(shared):
        return shared[int(value)]
    return value


class _Text(HTMLParser):
    """All text nodes; ``shown`` leaves out what is hidden but for a switch's default."""

    def __init__(self, *, shown: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._shown = shown
        self._hidden: list[str] = []  # the tags that are open inside a hidden element

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in {"script", "style"}
        given = dict(attrs)
        styled = "".join((given.get("style") or "").casefold().split())
        hides = "display:none" in styled or (
            "hidden" in given and not (given.get("id") or "").startswith("default")
        )
        if tag not in _VOID and (self._hidden or (self._shown and hides)):
            self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style"} and self._silent > 0
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._silent and not self._hidden:
            self.parts.append(data)


_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr", "col", "source"})


def _html(text: str, *, shown: bool = False) -> str:
    parser = _Text(shown=shown)
    parser.feed(text)
    parser.close()
    return "".join(parser.parts)


def _mail(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        mail = BytesParser(EmailMessage, policy=policy.default).parse(file)
    yield from (f"{name}: {value}" for name, value in mail.items())
    for part in mail.walk():
        yield part.get_filename() or ""
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


_PAIRED = r"(?:[^\{0}\{1}]|\{0}[^\{0}\{1}]*\{1})*"
_MARKS = (
    (re.compile(r"<!--.*?-->", re.DOTALL), " "),
    (re.compile(r"\[\^[^\]\s]+\]:?"), ""),
    # Brackets in what is shown, and in addresses, one deep: [[ 5 ]](#note), [a](/b_(c)).
    (re.compile(rf"!?\[({_PAIRED.format('[', ']')})\]\({_PAIRED.format('(', ')')}\)"), r"\1"),
    (re.compile(r"<https?://[^>]*>"), lambda found: found[0][1:-1]),
    (re.compile(r"^\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*$", re.MULTILINE), ""),
    (re.compile(r"^ {0,3}#{1,6}\s+|\s+#+\s*$", re.MULTILINE), ""),
    (re.compile(r"^\s*(?:>\s?|[-*+]\s+(?:\[[ xX]\]\s+)?)", re.MULTILINE), ""),
    (re.compile(r"(?<!\\)(\*{1,3}|~~|`+)(?=\S)(.*?)(?<=[^\s\\])\1"), r"\2"),
    # An underscore inside a word, or one with a backslash before it, is a letter like others.
    (re.compile(r"(?<![\w\\])(_{1,3})(?=\S)(.*?)(?<=[^\s\\])\1(?!\w)"), r"\2"),
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
