"""Reads an observation message by message: what each result is, and where the question speaks of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import Any

from tool_gym.candidates.question import Span, read_question
from tool_gym.candidates.tools import family, members, subject, types_of
from tool_gym.candidates.values import Value, named_values, read_result, returned_values
from tool_gym.candidates.view import Made, View, leaves
from tool_gym.candidates.vocabulary import vocabulary
from tool_gym.candidates.words import plain_words, singular, words

_MOST_VALUES = 16
"""Returned values that are looked at, the latest ones."""
_REACH = 6
"""Words before a value in which the question may say what is asked about it."""
_LOOSE = 2
"""Words from one word of a key to the next at most, as in "the company that ran the terminal"."""
_SAME_OF = 0.5
"""How near "that of" stands to what it stands for."""
_COPULAS = frozenset({"was", "is", "were", "are", "be", "as"})
_BEHIND = 4
"""The same behind it."""


class _Reader:
    """Reads the messages of an observation one after the other."""

    def __init__(self, functions: dict[str, Mapping[str, Any]], said: str) -> None:
        self.functions = functions
        self.subjects = {name: subject(each) for name, each in functions.items()}
        self.families = {name: family(each["parameters"]) for name, each in functions.items()}
        self.subject_types = set(self.subjects.values()) - {""}
        filters = (
            types_of(each, self.subjects[name])
            for name, each in functions.items()
            if self.families[name] in ("search", "figure")
        )
        self.types = self.subject_types | {noun for each in filters for nouns in each.values() for noun in nouns}
        self.told = _told(functions.values())
        question = read_question(said)
        self.question = question._replace(stems=tuple(map(vocabulary(functions).meant, question.stems)))
        self.named = named_values(said)
        self.returned: list[Value] = []
        self.made: list[Made] = []

    def read(self, name: str, arguments: Any, content: str, turn: int) -> None:
        """Reads a call with its result."""
        result = read_result(content)
        failed = isinstance(result, dict) and result.keys() == {"error", "message"}
        arguments = arguments if isinstance(arguments, Mapping) else {}
        self.made.append(Made(name, arguments, failed, turn))
        if failed or name not in self.functions:
            return
        handed = frozenset(leaves(arguments))
        about = _distinct(value for value in self.named + self.returned if str(value.content) in handed)
        chosen = [label for label in members(self.functions[name]["parameters"]) if label in handed]
        for value in returned_values(result, turn):
            if str(value.content) not in handed:
                listed = value.kind == "name" and self.families[name] == "search"
                placed = self._placed(value, name, about, chosen)
                if listed and value.place != self.question.rank(Span(placed.start, placed.end)):
                    continue
                self.returned.append(placed)
        if self.families[name] in ("entry", "dated"):
            self._learn(handed, self.subjects[name])

    def _learn(self, handed: Collection[str], noun: str) -> None:
        """What a tool found is of the tool's type."""
        for values in (self.named, self.returned):
            for i, value in enumerate(values):
                if value.kind == "name" and str(value.content) in handed:
                    values[i] = value._replace(types=frozenset({noun}))

    def guess(self) -> None:
        """Types of what the user named, where a name says it, or a like name of a known type."""
        known = {str(value.content).split()[-1]: value.types for value in self.returned if value.types}
        known |= {str(value.content).split()[-1]: value.types for value in self.named if value.types}
        for i, value in enumerate(self.named):
            if value.kind == "name" and not value.types:
                own = frozenset(self._said_by(str(value.content)))
                self.named[i] = value._replace(types=own or known.get(str(value.content).split()[-1], frozenset()))

    def _said_by(self, name: str) -> set[str]:
        """The types that a name says, be it in short: "Rail" is said of a railway."""
        own = {singular(word) for word in plain_words(name)}
        return own & self.types or {
            each
            for each in self.types
            if any(each.startswith(word) or word.endswith(each) for word in own if min(len(word), len(each)) > 3)
        }

    def mark_used(self) -> None:
        """Tells which values calls were made with."""
        handed = {text for made in self.made if not made.failed for text in leaves(made.arguments)}
        for values in (self.named, self.returned):
            used = {value.start for value in values if value.bound and str(value.content) in handed}
            values[:] = [
                value._replace(used=str(value.content) in handed or bool(value.bound and value.start in used))
                for value in values
            ]

    def _placed(self, value: Value, tool: str, about: Sequence[Value], chosen: Sequence[str]) -> Value:
        """A returned value with its type and its places in the question."""
        nouns = value.nouns
        if self.families[tool] == "dated":
            nouns = tuple(singular(word) for label in chosen for word in plain_words(label))
        keys = {*value.keys[:3], *words(" ".join(chosen if len(chosen) == 1 else ()))}
        span, base, near = self._span(value, keys, about)
        types = self._types(value, tool, nouns, span, base)
        again = {*types, *nouns[-1:], self.question.topic(span.start)} - {"nam", ""}
        if value.kind != "name":
            again = set()
        mentions = tuple(self.question.mentions(again, span))
        return value._replace(start=span.start, end=span.end, near=near, types=types, mentions=mentions)

    def _types(self, value: Value, tool: str, nouns: Sequence[str], span: Span, base: Span) -> frozenset[str]:
        """What a value is: what the tool lists, what its key, its name or the question calls it."""
        if value.kind != "name":
            return frozenset()
        if self.families[tool] in ("search", "alias"):
            return frozenset({self.subjects[tool]} - {""})
        told = self.subject_types & {*nouns, *self.told.get(nouns[-1] if nouns else "", ())}
        own = self.types & {singular(word) for word in plain_words(str(value.content))}
        if told or own:
            return frozenset(told or own)
        phrase = set(self.question.nouns[span.start : base.start])
        if self.subject_types & phrase and not phrase & set(nouns):
            return frozenset(self.subject_types & phrase)
        if noun := self.question.topic(span.start):
            return frozenset({noun})
        is_one = bool(span.start < len(self.question.gaps) and _COPULAS & set(self.question.gaps[span.start]))
        if (is_one or not phrase & set(nouns)) and (noun := self.question.noun_meant(span.start, self.subject_types)):
            return frozenset({noun})
        return frozenset(nouns[-1:])

    def _span(self, value: Value, keys: Set[str], about: Sequence[Value]) -> tuple[Span, Span, float]:
        """Where the question speaks of a result and of what the call was about, and how near these stand."""
        nowhere = Span(len(self.question.stems), len(self.question.stems))
        best, most = (nowhere, nowhere), (False, -1.0)
        again = {span for each in about for span in each.mentions} if value.kind != "name" else set()
        for base in self._bases(about):
            span, near = self._widened(value, keys, base)
            # What is asked about a thing is asked where it is spoken of again, not where it is told from others.
            found = (base in again and near > 0, near)
            if found > most:
                best, most = (span, base), found
        return *best, max(most[1], 0.0)

    def _bases(self, about: Sequence[Value]) -> list[Span]:
        """Where a sentence speaks of all that a call was about; else where it speaks of one of it."""
        places = [(self.question.sentence(span.start), span) for value in about for span in value.places]
        found = []
        for sentence in dict.fromkeys(sentence for sentence, _ in places):
            own = [span for each, span in places if each == sentence]
            full = sum(any(self.question.sentence(span.start) == sentence for span in v.places) for v in about)
            found.append((full, Span(min(s.start for s in own), max(s.end for s in own))))
        most = max((full for full, _ in found), default=0)
        return [span for full, span in found if full == most]

    def _widened(self, value: Value, keys: Set[str], base: Span) -> tuple[Span, float]:
        question, sentence = self.question, self.question.sentence(base.start)
        before = [i for i in range(max(sentence.start, base.start - _REACH), base.start) if question.stems[i] in keys]
        after = [i for i in range(base.end, min(sentence.end, base.end + _BEHIND)) if question.stems[i] in keys]
        if before and (not after or base.start - before[-1] <= after[0] - base.end + 2):
            first = before[-1]
            for i in before[::-1]:
                if first - i <= _LOOSE:
                    first = i
            return Span(first, base.end), 0.85 ** (base.start - 1 - before[-1])
        if after:
            return Span(base.start, after[-1] + 1), 0.85 ** (after[0] - base.end)
        if self._same_of(base) and keys & set(question.stems[sentence.start : base.start]):
            return base, _SAME_OF
        if value.kind == "name":
            barred = [Span(each.start, each.end) for each in self.named if each.kind == "name"]
            noun = question.noun_before(base.start, self.subject_types, barred)
            if noun is not None:
                return Span(question.phrase(noun), base.end), 0.1
        return Span(max(sentence.start, base.start - 1), base.end), 0.0

    def _same_of(self, base: Span) -> bool:
        """Whether a place is one of which the question says "that of", as of something before it."""
        gaps = self.question.gaps[max(0, base.start - _LOOSE) : base.start + 1]
        return any({"that", "of"} <= set(gap) for gap in gaps)


