"""A player: a policy, the pack it plays, and the sandbox; it tells of each episode what happened and what it took."""

from __future__ import annotations

import platform
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tool_gym.jsonvalue import Json
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.rollouts import Play, episode_id, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.trajectory import Trajectory


class Played(NamedTuple):
    """An episode that has ended.

    Attributes:
        play: Which it was.
        trajectory: What happened; the same wherever and beside whatever it was played.
        meta: What is not: `scenario`, `repetition`, `seconds` (in which it was in play), `policy_seconds` (its share of
            the policy's time), what the policy tells of its usage (`prompt_tokens`, `completion_tokens`, `cost`),
            `host`, and `failure` where there was one.
    """

    play: Play
    trajectory: Trajectory
    meta: dict[str, Json]


class Player:
    """Plays in this process.

    Attributes:
        pack: Where the scenarios come from.
        shown: Scenarios of the pack that the policy is shown as examples.
        batch_sensitive: The policy's, see `Policy`.
        fingerprint: The policy's.
    """

    def __init__(self, policy: Policy, pack: Pack, executor: Executor, shown: tuple[str, ...] = ()) -> None:
        self.pack, self.shown = pack, shown
        self.batch_sensitive = policy.batch_sensitive
        self.fingerprint = policy.fingerprint
        self._policy, self._executor = policy, executor

    def play(self, todo: Sequence[Play], **options: Any) -> Iterator[Played]:
        """Plays episodes and yields each when it ends; the options are those of `rollouts.rollout`."""
        meter = _Meter(self._policy)
        for play, trajectory in rollout(meter, self.pack, todo, self._executor, **options):
            meta: dict[str, Json] = {**play._asdict(), **meter.take(play), "host": platform.node()}
            if trajectory.failure is not None:
                meta["failure"] = trajectory.failure
            yield Played(play, trajectory, meta)


class _Meter(Policy):
    """A policy with a meter on it: how long each episode was in play, and what it used; each has figures of its own."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.batch_sensitive, self.threads = policy.batch_sensitive, policy.threads
        self._begun: dict[str, float] = {}
        self._used: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        start = time.perf_counter()
        for request in requests:
            self._begun.setdefault(request.episode_id, start)
        decisions = self._policy.act(requests)
        share = (time.perf_counter() - start) / len(requests)
        for request, decision in zip(requests, decisions, strict=True):
            used = self._used[request.episode_id]
            used["policy_seconds"] += share
            for key, value in decision.usage.items():
                used[key] += value
        return decisions

    def end(self, episode_id: str) -> None:
        self._policy.end(episode_id)

    def take(self, play: Play) -> dict[str, float]:
        """The figures of an episode that has ended, which are dropped."""
        name = episode_id(play)
        now = time.perf_counter()
        seconds = now - self._begun.pop(name, now)  # a simulated user may have failed before the policy was asked
        used = self._used.pop(name, {})
        return {"seconds": round(seconds, 6), **{key: round(value, 9) for key, value in used.items()}}
