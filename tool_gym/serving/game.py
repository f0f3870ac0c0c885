"""One episode behind tool calls: what a server needs of it, whatever its protocol.

Such an agent sends no messages, only calls. Each call is a turn of its own, and what the agent says to the user goes
through one more tool, which closes the user's turn and, after the last one, the episode.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from tool_gym.episode import Episode
from tool_gym.jsonvalue import Json

REPLY = "reply_to_user"
_DESCRIPTION = (
    "Give your reply to the user. Call this once, when you have the answer: it ends the task, unless the user then "
    "asks for more."
)


class Shown(NamedTuple):
    """A tool as an agent sees it: its name, description, and parameters as the JSON Schema of an object."""

    name: str
    description: str
    parameters: dict[str, Json]


class Answer(NamedTuple):
    """What a call gave: the text for the model, whether it is an error, and whether there are other tools now."""

    text: str
    error: bool = False
    more_tools: bool = False


class Game:
    """An episode that is played call by call.

    Attributes:
        episode: The episode.
        reply: Name of the tool that replies; `reply_to_user`, with "_" at its end while a tool of the scenario has it.
    """

    def __init__(self, episode: Episode, *, after: Callable[[Episode], None] = lambda episode: None) -> None:
        """Takes an episode that has just begun.

        Args:
            episode: The episode.
            after: Is called after every turn, to keep what happened.
        """
        self.episode = episode
        self.reply = REPLY
        while any(tool.name == self.reply for tool in episode.scenario.tools):
            self.reply += "_"
        self._after = after
        self._one_at_a_time = asyncio.Lock()

    @property
    def question(self) -> str:
        """All that the user said so far, and how to answer."""
        said = [each["content"] for each in self.episode.observation["messages"] if each["role"] == "user"]
        return "\n\n".join([*said, f"(Use the tools, then give your answer with {self.reply}.)"])

    def tools(self) -> list[Shown]:
        """The tools of the moment: those of the scenario in their order, then the one that replies."""
        shown = []
        for tool in self.episode.observation["tools"]:
            function = tool["function"]
            parameters = {"type": "object", **function["parameters"]}
            shown.append(Shown(function["name"], function["description"], parameters))
        text = {"type": "string", "description": "The reply, with the answer in it."}
        parameters = {"type": "object", "properties": {"text": text}, "required": ["text"]}
        return [*shown, Shown(self.reply, _DESCRIPTION, parameters)]

    async def call(self, name: str, arguments: dict[str, Any]) -> Answer:
        """Plays one turn: a call of a tool, or a reply. Whatever is called, it answers; calls wait for each other."""
        async with self._one_at_a_time:
            if self.episode.done:
                return Answer(f"The task has ended ({self.episode.termination}).", error=True)
            known = len(self.episode.observation["tools"])
            if name != self.reply:
                await self.episode.astep({"content": "", "tool_calls": [{"name": name, "arguments": arguments}]})
            elif not isinstance(text := arguments.get("text"), str):
                return Answer(f"{self.reply} takes the reply as `text`, a string.", error=True)
            else:
                await self.episode.astep({"content": text})
            self._after(self.episode)
            return self._answer(more_tools=len(self.episode.observation["tools"]) > known)

    def _answer(self, *, more_tools: bool) -> Answer:
        """What the last turn gave: the tool's answer, or what the user says to the reply."""
        last = self.episode.observation["messages"][-1]
        error = any(status != "ok" for status in self.episode.info["tool_statuses"])
        text = last["content"] if last["role"] in ("tool", "user") else "The task has ended."
        if self.episode.done and last["role"] == "tool":
            text += f"\n(The task has ended: {self.episode.termination}.)"
        return Answer(text, error, more_tools)
