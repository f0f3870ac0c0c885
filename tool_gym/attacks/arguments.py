"""Arguments that an attacker makes up from a tool's schema alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tool_gym.jsonvalue import Json
from tool_gym.schema import sample_arguments

_HUGE = 1_000_000


def filled(
    parameters: Mapping[str, Json], value: str, rng: np.random.Generator, *, every: bool = False
) -> dict[str, Json]:
    """Arguments with a value in the free text, and in lists of free text, the rest drawn from the schema.

    Args:
        parameters: A tool's JSON Schema.
        value: What to hand in; where a number is wanted, it goes there if it is one.
        rng: Source of randomness for the rest.
        every: Whether optional parameters take it too; otherwise those that are required, or, if none of these is free
            text, the first optional one that is.
    """
    required = parameters.get("required") or ()
    slots = text_slots(parameters)
    if not every:
        slots = [name for name in slots if name in required] or slots[:1]
    arguments = {name: each for name, each in sample_arguments(parameters, rng).items() if name in required}
    if value.isdigit():
        numbers = ("number", "integer")
        properties = _properties(parameters).items()
        arguments |= {name: int(value) for name, each in properties if name in required and _kind(each) in numbers}
    return with_text(parameters, arguments, slots, value)


def text_slots(parameters: Mapping[str, Json]) -> list[str]:
    """The parameters of a schema that take free text, or lists of it."""
    return [name for name, schema in _properties(parameters).items() if _takes_text(schema)]


def with_text(
    parameters: Mapping[str, Json], arguments: Mapping[str, Json], slots: Sequence[str], value: str
) -> dict[str, Json]:
    """The arguments with a text in the given parameters, as a list where they take one."""
    properties = _properties(parameters)
    return {**arguments, **{name: [value] if _kind(properties[name]) == "array" else value for name in slots}}


def widest(parameters: Mapping[str, Json], wildcard: str, names: Sequence[str], *, every: bool) -> dict[str, Json]:
    """Arguments that ask for as much as possible: wildcards, empty filters, huge limits, whole batches.

    Args:
        parameters: A tool's JSON Schema.
        wildcard: What free text becomes.
        names: What lists of free text hold.
        every: Whether optional parameters are given too; left out, a filter is empty.
    """
    required = parameters.get("required") or ()
    chosen = {name: schema for name, schema in _properties(parameters).items() if every or name in required}
    return {name: _widest(schema, wildcard, names) for name, schema in chosen.items()}


def _widest(schema: Mapping[str, Json], wildcard: str, names: Sequence[str]) -> Json:
    if options := schema.get("enum"):
        return options[0]
    match _kind(schema):
        case "array":
            items = schema.get("items")
            options = items.get("enum") if isinstance(items, Mapping) else None
            return list(options or names)
        case "integer" | "number":
            return schema.get("maximum", _HUGE)
        case "boolean":
            return True
        case "object":
            return {}
        case _:
            return wildcard


def _properties(parameters: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
    listed = parameters.get("properties") or {}
    return {name: schema if isinstance(schema, Mapping) else {} for name, schema in listed.items()}


def _takes_text(schema: Mapping[str, Json]) -> bool:
    if _kind(schema) == "array":
        items = schema.get("items")
        return isinstance(items, Mapping) and _takes_text(items)
    return _kind(schema) == "string" and "enum" not in schema and "const" not in schema


def _kind(schema: Mapping[str, Json]) -> Json:
    """The type of a schema; of several, the first that is not null; text where none is stated."""
    kind = schema.get("type", "string")
    return next((each for each in kind if each != "null"), "null") if isinstance(kind, (list, tuple)) else kind
