"""Speaking with a language model's server, through llama-index, within a time and a size.

Only what ``KB_LLM_*`` names is spoken to: no redirect is followed, no other key or address is
taken from the environment, and no proxy stands before this computer itself. Whatever goes wrong
becomes a ``ModelFault`` with a code; neither the key nor the server's own words are in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import json
import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Generator
from typing import TYPE_CHECKING, Any, Literal, cast

import httpx

from kb.answering.faults import FaultCode, ModelFault
from kb.settings import Settings

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

MOST_TOKENS = 1200
"""Tokens that a model may write."""

_MOST_BYTES = 4 * 1024 * 1024
"""Bytes of one response of a server, with all that is around the words."""

_PROBE_SECONDS = 3.0
_PROBE_BYTES = 1024 * 1024

_log = logging.getLogger(__name__)


class TooMuch(httpx.TransportError):
    """A server sends more than an answer can be."""


class LanguageModel:
    """The model that the settings name. Safe between threads; opens nothing before it is asked.

    Its representation names the model and never the key.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._free = threading.BoundedSemaphore(settings.llm_concurrent)

    def __repr__(self) -> str:
        """Name provider and model."""
        return f"LanguageModel({self._settings.llm_provider}, {self._settings.llm_model!r})"

    @property
    def _package(self) -> str:
        return f"llama_index.llms.{self._settings.llm_provider.replace('-', '_')}"

    @property
    def installed(self) -> bool:
        """Whether llama-index's client for the provider is there."""
        try:
            return importlib.util.find_spec(self._package) is not None
        except ModuleNotFoundError:
            return False

    def prepare(self) -> None:
        """Import the client: some seconds, once, that no question's time should go to."""
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(self._package)

    def stream(self, system: str, user: str) -> Generator[str, None, None]:
        """Yield what the model writes, as it comes, for at most ``llm_timeout`` seconds in all.

        Raises ModelFault, also after some parts. Whoever stops reading stops the model too.
        """
        if not self.installed:
            raise ModelFault("not_installed")
        self.prepare()
        if not self._free.acquire(blocking=False):
            raise ModelFault("busy")
        deadline = time.monotonic() + self._settings.llm_timeout
        parts: queue.Queue[str | ModelFault | None] = queue.Queue()
        speaking = _Speaking(self._settings, system, user, parts, deadline, self._free)
        speaking.start()
        try:
            while True:
                left = deadline - time.monotonic()
                if left <= 0:  # also where parts wait that took too long to be read
                    raise ModelFault("slow")
                try:
                    part = parts.get(timeout=left)
                except queue.Empty:
                    raise ModelFault("slow") from None
                if part is None:
                    return
                if isinstance(part, ModelFault):
                    raise part
                yield part
        finally:
            speaking.stop()

    def probe(self) -> FaultCode | Literal["", "no_model"]:
        """Return why the model can't be used now; empty where it can. Takes 3 seconds at most.

        Only the server's list of models is asked for: nothing is computed.
        """
        if not self.installed:
            return "not_installed"
        settings = self._settings
        path = "/api/tags" if settings.llm_provider == "ollama" else "/models"
        try:
            listed = _listed(f"{settings.llm_address}{path}", settings)
        except ModelFault as fault:
            return fault.code
        if listed is None:  # some servers list nothing and work all the same
            return ""
        wanted = {settings.llm_model, f"{settings.llm_model}:latest"}
        return "" if not listed or wanted & listed else "no_model"


class _Speaking(threading.Thread):
    """One request, in a thread with a loop of its own, so that it can be stopped at any point."""

    def __init__(
        self,
        settings: Settings,
        system: str,
        user: str,
        parts: queue.Queue[str | ModelFault | None],
        deadline: float,
        free: threading.BoundedSemaphore,
    ) -> None:
        super().__init__(name="language-model", daemon=True)
        self._settings = settings
        self._told = (system, user)
        self._parts = parts
        self._deadline = deadline
        self._free = free
        self._lock = threading.Lock()
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._speak())
        except ModelFault as fault:
            self._parts.put(fault)
        except Exception as error:
            # The kind alone: the text of an error may hold what the server said, or a key.
            _log.warning("language model: %s", type(error).__name__)
            self._parts.put(_fault_of(error))
        else:
            self._parts.put(None)
        finally:
            self._free.release()

    def stop(self) -> None:
        """Break off, if it isn't over."""
        with self._lock:
            self._stopped = True
            if self._loop is not None and self._task is not None and not self._loop.is_closed():
                with contextlib.suppress(RuntimeError):  # closed a moment ago
                    self._loop.call_soon_threadsafe(self._task.cancel)

    async def _speak(self) -> None:
        with self._lock:
            if self._stopped:
                return
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            async with asyncio.timeout(max(0.0, self._deadline - time.monotonic())):
                async for part in _written(self._settings, *self._told):
                    self._parts.put(part)
        except TimeoutError:
            raise ModelFault("slow") from None
        except asyncio.CancelledError:
            if not self._stopped:
                raise


