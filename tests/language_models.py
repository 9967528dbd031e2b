"""A language model's server that says what a script tells it to, on this computer alone.

It speaks the protocol of OpenAI's chat completions and that of Ollama over real HTTP. What it
does is chosen by ``behaviour``; what it was sent is kept in ``received``.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.responses import StreamingResponse as Streaming

Say = Callable[[str], str]
"""What the model writes, given the user's message."""

MODEL = "test-model"
KEY = "sk-loopback-4f9c2ab17"


@dataclass
class Scripted:
    """What the server does next, and what it was asked."""

    say: Say = lambda _: '{"claims": []}'
    behaviour: str = "answer"
    received: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""
    broken_off: threading.Event = field(default_factory=threading.Event)

    @property
    def sent(self) -> str:
        """All that was sent with the last question, as one text."""
        return "\n".join(message["content"] for message in self.received[-1]["messages"])


def numbered(user: str) -> dict[int, str]:
    """Return the sentences of a prompt by their numbers, as a model reads them."""
    lines = re.findall(r'^(\d+): (".*")$', user, re.MULTILINE)
    return {int(number): json.loads(text) for number, text in lines}


def number_of(user: str, part: str) -> int:
    """Return the number of the sentence that has a part."""
    return next(number for number, text in numbered(user).items() if part in text)


def claims(*told: tuple[str, list[int]]) -> str:
    """Return claims as a model that follows its instructions writes them."""
    listed = [{"text": text, "sentences": numbers} for text, numbers in told]
    return json.dumps({"claims": listed}, ensure_ascii=False)


def _pieces(text: str) -> list[str]:
    return [text[at : at + 7] for at in range(0, len(text), 7)]


def application(script: Scripted) -> FastAPI:
    """Return the server's application."""
    app = FastAPI()

    def refusal(request: Request) -> Response | None:
        script.keys.append(request.headers.get("authorization", ""))
        if script.behaviour == "401":
            return JSONResponse({"error": {"message": f"bad key {KEY}"}}, 401)
        if script.behaviour == "500":
            return JSONResponse({"error": {"message": f"it broke near {KEY}"}}, 500)
        if script.behaviour == "redirect":
            return RedirectResponse("http://127.0.0.1:9/elsewhere", 307)
        if script.behaviour == "html":
            return Response("<html><h1>Welcome</h1></html>", media_type="text/html")
        if script.behaviour == "endless bytes":
            return Streaming(endless_bytes(), media_type="text/event-stream")
        return None

    async def endless_bytes() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)
        finally:
            script.broken_off.set()

    async def written(user: str, wrap: Callable[[str, bool], str]) -> AsyncIterator[str]:
        try:
            if script.behaviour == "slow":
                await asyncio.sleep(60)
            if script.behaviour == "endless":
                while True:
                    yield wrap("palaa ", False)
                    await asyncio.sleep(0.005)
            text = script.say(user)
            pieces = _pieces(text)
            if script.behaviour == "cut off":
                pieces = pieces[: len(pieces) * 3 // 4]
            for piece in pieces:
                yield wrap(piece, False)
            if script.behaviour == "stall":
                await asyncio.sleep(60)
            if script.behaviour == "broken line":
                yield "data: {not json\n\n{also not\n"
            if script.behaviour not in ("cut off", "broken line"):
                yield wrap("", True)
        finally:
            script.broken_off.set()

    @app.get("/v1/models")
    async def models(request: Request) -> Response:
        return refusal(request) or JSONResponse({"data": [{"id": MODEL}]})

    @app.get("/api/tags")
    async def tags(request: Request) -> Response:
        return refusal(request) or JSONResponse({"models": [{"name": f"{MODEL}:latest"}]})

    @app.post("/v1/chat/completions")
    async def openai(request: Request) -> Response:
        body = await request.json()
        script.received.append(body)
        refused = refusal(request)
        if refused is not None:
            return refused

        def wrap(piece: str, last: bool) -> str:
            delta = {} if last else {"role": "assistant", "content": piece}
            chunk = {
                "id": "1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": MODEL,
                "choices": [
                    {"index": 0, "delta": delta, "finish_reason": "stop" if last else None}
                ],
            }
            return f"data: {json.dumps(chunk)}\n\n" + ("data: [DONE]\n\n" if last else "")

        return Streaming(
            written(body["messages"][-1]["content"], wrap), media_type="text/event-stream"
        )

    @app.post("/api/chat")
    async def ollama(request: Request) -> Response:
        body = await request.json()
        script.received.append(body)
        refused = refusal(request)
        if refused is not None:
            return refused

        def wrap(piece: str, last: bool) -> str:
            chunk = {
                "model": MODEL,
                "created_at": "2026-01-01T00:00:00Z",
                "message": {"role": "assistant", "content": piece},
                "done": last,
            }
            return json.dumps(chunk) + "\n"

        return Streaming(
            written(body["messages"][-1]["content"], wrap), media_type="application/x-ndjson"
        )

    @app.get("/elsewhere")
    async def elsewhere() -> Response:
        return PlainTextResponse("no")

    return app


@contextmanager
def served() -> Iterator[Scripted]:
    """Run the server on a free port of 127.0.0.1."""
    import uvicorn

    script = Scripted()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    script.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(
            application(script), log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    try:
        yield script
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()


def settings_of(script: Scripted, provider: str, **more: object) -> dict[str, object]:
    """Return the settings that point at the server."""
    suffix = "/v1" if provider == "openai-like" else ""
    return {
        "llm_provider": provider,
        "llm_base_url": script.url + suffix,
        "llm_model": MODEL,
        "llm_key": KEY,
        "llm_timeout": 20.0,
        **more,
    }
