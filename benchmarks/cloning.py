"""Small networks from scratch, cloned from the transcripts of a teacher that errs: the start that is trained by RL."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from erring_teacher import Chances, Words, transcripts
from jinja2 import Environment, Template
from slot_tokenizer import ANSWER, END, SlotTokenizer, learn_words
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM

from tool_gym.packs.reader import Pack, load_pack

TEMPLATE = (
    "{% macro named(x) %}{{ x | string | replace('_', ' ') ~ ' ' if '_' in x | string }}{{ x }}{% endmacro %}"
    "{% macro chosen(x) %}{% for each in x.enum or [] %}{{ '=' if loop.first else '|' }}{{ named(each) }}{% endfor %}"
    "{% endmacro %}"
    "{% for t in tools or [] %}<tool>{{ t.function.description.split('. ')[0] }}<call>{{ t.function.name }}("
    "{% for k, v in t.function.parameters.properties.items() %}{{ k if loop.first else ',' ~ named(k) }}{{ chosen(v) }}"
    "{% if 'items' in v %}[{% for p, w in (v['items'].properties or {}).items() %}{{ ',' if not loop.first }}"
    "{{ named(p) }}{{ chosen(w) }}{% endfor %}]{% endif %}{% endfor %})</tool>\n{% endfor %}"
    "{% for m in messages %}{{ '\n' if not loop.first }}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ '\n' if not loop.first }}<tool_call>\n"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}'
    "\n</tool_call>{% endfor %}<|im_end|>{% endfor %}"
    "{{ '\n<|im_start|>assistant\n' if add_generation_prompt }}"
)
"""A tool is the first sentence of its description, its name, and its parameters with what they choose from.

