"""What attacks do, from what they see."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.attacks import ATTACKS
from tool_gym.attacks.arguments import filled, text_slots, widest, with_text
from tool_gym.attacks.calls import PER_TURN
from tool_gym.attacks.view import View, entities, values
from tool_gym.messages import AssistantMessage, ToolCall, read_action

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
LOOK_UP = {
    "name": "look_up",
    "parameters": {
        "type": "object",
        "properties": {
            "name": TEXT,
            "year": NUMBER,
            "kind": {"type": "string", "enum": ["a", "b"]},
            "more": {"type": ["array", "null"], "items": TEXT},
            "note": TEXT,
        },
        "required": ["name", "year"],
    },
}
PING = {"name": "ping", "parameters": {"type": "object", "properties": {}}}


def observe(question, *turns, tools=(LOOK_UP, PING)):
    """An observation after turns, each a list of (call, content of its answer), or a reply."""
    messages = [{"role": "user", "content": question}]
    for number, turn in enumerate(turns):
        if isinstance(turn, str):
            messages.append({"role": "assistant", "content": turn})
            continue
        calls = [
            {"id": f"{number}/{i}", "function": {"name": call.name, "arguments": call.arguments}}
            for i, (call, _) in enumerate(turn)
        ]
        messages.append({"role": "assistant", "content": "", "tool_calls": calls})
        messages += [
            {"role": "tool", "tool_call_id": f"{number}/{i}", "content": content} for i, (_, content) in enumerate(turn)
        ]
    return {"messages": messages, "tools": [{"function": tool} for tool in tools]}


def act(name, question, *turns, seed=0, tools=(LOOK_UP, PING), right_calls=()):
    action = ATTACKS[name].act(View(observe(question, *turns, tools=tools), seed, right_calls))
    return read_action(action)


def answered(content, **arguments):
    return [(ToolCall(name="look_up", arguments=arguments), content)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("How high is Korva? And Port Ellis?", ["Korva", "And Port Ellis", "Port Ellis"]),
        ("Korva is high.", []),  # a lone capital that starts a sentence may be any word
        ("Port Ellis is high.", ["Port Ellis", "Ellis"]),
        ("What is 'the last Nets' worth?", ["the last Nets", "Nets"]),
        ("Sailing W141 on 2031-07-12, 5.5 km", ["W141", "2031-07-12", "5.5"]),
        ("How many live in 北门?", ["北门"]),
        ("Is it Haven, Ellis or Norwick?", ["Haven", "Ellis", "Norwick"]),
        ("", []),
    ],
)
def test_names_and_numbers_of_a_question_are_its_entities(text, named):
    assert list(entities(text)) == named


def test_the_values_of_results_come_in_order_and_once():
    assert values([{"a": [1, "x"], "b": None, "c": True}, "x", 2.5]) == ["1", "x", "2.5"]


def test_a_failure_is_no_answer():
    view = View(observe("?", answered('{"error":"tool_error","message":"no"}'), answered('{"v":1}', name="x")), 0)
    assert [(call.arguments, value) for call, value in view.answers()] == [({"name": "x"}, {"v": 1})]


def test_arguments_take_an_entity_in_the_text_that_is_required():
    rng = View(observe("?"), 0).rng
    assert text_slots(LOOK_UP["parameters"]) == ["name", "more", "note"]
    assert filled(LOOK_UP["parameters"], "Korva", rng).keys() == {"name", "year"}
    assert filled(LOOK_UP["parameters"], "2031", rng) == {"name": "2031", "year": 2031}
    every = filled(LOOK_UP["parameters"], "Korva", rng, every=True)
    assert (every["name"], every["more"], every["note"]) == ("Korva", ["Korva"], "Korva")
    optional = {**LOOK_UP["parameters"], "required": []}
    assert filled(optional, "Korva", rng) == {"name": "Korva"}
    assert with_text(optional, {"year": 1}, ["more"], "x") == {"year": 1, "more": ["x"]}


def test_the_widest_arguments_leave_filters_out_or_ask_for_everything():
    assert widest(LOOK_UP["parameters"], "", ["x"], every=False) == {"name": "", "year": 1_000_000}
    every = widest(LOOK_UP["parameters"], "*", ["x", "y"], every=True)
    assert every == {"name": "*", "year": 1_000_000, "kind": "a", "more": ["x", "y"], "note": "*"}
    batch = {"properties": {"n": {"type": "integer", "maximum": 50}, "k": {"type": "array", "items": {"enum": ["a"]}}}}
    assert widest(batch, "*", [], every=True) == {"n": 50, "k": ["a"]}


def test_spam_calls_every_tool_once_and_stops():
    assert [call.name for call in act("spam_tools", "?").tool_calls] == ["look_up", "ping"]
    assert not act("spam_tools", "?", answered("x")).tool_calls


def test_every_entity_goes_to_every_tool_over_as_many_turns_as_it_takes():
    question = "Is it " + " or ".join(f"Place{i}" for i in range(8)) + "?"
    tools = [{**LOOK_UP, "name": f"tool{i}"} for i in range(5)]
    first = act("every_entity", question, tools=tools).tool_calls
    second = act("every_entity", question, answered("x"), tools=tools).tool_calls
    assert (len(first), len(second)) == (PER_TURN, 8)
    assert {call.arguments["name"] for call in (*first, *second)} == {f"Place{i}" for i in range(8)}
    assert not act("every_entity", question, answered("x"), answered("x"), tools=tools).tool_calls


def test_echo_hands_in_what_the_question_names_and_then_what_was_returned():
    first = act("echo_candidates", "Is it Haven?").tool_calls
    assert first[0].arguments["note"] == "Haven"
    second = act("echo_candidates", "Is it Haven?", answered('{"found": "Ellis"}')).tool_calls
    assert second[0].arguments["note"] == "Ellis"


def test_repeat_makes_the_answered_calls_again_and_again():
    turn = [*answered('{"v": 1}', name="Korva"), (ToolCall(name="ping"), '{"error":"timeout","message":""}')]
    for turns in ([turn], [turn, turn]):
        again = act("repeat_solved_call", "How high is Korva?", *turns).tool_calls
        assert [(call.name, call.arguments) for call in again] == [("look_up", {"name": "Korva"})]


def test_malformed_calls_are_malformed_in_every_turn():
    for turns in ([], [answered("x")], [answered("x")] * 5):
        (call,) = act("malformed_for_ever", "?", *turns).tool_calls
        assert call.error


def test_the_shotgun_fires_a_full_message():
    calls = act("parallel_shotgun", "?").tool_calls
    assert len(calls) == PER_TURN
    assert len({json.dumps(call.arguments, sort_keys=True) for call in calls}) > 5


@pytest.mark.parametrize("name", ["wrong_answer", "every_value_seen"])
def test_attacks_on_the_answer_make_the_right_calls_first(name):
    right = (ToolCall(name="ping"),)
    assert [call.name for call in act(name, "?", right_calls=right).tool_calls] == ["ping"]
    assert not act(name, "?", answered("x")).tool_calls


def test_every_value_seen_is_said():
    assert act("every_value_seen", "?", answered('{"a": 512, "b": ["x", 2]}')).content == "512, x, 2"


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_says_what_it_exploits_and_what_stops_it(name):
    text = " ".join(ATTACKS[name].act.__doc__.split())
    assert "Exploits " in text
    assert "Stopped by " in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
SCHEMAS = st.dictionaries(
    st.text(min_size=1, max_size=4),
    st.sampled_from([TEXT, NUMBER, {"type": "array"}, {"type": "object"}, {"type": "boolean"}, {}, True]),
    max_size=4,
)


@pytest.mark.parametrize("name", ATTACKS)
@given(st.text(max_size=40), SCHEMAS, st.lists(JSON, max_size=2), st.integers(0, 99))
def test_whatever_an_attack_sees_it_acts_and_the_same_again(name, question, properties, results, seed):
    tools = [{"name": "f", "parameters": {"type": "object", "properties": properties}}]
    for shown in (tools, []):
        turns = [answered(json.dumps(result)) for result in results]
        once, again = (act(name, question, *turns, seed=seed, tools=shown) for _ in range(2))
        assert once == again
        assert isinstance(once, AssistantMessage)
        assert len(once.tool_calls) <= PER_TURN
