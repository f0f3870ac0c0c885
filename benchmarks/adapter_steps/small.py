"""What the steps share: a scenario with a short prompt, what its oracle says, and a transformer of random weights."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tool_gym.adapters.games import Games
from tool_gym.episode import Episode
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.sandbox.executor import Executor
from tool_gym.training.export import export


def shortest(pack: Pack) -> str:
    """The scenario of two steps or more whose tools and question are shortest."""
    several = [name for name in pack.ids() if pack[name].total > 1 and len(pack[name].turns) == 1]
    return min(several, key=lambda name: len(json.dumps([tool.chat_form for tool in pack[name].tools])))


def rows_of(games: Games, scenario: str) -> list[dict[str, Any]]:
    """The dataset `tool-gym export trl` of one scenario, gold kept out."""
    file = Path(mkdtemp()) / "rows.jsonl"
    export("trl", games.pack, file, split="all", gold=False)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["scenario"] == scenario]


def oracle_texts(scenario: str, pack: str = "starter") -> list[str]:
    """What a perfect model would write in each turn, in the format `hermes`."""
    source, texts = load_pack(pack), []
    with Executor() as executor:
        episode = Episode.of_pack(source, scenario, executor)
        oracle = OraclePolicy(source)
        while not episode.done:
            action = oracle(episode.observation, episode.info)
            calls = [{"name": call.name, "arguments": call.arguments} for call in action.tool_calls]
            written = "\n".join(f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>" for call in calls)
            texts.append(written or action.content)
            episode.step(action)
    return texts


def byte_tokenizer(template: str) -> Any:
    """A tokenizer of single bytes, with the tokens that end a message."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens(["<|im_start|>", "<|im_end|>", "<|endoftext|>"])
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=core, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=template)


def random_model(tokenizer: Any) -> Any:
    """A Qwen2 of a few thousand random weights."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=16384, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
        )
    )  # fmt: skip
