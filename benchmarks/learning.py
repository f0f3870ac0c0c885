"""Does training work? Small transformers from scratch learn to call tools: cloned to a criterion, then trained by RL.

    tool-gym generate --out PACK --level 0 --count 2000 --seed 7
    tool-gym generate --out MORE --level 0 --count 16000 --seed 8 --no-gate
    python benchmarks/learning.py PACK MORE --architecture llama --size small --json learning_llama_small.json

A network that knows nothing is first cloned from a teacher, in scenarios of the split `train` and of another pack, and
then trained by RL from that start with each algorithm and seed. The teacher errs on purpose, see `erring_teacher`: it
exchanges about one call in three for a wrong one, and answers too early in one turn out of eight. At first only its
right turns are imitated, so that the network learns what to do quickly; in the last 300 steps all of them. So the start
knows more than it does: it has taken on its teacher's mistakes, as a model has those of the texts that it was made
from. What RL can show is that reward alone, without any further demonstration, takes these out. A start whose sampled
Solve-F1 is below 0.4, on scenarios of that split which were kept out, is said not to meet the criterion.

`start` and `end` are Solve-F1 of sampled episodes on scenarios of the split `test`, whose worlds training never sees;
their subjects (railways, clinics, ...) are those of training as well. Words are known if five reference episodes of the
split `train` have them; all others - names, tool names, dates, numbers - are read as slots, see `slot_tokenizer`. A row
for each seed and algorithm is kept as soon as it is there, and not made again.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from cloning import (
    CONTEXT,
    SIZES,
    Batches,
    clone,
    demonstrations,
    make_network,
    make_tokenizer,
    save,
    seen_words,
)
from erring_teacher import Chances, ErringTeacher
from slot_tokenizer import SlotModel, SlotTokenizer
from stopwatch import Stopwatch

from tool_gym.analysis.change import by_place, compare
from tool_gym.models.decoding import Sampling
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.local import LocalPolicy
from tool_gym.policies.policy import Policy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.training.config import TrainConfig
from tool_gym.training.logbook import TIMES, read_metrics
from tool_gym.training.trainer import Trainer
from tool_gym.verify.metrics import summarise

MAX_TURNS, MAX_TOKENS = 6, 60
CHANCES = Chances(wrong_call=0.35, early_answer=0.12)
MORE_CLONED, EACH_HELD_BACK = 12_000, 16
STEPS = {
    ("llama", "small"): 4000,
    ("llama", "medium"): 4000,
    ("neox", "small"): 6500,
    ("neox", "medium"): 10_000,
}
"""Of cloning, of right turns alone, by architecture and size."""
ERRING_STEPS = 300
"""Of cloning behind these, of all turns."""
CRITERION = 0.4
"""Least sampled Solve-F1 of a start."""
CURVE_EVERY, TRAINED_TURNS = 20, 4
ALGORITHMS = ("grpo", "reinforce++")
QUANTILES = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}
"""Of Student's t at 0.975, by how many gains there are."""


def score(policy: Policy, pack: Pack, ids: Sequence[str], seed: int) -> dict[str, float]:
    """Solve-F1 of a policy's episodes, and how it comes about."""
    with Executor(execution="embedded") as executor:
        games = rollout(policy, pack, plays(ids), executor, seed=seed, at_once=64, max_turns=MAX_TURNS)
        row = summarise(game for _, game in games)[-1]
    return {key: round(float(row[key]), 4) for key in ("solve_f1", "solve_p", "solve_r", "mean_calls")}


def measure(model: SlotModel, pack: Pack, ids: Sequence[str], seed: int) -> dict[str, float]:
    """Scores a model, sampled at temperature 1."""
    return score(LocalPolicy(model, Sampling(1.0, max_tokens=MAX_TOKENS), form="native"), pack, ids, seed)


def shown(pack: Pack, more: Pack, kept: Path) -> tuple[Any, list[dict[str, Any]]]:
    """The tokenizer, and what the teacher does in scenarios of both packs; made once for all networks."""
    if not kept.exists():
        ids = [name for name in pack.ids("train") if name not in held_back(pack)]
        tokenizer = make_tokenizer(pack, ids, MAX_TURNS)
        seen = []
        for source, some in ((pack, ids), (more, more.ids("all")[:MORE_CLONED])):
            seen += demonstrations(source, some, CHANCES, tokenizer, max_turns=MAX_TURNS, workers=os.cpu_count() or 1)
        tokenizer.save_pretrained(kept.parent)
        kept.write_text(json.dumps(seen))
    return SlotTokenizer.from_pretrained(kept.parent), json.loads(kept.read_text())


def held_back(pack: Pack) -> list[str]:
    """Scenarios of the split `train` that are not cloned."""
    return list(pack.ids("train")[::EACH_HELD_BACK])


