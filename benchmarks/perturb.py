"""What perturbations cost a fixed imperfect policy, and that they cost an oracle nothing.

    python benchmarks/perturb.py --json benchmarks/results/perturb.json

For each shipped pack, for an easy generated one on which the policy has something to lose, and for each perturbation:
the mean Solve-F1 of `tool_gym.policies.reader.CarefulReader`, which reads descriptions more than names; the least
return of the oracle; and the mean return of one who always declines.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tool_gym.generation.generate import generate_pack
from tool_gym.messages import AssistantMessage
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.perturb.pack import under
from tool_gym.perturb.spec import NAMES, Perturbation
from tool_gym.policies.policy import FunctionPolicy, Policy
from tool_gym.policies.reader import CarefulReader
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import UNANSWERABLE

PACKS = ("starter", "lending", "invented", "extracted")
_MAX_TURNS = 64
"""Room for the reader's calls, as in `difficulty.py`."""


def decline(observation: Mapping[str, Any], info: Mapping[str, Any]) -> AssistantMessage:
    """Always declines."""
    return AssistantMessage(content=f"<answer>{UNANSWERABLE.value}</answer>")


def returns(policy: Policy, pack: Pack, count: int, executor: Executor) -> list[float]:
    """Return under `solve_f1` of one episode for each of the first scenarios of a pack."""
    done = rollout(policy, pack, plays(pack.ids()[:count]), executor, reward="solve_f1", max_turns=_MAX_TURNS)
    return [math.fsum(turn.reward for turn in trajectory.transitions) for _, trajectory in done]


def measured(pack: Pack, perturb: str, seed: int, count: int, executor: Executor) -> dict[str, Any]:
    """One row of the table."""
    perturbed = under(pack, Perturbation.read(perturb, seed))
    ids = perturbed.ids()[:count]
    earned = {
        name: returns(policy, perturbed, count, executor)
        for name, policy in (
            ("reader", CarefulReader()), ("oracle", OraclePolicy(perturbed)), ("decline", FunctionPolicy(decline))
        )
    }  # fmt: skip
    return {
        "pack": pack.name,
        "perturb": perturb,
        "scenarios": len(ids),
        "unanswerable": sum(perturbed[each].answer == UNANSWERABLE for each in ids),
        "reader_mean": round(math.fsum(earned["reader"]) / len(ids), 4),
        "oracle_least": round(min(earned["oracle"]), 12),
        "decline_mean": round(math.fsum(earned["decline"]) / len(ids), 4),
    }


def main(
    count: Annotated[int, typer.Option(help="Scenarios of each pack, at most.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the perturbations.")] = 0,
    to: Annotated[Path | None, typer.Option("--json", help="Write the table to this file.")] = None,
) -> None:
    """Prints the table, row by row, and writes it."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, Executor(execution="embedded") as executor:
        easy = Path(folder) / "easy"
        generate_pack(easy, seed=seed, count=count, level=0, gate=False)
        for source in (str(easy), *PACKS):
            for perturb in NAMES:
                rows.append(measured(load_pack(source), perturb, seed, count, executor))
                print(json.dumps(rows[-1]), flush=True)
    if to is not None:
        report = {"count": count, "seed": seed, "policy": "CarefulReader", "rows": rows}
        to.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
