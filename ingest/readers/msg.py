"""Outlook messages (MSG, [MS-OXMSG]): the properties that a reader of mail wants."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest.limits import Limits
from ingest.readers.email import Attachment, Message, message_reading
from ingest.readers.ole import Ole
from ingest.readers.rtf import rtf_text, unpack_rtf
from ingest.reading import Reading
from kb.errors import UnreadableDocument

MEDIA_TYPE = "application/vnd.ms-outlook"

_SUBJECT, _SENDER, _SENDER_ADDRESS, _TO, _CC = "0037", "0C1A", "0C1F", "0E04", "0E03"
_BODY, _HTML, _RTF = "1000", "1013", "1009"
_SENT, _RECEIVED = 0x00390040, 0x0E060040
_FILE, _LONG_NAME, _SHORT_NAME = "37010102", "3707", "3704"


def read_msg(path: Path, *, limits: Limits) -> Reading:
    """Read an Outlook message; raises UnreadableDocument, also for an encrypted one."""
    ole = Ole.open(path)
    if "__properties_version1.0" not in ole:
        raise UnreadableDocument("unreadable_damaged")
    kind = _string(ole, "", "001A").casefold()
    date = _date(ole)
    sender = _string(ole, "", _SENDER)
    address = _string(ole, "", _SENDER_ADDRESS)
    if address and "@" in address and address != sender:
        sender = f"{sender} <{address}>" if sender else address
    text = _string(ole, "", _BODY)
    html = ole.read(f"__substg1.0_{_HTML}0102") or _string(ole, "", _HTML).encode()
    if not text.strip() and not html.strip():
        text = rtf_text(unpack_rtf(ole.read(f"__substg1.0_{_RTF}0102")))
    attachments = tuple(_attachments(ole))
    if kind.startswith("ipm.note.smime") and "multipartsigned" not in kind and not text.strip():
        raise UnreadableDocument("unreadable_encrypted")
    message = Message(
        subject=_string(ole, "", _SUBJECT),
        headers=(
            ("From", sender),
            ("To", _string(ole, "", _TO)),
            ("Cc", _string(ole, "", _CC)),
            ("Date", date.strftime("%Y-%m-%d %H:%M") if date else ""),
        ),
        date=date.date().isoformat() if date else None,
        text=text,
        html=html,
        attachments=attachments,
    )
    return message_reading(message, limits=limits, media_type=MEDIA_TYPE)


def _string(ole: Ole, folder: str, tag: str) -> str:
    wide = ole.read(f"{folder}__substg1.0_{tag}001F")
    if wide:
        return wide.decode("utf-16-le", errors="replace").rstrip("\x00")
    return ole.read(f"{folder}__substg1.0_{tag}001E").decode("cp1252", "replace").rstrip("\x00")


def _attachments(ole: Ole) -> list[Attachment]:
    folders = sorted(
        {
            path.split("/")[0]
            for path in ole.streams
            if re.match(r"__attach_version1\.0_#[0-9A-Fa-f]+/", path)
        }
    )
    found: list[Attachment] = []
    for folder in folders:
        data = ole.read(f"{folder}/__substg1.0_{_FILE}")
        name = _string(ole, f"{folder}/", _LONG_NAME) or _string(ole, f"{folder}/", _SHORT_NAME)
        picture = name.casefold().endswith((".png", ".jpg", ".jpeg", ".gif", ".bmp"))
        if data and not picture:
            found.append(Attachment(name or "attachment", data))
    return found


def _date(ole: Ole) -> datetime | None:
    """Return when it was sent, or received, from the fixed-length properties."""
    raw = ole.read("__properties_version1.0")
    times: dict[int, int] = {}
    for at in range(32, len(raw) - 15, 16):
        tag = int.from_bytes(raw[at : at + 4], "little")
        if tag in (_SENT, _RECEIVED):
            times[tag] = int.from_bytes(raw[at + 8 : at + 16], "little")
    ticks = times.get(_SENT) or times.get(_RECEIVED)
    if not ticks:
        return None
    try:
        # FILETIME: steps of 100 nanoseconds since 1601.
        return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None
