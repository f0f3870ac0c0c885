"""Components of rewards, and sums of them by name."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rewards import OWN, STEPS, facts, own_play

from tool_gym.errors import InputError, UnknownName
from tool_gym.verify.components import COMPONENTS
from tool_gym.verify.rewards import REWARDS, reward


@pytest.mark.parametrize(
    ("name", "changes", "value"),
    [
        ("answer_validity", {"answer_correct": True}, 1),
        ("answer_validity", {}, 0),
        ("format_penalty", {"parse_error": True, "calls": 1}, -1),
        ("format_penalty", {"content": "<tool_call>{"}, -1),
        ("format_penalty", {"content": "<tool_call>{", "calls": 1}, 0),
        ("format_penalty", {"content": "well"}, 0),
        ("invalid_call_penalty", {"calls": 3, "valid": 1}, -2),
        ("invalid_call_penalty", {"calls": 3, "valid": 3}, 0),
        ("invalid_call_penalty", {}, 0),
    ],
)
def test_the_components_of_a_turn(name, changes, value):
    assert COMPONENTS[name].function(facts(**changes)) == value
    assert reward(name) is COMPONENTS[name]


def test_a_sum_adds_its_terms_with_their_weights_and_names_them():
    rule = reward("task_f1+0.5*answer_validity + 0.25 * invalid_call_penalty")
    turn = facts(calls=4, valid=2, well_formed=4, solved=1, answer_correct=True)
    parts = {"task_f1": REWARDS["task_f1"].function(turn), "answer_validity": 0.5, "invalid_call_penalty": -0.5}
    assert rule.parts(turn) == parts
    assert rule.function(turn) == math.fsum(parts.values())
    assert (rule.low, rule.high) == (-math.inf, 1.5)
    assert reward("2*solve_f1").function(turn) == 2 * REWARDS["solve_f1"].function(turn)


def test_a_sum_implies_the_matcher_of_its_rewards():
    assert reward("ftrl_f1+0.1*format_penalty").matcher == "ftrl"
    assert reward("solve_f1+0.1*format_penalty").matcher is None
    assert reward("answer_validity+format_penalty").matcher is None


@pytest.mark.parametrize(
    "name",
    ["solve_f1+ftrl_f1", "solve_f1+solve_f1", "0*solve_f1", "solve_f1+", "", f"{'9' * 400}*solve_f1"],
)
def test_a_sum_that_makes_no_sense_is_refused(name):
    with pytest.raises(InputError):
        reward(name)


@pytest.mark.parametrize("name", ["solve_f1+formt_penalty", "-1*solve_f1", "0.1.2*solve_f1", "2**solve_f1", "nan*none"])
def test_an_unknown_term_is_named(name):
    with pytest.raises(UnknownName):
        reward(name)


@pytest.mark.parametrize("name", ["format_penalty", "invalid_call_penalty"])
@given(STEPS, OWN, st.integers(0, 4), st.sampled_from(["ok", "failed", "malformed"]))
def test_no_further_call_makes_a_penalty_smaller(name, letters, turns, where, how):
    before, _ = own_play(letters, None, name, turns)
    where %= len(turns)
    longer = [*turns[:where], [("nothing", 9, how)], *turns[where:]]
    after, _ = own_play(letters, None, name, longer)
    assert math.fsum(after) <= math.fsum(before) <= 0


@pytest.mark.parametrize("name", [*COMPONENTS, "task_f1+0.5*answer_validity+0.1*format_penalty"])
@given(STEPS, OWN)
def test_every_component_and_sum_is_finite_and_in_its_stated_range(name, letters, turns):
    rule = reward(name)
    earned, _ = own_play(letters, None, name, turns)
    assert all(math.isfinite(value) and rule.low <= value <= rule.high for value in earned)
