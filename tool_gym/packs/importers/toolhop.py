"""The data of ToolHop (arXiv 2501.02506): questions whose answer is reached hop by hop, a tool for each hop.

A record pairs sub-questions with answers and with tools, but lists the tools' sources apart, in the order of the hops.
A source belongs to the tool whose name it defines, of several tools with one name to that whose parameters it takes.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tool_gym.packs.importers.mending import mend_schema
from tool_gym.packs.importers.records import ImportedRecord, Importer, build, read_records
from tool_gym.scenario import Expected, Provenance, Scenario, SubQuestion, Tool, UserTurn

_DETAIL = ("id", "source_id", "hop_count", "answer_type", "domain", "category")


class _Function(BaseModel):
    name: str
    description: str = ""
    parameters: Any = None


class _Record(BaseModel, extra="allow"):
    question: str
    answer: str
    sub_task: dict[str, str]
    tools: dict[str, _Function]
    functions: list[str]


@dataclass
class _Hop:
    """A sub-question with its tool."""

    question: str
    function: _Function
    source: str = ""
    place: int = 0
    name: str = ""


def read(path: Path) -> Iterator[ImportedRecord]:
    """Reads ToolHop's records.

    Raises:
        InputError: If a line cannot be read; the text names it.
    """
    for number, place, record in read_records(path, _Record):
        yield build(place, lambda r=record, n=number: _scenario(r, n))  # type: ignore[misc]


def _scenario(record: _Record, number: int) -> ImportedRecord:
    scenario_id = f"hop-{number:03}"
    hops = [_Hop(question, function) for question, function in record.tools.items()]
    _give_sources(hops, record.functions)
    mended = list(_give_names(hops))
    tools: dict[str, Tool] = {}
    for hop in hops:
        if hop.name in tools:
            continue
        parameters, problem = mend_schema(hop.function.parameters)
        if problem:
            mended.append(f"tool {hop.name!r}: {problem}")
        tools[hop.name] = Tool(
            name=hop.name, description=hop.function.description, parameters=parameters, source=hop.source
        )
    scenario = Scenario(
        id=scenario_id,
        turns=(UserTurn(content=record.question),),
        answer=Expected(value=record.answer, kind="text"),
        tools=tuple(tools.values()),
        sub_questions=tuple(_sub_questions(record, sorted(hops, key=lambda hop: hop.place))),
        split="test",
        provenance=Provenance(
            truth="claimed",
            source="ToolHop, arXiv 2501.02506",
            structure="multi_hop" if len(hops) > 1 else None,
            detail={key: value for key in _DETAIL if (value := (record.model_extra or {}).get(key)) is not None},
        ),
    )
    return ImportedRecord(scenario, tuple(f"{scenario_id}, {text}" for text in mended))


def _give_sources(hops: list[_Hop], sources: list[str]) -> None:
    """Gives each hop a source that defines its tool: one that is still free, and whose parameters fit best."""
    signatures = [_signature(source) for source in sources]
    taken: set[int] = set()
    for hop in hops:
        name, wanted = hop.function.name, _parameter_names(hop.function)
        named = [place for place, defined in enumerate(signatures) if name in defined]
        free = [place for place in named if place not in taken] or named
        hop.place = min(free, key=lambda place: len(wanted ^ signatures[place][name]), default=len(sources))
        hop.source = sources[hop.place] if free else ""
        taken.add(hop.place)


def _parameter_names(function: _Function) -> set[str]:
    properties = function.parameters.get("properties") if isinstance(function.parameters, dict) else None
    return set(properties) if isinstance(properties, dict) else set()


def _signature(source: str) -> dict[str, set[str]]:
    """The names that a source defines at its top, each with its parameters."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        found = re.findall(r"^def (\w+)", source, re.MULTILINE)
        return {name: set() for name in found}
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    return {
        node.name: {entry.arg for entry in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
        for node in functions
    }


def _give_names(hops: list[_Hop]) -> Iterator[str]:
    """Names the tools; a second tool of a name that is not the same tool gets a number, in its source as well."""
    taken: dict[str, tuple[_Function, str]] = {}
    given = {hop.function.name for hop in hops}
    for hop in hops:
        own, tool = hop.function.name, (hop.function, hop.source)
        numbered = (name for number in itertools.count(2) if (name := f"{own}_{number}") not in given)
        hop.name = next(name for name in itertools.chain([own], numbered) if taken.setdefault(name, tool) == tool)
        if hop.name != own:
            hop.source = re.sub(rf"\b{re.escape(own)}\b", hop.name, hop.source)
            yield f"tool {own!r}: a second tool of this name is now called {hop.name!r}"


def _sub_questions(record: _Record, hops: list[_Hop]) -> Iterator[SubQuestion]:
    """One for each hop; it depends on the earlier ones whose answers its question names."""
    answers: dict[str, str] = {}
    for number, hop in enumerate(hops, 1):
        answer = record.sub_task.get(hop.question)
        if answer is None:
            continue
        question = _words(hop.question)
        same = [other.name for other in hops if other.function.name == hop.function.name]
        yield SubQuestion(
            id=f"q{number}",
            question=hop.question,
            tools=tuple(dict.fromkeys((hop.name, *same))),
            expected=Expected(value=answer, kind="text"),
            depends_on=tuple(key for key, found in answers.items() if found in question),
        )
        answers[f"q{number}"] = _words(answer)


def _words(text: str) -> str:
    """The text's words in lower case between spaces, so that whole words are found."""
    words = re.findall(r"\w+", text.casefold())
    return f" {' '.join(words)} "


IMPORTER = Importer(
    read=read,
    manifest={
        "title": "ToolHop: questions answered hop by hop",
        "license": "CC-BY-4.0",
        "authors": ("ToolHop's authors",),
        "attribution": (
            "Data of ToolHop (arXiv 2501.02506), from the dataset bytedance-research/ToolHop, CC BY 4.0 (tool sources "
            "Apache-2.0); converted to this format."
        ),
        "reward": "task_f1",
        "matcher": "typed",
        "max_turns": 20,
        "check_arguments": False,
    },
)
