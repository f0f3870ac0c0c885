"""Messages: what an agent says (`AssistantMessage`), asks for (`ToolCall`) and is told (`ToolMessage`).

`read_action` is the border to models: whatever an agent emits becomes an `AssistantMessage`, and its faults become
data (`ToolCall.error`), never exceptions. `chat_message` writes the form that `apply_chat_template` takes,
`openai_message` the form of OpenAI's chat-completions protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeGuard

from pydantic import BaseModel, ConfigDict

from tool_gym.frozen import FrozenDict, FrozenList, freeze
from tool_gym.jsonvalue import Json, NotJson, clean_text, dumps, encode, loads

Status: TypeAlias = Literal["ok", "invalid_call", "tool_error", "timeout", "limit", "bad_result", "crashed"]
"""How a call ended: `ok`; `invalid_call` (unknown tool, or arguments against its schema); `tool_error` (the tool
raised, or did not load); `timeout`; `limit` (memory, output, bounded builtins); `bad_result` (not JSON); `crashed`
(its process died)."""

MAX_CALLS_READ = 1024
"""Calls of one message that are read at all; far above any turn's limit, it bounds the work a message can cause."""
_MAX_NAME = 128


class Noun(BaseModel):
    """A frozen record; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolCall(Noun):
    """One call that an agent asks for.

    Attributes:
        id: Pairs the call with its `ToolMessage`; empty until the turn is read, then `call_<turn>_<i>` by default.
        name: The tool's name as the agent wrote it, at most 128 characters.
        arguments: JSON object; empty when the call is malformed.
        raw: The text of a malformed call, for the transcript.
        error: Why the call is malformed, or None. A malformed call is answered `invalid_call` and counts.
    """

    id: str = ""
    name: str
    arguments: dict[str, Any] = {}
    raw: str | None = None
    error: str | None = None


class AssistantMessage(Noun):
    """What an agent does in one turn: the action of the environment.

    Attributes:
        content: Text for the user; with no tool calls it closes the user's turn.
        reasoning: Thinking that the model keeps apart, or None.
        tool_calls: Calls, run in order.
        parse_error: Why the message as a whole could not be read, or None.
    """

    content: str = ""
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    parse_error: str | None = None


class ToolMessage(Noun):
    """The answer to one call.

    Attributes:
        tool_call_id: `id` of the call.
        name: Name of the tool as the call gave it.
        status: How the call ended, see `Status`.
        value: The tool's result as JSON data, whole; None unless the status is `ok`.
        content: What the model reads: the value itself if it is text, else its compact JSON; on failure
            `{"error": <status>, "message": <why>}` as JSON text.
        deterministic: False where clock, memory or a crash decided the outcome, so that a replay may differ.
    """

    tool_call_id: str
    name: str
    status: Status
    value: Any = None
    content: str
    deterministic: bool = True

    @classmethod
    def ok(cls, call: ToolCall, value: Json, text: str | None = None) -> ToolMessage:
        """A result; `text` is the value's JSON where the caller has it already."""
        content = value if isinstance(value, str) else text if text is not None else dumps(value).decode()
        return cls(tool_call_id=call.id, name=call.name, status="ok", value=value, content=content)

    @classmethod
    def failure(cls, call: ToolCall, status: Status, message: str, *, deterministic: bool = True) -> ToolMessage:
        """A failure of the given status, with the reason for the model to read."""
        content = dumps({"error": status, "message": clean_text(message)}).decode()
        return cls(tool_call_id=call.id, name=call.name, status=status, content=content, deterministic=deterministic)


