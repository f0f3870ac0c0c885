"""Environment steps per second: this package's ways of stepping beside the naive way and others, in one run.

All ways take turns in every round and play the same episodes, so that a busy machine slows them alike. A round's time
holds its resets, whose share is shown. No two calls of a round have the same arguments, and rounds differ; every result
is compared with one computed in another way, outside the timed part.

    python benchmarks/throughput.py --json benchmarks/results/throughput.json

Ways of others are measured where they are installed: `pip install gem-llm` (Python up to 3.12).
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import platform
import shlex
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from peers import Gem, Naive, gem_is_installed
from ways import BareEcho, Seeded, Single, Timing, Vector, Way, WrongResult, seeded
from workloads import WORKLOADS
from workloads.plays import Workload

NAIVE, ECHO, GEM, ASYNC = "naive: exec per call", "bare echo of a worker round trip", "GEM tool", "AsyncVectorEnv"
SIZES = (8, 64)
WARM_UP = 128
"""Plays before the first round: two for each of 64 environments, in which all tools occur."""


def make_ways(workload: Workload, pack: Path, peers: bool) -> list[Way]:
    """All ways; processes that are forked come first, while there is little to copy."""
    ways: list[Way] = [BareEcho()]
    if peers:
        ways.append(Vector(pack, "embedded", 64, "async"))
        if gem_is_installed():
            ways.append(Gem(workload, 64))
    ways.append(Naive(workload))
    for execution in ("embedded", "isolated"):
        ways.append(Single(pack, execution))
        if execution == "isolated":
            ways.append(Single(pack, execution, calls_per_step=4))
        ways += [Vector(pack, execution, size) for size in SIZES]
    return ways


def measure(ways: Sequence[Way], plays: Sequence[Seeded], rounds: int, size: int) -> dict[str, list[Timing]]:
    """Rounds of `size` plays each, after one in which every environment sees every tool."""
    for way in ways:
        # 64 processes that compile their tools at once may take longer than a call's limit.
        with contextlib.suppress(WrongResult):
            way.run(plays[:WARM_UP])
    timings: dict[str, list[Timing]] = {way.name: [] for way in ways}
    for number in range(rounds):
        start = (WARM_UP + number * size) % (len(plays) - size + 1)
        for way in ways:
            timings[way.name].append(way.run(plays[start : start + size]))
    return timings


def rows_of(timings: Mapping[str, Sequence[Timing]], ways: Sequence[Way]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for way in ways:
        of_rounds = timings[way.name]
        rates = [timing.steps / timing.seconds for timing in of_rounds]
        resets = [timing.reset_seconds / timing.steps * 1e6 for timing in of_rounds]
        rows.append(
            {
                "way": way.name,
                "steps_per_s": statistics.median(rates),
                "least": min(rates),
                "most": max(rates),
                "calls_per_s": statistics.median(rates) * way.calls_per_step,
                "us_per_step": statistics.median(1e6 / rate for rate in rates),
                "reset_us_per_step": statistics.median(resets),
                "processor_us_per_step": statistics.median(
                    timing.processor_s / timing.steps * 1e6 for timing in of_rounds
                ),
            }
        )
    naive = next(row["steps_per_s"] for row in rows if row["way"] == NAIVE)
    return [{**row, "times_naive": row["steps_per_s"] / naive} for row in rows]


def goals(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the ways should reach, in steps per second, those of others that were measured."""

    def rate(name: str) -> float | None:
        return next((row["steps_per_s"] for row in rows if row["way"].startswith(name)), None)

    naive, echo, gem, processes = (rate(name) or 0.0 for name in (NAIVE, ECHO, GEM, ASYNC))
    wanted = [
        ("embedded, 1 call", "40x naive", 40 * naive),
        ("embedded, vector 64", "40x naive", 40 * naive),
        ("isolated, vector 64", "40x naive", 40 * naive),
        ("isolated, 1 call", "15x naive or 0.4x echo, the lower", min(15 * naive, 0.4 * echo)),
        ("isolated, vector 64", "1x GEM", gem),
        ("isolated, vector 64", "3x AsyncVectorEnv", 3 * processes),
    ]
    found = []
    for way, goal, least in wanted:
        got = rate(way) or 0.0
        if least:
            found.append({"way": way, "goal": goal, "wanted": least, "got": got, "met": got >= least})
    return found


def host() -> dict[str, Any]:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [
            line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    packages = ["gymnasium", "pydantic", "orjson", "jsonschema-rs", *(["gem-llm"] if gem_is_installed() else [])]
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }


def show(report: Mapping[str, Any]) -> None:
    columns = ("steps/s", "least", "most", "calls/s", "us/step", "in reset", "own cpu", "x naive")
    print(f"{'way':34}" + "".join(f"{column:>10}" for column in columns))
    for row in report["rows"]:
        rates = "".join(f"{row[key]:10,.0f}" for key in ("steps_per_s", "least", "most", "calls_per_s"))
        keys = ("us_per_step", "reset_us_per_step", "processor_us_per_step", "times_naive")
        times = "".join(f"{row[key]:10.1f}" for key in keys)
        print(f"{row['way']:34}{rates}{times}")
    print()
    for goal in report["goals"]:
        met = "met" if goal["met"] else f"missed: {goal['got'] / goal['wanted']:.2f} of it"
        print(f"{goal['way']:22}{goal['goal']:34}{goal['got']:9,.0f} of {goal['wanted']:9,.0f} steps/s  {met}")
    for line in report["absent"]:
        print(line)
    print()
    print(*(f"{key}={report[key]}" for key in ("workload", "rounds", "steps_per_round", "turns")))
    print(*(f"{key}={value}" for key, value in report["host"].items()))
    print(report["command"])


WorkloadName = Enum("WorkloadName", {name: name for name in WORKLOADS})  # type: ignore[misc]


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; figures are medians of them.")] = 9,
    steps: Annotated[int, typer.Option(min=1, help="Calls of a round, rounded up to 64 whole episodes.")] = 1536,
    workload: Annotated[WorkloadName, typer.Option(help="Which tools and calls.")] = WorkloadName["three-tools"],
    peers: Annotated[bool, typer.Option(help="Whether to measure GEM and AsyncVectorEnv.")] = True,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
) -> None:
    """Print environment steps per second of all ways, and how they stand to the goals."""
    logging.disable(logging.INFO)
    about_host = host()
    chosen = WORKLOADS[workload.value]
    plays = chosen.plays()
    size = -(-steps // (64 * chosen.turns)) * 64
    with tempfile.TemporaryDirectory() as temporary:
        pack = Path(temporary) / chosen.name
        chosen.write(pack, plays)
        ways = make_ways(chosen, pack, peers)
        drawn = seeded(plays, WARM_UP + rounds * size)
        gc.collect()
        gc.freeze()  # the collector must not walk the benchmark's own data while a way is timed
        try:
            timings = measure(ways, drawn, rounds, size)
        finally:
            for way in ways:
                way.close()
    rows = rows_of(timings, ways)
    absent = [] if peers and gem_is_installed() else ["not measured: GEM (pip install gem-llm)"]
    report = {
        "command": shlex.join(["python", "benchmarks/throughput.py", *sys.argv[1:]]),
        "workload": chosen.name,
        "sha256": chosen.sha256,
        "rounds": rounds,
        "steps_per_round": size * chosen.turns,
        "turns": chosen.turns,
        "host": about_host,
        "rows": rows,
        "goals": goals(rows),
        "absent": absent if peers else [*absent, "not measured: AsyncVectorEnv (--no-peers)"],
    }
    show(report)
    if json_file:
        json_file.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
