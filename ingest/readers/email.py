"""E-mail messages (EML): who, when, what, and the attachments that can be read."""

from __future__ import annotations

import email
import email.policy
import tempfile
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from ingest.limits import Limits
from ingest.readers import dispatch
from ingest.readers.builder import TextBuilder, flat
from ingest.readers.encoding import decode
from ingest.readers.html import read_html_bytes
from ingest.readers.text import read_plain
from ingest.reading import Reading
from kb.errors import UnreadableDocument
from kb.model import Metadata

MEDIA_TYPE = "message/rfc822"

_MOST_ATTACHMENTS = 100
_SHOWN = ("From", "To", "Cc", "Date")
# Pictures in signatures, calendar data and signatures proper say nothing.
_UNINTERESTING = ("image/", "application/pgp", "application/pkcs7", "text/calendar")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a message."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of any mail format, ready to become a reading.

    ``headers`` are shown as they stand, in order; ``date`` is ISO. ``html`` is used where
    there is no ``text``.
    """

    subject: str
    headers: tuple[tuple[str, str], ...]
    date: str | None
    text: str
    html: bytes
    attachments: tuple[Attachment, ...]


def read_eml(path: Path, *, limits: Limits) -> Reading:
    """Read a message; raises UnreadableDocument."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    return message_reading(_message(message), limits=limits, media_type=MEDIA_TYPE)


def message_reading(message: Message, *, limits: Limits, media_type: str) -> Reading:
    """Make a reading of a message; its attachments follow as sections under their names."""
    builder = TextBuilder(limits)
    builder.heading(message.subject, 1)
    shown = [f"{name}: {flat(value)}" for name, value in message.headers if flat(value)]
    builder.add("\n".join(shown))
    body = _body(message, limits)
    if body is not None:
        builder.append_reading(body)
    for attachment in message.attachments[:_MOST_ATTACHMENTS]:
        _attach(builder, attachment, limits)
    for attachment in message.attachments[_MOST_ATTACHMENTS:]:
        _left_out(builder, attachment, UnreadableDocument("unreadable_bomb"))
    return builder.finish(
        media_type=media_type, metadata=Metadata(title=message.subject, date=message.date)
    )


def _body(message: Message, limits: Limits) -> Reading | None:
    try:
        if message.text.strip():
            return read_plain(message.text, limits=limits)
        if message.html.strip():
            return read_html_bytes(message.html, limits=limits)
    except UnreadableDocument as error:
        if error.code != "unreadable_no_text":
            raise
    return None


def _attach(builder: TextBuilder, attachment: Attachment, limits: Limits) -> None:
    if limits.depth <= 0:
        _left_out(builder, attachment, UnreadableDocument("unreadable_bomb"))
        return
    with tempfile.TemporaryDirectory(prefix="kb-mail-") as folder:
        path = Path(folder) / "attachment"
        path.write_bytes(attachment.data)
        try:
            reading = dispatch.read(
                path, name=attachment.name, limits=replace(limits, depth=limits.depth - 1)
            )
        except UnreadableDocument as error:
            _left_out(builder, attachment, error)
            return
    builder.leave_sections(2)
    builder.heading(attachment.name, 2)
    builder.append_reading(reading)
    builder.leave_sections(2)


def _left_out(builder: TextBuilder, attachment: Attachment, error: UnreadableDocument) -> None:
    name = attachment.name.replace("|", "_")
    said = {"name": name, "code": error.code}
    said |= {f"why.{key}": str(value) for key, value in error.params.items()}
    told = "".join(f"|{key}={value.replace('|', '_')}" for key, value in said.items())
    builder.warn(f"warning.attachment_left_out{told}")


def _message(message: EmailMessage) -> Message:
    texts: list[str] = []
    htmls: list[bytes] = []
    attachments: list[Attachment] = []
    _collect(message, texts, htmls, attachments)
    if not message.keys() and not texts and not htmls:
        raise UnreadableDocument("unreadable_damaged")
    return Message(
        subject=_header(message, "Subject"),
        headers=tuple((name, _header(message, name)) for name in _SHOWN),
        date=_date(_header(message, "Date")),
        text="\n\n".join(texts),
        html=b"\n".join(htmls),
        attachments=tuple(attachments),
    )


def _collect(
    part: EmailMessage, texts: list[str], htmls: list[bytes], attachments: list[Attachment]
) -> None:
    kind = part.get_content_type()
    if kind == "message/rfc822":
        inner = part.get_payload()
        if isinstance(inner, list) and inner and isinstance(inner[0], EmailMessage):
            name = _header(inner[0], "Subject") or "message"
            attachments.append(Attachment(f"{flat(name)}.eml", inner[0].as_bytes()))
        return
    if part.is_multipart():
        for inner in part.iter_parts():
            if isinstance(inner, EmailMessage):
                _collect(inner, texts, htmls, attachments)
        return
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    try:
        name = part.get_filename() or ""
        attached = part.get_content_disposition() == "attachment"
    except (ValueError, TypeError, AttributeError, IndexError):
        # The standard library stumbles over some broken headers.
        name, attached = "", False
    if name or attached:
        if data and not kind.startswith(_UNINTERESTING):
            attachments.append(Attachment(flat(name) or "attachment", data))
    elif kind == "text/html":
        htmls.append(_recoded(data, part))
    elif kind.startswith("text/") and kind != "text/calendar":
        texts.append(decode(data, declared=part.get_content_charset() or ""))


def _recoded(data: bytes, part: EmailMessage) -> bytes:
    # What the message says of the encoding stands above what the page says.
    return decode(data, declared=part.get_content_charset() or "").encode("utf-8", "replace")


def _header(message: object, name: str) -> str:
    if not isinstance(message, EmailMessage):
        return ""
    try:
        return flat(str(message.get(name, "")))
    except (ValueError, TypeError, AttributeError, IndexError):
        # The standard library stumbles over some broken headers.
        return ""


def _date(value: str) -> str | None:
    try:
        return parsedate_to_datetime(value).date().isoformat() if value else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
