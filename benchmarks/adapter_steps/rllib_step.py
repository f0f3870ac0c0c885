"""One training iteration of RLlib's unmodified PPO on the registered environment; the weights must move."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import ray
from ray.rllib.algorithms.ppo import PPOConfig

from tool_gym.adapters.rllib import register

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
register()
config = (
    PPOConfig()
    .environment("tool_gym", env_config={"pack": "starter", "execution": "embedded", "size": 48})
    .env_runners(num_env_runners=1)
    .training(train_batch_size_per_learner=64, minibatch_size=32, num_epochs=1)
    .rl_module(model_config={"fcnet_hiddens": [32]})
)
algorithm = config.build_algo()
before = {name: np.array(value) for name, value in algorithm.get_module().get_state().items()}
result = algorithm.train()
after = algorithm.get_module().get_state()
moved = sum(float(np.abs(np.array(after[name]) - value).sum()) for name, value in before.items())
episodes = result["env_runners"]
print(f"ray {version('ray')}, gymnasium {version('gymnasium')}")
print({key: float(episodes[key]) for key in ("num_episodes", "episode_return_mean", "num_env_steps_sampled")})
print({key: float(value) for key, value in result["learners"]["default_policy"].items() if key.endswith("loss")})
print(f"weights moved by {moved:.4f} in sum")
algorithm.stop()
ray.shutdown()
if not moved > 0:
    raise SystemExit("expected weights that move")
