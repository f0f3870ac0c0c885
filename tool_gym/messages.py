"""Messages: what an agent says (`AssistantMessage`), asks for (`ToolCall`) and is told (`ToolMessage`).

`read_action` is the border to models: whatever an agent emits becomes an `AssistantMessage`, and its faults become
data (`ToolCall.error`), never exceptions. `chat_message` writes the form that `apply_chat_template` takes,
`openai_message` the form of OpenAI's chat-completions protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, TypeAlias, TypeGuard

from pydantic import BaseModel, ConfigDict

from tool_gym.frozen import FrozenDict, FrozenList, freeze
from tool_gym.jsonvalue import Json, NotJson, clean_text, dumps, encode, loads, may_nest_deeper

Status: TypeAlias = Literal[
    "ok", "invalid_call", "tool_error", "timeout", "limit", "bad_result", "crashed", "unavailable"
]
"""How a call ended: `ok`; `invalid_call` (unknown tool, or arguments against its schema); `tool_error` (the tool
raised, or did not load); `timeout`; `limit` (memory, output, bounded builtins); `bad_result` (not JSON); `crashed`
(its process died); `unavailable` (a perturbation kept it from the tool, so that it counts nowhere)."""

MAX_CALLS_READ = 1024
"""Calls of one message that are read at all; far above any turn's limit, it bounds the work a message can cause."""
_MAX_NAME = 128
_MARK = " … [cut: {} of {} characters]"


_new, _put = object.__new__, dict.__setitem__
_set_fields, _set_names, _set_extra, _set_private = [
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
]


class Noun(BaseModel):
    """A frozen record; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    _names: ClassVar[set[str]] = set()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Keeps the fields' names, which all that `of_checked` makes share: the fewer sets, the less to collect."""
        cls._names = set(cls.model_fields)

    @classmethod
    def of_checked(cls, **fields: Any) -> Self:
        """One of fields that were checked already: all of them, in the order of the class.

        Made at every step, where validating again would take as long as a small tool runs.
        """
        noun = _new(cls)
        _set_fields(noun, fields)
        _set_names(noun, cls._names)
        _set_extra(noun, None)
        _set_private(noun, None)
        return noun


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
        return cls.of_checked(
            tool_call_id=call.id,
            name=call.name,
            status=status,
            value=None,
            content=content,
            deterministic=deterministic,
        )


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
    if type(action) is not dict and isinstance(action, AssistantMessage):
        action = action.__dict__
    if not _is_mapping(action):
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
    return AssistantMessage.of_checked(
        content=content,
        reasoning=_keep(reasoning, max_chars) if isinstance(reasoning, str) else None,
        tool_calls=tuple(calls),
        parse_error=None if parse_error is None else _keep(parse_error, 1000),
    )


def _is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return type(value) is dict or isinstance(value, Mapping)  # the second asks an abstract class, which is slow


def _read_content(content: object, max_chars: int) -> tuple[str, str | None]:
    """The text of a message's content, and what was wrong with it."""
    if content is None:
        return "", None
    if isinstance(content, str):
        return _keep(content, max_chars), None
    if isinstance(content, (list, tuple)):  # OpenAI's content parts
        texts = [part["text"] for part in content if isinstance(part, Mapping) and isinstance(part.get("text"), str)]
        if len(texts) == len(content):
            return _keep("".join(texts), max_chars), None
    return "", f"content must be text, got {type(content).__name__}"


class _Ids:
    """Gives each call of a message an id of its own, that of the agent where it can be kept."""

    def __init__(self, turn: int) -> None:
        self._turn, self._seen = turn, set[str]()

    def take(self, wanted: object) -> str:
        short = _keep(wanted, _MAX_NAME, "") if isinstance(wanted, str) else ""
        if not short or short in self._seen:
            short = f"call_{self._turn}_{len(self._seen)}"
            while short in self._seen:
                short += "_"
        self._seen.add(short)
        return short


