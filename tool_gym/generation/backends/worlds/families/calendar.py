"""Calculators of dates: a day so many days away, and the days between two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tool_gym.generation.backends.worlds.families.base import Family, Parameter, body, enum, listed, module
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.quantities import WEEKDAYS
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World

_FORMATS = '{"iso": "%Y-%m-%d", "day_first": "%d.%m.%Y", "month_first": "%m/%d/%Y"}'
_FORMAT_TEXT = "Notation: 2031-04-09, 09.04.2031 or 04/09/2031."


class Calendar(Family):
    """What the calculators of dates can do besides."""

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """None."""
        return ()

    def date_options(self, spec: ToolSpec) -> list[Parameter]:
        """The parameters of those of its options that all calculators have."""
        made = []
        if "rest_days" in spec.options:
            schema = listed(enum(WEEKDAYS, "A weekday."), "Weekdays that do not count.", least=0)
            made.append(Parameter("rest_days", schema, None))
        if "closed_on" in spec.options:
            schema = listed({"type": "string"}, "Single days that do not count, as YYYY-MM-DD.", least=0)
            made.append(Parameter("closed_on", schema, None))
        if "input_format" in spec.options:
            made.append(Parameter("input_format", enum(("iso", "day_first", "month_first"), _FORMAT_TEXT), "iso"))
        return made

    def reading(self, spec: ToolSpec) -> str:
        """The line that says in which notation days are given."""
        notation = f"{_FORMATS}[{spec.word('input_format')}]" if "input_format" in spec.options else '"%Y-%m-%d"'
        return f"notation = {notation}"

    def counts(self, spec: ToolSpec) -> str:
        """The helper that tells whether a day counts, as a closure over the options."""
        return f"def counts(day):\n    return {' and '.join(self.tests(spec)) or 'True'}"

    def tests(self, spec: ToolSpec) -> list[str]:
        """What a day must meet in order to count, as expressions."""
        tests = []
        if "rest_days" in spec.options:
            tests.append(f"WEEKDAYS[day.weekday()] not in ({spec.word('rest_days')} or [])")
        if "closed_on" in spec.options:
            tests.append(f"day.isoformat() not in ({spec.word('closed_on')} or [])")
        return tests

    def top(self, spec: ToolSpec) -> str:
        """The lines before the function."""
        weekdays = f"WEEKDAYS = {WEEKDAYS!r}" if {"rest_days", "with_weekday"} & set(spec.options) else ""
        return module("from datetime import date, datetime, timedelta", weekdays)


class Shift(Calendar):
    """`shift(day, days, …)` -> `{"date"}`."""

    name = "shift"
    operations = ("shift",)
    options: ClassVar[tuple[str, ...]] = ("unit", "rest_days", "closed_on", "input_format", "with_weekday", "repeat")
    shapes: ClassVar[tuple[str, ...]] = ("period",)

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """Days forward or back."""
        return ToolSpec(family=self.name)

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """The day, the days, and which of them count."""
        number = {"type": "integer", "minimum": -4000, "maximum": 4000}
        text = "How far to go, negative for back"
        units = enum(("days", "weeks"), "What is counted.")
        made = [Parameter("day", {"type": "string", "description": "The day to start from."})]
        if "period" in spec.shapes:
            properties = {"amount": number, "unit": units}
            schema = {
                "type": "object", "properties": properties, "required": ["amount", "unit"],
                "additionalProperties": False, "description": text + ".",
            }  # fmt: skip
            made.append(Parameter("period", schema))
        else:
            made.append(Parameter("amount", {**number, "description": f"{text}, in days or what the unit says."}))
            if "unit" in spec.options:
                made.append(Parameter("unit", units, "days"))
        made += self.date_options(spec)
        if "repeat" in spec.options:
            schema = {"type": "integer", "minimum": 1, "maximum": 12, "description": "Go that far so many times."}
            made.append(Parameter("repeat", schema, 1))
        if "with_weekday" in spec.options:
            made.append(Parameter("with_weekday", {"type": "boolean", "description": "Add the weekday."}, False))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """The day and the days."""
        if "period" in spec.shapes:
            return {spec.word("day"): values[0], spec.word("period"): {"amount": operation.days, "unit": "days"}}
        return {spec.word("day"): values[0], spec.word("amount"): operation.days}

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """The day that is reached."""
        return f"/{spec.word('date')}"

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What it computes."""
        return "which day lies a number of days after or before another"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        amount, unit = spec.word("amount"), spec.word("unit") if "unit" in spec.options else '"days"'
        if "period" in spec.shapes:
            period = spec.word("period")
            amount, unit = f'{period}["amount"]', f'{period}["unit"]'
        repeat = f" * {spec.word('repeat')}" if "repeat" in spec.options else ""
        pieces = [
            self.reading(spec),
            f"day = datetime.strptime({spec.word('day')}, notation).date()",
            self.counts(spec),
            f'left = {amount} * (7 if {unit} == "weeks" else 1){repeat}',
            "step = timedelta(days=1 if left >= 0 else -1)\nleft, seen = abs(left), 0",
            "while left:\n    day, seen = day + step, seen + 1\n    if counts(day):\n        left -= 1\n"
            '    if seen > 40000:\n        raise ValueError("no day counts with these rest days")',
            f'result = {{"{spec.word("date")}": day.isoformat(), "days_passed": seen}}',
        ]
        if "with_weekday" in spec.options:
            pieces.append(f'if {spec.word("with_weekday")}:\n    result["weekday"] = WEEKDAYS[day.weekday()]')
        return module(self.top(spec), self.head(spec, world) + "\n" + body(*pieces, "return result"))


