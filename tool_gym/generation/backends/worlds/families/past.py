"""Histories: whom a dated relation pointed at on a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.families.base import (
    Family,
    Parameter,
    body,
    entity,
    enum,
    finder,
    imports,
    module,
)
from tool_gym.generation.backends.worlds.grammar import article, series
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World, history


class Past(Family):
    """`history(name, day, …)` -> `{"holder", "since", "until"}`."""

    name = "past"
    operations = ("past", "since")
    options = ("date_format", "with_timeline", "with_neighbours", "with_length", "skip")
    shapes = ("day",)

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """One relation of one type."""
        return ToolSpec(family=self.name, kind=operation.kind, fields=(operation.field,))

    def functions(self, world: World) -> list[ToolSpec]:
        """One for each type with a history."""
        return [
            ToolSpec(family=self.name, kind=key)
            for key, kind in world.domain.types.items()
            if any(each.pasts for each in kind.relations.values())
        ]

    def generalised(self, spec: ToolSpec, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Every dated relation."""
        return tuple(key for key, each in entity(spec, world).relations.items() if each.pasts), ()

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """Whose history, of what, on which day."""
        noun = entity(spec, world).noun
        made = [Parameter("key", {"type": "string", "description": f"Name of the {noun}."})]
        if len(spec.fields) > 1:
            labels = [spec.word(f"field:{key}") for key in spec.fields]
            made.append(Parameter("field", enum(labels, "What is asked about it.")))
        number = {"type": "integer"}
        parts = {
            "year": number,
            "month": {**number, "minimum": 1, "maximum": 12},
            "day": {**number, "minimum": 1, "maximum": 31},
        }
        if "day" in spec.shapes:
            schema = {
                "type": "object", "properties": parts, "required": ["year", "month", "day"],
                "additionalProperties": False, "description": "The day that is asked about.",
            }  # fmt: skip
        else:
            form = "in the notation that date_format names" if "date_format" in spec.options else "as YYYY-MM-DD"
            form = form.replace("date_format", spec.word("date_format"))
            schema = {"type": "string", "description": f"The day that is asked about, {form}."}
        made.append(Parameter("day", schema))
        if "date_format" in spec.options and "day" not in spec.shapes:
            text = "How the day is written: 2031-04-09, 09.04.2031 or 04/09/2031."
            made.append(Parameter("date_format", enum(("iso", "day_first", "month_first"), text), "iso"))
        flags = {
            "with_timeline": "Add all entries on file, from first to last.",
            "with_neighbours": "Add who came before and after.",
            "with_length": "Add how many days it lasted.",
        }
        for role, text in flags.items():
            if role in spec.options:
                made.append(Parameter(role, {"type": "boolean", "description": text}, False))
        if "skip" in spec.options:
            schema = {
                "type": "integer",
                "minimum": -5,
                "maximum": 5,
                "description": "Go so many entries further on, or back.",
            }
            made.append(Parameter("skip", schema, 0))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """Name and day."""
        year, month, day = map(int, operation.day.split("-"))
        shaped: Any = {"year": year, "month": month, "day": day} if "day" in spec.shapes else operation.day
        made = {spec.word("key"): values[0], spec.word("day"): shaped}
        if len(spec.fields) > 1:
            made[spec.word("field")] = spec.word(f"field:{operation.field}")
        return made

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """Who it was, or since when."""
        return "/since" if operation.op == "since" else f"/{spec.word('holder')}"

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """One for each relation."""
        return tuple(history(entity(spec, world), key) for key in spec.fields)

    def summary(self, spec: ToolSpec, world: World) -> str:
        """Which histories."""
        kind = entity(spec, world)
        fields = series([kind.relations[key].nouns[0] for key in spec.fields], "or")
        return f"who or what was the {fields} of {article(kind.noun)} on a given day"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        kind = entity(spec, world)
        tables = {spec.word(f"field:{key}"): history(kind, key) for key in spec.fields}
        table = f"TABLES[{spec.word('field')}]" if len(spec.fields) > 1 else repr(next(iter(tables.values())))
        pieces = [
            f'rows = DATA[{table}]\nname = _find(rows, "name", {spec.word("key")})["name"]',
            'rows = [row for row in rows if row["name"] == name]',
            self._day(spec),
            'places = [i for i, row in enumerate(rows) if row["since"] <= day < (row["until"] or "9999")]',
            "if not places:\n    raise ValueError(f\"the file of {name} begins on {rows[0]['since']}, after {day}\")",
            "place = places[0]",
        ]
        if "skip" in spec.options:
            pieces.append(
                f"place += {spec.word('skip')}\nif not 0 <= place < len(rows):\n"
                '    raise ValueError(f"the file of {name} does not reach that far")'
            )
        pieces.append(
            "row = rows[place]\n"
            f'result = {{"name": name, "on": day, "{spec.word("holder")}": row["value"], '
            '"since": row["since"], "until": row["until"]}'
        )
        pieces += self._extras(spec)
        columns = f"TABLES = {tables!r}" if len(spec.fields) > 1 else ""
        uses = imports(spec, "difflib") + "\nfrom datetime import date, datetime"
        return module(
            uses.strip(), columns, finder(spec, kind.noun),
            self.head(spec, world) + "\n" + body(*pieces, "return result"),
        )  # fmt: skip

    def _day(self, spec: ToolSpec) -> str:
        word = spec.word("day")
        if "day" in spec.shapes:
            return f'day = date({word}["year"], {word}["month"], {word}["day"]).isoformat()'
        notation = '"%Y-%m-%d"'
        if "date_format" in spec.options:
            formats = '{"iso": "%Y-%m-%d", "day_first": "%d.%m.%Y", "month_first": "%m/%d/%Y"}'
            notation = f"{formats}[{spec.word('date_format')}]"
        return f"day = datetime.strptime({word}, {notation}).date().isoformat()"

    def _extras(self, spec: ToolSpec) -> list[str]:
        lines = []
        if "with_length" in spec.options:
            lines.append(
                f'if {spec.word("with_length")} and row["until"]:\n'
                '    result["days"] = (date.fromisoformat(row["until"]) - date.fromisoformat(row["since"])).days'
            )
        if "with_neighbours" in spec.options:
            lines.append(
                f"if {spec.word('with_neighbours')}:\n"
                '    result["before"] = rows[place - 1]["value"] if place else None\n'
                '    result["after"] = rows[place + 1]["value"] if place + 1 < len(rows) else None'
            )
        if "with_timeline" in spec.options:
            lines.append(
                f"if {spec.word('with_timeline')}:\n"
                '    result["timeline"] = [{"value": each["value"], "since": each["since"]} for each in rows]'
            )
        return lines
