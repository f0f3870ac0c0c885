"""A policy of one's own, from the smallest to one that keeps something for each episode.

python -m tool_gym.examples.own_policy
tool-gym evaluate --policy tool_gym.examples.own_policy:act --pack starter
tool-gym evaluate --policy tool_gym.examples.own_policy:Persistent --pack starter
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import tool_gym
from tool_gym.schema import sample_arguments


def act(observation: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, Any]:
    """Calls the tool whose document shares most words with the question, once, and answers with what it said.

    This is the smallest policy: a function from an observation to an assistant message.
    """
    messages = observation["messages"]
    if messages[-1]["role"] == "tool":
        return {"content": f"<answer>{messages[-1]['content'][:200]}</answer>"}
    best = max((tool["function"] for tool in observation["tools"]), key=lambda tool: _shared(tool, messages[-1]))
    arguments = sample_arguments(best["parameters"], np.random.default_rng(0))
    return {"tool_calls": [{"name": best["name"], "arguments": arguments}]}


def _shared(tool: Mapping[str, Any], message: Mapping[str, Any]) -> int:
    words = [set(re.findall(r"\w{4,}", text.lower())) for text in (tool["description"], message["content"])]
    return len(words[0] & words[1])


class Persistent(tool_gym.Policy):
    """Tries again with other arguments while a tool refuses them, `patience` times an episode.

    A policy answers many requests at once, so that a model can be asked in one batch. What it keeps of an episode is
    filed under the request's `episode_id` and dropped in `end`; chance comes from the request's seed alone, so that the
    order in which episodes are played changes nothing.
    """

    def __init__(self, patience: int = 3) -> None:
        self._patience = patience
        self._tries: dict[str, int] = {}

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What decides its actions: kept with results."""
        return {**super().fingerprint, "patience": self._patience}

    def act(self, requests: Sequence[tool_gym.Request]) -> list[tool_gym.Decision]:
        """One decision for each request."""
        return [tool_gym.Decision(self._message(request)) for request in requests]

    def end(self, episode_id: str) -> None:
        """Forgets an episode."""
        self._tries.pop(episode_id, None)

    def _message(self, request: tool_gym.Request) -> dict[str, Any]:
        tries = self._tries[request.episode_id] = self._tries.get(request.episode_id, 0) + 1
        if tries > self._patience or "ok" in request.info["tool_statuses"]:
            return act(request.observation, request.info)
        first = {**request.observation, "messages": request.observation["messages"][:1]}
        (call,) = act(first, request.info)["tool_calls"]
        (function,) = (tool["function"] for tool in first["tools"] if tool["function"]["name"] == call["name"])
        rng = np.random.default_rng([request.seed, tries])
        return {"tool_calls": [{"name": call["name"], "arguments": sample_arguments(function["parameters"], rng)}]}


def main() -> None:
    """Plays both on the shipped pack and prints what they solve."""
    from tool_gym.rollouts import plays, rollout
    from tool_gym.verify.metrics import summarise

    pack = tool_gym.load_pack("starter")
    with tool_gym.Executor() as executor:
        for policy in (tool_gym.FunctionPolicy(act), Persistent()):
            games = rollout(policy, pack, plays(pack), executor)
            overall = summarise(trajectory for _, trajectory in games)[-1]
            print(policy.fingerprint, {key: overall[key] for key in ("solve_f1", "mean_turns", "mean_calls")})


if __name__ == "__main__":
    main()
