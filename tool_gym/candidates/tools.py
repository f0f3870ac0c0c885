"""What a tool's document says about it as such: what kind of tool it is, and what it is about."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tool_gym.candidates.words import plain_words, singular, words

FAMILIES = ("entry", "dated", "search", "figure", "alias", "sum", "days", "texts", "other")
"""Kinds of tools, by what they require."""
WORKS_OUT = frozenset({"sum", "days", "texts", "other"})
"""Those that make something of values, rather than knowing something."""
OF_PERSONS = frozenset(words("born birth age profession"))
"""Words in the documents of tools about persons."""
_CALLED = frozenset(words("call called known alias people"))
_OPENING = 7
"""Words with which a document begins."""
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
    if kinds["text"] == 1 and len(kinds) == 1:
        name = next(name for name in parameters["required"] if _kind(properties.get(name) or {}) == "text")
        told = words(f"{name} {properties[name].get('description', '')}")
        if properties[name].get("format") != "date" and not {"day", "date"} & set(told):
            ordered = any("order" in (each.get("properties") or {}) for each in properties.values())
            return "search" if ordered else "alias" if _CALLED & set(told) else "entry"
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


def members(schema: Mapping[str, Any]) -> Iterator[str]:
    """Each member of each enum in a schema."""
    yield from (str(each) for each in schema.get("enum") or ())
    for each in (*(schema.get("properties") or {}).values(), schema.get("items")):
        if isinstance(each, Mapping):
            yield from members(each)


def _is_text(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "string" and "enum" not in schema


def types_of(function: Mapping[str, Any], own: str) -> dict[str, frozenset[str]]:
    """For each parameter of a tool, nouns for what it takes.

    Args:
        function: `name`, `description` and `parameters` of the tool.
        own: What the tool is about.
    """
    kind = family(function["parameters"])
    found = {}
    for name, schema in (function["parameters"].get("properties") or {}).items():
        told = schema.get("description", "") if isinstance(schema, Mapping) and _is_text(schema) else ""
        nouns = [singular(word) for word in (*plain_words(name), *plain_words(str(told))[-2:]) if told]
        found[name] = frozenset({own}) if kind in ("entry", "dated") and own in nouns else frozenset(nouns)
    return found


def gives(function: Mapping[str, Any], own: str) -> str:
    """What a tool that leaves no choice tells of an entry: what its document says between its verb and its subject.

    Args:
        function: `name`, `description` and `parameters` of the tool.
        own: What it is about.
    """
    parameters = function["parameters"]
    if family(parameters) != "entry" or any(members({"properties": _needed(parameters)})):
        return ""
    told = plain_words(re.split(r"[.:]", function["description"])[0])
    place = next((i for i, word in enumerate(told) if singular(word) == own), 0)
    return " ".join(told[1:place])


def _needed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    needed = parameters.get("required") or ()
    return {name: each for name, each in (parameters.get("properties") or {}).items() if name in needed}


def subject(function: Mapping[str, Any]) -> str:
    """The noun for what a tool is about, or for what it lists, in the singular; empty if its document has none."""
    parameters = function["parameters"]
    properties = parameters.get("properties") or {}
    if family(parameters) in ("entry", "dated"):
        name = next(each for each in parameters["required"] if _kind(properties.get(each) or {}) == "text")
        for text in (properties[name].get("description", ""), name):
            own = [singular(word) for word in plain_words(text) if not PLAIN & set(words(word))]
            if own:
                return own[-1]
    own = [singular(word) for word in plain_words(function["name"]) if not PLAIN & set(words(word))]
    told = [singular(word) for word in plain_words(function["description"])][:_OPENING]
    return next((word for word in reversed(told) if word in own), "")
