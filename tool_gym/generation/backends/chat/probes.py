"""Calls that show whether a model's tools look anything up, or only know the answers that they were written for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tool_gym.generation.decompose import GUESSABLE
from tool_gym.generation.proposals import Call, Probe, Refused, Scaled
from tool_gym.jsonvalue import Json
from tool_gym.schema import argument_problem

_DATE = re.compile(r"(\d{4})(-\d\d-\d\d.*)", re.DOTALL)
_NOWHERE = "Zorvane Quill"
"""A name that nothing has."""


def altered_probes(value: Scaled) -> Iterator[Probe]:
    """Every gold call with other values in all places where its schema lets them stand; none may have the same answer.

    Steps whose answers are guessed easily have no such probe: a wrong guess proves nothing.
    """
    schemas = {tool.name: tool.parameters for tool in value.scaling.tools}
    for step in value.decomposition.steps:
        call = value.scaling.calls[step.id]
        arguments = altered(call.arguments, schemas[call.tool])
        if step.answer.kind not in GUESSABLE and arguments != call.arguments:
            other = Call(tool=call.tool, arguments=arguments)
            yield Probe(call=other, step=step.id, why="other arguments, the same answer")


def altered(arguments: Mapping[str, Json], parameters: Mapping[str, Any]) -> dict[str, Json]:
    """The arguments with another value in the place of every text and number, as far as they still fit the schema."""
    changed = dict(arguments)
    for rank, (name, value) in enumerate(arguments.items()):
        tried = {**changed, name: _other(value, rank)}
        if not argument_problem(parameters, tried):
            changed = tried
    return changed


def _other(value: Json, rank: int) -> Json:
    """Another value; by `rank` each is changed in a way of its own, so that differences change as well."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value * 2 + 7 + rank
    if isinstance(value, str):
        date = _DATE.fullmatch(value)
        return f"{(int(date[1]) + 3 + rank) % 9999:04d}{date[2]}" if date else _NOWHERE
    if isinstance(value, list):
        return [_other(each, rank + i) for i, each in enumerate(value)]
    if isinstance(value, dict):
        return {key: _other(each, rank + i) for i, (key, each) in enumerate(value.items())}
    return value


def example_probes(value: Scaled, examples: Sequence[Call], least: int) -> Iterator[Probe]:
    """The model's own further calls: each must come back well, and answer no step.

    Args:
        value: The scaled toolset.
        examples: The further calls.
        least: How many different ones each tool of a step must have; other tools have one or more.

    Raises:
        Refused: If a tool has too few, or a call is a gold call.
    """
    gold = [(call.tool, call.arguments) for call in value.scaling.calls.values()]
    for tool in value.scaling.tools:
        own: list[Call] = []
        for each in examples:
            if each.tool == tool.name and each not in own:
                own.append(each)
        needed = 1 if tool.name in value.scaling.distractors else least
        if len(own) < needed:
            raise Refused("deploy", "too few examples", f"{tool.name} has {len(own)}, expected {needed} or more")
        for call in own:
            if (call.tool, call.arguments) in gold:
                raise Refused("deploy", "an example that is no other call", f"{call.tool}({call.arguments!r})")
            for step in value.decomposition.steps:
                if step.answer.kind not in GUESSABLE:
                    yield Probe(call=call, step=step.id, why="an example with the answer of a step", succeeds=True)
