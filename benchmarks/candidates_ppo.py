"""Does a stock algorithm learn here? sb3-contrib's MaskablePPO, unmodified, over `CandidateActions`.

    pip install stable-baselines3 sb3-contrib
    tool-gym generate --out PACK --level 1 --count 2000 --seed 7
    python benchmarks/candidates_ppo.py PACK

Its policy network scores each candidate as the numpy learner does (`tool_gym.training.linear`): a linear score plus one
small hidden layer, the same for all rows, passed by `policy_kwargs`. Trained and tested on the domains of
benchmarks/linear.py; writes results/candidates_ppo.json.
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

_UNITS = 32
_SPREAD = 0.2
"""Standard deviation of the weights of the hidden layer at the start."""
_DIRECT_PACE = 3.0
"""How fast the direct weights learn beside the hidden layer: what that learns carries over to other domains less."""


class Scorer(nn.Module):
    """A linear score of each row, and what one hidden layer adds to it; zero at first for every row."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.direct = nn.Linear(columns, 1, bias=False)
        self.hidden, self.outer = nn.Linear(columns, _UNITS), nn.Linear(_UNITS, 1, bias=False)
        nn.init.normal_(self.hidden.weight, std=_SPREAD)
        nn.init.zeros_(self.hidden.bias)
        nn.init.zeros_(self.direct.weight)
        nn.init.zeros_(self.outer.weight)

    def forward(self, rows: Tensor) -> Tensor:
        """float[..., n] for float[..., n, columns]."""
        scores: Tensor = _DIRECT_PACE * self.direct(rows) + self.outer(self.hidden(rows).relu())
        return scores.squeeze(-1)


class Scores(BaseFeaturesExtractor):  # type: ignore[misc]
    """A score for each row of the observation, then the highest value of each column, for the critic."""

    def __init__(self, observation_space: Any) -> None:
        rows, columns = observation_space.shape
        super().__init__(observation_space, rows + columns)
        self.score = Scorer(columns)

    def forward(self, observations: Tensor) -> Tensor:
        return torch.cat([self.score(observations), observations.amax(1)], -1)


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
        learning_rate=lambda left: 0.001 + 0.009 * left,
        gamma=0.1,
        ent_coef=0.1,
        seed=seed,
        policy_kwargs={
            "features_extractor_class": Scores,
            "net_arch": [],
            "ortho_init": False,
            "optimizer_class": torch.optim.AdamW,
            "optimizer_kwargs": {"weight_decay": 0.03},
        },
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
