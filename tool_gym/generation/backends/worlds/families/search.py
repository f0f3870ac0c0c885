"""Searches: the entities that meet conditions, sorted, and how many they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.domain import SORTABLE
from tool_gym.generation.backends.worlds.families.base import Parameter, body, entity, enum, module, table_of
from tool_gym.generation.backends.worlds.families.sets import SetFamily
from tool_gym.generation.backends.worlds.grammar import series
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World

_ORDERS = ("ascending", "descending")


class Search(SetFamily):
    """`search(filters…, sort_by, order, …)` -> `{"count", "results": [{"name", "id"}]}`."""

    name = "search"
    operations = ("extreme", "find", "count")
    options = ("limit", "offset", "name_contains", "keep_unknown")
    shapes = ("sort", "members", "bounds")

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """The filters and the order of one operation."""
        fields = (operation.field,) if operation.op == "extreme" else ()
        return ToolSpec(family=self.name, kind=operation.kind, fields=fields, filters=self.narrowed(operation))

    def generalised(self, spec: ToolSpec, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Every order and every filter."""
        attributes = entity(spec, world).attributes
        return tuple(key for key, each in attributes.items() if each.kind in SORTABLE), self.all_filters(spec, world)

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """Filters, order, and which part of the list is shown."""
        kind = entity(spec, world)
        made = self.filter_parameters(spec, world) + self.bound_parameters(spec, world)
        if spec.fields:
            fields = enum([spec.word(f"field:{key}") for key in spec.fields], "What the list is ordered by.")
            orders = enum(_ORDERS, "Least or earliest first, or the other way round.")
            if "sort" in spec.shapes:
                schema = {
                    "type": "object", "properties": {"by": fields, "order": orders}, "required": ["by"],
                    "additionalProperties": False, "description": "Order of the list; by name if left out.",
                }  # fmt: skip
                made.append(Parameter("sort", schema, None))
            else:
                made += [Parameter("sort_by", fields, None), Parameter("order", orders, "ascending")]
        if "limit" in spec.options:
            schema = {"type": "integer", "minimum": 1, "maximum": 50, "description": "Most entries to list."}
            made.append(Parameter("limit", schema, 5))
        if "offset" in spec.options:
            schema = {"type": "integer", "minimum": 0, "description": "Entries to pass over at the start of the list."}
            made.append(Parameter("offset", schema, 0))
        if "name_contains" in spec.options:
            schema = {"type": "string", "description": f"Keep only {kind.plural} whose name holds this text."}
            made.append(Parameter("name_contains", schema, None))
        if "keep_unknown" in spec.options and spec.fields:
            schema = {"type": "boolean", "description": "List those without the value as well, at the end."}
            made.append(Parameter("keep_unknown", schema, False))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """Filters, and the order in which the answer has its place."""
        made = self.filter_arguments(operation, values, spec)
        if operation.op == "extreme":
            by, order = spec.word(f"field:{operation.field}"), _ORDERS[operation.most]
            if "sort" in spec.shapes:
                made[spec.word("sort")] = {"by": by, "order": order}
            else:
                made |= {spec.word("sort_by"): by, spec.word("order"): order}
        return made

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """The one in its place in the list, or the count."""
        if operation.op == "count":
            return f"/{spec.word('count')}"
        return f"/{spec.word('results')}/{operation.place - 1}/name"

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """The type's."""
        return (table_of(spec, world),)

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What can be listed."""
        kind = entity(spec, world)
        by = series(self.filter_nouns(spec, world)[:3], "and")
        order = ", in an order of choice" if spec.fields else ""
        return f"the {kind.plural} {f'of a given {by}' if by else 'within limits'}, and how many there are{order}"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        labels = {spec.word(f"field:{key}"): key for key in spec.fields}
        pieces = self.filter_lines(spec, world, table_of(spec, world))
        if "name_contains" in spec.options:
            word = spec.word("name_contains")
            pieces.append(
                f"if {word} is not None:\n    text = {word}.casefold()\n"
                '    rows = [row for row in rows if text in row["name"].casefold()]'
            )
        pieces.append('rows = sorted(rows, key=lambda row: row["name"])')
        if spec.fields:
            pieces += self._sorting(spec)
        limit = spec.word("limit") if "limit" in spec.options else "10"
        start = spec.word("offset")
        part = f"{start} : {start} + {limit}" if "offset" in spec.options else f":{limit}"
        count, results = spec.word("count"), spec.word("results")
        shown = "rows" if not spec.fields else "listed"
        pieces.append(
            f'shown = [{{"name": row["name"], "id": row["id"]}} for row in {shown}[{part}]]\n'
            f'return {{"{count}": len(rows), "{results}": shown}}'
        )
        columns = f"# What the list can be ordered by, and the column that holds it.\nORDERS = {labels!r}"
        return module(columns if labels else "", self.head(spec, world) + "\n" + body(*pieces))

    def _sorting(self, spec: ToolSpec) -> list[str]:
        by, order = spec.word("sort_by"), spec.word("order")
        lines = []
        if "sort" in spec.shapes:
            word = spec.word("sort")
            lines.append(
                f'by, order = ({word}["by"], {word}.get("order", "ascending")) if {word} else (None, "ascending")'
            )
            by, order = "by", "order"
        unknown = ""
        if "keep_unknown" in spec.options:
            unknown = (
                f"\n    if {spec.word('keep_unknown')}:\n        listed += [row for row in rows if row[column] is None]"
            )
        lines.append(
            f"listed = rows\nif {by} is not None:\n    column = ORDERS[{by}]\n"
            "    known = [row for row in rows if row[column] is not None]\n"
            f'    listed = sorted(known, key=lambda row: row[column], reverse={order} == "descending")' + unknown
        )
        return lines
