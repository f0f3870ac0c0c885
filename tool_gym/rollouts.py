"""Rollouts: policies play episodes, many at once, and trajectories come out.

The policy is asked for all running episodes together, or in threads for each by itself if it has some, and the calls of
all that have an answer travel to the sandbox together. Seeds are fixed per episode, so how many run at once and which
ends first changes nothing in any trajectory.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple, TypeAlias

from tool_gym.episode import Episode, step_together
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.sandbox.executor import Executor
from tool_gym.trajectory import Trajectory

_Running: TypeAlias = "tuple[Play, Episode]"


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

    An episode whose policy has no action to give (`Decision.failure`), or whose simulated user's model does not answer,
    is broken off; the others play on.

    Args:
        policy: Chooses the actions.
        pack: Where the scenarios come from.
        todo: What to play.
        executor: Runs the tools.
        seed: Seed of the run.
        at_once: Episodes that run at the same time, >= 1. A policy that is `batch_sensitive` plays `todo` in groups of
            so many, each to its end, so that what stands beside what depends on nothing else.
        **episode_options: Passed to `Episode.of_pack` (`reward`, `matcher`, `max_turns`, `caps`, `system`, `user`).
    """
    waiting = deque(todo)
    ready: list[_Running] = []
    asking = _Asking(policy)
    try:
        while waiting or ready or asking.thinking:
            running = len(ready) + len(asking.thinking)
            room = at_once - running if not running or not policy.batch_sensitive else 0
            for play in [waiting.popleft() for _ in range(min(room, len(waiting)))]:
                options = {"seed": episode_seed(seed, *play), **episode_options}
                ready.append((play, Episode.of_pack(pack, play.scenario, executor, **options)))
            acting, decisions = asking.next(ready)
            _step(acting, decisions, executor)
            ready = []
            for (play, episode), decision in zip(acting, decisions, strict=True):
                if episode.done or decision.failure is not None:
                    policy.end(episode_id(play))
                    failure = decision.failure or episode.failure
                    yield play, episode.trajectory().model_copy(update={"failure": failure})
                else:
                    ready.append((play, episode))
    finally:
        asking.close()


class _Asking:
    """Asks the policy: for all episodes that are ready together, or for each by itself if the policy has threads.

    Attributes:
        thinking: The episodes that wait for their answers.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._pool = ThreadPoolExecutor(policy.threads, "policy") if policy.threads else None
        self.thinking: dict[Future[list[Decision]], _Running] = {}

    def next(self, ready: Sequence[_Running]) -> tuple[Sequence[_Running], list[Decision]]:
        """Asks for those that are ready; returns those that have an answer, one at least, and the answers."""
        if self._pool is None:
            return ready, _decisions(self._policy, ready)
        for each in ready:
            self.thinking[self._pool.submit(_decisions, self._policy, [each])] = each
        wait(self.thinking, return_when=FIRST_COMPLETED)
        done = [answer for answer in self.thinking if answer.done()]
        return [self.thinking.pop(answer) for answer in done], [answer.result()[0] for answer in done]

    def close(self) -> None:
        """Waits for the answers that are under way, and asks for no more."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _decisions(policy: Policy, running: Sequence[_Running]) -> list[Decision]:
    """What the policy does in each episode, but for those that a simulated user did not begin."""
    requests = [_request(play, episode) for play, episode in running]
    asked = [request for request, (_, episode) in zip(requests, running, strict=True) if not episode.done]
    answers = iter(policy.act(asked) if asked else ())
    return [Decision({}, failure=episode.failure) if episode.done else next(answers) for _, episode in running]


def _step(running: Sequence[_Running], decisions: Sequence[Decision], executor: Executor) -> None:
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
