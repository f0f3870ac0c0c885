"""Ways of stepping an environment of this package: alone, with several calls, as a vector, in Gymnasium's processes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Literal, NamedTuple, Protocol

import gymnasium as gym
from gymnasium.utils.seeding import np_random
from sandbox_echo import CALLS, Echo
from workloads.plays import Play, Step

import tool_gym  # noqa: F401  (registers the environments)


class Seeded(NamedTuple):
    """A play, and the seed with which the environment draws its scenario."""

    play: Play
    seed: int


class Timing(NamedTuple):
    """What a round took.

    Attributes:
        seconds: Wall seconds in all.
        reset_seconds: Those of them spent in resets.
        steps: Environment steps played.
        processor_s: Processor seconds of this process, its workers not counted; on a busy machine they say more than
            the wall's, which depend on how often a way lets go of its processor.
    """

    seconds: float
    reset_seconds: float
    steps: int
    processor_s: float


class Way(Protocol):
    """One way of playing."""

    name: str
    calls_per_step: int

    def run(self, plays: Sequence[Seeded]) -> Timing:
        """Plays; only playing is timed. Raises WrongResult if a call did not return what it must."""

    def close(self) -> None:
        """Ends processes."""


class WrongResult(Exception):
    """A way returned something else than the workload says, so that its speed means nothing."""


def seeded(plays: Sequence[Play], wanted: int) -> list[Seeded]:
    """As many different plays as wanted, or as there are, in the order in which seeds 0, 1, 2, ... draw them."""
    found: dict[int, int] = {}
    for seed in range(4 * len(plays)):
        drawn = int(np_random(seed)[0].integers(len(plays)))
        found.setdefault(drawn, seed)
        if len(found) == wanted:
            break
    return [Seeded(plays[place], seed) for place, seed in found.items()]


def chat_action(steps: Sequence[Step]) -> dict[str, Any]:
    """An assistant message as chat-completions endpoints return it: arguments are JSON text, to be parsed."""
    calls = [
        {
            "id": f"call-{i}",
            "type": "function",
            "function": {"name": step.tool, "arguments": json.dumps(step.arguments)},
        }
        for i, step in enumerate(steps)
    ]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def chat_actions(play: Play, calls_per_step: int) -> list[dict[str, Any]]:
    return [chat_action(play.steps[i : i + calls_per_step]) for i in range(0, len(play.steps), calls_per_step)]


def check(play: Play, way: str, messages: Sequence[Mapping[str, Any]], solved: int) -> None:
    """Sees to it that every call of a play returned its expected result and was credited."""
    results = [json.loads(message["content"]) for message in messages if message["role"] == "tool"]
    check_results(play, way, results)
    if solved != len(play.steps):
        raise WrongResult(f"{way}: {solved} of {len(play.steps)} steps of {play.scenario.id} were credited")


def check_results(play: Play, way: str, results: Sequence[Any]) -> None:
    for step, result in zip(play.steps, results, strict=True):
        if result != step.result:
            raise WrongResult(f"{way}: {step.tool}({step.arguments}) returned {result}, expected {step.result}")


class Single:
    """One environment, stepped alone."""

    def __init__(self, pack: Path, execution: Literal["isolated", "embedded"], calls_per_step: int = 1) -> None:
        self.name = f"{execution}, {calls_per_step} call{'s' if calls_per_step > 1 else ''}"
        self.calls_per_step = calls_per_step
        self._env = gym.make("ToolUse-v0", pack=str(pack), execution=execution)

    def run(self, plays: Sequence[Seeded]) -> Timing:
        env, ends, reset_s = self._env, [], 0.0
        work = [(seed, chat_actions(play, self.calls_per_step)) for play, seed in plays]
        begun, used = perf_counter(), process_time()
        for seed, actions in work:
            resetting = perf_counter()
            env.reset(seed=seed)
            reset_s += perf_counter() - resetting
            for action in actions:
                observation, _, _, _, info = env.step(action)
            ends.append((observation, info))
        seconds, processor_s = perf_counter() - begun, process_time() - used
        for (play, _), (observation, info) in zip(plays, ends, strict=True):
            check(play, self.name, observation["messages"], info["score"]["solved"])
        return Timing(seconds, reset_s, sum(len(actions) for _, actions in work), processor_s)

    def close(self) -> None:
        self._env.close()


class Vector:
    """Environments that are stepped together: this package's own kind, or Gymnasium's process for each."""

    calls_per_step = 1

    def __init__(
        self,
        pack: Path,
        execution: Literal["isolated", "embedded"],
        size: int,
        mode: Literal["vector_entry_point", "async"] = "vector_entry_point",
    ) -> None:
        self.name = f"{execution}, vector {size}"
        if mode == "async":
            self.name = f"AsyncVectorEnv {size}, {execution}"
        self._size = size
        self._env: Any = gym.make_vec(
            "ToolUse-v0", num_envs=size, vectorization_mode=mode, pack=str(pack), execution=execution
        )

    def run(self, plays: Sequence[Seeded]) -> Timing:
        env, ends, reset_s = self._env, [], 0.0
        groups = [plays[i : i + self._size] for i in range(0, len(plays), self._size)]
        work = []
        for group in groups:
            actions = zip(*[chat_actions(play, 1) for play, _ in group], strict=True)
            work.append(([seed for _, seed in group], list(actions)))
        begun, used = perf_counter(), process_time()
        for seeds, turns in work:
            resetting = perf_counter()
            env.reset(seed=seeds)
            reset_s += perf_counter() - resetting
            for turn in turns:
                observation, _, _, _, info = env.step(turn)
            ends.append((observation, info))
        seconds, processor_s = perf_counter() - begun, process_time() - used
        for group, (observation, info) in zip(groups, ends, strict=True):
            solved = info["score"]["solved"]
            for i, (play, _) in enumerate(group):
                check(play, self.name, observation["messages"][i], int(solved[i]))
        return Timing(seconds, reset_s, sum(len(play.steps) for play, _ in plays), processor_s)

    def close(self) -> None:
        self._env.close()


class BareEcho:
    """No environment: 200 bytes to a forked process on the same processor and back."""

    name = "bare echo of a worker round trip"
    calls_per_step = 1

    def __init__(self) -> None:
        self._echo = Echo()

    def run(self, plays: Sequence[Seeded]) -> Timing:
        begun, used = perf_counter(), process_time()
        self._echo.round()
        return Timing(perf_counter() - begun, 0.0, CALLS, process_time() - used)

    def close(self) -> None:
        """The process ends when this one hangs up."""
