"""One batch of calls over the workers of a pool: splits it, drives the exchanges, reruns what a lost worker left."""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from tool_gym.sandbox.exchange import Exchange, Lost
from tool_gym.sandbox.handle import TICK_S, Worker
from tool_gym.sandbox.processor import Stay, current_cpu
from tool_gym.sandbox.wire import Reply
from tool_gym.sandbox.work import Work

CALLS_PER_WORKER = 8
"""Fewer calls than this are not worth waking one more worker for."""
_MAX_DEATHS = 2
_STAYS = 1000
"""Round trips for which a caller stays on its processor, after one that moved it."""
_TICK_MS = round(TICK_S * 1000)


class Stock(Protocol):
    """Where workers come from: a pool."""

    def acquire(self, domain: str) -> Worker:
        """An idle worker of a domain; waits for one."""

    def try_acquire(self, domain: str) -> Worker | None:
        """An idle worker of a domain, or None if all are busy."""

    def release(self, worker: Worker) -> None:
        """Takes an idle worker back."""

    def discard(self, worker: Worker) -> None:
        """Ends a worker that went wrong."""


def run_alone(stock: Stock, works: Sequence[Work], call_time_limit_s: float) -> bool:
    """Runs works of one domain on one worker, by the shortest way; whether all are finished.

    They are not if the worker was lost: a `Batch` sees to what is left.

    Raises:
        SandboxError: If no worker can be had.
        PackError: If a tool's table is missing.
    """
    worker = stock.acquire(works[0].domain)
    stay, cpu = Stay(), current_cpu()
    begun = checked = perf_counter()
    try:
        if worker.stays > 0:
            stay.begin(cpu)
            worker.stays -= 1
        # A lone worker answers soonest from the processor where its caller waits.
        exchange = Exchange(worker, works, call_time_limit_s, cpu, begun)
        exchange.send()
        while exchange.sending or not exchange.receive():
            if exchange.sending and worker.wait_to_write(_TICK_MS):
                exchange.send()
            now = perf_counter()
            if now - checked > TICK_S:
                checked = now
                exchange.check_clock(now)
    except Lost as loss:
        stock.discard(worker)
        if loss.verdict is not None:
            exchange.blame(loss.verdict)
        return False
    except BaseException:
        stock.discard(worker)
        raise
    finally:
        stay.end()
    if current_cpu() != cpu:
        worker.stays = _STAYS
    worker.busy_s += perf_counter() - begun
    stock.release(worker)
    return True


class _Lane:
    """Works of one domain that share a worker."""

    def __init__(self, works: Sequence[Work]) -> None:
        self._works = list(works)
        self.deaths = 0
        """Workers lost that did not say, or not truly, which call they were in."""

    def open_works(self) -> list[Work]:
        """The works to run next: all, or one where any of them may be the one that cannot be told."""
        for work in self._works:
            work.expire()
        self._works = [work for work in self._works if not work.finished]
        return self._works[:1] if self.deaths else self._works


