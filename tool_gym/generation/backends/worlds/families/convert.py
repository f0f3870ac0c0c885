"""Money, converted by a table of rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.families.base import Family, Parameter, body, enum, module
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World


class Convert(Family):
    """`convert(amount, source, target, …)` -> `{"converted", "currency", "rate"}`."""

    name = "convert"
    operations = ("convert",)
    options = ("decimals", "fee", "fixed_fee", "rounding", "with_reverse")
    shapes = ("money",)

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """From one currency to another."""
        return ToolSpec(family=self.name)

    def functions(self, world: World) -> list[ToolSpec]:
        """One, where there are rates."""
        return [ToolSpec(family=self.name)] if "exchange_rates" in world.tables else []

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """The amount, the currencies, fees and rounding."""
        currencies = [row["currency"] for row in world.tables["exchange_rates"]]
        number, source = {"type": "number"}, enum(currencies, "Currency of the amount.")
        if "money" in spec.shapes:
            schema = {
                "type": "object", "properties": {"amount": number, "currency": source},
                "required": ["amount", "currency"], "additionalProperties": False, "description": "What is exchanged.",
            }  # fmt: skip
            made = [Parameter("money", schema)]
        else:
            made = [
                Parameter("amount", {**number, "description": "What is exchanged."}),
                Parameter("source", source),
            ]
        made.append(Parameter("target", enum(currencies, "Currency to exchange it into.")))
        numbers = {
            "decimals": ("integer", 6, "Decimal places of the result.", 2),
            "fee": ("number", 50, "Percentage kept by the office before the exchange.", 0),
            "fixed_fee": ("number", 1000, "Amount kept after the exchange, in the target currency.", 0),
        }
        for role, (kind, high, text, default) in numbers.items():
            if role in spec.options:
                schema = {"type": kind, "minimum": 0, "maximum": high, "description": text}
                made.append(Parameter(role, schema, default))
        if "rounding" in spec.options:
            made.append(Parameter("rounding", enum(("nearest", "down", "up"), "How the result is rounded."), "nearest"))
        if "with_reverse" in spec.options:
            flag = {"type": "boolean", "description": "Add the rate of the way back."}
            made.append(Parameter("with_reverse", flag, False))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """The amount and both currencies."""
        made: dict[str, Any] = {spec.word("target"): operation.currency}
        if "money" in spec.shapes:
            return {spec.word("money"): {"amount": values[0], "currency": world.currency}, **made}
        return {spec.word("amount"): values[0], spec.word("source"): world.currency, **made}

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """What it comes to."""
        return f"/{spec.word('converted')}"

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """The rates."""
        return ("exchange_rates",)

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What it computes."""
        return "what an amount of money comes to in another currency"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        amount, origin = spec.word("amount"), spec.word("source")
        if "money" in spec.shapes:
            amount, origin = f'{spec.word("money")}["amount"]', f'{spec.word("money")}["currency"]'
        decimals = spec.word("decimals") if "decimals" in spec.options else "2"
        pieces = [
            'rates = {row["currency"]: row["per_unit"] for row in DATA["exchange_rates"]}',
            f"rate = rates[{spec.word('target')}] / rates[{origin}]",
            f"value = {amount} * rates[{spec.word('target')}] / rates[{origin}]",
        ]
        if "fee" in spec.options:
            pieces.append(f"value *= 1 - {spec.word('fee')} / 100")
        if "fixed_fee" in spec.options:
            pieces.append(f"value -= {spec.word('fixed_fee')}")
        rounded = f"round(value, {decimals})"
        if "rounding" in spec.options:
            word = spec.word("rounding")
            pieces.append(
                f'rounders = {{"down": math.floor, "up": math.ceil}}\n'
                f"rounded = round(value, {decimals})\n"
                f'if {word} != "nearest":\n'
                f"    rounded = rounders[{word}](value * 10**{decimals}) / 10**{decimals}"
            )
            rounded = "rounded"
        pieces.append(
            f'result = {{"{spec.word("converted")}": {rounded}, "currency": {spec.word("target")}, '
            '"rate": round(rate, 6)}'
        )
        if "with_reverse" in spec.options:
            pieces.append(f'if {spec.word("with_reverse")}:\n    result["reverse_rate"] = round(1 / rate, 6)')
        uses = "import math" if "rounding" in spec.options else ""
        return module(uses, self.head(spec, world) + "\n" + body(*pieces, "return result"))
