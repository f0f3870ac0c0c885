"""How long a large pack takes to its first scenario, to any scenario, and how much memory it holds.

Writes a pack of scenarios of about 7.5 KB, eight tools of its own in each, into a temporary folder, then reads it in a
process of its own. Run from the project's root: python -m benchmarks.pack_loading [--scenarios N] [--json]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

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


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def read(folder: Path, count: int) -> dict[str, float]:
    """Measures reading; to be run in a fresh process."""
    before = resident_mb()
    start = time.perf_counter()
    pack = load_pack(folder)
    _ = pack[f"scenario-{count // 2:06}"]
    first = time.perf_counter() - start
    after_first = resident_mb()
    times = []
    for number in range(READS):
        name = f"scenario-{number * 7919 % count:06}"
        begin = time.perf_counter()
        _ = pack[name]
        times.append(time.perf_counter() - begin)
    after_reads = resident_mb()
    start = time.perf_counter()
    ids = pack.ids("train")
    listed = time.perf_counter() - start
    return {
        "first_scenario_ms": first * 1e3,
        "random_scenario_us": statistics.median(times) * 1e6,
        "random_scenario_p99_us": statistics.quantiles(times, n=100)[98] * 1e6,
        "list_of_ids_ms": listed * 1e3,
        "ids_in_train": len(ids),
        "memory_first_mb": after_first - before,
        "memory_reads_mb": after_reads - before,
        "memory_ids_mb": resident_mb() - before,
    }


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--read", type=Path, help="only read the pack in this folder")
    options = parser.parse_args()
    if options.read:
        print(json.dumps(read(options.read, options.scenarios)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "large"
        start = time.perf_counter()
        write_pack(folder, name="large", scenarios=make_scenarios(options.scenarios))
        wrote = time.perf_counter() - start
        size = sum(path.stat().st_size for path in folder.iterdir())
        command = [sys.executable, "-m", "benchmarks.pack_loading", "--scenarios", str(options.scenarios), "--read"]
        result = subprocess.run([*command, str(folder)], check=True, capture_output=True, text=True)
    figures = {
        "scenarios": options.scenarios,
        "kb_per_scenario": size / options.scenarios / 1e3,
        "write_s": wrote,
        "write_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **json.loads(result.stdout),
    }
    if options.json:
        print(json.dumps({"command": f"python -m benchmarks.pack_loading --scenarios {options.scenarios}", **figures}))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value:12,.1f}")


if __name__ == "__main__":
    main()
