"""The example of training does what its docstring says."""

from tool_gym.examples.linear_policy import main


def test_a_policy_trained_from_nothing_solves_unseen_scenarios_better_than_chance():
    before, after = main()
    assert after > before + 0.15
