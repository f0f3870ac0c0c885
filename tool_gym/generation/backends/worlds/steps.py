"""The steps that plans are made of: each reads something of the world, and is undone if what should follow fails."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from typing import Any, TypeAlias, TypeVar

from tool_gym.generation.backends.worlds.domain import NUMERIC, SORTABLE, Attribute
from tool_gym.generation.backends.worlds.plan import STATISTICS, Operation, evaluate, members
from tool_gym.generation.backends.worlds.quantities import SPELLINGS, UNITS, quantity_of
from tool_gym.generation.backends.worlds.world import HISTORY_YEARS, Row, World, history
from tool_gym.generation.proposals import Answer, Refused
from tool_gym.generation.seeds import some

T = TypeVar("T")
Reached: TypeAlias = tuple[str, str]
"""An entity that a plan reached: its name after "=", or the id of the step that gives it; and its type."""

_TRIES = 12
"""Makers of a step that are tried."""
_CONDITIONS = 6
"""Conditions, or pairs of them, that are tried until they pick out one and matter."""
_LIMITED = 0.3
"""Share of superlatives that hold within a limit, if no enum member is asked for."""
_REPEATS = 2
"""How often a chain may go along one relation, and never twice running: "the coach of the coach" is no fun to read."""
_PATIENCE = 300
"""Steps that are tried for one plan, before it is given up."""


class Steps:
    """A plan in the making. Every entity occurs once, so that no two steps can be mistaken for each other."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self._operations: list[Operation] = []
        self._answers: dict[str, Answer] = {}
        self._seen: set[str] = set()
        self._tried = 0

    @property
    def _next(self) -> str:
        return f"q{len(self._operations) + 1}"

    @property
    def _located(self) -> tuple[str, ...]:
        return tuple(key for key, kind in self._world.domain.types.items() if kind.located)

    def _value_of(self, name: str) -> Any:
        return name[1:] if name.startswith("=") else self._answers[name].value

    def _operation(self, step: str) -> Operation:
        return next(each for each in self._operations if each.id == step)

    def _add(self, operation: Operation) -> str:
        way = self._way(operation)
        if way and (way.count(way[-1]) > _REPEATS or way[-1:] == way[-2:-1]):
            raise Refused("decompose", "one relation too often")
        self._tried += 1
        answer = evaluate(self._world, operation, [self._value_of(name) for name in operation.inputs])
        if answer.kind == "text" and answer.value in self._seen:
            raise Refused("decompose", "an entity that occurs twice")
        if operation.result and any(answer.value in str(self._value_of(name)) for name in operation.inputs):
            raise Refused("decompose", "an answer that stands in its question")
        if operation.op == "count" and answer.value < 3:
            raise Refused("decompose", "too few to count")
        self._seen.add(str(answer.value))
        self._operations.append(operation)
        self._answers[operation.id] = answer
        return operation.id

    def _way(self, operation: Operation) -> list[tuple[str, str, bool]]:
        """The relations that a chain goes along up to an operation: type, key, and whether backwards."""
        way: list[tuple[str, str, bool]] = []
        at: Operation | None = operation
        while at is not None:
            if at.scope or at.op in ("follow", "past", "since"):
                way.insert(0, (at.kind, at.scope or at.field, bool(at.scope)))
            at = None if at.inputs[0].startswith("=") else self._operation(at.inputs[0])
        return way

    def _any(self, makers: Sequence[Callable[[], T]]) -> T:
        """What one of the makers gives, tried in random order."""
        return self._attempt(self._rng.sample(list(makers), len(makers)))

    def _attempt(self, makers: Sequence[Callable[[], T]]) -> T:
        """What the first maker gives that can; what a failed one began is undone."""
        last: Refused | None = None
        for make in makers[:_TRIES]:
            kept, seen = len(self._operations), set(self._seen)
            try:
                return make()
            except Refused as refusal:
                last, self._seen = refusal, seen
                for operation in self._operations[kept:]:
                    del self._answers[operation.id]
                del self._operations[kept:]
            if self._tried > _PATIENCE:
                break
        raise last or Refused("decompose", "a dead end")

    def _start(self, kind: str = "") -> Reached:
        """An entity that the question names."""
        kind = kind or self._rng.choice(list(self._world.domain.types))
        name = self._rng.choice(self._world.entities[kind])["name"]
        if name in self._seen:
            raise Refused("decompose", "an entity that occurs twice")
        self._seen.add(name)
        return f"={name}", kind

    def _has_other_names(self, kind: str) -> bool:
        return any(row.get(column) for row in self._world.entities[kind] for column in ("former_name", "nickname"))

    def _identify(self, kind: str) -> str:
        """An entity by a name that it had before, or that people call it by."""
        named = [
            (row[column], column)
            for row in self._world.entities[kind]
            for column in ("former_name", "nickname")
            if row.get(column) and row["name"] not in self._seen
        ]
        if not named:
            raise Refused("decompose", "no other names")
        name, column = self._rng.choice(named)
        return self._add(
            Operation(id=self._next, op="identify", inputs=(f"={name}",), kind=kind, field=column, result=kind)
        )

    def _links(self, name: str, kind: str, to: Sequence[str] = ()) -> list[Callable[[], Reached]]:
        """Steps to another entity, of one of the types in `to` if there are any, in random order."""
        types = self._world.domain.types
        previous = next((each for each in self._operations if each.id == name), None)
        links: list[Callable[[], Reached]] = []
        sets: list[Callable[[], Reached]] = []
        for key, relation in types[kind].relations.items():
            back = previous is not None and key in (previous.scope, previous.also)
            if (not to or relation.target in to) and not back:
                links.append(partial(self._follow, name, kind, key, relation.target))
                if relation.pasts:
                    links.append(partial(self._holder, name, kind, key))
        for other, each in types.items():
            for key, relation in each.relations.items():
                if relation.target == kind and relation.inverses and (not to or other in to):
                    sets.append(partial(self._best, name, other, key))
                    sets.append(partial(self._filtered, name, other, key))
        links, sets = self._rng.sample(links, len(links)), self._rng.sample(sets, len(sets))
        # Many a set is too small to choose from, so those come first often enough.
        return [*sets, *links] if self._rng.random() < 0.4 else [*links, *sets]

    def _follow(self, name: str, kind: str, key: str, target: str) -> Reached:
        operation = Operation(id=self._next, op="follow", inputs=(name,), kind=kind, field=key, result=target)
        return self._add(operation), target

    def _holder(self, name: str, kind: str, key: str) -> Reached:
        """Whom a dated relation pointed at on some day in the past."""
        target = self._world.domain.types[kind].relations[key].target
        since, until = self._span(name, kind, key)
        operation = Operation(
            id=self._next, op="past", inputs=(name,), kind=kind, field=key, day=self._day_in(since, until),
            result=target,
        )  # fmt: skip
        return self._add(operation), target

    def _span(self, name: str, kind: str, key: str) -> tuple[date, date]:
        """The first day of one of the entries of a dated relation, and the first one after it."""
        table = self._world.tables[history(self._world.domain.types[kind], key)]
        row = self._rng.choice([each for each in table if each["name"] == self._value_of(name)])
        since = date.fromisoformat(row["since"])
        until = date.fromisoformat(row["until"]) if row["until"] else since + timedelta(days=365 * HISTORY_YEARS // 9)
        return since, until

    def _day_in(self, since: date, until: date) -> str:
        day = since + timedelta(days=self._rng.randrange(20, max((until - since).days - 20, 21)))
        if day >= self._world.present:
            raise Refused("decompose", "a day in the future")
        return day.isoformat()

    def _since(self, name: str, kind: str, key: str) -> str:
        """From which day on a dated relation pointed where it did on some later day."""
        since, until = self._span(name, kind, key)
        table = self._world.tables[history(self._world.domain.types[kind], key)]
        if since.isoformat() == min(row["since"] for row in table):
            raise Refused("decompose", "a day on which all records begin")
        return self._add(
            Operation(
                id=self._next, op="since", inputs=(name,), kind=kind, field=key, day=self._day_in(since, until)
            )
        )  # fmt: skip

    def _best(self, name: str, other: str, scope: str) -> Reached:
        """The extreme one, or the next to it, of the entities that point here."""
        each = self._world.domain.types[other]
        keys = [key for key, attribute in each.attributes.items() if attribute.kind in SORTABLE and attribute.most]
        if not keys:
            raise Refused("decompose", "no superlative")
        operation = Operation(
            id=self._next, op="extreme", inputs=(name,), kind=other, scope=scope, field=self._rng.choice(keys),
            where=self._where(other, 0.25), most=self._rng.random() < 0.6, place=self._rng.choice((1, 1, 1, 2, 2, 3)),
            result=other,
        )  # fmt: skip
        if not operation.most and not each.attributes[operation.field].least:
            raise Refused("decompose", "no superlative")
        if not operation.where and self._rng.random() < _LIMITED:
            operation = self._limited(operation)
        return self._add(operation), other

    def _limited(self, operation: Operation) -> Operation:
        """The extreme among those only that keep to a limit, which shuts out some and also the one that it was."""
        attributes = self._world.domain.types[operation.kind].attributes
        inputs = [self._value_of(name) for name in operation.inputs]
        rows = members(self._world, operation, inputs)
        keys = [key for key, each in attributes.items() if each.kind in SORTABLE and key != operation.field]
        if not keys or not rows:
            raise Refused("decompose", "nothing to set a limit to")
        was = evaluate(self._world, operation, inputs)
        for _ in range(_CONDITIONS):
            key, row = self._rng.choice(keys), self._rng.choice(rows)
            if row[key] is None:
                continue
            limited = operation.model_copy(update={"limits": (self._limit(attributes[key], key, row),)})
            with suppress(Refused):
                if evaluate(self._world, limited, inputs).value != was.value:
                    return limited
        raise Refused("decompose", "no limit that matters")

    def _filtered(self, name: str, other: str, scope: str) -> Reached:
        """The only one of the entities that point here that meets two conditions."""
        rows = [row for row in self._world.entities[other] if row[scope] == self._value_of(name)]
        if len(rows) < 3:
            raise Refused("decompose", "too few to choose from")
        for _ in range(_CONDITIONS):
            conditions = self._conditions(other, self._rng.choice(rows))
            operation = Operation(
                id=self._next, op="find", inputs=(name,), kind=other, scope=scope, result=other, **conditions
            )
            found = [
                len(members(self._world, each, [self._value_of(name)]))
                for each in (operation, *self._weaker(operation))
            ]
            if found[0] == 1 and min(found[1:]) > 1:
                return self._add(operation), other
        raise Refused("decompose", "no conditions that one alone meets")

    def _conditions(self, kind: str, row: Row) -> dict[str, Any]:
        """Two conditions that a row meets: an enum member and a limit, or two limits."""
        attributes = self._world.domain.types[kind].attributes
        enums = [key for key, each in attributes.items() if each.kind == "enum"]
        keys = [
            key for key, each in attributes.items() if each.kind in (*NUMERIC, "date", "year") and row[key] is not None
        ]
        with_enum = bool(enums) and self._rng.random() < 0.6
        chosen = some(self._rng, keys, 1 if with_enum else 2)
        limits = tuple(self._limit(attributes[key], key, row) for key in chosen)
        if len(limits) + with_enum < 2:
            raise Refused("decompose", "no two conditions")
        key = self._rng.choice(enums) if with_enum else ""
        return {"limits": limits, "where": (key, row[key]) if key else ()}

    def _limit(self, attribute: Attribute, key: str, row: Row) -> tuple[str, str, float | str]:
        """A round limit that a row keeps to."""
        end = self._rng.choice(("min", "max"))
        if attribute.kind == "date":
            year = int(row[key][:4])
            return (key, end, f"{year}-01-01" if end == "min" else f"{year}-12-31")
        if attribute.kind == "year":
            return (key, end, row[key] - row[key] % 10 + (0 if end == "min" else 9))
        step = 10 ** max(len(str(int(abs(row[key])))) - 2, 0)
        bound = math.floor(row[key] / step) if end == "min" else math.ceil(row[key] / step)
        return (key, end, bound * step)

    def _weaker(self, operation: Operation) -> list[Operation]:
        """The operation with one condition less, in each way."""
        made = [
            operation.model_copy(update={"limits": operation.limits[:i] + operation.limits[i + 1 :]})
            for i in range(len(operation.limits))
        ]
        return [*made, operation.model_copy(update={"where": ()})] if operation.where else made

    def _where(self, kind: str, chance: float) -> tuple[str, ...]:
        enums = [item for item in self._world.domain.types[kind].attributes.items() if item[1].kind == "enum"]
        if not enums or self._rng.random() >= chance:
            return ()
        key, attribute = self._rng.choice(enums)
        return key, self._rng.choice(attribute.values)

    def _terminal(self, name: str, kind: str) -> str:
        """A value of an entity."""
        makers: list[Callable[[], str]] = [lambda: self._attribute(name, kind)] * 3
        for key, relation in self._world.domain.types[kind].relations.items():
            if relation.pasts:
                makers.append(partial(self._since, name, kind, key))
        for other, each in self._world.domain.types.items():
            for key, relation in each.relations.items():
                if relation.target == kind and relation.inverses:
                    makers.append(partial(self._counted, name, other, key))
                    makers.append(partial(self._aggregated, name, other, key))
        return self._any(makers)

    def _attribute(self, name: str, kind: str, kinds: Sequence[str] = ()) -> str:
        previous = next((each for each in self._operations if each.id == name), None)
        used = (previous.field, *previous.where[:1]) if previous is not None and previous.scope else ()
        attributes = self._world.domain.types[kind].attributes
        wanted = kinds or (*SORTABLE, "enum") if len(self._operations) > 1 else SORTABLE
        keys = [key for key, each in attributes.items() if key not in used and each.kind in (kinds or wanted)]
        if not keys:
            raise Refused("decompose", "no attribute to ask for")
        operation = Operation(
            id=self._next, op="attribute", inputs=(name,), kind=kind, field=self._rng.choice(keys)
        )  # fmt: skip
        return self._add(operation)

    def _counted(self, name: str, other: str, scope: str) -> str:
        where = self._where(other, 0.5)
        return self._add(
            Operation(id=self._next, op="count", inputs=(name,), kind=other, scope=scope, where=where)
        )  # fmt: skip

    def _aggregated(self, name: str, other: str, scope: str) -> str:
        attributes = self._world.domain.types[other].attributes
        keys = [key for key, each in attributes.items() if each.kind in NUMERIC]
        if not keys:
            raise Refused("decompose", "no attribute to ask for")
        key = self._rng.choice(keys)
        possible = [each for each in STATISTICS if each != "total" or attributes[key].additive]
        operation = Operation(
            id=self._next, op="aggregate", inputs=(name,), kind=other, scope=scope, field=key,
            where=self._where(other, 0.3), statistic=self._rng.choice(possible),
        )  # fmt: skip
        return self._add(operation)

    # Work on a value, or on an entity's name; each returns the id of its step.

    def _shift(self, step: str) -> str:
        days = self._rng.choice((1, 1, -1)) * self._rng.choice((10, 30, 42, 60, 84, 90, 100, 120, 180, 250))
        return self._add(Operation(id=self._next, op="shift", inputs=(step,), days=days))

    def _workshift(self, step: str) -> str:
        days = self._rng.choice((1, 1, -1)) * self._rng.choice((5, 8, 10, 12, 15, 20, 25, 30, 40))
        return self._add(Operation(id=self._next, op="workshift", inputs=(step,), days=days))

    def _weekday(self, step: str) -> str:
        return self._add(Operation(id=self._next, op="weekday", inputs=(step,)))

    def _convert(self, step: str) -> str:
        others = [row["currency"] for row in self._world.tables["exchange_rates"]][1:]
        return self._add(Operation(id=self._next, op="convert", inputs=(step,), currency=self._rng.choice(others)))

    def _measure(self, step: str) -> str:
        """In another unit, in which it is a number of a handy size."""
        unit = self._answers[step].unit or ""
        units = UNITS.get(quantity_of(unit), {})
        amount = abs(self._answers[step].value)
        others = [each for each in units if each != unit and 1 <= amount * units[unit].size / units[each].size < 1e9]
        if not others or not self._plain_unit(step):
            raise Refused("decompose", "no other unit")
        pair = (unit, self._rng.choice(others))
        return self._add(Operation(id=self._next, op="measure", inputs=(step,), units=pair))

    def _plain_unit(self, step: str) -> bool:
        """Whether the unit is what its symbol says, and no rate: "litres", not "litres a day"."""
        operation = self._operation(step)
        if operation.op != "attribute":
            return True
        attribute = self._world.domain.types[operation.kind].attributes[operation.field]
        return attribute.unit_words == UNITS[quantity_of(attribute.unit)][attribute.unit].words

    def _portion(self, step: str) -> str:
        read, percent = self._operation(step), self._rng.choice((2, 3, 4, 5, 8, 12, 15, 20, 30, 35, 40, 60, 75))
        if not self._on_a_scale(read):
            raise Refused("decompose", "a part of what has none")
        return self._add(
            Operation(
                id=self._next, op="compute", inputs=(step,), kind=read.kind, field=read.field, statistic="portion",
                percent=percent,
            )
        )  # fmt: skip

    def _on_a_scale(self, read: Operation) -> bool:
        """Whether parts and ratios of a number mean something: not those of a rating or of a temperature."""
        attribute = self._world.domain.types[read.kind].attributes[read.field]
        return attribute.additive or attribute.kind == "money"

    def _digits(self, step: str) -> str:
        if self._answers[step].value < 100:
            raise Refused("decompose", "too few digits")
        return self._add(Operation(id=self._next, op="spell", inputs=(step,), statistic="digit_sum"))

    def _letters(self, step: str) -> str:
        how = self._rng.choice([name for name in SPELLINGS if name != "digit_sum"])
        if how == "initials" and " " not in str(self._value_of(step)):
            raise Refused("decompose", "one initial only")
        return self._add(Operation(id=self._next, op="spell", inputs=(step,), statistic=how))
