"""What an oracle, a random policy and an attack get in each suite whose data is at hand.

    python benchmarks/suites.py --source ftrl=FILE --source toolhop=FILE --json benchmarks/results/suites.json

BFCL's data is found where `bfcl-eval` is installed. The oracle plays every task; the others the first of each part,
since they are there to show that nothing is earned by luck. Imported data without reference calls has no oracle.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from tool_gym.attacks import ATTACKS
from tool_gym.errors import InputError
from tool_gym.evaluation.results import TRAJECTORIES
from tool_gym.evaluation.run import Spec, evaluate
from tool_gym.evaluation.suite import Part, Suite, WithoutTools, load_suite, suites, verdicts
from tool_gym.gate.attacks import AttackPolicy
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import Policy
from tool_gym.policies.scripted import OraclePolicy, RandomPolicy
from tool_gym.sandbox.executor import Executor
from tool_gym.trajectory import read_trajectories

FIGURES = ("solve_p", "solve_r", "solve_f1", "answer_correct")
ATTACK = "spam_tools"


def policies(pack: Pack, few: int) -> list[tuple[str, Policy, int | None]]:
    """Names, policies, and how many scenarios of a part each plays."""
    return [
        ("oracle", OraclePolicy(pack), None),
        ("random", RandomPolicy(), few),
        (ATTACK, AttackPolicy(ATTACKS[ATTACK], pack), few),
    ]


def play_part(suite: Suite, part: Part, source: Path | None, folder: Path, few: int) -> Iterator[dict[str, Any]]:
    """A row for each policy on one part of a suite."""
    pack = suite.pack(part, source, folder, trust=True)
    for name, policy, limit in policies(pack, few):
        out = folder / part.name / name
        spec = Spec(split=part.split, limit=limit, system=part.system)
        start = time.perf_counter()
        try:
            with Executor(native=pack.native) as executor:
                outcome = evaluate(policy if part.tools else WithoutTools(policy), pack, out, executor, spec)
        except InputError as error:
            yield {"policy": name, "part": part.name, "cannot": str(error)}
            continue
        seconds = round(time.perf_counter() - start, 1)
        means = {key: value for key in FIGURES if (value := outcome.rows[-1][key]) is not None}
        rule = verdicts(suite, {part.name: read_trajectories(out / TRAJECTORIES)})
        yield {
            "policy": name, "seconds": seconds, **(rule[0] if rule else {}), "part": part.name,
            "episodes": outcome.rows[-1]["episodes"], **means,
        }  # fmt: skip


def main(
    source: Annotated[list[str] | None, typer.Option(help="suite=PATH, for suites whose data is not found.")] = None,
    few: Annotated[int, typer.Option(help="Scenarios of a part for all but the oracle.")] = 50,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
) -> None:
    """Play all suites, and print a row for each part and policy."""
    sources = {name: Path(path) for name, _, path in (text.partition("=") for text in source or [])}
    rows: list[dict[str, Any]] = []
    for name in suites():
        suite = load_suite(name)
        with tempfile.TemporaryDirectory() as folder:
            try:
                for part in suite.parts:
                    for row in play_part(suite, part, sources.get(name), Path(folder), few):
                        rows.append({"suite": name, **row})
                        print(json.dumps(rows[-1]), flush=True)
            except InputError as error:
                print(f"{name} is left out: {error}")
    if json_file:
        given = " ".join(f"--source {name}={path.name}" for name, path in sources.items())
        about = {
            "command": f"python benchmarks/suites.py {given} --few {few} --json {json_file}",
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
        }
        json_file.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
