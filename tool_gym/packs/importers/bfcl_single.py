"""BFCL v4, single-turn: one message of the user, and calls that are held against possible answers.

The source is the folder of the package `bfcl-eval`. Nothing is executed there; here the tools do the grading: each
tells which of the expected calls its own call is, by BFCL's rules, from a table of possible answers that only it sees.
An episode is one action, so that nothing is gained by what a tool tells.

Left out are Java and JavaScript, whose values are code, and the 16 tasks for which any call is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, digest
from tool_gym.packs.importers.mending import mend_name, mend_schema
from tool_gym.packs.importers.records import ImportedRecord, Importer, build, read_records
from tool_gym.scenario import Expected, Provenance, Scenario, StateCheck, SubQuestion, TableRef, Tool, UserTurn

CATEGORIES = (
    "simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance",
    "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple", "live_irrelevance",
)  # fmt: skip
_PLAYED = {("user",), ("system", "user")}
_GRADER = Path(__file__).with_name("bfcl_grader.txt")
_KINDS = {"any": "string", "tuple": "array", "list": "array", "object": "dict", "bool": "boolean", "number": "float"}


class _Message(BaseModel):
    role: str
    content: str


class _Function(BaseModel):
    name: str
    description: str = ""
    parameters: dict[str, Any]


class _Task(BaseModel):
    id: str
    question: list[list[_Message]]
    function: list[_Function]


class _Answer(BaseModel):
    id: str
    ground_truth: list[dict[str, dict[str, list[Any]]]]


def read(path: Path) -> Iterator[ImportedRecord]:
    """Reads the single-turn categories; tasks that begin within a conversation, or have no tool, are left out and told.

    Raises:
        InputError: If a file is missing or cannot be read.
    """
    grader = _GRADER.read_text(encoding="utf-8")
    skipped: list[str] = []
    for category in CATEGORIES:
        name = f"BFCL_v4_{category}.json"
        expected = "irrelevance" not in category
        file = path / "data/possible_answer" / name
        answers = {row.id: row.ground_truth for _, _, row in read_records(file, _Answer)} if expected else {}
        for _, place, task in read_records(path / "data" / name, _Task):
            if reason := _unplayable(task):
                skipped.append(f"{task.id} is left out: {reason}")
                continue
            if expected and task.id not in answers:
                raise InputError(f"{place}: task {task.id!r} has no possible answer")
            calls, news = answers.get(task.id, []), tuple(skipped)
            skipped.clear()
            yield build(place, lambda t=task, a=calls, c=category, n=news: _record(t, a, c, grader, n))  # type: ignore[misc]


def _unplayable(task: _Task) -> str | None:
    """Why a task is left out, or None."""
    if tuple(message.role for message in task.question[0]) not in _PLAYED:
        return "it begins within a conversation"
    return None if task.function else "it has no tool"


def _record(
    task: _Task,
    answers: list[dict[str, dict[str, list[Any]]]],
    category: str,
    grader: str,
    news: tuple[str, ...],
) -> ImportedRecord:
    described = {function.name: function for function in task.function}
    calls = [(described[name], allowed) for answer in answers for name, allowed in answer.items()]
    table: Json = [_expected(function, allowed) for function, allowed in calls]
    data = (TableRef(name="expected", sha256=digest(table)),) if calls else ()
    steps = tuple(
        SubQuestion(
            id=f"c{number}",
            question="",
            tools=(mend_name(function.name),),
            arguments=_reference(function, allowed),
            expected=Expected(value=True, kind="bool", path=f"/{number}", echo_ok=True),
        )
        for number, (function, allowed) in enumerate(calls)
    )
    no_call = StateCheck(
        id="no-call",
        question="no tool is called",
        path="/calls",
        expected=Expected(value=0, kind="number", path=""),
    )
    scenario = Scenario(
        id=re.sub(r"[^a-z0-9]+", "-", task.id.lower()),
        turns=(UserTurn(content="\n\n".join(message.content for message in task.question[0])),),
        answer=None,
        tools=tuple(_tool(function, grader, data) for function in task.function),
        sub_questions=steps,
        state_checks=() if calls else (no_call,),
        initial_state=None if calls else {"calls": 0},
        split=category,
        provenance=Provenance(truth="claimed", source="BFCL v4, single-turn", detail={"id": task.id}),
    )
    return ImportedRecord(scenario, news, {digest(table): table} if calls else {})


def _tool(function: _Function, grader: str, data: tuple[TableRef, ...]) -> Tool:
    name, count = mend_name(function.name), "STATE['calls'] = STATE['calls'] + 1\n    return {}"
    body = f"return grade({name!r}, arguments)" if data else count
    return Tool(
        name=name,
        description=function.description,
        parameters=mend_schema(function.parameters)[0],
        source=f"{grader if data else ''}def {name}(**arguments):\n    {body}\n",
        data=data,
    )


def _expected(function: _Function, allowed: dict[str, list[Any]]) -> dict[str, Json]:
    """A row of the table: the tool, the possible values of each parameter, those required, and their kinds."""
    properties = function.parameters.get("properties", {})
    kinds = {
        name: [_kind(schema), _kind(schema["items"]) if isinstance(schema.get("items"), dict) else None]
        for name, schema in properties.items()
    }
    required = function.parameters.get("required", [])
    return {"name": mend_name(function.name), "allowed": allowed, "required": required, "kinds": kinds}


def _kind(schema: dict[str, Any]) -> str:
    kind = str(schema.get("type", "any"))
    return _KINDS.get(kind, kind)


def _reference(function: _Function, allowed: dict[str, list[Any]]) -> dict[str, Any]:
    """A call that the possible answers allow: of each parameter the first value, of optional ones none."""
    required = function.parameters.get("required", [])
    return {
        name: _first(name, values, function) for name, values in allowed.items() if name in required or "" not in values
    }


def _first(name: str, values: list[Any], function: _Function) -> Any:
    value = next((each for each in values if each != ""), "")
    if _kind(function.parameters.get("properties", {}).get(name, {})) in ("dict", "array"):
        return _plain(value)
    return value


def _plain(value: Any) -> Any:
    """A possible answer as a value: in objects, each key has a list of possible values."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: options[0] for key, options in value.items() if "" not in options}


IMPORTER = Importer(
    read=read,
    manifest={
        "title": "BFCL v4, single-turn",
        "license": "Apache-2.0",
        "authors": ("BFCL's authors",),
        "attribution": (
            "Data of the Berkeley Function-Calling Leaderboard, version 4, from the package bfcl-eval, Apache-2.0; "
            "converted to this format."
        ),
        "reward": "solve_f1",
        "matcher": "typed",
        "max_turns": 1,
        "check_arguments": False,
    },
    own_tools=True,
)
