"""How long an evaluation of 1,000 scripted episodes takes, and where the time goes.

    python benchmarks/evaluation.py --json benchmarks/results/evaluation.json

The named parts do not overlap; `the rest` is what lies between them, the start of the sandbox above all. Rounds are
repeated and the median is shown.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import typer

from tool_gym.episode import Episode
from tool_gym.evaluation import run
from tool_gym.evaluation.folder import RunFolder
from tool_gym.packs.reader import load_pack
from tool_gym.policies.scripted import OraclePolicy, RandomPolicy
from tool_gym.sandbox.executor import Executor
from tool_gym.verify.metrics import Summary

PARTS: dict[str, tuple[Any, str]] = {
    "open episodes": (Episode, "of_pack"),
    "read actions": (Episode, "begin"),
    "run tools": (import_module("tool_gym.rollouts"), "step_together"),
    "verify, reward, observe": (Episode, "finish"),
    "make trajectories": (Episode, "trajectory"),
    "write the journal": (RunFolder, "add"),
    "write the results": (RunFolder, "finish"),
    "read back": (RunFolder, "_parts"),
    "sum up": (Summary, "add"),
}


@contextmanager
def stopwatch(policy: type) -> Iterator[dict[str, float]]:
    """Seconds spent in each part itself, without the parts that it calls."""
    spent: dict[str, float] = defaultdict(float)
    inner = [0.0]  # seconds of the parts called so far, for each part that is open

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            inner.append(0.0)
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                seconds = time.perf_counter() - start
                spent[name] += seconds - inner.pop()
                inner[-1] += seconds

        return wrapped

    with ExitStack() as stack:
        for name, (owner, attribute) in {**PARTS, "policy": (policy, "act")}.items():
            stack.enter_context(patch.object(owner, attribute, timed(name, getattr(owner, attribute))))
        yield spent


def main(
    episodes: Annotated[int, typer.Option(help="Episodes a round.")] = 1000,
    rounds: Annotated[int, typer.Option(help="Rounds.")] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
) -> None:
    """Measure, and print the parts."""
    pack = load_pack("starter")
    k = -(-episodes // len(pack))
    rows = []
    for policy in (OraclePolicy(pack), RandomPolicy()):
        seen: dict[str, list[float]] = defaultdict(list)
        for number in range(rounds):
            with (
                tempfile.TemporaryDirectory() as folder,
                Executor() as executor,
                stopwatch(type(policy)) as spent,
            ):
                start = time.perf_counter()
                run.evaluate(policy, pack, Path(folder) / "run", executor, run.Spec(split="all", k=k, seed=number))
                whole = time.perf_counter() - start
            for name in ("policy", *PARTS):
                seen[name].append(spent[name])
            seen["the rest"].append(whole - sum(spent.values()))
            seen["whole"].append(whole)
        medians = {name: round(statistics.median(values), 3) for name, values in seen.items()}
        rows.append({"policy": type(policy).__name__, "episodes": k * len(pack), "seconds": medians})
        print(rows[-1]["policy"], rows[-1]["episodes"], "episodes")
        for name, seconds in sorted(medians.items(), key=lambda pair: -pair[1]):
            print(f"  {name:24}{seconds:8.3f} s {seconds / medians['whole']:6.1%}")
    where = {"python": platform.python_version(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    command = "python benchmarks/evaluation.py --json benchmarks/results/evaluation.json"
    if json_file:
        json_file.write_text(json.dumps({"command": command, **where, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
