"""Does training work? Small transformers from scratch learn to call tools: cloned to a criterion, then trained by RL.

    tool-gym generate --out PACK --level 0 --count 2000 --seed 7
    python benchmarks/learning.py PACK --architecture llama --size small --json learning_llama_small.json

A network that knows nothing is first cloned from the reference calls until its sampled Solve-F1 reaches 0.4 on
scenarios of the split `train`, and then trained by RL from that same start with each algorithm. `start` and `end` are
Solve-F1 of sampled episodes on scenarios of the split `test`, whose worlds training never sees. The vocabulary is of
words, those of the pack's questions, documents and results; in cloning, invented names are exchanged at random among
all names, so that copying is what is learned. A row for each seed and algorithm is kept as soon as it is there, and not
made again.
"""

from __future__ import annotations

import json
import platform
import re
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from jinja2 import Environment
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from tool_gym.episode import Episode
from tool_gym.models.decoding import Sampling
from tool_gym.models.local import LocalModel
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.local import LocalPolicy
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.training.config import TrainConfig
from tool_gym.training.logbook import read_metrics
from tool_gym.training.trainer import Trainer
from tool_gym.verify.metrics import summarise

PIECE = r" [a-z]+|[^\W\d]+|\d|\s|[^\w\s]+"
"""Small words with the space before them; names and digits, which are copied, without."""
MARKS = ["<tool_call>", "</tool_call>", "<answer>", "</answer>", "<tool>", "</tool>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for t in tools or [] %}<tool>{{ t.function.name }}"
    "({{ t.function.parameters.properties | join(',') }}) {{ t.function.description }}</tool>\n{% endfor %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ '\n' if not loop.first }}<tool_call>\n"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}'
    "\n</tool_call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTEXT, MAX_TURNS, MAX_TOKENS, LONGEST_CLONED = 1024, 8, 80, 400
SIZES = {"small": (64, 2), "medium": (128, 4)}
CRITERION, HELD_OUT, MOST_STEPS = 0.4, 100, 20_000


def transcripts(pack: Pack, ids: list[str]) -> list[dict[str, Any]]:
    """Reference episodes as observations."""
    oracle, found = OraclePolicy(pack), []
    with Executor(execution="embedded") as executor:
        for name in ids:
            episode = Episode.of_pack(pack, name, executor, seed=0)
            while not episode.done:
                episode.step(oracle(episode.observation, episode.info))
            found.append(json.loads(json.dumps(episode.observation)))
    return found


def make_tokenizer(seen: list[dict[str, Any]]) -> Any:
    """Words, single digits, marks: every word that occurs."""
    counts: Counter[str] = Counter()
    template = Environment().from_string(TEMPLATE)
    for observation in seen:
        counts.update(re.findall(PIECE, template.render(messages=observation["messages"], tools=observation["tools"])))
    words = {word: i for i, word in enumerate(["<unk>", *sorted(counts)])}
    core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(PIECE), "isolated")
    core.decoder = decoders.Fuse()
    core.add_tokens([AddedToken(mark, normalized=False) for mark in MARKS[:-2]])
    core.add_special_tokens(MARKS[-2:])
    wrapper: Any = PreTrainedTokenizerFast
    return wrapper(tokenizer_object=core, eos_token="<|im_end|>", chat_template=TEMPLATE)


def make_network(architecture: str, size: str, tokenizer: Any, seed: int) -> Any:
    """A network with random weights."""
    width, layers = SIZES[size]
    torch.manual_seed(seed)
    common = {
        "vocab_size": len(tokenizer), "hidden_size": width, "intermediate_size": 4 * width,
        "num_hidden_layers": layers, "num_attention_heads": 4, "max_position_embeddings": CONTEXT,
        "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None, "tie_word_embeddings": True,
    }  # fmt: skip
    if architecture == "llama":
        return LlamaForCausalLM(LlamaConfig(**common))
    return GPTNeoXForCausalLM(GPTNeoXConfig(**common))


