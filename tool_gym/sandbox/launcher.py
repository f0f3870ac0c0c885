"""The parent's hands on its processes: starts the zygote, asks it for workers, ends them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from tool_gym.errors import SandboxError
from tool_gym.sandbox.handle import CPU_LIMIT_S, DIALECT, TICK_S, Language, Limits, Worker
from tool_gym.sandbox.wire import REQUEST_HEADER
from tool_gym.sandbox.zygote import KILL, MESSAGE, SPAWN

START_TIME_LIMIT_S = 30.0
"""Seconds that a zygote or a worker may take to start, on however slow a machine."""
_TICK = struct.pack("@ll", 0, round(TICK_S * 1e6))
_MAX_GREETING = 65536
_PAGE_BYTES = 4096


class Launcher:
    """Starts workers through a zygote, and starts the zygote anew should it die. Safe to use from several threads."""

    def __init__(self, limits: Limits, language: Language = DIALECT) -> None:
        self._limits = limits
        self._language = language
        self._lock = threading.Lock()
        self._zygote: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._closed = False

    def spawn(self, domain: str, *, nice: bool = False) -> Worker:
        """Starts a worker for a trust domain.

        Args:
            domain: Trust domain.
            nice: Whether the worker stands back behind other processes from the start.

        Raises:
            SandboxError: If no process starts; the text holds what it said.
        """
        try:
            return self._start_worker(domain, nice)
        except (OSError, EOFError, ValueError):  # a zygote that dies takes its workers along: one more try
            pass
        try:
            return self._start_worker(domain, nice)
        except (OSError, EOFError, ValueError) as error:
            raise SandboxError(
                f"a worker process ended while it was being sealed ({error or 'no greeting'}); "
                f"memory_limit_mb={self._limits.memory_limit_mb} may be too little, expected at least 64"
            ) from error

    def _start_worker(self, domain: str, nice: bool) -> Worker:
        with self._lock:
            try:
                worker = self._fork(domain, nice)
            except (OSError, EOFError):  # the zygote is gone; the next one starts when it is needed
                self._stop()
                raise
        try:
            worker.missing = _read_greeting(worker.connection)
            # The kernel keeps the time of a read: that saves asking for readiness before each.
            worker.connection.settimeout(None)
            worker.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TICK)
        except BaseException:
            self.end(worker)
            raise
        return worker

    def end(self, worker: Worker) -> None:
        """Has a worker killed, without waiting for its end; does nothing if it is gone."""
        worker.close()
        # A zygote that cannot be asked is dead, and its workers with it.
        with self._lock, contextlib.suppress(OSError):
            if self._control is not None and worker.zygote is self._zygote:
                self._control.sendall(MESSAGE.pack(KILL, worker.pid))

    def close(self) -> None:
        """Ends the zygote, and so all workers; none start any more. Idempotent."""
        with self._lock:
            self._closed = True
            self._stop()

    def abandon(self) -> None:
        """Forgets all processes without touching them: they are the parent's, and this is its fork."""
        if self._control is not None:
            self._control.close()
        if self._zygote is not None:
            self._zygote.returncode = 0  # it is not this process's child, so there is nothing to wait for
        self._control = self._zygote = None

    def _fork(self, domain: str, nice: bool) -> Worker:
        zygote, control = self._running()
        ours, theirs = socket.socketpair()
        page = _shared_page()
        try:
            with theirs:
                socket.send_fds(control, [MESSAGE.pack(SPAWN, nice)], [theirs.fileno(), page])
                pid = _read_message(control)
            ours.settimeout(START_TIME_LIMIT_S)
        except BaseException:
            ours.close()
            os.close(page)
            raise
        return Worker(pid, domain, zygote, ours, page, {}, nice=nice)

    def _running(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """The zygote and the control socket, started if need be."""
        if self._zygote is not None and self._control is not None:
            return self._zygote, self._control
        if self._closed:
            raise SandboxError("this executor is closed; make a new one")
        ours, theirs = socket.socketpair()
        ours.settimeout(START_TIME_LIMIT_S)
        with theirs, tempfile.TemporaryFile() as complaints:
            self._control = ours
            self._zygote = subprocess.Popen(
                [sys.executable, "-S", "-s", "-P", "-B", str(Path(__file__).with_name("zygote.py")), self._settings()],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=complaints.fileno(),
                env=_environment(self._limits.hash_seed),
                cwd="/",
                # Keys pressed in a terminal are for the trainer. Not a session of its own: Linux shares processors out
                # among sessions first, so that a busy worker would stand beside the trainer however nice it is.
                process_group=0,
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


def _environment(hash_seed: int) -> dict[str, str]:
    """Nothing of the trainer's, except what an interpreter outside the usual places needs to start at all."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return {"PYTHONHASHSEED": str(hash_seed), "TZ": "UTC", **kept}


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
