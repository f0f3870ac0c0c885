"""Flaky tools: some calls of an episode do not get through, by its seed, and work when they are made again.

Such a call is answered `unavailable` and reaches no tool. It counts nowhere: not as a call, and a turn of nothing else
not as a turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tool_gym.jsonvalue import digest
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.perturb.spec import Perturbation

MOST = 4
"""Calls of an episode that do not get through, at most."""
_TRIES = (0, 0, 0, 1, 1, 2)
"""How often the same call does not get through: one of these, each as likely."""
_REASONS = (
    "the call timed out before it reached the tool; make it again",
    "the service is busy for the moment; make the call again",
    "too many requests at once; make the call again",
    "the connection was lost before the call was sent; make it again",
)


class Faults:
    """The faults of one episode.

    Args:
        perturbation: The perturbation.
        seed: Seed of the episode.
    """

    def __init__(self, perturbation: Perturbation, seed: int) -> None:
        self._perturbation, self._seed = perturbation, seed
        self._failed: dict[str, int] = {}

    def strike(self, calls: Sequence[ToolCall]) -> dict[int, ToolMessage]:
        """The answers to those calls of a turn that do not get through, by their places."""
        struck = {}
        for place, call in enumerate(calls):
            key = digest([call.name, call.arguments])
            rng = self._perturbation.rng("flaky", self._seed, key)
            failed = self._failed.get(key, 0)
            if call.error is None and failed < rng.choice(_TRIES) and sum(self._failed.values()) < MOST:
                self._failed[key] = failed + 1
                struck[place] = ToolMessage.failure(call, "unavailable", rng.choice(_REASONS))
        return struck

    def snapshot(self) -> dict[str, int]:
        """What `restore` needs to come back here."""
        return dict(self._failed)

    def restore(self, snapshot: Mapping[str, int]) -> None:
        """Goes back to a snapshot of this episode's faults."""
        self._failed = dict(snapshot)


def merged(answers: Sequence[ToolMessage], struck: Mapping[int, ToolMessage]) -> list[ToolMessage]:
    """The answers of a turn, those of the calls that did not get through at their places."""
    whole = list(answers)
    for place in sorted(struck):
        whole.insert(place, struck[place])
    return whole


def unavailable(message: Mapping[str, Any]) -> bool:
    """Whether a tool's message, as an observation shows it, answers a call that did not get through."""
    return str(message["content"]).startswith('{"error":"unavailable"')
