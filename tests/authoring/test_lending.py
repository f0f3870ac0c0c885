"""The pack whose tools change state: what its author promises beyond what build and gate check of every pack."""

import copy
from pathlib import Path

import gymnasium as gym
import pytest

from tool_gym.authoring import build_pack
from tool_gym.episode import Episode
from tool_gym.gate.replay import replay
from tool_gym.packs.reader import Pack
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.verify.matching import json_pointer

ENVS = Path(__file__).parents[2] / "envs"
SOURCES = ENVS / "sources" / "lending"
PACK = Pack(ENVS / "lending")


def test_the_pack_is_what_its_sources_build(tmp_path):
    with Executor(execution="embedded") as executor:
        build_pack(SOURCES, tmp_path / "lending", executor=executor)
    built = {path.name: path.read_bytes() for path in (tmp_path / "lending").iterdir()}
    assert built == {path.name: path.read_bytes() for path in PACK.path.iterdir()}


def test_at_least_sixty_scenarios_begin_in_a_state_and_are_checked_by_how_it_ends():
    scenarios = [PACK[name] for name in PACK]
    assert len(scenarios) >= 60
    assert all(scenario.initial_state and scenario.state_checks for scenario in scenarios)
    assert set(PACK.manifest.splits) == {"train", "test"}
    states = [scenario.initial_state for scenario in scenarios]
    assert all(state not in states[:number] for number, state in enumerate(states))


def test_no_state_check_holds_at_the_beginning_nor_after_only_looking_things_up(executor):
    looks = [
        {"name": "find_items", "arguments": {"kind": "drill"}},
        {"name": "item_record", "arguments": {"item": "K-114"}},
        {"name": "member_account", "arguments": {"member": "Ada Quist"}},
    ]
    for name in PACK:
        episode = Episode.of_pack(PACK, name, executor)
        episode.step({"content": "", "tool_calls": looks})
        assert episode.session.state == PACK[name].initial_state
        for check in PACK[name].state_checks:
            assert json_pointer(episode.session.state, check.path) != check.expected.value


def test_the_oracle_earns_everything_and_its_episodes_replay_to_the_same_state(executor):
    for play, trajectory in rollout(OraclePolicy(PACK), PACK, plays(PACK), executor):
        score = trajectory.transitions[-1].score
        assert (score.solved, score.answer_correct) == (score.total, True), play
        assert sum(turn.reward for turn in trajectory.transitions) == pytest.approx(1.0)
        assert replay(trajectory, PACK, executor) is None


def test_the_calls_without_the_changes_earn_only_their_part(executor):
    episode = Episode.of_pack(PACK, next(iter(PACK)), executor)
    step = episode.scenario.sub_questions[0]
    episode.step({"content": "", "tool_calls": [{"name": step.tools[0], "arguments": step.arguments}]})
    episode.step({"content": "Done."})
    assert episode.score.solved == 1
    assert episode.score.total == 3


def test_a_snapshot_holds_the_state_and_a_restored_episode_goes_on_from_it():
    env = gym.make("ToolUse-v0", pack=PACK, split="all").unwrapped
    name = next(name for name in PACK if name.startswith("hand-on"))
    steps = PACK[name].sub_questions
    calls = [{"content": "", "tool_calls": [{"name": s.tools[0], "arguments": s.arguments}]} for s in steps]
    env.reset(seed=1, options={"scenario": name})
    env.step(calls[0])
    before = env.snapshot()
    state = copy.deepcopy(env.episode.session.state)
    first = [env.step(call)[0]["messages"][-1]["content"] for call in calls[1:]]
    assert env.episode.session.state != state
    env.restore(before)
    assert env.episode.session.state == state
    assert [env.step(call)[0]["messages"][-1]["content"] for call in calls[1:]] == first


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("lend", {"item": "K-999", "member": "Ada Quist", "start": "2031-05-01", "days": 3}, "find_items lists"),
        ("lend", {"item": "K-114", "member": "Nobody", "start": "2031-05-01", "days": 3}, "no member is called"),
        ("lend", {"item": "K-114", "member": "Bram Oskarl", "start": "2031-05-01", "days": 11}, "1 to 10 days"),
        ("lend", {"item": "K-114", "member": "Bram Oskarl", "start": "May", "days": 3}, "YYYY-MM-DD"),
        ("lend", {"item": "K-523", "member": "Ada Quist", "start": "2031-05-01", "days": 3}, "reserve puts"),
        ("give_back", {"item": "K-114", "day": "2031-05-01"}, "is not out"),
        ("extend", {"item": "K-523", "days": 9}, "1 to 7 days"),
        ("reserve", {"item": "K-114", "member": "Ada Quist"}, "can be lent at once"),
        ("pay", {"member": "Ada Quist", "amount": 1}, "at most that"),
    ],
)
def test_what_the_house_refuses_is_told_and_changes_nothing(executor, name, arguments, words):
    episode = Episode.of_pack(PACK, next(iter(PACK)), executor)  # K-523 is out, K-114 is in
    result = episode.step({"content": "", "tool_calls": [{"name": name, "arguments": arguments}]})
    assert words in result.observation["messages"][-1]["content"]
    assert episode.session.state == episode.scenario.initial_state
