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

SPAWN, REAP = 1, 2
"""Requests: fork a worker for the two descriptors that come along; forget a worker that was killed."""
MESSAGE = struct.Struct("<iq")
"""A request (`SPAWN` and whether the worker stands back from the start, or `REAP` and its process id), and the answer
to `SPAWN` (its number, the process id)."""
_REAP_EVERY_S = 0.02


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
    gc.collect()
    gc.freeze()
    control.sendall(MESSAGE.pack(0, os.getpid()))
    workers = _Nursery(control, settings["limits"], language, serve)
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
    """The forked workers, until they are reaped."""

    def __init__(self, control: socket.socket, limits: dict[str, float], language: Any, serve: Any) -> None:
        self._control = control
        self._limits = limits
        self._language = language
        self._serve = serve
        self._alive: set[int] = set()
        self._doomed: set[int] = set()

    def loop(self) -> None:
        while True:
            # A process keeps its id until it is reaped, and it is reaped only when the parent is done with it: so the
            # parent never signals a stranger.
            select.select([self._control], [], [], _REAP_EVERY_S if self._doomed else None)
            self._doomed = {pid for pid in self._doomed if os.waitpid(pid, os.WNOHANG)[0] == 0}
            try:
                data, descriptors, _, _ = socket.recv_fds(self._control, MESSAGE.size, 2, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            if len(data) < MESSAGE.size:
                return
            what, number = MESSAGE.unpack(data)
            if what == REAP:
                self._alive.discard(number)
                self._doomed.add(number)
            else:
                self._control.sendall(MESSAGE.pack(SPAWN, self._fork(*descriptors, nice=bool(number))))

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
            self._control.close()
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
        for pid in (
            self._alive | self._doomed
        ):  # orphans would be zombies where the first process of a container reaps none
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
