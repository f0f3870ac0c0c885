"""Statistics: one figure of a set of entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.domain import NUMERIC
from tool_gym.generation.backends.worlds.families.base import Parameter, body, entity, enum, module, table_of
from tool_gym.generation.backends.worlds.families.sets import SetFamily
from tool_gym.generation.backends.worlds.grammar import series
from tool_gym.generation.backends.worlds.plan import AGGREGATE_DECIMALS, Operation
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World

_FIGURES = {
    "mean": "statistics.fmean(values)",
    "median": "statistics.median(values)",
    "total": "sum(values)",
    "lowest": "min(values)",
    "highest": "max(values)",
    "spread": "max(values) - min(values)",
}


class Figures(SetFamily):
    """`statistics(measure, statistic, filters…)` -> `{"value", "unit", …}`.

    Fields hold measures and, after ":", statistics.
    """

    name = "figures"
    operations = ("aggregate",)
    options = ("decimals", "unknown_as_zero", "trim")
    shapes = ("members", "bounds")

    def functions(self, world: World) -> list[ToolSpec]:
        """One for each type that has a number."""
        types = world.domain.types
        return [
            spec
            for spec in super().functions(world)
            if any(each.kind in NUMERIC for each in types[spec.kind].attributes.values())
        ]

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """One statistic of one measure."""
        return ToolSpec(
            family=self.name, kind=operation.kind, fields=(operation.field, f":{operation.statistic}"),
            filters=self.narrowed(operation),
        )  # fmt: skip

    def generalised(self, spec: ToolSpec, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Every number, every statistic, every filter."""
        attributes = entity(spec, world).attributes
        measures = [key for key, each in attributes.items() if each.kind in NUMERIC]
        return (*measures, *(f":{name}" for name in _FIGURES)), self.all_filters(spec, world)

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """Measure, statistic, filters."""
        measures = [spec.word(f"field:{key}") for key in spec.fields if not key.startswith(":")]
        figures = [key[1:] for key in spec.fields if key.startswith(":")]
        made = [
            Parameter("measure", enum(measures, "What is measured.")),
            Parameter("statistic", enum(figures, "Which figure of it.")),
            *self.filter_parameters(spec, world),
            *self.bound_parameters(spec, world),
        ]
        if "decimals" in spec.options:
            schema = {"type": "integer", "minimum": 0, "maximum": 6, "description": "Decimal places of the figure."}
            made.append(Parameter("decimals", schema, AGGREGATE_DECIMALS))
        if "unknown_as_zero" in spec.options:
            schema = {"type": "boolean", "description": "Count entries without a value as zero, not leave them out."}
            made.append(Parameter("unknown_as_zero", schema, False))
        if "trim" in spec.options:
            schema = {
                "type": "integer", "minimum": 0, "maximum": 40,
                "description": "Percentage of values to drop at either end before anything is computed.",
            }  # fmt: skip
            made.append(Parameter("trim", schema, 0))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """Filters, measure and statistic."""
        measure = spec.word(f"field:{operation.field}")
        return self.filter_arguments(operation, values, spec) | {
            spec.word("measure"): measure,
            spec.word("statistic"): operation.statistic,
        }

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """The figure."""
        return f"/{spec.word('value')}"

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """The type's."""
        return (table_of(spec, world),)

    def summary(self, spec: ToolSpec, world: World) -> str:
        """Which figures."""
        kind = entity(spec, world)
        figures = [key[1:] for key in spec.fields if key.startswith(":")]
        measures = [spec.word(f"field:{key}").replace("_", " ") for key in spec.fields if not key.startswith(":")]
        return f"the {series(figures[:3], 'or')} of the {series(measures[:3], 'or')} of a group of {kind.plural}"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        attributes = entity(spec, world).attributes
        measures = {
            spec.word(f"field:{key}"): [key, world.unit(attributes[key])]
            for key in spec.fields
            if not key.startswith(":")
        }
        figures = {key[1:]: _FIGURES[key[1:]] for key in spec.fields if key.startswith(":")}
        functions = "\n".join(f'    "{name}": lambda values: {text},' for name, text in figures.items())
        unknown = f"0 if {spec.word('unknown_as_zero')} else None" if "unknown_as_zero" in spec.options else ""
        pieces = self.filter_lines(spec, world, table_of(spec, world))
        pieces.append(f"column, unit = MEASURES[{spec.word('measure')}]")
        if unknown:
            pieces.append(
                f"default = {unknown}\n"
                "values = [default if row[column] is None else row[column] for row in rows]\n"
                "values = sorted(value for value in values if value is not None)"
            )
        else:
            pieces.append("values = sorted(row[column] for row in rows if row[column] is not None)")
        if "trim" in spec.options:
            pieces.append(
                f"cut = len(values) * {spec.word('trim')} // 100\nvalues = values[cut : len(values) - cut]"
            )  # fmt: skip
        pieces.append('if not values:\n    raise ValueError("nothing on file meets these conditions")')
        places = spec.word("decimals") if "decimals" in spec.options else str(AGGREGATE_DECIMALS)
        pieces.append(
            f"figure = FIGURES[{spec.word('statistic')}](values)\n"
            f'return {{"measure": {spec.word("measure")}, "statistic": {spec.word("statistic")}, '
            f'"{spec.word("value")}": round(figure, {places}), "unit": unit or None}}'
        )
        uses = "import statistics" if "statistics." in functions else ""
        return module(
            uses, f"MEASURES = {measures!r}\nFIGURES = {{\n{functions}\n}}",
            self.head(spec, world) + "\n" + body(*pieces),
        )  # fmt: skip
