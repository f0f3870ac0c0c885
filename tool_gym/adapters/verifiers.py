"""verifiers: a taskset, and the environment that plays its tasks. Tested with verifiers 0.4.

verifiers finds a taskset as a module of its own at the top level, so make one, `my_tasks.py` say:

    from tool_gym.adapters.verifiers import ToolGymEnv, ToolGymTaskset
    __all__ = ["ToolGymEnv", "ToolGymTaskset"]

and name it: `vf-eval my-tasks --env.taskset.pack starter`. The episode runs beside the agent, never in its reach: tools
stand in the system message, calls are read from the text, and results are the user's next message.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import verifiers.v1 as vf

from tool_gym.adapters.games import plain_data, shared_games
from tool_gym.packs.reader import load_pack
from tool_gym.parsing.parser import parser
from tool_gym.policies.plaintext import PlainText, plain
from tool_gym.policies.policy import Request
from tool_gym.rollouts import episode_seed


class ToolGymConfig(vf.TasksetConfig):  # type: ignore[misc]
    """Which scenarios are played, and by which rules; None is the pack's own."""

    pack: str = "starter"
    split: str = "all"
    seed: int = 0
    reward: str | None = None
    max_turns: int | None = None


class ToolGymData(vf.TaskData):  # type: ignore[misc]
    """Where an episode opens: the arguments of `shared_games` and of `Games.open`."""

    games: dict[str, Any]
    place: dict[str, Any]


class ToolGymTask(vf.Task[ToolGymData, vf.State, vf.TaskConfig]):  # type: ignore[misc]
    """A scenario; what it earns is decided by the environment."""


class ToolGymTaskset(vf.Taskset[ToolGymTask, ToolGymConfig]):  # type: ignore[misc]
    """The scenarios of a split."""

    def load(self) -> Iterator[ToolGymTask]:
        """One task for each scenario, its tools written into the system message."""
        config = self.config
        rules = {"pack": config.pack, "reward": config.reward, "max_turns": config.max_turns}
        for name in load_pack(config.pack).ids(config.split):
            place: dict[str, Any] = {"scenario": name, "seed": episode_seed(config.seed, name, 0)}
            episode = shared_games(**rules).open(**place).episode
            system, user = PlainText().messages(Request("", episode.seed, episode.observation, episode.info))
            data = ToolGymData(
                id=name, prompt=user["content"], system_prompt=system["content"], games=rules, place=place
            )
            yield ToolGymTask(data, config.task)


class ToolGymEnvConfig(vf.EnvConfig):  # type: ignore[misc]
    """The environment's one agent."""

    player: vf.AgentConfig = vf.AgentConfig()


class ToolGymEnv(vf.Env[ToolGymEnvConfig]):  # type: ignore[misc]
    """Plays the episode as the user of a conversation."""

    async def run(self, task: ToolGymTask, agents: Any) -> None:
        """One episode; one that a limit of the agent cuts off is closed with an empty reply."""
        game, parse = shared_games(**task.data.games).open(**task.data.place), parser("hermes")
        async with agents.player.interaction(task) as interaction:
            segment = await interaction.turn()
            while not segment.terminated:
                before = len(game.episode.observation["messages"])
                observation, *_ = await game.astep(parse(segment.last_reply or ""))
                if game.episode.done:
                    break
                told = plain(plain_data(observation["messages"][before + 1 :]))
                segment = await interaction.turn("\n".join(message["content"] for message in told))
        interaction.trace.record_reward("episode_return", game.close(), 1.0)
        interaction.trace.record_metrics({"solve_f1": game.episode.score.f1, "calls": game.episode.score.calls})
