"""Runs that come to nothing are stopped, and it is said why."""

import math

import pytest

from tool_gym.training.health import TrainingStopped, check_finite, check_progress


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_run_and_names_the_remedy(value):
    with pytest.raises(TrainingStopped, match=r"batch 7: the loss .* Lower learning_rate"):
        check_finite(7, gradient=1.0, loss=value)


def test_a_run_without_signal_is_stopped():
    with pytest.raises(TrainingStopped, match="nothing to learn from"):
        check_progress([0.0] * 4, [0.5, 1.0, 1.0, 1.0], 3)


def test_a_collapsed_run_is_stopped():
    with pytest.raises(TrainingStopped, match="collapsed"):
        check_progress([0.6, 0.6, 0.6, 0.1, 0.1, 0.1], [0.2] * 6, 3)


@pytest.mark.parametrize("rewards", [[0.6, 0.5, 0.4, 0.5], [0.01, 0.0, -0.01, -0.02], [0.0]])
def test_a_run_that_wavers_goes_on(rewards):
    check_progress(rewards, [0.9] * len(rewards), 2)
