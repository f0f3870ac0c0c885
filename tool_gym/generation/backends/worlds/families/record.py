"""Records: the entry of one entity, with the attributes and relations that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.families.base import (
    Family,
    Parameter,
    body,
    constant,
    entity,
    enum,
    finder,
    imports,
    listed,
    module,
    table_of,
)
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World, archive


class Record(Family):
    """`register(name, field, …)` -> `{"name", "id", field: {"value", "unit"}}`."""

    name = "record"
    operations = ("attribute", "follow")
    options = ("look_up_by", "decimals", "on_missing", "date_format", "with_position")
    shapes = ("field", "style", "key")

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """One field of one type."""
        return ToolSpec(family=self.name, kind=operation.kind, fields=(operation.field,))

    def functions(self, world: World) -> list[ToolSpec]:
        """The present entries of each type, and the outdated ones."""
        return [
            ToolSpec(family=self.name, kind=key, archived=archived)
            for key, kind in world.domain.types.items()
            for archived in (False, True)
            if not archived or archive(kind) in world.tables
        ]

    def generalised(self, spec: ToolSpec, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All attributes and relations."""
        kind = entity(spec, world)
        return (*kind.attributes, *kind.relations), ()

    def more_options(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """Relations that an entry can be checked against."""
        return tuple(f"check:{key}" for key in entity(spec, world).relations)

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """The key, the fields, and how values are shown."""
        noun = entity(spec, world).noun
        labels = [spec.word(f"field:{key}") for key in spec.fields]
        by_id = "look_up_by" in spec.options and "key" not in spec.shapes
        made = [Parameter("key", {"type": "string", "description": f"The {noun}{', by name or id' if by_id else ''}."})]
        if "key" in spec.shapes:
            schema = {
                "type": "object", "properties": {"name": {"type": "string"}, "id": {"type": "string"}},
                "minProperties": 1, "maxProperties": 1, "additionalProperties": False,
                "description": f"What identifies the {noun}: its name or else its id.",
            }  # fmt: skip
            made = [Parameter("key", schema)]
        if len(labels) > 1 and "field" in spec.shapes:
            made.append(Parameter("field", listed(enum(labels, "A part of the entry."), "Parts of the entry to read.")))
        elif len(labels) > 1:
            made.append(Parameter("field", enum(labels, "Part of the entry to read.")))
        if by_id:
            made.append(Parameter("look_up_by", enum(("name", "id"), f"What identifies the {noun}."), "name"))
        for option in spec.options:
            if option.startswith("check:"):
                key = option.removeprefix("check:")
                text = f"Fail unless this is the {entity(spec, world).relations[key].nouns[0]}."
                made.append(Parameter(option, {"type": "string", "description": text}, None))
        style = self._style(spec)
        if style and "style" in spec.shapes:
            schema = {
                "type": "object",
                "properties": {spec.word(each.role): each.schema for each in style},
                "additionalProperties": False,
                "description": "How values are shown.",
            }
            return [*made, *self._flags(spec), Parameter("style", schema, None)]
        return [*made, *self._flags(spec), *style]

    def _flags(self, spec: ToolSpec) -> list[Parameter]:
        made = []
        if "on_missing" in spec.options:
            made.append(Parameter("on_missing", enum(("null", "error"), "What a value not on file gives."), "null"))
        if "with_position" in spec.options:
            schema = {"type": "boolean", "description": "Add the entry's position in the collection."}
            made.append(Parameter("with_position", schema, False))
        return made

    def _style(self, spec: ToolSpec) -> list[Parameter]:
        made = []
        if "decimals" in spec.options:
            schema = {"type": "integer", "minimum": 0, "maximum": 6, "description": "Round numbers to so many places."}
            made.append(Parameter("decimals", schema, None))
        if "date_format" in spec.options:
            made.append(Parameter("date_format", enum(("iso", "year"), "Whole dates, or years only."), "iso"))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """Name and field."""
        made: dict[str, Any] = {spec.word("key"): {"name": values[0]} if "key" in spec.shapes else values[0]}
        if len(spec.fields) > 1:
            label = spec.word(f"field:{operation.field}")
            made[spec.word("field")] = [label] if "field" in spec.shapes else label
        return made

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """The field's value."""
        return f"/{spec.word(f'field:{operation.field}')}/value"

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """The type's."""
        return (table_of(spec, world),)

    def summary(self, spec: ToolSpec, world: World) -> str:
        """An entry, or one part of it."""
        kind = entity(spec, world)
        records = spec.word("records")
        where = f"the {records}" if kind.noun in records else f"the {records} of {kind.plural}"
        if spec.archived:
            where = f"the closed volume of {where}, kept as it stood years ago"
        if len(spec.fields) == 1:
            return f"the {self._label(spec.fields[0], spec)} of one {kind.noun} from {where}"
        shown = [self._label(key, spec) for key in spec.fields[:4]]
        more = " and more" if len(spec.fields) > 4 else ""
        return f"one {kind.noun}'s entry in {where}: {', '.join(shown)}{more}"

    def _label(self, key: str, spec: ToolSpec) -> str:
        return spec.word(f"field:{key}").replace("_", " ")

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        kind = entity(spec, world)
        units = {
            spec.word(f"field:{key}"): [key, world.unit(kind.attributes[key]) if key in kind.attributes else ""]
            for key in spec.fields
        }
        return module(
            imports(spec, "difflib"),
            f"# What an entry shows: the column that holds it, and its unit.\n{constant('FIELDS', units)}",
            finder(spec, kind.noun),
            self.head(spec, world) + "\n" + body(*self._lookup(spec, world), *self._reading(spec)),
        )

    def _lookup(self, spec: ToolSpec, world: World) -> list[str]:
        by = spec.word("look_up_by") if "look_up_by" in spec.options else '"name"'
        lines, key = [f'rows = DATA["{table_of(spec, world)}"]'], spec.word("key")
        if "key" in spec.shapes:
            lines.append(f'by = "id" if "id" in {key} else "name"')
            by, key = "by", f"{key}[by]"
        lines.append(f"row = _find(rows, {by}, {key})")
        for option in spec.options:
            if option.startswith("check:"):
                key, word = option.removeprefix("check:"), spec.word(option)
                lines.append(
                    f"if {word} is not None and {word}.casefold() != row[{key!r}].casefold():\n"
                    f"    raise ValueError(f\"{{row['name']}} is on file, but its {key} is not {{{word}!r}}\")"
                )
        return lines

    def _reading(self, spec: ToolSpec) -> list[str]:
        labels = "FIELDS" if len(spec.fields) == 1 else spec.word("field")
        if len(spec.fields) > 1 and "field" not in spec.shapes:
            labels = f"[{labels}]"
        decimals, dates = spec.word("decimals"), spec.word("date_format")
        lines, inner = [], []
        if "style" in spec.shapes and self._style(spec):
            style = spec.word("style")
            lines.append(f"{style} = {style} or {{}}")
            decimals, dates = f"{style}.get({decimals!r})", f"{style}.get({dates!r})"
        if "on_missing" in spec.options:
            inner.append(
                f'if value is None and {spec.word("on_missing")} == "error":\n'
                "    raise ValueError(f\"{label} of {row['name']} is not on file\")"
            )
        if "decimals" in spec.options:
            inner.append(
                f"if isinstance(value, float) and {decimals} is not None:\n    value = round(value, {decimals})"
            )
        if "date_format" in spec.options:
            inner.append(
                f'is_date = isinstance(value, str) and value[4:5] == value[7:8] == "-"\n'
                f'if {dates} == "year" and is_date:\n    value = value[:4]'
            )
        inner.append('entry[label] = {"value": value, "unit": unit or None}')
        loop = f"for label in {labels}:\n    column, unit = FIELDS[label]\n    value = row[column]\n" + body(*inner)
        lines += ['entry = {"name": row["name"], "id": row["id"]}', loop]
        if "with_position" in spec.options:
            lines.append(f'if {spec.word("with_position")}:\n    entry["position"] = rows.index(row) + 1')
        return [*lines, "return entry"]
