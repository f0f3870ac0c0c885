"""A workload: tools, and plays of scenarios in which every call has other arguments and a result that is known."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tool_gym.jsonvalue import canonical, digest
from tool_gym.packs.reader import Pack
from tool_gym.packs.writer import write_pack
from tool_gym.scenario import Expected, Provenance, Scenario, SubQuestion, Tool, UserTurn
from tool_gym.scenario import Kind as ValueKind
from workloads.schemas import Schema, draw_arguments


@dataclass(frozen=True)
class Kind:
    """A tool, and its answers computed in another way than its source does.

    Attributes:
        name: Name of the tool.
        description: What it does.
        parameters: JSON Schema; arguments are drawn from it.
        source: Its text.
        answer: The tool's result for the same arguments.
        path: JSON Pointer to the value of the result that solves a step.
        kind: Kind of that value.
    """

    name: str
    description: str
    parameters: Schema
    source: str
    answer: Callable[..., dict[str, Any]]
    path: str
    kind: ValueKind

    @property
    def tool(self) -> Tool:
        return Tool(name=self.name, description=self.description, parameters=self.parameters, source=self.source)


@dataclass(frozen=True)
class Step:
    """One call, and the result that it must have."""

    tool: str
    arguments: dict[str, Any]
    result: dict[str, Any]


@dataclass(frozen=True)
class Play:
    """One episode: a scenario and the calls that solve it, in order."""

    scenario: Scenario
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Workload:
    """Tools and how many plays of how many turns there are; the same plays in every process.

    Attributes:
        name: Name of the workload, and of its pack.
        kinds: The tools, all in every scenario; the calls go round them.
        turns: Calls of a play.
        count: Plays.
        sha256: Digest of the tools, of all arguments and of all results.
    """

    name: str
    kinds: tuple[Kind, ...]
    turns: int
    count: int
    sha256: str

    def plays(self) -> list[Play]:
        """All plays; no two calls of a tool have the same arguments.

        Raises:
            ValueError: If the content is not what `sha256` says.
        """
        plays = self.build()
        if content_digest(plays) != self.sha256:
            raise ValueError(f"workload {self.name!r} has changed: its digest is {content_digest(plays)}")
        return plays

    def build(self) -> list[Play]:
        """As `plays`, whatever the digest."""
        rng = random.Random(self.name)
        tools = tuple(kind.tool for kind in self.kinds)
        seen: set[tuple[str, bytes]] = set()
        plays = []
        for number in range(self.count):
            first = number * self.turns
            used = [self.kinds[place % len(self.kinds)] for place in range(first, first + self.turns)]
            steps = tuple(_new_step(kind, rng, seen) for kind in used)
            plays.append(Play(self._scenario(number, tools, used, steps), steps))
        return plays

    def _scenario(self, number: int, tools: tuple[Tool, ...], used: list[Kind], steps: tuple[Step, ...]) -> Scenario:
        questions = tuple(
            SubQuestion(
                id=f"q{place}",
                question=f"{step.tool} of {', '.join(f'{key} {value}' for key, value in step.arguments.items())}?",
                tools=(step.tool,),
                arguments=step.arguments,
                expected=Expected(value=step.result[kind.path[1:]], kind=kind.kind, path=kind.path),
            )
            for place, (kind, step) in enumerate(zip(used, steps, strict=True))
        )
        last = questions[-1].expected
        return Scenario(
            id=f"play-{number:05}",
            turns=(UserTurn(content=" ".join(question.question for question in questions)),),
            answer=Expected(value=last.value, kind=last.kind),
            tools=tools,
            sub_questions=questions,
            provenance=Provenance(truth="invented", source="benchmark"),
        )

    def write(self, folder: Path, plays: list[Play]) -> Pack:
        """Writes plays as a pack whose episodes end with the last call."""
        scenarios = (play.scenario for play in plays)
        return write_pack(folder, name=self.name, scenarios=scenarios, max_turns=self.turns)


def _new_step(kind: Kind, rng: random.Random, seen: set[tuple[str, bytes]]) -> Step:
    while True:
        arguments = draw_arguments(rng, kind.parameters)
        key = (kind.name, canonical(arguments))
        if key not in seen:
            seen.add(key)
            return Step(kind.name, arguments, kind.answer(**arguments))


def content_digest(plays: list[Play]) -> str:
    """SHA-256 over the tools, and over all calls with their results."""
    tools = [[tool.name, tool.description, tool.parameters, tool.source] for tool in plays[0].scenario.tools]
    steps = [[[step.tool, step.arguments, step.result] for step in play.steps] for play in plays]
    return digest([tools, steps])