def _malformed(ids: _Ids, error: str, *, name: str = "", wanted_id: object = None, raw: str | None = None) -> ToolCall:
    return ToolCall.of_checked(id=ids.take(wanted_id), name=name, arguments={}, raw=raw, error=error)


def _read_call(item: object, ids: _Ids, max_chars: int) -> ToolCall:
    if type(item) is not dict and isinstance(item, ToolCall):
        item = item.__dict__
    if type(item) is not dict and not _is_mapping(item):
        return _malformed(ids, f"a tool call must be a mapping, got {type(item).__name__}", raw=_raw(item))
    function = item.get("function")
    inner = function if type(function) is dict or (function is not None and _is_mapping(function)) else item
    wanted_id, name = item.get("id"), inner.get("name")
    if not isinstance(name, str):
        return _malformed(ids, "a tool call needs a name, as text", wanted_id=wanted_id, raw=_raw(item))
    short = _keep(name, _MAX_NAME, "")
    if isinstance(item.get("error"), str):  # a parser found it malformed already
        raw = _keep(item["raw"], max_chars) if isinstance(item.get("raw"), str) else None
        return _malformed(ids, _keep(item["error"], 1000), name=short, wanted_id=wanted_id, raw=raw)
    arguments, error = _read_arguments(inner.get("arguments", inner.get("parameters")), max_chars)
    if len(name) > _MAX_NAME:
        error = f"a tool's name has at most {_MAX_NAME} characters, this one {len(name)}"
    if error:
        return _malformed(ids, error, name=short, wanted_id=wanted_id, raw=_raw(inner.get("arguments")))
    return ToolCall.of_checked(id=ids.take(wanted_id), name=short, arguments=arguments, raw=None, error=None)


def _read_arguments(arguments: object, max_chars: int) -> tuple[dict[str, Json], str | None]:
    """A private copy of a call's arguments as plain JSON data, and what was wrong with them."""
    if arguments is None:
        return {}, None
    try:
        if type(arguments) is str and arguments.isascii():
            text = arguments.encode()
        else:
            text = clean_text(_plain(arguments)).encode() if isinstance(arguments, str) else encode(arguments)
        if len(text) > max_chars:
            return {}, f"the arguments are {len(text)} bytes long, at most {max_chars} are taken"
        value = loads(text) if text and not text.isspace() else {}
        if may_nest_deeper(text):
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
        return _keep(value, 1000)
    try:
        return _cut(encode(value).decode(), 1000)
    except NotJson:
        return None


def _keep(text: str, limit: int, mark: str = _MARK) -> str:
    """Text of an agent as it is kept: plain, with a UTF-8 form, and no longer than a limit but for saying so."""
    if type(text) is str and len(text) <= limit and text.isascii():
        return text
    return _cut(clean_text(_plain(text)), limit, mark)


def _plain(text: str) -> str:
    return text if type(text) is str else str.__str__(text)  # a subclass may do anything


def _cut(text: str, limit: int, mark: str = _MARK) -> str:
    if len(text) <= limit:
        return text
    return text[:limit] + mark.format(limit, len(text))


def chat_message(message: AssistantMessage | ToolMessage) -> FrozenDict:
    """The message as `apply_chat_template` takes it, deep-frozen: arguments are a JSON object, not text."""
    return chat_action(message) if isinstance(message, AssistantMessage) else chat_answer(message)


def chat_action(action: AssistantMessage) -> FrozenDict:
    """`chat_message` of what an agent does."""
    form = FrozenDict(role="assistant", content=action.content)
    if action.reasoning is not None:
        _put(form, "reasoning_content", action.reasoning)
    if action.tool_calls:
        _put(form, "tool_calls", FrozenList([_chat_call(call) for call in action.tool_calls]))
    return form


def chat_answer(answer: ToolMessage) -> FrozenDict:
    """`chat_message` of a tool's answer."""
    return FrozenDict(role="tool", tool_call_id=answer.tool_call_id, name=answer.name, content=answer.content)


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
