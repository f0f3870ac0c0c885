"""`tool-gym pack diff`: what changed between two builds of a pack, for who reviews it.

It is told by what a player could notice: the rules, the questions, what is expected, the tools as a model reads them,
and, where a tool's source or tables changed, what it answers to the reference calls and to others made up from its
parameters.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from tool_gym.jsonvalue import Json, canonical, dumps
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.packs.reader import Pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Scenario, Tool
from tool_gym.schema import sample_arguments

_RULES = ("name", "dialect", "check_arguments", "reward", "matcher", "max_turns")
_PAPERS = ("release", "title", "license", "authors", "attribution", "requires_tool_gym")
_PARTS = ("turns", "answer", "split", "initial_state")
_MADE_UP, _MOST_CALLS = 8, 40
"""Calls made up for each changed tool, and all that are tried of it."""
_READ = ("description", "parameters")
_SHOWN = 160


class Change(NamedTuple):
    """One difference.

    Attributes:
        place: `pack`, a scenario, or a tool.
        change: What was and what is.
        played: Whether a player can notice it in an observation, a return, or which scenario a seed chooses.
    """

    place: str
    change: str
    played: bool


class _Changed(NamedTuple):
    """A tool that changed, the first scenario of each pack that has it, and the reference calls' arguments."""

    old: Tool
    new: Tool
    scenarios: tuple[Scenario, Scenario]
    arguments: dict[bytes, Mapping[str, Json]]


def diff_packs(old: Pack, new: Pack, executor: Executor) -> Iterator[Change]:
    """Tells what changed from one pack to another; nothing where both play alike and say the same of themselves.

    Args:
        old: The pack as it was.
        new: The pack as it is.
        executor: Runs the tools that changed.

    Raises:
        PackError: If one of them is broken.
    """
    for names, played in ((_RULES, True), (_PAPERS, False)):
        before, after = ({name: getattr(pack.manifest, name) for name in names} for pack in (old, new))
        yield from _fields("pack", before, after, played=played)
    yield from _listed("pack", "scenario", list(old), list(new))
    tools: dict[tuple[str, str], _Changed] = {}
    for name in (name for name in old if name in new):
        was, now = old[name], new[name]
        if was.digest != now.digest:
            yield from _scenario(was, now)
            _collect(was, now, tools)
    for changed in tools.values():
        yield from _tool(changed, old, new, executor)


def _scenario(was: Scenario, now: Scenario) -> Iterator[Change]:
    place = f"scenario {was.id}"
    before, after = was.model_dump(), now.model_dump()
    yield from _fields(place, _only(before, _PARTS), _only(after, _PARTS), played=True)
    yield from _fields(place, _only(before, ["provenance"]), _only(after, ["provenance"]), played=False)
    yield from _listed(place, "tool", [tool.name for tool in was.tools], [tool.name for tool in now.tools])
    for what, key in (("step", "sub_questions"), ("state check", "state_checks")):
        old, new = ({row["id"]: row for row in rows[key]} for rows in (before, after))
        yield from _listed(place, what, list(old), list(new))
        for name in (name for name in old if name in new):
            yield from _fields(f"{place}, {what} {name!r}", old[name], new[name], played=True)


def _collect(was: Scenario, now: Scenario, tools: dict[tuple[str, str], _Changed]) -> None:
    """Notes the tools that changed between two versions of a scenario, and their reference calls."""
    old, new = ({tool.name: tool for tool in scenario.tools} for scenario in (was, now))
    for name in (name for name in old if name in new and old[name].digest != new[name].digest):
        changed = tools.setdefault((old[name].digest, new[name].digest), _Changed(old[name], new[name], (was, now), {}))
        for step in (*was.sub_questions, *now.sub_questions):
            if step.tools[0] == name and step.arguments is not None:
                changed.arguments[canonical(step.arguments)] = step.arguments


def _tool(changed: _Changed, old: Pack, new: Pack, executor: Executor) -> Iterator[Change]:
    place = f"tool {changed.old.name}"
    was, now = changed.old.model_dump(), changed.new.model_dump()
    yield from _fields(place, _only(was, _READ), _only(now, _READ), played=True)
    parts = " and ".join(part for part in ("source", "data") if was[part] != now[part])
    if not parts:
        return
    calls = _calls(changed)
    answers = [
        _answers(tool, scenario, pack, calls, executor)
        for tool, scenario, pack in zip((changed.old, changed.new), changed.scenarios, (old, new), strict=True)
    ]
    different = [trio for trio in zip(calls, *answers, strict=True) if trio[1].content != trio[2].content]
    said = f"{parts} changed; of {len(calls)} calls tried {len(different)} answer differently"
    if different:
        call, before, after = different[0]
        said += f", as {dumps(call.arguments).decode()}: {_short(before.content)} -> {_short(after.content)}"
    yield Change(place, said, bool(different))


def _calls(changed: _Changed) -> list[ToolCall]:
    """The reference calls, and some with arguments made up from the parameters of either version."""
    rng = np.random.default_rng(zlib.crc32(changed.new.name.encode()))
    made_up = [sample_arguments(tool.parameters, rng) for tool in (changed.old, changed.new) for _ in range(_MADE_UP)]
    given = list({**changed.arguments, **{canonical(each): each for each in made_up}}.values())
    return [ToolCall(id=str(i), name=changed.new.name, arguments=each) for i, each in enumerate(given[:_MOST_CALLS])]


def _answers(
    tool: Tool, scenario: Scenario, pack: Pack, calls: list[ToolCall], executor: Executor
) -> list[ToolMessage]:
    """Each call's answer in a session of its own, so that none sees what another did to the state."""
    options = pack.session_options
    sessions = [executor.session([tool], 0, scenario.initial_state, strict=False, **options) for _ in calls]
    return executor.call(list(zip(sessions, calls, strict=True)))


def _fields(place: str, was: Mapping[str, Any], now: Mapping[str, Any], *, played: bool) -> Iterator[Change]:
    for name in was:
        if was[name] != now[name]:
            yield Change(place, f"{name}: {_short(was[name])} -> {_short(now[name])}", played)


def _listed(place: str, what: str, was: list[str], now: list[str]) -> Iterator[Change]:
    """What was added to a list of names, taken from it, or put in another order."""
    before, after = set(was), set(now)
    for name in was:
        if name not in after:
            yield Change(place, f"{what} {name!r} is gone", True)
    for name in now:
        if name not in before:
            yield Change(place, f"{what} {name!r} is new", True)
    if [name for name in was if name in after] != [name for name in now if name in before]:
        yield Change(place, f"the order of its {what}s changed", True)


def _only(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _short(value: Any) -> str:
    if isinstance(value, dict):  # what is not said need not be read
        value = {key: each for key, each in value.items() if each is not None and each != ()}
    text = value if isinstance(value, str) else dumps(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " …"
