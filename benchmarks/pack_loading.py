"""How long a large pack takes to its first scenario, to any scenario, and how much memory it holds.

Writes a pack of scenarios of about 8 KB, eight tools of its own in each, into a temporary folder, then reads it in
fresh processes: one plays the first scenario that it names, one the first that is drawn, one reads at random, which
costs nine rows for each scenario, its own and its tools'. Imports are not counted, whatever else comes with the first
of anything is.

python benchmarks/pack_loading.py --json benchmarks/results/pack_loading.json
"""

from __future__ import annotations

import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import gymnasium as gym
import typer

from tool_gym.packs.reader import load_pack
from tool_gym.packs.writer import write_pack
from tool_gym.scenario import Expected, Provenance, Scenario, SubQuestion, Tool, UserTurn

TOOLS, STEPS, READS = 8, 4, 2000
BODY = "".join(f"    if kind == 'k{number}':\n        return value + {number}\n" for number in range(8))
PARAMETERS = {
    "type": "object",
    "properties": {
        "value": {"type": "number", "description": "The number to start from."},
        "kind": {"type": "string", "enum": [f"k{number}" for number in range(8)], "description": "How to change it."},
    },
    "required": ["value", "kind"],
}


def make_scenarios(count: int) -> Iterator[Scenario]:
    for number in range(count):
        tools = tuple(
            Tool(
                name=f"tool_{place}",
                description=f"Changes a number in way {place} of world {number}.",
                parameters=PARAMETERS,
                source=f"def tool_{place}(value, kind):\n{BODY}    return {number}\n",
            )
            for place in range(TOOLS)
        )
        steps = tuple(
            SubQuestion(
                id=f"q{place}",
                question=f"What does way {place} make of {number}?",
                tools=(f"tool_{place}",),
                arguments={"value": number, "kind": "k3"},
                expected=Expected(value=number + 3, kind="number", path=""),
                depends_on=(f"q{place - 1}",) if place else (),
            )
            for place in range(STEPS)
        )
        yield Scenario(
            id=f"scenario-{number:06}",
            turns=(UserTurn(content=f"What becomes of {number}, changed in {STEPS} ways, one after another?"),),
            answer=Expected(value=number + 3, kind="number"),
            tools=tools,
            sub_questions=steps,
            split="test" if number % 5 == 0 else "train",
            provenance=Provenance(truth="invented", source="benchmark"),
        )


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def play(folder: Path, scenario: str | None) -> tuple[float, float]:
    """Milliseconds to the first observation of a scenario, None: drawn; and MiB that it takes. In a fresh process."""
    import tool_gym.env  # noqa: F401

    before = resident_mib()
    start = time.perf_counter()
    env = gym.make("ToolUse-v0", pack=str(folder), scenario=scenario, execution="embedded")
    env.reset(seed=0)
    return (time.perf_counter() - start) * 1e3, resident_mib() - before


def named(folder: Path, count: int) -> dict[str, float]:
    """Measures the first observation of a scenario that is named."""
    took, memory = play(folder, f"scenario-{count // 2:06}")
    return {"first_playable_ms": took, "memory_playable_mib": memory}


def drawn(folder: Path, count: int) -> dict[str, float]:
    """Measures the first observation of a scenario that is drawn."""
    took, memory = play(folder, None)
    return {"first_drawn_ms": took, "memory_drawn_mib": memory}


def read(folder: Path, count: int) -> dict[str, float]:
    """Measures reading; to be run in a fresh process."""
    before = resident_mib()
    start = time.perf_counter()
    pack = load_pack(folder)
    _ = pack[f"scenario-{count // 2:06}"]
    first = time.perf_counter() - start
    after_first = resident_mib()
    times = []
    for number in range(READS):
        name = f"scenario-{number * 7919 % count:06}"
        begin = time.perf_counter()
        _ = pack[name]
        times.append(time.perf_counter() - begin)
    after_reads = resident_mib()
    start = time.perf_counter()
    ids = pack.ids("train")
    listed = time.perf_counter() - start
    return {
        "first_scenario_ms": first * 1e3,
        "random_scenario_us": statistics.median(times) * 1e6,
        "random_scenario_p99_us": statistics.quantiles(times, n=100)[98] * 1e6,
        "list_of_ids_ms": listed * 1e3,
        "ids_in_train": len(ids),
        "memory_first_mib": after_first - before,
        "memory_reads_mib": after_reads - before,
        "memory_ids_mib": resident_mib() - before,
    }


MEASURED = {"named": named, "drawn": drawn, "read": read}


def main(
    scenarios: Annotated[int, typer.Option(min=10, help="Scenarios of the pack.")] = 100_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
    of_pack: Annotated[
        tuple[str, Path] | None, typer.Option(help="Only measure this of the pack in this folder.")
    ] = None,
) -> None:
    """Print how long a large pack takes to its first scenario and to any other, and the memory it holds."""
    if of_pack:
        what, folder = of_pack
        print(json.dumps(MEASURED[what](folder, scenarios)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "large"
        start = time.perf_counter()
        write_pack(folder, name="large", scenarios=make_scenarios(scenarios))
        wrote = time.perf_counter() - start
        size = sum(path.stat().st_size for path in folder.iterdir())
        found: dict[str, float] = {}
        for what in MEASURED:
            command = [sys.executable, __file__, "--scenarios", str(scenarios), "--of-pack", what, str(folder)]
            found |= json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    figures = {
        "scenarios": scenarios,
        "kb_per_scenario": size / scenarios / 1e3,
        "write_s": wrote,
        "write_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **found,
    }
    figures = {name: round(value, 2) for name, value in figures.items()}
    for name, value in figures.items():
        print(f"{name:24} {value:12,}")
    if json_file:
        about = {"command": f"python benchmarks/pack_loading.py --scenarios {scenarios}"}
        about["python"] = platform.python_version()
        json_file.write_text(json.dumps({**about, **figures}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
