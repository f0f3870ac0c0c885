"""Does a stock algorithm learn here? sb3-contrib's MaskablePPO, unmodified, over `CandidateActions`.

    pip install stable-baselines3 sb3-contrib
    tool-gym generate --out PACK --level 1 --count 2000 --seed 7
    python benchmarks/candidates_ppo.py PACK

Its policy network scores each candidate by one layer that all rows share, passed by `policy_kwargs`. Trained and
tested on the domains of benchmarks/linear.py; writes results/candidates_ppo.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from linear import HELD_OUT, environment, split
from remembered import Remembered, solve_f1
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

RESULTS = Path(__file__).parent / "results"


class Scores(BaseFeaturesExtractor):
    """A score for each row of the observation, then the highest value of each column, for the critic."""

    def __init__(self, observation_space: Any) -> None:
        rows, columns = observation_space.shape
        super().__init__(observation_space, rows + columns)
        self.score = nn.Linear(columns, 1, bias=False)
        nn.init.zeros_(self.score.weight)

    def forward(self, observations: Tensor) -> Tensor:
        return torch.cat([self.score(observations).squeeze(-1), observations.amax(1)], -1)


class First(nn.Module):
    """The first so many of its inputs."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs[:, : self.count]


class ScoresAsLogits(MaskableActorCriticPolicy):
    """Takes the scores as the logits of the actions."""

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        self.action_net = First(int(self.action_space.n))  # type: ignore[attr-defined]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pack")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=16_384)
    parser.add_argument("--trained", type=int, default=300)
    parser.add_argument("--tested", type=int, default=100)
    parser.add_argument("--turns", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    trained, tested = split(options.pack, options.trained, options.tested)
    env = Remembered(environment(options.pack, "ftrl_f1", options.turns), trained)
    judge = Remembered(environment(options.pack, "solve_f1", options.turns), tested)
    rows = []
    for seed in range(options.seeds):
        began = time.perf_counter()
        model = MaskablePPO(
            ScoresAsLogits,
            env,
            n_steps=1024,
            batch_size=128,
            n_epochs=6,
            learning_rate=lambda left: 0.003 + 0.027 * left,
            gamma=0.1,
            ent_coef=0.003,
            seed=seed,
            policy_kwargs={"features_extractor_class": Scores, "net_arch": [], "ortho_init": False},
            device="cpu",
        )

        def best(rows: Any, mask: Any, model: MaskablePPO = model) -> int:
            return int(model.predict(rows, action_masks=mask, deterministic=True)[0])

        start = solve_f1(judge, best, tested)
        model.learn(options.steps)
        row = {"algorithm": "MaskablePPO", "seed": seed, "start": start, "end": solve_f1(judge, best, tested)}
        rows.append({**row, "steps": options.steps, "seconds": round(time.perf_counter() - began, 1)})
        print(rows[-1], flush=True)
        result = {
            "command": " ".join(["python benchmarks/candidates_ppo.py PACK", *sys.argv[2:]]),
            "pack": "tool-gym generate --level 1 --count 2000 --seed 7",
            "held_out_domains": HELD_OUT,
            "trained_on": len(trained),
            "tested_on": len(tested),
            "reward": "ftrl_f1",
            "rows": rows,
        }
        (RESULTS / "candidates_ppo.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
