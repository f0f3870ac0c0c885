"""Rollouts through verl's own agent loop and token builder; the server behind it says what the oracle says, or not."""

from __future__ import annotations

import asyncio
import json
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
from omegaconf import OmegaConf
from small import byte_tokenizer, oracle_texts, shortest
from verl.experimental.agent_loop.agent_loop import DictConfigWrap
from verl.workers.rollout.replica import TokenOutput

from tool_gym.adapters.verl import ToolGymAgentLoop
from tool_gym.packs.reader import load_pack
from tool_gym.training.export import export

TEMPLATE = (
    "{% if tools %}<|im_start|>system\n{{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}"
    "{% for c in m.get('tool_calls', []) %}<tool_call>\n{{ c['function'] | tojson }}\n</tool_call>{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class Server:
    """Stands where verl's inference server stands."""

    def __init__(self, tokenizer: Any, texts: list[str]) -> None:
        self.tokenizer, self.texts = tokenizer, iter(texts)
        self.prompts: list[list[int]] = []

    async def generate(self, request_id: str, *, prompt_ids: list[int], **options: Any) -> TokenOutput:
        self.prompts.append(prompt_ids)
        ids = self.tokenizer(f"{next(self.texts)}<|im_end|>")["input_ids"]
        return TokenOutput(token_ids=ids, log_probs=[-1.0] * len(ids))


async def play(name: str, texts: list[str], expected: float) -> None:
    server = Server(TOKENIZER, texts)
    config = OmegaConf.create(
        {"actor_rollout_ref": {"rollout": {"prompt_length": 32768, "response_length": 8192}}, "data": {}}
    )
    loop = ToolGymAgentLoop(
        DictConfigWrap(config), server, TOKENIZER, None, SimpleNamespace, DictConfigWrap(config.data), pack="starter"
    )
    output = await loop.run({}, **ROW)
    mask = output.response_mask
    print(f"{name}: reward {output.reward_score}, {output.num_turns} messages, {len(output.prompt_ids)} prompt ids")
    print(f"{name}: {len(mask)} response ids, {sum(mask)} of them sampled")
    said = TOKENIZER.decode([token for token, own in zip(output.response_ids, mask, strict=True) if own])
    if said != "".join(f"{text}<|im_end|>" for text in texts) or abs(output.reward_score - expected) > 1e-9:
        raise SystemExit(f"{name}: expected a return of {expected} and the model's own text unmasked, got {said!r}")
    whole = output.prompt_ids + output.response_ids
    if any(whole[: len(prompt)] != prompt for prompt in server.prompts):
        raise SystemExit(f"{name}: a prompt that the server saw is no beginning of the sequence")


TOKENIZER = byte_tokenizer(TEMPLATE)
PACK = load_pack("starter")
SCENARIO = shortest(PACK)
FILE = Path(mkdtemp()) / "rows.parquet"
export("verl", PACK, FILE, split="all")
ROW = next(row for row in pq.read_table(FILE).to_pylist() if row["extra_info"]["scenario"] == SCENARIO)
print(f"verl {version('verl')}; scenario {SCENARIO} of starter; columns {json.dumps(sorted(ROW))}")
asyncio.run(play("oracle", oracle_texts(SCENARIO), 1.0))
asyncio.run(play("refusal", ["I do not know."], 0.0))
