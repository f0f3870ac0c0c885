"""Reads a plan aloud: a long chain is cut into sentences that refer back, and branches are told one by one."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tool_gym.generation.backends.worlds.phrases import Phrases, capital
from tool_gym.generation.backends.worlds.plan import Operation, Plan
from tool_gym.generation.backends.worlds.world import World
from tool_gym.generation.proposals import Answer

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
_ORDINALS = ("first", "second", "third", "fourth")


class Speaker(Phrases):
    """Asks the question of a plan; the higher its level, the longer the sentences.

    Attributes:
        preamble: The sentence that opens the question and says nothing of it, or empty.
    """

    def __init__(self, world: World, plan: Plan, rng: random.Random, split: str, level: int) -> None:
        super().__init__(world, plan, rng, split, level)
        self.preamble = ""

    def question(self) -> str:
        """The question, with what form the answer should have."""
        parts = []
        if self.world.domain.personas and self.rng.random() < 0.35:
            self.preamble = self.rng.choice(self.world.domain.personas)
            parts.append(self.preamble)
        parts += self._one() if self.plan.conclusion == "value" else self._several()
        parts.append(self._form(self.plan.answer))
        return " ".join(filter(None, parts))

    def step(self, operation: Operation) -> str:
        """A sub-question, with `{q1}` where it needs an answer."""
        self.labels = {need: f"{{{need}}}" for need in operation.needs}
        return capital(self.ask(operation)) + "?"

    # Whole questions.

    def _one(self) -> list[str]:
        end = self.plan.operation(self.plan.ends[0])
        if end.op in ("distance", "gap") and end.needs:
            told = self._introduced([self._owner(need) for need in end.inputs])
        else:
            told = self._told(end.inputs[0])
        return [*told, self._asked(end)]

    def _asked(self, operation: Operation) -> str:
        """A direct question, or a request."""
        question = self.ask(operation)
        if operation.result or self.rng.random() < 0.75:
            return capital(question) + "?"
        phrase = self.phrase(operation)
        frames = (
            "I need {x}.",
            "Please find out {x}.",
            "Could you look up {x}?",
            "Tell me {x}.",
            "I would like to know {x}.",
        )
        return self.pick("request", frames).format(x=phrase)

    def _several(self) -> list[str]:
        ends = [self.plan.operation(end) for end in self.plan.ends]
        alike = len({(end.op, end.kind, end.field, end.scope) for end in ends}) == 1 and ends[0].op == "attribute"
        told = self._introduced([end.inputs[0] for end in ends])
        if alike:
            return [*told, self._compared(ends)]
        questions = [self.ask(end) for end in ends]
        if len(questions) == 2:
            joiner = self.pick("join", (", and ", ", and also: ", "? And "))
            return [*told, capital(questions[0]) + joiner + questions[1] + "?"]
        first, *rest = (capital(question) + "?" for question in questions)
        return [*told, first, *rest[:-1], f"And {rest[-1][0].lower()}{rest[-1][1:]}"]

    def _compared(self, ends: Sequence[Operation]) -> str:
        attribute = self.attribute(ends[0])
        noun = self.pick(f"{ends[0].kind}.{ends[0].field}.noun", attribute.nouns)
        names = [self.np(end.inputs[0]) for end in ends]
        everyone = self._series(names, "and")
        those = self._series([names[0], *(f"that of {name}" for name in names[1:])], "and")
        each = self._series([names[0], *(f"of {name}" for name in names[1:])], "and")
        rest = self._series([names[1], *(f"of {name}" for name in names[2:])], "and")
        unit = f" in {attribute.unit_words}" if attribute.unit_words else ""
        options: tuple[str, ...]
        match self.plan.conclusion:
            case "total":
                options = (
                    f"What is the combined {noun} of {everyone}?",
                    f"Add up the {noun} of each of the following: {everyone}. What do you get?",
                    f"Sum the {noun} over {everyone}.",
                    f"What does the {noun} come to if you add that of {those}?",
                )
            case "difference":
                options = (
                    f"How large is the difference in {noun} between {everyone}?",
                    f"By how much do {everyone} differ in {noun}?",
                    f"Compare {everyone}: how far apart are they in {noun}{unit}?",
                    f"What is the gap between the {noun} of {names[0]} and that of {names[1]}?",
                )
            case "largest":
                options = (
                    f"Which has the greatest {noun}: {self._series(names, 'or')}?",
                    f"Of {everyone}, which has the greatest {noun}?",
                    f"Compare the {noun} of {everyone}. Which has the greatest?",
                )
            case _:
                options = (
                    f"What is the {noun} of {names[0]}, and what is that of {rest}?",
                    f"Give me the {noun} of {each}.",
                    f"I need two figures side by side: the {noun} of {those}."
                    if len(names) == 2
                    else f"I need these figures side by side: the {noun} of {those}.",
                )
        return self.pick(f"compare.{self.plan.conclusion}", options)

    def _series(self, items: Sequence[str], word: str) -> str:
        return f" {word} ".join(items) if len(items) < 3 else f"{', '.join(items[:-1])} {word} {items[-1]}"

    # Sentences before the question.

    def _told(self, name: str) -> list[str]:
        """Sentences that lead to an input, as far as it is too long to be said within the question."""
        steps = self._walk(name)
        most = self.rng.choice((1, 2)) if self.level < 4 else 2
        sentences: list[str] = []
        while len(steps) > most:
            step = steps[min(most, len(steps) - 1) - 1]
            sentences.append(self._led(step, first=not sentences))
            steps = steps[steps.index(step) + 1 :]
            most = self.rng.choice((1, 2)) if self.level < 4 else 2
        return sentences

    def _led(self, step: Operation, first: bool) -> str:
        phrase = self.np(step.id)
        if first:
            frames = ("Take {x}.", "Start from {x}.", "Consider {x}.", "Think of {x}.", "Let us begin with {x}.")
        else:
            frames = (
                "Now take {x}.",
                "From there, go on to {x}.",
                "Then consider {x}.",
                "Next comes {x}.",
                "That leads to {x}.",
            )
        self.labels[step.id] = f"that {self.kind(step.result).noun}"
        return self.pick("lead" if first else "lead on", frames).format(x=phrase)

    def _introduced(self, names: Sequence[str]) -> list[str]:
        """Sentences that give several inputs a name each, unless they are short."""
        if max(len(self._walk(name)) for name in names) < 2:
            return []
        sentences: list[str] = []
        said: list[str] = []
        for name in names:
            if not self._walk(name):
                continue
            told = self._told(name)
            last = self.plan.operation(name)
            noun = self.kind(last.result).noun
            phrase = self.np(name)
            nouns = [self.kind(self.plan.operation(each).result).noun for each in names if not each.startswith("=")]
            label = f"the {noun}" if nouns.count(noun) == 1 else f"the {_ORDINALS[said.count(noun)]} {noun}"
            said.append(noun)
            if nouns.count(noun) == 1:
                frames = ("{label} in question is {x}.", "Call {x} simply {label}.", "By {label} I mean {x}.")
            else:
                frames = ("{label} is {x}.", "Let {label} be {x}.", "Call {x} {label}.")
            if phrase.startswith((f"the {noun} who", f"the {noun} that", f"the {noun} where")):
                phrase = phrase.replace(f"the {noun}", "the one", 1)
            sentence = self.pick("introduce", frames).format(x=phrase, label=label)
            sentences += [*told, sentence[0].upper() + sentence[1:]]
            self.labels[name] = label
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

    def _form(self, answer: Answer) -> str:
        """How the answer should be written."""
        match answer.kind:
            case "date":
                return self.pick(
                    "form.date", ("Write the date as YYYY-MM-DD.", "Answer with a date in the form YYYY-MM-DD.")
                )
            case "list":
                count = _NUMBERS[len(answer.value)] if len(answer.value) < len(_NUMBERS) else "all"
                every = "both" if count == "two" else f"all {count}"
                options = (f"I need {every} answers, in that order.", f"Please give {every} answers in order.")
                return self.pick("form.list", options) + self._list_units(answer)
            case "number":
                return self._number_form(answer)
            case _ if self.plan.conclusion == "largest":
                return self.pick("form.name", ("Answer with the name.", "The name is enough."))
            case _:
                return ""

    def _list_units(self, answer: Answer) -> str:
        has_date = any(isinstance(value, str) and value[4:5] == value[7:8] == "-" for value in answer.value)
        return " Write dates as YYYY-MM-DD." if has_date else ""

    def _number_form(self, answer: Answer) -> str:
        unit = self._unit_words(answer.unit)
        places = ""
        if answer.tolerance:
            count = max(0, round(-1 * _exponent(answer.tolerance)))
            places = f"to {_NUMBERS[count]} decimal place{'s' if count != 1 else ''}"
        if not unit and not places:
            return ""
        start = self.pick("form.number", ("Answer", "Give it", "Please answer"))
        return f"{start} {', '.join(filter(None, (f'in {unit}' if unit else '', places)))}."

    def _unit_words(self, unit: str | None) -> str:
        """The unit in words; none where a count says itself what is counted."""
        if unit is None or unit == "days":
            return ""
        if unit == "km":
            return "kilometres"
        for kind in self.world.domain.types.values():
            for attribute in kind.attributes.values():
                if attribute.unit == unit:
                    return (
                        ""
                        if attribute.unit == attribute.unit_words or attribute.unit_words.startswith(unit)
                        else attribute.unit_words
                    )
        return unit


def _exponent(tolerance: float) -> int:
    """The power of ten of the last decimal place that a tolerance leaves."""
    power = 0
    while tolerance < 0.5 * 10.0**power:
        power -= 1
    return power
