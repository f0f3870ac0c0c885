"""Advantages: equal to plain sums written out, and to what TRL computes where both define the same thing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.errors import UnknownName
from tool_gym.training.advantages import estimator, grpo, reinforce_pp

REWARDS = st.floats(-2, 2).map(lambda x: round(x, 3))
RESPONSES = st.lists(st.tuples(REWARDS, st.integers(0, 3), st.integers(1, 50)), min_size=1, max_size=24)


def columns(responses):
    return [list(column) for column in zip(*responses, strict=True)]


def plain_grpo(rewards, groups):
    found = []
    for reward, group in zip(rewards, groups, strict=True):
        own = [r for r, g in zip(rewards, groups, strict=True) if g == group]
        if len(own) == 1:
            found.append(reward / (1 + 1e-6))
            continue
        mean = math.fsum(own) / len(own)
        std = math.sqrt(math.fsum((r - mean) ** 2 for r in own) / (len(own) - 1))
        found.append((reward - mean) / (std + 1e-6))
    return found


def plain_reinforce_pp(rewards, lengths):
    tokens = [reward for reward, length in zip(rewards, lengths, strict=True) for _ in range(length)]
    if len(tokens) == 1:
        return [0.0]
    mean = math.fsum(tokens) / len(tokens)
    variance = math.fsum((t - mean) ** 2 for t in tokens) / (len(tokens) - 1)
    return [(reward - mean) / math.sqrt(variance + 1e-8) for reward in rewards]


@given(RESPONSES)
def test_grpo_is_the_plain_formula(responses):
    rewards, groups, lengths = columns(responses)
    assert grpo(rewards, groups, lengths) == pytest.approx(plain_grpo(rewards, groups), abs=1e-6)


@given(RESPONSES)
def test_reinforce_pp_is_the_plain_formula_over_tokens(responses):
    rewards, groups, lengths = columns(responses)
    assert reinforce_pp(rewards, groups, lengths) == pytest.approx(plain_reinforce_pp(rewards, lengths), abs=1e-6)


@given(RESPONSES, st.randoms())
def test_the_order_of_the_responses_changes_nothing(responses, random):
    order = list(range(len(responses)))
    random.shuffle(order)
    for name in ("grpo", "reinforce++"):
        straight = estimator(name)(*columns(responses))
        mixed = estimator(name)(*columns([responses[i] for i in order]))
        assert mixed == pytest.approx(straight[order], abs=1e-9)


def test_equal_rewards_teach_nothing():
    for name in ("grpo", "reinforce++"):
        assert estimator(name)([0.7] * 6, [0, 0, 0, 1, 1, 1], [3, 9, 2, 5, 5, 1]) == pytest.approx([0.0] * 6, abs=1e-6)


def test_grpo_looks_at_the_prompt_and_reinforce_pp_at_the_batch():
    rewards, groups, lengths = [0.0, 0.2, 0.8, 1.0], [0, 0, 1, 1], [4, 4, 4, 4]
    assert grpo(rewards, groups, lengths)[1] > 0 > reinforce_pp(rewards, groups, lengths)[1]


def test_grpo_agrees_with_the_group_normalisation_of_trl():
    """TRL 1.16 normalises by `(r - mean) / (std + 1e-4)`, the unbiased deviation of each group of neighbours."""
    torch = pytest.importorskip("torch")
    rewards = np.random.default_rng(0).uniform(size=(5, 8))
    theirs = torch.tensor(rewards)
    theirs = (theirs - theirs.mean(1, keepdim=True)) / (theirs.std(1, keepdim=True) + 1e-4)
    ours = grpo(rewards.ravel(), np.repeat(np.arange(5), 8), np.ones(40)).reshape(5, 8)
    assert ours == pytest.approx(theirs.numpy(), rel=1e-3)


@pytest.mark.parametrize(
    ("rewards", "lengths", "complaint"),
    [([1.0, math.nan], [1, 1], "nan"), ([1.0, 2.0], [1, 0], "0 tokens"), ([1.0], [1, 1], "shapes")],
)
def test_what_is_no_batch_is_refused(rewards, lengths, complaint):
    with pytest.raises(ValueError, match=complaint):
        grpo(rewards, [0, 0], lengths)


def test_an_unknown_algorithm_is_refused_with_those_there_are():
    with pytest.raises(UnknownName, match=r"reinforce\+\+"):
        estimator("reinforce")
