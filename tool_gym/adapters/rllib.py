"""Ray RLlib: registers environments with Ray. Tested with ray 2.60.

    register()
    config = PPOConfig().environment("tool_gym", env_config={"pack": "starter"})

The environment is `CandidateActions` over `ToolUse-v0`: numbers in, the number of a candidate out, as algorithms of
control take them. Any other `gymnasium` environment of this package needs no adapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym

from tool_gym.candidates.actions import CandidateActions


def make(config: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """An environment of RLlib's `env_config`: `size` of `CandidateActions`, the rest for `gym.make("ToolUse-v0")`."""
    options = dict(config)
    size = {"size": options.pop("size")} if "size" in options else {}
    # RLlib has no encoder for a table of features.
    return gym.wrappers.FlattenObservation(CandidateActions(gym.make("ToolUse-v0", **options), **size))


def register(name: str = "tool_gym") -> None:
    """Makes the environment known to Ray by a name."""
    from ray.tune import register_env

    register_env(name, make)
