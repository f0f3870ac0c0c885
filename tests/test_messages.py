import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.jsonvalue import encode
from tool_gym.messages import (
    MAX_CALLS_READ,
    AssistantMessage,
    ToolCall,
    ToolMessage,
    chat_message,
    openai_message,
    read_action,
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=5) | st.builds(object),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["content", "tool_calls", "function", "name", "arguments", "id", "error", "role", "text"])
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
        | st.tuples(inner)
    ),
    max_leaves=25,
)


@given(anything)
def test_whatever_an_agent_emits_becomes_a_message_of_json_data(action):
    message = read_action(action, turn=3)
    assert encode(message.model_dump())
    ids = [call.id for call in message.tool_calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_the_three_forms_of_an_action_mean_the_same():
    ours = {"content": "", "tool_calls": [{"name": "f", "arguments": {"a": 1}}]}
    openai = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [{"id": "call_0_0", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
    }
    typed = AssistantMessage(tool_calls=(ToolCall(name="f", arguments={"a": 1}),))
    assert read_action(ours) == read_action(openai) == read_action(typed)


def test_a_malformed_call_beside_a_good_one_keeps_its_text_and_error():
    message = read_action({"tool_calls": [{"name": "f", "arguments": "{oops"}, {"name": "g"}]}, turn=1)
    bad, good = message.tool_calls
    assert bad.raw == "{oops"
    assert "not JSON" in bad.error
    assert (good.id, good.arguments, good.error) == ("call_1_1", {}, None)


def test_a_message_that_cannot_be_read_is_one_malformed_call():
    message = read_action("<tool_call>")
    assert "ParseText" in message.parse_error
    assert [call.error for call in message.tool_calls] == [message.parse_error]


def test_ids_that_clash_are_made_unique():
    calls = [{"id": "x", "name": "f"}, {"id": "x", "name": "f"}, {"id": "call_0_1", "name": "f"}]
    ids = [call.id for call in read_action({"tool_calls": calls}).tool_calls]
    assert len(set(ids)) == 3


def test_arguments_are_a_private_copy():
    arguments = {"a": [1]}
    message = read_action({"tool_calls": [{"name": "f", "arguments": arguments}]})
    arguments["a"].append(2)
    assert message.tool_calls[0].arguments == {"a": [1]}


def test_long_content_is_cut_and_long_arguments_are_malformed():
    message = read_action(
        {"content": "x" * 50, "tool_calls": [{"name": "f", "arguments": {"a": "y" * 50}}]}, max_chars=20
    )
    assert message.content.startswith("x" * 20)
    assert "cut" in message.content
    assert "at most 20" in message.tool_calls[0].error


def test_more_calls_than_are_read_leave_a_note():
    message = read_action({"tool_calls": [{"name": "f"}] * (MAX_CALLS_READ + 5)})
    assert len(message.tool_calls) == MAX_CALLS_READ + 1
    assert "only the first" in message.tool_calls[-1].error


def test_deep_nesting_in_argument_text_is_malformed_not_fatal():
    text = '{"a":' * 5000 + "1" + "}" * 5000
    assert read_action({"tool_calls": [{"name": "f", "arguments": text}]}).tool_calls[0].error


@pytest.mark.parametrize("name", [None, 5, ["f"], {"x": 1}])
def test_a_call_without_a_name_is_malformed(name):
    call = read_action({"tool_calls": [{"name": name, "arguments": {}}]}).tool_calls[0]
    assert "name" in call.error


def test_a_tool_message_shows_text_as_it_is_and_data_as_json():
    call = ToolCall(id="c", name="f")
    assert ToolMessage.ok(call, "Ålesund").content == "Ålesund"
    assert ToolMessage.ok(call, {"a": "ü"}).content == '{"a":"ü"}'
    failure = ToolMessage.failure(call, "timeout", "too slow")
    assert json.loads(failure.content) == {"error": "timeout", "message": "too slow"}
    assert failure.value is None


def test_chat_form_has_arguments_as_data_and_wire_form_as_text():
    message = AssistantMessage(
        content="hm", reasoning="why", tool_calls=(ToolCall(id="c", name="f", arguments={"a": 1}),)
    )
    chat = chat_message(message)
    assert chat["reasoning_content"] == "why"
    assert chat["tool_calls"][0]["function"] == {"name": "f", "arguments": {"a": 1}}
    wire = openai_message(chat)
    assert "reasoning_content" not in wire
    assert wire["tool_calls"][0]["function"]["arguments"] == '{"a":1}'
    assert read_action(wire).tool_calls == message.tool_calls


def test_a_message_made_of_checked_fields_is_as_one_that_pydantic_validated():
    call = ToolCall(id="a", name="f", arguments={"x": [1]}, raw=None, error=None)
    message = AssistantMessage(content="hi", reasoning=None, tool_calls=(call,), parse_error=None)
    made = AssistantMessage.of_checked(
        content="hi",
        reasoning=None,
        tool_calls=(ToolCall.of_checked(id="a", name="f", arguments={"x": [1]}, raw=None, error=None),),
        parse_error=None,
    )
    assert made == message
    assert repr(made) == repr(message)
    assert made.model_dump_json() == message.model_dump_json()
    assert AssistantMessage.model_validate(made.model_dump()) == made
    assert made.model_copy(update={"content": "no"}).content == "no"
    assert made.content == "hi"
    with pytest.raises(ValueError, match="frozen"):
        made.content = "other"


class Shouts(str):
    """Text that answers for itself with something else, as a hostile policy might send it."""

    def __str__(self):
        return "something else"

    def encode(self, *args):
        return b"something else"

    def isascii(self):
        raise RuntimeError


def test_text_of_a_subclass_is_kept_as_plain_text():
    call = {"id": Shouts("id"), "name": Shouts("f"), "arguments": Shouts('{"x": 1}')}
    action = read_action({"content": Shouts("hi"), "tool_calls": [call]})
    assert action == AssistantMessage(content="hi", tool_calls=(ToolCall(id="id", name="f", arguments={"x": 1}),))
    texts = [action.content, action.tool_calls[0].id, action.tool_calls[0].name]
    assert [type(text) for text in texts] == [str, str, str]
