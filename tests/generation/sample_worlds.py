"""What the tests of generation share: orders, a backend that can be made to propose nonsense, and packs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tool_gym.generation.backends.worlds.backend import WorldsBackend
from tool_gym.generation.pipeline import Tally, build
from tool_gym.generation.topic import Strategies, Topic

SOURCE = {"domain": "shipping", "world": 7}


def order(structure: str = "multi_hop", index: int = 0, level: int = 2, **fields: Any) -> Topic:
    fields = {"strategies": Strategies.of_level(level), "source": SOURCE, **fields}
    return Topic(seed=3, index=index, structure=structure, level=level, **fields)


def made(executor: Any, topic: Topic) -> Any:
    return build(topic, WorldsBackend(), executor, f"s-{topic.index}", Tally())


class Meddler:
    """The backend `worlds`, but one stage's proposal is changed."""

    name = "meddler"

    def __init__(self, stage: str, change: Callable[[Any], Any]) -> None:
        self._stage, self._change, self._backend = stage, change, WorldsBackend()

    def __getattr__(self, stage: str) -> Callable[[Any], Any]:
        def propose(request: Any) -> Any:
            proposal = getattr(self._backend, stage)(request)
            return self._change(proposal) if stage == self._stage else proposal

        return propose
