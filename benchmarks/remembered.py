"""What the benchmarks of stock algorithms share: an environment that keeps what it has seen, and the run over seeds.

Tools are deterministic, so what was seen once need not be computed again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import gymnasium as gym
import numpy as np
from linear import HELD_OUT, RESULTS, environment, split
from numpy.typing import NDArray

from tool_gym.candidates import CandidateActions
from tool_gym.training.linear import Prefix, Prefixes

Rows: TypeAlias = NDArray[np.float32]
Best: TypeAlias = Callable[[Rows, NDArray[np.bool_]], int]
"""The greedy action for an observation and its mask."""


class Learner(NamedTuple):
    """A stock algorithm that was set up for an environment.

    Attributes:
        best: Its greedy action, as it has learned by now.
        learn: Trains it to the end; gives the steps taken.
    """

    best: Best
    learn: Callable[[], int]


class Remembered(gym.Env[Rows, int]):
    """Episodes of some scenarios, drawn at each reset, through `CandidateActions`: the same observations and rewards.

    For algorithms that mask actions: each action must have a candidate.

    """

    def __init__(self, env: CandidateActions, scenarios: Sequence[str], seed: int = 0) -> None:
        self.observation_space: Any = env.observation_space
        self.action_space: Any = env.action_space
        self._prefixes, self._scenarios = Prefixes(env), list(scenarios)
        self._rng = np.random.default_rng(seed)
        self._at: Prefix

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Rows, dict[str, Any]]:
        """Begins an episode of the scenario in the options, or of one that is drawn."""
        scenario = (options or {}).get("scenario") or str(self._rng.choice(self._scenarios))
        self._at = self._prefixes.first(scenario)
        return self._rows(), {"action_mask": self.action_masks()}

    def step(self, action: int) -> tuple[Rows, float, bool, bool, dict[str, Any]]:
        """Plays the candidate of that number."""
        number = int(action)
        outcome = self._prefixes.outcome(self._at, number)
        after = self._prefixes.next(self._at, number)
        if after is not None:
            self._at = after
        info = {"score": outcome.score, "action_mask": self.action_masks()}
        return self._rows(), outcome.reward, after is None, False, info

    def action_masks(self) -> NDArray[np.bool_]:
        """bool[size]: the rows that hold a candidate."""
        return np.arange(self.action_space.n) < len(self._at.rows)

    def _rows(self) -> Rows:
        rows = np.zeros(self.observation_space.shape, np.float32)
        rows[: len(self._at.rows)] = self._at.rows
        return rows


def solve_f1(env: Remembered, best: Best, scenarios: Sequence[str]) -> float:
    """Mean over greedy episodes.

    Args:
        env: Any that has these scenarios.
        best: The action for an observation and its mask.
        scenarios: Their ids.
    """
    scores = []
    for scenario in scenarios:
        rows, info = env.reset(options={"scenario": scenario})
        ended = False
        while not ended:
            rows, _, ended, _, info = env.step(best(rows, info["action_mask"]))
        scores.append(info["score"]["f1"])
    return float(np.mean(scores))


def bench(algorithm: str, set_up: Callable[[Remembered, int, int], Learner]) -> None:
    """Reads the command line; trains and measures the algorithm for each seed; keeps the result.

    The result lies in the results' folder under the name of the command's file.

    Args:
        algorithm: Its name, and version.
        set_up: A learner for an environment, a seed and a number of steps.
    """
    command = Path(sys.argv[0])
    parser = argparse.ArgumentParser()
    parser.add_argument("pack")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=24_576)
    parser.add_argument("--trained", type=int, default=1400)
    parser.add_argument("--tested", type=int, default=100)
    parser.add_argument("--turns", type=int, default=8)
    options = parser.parse_args()
    trained, tested = split(options.pack, options.trained, options.tested)
    env = Remembered(environment(options.pack, "ftrl_f1", options.turns), trained)
    judge = Remembered(environment(options.pack, "solve_f1", options.turns), tested)
    rows = []
    for seed in range(options.seeds):
        began = time.perf_counter()
        best, learn = set_up(env, seed, options.steps)
        start, steps = solve_f1(judge, best, tested), learn()
        row = {"algorithm": algorithm, "seed": seed, "start": start, "end": solve_f1(judge, best, tested)}
        rows.append({**row, "steps": steps, "seconds": round(time.perf_counter() - began, 1)})
        print(rows[-1], flush=True)
        result = {
            "command": " ".join([f"python benchmarks/{command.name} PACK", *sys.argv[2:]]),
            "pack": "tool-gym generate --level 1 --count 2000 --seed 7",
            "held_out_domains": HELD_OUT,
            "trained_on": len(trained),
            "tested_on": len(tested),
            "reward": "ftrl_f1",
            "rows": rows,
        }
        (RESULTS / f"{command.stem}.json").write_text(json.dumps(result, indent=1) + "\n")
