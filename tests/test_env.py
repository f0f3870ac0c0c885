import copy
import json
import pickle
import subprocess
import sys
import time
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

import tool_gym
from tool_gym.errors import EpisodeError, InputError, PackError, UnknownName
from tool_gym.jsonvalue import dumps

CALL = {"content": "", "tool_calls": [{"name": "population", "arguments": {"town": "北门"}}]}
SHIPPED = sorted(name for name in gym.registry if name.startswith(("ToolUse-v0", "ToolUse/starter")))
"""Those of the default pack; `packs/test_shipped_packs.py` has the others."""


@pytest.fixture
def env(pack_folder):
    env = gym.make("ToolUse-v0", pack=str(pack_folder), scenario="single-1")
    yield env
    env.close()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_environment_passes_gymnasiums_checker_without_a_warning(name):
    env = gym.make(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
    env.close()


def test_the_default_pack_and_each_of_its_scenarios_are_registered():
    pack = tool_gym.load_pack("starter")
    ids = {f"ToolUse/starter-v{pack.version}", *(f"ToolUse/starter.{each}-v{pack.version}" for each in pack)}
    assert ids | {"ToolUse-v0"} <= set(SHIPPED)


def test_an_episode_through_gym_make(env):
    observation, info = env.reset(seed=0)
    assert info["termination"] is None
    assert observation["messages"][0]["content"] == "How many people live in 北门?"
    observation, reward, terminated, truncated, info = env.step(CALL)
    assert (reward, terminated, truncated) == (pytest.approx(0.5), False, False)
    assert json.loads(observation["messages"][-1]["content"]) == {"town": "北门", "people": 880}
    _, reward, terminated, _, info = env.step({"content": "There are <answer>880</answer> of them."})
    assert (reward, terminated) == (pytest.approx(0.5), True)
    assert info["score"]["answer_correct"]
    assert observation in env.observation_space


def test_the_seed_chooses_the_scenario_and_later_resets_go_on_from_it(pack_folder):
    def drawn(seed):
        env = gym.make("ToolUse-v0", pack=str(pack_folder), split="all")
        first = env.reset(seed=seed)[1]["scenario"]
        return [first, *(env.reset()[1]["scenario"] for _ in range(10))]

    assert drawn(5) == drawn(5)
    assert len(set(drawn(5))) > 2
    assert drawn(5) != drawn(6)


def test_split_and_scenario_are_honoured(pack_folder):
    env = gym.make("ToolUse-v0", pack=str(pack_folder))
    assert all(env.reset()[1]["scenario"] not in ("multi-1", "joined-1") for _ in range(20))
    assert env.reset(options={"scenario": "multi-1"})[1]["scenario"] == "multi-1"
    test = gym.make("ToolUse-v0", pack=str(pack_folder), split="test")
    assert {test.reset()[1]["scenario"] for _ in range(20)} == {"multi-1", "joined-1"}


def test_a_prefix_is_played_before_the_first_observation(env):
    observation, info = env.reset(seed=1, options={"prefix": [CALL]})
    assert info["turn"] == 1
    assert info["score"]["solved"] == 1
    assert observation["messages"][-1]["role"] == "tool"
    with pytest.raises(EpisodeError, match="action 1 of the prefix"):
        env.reset(options={"prefix": [CALL, {"content": "880"}]})


def test_snapshots_of_the_environment_branch(env):
    env.reset(seed=1)
    state = env.unwrapped.snapshot()
    first = env.step(CALL)
    env.unwrapped.restore(state)
    assert dumps(list(env.step(CALL))) == dumps(list(first))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"pack": "starterr"}, UnknownName, "starter"),
        ({"scenario": "nope"}, UnknownName, "single-1"),
        ({"split": "tset"}, UnknownName, "test"),
        ({"reward": "solve_f2"}, UnknownName, "solve_f1"),
        ({"matcher": "exact"}, UnknownName, "typed"),
        ({"max_calls": 3}, UnknownName, "max_calls_per_turn"),
        ({"pack": "no/such/folder"}, PackError, "no/such/folder"),
        ({"pack": "x" * 5000}, UnknownName, "starter"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_is_known(pack_folder, arguments, error, words):
    with pytest.raises((error, UnknownName), match=words):
        gym.make("ToolUse-v0", **{"pack": str(pack_folder), **arguments})


def test_options_that_mean_nothing_are_refused(env):
    with pytest.raises(UnknownName, match="scenario"):
        env.reset(options={"scenaro": "x"})
    with pytest.raises(UnknownName, match="single-1"):
        env.reset(options={"scenario": "single-2"})


@pytest.mark.parametrize("options", [5, "abc", {"prefix": 5}, {"prefix": "abc"}])
def test_options_of_a_wrong_kind_are_refused(env, options):
    with pytest.raises(InputError, match="must be"):
        env.reset(options=options)


@pytest.mark.parametrize("state", [None, {}, {"scenario": "single-1", "seed": 1, "episode": None}])
def test_what_is_no_snapshot_is_refused(env, state):
    with pytest.raises(EpisodeError, match="snapshot"):
        env.unwrapped.restore(state)


def test_a_running_environment_survives_pickling(env):
    env.reset(seed=1)
    twin = pickle.loads(pickle.dumps(env.unwrapped))
    assert dumps(list(twin.step(CALL))) == dumps(list(env.unwrapped.step(CALL)))


def test_rendering_gives_the_transcript(pack_folder, capsys):
    env = gym.make("ToolUse-v0", pack=str(pack_folder), scenario="single-1", render_mode="ansi")
    env.reset(seed=0)
    env.step(CALL)
    text = env.render()
    assert "How many people live in 北门?" in text
    assert "→ population" in text
    human = gym.make("ToolUse-v0", pack=str(pack_folder), scenario="single-1", render_mode="human")
    human.reset(seed=0)
    assert "北门" in capsys.readouterr().out


def test_a_system_message_stands_first(pack_folder):
    env = gym.make("ToolUse-v0", pack=str(pack_folder), system="Use the tools.")
    assert env.reset(seed=0)[0]["messages"][0] == {"role": "system", "content": "Use the tools."}


def test_spec_survives_json(pack_folder):
    env = gym.make("ToolUse-v0", pack=str(pack_folder), scenario="multi-1", reward="ftrl_f1")
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.reset(seed=0)[1]["scenario"] == "multi-1"


def test_an_observation_can_be_copied_and_changed_without_reaching_the_episode(env):
    observation, _ = env.reset(seed=0)
    copied = copy.deepcopy(observation)
    copied["messages"][0]["content"] = "something else"
    observation["messages"] = []
    assert env.step(CALL)[0]["messages"][0]["content"] == "How many people live in 北门?"


PLAY = """
import hashlib, sys
import gymnasium as gym, tool_gym
env = gym.make("ToolUse-v0", pack=sys.argv[1], split="all", execution=sys.argv[2])
text = ""
for seed in range(12):
    observation, info = env.reset(seed=seed)
    policy, ended = tool_gym.RandomPolicy(seed), False
    while not ended:
        observation, reward, terminated, truncated, info = env.step(policy(observation, info))
        ended = terminated or truncated
    if all(r.deterministic for t in env.unwrapped.episode.trajectory().transitions for r in t.results):
        text += env.unwrapped.episode.trajectory().model_dump_json()
print(len(text), hashlib.sha256(text.encode()).hexdigest())
"""


def test_the_same_seeds_and_actions_give_the_same_bytes_in_every_process_and_execution(pack_folder):
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PLAY, str(pack_folder), execution],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": hashseed, "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for execution, hashseed in (("isolated", "1"), ("isolated", "2"), ("embedded", "3"))
    }
    assert len(outputs) == 1
    assert int(outputs.pop().split()[0]) > 1000


