"""Schemas and names of others, kept as they are where they are sound, else changed as little as makes them so."""

from __future__ import annotations

import re
from typing import Any

from tool_gym.jsonvalue import Json
from tool_gym.schema import schema_problem

_TYPES = {
    "str": "string", "text": "string", "date": "string", "datetime": "string", "int": "integer", "float": "number",
    "double": "number", "bool": "boolean", "list": "array", "tuple": "array", "set": "array", "dict": "object",
}  # fmt: skip
_KNOWN_TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}
_BARE = ("description", "default")


def mend_schema(parameters: Json) -> tuple[dict[str, Json], str | None]:
    """A sound schema of an object, and what was changed, or None where nothing was.

    Args:
        parameters: What the data has as a tool's parameters.
    """
    if isinstance(parameters, dict) and schema_problem(parameters) is None:
        return parameters, None
    if not isinstance(parameters, dict):
        return {"type": "object", "properties": {}}, "parameters are no JSON object; none are shown"
    problem = schema_problem(parameters)
    mended = {**_mend(parameters), "type": "object"}
    if schema_problem(mended) is None:
        return mended, f"schema mended: {problem}"
    return _bare(parameters), f"schema reduced to names and descriptions: {problem}"


def mend_name(name: str) -> str:
    """A name that a tool may have: letters, digits and underscores, a letter first."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return name if name[:1].isalpha() else f"t_{name}"


def _mend(schema: Json) -> Json:
    """Names types as JSON Schema does, and moves a property's own `required: true` to the object's list."""
    if not isinstance(schema, dict):
        return schema
    mended = {key: value for key, value in schema.items() if key not in ("type", "required")}
    if "type" in schema and (kind := _type(schema["type"])):
        mended["type"] = kind
    required = schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    properties = schema.get("properties")
    if isinstance(properties, dict):
        mended["properties"] = {name: _mend(inner) for name, inner in properties.items()}
        names += [
            name for name, inner in properties.items() if isinstance(inner, dict) and inner.get("required") is True
        ]
    if names:
        mended["required"] = list(dict.fromkeys(names))
    if isinstance(schema.get("items"), dict):
        mended["items"] = _mend(schema["items"])
    return mended


def _type(kind: Json) -> Any:
    """A type, or a list of types, in JSON Schema's words; None where it has no such word."""
    if isinstance(kind, list):
        return [name for name in map(_type, kind) if name] or None
    name = _TYPES.get(str(kind).lower(), str(kind).lower())
    return name if name in _KNOWN_TYPES else None


def _bare(parameters: dict[str, Json]) -> dict[str, Json]:
    listed = parameters.get("properties")
    properties = {
        name: {
            key: inner[key] for key in _BARE if key in inner and (key != "description" or isinstance(inner[key], str))
        }
        if isinstance(inner, dict)
        else {}
        for name, inner in (listed.items() if isinstance(listed, dict) else ())
    }
    return {"type": "object", "properties": properties}
