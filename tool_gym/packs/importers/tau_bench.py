"""tau-bench: a customer's wish, tools that change a shop's or an airline's database, and the policy to keep to.

The source is the authors' repository, see `tau_bench_source`. A task's gold actions are played in the sandbox, through
the tools' own Python: their answers become the steps, the hash of the database after them the check of the state, and
what the customer has to be told the answer. The instruction is the question, and the policy the system message.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, digest
from tool_gym.messages import ToolCall
from tool_gym.packs.importers.mending import mend_schema
from tool_gym.packs.importers.records import ImportedRecord, Importer, build
from tool_gym.packs.importers.tau_bench_backend import LAST, Database, first_state
from tool_gym.packs.importers.tau_bench_source import Action, Task, ToolClass, World, read_world
from tool_gym.sandbox.executor import Executor
from tool_gym.sandbox.native import MODULES
from tool_gym.scenario import Expected, Provenance, Scenario, StateCheck, SubQuestion, TableRef, Tool, UserTurn

DOMAINS = ("retail", "airline")
MAX_STEPS = 30
"""Actions that tau-bench gives an agent for a task."""
_GLUE = "tool_gym_tau_bench"
_DATABASE = "database"
_REPLY = "respond"
"""The action that is no tool's but speaks to the user."""


class _Kit(NamedTuple):
    """A domain's tools, the tables that they read by content hash, their first state, and what was mended."""

    tools: tuple[Tool, ...]
    tables: Mapping[str, Json]
    state: dict[str, Json]
    mended: tuple[str, ...]


def read(path: Path, executor: Executor) -> Iterator[ImportedRecord]:
    """Reads the test tasks of both domains.

    Args:
        path: The repository's folder, or that of its package `tau_bench`.
        executor: Runs native tools.

    Raises:
        InputError: If a file is missing or cannot be read, or a gold action cannot be played.
    """
    for world in [read_world(path, name) for name in DOMAINS]:
        kit = _kit(world)
        for number, task in enumerate(world.tasks):
            place = f"{path}: {world.name}, task {number}"
            yield build(place, functools.partial(_record, place, number, task, world, kit, executor))


def _kit(world: World) -> _Kit:
    glue = Path(__file__).with_name("tau_bench_backend.py").read_text(encoding="utf-8")
    modules: Json = {_GLUE: glue, **world.modules}
    first: Json = first_state(world.tables)
    refs = (TableRef(name=MODULES, sha256=digest(modules)), TableRef(name=_DATABASE, sha256=digest(first)))
    schemas = {each.info.name: mend_schema(each.info.parameters) for each in world.tools}
    return _Kit(
        tools=tuple(_tool(each, schemas[each.info.name][0], refs) for each in world.tools),
        tables={refs[0].sha256: modules, refs[1].sha256: first},
        state={"changes": {}, "hash": Database(first).hash({}), "over": False},
        mended=tuple(f"{world.name}, tool {name}: {why}" for name, (_, why) in schemas.items() if why),
    )


def _tool(tool: ToolClass, schema: dict[str, Json], tables: tuple[TableRef, ...]) -> Tool:
    source = (
        f"from {_GLUE} import call\n\n\n"
        f"def {tool.info.name}(**arguments):\n"
        f"    return call(STATE, DATA[{_DATABASE!r}], {tool.module!r}, {tool.name!r}, arguments)\n"
    )
    return Tool(name=tool.info.name, description=tool.info.description, parameters=schema, source=source, data=tables)


def _record(place: str, number: int, task: Task, world: World, kit: _Kit, executor: Executor) -> ImportedRecord:
    known = {tool.name for tool in kit.tools}
    actions = [each for each in task.actions if each.name in known]
    left_out = [each.name for each in task.actions if each.name not in known and each.name != _REPLY]
    steps, writes, sha256 = _play(place, actions, kit, executor)
    scenario = Scenario(
        id=f"{world.name}-{number}",
        system=world.policy,
        turns=(UserTurn(content=task.instruction),),
        answer=Expected(value=list(task.outputs), kind="list") if task.outputs else None,
        tools=kit.tools,
        sub_questions=tuple(steps),
        state_checks=(
            StateCheck(
                id="database",
                question="the database is as the gold actions leave it",
                path="/hash",
                expected=Expected(value=sha256, kind="text", path=""),
            ),
        ),
        initial_state=kit.state,
        split=world.name,
        provenance=Provenance(
            truth="claimed",
            source="tau-bench",
            structure="parallel_multi_hop",
            detail={"domain": world.name, "task": number, "user": task.user_id, "writes": writes},
        ),
    )
    mended = [f"{world.name}, task {number}: the gold action {name} is no tool's, and left out" for name in left_out]
    return ImportedRecord(scenario, (*(kit.mended if number == 0 else ()), *mended), kit.tables)


def _play(place: str, actions: list[Action], kit: _Kit, executor: Executor) -> tuple[list[SubQuestion], list[str], str]:
    """Plays gold actions: gives the steps, the ids of those that change the database, and its hash after them."""
    session = executor.session(
        kit.tools, state=kit.state, tables=kit.tables, domain="import", check_arguments=False, native=True
    )
    steps, writes = [], []
    # When the authors replay, they pass over what ends the conversation; so it may as well come last.
    for index, action in enumerate(sorted(actions, key=lambda each: each.name == LAST)):
        before: Any = session.state
        (answer,) = session.call([ToolCall(name=action.name, arguments=action.kwargs)])
        if answer.status != "ok":
            raise InputError(f"{place}: the gold action {action.name} cannot be played: {answer.content}")
        expected = Expected(value=answer.value, kind="text", path="", echo_ok=True)
        steps.append(
            SubQuestion(id=f"c{index}", question="", tools=(action.name,), arguments=action.kwargs, expected=expected)
        )
        if session.state["hash"] != before["hash"]:
            writes.append(steps[-1].id)
    return steps, writes, session.state["hash"]


IMPORTER = Importer(
    read=read,
    manifest={
        "title": "tau-bench, retail and airline",
        "license": "MIT",
        "authors": ("tau-bench's authors",),
        "attribution": (
            "Tasks, databases, policies and tools of tau-bench (arXiv 2406.12045), "
            "https://github.com/sierra-research/tau-bench, MIT; converted to this format."
        ),
        "reward": "solve_f1",
        "matcher": "typed",
        "max_turns": MAX_STEPS,
        "check_arguments": False,
        "dialect": "native",
    },
)
