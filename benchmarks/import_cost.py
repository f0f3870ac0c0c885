"""What `import tool_gym` costs beside `import gymnasium`: whole processes, in turn, median of the rounds.

python benchmarks/import_cost.py --json benchmarks/results/import_cost.json
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

MODULES = ("gymnasium", "tool_gym")


def measure(module: str) -> tuple[float, float]:
    """Wall-clock seconds and peak MiB of a process that imports a module and ends."""
    code = f"import {module}, resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    start = time.perf_counter()
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return time.perf_counter() - start, int(output) / 1024


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 9,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
) -> None:
    """Print the medians and their ratio."""
    for module in MODULES:
        measure(module)  # warm the file cache
    times: dict[str, list[float]] = {module: [] for module in MODULES}
    sizes: dict[str, list[float]] = {module: [] for module in MODULES}
    for _ in range(rounds):
        for module in MODULES:
            seconds, mebibytes = measure(module)
            times[module].append(seconds)
            sizes[module].append(mebibytes)
    ratios = [ours / theirs for theirs, ours in zip(*times.values(), strict=True)]
    result = {
        "command": "python benchmarks/import_cost.py",
        "rounds": rounds,
        "python": platform.python_version(),
        "seconds_median": {module: round(statistics.median(values), 3) for module, values in times.items()},
        "peak_mib_median": {module: round(statistics.median(values), 1) for module, values in sizes.items()},
        "ratio_median": round(statistics.median(ratios), 2),
    }
    print(json.dumps(result, indent=1))
    if json_file:
        json_file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
