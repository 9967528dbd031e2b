"""E-books (EPUB): the chapters in the order of the spine."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

from ingest.limits import Limits
from ingest.readers.builder import TextBuilder, flat
from ingest.readers.encoding import decode
from ingest.readers.html import add_html, parse_html
from ingest.readers.package import Package, attribute, child, children, descendants, local
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import LANGUAGES, Metadata

MEDIA_TYPE = "application/epub+zip"
_CHAPTERS = ("application/xhtml+xml", "text/html")


def read_epub(path: Path, *, limits: Limits) -> Reading:
    """Read an e-book; raises UnreadableDocument, also for one with copy protection."""
    with Package(path, limits=limits) as package:
        if _protected(package):
            raise UnreadableDocument("unreadable_encrypted")
        container = package.xml("META-INF/container.xml")
        book = next((attribute(n, "full-path") for n in descendants(container, "rootfile")), None)
        if not book or book not in package:
            raise UnreadableDocument("unreadable_damaged")
        root = package.xml(book)
        folder = posixpath.dirname(book)
        manifest = child(root, "manifest")
        items = {
            attribute(item, "id") or "": item
            for item in (children(manifest, "item") if manifest is not None else ())
        }
        builder = TextBuilder(limits)
        spine = child(root, "spine")
        for reference in children(spine, "itemref") if spine is not None else ():
            item = items.get(attribute(reference, "idref") or "")
            if item is None or attribute(item, "media-type") not in _CHAPTERS:
                continue
            if "nav" in (attribute(item, "properties") or "").split():
                continue
            part = posixpath.normpath(
                posixpath.join(folder, unquote(attribute(item, "href") or ""))
            )
            if part not in package:
                builder.warn(f"warning.part_unreadable|part={part.replace('|', '_')}")
                continue
            try:
                chapter = parse_html(decode(package.read(part)))
            except UnreadableDocument as error:
                if error.code == "unreadable_bomb":
                    raise
                continue
            builder.gap()
            add_html(builder, chapter, main_only=False)
        title, date, language = "", None, None
        metadata = child(root, "metadata")
        for node in metadata.iter() if metadata is not None else ():
            text = flat(node.text or "")
            if local(node) == "title" and not title:
                title = text
            elif local(node) == "date" and date is None and re.match(r"\d{4}", text):
                found = re.match(r"\d{4}(-\d\d(-\d\d)?)?", text)
                date = found[0] if found else None
            elif local(node) == "language" and language is None:
                language = next((one for one in LANGUAGES if one == text[:2].casefold()), None)
        return builder.finish(
            media_type=MEDIA_TYPE, metadata=Metadata(title=title, date=date, language=language)
        )


def _protected(package: Package) -> bool:
    """Tell whether chapters are encrypted; scrambled fonts alone don't matter."""
    root = package.xml_or_none("META-INF/encryption.xml")
    if root is None:
        return False
    return any(
        (attribute(node, "URI") or "").casefold().endswith(("html", "htm"))
        for node in descendants(root, "CipherReference")
    )