DEEP = {"a": 1}
for _ in range(5000):
    DEEP = {"a": DEEP}
CYCLE: dict = {}
CYCLE["me"] = CYCLE
NASTY = {
    "unknown tool": {"tool_calls": [{"name": "no_such_tool", "arguments": {}}]},
    "wrong types": {"content": 5, "tool_calls": [{"name": 7, "arguments": [1]}]},
    "arguments as text": {"tool_calls": [{"name": "add", "arguments": '{"numbers": [1, 2'}]},
    "a megabyte of content": {"content": "x" * 1_000_000},
    "a megabyte of control characters": {"content": "\x01" * 1_000_000},
    "500 parallel calls": {"tool_calls": [{"name": "add", "arguments": {"numbers": [i]}} for i in range(500)]},
    "100,000 parallel calls": {"tool_calls": [{"name": "add", "arguments": {}}] * 100_000},
    "32 calls that hang": {"tool_calls": [{"name": "slow", "arguments": {}}] * 32},
    "nesting 5,000 deep": {"tool_calls": [{"name": "add", "arguments": DEEP}]},
    "nesting as text": {"tool_calls": [{"name": "add", "arguments": '{"a":' * 5000 + "1" + "}" * 5000}]},
    "a cycle": {"content": "x", "tool_calls": [{"name": "add", "arguments": CYCLE}]},
    "NaN": {"tool_calls": [{"name": "add", "arguments": {"numbers": [float("nan"), float("inf")]}}]},
    "lone surrogates": {"content": "\ud800", "tool_calls": [{"name": "\udfff", "arguments": {"\ud800": "\udc00"}}]},
    "big integers": {"tool_calls": [{"name": "add", "arguments": {"numbers": [10**5000]}}]},
    "long names": {"tool_calls": [{"name": '"\x01' * 100_000, "id": '"\x01' * 100_000, "arguments": {}}] * 40},
    "private names": {
        "tool_calls": [{"name": name, "arguments": {}} for name in ("__builtins__", "_getattr_", "DATA")]
    },
    "empty message": {},
    "nothing": None,
    "raw text": "<tool_call>{}</tool_call>",
    "bytes": b"\xff\xfe",
    "an array": np.zeros(3),
    "tool calls as a mapping": {"tool_calls": {"name": "add"}},
    "an object": object(),
    "a list": [1, 2, 3],
    "an OpenAI message without arguments": {"role": "assistant", "tool_calls": [{"function": {"name": "add"}}]},
    "gold asked for": {"tool_calls": [{"name": "verify", "arguments": {"answer": 880}}]},
}