class Gap(Calendar):
    """`gap(start, end, …)` -> `{"days"}`."""

    name = "gap"
    operations = ("gap",)
    options: ClassVar[tuple[str, ...]] = ("rest_days", "closed_on", "input_format", "inclusive", "unit", "signed")
    shapes: ClassVar[tuple[str, ...]] = ("span",)

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """Days between two."""
        return ToolSpec(family=self.name)

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """Both days, and which days count."""
        text = {"type": "string"}
        if "span" in spec.shapes:
            schema = {
                "type": "object", "properties": {"start": text, "end": text}, "required": ["start", "end"],
                "additionalProperties": False, "description": "The two days.",
            }  # fmt: skip
            made = [Parameter("span", schema)]
        else:
            made = [
                Parameter("start", {**text, "description": "One of the days."}),
                Parameter("end", {**text, "description": "The other day."}),
            ]
        made += self.date_options(spec)
        if "inclusive" in spec.options:
            made.append(Parameter("inclusive", {"type": "boolean", "description": "Count both ends."}, False))
        if "signed" in spec.options:
            flag = {"type": "boolean", "description": "Negative if the second day comes first."}
            made.append(Parameter("signed", flag, False))
        if "unit" in spec.options:
            made.append(Parameter("unit", enum(("days", "weeks"), "Unit of the length."), "days"))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """Both days."""
        if "span" in spec.shapes:
            return {spec.word("span"): {"start": values[0], "end": values[1]}}
        return {spec.word("start"): values[0], spec.word("end"): values[1]}

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """The days between."""
        return f"/{spec.word('length')}"

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What it computes."""
        return "how many days lie between two days"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        span = spec.word("span")
        ends = (
            f'({span}["start"], {span}["end"])'
            if "span" in spec.shapes
            else f"({spec.word('start')}, {spec.word('end')})"
        )
        pieces = [
            self.reading(spec),
            f"start, end = [datetime.strptime(text, notation).date() for text in {ends}]",
            self.counts(spec),
            "early, late = min(start, end), max(start, end)",
            "length = sum(counts(early + timedelta(days=i + 1)) for i in range((late - early).days))",
        ]
        if "inclusive" in spec.options:
            pieces.append(f"if {spec.word('inclusive')} and counts(early):\n    length += 1")
        if "signed" in spec.options:
            pieces.append(f"if {spec.word('signed')} and start > end:\n    length = -length")
        unit = spec.word("unit") if "unit" in spec.options else '"days"'
        value = f'round(length / 7, 2) if {unit} == "weeks" else length'
        pieces.append(f'return {{"{spec.word("length")}": {value}, "unit": {unit}}}')
        return module(self.top(spec), self.head(spec, world) + "\n" + body(*pieces))
