"""Parameters as JSON Schema: is a schema sound, do arguments fit it, and which arguments would."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs
import numpy as np

from tool_gym.jsonvalue import Json, canonical, loads

_MAX_PROBLEMS = 3


def schema_problem(parameters: Mapping[str, Json]) -> str | None:
    """Why a JSON Schema cannot serve as a tool's parameters, or None if it can."""
    if parameters.get("type", "object") != "object":
        return f"parameters must describe an object, not {parameters['type']!r}"
    try:
        _validator(canonical(parameters))
    except ValueError as error:
        return f"not a JSON Schema: {str(error).splitlines()[0]}"
    return None


def argument_problem(parameters: Mapping[str, Json], arguments: Mapping[str, Json]) -> str | None:
    """Why arguments do not fit a tool's parameters, in words for the model, or None if they do.

    Args:
        parameters: A sound JSON Schema of an object (see `schema_problem`).
        arguments: The call's arguments, JSON data.
    """
    return ArgumentCheck(parameters)(arguments)


class ArgumentCheck:
    """`argument_problem` for one schema, compiled once."""

    def __init__(self, parameters: Mapping[str, Json]) -> None:
        self._validator = _validator(canonical(parameters))
        self._is_valid: Callable[[Json], bool] = self._validator.is_valid

    def __call__(self, arguments: Mapping[str, Json]) -> str | None:
        """Why the arguments do not fit, or None."""
        if self._is_valid(arguments):
            return None
        problems = []
        for error in self._validator.iter_errors(arguments):
            place = ".".join(map(str, error.instance_path))
            problems.append(f"{place}: {error.message}" if place else error.message)
        shown = sorted(problems)[:_MAX_PROBLEMS]
        more = len(problems) - len(shown)
        return "; ".join(shown) + (f"; and {more} more" if more else "")


@functools.lru_cache(maxsize=2048)
def _validator(schema: bytes) -> Any:
    # References to anything outside the schema are refused: a pack must not make its reader open files or sockets.
    return jsonschema_rs.validator_for(loads(schema), retriever=_no_references)


def _no_references(uri: str) -> Json:
    raise ValueError(f"a tool's schema may not refer to {uri!r}")


def sample_arguments(parameters: Mapping[str, Json], rng: np.random.Generator) -> dict[str, Json]:
    """Draws arguments that fit the common keywords of a schema (type, enum, const, bounds, items, properties, anyOf).

    Required parameters are always there, the others with probability 1/2.

    Args:
        parameters: JSON Schema of an object.
        rng: Source of randomness.
    """
    value = _sample({"type": "object", **parameters}, rng, 0)
    return value if isinstance(value, dict) else {}


_WORDS = ("alpha", "Oslo", "2024-05-17", "north", "42", "a b", "ü", "")


def _sample(schema: Json, rng: np.random.Generator, depth: int) -> Json:
    if not isinstance(schema, Mapping) or depth > 8:
        return None
    if "const" in schema:
        return schema["const"]
    for key in ("enum", "anyOf", "oneOf"):
        if options := schema.get(key):
            option = options[int(rng.integers(len(options)))]
            return option if key == "enum" else _sample(option, rng, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[int(rng.integers(len(kind)))]
    match kind:
        case "object":
            required = schema.get("required") or ()
            chosen = {
                name: inner
                for name, inner in (schema.get("properties") or {}).items()
                if name in required or rng.random() < 0.5
            }
            return {name: _sample(inner, rng, depth + 1) for name, inner in chosen.items()}
        case "array":
            low = int(schema.get("minItems", 0))
            size = int(rng.integers(low, max(low, min(int(schema.get("maxItems", low + 3)), low + 3)) + 1))
            return [_sample(schema.get("items", {}), rng, depth + 1) for _ in range(size)]
        case "boolean":
            return bool(rng.integers(2))
        case "integer" | "number":
            least, most = _bounds(schema)
            if kind == "integer":
                return int(rng.integers(int(least), int(most) + 1))
            return float(rng.uniform(least, most))
        case "null":
            return None
        case _:
            if schema.get("format") == "date":
                return f"{rng.integers(1950, 2030)}-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}"
            return _WORDS[int(rng.integers(len(_WORDS)))]


def _bounds(schema: Mapping[str, Json]) -> tuple[float, float]:
    """A finite interval of at most 100 inside a number's bounds."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None:
        low = 0 if high is None or high >= 0 else high - 100
    low = max(min(low, 2**62), -(2**62))
    return low, max(low, min(low + 100 if high is None else high, low + 100))
