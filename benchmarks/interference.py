"""What well-behaved episodes feel while another pack's tools loop, eat memory and kill their processes.

    python benchmarks/interference.py --json benchmarks/results/interference.json

Quiet and noisy blocks alternate in one run, so that a busy machine weighs on both alike. Two neighbourhoods:

- other threads: this thread steps an environment, and four threads of the same process, through the same executor, step
  environments of the hostile pack as fast as they can, one for each way of misbehaving;
- same batch: one hostile episode travels with 64 well-behaved ones in every batch. There a step of all takes as long as
  its slowest call, by the nature of a batch; it is shown for what it costs, without a goal.
"""

from __future__ import annotations

import gc
import itertools
import json
import shlex
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import gymnasium as gym
import typer
from throughput import host
from ways import Seeded, WrongResult, chat_actions, seeded
from workloads import WORKLOADS
from workloads.hostile import SCENARIO, SOURCES, write_hostile

from tool_gym import Episode, Executor
from tool_gym.packs.reader import Pack

BATCH = 64
Latencies = list[float]
"""Wall seconds of steps, or of batches of them."""


class Neighbours:
    """Threads that step hostile episodes while they are let."""

    def __init__(self, pack: Path) -> None:
        self._pack = pack
        self._go, self._ends = threading.Event(), False
        self._parked = {name: threading.Event() for name in SOURCES}
        self.calls = dict.fromkeys(SOURCES, 0)
        self._threads = [threading.Thread(target=self._play, args=(name,), daemon=True) for name in SOURCES]
        for thread in self._threads:
            thread.start()

    def _play(self, name: str) -> None:
        env = gym.make("ToolUse-v0", pack=str(self._pack))
        over = True
        for size in itertools.count():
            if not self._go.is_set():
                self._parked[name].set()
                self._go.wait()
                self._parked[name].clear()
            if self._ends:
                return
            if over:
                env.reset()
            action = {"content": "", "tool_calls": [{"name": name, "arguments": {"size": size % 1_000_000}}]}
            _, _, terminated, truncated, info = env.step(action)
            if info["tool_statuses"] == ["ok"]:
                raise WrongResult(f"the hostile tool {name!r} returned")
            over = terminated or truncated
            self.calls[name] += 1

    def set(self, noisy: bool) -> None:
        """Begins or ends the noise; waits until a call that is under way has ended."""
        if noisy:
            self._go.set()
            return
        self._go.clear()
        for parked in self._parked.values():
            parked.wait()

    def close(self) -> None:
        """Ends the threads."""
        self._ends = True
        self._go.set()
        for thread in self._threads:
            thread.join()


def alone(pack: Path, plays: Iterator[Seeded]) -> Callable[[int], Latencies]:
    """Steps one environment."""
    env = gym.make("ToolUse-v0", pack=str(pack))

    def block(steps: int) -> Latencies:
        times: Latencies = []
        while len(times) < steps:
            play, seed = next(plays)
            actions = chat_actions(play, 1)
            env.reset(seed=seed)
            for action in actions:
                begun = perf_counter()
                _, _, _, _, info = env.step(action)
                times.append(perf_counter() - begun)
            if info["score"]["solved"] != len(actions):
                raise WrongResult(f"{play.scenario.id}: a step was not credited")
        return times

    return block