def read_action(action: object, *, turn: int = 0, max_chars: int = 65536) -> AssistantMessage:
    """Reads whatever an agent emitted as an assistant message; never raises.

    Taken are an `AssistantMessage`, a mapping `{"content", "tool_calls": [{"name", "arguments"}]}`, and OpenAI's
    own message (`{"function": {"name", "arguments": "<json text>"}}`); unknown keys are ignored. A part that cannot be
    read becomes a `ToolCall` with an `error`; a message that cannot be read at all becomes one such call.

    Args:
        action: Anything.
        turn: 0-based turn, for the default ids of calls.
        max_chars: Longest content, reasoning, and JSON text of one call's arguments, in characters; content and
            reasoning are cut (and say so), longer arguments make the call malformed.

    Returns:
        The message; every call has an id, unique within the message, and arguments of plain JSON data that nothing
        else refers to.
    """
    if isinstance(action, AssistantMessage):
        action = action.__dict__
    elif not _is_mapping(action):
        hint = "; wrap the environment in ParseText to act with raw text" if isinstance(action, str) else ""
        return _unreadable(f"expected an assistant message (a mapping), got {type(action).__name__}{hint}", turn)
    try:
        return _read_message(action, turn, max_chars)
    except Exception as error:  # a hostile mapping may raise anything from its own methods
        return _unreadable(f"the message cannot be read: {type(error).__name__}", turn)


def _read_message(action: Mapping[Any, Any], turn: int, max_chars: int) -> AssistantMessage:
    content, problem = _read_content(action.get("content"), max_chars)
    reasoning = action.get("reasoning", action.get("reasoning_content"))
    parse_error = action.get("parse_error")
    parse_error = parse_error if isinstance(parse_error, str) else None
    listed = action.get("tool_calls")
    if listed is None:
        listed = ()
    elif not isinstance(listed, (list, tuple)):
        listed, problem = (), f"tool_calls must be a list, got {type(listed).__name__}"
    ids = _Ids(turn)
    calls = [_read_call(item, ids, max_chars) for item in listed[:MAX_CALLS_READ]]
    if len(listed) > MAX_CALLS_READ:
        calls.append(_malformed(ids, f"only the first {MAX_CALLS_READ} calls of a message are read"))
    if problem:
        parse_error = problem
    if parse_error and not calls:
        calls = [_malformed(ids, _cut(parse_error, 1000))]
    return AssistantMessage(
        content=content,
        reasoning=_cut(clean_text(reasoning), max_chars) if isinstance(reasoning, str) else None,
        tool_calls=tuple(calls),
        parse_error=None if parse_error is None else _cut(clean_text(parse_error), 1000),
    )


def _is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return type(value) is dict or isinstance(value, Mapping)  # the second asks an abstract class, which is slow


def _read_content(content: object, max_chars: int) -> tuple[str, str | None]:
    """The text of a message's content, and what was wrong with it."""
    if content is None:
        return "", None
    if isinstance(content, str):
        return _cut(clean_text(str(content)), max_chars), None
    if isinstance(content, (list, tuple)):  # OpenAI's content parts
        texts = [part["text"] for part in content if isinstance(part, Mapping) and isinstance(part.get("text"), str)]
        if len(texts) == len(content):
            return _cut(clean_text("".join(texts)), max_chars), None
    return "", f"content must be text, got {type(content).__name__}"


class _Ids:
    """Gives each call of a message an id of its own, that of the agent where it can be kept."""

    def __init__(self, turn: int) -> None:
        self._turn, self._seen = turn, set[str]()

    def take(self, wanted: object) -> str:
        short = _cut(clean_text(wanted), _MAX_NAME, "") if isinstance(wanted, str) else ""
        if not short or short in self._seen:
            short = f"call_{self._turn}_{len(self._seen)}"
            while short in self._seen:
                short += "_"
        self._seen.add(short)
        return short


def _malformed(ids: _Ids, error: str, *, name: str = "", wanted_id: object = None, raw: str | None = None) -> ToolCall:
    return ToolCall(id=ids.take(wanted_id), name=name, raw=raw, error=error)


