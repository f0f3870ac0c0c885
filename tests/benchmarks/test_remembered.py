"""The environment that keeps what it has seen gives what `CandidateActions` gives."""

import gymnasium as gym
import numpy as np
import remembered

from tool_gym.candidates import CandidateActions


def candidates():
    return CandidateActions(gym.make("ToolUse-v0", split="all", execution="embedded", max_turns=4), 48)


def test_observations_rewards_and_ends_are_those_of_the_candidates():
    plain = candidates()
    scenario = plain.unwrapped.pack.ids()[0]
    env = remembered.Remembered(candidates(), [scenario])
    for _ in range(2):  # the second time from memory
        rows, _ = env.reset()
        expected, _ = plain.reset(seed=0, options={"scenario": scenario})
        ended = False
        while not ended:
            assert np.array_equal(rows, expected.astype(np.float16))  # kept in half precision
            assert np.array_equal(env.action_masks(), plain.action_masks())
            action = int(np.flatnonzero(plain.action_masks())[-1])
            rows, reward, ended, _, info = env.step(action)
            expected, wanted, terminated, truncated, told = plain.step(action)
            assert (reward, ended, info["score"]) == (wanted, terminated or truncated, told["score"])


def test_solve_f1_is_the_mean_of_what_the_chosen_actions_earn():
    plain = candidates()
    scenarios = plain.unwrapped.pack.ids()[:2]
    env = remembered.Remembered(plain, scenarios)
    assert remembered.solve_f1(env, lambda rows, mask: 0, scenarios) == 0.0
