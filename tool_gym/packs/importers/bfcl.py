"""BFCL v4, multi-turn: tasks of several user turns whose tools are methods of stateful classes.

The source is the folder of the package `bfcl-eval` (`bfcl_eval`), of which only files are read. A task's gold calls are
played in the sandbox, through the classes themselves: their responses become the steps that are due with each user
turn, and each class's state after the turn a check that is due then.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, digest
from tool_gym.messages import ToolCall
from tool_gym.packs.importers.mending import mend_schema
from tool_gym.packs.importers.records import ImportedRecord, Importer, build, read_records
from tool_gym.sandbox.executor import Executor
from tool_gym.sandbox.native import MODULES
from tool_gym.scenario import Expected, Kind, Provenance, Scenario, StateCheck, SubQuestion, TableRef, Tool, UserTurn

CATEGORIES = ("base", "miss_func", "miss_param", "long_context")
STEPS_PER_TURN = 20
"""Actions that BFCL gives a model for each user turn."""
_CLASSES = "eval_checker/multi_turn_eval/func_source_code"
_PACKAGE = f"bfcl_eval.{_CLASSES.replace('/', '.')}"
_GLUE = "tool_gym_bfcl"
_PROMPT = "DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC"
_NEEDS_PACKAGES = ("memory_", "web_search")


class _Message(BaseModel):
    content: str


class _Task(BaseModel):
    id: str
    question: list[list[_Message]]
    initial_config: dict[str, Any] = {}
    involved_classes: list[str]
    missed_function: dict[int, list[str]] = {}


class _Answer(BaseModel):
    id: str
    ground_truth: list[list[str]]


class _Doc(BaseModel):
    name: str
    description: str = ""
    parameters: Any = None


class _Class(NamedTuple):
    """A stateful class: its module, the names of its methods' parameters, and its methods as tools."""

    module: str
    parameters: dict[str, list[str]]
    tools: dict[str, Tool]


class _GoldTurn(NamedTuple):
    """The gold calls of a user turn with their responses, and each class's state after them."""

    calls: list[tuple[ToolCall, Json]]
    views: dict[str, str]


def read(path: Path, executor: Executor) -> Iterator[ImportedRecord]:
    """Reads the four multi-turn categories.

    Args:
        path: The package's folder.
        executor: Runs native tools.

    Raises:
        InputError: If a file is missing or cannot be read, or a gold call fails.
    """
    modules = _modules(path)
    table: dict[str, Json] = {digest(modules): modules}
    library = _Library(path, modules, TableRef(name=MODULES, sha256=next(iter(table))))
    prompt = _constant(path / "constants/default_prompts.py", _PROMPT)
    for category in CATEGORIES:
        name = f"BFCL_v4_multi_turn_{category}.json"
        answers = {row.id: row for _, _, row in read_records(path / "data/possible_answer" / name, _Answer)}
        for _, place, task in read_records(path / "data" / name, _Task):
            if task.id not in answers:
                raise InputError(f"{place}: task {task.id!r} has no possible answer")
            answer = answers[task.id].ground_truth
            yield build(place, lambda t=task, a=answer, c=category: _record(t, a, c, library, prompt, executor, table))  # type: ignore[misc]


class _Library:
    """The classes, each read when a task first needs it."""

    def __init__(self, path: Path, modules: Mapping[str, str], table: TableRef) -> None:
        self._path, self._modules, self._table = path, modules, table
        self._classes: dict[str, _Class] = {}
        self._mended: list[str] = []

    def news(self) -> tuple[str, ...]:
        """What was changed in schemas since this was last asked; each tool's is told once."""
        mended, self._mended = self._mended, []
        return tuple(mended)

    def get(self, name: str) -> _Class:
        """A class by name.

        Raises:
            InputError: If no module defines it, or its documents are missing.
        """
        if name not in self._classes:
            self._classes[name] = self._read(name)
        return self._classes[name]

    def _read(self, name: str) -> _Class:
        for module, text in self._modules.items():
            for node in ast.parse(text).body:
                if isinstance(node, ast.ClassDef) and node.name == name:
                    return self._class(name, module, node)
        raise InputError(f"{self._path / _CLASSES}: no module defines the class {name!r}")

    def _class(self, name: str, module: str, node: ast.ClassDef) -> _Class:
        methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        parameters = {each.name: [entry.arg for entry in each.args.args[1:]] for each in methods}
        file = self._path / "data/multi_turn_func_doc" / f"{module.rpartition('.')[2]}.json"
        tools = {}
        for _, _, doc in read_records(file, _Doc):
            schema, problem = mend_schema(doc.parameters)
            if problem:
                self._mended.append(f"class {name}, tool {doc.name!r}: {problem}")
            source = (
                f"from {_GLUE} import call\n\n\n"
                f"def {doc.name}(**arguments):\n    return call(STATE, {name!r}, {doc.name!r}, arguments)\n"
            )
            tools[doc.name] = Tool(
                name=doc.name, description=doc.description, parameters=schema, source=source, data=(self._table,)
            )
        return _Class(module, parameters, tools)


