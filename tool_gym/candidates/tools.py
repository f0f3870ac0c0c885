"""What a tool's document says about it as such: what kind of tool it is, and what it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tool_gym.candidates.words import words

FAMILIES = ("entry", "dated", "search", "figure", "sum", "days", "texts", "other")
"""Kinds of tools, by what they require."""
OF_PERSONS = frozenset(words("born birth mentor teacher wage salary fee tutor profession rank"))
"""Words in the documents of tools about persons."""


PLAIN = frozenset(words("name target which subject id keep only text day date place asked"))
"""Words of parameters that say nothing about what a tool is about."""


def family(parameters: Mapping[str, Any]) -> str:
    """The kind of a tool, one of `FAMILIES`, by what it requires."""
    properties = parameters.get("properties") or {}
    kinds = Counter(_kind(properties[name]) for name in parameters.get("required") or () if name in properties)
    if not kinds:
        return "search"
    if kinds["members"] and kinds["text"]:
        return "entry"
    if kinds["day"] and kinds["text"]:
        return "dated"
    if kinds["numbers"] or kinds["amount"]:
        return "sum"
    if kinds["period"] or (kinds["text"] and kinds["number"]):
        return "days"
    if kinds["enum"] > 1:
        return "figure"
    return "texts" if kinds["texts"] or kinds["text"] else "other"


def _kind(schema: Mapping[str, Any]) -> str:
    items, properties = schema.get("items") or {}, schema.get("properties") or {}
    if "enum" in schema:
        return "enum"
    match schema.get("type"):
        case "array" if "enum" in items:
            return "members"
        case "array":
            return "numbers" if "number" in (items.get("type") or ()) else "texts"
        case "object" if "year" in properties:
            return "day"
        case "object":
            return (
                "amount" if any(each.get("type") in ("number", "integer") for each in properties.values()) else "period"
            )
        case "integer" | "number":
            return "number"
    return "text"


def nouns(parameters: Mapping[str, Any]) -> set[str]:
    """What a tool is about: words of its required text and of what is said about it."""
    properties = parameters.get("properties") or {}
    texts = [name for name in parameters.get("required") or () if _kind(properties.get(name) or {}) == "text"]
    return {word for name in texts for word in words(f"{name} {properties[name].get('description', '')}")} - PLAIN


def labels(schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Words of each member of each enum in a schema."""
    yield from (words(str(each)) for each in schema.get("enum") or ())
    for each in (*(schema.get("properties") or {}).values(), schema.get("items")):
        if isinstance(each, Mapping):
            yield from labels(each)
