"""One training iteration of RLlib's unmodified PPO on the registered environment, whose runners are on other nodes.

The weights must move.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import ray
from nodes import three_nodes
from ray.rllib.algorithms.ppo import PPOConfig

from tool_gym.adapters.rllib import register

nodes = three_nodes()
ray.init(nodes.address, log_to_driver=False)
register()
config = (
    PPOConfig()
    .environment("tool_gym", env_config={"pack": "starter", "execution": "embedded", "size": 48})
    .env_runners(num_env_runners=2)
    .training(train_batch_size_per_learner=64, minibatch_size=32, num_epochs=1)
    .rl_module(model_config={"fcnet_hiddens": [32]})
)
algorithm = config.build_algo()
places = set(algorithm.env_runner_group.foreach_env_runner(lambda runner: ray.get_runtime_context().get_node_id()))
before = {name: np.array(value) for name, value in algorithm.get_module().get_state().items()}
result = algorithm.train()
after = algorithm.get_module().get_state()
moved = sum(float(np.abs(np.array(after[name]) - value).sum()) for name, value in before.items())
episodes = result["env_runners"]
print(f"ray {version('ray')}, gymnasium {version('gymnasium')}")
print({key: float(episodes[key]) for key in ("num_episodes", "episode_return_mean", "num_env_steps_sampled")})
print({key: float(value) for key, value in result["learners"]["default_policy"].items() if key.endswith("loss")})
print(f"environments played on {len(places)} nodes of 3")
print(f"weights moved by {moved:.4f} in sum")
algorithm.stop()
ray.shutdown()
nodes.shutdown()
if not moved > 0 or len(places) < 2:
    raise SystemExit("expected weights that move, and more nodes than one")
