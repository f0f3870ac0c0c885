"""From an author's `scenarios.toml` to scenarios.

The rows say only what a person has to say: a kind is inferred from its value, and most of the rest has a default.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tool_gym.errors import PackError, UnknownName
from tool_gym.jsonvalue import Json, clean
from tool_gym.messages import Noun
from tool_gym.scenario import Expected, Provenance, Scenario, StateCheck, SubQuestion, Tool, UserTurn
from tool_gym.trajectory import brief


class StepRow(Noun):
    """`[[scenario.step]]`: a sub-question, the call that answers it, and the answer.

    `tool` names the tool of the reference call; `tools`, instead of it, all tools whose result counts, the one of the
    reference call first. Without `expected` the build stops after saying what the call returned.
    """

    id: str
    question: str
    tool: str | None = None
    tools: tuple[str, ...] = ()
    arguments: dict[str, Any] = {}
    expected: dict[str, Any] | None = None
    depends_on: tuple[str, ...] = ()


class ScenarioRow(Noun):
    """`[[scenario]]`: a question, its answer, the tools to show, and the steps."""

    id: str
    question: str
    answer: dict[str, Any] | None = None
    tools: tuple[str, ...]
    split: str = "train"
    step: tuple[StepRow, ...] = ()
    state_check: tuple[dict[str, Any], ...] = ()
    initial_state: Any = None
    detail: dict[str, Any] = {}


_ID = re.compile(r"""\s*id\s*=\s*["']([^"']+)["']""")


class _File(Noun):
    scenario: tuple[Any, ...]


def read_scenarios(path: Path) -> tuple[ScenarioRow, ...]:
    """Reads the rows of a `scenarios.toml`.

    Raises:
        PackError: If the file is missing or not TOML (with the line), or a scenario or step lacks something.
    """
    rows = []
    scenarios = _checked(_File, read_toml(path), str(path)).scenario
    lines = scenario_lines(path)
    for number, data in enumerate(scenarios, 1):
        name = data.get("id") if isinstance(data, dict) else None
        place = f"{path}, line {lines[str(name)]}: scenario {name or number!r}"
        steps = data.get("step") if isinstance(data, dict) else None
        for index, step in enumerate(steps if isinstance(steps, list) else (), 1):
            label = step.get("id", index) if isinstance(step, dict) else index
            _checked(StepRow, step, f"{place}, step {label!r}")
        rows.append(_checked(ScenarioRow, data, place))
    ids = [row.id for row in rows]
    if twice := next((name for name in ids if ids.count(name) > 1), None):
        raise PackError(f"{path}, line {lines[twice]}: scenario {twice!r}: two scenarios have this id; rename one")
    return tuple(rows)


def scenario_lines(path: Path) -> defaultdict[str, int]:
    """The line on which each scenario's id stands, from 1; for one whose id is written otherwise than usual, 1."""
    found: defaultdict[str, int] = defaultdict(lambda: 1)
    header = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("["):
            header = line.strip()
        elif header == "[[scenario]]" and (match := _ID.match(line)):
            found[match[1]] = number
    return found


def read_toml(path: Path) -> dict[str, Json]:
    """A TOML file as JSON data; dates become ISO text.

    Raises:
        PackError: If the file is missing or not TOML.
    """
    try:
        data = clean(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise PackError(f"{path}: no such file; a pack is built from pack.toml, tools.py and scenarios.toml") from None
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, or nested too deep
        raise PackError(f"{path}: not TOML: {error}") from None
    return data  # type: ignore[no-any-return]


def make_scenario(row: ScenarioRow, tools: Mapping[str, Tool], *, provenance: Provenance, place: str) -> Scenario:
    """Turns a row into a scenario; a step without an expected value gets None at the result's root for the time being.

    Args:
        row: The author's row.
        tools: The pack's tools by name.
        provenance: What all scenarios of the pack have in common.
        place: Where the row stands, for errors.

    Raises:
        PackError: If the row names what does not exist, or its parts do not fit together.
    """
    try:
        shown = tuple(_tool(tools, name) for name in row.tools)
        return Scenario(
            id=row.id,
            turns=(UserTurn(content=row.question.strip()),),
            answer=None if row.answer is None else _expected(row.answer, f"{place}, answer"),
            tools=shown,
            sub_questions=tuple(_step(step, f"{place}, step {step.id!r}") for step in row.step),
            state_checks=tuple(_checked(StateCheck, check, f"{place}, state_check") for check in row.state_check),
            initial_state=row.initial_state,
            split=row.split,
            provenance=provenance.model_copy(update={"detail": row.detail}),
        )
    except ValidationError as error:
        raise PackError(f"{place}: {brief(error)}") from None
    except UnknownName as error:
        raise PackError(f"{place}: {error}") from None


def _tool(tools: Mapping[str, Tool], name: str) -> Tool:
    if name not in tools:
        raise UnknownName("tool", name, tools, "Tools are the public functions of tools.py.")
    return tools[name]


def _step(row: StepRow, place: str) -> SubQuestion:
    if (row.tool is None) == (not row.tools):
        raise PackError(f"{place}: give either `tool` or `tools`")
    return SubQuestion(
        id=row.id,
        question=row.question,
        tools=row.tools or (str(row.tool),),
        arguments=row.arguments,
        expected=UNKNOWN if row.expected is None else _expected(row.expected, f"{place}, expected", path=""),
        depends_on=row.depends_on,
    )


UNKNOWN = Expected(value="", kind="text", path="")
"""Stands for an expected value that the author has not written yet."""


def _expected(data: dict[str, Json], place: str, **defaults: Json) -> Expected:
    if "value" not in data:
        raise PackError(f'{place}: no value; write it as in {{ value = 12.5, path = "/km" }}')
    expected: Expected = _checked(Expected, {"kind": _kind(data["value"]), **defaults, **data}, place)
    return expected


def _kind(value: Json) -> str:
    """The kind that a value most likely has; dates and enums have to be declared."""
    kinds = {bool: "bool", int: "number", float: "number", list: "list", dict: "object"}
    return kinds.get(type(value), "text")


def _checked(noun: type[Any], data: object, place: str) -> Any:
    try:
        return noun.model_validate(data)
    except ValidationError as error:
        raise PackError(f"{place}: {brief(error)}") from None
