"""What tools that work on a set of entities share: narrowing it by relations, enum members and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.domain import NUMERIC
from tool_gym.generation.backends.worlds.families.base import REQUIRED, Family, Parameter, entity, enum, listed
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World


class SetFamily(Family):
    """A family whose tools narrow a set."""

    def more_options(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """Bounds for every number."""
        kind = entity(spec, world)
        return tuple(f"bounds:{key}" for key, each in kind.attributes.items() if each.kind in NUMERIC)

    def narrowed(self, operation: Operation) -> tuple[str, ...]:
        """The filters that an operation needs."""
        return tuple(filter(None, (operation.scope, *operation.where[:1])))

    def all_filters(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """Every relation and enum attribute."""
        kind = entity(spec, world)
        return (*kind.relations, *(key for key, each in kind.attributes.items() if each.kind == "enum"))

    def filter_parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """The filters; a tool with only one wants it."""
        kind, made = entity(spec, world), []
        for key in spec.filters:
            default = REQUIRED if len(spec.filters) == 1 else None
            if key in kind.relations:
                text = f"Keep only {kind.plural} with this {kind.relations[key].nouns[0]}."
                made.append(Parameter(f"only:{key}", {"type": "string", "description": text}, default))
                continue
            attribute = kind.attributes[key]
            text = f"Keep only {kind.plural} of this {attribute.nouns[0]}."
            choice = enum(attribute.values, text)
            if "members" in spec.shapes:
                choice = listed(enum(attribute.values, "One to keep."), text.replace("this", "any of these kinds of"))
            made.append(Parameter(f"only:{key}", choice, default))
        return made

    def bound_parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """Least and greatest values, as two numbers, or as one object where the type was generalised."""
        kind, made = entity(spec, world), []
        for option in spec.options:
            if not option.startswith("bounds:"):
                continue
            key = option.removeprefix("bounds:")
            unit = world.unit(kind.attributes[key])
            what = f"{kind.attributes[key].nouns[0]}{f' in {unit}' if unit else ''}"
            if "bounds" in spec.shapes:
                number = {"type": "number"}
                schema = {
                    "type": "object", "properties": {"at_least": number, "at_most": number},
                    "additionalProperties": False, "description": f"Limits of the {what}.",
                }  # fmt: skip
                made.append(Parameter(f"bounds:{key}", schema, None))
            else:
                made.append(Parameter(f"min:{key}", {"type": "number", "description": f"Least {what}."}, None))
        return made

    def filter_arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec) -> dict[str, Any]:
        """Those of a call."""
        made: dict[str, Any] = {spec.word(f"only:{operation.scope}"): values[0]}
        if operation.where:
            key, member = operation.where
            made[spec.word(f"only:{key}")] = [member] if "members" in spec.shapes else member
        return made

    def filter_lines(self, spec: ToolSpec, world: World, table: str) -> list[str]:
        """The lines that leave `rows` with what was asked for."""
        kind = entity(spec, world)
        lines = [f'rows = DATA["{table}"]']
        for key in spec.filters:
            word = spec.word(f"only:{key}")
            if key in kind.relations:
                noun = kind.relations[key].nouns[0]
                failure = f'raise ValueError(f"no {noun} of {kind.plural} is called {{{word}!r}}")'
                if spec.terse:
                    failure = f'raise ValueError("no such {noun}")'
                lines.append(
                    f"if {word} is not None:\n"
                    f"    wanted = {word}.strip().casefold()\n"
                    f'    if all(row["{key}"].casefold() != wanted for row in DATA["{table}"]):\n        {failure}\n'
                    f'    rows = [row for row in rows if row["{key}"].casefold() == wanted]'
                )
            else:
                test = "in" if "members" in spec.shapes else "=="
                lines.append(f'if {word} is not None:\n    rows = [row for row in rows if row["{key}"] {test} {word}]')
        bounds = [option.removeprefix("bounds:") for option in spec.options if option.startswith("bounds:")]
        return [*lines, *(self._bounds(key, spec) for key in bounds)]

    def _bounds(self, key: str, spec: ToolSpec) -> str:
        if "bounds" not in spec.shapes:
            word = spec.word(f"min:{key}")
            return (
                f"if {word} is not None:\n"
                f'    rows = [row for row in rows if row["{key}"] is not None and row["{key}"] >= {word}]'
            )
        word = spec.word(f"bounds:{key}")
        return (
            f"if {word}:\n"
            f'    low, high = {word}.get("at_least", float("-inf")), {word}.get("at_most", float("inf"))\n'
            f'    rows = [row for row in rows if row["{key}"] is not None and low <= row["{key}"] <= high]'
        )
