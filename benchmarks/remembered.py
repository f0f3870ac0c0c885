"""The candidates as an environment for stock algorithms that keeps what it has seen: tools are deterministic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from tool_gym.candidates import CandidateActions
from tool_gym.training.linear import Prefix, Prefixes

Rows = NDArray[np.float32]


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


def solve_f1(env: Remembered, best: Callable[[Rows, NDArray[np.bool_]], int], scenarios: Sequence[str]) -> float:
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
