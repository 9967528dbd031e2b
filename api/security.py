"""What every request must pass and every response must carry.

- The Host header must name this service, so that a page whose name was rebound to our address
  can't read from it (DNS rebinding).
- What changes something must come from our own pages, or from a program that isn't a browser
  (cross-site request forgery). There is no CORS.
- Bodies are limited before they are read.
- Every response forbids foreign scripts, framing and sniffing; API answers aren't cached.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from fastapi.exceptions import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Refused, preferred, problem, problem_of
from kb.messages import message
from kb.settings import Settings

CONTENT_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
}
BODY_LIMIT = 64 * 1024
"""Bytes of a body that holds neither files nor long texts."""

TEXT_LIMIT = 1024 * 1024
"""Bytes of a body that holds texts that somebody pasted: ``TEXT_PATHS`` take so much."""

TEXT_PATHS = frozenset({"/related", "/api/related"})

UPLOAD_PATHS = frozenset({"/api/documents", "/documents/upload", "/projects/import"})
"""Where larger bodies are taken; their handlers limit them while they stream."""

_DRAINED = 1024 * 1024
_DRAIN_SECONDS = 5.0
"""So much of a refused body is read and thrown away: a client that is still sending when the
connection closes never sees the answer."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_DEFAULT_PORTS = {"http": 80, "https": 443}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names that this service answers to; ``addresses`` allows every literal IP address.

    A literal address can't be rebound, so a service that listens on all of them takes any.
    """

    names: frozenset[str]
    addresses: bool

    def allow(self, host: str | None) -> bool:
        """Tell whether a Host header names us."""
        name = _host_name(host)
        if name is None:
            return False
        return name in self.names or (self.addresses and _is_address(name))


def hosts_of(settings: Settings) -> Hosts:
    """Return the names that a configuration answers to: loopback, its host, its public name."""
    everywhere = settings.host in ("0.0.0.0", "::", "")
    names = {"localhost", "127.0.0.1", "::1", settings.host, settings.public_host}
    if everywhere:
        names.add(socket.gethostname())
    return Hosts(frozenset(name.lower() for name in names if name), everywhere)


def _host_name(host: str | None) -> str | None:
    """Return the name of a Host header without its port, lower case; None when it is malformed."""
    if not host or any(character in host for character in "/\\@?# \t"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port  # the port is read to have it checked
    except ValueError:
        return None
    return name.rstrip(".") if name else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def same_origin(headers: Headers) -> bool:
    """Tell whether a request is from our own pages, or from a client that isn't a browser."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
        ours = urlsplit(f"//{headers.get('host', '')}")
        default = _DEFAULT_PORTS.get(parts.scheme)
        # Behind a proxy the scheme isn't known here, so a port left out is that of the origin's.
        return (
            default is not None
            and parts.hostname == ours.hostname
            and (parts.port or default) == (ours.port or default)
        )
    except ValueError:
        return False


class Guard:
    """The outermost layer: checks requests, adds headers, turns what is unforeseen into a 500."""

    def __init__(
        self, app: ASGIApp, *, hosts: Hosts, page: Callable[[Scope, Refused], ASGIApp]
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close", "code": 1000})
            return
        started = False
        api = scope["path"].startswith("/api/")

        async def sending(out: Message) -> None:
            nonlocal started
            if out["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=out)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if api:
                    headers.setdefault("Cache-Control", "no-store")
            await send(out)

        headers = Headers(scope=scope)
        language = preferred(headers.get("accept-language"))
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            if refusal.status == 413:
                await _drain(receive)
            # Only of a request that names us: a foreign page is told nothing more.
            told: ASGIApp = problem_of(refusal, language)
            if refusal.status == 413 and not api and "text/html" in headers.get("accept", ""):
                told = self._page(scope, refusal)
            await told(scope, receive, sending)
            return
        limit = _limit(scope["path"])
        limited = receive if limit is None else _limited(receive, limit)
        try:
            await self._app(scope, limited, sending)
        except Exception:
            # The path and method say where; the body may hold a question and isn't logged.
            _log.exception("unforeseen: %s %s", scope["method"], scope["path"])
            if started:
                raise
            detail = message("error.unexpected", language)
            await problem(500, "unexpected", detail, language=language)(scope, receive, sending)

    def _refusal(self, scope: Scope, headers: Headers) -> Refused | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._hosts.allow(hosts[0]):
            return Refused("host", status=421)
        if scope["method"] not in _SAFE_METHODS and not same_origin(headers):
            return Refused("cross_origin", status=403)
        length = headers.get("content-length", "")
        limit = _limit(scope["path"])
        if limit is not None and length.isascii() and length.isdigit() and int(length[:18]) > limit:
            return Refused("too_large", status=413)
        return None


def _limit(path: str) -> int | None:
    """Return how many bytes a path takes; None where its handler limits them."""
    if path in UPLOAD_PATHS:
        return None
    return TEXT_LIMIT if path in TEXT_PATHS else BODY_LIMIT


def _limited(receive: Receive, limit: int) -> Receive:
    """Return a ``receive`` that refuses a body which grows beyond the limit as it comes in."""
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        part = await receive()
        taken += len(part.get("body", b""))
        if taken > limit:
            if part.get("more_body", False):
                await _drain(receive)
            raise HTTPException(413)
        return part

    return receiving


async def _drain(receive: Receive) -> None:
    """Read and throw away the rest of a body, up to a limit of bytes and of time."""
    read = 0
    with anyio.move_on_after(_DRAIN_SECONDS):
        while read < _DRAINED:
            part = await receive()
            if part["type"] != "http.request":
                return
            read += len(part.get("body", b""))
            if not part.get("more_body", False):
                return
