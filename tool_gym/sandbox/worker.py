"""The sealed process: reads requests, runs tools, writes replies, and knows nothing else.

It trusts the bytes that its parent sends and nothing that a tool makes. It counts the calls it begins in a page shared
with the parent, so that the parent knows which one hangs, or killed it.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import signal
import socket
from time import perf_counter
from types import FrameType

from tool_gym.sandbox.lockdown import seal
from tool_gym.sandbox.turn import Language, Turn
from tool_gym.sandbox.wire import READ_BYTES, REQUEST_HEADER, Reply, Request, pack_reply, unpack_request

TICK_S = 0.025
"""Processor seconds between two looks at the clock while a tool runs."""
NICE_AFTER_S = 0.05
"""A worker whose call computes for so long steps back behind all other processes, for the rest of its life."""
NICE = 19
_FLUSH_BYTES = 32768
_FLUSH_S = 0.01
_OUT_OF_MEMORY = 1
"""Second number of the shared page: memory ran out where no tool could be told."""


def serve(connection: socket.socket, page: mmap.mmap, language: Language, limits: dict[str, float], nice: bool) -> None:
    """Seals this process and answers requests until the parent hangs up.

    Args:
        connection: Stream to the parent; the only open descriptor beside the standard ones.
        page: Shared with the parent: calls begun so far, and why the process ended, two 64-bit numbers.
        language: Runs the tools.
        limits: `memory_limit_mb`, `cpu_limit_s`, `call_time_limit_s`.
        nice: Whether to stand behind other processes from the start.
    """
    counters = memoryview(page).cast("Q")
    everywhere = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    server = _Server(connection, counters, language, limits["call_time_limit_s"], everywhere)
    missing = seal(int(limits["memory_limit_mb"]), int(limits["cpu_limit_s"]))
    if nice:  # not before: others wait for it to start
        server.step_back()
    greeting = json.dumps(missing).encode()
    connection.sendall(REQUEST_HEADER.pack(len(greeting)) + greeting)
    try:
        server.loop()
    except MemoryError:
        counters[1] = _OUT_OF_MEMORY


def is_greedy(reply: Reply) -> bool:
    """Whether a call spent all its steps, time or memory: a worker that does so again and again slows all others."""
    return reply.status == "timeout" or (reply.status == "limit" and not reply.deterministic)


class _Server:
    def __init__(
        self, connection: socket.socket, counters: memoryview, language: Language, limit_s: float, cpus: set[int]
    ) -> None:
        self._connection = connection
        self._counters = counters
        self._language = language
        self._limit_s = limit_s
        self._everywhere = cpus
        self._cpu = -1
        self._call = self._ticks = 0
        self._nice = False
        # Counting processor time, the timer is silent while the worker waits, and a tool cannot wait.
        signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, TICK_S, TICK_S)

    def loop(self) -> None:
        received = b""
        while True:
            while len(received) < REQUEST_HEADER.size:
                data = self._connection.recv(READ_BYTES)
                if not data:
                    return
                received += data
            (length,) = REQUEST_HEADER.unpack_from(received)
            body = received[REQUEST_HEADER.size :]
            if len(body) < length:
                body = self._rest(body, length)
            self._answer(unpack_request(body))
            received = b""

    def _rest(self, start: bytes, length: int) -> bytes:
        body = bytearray(start)
        while len(body) < length:
            data = self._connection.recv(READ_BYTES)
            if not data:
                raise SystemExit
            body += data
        return bytes(body)

    def _answer(self, request: Request) -> None:
        cpu, tables, sources, jobs = request
        if cpu != self._cpu and not self._nice:
            self._move(cpu)
        for table in tables:
            self._language.add_table(*table)
        for source in sources:
            self._language.add_source(*source)
        out: list[bytes] = []
        size, sent = 0, perf_counter()
        for job in jobs:
            turn = Turn(self._language, job, self._limit_s)
            for call in job[0]:
                self._counters[0] += 1
                # Replies wait for company, but never long behind a call that may hang.
                if size and (size > _FLUSH_BYTES or perf_counter() - sent > _FLUSH_S):
                    self._connection.sendall(b"".join(out))
                    out.clear()
                    size, sent = 0, perf_counter()
                reply = turn.run(call)
                if is_greedy(reply):
                    self.step_back()
                packed = pack_reply(reply)
                out.append(packed)
                size += len(packed)
        self._connection.sendall(b"".join(out))

    def _move(self, cpu: int) -> None:
        """Runs where the parent waits: waking an idle processor takes longer than most calls."""
        self._cpu = cpu
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, self._everywhere if cpu < 0 else {cpu})

    def step_back(self) -> None:
        """Takes what processor time others leave, on half of the processors."""
        if self._nice:
            return
        self._nice = True
        # However rarely its turn comes, it lasts until the clock's next tick, 4 ms: so some processors stay free of it.
        self._everywhere = set(sorted(self._everywhere)[len(self._everywhere) // 2 :])
        self._move(-1)
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
        with contextlib.suppress(OSError, AttributeError):  # not Linux
            # Who is merely nice may still finish its turn of some milliseconds when another one wakes.
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    def _tick(self, number: int, frame: FrameType | None) -> None:
        if self._call != self._counters[0]:
            self._call, self._ticks = self._counters[0], 0
        self._ticks += 1
        if not self._nice and self._ticks * TICK_S >= NICE_AFTER_S:
            self.step_back()
        self._language.interrupt_if_late()
