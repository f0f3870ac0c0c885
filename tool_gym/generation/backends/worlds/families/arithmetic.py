"""A calculator for a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.families.base import Family, Parameter, body, enum, listed, module
from tool_gym.generation.backends.worlds.grammar import series
from tool_gym.generation.backends.worlds.plan import COMPUTE_DECIMALS, Operation, numbers_of
from tool_gym.generation.backends.worlds.quantities import COMPUTATIONS
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World

_FORMULAS = {
    "ratio": ("numbers[0] / numbers[1]", "the first divided by the second"),
    "percentage": ("100 * numbers[0] / numbers[1]", "the first in per cent of the second"),
    "portion": ("numbers[0] * numbers[1] / 100", "the first as a percentage, taken of the second"),
    "mean": ("statistics.fmean(numbers)", "their mean"),
    "spread": ("max(numbers) - min(numbers)", "how far the greatest is from the least"),
}
_PAIRS = ("ratio", "percentage", "portion")


class Arithmetic(Family):
    """`calculate(operation, numbers, …)` -> `{"result"}`. Fields are computations, each after ":"."""

    name = "arithmetic"
    operations = ("compute",)
    options = ("decimals", "scale_by", "plus", "absolute", "with_operands")
    shapes = ("numbers",)

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """One computation."""
        return ToolSpec(family=self.name, fields=(f":{operation.statistic}",))

    def generalised(self, spec: ToolSpec, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All computations."""
        return tuple(f":{name}" for name in COMPUTATIONS), ()

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """What is computed of which numbers, and what is done with the result."""
        names = [key[1:] for key in spec.fields]
        text = "; ".join(f"{name}: {_FORMULAS[name][1]}" for name in names)
        item: dict[str, Any] = {"type": "number"}
        what = "The numbers, in order."
        if "numbers" in spec.shapes:
            item = {"type": ["number", "string"]}
            what = "The numbers, in order; also as text with spaces or commas between thousands."
        made = [
            Parameter("computation", enum(names, f"What to do with them: {text}.")),
            Parameter("numbers", listed(item, what, least=2)),
        ]
        if "decimals" in spec.options:
            schema = {"type": "integer", "minimum": 0, "maximum": 8, "description": "Decimal places of the result."}
            made.append(Parameter("decimals", schema, COMPUTE_DECIMALS))
        if "scale_by" in spec.options:
            made.append(Parameter("scale_by", {"type": "number", "description": "Multiply the result by this."}, 1))
        if "plus" in spec.options:
            made.append(Parameter("plus", {"type": "number", "description": "Add this at the end."}, 0))
        flags = {"absolute": "Leave out the signs of the numbers.", "with_operands": "Repeat the numbers as read."}
        for role, text in flags.items():
            if role in spec.options:
                made.append(Parameter(role, {"type": "boolean", "description": text}, False))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """The computation and its numbers."""
        return {spec.word("computation"): operation.statistic, spec.word("numbers"): numbers_of(operation, values)}

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """The result."""
        return f"/{spec.word('computed')}"

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """None."""
        return ()

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What it computes."""
        return f"the {series([key[1:] for key in spec.fields[:3]], 'or')} of a few numbers"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        names = [key[1:] for key in spec.fields]
        functions = "\n".join(f'    "{name}": lambda numbers: {_FORMULAS[name][0]},' for name in names)
        given, wanted = spec.word("numbers"), spec.word("computation")
        reading = f"numbers = list({given})"
        if "numbers" in spec.shapes:
            cleaned = 'float(each.replace(",", "").replace(" ", ""))'
            reading = f"numbers = [{cleaned} if isinstance(each, str) else each for each in {given}]"
        pieces = [reading]
        if "absolute" in spec.options:
            pieces.append(f"if {spec.word('absolute')}:\n    numbers = [abs(each) for each in numbers]")
        pairs = tuple(name for name in names if name in _PAIRS)
        if pairs:
            pieces.append(
                f"if {wanted} in {pairs!r} and len(numbers) != 2:\n"
                f'    raise ValueError(f"{{{wanted}}} takes two numbers, not {{len(numbers)}}")'
            )
        pieces.append(f"value = COMPUTATIONS[{wanted}](numbers)")
        if "scale_by" in spec.options:
            pieces.append(f"value *= {spec.word('scale_by')}")
        if "plus" in spec.options:
            pieces.append(f"value += {spec.word('plus')}")
        decimals = spec.word("decimals") if "decimals" in spec.options else str(COMPUTE_DECIMALS)
        pieces.append(f'result = {{"{spec.word("computed")}": round(value, {decimals})}}')
        if "with_operands" in spec.options:
            pieces.append(f'if {spec.word("with_operands")}:\n    result["operands"] = numbers')
        return module(
            "import statistics" if "mean" in names else "", f"COMPUTATIONS = {{\n{functions}\n}}",
            self.head(spec, world) + "\n" + body(*pieces, "return result"),
        )  # fmt: skip
