"""tau-bench's repository as its authors lay it out, read and not run: policies, databases, tools, tasks."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, NotJson, loads
from tool_gym.scenario import ToolName
from tool_gym.trajectory import brief

ENVS = "tau_bench/envs"
TASKS = "tasks_test.py"
_GET = "get it with: git clone https://github.com/sierra-research/tau-bench"
_Model = TypeVar("_Model", bound=BaseModel)


class Action(NamedTuple):
    """A gold action: a tool's name and the arguments."""

    name: str
    kwargs: dict[str, Any]


class Task(BaseModel):
    """A task: whose it is, what the user wants, how it is done, and what the user has to be told."""

    user_id: str
    instruction: str
    actions: list[Action]
    outputs: list[str]


class Info(BaseModel):
    """What a tool says of itself."""

    name: ToolName
    description: str = ""
    parameters: Any = None


class _Wrapped(BaseModel):
    function: Info


class ToolClass(NamedTuple):
    """A tool: the dotted name of its module, its class, and what it says of itself."""

    module: str
    name: str
    info: Info


class World(NamedTuple):
    """One of the domains.

    Attributes:
        name: Its name, as its folder's.
        policy: What the agent has to keep to.
        tables: The database: records by table and id.
        modules: Sources of the tools' modules, by dotted name.
        tools: The tools, in the authors' order.
        tasks: The test tasks.
    """

    name: str
    policy: str
    tables: dict[str, dict[str, Json]]
    modules: Mapping[str, str]
    tools: tuple[ToolClass, ...]
    tasks: list[Task]


def read_world(path: Path, name: str) -> World:
    """Reads a domain.

    Args:
        path: The repository's folder, or that of its package `tau_bench`.
        name: `retail` or `airline`.

    Raises:
        InputError: If a file is missing or is not what it is in the repository; the text names it.
    """
    envs = path / "envs" if (path / "envs").is_dir() else path / ENVS
    folder = envs / name
    tables = {file.stem: _table(file) for file in sorted((folder / "data").glob("*.json"))}
    if not tables:
        raise InputError(f"{folder}: no data/*.json in it; expected the repository of tau-bench: {_GET}")
    package = f"{ENVS.replace('/', '.')}.{name}.tools"
    files = {file.stem: file for file in sorted((folder / "tools").glob("*.py")) if file.stem != "__init__"}
    return World(
        name=name,
        policy=_text(folder / "wiki.md"),
        tables=tables,
        modules={
            f"{ENVS.replace('/', '.')}.tool": _text(envs / "tool.py"),
            **{f"{package}.{stem}": _text(file) for stem, file in files.items()},
        },
        tools=tuple(_tools(folder / "tools", package)),
        tasks=_tasks(folder / TASKS),
    )


def _tools(folder: Path, package: str) -> Iterator[ToolClass]:
    """The classes that `ALL_TOOLS` lists."""
    file = folder / "__init__.py"
    body = _parse(file).body
    homes = {alias.name: node.module for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}
    for item in _list(file, body, "ALL_TOOLS"):
        name = ast.unparse(item)
        if name not in homes:
            raise InputError(f"{file}: ALL_TOOLS has {name}, which no 'from .module import' brings")
        yield ToolClass(f"{package}.{homes[name]}", name, _info(folder / f"{homes[name]}.py", name))


def _info(file: Path, name: str) -> Info:
    """What the class's `get_info` returns."""
    for owner in _parse(file).body:
        if isinstance(owner, ast.ClassDef) and owner.name == name:
            for method in owner.body:
                if isinstance(method, ast.FunctionDef) and method.name == "get_info":
                    for last in method.body[-1:]:
                        if isinstance(last, ast.Return) and last.value:
                            return _check(_Wrapped, _value(last.value, file), file).function
    raise InputError(f"{file}: no class {name} with a get_info that returns what the tool is; {_GET}")


def _tasks(file: Path) -> list[Task]:
    """The tasks of the list of `Task(...)`, whatever it is called."""
    return [_check(Task, _value(item, file), file) for item in _list(file, _parse(file).body)]


def _list(file: Path, body: list[ast.stmt], name: str | None = None) -> list[ast.expr]:
    """The items of the list that is assigned to a name, or of the first list of any name."""
    for node in body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.List):
            continue
        if name is None or ast.unparse(node.targets[0]) == name:
            return node.value.elts
    raise InputError(f"{file}: no list {name or 'of tasks'} in it; {_GET}")


def _value(node: ast.expr, file: Path) -> Any:
    """A plain value; a call as its arguments by name."""
    if isinstance(node, ast.Call) and not node.args:
        return {each.arg: _value(each.value, file) for each in node.keywords}
    if isinstance(node, ast.List):
        return [_value(item, file) for item in node.elts]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise InputError(f"{file}, line {node.lineno}: expected plain values; the file is read, and not run") from None


def _check(model: type[_Model], value: Any, file: Path) -> _Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InputError(f"{file}: {brief(error)}; {_GET}") from None


def _parse(file: Path) -> ast.Module:
    try:
        return ast.parse(_text(file))
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{file}: not Python: {error}") from None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read ({error}); expected the repository of tau-bench: {_GET}") from None


def _table(file: Path) -> dict[str, Json]:
    try:
        table = loads(_text(file))
    except NotJson as error:
        raise InputError(f"{file}: {error}; expected an object of records by id") from None
    if not isinstance(table, dict):
        raise InputError(f"{file}: expected an object of records by id, got {type(table).__name__}")
    return table