def _read_call(item: object, ids: _Ids, max_chars: int) -> ToolCall:
    if isinstance(item, ToolCall):
        item = item.__dict__
    if not _is_mapping(item):
        return _malformed(ids, f"a tool call must be a mapping, got {type(item).__name__}", raw=_raw(item))
    function = item.get("function")
    inner = function if _is_mapping(function) else item
    wanted_id, name = item.get("id"), inner.get("name")
    if not isinstance(name, str):
        return _malformed(ids, "a tool call needs a name, as text", wanted_id=wanted_id, raw=_raw(item))
    short = _cut(clean_text(name), _MAX_NAME, "")
    if isinstance(item.get("error"), str):  # a parser found it malformed already
        raw = _cut(clean_text(item["raw"]), max_chars) if isinstance(item.get("raw"), str) else None
        return _malformed(ids, _cut(clean_text(item["error"]), 1000), name=short, wanted_id=wanted_id, raw=raw)
    arguments, error = _read_arguments(inner.get("arguments", inner.get("parameters")), max_chars)
    if len(name) > _MAX_NAME:
        error = f"a tool's name has at most {_MAX_NAME} characters, this one {len(name)}"
    if error:
        return _malformed(ids, error, name=short, wanted_id=wanted_id, raw=_raw(inner.get("arguments")))
    return ToolCall(id=ids.take(wanted_id), name=short, arguments=arguments)


def _read_arguments(arguments: object, max_chars: int) -> tuple[dict[str, Json], str | None]:
    """A private copy of a call's arguments as plain JSON data, and what was wrong with them."""
    if arguments is None:
        return {}, None
    try:
        text = clean_text(arguments).encode() if isinstance(arguments, str) else encode(arguments)
        if len(text) > max_chars:
            return {}, f"the arguments are {len(text)} bytes long, at most {max_chars} are taken"
        value = loads(text) if text.strip() else {}
        if isinstance(arguments, str):
            encode(value)  # text may nest deeper than a value may
    except NotJson as error:
        return {}, f"the arguments are not JSON: {error}"
    if not isinstance(value, dict):
        return {}, f"the arguments must be a JSON object, got {type(value).__name__}"
    return value, None


def _unreadable(error: str, turn: int) -> AssistantMessage:
    return AssistantMessage(tool_calls=(_malformed(_Ids(turn), error),), parse_error=error)


def _raw(value: object) -> str | None:
    """What a malformed part looked like, shortened; text only, since a foreign `repr` is foreign code."""
    if isinstance(value, str):
        return _cut(clean_text(value), 1000)
    try:
        return _cut(encode(value).decode(), 1000)
    except NotJson:
        return None


def _cut(text: str, limit: int, mark: str = " … [cut: {} of {} characters]") -> str:
    if len(text) <= limit:
        return text
    return text[:limit] + mark.format(limit, len(text))


def chat_message(message: AssistantMessage | ToolMessage) -> FrozenDict:
    """The message as `apply_chat_template` takes it, deep-frozen: arguments are a JSON object, not text."""
    if isinstance(message, ToolMessage):
        return FrozenDict(
            role="tool", tool_call_id=message.tool_call_id, name=message.name, content=message.content
        )  # fmt: skip
    form: dict[str, Json] = {"role": "assistant", "content": message.content}
    if message.reasoning is not None:
        form["reasoning_content"] = message.reasoning
    if message.tool_calls:
        form["tool_calls"] = FrozenList([_chat_call(call) for call in message.tool_calls])
    return FrozenDict(form)


def _chat_call(call: ToolCall) -> FrozenDict:
    function = FrozenDict(name=call.name, arguments=freeze(call.arguments))
    return FrozenDict(id=call.id, type="function", function=function)


def openai_message(message: Mapping[str, Json]) -> dict[str, Json]:
    """A message of an observation in OpenAI's wire form: arguments become JSON text, reasoning is left out."""
    form = {key: value for key, value in message.items() if key != "reasoning_content"}
    if calls := form.get("tool_calls"):
        form["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": dumps(call["function"]["arguments"]).decode()}}
            for call in calls
        ]
    return form
