"""RoTBench: the first call is graded in three phases."""

import json

import pytest

from tool_gym.episode import Episode
from tool_gym.errors import InputError
from tool_gym.evaluation.verdicts import by_state
from tool_gym.packs.importers import import_pack
from tool_gym.packs.reader import load_pack
from tool_gym.sandbox.executor import Executor


def function(name, *parameters):
    properties = {key: {"type": "string"} for key in parameters}
    return {"name": name, "description": name, "parameters": {"type": "object", "properties": properties}}


TOOLS = [function("7hear", "text", "tongue"), function("ask_to_user", "question"), function("finish", "answer")]


def write(folder, answers, tools=None):
    system = f"Use tools [as told].\nThey are:\n{json.dumps(tools or TOOLS)}\n\nLet's Begin!"
    record = {
        "id": "Turn 1: hello",
        "scenario": "TG",
        "conversations": [
            {"from": "system", "value": system},
            {"from": "user", "value": "Translate 'hello'.\nBegin!\n"},
            {"from": "assistant", "value": answers},
        ],
    }
    file = folder / "Data/First_Turn/heavy.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps([record], indent=1))
    return folder


def action(name, **arguments):
    return f"Thought:\nAction: {name}\nAction Input: {json.dumps(arguments)}"


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rot")
    answers = [action("7hear", text="hello", tongue="None"), action("ask_to_user", question="Which language?")]
    report = import_pack("rotbench", write(folder, answers), folder / "pack")
    assert report.mended == ("heavy-000: tool '7hear' is called 't_7hear'",)
    return load_pack(folder / "pack")


@pytest.mark.parametrize(
    ("call", "phases"),
    [
        (("t_7hear", {"text": "hello", "tongue": "French"}), [1, 1, 1]),
        (("t_7hear", {"text": "bye", "tongue": "French"}), [1, 1, 0]),
        (("t_7hear", {"text": "hello"}), [1, 0, 0]),
        (("ask_to_user", {"question": "anything"}), [1, 1, 1]),
        (("finish", {"answer": "salut"}), [0, 0, 0]),
        (None, [0, 0, 0]),
    ],
)
def test_the_first_call_is_graded_in_three_phases(pack, call, phases):
    with Executor() as executor:
        episode = Episode.of_pack(pack, "heavy-000", executor)
        calls = [{"name": call[0], "arguments": call[1]}] if call else []
        result = episode.step({"content": "Salut.", "tool_calls": calls})
    assert episode.done
    assert list(by_state(episode.trajectory()).values()) == phases
    solved = sum(phases) + all(phases)  # the call itself is a check too
    assert result.reward == pytest.approx(2 * solved / (max(solved, 1) + 4))


def test_only_the_first_call_counts(pack):
    with Executor() as executor:
        episode = Episode.of_pack(pack, "heavy-000", executor)
        right = {"name": "t_7hear", "arguments": {"text": "hello", "tongue": "x"}}
        episode.step({"tool_calls": [{"name": "finish", "arguments": {"answer": ""}}, right]})
    assert sum(by_state(episode.trajectory()).values()) == 0


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [([action("unknown", a=1)], "no action with a listed tool"), (["Action: finish"], "no action with a listed tool")],
)
def test_an_action_that_cannot_be_read_is_named(tmp_path, answers, complaint):
    with pytest.raises(InputError, match=complaint):
        import_pack("rotbench", write(tmp_path, answers), tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_a_folder_without_the_data_says_what_is_expected(tmp_path):
    with pytest.raises(InputError, match="expected the folder of RoTBench's repository"):
        import_pack("rotbench", tmp_path, tmp_path / "pack")
