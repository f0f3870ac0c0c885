"""A worker process as its parent knows it, and what it may use."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from tool_gym.sandbox.wire import Reply
from tool_gym.sandbox.worker import NICE, NICE_AFTER_S, is_greedy

TICK_S = 0.02
"""Seconds between two looks at how far a worker is."""
CPU_LIMIT_S = 600
"""Processor seconds after which the kernel ends a worker: it bounds what outlives a stopped parent."""
_PROGRESS_BYTES = 16
_PROCESS_CLOCK = 2
"""What Linux adds to a process id, turned round and shifted by 3 bits, to name the clock of its processor time."""


@dataclass(frozen=True)
class Limits:
    """What a worker may use, and the seed of its hashes.

    Attributes:
        call_time_limit_s: Processor seconds of one call.
        memory_limit_mb: Address space in MiB, the interpreter's own 40 included.
        hash_seed: Seed of the hashes of text, in [0, 2**32).
    """

    call_time_limit_s: float = 1.0
    memory_limit_mb: int = 256
    hash_seed: int = 0


class Language(NamedTuple):
    """The class that runs tools in a worker, by module and name."""

    module: str
    name: str


DIALECT = Language("tool_gym.sandbox.runtime", "Runtime")
NATIVE = Language("tool_gym.sandbox.native", "NativeLanguage")


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
        stays: Round trips to it for which the caller stays on its processor, see `processor`.
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
    stays: int = 0

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

    def processor_s(self) -> float | None:
        """Processor seconds that the process has used, None where the system does not say."""
        try:
            return time.clock_gettime((~self.pid << 3) | _PROCESS_CLOCK)
        except OSError:
            return None

    def learn(self, digest: str, size: int) -> None:
        """Notes that the process has a source or table of so many bytes."""
        self.known.add(digest)
        self.known_bytes += size

    def note(self, reply: Reply) -> None:
        """Keeps account of a call."""
        if (reply.seconds > NICE_AFTER_S or is_greedy(reply)) and self._stands_back():
            self.nice, self.clean_calls = True, 0
        else:
            self.clean_calls += 1

    def _stands_back(self) -> bool:
        try:
            return os.getpriority(os.PRIO_PROCESS, self.pid) >= NICE
        except OSError:  # it is gone
            return True

    def close(self) -> None:
        """Lets go of the descriptors; the process is not touched."""
        self.connection.close()
        if self.page >= 0:
            os.close(self.page)
            self.page = -1
