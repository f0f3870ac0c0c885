"""Other tools than a scenario's own: further ones, fewer, or none that know the answer.

What a tool knows are the tables that it reads. So a tool of another scenario is a fair distractor if it reads tables,
but none that a tool of the reference calls reads: then it can do nothing that those do, which would earn nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

from tool_gym.perturb.tools import changed
from tool_gym.scenario import UNANSWERABLE, Scenario, Tool

T = TypeVar("T")

DISTRACTORS = 4
"""Tools that `crowded` adds, where there are so many."""
_HINT = f"If the tools cannot give the answer, reply with <answer>{UNANSWERABLE.value}</answer>."


def reordered(scenario: Scenario, others: Sequence[Tool], rng: random.Random) -> Scenario:
    """The scenario, its tools and their parameters listed in another order."""
    return changed(
        scenario, tools=_shuffled([changed(tool, parameters=_mixed(tool, rng)) for tool in scenario.tools], rng)
    )


def crowded(scenario: Scenario, others: Sequence[Tool], rng: random.Random) -> Scenario:
    """The scenario with up to `DISTRACTORS` tools of other scenarios among its own."""
    return changed(scenario, tools=_shuffled([*scenario.tools, *_strangers(scenario, others, DISTRACTORS, rng)], rng))


def thinned(scenario: Scenario, others: Sequence[Tool], rng: random.Random) -> Scenario:
    """The scenario without half of the tools that no check needs; every second scenario is `unanswerable` instead."""
    if rng.random() < 0.5:
        return unanswerable(scenario, others, rng)
    needed = _needed(scenario)
    spare = [tool.name for tool in scenario.tools if tool.name not in needed]
    return _hinted(_without(scenario, rng.sample(spare, (len(spare) + 1) // 2) if needed else ()))


def unanswerable(scenario: Scenario, others: Sequence[Tool], rng: random.Random) -> Scenario:
    """The scenario without the tools that read what its reference calls read, so that declining is the answer.

    Tools of other scenarios take their places. One whose reference calls read no table, one with state, which all its
    tools share, and one of which no tool would be left stay as they are. Whether or not, the user says what to reply if
    the tools cannot give the answer.
    """
    needed = _needed(scenario)
    facts = _tables(tool for tool in scenario.tools if tool.name in needed)
    gone = [tool.name for tool in scenario.tools if not facts.isdisjoint(_tables([tool]))]
    strangers = _strangers(scenario, others, len(gone), rng)
    kept = [tool for tool in scenario.tools if tool.name not in gone]
    if not gone or scenario.initial_state is not None or not (kept or strangers):
        return _hinted(scenario)
    blind = changed(
        scenario,
        tools=_shuffled([*scenario.tools, *strangers], rng),
        turns=[changed(turn, checks=()) for turn in scenario.turns],
        sub_questions=(),
        state_checks=(),
        answer=UNANSWERABLE,
        provenance=changed(scenario.provenance, structure=scenario.structure),
    )
    return _hinted(_without(blind, gone))


def _needed(scenario: Scenario) -> set[str]:
    """Names of the tools that can solve a step."""
    return {name for step in scenario.sub_questions for name in step.tools}


def _tables(tools: Iterable[Tool]) -> set[str]:
    """Names of the tables that tools read: the tables of one name hold facts of one kind."""
    return {ref.name for tool in tools for ref in tool.data}


def _strangers(scenario: Scenario, others: Sequence[Tool], count: int, rng: random.Random) -> list[Tool]:
    """Up to so many of the fair distractors among other scenarios' tools; where no tool reads a table, all are fair."""
    needed = _needed(scenario)
    facts = _tables(tool for tool in scenario.tools if tool.name in needed)
    own = {tool.name for tool in scenario.tools}
    tell = bool(_tables([*scenario.tools, *others]))
    found = {
        tool.name: tool
        for tool in others
        if tool.name not in own
        and "STATE" not in tool.source
        and (not tell or (tool.data and facts.isdisjoint(_tables([tool]))))
    }
    return rng.sample(list(found.values()), min(count, len(found)))


def _without(scenario: Scenario, gone: Iterable[str]) -> Scenario:
    """The scenario without some tools, which no step of it names."""
    names = set(gone)
    return changed(
        scenario,
        tools=[tool for tool in scenario.tools if tool.name not in names],
        turns=[
            changed(turn, add_tools=[name for name in turn.add_tools if name not in names]) for turn in scenario.turns
        ],
    )


def _hinted(scenario: Scenario) -> Scenario:
    *turns, last = scenario.turns
    return changed(scenario, turns=[*turns, changed(last, content=f"{last.content.rstrip()} {_HINT}")])


def _mixed(tool: Tool, rng: random.Random) -> dict[str, object]:
    """A tool's parameters in another order."""
    properties = tool.parameters.get("properties") or {}
    return {**tool.parameters, "properties": {name: properties[name] for name in _shuffled(list(properties), rng)}}


def _shuffled(items: Sequence[T], rng: random.Random) -> list[T]:
    return rng.sample(items, len(items))
