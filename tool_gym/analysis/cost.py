"""What each part of a network is worth: Solve-F1 with the part as it was before training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tool_gym.analysis.ablation import parts, restored
from tool_gym.errors import InputError
from tool_gym.models.local import LocalModel
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import Policy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.verify.metrics import summarise


class Cost(NamedTuple):
    """A part and what it costs to put it back.

    Attributes:
        part: Its name; `none` for the trained model as it is.
        tensors: How many tensors were put back.
        solve_f1: Mean Solve-F1 without what training did to them.
        cost: How much less that is than the trained model's; negative where training did harm.
    """

    part: str
    tensors: int
    solve_f1: float
    cost: float


def costs(
    model: LocalModel,
    policy: Policy,
    base: str | Path,
    pack: Pack,
    scenarios: Sequence[str],
    executor: Executor,
    max_turns: int | None = None,
) -> Iterator[Cost]:
    """Plays the scenarios with the trained model, and again with each part of it as it was in the base.

    Args:
        model: The trained model; it is as it was when all is played.
        policy: Plays with that model. The likeliest tokens (temperature 0) leave chance out of the comparison.
        base: Checkpoint of the base.
        pack: Where the scenarios come from.
        scenarios: Their ids.
        executor: Runs the tools.
        max_turns: Turn limit; None means the pack's.

    Raises:
        InputError: If the model has fewer than 3 layers, or shares no tensor with the base (one with a LoRA adapter
            does not: merge it first).
    """
    layers = int(model.model.config.num_hidden_layers)
    if layers < 3:
        raise InputError(f"{model.name}: has {layers} layers; a lower, middle and upper third need at least 3")

    def play() -> float:
        games = rollout(policy, pack, plays(scenarios), executor, at_once=8, max_turns=max_turns)
        return float(summarise(game for _, game in games)[-1]["solve_f1"])

    whole = play()
    yield Cost("none", 0, whole, 0.0)
    for part in parts(layers):
        with restored(model.model, base, part) as tensors:
            if not tensors:
                raise InputError(
                    f"{base}: holds no tensor of the {part.name} layers under the names that {model.name} has; give "
                    "the checkpoint that it was trained from, and merge an adapter first"
                )
            without = play()
        yield Cost(part.name, tensors, without, whole - without)
