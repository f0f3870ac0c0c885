"""Draws plans: chains that walk from entity to entity, and ways in which chains and single steps come together."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from tool_gym.generation.backends.worlds.domain import NUMERIC, SORTABLE
from tool_gym.generation.backends.worlds.plan import STATISTICS, Conclusion, Operation, Plan, evaluate
from tool_gym.generation.backends.worlds.world import HISTORY_YEARS, World, history
from tool_gym.generation.proposals import Answer, Refused
from tool_gym.generation.topic import Topic

_HOPS = {0: (2, 2), 1: (2, 3), 2: (3, 4), 3: (5, 6), 4: (6, 7), 5: (7, 8)}
"""Steps of a chain by level."""
_JOINED_HOPS = {0: (2, 2), 1: (2, 2), 2: (2, 3), 3: (3, 4), 4: (3, 4), 5: (4, 5)}
"""Steps of each of several chains."""
_BRANCHES = {0: (2, 2), 1: (2, 2), 2: (2, 2), 3: (2, 3), 4: (3, 3), 5: (3, 4)}

_TRIES = 12


def draw_plan(world: World, topic: Topic, rng: random.Random) -> Plan:
    """A plan of the topic's structure and level.

    Raises:
        Refused: If these random numbers lead to none.
    """
    walk = Walk(world, rng)
    hops = topic.hops or rng.randint(*_HOPS[topic.level])
    branches = topic.branches or rng.randint(*_BRANCHES[topic.level])
    match topic.structure:
        case "single_hop":
            return walk.concluded("value", [walk.single()])
        case "parallel_single_hop":
            return walk.parallel(branches, 1)
        case "multi_hop":
            return walk.concluded("value", [walk.chain(max(hops, 2))])
        case "parallel_multi_hop":
            joined = topic.hops or rng.randint(*_JOINED_HOPS[topic.level])
            return walk.parallel(branches, max(joined, 2))


class Walk:
    """A plan in the making. Every entity occurs once, so that no two steps can be mistaken for each other."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self._operations: list[Operation] = []
        self._answers: dict[str, Answer] = {}
        self._seen: set[str] = set()

    def concluded(self, conclusion: Conclusion, ends: Sequence[str]) -> Plan:
        """The plan, with its answer."""
        answers = [self._answers[end] for end in ends]
        answer = _conclude(conclusion, answers, [self._subject(end) for end in ends])
        return Plan(tuple(self._operations), dict(self._answers), conclusion, tuple(ends), answer)

    def single(self) -> str:
        """One step from entities that the question names."""
        makers = [self._past, self._extreme, self._counting, self._value, self._value]
        # Two names are a question of few words, and so of few skeletons.
        return self._choose([*makers, self._distance] if self._rng.random() < 0.3 else makers)

    def chain(self, length: int, end: Callable[[str, str], str] | None = None) -> str:
        """A chain of that many steps from a named entity; returns its last step.

        Args:
            length: Steps, >= 2.
            end: Makes the last step from an input and its type; None chooses one.
        """
        name, kind = self._start()
        # The last step may work on a value, which takes the one before to be that value.
        works: tuple[Callable[[str], str], str] | None = None
        if end is None and length > 2 and self._rng.random() < 0.4:
            works = self._rng.choice([(self._shift, "date"), (self._shift, "date"), (self._convert, "money")])
        for _ in range(length - (2 if works else 1)):
            name, kind = self._hop(name, kind)
        if works:
            work, value = works
            return work(self._attribute(name, kind, (value,)))
        return end(name, kind) if end else self._terminal(name, kind)

    def parallel(self, branches: int, hops: int) -> Plan:
        """Branches that a tool joins (two places, two dates), that are compared, or that are asked for one by one."""
        joins = [self._compared, self._compared, self._listed]
        if branches == 2 and hops > 1:
            joins += [self._joined_places, self._joined_dates]
        return self._rng.choice(joins)(branches, hops)

    def _branch(self, hops: int, end: Callable[[str, str], str]) -> str:
        return self.chain(hops, end) if hops > 1 else end(*self._start())

    def _joined_places(self, branches: int, hops: int) -> Plan:
        ends = []
        for _ in range(branches):
            name, kind = self._start()
            for hop in range(hops):
                name, kind = self._hop(name, kind, to=self._located if hop == hops - 1 else ())
            ends.append(name)
        return self.concluded("value", [self._add(Operation(id=self._next, op="distance", inputs=tuple(ends)))])

    def _joined_dates(self, branches: int, hops: int) -> Plan:
        ends = [self._branch(hops, lambda name, kind: self._attribute(name, kind, ("date",))) for _ in range(branches)]
        return self.concluded("value", [self._add(Operation(id=self._next, op="gap", inputs=tuple(ends)))])

    def _compared(self, branches: int, hops: int) -> Plan:
        """The same number of several entities."""
        kinds = [
            (kind, key)
            for kind, each in self._world.domain.types.items()
            for key, attribute in each.attributes.items()
            if attribute.kind in NUMERIC
        ]
        kind, key = self._rng.choice(kinds)
        ends = []
        for _ in range(branches):
            name = self._walk_to(kind, hops - 1)
            ends.append(self._add(Operation(id=self._next, op="attribute", inputs=(name,), kind=kind, field=key)))
        options: list[Conclusion] = ["list", "difference"] if branches == 2 else ["list"]
        if self._world.domain.types[kind].attributes[key].additive:
            options += ["total", "total"]
        if hops > 1 or branches > 2:
            options.append("largest")
        return self.concluded(self._rng.choice(options), ends)

    def _listed(self, branches: int, hops: int) -> Plan:
        """Unlike things of several entities."""
        ends = [self._branch(hops, self._terminal) for _ in range(branches)]
        operations = [next(each for each in self._operations if each.id == end) for end in ends]
        if len({(each.op, each.kind, each.field) for each in operations}) < len(ends):
            raise Refused("decompose", "branches that are alike")
        return self.concluded("list", ends)

    def _walk_to(self, kind: str, hops: int) -> str:
        """The input for an entity of a type, so many hops from a named one."""
        if not hops:
            return self._start(kind)[0]
        name, at = self._start()
        for hop in range(hops):
            name, at = self._hop(name, at, to=(kind,) if hop == hops - 1 else ())
        return name

    # Steps. Each returns the id of the step that it added, or that and the type of the entity that it reached.

    @property
    def _next(self) -> str:
        return f"q{len(self._operations) + 1}"

    @property
    def _located(self) -> tuple[str, ...]:
        return tuple(key for key, kind in self._world.domain.types.items() if kind.located)

    def _value_of(self, name: str) -> Any:
        return name[1:] if name.startswith("=") else self._answers[name].value

    def _add(self, operation: Operation) -> str:
        answer = evaluate(self._world, operation, [self._value_of(name) for name in operation.inputs])
        if answer.kind == "text" and answer.value in self._seen:
            raise Refused("decompose", "an entity that occurs twice")
        if operation.op == "count" and answer.value < 3:
            raise Refused("decompose", "too few to count")
        self._seen.add(str(answer.value))
        self._operations.append(operation)
        self._answers[operation.id] = answer
        return operation.id

    def _choose(self, makers: Sequence[Callable[[], str]]) -> str:
        """The first of the makers, in random order, that can; what a failed one began is undone."""
        step: str = self._attempt(self._rng.sample(list(makers), len(makers)))
        return step

    def _attempt(self, makers: Sequence[Callable[[], Any]]) -> Any:
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
        raise last or Refused("decompose", "a dead end")

    def _start(self, kind: str = "") -> tuple[str, str]:
        types = self._world.domain.types
        kind = kind or self._rng.choice(list(types))
        name = self._rng.choice(self._world.entities[kind])["name"]
        if name in self._seen:
            raise Refused("decompose", "an entity that occurs twice")
        self._seen.add(name)
        return f"={name}", kind

    def _hop(self, name: str, kind: str, to: Sequence[str] = ()) -> tuple[str, str]:
        """To another entity, of one of the types in `to` if there are any."""
        types = self._world.domain.types
        previous = next((each for each in self._operations if each.id == name), None)
        makers: list[Callable[[], tuple[str, str]]] = []
        for key, relation in types[kind].relations.items():
            back = previous is not None and previous.op == "extreme" and previous.scope == key
            if (not to or relation.target in to) and not back:
                makers.append(lambda key=key, relation=relation: self._follow(name, kind, key, relation.target))  # type: ignore[misc]
                if relation.pasts:
                    makers.append(lambda key=key: self._holder(name, kind, key))  # type: ignore[misc]
        for other, each in types.items():
            for key, relation in each.relations.items():
                if relation.target == kind and (not to or other in to):
                    makers.append(lambda other=other, key=key: self._best(name, other, key))  # type: ignore[misc]
        found: tuple[str, str] = self._attempt(self._rng.sample(makers, len(makers)))
        return found

    def _follow(self, name: str, kind: str, key: str, target: str) -> tuple[str, str]:
        operation = Operation(id=self._next, op="follow", inputs=(name,), kind=kind, field=key, result=target)
        return self._add(operation), target

    def _holder(self, name: str, kind: str, key: str) -> tuple[str, str]:
        """Whom a dated relation pointed at on some day in the past."""
        target = self._world.domain.types[kind].relations[key].target
        table = self._world.tables[history(self._world.domain.types[kind], key)]
        row = self._rng.choice([each for each in table if each["name"] == self._value_of(name)])
        since = date.fromisoformat(row["since"])
        until = date.fromisoformat(row["until"]) if row["until"] else since + timedelta(days=365 * HISTORY_YEARS // 9)
        day = since + timedelta(days=self._rng.randrange(20, max((until - since).days - 20, 21)))
        if day >= self._world.present:
            raise Refused("decompose", "a day in the future")
        operation = Operation(
            id=self._next, op="past", inputs=(name,), kind=kind, field=key, day=day.isoformat(), result=target
        )
        return self._add(operation), target

    def _best(self, name: str, other: str, scope: str) -> tuple[str, str]:
        """The extreme one of the entities that point here."""
        each = self._world.domain.types[other]
        keys = [key for key, attribute in each.attributes.items() if attribute.kind in SORTABLE and attribute.most]
        operation = Operation(
            id=self._next, op="extreme", inputs=(name,), kind=other, scope=scope, field=self._rng.choice(keys),
            where=self._where(other, 0.3), most=self._rng.random() < 0.6, result=other,
        )  # fmt: skip
        if not operation.most and not each.attributes[operation.field].least:
            raise Refused("decompose", "no superlative")
        return self._add(operation), other

    def _where(self, kind: str, chance: float) -> tuple[str, ...]:
        enums = [item for item in self._world.domain.types[kind].attributes.items() if item[1].kind == "enum"]
        if not enums or self._rng.random() >= chance:
            return ()
        key, attribute = self._rng.choice(enums)
        return key, self._rng.choice(attribute.values)

    def _terminal(self, name: str, kind: str) -> str:
        """A value of an entity."""
        makers: list[Callable[[], str]] = [lambda: self._attribute(name, kind)] * 3
        for other, each in self._world.domain.types.items():
            for key, relation in each.relations.items():
                if relation.target == kind:
                    makers.append(lambda other=other, key=key: self._counted(name, other, key))  # type: ignore[misc]
                    makers.append(lambda other=other, key=key: self._aggregated(name, other, key))  # type: ignore[misc]
        return self._choose(makers)

    def _attribute(self, name: str, kind: str, kinds: Sequence[str] = ()) -> str:
        previous = next((each for each in self._operations if each.id == name), None)
        used = previous.field if previous is not None and previous.op == "extreme" else ""
        attributes = self._world.domain.types[kind].attributes
        wanted = kinds or (*SORTABLE, "enum") if len(self._operations) > 1 else SORTABLE
        keys = [key for key, each in attributes.items() if key != used and each.kind in (kinds or wanted)]
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

    def _shift(self, step: str) -> str:
        days = self._rng.choice((1, 1, -1)) * self._rng.choice((10, 30, 45, 60, 90, 100, 120, 180, 250))
        return self._add(Operation(id=self._next, op="shift", inputs=(step,), days=days))

    def _convert(self, step: str) -> str:
        others = [row["currency"] for row in self._world.tables["exchange_rates"]][1:]
        return self._add(Operation(id=self._next, op="convert", inputs=(step,), currency=self._rng.choice(others)))

    def _distance(self) -> str:
        if not self._located:
            raise Refused("decompose", "no places")
        ends = tuple(self._start(self._rng.choice(self._located))[0] for _ in range(2))
        return self._add(Operation(id=self._next, op="distance", inputs=ends))

    def _past(self) -> str:
        kinds = [
            (kind, key)
            for kind, each in self._world.domain.types.items()
            for key, relation in each.relations.items()
            if relation.pasts
        ]
        kind, key = self._rng.choice(kinds)
        return self._holder(self._start(kind)[0], kind, key)[0]

    def _extreme(self) -> str:
        name, kind = self._start()
        makers = [
            (other, key)
            for other, each in self._world.domain.types.items()
            for key, relation in each.relations.items()
            if relation.target == kind
        ]
        if not makers:
            raise Refused("decompose", "a dead end")
        return self._best(name, *self._rng.choice(makers))[0]

    def _counting(self) -> str:
        name, kind = self._start()
        return self._terminal(name, kind)

    def _value(self) -> str:
        name, kind = self._start()
        return self._attribute(name, kind)

    def _subject(self, end: str) -> str:
        """The name of the entity that a step reads."""
        operation = next(each for each in self._operations if each.id == end)
        return str(self._value_of(operation.inputs[0]))


def _conclude(conclusion: Conclusion, answers: Sequence[Answer], subjects: Sequence[str]) -> Answer:
    values = [answer.value for answer in answers]
    first = answers[0]
    slack = first.tolerance
    match conclusion:
        case "value":
            return first
        case "list":
            loosest = max((answer.tolerance or 0 for answer in answers), default=0)
            return Answer(value=values, kind="list", tolerance=loosest or None)
        case "largest":
            if values.count(max(values)) > 1:
                raise Refused("decompose", "no definite extreme")
            return Answer(value=subjects[values.index(max(values))], kind="text")
        case _:
            value = sum(values) if conclusion == "total" else abs(values[0] - values[1])
            if value == 0:
                raise Refused("decompose", "no difference")
            decimals = 0 if all(isinstance(each, int) for each in values) else 3
            rounded = round(value, decimals) if decimals else value
            return Answer(value=rounded, kind="number", unit=first.unit, tolerance=slack)