async def _written(settings: Settings, system: str, user: str) -> AsyncIterator[str]:
    from llama_index.core.base.llms.types import ChatMessage, MessageRole

    messages = [
        ChatMessage(role=MessageRole.SYSTEM, content=system),
        ChatMessage(role=MessageRole.USER, content=user),
    ]
    async with _opened(settings) as model:
        answer = await model.astream_chat(messages)
        async for response in answer:
            if response.delta:
                yield response.delta


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[LLM]:
    """Yield llama-index's client of the model, with our limits on what it does."""
    if settings.llm_provider == "ollama":
        from llama_index.llms.ollama import Ollama
        from ollama import AsyncClient

        async with AsyncClient(host=settings.llm_address, **_limits(settings)) as ollama:
            yield Ollama(
                model=settings.llm_model,
                base_url=settings.llm_address,
                request_timeout=settings.llm_timeout,
                temperature=0.0,
                context_window=settings.llm_context,
                json_mode=True,
                thinking=False,
                additional_kwargs={"num_predict": MOST_TOKENS},
                is_function_calling_model=False,
                async_client=ollama,
            )
        return
    from llama_index.llms.openai_like import OpenAILike

    async with httpx.AsyncClient(**_limits(settings)) as client:
        yield OpenAILike(
            model=settings.llm_model,
            api_base=settings.llm_address,
            api_key="none",  # the request hook puts the real one in
            is_chat_model=True,
            temperature=0.0,
            max_tokens=MOST_TOKENS,
            context_window=settings.llm_context,
            max_retries=0,
            timeout=settings.llm_timeout,
            async_http_client=client,
        )


def _limits(settings: Settings) -> dict[str, Any]:
    """Return what an httpx client is opened with: one address, one key, a time and a size."""
    key = settings.llm_key.get_secret_value()

    async def keyed(request: httpx.Request) -> None:
        # The libraries would take a key from the environment, which isn't meant for this server.
        request.headers.pop("authorization", None)
        request.headers["accept-encoding"] = "identity"
        if key:
            request.headers["authorization"] = f"Bearer {key}"

    async def bounded(response: httpx.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise TooMuch("packed")
        response.stream = _Counted(response.stream)

    return {
        "timeout": settings.llm_timeout,
        "follow_redirects": False,
        "trust_env": settings.llm_elsewhere,
        "event_hooks": {"request": [keyed], "response": [bounded]},
    }


class _Counted(httpx.AsyncByteStream):
    """A response's bytes, up to a limit."""

    def __init__(self, stream: object) -> None:
        self._stream = cast("httpx.AsyncByteStream", stream)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for part in self._stream:
            taken += len(part)
            if taken > _MOST_BYTES:
                raise TooMuch("too much")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def _fault_of(error: BaseException) -> ModelFault:
    """Return the fault that an error of httpx, of the libraries or of a server's reply is."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or at.__context__
    if any(getattr(one, "status_code", None) in (401, 403) for one in chain):
        return ModelFault("refused")
    if any(isinstance(one, httpx.ConnectError) for one in chain):
        return ModelFault("unreachable")
    if any(isinstance(one, httpx.TimeoutException | TimeoutError) for one in chain):
        return ModelFault("slow")
    return ModelFault("failed")


def _listed(url: str, settings: Settings) -> frozenset[str] | None:
    """Return the names of a server's models; None where it doesn't list any. Raises ModelFault."""
    key = settings.llm_key.get_secret_value()
    deadline = time.monotonic() + _PROBE_SECONDS
    content = b""
    try:
        with (
            httpx.Client(
                timeout=_PROBE_SECONDS,
                follow_redirects=False,
                trust_env=settings.llm_elsewhere,
            ) as client,
            client.stream(
                "GET",
                url,
                headers={
                    "Accept-Encoding": "identity",
                    **({"Authorization": f"Bearer {key}"} if key else {}),
                },
            ) as response,
        ):
            if response.status_code in (401, 403):
                raise ModelFault("refused")
            if response.status_code in (404, 405) and settings.llm_provider != "ollama":
                return None
            if response.status_code != 200:
                raise ModelFault("failed")
            for part in response.iter_raw():
                content += part
                if len(content) > _PROBE_BYTES or time.monotonic() > deadline:
                    raise ModelFault("failed")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _fault_of(error) from None
    return _names_in(content)


def _names_in(content: bytes) -> frozenset[str] | None:
    try:
        told = json.loads(content)
    except ValueError:
        raise ModelFault("failed") from None
    listed = told.get("models", told.get("data")) if isinstance(told, dict) else None
    if not isinstance(listed, list):
        return None
    names = (one.get("id") or one.get("name") for one in listed if isinstance(one, dict))
    return frozenset(name for name in names if isinstance(name, str))
