"""Plays a tool's source in a runtime of this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tool_gym.jsonvalue import Json, encode
from tool_gym.sandbox.runtime import Outcome, Rejection, Runtime

RUNTIME = Runtime(fuel=300_000)
SEED = bytes(range(32))


def samples(file: str) -> dict[str, str]:
    """Sources by title, from a text file beside the tests."""
    parts = (Path(__file__).parent / file).read_text(encoding="utf-8").split("#### ")[1:]
    return dict(tuple(part.split("\n", 1)) for part in parts)


def check(source: str) -> Rejection | None:
    """Why the source of a tool called `f` is refused, or None."""
    RUNTIME.add_source(source, "f", source, {})
    return RUNTIME.check(source)


def play(source: str, seed: bytes = SEED, **arguments: Json) -> Outcome:
    """One call of the function `f` of a source."""
    RUNTIME.add_source(source, "f", source, {})
    return RUNTIME.run(source, json.dumps(arguments).encode(), seed)


def value(source: str, **arguments: Json) -> Any:
    """What a call that must end well returns."""
    outcome = play(source, **arguments)
    assert outcome.status == "ok", outcome
    return json.loads(outcome.payload)


def plain(source: str) -> tuple[str, str]:
    """What a call of `f` gives under plain `exec`: "ok" and the JSON, or "tool_error" and the exception's text."""
    namespace: dict[str, Any] = {"__name__": "tool"}
    try:
        exec(source, namespace)
        return "ok", encode(namespace["f"]()).decode()
    except Exception as error:
        return "tool_error", str(error)
