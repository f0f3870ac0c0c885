"""Toolset extension: tools of the same world that look relevant. All of them work; none answers a step."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.toolbox import Toolbox

_COUNT = (0, 2, 4, 6, 9, 14)
"""Distractors by level of toolset extension."""
_NEAR_FROM = 2
"""Level from which the nearest come first: outdated records of what is asked about, other tools of the same type."""


def draw_distractors(gold: Sequence[ToolSpec], box: Toolbox, level: int, rng: random.Random) -> list[ToolSpec]:
    """The tools that are added.

    Args:
        gold: The tools that answer steps.
        box: The toolbox that they are from.
        level: Level of toolset extension.
        rng: Draws.
    """
    functions = {spec.function for spec in gold}
    kinds = {spec.kind for spec in gold}
    possible = [box.unneeded(function) for function in box.tools if function not in functions]
    rng.shuffle(possible)
    if level >= _NEAR_FROM:
        asked = {spec.kind for spec in gold if spec.family == "record"}
        possible.sort(key=lambda spec: (not (spec.archived and spec.kind in asked), spec.kind not in kinds))
        # Half of them near, half of them from anywhere.
        near = _COUNT[level] // 2
        rest = possible[near:]
        rng.shuffle(rest)
        possible = possible[:near] + rest
    return possible[: _COUNT[level]]
