"""A transformers model on this machine: its weights, its chat template, and what it has read of each conversation."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json
from tool_gym.models.chat import ChatRequest, Completion, Usage
from tool_gym.models.decoding import Mask, Row, Sampling, Written, read, write
from tool_gym.models.grammar import ToolGrammar
from tool_gym.models.kvcache import Layers

_PROBE_TOOL = {
    "type": "function",
    "function": {"name": "probe", "description": "A probe.", "parameters": {"type": "object", "properties": {}}},
}
_PROBE = ({"role": "user", "content": "Hello."},)


class Prompt(NamedTuple):
    """A text to continue.

    Attributes:
        key: The conversation that it belongs to; what was read of it before is not read again.
        text: All of it, as the chat template wrote it.
        seed: Decides what is sampled: integers >= 0.
        tools: Tools whose calls the answer is held to (constrained decoding), in their chat form; None holds it to
            nothing.
    """

    key: str
    text: str
    seed: tuple[int, ...] = (0,)
    tools: Sequence[Mapping[str, Json]] | None = None


class Generation(NamedTuple):
    """What the model wrote.

    Attributes:
        text: Decoded, special tokens left out.
        token_ids: As sampled, the ending token included.
        logprobs: Log-probability of each, see `decoding.Written`.
        prompt_ids: Tokens of the prompt.
        ended: Whether the model ended by itself; False where it was cut.
    """

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    prompt_ids: tuple[int, ...]
    ended: bool

    @property
    def prompt_tokens(self) -> int:
        """How many tokens the prompt has."""
        return len(self.prompt_ids)


class Branch(NamedTuple):
    """Tokens to continue in several ways.

    Attributes:
        ids: The tokens, at least one, fewer than the model's context.
        seeds: For each way what decides it: integers >= 0.
        tools: As in `Prompt`.
    """

    ids: Sequence[int]
    seeds: Sequence[tuple[int, ...]]
    tools: Sequence[Mapping[str, Json]] | None = None


class _Kept(NamedTuple):
    """A conversation: its text and tokens, and the keys and values of its first `length` tokens."""

    text: str
    ids: list[int]
    layers: Layers
    length: int


class LocalModel:
    """A causal language model with its tokenizer.

    Attributes:
        name: What it is called where results are kept.
        tokenizer: Its tokenizer.
        model: Its network, in evaluation mode.
        context: Most tokens of prompt and answer together.
    """

    def __init__(self, path: str | Path, *, device: str | None = None, dtype: str = "auto") -> None:
        """Loads a model.

        Args:
            path: A folder that transformers can load, a GGUF file, or a folder with one GGUF file.
            device: A torch device; a GPU if there is one, else the CPU, by default.
            dtype: `auto` (as saved; float32 for GGUF), `float32`, `bfloat16`, ...

        Raises:
            InputError: If there is no model at the path, or it has no chat template.
        """
        folder, options = _found(Path(path))
        if options:
            dtype = "float32" if dtype == "auto" else dtype
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, **options)
            network: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **options)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: transformers cannot load this model: {str(error)[:500]}") from None
        if not self.tokenizer.chat_template:
            raise InputError(f"{path}: the model has no chat template; expected one in its tokenizer's files")
        self.name = Path(options.get("gguf_file", path)).name
        self.model = network.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()
        self.context = int(getattr(self.model.config, "max_position_embeddings", 1 << 20))
        self._ends = _ending_tokens(self.model, self.tokenizer)
        self._grammar: ToolGrammar | None = None
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> dict[str, Json]:
        """What decides what it writes, besides prompts and sampling."""
        return {
            "model": self.name,
            "parameters": sum(part.numel() for part in self.model.parameters()),
            "chat_template_sha256": hashlib.sha256(self.tokenizer.chat_template.encode()).hexdigest(),
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "device": self.model.device.type,
            "torch": torch.__version__,
            "transformers": version("transformers"),
        }

    def render(
        self, messages: Sequence[Mapping[str, Json]], tools: Sequence[Mapping[str, Json]] = (), **variables: Any
    ) -> str:
        """The messages as the chat template writes them, up to where the answer begins.

        Args:
            messages: In the form of an observation.
            tools: In their chat form.
            **variables: The template's own, such as `enable_thinking`.
        """
        text: str = self.tokenizer.apply_chat_template(
            list(messages), tools=list(tools) or None, add_generation_prompt=True, tokenize=False, **variables
        )
        return text

    def template_ignores(self, variable: str) -> bool:
        """Whether the chat template writes the same with and without `tools`, or with another variable on and off."""
        if variable == "tools":
            return self.render(_PROBE) == self.render(_PROBE, [_PROBE_TOOL])
        on, off = ({variable: value} for value in (True, False))
        return self.render(_PROBE, (), **on) == self.render(_PROBE, (), **off)

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Generation]:
        """Continues texts together, whatever their lengths.

        A prompt that leaves no room in the model's context gets an empty answer; one that leaves little, a short one.
        """
        with self._lock:
            tokens = [self._tokens(prompt) for prompt in prompts]
            fitting = [i for i, ids in enumerate(tokens) if len(ids) < self.context]
            answers = [Generation("", (), (), tuple(ids), ended=False) for ids in tokens]
            if not fitting:
                return answers
            rows, reads = [], []
            for i in fitting:
                row = self._row(prompts[i], tokens[i])
                rows.append(row)
                reads.append(read(self.model, row))
                self._kept[prompts[i].key] = _Kept(prompts[i].text, tokens[i], reads[-1].layers, len(tokens[i]))
            room = self.context - max(len(tokens[i]) for i in fitting)
            sampling = sampling._replace(max_tokens=min(sampling.max_tokens, room))
            written = write(self.model, rows, reads, sampling, self._ends)
            for i, one in zip(fitting, written, strict=True):
                answers[i] = self._answer(prompts[i], tokens[i], one)
            return answers

    def branch(self, branches: Sequence[Branch], sampling: Sampling) -> list[list[Generation]]:
        """Continues each of several texts in several ways, all together; a text is read once for all its ways.

        Nothing is kept of them: they belong to no conversation.
        """
        rows, reads = [], []
        for branch in branches:
            reading = read(self.model, Row(branch.ids, None, 0, np.random.default_rng(0)))
            for seed in branch.seeds:
                rows.append(Row(branch.ids, None, 0, np.random.default_rng(seed), self._mask(branch.tools)))
                reads.append(reading)
        room = self.context - max(len(branch.ids) for branch in branches)
        sampling = sampling._replace(max_tokens=min(sampling.max_tokens, room))
        written = iter(write(self.model, rows, reads, sampling, self._ends))
        return [[self._generation(branch.ids, next(written)) for _ in branch.seeds] for branch in branches]

    def forget(self, key: str) -> None:
        """Drops what is kept of a conversation."""
        self._kept.pop(key, None)

    def complete(self, request: ChatRequest) -> Completion:
        """Answers a chat request as an endpoint would, its text left as it is; a `ChatModel`."""
        text = self.render(request.messages, request.tools)
        prompt = Prompt(f"chat {threading.get_ident()}", text, (request.seed or 0,))
        (answer,) = self.generate([prompt], Sampling(request.temperature, max_tokens=request.max_tokens))
        self.forget(prompt.key)
        return Completion(
            message={"role": "assistant", "content": answer.text},
            finish="stop" if answer.ended else "length",
            usage=Usage(input_tokens=answer.prompt_tokens, output_tokens=len(answer.token_ids)),
        )

    def _tokens(self, prompt: Prompt) -> list[int]:
        """The prompt's tokens; what the model itself wrote keeps the tokens it was written in."""
        kept = self._kept.get(prompt.key)
        head, rest = (
            (kept.ids, prompt.text[len(kept.text) :]) if kept and prompt.text.startswith(kept.text) else ([], "")
        )
        if not head:
            rest = prompt.text
        return [*head, *self.tokenizer(rest, add_special_tokens=False)["input_ids"]]

    def _row(self, prompt: Prompt, ids: list[int]) -> Row:
        """The row of a prompt, with what is known of its beginning from this conversation or another."""
        best, shared = None, 0
        for kept in self._kept.values():
            length = min(_common(ids, kept.ids), kept.length, len(ids) - 1)
            if length > shared:
                best, shared = kept.layers, length
        return Row(ids, best, shared, np.random.default_rng(prompt.seed), self._mask(prompt.tools))

    def _mask(self, tools: Sequence[Mapping[str, Json]] | None) -> Mask | None:
        """What holds one answer to the tools' schemas."""
        if tools is None:
            return None
        if self._grammar is None:
            width = self.model.get_input_embeddings().num_embeddings
            self._grammar = ToolGrammar(self.tokenizer, width, sorted(self._ends))
        return self._grammar.mask(tools)

    def _answer(self, prompt: Prompt, ids: list[int], written: Written) -> Generation:
        whole = self.tokenizer.decode(written.ids, skip_special_tokens=False)
        self._kept[prompt.key] = _Kept(
            prompt.text + whole, [*ids, *written.ids], written.layers, len(ids) + len(written.ids) - 1
        )
        return self._generation(ids, written)

    def _generation(self, ids: Sequence[int], written: Written) -> Generation:
        text = self.tokenizer.decode(written.ids, skip_special_tokens=True)
        ended = written.ids[-1] in self._ends
        return Generation(text, tuple(written.ids), tuple(written.logprobs), tuple(ids), ended)


def _found(path: Path) -> tuple[Path, dict[str, str]]:
    """The folder to load from, and the options that name a GGUF file in it."""
    if path.is_file() and path.suffix == ".gguf":
        return path.parent, {"gguf_file": path.name}
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; expected a folder that transformers can load, or a GGUF file")
    files = sorted(path.glob("*.gguf"))
    if (path / "config.json").is_file() or not files:
        return path, {}
    if len(files) > 1:
        raise InputError(f"{path}: holds {len(files)} GGUF files; name one of them, such as {files[0]}")
    return path, {"gguf_file": files[0].name}


def _ending_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    listed = model.generation_config.eos_token_id
    ends = {tokenizer.eos_token_id, *(listed if isinstance(listed, list) else [listed])} - {None}
    return frozenset(ends)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the longest common beginning."""
    shorter = min(len(one), len(other))
    differs = np.flatnonzero(np.asarray(one[:shorter]) != np.asarray(other[:shorter]))
    return int(differs[0]) if differs.size else shorter
