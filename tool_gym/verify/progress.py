"""Progress: which checks of a scenario an episode has solved so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from tool_gym.jsonvalue import Json, digest
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.scenario import StateCheck, SubQuestion
from tool_gym.verify.matching import MISSING, Matcher, json_pointer
from tool_gym.verify.pairing import pair
from tool_gym.verify.targets import targets

ProgressSnapshot: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
"""Ids of the solved checks in the order in which they were solved, and digests of the credited calls."""


class Progress:
    """The open and the solved checks of one episode.

    One call solves at most one check. Under a greedy matcher each call, in order, takes the first open check of its
    tool that it fits. Otherwise the calls of a turn are matched so that as many checks as possible are solved, earlier
    checks before later ones, whatever the order of the calls; and the same call with the same result is credited once
    in an episode, so that repeating it earns nothing.

    Attributes:
        total: Checks of the scenario.
        solved_ids: Ids of the solved checks, in the order in which they were solved.
        solved: How many they are, in [0, total].
    """

    def __init__(
        self, sub_questions: Sequence[SubQuestion], state_checks: Sequence[StateCheck], matcher: Matcher
    ) -> None:
        self.total = len(sub_questions) + len(state_checks)
        self.solved_ids: tuple[str, ...] = ()
        self.solved = 0
        self._steps = tuple(sub_questions)
        self._state_checks = tuple(state_checks)
        self._greedy = matcher.greedy
        self._checks = [matcher.check(step.expected, step.arguments) for step in sub_questions]
        self._credited: set[str] = set()
        self._reopen()

    def _reopen(self) -> None:
        """Lists the open steps by tool, in order, from `solved_ids`."""
        done = set(self.solved_ids)
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

    def end(self, state: Json) -> tuple[str, ...]:
        """Checks the final state; under every matcher by kind and path, since the paper has no such checks.

        Returns:
            Ids of the state checks that are newly solved.
        """
        solved = []
        for check in self._state_checks:
            value = MISSING if check.id in self.solved_ids else json_pointer(state, check.path)
            if value is not MISSING and any(target.equal(value) for target in targets(check.expected)):
                solved.append(check.id)
        return self._add(solved)

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
            if fits and (key := digest([call.name, call.arguments, result.value])) not in self._credited:
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

    def _candidates(self, call: ToolCall) -> Sequence[int]:
        return () if call.error is not None else self._open.get(call.name, ())

    def snapshot(self) -> ProgressSnapshot:
        """What `restore` needs to come back here: plain, immutable data."""
        return self.solved_ids, tuple(sorted(self._credited))

    def restore(self, snapshot: ProgressSnapshot) -> None:
        """Comes back to a snapshot of the same scenario's progress."""
        self.solved_ids, credited = tuple(snapshot[0]), snapshot[1]
        self.solved = len(self.solved_ids)
        self._credited = set(credited)
        self._reopen()
