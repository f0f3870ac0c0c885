"""Isolated execution: a stock of sealed workers, none of which ever serves two trust domains."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from tool_gym.errors import SandboxError
from tool_gym.sandbox.batch import Batch, run_alone, split
from tool_gym.sandbox.handle import CPU_LIMIT_S, DIALECT, Language, Limits, Worker
from tool_gym.sandbox.launcher import Launcher
from tool_gym.sandbox.lockdown import LAYERS
from tool_gym.sandbox.work import Work

_SPARE_WORKERS = 14
_MAX_KNOWN_BYTES = 64 << 20
_MAX_BUSY_S = CPU_LIMIT_S / 2
_FORGIVE_AFTER = 64


class Pool:
    """Workers by trust domain. Safe to use from several threads.

    Args:
        limits: What a worker may use.
        workers: Most workers of one domain, >= 1; half as many of one that misbehaves. In all, `workers` + 14 live, and
            the longest idle one makes room.
        language: What runs tools in the workers.
    """

    def __init__(self, limits: Limits, workers: int, language: Language = DIALECT) -> None:
        self._limits = limits
        self._workers = workers
        self._language = language
        self._launcher = Launcher(limits, language)
        self._lock = threading.Lock()
        """Held for a moment only: who starts or ends a process does it without, so that nobody waits for that."""
        self._changed = threading.Condition(self._lock)
        self._idle: OrderedDict[str, list[Worker]] = OrderedDict()
        self._alive: dict[str, int] = {}
        self._suspects: set[str] = set()
        self._found: dict[str, str | None] | None = None
        self._waiting = 0
        self._closed = False

    def run(self, works: Sequence[Work]) -> None:
        """Runs all calls of all works; what tools do wrong is in the replies.

        Raises:
            SandboxError: If no worker can be had.
            PackError: If a tool's table is missing.
        """
        parts = split(works, self._workers) if len(works) > 1 else [works]
        limit_s = self._limits.call_time_limit_s
        if len(parts) > 1 or not run_alone(self, parts[0], limit_s):
            Batch(self, parts, limit_s).run()

    def start(self, works: Sequence[Work], wait: bool) -> Batch | None:
        """Sends works to at most half of the workers; the `run` of what is returned waits until all calls are done.

        Args:
            works: The works.
            wait: Whether to wait for a first worker. Who holds some already must not, lest two wait for each other.

        Returns:
            None if no worker is free.

        Raises:
            SandboxError: If no worker can be had.
            PackError: If a tool's table is missing.
        """
        batch = Batch(self, split(works, max(1, self._workers // 2)), self._limits.call_time_limit_s)
        return batch if batch.begin(wait) else None

    def all_layers(self, domain: str = "") -> dict[str, str | None]:
        """For each kernel layer None, or why it is not in force; starts a worker of the domain to find out."""
        if self._found is None:
            worker = self.acquire(domain)
            self._found = worker.missing
            self.release(worker)
        return self._found

    def missing_layers(self, domain: str = "") -> dict[str, str]:
        """The kernel layers that are not in force here, and why."""
        return {layer: reason for layer, reason in self.all_layers(domain).items() if reason is not None}

    @property
    def layers(self) -> tuple[str, ...]:
        """The isolation layers in force, outermost first."""
        missing = self.missing_layers()
        kernel = [layer for layer in LAYERS if layer not in missing]
        return ("process", *kernel, "dialect") if self._language is DIALECT else ("process", *kernel)

    def acquire(self, domain: str) -> Worker:
        """A worker of a domain, the caller's until it is released or discarded; waits while all are busy.

        Raises:
            SandboxError: If no process starts, or the pool is closed.
        """
        with self._lock:
            while True:
                if idle := self._idle.get(domain):
                    return idle.pop()
                if (place := self._reserve(domain)) is not None:
                    break
                self._waiting += 1
                self._changed.wait()
                self._waiting -= 1
        return self._spawn(domain, place)

    def try_acquire(self, domain: str) -> Worker | None:
        """As `acquire`, but None while all are busy."""
        with self._lock:
            if idle := self._idle.get(domain):
                return idle.pop()
            place = self._reserve(domain)
        return None if place is None else self._spawn(domain, place)

    def release(self, worker: Worker) -> None:
        """Takes an idle worker back; one that is worn is ended."""
        unwanted = worker.nice and (self._judge(worker) or self._is_surplus(worker.domain))
        if unwanted or worker.known_bytes > _MAX_KNOWN_BYTES or worker.busy_s > _MAX_BUSY_S or self._closed:
            self._end(worker)
            return
        with self._lock:
            idle = self._idle.get(worker.domain)
            if idle is None:
                idle = self._idle[worker.domain] = []
            idle.append(worker)
            self._idle.move_to_end(worker.domain)
            if self._waiting:
                self._changed.notify_all()

    def discard(self, worker: Worker) -> None:
        """Ends a worker that went wrong; those of its domain that follow stand back from the start."""
        self._suspects.add(worker.domain)
        self._end(worker)

    def close(self) -> None:
        """Ends all processes. Idempotent."""
        with self._lock:
            self._closed = True
            idle = [worker for workers in self._idle.values() for worker in workers]
            self._idle.clear()
            self._changed.notify_all()
        for worker in idle:
            self._launcher.end(worker)
        self._launcher.close()

    def abandon(self) -> None:
        """Lets go of everything, in a process that was forked from the one that owns it."""
        self._closed = True
        for workers in self._idle.values():
            for worker in workers:
                worker.close()
        self._idle.clear()
        self._launcher.abandon()

    def _reserve(self, domain: str) -> list[Worker] | None:
        """Counts in one more worker of a domain, if it may live; to be called with the lock held.

        Returns:
            None if it may not; else those to end first: the longest idle worker, if it must make room.

        Raises:
            SandboxError: If the pool is closed.
        """
        leaving: list[Worker] = []
        if self._closed:
            raise SandboxError("this executor is closed; make a new one")
        if self._alive.get(domain, 0) >= self._most(domain):
            return None
        if sum(self._alive.values()) >= self._workers + _SPARE_WORKERS:
            oldest = next((idle for idle in self._idle.values() if idle), None)
            if oldest is None:
                return None
            leaving.append(oldest.pop(0))
            self._count_out(leaving[0].domain)
        self._alive[domain] = self._alive.get(domain, 0) + 1
        return leaving

    def _spawn(self, domain: str, leaving: Sequence[Worker]) -> Worker:
        """A worker for a place that is reserved, once those that leave it have ended."""
        try:
            for worker in leaving:
                self._launcher.end(worker)
            return self._launcher.spawn(domain, nice=domain in self._suspects)
        except BaseException:
            with self._lock:
                self._count_out(domain)
            raise

    def _most(self, domain: str) -> int:
        """Workers that a domain may have: a suspect one half as many, so that it never keeps all processors busy."""
        return max(1, self._workers // 2) if domain in self._suspects else self._workers

    def _is_surplus(self, domain: str) -> bool:
        with self._lock:
            return self._alive[domain] > self._most(domain)

    def _judge(self, worker: Worker) -> bool:
        """Whether a worker that stands back has been quick for so long that its domain gets one that does not."""
        forgiven = worker.clean_calls > _FORGIVE_AFTER
        if forgiven:
            self._suspects.discard(worker.domain)
        else:
            self._suspects.add(worker.domain)
        return forgiven

    def _end(self, worker: Worker) -> None:
        self._launcher.end(worker)
        with self._lock:
            self._count_out(worker.domain)

    def _count_out(self, domain: str) -> None:
        """Counts a worker of a domain out; to be called with the lock held."""
        self._alive[domain] -= 1
        if not self._alive[domain]:
            del self._alive[domain]
            self._idle.pop(domain, None)
        self._changed.notify_all()
