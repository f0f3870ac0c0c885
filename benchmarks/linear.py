"""Does reinforcement learning learn here? A small policy over candidate actions, tested on domains it never saw.

    tool-gym generate --out PACK --level 1 --count 2000 --seed 7
    python benchmarks/linear.py PACK
    python benchmarks/linear.py PACK --algorithms grpo --out rewards \\
        --rewards ftrl_f1,solve_f1,task_f1,precision,completeness,none

Trains on ten domains and measures greedy Solve-F1 (matcher `typed`) on four others, before and after, for each
algorithm, reward and seed. The features were tuned on other domains than those four; an older version of them was not.
Beside the curves it keeps how often the candidates hold the reference call, and what the trained policies do to earn:
calls for a check, calls made twice, episodes without a call, and what the same episodes earn under every reward, beside
what each attack of `tool_gym.attacks` earns on the same scenarios. A policy that earns by its own reward what it does
not earn by `solve_f1` has learned to please the reward. Writes results/OUT.json and results/OUT.png.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import tool_gym
from tool_gym.candidates import CandidateActions
from tool_gym.candidates.actions import choices
from tool_gym.evaluation.statistics import Interval, compare, intervals
from tool_gym.gate.attacks import play_attacks
from tool_gym.jsonvalue import dumps
from tool_gym.training.linear import CandidatePolicy, Prefixes, Settings, play, train
from tool_gym.trajectory import Trajectory
from tool_gym.verify.rescoring import rescore

RESULTS = Path(__file__).parent / "results"
HELD_OUT = ("chess", "expeditions", "libraries", "observatories")
"""Domains that nothing is trained on."""
REWARDS = ("solve_f1", "task_f1", "precision", "completeness", "ftrl_f1")
"""Those that look at what calls returned or at what they are, under which trained models are compared with attacks."""


def environment(pack: str, reward: str, max_turns: int) -> CandidateActions:
    return CandidateActions(
        gym.make("ToolUse-v0", pack=pack, split="all", reward=reward, max_turns=max_turns, execution="embedded")
    )


def split(pack: str, trained: int, tested: int) -> tuple[list[str], list[str]]:
    """Ids to train and to test on, as many as asked for, the same ones each time."""
    ids = list(tool_gym.load_pack(pack).ids())
    rng = np.random.default_rng(0)
    inside = [each for each in ids if each.split("-")[0] not in HELD_OUT]
    outside = [each for each in ids if each.split("-")[0] in HELD_OUT]
    return (
        [str(each) for each in rng.permutation(inside)[:trained]],
        [str(each) for each in rng.permutation(outside)[:tested]],
    )


def covered(pack_path: str, scenarios: Sequence[str], size: int = 96) -> float:
    """Share of the states of reference episodes whose candidates hold the reference call, or one that asks for more."""
    pack, found = tool_gym.load_pack(pack_path), []
    with tool_gym.Executor(execution="embedded") as executor:
        for name in scenarios:
            episode = tool_gym.Episode.of_pack(pack, name, executor, seed=0)
            for step in pack[name].sub_questions:
                call = {"name": step.tools[0], "arguments": dict(step.arguments or {})}
                offered = choices(episode.observation, size).messages
                found.append(any(_asks(each["tool_calls"][0], call) for each in offered if "tool_calls" in each))
                episode.step({"tool_calls": [call]})
    return float(np.mean(found))


def _asks(offered: dict[str, Any], call: dict[str, Any]) -> bool:
    if offered["name"] != call["name"] or offered["arguments"].keys() != call["arguments"].keys():
        return False
    pairs = [(offered["arguments"][key], value) for key, value in call["arguments"].items()]
    return all(dumps(had) == dumps(asked) or _holds(had, asked) for had, asked in pairs)


def _holds(had: Any, asked: Any) -> bool:
    return isinstance(had, list) and isinstance(asked, list) and all(dumps(each) in map(dumps, had) for each in asked)


def episodes(policy: CandidatePolicy, prefixes: Prefixes, scenarios: Sequence[str]) -> list[Trajectory]:
    """What happened in greedy episodes."""
    ends = [play(policy, prefixes, each)[0][-1] for each in scenarios]
    return [prefixes.trajectory(end, policy.best(end.rows)) for end in ends]


def behaviour(played: Sequence[Trajectory], rewards: Sequence[str]) -> dict[str, Any]:
    """What episodes look like: means over them, and shares of all calls."""
    made = [[call for turn in each.transitions for call in turn.action.tool_calls] for each in played]
    calls = sum(map(len, made))
    different = sum(len({(call.name, dumps(dict(call.arguments))) for call in each}) for each in made)
    return {
        "calls_per_check": round(calls / sum(each.transitions[-1].score.total for each in played), 4),
        "repeated_calls": round((calls - different) / max(1, calls), 4),
        "episodes_without_a_call": round(made.count([]) / len(played), 4),
        "episodes_never_answered": round(sum(each.termination != "answer" for each in played) / len(played), 4),
        "returns": {reward: earned(played, reward) for reward in rewards},
    }


def earned(played: Sequence[Trajectory], reward: str) -> float:
    """Mean return of episodes under a reward; no tool runs."""
    returns = [math.fsum(turn.reward for turn in rescore(each, reward).transitions) for each in played]
    return round(float(np.mean(returns)), 4)


def attacked(pack_path: str, scenarios: Sequence[str], rewards: Sequence[str]) -> dict[str, dict[str, float]]:
    """For each attack its mean return under each reward."""
    with tool_gym.Executor(execution="embedded") as executor:
        outcomes = play_attacks(tool_gym.load_pack(pack_path), scenarios, executor, rewards)
        return {
            each.attack: {reward: round(float(np.mean(each.returns[reward])), 4) for reward in rewards}
            for each in outcomes
        }


def solve_f1(policy: CandidatePolicy, prefixes: Prefixes, scenarios: Sequence[str]) -> float:
    """Mean over greedy episodes."""
    return float(np.mean([play(policy, prefixes, each)[1]["f1"] for each in scenarios]))


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5))
    for number, name in enumerate(dict.fromkeys((row["algorithm"], row["reward"]) for row in rows)):
        curves = np.array([row["curve"] for row in rows if (row["algorithm"], row["reward"]) == name])
        for curve in curves:
            axes.plot(*curve.T, color=f"C{number}", alpha=0.25, linewidth=1)
        mean = curves.mean(0)
        axes.plot(*mean.T, color=f"C{number}", linewidth=2, label=f"{' / '.join(name)}: {mean[-1, 1]:.2f}")
    axes.set(xlabel="updates", ylabel="Solve-F1 on domains never seen", ylim=(0, 1), xlim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(title="mean of the seeds at the end", loc="lower right")
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pack")
    parser.add_argument("--algorithms", default="grpo,reinforce++")
    parser.add_argument("--rewards", default="ftrl_f1")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trained", type=int, default=1400)
    parser.add_argument("--tested", type=int, default=100)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--hidden", type=int, default=Settings().hidden, help="units of the hidden layer; 0: linear")
    parser.add_argument("--out", default="linear")
    options = parser.parse_args()
    settings, rewards = Settings(hidden=options.hidden), options.rewards.split(",")
    trained, tested = split(options.pack, options.trained, options.tested)
    judge = Prefixes(environment(options.pack, "solve_f1", options.turns))
    result: dict[str, Any] = {
        "command": " ".join(["python benchmarks/linear.py PACK", *sys.argv[2:]]),
        "pack": "tool-gym generate --level 1 --count 2000 --seed 7",
        "held_out_domains": HELD_OUT,
        "trained_on": len(trained),
        "tested_on": len(tested),
        "reference_call_among_candidates": {
            "trained": round(covered(options.pack, trained[: len(tested)]), 4),
            "held_out": round(covered(options.pack, tested), 4),
        },
        "settings": settings._asdict(),
        "attacks_earn": attacked(options.pack, tested, rewards),
        "summary": {},
        "rows": [],
    }
    rows, ends = result["rows"], defaultdict[str, list[Trajectory]](list)
    learned = {reward: Prefixes(environment(options.pack, reward, options.turns), judge) for reward in rewards}
    RESULTS.mkdir(exist_ok=True)
    # Seed by seed, so that a run that is cut short has compared all rewards.
    for seed, (reward, prefixes), algorithm in itertools.product(
        range(options.seeds), learned.items(), options.algorithms.split(",")
    ):
        row, played = one_row(prefixes, judge, trained, tested, (algorithm, reward, seed), settings)
        print({key: value for key, value in row.items() if key != "curve"}, flush=True)
        rows.append(row | behaviour(played, rewards))
        ends[f"{algorithm} / {reward}"] += played
        result["summary"] = summary(rows, ends)
        (RESULTS / f"{options.out}.json").write_text(json.dumps(result, indent=1) + "\n")
        plot(rows, RESULTS / f"{options.out}.png")


def one_row(
    prefixes: Prefixes,
    judge: Prefixes,
    trained: Sequence[str],
    tested: Sequence[str],
    run: tuple[str, str, int],
    settings: Settings,
) -> tuple[dict[str, Any], list[Trajectory]]:
    """Trains one policy and measures it after each iteration; gives its last greedy episodes too."""
    algorithm, reward, seed = run
    began = time.perf_counter()
    curve = [(0, round(solve_f1(CandidatePolicy(), judge, tested), 4))]
    policy = train(
        prefixes, trained, algorithm, seed, settings,
        lambda updates, found: curve.append((updates, round(solve_f1(found, judge, tested), 4))),
    )  # fmt: skip
    row = {"algorithm": algorithm, "reward": reward, "seed": seed, "start": curve[0][1], "end": curve[-1][1]}
    seconds = round(time.perf_counter() - began, 1)
    return {**row, "seconds": seconds, "curve": curve}, episodes(policy, judge, tested)


def summary(rows: Sequence[dict[str, Any]], played: Mapping[str, Sequence[Trajectory]]) -> dict[str, Any]:
    """Solve-F1 at the end by algorithm and reward: the mean and its bootstrap interval over scenarios, the least and
    the highest seed, and the difference from the first of them, paired by scenario, with its interval."""
    found: dict[str, Any] = {}
    by_scenario: dict[str, dict[Hashable, float]] = {}
    for name, all_seeds in played.items():
        values, scenarios = zip(*[(each.transitions[-1].score.f1, each.scenario) for each in all_seeds], strict=True)
        [mean] = intervals(np.array(values)[:, None], scenarios)
        ends = [row["end"] for row in rows if f"{row['algorithm']} / {row['reward']}" == name]
        places = {each: np.array(scenarios) == each for each in scenarios}
        by_scenario[name] = {each: float(np.array(values)[place].mean()) for each, place in places.items()}
        gap = compare(next(iter(by_scenario.values())), by_scenario[name]).interval
        found[name] = {
            "seeds": len(ends),
            "mean_low_high": _rounded(mean),
            "least": min(ends),
            "most": max(ends),
            "minus_first_low_high": _rounded(gap),
        }
    return found


def _rounded(interval: Interval) -> list[float]:
    return [round(each, 4) for each in interval if each is not None]


if __name__ == "__main__":
    main()
