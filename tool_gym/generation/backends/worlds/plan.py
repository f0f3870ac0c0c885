"""Plans: operations over a world that hang together as a graph, each with one typed answer."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from tool_gym.generation.backends.worlds.domain import NUMERIC
from tool_gym.generation.backends.worlds.geometry import distance_km
from tool_gym.generation.backends.worlds.world import Row, World, history
from tool_gym.generation.proposals import Answer, Refused
from tool_gym.messages import Noun
from tool_gym.scenario import Kind

Op = Literal["attribute", "follow", "past", "extreme", "count", "aggregate", "distance", "shift", "gap", "convert"]
STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "total": sum,
}
"""Statistics that a step may ask for."""
AGGREGATE_DECIMALS = 2
DISTANCE_DECIMALS = 1


class Operation(Noun):
    """One step of a plan.

    Attributes:
        id: The step's id.
        op: What is done.
        inputs: Names of entities, each after "=", or ids of steps whose answers are taken.
        kind: Type of the entity that is read, or of the members of the set.
        field: Attribute or relation that is read, sorted by, or aggregated.
        scope: For a set: the members' relation that must point at the input.
        where: For a set: an enum attribute and the member that it must have, or empty.
        most: For `extreme`: whether the greatest is meant.
        statistic: For `aggregate`: one of `STATISTICS`.
        day: For `past`: the date.
        days: For `shift`: days forward, or backward if negative.
        currency: For `convert`: the target.
        result: Type key of the entity that is the answer; empty for a value.
    """

    id: str
    op: Op
    inputs: tuple[str, ...]
    kind: str = ""
    field: str = ""
    scope: str = ""
    where: tuple[str, ...] = ()
    most: bool = True
    statistic: str = ""
    day: str = ""
    days: int = 0
    currency: str = ""
    result: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Ids of the steps whose answers it takes."""
        return tuple(each for each in self.inputs if not each.startswith("="))


Conclusion = Literal["value", "list", "difference", "total", "largest"]
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


def members(world: World, kind: str, scope: str, name: str, where: Sequence[str] = ()) -> list[Row]:
    """Entities of a type whose relation `scope` points at a name, and of those only the ones with an enum's member."""
    return [
        row
        for row in world.entities[kind]
        if row[scope] == name and (not where or row[where[0]] == where[1])
    ]  # fmt: skip


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
        case "attribute":
            return _attribute(world, operation, world.row(operation.kind, values[0]))
        case "follow":
            return Answer(value=world.row(operation.kind, values[0])[operation.field], kind="text")
        case "past":
            return Answer(value=_holder(world, operation, values[0]), kind="text")
        case "extreme":
            return Answer(value=_extreme(world, operation, values[0])["name"], kind="text")
        case "count":
            found = members(world, operation.kind, operation.scope, values[0], operation.where)
            return Answer(value=len(found), kind="number")
        case "aggregate":
            return _aggregate(world, operation, values[0])
        case "distance":
            return _distance(world, values[0], values[1])
        case "shift":
            day = date.fromisoformat(values[0]) + timedelta(days=operation.days)
            return Answer(value=day.isoformat(), kind="date")
        case "gap":
            first, second = (date.fromisoformat(value) for value in values)
            return Answer(value=abs((second - first).days), kind="number", unit="days")
        case "convert":
            return _convert(world, operation, values[0])


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


def _holder(world: World, operation: Operation, name: str) -> str:
    table = world.tables[history(world.domain.types[operation.kind], operation.field)]
    for row in table:
        if row["name"] == name and row["since"] <= operation.day and (row["until"] or "9999") > operation.day:
            return str(row["value"])
    raise Refused("decompose", "a missing value", f"{operation.field} on {operation.day}")


def _extreme(world: World, operation: Operation, name: str) -> Row:
    rows = members(world, operation.kind, operation.scope, name, operation.where)
    known = [row for row in rows if row[operation.field] is not None]
    known.sort(key=lambda row: row[operation.field], reverse=operation.most)
    if len(known) < 3 or known[0][operation.field] == known[1][operation.field]:
        raise Refused("decompose", "no definite extreme")
    return known[0]


def _aggregate(world: World, operation: Operation, name: str) -> Answer:
    attribute = world.domain.types[operation.kind].attributes[operation.field]
    rows = members(world, operation.kind, operation.scope, name, operation.where)
    known = [row[operation.field] for row in rows if row[operation.field] is not None]
    if len(known) < 3 or attribute.kind not in NUMERIC:
        raise Refused("decompose", "too few to aggregate")
    value = round(STATISTICS[operation.statistic](known), AGGREGATE_DECIMALS)
    return Answer(
        value=value, kind="number", unit=world.unit(attribute) or None, tolerance=tolerance(AGGREGATE_DECIMALS)
    )


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
