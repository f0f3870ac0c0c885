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
from tool_gym.policies.policy import Policy, Request
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

    Args:
        policy: Chooses the actions.
        pack: Where the scenarios come from.
        todo: What to play.
        executor: Runs the tools.
        seed: Seed of the run.
        at_once: Episodes that run at the same time, >= 1.
        **episode_options: Passed to `Episode.of_pack` (`reward`, `matcher`, `max_turns`, `caps`, `system`).
    """
    waiting = deque(todo)
    running: list[tuple[Play, Episode]] = []
    while waiting or running:
        while waiting and len(running) < at_once:
            play = waiting.popleft()
            options = {"seed": episode_seed(seed, *play), **episode_options}
            running.append((play, Episode.of_pack(pack, play.scenario, executor, **options)))
        decisions = policy.act([_request(play, episode) for play, episode in running])
        step_together(
            [episode for _, episode in running],
            [decision.message for decision in decisions],
            executor,
            tokens=[(decision.token_ids, decision.logprobs) for decision in decisions],
        )
        for play, episode in running:
            if episode.done:
                policy.end(_episode_id(play))
                yield play, episode.trajectory()
        running = [(play, episode) for play, episode in running if not episode.done]


def _request(play: Play, episode: Episode) -> Request:
    return Request(_episode_id(play), episode.seed, episode.observation, episode.info)


def _episode_id(play: Play) -> str:
    return f"{play.scenario}/{play.repetition}"
