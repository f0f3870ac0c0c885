"""The careful reader: it can play, it is far from perfect, and it looks at nothing but the observation."""

import math

import pytest

from tool_gym.generation.generate import generate_pack
from tool_gym.packs.reader import load_pack
from tool_gym.policies.policy import Request
from tool_gym.policies.reader import MAX_CALLS, CarefulReader
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("read") / "easy"
    generate_pack(folder, count=16, seed=21, level=0, domains=["shipping", "clinics"], gate=False)
    return load_pack(folder)


def played(pack, seed=0):
    with Executor(execution="embedded") as executor:
        return dict(rollout(CarefulReader(), pack, plays(list(pack)), executor, seed=seed, reward="solve_f1"))


def test_it_solves_some_easy_scenarios_and_not_all(pack):
    trajectories = played(pack).values()
    returns = [math.fsum(turn.reward for turn in each.transitions) for each in trajectories]
    assert 0.2 < sum(returns) / len(returns) < 0.95
    assert all(each.transitions[-1].score.calls <= MAX_CALLS for each in trajectories)


def test_the_same_seed_plays_the_same_way_and_no_call_is_made_twice(pack):
    first, again = played(pack), played(pack)
    for play, trajectory in first.items():
        calls = [call for turn in trajectory.transitions for call in turn.action.tool_calls]
        assert calls == [call for turn in again[play].transitions for call in turn.action.tool_calls]
        keys = [(call.name, str(call.arguments)) for call in calls]
        assert len(set(keys)) == len(keys)


def tool(name, description, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def test_it_picks_the_tool_and_the_choice_whose_words_the_question_shares():
    place = {"type": "string"}
    what = {"type": "string", "enum": ["depth", "length", "owner"]}
    tools = [
        tool("count_birds", "Number of birds of an island.", island=place),
        tool("river_register", "One river's entry.", river=place, part=what),
    ]
    messages = [{"role": "user", "content": "What is the length of the river Orva?"}]
    request = Request("e", 1, {"messages": messages, "tools": tools}, {})
    call = CarefulReader().act([request])[0].message.tool_calls[0]
    assert (call.name, call.arguments) == ("river_register", {"river": "Orva", "part": "length"})


def test_without_a_tool_it_answers():
    messages = [{"role": "user", "content": "What is the length of the river Orva?"}]
    decision = CarefulReader().act([Request("e", 1, {"messages": messages, "tools": []}, {})])[0]
    assert decision.message.content == "<answer>None</answer>"
