"""What a policy is: it answers requests for many episodes at once.

The smallest policy is a function from an observation to an assistant message; `FunctionPolicy` makes it one that can be
batched. A policy that keeps something per episode (a cache of a model, a plan) files it under `Request.episode_id` and
drops it in `end`.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tool_gym.jsonvalue import Json, dumps
from tool_gym.messages import AssistantMessage


class Request(NamedTuple):
    """One episode that waits for an action.

    Attributes:
        episode_id: Unique among the running episodes, the same through an episode.
        seed: Decides the policy's own randomness in this episode, the same through an episode.
        observation: `{"messages", "tools"}` of the environment.
        info: The environment's info.
    """

    episode_id: str
    seed: int
    observation: Mapping[str, Any]
    info: Mapping[str, Any]


class Decision(NamedTuple):
    """What the policy does.

    Attributes:
        message: The action, in any form that the environment takes.
        token_ids: Sampled token ids, int[n], where there are tokens.
        logprobs: Their log-probabilities, float[n].
        usage: What it took: `prompt_tokens`, `completion_tokens`, `cost`; keys are left out where they are not known.
        failure: Why there is no action (the endpoint failed, say); it breaks the episode off, and the message is not
            looked at.
        prompt_ids: Tokens that the model read before it sampled, int[m], where there are tokens.
    """

    message: AssistantMessage | Mapping[str, Any]
    token_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None
    usage: Mapping[str, float] = {}
    failure: str | None = None
    prompt_ids: tuple[int, ...] | None = None


class Policy(ABC):
    """Chooses actions, batched over episodes.

    Attributes:
        batch_sensitive: Whether an action can depend, if only in a last bit, on which other requests stand beside its
            own. Rollouts then play whole groups, always the same ones.
        threads: How many threads may be in `act` at a time, each asking for one episode, so that none waits for the
            answers of others; 0: one call asks for all.
    """

    batch_sensitive: bool = False
    threads: int = 0

    @property
    def fingerprint(self) -> dict[str, Json]:
        """What decides its actions, besides requests: kept with results, and compared when a run is resumed."""
        return {"policy": type(self).__name__}

    @abstractmethod
    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """One decision per request, in order."""

    def end(self, episode_id: str) -> None:  # noqa: B027 - keeping nothing is the usual case
        """Forgets an episode."""

    def __call__(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> Any:
        """The action for a single episode; its seed follows from the question."""
        seed = zlib.crc32(dumps(observation["messages"][0]))
        return self.act([Request("single", seed, observation, info)])[0].message


class FunctionPolicy(Policy):
    """A policy from a function `(observation, info) -> action` that keeps nothing between calls."""

    def __init__(self, function: Callable[[Mapping[str, Any], Mapping[str, Any]], Any]) -> None:
        """Wraps the function."""
        self._function = function

    @property
    def fingerprint(self) -> dict[str, Json]:
        """The function's name."""
        return {"policy": getattr(self._function, "__qualname__", type(self._function).__name__)}

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """Calls the function for each request."""
        return [Decision(self._function(request.observation, request.info)) for request in requests]
