"""OpenEnv: a server of episodes, one for each session. Tested with openenv 0.10.

    app = make_app("starter")          # an ASGI application, as for: uvicorn module:app

`reset` takes `scenario`, `seed` and `prefix`; without a scenario the seed chooses one. An action is an assistant
message. The reward is computed in the server from what the tools returned; no tool and no field of an action can reach
it.
"""

from __future__ import annotations

from typing import Any

from openenv.core.env_server.http_server import create_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State

from tool_gym.adapters.games import Game, Games, plain_data
from tool_gym.errors import EpisodeError
from tool_gym.packs.reader import Pack


class ToolGymAction(Action):  # type: ignore[misc]
    """An assistant message.

    Attributes:
        content: Text for the user; without tool calls it closes the user's turn.
        tool_calls: Calls, each `{"name", "arguments"}` or in OpenAI's form.
    """

    content: str = ""
    tool_calls: list[Any] = []


class ToolGymObservation(Observation):  # type: ignore[misc]
    """The transcript and the tools.

    Attributes:
        messages: The transcript so far.
        tools: The tools that are there now.
        info: What the environment tells beside it, never gold.
    """

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    info: dict[str, Any]


class ToolGymEnvironment(Environment):  # type: ignore[misc]
    """One session's episodes, one after another."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, games: Games) -> None:
        super().__init__()
        self._games = games
        self._game: Game | None = None
        self._episode_id: str | None = None

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        scenario: str | None = None,
        prefix: str = "[]",
        **ignored: Any,
    ) -> ToolGymObservation:
        """Opens an episode."""
        ids = self._games.pack.ids()
        chosen = ids[(seed or 0) % len(ids)] if scenario is None else scenario
        self._game, self._episode_id = self._games.open(chosen, seed or 0, prefix), episode_id
        return _observation(self._game, None)

    def step(self, action: ToolGymAction, timeout_s: float | None = None, **ignored: Any) -> ToolGymObservation:
        """Plays one turn.

        Raises:
            EpisodeError: If there is no episode, or it has ended.
        """
        if self._game is None:
            raise EpisodeError("there is no episode; call reset() first")
        result = self._game.step({"content": action.content, "tool_calls": action.tool_calls})
        return _observation(self._game, result.reward)

    @property
    def state(self) -> State:
        """How far the episode is."""
        turn = self._game.episode.turn if self._game else 0
        return State(episode_id=self._episode_id, step_count=turn)


def _observation(game: Game, reward: float | None) -> ToolGymObservation:
    episode = game.episode
    shown = plain_data(episode.observation)
    return ToolGymObservation(done=episode.done, reward=reward, info=episode.info, **shown)


def make_app(pack: Pack | str, sessions: int = 64, **options: Any) -> Any:
    """The server of a pack.

    Args:
        pack: The pack, or name or folder of one.
        sessions: Most sessions at a time.
        **options: Of the episodes; see `Games`.
    """
    games = Games(pack, **options)
    return create_app(
        lambda: ToolGymEnvironment(games),
        ToolGymAction,
        ToolGymObservation,
        env_name="tool_gym",
        max_concurrent_envs=sessions,
    )
