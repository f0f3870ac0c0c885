"""Cloning: what is imitated, and that a network played with reads what it was cloned from."""

import importlib

import pytest

pytest.importorskip("transformers")

cloning = importlib.import_module("cloning")
slots = importlib.import_module("slot_tokenizer")

TOOL = {
    "type": "function",
    "function": {
        "name": "find_mills",
        "description": "Finds mills. For internal use.",
        "parameters": {
            "type": "object",
            "properties": {
                "sort_by": {"type": "string", "enum": ["height", "year_built"]},
                "limits": {"type": "array", "items": {"type": "object", "properties": {"at_most": {"type": "number"}}}},
            },
        },
    },
}
CALL = {"id": "0", "type": "function", "function": {"name": "find_mills", "arguments": {"sort_by": "year_built"}}}
SEEN = {
    "tools": [TOOL],
    "messages": [
        {"role": "user", "content": "Which mill is oldest?"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "0", "name": "find_mills", "content": '["Redim Mill"]'},
        {"role": "assistant", "content": "<answer>Redim Mill, says Osk</answer>"},
    ],
    "right": [True, True],
}


@pytest.fixture
def tokenizer():
    words, openers = slots.learn_words(cloning.rendered([SEEN]), 1)
    return slots.SlotTokenizer(words, openers, chat_template=cloning.TEMPLATE)


def test_a_tool_is_written_with_what_its_names_mean_before_them():
    (text,) = cloning.rendered([SEEN])
    assert text.startswith(
        "<tool>Finds mills<call>find_mills(sort_by=height|year built year_built,limits[at most at_most])</tool>\n"
    )


def test_an_episode_is_read_when_it_is_played_as_it_was_cloned(tokenizer):
    (text,) = cloning.rendered([SEEN])
    played = tokenizer.apply_chat_template(SEEN["messages"], tools=SEEN["tools"], tokenize=False)
    begun = tokenizer.apply_chat_template(
        SEEN["messages"][:1], tools=SEEN["tools"], tokenize=False, add_generation_prompt=True
    )
    assert played == text
    assert text.startswith(begun)


def test_what_the_assistant_said_is_imitated_but_for_names_that_nobody_had_told_it(tokenizer):
    inputs, labels = cloning.Batches(tokenizer, [SEEN], seed=0).next(1)
    chosen = [int(i) for i in labels[0] if i >= 0]
    words = [i for i in chosen if i < tokenizer.first_slot]
    assert tokenizer.decode(words) == (
        '<tool_call>\n{"name": "", "arguments": {"": ""}}\n</tool_call><|im_end|><answer>, says </answer><|im_end|>'
    )
    assert len(chosen) - len(words) == 4
    assert set(chosen) <= set(inputs[0].tolist())


def test_a_turn_that_was_a_mistake_is_imitated_only_on_demand(tokenizer):
    seen = [{**SEEN, "right": [False, True]}]

    def imitated(**options):
        _, labels = cloning.Batches(tokenizer, seen, seed=0, **options).next(1)
        return tokenizer.decode([int(i) for i in labels[0] if 0 <= i < tokenizer.first_slot])

    assert imitated() == "<answer>, says </answer><|im_end|>"
    assert imitated(mistakes=True).startswith("<tool_call>")


@pytest.mark.parametrize("architecture", ["llama", "neox"])
def test_a_network_comes_to_say_what_it_is_shown(tokenizer, architecture, capsys, monkeypatch):
    monkeypatch.setitem(cloning.SIZES, "tiny", (32, 1, 1e-2))
    network = cloning.make_network(architecture, "tiny", tokenizer)
    batches = cloning.Batches(tokenizer, [SEEN] * 16, seed=0)
    cloning.clone(network, batches, rate=1e-2, steps=100)
    loss = float(capsys.readouterr().out.split("loss ")[1].split(",")[0])
    assert loss < 2.0
