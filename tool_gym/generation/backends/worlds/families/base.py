"""What the families of tools have in common: parameters become a schema and a signature, pieces become a source."""

from __future__ import annotations

import json
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from tool_gym.generation.backends.worlds.domain import EntityType
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World, archive

REQUIRED: Any = object()
"""The default of a parameter that has none."""


class Parameter(NamedTuple):
    """A parameter: its role, its JSON Schema with a description, and its default."""

    role: str
    schema: dict[str, Any]
    default: Any = REQUIRED


class Family(ABC):
    """One kind of tool: how it is documented, called and written.

    Attributes:
        name: Its name.
        operations: The operations of plans that its tools do.
        options: Roles of optional parameters that parameter expansion can add, beside those of `more_options`.
        shapes: Roles whose types type generalisation can enrich, those first that are the least trouble.
    """

    name: ClassVar[str]
    operations: ClassVar[tuple[str, ...]]
    options: ClassVar[tuple[str, ...]] = ()
    shapes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """The least tool that does an operation."""

    def functions(self, world: World) -> list[ToolSpec]:
        """A blank tool for each function that the family has in a world: one, or one for each type of entity."""
        return [ToolSpec(family=self.name)]

    def generalised(self, spec: ToolSpec, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All fields and filters that its functions can have."""
        return spec.fields, spec.filters

    def more_options(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """Options that depend on the type."""
        return ()

    @abstractmethod
    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """All parameters of a tool."""

    def ordered(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """All parameters of a tool, required ones first."""
        return sorted(self.parameters(spec, world), key=lambda each: each.default is not REQUIRED)

    @abstractmethod
    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """The call that does an operation, inputs standing for the values."""

    @abstractmethod
    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """Where the answer of that call stands in the result."""

    @abstractmethod
    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """Names of the tables that a tool reads."""

    @abstractmethod
    def source(self, spec: ToolSpec, world: World) -> str:
        """The tool's Python function."""

    @abstractmethod
    def summary(self, spec: ToolSpec, world: World) -> str:
        """What a tool does, in a clause that follows its verb: "one {noun}'s entry in the register"."""

    def schema(self, spec: ToolSpec, world: World) -> dict[str, Any]:
        """The JSON Schema of a tool's parameters."""
        properties, required = {}, []
        for role, schema, default in self.ordered(spec, world):
            name = spec.word(role)
            properties[name] = schema if default is REQUIRED or default is None else {**schema, "default": default}
            if default is REQUIRED:
                required.append(name)
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def head(self, spec: ToolSpec, world: World) -> str:
        """The line that begins the function; its document says what it does."""
        shown = [
            spec.word(role) + ("" if default is REQUIRED else f"={default!r}")
            for role, _, default in self.ordered(spec, world)
        ]
        line = f"def {spec.name}({', '.join(shown)}):"
        if len(line) > 100:
            line = f"def {spec.name}(\n    {', '.join(shown[:4])},\n    {', '.join(shown[4:])}\n):"
        return line


def entity(spec: ToolSpec, world: World) -> EntityType:
    """The type of the entities that a tool reads."""
    return world.domain.types[spec.kind]


def table_of(spec: ToolSpec, world: World) -> str:
    """The table that a tool reads."""
    kind = entity(spec, world)
    return archive(kind) if spec.archived else kind.table


def enum(values: Iterable[str], description: str) -> dict[str, Any]:
    """The schema of a choice."""
    return {"type": "string", "enum": list(values), "description": description}


def listed(items: dict[str, Any], description: str, least: int = 1) -> dict[str, Any]:
    """The schema of an array."""
    return {"type": "array", "items": items, "minItems": least, "description": description}


def body(*pieces: str) -> str:
    """Pieces of a source, each indented into the function's body; empty ones fall away."""
    return "\n".join(textwrap.indent(textwrap.dedent(piece).strip("\n"), "    ") for piece in pieces if piece.strip())


def module(*pieces: str) -> str:
    """Top-level pieces of a source, with blank lines between."""
    return "\n\n".join(textwrap.dedent(piece).strip("\n") for piece in pieces if piece.strip()) + "\n"


def constant(name: str, value: Any) -> str:
    """A constant of JSON data, as Python text."""
    return f"{name} = {json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)}"


def finder(spec: ToolSpec, what: str) -> str:
    """The helper `_find(rows, key, wanted)`; how helpful it fails is a matter of level."""
    if spec.terse:
        failure = f'raise ValueError("no such {what}")'
    else:
        failure = (
            'near = " or ".join(map(repr, difflib.get_close_matches(wanted, [row[key] for row in rows])))\n'
            '    advice = f"did you mean {near}?" if near else "nothing on file is similar."\n'
            f'    raise ValueError(f"no {what} has the {{key}} {{wanted!r}}; {{advice}}")'
        )
    return f"""def _find(rows, key, wanted):
    for row in rows:
        if row[key].casefold() == wanted.strip().casefold():
            return row
    {failure}"""


def imports(spec: ToolSpec, *names: str) -> str:
    """The import lines; `difflib` only where errors help."""
    return "\n".join(sorted(f"import {name}" for name in {*names} - ({"difflib"} if spec.terse else set())))
