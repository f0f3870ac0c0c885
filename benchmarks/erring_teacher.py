"""Demonstrations with mistakes: what a network is cloned from before it is trained by reinforcement.

A network cloned from perfect transcripts knows one way through a scenario and nothing besides: it is right, or it fails
where no sample of it is ever right, and in neither case is there anything to learn from reward. Those who train real
models start from one that knows the form, is often right and often wrong. So the teacher here errs on purpose: it plays
the reference calls, but each call is, with a chance, exchanged for another one - another tool, or another word of the
conversation as an argument - and now and then it answers before it has asked. After a mistake it goes on from there;
what the tools say to the mistake stands in the transcript. So does which turns were right: who imitates these alone
learns what to do, and what to do after a mistake, and makes no mistakes of the teacher's.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tool_gym.episode import Episode
from tool_gym.messages import AssistantMessage, ToolCall
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.sandbox.executor import Executor

Words = Callable[[Mapping[str, Any]], list[str]]
"""The words of an observation that could be mistaken for an argument."""


class Chances(NamedTuple):
    """How often the teacher errs: of each call, and of each turn with calls in it; both in [0, 1)."""

    wrong_call: float = 0.0
    early_answer: float = 0.0


class ErringTeacher(Policy):
    """Plays a scenario's reference calls, and makes mistakes; which depends on the request alone."""

    def __init__(self, pack: Pack, chances: Chances, words: Words) -> None:
        """Makes the teacher of a pack."""
        self._oracle, self._chances, self._words = OraclePolicy(pack), chances, words

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """The reference's next message, or a mistake in its place."""
        return [Decision(self._said(one, self.right(one))) for one in requests]

    def right(self, request: Request) -> Any:
        """The reference's next message."""
        return self._oracle.act([request])[0].message

    def _said(self, request: Request, right: Any) -> AssistantMessage:
        rng = np.random.default_rng([request.seed, request.info["turn"]])
        words = self._words(request.observation)
        calls: tuple[ToolCall, ...] = right.tool_calls
        if calls and words and rng.random() < self._chances.early_answer:
            return AssistantMessage(content=f"<answer>{rng.choice(words)}</answer>")
        said = tuple(
            self._mistake(call, request.observation["tools"], words, rng)
            if rng.random() < self._chances.wrong_call
            else call
            for call in calls
        )
        return AssistantMessage(content=right.content, tool_calls=said)

    def _mistake(
        self, call: ToolCall, tools: Sequence[Mapping[str, Any]], words: Sequence[str], rng: np.random.Generator
    ) -> ToolCall:
        """Another tool with the same values, or another value."""
        others = [each["function"] for each in tools if each["function"]["name"] != call.name]
        if others and rng.random() < 0.5:
            other = others[rng.integers(len(others))]
            values = zip(other["parameters"]["properties"], call.arguments.values(), strict=False)
            return ToolCall(name=other["name"], arguments=dict(values))
        keys = [key for key, value in call.arguments.items() if isinstance(value, str)]
        if not keys or not words:
            return ToolCall(name=call.name, arguments={})
        key = keys[rng.integers(len(keys))]
        return ToolCall(name=call.name, arguments={**call.arguments, key: str(rng.choice(words))})


def transcripts(
    pack: Pack, ids: Sequence[str], chances: Chances, words: Words, *, max_turns: int
) -> list[dict[str, Any]]:
    """Episodes that the teacher plays.

    Returns:
        Their last observations, `{"messages", "tools"}` as plain data, with `right`: for each turn whether it is the
        reference's.
    """
    teacher, found = ErringTeacher(pack, chances, words), []
    with Executor(execution="embedded") as executor:
        for name in ids:
            episode, right = Episode.of_pack(pack, name, executor, seed=0, max_turns=max_turns), []
            while not episode.done:
                request = Request(name, zlib.crc32(name.encode()), episode.observation, episode.info)
                (decision,) = teacher.act([request])
                right.append(decision.message == teacher.right(request))
                episode.step(decision.message)
            found.append({**json.loads(json.dumps(episode.observation)), "right": right})
    return found
