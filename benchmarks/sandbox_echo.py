"""Measures what a call through the executor costs, beside the bare round trip to another process.

    python benchmarks/sandbox_echo.py [--rounds 30] [--json]

All kinds take turns in one run, so that a busy machine slows them alike; each figure is the least and the median of the
rounds, in microseconds per call. Arguments differ at every call, and every result is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import statistics
import time
from collections.abc import Callable

from tool_gym.messages import ToolCall
from tool_gym.sandbox.executor import Execution, Executor
from tool_gym.sandbox.processor import current_cpu
from tool_gym.scenario import Tool

CALLS = 512
TOOL = Tool(
    name="next_one",
    description="Adds one.",
    parameters={"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
    source='def next_one(x):\n    return {"x": x + 1}\n',
)


class Echo:
    """A forked process that sends back what it gets, on the processor of its parent; the floor of any round trip."""

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair()
        if os.fork() == 0:
            self._connection.close()
            while data := theirs.recv(65536):
                if data[0] != self._cpu_of_child():
                    os.sched_setaffinity(0, {data[0]})
                theirs.sendall(data)
            os._exit(0)
        theirs.close()
        self._poller = select.poll()
        self._poller.register(self._connection, select.POLLIN)

    @staticmethod
    def _cpu_of_child() -> int:
        return current_cpu()

    def round(self) -> None:
        """Sends 200 bytes, `CALLS` times."""
        for _ in range(CALLS):
            self._connection.send(bytes([current_cpu()]) * 200)
            self._poller.poll(1000)
            self._connection.recv(65536)


def single(executor: Executor) -> Callable[[], None]:
    """One call at a time."""
    session = executor.session([TOOL])
    calls = [ToolCall(name="next_one", arguments={"x": x}) for x in range(CALLS)]

    def round_() -> None:
        for x, call in enumerate(calls):
            if session.call([call])[0].value != {"x": x + 1}:
                raise SystemExit("a wrong result")

    return round_


def batch(executor: Executor, size: int) -> Callable[[], None]:
    """One call of each of several episodes at a time."""
    sessions = [executor.session([TOOL], seed=seed) for seed in range(size)]
    calls = [ToolCall(name="next_one", arguments={"x": x}) for x in range(CALLS)]

    def round_() -> None:
        for start in range(0, CALLS, size):
            answers = executor.call(list(zip(sessions, calls[start : start + size], strict=True)))
            if [answer.value["x"] for answer in answers] != list(range(start + 1, start + size + 1)):
                raise SystemExit("a wrong result")

    return round_


def main() -> None:
    """Prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    kinds: dict[str, Callable[[], None]] = {"bare echo": Echo().round}
    executions: tuple[Execution, ...] = ("isolated", "embedded")
    executors = [Executor(execution) for execution in executions]
    for executor in executors:
        kinds[f"{executor.execution}, 1 call"] = single(executor)
        kinds[f"{executor.execution}, 8 episodes"] = batch(executor, 8)
        kinds[f"{executor.execution}, 64 episodes"] = batch(executor, 64)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(options.rounds + 1):
        for kind, round_ in kinds.items():
            begun = time.perf_counter()
            round_()
            times[kind].append((time.perf_counter() - begun) / CALLS * 1e6)
    for executor in executors:
        executor.close()
    rows = {kind: {"least": min(t[1:]), "median": statistics.median(t[1:])} for kind, t in times.items()}
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        for kind, row in rows.items():
            print(f"{kind:24} least {row['least']:7.1f} us   median {row['median']:7.1f} us")


if __name__ == "__main__":
    main()
