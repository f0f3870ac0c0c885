"""Draws plans: chains that walk from entity to entity, and ways in which chains and single steps come together."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any, TypeAlias

from tool_gym.generation.backends.worlds.domain import NUMERIC, SORTABLE
from tool_gym.generation.backends.worlds.plan import Conclusion, Operation, Plan
from tool_gym.generation.backends.worlds.steps import Reached, Steps, T
from tool_gym.generation.backends.worlds.world import World
from tool_gym.generation.proposals import Answer, Refused
from tool_gym.generation.topic import Topic

_HOPS = {0: (2, 2), 1: (2, 3), 2: (3, 4), 3: (6, 6), 4: (6, 7), 5: (7, 8)}
"""Steps of a chain by level."""
_JOINED_HOPS = {0: (2, 2), 1: (2, 2), 2: (2, 3), 3: (3, 4), 4: (3, 4), 5: (4, 5)}
"""Steps of each of several chains."""
_BRANCHES = {0: (2, 2), 1: (2, 2), 2: (2, 2), 3: (2, 3), 4: (3, 3), 5: (3, 4)}

_SHORTER = (0, 0, 1, 2, 3)
"""By how much chains are shortened, try after try, in a world where long ones are few."""
_STARTS = 4
"""Entities that are tried as the start of a chain."""
_WORKING_SPAN = 4000
"""Days up to which two dates are near enough to ask for the working days between them."""

_Tail: TypeAlias = tuple[Sequence[str], Sequence[Callable[[str], str]]]


def draw_plan(world: World, topic: Topic, rng: random.Random) -> Plan:
    """A plan of the topic's structure and level.

    Raises:
        Refused: If these random numbers lead to none.
    """
    levels = _HOPS if topic.structure == "multi_hop" else _JOINED_HOPS
    hops = topic.hops or rng.randint(*levels[topic.level])
    branches = topic.branches or rng.randint(*_BRANCHES[topic.level])
    last: Refused | None = None
    for less in (0,) if topic.hops or "hop" not in str(topic.structure) else _SHORTER:
        try:
            return _drawn(Walk(world, rng), topic, max(hops - less, 2), branches)
        except Refused as refusal:
            last = refusal
    raise last or Refused("decompose", "a dead end")


def _drawn(walk: Walk, topic: Topic, hops: int, branches: int) -> Plan:
    match topic.structure:
        case "single_hop":
            return walk.concluded("value", [walk.single()])
        case "parallel_single_hop":
            return walk.parallel(branches, 1)
        case "multi_hop":
            return walk.concluded("value", [walk.chain(hops)])
        case "parallel_multi_hop":
            return walk.parallel(branches, hops)
        case None:
            raise Refused("decompose", "no structure", "a topic from a world names one")


class Walk(Steps):
    """A plan in the making: chains, and how they come together."""

    def concluded(self, conclusion: Conclusion, ends: Sequence[str]) -> Plan:
        """The plan, with its answer."""
        answers = [self._answers[end] for end in ends]
        answer = _conclude(conclusion, answers, [self._subject(end) for end in ends])
        return Plan(tuple(self._operations), dict(self._answers), conclusion, tuple(ends), answer)

    def single(self) -> str:
        """One step from entities that the question names."""
        makers = [self._past, self._since_when, self._extreme, self._found, self._counting, self._value, self._value]
        # Two names, or a name alone, are a question of few words, and so of few skeletons.
        rare = [self._distance, self._identified]
        return self._any([*makers, *rare] if self._rng.random() < 0.3 else makers)

    def chain(self, length: int, end: Callable[[str, str], str] | None = None) -> str:
        """A chain of that many steps from a named entity; returns its last step.

        Args:
            length: Steps, >= 2.
            end: Makes the last step from an input and its type; None chooses one.
        """
        tail: _Tail = ((), ())
        if end is None and length > 2 and self._rng.random() < 0.55:
            tail = self._rng.choice([each for each in self._tails if len(each[1]) < length - 1])
        kinds, works = tail

        def finish(name: str, kind: str) -> str:
            if not works:
                return end(name, kind) if end else self._terminal(name, kind)
            step = self._attribute(name, kind, kinds) if kinds else name
            for work in works:
                step = work(step)
            return step

        return self._led(length - len(works) - (1 if kinds or not works else 0), (), finish)

    def _led(self, hops: int, to: Sequence[str], finish: Callable[[str, str], T]) -> T:
        """What `finish` makes of an entity so many hops from a named one, of one of the types in `to` if there are any.

        Now and then the first of the hops finds the entity behind another name.
        """

        def begin() -> T:
            if hops > 1 and self._rng.random() < 0.4:
                kind = self._rng.choice(list(self._world.domain.types))
                if self._has_other_names(kind):
                    return self._on(self._identify(kind), kind, hops - 1, to, finish)
            return self._on(*self._start(), hops, to, finish)

        return self._attempt([begin] * _STARTS)

    def _on(self, name: str, kind: str, hops: int, to: Sequence[str], finish: Callable[[str, str], T]) -> T:
        """The same from an entity; a way that ends too early, or that `finish` can make nothing of, is not taken."""
        if hops == 0:
            return finish(name, kind)
        links = self._links(name, kind, to if hops == 1 else ())
        return self._attempt([partial(self._after, link, hops - 1, to, finish) for link in links])

    def _after(self, link: Callable[[], Reached], hops: int, to: Sequence[str], finish: Callable[[str, str], T]) -> T:
        return self._on(*link(), hops, to, finish)

    @property
    def _tails(self) -> list[_Tail]:
        """Ways to end a chain: what kind of attribute is read, none for the entity itself, and what is made of it."""
        tails: list[_Tail] = [
            (("date",), (self._shift,)),
            (("date",), (self._weekday,)),
            (("date",), (self._shift, self._weekday)),
            (("integer", "decimal"), (self._measure,)),
            (("integer",), (self._digits,)),
            (NUMERIC, (self._portion,)),
            ((), (self._letters,)),
        ]
        if "holidays" in self._world.tables:
            tails += [(("date",), (self._workshift,)), (("date",), (self._workshift, self._weekday))]
        if "exchange_rates" in self._world.tables:
            tails += [(("money",), (self._convert,)), (("money",), (self._portion, self._convert))]
        return tails

    def parallel(self, branches: int, hops: int) -> Plan:
        """Branches that a tool joins (two places, two dates, numbers), that are compared, or asked for one by one."""
        joins = [self._compared, self._compared, self._listed]
        if hops > 1:
            joins += [self._computed, self._computed]
            if branches == 2:
                joins += [self._joined_dates, self._shared, *([self._joined_places] if self._located else [])]
        return self._any([partial(join, branches, hops) for join in joins])

    def _branch(self, hops: int, end: Callable[[str, str], str]) -> str:
        return self.chain(hops, end) if hops > 1 else end(*self._start())

    def _joined_places(self, branches: int, hops: int) -> Plan:
        ends = tuple(self._led(hops, self._located, lambda name, _: name) for _ in range(branches))
        step = self._add(Operation(id=self._next, op="distance", inputs=ends))
        if self._rng.random() < 0.3:
            step = self._measure(step)
        return self.concluded("value", [step])

    def _joined_dates(self, branches: int, hops: int) -> Plan:
        ends = [self._branch(hops, lambda name, kind: self._attribute(name, kind, ("date",))) for _ in range(branches)]
        days = abs((date.fromisoformat(self._value_of(ends[0])) - date.fromisoformat(self._value_of(ends[1]))).days)
        near = "holidays" in self._world.tables and days < _WORKING_SPAN
        return self.concluded(
            "value", [self._add(Operation(id=self._next, op="workgap" if near else "gap", inputs=tuple(ends)))]
        )

    def _computed(self, branches: int, hops: int) -> Plan:
        """A calculator makes one number of the same number of several entities."""
        kind, key, ends = self._same_of_each(branches, hops, NUMERIC)
        on_a_scale = self._on_a_scale(self._operation(ends[0]))
        if branches == 2 and not on_a_scale:  # nobody wants the mean of two offsets, let alone their ratio
            raise Refused("decompose", "nothing to make of two")
        options = ["ratio", "percentage"] if branches == 2 else ["mean", "spread"] if on_a_scale else ["spread"]
        step = self._add(
            Operation(
                id=self._next, op="compute", inputs=tuple(ends), kind=kind, field=key,
                statistic=self._rng.choice(options),
            )
        )  # fmt: skip
        return self.concluded("value", [step])

    def _shared(self, branches: int, hops: int) -> Plan:
        """The one entity that two others, each at the end of a chain, have in common; and something of it."""
        types = self._world.domain.types
        # Of its own type neither may be: two farmers in one sentence are told apart by nobody.
        pairs = [
            (kind, *pair)
            for kind, each in types.items()
            for pair in itertools.permutations(
                [key for key, one in each.relations.items() if one.inverses and one.target != kind], 2
            )
        ]
        if not pairs:
            raise Refused("decompose", "no two relations")
        kind, first, second = self._rng.choice(pairs)
        relations = types[kind].relations
        # The member is drawn first, so that the chains only have to lead to what it belongs to.
        rows = [row for row in self._world.entities[kind] if row["name"] not in self._seen]
        row = self._rng.choice(rows)
        ends = tuple(
            self._path_to(relations[key].target, row[key], self._rng.randint(1, max(hops - 1, 1)))
            for key in (first, second)
        )  # fmt: skip
        step = self._add(
            Operation(id=self._next, op="find", inputs=ends, kind=kind, scope=first, also=second, result=kind)
        )  # fmt: skip
        return self.concluded("value", [self._terminal(step, kind)])

    def _path_to(self, kind: str, name: str, hops: int) -> str:
        """A chain that ends at an entity: its steps are drawn backwards, from the entity to one that leads to it."""
        path: list[tuple[str, str]] = []
        at, reached = kind, name
        for _ in range(hops):
            sources = [
                (other, key, row["name"])
                for other, each in self._world.domain.types.items()
                for key, relation in each.relations.items()
                if relation.target == at
                for row in self._world.entities[other]
                if row[key] == reached and row["name"] not in self._seen
            ]
            if not sources:
                break
            at, key, reached = self._rng.choice(sources)
            path.insert(0, (at, key))
        if not path or reached in self._seen:
            raise Refused("decompose", "a dead end")
        self._seen.add(reached)
        step = f"={reached}"
        for at, key in path:
            step = self._follow(step, at, key, self._world.domain.types[at].relations[key].target)[0]
        return step

    def _compared(self, branches: int, hops: int) -> Plan:
        """The same number or date of several entities, and what follows from it without a tool."""
        kind, key, ends = self._same_of_each(branches, hops, SORTABLE)
        attribute = self._world.domain.types[kind].attributes[key]
        options: list[Conclusion] = ["list", "list"]
        if attribute.kind in NUMERIC:
            options += ["difference", "difference"] if branches == 2 else []
            options += ["total", "total"] if attribute.additive else []
        if hops > 1 or branches > 2:
            options += ["largest", "smallest", "ranking"]
        if hops > 1 and branches == 2:
            options.append("whether")
        return self.concluded(self._rng.choice(options), ends)

    def _same_of_each(self, branches: int, hops: int, wanted: Sequence[str]) -> tuple[str, str, list[str]]:
        """The same attribute of entities of one type, one at the end of each branch: the type, its key, the steps."""
        kinds = [
            (kind, key)
            for kind, each in self._world.domain.types.items()
            for key, attribute in each.attributes.items()
            if attribute.kind in wanted
        ]

        def read(kind: str, key: str) -> tuple[str, str, list[str]]:
            ends = []
            for _ in range(branches):
                name = self._led(hops - 1, (kind,), lambda name, _: name) if hops > 1 else self._start(kind)[0]
                ends.append(self._add(Operation(id=self._next, op="attribute", inputs=(name,), kind=kind, field=key)))
            return kind, key, ends

        return self._any([partial(read, *pair) for pair in kinds])

    def _listed(self, branches: int, hops: int) -> Plan:
        """Unlike things of several entities."""
        ends = [self._branch(hops, self._terminal) for _ in range(branches)]
        operations = [self._operation(end) for end in ends]
        if len({(each.op, each.kind, each.field) for each in operations}) < len(ends):
            raise Refused("decompose", "branches that are alike")
        return self.concluded("list", ends)

    # Single questions.

    def _distance(self) -> str:
        if not self._located:
            raise Refused("decompose", "no places")
        ends = tuple(self._start(self._rng.choice(self._located))[0] for _ in range(2))
        return self._add(Operation(id=self._next, op="distance", inputs=ends))

    def _past(self) -> str:
        return self._holder(*self._dated())[0]

    def _since_when(self) -> str:
        return self._since(*self._dated())

    def _dated(self) -> tuple[str, str, str]:
        """A named entity, its type, and the key of a relation of it whose history is recorded."""
        pairs = [
            (kind, key)
            for kind, each in self._world.domain.types.items()
            for key, relation in each.relations.items()
            if relation.pasts
        ]
        if not pairs:
            raise Refused("decompose", "no histories")
        kind, key = self._rng.choice(pairs)
        return self._start(kind)[0], kind, key

    def _identified(self) -> str:
        return self._identify(self._rng.choice(list(self._world.domain.types)))

    def _extreme(self) -> str:
        name, _, other, key = self._set_of_start()
        return self._best(name, other, key)[0]

    def _found(self) -> str:
        name, _, other, key = self._set_of_start()
        return self._filtered(name, other, key)[0]

    def _set_of_start(self) -> tuple[str, str, str, str]:
        """A named entity, its type, and a relation of another type that points at it: that type and its key."""
        name, kind = self._start()
        pairs = [
            (other, key)
            for other, each in self._world.domain.types.items()
            for key, relation in each.relations.items()
            if relation.target == kind and relation.inverses
        ]
        if not pairs:
            raise Refused("decompose", "a dead end")
        return name, kind, *self._rng.choice(pairs)

    def _counting(self) -> str:
        name, kind = self._start()
        return self._terminal(name, kind)

    def _value(self) -> str:
        name, kind = self._start()
        return self._attribute(name, kind)

    def _subject(self, end: str) -> str:
        """The name of the entity that a step reads."""
        return str(self._value_of(self._operation(end).inputs[0]))


def _compare(conclusion: Conclusion, values: Sequence[Any], subjects: Sequence[str]) -> Answer:
    if len(set(values)) < len(values):
        raise Refused("decompose", "no definite order")
    if conclusion == "whether":
        return Answer(value=values[0] > values[1], kind="bool")
    order = sorted(subjects, key=lambda subject: values[subjects.index(subject)], reverse=conclusion != "smallest")
    if conclusion == "ranking":
        return Answer(value=order, kind="list")
    return Answer(value=order[0], kind="text")


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
        case "largest" | "smallest" | "ranking" | "whether":
            return _compare(conclusion, values, subjects)
        case _:
            value = sum(values) if conclusion == "total" else abs(values[0] - values[1])
            if value == 0:
                raise Refused("decompose", "no difference")
            decimals = 0 if all(isinstance(each, int) for each in values) else 3
            rounded = round(value, decimals) if decimals else value
            return Answer(value=rounded, kind="number", unit=first.unit, tolerance=slack)
