"""Does training work? Small transformers from scratch learn to call tools: cloned to a criterion, then trained by RL.

    tool-gym generate --out PACK --level 0 --count 2000 --seed 7
    tool-gym generate --out MORE --level 0 --count 6000 --seed 8 --no-gate
    python benchmarks/learning.py PACK MORE --architecture llama --size small --json learning_llama_small.json

A network that knows nothing is first cloned from the reference calls of scenarios of the split `train` and of another
pack, until its sampled Solve-F1 reaches 0.4 on scenarios of that split which were kept out, and then trained by RL from
that start with each algorithm and seed. `start` and `end` are Solve-F1 of sampled episodes on scenarios of the split
`test`, whose worlds training never sees; their subjects (railways, clinics, ...) are those of training as well. Words
are known if five reference episodes of the split `train` have them; all others - names, tool names, dates, numbers -
are read as slots, see `slot_tokenizer`. A row for each seed and algorithm is kept as soon as it is there, and not made
again.
"""

from __future__ import annotations

import json
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from jinja2 import Environment
from slot_tokenizer import ANSWER, END, SlotModel, SlotTokenizer, learn_words
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM

import tool_gym.training.trainer
from tool_gym.analysis.change import by_place, compare
from tool_gym.episode import Episode
from tool_gym.models.decoding import Sampling
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.local import LocalPolicy
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.training.config import TrainConfig
from tool_gym.training.logbook import TIMES, read_metrics
from tool_gym.training.trainer import Trainer
from tool_gym.verify.metrics import summarise

TEMPLATE = (
    "{% for t in tools or [] %}<tool>{{ t.function.name }}({% for k, v in t.function.parameters.properties.items() %}"
    "{{ ',' if not loop.first }}{{ k }}{{ '[]' if v.type == 'array' }}{{ '=' + v.enum | join('|') if v.enum }}"
    "{% endfor %}) {{ t.function.description.split('. ')[0] }}</tool>\n{% endfor %}"
    "{% for m in messages %}{{ '\n' if not loop.first }}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ '\n' if not loop.first }}<tool_call>\n"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}'
    "\n</tool_call>{% endfor %}<|im_end|>{% endfor %}"
    "{{ '\n<|im_start|>assistant\n' if add_generation_prompt }}"
)
"""A tool is its name, its parameters with what they choose from, and the first sentence of its description."""
CONTEXT, MAX_TURNS, MAX_TOKENS, MORE_CLONED = 640, 5, 40, 4500
SIZES = {"small": (64, 2, 3e-3), "medium": (96, 3, 2e-3)}
"""Width, layers, and learning rate of cloning."""
LEAST, EACH_HELD_BACK, MOST_STEPS, SLOWER = 5, 24, 6000, 1500
CRITERION, LOW_LOSS = 0.4, 0.4
"""Sampled Solve-F1 that ends cloning, and the loss above which it is not worth measuring."""
CURVE_EVERY, TRAINED_TURNS = 10, 2
ALGORITHMS = ("grpo", "reinforce++")
QUANTILES = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}
"""Of Student's t at 0.975, by how many gains there are."""