def in_batches(pack: Pack, hostile: Pack, executor: Executor, plays: Iterator[Seeded]) -> Callable[..., Latencies]:
    """Steps 64 episodes together, and one hostile one with them where it is wanted."""
    ways = itertools.cycle(SOURCES)

    def block(steps: int, noisy: bool) -> Latencies:
        times: Latencies = []
        while len(times) * BATCH < steps:
            chosen = [next(plays) for _ in range(BATCH)]
            episodes = [Episode.of_pack(pack, play.scenario.id, executor, seed=seed) for play, seed in chosen]
            for turn in zip(*[chat_actions(play, 1) for play, _ in chosen], strict=True):
                batch = list(zip(episodes, turn, strict=True))
                if noisy:
                    call = {"name": next(ways), "arguments": {"size": len(times)}}
                    batch.insert(BATCH // 2, (Episode.of_pack(hostile, SCENARIO, executor), {"tool_calls": [call]}))
                begun = perf_counter()
                pairs = [(episode, call) for episode, action in batch for call in episode.begin(action)]
                answers = executor.call([(episode.session, call) for episode, call in pairs], time_limit_s=10.0)
                for (episode, _), answer in zip(pairs, answers, strict=True):
                    episode.finish([answer])
                times.append(perf_counter() - begun)
            if any(
                episode.score.solved != len(play.steps) for episode, (play, _) in zip(episodes, chosen, strict=True)
            ):
                raise WrongResult("a step of a well-behaved episode was not credited")
        return times

    return block


def compare(name: str, quiet: Sequence[float], noisy: Sequence[float], per_latency: int, goal: bool) -> dict[str, Any]:
    """Both kinds of blocks beside each other, and whether the goals are met.

    Args:
        name: The neighbourhood.
        quiet: Latencies of quiet blocks.
        noisy: Latencies of noisy blocks.
        per_latency: Well-behaved environment steps that each latency stands for.
        goal: Whether there are goals.
    """

    def facts(times: Sequence[float]) -> dict[str, float]:
        points = statistics.quantiles(times, n=100, method="inclusive")
        return {
            "steps": len(times) * per_latency,
            "p50_us": points[49] * 1e6,
            "p99_us": points[98] * 1e6,
            "most_us": max(times) * 1e6,
            "steps_per_s": len(times) * per_latency / sum(times),
        }

    row: dict[str, Any] = {"name": name, "quiet": facts(quiet), "noisy": facts(noisy)}
    row["p99_ratio"] = row["noisy"]["p99_us"] / row["quiet"]["p99_us"]
    row["throughput_ratio"] = row["noisy"]["steps_per_s"] / row["quiet"]["steps_per_s"]
    if goal:
        row["p99_goal_us"] = max(3 * row["quiet"]["p99_us"], 1000.0)
        row["p99_met"] = row["noisy"]["p99_us"] <= row["p99_goal_us"]
        row["throughput_met"] = row["throughput_ratio"] >= 0.5
    return row


def show(report: dict[str, Any]) -> None:
    for row in report["rows"]:
        print(row["name"])
        for kind in ("quiet", "noisy"):
            facts = row[kind]
            times = ", ".join(f"{key} {facts[f'{key}_us']:,.0f} us" for key in ("p50", "p99", "most"))
            print(f"  {kind}: {facts['steps']:,} steps, {times}, {facts['steps_per_s']:,.0f} steps/s")
        print(f"  p99 x {row['p99_ratio']:.2f}, throughput x {row['throughput_ratio']:.2f}")
        if "p99_met" in row:
            met = {True: "met", False: "missed"}
            print(f"  goal p99 <= max(3x quiet, 1 ms) = {row['p99_goal_us']:,.0f} us: {met[row['p99_met']]}")
            print(f"  goal throughput >= 0.5x quiet: {met[row['throughput_met']]}")
    print("hostile calls meanwhile:", report["hostile_calls"])
    print(*(f"{key}={value}" for key, value in report["host"].items()))
    print(report["command"])


def main(
    steps: Annotated[int, typer.Option(min=12, help="Steps of each kind, one environment alone.")] = 12_000,
    batch_steps: Annotated[int, typer.Option(min=768, help="Steps of each kind, in batches of 64.")] = 10_752,
    block: Annotated[int, typer.Option(min=12, help="Steps of a block.")] = 2000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
) -> None:
    """Print latency and throughput of well-behaved episodes, with and without neighbours that misbehave."""
    about_host = host()
    workload = WORKLOADS["three-tools"]
    with tempfile.TemporaryDirectory() as temporary, Executor() as executor:
        folder = Path(temporary)
        content = workload.plays()
        pack, hostile = workload.write(folder / workload.name, content), write_hostile(folder / "hostile")
        plays = itertools.cycle(seeded(content, 1024))
        step_alone, neighbours = alone(pack.path, plays), Neighbours(hostile.path)
        times: dict[bool, Latencies] = {False: [], True: []}
        gc.collect()
        gc.freeze()  # the collector must not walk the benchmark's own data while steps are timed
        step_alone(block)
        for number in range(2 * -(-steps // block)):
            noisy = number % 2 == 1
            neighbours.set(noisy)
            times[noisy] += step_alone(block)
        neighbours.close()
        rows = [compare("one environment; four hostile ones in other threads", times[False], times[True], 1, True)]
        step_batches = in_batches(pack, hostile, executor, plays)
        batches: dict[bool, Latencies] = {False: [], True: []}
        step_batches(1, False)
        for _ in range(-(-batch_steps // 768)):
            for noisy in (False, True):
                batches[noisy] += step_batches(768, noisy)
        name = "64 environments in a batch; a hostile one in the same batch (latency is the batch's)"
        rows.append(compare(name, batches[False], batches[True], BATCH, False))
    report = {
        "command": shlex.join(["python", "benchmarks/interference.py", *sys.argv[1:]]),
        "workload": workload.name,
        "sha256": workload.sha256,
        "block": block,
        "host": about_host,
        "rows": rows,
        "hostile_calls": neighbours.calls,
    }
    show(report)
    if json_file:
        json_file.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
