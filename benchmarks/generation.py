"""What one command generates, judged: same bytes twice, a perfect oracle, the checker, attacks, speed, memory.

    python benchmarks/generation.py --seed 90210733 --large 10000 --json benchmarks/results/generation.json

Everything is made by the command that users run, in processes of its own. The figures of each part are kept as soon as
they are known. Speed is wall-clock time on whatever else the machine does, so `cores` and `load` stand beside it; the
runs on one core are pinned to it with all their processes.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from guessable import measure

from tool_gym.gate.attacks import breaches, play_attacks, sample_scenarios
from tool_gym.generation.journal import journal_of
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Execution, Executor

_CHECK = """
import sys, warnings
import gymnasium as gym, tool_gym
from gymnasium.utils.env_checker import check_env
warnings.simplefilter("error")
ids = tool_gym.register_pack(sys.argv[1])
for name in ids:
    env = gym.make(name)
    check_env(env.unwrapped, skip_render_check=True)
    env.close()
print(len(ids))
"""
_ASYNC = """
import sys
import gymnasium as gym, tool_gym
if __name__ == "__main__":
    made = 0
    for name in tool_gym.register_pack(sys.argv[1])[1::100]:
        envs = gym.make_vec(name, 2, "async", vector_kwargs={"context": "spawn"})
        made += len(set(envs.reset(seed=0)[1]["scenario"].tolist())) == 1
        envs.close()
    print(made)
"""


def command(out: Path, count: int, seed: int, *options: str) -> subprocess.Popen[bytes]:
    """Starts the command."""
    words = ["generate", "--out", str(out), "--count", str(count), "--seed", str(seed), *options]
    return subprocess.Popen(
        [sys.executable, "-m", "tool_gym", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def generated(out: Path, count: int, seed: int, *options: str) -> tuple[float, float]:
    """Runs the command; returns its seconds, and the peak MiB of the largest of its processes."""
    start = time.perf_counter()
    _, status, usage = os.wait4(command(out, count, seed, *options).pid, 0)
    if status:
        raise SystemExit(f"the command ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def content(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def twice(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """The same command in two processes, and a quarter of it for the memory."""
    _, small = generated(folder / "quarter" / "new", count // 4, seed)
    seconds, large = generated(folder / "one" / "new", count, seed)
    generated(folder / "two" / "new", count, seed)
    report = json.loads((folder / "one" / "new" / "generation.json").read_text(encoding="utf-8"))
    return {
        "same_bytes": content(folder / "one" / "new") == content(folder / "two" / "new"),
        "with_gate_per_second": round(count / seconds, 2),
        "peak_mib": {str(count // 4): round(small, 1), str(count): round(large, 1)},
        "figures": report["figures"],
        "findings": report["findings"],
    }


def one_core(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Scenarios a second on one core, with deployment and gold replay: without the gate, and with it."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        without, _ = generated(folder / "alone" / "new", count, seed, "--no-gate")
        gated, _ = generated(folder / "alone" / "gated", count, seed)
    finally:
        os.sched_setaffinity(0, cores)
    return {
        "scenarios": count,
        "without_gate_per_second": round(count / without, 2),
        "with_gate_per_second": round(count / gated, 2),
    }


def stopped(folder: Path, count: int, seed: int, how: signal.Signals) -> dict[str, Any]:
    """A run on all cores that gets a signal after its second world, and the same command again.

    Args:
        folder: Where `quarter/new` is the pack of a run that was not stopped.
        count: Its scenarios.
        seed: Its seed.
        how: The signal.
    """
    out = folder / how.name / "new"
    process, journal = command(out, count, seed), journal_of(out)
    while process.poll() is None and len(list(journal.glob("[0-9]*.json"))) < 2:
        time.sleep(0.02)
    process.send_signal(how)
    code = process.wait()
    kept = len(list(journal.glob("[0-9]*.json")))
    generated(out, count, seed)
    return {"exit": code, "worlds_kept": kept, "same_bytes": content(out) == content(folder / "quarter" / "new")}


def large(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """So many scenarios by one command, without the gate, and its peak MiB."""
    seconds, peak = generated(folder / "large" / "new", count, seed, "--no-gate")
    return {"scenarios": count, "per_second": round(count / seconds, 2), "peak_mib": round(peak, 1)}


def examined(pack: Path) -> dict[str, Any]:
    """What `tool-gym validate` finds: leaks and duplicates, among others."""
    words = [sys.executable, "-m", "tool_gym", "validate", str(pack), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return {"exit": done.returncode, "findings": json.loads(done.stdout)["findings"]}


def oracle(pack: Pack, execution: Execution) -> int:
    """How many scenarios the oracle earns less or more than 1.0 on."""
    with Executor(execution=execution) as executor:
        done = rollout(OraclePolicy(pack), pack, plays(list(pack)), executor, reward="task_f1")
        return sum(math.fsum(turn.reward for turn in each.transitions) != 1.0 for _, each in done)


def attacked(pack: Pack) -> list[dict[str, Any]]:
    """What attacks earn too much for, on 64 scenarios."""
    with Executor() as executor:
        outcomes = list(play_attacks(pack, sample_scenarios(pack, 64, seed=1), executor))
    return [breach.finding._asdict() for breach in breaches(pack, outcomes)]


def in_a_process(code: str, folder: Path, pack: Path) -> int:
    """What a fresh process prints of a pack."""
    script = folder / "script.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script), str(pack)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return int(done.stdout.split()[-1])


def main(
    seed: Annotated[int, typer.Option(help="A seed that nothing was tuned on.")],
    count: Annotated[int, typer.Option(help="Scenarios.")] = 1000,
    many: Annotated[int, typer.Option("--large", help="Scenarios of a large pack; 0 makes none.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
) -> None:
    """Prints the figures, and keeps them if asked to."""
    result: dict[str, Any] = {
        "command": f"python benchmarks/generation.py --seed {seed} --count {count} --large {many}",
        "cores": len(os.sched_getaffinity(0)),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = folder / "one" / "new"
        parts: dict[str, Callable[[], Any]] = {
            "one_core": lambda: one_core(folder, min(count, 200), seed),
            "generated": lambda: twice(folder, count, seed),
            "killed": lambda: stopped(folder, count // 4, seed, signal.SIGKILL),
            "interrupted": lambda: stopped(folder, count // 4, seed, signal.SIGINT),
            "oracle_off": lambda: {
                "isolated": oracle(load_pack(made), "isolated"),
                "embedded": oracle(load_pack(made), "embedded"),
            },
            "validate": lambda: examined(made),
            "attack_breaches": lambda: attacked(load_pack(made)),
            "guessable": lambda: measure(load_pack(made)),
            "made_async_under_spawn": lambda: in_a_process(_ASYNC, folder, made),
            "passed_check_env_in_a_fresh_process": lambda: in_a_process(_CHECK, folder, made),
        }
        if many:
            parts["large"] = lambda: large(folder, many, seed)
        for key, part in parts.items():
            result[key] = part()
            result["load"] = round(os.getloadavg()[0], 1)
            if json_file is not None:
                json_file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    typer.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    typer.run(main)
