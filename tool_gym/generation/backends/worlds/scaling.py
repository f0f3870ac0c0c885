"""Three strategies of complexity scaling, applied to one tool: it can do more, takes more, and takes richer types."""

from __future__ import annotations

import random

from tool_gym.generation.backends.worlds.families import FAMILIES
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.wording import worded
from tool_gym.generation.backends.worlds.world import World
from tool_gym.generation.proposals import Change
from tool_gym.generation.seeds import some
from tool_gym.generation.topic import Topic

_MORE_FIELDS = (0.0, 0.3, 0.5, 0.8, 1.0, 1.0)
"""Share of what a family could also read or filter by, by level of functional generalisation."""
_MORE_OPTIONS = (0, 1, 3, 4, 6, 8)
_MORE_TYPES = (0, 1, 1, 2, 3, 3)
_TERSE_FROM = 4
"""Level of parameter expansion from which errors say only that something is wrong."""


def scaled_spec(spec: ToolSpec, world: World, topic: Topic, rng: random.Random) -> tuple[ToolSpec, list[Change]]:
    """The tool after three strategies, each at its level, and what they changed."""
    family, levels = FAMILIES[spec.family], topic.strategies
    changes = []
    fields, filters = family.generalised(spec, world)
    more_fields = _more(spec.fields, fields, levels.functional_generalisation, rng)
    more_filters = _more(spec.filters, filters, levels.functional_generalisation, rng)
    if more_fields or more_filters:
        what = f"also knows {', '.join((*more_fields, *more_filters))}"
        changes.append(Change(strategy="functional_generalisation", tool=spec.name, what=what))
    spec = spec.model_copy(
        update={"fields": _mixed(spec.fields, more_fields, rng), "filters": _mixed(spec.filters, more_filters, rng)}
    )
    possible = [*family.options, *family.more_options(spec, world)]
    options = tuple(some(rng, possible, _MORE_OPTIONS[levels.parameter_expansion]))
    shapes = tuple(some(rng, family.shapes, _MORE_TYPES[levels.type_generalisation]))
    if options:
        changes.append(Change(strategy="parameter_expansion", tool=spec.name, what=", ".join(options)))
    if shapes:
        changes.append(Change(strategy="type_generalisation", tool=spec.name, what=", ".join(shapes)))
    terse = levels.parameter_expansion >= _TERSE_FROM
    spec = spec.model_copy(update={"options": options, "shapes": shapes, "terse": terse})
    return worded(spec, world, rng), changes


def _more(now: tuple[str, ...], possible: tuple[str, ...], level: int, rng: random.Random) -> tuple[str, ...]:
    new = [each for each in possible if each not in now]
    return tuple(some(rng, new, round(_MORE_FIELDS[level] * len(new))))


def _mixed(now: tuple[str, ...], more: tuple[str, ...], rng: random.Random) -> tuple[str, ...]:
    """All of them in random order, so that what is needed does not stand first."""
    return tuple(rng.sample([*now, *more], len(now) + len(more))) if more else now
