"""Tool use in plain text, and the examples that go with it."""

import pytest
from small_pack import JOINED, SCENARIOS, SINGLE

import tool_gym
from tool_gym.episode import Episode
from tool_gym.errors import InputError
from tool_gym.parsing.parser import parser
from tool_gym.policies.plaintext import PlainText, plain, tools_text
from tool_gym.policies.policy import Request
from tool_gym.policies.shots import make_shots


@pytest.fixture(scope="module")
def pack(pack_folder):
    return tool_gym.load_pack(str(pack_folder))


def request(episode, name="e"):
    return Request(name, 0, episode.observation, episode.info)


def test_a_conversation_becomes_messages_of_system_user_and_assistant_in_turns(pack, executor):
    episode = Episode.of_pack(pack, JOINED.id, executor, system="Be brief.")
    oracle, text = tool_gym.OraclePolicy(pack), PlainText()
    while not episode.done:
        messages = text.messages(request(episode))
        assert [message["role"] for message in messages[1:]] == ["user", "assistant"] * (episode.turn) + ["user"]
        assert messages[0]["content"].startswith("Be brief.\n\n")
        episode.step(oracle(episode.observation, episode.info))


def test_calls_written_as_text_are_read_back_as_they_were(pack, executor):
    episode = Episode.of_pack(pack, JOINED.id, executor)
    oracle = tool_gym.OraclePolicy(pack)
    while not episode.done:
        episode.step(oracle(episode.observation, episode.info))
    texts = [message["content"] for message in plain(episode.observation["messages"]) if message["role"] == "assistant"]
    turns = episode.trajectory().transitions
    for text, turn in zip(texts, turns, strict=True):
        read = parser("hermes")(text)
        assert [(call.name, call.arguments) for call in read.tool_calls] == [
            (call.name, call.arguments) for call in turn.action.tool_calls
        ]
        assert read.content == turn.action.content


def test_what_the_model_said_is_repeated_to_the_letter_and_forgotten_with_its_episode(pack, executor):
    episode, text = Episode.of_pack(pack, SINGLE.id, executor), PlainText()
    said = '<tool_call>{"name": "population",   "arguments": {"town": "北门"}}</tool_call> so'
    text.messages(request(episode))
    text.note(request(episode), said)
    episode.step(parser("hermes")(said))
    assert text.messages(request(episode))[2]["content"] == said
    text.end("e")
    assert text.messages(request(episode))[2]["content"] != said


def test_what_was_said_in_another_episode_of_the_same_name_is_not_repeated(pack, executor):
    text = PlainText()
    first = Episode.of_pack(pack, SINGLE.id, executor)
    text.note(request(first), "one")
    text.note(request(first), "two")
    second = Episode.of_pack(pack, SINGLE.id, executor)
    second.step({"tool_calls": [{"name": "dice", "arguments": {}}]})
    assert "dice" in text.messages(request(second))[2]["content"]


def test_the_tools_text_says_name_document_parameters_and_types():
    function = {
        "name": "fare",
        "description": "A fare.",
        "parameters": {
            "type": "object",
            "properties": {
                "zone": {"enum": ["A", "B"], "description": "Which zone."},
                "stops": {"type": "array", "items": {"type": "string"}},
                "who": {"type": "object", "properties": {"age": {"type": ["integer", "null"]}, "any": True}},
            },
            "required": ["zone"],
        },
    }
    assert tools_text([{"type": "function", "function": function}]) == (
        'Your tools:\n- fare: A fare.\n    zone ("A" | "B"): Which zone.\n    stops (array of string, optional)\n'
        "    who (object of age: integer | null, any: any, optional)"
    )
    assert tools_text([]) == "There are no tools now."


def test_examples_are_plays_of_the_easiest_training_scenarios(pack, executor):
    shots = make_shots(pack, 2, executor)
    easy = sorted(
        (len(scenario.sub_questions), scenario.id)
        for scenario in SCENARIOS
        if scenario.split == "train" and scenario.sub_questions
    )
    assert shots.scenarios == tuple(name for _, name in easy[:2])
    assert [message["role"] for message in shots.messages][:4] == ["user", "assistant", "user", "assistant"]
    assert shots == make_shots(pack, 2, executor)


def test_a_pack_with_too_few_reference_plays_is_an_error(pack, executor):
    with pytest.raises(InputError, match="99 examples were asked for"):
        make_shots(pack, 99, executor)
