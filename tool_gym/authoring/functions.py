"""From an author's `tools.py` to tools: for each public function its schema and a source that stands alone.

The file is read as text and syntax tree; nothing in it is run here. A tool's source is its function with every helper,
constant, class and import that it uses, directly or not, in the author's own formatting.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tool_gym.authoring.docstrings import read_docstring
from tool_gym.authoring.hints import schema_of
from tool_gym.errors import PackError
from tool_gym.jsonvalue import Json, clean
from tool_gym.schema import argument_problem

_HOME = "tool_gym.authoring"
_BOUND = {"DATA", "STATE"}
_Definition: TypeAlias = ast.FunctionDef | ast.ClassDef
_Import: TypeAlias = ast.Import | ast.ImportFrom


class ToolDraft(NamedTuple):
    """A tool as its author wrote it, before its tables are known by content.

    Attributes:
        name: Name of the function.
        description: From its docstring.
        parameters: JSON Schema of an object.
        source: Self-contained Python text.
        tables: Names of the tables that it reads, in alphabetical order, each with the line that names it.
        lines: For each line of `source` the line of the file it comes from, 1-based; 0 for a line between two pieces.
    """

    name: str
    description: str
    parameters: dict[str, Json]
    source: str
    tables: Mapping[str, int]
    lines: tuple[int, ...]


def read_tools(path: Path) -> tuple[ToolDraft, ...]:
    """Reads the tools of a `tools.py`, in the order of the file.

    Raises:
        PackError: With file and line, if the file is not Python, holds something other than definitions, or a public
            function lacks what a tool needs: a docstring, a type hint and a description for every parameter.
    """
    module = _Module(path)
    tools = tuple(module.draft(function) for function in module.public_functions())
    if not tools:
        raise PackError(
            f"{path}: no public function; write one tool as `def name(...)` with type hints and a docstring"
        )
    return tools


class _Module:
    """A parsed `tools.py`.

    Attributes:
        statements: The module-level statements that bind names, in order.
        binders: For each name the statements that bind it.
        assigned: For each name the expression that was assigned to it last.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
            body = ast.parse(text).body
        except FileNotFoundError:
            raise PackError(f"{path}: no such file; a pack's tools are public functions in it") from None
        except UnicodeDecodeError as error:
            raise PackError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
        except (SyntaxError, ValueError, RecursionError) as error:
            raise self.problem(getattr(error, "lineno", None) or 1, f"not Python: {error}") from None
        self.text_lines = text.splitlines()
        self.statements: list[ast.stmt] = []
        self.binders: dict[str, list[ast.stmt]] = {}
        self.assigned: dict[str, ast.expr] = {}
        for statement in body:
            for name in self._bound_names(statement):
                self._bind(name, statement)

    def problem(self, line: int, text: str) -> PackError:
        return PackError(f"{self.path}, line {line}: {text}")

    def public_functions(self) -> Iterator[ast.FunctionDef]:
        for statement in self.statements:
            if isinstance(statement, ast.FunctionDef) and not statement.name.startswith("_"):
                yield statement

    def draft(self, function: ast.FunctionDef) -> ToolDraft:
        doc = read_docstring(ast.get_docstring(function) or "")
        if not doc.description:
            raise self.problem(
                function.lineno, f"tool {function.name!r} has no docstring; say what it does and its Args"
            )
        needed = self._closure(function)
        lines = self._lines(needed)
        return ToolDraft(
            name=function.name,
            description=doc.description,
            parameters=self._parameters(function, doc.parameters),
            source="\n".join(self.text_lines[line - 1] if line else "" for line in lines) + "\n",
            tables=dict(sorted(named for statement in needed for named in self._tables(statement))),
            lines=lines,
        )

    def _bound_names(self, statement: ast.stmt) -> list[str]:
        """The names that a module-level statement binds; refuses statements that do more than define."""
        match statement:
            case ast.FunctionDef() | ast.ClassDef():
                if statement.name in self.binders:
                    raise self.problem(statement.lineno, f"{statement.name!r} is defined twice; rename one of them")
                return [statement.name]
            case ast.ImportFrom(module="__future__"):
                return []
            case ast.ImportFrom(module=module) if module and module.split(".")[0] == "tool_gym":
                names = {alias.asname or alias.name for alias in statement.names}
                if module == _HOME and names <= _BOUND:
                    return []
                text = f"from tool_gym a tool can only use `from {_HOME} import DATA, STATE`, under these names"
                raise self.problem(statement.lineno, text)
            case ast.Import() | ast.ImportFrom():
                return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
            case ast.Assign(targets=targets) if all(map(_is_plain_target, targets)):
                return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                return [name]
            case ast.Expr(value=ast.Constant()):
                return []
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                return []
        text = "only imports, functions, classes and plain assignments can stand here; move this into a function"
        raise self.problem(statement.lineno, text)

    def _bind(self, name: str, statement: ast.stmt) -> None:
        self.binders.setdefault(name, []).append(statement)
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            self.assigned[name] = statement.value
        if statement not in self.statements:
            self.statements.append(statement)

    def _closure(self, function: ast.FunctionDef) -> list[ast.stmt]:
        """The statements that a function needs, itself included, in the order of the file."""
        needed: set[ast.stmt] = set()
        waiting: list[ast.stmt] = [function]
        while waiting:
            statement = waiting.pop()
            if statement in needed:
                continue
            needed.add(statement)
            for node in ast.walk(statement):
                if isinstance(node, ast.Name):
                    waiting += self.binders.get(node.id, ())
        return [statement for statement in self.statements if statement in needed]

    def _lines(self, statements: list[ast.stmt]) -> tuple[int, ...]:
        """The file's lines that the statements fill, with the comments right above them; 0 stands for an empty line."""
        lines: list[int] = []
        before: ast.stmt | None = None
        for statement in statements:
            decorators = statement.decorator_list if isinstance(statement, _Definition) else []
            start = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
            while start > 1 and self.text_lines[start - 2].startswith("#"):
                start -= 1
            if isinstance(statement, _Definition) or isinstance(before, _Definition):
                lines += [0, 0] if before else []
            elif isinstance(before, _Import) and not isinstance(statement, _Import):
                lines.append(0)
            # Two statements may share a line.
            lines += [line for line in range(start, (statement.end_lineno or start) + 1) if line not in lines]
            before = statement
        return tuple(lines)

    def _tables(self, statement: ast.stmt) -> Iterator[tuple[str, int]]:
        named = 0
        for node in ast.walk(statement):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "DATA":
                if not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, str):
                    raise self.problem(node.lineno, 'the table must be named here, as in DATA["stations"]')
                named += 1
                yield node.slice.value, node.lineno
        uses = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id == "DATA"]
        if len(uses) != named:
            raise self.problem(uses[0].lineno, 'DATA can only be read by table, as in DATA["stations"]')

    def _parameters(self, function: ast.FunctionDef, described: dict[str, str]) -> dict[str, Json]:
        given = function.args
        if given.vararg or given.kwarg or given.posonlyargs:
            raise self.problem(
                function.lineno, f"tool {function.name!r}: *args, **kwargs and `/` cannot be tool parameters"
            )
        first_default = len(given.args) - len(given.defaults)
        defaults = [None] * first_default + [*given.defaults] + [*given.kw_defaults]
        properties, required = {}, []
        for argument, default in zip([*given.args, *given.kwonlyargs], defaults, strict=True):
            properties[argument.arg] = self._parameter(function.name, argument, default, described)
            if default is None:
                required.append(argument.arg)
        for name in described:
            if name not in properties:
                raise self.problem(
                    function.lineno, f"tool {function.name!r}: its Args describe {name!r}, which it lacks"
                )
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def _parameter(
        self, tool: str, argument: ast.arg, default: ast.expr | None, described: dict[str, str]
    ) -> dict[str, Json]:
        name, place = argument.arg, f"tool {tool!r}, parameter {argument.arg!r}"
        if argument.annotation is None:
            raise self.problem(argument.lineno, f"{place}: no type hint; write `{name}: str`, or what it is")
        if not described.get(name):
            raise self.problem(argument.lineno, f"{place}: no description; add `{name}: …` under Args in the docstring")
        try:
            schema = {**schema_of(argument.annotation, self.assigned), "description": described[name]}
        except ValueError as error:
            raise self.problem(argument.lineno, f"{place}: {error}") from None
        if default is None:
            return schema
        try:
            value = clean(ast.literal_eval(default))
        except ValueError:
            raise self.problem(
                default.lineno, f"{place}: the default must be written out, as text or a number"
            ) from None
        if complaint := argument_problem({"type": "object", "properties": {name: schema}}, {name: value}):
            raise self.problem(default.lineno, f"{place}: the default does not fit the hint: {complaint}")
        return schema if value is None else {**schema, "default": value}


def _is_plain_target(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) or (isinstance(target, ast.Tuple) and all(map(_is_plain_target, target.elts)))
