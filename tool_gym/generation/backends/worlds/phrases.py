"""Phrases: what an operation gives as a noun phrase, and the direct question for it, composed recursively."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date

from tool_gym.generation.backends.worlds.domain import Attribute, EntityType
from tool_gym.generation.backends.worlds.plan import Operation, Plan
from tool_gym.generation.backends.worlds.world import World

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_STATISTIC_WORDS = {
    "mean": ("average", "mean"),
    "median": ("median",),
    "total": ("total", "combined"),
}
HELD_OUT_FROM = 3
"""Of so many or more phrasings of one thing, the last is kept for the split `test`."""

_LONG = 36
"""Characters from which a phrase should not stand in the middle of another."""


class Phrases:
    """Says the operations of a plan.

    Args:
        world: The facts.
        plan: What is asked.
        rng: Chooses phrasings.
        split: `test` may use phrasings that are held out.
        level: From 2, superlatives may be spelled out.

    Attributes:
        chosen: Ids of the phrasings that were chosen.
        labels: What stands for the answers of steps that were told already, as "that port".
    """

    def __init__(self, world: World, plan: Plan, rng: random.Random, split: str, level: int) -> None:
        self.world, self.plan, self.rng, self.level = world, plan, rng, level
        self.held_out = split == "test"
        self.labels: dict[str, str] = {}
        self.chosen: list[str] = []

    def pick(self, name: str, options: Sequence[str]) -> str:
        """One of the phrasings of a thing; its number is noted."""
        last = len(options) >= HELD_OUT_FROM
        if last and self.held_out and self.rng.random() < 0.6:
            i = len(options) - 1
        else:
            i = self.rng.randrange(len(options) - (last and not self.held_out))
        self.chosen.append(f"{name}.{i}")
        return options[i]

    def kind(self, key: str) -> EntityType:
        """The type of that key."""
        return self.world.domain.types[key]

    def attribute(self, operation: Operation) -> Attribute:
        """The attribute that an operation reads."""
        return self.kind(operation.kind).attributes[operation.field]

    def np(self, name: str) -> str:
        """An input as a noun phrase."""
        if name in self.labels:
            return self.labels[name]
        if name.startswith("="):
            return name[1:]
        return self.phrase(self.plan.operation(name))

    def phrase(self, operation: Operation) -> str:
        """What an operation gives, as a noun phrase."""
        match operation.op:
            case "follow":
                relation = self.kind(operation.kind).relations[operation.field]
                key, x = f"{operation.kind}.{operation.field}", self.np(operation.inputs[0])
                told = self._told_by(operation, x)
                if self.rng.random() < 0.5 or (len(x) > _LONG and not told.endswith(x)):
                    return f"the {self.pick(f'{key}.noun', relation.nouns)} of {x}"
                return told
            case "past":
                return self._told_by(operation, self.np(operation.inputs[0]))
            case "extreme":
                return self._superlative(operation)
            case "count":
                return f"the number of {self._set(operation)}"
            case "aggregate":
                word = self.pick(f"statistic.{operation.statistic}", _STATISTIC_WORDS[operation.statistic])
                noun = self.pick(f"{operation.kind}.{operation.field}.noun", self.attribute(operation).nouns)
                return f"the {word} {noun} of the {self._set(operation)}"
            case "attribute":
                noun = self.pick(f"{operation.kind}.{operation.field}.noun", self.attribute(operation).nouns)
                return f"the {noun} of {self.np(operation.inputs[0])}"
            case "distance":
                first, second = (self.np(name) for name in operation.inputs)
                return f"the distance between {first} and {second}"
            case "gap":
                first, second = (self.np(name) for name in operation.inputs)
                return f"the number of days between {first} and {second}"
            case "shift":
                return f"the date {self._days(operation)} {self.np(operation.inputs[0])}"
            case "convert":
                return f"{self.np(operation.inputs[0])}, converted into {operation.currency}"

    def _told_by(self, operation: Operation, x: str) -> str:
        """The other end of a relation by what it does, or did on a day: "the company that operates X"."""
        kind = self.kind(operation.result)
        relation = self.kind(operation.kind).relations[operation.field]
        key, that = f"{operation.kind}.{operation.field}", "who" if kind.person else "that"
        if operation.op == "past":
            verb, day = self.pick(f"{key}.past", relation.pasts).format(x=x), self._date(operation.day)
            # After a long phrase a date would seem to belong to the end of it.
            simple = not operation.needs or operation.inputs[0] in self.labels
            return f"the {kind.noun} {that} {verb} on {day}" if simple else f"the {kind.noun} {that}, on {day}, {verb}"
        if relation.clauses:
            return f"the {kind.noun} {self.pick(f'{key}.clause', relation.clauses).format(x=x)}"
        return f"the {kind.noun} {that} {self.pick(f'{key}.verb', relation.verbs).format(x=x)}"

    def _superlative(self, operation: Operation) -> str:
        kind, attribute = self.kind(operation.kind), self.attribute(operation)
        key = f"{operation.kind}.{operation.field}"
        words = attribute.most if operation.most else attribute.least
        before, after = self._where(operation)
        inverse = self._inverse(operation)
        if self.level < 2 or self.rng.random() < 0.55:
            word = self.pick(f"{key}.{'most' if operation.most else 'least'}", words)
            if self.rng.random() < 0.6:
                return f"the {word} {before}{kind.noun}{after} {inverse}"
            return f"the {word} of the {before}{kind.plural}{after} {inverse}"
        noun = self.pick(f"{key}.noun", attribute.nouns)
        if attribute.kind in ("date", "year"):
            end = "latest" if operation.most else "earliest"
        else:
            end = self._end(attribute, operation.most)
        return f"the one with the {end} {noun} among the {before}{kind.plural}{after} {inverse}"

    def _end(self, attribute: Attribute, most: bool) -> str:
        """An end of a scale; money is high or low, other things are great or small."""
        if attribute.kind == "money":
            return self.pick("end.money", ("highest", "greatest") if most else ("lowest", "smallest"))
        return self.pick("end", ("greatest", "largest") if most else ("smallest", "least"))

    def _where(self, operation: Operation) -> tuple[str, str]:
        """What stands before and after the noun of a set for its enum member."""
        if not operation.where:
            return "", ""
        attribute = self.kind(operation.kind).attributes[operation.where[0]]
        if attribute.adjective:
            return attribute.adjective.format(v=operation.where[1]) + " ", ""
        return "", " " + attribute.clause.format(v=operation.where[1])

    def _inverse(self, operation: Operation) -> str:
        relation = self.kind(operation.kind).relations[operation.scope]
        pattern = self.pick(f"{operation.kind}.{operation.scope}.inverse", relation.inverses)
        return pattern.format(x=self.np(operation.inputs[0]))

    def _set(self, operation: Operation) -> str:
        before, after = self._where(operation)
        return f"{before}{self.kind(operation.kind).plural}{after} {self._inverse(operation)}"

    def _days(self, operation: Operation) -> str:
        count, weeks = abs(operation.days), abs(operation.days) // 7
        way = "after" if operation.days > 0 else "before"
        return f"{weeks} weeks {way}" if count % 7 == 0 else f"{count} days {way}"

    def ask(self, operation: Operation) -> str:
        """A direct question, without its capital and its question mark."""
        name = operation.inputs[0]
        frames: tuple[str, ...]
        match operation.op:
            case "attribute":
                attribute = self.attribute(operation)
                key = f"{operation.kind}.{operation.field}"
                if attribute.asks and self.rng.random() < 0.7:
                    x = self.np(name)
                    asked = self.pick(f"{key}.ask", attribute.asks).format(x=x)
                    if asked.endswith(x) or len(x) <= _LONG:
                        return asked
                return f"what is {self.phrase(operation)}"
            case "follow" | "past":
                return self._ask_who(operation)
            case "extreme":
                return f"{'who' if self.kind(operation.kind).person else 'which'} is {self.phrase(operation)}"
            case "count":
                return f"how many {self._set(operation)} are there"
            case "distance":
                first, second = (self.np(each) for each in operation.inputs)
                frames = (
                    "how far is it from {a} to {b}",
                    "how far apart are {a} and {b}",
                    "how many kilometres lie between {a} and {b}",
                    "what is the distance as the crow flies from {a} to {b}",
                    "how long is the straight line from {a} to {b}",
                    "what is the distance between {a} and {b}",
                )
                return self.pick("distance", frames).format(a=first, b=second)
            case "gap":
                first, second = (self.np(each) for each in operation.inputs)
                frames = ("how many days lie between {a} and {b}", "how many days apart are {a} and {b}")
                return self.pick("gap", frames).format(a=first, b=second)
            case "shift":
                frames = ("what date is {d} {x}", "which day falls {d} {x}")
                return self.pick("shift", frames).format(d=self._days(operation), x=self.np(name))
            case "convert":
                frames = ("how much is {x} in {c}", "what does {x} come to in {c}", "how many {c} would {x} make")
                return self.pick("convert", frames).format(x=self.np(name), c=operation.currency)
            case _:
                return f"what is {self.phrase(operation)}"

    def _ask_who(self, operation: Operation) -> str:
        kind = self.kind(operation.result)
        relation = self.kind(operation.kind).relations[operation.field]
        who = "who" if kind.person else f"which {kind.noun}"
        past, key = operation.op == "past", f"{operation.kind}.{operation.field}"
        if relation.asks and not past:
            return self.pick(f"{key}.ask", relation.asks).format(x=self.np(operation.inputs[0]))
        verbs = relation.pasts if past else relation.verbs
        verb = self.pick(f"{key}.{'past' if past else 'verb'}", verbs).format(x=self.np(operation.inputs[0]))
        if not past:
            return f"{who} {verb}"
        simple = not operation.needs or operation.inputs[0] in self.labels
        return (
            f"{who} {verb} on {self._date(operation.day)}"
            if simple
            else f"on {self._date(operation.day)}, {who} {verb}"
        )

    def _date(self, text: str) -> str:
        day = date.fromisoformat(text)
        month = _MONTHS[day.month - 1]
        return self.pick("date", (f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}", text))


def capital(text: str) -> str:
    """The text with its first letter in capital."""
    return text[0].upper() + text[1:]
