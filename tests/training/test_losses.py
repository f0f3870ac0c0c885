"""The loss: equal to a plain float64 sum over tokens, with gradients where they should be and none elsewhere."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
from tool_gym.training.losses import Weights, kl_terms, loss, mean_of_means, policy_terms  # noqa: E402

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(0, 10_000))


def batch(shape):
    rows, columns, seed = shape
    generator = torch.Generator().manual_seed(seed)

    def draw(low, high):
        return low + (high - low) * torch.rand(rows, columns, generator=generator, dtype=torch.float64)

    mask = draw(0, 1) > 0.4
    mask[:, 0] = True
    advantages = 4 * torch.rand(rows, generator=generator, dtype=torch.float64) - 2
    return draw(-4, 0), draw(-4, 0), draw(-4, 0), draw(0, 3), advantages, mask


def plain_loss(logp, old, reference, entropy, advantages, mask, weights):
    responses = []
    for i in range(len(logp)):
        tokens = []
        for j in range(len(logp[i])):
            if not mask[i][j]:
                continue
            ratio, a = math.exp(logp[i][j] - old[i][j]), advantages[i]
            clipped = min(max(ratio, 1 - weights.clip), 1 + weights.clip)
            policy = max(-a * ratio, -a * clipped)
            if a < 0:
                policy = min(policy, -a * weights.dual_clip)
            d = reference[i][j] - logp[i][j]
            kl = min(math.exp(d) - d - 1, 10)
            tokens.append(policy + weights.kl * kl - weights.entropy * entropy[i][j])
        responses.append(math.fsum(tokens) / len(tokens))
    return math.fsum(responses) / len(responses)


@settings(deadline=None)
@given(SHAPES)
def test_the_loss_is_the_plain_sum_over_tokens(shape):
    logp, old, reference, entropy, advantages, mask = batch(shape)
    weights = Weights(kl=0.5, entropy=0.25)
    found = loss(logp, old, advantages, mask, entropy=entropy, reference=reference, weights=weights)
    columns = [each.tolist() for each in (logp, old, reference, entropy, advantages, mask)]
    assert found.total.item() == pytest.approx(plain_loss(*columns, weights), rel=1e-9)


@settings(deadline=None)
@given(SHAPES)
def test_what_stands_where_the_model_chose_nothing_has_no_gradient_and_no_effect(shape):
    logp, old, reference, entropy, advantages, mask = batch(shape)
    logp.requires_grad_()
    found = loss(logp, old, advantages, mask, entropy=entropy, reference=reference)
    found.total.backward()
    assert (logp.grad[~mask] == 0).all()
    other = torch.where(mask, logp.detach(), torch.full_like(logp, -1.5))
    again = loss(other, old, advantages, mask, entropy=entropy, reference=reference)
    assert again.total.item() == pytest.approx(found.total.item())


def test_at_the_sampling_policy_the_gradient_is_that_of_reinforce():
    logp, _, _, _, advantages, mask = batch((3, 5, 1))
    old = logp.clone()
    logp.requires_grad_()
    loss(logp, old, advantages, mask, weights=Weights(kl=0, entropy=0)).total.backward()
    expected = -advantages[:, None] * mask / mask.sum(-1, keepdim=True) / len(logp)
    assert torch.allclose(logp.grad, expected)


def test_a_ratio_past_the_clip_earns_nothing_more_for_a_good_token():
    logp = torch.tensor([[0.5]], dtype=torch.float64, requires_grad=True)
    found = loss(logp, torch.zeros(1, 1), torch.ones(1), torch.ones(1, 1, dtype=torch.bool), weights=Weights(kl=0))
    found.total.backward()
    assert logp.grad.item() == 0
    assert found.clipped.item() == 1


def test_the_dual_clip_bounds_what_one_bad_token_can_cost():
    terms, _ = policy_terms(torch.tensor([[5.0]]), torch.zeros(1, 1), torch.tensor([[-2.0]]), Weights())
    assert terms.item() == pytest.approx(6.0)


@given(st.floats(-15, 0), st.floats(-15, 0))
def test_the_divergence_is_never_negative_and_zero_only_where_both_agree(logp, reference):
    kl = kl_terms(torch.tensor(logp, dtype=torch.float64), torch.tensor(reference, dtype=torch.float64)).item()
    assert 0 <= kl <= 10
    if abs(logp - reference) > 1e-3:
        assert kl > 0


def test_a_long_response_weighs_as_much_as_a_short_one():
    values = torch.tensor([[1.0, 9.0, 9.0], [3.0, 3.0, 3.0]])
    mask = torch.tensor([[True, False, False], [True, True, True]])
    assert mean_of_means(values, mask).item() == 2.0


def test_the_divergence_estimate_is_that_of_trl():
    """TRL 1.16 adds `exp(ref - logp) - (ref - logp) - 1` for each token."""
    logp, _, reference, *_ = batch((3, 4, 7))
    theirs = torch.exp(reference - logp) - (reference - logp) - 1
    assert torch.allclose(kl_terms(logp, reference), theirs.clamp(max=10))
