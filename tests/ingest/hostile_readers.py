"""Readers that misbehave on purpose; the file's text says how."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ingest.limits import Limits
from ingest.readers import dispatch
from ingest.reading import Reading
from ingest.sandbox import still_working
from kb.errors import UnreadableDocument
from kb.model import Block


def reading(text: str) -> Reading:
    return Reading(text=text, blocks=(Block(start=0, end=len(text)),), media_type="text/plain")


def read(path: Path, *, name: str, limits: Limits) -> Reading:
    order = path.read_text(encoding="utf-8")
    match order.split()[0]:
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(0)
        case "hang":
            while True:
                time.sleep(1)
        case "slow":
            for _ in range(int(order.split()[1])):
                time.sleep(limits.seconds * 0.7)
                still_working()
        case "litter":
            scratch = tempfile.mkdtemp()
            return reading(f"{scratch} {sorted(os.environ)}")
        case "burn":
            while True:
                pass
        case "swell":
            hoard = []
            while True:
                hoard.append(bytes(50_000_000))
        case "flood":
            return reading("a" * (limits.text_chars * 2))
        case "flood-raw":
            os.write(int(sys.argv[4]), (1 << 40).to_bytes(8, "big") + b"x" * 4096)
            time.sleep(60)
        case "lie":
            frame = order.partition(" ")[2].encode()
            os.write(int(sys.argv[4]), len(frame).to_bytes(8, "big") + frame)
            time.sleep(60)
        case "connect":
            socket.create_connection(("127.0.0.1", 9))
        case "print":
            os.write(1, b"noise on standard output\n")
        case "spawn":
            child = subprocess.Popen(["sleep", "300"])
            Path(order.split()[1]).write_text(str(child.pid), encoding="ascii")
            time.sleep(300)
        case "refuse":
            raise UnreadableDocument("unreadable_no_text")
        case "raise":
            raise ZeroDivisionError("a defect of the reader")
        case "fill":
            with path.with_suffix(".scratch").open("wb") as stream:
                stream.truncate(1 << 40)
    return reading(f"{name}|{os.getpid()}|{order}")


def dies_once(path: Path, *, name: str = "", limits: Limits | None = None) -> Reading:
    """Be killed by the first file's first reading, as by a machine out of memory."""
    mark = path.parent.parent / "died"
    if not mark.exists():
        mark.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return dispatch.read(path, name=name, limits=limits)


def dies_always(path: Path, *, name: str = "", limits: Limits | None = None) -> Reading:
    """Be killed by one file, whenever it is read."""
    if name == "vesi.md":
        os.kill(os.getpid(), signal.SIGKILL)
    return dispatch.read(path, name=name, limits=limits)
