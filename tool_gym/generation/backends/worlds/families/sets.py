"""What tools that work on a set of entities share: narrowing it by relations, enum members and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.domain import NUMERIC, SORTABLE
from tool_gym.generation.backends.worlds.families.base import REQUIRED, Family, Parameter, entity, enum, listed
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World

LIMITS = ":limits"
"""The filter that holds limits of any number or date, beside the keys of relations and enum attributes."""


class SetFamily(Family):
    """A family whose tools narrow a set."""

    def functions(self, world: World) -> list[ToolSpec]:
        """One for each type."""
        return [ToolSpec(family=self.name, kind=kind) for kind in world.domain.types]

    def more_options(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """Bounds for every number."""
        kind = entity(spec, world)
        return tuple(f"bounds:{key}" for key, each in kind.attributes.items() if each.kind in NUMERIC)

    def narrowed(self, operation: Operation) -> tuple[str, ...]:
        """The filters that an operation needs."""
        limits = LIMITS if operation.limits else ""
        return tuple(filter(None, (operation.scope, operation.also, *operation.where[:1], limits)))

    def all_filters(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """Every relation, every enum attribute, and limits."""
        kind = entity(spec, world)
        enums = (key for key, each in kind.attributes.items() if each.kind == "enum")
        return (*kind.relations, *enums, *([LIMITS] if self._limited(spec, world) else ()))

    def filter_nouns(self, spec: ToolSpec, world: World) -> list[str]:
        """What the filters are called, as a description names them."""
        kind = entity(spec, world)
        keys = [key for key in spec.filters if key != LIMITS]
        return [(kind.relations.get(key) or kind.attributes[key]).nouns[0] for key in keys]

    def _limited(self, spec: ToolSpec, world: World) -> dict[str, str]:
        """Attributes that can have limits, by what they are called."""
        attributes = entity(spec, world).attributes
        return {spec.words.get(f"field:{key}", key): key for key, each in attributes.items() if each.kind in SORTABLE}

    def _limits(self, spec: ToolSpec, world: World) -> Parameter:
        edge = {"type": ["number", "string"], "description": "A number, or a day as YYYY-MM-DD."}
        on = enum(self._limited(spec, world), "What is limited.")
        item = {
            "type": "object", "properties": {"on": on, "at_least": edge, "at_most": edge},
            "required": ["on"], "additionalProperties": False,
        }  # fmt: skip
        return Parameter("limits", listed(item, "Limits that must all be kept to.", least=0), None)

    def filter_parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """The filters; a tool with only one wants it."""
        kind, made = entity(spec, world), []
        for key in spec.filters:
            default = REQUIRED if len(spec.filters) == 1 else None
            if key == LIMITS:
                made.append(self._limits(spec, world))
                continue
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
            unit, noun = world.unit(kind.attributes[key]), kind.attributes[key].nouns[0]
            what = f"{noun} in {unit}" if unit and unit not in noun else noun
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
        if operation.also:
            made[spec.word(f"only:{operation.also}")] = values[1]
        if operation.limits:
            made[spec.word("limits")] = [
                {"on": spec.words.get(f"field:{key}", key), f"at_{'least' if end == 'min' else 'most'}": bound}
                for key, end, bound in operation.limits
            ]
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
            if key == LIMITS:
                lines.append(self._limiting(spec, world))
            elif key in kind.relations:
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

    def _limiting(self, spec: ToolSpec, world: World) -> str:
        limited, attributes = self._limited(spec, world), entity(spec, world).attributes
        kinds = {label: [key, "date" if attributes[key].kind == "date" else "number"] for label, key in limited.items()}
        return (
            f"columns = {kinds!r}\n"
            f"for limit in {spec.word('limits')} or []:\n"
            '    column, kind = columns[limit["on"]]\n'
            '    low, high = limit.get("at_least"), limit.get("at_most")\n'
            '    if any(edge is not None and isinstance(edge, str) != (kind == "date") for edge in (low, high)):\n'
            "        raise ValueError(f\"the limits of {limit['on']} must each be a {kind}\")\n"
            "    rows = [row for row in rows if row[column] is not None]\n"
            "    rows = [row for row in rows if low is None or row[column] >= low]\n"
            "    rows = [row for row in rows if high is None or row[column] <= high]"
        )

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
