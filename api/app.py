"""The application: ``create_app`` makes it, ``serve`` runs it."""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import logging
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI

from api import problems
from api.routes import answers, asking, documents, reference, related, status, uploads
from api.security import Guard, hosts_of
from api.web.mounting import mount, refused_page
from ingest.jobs import Jobs
from ingest.working import Worker
from kb.assembly import open_knowledge_base
from kb.errors import KnowledgeBaseError, SettingsError
from kb.knowledge_base import KnowledgeBase
from kb.messages import message
from kb.settings import Settings

CONCURRENT = 8
"""Requests that compute at once; more of them wait. Answering is bound by the processor."""

# One question of each language opens its analyser; what they find doesn't matter.
_WARMING = ("Millainen on hyvä teollisuusalue?", "Vad är bra?", "What is good?")

_log = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """Return the application of one knowledge base.

    The knowledge base is opened when the application starts and closed when it stops;
    ``app.state`` then has ``kb``, ``jobs``, ``worker`` and ``settings``.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = CONCURRENT
        kb = open_knowledge_base(settings)
        app.state.kb = kb
        app.state.jobs = Jobs(kb.catalogue)
        app.state.worker = Worker(kb, app.state.jobs)
        app.state.worker.start()
        warming = threading.Thread(
            target=_warm, args=(kb, app.state.warm), name="warming", daemon=True
        )
        warming.start()
        try:
            yield
        finally:
            app.state.worker.stop()
            warming.join(timeout=10)
            kb.catalogue.close()

    app = FastAPI(
        title=message("api.title", "en"),
        description=message("api.description", "en"),
        version=version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # Questions are personal data: nothing of a request is recorded, whatever is configured.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.warm = threading.Event()
    for module in (asking, answers, documents, uploads, status, related, reference):
        app.include_router(module.router)
    problems.install(app)
    mount(app)
    app.add_middleware(Guard, hosts=hosts_of(settings), page=refused_page)
    return app


def version() -> str:
    """Return the version that is installed, ``0`` where the code runs without being installed."""
    try:
        return importlib.metadata.version("kokkola-kb")
    except importlib.metadata.PackageNotFoundError:
        return "0"


def _warm(kb: KnowledgeBase, warm: threading.Event) -> None:
    """Load models, dictionaries and indexes, so that the first question is quick."""
    try:
        for question in _WARMING:
            kb.ask(question, model=False)
        if kb.language_model is not None:
            kb.language_model.prepare()
    except KnowledgeBaseError as error:
        _log.warning("%s", error)
    except Exception:
        _log.exception("warming up failed")
    warm.set()


def serve(settings: Settings, *, language: str = "en") -> None:
    """Serve until interrupted; prints the address in ``language``.

    Raises SettingsError when the address can't be bound, StorageError when the data folder
    can't be used.
    """
    import uvicorn

    # Tried here first, so that a fault is told as one and not as a failed start of the server.
    open_knowledge_base(settings).catalogue.close()
    with _bound(settings) as listening:
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        lines = [message("api.serving", language, url=f"http://{shown}:{port}/")]
        if not _is_loopback(host):
            lines.append(message("api.exposed", language))
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(settings),
                log_level="warning",
                access_log=False,  # questions are personal data
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


def _bound(settings: Settings) -> socket.socket:
    """Return a socket that listens where the settings say."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError("setting", name="KB_HOST", why=error) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError("port_taken", host=settings.host, port=settings.port) from error
        raise SettingsError("setting", name="KB_HOST, KB_PORT", why=error) from error
    return listening


def _is_loopback(host: str) -> bool:
    return host == "::1" or host.startswith("127.")
