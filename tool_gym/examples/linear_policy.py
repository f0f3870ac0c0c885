"""Trains on a handful of scenarios in about a minute with nothing but numpy, through plain `gym.make`.

python -m tool_gym.examples.linear_policy
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import gymnasium as gym
import numpy as np

import tool_gym
from tool_gym.candidates import CandidateActions
from tool_gym.training.linear import CandidatePolicy, Prefixes, Settings, play, train


def main(count: int = 40, settings: Settings | None = None) -> tuple[float, float]:
    """Generates scenarios, trains on three quarters of them and plays the others.

    Args:
        count: Scenarios, >= 4.
        settings: How long it learns.

    Returns:
        Mean Solve-F1 on the scenarios that it was not trained on: acting at random, and after training.
    """
    with tempfile.TemporaryDirectory() as folder:
        pack = str(Path(folder) / "easy")
        tool_gym.generate_pack(pack, backend="worlds", count=count, seed=7, level=0, gate=False)
        env = CandidateActions(
            gym.make("ToolUse-v0", pack=pack, split="all", reward="solve_f1", max_turns=8, execution="embedded")
        )
        prefixes = Prefixes(env)
        scenarios = list(tool_gym.load_pack(pack))
        seen, unseen = scenarios[: 3 * count // 4], scenarios[3 * count // 4 :]
        rng = np.random.default_rng(0)
        policy = train(prefixes, seen, "grpo", seed=0, settings=settings or Settings(iterations=8, epochs=4))
        before = np.mean([play(CandidatePolicy(), prefixes, each, rng)[1]["f1"] for each in unseen])
        after = np.mean([play(policy, prefixes, each)[1]["f1"] for each in unseen])
    return float(before), float(after)


if __name__ == "__main__":
    print("Solve-F1 on unseen scenarios: {:.2f} at random, {:.2f} after training".format(*main()))
