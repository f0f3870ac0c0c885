"""Calculators of working days, which know the holidays of a world, and one that names the weekday."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.families.base import Parameter, body, module
from tool_gym.generation.backends.worlds.families.calendar import Calendar, Gap, Shift
from tool_gym.generation.backends.worlds.plan import Operation
from tool_gym.generation.backends.worlds.quantities import WEEKDAYS
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World


class Working(Calendar):
    """A calculator for which neither weekends nor holidays count."""

    def functions(self, world: World) -> list[ToolSpec]:
        """One, where there are holidays."""
        return [ToolSpec(family=self.name)] if "holidays" in world.tables else []

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """The holidays."""
        return ("holidays",)

    def counts(self, spec: ToolSpec) -> str:
        """The helper, and the days that it leaves out."""
        days = 'holidays = {(row["month"], row["day"]) for row in DATA["holidays"]}'
        return f"{days}\n{super().counts(spec)}"

    def tests(self, spec: ToolSpec) -> list[str]:
        """No weekend, no holiday, and nothing that an option leaves out."""
        return ["day.weekday() < 5", "(day.month, day.day) not in holidays", *super().tests(spec)]


class WorkingShift(Working, Shift):
    """`working_day(day, amount, …)` -> `{"date"}`."""

    name = "workshift"
    operations = ("workshift",)
    options = ("rest_days", "closed_on", "input_format", "with_weekday", "repeat")
    shapes = ()

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What it computes."""
        return "which day comes a number of working days after or before another, by the calendar of public holidays"


class WorkingGap(Working, Gap):
    """`working_days(start, end, …)` -> `{"days"}`."""

    name = "workgap"
    operations = ("workgap",)
    options = ("rest_days", "closed_on", "input_format", "inclusive", "signed")

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What it computes."""
        return "how many working days there are from one day to another, by the calendar of public holidays"


class Weekday(Calendar):
    """`weekday(day, …)` -> `{"weekday"}`."""

    name = "weekday"
    operations = ("weekday",)
    options = ("input_format", "with_week", "abbreviated", "move")

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """Of one day."""
        return ToolSpec(family=self.name)

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """The day, and what is told of it."""
        made = [Parameter("day", {"type": "string", "description": "The day in question."}), *self.date_options(spec)]
        if "move" in spec.options:
            schema = {
                "type": "integer",
                "minimum": -400,
                "maximum": 400,
                "description": "Look so many days on.",
            }
            made.append(Parameter("move", schema, 0))
        flags = {"with_week": "Add the number of the week.", "abbreviated": "Shorten the answer to three letters."}
        for role, text in flags.items():
            if role in spec.options:
                made.append(Parameter(role, {"type": "boolean", "description": text}, False))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """The day."""
        return {spec.word("day"): values[0]}

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """Its name."""
        return f"/{spec.word('weekday')}"

    def summary(self, spec: ToolSpec, world: World) -> str:
        """What it tells."""
        return "which day from Monday to Sunday a date is"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        moved = f" + timedelta(days={spec.word('move')})" if "move" in spec.options else ""
        short = f"[:3] if {spec.word('abbreviated')} else name" if "abbreviated" in spec.options else ""
        pieces = [
            self.reading(spec),
            f"date = datetime.strptime({spec.word('day')}, notation).date(){moved}",
            "name = WEEKDAYS[date.weekday()]",
            f'result = {{"on": date.isoformat(), "{spec.word("weekday")}": name{short}}}',
        ]
        if "with_week" in spec.options:
            pieces.append(f'if {spec.word("with_week")}:\n    result["week"] = date.isocalendar()[1]')
        top = module("from datetime import datetime, timedelta", f"WEEKDAYS = {WEEKDAYS!r}")
        return module(top, self.head(spec, world) + "\n" + body(*pieces, "return result"))
