"""Statistics against plain formulas, enumeration and known values."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.evaluation.statistics import Interval, compare, intervals, pass_at_k, pass_hat_k, sign_test

COUNTS = st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))


@given(COUNTS)
def test_pass_at_k_and_pass_hat_k_are_what_drawing_k_of_n_episodes_gives(counts):
    n, c, k = counts
    draws = list(itertools.combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    assert pass_hat_k(n, c, k) == pytest.approx(sum(map(all, draws)) / len(draws))


def test_pass_at_k_has_known_values():
    assert pass_at_k(10, 3, 5) == pytest.approx(11 / 12)
    assert pass_hat_k(4, 3, 2) == pytest.approx(0.5)
    assert (pass_at_k(5, 5, 5), pass_at_k(5, 0, 5), pass_hat_k(5, 4, 5)) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("counts", [(4, 2, 5), (4, 5, 1), (4, -1, 1), (4, 2, 0), (0, 0, 1)])
def test_counts_out_of_range_are_refused(counts):
    for function in (pass_at_k, pass_hat_k):
        with pytest.raises(ValueError, match="expected 1 <= k <= n"):
            function(*counts)


def test_a_bootstrap_interval_is_close_to_the_normal_one_where_that_holds():
    values = np.random.default_rng(3).normal(5.0, 2.0, size=(400, 1))
    [found] = intervals(values, range(400), resamples=4000)
    half = 1.96 * values.std() / math.sqrt(400)
    assert found.mean == pytest.approx(values.mean())
    assert found.mean - found.low == pytest.approx(half, rel=0.1)
    assert found.high - found.mean == pytest.approx(half, rel=0.1)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(11)
    held = 0
    for trial in range(200):
        values = rng.binomial(1, 0.4, size=(60, 1))
        [found] = intervals(values, range(60), resamples=300, seed=trial)
        held += found.low <= 0.4 <= found.high
    assert 0.89 <= held / 200 <= 0.99


def test_playing_a_scenario_again_with_the_same_outcome_adds_no_certainty():
    values = np.random.default_rng(5).random((30, 1))
    once = intervals(values, range(30))
    again = intervals(np.repeat(values, 8, axis=0), np.repeat(np.arange(30), 8).tolist())
    np.testing.assert_allclose(again, once)
    [as_if_independent] = intervals(np.repeat(values, 8, axis=0), range(240))
    assert as_if_independent.high - as_if_independent.low < 0.6 * (once[0].high - once[0].low)


def test_one_seed_gives_one_interval_and_another_seed_another():
    values = np.random.default_rng(1).random((20, 2))
    assert intervals(values, range(20), seed=4) == intervals(values, range(20), seed=4)
    assert intervals(values, range(20), seed=4) != intervals(values, range(20), seed=5)


def test_missing_figures_are_left_out_of_their_mean_only():
    nan = float("nan")
    full, partly, never = intervals([[1, 1, nan], [0, nan, nan], [1, 0, nan], [0, nan, nan]], "abcd")
    assert (full.mean, partly.mean) == (0.5, 0.5)
    assert 0 <= partly.low <= partly.high <= 1
    assert never == Interval(None, None, None)


def test_no_episodes_give_no_interval_and_unequal_lengths_are_refused():
    assert intervals(np.empty((0, 2)), []) == [Interval(None, None, None)] * 2
    with pytest.raises(ValueError, match="one scenario per episode, got 1 for 2"):
        intervals([[1.0], [2.0]], ["a"])


def test_comparing_a_run_with_itself_shows_no_difference():
    run = {"a": 0.2, "b": 0.9, "c": 0.5}
    found = compare(run, run)
    assert found == (3, Interval(0.0, 0.0, 0.0), 0, 0, 1.0)


def test_a_comparison_pairs_the_scenarios_of_both_runs_and_no_others():
    rng = np.random.default_rng(2)
    first = {f"s{i}": float(value) for i, value in enumerate(rng.random(50))}
    second = {name: value + 0.1 for name, value in first.items()} | {"only here": 0.0}
    found = compare(first, second)
    assert (found.scenarios, found.better, found.worse) == (50, 50, 0)
    # Paired, the difference is the same everywhere, however much scenarios differ among themselves.
    assert found.interval == pytest.approx((0.1, 0.1, 0.1))
    assert found.p_value == pytest.approx(2 / 2**50)


def test_runs_without_a_common_scenario_have_no_difference():
    assert compare({"a": 1.0}, {"b": 1.0}) == (0, Interval(None, None, None), 0, 0, 1.0)


@given(st.integers(0, 7), st.integers(0, 7))
def test_the_sign_test_counts_the_splits_at_least_as_uneven(better, worse):
    pairs = better + worse
    splits = [abs(2 * sum(each) - pairs) for each in itertools.product((0, 1), repeat=pairs)]
    expected = sum(split >= abs(better - worse) for split in splits) / len(splits)
    assert sign_test(better, worse) == pytest.approx(expected)


def test_the_sign_test_is_mcnemars_exact_test():
    assert sign_test(9, 1) == pytest.approx(0.021484375)
    assert sign_test(1, 9) == sign_test(9, 1)
    assert 0 < sign_test(5200, 4800) < 0.0001
