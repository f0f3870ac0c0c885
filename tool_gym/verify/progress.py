"""Progress: which checks of a scenario an episode has solved so far."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any, TypeAlias

from tool_gym.jsonvalue import Json, digest
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.scenario import StateCheck, SubQuestion
from tool_gym.verify.matching import MISSING, Matcher, json_pointer
from tool_gym.verify.pairing import pair
from tool_gym.verify.targets import targets

ProgressSnapshot: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], int, dict[str, Json]]
"""Ids of the solved checks in the order in which they were solved, names of the credited calls, how many user turns are
closed, and what checks of the state found by then."""


class Progress:
    """The open and the solved checks of one episode.

    One call solves at most one check. Under a greedy matcher each call, in order, takes the first open check of its
    tool that it fits. Otherwise the calls of a turn are matched so that as many checks as possible are solved, earlier
    checks before later ones, whatever the order of the calls; and the same call with the same result is credited in an
    episode as often as the reference calls make it, once at least, so that repeating it earns nothing.

    Attributes:
        total: Checks of the scenario.
        solved_ids: Ids of the solved checks, in the order in which they were solved.
        solved: How many they are, in [0, total].
        found: By their ids, what the checks of the state that were due with a user turn found at their paths.
    """

    def __init__(
        self,
        sub_questions: Sequence[SubQuestion],
        state_checks: Sequence[StateCheck],
        matcher: Matcher,
        due: Sequence[Sequence[str]] = (),
        found: Mapping[str, Json] | None = None,
    ) -> None:
        """Starts with nothing solved.

        Args:
            sub_questions: The steps.
            state_checks: The checks of the state.
            matcher: Decides whether a result holds an expected value.
            due: Ids of the checks that are due with each user turn.
            found: What the due checks of the state found, where that is known; None: they look at the state.
        """
        self.total = len(sub_questions) + len(state_checks) or 1
        self.solved_ids: tuple[str, ...] = ()
        self.solved = 0
        self._steps = tuple(sub_questions)
        self._state_checks = tuple(state_checks)
        self._greedy = matcher.greedy
        self._checks = [matcher.check(step.expected, step.arguments) for step in sub_questions]
        self._credited: set[str] = set()
        self._due, self._closed = due, 0
        self._recorded = found
        self.found: dict[str, Json] = {}
        self._reopen()

    def _reopen(self) -> None:
        """Lists the open steps by tool, in order: those not solved and not too late."""
        done = {*self.solved_ids, *(name for due in self._due[: self._closed] for name in due)}
        self._open: dict[str, list[int]] = {}
        for i, step in enumerate(self._steps):
            if step.id not in done:
                for name in set(step.tools):
                    self._open.setdefault(name, []).append(i)

    @property
    def open(self) -> int:
        """Checks not solved."""
        return self.total - self.solved

    def turn(self, calls: Sequence[ToolCall], results: Sequence[ToolMessage]) -> tuple[str, ...]:
        """Credits the calls of one turn.

        Args:
            calls: The calls, malformed ones included.
            results: Their results, in the same order.

        Returns:
            Ids of the checks that this turn solved: in the calls' order under a greedy matcher, else in the scenario's.
        """
        solved = self._greedily(calls, results) if self._greedy else self._matched(calls, results)
        if not solved:
            return ()
        for i in solved:
            for name in set(self._steps[i].tools):
                self._open[name].remove(i)
        return self._add([self._steps[i].id for i in solved])

    def close(self, state: Json) -> tuple[str, ...]:
        """Closes a user turn: the checks of the state that are due look at it, the steps are too late from here on.

        Returns:
            Ids of the state checks that are newly solved.
        """
        due = self._due[self._closed] if self._closed < len(self._due) else ()
        self._closed += 1
        if not due:
            return ()
        self._reopen()
        checks = [check for check in self._state_checks if check.id in due]
        for check in checks:
            recorded = self._recorded
            value = json_pointer(state, check.path) if recorded is None else recorded.get(check.id, MISSING)
            if value is not MISSING:
                self.found[check.id] = value
        return self._add([check.id for check in checks if _holds(check, self.found.get(check.id, MISSING))])

    def end(self, state: Json, *, answered: bool = False) -> tuple[str, ...]:
        """Checks the final state; under every matcher by kind and path, since the paper has no such checks.

        Args:
            state: The final state.
            answered: Whether the closing reply holds the answer: the one check of a scenario that no tool can answer.

        Returns:
            Ids of the state checks that are newly solved.
        """
        if not self._steps and not self._state_checks:
            return self._add(["answer"] if answered else ())
        past = {*self.solved_ids, *(name for due in self._due for name in due)}
        return self._add(
            [
                check.id
                for check in self._state_checks
                if check.id not in past and _holds(check, json_pointer(state, check.path))
            ]
        )

    def _add(self, ids: Sequence[str]) -> tuple[str, ...]:
        solved_ids = tuple(ids)
        self.solved_ids += solved_ids
        self.solved += len(solved_ids)
        return solved_ids

    def _greedily(self, calls: Sequence[ToolCall], results: Sequence[ToolMessage]) -> list[int]:
        solved: list[int] = []
        for call, result in zip(calls, results, strict=True):
            for i in self._candidates(call):
                if i not in solved and self._checks[i](call, result):
                    solved.append(i)
                    break
        return solved

    def _matched(self, calls: Sequence[ToolCall], results: Sequence[ToolMessage]) -> list[int]:
        fitting: dict[str, list[int]] = {}
        checks = self._checks
        for call, result in zip(calls, results, strict=True):
            fits = [i for i in self._candidates(call) if checks[i](call, result)]
            if not fits:
                continue
            key = digest([call.name, call.arguments, result.value])
            if key in self._credited or key in fitting:
                key = self._next_copy(call, key, fitting)
            if key not in self._credited:
                fitting[key] = fits
        if len(fitting) < 2:  # the earliest of the checks that the only call fits, if there is one
            self._credited.update(fitting)
            return [fits[0] for fits in fitting.values()]
        # In the order of their digests, so that it does not depend on the order of the calls which of them is credited.
        keys = sorted(fitting)
        steps = sorted({i for fits in fitting.values() for i in fits})
        places = pair([[place for place, key in enumerate(keys) if i in fitting[key]] for i in steps])
        self._credited.update(keys[place] for place in places if place is not None)
        return [i for i, place in zip(steps, places, strict=True) if place is not None]

    @functools.cached_property
    def _made(self) -> Counter[str]:
        """How often the reference calls make each call."""
        return Counter(_name(step.tools[0], step.arguments) for step in self._steps if step.arguments is not None)

    def _next_copy(self, call: ToolCall, key: str, taken: Container[str]) -> str:
        """The name of a repeated call that is not used yet, if the reference calls make it so often; else its own."""
        copies = (f"{key}/{number}" for number in range(1, self._made[_name(call.name, call.arguments)]))
        return next((name for name in copies if name not in self._credited and name not in taken), key)

    def _candidates(self, call: ToolCall) -> Sequence[int]:
        return () if call.error is not None else self._open.get(call.name, ())

    def snapshot(self) -> ProgressSnapshot:
        """What `restore` needs to come back here: plain, immutable data."""
        return self.solved_ids, tuple(sorted(self._credited)), self._closed, dict(self.found)

    def restore(self, snapshot: ProgressSnapshot) -> None:
        """Comes back to a snapshot of the same scenario's progress."""
        solved_ids, credited, self._closed, found = snapshot
        self.solved_ids, self.found = tuple(solved_ids), dict(found)
        self.solved = len(self.solved_ids)
        self._credited = set(credited)
        self._reopen()


def _holds(check: StateCheck, value: Json) -> bool:
    """Whether what stands at a check's path is what it expects."""
    return value is not MISSING and any(target.equal(value) for target in targets(check.expected))


def _name(tool: str, arguments: Mapping[str, Any]) -> str:
    return digest([tool, arguments])
