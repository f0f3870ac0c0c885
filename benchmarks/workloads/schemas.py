"""Parameter schemas in short form, and seeded arguments that fit them."""

from __future__ import annotations

import random
from datetime import date
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]


def integer(least: int, most: int, description: str) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "description": description}


def choice(description: str, *options: str) -> Schema:
    return {"type": "string", "enum": list(options), "description": description}


def flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def day(description: str) -> Schema:
    return {"type": "string", "format": "date", "description": description}


def integers(least: int, most: int, size: int, description: str) -> Schema:
    items = {"type": "integer", "minimum": least, "maximum": most}
    return {"type": "array", "items": items, "minItems": size, "maxItems": size, "description": description}


def parameters(**properties: Schema) -> Schema:
    """All are required and no other is taken, so that every call is validated in full."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def draw_arguments(rng: random.Random, schema: Schema) -> dict[str, Any]:
    return {name: _draw(rng, inner) for name, inner in schema["properties"].items()}


def _draw(rng: random.Random, schema: Schema) -> Any:
    if "enum" in schema:
        return rng.choice(schema["enum"])
    match schema["type"]:
        case "integer":
            return rng.randint(schema["minimum"], schema["maximum"])
        case "boolean":
            return rng.random() < 0.5
        case "array":
            return [_draw(rng, schema["items"]) for _ in range(schema["maxItems"])]
    return date.fromordinal(rng.randint(730_000, 745_000)).isoformat()
