"""From rewards to advantages: GRPO and REINFORCE++, as the paper's recipes define them.

The two recipes of FTRL (arXiv 2508.08791) differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tool_gym.errors import UnknownName

Floats = NDArray[np.float64]
Estimator = Callable[[ArrayLike, ArrayLike, ArrayLike], Floats]

_STD_FLOOR = 1e-6
_VARIANCE_FLOOR = 1e-8


def grpo(rewards: ArrayLike, groups: ArrayLike, lengths: ArrayLike) -> Floats:
    """How much better a response is than the others to its prompt, in their standard deviations.

    Args:
        rewards: float[n], the reward of each response.
        groups: int[n], which prompt each answers.
        lengths: int[n], tokens of each response; not looked at.

    Returns:
        float64[n]: `(r - mean) / (std + 1e-6)` within a group, the standard deviation unbiased. A response that is
        alone in its group is compared with mean 0 and standard deviation 1. Every token of a response has the same.

    Source:
        Shao et al. 2024 (arXiv 2402.03300), in the form of verl 0.3.1.
    """
    values, prompts, _ = _checked(rewards, groups, lengths)
    advantages = np.empty_like(values)
    for prompt in np.unique(prompts):
        own = prompts == prompt
        group = values[own]
        mean, std = (group.mean(), group.std(ddof=1)) if len(group) > 1 else (0.0, 1.0)
        advantages[own] = (group - mean) / (std + _STD_FLOOR)
    return advantages


def reinforce_pp(rewards: ArrayLike, groups: ArrayLike, lengths: ArrayLike) -> Floats:
    """How much better a response is than the whole batch, where every token of a response counts.

    With gamma 1 the reward at the end of a response stands on each of its tokens; these are then whitened over all
    response tokens of the batch, so that a long response weighs more in the mean than a short one.

    Args:
        rewards: float[n], the reward of each response.
        groups: int[n], which prompt each answers; not looked at, for there is no baseline of a group.
        lengths: int[n], tokens of each response, >= 1.

    Returns:
        float64[n]: `(r - mean) / sqrt(var + 1e-8)`, mean and unbiased variance over tokens. A batch of one token has
        no variance and gives 0.

    Source:
        Hu 2025 (arXiv 2501.03262), in the form of verl 0.3.1.
    """
    values, _, tokens = _checked(rewards, groups, lengths)
    count = tokens.sum()
    if count < 2:
        return np.zeros_like(values)
    mean = (tokens * values).sum() / count
    variance = (tokens * (values - mean) ** 2).sum() / (count - 1)
    return np.asarray((values - mean) / np.sqrt(variance + _VARIANCE_FLOOR))


ESTIMATORS: dict[str, Estimator] = {"grpo": grpo, "reinforce++": reinforce_pp}


def estimator(name: str) -> Estimator:
    """The estimator of a name.

    Raises:
        UnknownName: If there is no such estimator.
    """
    if name not in ESTIMATORS:
        raise UnknownName("algorithm", name, ESTIMATORS)
    return ESTIMATORS[name]


def _checked(rewards: ArrayLike, groups: ArrayLike, lengths: ArrayLike) -> tuple[Floats, NDArray[np.int64], Floats]:
    values = np.asarray(rewards, np.float64)
    prompts, tokens = np.asarray(groups, np.int64), np.asarray(lengths, np.float64)
    if not values.ndim == prompts.ndim == tokens.ndim == 1 or not len(values) == len(prompts) == len(tokens):
        shapes = f"{values.shape}, {prompts.shape}, {tokens.shape}"
        raise ValueError(f"rewards, groups and lengths have the shapes {shapes}; expected (n,) three times")
    if not np.isfinite(values).all():
        raise ValueError(f"rewards hold {values[~np.isfinite(values)][0]}; expected finite numbers")
    if (tokens < 1).any():
        raise ValueError(f"a response has {int(tokens.min())} tokens; expected at least 1")
    return values, prompts, tokens
