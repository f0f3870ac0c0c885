import copy

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import tool_gym
from tool_gym.errors import InputError
from tool_gym.jsonvalue import dumps
from tool_gym.vector import columns

MODES = ["sync", "async", "vector_entry_point"]


def play(envs, steps=6):
    """Some steps of a random policy in every sub-environment, as data that compares."""
    policy = tool_gym.RandomPolicy(3)
    observation, info = envs.reset(seed=11)
    record = []
    for _ in range(steps):
        actions = [
            policy(
                {"messages": observation["messages"][i], "tools": observation["tools"][i]},
                {"turn": int(info["turn"][i])},
            ).model_dump()
            for i in range(envs.num_envs)
        ]
        observation, reward, terminated, truncated, info = envs.step(tuple(actions))
        record.append(
            (
                dumps([list(observation["messages"]), list(observation["tools"])]),
                reward.tolist(),
                terminated.tolist(),
                truncated.tolist(),
                comparable(info),
            )
        )
    return record


def comparable(info):
    if isinstance(info, dict):
        return {key: comparable(value) for key, value in sorted(info.items())}
    return (str(info.dtype), info.tolist()) if isinstance(info, np.ndarray) else info


@pytest.fixture
def make(pack_folder):
    opened = []

    def open_envs(n, mode, **kwargs):
        envs = gym.make_vec("ToolUse-v0", n, vectorization_mode=mode, pack=str(pack_folder), split="test", **kwargs)
        opened.append(envs)
        return envs

    yield open_envs
    for envs in opened:
        envs.close()


def test_the_three_vector_modes_play_alike(make):
    first, *others = (play(make(3, mode)) for mode in MODES)
    for other in others:
        assert other == first
    assert len({step[0] for step in first}) == len(first), "every step's observation must differ"


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_asynchronous_environments_see_each_step_through_shared_memory(pack_folder, context):
    def make_one():
        # A new interpreter knows the ids of what it has imported; naming the module imports it.
        return gym.make("tool_gym:ToolUse-v0", pack=str(pack_folder), scenario="single-1")

    envs = AsyncVectorEnv([make_one] * 2, context=context)
    try:
        observation, _ = envs.reset(seed=0)
        seen = [copy.deepcopy(observation)]
        for town in ("北门", "Ålund"):
            action = {"content": "مرحبا 🙂", "tool_calls": [{"name": "population", "arguments": {"town": town}}]}
            observation, *_ = envs.step((action, action))
            seen.append(observation)
        assert [len(each["messages"][1]) for each in seen] == [1, 3, 5]
        assert seen[2]["messages"][0][-2]["content"] == "مرحبا 🙂"
        assert seen[2]["messages"][0][-1]["content"] == '{"town":"Ålund","people":5120}'
    finally:
        envs.close()


@pytest.mark.slow
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_64_asynchronous_environments(pack_folder, context):
    envs = gym.make_vec(
        "ToolUse-v0", 64, "async", vector_kwargs={"context": context}, pack=str(pack_folder), split="test"
    )
    try:
        record = play(envs, steps=3)
    finally:
        envs.close()
    sync = gym.make_vec("ToolUse-v0", 64, "sync", pack=str(pack_folder), split="test")
    assert record == play(sync, steps=3)
    sync.close()


def test_64_environments_in_one_process(make):
    sync, native = play(make(64, "sync"), steps=3), play(make(64, "vector_entry_point"), steps=3)
    assert sync == native


@pytest.mark.parametrize("mode", list(AutoresetMode)[:2])
def test_autoreset_follows_gymnasiums_own(make, pack_folder, mode):
    ours = make(2, "vector_entry_point", autoreset_mode=mode)
    theirs = SyncVectorEnv(
        [lambda: gym.make("ToolUse-v0", pack=str(pack_folder), split="test")] * 2, autoreset_mode=mode
    )
    answer, call = {"content": "5"}, {"tool_calls": [{"name": "add", "arguments": {"numbers": [1]}}]}
    for envs in (ours, theirs):
        envs.reset(seed=3)
    for actions in ((answer, call), (call, call), (call, answer), (answer, answer)):
        mine, other = ours.step(actions), theirs.step(actions)
        assert dumps([list(mine[0]["messages"])]) == dumps([list(other[0]["messages"])])
        for a, b in zip(mine[1:4], other[1:4], strict=True):
            assert a.tolist() == b.tolist()
        assert comparable(columns_without_finals(mine[4])) == comparable(columns_without_finals(other[4]))
    theirs.close()


def columns_without_finals(info):
    return {key: value for key, value in info.items() if "final" not in key}


def test_a_reset_mask_begins_only_some_anew(make):
    envs = make(3, "vector_entry_point", autoreset_mode=AutoresetMode.DISABLED)
    envs.reset(seed=1)
    envs.step([{"tool_calls": [{"name": "add", "arguments": {"numbers": [1]}}]}] * 3)
    observation, info = envs.reset(options={"reset_mask": np.array([True, False, True])})
    assert [len(messages) for messages in observation["messages"]] == [1, 3, 1]
    assert info["_scenario"].tolist() == [True, False, True]


def test_wrong_numbers_of_actions_and_seeds_are_refused(make):
    envs = make(2, "vector_entry_point")
    with pytest.raises(InputError, match="2 seeds"):
        envs.reset(seed=[1, 2, 3])
    envs.reset(seed=1)
    with pytest.raises(InputError, match="2 actions"):
        envs.step([{"content": "x"}])


def test_columns_have_masks_for_what_only_some_have():
    table = columns([{"a": 1, "b": {"c": 0.5}}, None, {"a": 3, "d": "x"}])
    assert table["a"].tolist() == [1, 0, 3]
    assert table["_a"].tolist() == [True, False, True]
    assert table["b"]["_c"].tolist() == [True, False, False]
    assert table["d"].tolist() == [None, None, "x"]