class Batch:
    """Runs all calls of some works, one batch at a time.

    Args:
        stock: The workers.
        parts: The calls, each part for one worker, see `split`.
        call_time_limit_s: Wall seconds of one call.
    """

    def __init__(self, stock: Stock, parts: Sequence[Sequence[Work]], call_time_limit_s: float) -> None:
        self._stock = stock
        self._limit_s = call_time_limit_s
        self._waiting = deque(_Lane(part) for part in parts)
        self._active: dict[int, tuple[_Lane, Exchange]] = {}
        self._poller = select.poll()

    def begin(self, wait: bool) -> bool:
        """Sends what workers are free for, and returns whether there was one; `run` or `abandon` must follow then.

        Args:
            wait: Whether to wait for a first worker.

        Raises:
            SandboxError: If no worker can be had.
            PackError: If a tool's table is missing.
        """
        try:
            self._begin(wait)
        except BaseException:
            self.abandon()
            raise
        return bool(self._active)

    def abandon(self) -> None:
        """Ends the workers that still owe replies."""
        for _, exchange in self._active.values():
            self._stock.discard(exchange.worker)
        self._active.clear()

    def run(self, before_waiting: Callable[[], None] = lambda: None) -> None:
        """Runs until every call has its reply.

        Args:
            before_waiting: Called before it waits for a worker, of which it holds none then; lets go of those that the
                caller holds elsewhere, lest it wait for these.

        Raises:
            SandboxError: If no worker can be had.
            PackError: If a tool's table is missing.
        """
        checked = perf_counter()
        try:
            while self._waiting or self._active:
                if self._waiting:
                    self._begin(True, before_waiting)
                if not self._active:  # all done, or all lost at once
                    continue
                for descriptor, _ in self._poller.poll(_TICK_MS):
                    self._serve(descriptor)
                now = perf_counter()
                if now - checked > TICK_S:
                    checked = now
                    self._check_clocks(now)
        except BaseException:
            self.abandon()
            raise

    def _begin(self, wait: bool, before_waiting: Callable[[], None] = lambda: None) -> None:
        """Gives waiting lanes workers; waits for one only while holding none, so that no batches wait in a ring."""
        for _ in range(len(self._waiting)):
            lane = self._waiting.popleft()
            works = lane.open_works()
            if not works:
                continue
            domain = works[0].domain
            worker = self._stock.try_acquire(domain)
            if worker is None and wait and not self._active:
                before_waiting()
                worker = self._stock.acquire(domain)
            if worker is None:
                self._waiting.append(lane)
                continue
            try:
                most = 1 if lane.deaths else None
                exchange = Exchange(worker, works, self._limit_s, -1, perf_counter(), most)
            except BaseException:
                self._stock.discard(worker)
                raise
            descriptor = worker.connection.fileno()
            self._active[descriptor] = (lane, exchange)
            self._poller.register(descriptor, select.POLLOUT)
            self._serve(descriptor)

    def _serve(self, descriptor: int) -> None:
        lane, exchange = self._active[descriptor]
        try:
            if exchange.advance():
                self._finish(descriptor, lane, exchange)
            else:
                self._poller.modify(descriptor, select.POLLOUT if exchange.sending else select.POLLIN)
        except Lost as loss:
            self._lose(descriptor, lane, exchange, loss)

    def _check_clocks(self, now: float) -> None:
        for descriptor, (lane, exchange) in list(self._active.items()):
            try:
                exchange.check_clock(now)
            except Lost as loss:
                self._lose(descriptor, lane, exchange, loss)

    def _finish(self, descriptor: int, lane: _Lane, exchange: Exchange) -> None:
        self._forget(descriptor)
        exchange.worker.busy_s += perf_counter() - exchange.begun_at
        self._stock.release(exchange.worker)
        self._waiting.append(lane)  # a verdict may have held calls back

    def _lose(self, descriptor: int, lane: _Lane, exchange: Exchange, loss: Lost) -> None:
        """Ends a worker; what it owes is run again, as calls are functions of their bytes."""
        self._forget(descriptor)
        self._stock.discard(exchange.worker)
        verdict = loss.verdict
        if verdict is None:
            lane.deaths += 1
            if lane.deaths > _MAX_DEATHS:
                verdict = Reply("crashed", b"the tool's process died and did not say why", False, None, 0.0)
        if verdict is not None:
            exchange.blame(verdict)
        self._waiting.append(lane)

    def _forget(self, descriptor: int) -> None:
        self._poller.unregister(descriptor)
        del self._active[descriptor]


def split(works: Sequence[Work], workers: int) -> list[list[Work]]:
    """Divides works among workers: by domain, then into runs of about equally many calls."""
    domains: dict[str, list[Work]] = {}
    for work in works:
        domains.setdefault(work.domain, []).append(work)
    parts: list[list[Work]] = []
    for members in domains.values():
        calls = sum(len(work.calls) for work in members)
        share = calls / max(1, min(workers, calls // CALLS_PER_WORKER))
        part: list[Work] = []
        taken = 0
        for work in members:
            part.append(work)
            taken += len(work.calls)
            if taken >= share - 0.5:
                parts.append(part)
                part, taken = [], 0
        if part:
            parts.append(part)
    return parts
