"""Reads a plan aloud: a long chain is cut into sentences that refer back, and branches are told one by one."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tool_gym.generation.backends.worlds.frames import ALONE, AMONG, COMPARISONS, LEADS
from tool_gym.generation.backends.worlds.grammar import be, capital, series
from tool_gym.generation.backends.worlds.phrases import Phrases
from tool_gym.generation.backends.worlds.plan import Operation, Plan
from tool_gym.generation.backends.worlds.quantities import UNITS, quantity_of
from tool_gym.generation.backends.worlds.world import World
from tool_gym.generation.proposals import Answer

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
_ORDINALS = ("first", "second", "third", "fourth")

_DEGREES = {
    "number": ("greatest", "smallest", "greater", "smaller"),
    "money": ("highest", "lowest", "higher", "lower"),
    "date": ("latest", "earliest", "later", "earlier"),
    "year": ("latest", "earliest", "later", "earlier"),
}
"""Most, least, more and less by kind of attribute."""
_WEIGHTS = {"follow": 1, "identify": 1, "past": 2, "extreme": 2, "find": 3}
"""How much of a sentence it takes to say a step that leads to an entity; one within limits is said like `find`."""
_ROOM = (2, 3)
"""What a sentence holds of that."""


class Speaker(Phrases):
    """Asks the question of a plan; the higher its level, the longer the sentences.

    Attributes:
        preamble: The sentence that opens the question and says nothing of it, or empty.
    """

    def __init__(self, world: World, plan: Plan, rng: random.Random, split: str, level: int) -> None:
        super().__init__(world, plan, rng, split, level)
        self.preamble = ""
        self._leads = rng.choice(LEADS)
        self._named = 0
        self._said = ""
        self._lettered = rng.random() < 0.35

    def question(self) -> str:
        """The question, with what form the answer should have."""
        parts = []
        if self.world.domain.personas and self.rng.random() < 0.35:
            self.preamble = self.rng.choice(self.world.domain.personas)
            parts.append(self.preamble)
        if self.world.domain.about:
            parts.append(self.rng.choice(self.world.domain.about))
        parts += self._one() if self.plan.conclusion == "value" else self._several()
        self._said = " ".join(parts)
        parts += [self._note(), self._form(self.plan.answer)]
        return _joined(parts)

    def step(self, operation: Operation) -> str:
        """A sub-question, with `{q1}` where it needs an answer."""
        unit = self._given_unit(operation)
        self.labels = {need: f"{{{need}}}{unit}" for need in operation.needs}
        return _joined([capital(self.ask(operation)) + "?", self._note_of(operation)])

    def _given_unit(self, operation: Operation) -> str:
        """What to say after the number that a conversion starts from."""
        if operation.op == "measure":
            unit = operation.units[0]
            return f" {UNITS[quantity_of(unit)][unit].words}"
        return f" {self.world.currency}" if operation.op == "convert" else ""

    # Whole questions.

    def _one(self) -> list[str]:
        end = self.plan.operation(self.plan.ends[0])
        joint = self._joint(end)
        if joint:
            told = self._introduced([self._owner(name) for name in joint.inputs], least=1 + (joint.op != "find"))
            return self._ordered(told, self._asked(end))
        cuts = self._cuts(self._walk(end.inputs[0]))
        nouns = [self.kind(step.result).noun for step in self._walk(end.inputs[0])]
        if len(cuts) in (1, 2) and len(set(nouns)) == len(nouns) and self.rng.random() < 0.4:
            return self._question_first(cuts, end)
        return [*self._led(cuts), self._asked(end)]

    def _joint(self, end: Operation) -> Operation | None:
        """The step at which branches come together on the way to the end, if there is one."""
        while len(end.needs) == 1:
            end = self.plan.operation(end.needs[0])
        return end if len(end.needs) > 1 else None

    def _question_first(self, cuts: Sequence[Operation], end: Operation) -> list[str]:
        """The question, and then what the things in it are, the last first."""
        defined = []
        for step in cuts:
            noun = self.kind(step.result).noun
            defined.append(self._defined("alone", ALONE, f"the {noun}", noun, step.id))
        return [self._asked(end), *reversed(defined)]

    def _defined(self, name: str, frames: Sequence[str], label: str, noun: str, step: str) -> str:
        """A sentence that gives an input a name, which is used from then on."""
        phrase = self.np(step)
        if any(phrase.startswith(f"the {each} of ") for each in self._longer(noun)):
            pass  # "the town of residence of X" is not "that of residence of X"
        elif phrase.startswith(f"the {noun} of ") and " of that " not in phrase:
            phrase = phrase.replace(f"the {noun}", "that", 1)
        elif phrase.startswith(f"the {noun} ") and not phrase.startswith(f"the {noun} of "):
            phrase = phrase.replace(f"the {noun}", "the one", 1)
        self.labels[step] = label
        self._named += 1
        return capital(self.fresh(f"define.{name}", frames).format(x=phrase, label=label))

    def _longer(self, noun: str) -> list[str]:
        """What relations are called that begins with a noun: "town of residence"."""
        relations = [each for kind in self.world.domain.types.values() for each in kind.relations.values()]
        return [each for relation in relations for each in relation.nouns if each.startswith(f"{noun} of ")]

    def _ordered(self, told: Sequence[str], asked: str) -> list[str]:
        """What is told before the question, or now and then after it, if each sentence gives a thing of it a name."""
        after = 0 < len(told) <= self._named and self.rng.random() < 0.4
        return [asked, *told] if after else [*told, asked]

    def _asked(self, operation: Operation) -> str:
        """A direct question, or a request."""
        if operation.result or operation.op in ("weekday", "spell", "compute") or self.rng.random() < 0.75:
            return capital(self.ask(operation)) + "?"
        frames = (
            "I need {x}.",
            "Please find out {x}.",
            "Could you look up {x}?",
            "I would like to know {x}.",
            "Tell me {x}.",
            "What I want to know is {x}.",
        )
        return self.pick("request", frames).format(x=self.phrase(operation))

    def _several(self) -> list[str]:
        ends = [self.plan.operation(end) for end in self.plan.ends]
        alike = len({(end.op, end.kind, end.field, end.scope) for end in ends}) == 1 and ends[0].op == "attribute"
        told = self._introduced([end.inputs[0] for end in ends])
        if alike:
            return self._ordered(told, self._compared(ends))
        questions = [self.ask(end) for end in ends]
        if len(questions) == 2:
            joiner = self.pick("join", (", and ", "? And ", ", and also: "))
            return self._ordered(told, capital(questions[0]) + joiner + questions[1] + "?")
        first, *rest = (capital(question) + "?" for question in questions)
        return [*told, first, *rest[:-1], f"And {rest[-1][0].lower()}{rest[-1][1:]}"]

    def _compared(self, ends: Sequence[Operation]) -> str:
        attribute = self.attribute(ends[0])
        noun = self.pick(f"{ends[0].kind}.{ends[0].field}.noun", attribute.nouns)
        names = [self.np(end.inputs[0]) for end in ends]
        most, least, more, less = _DEGREES[attribute.kind if attribute.kind in _DEGREES else "number"]
        if len(ends) == 2 and self.plan.conclusion in ("largest", "smallest"):
            most, least = more, less
        that = "that" if be(noun) == "is" else "those"
        words = {
            "noun": noun, "be": be(noun), "Be": capital(be(noun)), "that": that, "a": names[0], "b": names[1],
            "most": most, "least": least, "more": more,
            "all": series(names, "and"), "any": series(names, "or"),
            "those": series([names[0], *(f"{that} of {name}" for name in names[1:])], "and"),
            "each": series([names[0], *(f"of {name}" for name in names[1:])], "and"),
            "rest": series([names[1], *(f"of {name}" for name in names[2:])], "and"),
        }  # fmt: skip
        frames = COMPARISONS[self.plan.conclusion]
        if self.plan.conclusion == "list" and attribute.asks and self.rng.random() < 0.4:
            pattern = self.pick(f"{ends[0].kind}.{ends[0].field}.ask", attribute.asks)
            return f"{capital(series([pattern.format(x=name) for name in names], 'and'))}?"
        return self.pick(f"compare.{self.plan.conclusion}", frames).format(**words)

    # Sentences around the question.

    def _cuts(self, steps: Sequence[Operation]) -> list[Operation]:
        """The steps of a chain that get a sentence of their own, with what leads to them."""
        cuts: list[Operation] = []
        taken, room = 0, self.rng.choice(_ROOM)
        for before, step in zip((None, *steps), steps, strict=False):
            if before is not None and taken + _weight(step) > room:
                cuts.append(before)
                taken, room = 0, self.rng.choice(_ROOM)
            taken += _weight(step)
        if taken > 1 and (len(steps) > 1 or taken > 2):
            cuts.append(steps[-1])
        return cuts

    def _led(self, cuts: Sequence[Operation], again: bool = False) -> list[str]:
        """Sentences that walk through a chain, the first or a further one."""
        sentences = []
        for place, step in enumerate(cuts):
            part = 1 if place else 2 * again
            sentence = self.fresh(f"lead.{LEADS.index(self._leads)}.{part}", self._leads[part])
            phrase = self.np(step.id)
            sentences.append(sentence.format(x=phrase))
            self.labels[step.id] = f"that {self._head(step, phrase)}"
        return sentences

    def _head(self, step: Operation, phrase: str) -> str:
        """The noun to refer back by: "reeve" after "the reeve of X", as others are farmers too; else the type's."""
        kind = self.kind(step.result)
        nouns = self.kind(step.kind).relations[step.field].nouns if step.op == "follow" and kind.person else ()
        for noun in nouns:
            owned = phrase.endswith((f"'s {noun}", f"' {noun}")) and not phrase.startswith("the ")
            if owned or phrase.startswith(f"the {noun} of "):
                return noun
        return kind.noun

    def _introduced(self, names: Sequence[str], least: int = 2) -> list[str]:
        """Sentences that give several inputs a name each, unless what leads to each takes less than `least`."""
        if max(sum(_weight(step) for step in self._walk(name)) for name in names) < least:
            return []
        told = [name for name in names if self._walk(name)]
        nouns = [self.kind(self.plan.operation(name).result).noun for name in told]
        sentences: list[str] = []
        for place, (name, noun) in enumerate(zip(told, nouns, strict=True)):
            cuts = [step for step in self._cuts(self._walk(name)) if step.id != name]
            sentences += self._led(cuts, again=place > 0)
            if nouns.count(noun) == 1:
                sentences.append(self._defined("alone", ALONE, f"the {noun}", noun, name))
                continue
            nth = nouns[:place].count(noun)
            label = f"{noun} {'ABCD'[nth]}" if self._lettered else f"the {_ORDINALS[nth]} {noun}"
            sentences.append(self._defined("among", AMONG, label, noun, name))
        return sentences

    def _walk(self, name: str) -> list[Operation]:
        """The operations that lead to an entity, first to last."""
        steps: list[Operation] = []
        while not name.startswith("="):
            operation = self.plan.operation(name)
            if operation.result:
                steps.insert(0, operation)
            name = operation.inputs[0]
        return steps

    def _owner(self, name: str) -> str:
        """The entity that an input is or belongs to."""
        if name.startswith("="):
            return name
        operation = self.plan.operation(name)
        return name if operation.result else operation.inputs[0]

    # What the answer should look like.

    def _note(self) -> str:
        """What a computation takes for granted."""
        return next(filter(None, (self._note_of(each) for each in self.plan.operations)), "")

    def _note_of(self, operation: Operation) -> str:
        if operation.op == "workshift":
            return self.pick("note.workshift", (
                "Saturdays, Sundays and public holidays do not count.",
                "Weekends and public holidays do not count as working days.",
            ))  # fmt: skip
        if operation.op == "workgap":
            return self.pick("note.workgap", (
                "Leave out weekends, public holidays and the earlier of the two days; the later one may count.",
                "Weekends, public holidays and the earlier of the two days do not count; the later one may.",
            ))  # fmt: skip
        return ""

    def _form(self, answer: Answer) -> str:
        """How the answer should be written."""
        match answer.kind:
            case "date":
                return self.pick(
                    "form.date", ("Write the date as YYYY-MM-DD.", "Answer with a date in the form YYYY-MM-DD.")
                )
            case "bool":
                return self.pick("form.bool", ("Answer yes or no.", "Yes or no?"))
            case "list":
                return self._list_form(answer)
            case "number":
                return self._number_form(answer)
            case _ if self.plan.conclusion in ("largest", "smallest"):
                return self.pick("form.name", ("Answer with the name.", "The name is enough."))
            case _:
                return ""

    def _list_form(self, answer: Answer) -> str:
        if self.plan.conclusion == "ranking":
            return ""
        count = _NUMBERS[len(answer.value)]
        every = "both" if count == "two" else f"all {count}"
        options = (f"I need {every} answers, in that order{{u}}.", f"Please give {every} answers in order{{u}}.")
        dates = any(self.plan.answers[end].kind == "date" for end in self.plan.ends)
        said = self.pick("form.list", options).format(u=self._list_units())
        return f"{said} Write dates as YYYY-MM-DD." if dates else said

    def _list_units(self) -> str:
        """In which units the answers of a list are wanted."""
        units = [self._unit_words(self.plan.operation(end), self.plan.answers[end].unit) for end in self.plan.ends]
        if len(set(units)) == 1:
            return f", in {units[0]}" if units[0] else ""
        said = []
        for unit in dict.fromkeys(filter(None, units)):
            which = [f"the {_ORDINALS[i]}" for i, each in enumerate(units) if each == unit]
            said.append(f"{series(which, 'and')} in {unit}")
        return f", {series(said, 'and')}"

    def _number_form(self, answer: Answer) -> str:
        end = self.plan.operation(self.plan.ends[-1])
        unit = self._unit_words(end, answer.unit)
        places = ""
        if answer.tolerance and (end.op != "attribute" or self.plan.conclusion != "value"):
            count = max(0, round(-1 * _exponent(answer.tolerance)))
            places = f"{_NUMBERS[count]} decimal place{'s' if count != 1 else ''}"
        if not unit and not places:
            return ""
        if not unit:
            return self.pick("form.places", ("Round it to {p}.", "Give {p}.")).format(p=places)
        start = self.pick("form.number", ("Answer", "Give it", "Please answer"))
        return f"{start} in {unit}{f', to {places}' if places else ''}."

    def _unit_words(self, end: Operation, unit: str | None) -> str:
        """The unit of what a step gives in words; none where only one makes sense, or the question has said it."""
        if unit is None or unit in ("days", "%"):
            return ""
        if unit == self.world.currency or any(each.currency == unit for each in self.plan.operations):
            return "" if unit in self._said else unit
        words = UNITS[quantity_of(unit)][unit].words if quantity_of(unit) else unit
        if end.kind and end.field and self.attribute(end).unit == unit:
            attribute = self.attribute(end)
            counted = attribute.kind == "integer" and not quantity_of(attribute.unit)
            words = "" if counted else attribute.unit_words
        return "" if words in self._said else words


def _joined(sentences: Sequence[str]) -> str:
    """The sentences as a text; "the peak which that explorer climbed", since "that that" is hard to read."""
    return " ".join(filter(None, sentences)).replace(" that that ", " which that ")


def _weight(step: Operation) -> int:
    """How much of a sentence it takes to say a step."""
    return _WEIGHTS["find" if step.limits else step.op]


def _exponent(tolerance: float) -> int:
    """The power of ten of the last decimal place that a tolerance leaves."""
    power = 0
    while tolerance < 0.5 * 10.0**power:
        power -= 1
    return power
