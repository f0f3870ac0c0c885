"""Rows for other trainers, as JSON data: what each kind of dataset holds of a prompt or an episode.

| kind | one row | form |
|---|---|---|
| `sft` | a whole episode | chat messages and tools, as `apply_chat_template` takes them |
| `trl` | a prompt | `prompt`, and what `tool_gym.adapters.trl` needs to open the episode there |
| `verl` | a prompt | verl's columns; `extra_info` is what `tool_gym.adapters.verl` needs |
| `ftrl` | a prompt | the record format of FTRL (arXiv 2508.08791): JSON inside of text |

`verl` and `ftrl` write the arguments of calls as JSON text, so that a column has one type.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from tool_gym.jsonvalue import Json, dumps
from tool_gym.messages import chat_message, openai_message
from tool_gym.packs.reader import Pack
from tool_gym.scenario import Expected, Scenario, Tool
from tool_gym.trajectory import Gold, Transition
from tool_gym.verify.matching import matcher
from tool_gym.verify.progress import Progress

Row: TypeAlias = dict[str, Json]


class LeftOut(Exception):
    """A prompt or an episode that a kind of row cannot hold; the text says why, without naming it."""


class Point(NamedTuple):
    """Where an episode stands: after some turns of it.

    Attributes:
        pack: The pack.
        scenario: What is played.
        seed: The episode's seed.
        turns: The turns so far.
        system: Text of the system message; the scenario's own, if it has one, by default.
        said: What a simulated user said; empty where the scenario's turns were played.
    """

    pack: Pack
    scenario: Scenario
    seed: int
    turns: tuple[Transition, ...] = ()
    system: str | None = None
    said: tuple[str, ...] = ()

    @property
    def messages(self) -> list[Row]:
        """The transcript, as the observation of the environment had it."""
        users = iter(self.said or [turn.content for turn in self.scenario.turns])
        system = self.scenario.system if self.system is None else self.system
        said = [] if system is None else [{"role": "system", "content": system}]
        said.append({"role": "user", "content": next(users)})
        for turn in self.turns:
            said += [chat_message(turn.action), *map(chat_message, turn.results)]
            if not turn.action.tool_calls and (user := next(users, None)):
                said.append({"role": "user", "content": user})
        return said

    @property
    def tools(self) -> list[Row]:
        """The tools that are there, those of later user turns left out."""
        closed = sum(not turn.action.tool_calls for turn in self.turns)
        users = self.scenario.turns[1:]
        late = {name for user in users for name in user.add_tools}
        added = [tool for user in users[:closed] for tool in self.scenario.tools if tool.name in user.add_tools]
        return [tool.chat_form for tool in [*[tool for tool in self.scenario.tools if tool.name not in late], *added]]

    @property
    def episode(self) -> Row:
        """What finds the episode again: pack, version, scenario, seed."""
        return {
            "pack": self.pack.name,
            "version": self.pack.version,
            "scenario": self.scenario.id,
            "seed": self.seed,
        }

    @property
    def place(self) -> Row:
        """What finds the point again: the episode, and the actions so far as JSON text.

        Raises:
            LeftOut: If a simulated user speaks before it, who would not say the same again.
        """
        if self.said:
            raise LeftOut("a simulated user speaks in it")
        actions = [turn.action.model_dump(exclude_defaults=True) for turn in self.turns]
        return {**self.episode, "prefix": dumps(actions).decode()}


RowMaker: TypeAlias = Callable[[Point, int, bool], Row]
"""A row of a point, given its number in the file and whether gold may be in it; raises `LeftOut`."""


def sft_row(point: Point, number: int, gold: bool) -> Row:
    """A whole episode to imitate; what it earned stands in `return`."""
    if any(call.error for turn in point.turns for call in turn.action.tool_calls):
        raise LeftOut("a call in it is malformed")
    earned = sum(turn.reward for turn in point.turns)
    return {"messages": point.messages, "tools": point.tools, **point.episode, "return": earned}


def trl_row(point: Point, number: int, gold: bool) -> Row:
    """A prompt for `GRPOTrainer`; `environment` names the factory that `tool_gym.adapters.trl` makes for it."""
    return {"prompt": point.messages, "environment": point.scenario.id, **point.place}


def verl_row(point: Point, number: int, gold: bool) -> Row:
    """A prompt in verl's columns; the ground truth is the gold as JSON text, empty without gold."""
    truth = Gold.of(point.scenario).model_dump_json(exclude_defaults=True) if gold else ""
    return {
        "data_source": f"{point.pack.name}/{point.scenario.structure}",
        "agent_name": "tool_gym",
        "prompt": [openai_message(message) for message in point.messages],
        "ability": "tool_use",
        "reward_model": {"style": "rule", "ground_truth": truth},
        "extra_info": {
            "index": number,
            "split": point.scenario.split,
            **point.place,
            "tools": dumps(point.tools).decode(),
        },
    }


def ftrl_row(point: Point, number: int, gold: bool) -> Row:
    """A prompt in FTRL's own record format; what is solved so far goes by its own matching rule."""
    scenario = point.scenario
    if len(scenario.turns) > 1:
        raise LeftOut("it has several user turns")
    if scenario.state_checks or scenario.initial_state is not None:
        raise LeftOut("its tools keep state")
    if point.pack.native:
        raise LeftOut("its tools are plain Python with state")
    if scenario.answer is None:
        raise LeftOut("it has no answer")
    progress = Progress(scenario.sub_questions, (), matcher("ftrl"))
    for turn in point.turns:
        progress.turn(turn.action.tool_calls, turn.results)
    unsolved: dict[str, list[str]] = {}
    for step in scenario.sub_questions:
        if step.id not in progress.solved_ids:
            unsolved.setdefault(step.tools[0], []).append(_text(step.expected))
    hidden = {"unsolved_set": _json(unsolved), "answer": _text(scenario.answer)} if gold else {}
    return {
        "messages": [openai_message(message) for message in point.messages],
        "tools": _json(point.tools),
        "codes": _json({tool.name: standalone_source(tool, point.pack.tables) for tool in scenario.tools}),
        "solve_rate": progress.solved / progress.total,
        "data_source": f"{point.pack.name}/{scenario.structure}",
        "split": scenario.split,
        **hidden,
    }


def standalone_source(tool: Tool, tables: Mapping[str, Json]) -> str:
    """The tool's source as one function that runs alone, whether it is executed in a module or inside of a function.

    Tables that it reads, imports and helpers move into the function. A source that is no more than its function, and
    reads no table, stays as it is; so does one that is no Python.
    """
    data = {ref.name: tables[ref.sha256] for ref in tool.data}
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes that its author wrote
            body = ast.parse(tool.source).body
        if len(body) == 1 and not data:
            return tool.source
        frame = ast.parse(f"def {tool.name}(**arguments):\n    DATA = {data!r}\n    return {tool.name}(**arguments)")
        outer: Any = frame.body[0]
        binding, call = outer.body
        outer.body = [*([binding] if data else []), *body, call]
        return ast.unparse(frame)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return tool.source


def _text(expected: Expected) -> str:
    return expected.value if isinstance(expected.value, str) else _json(expected.value)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)  # FTRL's spacing: its matching splits answers at ", "
