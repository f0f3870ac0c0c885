"""The calls of one session in one batch, on their way from the session to whoever runs them and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tool_gym.errors import PackError
from tool_gym.jsonvalue import Json, NotJson, dumps, encode, loads, may_nest_deeper
from tool_gym.sandbox.turn import spent
from tool_gym.sandbox.wire import BadReply, Call, Job, Reply, Source

_MAX_REASON = 4096


class Result(NamedTuple):
    """What became of a call, read and checked.

    Attributes:
        status: One of `wire.STATUSES`.
        value: The tool's value as JSON data; None unless the status is `ok`.
        text: The value's JSON text if ok, else the reason.
        deterministic: False where the clock, memory or a crash decided.
    """

    status: str
    value: Json
    text: str
    deterministic: bool


class Work:
    """The calls of one session in one batch, and their results as they come.

    Attributes:
        domain: Trust domain of the tools.
        tables: Rows of tables by digest; read only when a worker needs them.
        state: The session's state as JSON text, after the results so far.
        budget_s: Seconds left for all open calls.
        sources: The source of each call's tool.
        calls: The calls, in order.
        places: Where each call's answer goes in the batch.
        results: One per finished call, in order.
    """

    __slots__ = ("_verdicts", "budget_s", "calls", "domain", "places", "results", "sources", "state", "tables")

    def __init__(self, domain: str, tables: Mapping[str, Json], state: bytes | None, budget_s: float) -> None:
        self.domain = domain
        self.tables = tables
        self.state = state
        self.budget_s = budget_s
        self.sources: list[Source] = []
        self.calls: list[Call] = []
        self.places: list[int] = []
        self.results: list[Result] = []
        self._verdicts: dict[int, Reply] = {}

    @property
    def finished(self) -> bool:
        """Whether every call has its result."""
        return len(self.results) == len(self.calls)

    def job(self, most: int | None = None) -> Job:
        """The calls to run next, as a worker takes them: those without a result, up to one whose fate is known.

        Args:
            most: Calls to take at most, None for all.
        """
        calls = self.calls
        if self.results or self._verdicts:
            calls = calls[len(self.results) : min(self._verdicts, default=None)]
        return calls if most is None else calls[:most], self.state, self.budget_s

    def accept(self, reply: Reply) -> None:
        """Takes the reply to the first open call.

        Raises:
            BadReply: If its payload or state is not what `jsonvalue.encode` writes; nothing is taken then.
        """
        status, payload, deterministic, state, seconds = reply
        if status == "ok":
            value, text = _read(payload)
            if state is not None:
                _read(state)
                self.state = state
        else:
            value = None
            text = payload[: 4 * _MAX_REASON].decode("utf-8", "replace")[:_MAX_REASON]
        self.results.append(Result(status, value, text, deterministic))
        self.budget_s -= seconds
        if self._verdicts and (verdict := self._verdicts.pop(len(self.results), None)):
            self.accept(verdict)

    def condemn(self, place: int, verdict: Reply) -> None:
        """Settles a call that will not be run again, though calls before it may."""
        if place == len(self.results):
            self.accept(verdict)
        else:
            self._verdicts[place] = verdict

    def expire(self) -> None:
        """Answers all open calls if no time is left for them."""
        while self.budget_s <= 0 and not self.finished:
            self.accept(spent())

    def table(self, sha256: str) -> bytes:
        """A table as JSON text.

        Raises:
            PackError: If there is no such table.
        """
        try:
            return dumps(self.tables[sha256])
        except KeyError:
            raise PackError(
                f"a tool reads the table {sha256[:12]}…, which the session does not have; expected it in `tables`"
            ) from None


def _read(payload: bytes) -> tuple[Json, str]:
    """JSON data and its text, from a process that may lie."""
    try:
        value = loads(payload)
        # Few honest values hold any of this, and what a liar may hide in it would only be found by its readers.
        if b"\\u" in payload or may_nest_deeper(payload):
            payload = encode(value)
            value = loads(payload)
    except NotJson as error:
        raise BadReply(f"a value that is {error}") from None
    return value, payload.decode()
