"""When a run is stopped, and what is said of why."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tool_gym.errors import ToolGymError

_LEAST_FALL = 0.1
"""A fall of the reward below this is no collapse."""


class TrainingStopped(ToolGymError):
    """A run that cannot come to anything was stopped; its last checkpoint stays."""


def check_finite(step: int, **figures: float) -> None:
    """Stops a run whose loss or gradient is no number.

    Raises:
        TrainingStopped: If a figure is not finite.
    """
    for name, value in figures.items():
        if not math.isfinite(value):
            raise TrainingStopped(
                f"batch {step}: the {name} is {value}. The weights were not changed by it. Lower learning_rate, or set "
                "precision to float32, and start again"
            )


def check_progress(rewards: Sequence[float], silent: Sequence[float], patience: int) -> None:
    """Stops a run that gets no signal, or has collapsed.

    Args:
        rewards: Mean reward of each batch so far.
        silent: For each batch the share of its prompts whose responses all earned the same.
        patience: Batches that are looked at together.

    Raises:
        TrainingStopped: If the last `patience` batches had no signal at all; or if their mean reward is less than half
            of the best that so many batches in a row have had.
    """
    if len(rewards) < patience:
        return
    step = len(rewards)
    if min(silent[-patience:]) == 1.0:
        raise TrainingStopped(
            f"batch {step}: for {patience} batches all responses to a prompt earned the same, so there is nothing to "
            f"learn from (mean reward {rewards[-1]:.3f}). If it is low, the model solves nothing yet: start from a "
            "better one, with easier scenarios, or constrained. If it is high, it is done"
        )
    means = [math.fsum(rewards[i - patience : i]) / patience for i in range(patience, step + 1)]
    best = max(means)
    if best - means[-1] > max(best / 2, _LEAST_FALL):
        raise TrainingStopped(
            f"batch {step}: the mean reward of {patience} batches fell from {best:.3f} to {means[-1]:.3f}: the policy "
            "has collapsed. Lower learning_rate, or raise kl, and start again"
        )
