"""Does a stock algorithm learn here? sb3-contrib's MaskablePPO, unmodified, over `CandidateActions`.

    pip install stable-baselines3 sb3-contrib
    tool-gym generate --out PACK --level 1 --count 2000 --seed 7
    python benchmarks/candidates_ppo.py PACK

Its policy network scores each candidate by one layer that all rows share, passed by `policy_kwargs`. Trained and
tested on the domains of benchmarks/linear.py; writes results/candidates_ppo.json.
"""

from __future__ import annotations

from typing import Any

import sb3_contrib
import torch
from remembered import Learner, Remembered, bench
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn


class Scores(BaseFeaturesExtractor):  # type: ignore[misc]
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


class ScoresAsLogits(MaskableActorCriticPolicy):  # type: ignore[misc]
    """Takes the scores as the logits of the actions."""

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        self.action_net = First(int(self.action_space.n))


def set_up(env: Remembered, seed: int, steps: int) -> Learner:
    """The algorithm with its settings."""
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

    def best(rows: Any, mask: Any) -> int:
        return int(model.predict(rows, action_masks=mask, deterministic=True)[0])

    def learn() -> int:
        return int(model.learn(steps).num_timesteps)

    return Learner(best, learn)


if __name__ == "__main__":
    torch.set_num_threads(1)
    bench(f"MaskablePPO of sb3-contrib {sb3_contrib.__version__}", set_up)
