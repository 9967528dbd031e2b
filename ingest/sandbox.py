"""Readers in processes of their own, so that a bad file costs itself and nothing else.

A parent thread holds each worker: it sends one path at a time over the worker's standard
input and waits for one frame on a pipe of its own. A worker is limited by the kernel
(memory, processor time, file size, open files, no core dump), watched from outside (wall
clock, resident memory), and killed with whatever it started when it breaks a bound. What
comes back is JSON, checked field by field (see ``ingest.frames``).

A worker ends when its standard input does, so it never outlives the parent; on Linux the
kernel also ends it when the thread that holds it dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import queue
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import cast

from ingest.frames import decode, encode, frame_limit, too_much
from ingest.limits import MEGABYTE, Limits
from ingest.reading import Reading
from ingest.scratch import Scratch
from kb.errors import KnowledgeBaseError, UnreadableDocument

READER = "ingest.readers.dispatch:read"
_FILES_A_WORKER = 200
_GROWTH = 600 * MEGABYTE  # a worker that has grown by this much is replaced
_POLL_SECONDS = 0.2
_OPEN_FILES = 256
_LONGEST_SIGNS_OF_LIFE = 15  # signs of life make the time for a file this much longer at most
_LARGEST_FILE = 1024 * MEGABYTE  # what a worker may write: scratch files of converters
_SECRET = re.compile(r"^KB_|KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
_ROOT = str(Path(__file__).resolve().parent.parent)
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from ingest.sandbox import serve; "
    "serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))"
)


@dataclass(frozen=True, slots=True)
class _Job:
    path: Path
    name: str
    future: Future[Reading]


class ReaderPool:
    """Reads files in ``workers`` processes; use it as a context manager.

    ``reader`` names the function that a worker calls, ``module:function`` with the signature
    of ``ingest.readers.dispatch.read``. Workers start at the first file and are reused;
    ``files_a_worker`` is after how many files one is replaced.
    """

    def __init__(
        self,
        workers: int = 2,
        limits: Limits | None = None,
        *,
        reader: str = READER,
        files_a_worker: int = _FILES_A_WORKER,
    ) -> None:
        if workers < 1:
            raise ValueError("a pool needs at least one worker")
        self._limits = limits or Limits()
        self._reader = reader
        self._files_a_worker = files_a_worker
        self._jobs: queue.Queue[_Job | None] = queue.Queue()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._running: set[_Worker] = set()
        self._threads = [
            threading.Thread(target=self._hold, name=f"reader-{number}", daemon=True)
            for number in range(workers)
        ]
        self._started = False

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def workers(self) -> int:
        """How many files are read at once."""
        return len(self._threads)

    def submit(self, path: Path, *, name: str = "") -> Future[Reading]:
        """Queue a file; the future holds its Reading or raises UnreadableDocument.

        ``name`` is what the file is called where it came from, the path's name by default.
        Raises RuntimeError on a closed pool.
        """
        with self._lock:
            if self._closing.is_set():
                raise RuntimeError("the reader pool is closed")
            if not self._started:
                self._started = True
                for thread in self._threads:
                    thread.start()
            future: Future[Reading] = Future()
            self._jobs.put(_Job(path, name or path.name, future))
            return future

    def read(self, path: Path, *, name: str = "") -> Reading:
        """Read one file and wait for it; raises UnreadableDocument."""
        return self.submit(path, name=name).result()

    def read_all(
        self, files: Iterable[tuple[Path, str]]
    ) -> Iterator[tuple[tuple[Path, str], Reading | UnreadableDocument]]:
        """Yield each (path, name) with its outcome, in order.

        At most twice as many files as there are workers are taken from ``files`` before the
        first of them is consumed, so memory stays bounded however many there are.
        """
        waiting: deque[tuple[tuple[Path, str], Future[Reading]]] = deque()
        for file in files:
            waiting.append((file, self.submit(file[0], name=file[1])))
            if len(waiting) >= 2 * len(self._threads):
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())

    def pids(self) -> list[int]:
        """Return the process ids of the workers that run now."""
        with self._lock:
            return sorted(worker.pid for worker in self._running)

    def close(self) -> None:
        """Stop the workers at once; files that wait are cancelled."""
        with self._lock:
            self._closing.set()
            running = list(self._running)
            started = self._started
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    job.future.cancel()
        for worker in running:
            worker.kill()
        if started:
            for _ in self._threads:
                self._jobs.put(None)
            for thread in self._threads:
                thread.join(timeout=10)

    def _hold(self) -> None:
        """Hold one worker for as long as the pool lives: start, feed, watch, replace."""
        worker: _Worker | None = None
        try:
            while (job := self._jobs.get()) is not None:
                if not job.future.set_running_or_notify_cancel():
                    continue
                try:
                    if worker is not None and not worker.fit(self._files_a_worker):
                        self._drop(worker)
                        worker = None
                    if worker is None:
                        worker = self._start()
                    reading = worker.read(job.path, job.name)
                except BaseException as error:  # whatever it is belongs to who waits for it
                    stopped = self._closing.is_set()
                    job.future.set_exception(CancelledError() if stopped else error)
                else:
                    job.future.set_result(reading)
                if worker is not None and worker.dead:
                    self._drop(worker)
                    worker = None
        finally:
            if worker is not None:
                self._drop(worker)

    def _start(self) -> _Worker:
        worker = _Worker(self._reader, self._limits)
        with self._lock:
            self._running.add(worker)
            closing = self._closing.is_set()
        if closing:
            worker.kill()
        return worker

    def _drop(self, worker: _Worker) -> None:
        worker.release()
        with self._lock:
            self._running.discard(worker)


def _outcome(
    file: tuple[Path, str], future: Future[Reading]
) -> tuple[tuple[Path, str], Reading | UnreadableDocument]:
    try:
        return file, future.result()
    except UnreadableDocument as error:
        return file, error


class _Worker:
    """One worker process, held by one thread."""

    def __init__(self, reader: str, limits: Limits) -> None:
        self._limits = limits
        self._answers, theirs = os.pipe()
        os.set_blocking(self._answers, False)
        # What a killed worker leaves behind is deleted with its own folder.
        self._scratch = Scratch()
        command = [sys.executable, "-P", "-c", _START, _ROOT, reader]
        command += [json.dumps(asdict(limits)), str(theirs)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs,),
                env=_environment(str(self._scratch.path)),
                # Its own session: Ctrl-C is ours to handle, and one kill takes all it started.
                start_new_session=True,
            )
        except OSError:
            os.close(self._answers)
            self._scratch.release()
            raise
        finally:
            os.close(theirs)
        self.pid = self._process.pid
        self.dead = False
        self._files = 0
        self._resident = 0
        self._peak = 0
        self._first_resident = 0
        self._kill_lock = threading.Lock()

    def fit(self, files_a_worker: int) -> bool:
        """Tell whether it may read another file."""
        return (
            not self.dead
            and self._process.poll() is None
            and self._files < files_a_worker
            and self._resident - self._first_resident < _GROWTH
        )

    def read(self, path: Path, name: str) -> Reading:
        """Read a file; a worker that dies, hangs or swells is killed and the file refused."""
        self._files += 1
        self._peak = 0
        request = json.dumps({"path": str(path.absolute()), "name": name}).encode() + b"\n"
        stdin = self._process.stdin
        if stdin is None:
            raise RuntimeError("the worker has no standard input")
        try:
            stdin.write(request)
            stdin.flush()
            frame = self._receive(time.monotonic() + self._limits.seconds + 1)
        except (BrokenPipeError, EOFError) as error:
            raise self._autopsy() from error
        except UnreadableDocument:
            self.kill()
            raise
        self._resident = _resident_bytes(self.pid)
        self._first_resident = self._first_resident or self._resident
        try:
            return decode(frame, limits=self._limits)
        except UnreadableDocument as error:
            if error.code in _FATAL:
                self.kill()
            raise

    def _receive(self, deadline: float) -> bytes:
        largest = frame_limit(self._limits)
        last = deadline + (_LONGEST_SIGNS_OF_LIFE - 1) * self._limits.seconds
        buffer = bytearray()
        wanted: int | None = None
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        while wanted is None or len(buffer) < wanted:
            if time.monotonic() > deadline:
                raise _timeout(self._limits)
            if not poll.poll(_POLL_SECONDS * 1000):
                self._peak = max(self._peak, _resident_bytes(self.pid))
                if self._peak > self._limits.memory_bytes:
                    raise _memory(self._limits)
                continue
            try:
                chunk = os.read(self._answers, 1 << 20)
            except BlockingIOError:
                continue
            if not chunk:
                raise EOFError
            buffer += chunk
            while wanted is None and buffer[:8] == bytes(8):
                # A sign of life: the reader is at its next page.
                del buffer[:8]
                deadline = min(last, time.monotonic() + self._limits.seconds + 1)
            if wanted is None and len(buffer) >= 8:
                wanted = 8 + int.from_bytes(buffer[:8], "big")
                if wanted > largest:
                    raise too_much(self._limits)
        return bytes(buffer[8:wanted])

    def _autopsy(self) -> UnreadableDocument:
        """Return what a worker that went away died of."""
        try:
            code: int | None = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        self.kill()
        if code == -signal.SIGXCPU:
            return _timeout(self._limits)
        if code == -signal.SIGKILL and self._peak > self._limits.memory_bytes // 2:
            # Not by us: the kernel, when the machine's memory runs out.
            return _memory(self._limits)
        return UnreadableDocument("unreadable_crash")

    def kill(self) -> None:
        """End the process and all that it started; safe to call twice and from any thread."""
        with self._kill_lock:
            if self.dead:
                return
            self.dead = True
            # The group outlives its leader while a converter that it started runs.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()

    def release(self) -> None:
        """Kill it and close its pipes; once, by the thread that holds it."""
        self.kill()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        os.close(self._answers)
        self._scratch.release()


def _environment(scratch: str) -> dict[str, str]:
    """Return a worker's environment: without our settings and whatever looks like a secret."""
    kept = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    return {**kept, "TMPDIR": scratch}