def transcripts(pack: Pack, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Reference episodes as observations."""
    oracle, found = OraclePolicy(pack), []
    with Executor(execution="embedded") as executor:
        for name in ids:
            episode = Episode.of_pack(pack, name, executor, seed=0)
            while not episode.done:
                episode.step(oracle(episode.observation, episode.info))
            found.append(json.loads(json.dumps(episode.observation)))
    return found


def rendered(seen: Sequence[dict[str, Any]]) -> list[str]:
    """Episodes as the chat template writes them."""
    environment = Environment()
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = environment.from_string(TEMPLATE)
    return [template.render(messages=each["messages"], tools=each["tools"]) for each in seen]


def make_network(architecture: str, size: str, tokenizer: Any) -> Any:
    """A network with random weights; heads are 32 wide."""
    width, layers, _ = SIZES[size]
    torch.manual_seed(0)
    common = {
        "vocab_size": len(tokenizer), "hidden_size": width, "intermediate_size": 4 * width,
        "num_hidden_layers": layers, "num_attention_heads": width // 32, "max_position_embeddings": CONTEXT,
        "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None, "tie_word_embeddings": True,
        "initializer_range": 0.06,
    }  # fmt: skip
    if architecture == "llama":
        return LlamaForCausalLM(LlamaConfig(**common))
    return GPTNeoXForCausalLM(GPTNeoXConfig(**common))


class Cloning:
    """Batches of reference episodes with the tokens to imitate, the slots exchanged at random each time."""

    def __init__(self, tokenizer: SlotTokenizer, texts: Sequence[str], seed: int) -> None:
        self._first, self._width = tokenizer.first_slot, len(tokenizer)
        self._rng = np.random.default_rng(seed)
        self._start, self._end = (tokenizer.get_vocab()[mark] for mark in (ANSWER, END))
        rows = [self._row([tokenizer.slot(i) for i in tokenizer(text)["input_ids"]]) for text in texts]
        self._rows = [row for row in rows if len(row[0]) <= CONTEXT]
        self._order: list[Any] = []

    def _row(self, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """The ids, and which of them the assistant said; of slots those that were there to copy."""
        said, answering, met = [], False, set[int]()
        for i in ids:
            said.append(answering and (i < self._first or i in met))
            answering = i == self._start or (answering and i != self._end)
            met.add(i)
        return np.array(ids), np.array(said)

    def _batches(self, size: int) -> list[Any]:
        """All rows once, in batches of about the same length."""
        mixed, found = self._rng.permutation(len(self._rows)), list[Any]()
        for start in range(0, len(mixed), 8 * size):
            near = sorted(mixed[start : start + 8 * size], key=lambda i: len(self._rows[i][0]))
            found += [near[i : i + size] for i in range(0, len(near), size)]
        return [found[i] for i in self._rng.permutation(len(found))]

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids and, where they are to be imitated, the ids as labels."""
        self._order = self._order or self._batches(size)
        rows = [self._rows[i] for i in self._order.pop()]
        widest = max(len(ids) for ids, _ in rows)
        inputs = torch.zeros(len(rows), widest, dtype=torch.long)
        labels = torch.full(inputs.shape, -100)
        for i, (ids, said) in enumerate(rows):
            other = np.arange(self._width)
            other[self._first :] = self._rng.permutation(other[self._first :])
            inputs[i, : len(ids)] = torch.from_numpy(other[ids])
            labels[i, : len(ids)] = torch.from_numpy(np.where(said, other[ids], -100))
        return inputs, labels


def measure(model: SlotModel, pack: Pack, ids: Sequence[str], seed: int) -> dict[str, float]:
    """Solve-F1 of sampled episodes, and how it comes about."""
    policy = LocalPolicy(model, Sampling(1.0, max_tokens=MAX_TOKENS), form="native")
    with Executor(execution="embedded") as executor:
        games = rollout(policy, pack, plays(ids), executor, seed=seed, at_once=64, max_turns=MAX_TURNS)
        row = summarise(game for _, game in games)[-1]
    return {key: round(float(row[key]), 4) for key in ("solve_f1", "solve_p", "solve_r", "mean_calls")}


def clone(architecture: str, size: str, pack: Pack, more: Pack, out: Path) -> dict[str, Any]:
    """Clones reference episodes until the criterion is met, and saves the network."""
    ids = pack.ids("train")
    kept_out = ids[::EACH_HELD_BACK]
    texts = rendered(transcripts(pack, [name for name in ids if name not in kept_out]))
    words, openers = learn_words(texts, LEAST)
    tokenizer: Any = SlotTokenizer(words, openers, chat_template=TEMPLATE)
    network, rate = make_network(architecture, size, tokenizer), SIZES[size][2]
    cloning = Cloning(tokenizer, [*texts, *rendered(transcripts(more, more.ids("all")[:MORE_CLONED]))], seed=0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    begun, mean = time.process_time(), 9.0
    for step in range(1, MOST_STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, step / 50) * (1.0 if step < SLOWER else 0.4)
        inputs, labels = cloning.batch(16)
        said = labels[:, 1:] >= 0
        hidden = network.base_model(input_ids=inputs).last_hidden_state[:, :-1][said]
        loss = torch.nn.functional.cross_entropy(network.get_output_embeddings()(hidden), labels[:, 1:][said])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        mean += 0.05 * (loss.item() - mean)
        if step % 100 == 0:
            f1 = 0.0
            if mean < LOW_LOSS:
                network.save_pretrained(out)
                tokenizer.save_pretrained(out)
                f1 = measure(SlotModel(out), pack, kept_out, step)["solve_f1"]
            seconds = time.process_time() - begun
            print(f"cloning {step}: loss {mean:.3f}, Solve-F1 {f1:.3f}, {seconds:.0f} s", flush=True)
            if f1 >= CRITERION:
                return {"cloning_steps": step, "cloning_cpu_seconds": round(seconds), "cloned_to": f1}
    raise typer.BadParameter(f"cloning did not reach {CRITERION} in {MOST_STEPS} steps")


def settings(start: Path, pack: Path, algorithm: str, seed: int, out: Path) -> TrainConfig:
    """The RL run of a row."""
    return TrainConfig(
        model=str(start), pack=str(pack), out=str(out), seed=seed, algorithm=algorithm, reward="solve_f1",
        iterations=1000, scenarios=64, prompts=16, responses=16, prompts_at_once=8, at_once=256,
        learning_rate=5e-4, kl=0.0, temperature=1.0, max_turns=TRAINED_TURNS, max_tokens=MAX_TOKENS,
        max_prompt_tokens=CONTEXT - MAX_TOKENS,
        form="native", device="cpu", execution="embedded", checkpoint_every=1000, patience=40,
    )  # fmt: skip


class Stopwatch:
    """Seconds spent inside of functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*args: Any, **options: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                self.seconds += time.perf_counter() - begun

        return timed


def one_row(start: Path, pack: Pack, algorithm: str, seed: int, batches: int, out: Path) -> dict[str, Any]:
    """Trains one run and measures both ends on the same scenarios and seeds; one that was broken off begins anew."""
    shutil.rmtree(out, ignore_errors=True)
    held_out = pack.ids("test")[::4]
    before = measure(SlotModel(start), pack, held_out, seed)
    trainer, writing, measuring = Trainer(settings(start, pack.path, algorithm, seed, out)), Stopwatch(), Stopwatch()
    local: Any = trainer.local
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
    local.model.save_pretrained(out / "model")
    local.tokenizer.save_pretrained(out / "model")
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
    """Held-out Solve-F1 by batch: mean over the seeds and the range of them, a panel for each network."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(8, 5.5), sharex=True, sharey=True, layout="constrained")
    for axis, result in zip(axes.flat, results, strict=False):
        for algorithm in ALGORITHMS:
            curves = np.array([row["curve"] for row in result["rows"] if row["algorithm"] == algorithm])
            if len(curves):
                axis.plot(curves[0, :, 0], curves[..., 1].mean(0), marker="o", markersize=3, label=algorithm)
                axis.fill_between(curves[0, :, 0], curves[..., 1].min(0), curves[..., 1].max(0), alpha=0.2)
        axis.set_title(f"{result['network']}, {result['parameters']:,} parameters", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_ylim(0, 1)
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
    vars(tool_gym.training.trainer)["LocalModel"] = SlotModel
    source, network = load_pack(pack), f"{architecture}_{size}"
    start, kept = runs / network / "start", runs / network / "rows.json"
    if not (start / "cloning.json").exists():
        found = clone(architecture, size, source, load_pack(more), start)
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