What a name means stands before it: a network that reads from left to right then knows it where it copies the name.
"""
CONTEXT = 768
SIZES = {"small": (64, 2, 3e-3), "medium": (96, 2, 2.5e-3)}
"""Width, layers, and learning rate of cloning."""
LEAST, BATCH, WARMING, SHARE = 5, 16, 50, 250
ALIKE, COPIED = 0.3, 0.5
ROTATED: Any = {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 1.0}
"""All of a head, as in a Llama; a GPT-NeoX rotates a quarter by default, which is too little of so small a head."""


@cache
def _template() -> Template:
    environment = Environment()
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string(TEMPLATE)


def rendered(seen: Sequence[Mapping[str, Any]]) -> list[str]:
    """Episodes as the chat template writes them."""
    return [_template().render(messages=each["messages"], tools=each["tools"]) for each in seen]


def make_tokenizer(pack: Pack, ids: Sequence[str], max_turns: int) -> Any:
    """A tokenizer that knows the words of reference episodes."""
    texts = rendered(transcripts(pack, ids, Chances(), lambda _: [], max_turns=max_turns))
    words, openers = learn_words(texts, LEAST)
    return SlotTokenizer(words, openers, chat_template=TEMPLATE)


def demonstrations(
    pack: Pack, ids: Sequence[str], chances: Chances, tokenizer: Any, *, max_turns: int, workers: int
) -> list[dict[str, Any]]:
    """What the teacher does in scenarios, as observations, made by several processes."""
    todo = [ids[start : start + SHARE] for start in range(0, len(ids), SHARE)]
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        make = partial(_shown, pack.path, chances, tokenizer, max_turns)
        return [each for share in pool.map(make, todo) for each in share]


def _shown(path: Path, chances: Chances, tokenizer: Any, max_turns: int, ids: Sequence[str]) -> list[dict[str, Any]]:
    return transcripts(load_pack(path), ids, chances, seen_words(tokenizer), max_turns=max_turns)


def seen_words(tokenizer: Any) -> Words:
    """The words of an observation that are read as slots: names of tools and parameters, and all that was told."""

    def words(observation: Mapping[str, Any]) -> list[str]:
        tools = [each["function"] for each in observation["tools"]]
        names = [name for tool in tools for name in (tool["name"], *tool["parameters"]["properties"])]
        told = [message["content"] for message in observation["messages"] if message["role"] != "assistant"]
        return tokenizer.unknown("\n".join([*names, *told]))  # type: ignore[no-any-return]

    return words


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
    network: Any = (
        LlamaForCausalLM(LlamaConfig(**common))
        if architecture == "llama"
        else GPTNeoXForCausalLM(GPTNeoXConfig(**common, rope_parameters=ROTATED, use_parallel_residual=False))
    )
    torch.nn.init.normal_(network.get_input_embeddings().weight, std=0.2)
    for layer in network.base_model.layers:
        _attend_to_alike(layer)
    return network


@torch.no_grad()
def _attend_to_alike(layer: Any) -> None:
    """Adds identities to an attention's weights: it begins by attending to what is alike and passing on what is there.

    Without this a network spends much of the cloning on a plateau before it begins to copy.
    """
    attention = layer.self_attn if hasattr(layer, "self_attn") else layer.attention
    if hasattr(attention, "q_proj"):
        reads = [attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight]
        writes = attention.o_proj.weight
    else:
        writes = attention.dense.weight
        heads, width = attention.config.num_attention_heads, len(writes)
        reads = list(attention.query_key_value.weight.view(heads, 3, width // heads, width).unbind(1))
    identity = torch.eye(writes.shape[0])
    for weight, scale in zip(reads, (ALIKE, ALIKE, COPIED), strict=True):
        weight.add_(scale * identity.view(weight.shape))
    writes.add_(COPIED * identity)


class Batches:
    """Batches of episodes with the tokens to imitate, the slots exchanged at random each time."""

    def __init__(
        self, tokenizer: SlotTokenizer, seen: Sequence[Mapping[str, Any]], seed: int, *, mistakes: bool = False
    ) -> None:
        """Reads the episodes of a teacher; those longer than the context are left out.

        Args:
            tokenizer: Reads them.
            seen: What `transcripts` gives.
            seed: Of the order and of the slots.
            mistakes: Whether the turns that were not right are imitated as well.
        """
        self._first, self._width = tokenizer.first_slot, len(tokenizer)
        self._rng = np.random.default_rng(seed)
        self._start, self._end = (tokenizer.get_vocab()[mark] for mark in (ANSWER, END))
        rows = [
            self._row(
                [tokenizer.slot(i) for i in tokenizer(text)["input_ids"]], [mistakes or each for each in one["right"]]
            )
            for one, text in zip(seen, rendered(seen), strict=True)
        ]
        self._rows = [row for row in rows if len(row[0]) <= CONTEXT and row[1].any()]
        self._order: list[Any] = []

    def _row(self, ids: list[int], wanted: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
        """The ids, and which of them are of turns that are wanted; of slots those that were there to copy."""
        said, answering, met, turns = [], False, set[int](), iter(wanted)
        for i in ids:
            said.append(answering and (i < self._first or i in met))
            if i == self._start:
                answering = next(turns)
            elif i == self._end:
                answering = False
            met.add(i)
        return np.array(ids), np.array(said)

    def _batches(self, size: int) -> list[Any]:
        """All rows once, in batches of about the same length."""
        mixed, found = self._rng.permutation(len(self._rows)), list[Any]()
        for start in range(0, len(mixed), 8 * size):
            near = sorted(mixed[start : start + 8 * size], key=lambda i: len(self._rows[i][0]))
            found += [near[i : i + size] for i in range(0, len(near), size)]
        return [found[i] for i in self._rng.permutation(len(found))]

    def next(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
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


def clone(network: Any, batches: Batches, *, rate: float, steps: int) -> None:
    """Imitates the transcripts; the learning rate falls to nothing.

    Args:
        network: Is changed.
        batches: What to imitate.
        rate: Learning rate.
        steps: Optimiser steps.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    begun, mean = time.process_time(), 9.0
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(step / WARMING, 1.0, 1.5 * (1 - step / (steps + 1)))
        inputs, labels = batches.next(BATCH)
        said = labels[:, 1:] >= 0
        hidden = network.base_model(input_ids=inputs).last_hidden_state[:, :-1][said]
        loss = torch.nn.functional.cross_entropy(network.get_output_embeddings()(hidden), labels[:, 1:][said])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        mean += 0.05 * (loss.item() - mean)
        if step % 100 == 0:
            print(f"cloning {step}: loss {mean:.3f}, {time.process_time() - begun:.0f} CPU s", flush=True)


def save(network: Any, tokenizer: Any, out: Path) -> None:
    """Keeps a network with its tokenizer."""
    network.save_pretrained(out)
    tokenizer.save_pretrained(out)
