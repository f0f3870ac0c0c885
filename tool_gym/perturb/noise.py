"""Noise in the names of tools and parameters: the levels of RoTBench (arXiv 2401.08326), as its paper describes them.

Which tool is meant can still be read from its description, and which parameter from its own.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence

from tool_gym.jsonvalue import Json
from tool_gym.perturb.tools import changed, parameter_names, renamed
from tool_gym.scenario import Scenario, Tool

_LONGEST = 100  # characters of a tool's name
ANYTHING = "any"
"""What the reference calls hand to an added parameter."""


def _insertion(name: str, rng: random.Random) -> str:
    place = rng.randint(1, len(name))
    return name[:place] + rng.choice(string.ascii_lowercase) + name[place:]


def _omission(name: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(name))
    return name[:place] + name[place + 1 :]


def _substitution(name: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(name))
    return name[:place] + rng.choice(string.ascii_lowercase.replace(name[place], "")) + name[place + 1 :]


def _reversal(name: str, rng: random.Random) -> str:
    turned = name[::-1]
    return turned if turned[0].isalpha() else f"x{turned}"  # a tool's name begins with a letter


def _nonsense(name: str, rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(6, 10)))


_SPELLINGS: dict[str, Callable[[str, random.Random], str]] = {
    "insertion": _insertion,
    "omission": _omission,
    "substitution": _substitution,
    "reversal": _reversal,
    "nonsense": _nonsense,
}
_KINDS: dict[str, tuple[str, ...]] = {
    "slight": ("insertion", "omission", "substitution"),
    "medium": ("reversal", "nonsense"),
    "heavy": ("exchange", "addendum"),
    "union": (*_SPELLINGS, "exchange", "addendum"),
}


def noisy(scenario: Scenario, level: str, rng: random.Random) -> Scenario:
    """The scenario with noise of a level in its names, its reference calls following.

    Args:
        scenario: The scenario.
        level: `slight`, `medium`, `heavy`, or `union`: one to three kinds of noise for each tool instead of one.
        rng: Source of randomness.
    """
    kinds = [rng.sample(_KINDS[level], rng.randint(1, 3 if level == "union" else 1)) for _ in scenario.tools]
    names = _tool_names(scenario.tools, kinds, rng)
    keys = {tool.name: _keys(tool, drawn, rng) for tool, drawn in zip(scenario.tools, kinds, strict=True)}
    added = {
        tool.name: _added([*(tool.parameters.get("properties") or ()), *keys[tool.name].values()], rng)
        for tool, drawn in zip(scenario.tools, kinds, strict=True)
        if "addendum" in drawn and parameter_names(tool)
    }

    def called(tool: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
        told = {keys[tool].get(key, key): value for key, value in arguments.items()}
        return told | dict.fromkeys(added.get(tool, ()), ANYTHING)

    return changed(
        scenario,
        tools=[renamed(tool, names, keys[tool.name], added.get(tool.name)) for tool in scenario.tools],
        turns=[changed(turn, add_tools=[names[tool] for tool in turn.add_tools]) for turn in scenario.turns],
        sub_questions=[
            changed(
                step,
                tools=[names[tool] for tool in step.tools],
                arguments=None if step.arguments is None else called(step.tools[0], step.arguments),
            )
            for step in scenario.sub_questions
        ],
    )


def _tool_names(tools: Sequence[Tool], kinds: Sequence[Sequence[str]], rng: random.Random) -> dict[str, str]:
    """For each tool its new name: no two alike, and none that its source uses for something else."""
    spelled = [_spelled(tool.name, drawn, rng) for tool, drawn in zip(tools, kinds, strict=True)]
    swapped = _swapped(spelled, [number for number, drawn in enumerate(kinds) if "exchange" in drawn], rng)
    names: dict[str, str] = {}
    for tool, name in zip(tools, swapped, strict=True):
        if name != tool.name:
            name = _free(name, {*names.values(), *re.findall(r"\w+", tool.source)}, rng)
        names[tool.name] = _free(name, names.values(), rng)
    return names


def _keys(tool: Tool, kinds: Sequence[str], rng: random.Random) -> dict[str, str]:
    """For each parameter that can be renamed its new name, no two alike."""
    own = parameter_names(tool)
    spelled = [_spelled(name, kinds, rng) for name in own]
    keys: dict[str, str] = {}
    for name, new in zip(own, _swapped(spelled, range(len(own)) if "exchange" in kinds else (), rng), strict=True):
        keys[name] = _free(new, keys.values(), rng)
    return keys


def _added(taken: Iterable[str], rng: random.Random) -> dict[str, Json]:
    """A required parameter that does nothing."""
    name = _free(_nonsense("", rng), taken, rng)
    return {name: {"type": "string", "description": f"Required, whatever it holds, such as {ANYTHING!r}."}}


def _spelled(name: str, kinds: Iterable[str], rng: random.Random) -> str:
    for kind in kinds:
        if kind in _SPELLINGS:
            name = _SPELLINGS[kind if len(name) > 2 else "nonsense"](name, rng)
    return name


def _swapped(names: Sequence[str], places: Iterable[int], rng: random.Random) -> list[str]:
    """The names, those at some places handed around so that none stays where it was."""
    order = list(places)
    rng.shuffle(order)
    swapped = list(names)
    for giver, taker in zip(order, [*order[1:], *order[:1]], strict=True):
        swapped[taker] = names[giver]
    return swapped


def _free(name: str, taken: Iterable[str], rng: random.Random) -> str:
    """The name, with letters at its end until nothing else has it."""
    others = set(taken)
    name = name[:_LONGEST]
    while name in others:
        name = name[: _LONGEST - 2] + "".join(rng.choices(string.ascii_lowercase, k=2))
    return name
