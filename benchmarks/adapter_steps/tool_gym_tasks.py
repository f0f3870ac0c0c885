"""The taskset as verifiers finds it: a module at the top level."""

from tool_gym.adapters.verifiers import ToolGymEnv, ToolGymTaskset

__all__ = ["ToolGymEnv", "ToolGymTaskset"]
