"""One message to one worker, and its replies: what is still open, who holds it up, and what became of each call."""

from __future__ import annotations

import socket
from collections.abc import Container, Sequence

from tool_gym.sandbox.handle import Worker
from tool_gym.sandbox.runtime import COMPILE_LIMIT_S
from tool_gym.sandbox.wire import READ_BYTES, BadReply, Job, Reply, Source, Table, pack_request, read_replies
from tool_gym.sandbox.work import Work

GRACE_S = 0.25
"""Seconds past its limit after which a call that does not answer to the worker's own clock is killed."""
PATIENCE = 10
"""Times a call's limit that it may take on the wall, where a busy machine lets its worker compute now and then."""
READY_S = 30.0
"""Wall seconds that a worker may take to read a message before it begins the first call."""
_MOVED_S = 0.001


class Lost(Exception):
    """A worker is of no more use.

    Attributes:
        verdict: What becomes of the call that it was in, None if it was in none.
    """

    def __init__(self, verdict: Reply | None) -> None:
        super().__init__(verdict)
        self.verdict = verdict


class Exchange:
    """Sends the open calls of some works to a worker, and hands each reply to its work.

    Args:
        worker: The worker; idle, and of the works' domain.
        works: At least one, with open calls.
        call_time_limit_s: Processor seconds of one call.
        cpu: Processor for the worker to run on, -1 for any.
        now: The time, as `perf_counter` has it.
        most: Calls of each work to send at most, None for all.

    Raises:
        PackError: If a tool's table is missing.
    """

    def __init__(
        self,
        worker: Worker,
        works: Sequence[Work],
        call_time_limit_s: float,
        cpu: int,
        now: float,
        most: int | None = None,
    ) -> None:
        self.worker = worker
        self.begun_at = self._progress_at = self._moved_at = now
        self._used_s = self._used_before_s = 0.0
        self._limit_s = call_time_limit_s
        self._calls: list[Work] = []
        self._done = 0
        self._first = self._progress = worker.begun
        self._in = b""
        tables: list[Table] = []
        sources: list[Source] = []
        jobs: list[Job] = []
        for work in works:
            for source in work.sources:
                if source[0] not in worker.known:
                    sources.append(source)
                    tables += self._new_tables(work, source)
                    worker.learn(source[0], len(source[2]))
            job = work.job(most)
            jobs.append(job)
            self._calls += [work] * len(job[0])
        self._loading = _first_uses(sources, jobs) if sources else ()
        self._out = pack_request((cpu, tables, sources, jobs))
        worker.begun += len(self._calls)

    def _new_tables(self, work: Work, source: Source) -> list[Table]:
        tables = []
        for sha256 in source[3].values():
            if sha256 not in self.worker.known:
                tables.append((sha256, work.table(sha256)))
                self.worker.learn(sha256, len(tables[-1][1]))
        return tables

    @property
    def sending(self) -> bool:
        """Whether part of the message is still to be sent."""
        return self._out != b""

    def advance(self) -> bool:
        """Sends or receives what can be at once; True when all replies are in.

        Raises:
            Lost: If the worker died, or lies.
        """
        if self._out:
            self.send()
            return False
        return self.receive()

    def send(self) -> None:
        """Sends what the worker takes now.

        Raises:
            Lost: If it takes nothing any more.
        """
        try:
            while self._out:
                self._out = self._out[self.worker.connection.send(self._out, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            pass
        except OSError:
            raise self._death() from None

    def receive(self) -> bool:
        """Reads the replies that are there, waiting a tick for some; True when all are in.

        Raises:
            Lost: If the worker died, or lies.
        """
        try:
            data = self.worker.connection.recv(READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            raise self._death()
        try:
            replies, self._in = read_replies(self._in + data, len(self._calls) - self._done)
            for reply in replies:
                self._calls[self._done].accept(reply)
                self.worker.note(reply)
                self._done += 1
        except BadReply as lie:
            self._look()
            raise Lost(_verdict("crashed", f"the tool's process broke its protocol: {lie}")) from None
        return self._done == len(self._calls)

    def check_clock(self, now: float) -> None:
        """Sees to it that the worker gets on.

        Raises:
            Lost: If its current call is past its limit.
        """
        before = self._progress
        self._look()
        self._note_use(now, fresh=self._progress != before)
        late_s = now - self._progress_at
        if self._progress == self._first and late_s > READY_S:
            raise Lost(None)
        current = self._current()
        budget_s = max(self._calls[current].budget_s, 0.0)
        limit_s = self._limit_s + (COMPILE_LIMIT_S if current in self._loading else 0.0)
        computed_s, waited_s = self._used_s - self._used_before_s, now - self._moved_at
        allowed_s = (limit_s, 3 * limit_s, PATIENCE * limit_s)
        over = any(s > most + GRACE_S for s, most in zip((computed_s, waited_s, late_s), allowed_s, strict=True))
        if late_s > budget_s + GRACE_S or (over and self._progress > self._first):
            least_s = min(limit_s, budget_s)
            raise Lost(_verdict("timeout", f"the call took longer than {least_s:.3g} s and was stopped", late_s))

    def _note_use(self, now: float, fresh: bool) -> None:
        """Reads how much the worker has computed, in all and before its current call, and when that last grew."""
        used_s = self.worker.processor_s()
        if used_s is None:  # then wall time has to serve
            used_s = now
        if fresh:
            self._progress_at, self._used_before_s = now, used_s
        if fresh or used_s > self._used_s + _MOVED_S:
            self._moved_at, self._used_s = now, used_s

    def blame(self, verdict: Reply) -> None:
        """Gives the call that the worker was in its verdict; calls that sent no reply before it stay open."""
        current = self._current()
        work = self._calls[current]
        work.condemn(len(work.results) + self._calls[self._done : current].count(work), verdict)

    def _look(self) -> bool:
        """Reads how many calls have begun, and returns whether memory ran out; what cannot be is not believed."""
        progress, out_of_memory = self.worker.progress()
        if self._progress < progress <= self.worker.begun:
            self._progress = progress
        return out_of_memory

    def _current(self) -> int:
        """Place of the call that the worker says it is in; never one that is answered."""
        return min(max(self._progress - self._first - 1, self._done), len(self._calls) - 1)

    def _death(self) -> Lost:
        out_of_memory = self._look()
        if self._progress == self._first + self._done:  # between two calls, or before the first
            return Lost(None)
        if out_of_memory:
            return Lost(_verdict("limit", "the call used more memory than it may"))
        return Lost(_verdict("crashed", "the tool's process died during the call"))


def _first_uses(sources: Sequence[Source], jobs: Sequence[Job]) -> Container[int]:
    """Places of the calls for which the worker compiles one of these sources first."""
    new = {source[0] for source in sources}
    places = set()
    for place, call in enumerate(call for job in jobs for call in job[0]):
        if call[0] in new:
            new.remove(call[0])
            places.add(place)
    return places


def _verdict(status: str, reason: str, seconds: float = 0.0) -> Reply:
    return Reply(status, reason.encode(), False, None, seconds)
