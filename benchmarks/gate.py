"""How long the whole gate takes for a generated pack, as a user waits for it.

The pack is generated without the gate, so that nothing of it was looked at before; then `tool-gym validate` runs in a
process of its own. Time is wall-clock time on whatever else the machine does, so `cores` and `load` stand beside it.

    python benchmarks/gate.py --json benchmarks/results/gate.json
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer


def run(*words: str) -> tuple[float, float, subprocess.CompletedProcess[str]]:
    """Runs `tool-gym`; its wall-clock seconds, and the processor seconds that it and its processes used."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "tool_gym", *words], capture_output=True, text=True, check=False)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, used, done


def main(
    count: Annotated[int, typer.Option(help="Scenarios.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the pack.")] = 27182818,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
) -> None:
    """Prints the figures, and keeps them if asked to."""
    with tempfile.TemporaryDirectory() as temporary:
        pack = str(Path(temporary) / "gated")
        _, _, made = run("generate", "--out", pack, "--count", str(count), "--seed", str(seed), "--no-gate")
        if made.returncode:
            raise SystemExit(made.stderr)
        seconds, used, done = run("validate", pack, "--json")
    if done.returncode not in (0, 2):
        raise SystemExit(done.stderr)
    report = json.loads(done.stdout)
    figures: dict[str, Any] = {
        "command": f"python benchmarks/gate.py --count {count} --seed {seed}",
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "scenarios": report["scenarios"],
        "passed": report["passed"],
        "findings": dict(Counter(f"{each['level']}: {each['check']}" for each in report["findings"])),
        "seconds": round(seconds, 1),
        "processor_seconds": round(used, 1),
        "difficulty": report["difficulty"],
    }
    typer.echo(json.dumps(figures, indent=1))
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