def make_start(architecture: str, size: str, pack: Pack, more: Pack, out: Path) -> dict[str, Any]:
    """Clones a network, saves it, and says how well it plays."""
    tokenizer, seen = shown(pack, more, out.parents[1] / "demonstrations.json")
    network, rate, begun = make_network(architecture, size, tokenizer), SIZES[size][2], time.process_time()
    clone(network, Batches(tokenizer, seen, seed=0), rate=rate, steps=STEPS[architecture, size])
    clone(network, Batches(tokenizer, seen, seed=1, mistakes=True), rate=rate / 3, steps=ERRING_STEPS)
    seconds = time.process_time() - begun
    save(network, tokenizer, out)
    found = measure(SlotModel(out), pack, held_back(pack), 0)
    teacher = score(ErringTeacher(pack, CHANCES, seen_words(tokenizer)), pack, held_back(pack), 0)
    print(f"cloned: {found}, teacher: {teacher}", flush=True)
    return {
        "teacher": {**CHANCES._asdict(), **teacher},
        "demonstrations": len(seen),
        "cloning_steps": {"of right turns": STEPS[architecture, size], "of all turns": ERRING_STEPS},
        "cloning_cpu_seconds": round(seconds),
        "cloned_to": found,
        "criterion": {"solve_f1": CRITERION, "met": found["solve_f1"] >= CRITERION},
    }


def settings(start: Path, pack: Path, algorithm: str, seed: int, out: Path) -> TrainConfig:
    """The RL run of a row."""
    return TrainConfig(
        model=str(start), pack=str(pack), out=str(out), seed=seed, algorithm=algorithm, reward="solve_f1",
        iterations=1000, scenarios=128, prompts=16, responses=16, prompts_at_once=8, at_once=256,
        learning_rate=3e-4, kl=0.0, entropy=0.0, temperature=1.0, max_turns=TRAINED_TURNS, max_tokens=MAX_TOKENS,
        max_prompt_tokens=CONTEXT - MAX_TOKENS,
        form="native", device="cpu", execution="embedded", checkpoint_every=1000, patience=40,
    )  # fmt: skip


