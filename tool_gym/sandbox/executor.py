"""The executor: runs tools that nobody need trust, for many episodes at once."""

from __future__ import annotations

import math
import os
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Protocol, get_args

from tool_gym.errors import InputError, SandboxError, ToolRejected
from tool_gym.jsonvalue import Json
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.sandbox.embedded import Embedded
from tool_gym.sandbox.handle import DIALECT, NATIVE, Limits
from tool_gym.sandbox.pool import Pool
from tool_gym.sandbox.runtime import Rejection
from tool_gym.sandbox.session import Session, ToolSet, read_tool
from tool_gym.sandbox.work import Result, Work
from tool_gym.scenario import Tool

Execution = Literal["isolated", "embedded"]
Isolation = Literal["auto", "full", "best_effort"]

_MAX_TOOL_SETS = 256
_MAX_VERDICTS = 65536


class Flight(Protocol):
    """Works that run beside the caller."""

    def run(self, before_waiting: Callable[[], None] = ...) -> None:
        """Waits until all calls are done; before it waits for a worker, it calls what it is given."""

    def abandon(self) -> None:
        """Ends what still runs."""


class Backend(Protocol):
    """What runs works: a pool of processes, or this process."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The isolation layers in force."""

    def missing_layers(self, domain: str = "") -> dict[str, str]:
        """The layers that are not, and why."""

    def run(self, works: Sequence[Work]) -> None:
        """Runs all calls of all works."""

    def start(self, works: Sequence[Work], wait: bool) -> Flight | None:
        """Has works run beside the caller, or returns None."""

    def close(self) -> None:
        """Ends all processes."""

    def abandon(self) -> None:
        """Lets go of the parent's processes after a fork."""


