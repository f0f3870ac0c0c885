"""The data of FTRL (arXiv 2508.08791): its `train.jsonl` and `test.jsonl`.

A record states which answers each tool's calls must return, but neither the sub-questions in words nor the calls; they
can be given in a file of calls, JSON lines `{"record", "calls": [{"name", "arguments", "solves"}]}`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, loads
from tool_gym.packs.importers.mending import mend_schema
from tool_gym.packs.importers.records import ImportedRecord, Importer, build, read_records
from tool_gym.scenario import STRUCTURES, Expected, Provenance, Scenario, SubQuestion, Tool, UserTurn


def _decode(value: Json) -> Json:
    return loads(value) if isinstance(value, str) else value


class _Message(BaseModel):
    role: Literal["user"]
    content: str


class _Function(BaseModel):
    name: str
    description: str = ""
    parameters: Any = None


class _ToolForm(BaseModel):
    function: _Function


class _Record(BaseModel):
    """A record; `tools`, `codes` and `unsolved_set` are JSON inside of text."""

    messages: Annotated[list[_Message], Field(min_length=1, max_length=1)]
    tools: Annotated[list[_ToolForm], BeforeValidator(_decode)]
    codes: Annotated[dict[str, str], BeforeValidator(_decode)]
    unsolved_set: Annotated[dict[str, list[str]], BeforeValidator(_decode)]
    answer: str
    data_source: str = ""
    split: str = "train"


class _Call(BaseModel):
    name: str
    arguments: dict[str, Any]
    solves: str


class _Calls(BaseModel):
    """A line of the file of calls; `record` is the number of a record, from 0."""

    record: int
    calls: list[_Call]


def read(path: Path, calls: Path | None = None) -> Iterator[ImportedRecord]:
    """Reads FTRL's records.

    Args:
        path: The file of records.
        calls: A file of calls, which become the reference calls of the answers that they solve.

    Raises:
        InputError: If a line of a file cannot be read; the text names it.
    """
    found = _read_calls(calls) if calls else {}
    numbers: Counter[str] = Counter()
    for number, place, record in read_records(path, _Record):
        structure = record.data_source.rpartition("/")[2]
        label = structure.replace("_", "-") if structure in STRUCTURES else "record"
        scenario_id = f"{label}-{numbers[label]:03}"
        numbers[label] += 1
        yield build(place, lambda r=record, i=scenario_id, n=number: _scenario(r, i, n, found.get(n, [])))  # type: ignore[misc]


def _scenario(record: _Record, scenario_id: str, number: int, calls: list[_Call]) -> ImportedRecord:
    structure = record.data_source.rpartition("/")[2]
    tools, mended = [], []
    for form in record.tools:
        function = form.function
        parameters, problem = mend_schema(function.parameters)
        if problem:
            mended.append(f"{scenario_id}, tool {function.name!r}: {problem}")
        source = record.codes.get(function.name, "")
        tools.append(Tool(name=function.name, description=function.description, parameters=parameters, source=source))
    scenario = Scenario(
        id=scenario_id,
        turns=(UserTurn(content=record.messages[0].content),),
        answer=Expected(value=record.answer, kind="text"),
        tools=tuple(tools),
        sub_questions=tuple(_sub_questions(record, list(calls))),
        split=record.split,
        provenance=Provenance(
            truth="claimed",
            source="FTRL, arXiv 2508.08791",
            structure=structure if structure in STRUCTURES else None,
            detail={"record": number, "data_source": record.data_source},
        ),
    )
    return ImportedRecord(scenario, tuple(mended))


def _sub_questions(record: _Record, calls: list[_Call]) -> Iterator[SubQuestion]:
    """One for each answer still open under a tool's name; a call serves one answer, as in the paper's multiset."""
    number = 0
    for name, answers in record.unsolved_set.items():
        for answer in answers:
            number += 1
            call = next((call for call in calls if call.name == name and call.solves == answer), None)
            if call:
                calls.remove(call)
            yield SubQuestion(
                id=f"q{number}",
                question="",
                tools=(name,),
                arguments=call.arguments if call else None,
                expected=Expected(value=answer, kind="text"),
            )


def _read_calls(path: Path) -> dict[int, list[_Call]]:
    found: dict[int, list[_Call]] = {}
    for _, place, row in read_records(path, _Calls):
        if row.record in found:
            raise InputError(f"{place}: the calls of record {row.record} come twice")
        found[row.record] = row.calls
    return found


IMPORTER = Importer(
    read=read,
    manifest={
        "title": "FTRL: tool use in automatically built local environments",
        "license": "Apache-2.0",
        "authors": ("FTRL's authors",),
        "attribution": (
            "Data of FTRL (arXiv 2508.08791), from the repository bytedance/FTRL, Apache-2.0; converted to this format."
        ),
        "reward": "ftrl_f1",
        "matcher": "ftrl",
        "max_turns": 20,
        "check_arguments": False,
    },
    takes_calls=True,
)
