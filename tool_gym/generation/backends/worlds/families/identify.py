"""Other names: which entity is meant by a name that it had before, or that people call it by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.families.base import (
    Family,
    Parameter,
    body,
    entity,
    enum,
    module,
    table_of,
)
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World

_MEANT = {":former_name": "a name that it had before", ":nickname": "a name that people call it by"}


class Identify(Family):
    """`identify(called, …)` -> `{"name", "id", …}`. Fields are columns that hold other names, each after ":"."""

    name = "identify"
    operations = ("identify",)
    options = ("known_by", "with_rename", "exact_case", "expect_id")

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """By one kind of other names."""
        return ToolSpec(family=self.name, kind=operation.kind, fields=(f":{operation.field}",))

    def functions(self, world: World) -> list[ToolSpec]:
        """One for each type with other names."""
        return [ToolSpec(family=self.name, kind=key) for key in world.domain.types if self._columns(key, world)]

    def _columns(self, kind: str, world: World) -> tuple[str, ...]:
        rows = world.entities[kind]
        return tuple(key for key in _MEANT if any(row.get(key[1:]) for row in rows))

    def generalised(self, spec: ToolSpec, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All kinds of other names."""
        return self._columns(spec.kind, world), ()

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """The name, and what is told."""
        noun = entity(spec, world).noun
        text = f"What the {noun} is called: " + ", or ".join(_MEANT[key] for key in spec.fields) + "."
        made = [Parameter("called", {"type": "string", "description": text})]
        if "known_by" in spec.options:
            columns = [*(key[1:] for key in spec.fields), "any"]
            made.append(Parameter("known_by", enum(columns, "Which kind of name that is."), "any"))
        if "expect_id" in spec.options:
            schema = {"type": "string", "description": f"Fail unless the {noun} has this id."}
            made.append(Parameter("expect_id", schema, None))
        flags = {"exact_case": "Capitals matter.", "with_rename": "Add since when it has its present name."}
        for role, flag in flags.items():
            if role in spec.options:
                made.append(Parameter(role, {"type": "boolean", "description": flag}, False))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """The other name."""
        return {spec.word("called"): values[0]}

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """The name on record."""
        return f"/{spec.word('identified')}"

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """The type's."""
        return (table_of(spec, world),)

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What it finds."""
        meant = " or ".join(_MEANT[key] for key in spec.fields)
        return f"the present name of the {entity(spec, world).noun} behind {meant}"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        noun, called = entity(spec, world).noun, spec.word("called")
        columns = repr([key[1:] for key in spec.fields])
        pieces = [f'rows = DATA["{table_of(spec, world)}"]\ncolumns = {columns}']
        if "known_by" in spec.options:
            word = spec.word("known_by")
            pieces.append(f'if {word} != "any":\n    columns = [{word}]')
        pieces.append(f"wanted = {called}.strip().casefold()")
        test = "row[column].casefold() == wanted"
        if "exact_case" in spec.options:
            test += f" and (not {spec.word('exact_case')} or row[column] == {called}.strip())"
        pieces.append(f"found = [row for row in rows for column in columns if row[column] and {test}]")
        failure = f'raise ValueError(f"nobody knows a {noun} as {{{called}!r}}")'
        if spec.terse:
            failure = f'raise ValueError("no such {noun}")'
        pieces.append(f"if not found:\n    {failure}\nrow = found[0]")
        if "expect_id" in spec.options:
            word = spec.word("expect_id")
            pieces.append(
                f'if {word} is not None and {word} != row["id"]:\n'
                f'    raise ValueError(f"that {noun} has not the id {{{word}}}")'
            )
        pieces.append(f'result = {{"{spec.word("identified")}": row["name"], "id": row["id"]}}')
        if "with_rename" in spec.options:
            pieces.append(f'if {spec.word("with_rename")}:\n    result["renamed_on"] = row.get("renamed_on")')
        return module(self.head(spec, world) + "\n" + body(*pieces, "return result"))
