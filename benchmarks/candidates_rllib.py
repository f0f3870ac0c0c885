"""Does a stock algorithm learn here? RLlib's PPO, unmodified, over `CandidateActions`.

    pip install 'ray[rllib]' torch
    tool-gym generate --out PACK --level 1 --count 2000 --seed 7
    python benchmarks/candidates_rllib.py PACK

Its RLModule scores each candidate by one layer that all rows share, and masks the rows without one as RLlib's example
of action masking does. Trained and tested on the domains of benchmarks/linear.py; writes results/candidates_rllib.json.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.tune import register_env
from remembered import Learner, Remembered, bench
from torch import nn

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


def set_up(env: Remembered, seed: int, steps: int) -> Learner:
    """The algorithm with its settings."""
    register_env("candidates", lambda _: Masked(env))
    config = (
        PPOConfig()
        .environment("candidates")
        .env_runners(num_env_runners=0)
        .rl_module(rl_module_spec=RLModuleSpec(module_class=SharedScorer))
        .training(
            train_batch_size_per_learner=1024,
            minibatch_size=128,
            num_epochs=6,
            lr=[[0, 0.03], [steps, 0.003]],
            gamma=0.1,
            entropy_coeff=0.003,
            clip_param=0.2,
            use_kl_loss=False,
            vf_clip_param=10.0,
        )
        .debugging(seed=seed)
    )
    algorithm = config.build_algo()

    def best(rows: Any, mask: Any) -> int:
        seen = {
            "action_mask": torch.from_numpy(mask[None].astype(np.float32)),
            "observations": torch.from_numpy(rows[None]),
        }
        with torch.no_grad():
            found = algorithm.get_module().forward_inference({Columns.OBS: seen})
        return int(found[Columns.ACTION_DIST_INPUTS].argmax())

    def learn() -> int:
        taken = 0
        while taken < steps:
            taken = int(algorithm.train()["num_env_steps_sampled_lifetime"])
        return taken

    return Learner(best, learn)


if __name__ == "__main__":
    torch.set_num_threads(1)
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    bench(f"PPO of RLlib {ray.__version__}", set_up)
