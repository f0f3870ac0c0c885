"""A teacher that errs: how often it is told, in which ways, and that it finds its way back."""

import erring_teacher as teaching
import pytest

from tool_gym.generation.generate import generate_pack
from tool_gym.packs.reader import load_pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    out = tmp_path_factory.mktemp("packs") / "pack"
    generate_pack(out=out, backend="worlds", seed=3, count=12, level=0)
    return load_pack(out)


def shown(pack, wrong_call, early_answer, words=("Atlantis",)):
    chances = teaching.Chances(wrong_call, early_answer)
    return teaching.transcripts(pack, pack.ids("all"), chances, lambda _: list(words), max_turns=8)


def calls(transcript):
    return [call["function"] for message in transcript["messages"] for call in message.get("tool_calls") or []]


def test_a_teacher_that_never_errs_plays_the_reference_calls(pack):
    for name, transcript in zip(pack.ids("all"), shown(pack, 0.0, 0.0), strict=True):
        made = [(call["name"], call["arguments"]) for call in calls(transcript)]
        assert sorted(made, key=str) == sorted(((q.tools[0], q.arguments) for q in pack[name].sub_questions), key=str)


def test_a_mistake_is_another_tool_or_a_word_of_the_conversation_and_the_reference_call_follows(pack):
    for name, transcript in zip(pack.ids("all"), shown(pack, 0.4, 0.0), strict=True):
        right = [(q.tools[0], q.arguments) for q in pack[name].sub_questions]
        wrong = [each for each in calls(transcript) if (each["name"], each["arguments"]) not in right]
        names = {tool["function"]["name"] for tool in transcript["tools"]}
        assert all(each["name"] in names for each in wrong)
        assert all(
            "Atlantis" in each["arguments"].values()
            or each["name"] not in {n for n, a in right if a == each["arguments"]}
            for each in wrong
        )
    everything = shown(pack, 0.4, 0.0)
    assert sum("Atlantis" in str(each) for each in everything) > 2


def test_it_is_told_which_turns_were_right(pack):
    assert all(all(each["right"]) for each in shown(pack, 0.0, 0.0))
    assert not any(any(each["right"]) for each in shown(pack, 0.0, 0.999999))
    for transcript in shown(pack, 0.4, 0.0):
        assert len(transcript["right"]) == sum(each["role"] == "assistant" for each in transcript["messages"])
    assert len({right for each in shown(pack, 0.4, 0.0) for right in each["right"]}) == 2


def test_one_that_answers_early_calls_nothing(pack):
    for transcript in shown(pack, 0.0, 0.999999):
        assert calls(transcript) == []
        assert transcript["messages"][-1]["content"] == "<answer>Atlantis</answer>"


def test_the_same_scenario_is_played_the_same_way_again(pack):
    assert shown(pack, 0.5, 0.2) == shown(pack, 0.5, 0.2)
