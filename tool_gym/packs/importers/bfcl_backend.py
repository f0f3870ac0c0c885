"""Calls of methods of BFCL's stateful classes, with the instances kept as JSON data between calls.

This module's text travels in the pack, among the classes' own sources, and runs in the sandbox, see `sandbox.native`.

At first the state says how to make the instances: `classes` (the module of each class), `config` (what each is loaded
with) and `long_context`. From the first call on it holds, for each class, the `objects` of its instance (see `dump`)
and the SHA-256 of what `view` shows of it, which is what BFCL compares.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib
import json
import random
from typing import Any

_SCALARS = (type(None), bool, int, float, str)
_LEFT_OUT = "parent"
"""A directory's attribute that its own comparison leaves out."""


def call(state: dict[str, Any], name: str, method: str, arguments: dict[str, Any]) -> Any:
    """Calls a method of the instance of a class, and keeps what became of it in the state.

    Returns:
        The response as BFCL compares it: a JSON object, or the text of anything else.
    """
    if "config" in state:
        _begin(state)
    instance = load(state[name]["objects"])
    response = _response(getattr(instance, method)(**arguments))
    state[name] = _kept(instance)
    return response


def _begin(state: dict[str, Any]) -> None:
    """Makes all instances."""
    classes, config, long_context = state.pop("classes"), state.pop("config"), state.pop("long_context")
    for name, module in classes.items():
        instance = getattr(importlib.import_module(module), name)()
        if hasattr(instance, "_load_scenario"):
            instance._load_scenario(config.get(name, {}), long_context=long_context)
        state[name] = _kept(instance)


def _kept(instance: object) -> dict[str, Any]:
    text = json.dumps(view(instance), sort_keys=True)
    return {"view": hashlib.sha256(text.encode()).hexdigest(), "objects": dump(instance)}


def _response(result: Any) -> Any:
    if isinstance(result, dict):
        try:
            return json.loads(json.dumps(result))
        except (TypeError, ValueError):
            return str(result)
    return str(result)


def view(value: Any) -> Any:
    """What counts of a value when BFCL compares two: of an object, its public attributes."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, dict):
        return {repr(key): view(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [view(item) for item in value]
    if hasattr(value, "__dict__"):
        shown = {key: view(item) for key, item in vars(value).items() if key[0] != "_" and key != _LEFT_OUT}
        return {type(value).__name__: shown}
    return repr(value)


def dump(root: Any) -> list[list[Any]]:
    """An object and all that it holds, as JSON data: a list of nodes, the object first.

    A node is a kind and its items; an item is a scalar, or a list with the number of another node. So what is held
    twice, or holds its holder, comes back as it was.
    """
    nodes: list[list[Any]] = []
    places: dict[int, int] = {}

    def item(value: Any) -> Any:
        if isinstance(value, _SCALARS):
            return value
        if id(value) not in places:
            places[id(value)] = len(nodes)
            nodes.append([])
            kind, held = _take_apart(value)
            nodes[places[id(value)]] = [kind, *map(item, held)]
        return [places[id(value)]]

    item(root)
    return nodes


def _take_apart(value: Any) -> tuple[str, list[Any]]:
    if isinstance(value, dict):
        return "dict", [each for pair in value.items() for each in pair]
    if isinstance(value, (list, tuple, set)):
        return type(value).__name__, list(value)
    if isinstance(value, random.Random):
        version, numbers, gauss = value.getstate()
        return "random", [version, gauss, *numbers]
    if isinstance(value, datetime.datetime):
        return "datetime", [value.isoformat()]
    kind = type(value)
    return f"{kind.__module__}:{kind.__qualname__}", [each for pair in vars(value).items() for each in pair]


def load(nodes: list[list[Any]]) -> Any:
    """The object that `dump` wrote."""
    made: dict[int, Any] = {}

    def value(item: Any) -> Any:
        if not isinstance(item, list):
            return item
        (place,) = item
        if place not in made:
            kind, *held = nodes[place]
            if kind == "tuple":
                made[place] = tuple(map(value, held))
            else:
                made[place] = _empty(kind, held)
                _fill(made[place], map(value, held))
        return made[place]

    return value([0])


def _empty(kind: str, held: list[Any]) -> Any:
    if kind == "datetime":
        return datetime.datetime.fromisoformat(held[0])
    plain = {"dict": dict, "list": list, "set": set, "random": random.Random}.get(kind)
    if plain:
        return plain()
    module, _, name = kind.partition(":")
    found: Any = getattr(importlib.import_module(module), name)
    return found.__new__(found)


def _fill(value: Any, items: Any) -> None:
    if isinstance(value, datetime.datetime):
        return
    if isinstance(value, list):
        value.extend(items)
    elif isinstance(value, set):
        value.update(items)
    elif isinstance(value, random.Random):
        version, gauss, *numbers = items
        value.setstate((version, tuple(numbers), gauss))
    else:
        pairs = zip(items, items, strict=True)  # one iterator, read twice
        (value if isinstance(value, dict) else vars(value)).update(pairs)
