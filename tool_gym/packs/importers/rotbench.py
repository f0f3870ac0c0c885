"""RoTBench (arXiv 2401.08326): is the right tool chosen, with the right parameters, and are they filled right?

The source is the folder of its authors' repository, of which `Data/First_Turn` is read: five levels of noise in the
names of tools and parameters, each a split. Nothing is executed there; here the tools do the grading: the first call
of an episode, which is one action, is held against the possible calls, in a table that only the tools see.

Their prompt asks for actions in a form of its own; here models are shown tools and call them as they do elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, NotJson, digest, loads
from tool_gym.packs.importers.mending import mend_name, mend_schema
from tool_gym.packs.importers.records import ImportedRecord, Importer, build, read_records
from tool_gym.scenario import Expected, Provenance, Scenario, StateCheck, SubQuestion, TableRef, Tool, UserTurn

LEVELS = ("clean", "slight", "medium", "heavy", "union")
PHASES = ("tool_selection", "parameter_identification", "content_filling")
"""What is graded, in order: each needs the one before."""
_ACTION = re.compile(r"Action:\s*(.*?)\s*\nAction Input:\s*(.*)\Z", re.DOTALL)
_BEGIN = "\nBegin!"
_GRADER = """
def grade(name, arguments):
    if STATE["calls"] == 0:
        for answer in DATA["expected"]["answers"]:
            if answer["name"] != name:
                continue
            STATE["tool_selection"] = True
            wanted = answer["arguments"]
            if sorted(wanted) != sorted(arguments):
                continue
            STATE["parameter_identification"] = True
            told = {key: value for key, value in wanted.items() if value != "None"}
            if name in DATA["expected"]["free"] or all(arguments[key] == value for key, value in told.items()):
                STATE["content_filling"] = True
    STATE["calls"] = STATE["calls"] + 1
    return {"right": STATE["content_filling"]}


"""


class _Message(BaseModel):
    value: Any


class _Record(BaseModel):
    id: str
    conversations: list[_Message]
    scenario: str = ""


class _Function(BaseModel):
    name: str
    description: str = ""
    parameters: Any = None


def read(path: Path) -> Iterator[ImportedRecord]:
    """Reads the records of all levels that the folder has.

    Raises:
        InputError: If the folder holds none, or a record cannot be read.
    """
    files = {level: path / "Data/First_Turn" / f"{level}.json" for level in LEVELS}
    there = {level: file for level, file in files.items() if file.is_file()}
    if not there:
        raise InputError(f"{path}: no Data/First_Turn/*.json in it; expected the folder of RoTBench's repository")
    for level, file in there.items():
        for number, place, record in read_records(file, _Record):
            yield build(place, lambda r=record, n=number, v=level, p=place: _record(r, n, v, p))  # type: ignore[misc]


def _record(record: _Record, number: int, level: str, place: str) -> ImportedRecord:
    if len(record.conversations) < 3:
        raise InputError(f"{place}: expected a system text, a question and the possible actions")
    system, question, actions = (message.value for message in (*record.conversations[:2], record.conversations[-1]))
    functions = _functions(str(system), place)
    names = _names(functions)
    answers = [_answer(text, names, place) for text in actions]
    # The last two tools end the task and ask the user: what they say is free.
    table: Json = {"answers": answers, "free": [names[function.name] for function in functions[-2:]]}
    data = (TableRef(name="expected", sha256=digest(table)),)
    scenario = Scenario(
        id=f"{level}-{number:03}",
        turns=(UserTurn(content=str(question).removesuffix("\n").removesuffix(_BEGIN)),),
        answer=None,
        tools=tuple(_tool(function, names[function.name], data) for function in functions),
        sub_questions=(
            SubQuestion(
                id="call",
                question="",
                tools=tuple(dict.fromkeys(answer["name"] for answer in answers)),
                arguments=answers[0]["arguments"],
                expected=Expected(value=True, kind="bool", path="/right", echo_ok=True),
            ),
        ),
        state_checks=tuple(
            StateCheck(id=phase, question=phase, path=f"/{phase}", expected=Expected(value=True, kind="bool", path=""))
            for phase in PHASES
        ),
        initial_state={"calls": 0, **dict.fromkeys(PHASES, False)},
        split=level,
        provenance=Provenance(
            truth="claimed",
            source="RoTBench, arXiv 2401.08326",
            structure="single_hop",
            detail={"id": record.id, "scenario": record.scenario},
        ),
    )
    renamed = [f"{scenario.id}: tool {own!r} is called {name!r}" for own, name in names.items() if own != name]
    return ImportedRecord(scenario, tuple(renamed), {digest(table): table})


def _functions(system: str, place: str) -> list[_Function]:
    """The tools that the system text lists as JSON."""
    start = system.find("[{")
    try:
        rows, _ = json.JSONDecoder().raw_decode(system, max(start, 0))
        return [_Function.model_validate(row) for row in rows]
    except ValueError as error:
        raise InputError(f"{place}: the system text lists no tools ({error})") from None


def _names(functions: list[_Function]) -> dict[str, str]:
    """For each tool a name that a tool may have: noise puts anything into names."""
    names: dict[str, str] = {}
    for function in functions:
        name = mend_name(function.name)
        while name in names.values():
            name += "_"
        names[function.name] = name
    return names


def _answer(text: Any, names: dict[str, str], place: str) -> dict[str, Any]:
    """A possible action, as `name` and `arguments`."""
    found = _ACTION.search(str(text))
    try:
        arguments = loads(found[2]) if found else None
    except NotJson:
        arguments = None
    if not found or found[1] not in names or not isinstance(arguments, dict):
        shown = str(text)[:200]
        raise InputError(f"{place}: {shown!r} is no action with a listed tool; expected Action and Action Input")
    return {"name": names[found[1]], "arguments": arguments}


def _tool(function: _Function, name: str, data: tuple[TableRef, ...]) -> Tool:
    return Tool(
        name=name,
        description=function.description,
        parameters=mend_schema(function.parameters)[0],
        source=f"{_GRADER.lstrip()}def {name}(**arguments):\n    return grade({name!r}, arguments)\n",
        data=data,
    )


IMPORTER = Importer(
    read=read,
    manifest={
        "title": "RoTBench: tools whose names are noisy",
        "license": "",
        "authors": ("RoTBench's authors",),
        "attribution": (
            "Data of RoTBench (arXiv 2401.08326), from the repository Junjie-Ye/RoTBench, which names no licence; "
            "converted to this format."
        ),
        "reward": "solve_f1",
        "matcher": "typed",
        "max_turns": 1,
        "check_arguments": False,
    },
    own_tools=True,
)