def _record(
    task: _Task,
    gold: list[list[str]],
    category: str,
    library: _Library,
    prompt: str,
    executor: Executor,
    tables: Mapping[str, Json],
) -> ImportedRecord:
    classes = {name: library.get(name) for name in task.involved_classes}
    tools = {name: tool for each in classes.values() for name, tool in each.tools.items()}
    state: Json = {
        "classes": {name: each.module for name, each in classes.items()},
        "config": {name: task.initial_config.get(name, {}) for name in classes},
        "long_context": category == "long_context",
    }
    played = _play(task.id, gold, classes, list(tools.values()), state, executor, tables)
    comes = {name: turn for turn, names in task.missed_function.items() for name in names}
    early = sorted(
        {call.name for turn, one in enumerate(played) for call, _ in one.calls if turn < comes.get(call.name, 0)}
    )
    steps = [list(_steps(turn, one)) for turn, one in enumerate(played)]
    checks = [list(_checks(turn, one)) for turn, one in enumerate(played)]
    scenario = Scenario(
        id=task.id.replace("_", "-"),
        turns=tuple(
            UserTurn(
                content=said[0].content if said else prompt,
                add_tools=tuple(name for name in task.missed_function.get(turn, ()) if name not in early),
                checks=(*(step.id for step in steps[turn]), *(check.id for check in checks[turn])),
            )
            for turn, said in enumerate(task.question)
        ),
        answer=None,
        tools=tuple(tools.values()),
        sub_questions=tuple(step for turn in steps for step in turn),
        state_checks=tuple(check for turn in checks for check in turn),
        initial_state=state,
        split=category,
        provenance=Provenance(
            truth="claimed", source="BFCL v4, multi-turn", structure="parallel_multi_hop", detail={"id": task.id}
        ),
    )
    news = [f"{task.id}: {name} is shown from the start, as a gold call comes before it" for name in early]
    return ImportedRecord(scenario, (*library.news(), *news), tables)


def _steps(turn: int, played: _GoldTurn) -> Iterator[SubQuestion]:
    """A step for each gold call of a user turn."""
    for number, (call, value) in enumerate(played.calls):
        kind: Kind = "object" if isinstance(value, dict) else "text"
        yield SubQuestion(
            id=f"t{turn}c{number}",
            question="",
            tools=(call.name,),
            arguments=dict(call.arguments),
            expected=Expected(value=value, kind=kind, path="", echo_ok=True),
        )


def _checks(turn: int, played: _GoldTurn) -> Iterator[StateCheck]:
    """A check for each class after a user turn."""
    for name, view in played.views.items():
        yield StateCheck(
            id=f"t{turn}-{name}",
            question=f"{name} is in the state that the gold calls leave it in",
            path=f"/{name}/view",
            expected=Expected(value=view, kind="text", path=""),
        )


def _play(
    task: str,
    gold: list[list[str]],
    classes: Mapping[str, _Class],
    tools: list[Tool],
    state: Json,
    executor: Executor,
    tables: Mapping[str, Json],
) -> list[_GoldTurn]:
    """Plays a task's gold calls, user turn by user turn; turns without any are followed by no check."""
    session = executor.session(
        tools, state=state, tables=tables, domain="import", check_arguments=False, strict=False, native=True
    )
    played = []
    for turn, texts in enumerate(gold):
        calls = [read_call(text, classes) for text in texts]
        answers = session.call(calls)
        for text, answer in zip(texts, answers, strict=True):
            if answer.status != "ok":
                raise InputError(f"task {task}, turn {turn}: the gold call {text} fails: {answer.content}")
        views = {name: session.state[name]["view"] for name in classes} if calls else {}
        played.append(_GoldTurn([(call, answer.value) for call, answer in zip(calls, answers, strict=True)], views))
    return played


def read_call(text: str, classes: Mapping[str, _Class]) -> ToolCall:
    """A gold call, `name(value, key=value)`, with its arguments by name.

    Raises:
        InputError: If it is no call with plain values of a method of the classes.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            raise ValueError("no call of a function")
        owner = next((each for each in reversed(list(classes.values())) if node.func.id in each.tools), None)
        if owner is None:
            raise ValueError("no class has this method")
        names = owner.parameters[node.func.id]
        values = {name: ast.literal_eval(each) for name, each in zip(names, node.args, strict=False)}
        values |= {str(each.arg): ast.literal_eval(each.value) for each in node.keywords}
    except (SyntaxError, ValueError, KeyError) as error:
        raise InputError(f"gold call {text!r}: {error}; expected name(value, key=value) with plain values") from None
    return ToolCall(name=node.func.id, arguments=values)


def _modules(path: Path) -> dict[str, str]:
    """The sources of the classes' modules, by dotted name, and the glue that calls them."""
    files = sorted(path.joinpath(_CLASSES).glob("*.py"))
    if not files:
        raise InputError(
            f"{path}: no {_CLASSES}/*.py in it; expected the folder of the package bfcl-eval. Get it with: "
            "pip install --no-deps bfcl-eval"
        )
    found = {
        f"{_PACKAGE}.{file.stem}": file.read_text(encoding="utf-8")
        for file in files
        if not file.stem.startswith(("__", *_NEEDS_PACKAGES))
    }
    return {**found, _GLUE: Path(__file__).with_name("bfcl_backend.py").read_text(encoding="utf-8")}


def _constant(file: Path, name: str) -> str:
    """A text that a Python file assigns to a name; the file is not run."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = re.search(rf"^{name} = (\(.*?\)|\".*?\")$", text, re.DOTALL | re.MULTILINE)
    if not found:
        raise InputError(f"{file}: no {name} in it; expected the package bfcl-eval of 2026")
    return str(ast.literal_eval(found[1]))


IMPORTER = Importer(
    read=read,
    manifest={
        "title": "BFCL v4, multi-turn",
        "license": "Apache-2.0",
        "authors": ("BFCL's authors",),
        "attribution": (
            "Data and stateful classes of the Berkeley Function-Calling Leaderboard, version 4, from the package "
            "bfcl-eval, Apache-2.0; converted to this format."
        ),
        "reward": "solve_f1",
        "matcher": "typed",
        "max_turns": 8 * STEPS_PER_TURN,
        "check_arguments": False,
        "dialect": "native",
    },
)
