"""Archives of XML (OOXML, OpenDocument, EPUB), opened without trusting them.

Nothing is unpacked to disk, so names of members can't lead out of a folder. XML is parsed
with entities, document types and the network switched off.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote

from lxml import etree

from ingest.limits import Limits
from kb.errors import UnreadableDocument


@dataclass(frozen=True, slots=True)
class Relation:
    """A link from a part to another: its kind (``footnotes``, ``slide`` …) and target."""

    kind: str
    target: str
    external: bool


class Package:
    """A zip archive whose size, count and ratio were checked before anything is read."""

    def __init__(self, path: Path, *, limits: Limits) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
            raise UnreadableDocument("unreadable_damaged") from error
        self._limits = limits
        self._unpacked = 0
        members = self._zip.infolist()
        self._names = {_key(member.filename): member for member in members}
        unpacked = sum(member.file_size for member in members)
        packed = max(1, sum(member.compress_size for member in members))
        if (
            len(members) > limits.members
            or unpacked > limits.unpacked_bytes
            or (unpacked > limits.ratio_from_bytes and unpacked / packed > limits.ratio)
        ):
            self._zip.close()
            raise UnreadableDocument("unreadable_bomb")
        if any(member.flag_bits & 1 for member in members):
            self._zip.close()
            raise UnreadableDocument("unreadable_encrypted")

    def __enter__(self) -> Package:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._names

    @property
    def names(self) -> list[str]:
        """The members' names as they are written."""
        return self._zip.namelist()

    def read(self, name: str) -> bytes:
        """Return a member's bytes; refuse a member that unpacks to more than it declared."""
        member = self._names.get(_key(name))
        if member is None:
            raise UnreadableDocument("unreadable_damaged")
        try:
            with self._zip.open(member) as stream:
                data = stream.read(member.file_size + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            EOFError,
            OSError,
            RuntimeError,
            ValueError,
        ) as error:
            raise UnreadableDocument("unreadable_damaged") from error
        self._unpacked += len(data)
        if len(data) > member.file_size or self._unpacked > 4 * self._limits.unpacked_bytes:
            raise UnreadableDocument("unreadable_bomb")
        return data

    def xml(self, name: str) -> etree._Element:
        """Return a member parsed as XML; raise UnreadableDocument when it is missing or broken."""
        return parse_xml(self.read(name))

    def xml_or_none(self, name: str) -> etree._Element | None:
        """Return a member that the document can do without, or None."""
        if name not in self:
            return None
        try:
            return self.xml(name)
        except UnreadableDocument as error:
            if error.code == "unreadable_bomb":
                raise
            return None

    def relations(self, part: str) -> dict[str, Relation]:
        """Return the relations of a part by their id; the empty part is the package itself."""
        folder, base = posixpath.split(part)
        root = self.xml_or_none(posixpath.join(folder, "_rels", f"{base}.rels"))
        found: dict[str, Relation] = {}
        if root is None:
            return found
        for node in children(root, "Relationship"):
            target = node.get("Target", "")
            external = node.get("TargetMode") == "External"
            if not external:
                joined = target if target.startswith("/") else posixpath.join(folder, target)
                target = posixpath.normpath(unquote(joined)).lstrip("/")
            kind = node.get("Type", "").rsplit("/", 1)[-1]
            found[node.get("Id", "")] = Relation(kind, target, external)
        return found

    def related(self, part: str, kind: str) -> list[str]:
        """Return the parts that a part points to with one kind of relation."""
        return [
            relation.target
            for relation in self.relations(part).values()
            if relation.kind == kind and not relation.external
        ]


def _key(name: str) -> str:
    # OOXML names are compared without case; some writers use backslashes.
    return name.replace("\\", "/").lstrip("/").casefold()


def parse_xml(data: bytes) -> etree._Element:
    """Parse XML with no entities, document type or network.

    Raises UnreadableDocument: ``unreadable_bomb`` when it is nested too deep, else
    ``unreadable_damaged``.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        deep = "depth" in str(error).casefold() or "huge" in str(error).casefold()
        code = "unreadable_bomb" if deep else "unreadable_damaged"
        raise UnreadableDocument(code) from error
    except ValueError as error:
        raise UnreadableDocument("unreadable_damaged") from error
    return root


def local(node: etree._Element) -> str:
    """Return a tag without its namespace (strict and transitional OOXML differ in it alone)."""
    tag: object = node.tag  # comments and entities have a function here, whatever stubs say
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def attribute(node: etree._Element, name: str) -> str | None:
    """Return an attribute by its name without namespace."""
    value = node.get(name)
    if value is not None:
        return value
    for key, text in node.attrib.items():
        if str(key).rsplit("}", 1)[-1] == name:
            return str(text)
    return None


def children(node: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the children with a tag, by its name without namespace."""
    for child in node:
        if local(child) == name:
            yield child


def child(node: etree._Element | None, *path: str) -> etree._Element | None:
    """Return the first descendant along a path of tags, or None."""
    for name in path:
        if node is None:
            return None
        node = next(children(node, name), None)
    return node


def descendants(node: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the descendants with a tag, in document order."""
    for found in node.iter():
        if local(found) == name:
            yield found


# When the templates of widely used writers were made: it says nothing of a document.
_TEMPLATES = frozenset({"2013-12-23", "2013-01-27"})


def core_properties(package: Package) -> tuple[str, str | None]:
    """Return title and date (ISO, day) from an Office file's core properties."""
    parts = package.related("", "core-properties")
    root = package.xml_or_none(parts[0] if parts else "docProps/core.xml")
    if root is None:
        return "", None
    title, date = "", None
    for node in root:
        text = (node.text or "").strip()
        if local(node) == "title":
            title = text
        elif local(node) == "created" and len(text) >= 10 and text[:4].isdecimal():
            date = text[:10]
    if date is not None and (date in _TEMPLATES or date < "1980"):
        date = None
    return title, date
