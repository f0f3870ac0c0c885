"""Plans: operations over a world that hang together as a graph, each with one typed answer."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from tool_gym.generation.backends.worlds.domain import NUMERIC
from tool_gym.generation.backends.worlds.geometry import distance_km
from tool_gym.generation.backends.worlds.quantities import (
    COMPUTATIONS,
    SPELLINGS,
    WEEKDAYS,
    converted,
    working_day_after,
    working_days_between,
)
from tool_gym.generation.backends.worlds.world import Row, World, history
from tool_gym.generation.proposals import Answer, Refused
from tool_gym.messages import Noun
from tool_gym.scenario import Kind

Op = Literal[
    "identify", "attribute", "follow", "past", "since", "extreme", "find", "count", "aggregate", "distance", "shift",
    "gap", "weekday", "workshift", "workgap", "convert", "measure", "compute", "spell",
]  # fmt: skip
STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "total": sum,
}
"""Statistics that a step may ask for."""
AGGREGATE_DECIMALS = 2
COMPUTE_DECIMALS = 2
MEASURE_DECIMALS = 2
DISTANCE_DECIMALS = 1


class Operation(Noun):
    """One step of a plan.

    Attributes:
        id: The step's id.
        op: What is done.
        inputs: Names of entities, each after "=", or ids of steps whose answers are taken.
        kind: Type of the entity that is read, or of the members of the set.
        field: Attribute or relation that is read, sorted by, or aggregated; for `identify` the other names' column.
        scope: For a set: the members' relation that must point at the input.
        where: For a set: an enum attribute and the member that it must have, or empty.
        also: For `find`: a second relation, which must point at the second input, or empty.
        limits: For `find` and `extreme`: attributes with "min" or "max" and the value that they must reach or keep to.
        most: For `extreme`: whether the greatest is meant.
        place: For `extreme`: the place in that order, from 1.
        statistic: For `aggregate` one of `STATISTICS`, for `compute` of `COMPUTATIONS`, for `spell` of `SPELLINGS`.
        day: For `past` and `since`: the date.
        days: For `shift` and `workshift`: days forward, or backward if negative.
        currency: For `convert`: the target.
        units: For `measure`: from which unit to which.
        percent: For `compute` of a portion: the percentage.
        result: Type key of the entity that is the answer; empty for a value.
    """

    id: str
    op: Op
    inputs: tuple[str, ...]
    kind: str = ""
    field: str = ""
    scope: str = ""
    where: tuple[str, ...] = ()
    also: str = ""
    limits: tuple[tuple[str, str, int | float | str], ...] = ()
    most: bool = True
    place: int = 1
    statistic: str = ""
    day: str = ""
    days: int = 0
    currency: str = ""
    units: tuple[str, ...] = ()
    percent: int = 0
    result: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Ids of the steps whose answers it takes."""
        return tuple(each for each in self.inputs if not each.startswith("="))


Conclusion = Literal["value", "list", "difference", "total", "largest", "smallest", "ranking", "whether"]
"""How the answer follows from the last steps: it is the last one's; or all, compared or added up, without a tool."""


@dataclass(frozen=True)
class Plan:
    """Operations in an order in which they can be done, and what they come to.

    Attributes:
        operations: The steps.
        answers: By step id.
        conclusion: How the ends give the answer.
        ends: Ids of the steps that the answer follows from.
        answer: The answer.
    """

    operations: tuple[Operation, ...]
    answers: dict[str, Answer]
    conclusion: Conclusion
    ends: tuple[str, ...]
    answer: Answer

    def operation(self, step: str) -> Operation:
        """The step of that id."""
        return next(each for each in self.operations if each.id == step)

    def input_value(self, name: str) -> Any:
        """What an input stands for: the entity's name, or the step's answer."""
        return name[1:] if name.startswith("=") else self.answers[name].value


