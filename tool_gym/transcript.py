"""The transcript: what an agent sees, frozen, and never larger than its budget of bytes.

Bytes are counted as UTF-8 JSON. Each answer of a turn is sure of enough room to say that it is cut, so the observation
that ends an episode for its size still fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tool_gym.frozen import FrozenDict, FrozenList, freeze
from tool_gym.jsonvalue import Json, dumps
from tool_gym.messages import AssistantMessage, ToolMessage, chat_action, chat_answer

_CUT = "[cut: {:,} of {:,} characters are shown]"
_MARK_ROOM = 64  # characters that the mark above takes at most
_TOO_LONG = "[this message is too long for the observation and is not shown]"
_STUB_ROOM = 256  # bytes kept free so that even a message that does not fit can be answered for


class Transcript:
    """Messages and tools of one episode in the forms that chat templates take.

    Attributes:
        room: Bytes left for messages; below 0 when the beginning alone does not fit.
    """

    def __init__(self, tools: Sequence[FrozenDict], max_bytes: int, max_result_chars: int) -> None:
        """Starts with tools and no message.

        Args:
            tools: Tools in their chat form.
            max_bytes: Largest observation, in bytes of UTF-8 JSON.
            max_result_chars: Longest content of a tool's answer, in characters.
        """
        self._max_result_chars = max_result_chars
        self._tools = FrozenList(tools)
        self._messages: list[FrozenDict] = []
        self.room = max_bytes - _STUB_ROOM - len(dumps(self._tools))

    def view(self) -> dict[str, Any]:
        """The observation of now: a fresh dict of frozen lists that share all that is in them."""
        return {"messages": FrozenList(self._messages), "tools": self._tools}

    def say(self, role: str, content: str, tools: Sequence[FrozenDict] = ()) -> bool:
        """Adds a message of the system or the user, and the tools that come with it; False if they do not fit."""
        form = {"role": role, "content": content}
        needed = len(dumps(form)) + 1 + sum(len(dumps(tool)) + 1 for tool in tools)
        if needed > self.room:
            return False
        if tools:
            self._tools = FrozenList([*self._tools, *tools])
        self._messages.append(FrozenDict(form))
        self.room -= needed
        return True

    def act(self, action: AssistantMessage) -> bool:
        """Adds the agent's message; where it and the answers to its calls cannot fit, a stub instead and False."""
        form = chat_action(action)
        size = len(dumps(form)) + 1
        answers = sum([_least_room(call.name, call.id) for call in action.tool_calls])
        if size + answers > self.room:
            self._messages.append(FrozenDict(role="assistant", content=_TOO_LONG))
            return False
        self._messages.append(form)
        self.room -= size
        return True

    def answer(self, results: Sequence[ToolMessage]) -> tuple[tuple[ToolMessage, ...], bool]:
        """Adds the tools' answers, cut to what fits; returns them as shown, and whether all had room."""
        shown, fits = [], True
        needed = [_least_room(result.name, result.tool_call_id) for result in results]
        kept = sum(needed)  # for the answers still to come
        for result, least in zip(results, needed, strict=True):
            if len(result.content) > self._max_result_chars:
                result = _shorten(result, self._max_result_chars, len)
            kept -= least
            form = chat_answer(result)
            size = len(dumps(form)) + 1
            if size > self.room - kept:
                fits = False
                frame = size - _size(result.content)
                result = _shorten(result, self.room - kept - frame, _size)
                form = chat_answer(result)
                size = len(dumps(form)) + 1
            self._messages.append(form)
            self.room -= size
            shown.append(result)
        return tuple(shown), fits

    def snapshot(self) -> dict[str, Json]:
        """The transcript as it stands; shares what is frozen, and pickles as plain data."""
        return {"messages": list(self._messages), "tools": self._tools, "room": self.room}

    def restore(self, snapshot: Mapping[str, Json]) -> None:
        """Goes back to a snapshot."""
        # Pickling made plain data of frozen data; what is frozen still is shared again.
        self._messages = [freeze(message) for message in snapshot["messages"]]
        self._tools = FrozenList([freeze(tool) for tool in snapshot["tools"]])
        self.room = snapshot["room"]


def _least_room(name: str, identity: str) -> int:
    """Bytes that suffice for a tool message whose content says no more than that it is cut."""
    return 192 + 6 * (len(name) + len(identity))  # JSON escapes a character with at most six bytes


def _size(text: str) -> int:
    return len(dumps(text))


def _shorten(result: ToolMessage, limit: int, measure: Callable[[str], int]) -> ToolMessage:
    """The answer with its content cut to a limit and saying so; its value stays whole."""
    whole = result.content
    keep = max(0, min(len(whole), limit) - _MARK_ROOM)
    while keep and measure(whole[:keep]) > limit - _MARK_ROOM:
        keep = keep * 9 // 10
    return result.model_copy(update={"content": f"{whole[:keep]} {_CUT.format(keep, len(whole))}".lstrip()})
