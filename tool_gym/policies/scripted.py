"""Scripted policies: the oracle, which plays the reference calls, and a random one. Neither learns; both measure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tool_gym.episode import Caps
from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, canonical, dumps
from tool_gym.messages import AssistantMessage, ToolCall
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.perturb.faults import unavailable
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.scenario import Expected, Scenario
from tool_gym.schema import sample_arguments

_MOST_CALLS: int = Caps.model_fields["max_calls_per_turn"].default
"""Calls of a message that an environment runs, unless it is told otherwise."""


class OraclePolicy(Policy):
    """Plays each scenario's reference calls, those that are ready together in one turn, and then its answer.

    It reads gold from the pack: it shows what a perfect agent earns, and that a scenario can be solved.
    """

    def __init__(self, pack: Pack | str) -> None:
        """Makes the oracle of a pack, or of the name or folder of one."""
        self._pack = load_pack(pack) if isinstance(pack, str) else pack

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """The next reference calls, or the answer.

        Raises:
            InputError: If a scenario has sub-questions without reference arguments (imported data often has none).
        """
        return [Decision(_next_message(self._pack[r.info["scenario"]], r.observation)) for r in requests]


def _next_message(scenario: Scenario, observation: Mapping[str, Any]) -> AssistantMessage:
    unknown = [step.id for step in scenario.sub_questions if step.arguments is None]
    if unknown:
        raise InputError(
            f"scenario {scenario.id!r}: the oracle cannot play it, sub-question {unknown[0]!r} has no reference call"
        )
    made = Counter(_calls_made(observation["messages"]))
    usable = {tool["function"]["name"] for tool in observation["tools"]}
    users = sum(message["role"] == "user" for message in observation["messages"])
    later = {name for turn in scenario.turns[users:] for name in turn.checks}
    done, open_steps = set(), []
    for step in scenario.sub_questions:
        key = _key(step.tools[0], step.arguments)
        if made[key]:
            made[key] -= 1
            done.add(step.id)
        elif step.id not in later and step.tools[0] in usable:
            open_steps.append(step)
    ready = [
        ToolCall(name=step.tools[0], arguments=step.arguments or {})
        for step in open_steps
        if done.issuperset(step.depends_on)
    ]
    if ready:
        return AssistantMessage(tool_calls=tuple(ready[:_MOST_CALLS]))
    if users < len(scenario.turns) or scenario.answer is None:
        return AssistantMessage(content="Done.")
    return AssistantMessage(content=f"<answer>{answer_text(scenario.answer)}</answer>")


def _calls_made(messages: Sequence[Mapping[str, Json]]) -> Iterator[tuple[str, bytes]]:
    """The calls that got through; the others have to be made again."""
    made: dict[str, Mapping[str, Json]] = {}
    for message in messages:
        made = {call["id"]: call["function"] for call in message.get("tool_calls", ())} or made
        if message["role"] == "tool" and not unavailable(message):
            function = made[message["tool_call_id"]]
            yield _key(function["name"], function["arguments"])


def _key(name: str, arguments: Mapping[str, Json] | None) -> tuple[str, bytes]:
    return name, canonical(arguments)


def answer_text(answer: Expected) -> str:
    """An expected answer as an agent would write it: text as it is, else JSON; with its unit."""
    text = answer.value if isinstance(answer.value, str) else dumps(answer.value).decode()
    return f"{text} {answer.unit}" if answer.unit else text


class RandomPolicy(Policy):
    """Calls random tools with random arguments that fit their schemas, and now and then replies.

    What it does in a turn depends only on its seed, the request's seed and the turn.
    """

    def __init__(self, seed: int = 0, reply_chance: float = 0.2, max_calls: int = 2) -> None:
        """Makes the policy.

        Args:
            seed: Its own seed, beside the requests'.
            reply_chance: Probability of a reply instead of calls, in [0, 1].
            max_calls: Most calls of a turn, >= 1.
        """
        self._seed, self._reply_chance, self._max_calls = seed, reply_chance, max_calls

    @property
    def fingerprint(self) -> dict[str, Json]:
        """Its arguments."""
        arguments = {"seed": self._seed, "reply_chance": self._reply_chance, "max_calls": self._max_calls}
        return {**super().fingerprint, **arguments}

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """A random message for each request."""
        return [Decision(self._message(request)) for request in requests]

    def _message(self, request: Request) -> AssistantMessage:
        rng = np.random.default_rng([self._seed, request.seed, request.info["turn"]])
        tools = request.observation["tools"]
        if not tools or rng.random() < self._reply_chance:
            return AssistantMessage(content="I do not know.")
        calls = []
        for _ in range(int(rng.integers(1, self._max_calls + 1))):
            function = tools[int(rng.integers(len(tools)))]["function"]
            arguments = sample_arguments(function["parameters"], rng)
            calls.append(ToolCall(name=function["name"], arguments=arguments))
        return AssistantMessage(tool_calls=tuple(calls))
