import json

import gymnasium as gym
import pytest
from gymnasium.utils.env_checker import check_env

import tool_gym
from tool_gym.errors import UnknownName


@pytest.fixture
def env(pack_folder):
    return tool_gym.ParseText(gym.make("ToolUse-v0", pack=str(pack_folder), scenario="single-1"), parser="hermes")


def test_raw_text_plays(env):
    env.reset(seed=0)
    text = '<tool_call>\n{"name": "population", "arguments": {"town": "北门"}}\n</tool_call><|im_end|>'
    assert env.step(text)[1] == pytest.approx(0.5)
    assert env.step("There are <answer>880</answer>.<|im_end|>")[4]["score"]["answer_correct"]


def test_a_malformed_call_beside_a_good_one_is_reported_not_dropped(env):
    env.reset(seed=0)
    good = '<tool_call>{"name": "population", "arguments": {"town": "北门"}}</tool_call>'
    observation, *_, info = env.step(good + '<tool_call>{"name": "population", "arguments": {"to</tool_call>')
    assert info["tool_statuses"] == ["ok", "invalid_call"]
    assert info["score"]["calls"] == 2
    assert json.loads(observation["messages"][-1]["content"])["error"] == "invalid_call"


def test_whatever_is_not_text_is_answered_by_the_environment(env):
    env.reset(seed=0)
    call = {"tool_calls": [{"name": "add", "arguments": {"numbers": [1]}}]}
    statuses = [env.step(action)[4]["tool_statuses"] for action in (None, 5, call, "\ud800<tool_call>")]
    assert statuses == [["invalid_call"], ["invalid_call"], ["ok"], ["invalid_call"]]


@pytest.mark.filterwarnings("ignore:.*different from the unwrapped:UserWarning")
def test_the_wrapped_environment_passes_the_checker(env):
    check_env(env, skip_render_check=True)


def test_an_unknown_parser_is_refused(pack_folder):
    with pytest.raises(UnknownName, match="hermes"):
        tool_gym.ParseText(gym.make("ToolUse-v0"), parser="hermse")
