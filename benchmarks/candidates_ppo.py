"""Does a stock algorithm learn here? sb3-contrib's MaskablePPO, unmodified, over `CandidateActions`.

    pip install stable-baselines3 sb3-contrib
    tool-gym generate --out PACK --level 1 --count 2000 --seed 7
    python benchmarks/candidates_ppo.py PACK

Its policy network scores each candidate by one small net that all rows share. Trained and tested on the scenarios of
benchmarks/linear.py; writes results/candidates_ppo.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from linear import environment, split
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from tool_gym.candidates import CandidateActions

RESULTS = Path(__file__).parent / "results"


class Scores(BaseFeaturesExtractor):
    """A score for each row of the observation."""

    def __init__(self, observation_space: Any) -> None:
        rows, columns = observation_space.shape
        super().__init__(observation_space, rows)
        self.score = nn.Sequential(nn.Linear(columns, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, observations: Tensor) -> Tensor:
        return self.score(observations).squeeze(-1)  # type: ignore[no-any-return]


class ScoresAsLogits(MaskableActorCriticPolicy):
    """Takes the scores as the logits of the actions."""

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        self.action_net = nn.Identity()


def solve_f1(model: MaskablePPO, env: CandidateActions, scenarios: Sequence[str]) -> float:
    """Mean over greedy episodes."""
    scores = []
    for scenario in scenarios:
        rows, info = env.reset(seed=0, options={"scenario": scenario})
        ended = False
        while not ended:
            action, _ = model.predict(rows, action_masks=env.action_masks(), deterministic=True)
            rows, _, terminated, truncated, info = env.step(int(action))
            ended = terminated or truncated
        scores.append(info["score"]["f1"])
    return float(np.mean(scores))


class _Only(CandidateActions):
    """The candidates of episodes of some scenarios, drawn at each reset."""

    def __init__(self, inner: CandidateActions, scenarios: Sequence[str], seed: int) -> None:
        super().__init__(inner.env, inner.size)
        self._scenarios, self._rng = scenarios, np.random.default_rng(seed)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        scenario = str(self._rng.choice(np.array(self._scenarios)))
        return super().reset(seed=seed, options={"scenario": scenario})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pack")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--trained", type=int, default=300)
    parser.add_argument("--tested", type=int, default=100)
    parser.add_argument("--turns", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    trained, tested, held_out = split(options.pack, options.trained, options.tested)
    env = environment(options.pack, "solve_f1", options.turns)
    rows = []
    for seed in range(options.seeds):
        began = time.perf_counter()
        model = MaskablePPO(
            ScoresAsLogits,
            _Only(env, trained, seed),
            n_steps=512,
            batch_size=128,
            n_epochs=8,
            learning_rate=3e-3,
            gamma=0.9,
            ent_coef=0.003,
            seed=seed,
            policy_kwargs={"features_extractor_class": Scores, "net_arch": []},
            device="cpu",
        )
        start = solve_f1(model, env, tested)
        model.learn(options.steps)
        row = {"algorithm": "MaskablePPO", "seed": seed, "start": start, "end": solve_f1(model, env, tested)}
        rows.append({**row, "steps": options.steps, "seconds": round(time.perf_counter() - began, 1)})
        print(rows[-1], flush=True)
        result = {
            "command": " ".join(["python benchmarks/candidates_ppo.py PACK", *sys.argv[2:]]),
            "pack": "tool-gym generate --level 1 --count 2000 --seed 7",
            "held_out_domains": held_out,
            "trained_on": len(trained),
            "tested_on": len(tested),
            "rows": rows,
        }
        (RESULTS / "candidates_ppo.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
