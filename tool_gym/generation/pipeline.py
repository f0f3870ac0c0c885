"""The pipeline: the five stages in a row, tried again with the next attempt's seed where a stage refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tool_gym.generation.backend import Backend
from tool_gym.generation.decompose import decompose
from tool_gym.generation.deploy import Deployed, deploy
from tool_gym.generation.document import document
from tool_gym.generation.integrate import integrate
from tool_gym.generation.proposals import Refused
from tool_gym.generation.scale import scale
from tool_gym.generation.topic import Topic
from tool_gym.sandbox.executor import Executor

MAX_ATTEMPTS = 40

Gate = Callable[[Deployed], str | None]
"""A last check from outside: why a scenario is refused, in a few fixed words, or None."""


@dataclass
class Tally:
    """What became of the attempts.

    Attributes:
        made: Scenarios made.
        refused: Refusals by stage and reason.
    """

    made: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.made + other.made, self.refused + other.refused)

    def as_json(self) -> dict[str, Any]:
        """It as JSON data."""
        return {"made": self.made, "refused": [[*key, count] for key, count in sorted(self.refused.items())]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Tally:
        """It from what `as_json` gave."""
        return cls(data["made"], Counter({(stage, reason): count for stage, reason, count in data["refused"]}))


def build(
    topic: Topic, backend: Backend, executor: Executor, scenario_id: str, tally: Tally, gate: Gate | None = None
) -> Deployed:
    """One scenario; a refused attempt is followed by the next, each with random numbers of its own.

    Args:
        topic: The order; its `attempt` is where to begin.
        backend: Proposes.
        executor: The sandbox for the last stage.
        scenario_id: Id of the scenario.
        tally: Counts what happened.
        gate: A last check, or None.

    Raises:
        Refused: The last refusal, after `MAX_ATTEMPTS`.
    """
    last: Refused | None = None
    for attempt in range(topic.attempt, topic.attempt + MAX_ATTEMPTS):
        try:
            deployed = _run(topic.model_copy(update={"attempt": attempt}), backend, executor, scenario_id)
            if gate is not None and (reason := gate(deployed)):
                raise Refused("gate", reason)
        except Refused as refusal:
            tally.refused[refusal.stage, refusal.reason] += 1
            last = refusal
        else:
            tally.made += 1
            return deployed
    raise last or Refused("pipeline", "no attempt was made")


def _run(topic: Topic, backend: Backend, executor: Executor, scenario_id: str) -> Deployed:
    decomposed = decompose(topic, backend)
    scaled = scale(integrate(document(decomposed, backend), backend), backend)
    return deploy(scaled, backend, executor, scenario_id)
