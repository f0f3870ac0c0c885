"""A session: one episode's hold on its tools. Plain data in the trainer's process; the tools run elsewhere."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from pydantic import ValidationError

from tool_gym.errors import InputError, ToolRejected
from tool_gym.jsonvalue import Json, NotJson, canonical, clean_text, digest, encode, loads
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.sandbox.wire import Source
from tool_gym.sandbox.work import Work
from tool_gym.scenario import Tool
from tool_gym.schema import ArgumentCheck
from tool_gym.trajectory import brief

_MAX_NAMES_SHOWN = 32


class BoundTool:
    """A tool, ready to be called.

    Attributes:
        tool: The tool.
        key: Digest of its content; names its code to workers.
        source: Its code, as workers take it.
    """

    def __init__(self, tool: Tool) -> None:
        if clean_text(tool.source) != tool.source:
            raise ToolRejected(tool.name, "the source holds a lone surrogate; write it as an escape")
        self.tool = tool
        self.key = tool.digest
        self.source: Source = (self.key, tool.name, tool.source, {ref.name: ref.sha256 for ref in tool.data})
        self.quoted_name = b'"%s"' % tool.name.encode()

    @functools.cached_property
    def check(self) -> ArgumentCheck | None:
        """Checks arguments; None where the tool's schema is not one."""
        try:
            return ArgumentCheck(self.tool.parameters)
        except ValueError:
            return None

    def problem(self, arguments: Mapping[str, Json]) -> str | None:
        """Why a call's arguments do not fit the schema, or None."""
        check = self.check
        try:
            return None if check is None else check(arguments)
        except ValueError as error:  # arguments that are not JSON data
            return str(error)


class ToolSet:
    """The tools of a session by name, shared by all sessions that have the same.

    Attributes:
        tools: The tools as given; kept, because identity is how a known set is found.
        by_name: The tools, ready to be called.
        accepted: Whether the sandbox has compiled and loaded them all.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self.tools = tuple(tools)
        self.by_name: dict[str, BoundTool] = {}
        self.accepted = False
        for tool in self.tools:
            if tool.name in self.by_name:
                raise ToolRejected(tool.name, "two tools of one session have this name")
            self.by_name[tool.name] = BoundTool(tool)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the tools' content."""
        return digest(sorted(tool.digest for tool in self.tools))

    def unknown(self, name: str) -> str:
        """What an agent is told that calls a tool which is not there."""
        names = list(self.by_name)
        more = f" and {len(names) - _MAX_NAMES_SHOWN} more" if len(names) > _MAX_NAMES_SHOWN else ""
        return f"no tool is called {name[:128]!r}; the tools are: {', '.join(names[:_MAX_NAMES_SHOWN]) or 'none'}{more}"


def read_tool(tool: Tool | Mapping[str, Any]) -> Tool:
    """A tool from a mapping of its fields; a `Tool` is taken as it is.

    Raises:
        InputError: If a field is missing or wrong.
    """
    if isinstance(tool, Tool):
        return tool
    try:
        return Tool.model_validate(dict(tool))
    except ValidationError as error:
        raise InputError(f"tool {tool.get('name')!r}: {brief(error)}") from None


class Caller(Protocol):
    """What runs calls of sessions: an executor."""

    def call(
        self, pairs: Sequence[tuple[Session, ToolCall]], *, time_limit_s: float | None = None
    ) -> list[ToolMessage]:
        """Runs calls and answers each."""

    async def acall(
        self, pairs: Sequence[tuple[Session, ToolCall]], *, time_limit_s: float | None = None
    ) -> list[ToolMessage]:
        """As `call`, without blocking the event loop."""


class Session:
    """One episode's tools, seed, state and call counts. Made by `Executor.session`; used by one thread at a time.

    Attributes:
        seed: Seed of the episode; random numbers and clocks of all calls derive from it.
        domain: Trust domain of the tools.
    """

    __slots__ = ("_check_arguments", "_counts", "_executor", "_state", "_tables", "_tools", "domain", "seed")

    def __init__(
        self,
        executor: Caller,
        tools: ToolSet,
        seed: int,
        state: Json,
        tables: Mapping[str, Json],
        domain: str,
        check_arguments: bool,
    ) -> None:
        self._executor = executor
        self._tools = tools
        self._state = None if state is None else encode(state)
        self._tables = tables
        self._check_arguments = check_arguments
        self._counts: dict[bytes, int] = {}
        self.seed = seed
        self.domain = domain

    def call(self, calls: Sequence[ToolCall], *, time_limit_s: float | None = None) -> list[ToolMessage]:
        """Runs calls in order and answers each; see `Executor.call`."""
        return self._executor.call([(self, call) for call in calls], time_limit_s=time_limit_s)

    async def acall(self, calls: Sequence[ToolCall], *, time_limit_s: float | None = None) -> list[ToolMessage]:
        """As `call`, without blocking the event loop."""
        return await self._executor.acall([(self, call) for call in calls], time_limit_s=time_limit_s)

    @property
    def state(self) -> Json:
        """A copy of the state as JSON data, None where the session has none."""
        return None if self._state is None else loads(self._state)

    def snapshot(self) -> dict[str, Any]:
        """All that later calls depend on, as plain data that can be pickled; for `restore`."""
        return {"seed": self.seed, "state": self._state, "counts": dict(self._counts)}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Goes back to a snapshot of this session, or of one with the same tools."""
        self.seed, self._state = snapshot["seed"], snapshot["state"]
        self._counts = dict(snapshot["counts"])

    def new_work(self, budget_s: float) -> Work:
        """An empty work for calls of this session."""
        return Work(self.domain, self._tables, self._state, budget_s)

    def add(self, call: ToolCall, work: Work) -> str | None:
        """Adds a call to a work, or says why it is no valid call."""
        if call.error is not None:
            return call.error
        bound = self._tools.by_name.get(call.name)
        if bound is None:
            return self._tools.unknown(call.name)
        arguments = call.arguments
        try:
            text = encode(arguments)
        except NotJson as error:
            return f"the arguments are not JSON: {error}"
        if self._check_arguments and (problem := bound.problem(arguments)):
            return problem
        work.sources.append(bound.source)
        work.calls.append((bound.key, text, self._next_seed(bound, arguments, text)))
        return None

    def absorb(self, work: Work) -> None:
        """Takes over the state after a finished work."""
        self._state = work.state

    def _next_seed(self, bound: BoundTool, arguments: Json, text: bytes) -> bytes:
        """SHA-256 of the canonical list of episode seed, tool, arguments, and how often this call was made before."""
        try:
            sorted_text = canonical(arguments)
        except (TypeError, ValueError):  # beyond JSON, so that only the encoded form has an order
            sorted_text = canonical(loads(text))
        identity = b"%b,%b" % (bound.quoted_name, sorted_text)
        count = self._counts.get(identity, 0)
        self._counts[identity] = count + 1
        return hashlib.sha256(b"[%d,%b,%d]" % (self.seed, identity, count)).digest()
