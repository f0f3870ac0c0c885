"""Units of measurement, converted by a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.families.base import Family, Parameter, body, enum, module
from tool_gym.generation.backends.worlds.grammar import series
from tool_gym.generation.backends.worlds.plan import MEASURE_DECIMALS, Operation
from tool_gym.generation.backends.worlds.quantities import UNITS, quantity_of
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World


class Units(Family):
    """`units(amount, from, to, …)` -> `{"result", "unit"}`. Fields are kinds of quantities."""

    name = "units"
    operations = ("measure",)
    options = ("decimals", "times", "rounding", "with_factor", "with_words")
    shapes = ("quantity",)

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """Units of one kind."""
        return ToolSpec(family=self.name, fields=(quantity_of(operation.units[0]),))

    def generalised(self, spec: ToolSpec, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All kinds."""
        return tuple(UNITS), ()

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """The amount, both units, and how the result is given."""
        units = [unit for kind in spec.fields for unit in UNITS[kind]]
        amount, source = {"type": "number"}, enum(units, "Unit in which it was measured.")
        if "quantity" in spec.shapes:
            schema = {
                "type": "object", "properties": {"amount": amount, "unit": source}, "required": ["amount", "unit"],
                "additionalProperties": False, "description": "What was measured.",
            }  # fmt: skip
            made = [Parameter("quantity", schema)]
        else:
            made = [
                Parameter("amount", {**amount, "description": "What was measured."}),
                Parameter("unit_from", source),
            ]
        made.append(Parameter("unit_to", enum(units, "Unit that is wanted, of the same kind.")))
        if "decimals" in spec.options:
            schema = {"type": "integer", "minimum": 0, "maximum": 8, "description": "Decimal places of the result."}
            made.append(Parameter("decimals", schema, MEASURE_DECIMALS))
        if "times" in spec.options:
            schema = {"type": "number", "minimum": 0, "description": "Multiply the result by this."}
            made.append(Parameter("times", schema, 1))
        if "rounding" in spec.options:
            made.append(Parameter("rounding", enum(("nearest", "down", "up"), "How the result is rounded."), "nearest"))
        flags = {"with_factor": "Add what one unit comes to.", "with_words": "Add the name of the unit in words."}
        for role, text in flags.items():
            if role in spec.options:
                made.append(Parameter(role, {"type": "boolean", "description": text}, False))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """The amount and both units."""
        source, target = operation.units
        if "quantity" in spec.shapes:
            return {spec.word("quantity"): {"amount": values[0], "unit": source}, spec.word("unit_to"): target}
        return {spec.word("amount"): values[0], spec.word("unit_from"): source, spec.word("unit_to"): target}

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """What it comes to."""
        return f"/{spec.word('measured')}"

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """None; units are the same in every world."""
        return ()

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What it converts."""
        return f"what a measured {series(spec.fields, 'or')} is in another unit"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        table = {
            symbol: (kind, unit.size, unit.words) for kind in spec.fields for symbol, unit in UNITS[kind].items()
        }  # fmt: skip
        amount, origin, target = spec.word("amount"), spec.word("unit_from"), spec.word("unit_to")
        if "quantity" in spec.shapes:
            amount, origin = f'{spec.word("quantity")}["amount"]', f'{spec.word("quantity")}["unit"]'
        decimals = spec.word("decimals") if "decimals" in spec.options else str(MEASURE_DECIMALS)
        failure = 'f"{old[0]} cannot be given in {new[2]}"' if not spec.terse else '"units of two kinds"'
        pieces = [
            f"old, new = UNITS[{origin}], UNITS[{target}]\nif old[0] != new[0]:\n    raise ValueError({failure})",
            f"value = {amount} * old[1] / new[1]",
        ]
        if "times" in spec.options:
            pieces.append(f"value *= {spec.word('times')}")
        pieces.append(f"rounded = round(value, {decimals})")
        if "rounding" in spec.options:
            word = spec.word("rounding")
            pieces.append(
                f'rounders = {{"down": math.floor, "up": math.ceil}}\nif {word} != "nearest":\n'
                f"    rounded = rounders[{word}](value * 10**{decimals}) / 10**{decimals}"
            )
        pieces.append(f'result = {{"{spec.word("measured")}": rounded, "unit": {target}}}')
        if "with_factor" in spec.options:
            pieces.append(f'if {spec.word("with_factor")}:\n    result["factor"] = old[1] / new[1]')
        if "with_words" in spec.options:
            pieces.append(f'if {spec.word("with_words")}:\n    result["in_words"] = new[2]')
        rows = "\n".join(f"    {symbol!r}: {row!r}," for symbol, row in table.items())
        return module(
            "import math" if "rounding" in spec.options else "",
            f"# Kind, size in the kind's first unit of size 1, and name of each unit.\nUNITS = {{\n{rows}\n}}",
            self.head(spec, world) + "\n" + body(*pieces, "return result"),
        )
