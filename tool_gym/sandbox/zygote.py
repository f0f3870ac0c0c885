"""The process that workers are forked from: started afresh, with an empty environment, as a script.

Forking the trainer would hand its threads, its GPU and its secrets to strangers' code; starting Python anew for each
worker would take a hundred times as long. So this process imports once what workers need, and forks on request.
It never runs a tool. It ends, and its workers with it, when its parent closes the control socket.

Usage: python -S -s -P -B zygote.py '<settings as JSON>' with the control socket as standard input.
"""

from __future__ import annotations

import codecs
import contextlib
import encodings.aliases
import gc
import importlib
import json
import mmap
import os
import select
import signal
import socket
import struct
import sys
import types
from typing import Any, NoReturn

SPAWN, KILL = 1, 2
"""Requests: fork a worker for the two descriptors that come along; kill a worker."""
MESSAGE = struct.Struct("<iq")
"""A request (`SPAWN` and whether the worker stands back from the start, or `KILL` and its process id), and the answer
to `SPAWN` (its number, the process id)."""


def main() -> None:
    """Imports, says so, and serves the control socket."""
    settings = json.loads(sys.argv[1])
    control = socket.socket(fileno=os.dup(0))
    language, serve = _load(settings)
    # Ctrl-C in a terminal is for the trainer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(silence, standard)
    workers = _Nursery(control, settings["limits"], language, serve)
    gc.collect()
    gc.freeze()
    control.sendall(MESSAGE.pack(0, os.getpid()))
    try:
        workers.loop()
    finally:
        workers.kill_all()


def _load(settings: dict[str, Any]) -> tuple[Any, Any]:
    """Imports what workers need, without running `tool_gym/__init__.py` and the heavy packages behind it.

    That includes all text encodings: Python finds them when they are first used, and a sealed worker finds no file.
    """
    package = types.ModuleType("tool_gym")
    package.__path__ = [settings["package"]]
    sys.modules["tool_gym"] = package
    sys.path.extend(settings["path"])
    for name in sorted(set(encodings.aliases.aliases.values())):
        with contextlib.suppress(LookupError, ImportError):  # some are for other platforms
            codecs.lookup(name)
    module, name = settings["language"]
    language = getattr(importlib.import_module(module), name)(call_time_limit_s=settings["limits"]["call_time_limit_s"])
    return language, importlib.import_module("tool_gym.sandbox.worker").serve


class _Nursery:
    """The forked workers that live. Nobody else kills one, so that no signal ever meets a stranger of the same id."""

    def __init__(self, control: socket.socket, limits: dict[str, float], language: Any, serve: Any) -> None:
        self._control = control
        self._limits = limits
        self._language = language
        self._serve = serve
        self._alive: set[int] = set()
        self._deaths, self._wakeup = socket.socketpair()
        self._wakeup.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)

    def loop(self) -> None:
        while True:
            ready, _, _ = select.select([self._control, self._deaths], [], [])
            if self._deaths in ready:
                self._reap()
            if self._control in ready and not self._serve_request():
                return

    def _serve_request(self) -> bool:
        """Does what the parent asks for; False when it has hung up."""
        data, descriptors, _, _ = socket.recv_fds(self._control, MESSAGE.size, 2)
        if len(data) < MESSAGE.size:
            return False
        what, number = MESSAGE.unpack(data)
        if what == SPAWN:
            self._control.sendall(MESSAGE.pack(SPAWN, self._fork(*descriptors, nice=bool(number))))
        elif number in self._alive:
            os.kill(number, signal.SIGKILL)
        return True

    def _reap(self) -> None:
        """Forgets the workers that have died, however they came to it."""
        self._deaths.recv(4096)
        self._alive = {pid for pid in self._alive if os.waitpid(pid, os.WNOHANG)[0] == 0}

    def _fork(self, connection: int, page: int, *, nice: bool) -> int:
        pid = os.fork()
        if pid == 0:
            self._become_worker(connection, page, nice)
        os.close(connection)
        os.close(page)
        self._alive.add(pid)
        return pid

    def _become_worker(self, connection: int, page: int, nice: bool) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for zygotes in (self._control, self._deaths, self._wakeup):
                zygotes.close()
            shared = mmap.mmap(page, mmap.PAGESIZE)
            os.close(page)
            os.closerange(3, connection)
            os.closerange(connection + 1, 4096)
            self._serve(socket.socket(fileno=connection), shared, self._language, self._limits, nice)
        finally:
            # Whatever a tool registered to happen at exit does not happen.
            os._exit(0)

    def kill_all(self) -> None:
        for pid in self._alive:
            os.kill(pid, signal.SIGKILL)
        for pid in self._alive:  # orphans would be zombies where the first process of a container reaps none
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
