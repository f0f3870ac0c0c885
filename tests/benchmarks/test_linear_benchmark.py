"""What the benchmark of rewards says of episodes, and how it compares rewards."""

import gymnasium as gym
import linear
import pytest

from tool_gym.policies.scripted import OraclePolicy


def played(calls_twice=False):
    """An episode of the oracle; it may make each call twice."""
    env = gym.make("ToolUse-v0", split="all", execution="embedded")
    base = env.unwrapped
    scenario = base.pack.ids()[0]
    observation, info = env.reset(seed=0, options={"scenario": scenario})
    oracle, ended = OraclePolicy(base.pack), False
    while not ended:
        action = oracle(observation, info)
        for _ in range(2 if calls_twice and action.tool_calls else 1):
            observation, _, ended, _, info = env.step(action)
    return base.episode.trajectory()


def test_an_episode_of_right_calls_makes_each_once_and_earns_all_of_solve_f1_and_task_f1():
    found = linear.behaviour([played()], ["solve_f1", "task_f1", "none"])
    assert found == {
        "calls_per_check": 1.0,
        "repeated_calls": 0.0,
        "episodes_without_a_call": 0.0,
        "episodes_never_answered": 0.0,
        "returns": {"solve_f1": 1.0, "task_f1": 1.0, "none": 0.0},
    }


def test_calls_made_twice_are_counted_as_repeats_and_cost_solve_f1_and_not_completeness():
    found = linear.behaviour([played(calls_twice=True)], ["solve_f1", "completeness"])
    assert found["calls_per_check"] == 2.0
    assert found["repeated_calls"] == 0.5
    assert found["returns"] == {"solve_f1": pytest.approx(2 / 3, abs=1e-4), "completeness": 1.0}


def test_a_summary_compares_each_reward_with_the_first_by_scenario():
    ends = {"grpo / a": [played()] * 2, "grpo / b": [played(calls_twice=True)] * 2}
    rows = [
        {"algorithm": "grpo", "reward": reward, "end": end}
        for reward, end in zip("aabb", (1, 1, 0.6, 0.7), strict=True)
    ]
    first, second = linear.summary(rows, ends).values()
    assert (first["seeds"], first["mean_low_high"]) == (2, [1.0, 1.0, 1.0])
    assert (second["least"], second["most"]) == (0.6, 0.7)
    assert second["minus_first_low_high"] == pytest.approx([-1 / 3] * 3, abs=1e-4)


def test_attacks_are_scored_under_each_reward_on_the_scenarios_given():
    env = gym.make("ToolUse-v0", split="all", execution="embedded")
    found = linear.attacked(env.unwrapped.pack.name, env.unwrapped.pack.ids()[:1], ["solve_f1", "task_f1"])
    assert found["wrong_answer"] == {"solve_f1": 1.0, "task_f1": 0.5}
    assert found["empty_answer"] == {"solve_f1": 0.0, "task_f1": 0.0}
