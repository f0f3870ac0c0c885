"""What an attack is and what it sees: an observation, a seed, and nothing of the gold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tool_gym.jsonvalue import Json, NotJson, loads
from tool_gym.messages import AssistantMessage, ToolCall

MAX_ENTITIES = 8
"""Names and numbers of the question that an attack tries; each costs a call of every tool."""
_QUOTED = re.compile(r"\"([^\"]+)\"|(?<!\w)'([^']+)'(?!\w)|“([^”]+)”|‘([^’]+)’|«([^»]+)»")
_TOKEN = re.compile(r"\w[\w.,:'’-]*\w|\w")
_SENTENCE_END = re.compile(r"[.!?]\s*$")


@dataclass(frozen=True, slots=True)
class View:
    """What an attack may look at when it acts.

    Attributes:
        observation: `{"messages", "tools"}` of the environment.
        seed: Decides its randomness in this episode.
        right_calls: For the attacks that are given them, the reference calls that an oracle would make now; empty when
            none is left, and for all other attacks.
    """

    observation: Mapping[str, Any]
    seed: int
    right_calls: tuple[ToolCall, ...] = ()

    @property
    def turn(self) -> int:
        """Actions taken so far."""
        return sum(message["role"] == "assistant" for message in self.observation["messages"])

    @property
    def functions(self) -> list[Mapping[str, Any]]:
        """The tools: `name`, `description`, `parameters` of each."""
        return [tool["function"] for tool in self.observation["tools"]]

    @property
    def rng(self) -> np.random.Generator:
        """Randomness of this turn, the same each time it is asked for."""
        return np.random.default_rng([self.seed, self.turn])

    @property
    def entities(self) -> list[str]:
        """What the user named: quoted texts, names, numbers and dates, in order, at most `MAX_ENTITIES`."""
        said = [message["content"] for message in self.observation["messages"] if message["role"] == "user"]
        return list(dict.fromkeys(entity for text in said for entity in entities(text)))[:MAX_ENTITIES]

    def answers(self) -> Iterator[tuple[ToolCall, Json]]:
        """The calls made so far that a tool answered, each with its result as JSON data; failures are left out."""
        calls: dict[str, ToolCall] = {}
        for message in self.observation["messages"]:
            for call in message.get("tool_calls", ()):
                function = call["function"]
                calls[call["id"]] = ToolCall(name=function["name"], arguments=dict(function["arguments"]))
            if message["role"] == "tool":
                value = _read(message["content"])
                if not (isinstance(value, dict) and value.keys() == {"error", "message"}):
                    yield calls[message["tool_call_id"]], value


Action: TypeAlias = AssistantMessage | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack by name.

    Attributes:
        name: Its name.
        act: What it does, from what it sees.
        given_calls: Whether it is given the reference calls, as the oracle is, so that all that it lacks is the answer.
        remedy: What to do about a pack that pays it more than it may.
    """

    name: str
    act: Callable[[View], Action]
    given_calls: bool = False
    remedy: str = (
        "See what answers it (tool-gym attack shows the episode), and give the scenario more tools to choose from, or "
        "steps that its question does not spell out: which take what an earlier step returned, or one of many choices "
        "(Literal), instead of a name"
    )


def entities(text: str) -> Iterator[str]:
    """The quoted texts, names (runs of capitalised words, or words of scripts without case), numbers and dates."""
    for match in _QUOTED.finditer(text):
        yield next(filter(None, match.groups()))
    run: list[str] = []
    end = 0
    for match in _TOKEN.finditer(text):
        word, gap = match.group(), text[end : match.start()]
        # A capital at the start of a sentence says nothing, unless the name goes on.
        starts = not text[: match.start()].strip() or bool(_SENTENCE_END.search(text[: match.start()]))
        names = word[0].isupper() or (word[0].isalpha() and not word[0].islower())
        if run and not (names and gap == " "):
            yield from _name(run)
            run = []
        if any(char.isdigit() for char in word):
            yield word
        elif names:
            run.append(f"\0{word}" if starts and word[0].isupper() else word)
        end = match.end()
    yield from _name(run)


def _name(run: list[str]) -> Iterator[str]:
    """A run of words as a name; if it starts a sentence, without its first word as well, or only so if it is alone."""
    if run and not run[0].startswith("\0"):
        yield " ".join(run)
    elif len(run) > 1:
        yield " ".join(run).lstrip("\0")
        yield " ".join(run[1:])


def values(results: Iterable[Json]) -> list[str]:
    """The different values in results, as text, in order; bools and nulls are left out."""
    found: dict[str, None] = {}
    waiting = list(results)[::-1]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
        elif value is not None and not isinstance(value, bool):
            found[str(value)] = None
    return list(found)


def _read(content: str) -> Json:
    try:
        return loads(content)
    except NotJson:
        return content
