"""`CandidateActions`: the environment with a finite set of actions, for any algorithm that knows discrete ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, SupportsFloat

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from tool_gym.candidates.features import NAMES as CALL_FEATURES
from tool_gym.candidates.features import call_features
from tool_gym.candidates.reader import read
from tool_gym.candidates.reading import Reading
from tool_gym.candidates.replies import NAMES as REPLY_FEATURES
from tool_gym.candidates.replies import candidate_replies, reply_features
from tool_gym.errors import InputError

FEATURES = (*CALL_FEATURES, *(f"reply_{name}" for name in REPLY_FEATURES))
"""Names of the columns of an observation."""
MOST_REPLIES = 6
"""Rows of replies; they come first."""
_MOST_CALLS = 96
"""Calls that are looked at before the less promising ones are left out."""
_FIRST_SIGHT = {
    "whole": 3.0, "date_beside": 3.0, "tool_asked": 1.0, "limit_near": 1.0, "direction": 1.0, "named_label_near": 1.0,
    "named_label_best": 1.0, "last_near": 1.0, "last_key_asked": 1.0, "archive": -2.5, "extra_unasked": -2.0,
    "done": -6.0, "part_of_name": -1.0, "unused_named": -1.0, "last_place_not": -2.0, "named_used": -3.0,
    "last_used": -2.0, "earlier_used": -3.0, "named_failed_here": -4.0, "last_failed_here": -4.0,
    "earlier_failed_here": -4.0,
}  # fmt: skip
"""What the order of the calls goes by: rules of thumb, not learned."""
_ORDER = np.array([_FIRST_SIGHT.get(name, 0.0) for name in CALL_FEATURES], np.float32)


class Choices(NamedTuple):
    """What may be done after an observation.

    Attributes:
        rows: float32[n, len(FEATURES)], the features of each action.
        messages: The n actions as the environment takes them.
    """

    rows: NDArray[np.float32]
    messages: list[dict[str, Any]]


def choices(observation: Mapping[str, Any], most: int) -> Choices:
    """The replies and calls that an observation suggests, from schemas and values in it alone.

    Args:
        observation: `{"messages", "tools"}` of the environment.
        most: Actions at most, > `MOST_REPLIES`.
    """
    view = read(observation)
    reading = Reading(view)
    calls = view.candidates(_MOST_CALLS)
    of_calls = call_features(reading, calls)
    order = np.argsort(-(of_calls @ _ORDER), kind="stable")[: most - MOST_REPLIES]
    said = "\n".join(message["content"] for message in observation["messages"] if message["role"] == "user")
    answers = candidate_replies(view, MOST_REPLIES)
    of_answers = reply_features(reading, said, answers, calls)
    rows = np.zeros((len(answers) + len(order), len(FEATURES)), np.float32)
    rows[: len(answers), len(CALL_FEATURES) :] = of_answers
    rows[len(answers) :, : len(CALL_FEATURES)] = of_calls[order]
    messages: list[dict[str, Any]] = [{"content": answer.text} for answer in answers]
    messages += [{"tool_calls": [{"name": calls[i].name, "arguments": calls[i].arguments}]} for i in order]
    return Choices(rows, messages)


class CandidateActions(gym.Wrapper[NDArray[np.float32], int, dict[str, Any], Any], RecordConstructorArgs):
    """Acts by number: the candidates of the moment are calls and replies made from the observation alone.

    Observation: float32[size, len(FEATURES)], a row for each candidate, zeros where there is none. Action: the number
    of a row. `action_masks()` says which rows there are, as sb3-contrib asks for it; `info["action_mask"]` holds the
    same, and `info["candidates"]` the candidates as messages. Replies stand in the first rows, then calls, the most
    promising ones first by fixed rules of thumb. A number without a candidate is the agent's mistake: it sends an empty
    message, which is a wrong answer.
    """

    def __init__(self, env: gym.Env[Any, Any], size: int = 96) -> None:
        """Wraps an environment.

        Args:
            env: Takes assistant messages.
            size: Rows, > `MOST_REPLIES`; candidates beyond are left out, the least promising ones.

        Raises:
            InputError: If the size is too small.
        """
        if size <= MOST_REPLIES:
            raise InputError(f"the size of CandidateActions must be above {MOST_REPLIES}, got {size}")
        RecordConstructorArgs.__init__(self, size=size)
        super().__init__(env)
        self._inner = env
        self.size = size
        self.action_space: Any = spaces.Discrete(size)
        self.observation_space = spaces.Box(-10.0, 10.0, (size, len(FEATURES)), np.float32)
        self._messages: list[dict[str, Any]] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begins an episode, see the environment."""
        observation, info = self._inner.reset(seed=seed, options=options)
        return self.look(observation, info)

    def step(self, action: int) -> tuple[NDArray[np.float32], SupportsFloat, bool, bool, dict[str, Any]]:
        """Plays the candidate of that number."""
        number = int(action)
        message = self._messages[number] if 0 <= number < len(self._messages) else {"content": ""}
        observation, reward, terminated, truncated, info = self._inner.step(message)
        return (*self.look(observation, info)[:1], reward, terminated, truncated, info)

    def action_masks(self) -> NDArray[np.bool_]:
        """bool[size]: the rows that hold a candidate."""
        return np.arange(self.size) < len(self._messages)

    def look(self, observation: Mapping[str, Any], info: dict[str, Any]) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """The candidates of an observation of the wrapped environment, from which the next step chooses.

        Args:
            observation: `{"messages", "tools"}`, as after a reset, a step, or `restore`.
            info: Gets the keys `action_mask` and `candidates`.
        """
        found = choices(observation, self.size)
        self._messages = found.messages
        rows = np.zeros((self.size, len(FEATURES)), np.float32)
        rows[: len(found.rows)] = found.rows
        info["action_mask"], info["candidates"] = self.action_masks(), found.messages
        return rows, info
