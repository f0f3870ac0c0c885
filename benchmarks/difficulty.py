"""Difficulty as a dial: what a fixed imperfect policy earns, level by level, and with each strategy switched on alone.

    python benchmarks/difficulty.py --json benchmarks/results/difficulty.json --plot benchmarks/results/difficulty.png

The policy is `tool_gym.policies.reader.CarefulReader`; it was fixed before the levels were tuned. Scenarios that differ
in a strategy only have the same questions, so their returns are compared pair by pair. Intervals are bootstrapped.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tool_gym.generation.generate import generate_pack
from tool_gym.generation.topic import Strategies
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.policy import Policy
from tool_gym.policies.reader import CarefulReader
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor

LEVELS = range(6)
_QUESTIONS = 1
"""Level of the questions where strategies are switched on one by one."""
_STRONG = 5
_RESAMPLES = 4000
_MAX_TURNS = 64
"""Room for the oracle's longest chains and for the reader's calls."""


def returns(policy: Policy, pack: Pack, executor: Executor) -> NDArray[np.float64]:
    """Return under `solve_f1` of one episode for each scenario, float[n], in the pack's order."""
    todo = plays(list(pack))
    done = dict(rollout(policy, pack, todo, executor, reward="solve_f1", max_turns=_MAX_TURNS))
    return np.array([math.fsum(turn.reward for turn in done[play].transitions) for play in todo])


def measured(folder: Path, executor: Executor, **order: Any) -> tuple[NDArray[np.float64], float]:
    """The reader's returns on a generated pack, and the oracle's least."""
    generate_pack(folder, gate=False, **order)
    pack = load_pack(folder)
    oracle, earned = returns(OraclePolicy(pack), pack, executor), returns(CarefulReader(), pack, executor)
    print(f"{folder.name}: reader {earned.mean():.3f}, oracle {oracle.min():.3f} at least", file=sys.stderr)
    return earned, float(oracle.min())


def interval(harder: NDArray[np.float64], easier: NDArray[np.float64], paired: bool) -> list[float]:
    """Mean drop from easier to harder, and the ends of its 90 % bootstrap interval."""
    rng = np.random.default_rng(0)
    first = rng.integers(len(easier), size=(_RESAMPLES, len(easier)))
    second = first if paired else rng.integers(len(harder), size=(_RESAMPLES, len(harder)))
    drops = easier[first].mean(axis=1) - harder[second].mean(axis=1)
    return [round(float(each), 4) for each in (easier.mean() - harder.mean(), *np.quantile(drops, (0.05, 0.95)))]


def dial(folder: Path, executor: Executor, count: int, seed: int) -> dict[str, Any]:
    """The curve over the levels, and the drop between neighbours."""
    made = [measured(folder / f"level-{level}", executor, count=count, seed=seed, level=level) for level in LEVELS]
    rows = []
    for level, (earned, oracle) in zip(LEVELS, made, strict=True):
        row: dict[str, Any] = {"level": level, "mean": round(float(earned.mean()), 4), "oracle_least": oracle}
        if level:
            row["drop"] = interval(earned, made[level - 1][0], paired=False)
        rows.append(row)
    return {"levels": rows}


def alone(folder: Path, executor: Executor, count: int, seed: int) -> dict[str, Any]:
    """What each strategy takes from the reader when it is on and the others are off."""
    off = Strategies.of_level(0)
    order: dict[str, Any] = {"count": count, "seed": seed, "level": _QUESTIONS}
    plain, _ = measured(folder / "off", executor, strategies=off, **order)
    rows = []
    for name in Strategies.model_fields:
        strategies = off.model_copy(update={name: _STRONG})
        earned, oracle = measured(folder / name.replace("_", "-"), executor, strategies=strategies, **order)
        drop = interval(earned, plain, paired=len(earned) == len(plain))
        rows.append({"strategy": name, "mean": round(float(earned.mean()), 4), "drop": drop, "oracle_least": oracle})
    return {"strategies_off": round(float(plain.mean()), 4), "strategies": rows}


def plot(result: dict[str, Any], path: str) -> None:
    """The curve, and a bar for each strategy."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    left.plot([row["level"] for row in result["levels"]], [row["mean"] for row in result["levels"]], marker="o")
    left.set(xlabel="level", ylabel="Solve-F1 of the careful reader", ylim=(0, 1), title="Levels")
    names = ["none", *(row["strategy"].replace("_", "\n") for row in result["strategies"])]
    means = [result["strategies_off"], *(row["mean"] for row in result["strategies"])]
    right.bar(names, means)
    right.set(ylim=(0, 1), title=f"Each strategy alone at {_STRONG}")
    right.tick_params(axis="x", labelsize=6)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="scenarios for each level")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json")
    parser.add_argument("--plot")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Executor() as executor:
        result = {"count": given.count, "seed": given.seed, "policy": "CarefulReader"}
        result |= dial(Path(folder), executor, given.count, given.seed)
        result |= alone(Path(folder), executor, given.count, given.seed)
    text = json.dumps(result, indent=1)
    print(text)
    if given.json:
        Path(given.json).write_text(text + "\n", encoding="utf-8")
    if given.plot:
        plot(result, given.plot)


if __name__ == "__main__":
    main()