class Executor:
    """Runs the tools of any number of sessions. Safe to use from several threads and after a fork.

    Processes start when they are first needed, and end with `close`, with the executor, or with the interpreter.

    Args:
        execution: `isolated` runs tools in sealed worker processes; `embedded` in this process, for code that the
            caller vouches for.
        isolation: `auto` wants all layers, and lets only trusted sessions do with fewer where the kernel lacks
            some; `full` refuses then; `best_effort` never does.
        call_time_limit_s: Seconds that one call may take, > 0.
        memory_limit_mb: Address space of a worker in MiB, >= 64.
        workers: Most workers that share the calls of one trust domain; None means one per processor.
        native: Whether it runs the tools of native packs, plain Python, instead of the dialect's; for packs that the
            caller trusts. They run sealed all the same, and need `isolated`.
        hash_seed: Seed of the workers' hashes of text, in [0, 2**32). No result may depend on it: who wants to see
            that runs the same calls under two.

    Raises:
        InputError: If an argument is out of its range.
    """

    def __init__(
        self,
        execution: Execution = "isolated",
        isolation: Isolation = "auto",
        call_time_limit_s: float = 1.0,
        memory_limit_mb: int = 256,
        workers: int | None = None,
        native: bool = False,
        hash_seed: int = 0,
    ) -> None:
        if execution not in get_args(Execution):
            raise InputError(f"execution={execution!r}; expected 'isolated' or 'embedded'")
        if isolation not in get_args(Isolation):
            raise InputError(f"isolation={isolation!r}; expected 'auto', 'full' or 'best_effort'")
        if not 0 < call_time_limit_s < math.inf:
            raise InputError(f"call_time_limit_s={call_time_limit_s!r}; expected seconds, more than 0")
        if memory_limit_mb < 64:
            raise InputError(f"memory_limit_mb={memory_limit_mb!r}; expected at least 64, as the interpreter needs 40")
        if workers is not None and workers < 1:
            raise InputError(f"workers={workers!r}; expected at least 1, or None for one per processor")
        if native and execution != "isolated":
            raise InputError("native tools run isolated only; leave execution='embedded' out")
        self.native = native
        self.execution: Execution = execution
        self.isolation: Isolation = isolation
        if not 0 <= hash_seed < 2**32:
            raise InputError(f"hash_seed={hash_seed!r}; expected 0 to 2**32 - 1")
        self._limits = Limits(call_time_limit_s, memory_limit_mb, hash_seed)
        self._workers = workers
        self._tool_sets: dict[tuple[int, ...], ToolSet] = {}
        self._rejections: dict[str, Rejection | None] = {}
        self._warned = False
        self._start()
        _executors.add(self)

    def session(
        self,
        tools: Sequence[Tool | Mapping[str, Any]],
        seed: int = 0,
        state: Json = None,
        *,
        tables: Mapping[str, Json] | None = None,
        domain: str | None = None,
        check_arguments: bool = True,
        strict: bool = True,
        trusted: bool = False,
        native: bool = False,
    ) -> Session:
        """Opens a session; cheap for tools that were seen before.

        Args:
            tools: The tools, each a `Tool` or a mapping of its fields.
            seed: Seed of the episode.
            state: JSON state that the tools may change, None for tools without.
            tables: Rows of the tables that tools name in `data`, by their digest; may load lazily.
            domain: Trust domain; sessions of one domain may share a process, one after another. None: the tools' own.
            check_arguments: Whether arguments must fit the tools' schemas.
            strict: Whether a source that the sandbox refuses is an error now; else calling it answers `tool_error`.
            trusted: Whether the caller has checked that the tools are this package's own; see `isolation`.
            native: Whether the tools are plain Python; this is what the executor runs, or it refuses.

        Raises:
            ToolRejected: If the session is strict and a source is refused.
            InputError: If a mapping is no tool, or the executor does not run its kind of tools.
            NotJson: If the state is not JSON data.
            PackError: If a table is missing.
            SandboxError: If the machine lacks a needed layer, or no worker starts.
        """
        if native != self.native:
            raise InputError(
                "these tools are plain Python without the tool dialect; if you trust them, play them with "
                "Executor(native=True), trust=True or --trust"
                if native
                else "this executor runs native tools only; take another one for tools in the dialect"
            )
        tool_set = self._tool_set(tools)
        domain = tool_set.digest if domain is None else domain
        self._admit(domain, trusted)
        tables = {} if tables is None else tables
        if strict and not tool_set.accepted:
            self._load(tool_set, domain, tables)
        return Session(self, tool_set, seed, state, tables, domain, check_arguments)

    def call(
        self, pairs: Sequence[tuple[Session, ToolCall]], *, time_limit_s: float | None = None
    ) -> list[ToolMessage]:
        """Runs calls of any number of sessions and answers each, in the order given.

        Calls of one session run in order and see each other's changes of its state; a failed call changes none. A call
        that is malformed, names no tool, or does not fit its schema answers `invalid_call` and reaches no tool.

        Args:
            pairs: Sessions of this executor, and their calls.
            time_limit_s: Seconds that all calls of one session may take together; calls for which none are left
                answer `timeout`. None sets no limit beyond that of each call.

        Raises:
            SandboxError: If no worker can be had.
            PackError: If a tool's table is missing.
        """
        part = _Part(pairs, time_limit_s)
        if part.works:
            self._backend.run(part.works)
        return part.answer()

    def stream(
        self, parts: Iterable[Sequence[tuple[Session, ToolCall]]], *, time_limit_s: float | None = None
    ) -> Generator[list[ToolMessage], None, None]:
        """As `call` of each part, but isolated tools run while the next part is made and earlier answers are used.

        Args:
            parts: Pairs as `call` takes them; no two parts have a session in common.
            time_limit_s: As for `call`.

        Yields:
            The answers of each part, in order.

        Raises:
            SandboxError: If no worker can be had.
            PackError: If a tool's table is missing.
        """
        waiting: deque[tuple[_Part, Flight | None]] = deque()
        ahead = True
        try:
            for pairs in parts:
                part, flight = _Part(pairs, time_limit_s), None
                if part.works and ahead:
                    flight = self._backend.start(part.works, wait=not waiting)
                    ahead = flight is not None
                waiting.append((part, flight))
            while waiting:
                part, flight = waiting[0]
                if flight:
                    _land([each for _, each in waiting if each])
                elif part.works:
                    self._backend.run(part.works)
                waiting.popleft()
                yield part.answer()
        finally:
            for _, flight in waiting:
                if flight:
                    flight.abandon()

    @property
    def runs_ahead(self) -> bool:
        """Whether `stream` has more than one processor to run tools beside the caller."""
        return self.execution == "isolated" and (self._workers or _processors()) > 1

    async def acall(
        self, pairs: Sequence[tuple[Session, ToolCall]], *, time_limit_s: float | None = None
    ) -> list[ToolMessage]:
        """As `call`, in a thread of its own, so that the event loop goes on."""
        import asyncio  # a third of this module's import time, and whoever comes here has it loaded

        return await asyncio.to_thread(self.call, pairs, time_limit_s=time_limit_s)

    @property
    def layers(self) -> tuple[str, ...]:
        """The isolation layers really in force, outermost first; may start a worker to find out."""
        return self._backend.layers

    def close(self) -> None:
        """Ends all processes; sessions of this executor are of no more use. Idempotent."""
        self._finalizer()

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        limits = self._limits
        return type(self), (
            self.execution, self.isolation, limits.call_time_limit_s, limits.memory_limit_mb, self._workers,
            self.native, limits.hash_seed,
        )  # fmt: skip

    def _start(self) -> None:
        if self.execution == "embedded":
            self._backend: Backend = Embedded(self._limits.call_time_limit_s)
        else:
            language = NATIVE if self.native else DIALECT
            self._backend = Pool(self._limits, self._workers or _processors(), language)
        self._finalizer = weakref.finalize(self, self._backend.close)

    def _after_fork(self) -> None:
        """Starts over in a forked child: processes, sockets and locks are the parent's."""
        self._finalizer.detach()
        self._backend.abandon()
        self._start()

    def _tool_set(self, tools: Sequence[Tool | Mapping[str, Any]]) -> ToolSet:
        # Tools are frozen and a set keeps its own alive, so that identity names them for as long as the set is known.
        key = tuple(map(id, tools))
        tool_set = self._tool_sets.get(key)
        if tool_set is None:
            tool_set = ToolSet(map(read_tool, tools))
            if all(isinstance(tool, Tool) for tool in tools):
                if len(self._tool_sets) >= _MAX_TOOL_SETS:
                    self._tool_sets.clear()
                self._tool_sets[key] = tool_set
        return tool_set

    def _admit(self, domain: str, trusted: bool) -> None:
        missing = self._backend.missing_layers(domain)
        if not missing or self.isolation == "best_effort":
            return
        what = "; ".join(f"{layer} ({reason})" for layer, reason in missing.items())
        if self.isolation == "full" or not trusted:
            raise SandboxError(
                f"this machine cannot seal tools: it lacks {what}. Run on Linux 5.13 or newer with Landlock and "
                "seccomp, or accept what layers there are with isolation='best_effort'"
            )
        if not self._warned:
            self._warned = True
            warnings.warn(f"tools run with fewer layers than intended: this machine lacks {what}", stacklevel=3)

    def _load(self, tool_set: ToolSet, domain: str, tables: Mapping[str, Json]) -> None:
        """Compiles and loads the tools of a set that were not before.

        Raises:
            ToolRejected: If one is refused.
        """
        new = [bound for bound in tool_set.by_name.values() if bound.key not in self._rejections]
        if new:
            work = Work(domain, tables, None, math.inf)
            work.sources = [bound.source for bound in new]
            work.calls = [(bound.key, None, b"") for bound in new]
            self._backend.run([work])
            if len(self._rejections) > _MAX_VERDICTS:
                self._rejections.clear()
            for bound, result in zip(new, work.results, strict=True):
                self._rejections[bound.key] = _rejection(result)
        for bound in tool_set.by_name.values():
            if rejection := self._rejections.get(bound.key):
                raise ToolRejected(bound.tool.name, *rejection)
        tool_set.accepted = True


