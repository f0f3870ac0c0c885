"""Rollouts: policies play episodes, many at once, and trajectories come out.

The policy is asked for all running episodes together and their calls travel to the sandbox together; seeds are fixed
per episode, so how many run at once and which ends first changes nothing in any trajectory.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tool_gym.episode import Episode, step_together
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.sandbox.executor import Executor
from tool_gym.trajectory import Trajectory


class Play(NamedTuple):
    """One episode to play: a scenario, and which of its repetitions this is."""

    scenario: str
    repetition: int


def episode_seed(seed: int, scenario: str, repetition: int) -> int:
    """The seed of an episode, in [0, 2**31): from the run's seed, the scenario and the repetition alone."""
    text = f"{seed}/{scenario}/{repetition}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big") >> 1


def plays(scenarios: Iterable[str], k: int = 1) -> list[Play]:
    """Each scenario k times."""
    return [Play(scenario, repetition) for scenario in scenarios for repetition in range(k)]


def rollout(
    policy: Policy,
    pack: Pack,
    todo: Sequence[Play],
    executor: Executor,
    *,
    seed: int = 0,
    at_once: int = 64,
    **episode_options: Any,
) -> Iterator[tuple[Play, Trajectory]]:
    """Plays episodes and yields each trajectory when its episode ends.

    An episode whose policy has no action to give (`Decision.failure`) is broken off; the others play on.

    Args:
        policy: Chooses the actions.
        pack: Where the scenarios come from.
        todo: What to play.
        executor: Runs the tools.
        seed: Seed of the run.
        at_once: Episodes that run at the same time, >= 1. A policy that is `batch_sensitive` plays `todo` in groups of
            so many, each to its end, so that what stands beside what depends on nothing else.
        **episode_options: Passed to `Episode.of_pack` (`reward`, `matcher`, `max_turns`, `caps`, `system`).
    """
    waiting = deque(todo)
    running: list[tuple[Play, Episode]] = []
    while waiting or running:
        room = at_once - len(running) if not running or not policy.batch_sensitive else 0
        for play in [waiting.popleft() for _ in range(min(room, len(waiting)))]:
            options = {"seed": episode_seed(seed, *play), **episode_options}
            running.append((play, Episode.of_pack(pack, play.scenario, executor, **options)))
        decisions = policy.act([_request(play, episode) for play, episode in running])
        _step(running, decisions, executor)
        still_running = []
        for (play, episode), decision in zip(running, decisions, strict=True):
            if episode.done or decision.failure is not None:
                policy.end(episode_id(play))
                yield play, episode.trajectory().model_copy(update={"failure": decision.failure})
            else:
                still_running.append((play, episode))
        running = still_running


def _step(running: Sequence[tuple[Play, Episode]], decisions: Sequence[Decision], executor: Executor) -> None:
    """Steps the episodes that have an action."""
    acting = [
        (episode, decision)
        for (_, episode), decision in zip(running, decisions, strict=True)
        if decision.failure is None
    ]
    step_together(
        [episode for episode, _ in acting],
        [decision.message for _, decision in acting],
        executor,
        tokens=[(decision.token_ids, decision.logprobs) for _, decision in acting],
    )


def _request(play: Play, episode: Episode) -> Request:
    return Request(episode_id(play), episode.seed, episode.observation, episode.info)


def episode_id(play: Play) -> str:
    """What an episode is called in requests."""
    return f"{play.scenario}/{play.repetition}"
