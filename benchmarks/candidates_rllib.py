"""Does a stock algorithm learn here? RLlib's PPO, unmodified, over `CandidateActions`.

    pip install 'ray[rllib]' torch
    tool-gym generate --out PACK --level 1 --count 2000 --seed 7
    python benchmarks/candidates_rllib.py PACK

Its RLModule scores each candidate by one layer that all rows share, and masks the rows without one as RLlib's example
of action masking does. Trained and tested on the domains of benchmarks/linear.py; writes results/candidates_rllib.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import ray
import torch
from linear import HELD_OUT, environment, split
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.tune import register_env
from remembered import Remembered, solve_f1
from torch import nn

RESULTS = Path(__file__).parent / "results"
_BARRED = -1e9
"""Added to the score of a row without a candidate."""


class Masked(gym.ObservationWrapper[Any, Any, Any]):
    """Puts the mask beside the rows, where an RLModule can see it."""

    def __init__(self, env: Remembered) -> None:
        super().__init__(env)
        mask = gym.spaces.Box(0.0, 1.0, (int(env.action_space.n),), np.float32)
        self.observation_space = gym.spaces.Dict({"action_mask": mask, "observations": env.observation_space})

    def observation(self, observation: Any) -> dict[str, Any]:
        return {
            "action_mask": self.unwrapped.action_masks().astype(np.float32),  # type: ignore[attr-defined]
            "observations": observation,
        }


class SharedScorer(TorchRLModule, ValueFunctionAPI):  # type: ignore[misc]
    """One layer scores each row; the highest value of each column goes to the critic."""

    def setup(self) -> None:
        columns = self.observation_space["observations"].shape[1]
        self.score, self.value = nn.Linear(columns, 1, bias=False), nn.Linear(columns, 1)
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.value.weight)

    def _forward(self, batch: dict[str, Any], **_: Any) -> dict[str, Any]:
        mask, rows = batch[Columns.OBS]["action_mask"], batch[Columns.OBS]["observations"]
        return {Columns.ACTION_DIST_INPUTS: self.score(rows).squeeze(-1) + _BARRED * (1 - mask)}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Any:
        return self.value(batch[Columns.OBS]["observations"].amax(-2)).squeeze(-1)


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
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    register_env("candidates", lambda _: Masked(env))
    rows = []
    for seed in range(options.seeds):
        began = time.perf_counter()
        config = (
            PPOConfig()
            .environment("candidates")
            .env_runners(num_env_runners=0)
            .rl_module(rl_module_spec=RLModuleSpec(module_class=SharedScorer))
            .training(
                train_batch_size_per_learner=1024,
                minibatch_size=128,
                num_epochs=6,
                lr=[[0, 0.03], [options.steps, 0.003]],
                gamma=0.1,
                entropy_coeff=0.003,
                clip_param=0.2,
                use_kl_loss=False,
                vf_clip_param=10.0,
            )
            .debugging(seed=seed)
        )
        algorithm = config.build_algo()

        def best(rows: Any, mask: Any, algorithm: Any = algorithm) -> int:
            seen = {
                "action_mask": torch.from_numpy(mask[None].astype(np.float32)),
                "observations": torch.from_numpy(rows[None]),
            }
            with torch.no_grad():
                found = algorithm.get_module().forward_inference({Columns.OBS: seen})
            return int(found[Columns.ACTION_DIST_INPUTS].argmax())

        start = solve_f1(judge, best, tested)
        steps = 0
        while steps < options.steps:
            steps = int(algorithm.train()["num_env_steps_sampled_lifetime"])
        row = {"algorithm": "RLlib PPO", "seed": seed, "start": start, "end": solve_f1(judge, best, tested)}
        rows.append({**row, "steps": steps, "seconds": round(time.perf_counter() - began, 1)})
        print(rows[-1], flush=True)
        algorithm.stop()
        result = {
            "command": " ".join(["python benchmarks/candidates_rllib.py PACK", *sys.argv[2:]]),
            "pack": "tool-gym generate --level 1 --count 2000 --seed 7",
            "held_out_domains": HELD_OUT,
            "trained_on": len(trained),
            "tested_on": len(tested),
            "reward": "ftrl_f1",
            "ray": ray.__version__,
            "rows": rows,
        }
        (RESULTS / "candidates_rllib.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