class _Part:
    """Some calls and their answers.

    Attributes:
        works: The calls that reach a tool, by session.
    """

    def __init__(self, pairs: Sequence[tuple[Session, ToolCall]], time_limit_s: float | None) -> None:
        self._pairs = pairs
        self._answers: list[ToolMessage | None] = [None] * len(pairs)
        self._works: dict[Session, Work] = {}
        budget_s = math.inf if time_limit_s is None else time_limit_s
        for place, (session, call) in enumerate(pairs):
            work = self._works.get(session)
            if work is None:
                work = self._works[session] = session.new_work(budget_s)
            problem = session.add(call, work)
            if problem is None:
                work.places.append(place)
            else:
                self._answers[place] = ToolMessage.failure(call, "invalid_call", problem)
        self.works = [work for work in self._works.values() if work.calls]

    def answer(self) -> list[ToolMessage]:
        """The answers in the order of the calls, once all works are done; the sessions take over their states."""
        for session, work in self._works.items():
            session.absorb(work)
            for place, result in zip(work.places, work.results, strict=True):
                self._answers[place] = _message(self._pairs[place][1], result)
        return self._answers  # type: ignore[return-value]


_executors: weakref.WeakSet[Executor] = weakref.WeakSet()
_defaults: dict[tuple[str, str, bool], Executor] = {}
_defaults_lock = threading.Lock()


def _land(flights: Sequence[Flight]) -> None:
    """Waits for the first flight; if it needs a worker and none is free, the others, which may hold it, land before."""

    def others() -> None:
        for number in range(1, len(flights)):
            _land(flights[number:])

    flights[0].run(others)


def default_executor(
    execution: Execution = "isolated", isolation: Isolation = "auto", native: bool = False
) -> Executor:
    """The executor that all environments of this process share, one per kind of execution, isolation and tools."""
    key = (execution, isolation, native)
    with _defaults_lock:
        if key not in _defaults:
            _defaults[key] = Executor(execution, isolation, native=native)
        return _defaults[key]


def _start_over_in_child() -> None:
    global _defaults_lock
    _defaults_lock = threading.Lock()  # a thread that is not here any more may have held it
    for executor in list(_executors):
        executor._after_fork()


os.register_at_fork(after_in_child=_start_over_in_child)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _message(call: ToolCall, result: Result) -> ToolMessage:
    status, value, text, deterministic = result
    if status != "ok":
        return ToolMessage.failure(call, status, text, deterministic=deterministic)  # type: ignore[arg-type]
    return ToolMessage.of_checked(
        tool_call_id=call.id,
        name=call.name,
        status="ok",
        value=value,
        content=value if type(value) is str else text,
        deterministic=True,
    )


def _rejection(result: Result) -> Rejection | None:
    """What a check said, see `Turn`; a worker may lie about the line, too."""
    if result.status == "ok":
        return None
    line, _, reason = result.text.partition(":")
    if result.status == "tool_error" and line.isascii() and line.isdigit() and len(line) < 10:
        return Rejection(reason, int(line) or None)
    return Rejection(f"it cannot be loaded: {result.text}", None)
