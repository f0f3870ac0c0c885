"""What did the networks of benchmarks/learning.py learn? Other subjects, other tools, the attacks, and parts put back.

    tool-gym generate --out OTHER --level 0 --count 96 --seed 9 --no-gate --domains airports,countries,elements
    python benchmarks/learned.py PACK OTHER --runs runs --ftrl ftrl_test.jsonl --json benchmarks/results/learned.json

Reads the runs that learning.py left, and takes the first run of each algorithm of each network. All is sampled at
temperature 1, before and after the training by reinforcement, on scenarios that nothing was trained on:

- `test`: worlds never seen, of the subjects of training: what the episodes look like, and what they earn under every
  reward; beside it, once, what the attacks earn there. One who had learned to game a reward would earn much by one of
  them and little by `solve_f1`.
- `other`: subjects never cloned, their tools and their words.
- `ftrl`: records of FTRL, if they are given. Most are too long for the network's context.
- `without`: Solve-F1 on `test` of the trained network with a part of it put back to what it was before.

A network from scratch has no general ability that could be kept, so none is measured.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from learning import ALGORITHMS, MAX_TOKENS, MAX_TURNS
from linear import REWARDS, attacked, behaviour
from slot_tokenizer import SlotModel

from tool_gym.analysis.ablation import Part, restored
from tool_gym.models.decoding import Sampling
from tool_gym.packs.importers import import_pack
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.local import LocalPolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.verify.metrics import summarise


def played(model: SlotModel, pack: Pack, ids: Sequence[str]) -> list[Any]:
    """One sampled episode of each scenario."""
    policy = LocalPolicy(model, Sampling(1.0, max_tokens=MAX_TOKENS), form="native")
    with Executor(execution="embedded") as executor:
        return [game for _, game in rollout(policy, pack, plays(ids), executor, at_once=64, max_turns=MAX_TURNS)]


def solve_f1(games: Sequence[Any]) -> float:
    """Mean over episodes."""
    return round(float(summarise(games)[-1]["solve_f1"]), 4)


def seen(model: SlotModel, packs: dict[str, Pack]) -> dict[str, Any]:
    """How a network plays."""
    games = {name: played(model, pack, scenarios(name, pack)) for name, pack in packs.items()}
    return {**behaviour(games["test"], REWARDS), "solve_f1": {name: solve_f1(each) for name, each in games.items()}}


def scenarios(name: str, pack: Pack) -> Sequence[str]:
    """Those that are played."""
    return pack.ids("test")[::2] if name == "test" else pack.ids("all")


def without(model: SlotModel, start: Path, pack: Pack) -> dict[str, float]:
    """Solve-F1 with the attention or the MLP of a layer as before."""
    found = {}
    for layer in range(model.model.config.num_hidden_layers):
        for module in ("attention", "mlp"):
            part = Part(f"layer {layer} {module}", range(layer, layer + 1), (module,))
            with restored(model.model, start, part):
                found[part.name] = solve_f1(played(model, pack, scenarios("test", pack)))
    return found


def main(
    pack: Annotated[Path, typer.Argument(help="Folder of the pack that was trained on.")],
    other: Annotated[Path, typer.Argument(help="Folder of a pack of other subjects.")],
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    ftrl: Annotated[Path | None, typer.Option(help="FTRL's records.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Keep the result here.")] = None,
) -> None:
    """Play, count, put back."""
    torch.set_num_threads(1)
    packs = {"test": load_pack(pack), "other": load_pack(other)}
    with tempfile.TemporaryDirectory() as folder:
        if ftrl:
            import_pack("ftrl", ftrl, Path(folder) / "ftrl")
            packs["ftrl"] = load_pack(Path(folder) / "ftrl")
        networks = {}
        for path in sorted(each.parent for each in runs.glob("*/rows.json")):
            rows = {"before": seen(SlotModel(path / "start"), packs)}
            for algorithm in ALGORITHMS:
                model = SlotModel(path / f"{algorithm}-0" / "model")
                rows[algorithm] = {
                    **seen(model, packs),
                    "without": without(model, path / "start", packs["test"]),
                }
                print(path.name, algorithm, json.dumps(rows[algorithm]), flush=True)
            networks[path.name] = rows
    result = {
        "command": "python benchmarks/learned.py PACK OTHER --runs runs --ftrl ftrl_test.jsonl",
        "scenarios": {name: len(scenarios(name, each)) for name, each in packs.items()},
        "attacks_earn": attacked(str(pack), scenarios("test", packs["test"]), REWARDS),
        "networks": networks,
    }
    if json_out:
        json_out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