# A worker that answered one of these is in no state to read the next file.
_FATAL = frozenset({"unreadable_memory", "unreadable_crash", "unreadable_timeout"})


def _timeout(limits: Limits) -> UnreadableDocument:
    return UnreadableDocument("unreadable_timeout", seconds=f"{limits.seconds:g}")


def _memory(limits: Limits) -> UnreadableDocument:
    return UnreadableDocument("unreadable_memory", megabytes=limits.memory_bytes // MEGABYTE)


def _resident_bytes(pid: int) -> int:
    """Return a process's resident memory, 0 where the system doesn't tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


# The worker's side.


def serve(reader: str, limits_json: str, answers: int) -> None:
    """Run as a worker: read a path a line from standard input, answer a frame on ``answers``.

    Never returns while standard input is open.
    """
    limits = Limits(**json.loads(limits_json))
    _confine(limits)

    def alive() -> None:
        _allow_seconds(limits.seconds)
        os.write(answers, bytes(8))

    global _still_working
    _still_working = alive
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    module, _, function = reader.partition(":")
    read = cast("Callable[..., Reading]", getattr(importlib.import_module(module), function))
    while True:
        request = json.loads(requests.get())
        _allow_seconds(limits.seconds)
        frame = _answer(read, request, limits)
        view = memoryview(len(frame).to_bytes(8, "big") + frame)
        while view:
            view = view[os.write(answers, view) :]


def _nobody_listens() -> None:
    """Do nothing: outside a worker there is no parent to tell."""


_still_working = _nobody_listens


def still_working() -> None:
    """Tell the parent that a long job goes on, such as recognising the pages of a scan.

    From here on the reader has the whole time of ``Limits.seconds`` again, up to fifteen times
    in all. Does nothing outside a worker.
    """
    _still_working()


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    # The end of standard input is the end of the parent, whatever the main thread is doing.
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _answer(read: Callable[..., Reading], request: dict[str, str], limits: Limits) -> bytes:
    code, params = "unreadable_crash", {}
    try:
        frame = encode(read(Path(request["path"]), name=request["name"], limits=limits))
        if len(frame) + 8 <= frame_limit(limits):
            return frame
        raise too_much(limits)
    except UnreadableDocument as error:
        code, params = error.code, error.params
    except KnowledgeBaseError:
        code = "unreadable_unknown"
    except MemoryError:
        code, params = "unreadable_memory", _memory(limits).params
    except RecursionError:
        code = "unreadable_bomb"
    except BaseException as error:
        # Nobody foresaw it: a reader's defect, or a library's. The process may be unsound.
        if _out_of_memory(error):
            code, params = "unreadable_memory", _memory(limits).params
        else:
            params = {"detail": f"{type(error).__name__}: {error}"[:300]}
    return json.dumps({"error": code, "params": params}).encode("ascii")


def _out_of_memory(error: BaseException | None) -> bool:
    depth = 0
    while error is not None and depth < 10:
        if isinstance(error, MemoryError) or "emory alloc" in str(error):
            return True
        error, depth = error.__cause__ or error.__context__, depth + 1
    return False


def _confine(limits: Limits) -> None:
    """Give up what a reader doesn't need: memory, descriptors, core dumps, sockets, priority."""
    import resource

    def bound(kind: int, value: int) -> None:
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        # Some systems refuse some limits (macOS has no RLIMIT_AS); the parent watches too.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, hard))

    bound(resource.RLIMIT_AS, limits.memory_bytes)
    bound(resource.RLIMIT_FSIZE, _LARGEST_FILE)
    bound(resource.RLIMIT_NOFILE, _OPEN_FILES)
    bound(resource.RLIMIT_CORE, 0)
    os.nice(5)
    if sys.platform == "linux":
        pr_set_pdeathsig, pr_set_no_new_privs = 1, 38
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        libc.prctl(pr_set_no_new_privs, 1, 0, 0, 0)
    sys.addaudithook(_refuse_network)


def _refuse_network(event: str, _arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        raise PermissionError("a reader has no business on the network")


def _allow_seconds(seconds: float) -> None:
    """Let the process use ``seconds`` of processor time from now on."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 2
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
