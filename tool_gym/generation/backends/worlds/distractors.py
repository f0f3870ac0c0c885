"""Toolset extension: tools of the same world that look relevant. All of them work; none answers a step."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tool_gym.generation.backends.worlds.families import FAMILIES
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.wording import named
from tool_gym.generation.backends.worlds.world import World
from tool_gym.generation.topic import Topic

_COUNT = (0, 2, 4, 6, 8, 11)
"""Distractors by level of toolset extension."""
_NEAR_FROM = 2
"""Level from which the nearest come first: outdated records of what is asked about, other tools of the same type."""


def draw_distractors(gold: Sequence[ToolSpec], world: World, topic: Topic, rng: random.Random) -> list[ToolSpec]:
    """The tools that are added."""
    level = topic.strategies.toolset_extension
    functions = {spec.function for spec in gold}
    kinds = {spec.kind for spec in gold}
    possible = [spec for spec in _candidates(world, rng) if spec.function not in functions]
    rng.shuffle(possible)
    if level >= _NEAR_FROM:
        asked = {spec.kind for spec in gold if spec.family == "record"}
        possible.sort(key=lambda spec: (not (spec.archived and spec.kind in asked), spec.kind not in kinds))
        # Half of them near, half of them from anywhere.
        near = _COUNT[level] // 2
        rest = possible[near:]
        rng.shuffle(rest)
        possible = possible[:near] + rest
    taken = {spec.name for spec in gold}
    made = []
    for spec in possible[: _COUNT[level]]:
        made.append(named(spec, world, rng, taken))
        taken.add(made[-1].name)
    return made


def _candidates(world: World, rng: random.Random) -> list[ToolSpec]:
    """One tool of each function that the world has, with a few of its fields and filters."""
    made = [ToolSpec(family=name) for name in ("shift", "gap", "convert")]
    located = tuple(key for key, kind in world.domain.types.items() if kind.located)
    if located:
        made.append(ToolSpec(family="distance", fields=located))
    for key, kind in world.domain.types.items():
        families = ["record", "search", "figures"] + ["past"] * any(each.pasts for each in kind.relations.values())
        made += [_small(ToolSpec(family=family, kind=key), world, rng) for family in families]
        made.append(_small(ToolSpec(family="record", kind=key, archived=True), world, rng))
    return made


def _small(spec: ToolSpec, world: World, rng: random.Random) -> ToolSpec:
    fields, filters = FAMILIES[spec.family].generalised(spec, world)
    statistics = [key for key in fields if key.startswith(":")]
    plain = [key for key in fields if not key.startswith(":")]
    chosen = rng.sample(plain, min(len(plain), rng.randint(2, 4)))
    if statistics:
        chosen += rng.sample(statistics, 3)
    return spec.model_copy(
        update={"fields": tuple(chosen), "filters": tuple(rng.sample(filters, min(len(filters), 2)))}
    )  # fmt: skip
