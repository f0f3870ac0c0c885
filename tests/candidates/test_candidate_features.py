from itertools import count

import pytest

from tool_gym.candidates.actions import FEATURES, choices

TEXT = {"type": "string"}


def tool(name, description, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def register(thing, *parts):
    items = {"type": "string", "enum": list(parts)}
    part = {"type": "array", "items": items, "minItems": 1}
    return tool(f"{thing}_register", f"Read one {thing}'s entry.", **{thing: TEXT, "part": part})


TOOLS = [
    register("bridge", "keeper", "length"),
    register("river", "source", "length"),
    tool(
        "calculator",
        "Work out a ratio or a difference.",
        what={"type": "string", "enum": ["ratio", "difference"]},
        numbers={"type": "array", "items": {"type": "number"}, "minItems": 2},
    ),
]


def after(question, *turns):
    """The candidates after calls with their results, as calls with the features of each by name."""
    messages = [{"role": "user", "content": question}]
    for number, (name, arguments, result) in zip(count(), turns):
        call = {"id": f"c{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": result})
    found = choices({"messages": messages, "tools": TOOLS}, 96)
    return [
        (message["tool_calls"][0], dict(zip(FEATURES, row.tolist(), strict=True)))
        for message, row in zip(found.messages, found.rows, strict=True)
        if "tool_calls" in message
    ]


def features(calls, name, value):
    return next(each for call, each in calls if call["name"] == name and value in call["arguments"].values())


def test_the_type_before_a_name_is_what_the_name_leads_to():
    calls = after("How long is the river below Old Harrow?")
    assert features(calls, "river_register", "Old Harrow")["named_before_own"] == 1
    assert features(calls, "bridge_register", "Old Harrow")["named_before_other"] == 1


def test_a_type_that_is_a_part_of_a_tools_entries_may_be_asked_of_that_tool():
    bridges = register("bridge", "river", "length")
    river = features_with([bridges, *TOOLS[1:]], "How long is the river below Old Harrow?")
    assert river["named_before_label"] == 1


def features_with(tools, question):
    found = choices({"messages": [{"role": "user", "content": question}], "tools": tools}, 96)
    rows = (
        row
        for message, row in zip(found.messages, found.rows, strict=True)
        if message.get("tool_calls", [{}])[0].get("name") == "bridge_register"
    )
    return dict(zip(FEATURES, next(rows).tolist(), strict=True))


def test_a_name_that_stands_like_one_that_a_tool_knew_is_like_it_for_that_tool_alone():
    question = "Which is longer, the one who keeps Old Harrow has it, or the one who keeps New Sarn has it?"
    result = '{"name":"Old Harrow","length":{"value":12,"unit":"m"}}'
    calls = after(question, ("bridge_register", {"bridge": "Old Harrow", "part": ["length"]}, result))
    here, elsewhere = (features(calls, f"{name}_register", "New Sarn") for name in ("bridge", "river"))
    assert here["named_like_here"] > 0.2
    assert elsewhere["named_like_here"] == 0
    assert elsewhere["named_like_elsewhere"] == here["named_like_here"]


@pytest.mark.parametrize(("word", "small"), [("painted by", "by"), ("standing in", "at"), ("the width of", "of")])
def test_the_small_word_before_a_name_is_seen(word, small):
    found = features(after(f"What is the length of the bridge {word} Old Harrow?"), "bridge_register", "Old Harrow")
    assert [name for name in ("by", "at", "of") if found[f"named_{name}"]] == [small]


def test_two_numbers_are_offered_in_both_orders_and_told_apart():
    question = "What is the ratio of the length of Old Harrow to the length of New Sarn?"
    turns = [
        ("bridge_register", {"bridge": each, "part": ["length"]}, f'{{"name":"{each}","length":{{"value":{size}}}}}')
        for each, size in (("Old Harrow", 12), ("New Sarn", 30))
    ]
    orders = {
        tuple(call["arguments"]["numbers"]): row["in_order"]
        for call, row in after(question, *turns)
        if call["name"] == "calculator"
    }
    assert orders[(12, 30)] == 1
    assert orders[(30, 12)] == -1


def by_argument(offered, question, argument, feature):
    """A feature of each call of the only tool that is offered, by one of its arguments."""
    found = choices({"messages": [{"role": "user", "content": question}], "tools": [offered]}, 96)
    return {
        message["tool_calls"][0]["arguments"][argument]: row[FEATURES.index(feature)]
        for message, row in zip(found.messages, found.rows, strict=True)
        if "tool_calls" in message
    }


@pytest.mark.parametrize(("asked", "days"), [("30 days before", {-30: 1, 30: -1}), ("30 days after", {30: 0})])
def test_a_number_is_handed_in_backwards_only_where_the_question_counts_back(asked, days):
    shift = tool("shift", "Find a day.", on={"type": "string", "format": "date"}, days={"type": "integer"})
    assert by_argument(shift, f"What day is {asked} 2020-05-01?", "days", "backwards") == days


def test_who_asks_for_a_member_that_is_somebody():
    part = {"type": "string", "enum": ["commander", "port"]}
    history = tool("ship_history", "Tell what held of a ship on a day.", ship=TEXT, part=part)
    assert by_argument(history, "Who commanded Silver Tern?", "part", "who_chosen") == {"commander": 1, "port": -1}