def _told(functions: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """For the last noun of a parameter's name, the nouns of what is said about it."""
    found: dict[str, tuple[str, ...]] = {}
    for function in functions:
        for name, schema in (function["parameters"].get("properties") or {}).items():
            if isinstance(schema, Mapping) and schema.get("type") == "string" and (own := plain_words(name)):
                said = tuple(singular(word) for word in plain_words(str(schema.get("description", ""))))
                found[singular(own[-1])] = said[-2:]
    return found


def read(observation: Mapping[str, Any]) -> View:
    """Reads an observation.

    Args:
        observation: `{"messages", "tools"}` of the environment.
    """
    functions = {tool["function"]["name"]: tool["function"] for tool in observation["tools"]}
    said = "\n".join(message["content"] for message in observation["messages"] if message["role"] == "user")
    reader = _Reader(functions, said)
    calls: dict[str, Mapping[str, Any]] = {}
    turn = 0
    for message in observation["messages"]:
        if message["role"] == "assistant":
            turn += 1
            calls |= {call["id"]: call["function"] for call in message.get("tool_calls", ())}
        elif message["role"] == "tool":
            function = calls[message["tool_call_id"]]
            reader.read(function["name"], function["arguments"], message["content"], turn)
    reader.guess()
    reader.mark_used()
    values = _distinct(reader.named) + _distinct(reader.returned)[-_MOST_VALUES:]
    return View(reader.question, values, reader.made, functions, reader.subjects, frozenset(reader.types))


def _distinct(values: Iterable[Value]) -> list[Value]:
    """The first of each."""
    return list({(value.kind, value.content, value.bound): value for value in reversed(list(values))}.values())[::-1]
