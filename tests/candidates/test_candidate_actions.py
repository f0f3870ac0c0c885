import copy
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import tool_gym
from tool_gym.candidates import CandidateActions
from tool_gym.candidates.actions import FEATURES, MOST_REPLIES, choices
from tool_gym.errors import InputError
from tool_gym.jsonvalue import dumps
from tool_gym.scenario import Expected


@pytest.fixture
def env():
    return CandidateActions(gym.make("ToolUse-v0", split="all", execution="embedded"), size=64)


@pytest.fixture(scope="module")
def pack():
    return tool_gym.load_pack("starter")


def gold_of(scenario):
    return [{"name": each.tools[0], "arguments": dict(each.arguments)} for each in scenario.sub_questions]


def garbage(scenario):
    """The scenario with all of its gold replaced."""
    wrong = Expected(value="garbage", kind="text")
    steps = tuple(
        each.model_copy(update={"expected": wrong, "arguments": {"garbage": 1}, "question": "?"})
        for each in scenario.sub_questions
    )
    return scenario.model_copy(update={"answer": wrong, "sub_questions": steps})


def test_gold_replaced_by_garbage_leaves_every_candidate_as_it_was(pack):
    for name in list(pack)[:6]:
        scenario = pack[name]
        with tool_gym.Executor(execution="embedded") as executor:
            pair = [
                tool_gym.Episode(each, executor, seed=0, **pack.session_options)
                for each in (scenario, garbage(scenario))
            ]
            for call in gold_of(scenario):
                true, wrong = (choices(each.observation, 96) for each in pair)
                assert dumps(true.messages) == dumps(wrong.messages)
                assert np.array_equal(true.rows, wrong.rows)
                for each in pair:
                    each.step({"tool_calls": [call]})


def test_the_environment_passes_gymnasiums_checker(env):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checker dislikes wrappers as such
        check_env(env, skip_render_check=True)


def test_the_mask_says_which_rows_hold_a_candidate(env):
    rows, info = env.reset(seed=0)
    assert rows.shape == (64, len(FEATURES))
    assert rows.dtype == np.float32
    assert np.array_equal(info["action_mask"], env.action_masks())
    assert len(info["candidates"]) == env.action_masks().sum()
    assert rows[env.action_masks()].any(1).all()
    assert not rows[~env.action_masks()].any()


def test_every_feature_is_finite_and_within_the_space(env):
    rows, _ = env.reset(seed=1)
    rng = np.random.default_rng(0)
    for _ in range(12):
        assert env.observation_space.contains(rows)
        rows, _, terminated, truncated, _ = env.step(int(rng.choice(np.flatnonzero(env.action_masks()))))
        if terminated or truncated:
            rows, _ = env.reset()


def test_each_candidate_call_is_valid_by_its_tools_schema(env):
    for seed in range(4):
        _, info = env.reset(seed=seed)
        inner = env.unwrapped
        start = inner.snapshot()
        for message in info["candidates"]:
            if "tool_calls" in message:
                inner.restore(copy.copy(start))
                assert "invalid_call" not in inner.step(message)[4]["tool_statuses"]


def test_replies_come_first_and_end_the_episode(env):
    _, info = env.reset(seed=0)
    count = sum("tool_calls" not in message for message in info["candidates"])
    assert 1 <= count <= MOST_REPLIES
    assert all("tool_calls" not in message for message in info["candidates"][:count])
    assert env.step(0)[2]


def test_a_number_without_a_candidate_is_a_wrong_answer_and_no_exception(env):
    env.reset(seed=0)
    _, reward, terminated, *_ = env.step(63)
    assert terminated
    assert reward <= 0


def test_a_size_without_room_for_calls_is_refused():
    with pytest.raises(InputError, match="must be above"):
        CandidateActions(gym.make("ToolUse-v0", execution="embedded"), size=MOST_REPLIES)


def covers(offered, call):
    """Whether a call is the reference call, or asks for all that it asks for."""
    if offered["name"] != call["name"] or offered["arguments"].keys() != call["arguments"].keys():
        return False
    pairs = [(offered["arguments"][key], value) for key, value in call["arguments"].items()]
    return all(
        all(each in had for each in asked) if isinstance(had, list) else dumps(had) == dumps(asked)
        for had, asked in pairs
    )


def test_most_reference_calls_of_easy_generated_scenarios_are_among_the_candidates(tmp_path):
    tool_gym.generate_pack(str(tmp_path / "easy"), backend="worlds", count=16, seed=7, level=1, gate=False)
    pack = tool_gym.load_pack(str(tmp_path / "easy"))
    found = []
    with tool_gym.Executor(execution="embedded") as executor:
        for name in pack:
            scenario = pack[name]
            episode = tool_gym.Episode.of_pack(pack, name, executor, seed=0)
            for call in gold_of(scenario):
                messages = choices(episode.observation, 256).messages
                found.append(any(covers(each["tool_calls"][0], call) for each in messages if "tool_calls" in each))
                episode.step({"tool_calls": [call]})
    assert np.mean(found) > 0.8, np.mean(found)


def test_malformed_calls_in_the_transcript_are_read_as_failed_ones(env):
    calls = [
        {"name": "no_such_tool", "arguments": "{"},
        {"name": "x", "arguments": {"year": "a", "month": 1, "day": 2}},
    ]
    rows, _ = env.reset(seed=0, options={"prefix": [{"tool_calls": calls}, {"tool_calls": "none"}]})
    assert env.observation_space.contains(rows)
    assert env.action_masks().any()
