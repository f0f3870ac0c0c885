"""Many episodes in one process, whose tool calls of a step travel to the sandbox together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from tool_gym.env import ToolUseEnv
from tool_gym.episode import step_together
from tool_gym.errors import InputError


class ToolUseVectorEnv(VectorEnv[dict[str, Any], Any, Any]):
    """The native vector environment: what `gym.make_vec("ToolUse-v0", n)` makes.

    Observations are `{"messages": (list, ...), "tools": (list, ...)}`, read-only; actions a sequence of one action per
    sub-environment. Info has the layout of Gymnasium's own vector environments.
    """

    def __init__(
        self, num_envs: int = 1, *, autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP, **kwargs: Any
    ) -> None:
        """Makes sub-environments.

        Args:
            num_envs: How many, >= 1.
            autoreset_mode: What happens at the end of an episode, see Gymnasium.
            **kwargs: Arguments of `ToolUseEnv`.
        """
        if num_envs < 1:
            raise InputError(f"num_envs must be at least 1, got {num_envs}")
        first = ToolUseEnv(**kwargs)
        self.envs = [first, *(ToolUseEnv(**{**kwargs, "pack": first.pack}) for _ in range(num_envs - 1))]
        self.num_envs = num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**ToolUseEnv.metadata, "autoreset_mode": self.autoreset_mode}
        self.render_mode = self.envs[0].render_mode
        self.single_action_space = self.envs[0].action_space
        self.single_observation_space = self.envs[0].observation_space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._ended = np.zeros(num_envs, dtype=np.bool_)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begins episodes.

        Args:
            seed: One per sub-environment, or one integer s for s, s + 1, ...
            options: As `ToolUseEnv.reset`, for all of them; `reset_mask` (bool[num_envs]) chooses which begin anew.
        """
        seeds = self._seeds(seed)
        options = dict(options or {})
        mask = np.asarray(options.pop("reset_mask", np.ones(self.num_envs, dtype=np.bool_)), dtype=np.bool_)
        if mask.shape != (self.num_envs,):
            raise InputError(f"reset_mask must have shape ({self.num_envs},), got {mask.shape}")
        infos: list[dict[str, Any] | None] = [None] * self.num_envs
        for i in np.flatnonzero(mask):
            _, infos[i] = self.envs[i].reset(seed=seeds[i], options=options)
        self._ended[mask] = False
        return self._observe(), columns(infos)

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, (int, np.integer)):
            return [int(seed) + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise InputError(f"expected {self.num_envs} seeds, one per sub-environment, got {len(seed)}")
        return list(seed)

    def step(self, actions: Any) -> tuple[dict[str, Any], Any, Any, Any, dict[str, Any]]:
        """Plays one turn in every sub-environment; one that ended is reset instead (under NEXT_STEP).

        Raises:
            ModelError: If a simulated user's model does not answer; reset all then.
        """
        actions = list(actions)
        if len(actions) != self.num_envs:
            raise InputError(f"expected {self.num_envs} actions, one per sub-environment, got {len(actions)}")
        rewards = np.zeros(self.num_envs, dtype=np.float64)
        terminated, truncated = np.zeros((2, self.num_envs), dtype=np.bool_)
        infos: list[dict[str, Any] | None] = [None] * self.num_envs
        finals: list[dict[str, Any] | None] = [None] * self.num_envs
        resetting = self._ended if self.autoreset_mode is AutoresetMode.NEXT_STEP else np.zeros_like(self._ended)
        playing = np.flatnonzero(~resetting)
        for i in np.flatnonzero(resetting):
            _, infos[i] = self.envs[i].reset()
        episodes = [self.envs[i].episode for i in playing]
        results = step_together(episodes, [actions[i] for i in playing], self.envs[0].executor)
        for i, result in zip(playing, results, strict=True):
            self.envs[i].check_user()
            _, rewards[i], terminated[i], truncated[i], infos[i] = result
            if self.autoreset_mode is AutoresetMode.SAME_STEP and (result.terminated or result.truncated):
                finals[i] = {"final_obs": result.observation, "final_info": result.info}
                _, infos[i] = self.envs[i].reset()
        self._ended = terminated | truncated
        return self._observe(), rewards, terminated, truncated, {**columns(finals), **columns(infos)}

    def _observe(self) -> dict[str, Any]:
        views = [env.episode.observation for env in self.envs]
        return {key: tuple(map(itemgetter(key), views)) for key in ("messages", "tools")}

    def render(self) -> tuple[Any, ...]:
        """The transcripts of all sub-environments, see `ToolUseEnv.render`."""
        return tuple(env.render() for env in self.envs)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """An attribute of every sub-environment, called where it is a method."""
        values = [env.get_wrapper_attr(name) for env in self.envs]
        return tuple(value(*args, **kwargs) if callable(value) else value for value in values)

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute of every sub-environment."""
        return self.call(name)

    def close_extras(self, **kwargs: Any) -> None:
        """Closes the sub-environments."""
        for env in self.envs:
            env.close()


def columns(infos: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """Infos of sub-environments as columns, laid out as Gymnasium's vector environments do.

    Args:
        infos: One per sub-environment; None where there is none.

    Returns:
        For each key an array [num_envs] (of the first value's type if that is int, float or bool, else of objects; for
        a dict a dict of columns) and under `_key` the mask bool[num_envs] of those that have it.
    """
    table: dict[str, Any] = {}
    keys = dict.fromkeys(itertools.chain.from_iterable(filter(None, infos)))
    alike = all(info is not None and len(info) == len(keys) for info in infos)  # as they mostly are
    for key in keys:
        if alike:
            has = np.ones(len(infos), dtype=np.bool_)
            values = list(map(itemgetter(key), infos))  # type: ignore[arg-type]
        else:
            has = np.array([info is not None and key in info for info in infos], dtype=np.bool_)
            values = [info[key] if info is not None and key in info else None for info in infos]
        first: Any = values[int(np.argmax(has))]
        if isinstance(first, dict) and key != "final_obs":
            table[key] = columns(values)
        elif type(first) in (int, float, bool):
            zero = first * 0
            filled = values if alike else [zero if value is None else value for value in values]
            table[key] = np.array(filled, dtype=type(first))
        else:
            table[key] = np.fromiter(values, dtype=object, count=len(values))
        table[f"_{key}"] = has
    return table
