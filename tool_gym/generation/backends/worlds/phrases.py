"""Phrases: what an operation gives as a noun phrase, and the direct question for it, composed recursively."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date

from tool_gym.generation.backends.worlds.domain import Attribute, EntityType
from tool_gym.generation.backends.worlds.frames import ASKS, STATISTIC_WORDS
from tool_gym.generation.backends.worlds.grammar import be, possessive, series
from tool_gym.generation.backends.worlds.plan import Operation, Plan
from tool_gym.generation.backends.worlds.quantities import UNITS, quantity_of
from tool_gym.generation.backends.worlds.world import World

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_PLACES = ("", "", "second ", "third ", "fourth ")
_SHARE_HELD_OUT = 3
"""Of the phrasings of one thing the last is kept for the split `test`, and one more for every so many."""

_LONG = 36
"""Characters from which a phrase should not stand in the middle of another."""
_SHORT = 24
"""Characters up to which a phrase can be a possessive."""


class Phrases:
    """Says the operations of a plan.

    Args:
        world: The facts.
        plan: What is asked.
        rng: Chooses phrasings.
        split: `test` uses the phrasings that are held out, and no other split does.
        level: From 2, superlatives may be spelled out.

    Attributes:
        chosen: Ids of the phrasings that were chosen where there was a choice; no id serves both splits.
        labels: What stands for the answers of steps that were told already, as "that port".
    """

    def __init__(self, world: World, plan: Plan, rng: random.Random, split: str, level: int) -> None:
        self.world, self.plan, self.rng, self.level = world, plan, rng, level
        self.held_out = split == "test"
        self.labels: dict[str, str] = {}
        self.chosen: list[str] = []
        self._last = ""

    def pick(self, name: str, options: Sequence[str]) -> str:
        """One of the phrasings of a thing; its number is noted."""
        if len(options) < 2:
            return options[0]
        kept = len(options) - max(1, len(options) // _SHARE_HELD_OUT)
        i = self.rng.randrange(kept, len(options)) if self.held_out else self.rng.randrange(kept)
        self.chosen.append(f"{name}.{i}")
        return options[i]

    def fresh(self, name: str, options: Sequence[str]) -> str:
        """One of the phrasings, and not the one that was chosen last if there is another."""
        chosen = self.pick(name, options)
        if chosen == self._last:
            chosen = self.pick(name, options)
        self._last = chosen
        return chosen

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
        x = operation.inputs[0]
        match operation.op:
            case "follow":
                return self._other_end(operation)
            case "past":
                return self._told_by(operation, self.np(x))
            case "extreme":
                return self._superlative(operation)
            case "find":
                return self._only(operation)
            case "identify":
                return self._by_other_name(operation)
            case "since":
                frames = ("the date from which it was the same {x}", "the first day on which it was the same {x}")
                return self.pick("since.noun", frames).format(x=self._holding(operation))
            case "count":
                return f"the number of {self._set(operation)}"
            case "aggregate":
                word = self.pick(f"statistic.{operation.statistic}", STATISTIC_WORDS[operation.statistic])
                noun = self.pick(f"{operation.kind}.{operation.field}.noun", self.attribute(operation).nouns)
                return f"the {word} {noun} of the {self._set(operation)}"
            case "attribute":
                noun = self.pick(f"{operation.kind}.{operation.field}.noun", self.attribute(operation).nouns)
                return self._of(noun, self.np(x))
            case _:
                return self._made(operation, [self.np(name) for name in operation.inputs])

    def _made(self, operation: Operation, of: Sequence[str]) -> str:
        """What is made of values or places, as a noun phrase."""
        match operation.op:
            case "distance":
                return f"the distance between {of[0]} and {of[1]}"
            case "gap":
                return f"the number of days between {of[0]} and {of[1]}"
            case "workgap":
                return f"the number of working days between {of[0]} and {of[1]}"
            case "shift" | "workshift":
                return f"the date {self._days(operation)} {of[0]}"
            case "weekday":
                return f"the weekday of {of[0]}"
            case "convert":
                return f"{of[0]}, converted into {operation.currency}"
            case "measure":
                return f"{of[0]}, in {self.unit_name(operation)}"
            case "spell":
                return f"the {operation.statistic.replace('_', ' ')} of {of[0]}"
            case _:  # of computations only a portion is an input of another step
                return f"{operation.percent} per cent of {of[0]}"

    def _of(self, noun: str, x: str) -> str:
        """Something of something: "the length of X", or "X's length" where that reads well."""
        plain = len(x) <= _SHORT and not any(part in x for part in (" of ", "'", ",")) and not x.startswith("{")
        if plain and self.rng.random() < 0.35:
            return f"{possessive(x)} {noun}"
        return f"the {noun} of {x}"

    def _other_end(self, operation: Operation) -> str:
        """The other end of a relation, by what it is called or by what it does."""
        relation = self.kind(operation.kind).relations[operation.field]
        x = self.np(operation.inputs[0])
        told = self._told_by(operation, x)
        if self.rng.random() < 0.5 or (len(x) > _LONG and not told.endswith(x)):
            return self._of(self.pick(f"{operation.kind}.{operation.field}.noun", relation.nouns), x)
        return told

    def _by_other_name(self, operation: Operation) -> str:
        noun, x = self.kind(operation.kind).noun, self.np(operation.inputs[0])
        if operation.field == "former_name":
            who = "who" if self.kind(operation.kind).person else "that"
            frames = (
                "the {n} formerly called {x}",
                f"the {{n}} {who} was once called {{x}}",
                f"the {{n}} {who} went by the name of {{x}}",
            )
        else:
            frames = ("the {n} nicknamed {x}", "the {n} that people call {x}", "the {n} known to all as {x}")
        return self.pick(f"other name.{operation.field}", frames).format(n=noun, x=x)

    def _only(self, operation: Operation) -> str:
        """The one entity that meets conditions."""
        kind = self.kind(operation.kind)
        before, after = self._where(operation)
        inverse = self._inverse(operation)
        if operation.also:
            second = self._pattern(operation.kind, operation.also).format(x=self.np(operation.inputs[1]))
            return f"the {before}{kind.noun}{after} {inverse} and {second}"
        limits = series([self._limit(operation, *each) for each in operation.limits], "and")
        if self.rng.random() < 0.5:
            return f"the only {before}{kind.noun}{after} {limits} among those {inverse}"
        return f"the one {before}{kind.noun}{after}, of all those {inverse}, {limits}"

    def _limit(self, operation: Operation, key: str, end: str, bound: float | str) -> str:
        """A condition on a number or a date."""
        attribute = self.kind(operation.kind).attributes[key]
        noun = self.pick(f"{operation.kind}.{key}.noun", attribute.nouns)
        if attribute.kind in ("date", "year"):
            year = str(bound)[:4]
            frames = (
                ("whose {n} lies in {v} or later", "whose {n} is not before {v}")
                if end == "min"
                else ("whose {n} lies in {v} or earlier", "whose {n} is not after {v}")
            )
            return self.pick(f"limit.date.{end}", frames).format(n=noun, v=year)
        value = f"{bound:,}{self._unit_after(attribute, noun)}"
        frames = (
            ("whose {n} {be} {v} or more", "whose {n} {be} at least {v}")
            if end == "min"
            else ("whose {n} {be} {v} or less", "whose {n} {be} at most {v}")
        )
        return self.pick(f"limit.{end}", frames).format(n=noun, v=value, be=be(noun))

    def _unit_after(self, attribute: Attribute, noun: str) -> str:
        """The unit after a number, unless what is counted was said before."""
        words = self.world.currency if attribute.kind == "money" else attribute.unit_words
        return f" {words}" if words and words.removesuffix("s") not in noun else ""

    def unit_name(self, operation: Operation) -> str:
        """The unit into which a value is converted, in words."""
        unit = operation.units[1]
        return UNITS[quantity_of(unit)][unit].words

    def _told_by(self, operation: Operation, x: str) -> str:
        """The other end of a relation by what it does, or did on a day: "the company that operates X"."""
        relation = self.kind(operation.kind).relations[operation.field]
        kind = self.kind(relation.target)
        key, that = f"{operation.kind}.{operation.field}", "who" if kind.person else "that"
        if operation.op == "past":
            verb, day = self.pick(f"{key}.past", relation.pasts).format(x=x), self._date(operation.day)
            if self._short(operation):
                return f"the {kind.noun} {that} {verb} on {day}"
            return f"the {kind.noun} {that}, on {day}, {verb}"
        if relation.clauses:
            return f"the {kind.noun} {self.pick(f'{key}.clause', relation.clauses).format(x=x)}"
        return f"the {kind.noun} {that} {self.pick(f'{key}.verb', relation.verbs).format(x=x)}"

    def _holding(self, operation: Operation) -> str:
        """What follows "the same": "farmer who held the lease of X as on that day"."""
        relation = self.kind(operation.kind).relations[operation.field]
        kind = self.kind(relation.target)
        verb = self.pick(f"{operation.kind}.{operation.field}.past", relation.pasts)
        does = f"{'who' if kind.person else 'that'} {verb.format(x=self.np(operation.inputs[0]))}"
        day = self._date(operation.day)
        return f"{kind.noun} {does} as on {day}" if self._short(operation) else f"{kind.noun} as on {day} {does}"

    def _short(self, operation: Operation) -> bool:
        """Whether a date may follow what is said of its input; after a long phrase it would seem to belong to that."""
        return not operation.needs or operation.inputs[0] in self.labels

    def _superlative(self, operation: Operation) -> str:
        kind, attribute = self.kind(operation.kind), self.attribute(operation)
        key = f"{operation.kind}.{operation.field}"
        words = attribute.most if operation.most else attribute.least
        before, after = self._where(operation)
        inverse, place, within = self._inverse(operation), _PLACES[operation.place], self._within(operation)
        if self.level < 2 or self.rng.random() < 0.55:
            word = self.pick(f"{key}.{'most' if operation.most else 'least'}", words)
            if self.rng.random() < 0.6 and not place:
                return f"the {word} {before}{kind.noun}{after} {inverse}{within}"
            return f"the {place}{word} of the {before}{kind.plural}{after} {inverse}{within}"
        noun = self.pick(f"{key}.noun", attribute.nouns)
        if attribute.kind in ("date", "year"):
            end = "latest" if operation.most else "earliest"
        else:
            end = self._end(attribute, operation.most)
        return f"the {before}{kind.noun}{after} with the {place}{end} {noun} among those {inverse}{within}"

    def _within(self, operation: Operation) -> str:
        """What follows a superlative that holds among those only that keep to a limit."""
        if not operation.limits:
            return ""
        frames = (", counting only those {l}", ", considering only those {l}", ", looking only at those {l}")
        return self.pick("extreme.limit", frames).format(l=self._limit(operation, *operation.limits[0]))

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
        return self._pattern(operation.kind, operation.scope).format(x=self.np(operation.inputs[0]))

    def _pattern(self, kind: str, key: str) -> str:
        return self.pick(f"{kind}.{key}.inverse", self.kind(kind).relations[key].inverses)

    def _set(self, operation: Operation) -> str:
        before, after = self._where(operation)
        return f"{before}{self.kind(operation.kind).plural}{after} {self._inverse(operation)}"

    def _days(self, operation: Operation) -> str:
        count, weeks = abs(operation.days), abs(operation.days) // 7
        way = "after" if operation.days > 0 else "before"
        if operation.op == "workshift":
            return f"{count} working days {way}"
        return f"{weeks} weeks {way}" if count % 7 == 0 else f"{count} days {way}"

    def ask(self, operation: Operation) -> str:
        """A direct question, without its capital and its question mark."""
        match operation.op:
            case "attribute":
                return self._ask_value(operation)
            case "follow" | "past":
                return self._ask_who(operation)
            case "extreme" | "find":
                who = "who" if self.kind(operation.kind).person else "which"
                frames = (f"{who} is {{x}}", "what is the name of {x}", "what is {x} called")
                return self.pick(f"ask.entity.{who}", frames).format(x=self.phrase(operation))
            case "identify" | "since" | "count" | "aggregate":
                key = f"{operation.op}.{operation.field}" if operation.op == "identify" else operation.op
                x = self._set(operation) if operation.op == "count" else self.phrase(operation)
                if operation.op == "since":
                    x = self._holding(operation)
                return self.pick(f"ask.{key}", ASKS[key]).format(x=x, **_verbs(x))
            case _:
                return self._ask_made(operation)

    def _ask_value(self, operation: Operation) -> str:
        attribute, key = self.attribute(operation), f"{operation.kind}.{operation.field}"
        if attribute.asks and self.rng.random() < 0.7:
            x = self.np(operation.inputs[0])
            asked = self.pick(f"{key}.ask", attribute.asks).format(x=x)
            if asked.endswith(x) or len(x) <= _LONG:
                return asked
        noun = self.pick(f"{key}.noun", attribute.nouns)
        return f"what {be(noun)} {self._of(noun, self.np(operation.inputs[0]))}"

    def _ask_made(self, operation: Operation) -> str:
        """A question for what is made of values or places."""
        key: str = operation.op
        if operation.op in ("compute", "spell"):
            key = f"{operation.op}.{operation.statistic}"
        of = self._same(operation) or [self.np(name) for name in operation.inputs]
        words = {"c": operation.currency, "p": operation.percent, "all": series(of, "and")}
        if operation.op in ("shift", "workshift"):
            words["d"] = self._days(operation)
        if operation.op == "measure":
            words["u"] = self.unit_name(operation)
        read = [self.plan.operation(name).op for name in operation.needs if name not in self.labels]
        words |= _verbs(of[0] if read[:1] == ["attribute"] else "")
        return self.pick(f"ask.{key}", ASKS[key]).format(x=of[0], a=of[0], b=of[-1], **words)

    def _same(self, operation: Operation) -> list[str]:
        """The inputs of a computation, if they are the same of several: "the length of A" and "that of B"."""
        if operation.op != "compute" or any(name in self.labels for name in operation.needs):
            return []
        reads = [self.plan.operation(name) for name in operation.needs]
        if len(reads) < 2:
            return []
        return [self.phrase(reads[0]), *(f"that of {self.np(each.inputs[0])}" for each in reads[1:])]

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
        day = self._date(operation.day)
        return f"{who} {verb} on {day}" if self._short(operation) else f"on {day}, {who} {verb}"

    def _date(self, text: str) -> str:
        day = date.fromisoformat(text)
        month = _MONTHS[day.month - 1]
        return self.pick("date", (f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}", text))


def _verbs(noun: str) -> dict[str, str]:
    """The verbs after which a noun phrase can stand in a question."""
    return {"be": "are", "do": "do"} if be(noun) == "are" else {"be": "is", "do": "does"}
