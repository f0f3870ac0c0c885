"""Letters and digits of a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.families.base import Family, Parameter, body, enum, listed, module
from tool_gym.generation.backends.worlds.grammar import series
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.quantities import SPELLINGS
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World

_FORMULAS = {
    "initials": (
        '"".join(word[0] for word in text.replace("&", " ").split())', "the first letter of every word", "initials",
    ),
    "letters": ("sum(char.isalpha() for char in text)", "how many letters there are", "number of letters"),
    "vowels": (
        'sum(char in "aeiou" for char in text.casefold())', "how many of them are a, e, i, o or u", "number of vowels",
    ),
    "backwards": ("text[::-1]", "the text from its end to its beginning", "reverse"),
    "digit_sum": ("sum(int(char) for char in text if char.isdigit())", "what its digits come to", "digit sum"),
}  # fmt: skip
"""By treatment: how it is computed, what it means, what it is called."""


class Letters(Family):
    """`letters(text, operation, …)` -> `{"result"}`, or a list of those. Fields are operations, each after ":"."""

    name = "letters"
    operations = ("spell",)
    options = ("from_word", "leave_out", "with_case", "with_text")
    shapes = ("texts",)

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """One operation."""
        return ToolSpec(family=self.name, fields=(f":{operation.statistic}",))

    def generalised(self, spec: ToolSpec, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All operations."""
        return tuple(f":{name}" for name in SPELLINGS), ()

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """The text, what is done with it, and with which part of it."""
        names = [key[1:] for key in spec.fields]
        text = "; ".join(f"{name}: {_FORMULAS[name][1]}" for name in names)
        kind: dict[str, Any] = {"type": "string"}
        if "texts" in spec.shapes:
            made = [Parameter("texts", listed(kind, "Texts, of which each is treated alone; numbers as text too."))]
        else:
            made = [Parameter("text", {**kind, "description": "The text; a number as text too."})]
        made.append(Parameter("treatment", enum(names, f"What is wanted: {text}.")))
        if "from_word" in spec.options:
            schema = {"type": "integer", "minimum": 1, "maximum": 9, "description": "Begin with this word of the text."}
            made.append(Parameter("from_word", schema, 1))
        if "leave_out" in spec.options:
            made.append(Parameter("leave_out", {**kind, "description": "Characters to take out first."}, None))
        if "with_case" in spec.options:
            cases = enum(("kept", "upper", "lower"), "Capitals as they are, everywhere, or nowhere.")
            made.append(Parameter("with_case", cases, "kept"))
        if "with_text" in spec.options:
            flag = {"type": "boolean", "description": "Repeat the text as it was treated."}
            made.append(Parameter("with_text", flag, False))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """The text and the operation."""
        text = str(values[0])
        made: dict[str, Any] = {spec.word("treatment"): operation.statistic}
        return made | ({spec.word("texts"): [text]} if "texts" in spec.shapes else {spec.word("text"): text})

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """The result, of the first text."""
        return f"/0/{spec.word('treated')}" if "texts" in spec.shapes else f"/{spec.word('treated')}"

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """None."""
        return ()

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What it finds."""
        return f"the {series([_FORMULAS[key[1:]][2] for key in spec.fields[:3]], 'or')} of a text"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        names = [key[1:] for key in spec.fields]
        functions = "\n".join(f'    "{name}": lambda text: {_FORMULAS[name][0]},' for name in names)
        pieces = []
        if "from_word" in spec.options:
            pieces.append(f'text = " ".join(text.split()[{spec.word("from_word")} - 1 :])')
        if "leave_out" in spec.options:
            word = spec.word("leave_out")
            pieces.append(f'text = "".join(char for char in text if char not in ({word} or ""))')
        if "with_case" in spec.options:
            cases = '{"kept": text, "upper": text.upper(), "lower": text.lower()}'
            pieces.append(f"text = {cases}[{spec.word('with_case')}]")
        pieces.append(f'result = {{"{spec.word("treated")}": TREATMENTS[{spec.word("treatment")}](text)}}')
        if "with_text" in spec.options:
            pieces.append(f'if {spec.word("with_text")}:\n    result["text"] = text')
        if "texts" in spec.shapes:
            lines = "\n".join([*pieces, "results.append(result)"])
            pieces = [f"results = []\nfor text in {spec.word('texts')}:\n" + body(lines), "return results"]
        else:
            pieces = [f"text = {spec.word('text')}", *pieces, "return result"]
        return module(f"TREATMENTS = {{\n{functions}\n}}", self.head(spec, world) + "\n" + body(*pieces))
