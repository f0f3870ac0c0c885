"""What all adapters share: episodes that open where a row of a dataset says, and that know what they earned."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from tool_gym.episode import Episode, StepResult
from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, NotJson, dumps, loads
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.sandbox.executor import Executor


class Game:
    """An episode in the hands of a framework.

    Attributes:
        episode: The episode.
        earned: Sum of the rewards since it was opened.
    """

    def __init__(self, episode: Episode) -> None:
        self.episode, self.earned = episode, 0.0

    def step(self, action: object) -> StepResult:
        """Plays one turn; see `Episode.step`."""
        return self._earn(self.episode.step(action))

    async def astep(self, action: object) -> StepResult:
        """Plays one turn while other tasks of the event loop go on."""
        return self._earn(await self.episode.astep(action))

    def _earn(self, result: StepResult) -> StepResult:
        self.earned += result.reward
        return result

    def close(self) -> float:
        """Ends the episode, if a limit of the framework cut it off, with empty replies; returns what it earned.

        So that nothing is gained by running into a limit: under `task_f1` half is lost, as after a wrong answer.
        """
        while not self.episode.done:
            self.step({"content": ""})
        return self.earned


class Games:
    """Opens the episodes of a pack, where rows of `tool_gym.training.export` say; pickles without its processes.

    Args:
        pack: The pack, or name or folder of one.
        executor: Runs the tools; one of its own, made when first needed, by default.
        **options: Of the episodes: `reward`, `matcher`, `max_turns`, `caps`, `system`; see `Episode`.
    """

    def __init__(self, pack: Pack | Path | str, *, executor: Executor | None = None, **options: Any) -> None:
        self.pack = pack if isinstance(pack, Pack) else load_pack(pack)
        self._executor, self._options = executor, options

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_executor": None}

    def open(
        self, scenario: str, seed: int = 0, prefix: str = "[]", *, pack: str | None = None, version: int | None = None
    ) -> Game:
        """Opens an episode.

        Args:
            scenario: Id of the scenario.
            seed: The episode's seed.
            prefix: The actions so far, as JSON text of a list; they are played again.
            pack: Name of the pack that the row is of; None does not ask.
            version: Version of that pack.

        Raises:
            UnknownName: If there is no such scenario.
            InputError: If the row is of another pack, or its prefix is no list or ends the episode.
        """
        if pack is not None and (pack, version) != (self.pack.name, self.pack.version):
            raise InputError(
                f"the row is of pack {pack!r} version {version}, the episodes are of {self.pack.name!r} version "
                f"{self.pack.version}; export the rows again"
            )
        if self._executor is None:
            self._executor = Executor()
        episode = Episode.of_pack(self.pack, scenario, self._executor, seed=int(seed), **self._options)
        for action in _actions(prefix):
            if not episode.done:
                episode.step(action)
        if episode.done:
            raise InputError(f"scenario {scenario!r}: the row's prefix ends the episode; export the rows again")
        return Game(episode)


@functools.cache
def shared_games(pack: str, reward: str | None = None, max_turns: int | None = None) -> Games:
    """The one `Games` of these arguments in this process, for frameworks that make an object for each episode."""
    return Games(pack, reward=reward, max_turns=max_turns)


def plain_data(value: Json) -> Json:
    """Data of an observation as plain lists and dicts of one's own, for code that asks for the very types."""
    return loads(dumps(value))


def _actions(prefix: str) -> list[Any]:
    try:
        actions = loads(prefix)
    except NotJson as error:
        raise InputError(f"a row's prefix is {error}; expected the JSON text of a list of actions") from None
    if not isinstance(actions, list):
        raise InputError(f"a row's prefix is a {type(actions).__name__}; expected the JSON text of a list of actions")
    return actions