class Cloning:
    """Batches of reference episodes with the tokens to imitate."""

    def __init__(self, tokenizer: Any, seen: list[dict[str, Any]], names: np.ndarray, seed: int) -> None:
        self._names, self._rng, self._width = names, np.random.default_rng(seed), len(tokenizer)
        rows = [self._row(tokenizer, observation) for observation in seen]
        self._rows = [row for row in rows if len(row[0]) <= LONGEST_CLONED]
        self._order: list[int] = []

    @staticmethod
    def _row(tokenizer: Any, observation: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        messages, tools = observation["messages"], observation["tools"]
        render = tokenizer.apply_chat_template
        text, spans = render(messages, tools=tools, tokenize=False), []
        for number, message in enumerate(messages):
            if message["role"] == "assistant":
                start = render(messages[:number], tools=tools, tokenize=False, add_generation_prompt=True)
                end = render(messages[: number + 1], tools=tools, tokenize=False)
                spans.append((len(start), len(end) - 1))
        coded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        said = [any(start <= a < end for start, end in spans) for a, _ in coded["offset_mapping"]]
        return np.array(coded["input_ids"]), np.array(said)

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids and, where they are to be imitated, the ids as labels."""
        rows = []
        for _ in range(size):
            if not self._order:
                self._order = self._rng.permutation(len(self._rows)).tolist()
            ids, said = self._rows[self._order.pop()]
            other = np.arange(self._width)
            other[self._names] = self._rng.permutation(self._names)
            rows.append((other[ids], said))
        widest = max(len(ids) for ids, _ in rows)
        inputs = torch.zeros(size, widest, dtype=torch.long)
        labels = torch.full((size, widest), -100)
        for i, (own, said) in enumerate(rows):
            inputs[i, : len(own)] = torch.from_numpy(own)
            labels[i, : len(own)] = torch.from_numpy(np.where(said, own, -100))
        return inputs, labels


def name_ids(tokenizer: Any, seen: list[dict[str, Any]]) -> np.ndarray:
    """Ids of the words that occur in at most two reference episodes and begin with a capital: invented names."""
    found: Counter[str] = Counter()
    for observation in seen:
        found.update(set(re.findall(r"[^\W\d_]+", " ".join(m["content"] for m in observation["messages"]))))
    vocabulary = tokenizer.get_vocab()
    rare = [
        vocabulary[word] for word, count in found.items() if count <= 3 and word[0].isupper() and word in vocabulary
    ]
    return np.array(sorted(rare))


def measure(folder: Path, pack: Pack, ids: tuple[str, ...], seed: int) -> float:
    """Mean Solve-F1 of sampled episodes."""
    policy = LocalPolicy(LocalModel(folder), Sampling(0.7, max_tokens=MAX_TOKENS), form="native")
    with Executor(execution="embedded") as executor:
        games = rollout(policy, pack, plays(ids), executor, seed=seed, at_once=64, max_turns=MAX_TURNS)
        return float(summarise(game for _, game in games)[-1]["solve_f1"])


def clone(network: Any, tokenizer: Any, pack: Pack, seen: list[dict[str, Any]], out: Path, seed: int) -> dict[str, Any]:
    """Clones the reference episodes until the criterion is met, and saves the network."""
    cloning = Cloning(tokenizer, seen, name_ids(tokenizer, seen), seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
    begun, ids = time.perf_counter(), pack.ids("train")[-64:]
    for step in range(1, MOST_STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1.0, step / 100)
        inputs, labels = cloning.batch(16)
        said = labels[:, 1:] >= 0
        hidden = network.base_model(input_ids=inputs).last_hidden_state[:, :-1][said]
        loss = torch.nn.functional.cross_entropy(network.get_output_embeddings()(hidden), labels[:, 1:][said])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            f1 = 0.0
            if loss.item() < 0.4:
                network.save_pretrained(out)
                tokenizer.save_pretrained(out)
                f1 = measure(out, pack, ids, step)
            print(f"cloning {step}: loss {loss.item():.3f}, Solve-F1 {f1:.3f}, {time.perf_counter() - begun:.0f} s")
            if f1 >= CRITERION:
                return {"cloning_steps": step, "cloning_seconds": round(time.perf_counter() - begun)}
    raise typer.BadParameter(f"cloning did not reach {CRITERION} in {MOST_STEPS} steps")


def settings(start: Path, pack: Path, algorithm: str, seed: int, out: Path, iterations: int) -> TrainConfig:
    """The RL run of a row."""
    return TrainConfig(
        model=str(start), pack=str(pack), out=str(out), seed=seed, algorithm=algorithm, iterations=iterations,
        scenarios=64, prompts=16, responses=16, prompts_at_once=8, at_once=256, learning_rate=4e-4,
        max_turns=MAX_TURNS, max_tokens=MAX_TOKENS, max_prompt_tokens=CONTEXT - MAX_TOKENS, form="native",
        device="cpu", execution="embedded", checkpoint_every=5, patience=40,
    )  # fmt: skip


def one_row(start: Path, pack: Pack, algorithm: str, seed: int, iterations: int, out: Path) -> dict[str, Any]:
    """Trains one run, or what is left of it, and measures both ends on the same scenarios and seeds."""
    begun, held_out = time.perf_counter(), pack.ids("test")[:HELD_OUT]
    trainer = Trainer(settings(start, pack.path, algorithm, seed, out, iterations))
    for row in trainer.run():
        print(f"{algorithm}, seed {seed}, batch {row['batch']:.0f}: reward {row['reward']:.3f}", flush=True)
    return {
        "algorithm": algorithm,
        "seed": seed,
        "start": measure(start, pack, held_out, seed),
        "end": measure(out / "model", pack, held_out, seed),
        "batches": trainer.batch,
        "seconds": round(time.perf_counter() - begun),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean gain with its 95 % interval over seeds (Student's t), and the worst gain, by algorithm."""
    quantiles = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
    found = {}
    for name in sorted({row["algorithm"] for row in rows}):
        gains = np.array([row["end"] - row["start"] for row in rows if row["algorithm"] == name])
        half = quantiles[len(gains)] * gains.std(ddof=1) / len(gains) ** 0.5 if len(gains) in quantiles else None
        interval = None if half is None else [gains.mean() - half, gains.mean() + half]
        found[name] = {"seeds": len(gains), "gain": gains.mean(), "interval": interval, "worst": gains.min()}
    return found


def plot(runs: Path, rows: list[dict[str, Any]], out: Path) -> None:
    """Mean reward by batch, smoothed over five, one line for each run."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
    for axis, algorithm in zip(axes, ("grpo", "reinforce++"), strict=True):
        for row in [row for row in rows if row["algorithm"] == algorithm]:
            metrics = read_metrics(runs / f"{algorithm}-{row['seed']}")
            rewards = np.convolve([each["reward"] for each in metrics], np.ones(5) / 5, "valid")
            axis.plot(rewards, linewidth=1, label=f"seed {row['seed']}: {row['start']:.2f} to {row['end']:.2f}")
        axis.set_title(algorithm)
        axis.set_xlabel("batch")
        axis.legend(frameon=False, fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("mean reward of a turn")
    figure.savefig(out, dpi=120)
    plt.close(figure)


def main(
    pack: Annotated[Path, typer.Argument(help="Folder of the pack.")],
    architecture: Annotated[str, typer.Option(help="llama or neox.")] = "llama",
    size: Annotated[str, typer.Option(help=f"One of {', '.join(SIZES)}.")] = "small",
    seeds: Annotated[int, typer.Option(help="Runs of each algorithm.", min=1, max=5)] = 3,
    iterations: Annotated[int, typer.Option(help="Of each run; some 9 batches each.", min=1)] = 8,
    scenarios: Annotated[int, typer.Option(help="Scenarios of the split train that are cloned.")] = 500,
    runs: Annotated[Path, typer.Option(help="Folder of the runs; the same command goes on with it.")] = Path("runs"),
    json_out: Annotated[Path | None, typer.Option("--json", help="Keep the result here, a picture beside it.")] = None,
) -> None:
    """Clone, train, measure."""
    torch.set_num_threads(1)
    source = load_pack(pack)
    runs = runs / f"{architecture}-{size}"
    runs.mkdir(parents=True, exist_ok=True)
    kept = runs / "rows.json"
    rows: list[dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else []
    seen = transcripts(source, list(source.ids("train")[:scenarios]))
    tokenizer = make_tokenizer(transcripts(source, list(source.ids("all"))))
    for seed in range(seeds):
        start = runs / f"start-{seed}"
        network = make_network(architecture, size, tokenizer, seed)
        if not (start / "cloning.json").exists():
            found = clone(network, tokenizer, source, seen, start, seed)
            (start / "cloning.json").write_text(json.dumps(found))
        for algorithm in ("grpo", "reinforce++"):
            if not any((row["algorithm"], row["seed"]) == (algorithm, seed) for row in rows):
                rows.append(one_row(start, source, algorithm, seed, iterations, runs / f"{algorithm}-{seed}"))
                kept.write_text(json.dumps(rows))
    command = f"python benchmarks/learning.py PACK --architecture {architecture} --size {size}"
    result = {
        "command": command, "pack": source.manifest.title, "summary": summary(rows),
        "parameters": sum(part.numel() for part in network.parameters()), "rows": rows,
        "torch": torch.__version__, "host": platform.machine(),
    }  # fmt: skip
    print(json.dumps(result, indent=1))
    if json_out:
        json_out.write_text(json.dumps(result, indent=1) + "\n")
        plot(runs, rows, json_out.with_suffix(".png"))


if __name__ == "__main__":
    typer.run(main)