def members(world: World, operation: Operation, values: Sequence[Any]) -> list[Row]:
    """Entities of a type whose relations point at the values, and that meet the operation's conditions."""
    relations = [key for key in (operation.scope, operation.also) if key]
    return [
        row
        for row in world.entities[operation.kind]
        if all(row[key] == value for key, value in zip(relations, values, strict=True))
        and (not operation.where or row[operation.where[0]] == operation.where[1])
        and all(_within(row[key], end, bound) for key, end, bound in operation.limits)
    ]


def _within(value: Any, end: str, bound: Any) -> bool:
    return value is not None and bool(value >= bound if end == "min" else value <= bound)


def tolerance(decimals: int) -> float:
    """Half of the last decimal place, and a little more for the rounding of floats."""
    return 0.505 * 10.0**-decimals


def evaluate(world: World, operation: Operation, values: Sequence[Any]) -> Answer:
    """What an operation gives.

    Args:
        world: The facts.
        operation: What is done.
        values: What its inputs stand for.

    Raises:
        Refused: If it gives nothing, or nothing definite: a missing value, an empty set, a tie.
    """
    match operation.op:
        case "identify":
            rows = [row for row in world.entities[operation.kind] if row[operation.field] == values[0]]
            if len(rows) != 1:
                raise Refused("decompose", "not one alone", f"{len(rows)} have that other name")
            return Answer(value=rows[0]["name"], kind="text")
        case "attribute":
            return _attribute(world, operation, world.row(operation.kind, values[0]))
        case "follow":
            return Answer(value=_followed(world, operation, values[0]), kind="text")
        case "past":
            return Answer(value=_held(world, operation, values[0])["value"], kind="text")
        case "since":
            return Answer(value=_held(world, operation, values[0])["since"], kind="date")
        case "extreme":
            return Answer(value=_extreme(world, operation, values)["name"], kind="text")
        case "find":
            return Answer(value=_only(world, operation, values)["name"], kind="text")
        case "count":
            return Answer(value=len(members(world, operation, values)), kind="number")
        case "aggregate":
            return _aggregate(world, operation, values)
        case "shift" | "workshift" | "weekday" | "gap" | "workgap":
            return _dated(world, operation, [date.fromisoformat(value) for value in values])
        case _:
            return _calculated(world, operation, values)


def _dated(world: World, operation: Operation, days: Sequence[date]) -> Answer:
    holidays = {(row["month"], row["day"]) for row in world.tables.get("holidays", ())}
    match operation.op:
        case "shift":
            return Answer(value=(days[0] + timedelta(days=operation.days)).isoformat(), kind="date")
        case "workshift":
            return Answer(value=working_day_after(days[0], operation.days, holidays).isoformat(), kind="date")
        case "weekday":
            return Answer(value=WEEKDAYS[days[0].weekday()], kind="enum")
        case "workgap":
            return Answer(value=working_days_between(days[0], days[1], holidays), kind="number", unit="days")
        case _:
            return Answer(value=abs((days[1] - days[0]).days), kind="number", unit="days")


def _calculated(world: World, operation: Operation, values: Sequence[Any]) -> Answer:
    match operation.op:
        case "distance":
            return _distance(world, values[0], values[1])
        case "convert":
            return _convert(world, operation, values[0])
        case "measure":
            source, target = operation.units
            value = round(converted(values[0], source, target), MEASURE_DECIMALS)
            return Answer(value=value, kind="number", unit=target, tolerance=tolerance(MEASURE_DECIMALS))
        case "spell":
            spelled = SPELLINGS[operation.statistic](str(values[0]))
            return Answer(value=spelled, kind="text" if isinstance(spelled, str) else "number")
        case _:
            return _computed(world, operation, values)


def numbers_of(operation: Operation, values: Sequence[Any]) -> list[Any]:
    """What a calculation takes: a portion's percentage first, then the inputs."""
    return [operation.percent, *values] if operation.statistic == "portion" else list(values)


