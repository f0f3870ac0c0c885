"""SkyRL-gym: a text environment. Tested with skyrl-gym 0.4.

    skyrl_gym.register("tool_gym", entry_point="tool_gym.adapters.skyrl:ToolGymEnv")

SkyRL's conversations are plain messages, so the tools stand in the system message and results come back from the user
(see `policies.plaintext`). Its rows are those of `tool-gym export trl`; the environment's configuration names the pack.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

from tool_gym.adapters.games import plain_data, shared_games
from tool_gym.parsing.parser import parser
from tool_gym.policies.plaintext import PlainText, plain
from tool_gym.policies.policy import Request


class ToolGymEnv(BaseTextEnv):  # type: ignore[misc]
    """One episode, in text.

    Args:
        env_config: `pack`, and if wanted `reward` and `max_turns`.
        extras: The row: `scenario`, `seed`, `prefix`, `pack`, `version`.
    """

    def __init__(self, env_config: Mapping[str, Any], extras: Mapping[str, Any]) -> None:
        super().__init__()
        self._games = shared_games(env_config["pack"], env_config.get("reward"), env_config.get("max_turns"))
        self._row = {key: extras[key] for key in ("scenario", "seed", "prefix", "pack", "version")}
        self._parse = parser("hermes")
        self._game = self._games.open(**self._row)

    def init(self, prompt: list[dict[str, str]]) -> tuple[list[dict[str, str]], dict[str, Any]]:
        """Opens the episode; its own conversation takes the place of the row's prompt, which it repeats."""
        self._game = self._games.open(**self._row)
        episode = self._game.episode
        return PlainText().messages(Request("", episode.seed, episode.observation, episode.info)), {}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Plays the turn that the text spells; a text that cannot be read is answered, never raised."""
        before = len(self._game.episode.observation["messages"])
        observation, reward, terminated, truncated, info = self._game.step(self._parse(action))
        return BaseTextEnvStepOutput(
            observations=plain(plain_data(observation["messages"][before + 1 :])),
            reward=reward,
            done=terminated or truncated,
            metadata=info,
        )

    def get_metrics(self) -> dict[str, Any]:
        """The figures of the score."""
        score = self._game.episode.score
        return {name: getattr(score, name) for name in ("f1", "precision", "completeness", "calls", "answer_correct")}
