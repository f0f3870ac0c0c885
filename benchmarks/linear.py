"""Does reinforcement learning learn here? A linear policy over candidate actions, tested on domains it never saw.

    tool-gym generate --out PACK --level 1 --count 2000 --seed 7
    python benchmarks/linear.py PACK

Trains on the scenarios of all domains but the last four in the alphabet and measures greedy Solve-F1 (matcher `typed`)
on those four, before and after, for each algorithm and seed; writes results/linear.json and results/linear.png.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import tool_gym
from tool_gym.candidates import CandidateActions
from tool_gym.training.linear import LinearPolicy, Prefixes, Settings, play, train

RESULTS = Path(__file__).parent / "results"
HELD_OUT = 4
"""Domains, the last ones in the alphabet, that nothing is trained on."""


def environment(pack: str, reward: str, max_turns: int) -> CandidateActions:
    return CandidateActions(
        gym.make("ToolUse-v0", pack=pack, split="all", reward=reward, max_turns=max_turns, execution="embedded")
    )


def split(pack: str, trained: int, tested: int) -> tuple[list[str], list[str], list[str]]:
    """Ids to train and to test on, as many as asked for, the same ones each time; and the held-out domains."""
    ids = list(tool_gym.load_pack(pack).ids())
    domains = sorted({each.split("-")[0] for each in ids})
    held_out = domains[-HELD_OUT:]
    rng = np.random.default_rng(0)
    inside = [each for each in ids if each.split("-")[0] not in held_out]
    outside = [each for each in ids if each.split("-")[0] in held_out]
    return (
        [str(each) for each in rng.permutation(inside)[:trained]],
        [str(each) for each in rng.permutation(outside)[:tested]],
        held_out,
    )


def solve_f1(policy: LinearPolicy, prefixes: Prefixes, scenarios: Sequence[str]) -> float:
    """Mean over greedy episodes."""
    return float(np.mean([play(policy, prefixes, each)[1]["f1"] for each in scenarios]))


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    names = sorted({(row["algorithm"], row["reward"]) for row in rows})
    for number, name in enumerate(names):
        label = " / ".join(name)
        for row in rows:
            if (row["algorithm"], row["reward"]) == name:
                updates, scores = zip(*row["curve"], strict=True)
                axes.plot(updates, scores, color=f"C{number}", alpha=0.8, label=label)
                label = ""
    axes.set(xlabel="updates", ylabel="Solve-F1 on held-out domains", ylim=(0, 1))
    axes.legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pack")
    parser.add_argument("--algorithms", default="grpo,reinforce++")
    parser.add_argument("--rewards", default="ftrl_f1")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trained", type=int, default=240)
    parser.add_argument("--tested", type=int, default=100)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--out", default="linear")
    options = parser.parse_args()
    settings = Settings()
    trained, tested, held_out = split(options.pack, options.trained, options.tested)
    judge = Prefixes(environment(options.pack, "solve_f1", options.turns))
    rows: list[dict[str, Any]] = []
    for reward in options.rewards.split(","):
        prefixes = Prefixes(environment(options.pack, reward, options.turns))
        for seed in range(options.seeds):
            for algorithm in options.algorithms.split(","):
                began = time.perf_counter()
                curve = [(0, round(solve_f1(LinearPolicy(), judge, tested), 4))]

                def watch(updates: int, policy: LinearPolicy, curve: list[tuple[int, float]] = curve) -> None:
                    curve.append((updates, round(solve_f1(policy, judge, tested), 4)))

                train(prefixes, trained, algorithm, seed, settings, watch)
                row = {
                    "algorithm": algorithm,
                    "reward": reward,
                    "seed": seed,
                    "start": curve[0][1],
                    "end": curve[-1][1],
                }
                rows.append({**row, "curve": curve, "seconds": round(time.perf_counter() - began, 1)})
                print(row, rows[-1]["seconds"], flush=True)
                command = " ".join(["python benchmarks/linear.py PACK", *sys.argv[2:]])
                result = {
                    "command": command,
                    "pack": "tool-gym generate --level 1 --count 2000 --seed 7",
                    "held_out_domains": held_out,
                    "trained_on": len(trained),
                    "tested_on": len(tested),
                    "settings": settings._asdict(),
                    "rows": rows,
                }
                RESULTS.mkdir(exist_ok=True)
                (RESULTS / f"{options.out}.json").write_text(json.dumps(result, indent=1) + "\n")
    plot(rows, RESULTS / f"{options.out}.png")


if __name__ == "__main__":
    main()