def _computed(world: World, operation: Operation, values: Sequence[Any]) -> Answer:
    numbers = numbers_of(operation, values)
    if operation.statistic in ("ratio", "percentage") and not numbers[1]:
        raise Refused("decompose", "a division by nothing")
    value = round(COMPUTATIONS[operation.statistic](numbers), COMPUTE_DECIMALS)
    unit = world.unit(world.domain.types[operation.kind].attributes[operation.field]) or None
    if operation.statistic in ("ratio", "percentage"):
        unit = "%" if operation.statistic == "percentage" else None
    whole = operation.statistic == "spread" and all(isinstance(each, int) for each in values)
    return Answer(value=value, kind="number", unit=unit, tolerance=None if whole else tolerance(COMPUTE_DECIMALS))


def _followed(world: World, operation: Operation, name: str) -> str:
    value = world.row(operation.kind, name)[operation.field]
    target = world.domain.types[operation.kind].relations[operation.field].target
    if all(row["name"] != value for row in world.entities[target]):
        raise Refused("decompose", "a missing value", operation.field)
    return str(value)


def _attribute(world: World, operation: Operation, row: Row) -> Answer:
    attribute = world.domain.types[operation.kind].attributes[operation.field]
    value = row[operation.field]
    if value is None:
        raise Refused("decompose", "a missing value", operation.field)
    if attribute.kind in ("date", "enum"):
        return Answer(value=value, kind=attribute.kind)
    kind: Kind = "number"
    slack = tolerance(attribute.decimals) if attribute.decimals else None
    return Answer(value=value, kind=kind, unit=world.unit(attribute) or None, tolerance=slack)


def _held(world: World, operation: Operation, name: str) -> Row:
    """The entry of a history that was valid on the day."""
    table = world.tables[history(world.domain.types[operation.kind], operation.field)]
    for row in table:
        if row["name"] == name and row["since"] <= operation.day and (row["until"] or "9999") > operation.day:
            return row
    raise Refused("decompose", "a missing value", f"{operation.field} on {operation.day}")


def _extreme(world: World, operation: Operation, values: Sequence[Any]) -> Row:
    rows = members(world, operation, values)
    known = [row for row in rows if row[operation.field] is not None]
    known.sort(key=lambda row: row[operation.field], reverse=operation.most)
    place = operation.place
    if len(known) < max(3, place + 1):
        raise Refused("decompose", "no definite extreme")
    if len({row[operation.field] for row in known[: place + 1]}) <= place:
        raise Refused("decompose", "no definite extreme")
    return known[place - 1]


def _only(world: World, operation: Operation, values: Sequence[Any]) -> Row:
    rows = members(world, operation, values)
    if len(rows) != 1:
        raise Refused("decompose", "not one alone", f"{len(rows)} meet the conditions")
    return rows[0]


def _aggregate(world: World, operation: Operation, values: Sequence[Any]) -> Answer:
    attribute = world.domain.types[operation.kind].attributes[operation.field]
    rows = members(world, operation, values)
    known = [row[operation.field] for row in rows if row[operation.field] is not None]
    if len(known) < 3 or attribute.kind not in NUMERIC:
        raise Refused("decompose", "too few to aggregate")
    value = round(STATISTICS[operation.statistic](known), AGGREGATE_DECIMALS)
    slack = None if isinstance(value, int) else tolerance(AGGREGATE_DECIMALS)
    return Answer(value=value, kind="number", unit=world.unit(attribute) or None, tolerance=slack)


def _distance(world: World, first: str, second: str) -> Answer:
    places = {
        row["name"]: row for kind, rows in world.entities.items() if world.domain.types[kind].located for row in rows
    }
    value = round(distance_km(places[first], places[second]), DISTANCE_DECIMALS)
    return Answer(value=value, kind="number", unit="km", tolerance=tolerance(DISTANCE_DECIMALS))


def _convert(world: World, operation: Operation, amount: float) -> Answer:
    rates = {row["currency"]: row["per_unit"] for row in world.tables["exchange_rates"]}
    value = round(amount * rates[operation.currency] / rates[world.currency], 2)
    return Answer(value=value, kind="number", unit=operation.currency, tolerance=tolerance(2))