def one_row(start: Path, pack: Pack, algorithm: str, seed: int, batches: int, out: Path) -> dict[str, Any]:
    """Trains one run and measures both ends on the same scenarios and seeds; one that was broken off begins anew."""
    shutil.rmtree(out, ignore_errors=True)
    held_out = pack.ids("test")[::2]
    before = measure(SlotModel(start), pack, held_out, seed)
    local: Any = SlotModel(start, device="cpu", dtype="float32")
    trainer, writing, measuring = (
        Trainer(settings(start, pack.path, algorithm, seed, out), local),
        Stopwatch(),
        Stopwatch(),
    )
    local.generate, local.branch = writing.around(local.generate), writing.around(local.branch)
    look, curve = measuring.around(measure), [(0, before["solve_f1"])]
    begun, used = time.perf_counter(), time.process_time()
    for _ in trainer.run():
        if trainer.batch == batches:
            break
        if trainer.batch % CURVE_EVERY == 0:
            written = writing.seconds
            curve.append((trainer.batch, look(local, pack, held_out[::2], seed)["solve_f1"]))
            writing.seconds = written
            print(f"{algorithm}, seed {seed}, batch {trainer.batch}: Solve-F1 {curve[-1][1]:.3f}", flush=True)
    seconds, used = time.perf_counter() - begun - measuring.seconds, time.process_time() - used
    save(local.model, local.tokenizer, out / "model")
    after = measure(SlotModel(out / "model"), pack, held_out, seed)
    metrics = read_metrics(out)
    learning = sum(json.loads(line)["learning"] for line in (out / TIMES).read_text().splitlines())
    return {
        "algorithm": algorithm,
        "seed": seed,
        "start": before["solve_f1"],
        "end": after["solve_f1"],
        "batches": batches,
        "seconds": round(seconds),
        "cpu_seconds": round(used),
        "shares": {
            "generation": round(writing.seconds / seconds, 3),
            "update": round(learning / seconds, 3),
            "environment and the rest": round(1 - (writing.seconds + learning) / seconds, 3),
        },
        "before": before,
        "after": after,
        "curve": [*curve, (batches, after["solve_f1"])],
        "reward": [round(row["reward"], 4) for row in metrics],
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean gain with its 95 % interval over seeds (Student's t), and the worst gain, by algorithm and over both."""
    found = {}
    for name in [*ALGORITHMS, "both"]:
        gains = np.array([row["end"] - row["start"] for row in rows if name in ("both", row["algorithm"])])
        if len(gains) in QUANTILES:
            half = float(QUANTILES[len(gains)] * gains.std(ddof=1) / len(gains) ** 0.5)
            found[name] = {
                "runs": len(gains),
                "gain": round(float(gains.mean()), 4),
                "interval": [round(float(gains.mean()) - half, 4), round(float(gains.mean()) + half, 4)],
                "worst": round(float(gains.min()), 4),
            }
    return found


def moved(start: Path, trained: Path) -> dict[str, float]:
    """How far the weights of each part of each layer moved, relative to their size: `tool-gym analyze`, in short."""
    return {
        f"{layer} {module}": round(change.relative, 4)
        for (layer, module), change in by_place(compare(start, trained)).items()
    }


def plot(results: Sequence[dict[str, Any]], out: Path) -> None:
    """Held-out Solve-F1 by batch: mean over the seeds and the range of them, a panel for each network.

    Points between the ends are of every second scenario.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    high = -(-len(results) // 2)
    size = (8, 0.5 + 2.5 * high)
    figure, axes = plt.subplots(high, 2, figsize=size, layout="constrained", sharex=True, sharey=True, squeeze=False)
    for axis, result in zip(axes.flat, results, strict=False):
        for algorithm in ALGORITHMS:
            curves = np.array([row["curve"] for row in result["rows"] if row["algorithm"] == algorithm])
            if len(curves):
                axis.plot(curves[0, :, 0], curves[..., 1].mean(0), marker="o", markersize=3, label=algorithm)
                axis.fill_between(curves[0, :, 0], curves[..., 1].min(0), curves[..., 1].max(0), alpha=0.2)
        axis.set_title(f"{result['network']}, {result['parameters']:,} parameters", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_ylim(0, 1)
    for axis in axes.flat[len(results) :]:
        axis.set_visible(False)
    axes[0, 0].legend(frameon=False, fontsize=9)
    figure.supxlabel("batch of 256 responses", fontsize=9)
    figure.supylabel("Solve-F1 on worlds never trained on", fontsize=9)
    figure.savefig(out, dpi=120)
    plt.close(figure)


def main(
    pack: Annotated[Path, typer.Argument(help="Folder of the pack.")],
    more: Annotated[Path, typer.Argument(help="Folder of another pack, to be cloned as well.")],
    architecture: Annotated[str, typer.Option(help="llama or neox.")] = "llama",
    size: Annotated[str, typer.Option(help=f"One of {', '.join(SIZES)}.")] = "small",
    seeds: Annotated[int, typer.Option(help="Runs of each algorithm.", min=1, max=5)] = 3,
    batches: Annotated[int, typer.Option(help="Of each run.", min=1)] = 60,
    runs: Annotated[Path, typer.Option(help="Folder of the runs; rows that it has are not made again.")] = Path("runs"),
    json_out: Annotated[Path | None, typer.Option("--json", help="Keep the result here, a picture beside it.")] = None,
) -> None:
    """Clone, train, measure."""
    torch.set_num_threads(1)
    source, network = load_pack(pack), f"{architecture}_{size}"
    start, kept = runs / network / "start", runs / network / "rows.json"
    if not (start / "cloning.json").exists():
        found = make_start(architecture, size, source, load_pack(more), start)
        (start / "cloning.json").write_text(json.dumps(found))
    rows: list[dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else []
    for seed in range(seeds):
        for algorithm in ALGORITHMS:
            if not any((row["algorithm"], row["seed"]) == (algorithm, seed) for row in rows):
                out = runs / network / f"{algorithm}-{seed}"
                rows.append(one_row(start, source, algorithm, seed, batches, out))
                rows[-1]["moved"] = moved(start, out / "model")
                kept.write_text(json.dumps(rows))
                print(network, algorithm, seed, rows[-1]["start"], rows[-1]["end"], rows[-1]["shares"], flush=True)
    result = {
        "command": f"python benchmarks/learning.py PACK MORE --architecture {architecture} --size {size}",
        "network": network,
        "parameters": sum(part.numel() for part in SlotModel(start).model.parameters()),
        "pack": {"title": source.manifest.title, "scenarios_sha256": source.manifest.sha256["scenarios.jsonl"]},
        **json.loads((start / "cloning.json").read_text()),
        "summary": summary(rows),
        "rows": rows,
        "torch": torch.__version__,
        "host": platform.machine(),
    }
    print(json.dumps({key: value for key, value in result.items() if key != "rows"}, indent=1))
    if json_out:
        json_out.write_text(json.dumps(result, indent=1) + "\n")
        every = sorted(json_out.parent.glob("learning_*_*.json"))
        plot([json.loads(path.read_text()) for path in every], json_out.parent / "learning.png")


if __name__ == "__main__":
    typer.run(main)
