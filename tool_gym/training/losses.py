"""The loss of a batch of responses: clipped policy gradient, KL to the reference, entropy.

Inputs have the shape [responses, tokens]; a mask says which tokens the model chose: prompt, tool output and padding are
masked out. Means are taken over the tokens of a response first, then over responses, so that every response weighs the
same however long it is.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_MOST_LOG_RATIO = 20.0
"""Bound of a log ratio before it is exponentiated, as in verl 0.3.1."""
_MOST_KL = 10.0


class Weights(NamedTuple):
    """Constants of the loss, with the paper's values.

    Attributes:
        clip: Ratios outside 1 - clip .. 1 + clip earn nothing more.
        dual_clip: Where the advantage is negative, the loss of a token is at most so many times its size; > 1.
        kl: Weight of the divergence from the reference; 0 needs no reference.
        entropy: Weight of the entropy, which is subtracted.
    """

    clip: float = 0.2
    dual_clip: float = 3.0
    kl: float = 0.001
    entropy: float = 0.001


class Loss(NamedTuple):
    """The loss and what it is made of; all but the first are detached scalars.

    Attributes:
        total: What is minimised.
        policy: Its policy term.
        kl: Mean divergence from the reference, before its weight.
        entropy: Mean entropy, before its weight.
        clipped: Share of the tokens whose ratio was clipped, in [0, 1].
        drift: Mean of `old_logp - logp`, an estimate of how far the policy went from the one that sampled.
    """

    total: Tensor
    policy: Tensor
    kl: Tensor
    entropy: Tensor
    clipped: Tensor
    drift: Tensor


def mean_of_means(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over responses of the mean over their tokens.

    Args:
        values: float[responses, tokens].
        mask: bool[responses, tokens], at least one token of each response.
    """
    counts = mask.sum(-1)
    return ((values * mask).sum(-1) / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)


def policy_terms(logp: Tensor, old_logp: Tensor, advantages: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
    """PPO's clipped loss of each token with the dual clip, and where the clip was active.

    Args:
        logp: Log-probabilities of the tokens under the policy.
        old_logp: Under the policy that sampled them.
        advantages: float[responses, 1] or [responses, tokens].
        weights: Constants.

    Source:
        Schulman et al. 2017 (arXiv 1707.06347); dual clip: Ye et al. 2020 (arXiv 1912.09729).
    """
    ratio = (logp - old_logp).clamp(-_MOST_LOG_RATIO, _MOST_LOG_RATIO).exp()
    plain = -advantages * ratio
    bounded = -advantages * ratio.clamp(1 - weights.clip, 1 + weights.clip)
    loss = torch.maximum(plain, bounded)
    capped = torch.minimum(-advantages * weights.dual_clip, loss)
    return torch.where(advantages < 0, capped, loss), bounded > plain


def kl_terms(logp: Tensor, reference: Tensor) -> Tensor:
    """Schulman's low-variance estimate of KL(policy || reference) for each token: `exp(d) - d - 1`, within -10 .. 10.

    Args:
        logp: Log-probabilities of the tokens under the policy.
        reference: Under the reference; `d = reference - logp`.
    """
    difference = (reference - logp).clamp(-_MOST_LOG_RATIO, _MOST_LOG_RATIO)
    return (difference.exp() - difference - 1).clamp(-_MOST_KL, _MOST_KL)


def loss(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    entropy: Tensor | None = None,
    reference: Tensor | None = None,
    weights: Weights | None = None,
) -> Loss:
    """The loss of a batch.

    Args:
        logp: float[responses, tokens], log-probabilities under the policy; the gradient flows through it.
        old_logp: The same under the policy that sampled.
        advantages: float[responses], of each response; or float[responses, tokens].
        mask: bool[responses, tokens], the tokens that the model chose.
        entropy: float[responses, tokens], entropy of the distribution that each token was drawn from; None counts as 0.
        reference: Log-probabilities under the reference; None leaves the divergence out.
        weights: Constants; None means the paper's.
    """
    weights = weights or Weights()
    each = advantages if advantages.ndim == 2 else advantages[:, None]
    terms, clipped = policy_terms(logp, old_logp, each, weights)
    policy = mean_of_means(terms, mask)
    nothing = torch.zeros((), dtype=logp.dtype, device=logp.device)
    kl = nothing if reference is None else mean_of_means(kl_terms(logp, reference), mask)
    spread = nothing if entropy is None else mean_of_means(entropy, mask)
    total = policy + weights.kl * kl - weights.entropy * spread
    tokens = mask.sum().clamp(min=1)
    return Loss(
        total,
        policy.detach(),
        kl.detach(),
        spread.detach(),
        ((clipped & mask).sum() / tokens).detach(),
        (((old_logp - logp) * mask).sum() / tokens).detach(),
    )
