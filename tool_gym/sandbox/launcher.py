"""The parent's hands on its processes: starts the zygote, asks it for workers, ends them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tool_gym.errors import SandboxError
from tool_gym.sandbox.wire import REQUEST_HEADER
from tool_gym.sandbox.worker import NICE_AFTER_S
from tool_gym.sandbox.zygote import MESSAGE, REAP, SPAWN

START_TIME_LIMIT_S = 30.0
"""Seconds that a zygote or a worker may take to start, on however slow a machine."""
TICK_S = 0.02
"""Seconds between two looks at how far a worker is."""
_TICK = struct.pack("@ll", 0, round(TICK_S * 1e6))
CPU_LIMIT_S = 600
"""Processor seconds after which the kernel ends a worker: it bounds what outlives a stopped parent."""
_MAX_GREETING = 65536
_PAGE_BYTES = 4096
_PROGRESS_BYTES = 16


@dataclass(frozen=True)
class Limits:
    """What a worker may use.

    Attributes:
        call_time_limit_s: Wall seconds of one call.
        memory_limit_mb: Address space in MiB, the interpreter's own 40 included.
    """

    call_time_limit_s: float = 1.0
    memory_limit_mb: int = 256


class Language(NamedTuple):
    """The class that runs tools in a worker, by module and name."""

    module: str
    name: str


DIALECT = Language("tool_gym.sandbox.runtime", "Runtime")


@dataclass(eq=False, slots=True)
class Worker:
    """A sealed process, as its parent knows it.

    Attributes:
        pid: Its process id, which stays its own until it is reaped.
        domain: The one trust domain whose tools it runs.
        zygote: The process it was forked from.
        connection: Stream to it; reading waits for `TICK_S` at most.
        page: File of two 64-bit numbers that it writes: calls begun, and 1 if it ran out of memory.
        missing: For each kernel layer None, or why it is not in force.
        known: Digests of sources and tables that it has.
        known_bytes: Their size.
        begun: Calls sent to it so far.
        busy_s: Wall seconds that it has worked.
        nice: Whether it has stepped back behind other processes.
        clean_calls: Quick calls in a row since it stepped back.
    """

    pid: int
    domain: str
    zygote: subprocess.Popen[bytes]
    connection: socket.socket
    page: int
    missing: dict[str, str | None]
    known: set[str] = field(default_factory=set)
    known_bytes: int = 0
    begun: int = 0
    busy_s: float = 0.0
    nice: bool = False
    clean_calls: int = 0

    def wait_to_write(self, milliseconds: int) -> bool:
        """Waits until the connection can be written to; whether it can."""
        poller = select.poll()
        poller.register(self.connection, select.POLLOUT)
        return bool(poller.poll(milliseconds))

    def progress(self) -> tuple[int, bool]:
        """Calls begun so far, and whether memory ran out: what the process says, which may be a lie."""
        # Read from the file, never mapped: a worker that could cut the file short would kill a parent that maps it.
        data = os.pread(self.page, _PROGRESS_BYTES, 0).ljust(_PROGRESS_BYTES, b"\0")
        return int.from_bytes(data[:8], "little"), bool(data[8])

    def learn(self, digest: str, size: int) -> None:
        """Notes that the process has a source or table of so many bytes."""
        self.known.add(digest)
        self.known_bytes += size

    def note(self, seconds: float) -> None:
        """Keeps account of a call that took so long."""
        if seconds > NICE_AFTER_S:
            self.nice, self.clean_calls = True, 0
        else:
            self.clean_calls += 1

    def close(self) -> None:
        """Lets go of the descriptors; the process is not touched."""
        self.connection.close()
        if self.page >= 0:
            os.close(self.page)
            self.page = -1


class Launcher:
    """Starts workers through a zygote, and starts the zygote anew should it die. Safe to use from several threads."""

    def __init__(self, limits: Limits, language: Language = DIALECT) -> None:
        self._limits = limits
        self._language = language
        self._lock = threading.Lock()
        self._zygote: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def spawn(self, domain: str) -> Worker:
        """Starts a worker for a trust domain.

        Raises:
            SandboxError: If no process starts; the text holds what it said.
        """
        with self._lock:
            try:
                worker = self._fork(domain)
            except (OSError, EOFError):  # the zygote is gone: one more try, with a new one
                self._stop()
                try:
                    worker = self._fork(domain)
                except (OSError, EOFError) as error:
                    raise SandboxError(f"no worker process starts: {error or 'the zygote ended'}") from error
        try:
            worker.missing = _read_greeting(worker.connection)
        except (OSError, EOFError, ValueError) as error:
            self.end(worker)
            raise SandboxError(
                f"a worker process ended while it was being sealed ({error or 'no greeting'}); "
                f"memory_limit_mb={self._limits.memory_limit_mb} may be too little, expected at least 64"
            ) from error
        # The kernel keeps the time of a read: that saves asking for readiness before each.
        worker.connection.settimeout(None)
        worker.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TICK)
        return worker

    def end(self, worker: Worker) -> None:
        """Kills a worker and has it reaped; does nothing if it is gone."""
        worker.close()
        with self._lock, contextlib.suppress(OSError):
            # The children of a zygote that died are dead, and their ids may be somebody else's.
            if self._control is not None and worker.zygote is self._zygote and worker.zygote.poll() is None:
                os.kill(worker.pid, signal.SIGKILL)
                self._control.sendall(MESSAGE.pack(REAP, worker.pid))

    def close(self) -> None:
        """Ends the zygote, and so all workers. Idempotent."""
        with self._lock:
            self._stop()

    def abandon(self) -> None:
        """Forgets all processes without touching them: they are the parent's, and this is its fork."""
        if self._control is not None:
            self._control.close()
        if self._zygote is not None:
            self._zygote.returncode = 0  # it is not this process's child, so there is nothing to wait for
        self._control = self._zygote = None

    def _fork(self, domain: str) -> Worker:
        zygote, control = self._running()
        ours, theirs = socket.socketpair()
        page = _shared_page()
        try:
            with theirs:
                socket.send_fds(control, [MESSAGE.pack(SPAWN, 0)], [theirs.fileno(), page])
                pid = _read_message(control)
            ours.settimeout(START_TIME_LIMIT_S)
        except BaseException:
            ours.close()
            os.close(page)
            raise
        return Worker(pid, domain, zygote, ours, page, {})

    def _running(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """The zygote and the control socket, started if need be."""
        if self._zygote is not None and self._control is not None:
            return self._zygote, self._control
        ours, theirs = socket.socketpair()
        ours.settimeout(START_TIME_LIMIT_S)
        with theirs, tempfile.TemporaryFile() as complaints:
            self._control = ours
            self._zygote = subprocess.Popen(
                [sys.executable, "-S", "-s", "-P", "-B", str(Path(__file__).with_name("zygote.py")), self._settings()],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=complaints.fileno(),
                env=_environment(),
                cwd="/",
                start_new_session=True,
            )
            theirs.close()
            try:
                _read_message(ours)
            except (OSError, EOFError) as error:
                self._stop()
                complaints.seek(0)
                said = complaints.read()[-2000:].decode(errors="replace").strip()
                raise SandboxError(f"the sandbox's process {sys.executable} does not start: {said or error}") from error
        return self._zygote, ours

    def _settings(self) -> str:
        folder = Path(__file__).parent.parent
        limits = {
            "call_time_limit_s": self._limits.call_time_limit_s,
            "memory_limit_mb": self._limits.memory_limit_mb,
            "cpu_limit_s": CPU_LIMIT_S,
        }
        path = sorted(set(_homes("orjson", "RestrictedPython")))
        return json.dumps({"package": str(folder), "path": path, "limits": limits, "language": self._language})

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._zygote is not None:
            try:
                self._zygote.wait(2.0)
            except subprocess.TimeoutExpired:
                self._zygote.kill()
                self._zygote.wait()
        self._control = self._zygote = None


def _environment() -> dict[str, str]:
    """Nothing of the trainer's, except what an interpreter outside the usual places needs to start at all."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return {"PYTHONHASHSEED": "0", "TZ": "UTC", **kept}


def _homes(*packages: str) -> Iterator[str]:
    """The folders to import packages from, wherever this process found them."""
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise SandboxError(f"{package} is not installed; the sandbox needs it: pip install {package}")
        yield str(Path(spec.origin).parent.parent)


def _shared_page() -> int:
    """Descriptor of a page of zeros that two processes can share."""
    if hasattr(os, "memfd_create"):
        page = os.memfd_create("progress")
    else:
        with tempfile.TemporaryFile() as file:
            page = os.dup(file.fileno())
    os.ftruncate(page, _PAGE_BYTES)
    return page


def _read_message(control: socket.socket) -> int:
    data = _read_exactly(control, MESSAGE.size)
    return int(MESSAGE.unpack(data)[1])


def _read_greeting(connection: socket.socket) -> dict[str, str | None]:
    (length,) = REQUEST_HEADER.unpack(_read_exactly(connection, REQUEST_HEADER.size))
    if length > _MAX_GREETING:
        raise ValueError("a greeting that is too long")
    missing = json.loads(_read_exactly(connection, length))
    return {str(layer): reason for layer, reason in missing.items()}


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data