@pytest.mark.parametrize("execution", ["isolated", "embedded"])
@pytest.mark.parametrize("nasty", NASTY)
def test_a_nasty_action_neither_raises_nor_hangs_nor_harms_the_next_episode(pack_folder, nasty, execution):
    env = gym.make(
        "ToolUse-v0",
        pack=str(pack_folder),
        scenario="single-1",
        execution=execution,
        step_time_limit_s=3.0,
        disable_env_checker=True,
    )
    env.reset(seed=0)
    started = time.monotonic()
    observation, reward, *_ = env.step(NASTY[nasty])
    assert time.monotonic() - started < 3.0 + 7.0  # the step's budget, and room for a busy machine
    assert np.isfinite(reward)
    assert len(dumps(observation)) <= env.unwrapped.caps.max_observation_bytes
    env.reset(seed=0)
    assert env.step(CALL)[1] == pytest.approx(0.5)
    assert env.step({"content": "<answer>880</answer>"})[4]["score"]["answer_correct"]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_name = st.sampled_from(["population", "river_of", "add", "dice", "broken", "nope", ""]) | st.text(max_size=4)
_arguments = (
    st.fixed_dictionaries({}, optional={"town": st.sampled_from(["北门", "Ålund", "x"]) | _json, "numbers": _json})
    | _json
    | st.text(max_size=10)
)
_call = st.fixed_dictionaries({"name": _name, "arguments": _arguments}) | _json
_action = st.fixed_dictionaries(
    {}, optional={"content": st.text(max_size=10) | _json, "tool_calls": st.lists(_call, max_size=4) | _json}
)


@pytest.fixture(scope="module")
def fuzzed(pack_folder):
    return gym.make("ToolUse-v0", pack=str(pack_folder), scenario="single-1", disable_env_checker=True)


def _never_raises(env, actions):
    env.reset(seed=0)
    for action in actions:
        _, reward, terminated, truncated, info = env.step(action)
        assert np.isfinite(reward)
        assert 0 <= info["score"]["f1"] <= 1
        if terminated or truncated:
            env.reset(seed=0)
    env.reset(seed=0)
    assert env.step(CALL)[1] == pytest.approx(0.5)


@given(actions=st.lists(_action | _json, min_size=1, max_size=5))
@settings(max_examples=200)
def test_random_actions_never_raise(fuzzed, actions):
    _never_raises(fuzzed, actions)


@pytest.mark.slow
@given(actions=st.lists(_action | _json, min_size=5, max_size=5))
@settings(max_examples=2000)
def test_ten_thousand_random_actions_never_raise(fuzzed, actions):
    _never_raises(fuzzed, actions)
